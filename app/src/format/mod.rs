//! Figures as text: bytes, counts, differences, rates, durations, times, shares. The command line, the window and the HTML
//! report use the same functions, so that a value never reads in two ways. CSV and JSON do not: their figures are exact.

pub mod axis;
pub mod column;

use poolscope_analysis::pivot::Value;
use poolscope_analysis::pivot::metric::Unit;
use poolscope_analysis::trace::time::{Clock, Ticks};

/// Bytes of a page of memory on x86, x64 and ARM64 Windows.
pub const PAGE_BYTES: u64 = 4096;

/// 100 ns intervals between 1601 (FILETIME) and 1970 (Unix).
const FILETIME_TO_UNIX: i64 = 116_444_736_000_000_000;

/// Bytes with a binary unit, as WPA shows them: `0 B`, `512 B`, `12.3 KB`, `1.50 GB`.
#[must_use]
pub fn bytes(value: u64) -> String {
    let (number, unit) = bytes_parts(value);
    format!("{number} {unit}")
}

/// The number and the unit of [`bytes`], separately.
#[must_use]
pub fn bytes_parts(value: u64) -> (String, &'static str) {
    const UNITS: [&str; 6] = ["KB", "MB", "GB", "TB", "PB", "EB"];
    if value < 1024 {
        return (value.to_string(), "B");
    }
    let mut scaled = value as f64 / 1024.0;
    let mut unit = 0;
    // 1023.95 would round to "1024.0": the next unit takes it.
    while scaled >= 1023.95 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    let digits = if scaled < 9.995 { 2 } else { 1 };
    (format!("{scaled:.digits$}"), UNITS[unit])
}

/// Bytes that may be negative: `-2.00 KB`.
#[must_use]
pub fn signed_bytes(value: impl Into<i128>) -> String {
    signed(value.into(), bytes)
}

/// A whole number that may be negative: `-1,234`.
#[must_use]
pub fn signed_count(value: impl Into<i128>) -> String {
    signed(value.into(), count)
}

/// A difference in bytes, with its sign: `+2.00 KB`, `-2.00 KB`, `0 B`.
#[must_use]
pub fn delta_bytes(value: impl Into<i128>) -> String {
    delta(value.into(), bytes)
}

/// A difference between two counts, with its sign: `+1,234`.
#[must_use]
pub fn delta_count(value: impl Into<i128>) -> String {
    delta(value.into(), count)
}

fn delta(value: i128, magnitude: fn(u64) -> String) -> String {
    format!("{}{}", if value > 0 { "+" } else { "" }, signed(value, magnitude))
}

fn signed(value: i128, magnitude: fn(u64) -> String) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}", magnitude(u64::try_from(value.unsigned_abs()).unwrap_or(u64::MAX)))
}

/// Bytes per second in the largest of B, KB, MB, …: `1.50 MB/s`.
#[must_use]
pub fn bytes_per_second(value: f64) -> String {
    format!("{}/s", signed(value.round() as i128, bytes))
}

/// Growth in bytes per minute without its unit of time, for a column that names it.
#[must_use]
pub fn growth_per_minute(bytes_per_s: f64) -> String {
    let per_minute = bytes_per_s * 60.0;
    let sign = if per_minute <= -1.0 { "-" } else { "" };
    format!("{sign}{}", bytes(per_minute.abs() as u64))
}

/// Bytes per second as a rate of growth: per minute, or per hour or day where that would be less than 1 KB.
#[must_use]
pub fn growth_rate(bytes_per_s: f64) -> String {
    const PER: [(f64, &str); 3] = [(60.0, "min"), (3600.0, "h"), (86_400.0, "day")];
    let magnitude = bytes_per_s.abs();
    let fits = PER.iter().find(|(seconds, _)| magnitude * seconds >= 1024.0);
    let (seconds, per) = *fits.unwrap_or(if magnitude * 86_400.0 < 0.5 { &PER[0] } else { &PER[2] });
    let value = (magnitude * seconds).round() as u64;
    let sign = if bytes_per_s < 0.0 && value > 0 { "-" } else { "" };
    format!("{sign}{}/{per}", bytes(value))
}

/// A whole number with thousands separated by commas.
#[must_use]
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with a fixed number of decimals and thousands separated by commas; never `-0`.
fn decimal(value: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", value.abs());
    let (whole, decimals) = text.split_at(text.find('.').unwrap_or(text.len()));
    let sign = if value < 0.0 && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) { "-" } else { "" };
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), count);
    format!("{sign}{whole}{decimals}")
}

