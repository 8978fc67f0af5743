//! Small charts of a suspect: outstanding bytes over time, and the ages of outstanding allocations.

use super::points;
use crate::format;
use poolscope_analysis::leaks::Suspect;

const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 26.0;

/// Outstanding bytes over the visible range. Frees of allocations from before the range can take the curve below zero.
pub fn sparkline(suspect: &Suspect) -> String {
    let curve = &suspect.evidence.bytes_curve;
    let low = curve.iter().copied().fold(0.0, f64::min);
    let high = curve.iter().copied().fold(0.0, f64::max);
    let range = (high - low).max(f64::MIN_POSITIVE);
    let steps = curve.len().saturating_sub(1).max(1) as f64;
    let y = |value: f64| HEIGHT - 2.0 - (value - low) / range * (HEIGHT - 4.0);
    let line = points(curve.iter().enumerate().map(|(at, value)| (at as f64 / steps * WIDTH, y(*value))));
    let (zero, size) = (y(0.0), format!("width=\"{WIDTH}\" height=\"{HEIGHT}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\""));
    let area = format!("<polygon points=\"0,{zero:.1} {line} {WIDTH},{zero:.1}\"/>");
    format!(
        "<svg class=\"spark\" {size} role=\"img\" aria-label=\"Outstanding bytes over time\">{area}<polyline points=\"{line}\"/></svg>"
    )
}

/// Outstanding allocations by age in eighths of the range, youngest first, as rows of bars. `seconds`: length of the range.
pub fn age_histogram(suspect: &Suspect, seconds: f64) -> String {
    let histogram = &suspect.evidence.age_histogram;
    let most = histogram.iter().copied().max().unwrap_or(0).max(1) as f64;
    let mut rows = String::new();
    for (at, count) in histogram.iter().enumerate() {
        let bound = |k: usize| format!("{:.1}", seconds * k as f64 / 8.0);
        let width = *count as f64 / most * 100.0;
        rows += &format!(
            "<tr><td>{} to {} s</td><td><div class=\"bar\" style=\"width:{width:.1}%\"></div></td><td>{}</td></tr>\n",
            bound(at),
            bound(at + 1),
            format::count(*count)
        );
    }
    format!("<table class=\"ages\"><caption>Age of outstanding allocations</caption>\n{rows}</table>\n")
}
