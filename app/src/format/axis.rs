//! Axes of graphs: round steps, ticks at their multiples, and the text of each tick. One rule for the graph of the window and
//! the graph of the HTML report.

use super::{PAGE_BYTES, bytes, counted, decimal};

/// Kind of the values of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AxisUnit {
    /// Bytes, in binary units.
    Bytes,
    /// A number of things.
    Count,
    /// Bytes per second.
    BytesPerSecond,
    /// Things per second.
    CountPerSecond,
}

impl AxisUnit {
    const fn is_binary(self) -> bool {
        matches!(self, Self::Bytes | Self::BytesPerSecond)
    }
}

/// A round step of which at most `ticks` fit into `span`: 1, 2 or 5 times a power of ten, for bytes of the binary unit that `span`
/// is written in. Without a unit it is a step of seconds, which may be below 1.
#[must_use]
pub fn round_step(span: f64, ticks: f64, unit: Option<AxisUnit>) -> f64 {
    let least = span / ticks.max(1.0);
    if !least.is_finite() || least <= 0.0 {
        return 1.0;
    }
    let base = if unit.is_some_and(AxisUnit::is_binary) { binary_unit(span).1 } else { 1.0 };
    let power = 10_f64.powf((least / base).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power * base).find(|s| *s >= least * (1.0 - 1e-9));
    let step = step.unwrap_or(10.0 * power * base);
    // There is nothing between one thing, or one byte, and the next.
    let least_step = if unit.is_some() { 1.0 } else { 0.0 };
    step.max(least_step)
}

/// The multiples of `step` in `[low, high]`; none where there would be more than 1,000.
#[must_use]
pub fn ticks(low: f64, high: f64, step: f64) -> Vec<f64> {
    if step <= 0.0 || !(high - low).is_finite() || (high - low) / step > 1000.0 {
        return Vec::new();
    }
    // Ends that miss a multiple only by the rounding of the division are on it.
    let first = (low / step - 1e-6).ceil() as i64;
    let last = (high / step + 1e-6).floor() as i64;
    (first..=last).map(|n| n as f64 * step).collect()
}

/// Ticks from 0 to `highest`, at most `wanted` steps apart, with their text.
#[must_use]
pub fn value_ticks(highest: f64, wanted: f64, unit: AxisUnit) -> Vec<(f64, String)> {
    let step = round_step(highest.max(1.0), wanted, Some(unit));
    let text = |value| (value, tick_text(value, step, highest.max(1.0), unit));
    ticks(0.0, highest.max(1.0), step).into_iter().map(text).collect()
}

/// Steps of times beyond ten minutes: of quarters of an hour, hours and days, in seconds.
const LONG_STEPS: [f64; 10] =
    [900.0, 1800.0, 3600.0, 7200.0, 10_800.0, 21_600.0, 43_200.0, 86_400.0, 172_800.0, 604_800.0];

/// A round step of time of which at most `ticks` fit into `span`, in seconds.
#[must_use]
pub fn time_step(span: f64, ticks: f64) -> f64 {
    let least = span / ticks.max(1.0);
    let long = LONG_STEPS.into_iter().find(|step| *step >= least * (1.0 - 1e-9));
    match long {
        Some(step) if least > LONG_STEPS[0] / 2.0 => step,
        None if least.is_finite() => (least / 604_800.0).ceil() * 604_800.0,
        _ => round_step(span, ticks, None),
    }
}

/// A time of quarters of an hour: `8 h 15 min`, `2 d 6 h`.
fn long_time_text(seconds: f64) -> String {
    let minutes = (seconds.abs() / 60.0).round() as u64;
    let parts = [(minutes / 1440, "d"), (minutes / 60 % 24, "h"), (minutes % 60, "min")];
    let shown: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}")).collect();
    let sign = if seconds < 0.0 { "-" } else { "" };
    if shown.is_empty() { "0 h".to_owned() } else { format!("{sign}{}", shown.join(" ")) }
}

/// Ticks between two times in seconds, at most `wanted` steps apart, with their text.
#[must_use]
pub fn time_ticks(from: f64, to: f64, wanted: f64) -> Vec<(f64, String)> {
    let length = to - from;
    if !length.is_finite() || length <= 0.0 {
        return Vec::new();
    }
    let step = time_step(length, wanted);
    ticks(from, to, step).into_iter().map(|time| (time, time_text(time, step))).collect()
}

/// A value at a tick. All ticks of an axis have the unit in which its `highest` value is written, as legends write it; `step` is the
/// distance between two of them.
#[must_use]
pub fn tick_text(value: f64, step: f64, highest: f64, unit: AxisUnit) -> String {
    let text = if unit.is_binary() { binary_tick(value, step, highest) } else { fraction(value) };
    with_time(text, unit)
}

