//! Shape of a curve over time: straight, slowing, step, burst, sawtooth. All limits are shares of the curve's own range.

/// Course of the bytes of a tag over a series.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TrendShape {
    /// Rises evenly.
    Straight,
    /// Rises faster and faster.
    Accelerating,
    /// Rises unevenly.
    Uneven,
    /// Rises and falls repeatedly.
    Sawtooth,
    /// Rises less and less, as a cache that fills.
    Slowing,
    /// Rises once and stays.
    Step,
    /// Rises and goes back.
    Burst,
    /// Falls.
    Falling,
    /// Hardly changes.
    Flat,
}

impl TrendShape {
    /// Word in tables and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Straight => "straight",
            Self::Accelerating => "accelerating",
            Self::Uneven => "uneven",
            Self::Sawtooth => "sawtooth",
            Self::Slowing => "slowing",
            Self::Step => "step",
            Self::Burst => "burst",
            Self::Falling => "falling",
            Self::Flat => "flat",
        }
    }

    /// Returns `true` for shapes of growth that goes on.
    #[must_use]
    pub const fn goes_on(self) -> bool {
        matches!(self, Self::Straight | Self::Accelerating | Self::Uneven | Self::Sawtooth)
    }
}

/// Smallest number of points that have a shape.
pub(super) const POINTS_MIN: usize = 4;
/// Largest standard deviation from a straight line, as a share of the range.
const STRAIGHT: f64 = 0.12;
/// Smallest swing that counts as a change of direction, as a share of the range.
const SWING: f64 = 0.35;
/// Smallest share of a rise that has to be lost again for a burst.
const FALLBACK: f64 = 0.6;
/// Smallest share of the growth in one short interval for a step.
const JUMP: f64 = 0.8;
/// Growth of the last third, relative to that of a straight line, below which a rise is slowing.
const LAST_THIRD: f64 = 0.4;
/// Range below which a curve that is not straight is flat, as a share of its highest value.
const FLAT: f64 = 0.01;

/// Least-squares line through points.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Line {
    /// Slope per unit of time.
    pub slope: f64,
    /// Standard error of the slope, corrected for residuals that depend on the one before; 0 if fewer than three points are there.
    pub slope_error: f64,
    /// Standard deviation of the residuals.
    pub residual: f64,
}

impl Line {
    /// The line through values at times; `None` if all times are equal.
    #[must_use]
    pub fn fit(times: &[f64], values: &[f64]) -> Option<Self> {
        let n = times.len().min(values.len()) as f64;
        let mean = |of: &[f64]| of.iter().sum::<f64>() / n;
        let (mean_time, mean_value) = (mean(times), mean(values));
        let spread: f64 = times.iter().map(|time| (time - mean_time).powi(2)).sum();
        if n < 2.0 || spread <= 0.0 || !spread.is_finite() {
            return None;
        }
        let slope =
            times.iter().zip(values).map(|(time, value)| (time - mean_time) * (value - mean_value)).sum::<f64>()
                / spread;
        let residuals: Vec<f64> =
            times.iter().zip(values).map(|(time, value)| value - mean_value - slope * (time - mean_time)).collect();
        let squares: f64 = residuals.iter().map(|residual| residual * residual).sum();
        let lagged: f64 = residuals.windows(2).map(|pair| pair[0] * pair[1]).sum();
        let correlation = if squares > 0.0 { (lagged / squares).clamp(0.0, 0.99) } else { 0.0 };
        let degrees = (n - 2.0).max(1.0);
        let plain_error = if n > 2.0 { (squares / degrees / spread).sqrt() } else { 0.0 };
        let slope_error = plain_error * ((1.0 + correlation) / (1.0 - correlation)).sqrt();
        Some(Self { slope, slope_error, residual: (squares / n).sqrt() })
    }
}

/// The shape of values at times; `None` with fewer than four points.
#[must_use]
pub fn shape(times: &[f64], values: &[f64]) -> Option<TrendShape> {
    if values.len() < POINTS_MIN {
        return None;
    }
    let (low, high) = values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
    let range = high - low;
    let (first, last) = (*values.first()?, *values.last()?);
    let line = Line::fit(times, values)?;
    let is_straight = line.residual <= STRAIGHT * range && range > 0.0;
    if range <= 0.0 || (range <= FLAT * high && !is_straight) {
        return Some(TrendShape::Flat);
    }
    let legs = legs(values, SWING * range);
    let rises_first = legs.first().copied().unwrap_or(false);
    Some(match legs.len() {
        0 => TrendShape::Flat,
        1 if !rises_first => TrendShape::Falling,
        1 => rise(times, values, is_straight),
        _ if is_burst(values, low, range) => TrendShape::Burst,
        2 if rises_first && high - last >= FALLBACK * (high - first) => TrendShape::Burst,
        2 => TrendShape::Uneven,
        _ => TrendShape::Sawtooth,
    })
}

