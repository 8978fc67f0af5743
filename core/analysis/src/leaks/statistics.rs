//! Statistics of the leak analysis: pure functions of numbers.

/// A slope with its 95 % confidence interval.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Slope {
    /// Median of the slopes between all pairs of points (Theil-Sen estimator).
    pub median: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Share of the pairs of points that rise, 0 to 1; ties count half.
    pub rising_share: f64,
}

/// Robust slope of values at equal distances, per distance; 0 for fewer than three values.
#[must_use]
pub fn slope(values: &[f64]) -> Slope {
    let n = values.len();
    if n < 3 {
        return Slope::default();
    }
    let mut slopes = Vec::with_capacity(n * (n - 1) / 2);
    for (i, a) in values.iter().enumerate() {
        for (j, b) in values.iter().enumerate().skip(i + 1) {
            slopes.push((b - a) / (j - i) as f64);
        }
    }
    let up = slopes.iter().filter(|s| **s > 0.0).count();
    let level = slopes.iter().filter(|s| **s == 0.0).count();
    // Variance of Kendall's S without a trend; 1.96 standard deviations cover 95 %.
    let n = n as f64;
    let half = 1.96 * (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt() / 2.0;
    let middle = slopes.len() as f64 / 2.0;
    let count = slopes.len();
    let position = |position: f64| position.round().clamp(0.0, count as f64 - 1.0) as usize;
    let (at_low, at_median, at_high) = (position(middle - half), position(middle - 0.5), position(middle + half));
    // Three positions of the sorted slopes, without sorting them.
    let (lower, median, higher) = slopes.select_nth_unstable_by(at_median, f64::total_cmp);
    let nth = |part: &mut [f64], at: usize| *part.select_nth_unstable_by(at, f64::total_cmp).1;
    Slope {
        median: *median,
        low: if at_low < at_median { nth(lower, at_low) } else { *median },
        high: if at_high > at_median { nth(higher, at_high - at_median - 1) } else { *median },
        rising_share: (up as f64 + level as f64 / 2.0) / count as f64,
    }
}

/// Index of the bin, of `bins` equal ones, that an offset of 0 to `length` falls into.
#[must_use]
pub fn bin_of(offset: i64, length: i64, bins: usize) -> usize {
    // A division of 64 bits takes a fraction of the time of one of 128 bits, which damaged times may need.
    let narrow = || offset.checked_mul(bins as i64)?.checked_div(length.checked_add(1)?);
    let bin = match narrow() {
        Some(bin) => bin,
        None => (i128::from(offset) * bins as i128 / (i128::from(length) + 1)) as i64,
    };
    (bin as usize).min(bins - 1)
}

/// Expected number of filled bins when `count` events fall into `bins` equally likely ones.
#[must_use]
pub fn expected_filled_bins(count: u64, bins: usize) -> f64 {
    let bins = bins as f64;
    bins * (1.0 - (1.0 - 1.0 / bins).powf(count as f64))
}

/// Surprisal of at most `seen` independent events where `expected` are expected: the natural logarithm of one over the Chernoff
/// bound of the probability; 0 where `seen` is not below `expected`. Exact for `seen` = 0.
#[must_use]
pub fn surprisal_of_at_most(seen: f64, expected: f64) -> f64 {
    if seen >= expected || expected <= 0.0 {
        return 0.0;
    }
    let log = if seen > 0.0 { seen * (seen / expected).ln() } else { 0.0 };
    expected - seen + log
}

/// Surprisal of at least `share` of `count` independent events having an outcome of probability `chance`, by the same bound.
#[must_use]
pub fn surprisal_of_at_least(count: f64, share: f64, chance: f64) -> f64 {
    let (share, chance) = (share.min(1.0), chance.max(f64::MIN_POSITIVE));
    if share <= chance || count <= 0.0 {
        return 0.0;
    }
    let rest = if share < 1.0 { (1.0 - share) * ((1.0 - share) / (1.0 - chance)).ln() } else { 0.0 };
    count * (share * (share / chance).ln() + rest)
}

/// Odds that a process has stopped rather than continues, when the last of `count` events is before the last `share` of the
/// time: the likelihood of events spread evenly until some moment, averaged over all moments since the last event, divided by that
/// of events spread evenly until the end.
#[must_use]
pub fn stopped_odds(count: f64, share: f64) -> f64 {
    const MAX_ODDS: f64 = 1e9;
    if count <= 1.0 {
        return share.clamp(0.0, 1.0);
    }
    let power = -(count - 1.0) * (1.0 - share.clamp(0.0, 1.0)).ln();
    if power > 30.0 { MAX_ODDS } else { (power.exp_m1() / (count - 1.0)).min(MAX_ODDS) }
}

/// Index of dispersion: variance divided by mean, at least 1, which is that of independent events.
#[must_use]
pub fn dispersion_index(counts: &[u64]) -> f64 {
    let n = counts.len() as f64;
    let mean = counts.iter().sum::<u64>() as f64 / n.max(1.0);
    if n < 2.0 || mean <= 0.0 {
        return 1.0;
    }
    let squares: f64 = counts.iter().map(|c| (*c as f64 - mean).powi(2)).sum();
    (squares / mean / (n - 1.0)).max(1.0)
}

/// Coefficient of determination (R²) of a line through values at equal distances; 0 for constant values.
#[must_use]
pub fn r_squared(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean_x = (n - 1.0) / 2.0;
    let mean_y = values.iter().sum::<f64>() / n.max(1.0);
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in values.iter().enumerate() {
        let (dx, dy) = (x as f64 - mean_x, y - mean_y);
        xy += dx * dy;
        xx += dx * dx;
        yy += dy * dy;
    }
    if xx * yy > 0.0 { xy * xy / (xx * yy) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_of_a_line_is_robust_against_outliers() {
        let mut values: Vec<f64> = (0..64).map(|x| 10.0 + 3.0 * f64::from(x)).collect();
        assert_eq!((slope(&values).median, slope(&values).rising_share), (3.0, 1.0));
        assert!((r_squared(&values) - 1.0).abs() < 1e-9);
        values[60] = 5000.0;
        values[10] = -5000.0;
        let s = slope(&values);
        assert!((s.median - 3.0).abs() < 0.01 && s.low <= s.median && s.median <= s.high, "{s:?}");
        assert!(s.low > 2.0 && s.high < 4.0, "{s:?}");
    }

    #[test]
    fn noise_has_no_slope() {
        let values: Vec<f64> = (0u32..64).map(|x| f64::from(x.wrapping_mul(2_654_435_761) >> 20)).collect();
        let s = slope(&values);
        assert!(s.low < 0.0 && s.high > 0.0, "{s:?}");
        assert_eq!((slope(&[1.0, 2.0]), r_squared(&[2.0, 2.0, 2.0])), (Slope::default(), 0.0));
    }

    #[test]
    fn expected_bins_of_random_events() {
        assert_eq!(expected_filled_bins(0, 16), 0.0);
        assert!((expected_filled_bins(16, 16) - 10.3).abs() < 0.1);
    }

    #[test]
    fn surprisal_is_the_logarithm_of_a_small_probability() {
        assert_eq!(
            (surprisal_of_at_most(5.0, 5.0), surprisal_of_at_most(7.0, 5.0), surprisal_of_at_most(0.0, 0.0)),
            (0.0, 0.0, 0.0)
        );
        assert_eq!(surprisal_of_at_most(0.0, 9.0), 9.0);
        assert!(surprisal_of_at_most(1.0, 9.0) < 9.0 && surprisal_of_at_most(1.0, 9.0) > 5.0);
        assert!((surprisal_of_at_least(3.0, 1.0, 0.1) - 3.0 * 10f64.ln()).abs() < 1e-9);
        assert_eq!(surprisal_of_at_least(100.0, 0.1, 0.1), 0.0);
        assert!(surprisal_of_at_least(10.0, 0.9, 0.1) < surprisal_of_at_least(10.0, 1.0, 0.1));
    }

    #[test]
    fn a_long_pause_after_many_events_has_high_odds() {
        assert!(stopped_odds(100.0, 0.01) < 0.1);
        assert!(stopped_odds(12.0, 0.1) < 0.3);
        assert!(stopped_odds(100.0, 0.2) > 1e6);
        assert!(stopped_odds(0.0, 0.5) <= 1.0 && stopped_odds(1e6, 1.0) >= 1e6);
    }

    #[test]
    fn clusters_have_a_high_dispersion() {
        assert_eq!(dispersion_index(&[5, 5, 5, 5]), 1.0);
        assert!(dispersion_index(&[20, 0, 0, 0]) > 10.0);
        assert_eq!((dispersion_index(&[]), dispersion_index(&[0, 0])), (1.0, 1.0));
    }
}