/// The binary unit that a number of bytes is written in, and its size in bytes.
fn binary_unit(value: f64) -> (&'static str, f64) {
    const UNITS: [&str; 6] = ["B", "KB", "MB", "GB", "TB", "PB"];
    let mut scale = 1.0;
    let mut unit = 0;
    while value >= scale * 1024.0 && unit + 1 < UNITS.len() {
        scale *= 1024.0;
        unit += 1;
    }
    (UNITS[unit], scale)
}

fn binary_tick(value: f64, step: f64, highest: f64) -> String {
    let (unit, scale) = binary_unit(highest);
    let digits = decimals_of(step / scale);
    format!("{:.digits$} {unit}", value / scale)
}

/// A value by itself, as a tooltip or a legend shows it.
#[must_use]
pub fn value_text(value: f64, unit: AxisUnit) -> String {
    let sign = if value <= -0.5 && unit.is_binary() { "-" } else { "" };
    let text = if unit.is_binary() { bytes(value.abs().round() as u64) } else { fraction(value) };
    with_time(format!("{sign}{text}"), unit)
}

fn with_time(text: String, unit: AxisUnit) -> String {
    match unit {
        AxisUnit::Bytes | AxisUnit::Count => text,
        AxisUnit::BytesPerSecond | AxisUnit::CountPerSecond => text + "/s",
    }
}

/// A value with all that is known of it: bytes in pages, too: `23.1 MB, 5,914 pages`.
#[must_use]
pub fn full_value_text(value: f64, unit: AxisUnit) -> String {
    let text = value_text(value, unit);
    if unit != AxisUnit::Bytes || value < PAGE_BYTES as f64 {
        return text;
    }
    let pages = (value / PAGE_BYTES as f64).ceil() as u64;
    format!("{text}, {}", counted(pages, "page", "pages"))
}

/// A number with separators, and with one decimal where it is below 10 and not whole.
fn fraction(value: f64) -> String {
    let digits = if value.abs() < 10.0 && value.fract() != 0.0 { 1 } else { 0 };
    decimal(value, digits)
}

/// The number of decimals that a step of this size needs.
fn decimals_of(step: f64) -> usize {
    let whole = |d: &i32| {
        let scaled = step * 10_f64.powi(*d);
        scaled.round() >= 1.0 && (scaled - scaled.round()).abs() < 1e-6
    };
    (0..9).find(whole).unwrap_or(9) as usize
}

