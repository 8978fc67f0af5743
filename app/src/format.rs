//! Figures for people: bytes, counts, times, shares. One place for the command line and the window, so that the same
//! value never reads in two ways. Machine formats never go through here: their figures are exact.

use poolscope_analysis::pivot::Value;
use poolscope_analysis::pivot::metric::Unit;
use poolscope_analysis::trace::time::{Clock, Ticks};

/// 100 ns intervals between 1601 (FILETIME) and 1970 (Unix).
const FILETIME_TO_UNIX: i64 = 116_444_736_000_000_000;

/// Bytes with a binary unit, as WPA shows them: `0 B`, `512 B`, `12.3 KB`, `1.50 GB`.
#[must_use]
pub fn bytes(value: u64) -> String {
    let (number, unit) = bytes_parts(value);
    format!("{number} {unit}")
}

/// The number and the unit of [`bytes`], apart.
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

/// Bytes that may be negative.
#[must_use]
pub fn signed_bytes(value: i64) -> String {
    if value < 0 { format!("-{}", bytes(value.unsigned_abs())) } else { bytes(value.unsigned_abs()) }
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

/// A FILETIME as RFC 3339 in UTC; `None` if it is zero or outside of what a calendar holds.
#[must_use]
pub fn rfc3339(filetime: i64) -> Option<String> {
    if filetime <= 0 {
        return None;
    }
    let nanoseconds = (i128::from(filetime) - i128::from(FILETIME_TO_UNIX)) * 100;
    jiff::Timestamp::from_nanosecond(nanoseconds).ok().map(|time| time.to_string())
}

/// Wall-clock time of a moment of a trace, RFC 3339 in UTC.
#[must_use]
pub fn wall_clock(clock: &Clock, time: Ticks) -> Option<String> {
    if time.is_known() { rfc3339(clock.filetime(time)) } else { None }
}

/// A figure of a pivot in its unit; `-` where there is none.
#[must_use]
pub fn figure(number: Value, unit: Unit) -> String {
    let signed = |value: i128, show: fn(u64) -> String| {
        let magnitude = u64::try_from(value.unsigned_abs()).unwrap_or(u64::MAX);
        format!("{}{}", if value < 0 { "-" } else { "" }, show(magnitude))
    };
    match (number, unit) {
        (Value::None, _) => "-".to_owned(),
        (Value::Int(value), Unit::Count | Unit::Ratio) => signed(value, count),
        (Value::Int(value), Unit::Bytes) => signed(value, bytes),
        (Value::Int(value), Unit::BytesPerSecond) => format!("{}/s", signed(value, bytes)),
        (Value::Int(value), Unit::Seconds) => duration(value as f64),
        (Value::Float(value), Unit::Seconds) => duration(value),
        (Value::Float(value), Unit::Bytes) => signed(value.round() as i128, bytes),
        (Value::Float(value), Unit::BytesPerSecond) => format!("{}/s", signed(value.round() as i128, bytes)),
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
    fn counts_have_separators() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn times_read_well() {
        assert_eq!(duration(0.00034), "340.0 µs");
        assert_eq!(duration(200.0), "3 min 20 s");
        assert_eq!(rfc3339(132_000_000_001_234_567).as_deref(), Some("2019-04-17T18:40:00.1234567Z"));
        assert_eq!(rfc3339(0), None);
    }
}
