//! Arithmetic of the graph: sums for stacked drawing, what lies under the pointer, round steps for the axes, and the
//! words on them. Pure functions; never draws.

use super::model::{GraphData, Unit};

/// A value with its unit, as axis and tooltip write it. `step` is the distance between two marks (0: write three
/// digits).
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
    let measure = if step > 0.0 { value.abs().max(step) } else { value.abs() };
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
    (0..9).find(|&d| (step * 10_f64.powi(d) - (step * 10_f64.powi(d)).round()).abs() < 1e-6).unwrap_or(9) as usize
}

/// A time in seconds; `step` is the distance between two marks (0: milliseconds).
#[must_use]
pub fn time_text(seconds: f64, step: f64) -> String {
    let digits = if step > 0.0 { digits_of(step) } else { 3 };
    format!("{seconds:.digits$} s")
}

/// A round step so that at most `marks` of them fit into `span`: 1, 2 or 5 times a power of ten, or, for bytes, 1, 2,
/// 5, 10, 20, 50, 100, 200 or 500 of a binary unit.
#[must_use]
pub fn round_step(span: f64, marks: f64, unit: Option<Unit>) -> f64 {
    let least = span / marks.max(1.0);
    if !least.is_finite() || least <= 0.0 {
        return 1.0;
    }
    let binary = matches!(unit, Some(Unit::Bytes | Unit::BytesPerSecond));
    let mut base = 1.0;
    if binary {
        while least > base * 500.0 {
            base *= 1024.0;
        }
    }
    let power = 10_f64.powf((least / base).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power * base).find(|s| *s >= least * (1.0 - 1e-9));
    let step = step.unwrap_or(10.0 * power * base);
    let least_step = if unit.is_some() { 1.0 } else { 0.0 };
    step.max(least_step)
}

/// Marks at the multiples of `step` in `[low, high]`.
#[must_use]
pub fn marks(low: f64, high: f64, step: f64) -> Vec<f64> {
    if step <= 0.0 || !(high - low).is_finite() || (high - low) / step > 1000.0 {
        return Vec::new();
    }
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    (first..=last).map(|n| n as f64 * step).collect()
}

/// Lower and upper edge of one drawn series: its place in [`GraphData::series`], and one value per time.
pub type Layer = (usize, Vec<f64>, Vec<f64>);

/// The drawn series on top of each other, from the axis up.
#[must_use]
pub fn stack(data: &GraphData) -> Vec<Layer> {
    let mut edge = vec![0.0; data.times.len()];
    let mut layers = Vec::new();
    for (at, series) in data.series.iter().enumerate().filter(|(_, s)| s.on) {
        let low = edge.clone();
        for (sum, value) in edge.iter_mut().zip(&series.values) {
            *sum += value.max(0.0);
        }
        layers.push((at, low, edge.clone()));
    }
    layers
}

/// The largest value that is drawn between two times, given the layers if the series are stacked.
#[must_use]
pub fn largest(data: &GraphData, layers: Option<&[Layer]>, from: f64, to: f64) -> f64 {
    let low = data.times.partition_point(|t| *t < from).saturating_sub(1);
    let high = (data.times.partition_point(|t| *t <= to) + 1).min(data.times.len());
    let peak = |values: &[f64]| {
        let seen = values.get(low..high.min(values.len())).unwrap_or(&[]);
        seen.iter().copied().fold(0.0, f64::max)
    };
    match layers {
        Some(layers) => layers.last().map_or(0.0, |(_, _, top)| peak(top)),
        None => data.series.iter().filter(|s| s.on).map(|s| peak(&s.values)).fold(0.0, f64::max),
    }
}

/// The place in `times` that is nearest to `time`.
#[must_use]
pub fn nearest(times: &[f64], time: f64) -> Option<usize> {
    let after = times.partition_point(|t| *t < time);
    let candidates = [after.checked_sub(1), (after < times.len()).then_some(after)];
    let distance = |i: &usize| (times[*i] - time).abs();
    candidates.into_iter().flatten().min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

/// Which series is under the pointer at a value: the layer around it, or the line nearest to it within `reach`.
#[must_use]
pub fn hit(data: &GraphData, layers: Option<&[Layer]>, at: usize, value: f64, reach: f64) -> Option<usize> {
    if let Some(layers) = layers {
        return layers
            .iter()
            .find(|(_, low, high)| low.get(at).is_some_and(|l| *l <= value) && high.get(at).is_some_and(|h| value < *h))
            .map(|(series, ..)| *series);
    }
    let lines = data.series.iter().enumerate().filter(|(_, s)| s.on);
    lines
        .filter_map(|(i, s)| s.values.get(at).map(|v| (i, (v - value).abs())))
        .filter(|(_, distance)| *distance <= reach)
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(i, _)| i)
}