/// A time in seconds; `step` is the distance between two ticks (0: milliseconds). Digits beyond milliseconds are in groups of
/// three: `12.000 250 s`.
#[must_use]
pub fn time_text(seconds: f64, step: f64) -> String {
    if step >= LONG_STEPS[0] {
        return long_time_text(seconds);
    }
    let digits = if step > 0.0 { decimals_of(step) } else { 3 };
    // Whole groups: five digits in a row are hard to count.
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

/// A time as exactly as `resolution`, the seconds per point of the screen, allows: milliseconds at least.
#[must_use]
pub fn exact_time_text(seconds: f64, resolution: f64) -> String {
    match resolution {
        r if r >= 5.0 => long_time_text(seconds),
        r if r <= 0.0 || r >= 2e-4 => time_text(seconds, 0.0),
        r if r >= 2e-7 => time_text(seconds, 1e-6),
        _ => time_text(seconds, 1e-9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: f64 = 1_048_576.0;

    #[test]
    fn long_times_are_hours_and_days() {
        assert_eq!(
            [600.0, 3600.0, 39_600.0, 86_400.0 * 9.0].map(|span| time_step(span, 6.0)),
            [100.0, 900.0, 7200.0, 172_800.0]
        );
        assert_eq!(
            [0.0, 900.0, 29_700.0, 194_400.0].map(|time| time_text(time, 900.0)),
            ["0 h", "15 min", "8 h 15 min", "2 d 6 h"]
        );
        assert_eq!(exact_time_text(29_700.0, 60.0), "8 h 15 min");
    }

    #[test]
    fn steps_are_round() {
        assert_eq!(round_step(60.0, 6.0, None), 10.0);
        assert!((round_step(0.7, 7.0, None) - 0.1).abs() < 1e-12);
        assert_eq!(round_step(24.0 * MB, 5.0, Some(AxisUnit::Bytes)), 5.0 * MB);
        assert_eq!(round_step(2500.0, 5.0, Some(AxisUnit::Bytes)), 512.0);
        assert_eq!(round_step(900.0, 5.0, Some(AxisUnit::Bytes)), 200.0);
        assert_eq!(round_step(3000.0, 5.0, Some(AxisUnit::Bytes)), 1024.0);
        assert_eq!(round_step(3.0, 5.0, Some(AxisUnit::Count)), 1.0);
        assert_eq!(round_step(0.0, 5.0, None), 1.0);
    }

    #[test]
    fn ticks_are_at_multiples() {
        assert_eq!(ticks(0.5, 3.5, 1.0), [1.0, 2.0, 3.0]);
        assert_eq!(ticks(0.0, 0.3, 0.1).len(), 4);
        assert_eq!(ticks(12.0, 12.0 + 1e-8, 2e-9).len(), 6);
        assert!(ticks(0.0, 1.0, 1e-9).is_empty(), "too many to be meant");
    }

    #[test]
    fn ticks_have_the_unit_of_the_legend() {
        let texts = |ticks: Vec<(f64, String)>| ticks.into_iter().map(|tick| tick.1).collect::<Vec<_>>();
        let of_bytes = |highest, wanted| texts(value_ticks(highest, wanted, AxisUnit::Bytes));
        assert_eq!(of_bytes(7.8 * MB, 5.0), ["0 MB", "2 MB", "4 MB", "6 MB"]);
        assert_eq!(of_bytes(300.0 * MB, 4.0), ["0 MB", "100 MB", "200 MB", "300 MB"]);
        assert_eq!(of_bytes(3.0, 4.0), ["0 B", "1 B", "2 B", "3 B"]);
        assert_eq!(of_bytes(0.0, 4.0), ["0 B", "1 B"]);
        assert_eq!(of_bytes(3.03 * MB, 7.0), ["0.0 MB", "0.5 MB", "1.0 MB", "1.5 MB", "2.0 MB", "2.5 MB", "3.0 MB"]);
        assert_eq!(of_bytes(1.1 * MB, 6.0), ["0.0 MB", "0.2 MB", "0.4 MB", "0.6 MB", "0.8 MB", "1.0 MB"]);
        assert_eq!(of_bytes(1000.0 * 1024.0, 4.0), ["0 KB", "500 KB", "1000 KB"]);
        let rate = tick_text(1.5 * MB, 0.5 * MB, 3.0 * MB, AxisUnit::BytesPerSecond);
        assert_eq!(rate, "1.5 MB/s");
        let of_time = |from, to, wanted| texts(time_ticks(from, to, wanted));
        assert_eq!(of_time(0.0, 61.0, 7.0), ["0 s", "10 s", "20 s", "30 s", "40 s", "50 s", "60 s"]);
        assert_eq!(of_time(0.1, 0.35, 6.0), ["0.10 s", "0.15 s", "0.20 s", "0.25 s", "0.30 s", "0.35 s"]);
        assert!(of_time(1.0, 1.0, 5.0).is_empty() && of_time(0.0, f64::INFINITY, 5.0).is_empty());
    }

    #[test]
    fn values_and_times_have_the_digits_that_matter() {
        assert_eq!(value_text(23.1 * MB, AxisUnit::Bytes), "23.1 MB");
        assert_eq!(value_text(5.0, AxisUnit::Bytes), "5 B");
        assert_eq!(value_text(-2048.0, AxisUnit::BytesPerSecond), "-2.00 KB/s");
        assert_eq!(value_text(1_234_567.0, AxisUnit::Count), "1,234,567");
        assert_eq!(value_text(2.5, AxisUnit::CountPerSecond), "2.5/s");
        assert_eq!(time_text(12.4, 0.2), "12.4 s");
        assert_eq!(time_text(12.0, 5.0), "12 s");
        assert_eq!(time_text(12.000_25, 0.000_05), "12.000 250 s");
        assert_eq!(time_text(12.000_25, 2e-9), "12.000 250 000 s");
        assert_eq!(exact_time_text(12.000_25, 0.01), "12.000 s");
        assert_eq!(exact_time_text(12.000_25, 1e-6), "12.000 250 s");
        assert_eq!(exact_time_text(1.000_000_01, 1e-11), "1.000 000 010 s");
    }

    #[test]
    fn bytes_are_shown_in_pages_too() {
        assert_eq!(full_value_text(5914.0 * 4096.0, AxisUnit::Bytes), "23.1 MB, 5,914 pages");
        assert_eq!(full_value_text(4096.0, AxisUnit::Bytes), "4.00 KB, 1 page");
        assert_eq!(full_value_text(100.0, AxisUnit::Bytes), "100 B");
        assert_eq!(full_value_text(4096.0, AxisUnit::Count), "4,096");
    }
}
