//! Round steps and marks for the axes. Pure functions; never draws.

use super::model::Unit;

/// A round step so that at most `marks` of them fit into `span`: 1, 2 or 5 times a power of ten, or, for bytes, 1, 2,
/// 5, 10, 20, 50, 100, 200 or 500 of a binary unit.
pub(super) fn round_step(span: f64, marks: f64, unit: Option<Unit>) -> f64 {
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
pub(super) fn marks(low: f64, high: f64, step: f64) -> Vec<f64> {
    if step <= 0.0 || !(high - low).is_finite() || (high - low) / step > 1000.0 {
        return Vec::new();
    }
    // Ends that miss a multiple only by the rounding of the division are on it.
    let first = (low / step - 1e-6).ceil() as i64;
    let last = (high / step + 1e-6).floor() as i64;
    (first..=last).map(|n| n as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        assert_eq!(round_step(60.0, 6.0, None), 10.0);
        assert!((round_step(0.7, 7.0, None) - 0.1).abs() < 1e-12);
        assert_eq!(round_step(24.0 * 1_048_576.0, 5.0, Some(Unit::Bytes)), 5.0 * 1_048_576.0);
        assert_eq!(round_step(2500.0, 5.0, Some(Unit::Bytes)), 500.0);
        assert_eq!(round_step(3000.0, 5.0, Some(Unit::Bytes)), 1024.0);
        assert_eq!(round_step(3.0, 5.0, Some(Unit::Count)), 1.0);
        assert_eq!(round_step(0.0, 5.0, None), 1.0);
    }

    #[test]
    fn marks_stand_at_multiples() {
        assert_eq!(marks(0.5, 3.5, 1.0), [1.0, 2.0, 3.0]);
        assert_eq!(marks(0.0, 0.3, 0.1).len(), 4);
        assert_eq!(marks(12.0, 12.0 + 1e-8, 2e-9).len(), 6);
        assert!(marks(0.0, 1.0, 1e-9).is_empty(), "too many to be meant");
    }
}