/// A number of things with their noun: `1 block`, `12,431 blocks`.
#[must_use]
pub fn counted(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(value), if value == 1 { one } else { many })
}

/// Text with an upper-case first letter, as labels have.
#[must_use]
pub fn sentence_case(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
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

/// A share of a whole with one decimal throughout, for figures that are compared with each other. Less than all never reads as
/// 100 %, more than nothing never as 0 %.
#[must_use]
pub fn share_of(part: u64, whole: u64) -> String {
    match part as f64 / whole as f64 * 100.0 {
        _ if part == 0 => "0 %".to_owned(),
        _ if part >= whole => "100 %".to_owned(),
        percent if percent < 0.1 => "under 0.1 %".to_owned(),
        percent if percent > 99.9 => "over 99.9 %".to_owned(),
        percent => format!("{percent:.1} %"),
    }
}

/// A share from 0 to 1 as whole percent.
#[must_use]
pub fn whole_percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// The confidence of a verdict, from 0 to 1: never more than 99 %, as no trace proves what comes after its end.
#[must_use]
pub fn confidence(share: f64) -> String {
    whole_percent((share * 100.0).round().clamp(0.0, 99.0) / 100.0)
}

/// A duration with a fitting unit: `340 ns`, `1.20 ms`, `12.4 s`, `3 min 20 s`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "unknown".to_owned();
    }
    let magnitude = seconds.abs();
    match magnitude {
        0.0 => "0 s".to_owned(),
        m if m < 1e-6 => format!("{:.0} ns", seconds * 1e9),
        m if m < 1e-3 => format!("{:.1} µs", seconds * 1e6),
        m if m < 1.0 => format!("{:.2} ms", seconds * 1e3),
        m if m < 120.0 => format!("{seconds:.2} s"),
        m if m < 7200.0 => format!("{} min {:.0} s", (seconds / 60.0).trunc(), (magnitude % 60.0).trunc()),
        _ => format!("{} h {:.0} min", (seconds / 3600.0).trunc(), (magnitude % 3600.0 / 60.0).trunc()),
    }
}

/// A duration that may be days or years: `12 days`, `2 years`; below two days as [`duration`].
#[must_use]
pub fn long_duration(seconds: f64) -> String {
    const DAY: f64 = 86_400.0;
    match seconds / DAY {
        days if days < 2.0 => duration(seconds),
        days if days < 730.0 => format!("{days:.0} days"),
        days if days < 365_000.0 => format!("{:.0} years", days / 365.25),
        _ => "over 1,000 years".to_owned(),
    }
}

/// A time in seconds with a fixed number of decimals: `12.400 s`.
#[must_use]
pub fn seconds(value: f64, decimals: usize) -> String {
    format!("{value:.decimals$} s")
}

/// A time of a trace in seconds from its start, with milliseconds.
#[must_use]
pub fn trace_time(clock: &Clock, time: Ticks) -> String {
    seconds(clock.seconds(time), 3)
}

