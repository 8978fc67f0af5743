//! Figures of a leak analysis as text: rates in a fitting unit, shares, counts.

use crate::format;

/// A rate in bytes per second as bytes per minute, or per hour or day if that is less than 1 KB.
#[must_use]
pub fn rate(bytes_per_s: f64) -> String {
    const PER: [(f64, &str); 3] = [(60.0, "min"), (3600.0, "h"), (86_400.0, "day")];
    let magnitude = bytes_per_s.abs();
    let fits = PER.iter().find(|(seconds, _)| magnitude * seconds >= 1024.0);
    let (seconds, word) = *fits.unwrap_or(if magnitude * 86_400.0 < 0.5 { &PER[0] } else { &PER[2] });
    let value = (magnitude * seconds).round() as u64;
    let sign = if bytes_per_s < 0.0 && value > 0 { "-" } else { "" };
    format!("{sign}{}/{word}", format::bytes(value))
}

/// A share from 0 to 1. Less than all never reads as 100 %, more than nothing never as 0 %.
#[must_use]
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        p if p.is_nan() => "unknown".to_owned(),
        p if p <= 0.0 => "0 %".to_owned(),
        p if p < 0.1 => "under 0.1 %".to_owned(),
        p if p < 9.95 => format!("{p:.1} %"),
        p if p < 99.0 => format!("{p:.0} %"),
        p if p < 99.95 => format!("{p:.1} %"),
        p if p < 100.0 => "over 99.9 %".to_owned(),
        _ => "100 %".to_owned(),
    }
}

/// Confidence of a verdict, given from 0 to 1; at most 99 %, since no trace proves what happens after its end.
#[must_use]
pub fn confidence(share: f64) -> String {
    format!("{:.0} %", (share * 100.0).round().clamp(0.0, 99.0))
}

/// A number of things: `1 free`, `12,431 frees`.
#[must_use]
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", format::count(count), if count == 1 { one } else { many })
}

/// The first few of a list, and how many more there are.
#[must_use]
pub fn some_of(items: impl ExactSizeIterator<Item = String>, most: usize) -> String {
    let rest = items.len().saturating_sub(most);
    let shown: Vec<String> = items.take(most).collect();
    let shown = shown.join(", ");
    if rest > 0 { format!("{shown} and {rest} more") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_the_unit_that_suits_them() {
        let shown: Vec<String> = [2.0 * 1024.0 * 1024.0 / 60.0, 1.0, 0.1, 0.0, -100.0, 0.000_1].map(rate).into();
        assert_eq!(shown, ["2.00 MB/min", "3.52 KB/h", "8.44 KB/day", "0 B/min", "-5.86 KB/min", "9 B/day"]);
    }

    #[test]
    fn nearly_all_is_not_all() {
        let shown: Vec<String> = [1.0, 0.999_9, 0.994, 0.87, 0.013, 0.000_1, 0.0].map(percent).into();
        assert_eq!(shown, ["100 %", "over 99.9 %", "99.4 %", "87 %", "1.3 %", "under 0.1 %", "0 %"]);
        assert_eq!([1.0, 0.874, -0.1].map(confidence), ["99 %", "87 %", "0 %"]);
    }

    #[test]
    fn lists_are_cut() {
        let items = || ["a", "b", "c"].map(str::to_owned).into_iter();
        assert_eq!((some_of(items(), 2), some_of(items(), 3)), ("a, b and 1 more".to_owned(), "a, b, c".to_owned()));
        assert_eq!(
            (counted(1, "free", "frees"), counted(1000, "free", "frees")),
            ("1 free".into(), "1,000 frees".into())
        );
    }
}