#[cfg(test)]
mod tests {
    use super::super::model::Series;
    use super::*;
    use eframe::egui::Color32;

    fn data() -> GraphData {
        let series = |id, on, values: &[f64]| Series {
            id,
            name: id.to_string(),
            colour: Color32::RED,
            on,
            values: values.to_vec(),
        };
        GraphData {
            title: String::new(),
            times: vec![0.0, 1.0, 2.0, 3.0],
            series: vec![
                series(1, true, &[1.0, 2.0, 3.0, 4.0]),
                series(2, false, &[9.0, 9.0, 9.0, 9.0]),
                series(3, true, &[1.0, 1.0, 5.0, 1.0]),
            ],
            unit: Unit::Bytes,
        }
    }

    #[test]
    fn values_read_as_people_write_them() {
        let mb = 1024.0 * 1024.0;
        assert_eq!(value_text(23.1 * mb, 0.0, Unit::Bytes), "23.1 MB");
        assert_eq!(value_text(5.0, 0.0, Unit::Bytes), "5 B");
        assert_eq!(value_text(20.0 * mb, 10.0 * mb, Unit::Bytes), "20 MB");
        assert_eq!(value_text(0.0, 10.0 * mb, Unit::Bytes), "0 MB");
        assert_eq!(value_text(1_234_567.0, 0.0, Unit::Count), "1,234,567");
        assert_eq!(value_text(2.5, 0.0, Unit::CountPerSecond), "2.5/s");
        assert_eq!(time_text(12.4, 0.2), "12.4 s");
        assert_eq!(time_text(12.0, 5.0), "12 s");
    }

    #[test]
    fn steps_are_round() {
        assert_eq!(round_step(60.0, 6.0, None), 10.0);
        assert!((round_step(0.7, 7.0, None) - 0.1).abs() < 1e-12);
        assert_eq!(round_step(24.0 * 1_048_576.0, 5.0, Some(Unit::Bytes)), 5.0 * 1_048_576.0);
        assert_eq!(round_step(2500.0, 5.0, Some(Unit::Bytes)), 500.0);
        assert_eq!(round_step(3000.0, 5.0, Some(Unit::Bytes)), 1024.0);
        assert_eq!(round_step(3.0, 5.0, Some(Unit::Count)), 1.0);
        assert_eq!(round_step(0.0, 5.0, None), 1.0);
        assert_eq!(marks(0.5, 3.5, 1.0), [1.0, 2.0, 3.0]);
    }

    #[test]
    fn areas_stand_on_each_other() {
        let data = data();
        let layers = stack(&data);
        assert_eq!(layers.len(), 2);
        assert_eq!(layers[1], (2, vec![1.0, 2.0, 3.0, 4.0], vec![2.0, 3.0, 8.0, 5.0]));
        assert_eq!(largest(&data, Some(&layers), 0.0, 3.0), 8.0);
        assert_eq!(largest(&data, None, 0.0, 3.0), 5.0);
        assert_eq!(largest(&data, None, 2.9, 3.0), 5.0);
    }

    #[test]
    fn the_pointer_finds_the_series() {
        let data = data();
        let layers = stack(&data);
        assert_eq!(nearest(&data.times, 1.4), Some(1));
        assert_eq!(nearest(&data.times, 99.0), Some(3));
        assert_eq!(nearest(&[], 1.0), None);
        assert_eq!(hit(&data, Some(&layers), 2, 2.9, 0.0), Some(0));
        assert_eq!(hit(&data, Some(&layers), 2, 3.1, 0.0), Some(2));
        assert_eq!(hit(&data, Some(&layers), 2, 8.5, 0.0), None);
        assert_eq!(hit(&data, None, 0, 8.5, 1.0), None);
        assert_eq!(hit(&data, None, 3, 3.5, 1.0), Some(0));
    }
}