/// Elapsed time as `hh:mm:ss`, as `wpr -status` writes it.
#[must_use]
pub fn elapsed(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    format!("{:02}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
}

/// A FILETIME as RFC 3339 in UTC; `None` if it is zero or outside of what a calendar holds.
#[must_use]
pub fn rfc3339(filetime: i64) -> Option<String> {
    if filetime <= 0 {
        return None;
    }
    let nanoseconds = (i128::from(filetime) - i128::from(FILETIME_TO_UNIX)) * 100;
    jiff::Timestamp::from_nanosecond(nanoseconds).ok().map(|time| time.to_string())
}

/// The FILETIME of a time in RFC 3339; `None` if the text is no such time.
#[must_use]
pub fn filetime(text: &str) -> Option<i64> {
    let time: jiff::Timestamp = text.parse().ok()?;
    i64::try_from(time.as_nanosecond() / 100 + i128::from(FILETIME_TO_UNIX)).ok()
}

/// Wall-clock time of a moment of a trace, RFC 3339 in UTC.
#[must_use]
pub fn wall_clock(clock: &Clock, time: Ticks) -> Option<String> {
    if time.is_known() { rfc3339(clock.filetime(time)) } else { None }
}

/// A value of a pivot in its unit; `-` where there is none.
#[must_use]
pub fn figure(number: Value, unit: Unit) -> String {
    match (number, unit) {
        (Value::None, _) => "-".to_owned(),
        (Value::Int(value), Unit::Count | Unit::Ratio) => signed(value, count),
        (Value::Int(value), Unit::Bytes) => signed(value, bytes),
        (Value::Int(value), Unit::BytesPerSecond) => format!("{}/s", signed(value, bytes)),
        (Value::Int(value), Unit::Seconds) => duration(value as f64),
        (Value::Float(value), Unit::Seconds) => duration(value),
        (Value::Float(value), Unit::Bytes) => signed(value.round() as i128, bytes),
        (Value::Float(value), Unit::BytesPerSecond) => bytes_per_second(value),
        (Value::Float(value), Unit::Count | Unit::Ratio) => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_keep_three_digits() {
        let shown: Vec<String> = [0, 1023, 1024, 12_595, 1_048_575, 1 << 20, 3 << 29].map(bytes).into();
        assert_eq!(shown, ["0 B", "1023 B", "1.00 KB", "12.3 KB", "1.00 MB", "1.00 MB", "1.50 GB"]);
        assert_eq!(signed_bytes(-2048), "-2.00 KB");
        assert_eq!([2048, -2048, 0].map(delta_bytes), ["+2.00 KB", "-2.00 KB", "0 B"]);
        assert_eq!(delta_count(1234), "+1,234");
    }

    #[test]
    fn growth_has_the_unit_of_time_that_suits_it() {
        let shown: Vec<String> = [2.0 * 1024.0 * 1024.0 / 60.0, 1.0, 0.1, 0.0, -100.0, 0.000_1].map(growth_rate).into();
        assert_eq!(shown, ["2.00 MB/min", "3.52 KB/h", "8.44 KB/day", "0 B/min", "-5.86 KB/min", "9 B/day"]);
        assert_eq!([1024.0, -1024.0, -0.01].map(growth_per_minute), ["60.0 KB", "-60.0 KB", "0 B"]);
    }

    #[test]
    fn nearly_all_is_not_all() {
        let shown: Vec<String> = [1.0, 0.999_9, 0.994, 0.87, 0.013, 0.000_1, 0.0].map(percent).into();
        assert_eq!(shown, ["100 %", "over 99.9 %", "99.4 %", "87 %", "1.3 %", "under 0.1 %", "0 %"]);
        assert_eq!([1.0, 0.874, -0.1].map(confidence), ["99 %", "87 %", "0 %"]);
        let shares = [(0, 0), (5, 5), (1, 3), (1, 100_000), (99_999, 100_000)].map(|(part, all)| share_of(part, all));
        assert_eq!(shares, ["0 %", "100 %", "33.3 %", "under 0.1 %", "over 99.9 %"]);
    }

    #[test]
    fn figures_read_in_their_unit() {
        assert_eq!(figure(Value::Int(-2048), Unit::Bytes), "-2.00 KB");
        assert_eq!(figure(Value::Float(1536.2), Unit::BytesPerSecond), "1.50 KB/s");
        assert_eq!(figure(Value::Int(12_345), Unit::Count), "12,345");
        assert_eq!(figure(Value::Float(0.5), Unit::Ratio), "0.50");
        assert_eq!(figure(Value::None, Unit::Seconds), "-");
    }

    #[test]
    fn counts_have_separators_and_nouns() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([1, 1000].map(|n| counted(n, "free", "frees")), ["1 free", "1,000 frees"]);
    }

    #[test]
    fn times_read_well() {
        assert_eq!(duration(0.00034), "340.0 µs");
        assert_eq!(duration(200.0), "3 min 20 s");
        let far = [7200.0, 86_400.0 * 12.0, 86_400.0 * 800.0, 1e12].map(long_duration);
        assert_eq!(far, ["2 h 0 min", "12 days", "2 years", "over 1,000 years"]);
        assert_eq!((elapsed(3725.9), seconds(1.25, 1)), ("01:02:05".to_owned(), "1.2 s".to_owned()));
        assert_eq!(rfc3339(132_000_000_001_234_567).as_deref(), Some("2019-04-17T18:40:00.1234567Z"));
        assert_eq!(rfc3339(0), None);
    }
}
