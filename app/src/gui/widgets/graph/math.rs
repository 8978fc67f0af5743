//! Arithmetic of the graph: sums for stacked drawing, what lies under the pointer, round steps for the axes, and the
//! words on them. Pure functions; never draws.

use egui_plot::PlotPoint;

use super::model::{GraphData, Kind, Layer, Series, Stack, Unit};

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

/// A series as a line that goes through its extremes.
#[must_use]
pub fn line(times: &[f64], series: &Series) -> Vec<PlotPoint> {
    let mut points = Vec::with_capacity(times.len());
    for (at, (time, value)) in times.iter().zip(&series.values).enumerate() {
        points.push(PlotPoint::new(*time, *value));
        let (low, high) = series.beyond(at);
        let middle = times.get(at + 1).map_or(*time, |next| f64::midpoint(*time, *next));
        points.extend([high, low].into_iter().flatten().map(|extreme| PlotPoint::new(middle, extreme)));
    }
    points
}

/// The series that are on, on top of each other, from the axis up. Where several of them peak between the same two times,
/// the edge shows the sum of their peaks, which is more than there was at any one moment.
#[must_use]
pub fn stack(times: &[f64], series: &[Series]) -> Stack {
    let on = || series.iter().enumerate().filter(|(_, s)| s.on);
    if on().all(|(_, s)| s.extremes.is_empty()) {
        let layers = pile(times.len(), on().map(|(at, s)| (at, s.values.clone())));
        return Stack { times: times.to_vec(), layers };
    }
    let mut with_middles = Vec::with_capacity(times.len() * 2);
    for pair in times.windows(2) {
        with_middles.extend([pair[0], f64::midpoint(pair[0], pair[1])]);
    }
    with_middles.extend(times.last());
    let values = |s: &Series| {
        let mut values = Vec::with_capacity(with_middles.len());
        for (at, pair) in s.values.windows(2).enumerate() {
            values.extend([pair[0], s.beyond(at).1.unwrap_or(f64::midpoint(pair[0], pair[1]))]);
        }
        values.extend(s.values.last());
        values
    };
    let layers = pile(with_middles.len(), on().map(|(at, s)| (at, values(s))));
    Stack { times: with_middles, layers }
}

fn pile(points: usize, series: impl Iterator<Item = (usize, Vec<f64>)>) -> Vec<Layer> {
    let mut edge = vec![0.0; points];
    let mut layers = Vec::new();
    for (at, values) in series {
        let low = edge.clone();
        for (sum, value) in edge.iter_mut().zip(&values) {
            *sum += value.max(0.0);
        }
        layers.push((at, low, edge.clone()));
    }
    layers
}

/// The largest value that is drawn between two times, or just beside them: the lines to the next points are seen.
#[must_use]
pub fn largest(data: &GraphData, kind: Kind, from: f64, to: f64) -> f64 {
    if kind == Kind::Lines {
        let on = data.series.iter().zip(&data.lines).filter(|(s, _)| s.on);
        let peak = |line: &[PlotPoint]| {
            let low = line.partition_point(|p| p.x < from).saturating_sub(1);
            let high = (line.partition_point(|p| p.x <= to) + 1).min(line.len());
            line.get(low..high).unwrap_or(&[]).iter().map(|p| p.y).fold(0.0, f64::max)
        };
        return on.map(|(_, line)| peak(line)).fold(0.0, f64::max);
    }
    let times = &data.stack.times;
    let low = times.partition_point(|t| *t < from).saturating_sub(1);
    let high = (times.partition_point(|t| *t <= to) + 1).min(times.len());
    let top = data.stack.layers.last().and_then(|(_, _, top)| top.get(low..high));
    top.unwrap_or(&[]).iter().copied().fold(0.0, f64::max)
}

/// The place in `times` that is nearest to `time`.
#[must_use]
pub fn nearest(times: &[f64], time: f64) -> Option<usize> {
    let after = times.partition_point(|t| *t < time);
    let candidates = [after.checked_sub(1), (after < times.len()).then_some(after)];
    let distance = |i: &usize| (times[*i] - time).abs();
    candidates.into_iter().flatten().min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

/// Which series is under the pointer: the layer around it, or the line nearest to it within `reach`.
#[must_use]
pub fn hit(data: &GraphData, kind: Kind, time: f64, value: f64, reach: f64) -> Option<usize> {
    if kind != Kind::Lines {
        let at = nearest(&data.stack.times, time)?;
        let around = |(_, low, high): &&Layer| low.get(at).is_some_and(|l| *l <= value) && value < high[at];
        return data.stack.layers.iter().find(around).map(|(series, ..)| *series);
    }
    let at = nearest(&data.times, time)?;
    let distance = |series: &Series| {
        let here = *series.values.get(at)?;
        let (low, high) = series.beyond(at);
        let (low, high) = (low.unwrap_or(here).min(here), high.unwrap_or(here).max(here));
        Some((low - value).max(value - high).max(0.0))
    };
    let lines = data.series.iter().enumerate().filter(|(_, s)| s.on);
    lines
        .filter_map(|(i, series)| distance(series).map(|distance| (i, distance)))
        .filter(|(_, distance)| *distance <= reach)
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(i, _)| i)
}

