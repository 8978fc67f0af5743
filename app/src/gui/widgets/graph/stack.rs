//! Series prepared for drawing, independent of the screen: lines through their extremes, and stacked layers whose sums occurred in
//! the trace. Pure functions; nothing is drawn here.

use super::model::{Point, Series};

/// A shown series: its index, and its upper edge at every time of the stack.
pub(super) type Layer = (usize, Vec<f64>);

/// The shown series stacked.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Stack {
    /// The times: those of the graph and, where series have extremes, the middles between them.
    pub times: Vec<f64>,
    /// The layers from the axis up; each includes those below.
    pub layers: Vec<Layer>,
    /// True if the sum at a time is only an upper bound; empty if none is.
    pub at_most: Vec<bool>,
}

impl Stack {
    /// Upper edge of the uppermost layer.
    pub fn top(&self) -> &[f64] {
        self.layers.last().map_or(&[], |(_, edge)| edge)
    }
}

/// A series as a line through its extremes.
pub(super) fn line(times: &[f64], series: &Series) -> Vec<Point> {
    let mut points = Vec::with_capacity(times.len());
    for (at, (time, value)) in times.iter().zip(&series.values).enumerate() {
        points.push((*time, *value));
        let (low, high) = series.beyond(at);
        let middle = times.get(at + 1).map_or(*time, |next| f64::midpoint(*time, *next));
        points.extend([high, low].into_iter().flatten().map(|extreme| (middle, extreme)));
    }
    points
}

/// Stacks the shown series. Peaks between two times need not have been simultaneous: they are scaled down to the largest sum of all
/// series in `total`, and without it marked as an upper bound.
pub(super) fn stack(times: &[f64], series: &[Series], total: Option<&[(f64, f64)]>) -> Stack {
    let on: Vec<(usize, &Series)> = series.iter().enumerate().filter(|(_, s)| s.on).collect();
    if on.iter().all(|(_, s)| s.extremes.is_empty()) {
        let layers = pile(times.len(), on.iter().map(|(at, s)| (*at, s.values.clone())).collect());
        return Stack { times: times.to_vec(), layers, at_most: Vec::new() };
    }
    // The sum of all series does not limit the sum of some.
    let total = total.filter(|_| on.len() == series.len());
    let mut with_middles = Vec::with_capacity(times.len() * 2);
    for pair in times.windows(2) {
        with_middles.extend([pair[0], f64::midpoint(pair[0], pair[1])]);
    }
    with_middles.extend(times.last());
    let mut values: Vec<Vec<f64>> = on.iter().map(|_| Vec::with_capacity(with_middles.len())).collect();
    let mut at_most = vec![false; with_middles.len()];
    for at in 0..times.len() {
        for ((_, s), values) in on.iter().zip(&mut values) {
            values.push(s.values.get(at).copied().unwrap_or_default());
        }
        if at + 1 == times.len() {
            break;
        }
        let (middles, peaks) = between(&on, at, total.and_then(|t| t.get(at)).map(|(_, high)| *high));
        at_most[2 * at + 1] = peaks > 1 && total.is_none();
        for (value, values) in middles.into_iter().zip(&mut values) {
            values.push(value);
        }
    }
    let layers = pile(with_middles.len(), on.iter().zip(values).map(|((at, _), values)| (*at, values)).collect());
    Stack { times: with_middles, layers, at_most }
}

/// The values of the series between time `at` and the next, and the number of series that peak there.
fn between(on: &[(usize, &Series)], at: usize, highest: Option<f64>) -> (Vec<f64>, usize) {
    let mut peaks = 0;
    let (mut plain, mut raised) = (0.0, 0.0);
    let mut both = Vec::with_capacity(on.len());
    for (_, s) in on {
        let ends = s.values.get(at).copied().zip(s.values.get(at + 1).copied());
        let base = ends.map_or(0.0, |(a, b)| f64::midpoint(a, b)).max(0.0);
        let peak = s.beyond(at).1;
        peaks += usize::from(peak.is_some());
        let peak = peak.unwrap_or(base).max(base);
        plain += base;
        raised += peak;
        both.push((base, peak));
    }
    let share = match highest {
        Some(highest) if raised > plain => ((highest - plain) / (raised - plain)).clamp(0.0, 1.0),
        _ => 1.0,
    };
    (both.into_iter().map(|(base, peak)| base + (peak - base) * share).collect(), peaks)
}