/// Shape of a curve that rises from end to end.
fn rise(times: &[f64], values: &[f64], is_straight: bool) -> TrendShape {
    let net = values.last().copied().unwrap_or(0.0) - values.first().copied().unwrap_or(0.0);
    let intervals = values.len() - 1;
    let window = (intervals / 10).max(1);
    let jump = values.windows(window + 1).map(|part| part[window] - part[0]).fold(0.0, f64::max);
    if jump >= JUMP * net && window < intervals {
        return TrendShape::Step;
    }
    let (from, to) = (times.first().copied().unwrap_or(0.0), times.last().copied().unwrap_or(0.0));
    let at = |share: f64| {
        let wanted = from + (to - from) * share;
        let after = times.partition_point(|time| *time < wanted).min(values.len() - 1);
        values.get(after).copied().unwrap_or(0.0)
    };
    let last_third = (values.last().copied().unwrap_or(0.0) - at(2.0 / 3.0)) / (net / 3.0);
    let first_third = (at(1.0 / 3.0) - values.first().copied().unwrap_or(0.0)) / (net / 3.0);
    match () {
        () if last_third < LAST_THIRD => TrendShape::Slowing,
        () if is_straight => TrendShape::Straight,
        () if first_third < LAST_THIRD => TrendShape::Accelerating,
        () => TrendShape::Uneven,
    }
}

/// Returns `true` if most values are near the lowest, and the last one too.
fn is_burst(values: &[f64], low: f64, range: f64) -> bool {
    let near = values.iter().filter(|value| **value - low < 0.25 * range).count();
    let last = values.last().copied().unwrap_or(0.0);
    near * 10 >= values.len() * 6 && last - low < (1.0 - FALLBACK) * range
}

/// Directions of the swings of at least `least` between turning points; `true`: up.
fn legs(values: &[f64], least: f64) -> Vec<bool> {
    let mut found: Vec<bool> = Vec::new();
    let Some(first) = values.first() else { return found };
    let (mut low, mut high) = (*first, *first);
    for value in values {
        (low, high) = (low.min(*value), high.max(*value));
        let (rose, fell) = (value - low >= least, high - value >= least);
        match found.last() {
            None | Some(false) if rose => {
                found.push(true);
                high = *value;
            }
            None | Some(true) if fell => {
                found.push(false);
                low = *value;
            }
            _ => {}
        }
        // The turning point of the present swing is its last extreme.
        match found.last() {
            Some(true) if *value >= high => low = *value,
            Some(false) if *value <= low => high = *value,
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Option<TrendShape> {
        let times: Vec<f64> = (0..values.len()).map(|at| at as f64).collect();
        shape(&times, values)
    }

    fn curve(points: usize, value: impl Fn(f64) -> f64) -> Vec<f64> {
        (0..points).map(|at| value(at as f64 / (points - 1) as f64)).collect()
    }

    #[test]
    fn shapes_have_their_names() {
        for points in [7, 12, 100, 288] {
            let is = |shape: TrendShape, value: &dyn Fn(f64) -> f64| {
                assert_eq!(of(&curve(points, value)), Some(shape), "{points}")
            };
            is(TrendShape::Straight, &|x| 500.0 + 100.0 * x);
            is(TrendShape::Straight, &|x| 1e9 + 100.0 * x);
            is(TrendShape::Falling, &|x| 500.0 - 100.0 * x);
            is(TrendShape::Flat, &|_| 500.0);
            is(TrendShape::Step, &|x| if x < 0.45 { 10.0 } else { 90.0 });
            is(TrendShape::Slowing, &|x| 100.0 * (1.0 - (-6.0 * x).exp()));
            is(TrendShape::Burst, &|x| if (0.3..0.62).contains(&x) { 90.0 } else { 10.0 });
        }
        assert_eq!(of(&curve(100, |x| (6.0 * x).exp())), Some(TrendShape::Accelerating));
        assert_eq!(of(&curve(100, |x| (x * 7.0).fract())), Some(TrendShape::Sawtooth));
        assert_eq!(
            of(&curve(100, |x| if (x * 100.0) as usize % 30 == 5 { 90.0 } else { 10.0 })),
            Some(TrendShape::Burst),
            "several bursts"
        );
        assert_eq!(of(&[1.0, 2.0, 3.0]), None);
    }

    #[test]
    fn turning_points_need_a_swing() {
        assert_eq!(legs(&[0.0, 1.0, 0.9, 2.0], 0.5), [true]);
        assert_eq!(legs(&[0.0, 2.0, 0.5, 3.0], 1.0), [true, false, true]);
        assert_eq!(legs(&[5.0, 5.0], 1.0), [] as [bool; 0]);
        assert_eq!(legs(&[5.0, 1.0, 4.0], 2.0), [false, true]);
    }

    #[test]
    fn a_line_has_a_slope_and_its_error() {
        let line = Line::fit(&[0.0, 1.0, 2.0, 3.0], &[1.0, 3.0, 5.0, 7.0]).expect("a line");
        assert!((line.slope - 2.0).abs() < 1e-9 && line.slope_error < 1e-9 && line.residual < 1e-9);
        // Residuals 1, -1, -1, 1 have no positive correlation: the error is that of the textbook.
        let line = Line::fit(&[-3.0, -1.0, 1.0, 3.0], &[1.0, -1.0, -1.0, 1.0]).expect("a line");
        assert!(line.slope.abs() < 1e-9 && (line.slope_error - (4.0_f64 / 2.0 / 20.0).sqrt()).abs() < 1e-9);
        assert_eq!(Line::fit(&[1.0, 1.0], &[1.0, 2.0]), None);
    }
}
