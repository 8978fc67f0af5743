//! Round tick values for axes.

use crate::format;

/// About `wanted` round values from 0 to `highest` bytes with their labels.
pub fn bytes(highest: f64, wanted: f64) -> Vec<(f64, String)> {
    let highest = highest.max(1.0);
    let unit = 1024_f64.powf((highest.log2() / 10.0).floor().max(0.0));
    let step = (step(highest / unit, wanted) * unit).max(1.0);
    let count = (highest / step).floor() as usize;
    (0..=count).map(|k| k as f64 * step).map(|value| (value, short(value))).collect()
}

/// Bytes without trailing zeros.
fn short(value: f64) -> String {
    let (number, unit) = format::bytes_parts(value.round() as u64);
    let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { &number };
    format!("{number} {unit}")
}

/// About `wanted` round values between two times in seconds with their labels.
pub fn seconds(from: f64, to: f64, wanted: f64) -> Vec<(f64, String)> {
    let length = to - from;
    if !length.is_finite() || length <= 0.0 {
        return Vec::new();
    }
    let step = step(length, wanted);
    let digits = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
    // An end that misses a tick by rounding only counts as on it.
    let (first, last) = ((from / step - 1e-6).ceil(), (to / step + 1e-6).floor());
    let count = (last - first).clamp(0.0, 100.0) as usize;
    (0..=count).map(|k| (first + k as f64) * step).map(|value| (value, format!("{value:.digits$} s"))).collect()
}

/// Step of 1, 2 or 5 times a power of ten that divides `length` into at most `wanted` parts.
fn step(length: f64, wanted: f64) -> f64 {
    let least = length / wanted.max(1.0);
    let power = 10_f64.powf(least.log10().floor());
    let fits = [1.0, 2.0, 5.0, 10.0].into_iter().find(|times| times * power >= least * 0.999_999);
    fits.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(ticks: Vec<(f64, String)>) -> Vec<String> {
        ticks.into_iter().map(|tick| tick.1).collect()
    }

    #[test]
    fn ticks_are_round() {
        let mb = 1_048_576.0;
        assert_eq!(texts(bytes(7.8 * mb, 5.0)), ["0 B", "2 MB", "4 MB", "6 MB"]);
        assert_eq!(texts(bytes(300.0 * mb, 4.0)), ["0 B", "100 MB", "200 MB", "300 MB"]);
        assert_eq!(texts(bytes(3.0, 4.0)), ["0 B", "1 B", "2 B", "3 B"]);
        assert_eq!(texts(bytes(0.0, 4.0)), ["0 B", "1 B"]);
        assert_eq!(texts(seconds(0.0, 61.0, 7.0)), ["0 s", "10 s", "20 s", "30 s", "40 s", "50 s", "60 s"]);
        assert_eq!(texts(seconds(0.1, 0.35, 6.0)), ["0.10 s", "0.15 s", "0.20 s", "0.25 s", "0.30 s", "0.35 s"]);
        assert!(seconds(1.0, 1.0, 5.0).is_empty() && seconds(0.0, f64::INFINITY, 5.0).is_empty());
    }
}