fn pile(points: usize, mut series: Vec<Layer>) -> Vec<Layer> {
    let mut edge = vec![0.0; points];
    for (_, values) in &mut series {
        values.resize(points, 0.0);
        for (sum, value) in edge.iter_mut().zip(values) {
            *sum += value.max(0.0);
            *value = *sum;
        }
    }
    series
}

/// Index of the time that is nearest to `time`.
pub(super) fn nearest(times: &[f64], time: f64) -> Option<usize> {
    let after = times.partition_point(|t| *t < time);
    let candidates = [after.checked_sub(1), (after < times.len()).then_some(after)];
    let distance = |i: &usize| (times[*i] - time).abs();
    candidates.into_iter().flatten().min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

#[cfg(test)]
mod tests {
    use eframe::egui::Color32;

    use super::super::model::{AxisUnit, GraphData};
    use super::*;

    fn series(id: u64, on: bool, values: &[f64]) -> Series {
        let (name, values) = (id.to_string(), values.to_vec());
        let (has_row, marked, color, pattern) = (true, false, Color32::RED, 0);
        Series { id, name, color, pattern, on, has_row, marked, values, extremes: Vec::new() }
    }

    #[test]
    fn areas_stand_on_each_other() {
        let all = [
            series(1, true, &[1.0, 2.0, 3.0, 4.0]),
            series(2, false, &[9.0; 4]),
            series(3, true, &[1.0, 1.0, 5.0, 1.0]),
        ];
        let stack = stack(&[0.0, 1.0, 2.0, 3.0], &all, None);
        assert_eq!(stack.times, [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(stack.layers, [(0, vec![1.0, 2.0, 3.0, 4.0]), (2, vec![2.0, 3.0, 8.0, 5.0])]);
        assert_eq!(stack.top(), [2.0, 3.0, 8.0, 5.0]);
    }

    #[test]
    fn a_peak_between_two_points_is_drawn() {
        let spiky = Series { extremes: vec![(0.5, 90.0), (1.0, 3.0)], ..series(1, true, &[1.0, 1.0, 3.0]) };
        let flat = Series { extremes: vec![(2.0, 2.0); 2], ..series(2, true, &[2.0; 3]) };
        let data = GraphData::new(String::new(), vec![0.0, 1.0, 2.0], vec![spiky, flat], AxisUnit::Bytes);
        assert_eq!(data.lines[0], [(0.0, 1.0), (0.5, 90.0), (0.5, 0.5), (1.0, 1.0), (2.0, 3.0)]);
        assert_eq!(data.lines[1].len(), 3, "nothing to add where nothing happens");
        assert_eq!(data.stack.times, [0.0, 0.5, 1.0, 1.5, 2.0]);
        assert_eq!(data.stack.top(), [3.0, 92.0, 3.0, 4.0, 5.0]);
        assert_eq!(data.stack.at_most, [false; 5], "one peak is no sum of peaks");
    }

    #[test]
    fn peaks_of_different_moments_are_not_added() {
        let spiky = |id| Series { extremes: vec![(0.0, 50.0)], ..series(id, true, &[10.0, 10.0]) };
        let both = || GraphData::new(String::new(), vec![0.0, 1.0], vec![spiky(1), spiky(2)], AxisUnit::Bytes);
        let unknown = both();
        assert_eq!(unknown.stack.top(), [20.0, 100.0, 20.0]);
        assert_eq!(unknown.stack.at_most, [false, true, false]);
        let known = both().with_total_extremes(vec![(10.0, 60.0)]);
        assert_eq!(known.stack.top(), [20.0, 60.0, 20.0]);
        assert_eq!(known.stack.layers[0].1, [10.0, 30.0, 10.0], "each gives up its part");
        assert_eq!(known.stack.at_most, [false; 3]);
        let mut one = both();
        one.series[1].on = false;
        let one = GraphData::new(String::new(), one.times, one.series, AxisUnit::Bytes)
            .with_total_extremes(vec![(10.0, 60.0)]);
        assert_eq!(one.stack.top(), [10.0, 50.0, 10.0], "the sum of all is not that of one");
    }

    #[test]
    fn the_nearest_time_is_found() {
        let times = [0.0, 1.0, 2.0, 3.0];
        assert_eq!(nearest(&times, 1.4), Some(1));
        assert_eq!(nearest(&times, 99.0), Some(3));
        assert_eq!(nearest(&[], 1.0), None);
    }
}
