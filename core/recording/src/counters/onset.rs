//! The time at which a curve begins to rise: the best of all lines with one bend, if it is much better than a straight one.

/// Largest share of the squared residuals of a straight line that a line with a bend may leave to count.
const GAIN: f64 = 0.5;
/// Largest slope before the bend as a share of that after it.
const SLOPE_BEFORE: f64 = 0.25;
/// Upper bound on bends that are tried.
const BENDS_MAX: usize = 400;
/// Smallest share of the points on either side of a bend.
const SIDE: usize = 20;

/// Index of the point at which the values begin to rise; `None` if they rise from the beginning, or not at all. `times` ascend.
#[must_use]
pub fn onset(times: &[f64], values: &[f64]) -> Option<usize> {
    let count = times.len().min(values.len());
    let margin = (count / SIDE).max(2);
    if count < 2 * margin + 2 {
        return None;
    }
    let (times, values) = (times.get(..count)?, values.get(..count)?);
    let straight = Bent::fit(times, values, None)?;
    let bends = (margin..count - margin).step_by((count / BENDS_MAX).max(1));
    let fits = bends.filter_map(|at| Some((at, Bent::fit(times, values, times.get(at).copied())?)));
    let (at, best) = fits.min_by(|(_, a), (_, b)| a.squares.total_cmp(&b.squares))?;
    let is_better = best.squares <= GAIN * straight.squares;
    (is_better && best.after > 0.0 && best.before.abs() <= SLOPE_BEFORE * best.after).then_some(at)
}

/// Least-squares line with a bend at a given time.
struct Bent {
    before: f64,
    after: f64,
    squares: f64,
}

impl Bent {
    /// Fits `a + b·t + c·max(0, t - bend)`; without a bend a straight line. `None` if the times do not determine it.
    fn fit(times: &[f64], values: &[f64], bend: Option<f64>) -> Option<Self> {
        let (origin, scale) = (*times.first()?, (times.last()? - times.first()?).max(f64::MIN_POSITIVE));
        let high = values.iter().copied().fold(0.0, |high: f64, value| high.max(value.abs())).max(f64::MIN_POSITIVE);
        let bend = bend.map(|bend| (bend - origin) / scale);
        let basis = |time: f64| {
            let t = (time - origin) / scale;
            [1.0, t, bend.map_or(0.0, |bend| (t - bend).max(0.0))]
        };
        let size = if bend.is_some() { 3 } else { 2 };
        let mut matrix = [[0.0; 4]; 3];
        for (time, value) in times.iter().zip(values) {
            let row = basis(*time);
            for (line, factor) in matrix.iter_mut().zip(row).take(size) {
                line.iter_mut().zip(row).for_each(|(cell, other)| *cell += factor * other);
                line[3] += factor * value / high;
            }
        }
        let [a, b, c] = solve(matrix, size)?;
        let squares = times.iter().zip(values).map(|(time, value)| {
            let row = basis(*time);
            (value / high - a * row[0] - b * row[1] - c * row[2]).powi(2)
        });
        Some(Self { before: b, after: b + c, squares: squares.sum() })
    }
}

/// Solves a system of two or three linear equations by elimination with pivoting.
fn solve(mut matrix: [[f64; 4]; 3], size: usize) -> Option<[f64; 3]> {
    for at in 0..size {
        let pivot = (at..size).max_by(|a, b| matrix[*a][at].abs().total_cmp(&matrix[*b][at].abs()))?;
        matrix.swap(at, pivot);
        if matrix[at][at].abs() < 1e-12 {
            return None;
        }
        for row in 0..size {
            if row != at {
                let factor = matrix[row][at] / matrix[at][at];
                let lead = matrix[at];
                matrix[row].iter_mut().zip(lead).for_each(|(cell, of_lead)| *cell -= factor * of_lead);
            }
        }
    }
    let mut solution = [0.0; 3];
    for (at, value) in solution.iter_mut().enumerate().take(size) {
        *value = matrix[at][3] / matrix[at][at];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(count: usize) -> Vec<f64> {
        (0..count).map(|at| at as f64 * 0.25).collect()
    }

    /// Noise between -1 and 1 that repeats for the same place.
    fn noise(at: usize) -> f64 {
        ((at as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as f64 / f64::from(1 << 23) - 1.0
    }

    #[test]
    fn the_bend_is_found_in_noise() {
        let times = times(400);
        for bend in [60, 137, 300] {
            let values: Vec<f64> =
                (0..400).map(|at| 4e8 + 2e6 * noise(at) + 1e6 * at.saturating_sub(bend) as f64).collect();
            let found = onset(&times, &values).expect("an onset");
            assert!(found.abs_diff(bend) <= 12, "{found} for {bend}");
        }
    }

    #[test]
    fn straight_flat_and_falling_curves_have_no_onset() {
        let times = times(400);
        let curve = |value: &dyn Fn(usize) -> f64| (0..400).map(value).collect::<Vec<f64>>();
        assert_eq!(onset(&times, &curve(&|at| 4e8 + 1e6 * at as f64 + 2e6 * noise(at))), None);
        assert_eq!(onset(&times, &curve(&|at| 4e8 + 2e6 * noise(at))), None);
        assert_eq!(onset(&times, &curve(&|at| 4e8 - 1e6 * at.saturating_sub(200) as f64)), None);
        assert_eq!(onset(&times[..5], &[1.0, 1.0, 2.0, 3.0, 4.0]), None, "too few points");
        assert_eq!(onset(&[1.0; 50], &[2.0; 50]), None, "one time only");
    }
}
