//! How the graph writes values and times. Pure functions; never draws.

use super::model::Unit;

/// Bytes of one page of memory.
const PAGE_BYTES: f64 = 4096.0;

/// A value with its unit, as axis and tooltip write it. `step` is the distance between two marks (0: write three
/// digits): all marks of an axis have the unit of their step, since 1500 KB is no round number of MB.
#[must_use]
pub fn value_text(value: f64, step: f64, unit: Unit) -> String {
    match unit {
        Unit::Bytes => binary_text(value, step),
        Unit::BytesPerSecond => format!("{}/s", binary_text(value, step)),
        Unit::Count => count_text(value),
        Unit::CountPerSecond => format!("{}/s", count_text(value)),
    }
}

fn binary_text(value: f64, step: f64) -> String {
    const UNITS: [&str; 6] = ["B", "KB", "MB", "GB", "TB", "PB"];
    let measure = if step > 0.0 { step } else { value.abs() };
    let mut scale = 1.0;
    let mut unit = 0;
    while measure >= scale * 1024.0 && unit + 1 < UNITS.len() {
        scale *= 1024.0;
        unit += 1;
    }
    let scaled = value / scale;
    let digits = if step > 0.0 { digits_of(step / scale) } else { three_digits(scaled, unit == 0) };
    format!("{scaled:.digits$} {}", UNITS[unit])
}

fn count_text(value: f64) -> String {
    let digits = if value.abs() < 10.0 && value.fract() != 0.0 { 1 } else { 0 };
    let plain = format!("{value:.digits$}");
    let (sign, rest) = plain.strip_prefix('-').map_or(("", plain.as_str()), |rest| ("-", rest));
    let (whole, part) = rest.split_once('.').map_or((rest, None), |(w, p)| (w, Some(p)));
    let mut out = String::from(sign);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(part) = part {
        out.push('.');
        out.push_str(part);
    }
    out
}

fn three_digits(value: f64, whole: bool) -> usize {
    match value.abs() {
        _ if whole => 0,
        v if v < 10.0 => 2,
        v if v < 100.0 => 1,
        _ => 0,
    }
}

/// How many decimals show a step of this size.
fn digits_of(step: f64) -> usize {
    let whole = |d: &i32| {
        let scaled = step * 10_f64.powi(*d);
        scaled.round() >= 1.0 && (scaled - scaled.round()).abs() < 1e-6
    };
    (0..9).find(whole).unwrap_or(9) as usize
}

/// A value at its fullest: bytes also in pages of 4 KB, "23.1 MB, 5,914 pages".
#[must_use]
pub fn full_value_text(value: f64, unit: Unit) -> String {
    let text = value_text(value, 0.0, unit);
    if unit != Unit::Bytes || value < PAGE_BYTES {
        return text;
    }
    let pages = (value / PAGE_BYTES).ceil();
    format!("{text}, {} {}", count_text(pages), if pages == 1.0 { "page" } else { "pages" })
}

/// A time in seconds; `step` is the distance between two marks (0: milliseconds). Digits beyond milliseconds stand in groups
/// of three: "12.000 250 s".
#[must_use]
pub fn time_text(seconds: f64, step: f64) -> String {
    let digits = if step > 0.0 { digits_of(step) } else { 3 };
    // Whole groups: nobody counts five digits.
    let digits = if digits > 3 { digits.div_ceil(3) * 3 } else { digits };
    let plain = format!("{seconds:.digits$}");
    let Some((whole, part)) = plain.split_once('.') else { return format!("{plain} s") };
    let mut out = format!("{whole}.");
    for (at, digit) in part.chars().enumerate() {
        if at > 0 && at % 3 == 0 {
            out.push(' ');
        }
        out.push(digit);
    }
    out + " s"
}

/// A time as exactly as `resolution`, the seconds that one point of the screen stands for, can tell: milliseconds at least.
#[must_use]
pub fn exact_time_text(seconds: f64, resolution: f64) -> String {
    match resolution {
        r if r <= 0.0 || r >= 2e-4 => time_text(seconds, 0.0),
        r if r >= 2e-7 => time_text(seconds, 1e-6),
        _ => time_text(seconds, 1e-9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_people_write_them() {
        let mb = 1024.0 * 1024.0;
        assert_eq!(value_text(23.1 * mb, 0.0, Unit::Bytes), "23.1 MB");
        assert_eq!(value_text(5.0, 0.0, Unit::Bytes), "5 B");
        assert_eq!(value_text(20.0 * mb, 10.0 * mb, Unit::Bytes), "20 MB");
        assert_eq!(value_text(0.0, 10.0 * mb, Unit::Bytes), "0 MB");
        assert_eq!(value_text(1500.0 * 1024.0, 500.0 * 1024.0, Unit::Bytes), "1500 KB");
        assert_eq!(value_text(1_234_567.0, 0.0, Unit::Count), "1,234,567");
        assert_eq!(value_text(2.5, 0.0, Unit::CountPerSecond), "2.5/s");
        assert_eq!(time_text(12.4, 0.2), "12.4 s");
        assert_eq!(time_text(12.0, 5.0), "12 s");
        assert_eq!(time_text(12.000_25, 0.000_05), "12.000 250 s");
        assert_eq!(time_text(12.000_25, 2e-9), "12.000 250 000 s");
        assert_eq!(exact_time_text(12.000_25, 0.01), "12.000 s");
        assert_eq!(exact_time_text(12.000_25, 1e-6), "12.000 250 s");
        assert_eq!(exact_time_text(1.000_000_01, 1e-11), "1.000 000 010 s");
    }

    #[test]
    fn bytes_are_told_in_pages_too() {
        assert_eq!(full_value_text(5914.0 * 4096.0, Unit::Bytes), "23.1 MB, 5,914 pages");
        assert_eq!(full_value_text(4096.0, Unit::Bytes), "4.00 KB, 1 page");
        assert_eq!(full_value_text(100.0, Unit::Bytes), "100 B");
        assert_eq!(full_value_text(4096.0, Unit::Count), "4,096");
    }
}