#[cfg(test)]
mod tests {
    use super::super::model::Series;
    use super::*;
    use eframe::egui::Color32;

    fn series(id: u64, on: bool, values: &[f64]) -> Series {
        let (name, values) = (id.to_string(), values.to_vec());
        Series { id, name, colour: Color32::RED, on, has_row: true, values, extremes: Vec::new() }
    }

    fn data() -> GraphData {
        let series = vec![
            series(1, true, &[1.0, 2.0, 3.0, 4.0]),
            series(2, false, &[9.0, 9.0, 9.0, 9.0]),
            series(3, true, &[1.0, 1.0, 5.0, 1.0]),
        ];
        GraphData::new(String::new(), vec![0.0, 1.0, 2.0, 3.0], series, Unit::Bytes)
    }

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
        let Stack { times, layers } = &data.stack;
        assert_eq!((times, layers.len()), (&data.times, 2));
        assert_eq!(layers[1], (2, vec![1.0, 2.0, 3.0, 4.0], vec![2.0, 3.0, 8.0, 5.0]));
        assert_eq!(largest(&data, Kind::Areas, 0.0, 3.0), 8.0);
        assert_eq!(largest(&data, Kind::Lines, 0.0, 3.0), 5.0);
        assert_eq!(largest(&data, Kind::Lines, 2.9, 3.0), 5.0, "the line from before is seen");
        assert_eq!(largest(&data, Kind::Lines, 0.0, 0.5), 2.0);
    }

    #[test]
    fn a_peak_between_two_points_is_drawn() {
        let mut spiky = series(1, true, &[1.0, 1.0, 3.0]);
        spiky.extremes = vec![(0.5, 90.0), (1.0, 3.0)];
        let flat = Series { extremes: vec![(2.0, 2.0); 2], ..series(2, true, &[2.0; 3]) };
        let data = GraphData::new(String::new(), vec![0.0, 1.0, 2.0], vec![spiky, flat], Unit::Bytes);
        let points: Vec<(f64, f64)> = data.lines[0].iter().map(|p| (p.x, p.y)).collect();
        assert_eq!(points, [(0.0, 1.0), (0.5, 90.0), (0.5, 0.5), (1.0, 1.0), (2.0, 3.0)]);
        assert_eq!(data.lines[1].len(), 3, "nothing to add where nothing happens");
        assert_eq!(data.stack.times, [0.0, 0.5, 1.0, 1.5, 2.0]);
        assert_eq!(data.stack.layers[1].2, [3.0, 92.0, 3.0, 4.0, 5.0]);
        assert_eq!(largest(&data, Kind::Lines, 0.0, 2.0), 90.0);
        assert_eq!(largest(&data, Kind::Bars, 0.0, 2.0), 92.0);
        assert_eq!(hit(&data, Kind::Lines, 0.2, 50.0, 1.0), Some(0));
        assert_eq!(hit(&data, Kind::Areas, 0.5, 50.0, 1.0), Some(0));
        assert_eq!(hit(&data, Kind::Areas, 0.5, 91.0, 1.0), Some(1));
    }

    #[test]
    fn the_pointer_finds_the_series() {
        let data = data();
        assert_eq!(nearest(&data.times, 1.4), Some(1));
        assert_eq!(nearest(&data.times, 99.0), Some(3));
        assert_eq!(nearest(&[], 1.0), None);
        assert_eq!(hit(&data, Kind::Areas, 2.0, 2.9, 0.0), Some(0));
        assert_eq!(hit(&data, Kind::Areas, 2.0, 3.1, 0.0), Some(2));
        assert_eq!(hit(&data, Kind::Areas, 2.0, 8.5, 0.0), None);
        assert_eq!(hit(&data, Kind::Lines, 0.0, 8.5, 1.0), None);
        assert_eq!(hit(&data, Kind::Lines, 3.0, 3.5, 1.0), Some(0));
    }
}
