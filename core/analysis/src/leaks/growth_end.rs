//! End of growth: the odds that a sequence of events has stopped rather than continues as before. The pauses of a load that comes in
//! bursts or waves must not be taken for an end.

use super::limits::{
    BIRTH_BINS, MIN_CLUSTERED_DISPERSION, MIN_PAUSE, PAUSES_OF_CONTINUED_GROWTH, PAUSES_OF_UNDECIDED_GROWTH,
    RESIDUAL_RATES,
};
use super::statistics::{dispersion_index, stopped_odds};

/// The end of a sequence of events: whether they have stopped, and when.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct GrowthEnd {
    /// Odds that the events have stopped, apart from a low residual rate ([`RESIDUAL_RATES`]), rather than continue.
    pub odds: f64,
    /// Number of events before the most likely end.
    pub events_before_end: usize,
    /// Natural logarithm of the odds that the rate falls steadily to a tenth, rather than stays as before.
    pub slowing_log_odds: f64,
}

impl GrowthEnd {
    /// Odds that the events have stopped, rather than the more likely of continuing and slowing down.
    #[must_use]
    pub fn odds_over_slowing(&self) -> f64 {
        self.odds / self.slowing_log_odds.clamp(0.0, 30.0).exp()
    }
}

/// Maximum number of events that are evaluated; of more, every second, third, and so on.
const MAX_EVENTS: usize = 512;

/// Finds the end of events at ascending `times` between `from` and `to`, all in the same unit. Fewer than two events have none.
#[must_use]
pub fn find_growth_end(times: &[i64], from: i64, to: i64) -> GrowthEnd {
    let length = to.saturating_sub(from) as f64;
    if times.len() < 2 || length <= 0.0 {
        return GrowthEnd::default();
    }
    let step = times.len().div_ceil(MAX_EVENTS);
    // Positions in the range, 0 to 1.
    let positions: Vec<f64> = times.iter().step_by(step).map(|t| t.saturating_sub(from) as f64 / length).collect();
    let (odds, most_likely, dispersion) = odds_of_all_ends(&positions);
    // Likelihood of a rate that falls linearly from 1 to 0.1, whose mean is 0.55, relative to a constant rate.
    let slowing: f64 = positions.iter().map(|u| ((1.0 - 0.9 * u) / 0.55).max(0.01).ln()).sum();
    let slowing_log_odds = slowing / dispersion;
    let similar_pauses = count_similar_pauses(&positions, most_likely);
    if similar_pauses >= PAUSES_OF_CONTINUED_GROWTH {
        return GrowthEnd { odds: 0.0, events_before_end: times.len(), slowing_log_odds };
    }
    let odds = if similar_pauses >= PAUSES_OF_UNDECIDED_GROWTH { odds.min(1.0) } else { odds };
    GrowthEnd { odds, events_before_end: (most_likely * step).min(times.len()), slowing_log_odds }
}

/// Odds that the events at these positions have stopped, added up over all gaps between them; the number of events before the most
/// likely end; and the dispersion of all gaps.
fn odds_of_all_ends(positions: &[f64]) -> (f64, usize, f64) {
    let count = positions.len() as f64;
    let (mut odds, mut last) = (0.0, 0.0);
    let mut most_likely = (0.0, positions.len());
    let (mut gaps_before, mut gaps_after) = (GapStatistics::default(), GapStatistics::default());
    positions.windows(2).for_each(|pair| gaps_after.add(pair[1] - pair[0]));
    for (at, position) in positions.iter().chain([&1.0]).enumerate() {
        let gap = position - last;
        if at >= 1 && at < positions.len() {
            gaps_after.remove(gap);
        }
        if at >= 2 && 1.0 - last >= MIN_PAUSE {
            let dispersion = gaps_before.dispersion().max(gaps_after.dispersion());
            let odds_here = if at == positions.len() {
                stopped_odds(count / dispersion, gap)
            } else {
                let likelihood =
                    |rate: &f64| likelihood_ratio(last + gap / 2.0, *rate, count, count - at as f64, dispersion);
                gap * RESIDUAL_RATES.iter().map(likelihood).sum::<f64>() / RESIDUAL_RATES.len() as f64
            };
            odds += odds_here;
            if odds_here > most_likely.0 {
                most_likely = (odds_here, at);
            }
        }
        gaps_before.add(gap);
        last = *position;
    }
    (odds, most_likely.1, gaps_before.dispersion())
}

/// Running sums over gaps between events.
#[derive(Default)]
struct GapStatistics {
    count: f64,
    sum: f64,
    squares: f64,
}

impl GapStatistics {
    fn add(&mut self, gap: f64) {
        self.count += 1.0;
        self.sum += gap;
        self.squares += gap * gap;
    }

    fn remove(&mut self, gap: f64) {
        self.count -= 1.0;
        self.sum -= gap;
        self.squares -= gap * gap;
    }

    /// Squared coefficient of variation of the gaps, at least 1, which is that of independent events; about the number of events
    /// that come together.
    fn dispersion(&self) -> f64 {
        let mean = self.sum / self.count.max(1.0);
        let variance = self.squares / self.count.max(1.0) - mean * mean;
        if mean > 0.0 && self.count > 2.0 { (variance / (mean * mean)).max(1.0) } else { 1.0 }
    }
}

/// Likelihood of `count` events, `late` of them after `end`, at a rate that falls to the share `rate` at `end`, relative to a
/// constant rate. Clustered events count as fewer.
fn likelihood_ratio(end: f64, rate: f64, count: f64, late: f64, dispersion: f64) -> f64 {
    let log = late * rate.ln() - count * (end + rate * (1.0 - end)).ln();
    (log / dispersion).min(30.0).exp()
}

/// Number of earlier pauses that are as long and as empty as the one after the first `events` events; 0 unless the events come in
/// clusters.
fn count_similar_pauses(positions: &[f64], events: usize) -> usize {
    let Some(end) = events.checked_sub(1).and_then(|at| positions.get(at)).copied() else { return 0 };
    let before = positions.get(..events).unwrap_or_default();
    let mut gaps = GapStatistics::default();
    before.windows(2).for_each(|pair| gaps.add(pair[1] - pair[0]));
    let mut bins = [0u64; BIRTH_BINS];
    for position in before {
        let bin = (position / end.max(1e-9) * BIRTH_BINS as f64) as usize;
        bins[bin.min(BIRTH_BINS - 1)] += 1;
    }
    if gaps.dispersion().max(dispersion_index(&bins)) < MIN_CLUSTERED_DISPERSION {
        return 0;
    }
    let length = 1.0 - end;
    if length < MIN_PAUSE {
        return 0;
    }
    let max_events_inside = (positions.len() - events) * 2;
    let (mut pauses, mut start) = (0, 0.0);
    while start + length <= end {
        let first = before.partition_point(|position| *position <= start);
        let inside = before.partition_point(|position| *position < start + length).saturating_sub(first);
        if inside <= max_events_inside {
            pauses += 1;
            start += length;
        } else {
            start = before.get(first).map_or(1.0, |position| *position);
        }
    }
    pauses
}

#[cfg(test)]
mod tests {
    use super::*;

    fn even(n: i64, until: i64) -> Vec<i64> {
        // Not exactly even, like random events.
        (0..n).map(|k| (k * until + (k * 7919) % until) / n).collect()
    }

    #[test]
    fn stopped_events_have_high_odds_and_continuing_ones_low() {
        for n in [12, 30, 100, 5000] {
            assert!(find_growth_end(&even(n, 10_000), 0, 10_000).odds < 0.2, "{n}");
        }
        let stopped = find_growth_end(&even(100, 7_000), 0, 10_000);
        assert!(stopped.odds_over_slowing() > 1e3 && (98..=100).contains(&stopped.events_before_end), "{stopped:?}");
        let mut stragglers = even(100, 6_000);
        stragglers.push(9_900);
        let stopped = find_growth_end(&stragglers, 0, 10_000);
        assert!(stopped.odds_over_slowing() > 1e3 && (98..=100).contains(&stopped.events_before_end), "{stopped:?}");
        assert!(find_growth_end(&even(12, 9_000), 0, 10_000).odds > 0.2);
        assert_eq!(find_growth_end(&[], 0, 10_000), GrowthEnd::default());
        assert_eq!(find_growth_end(&[5, 5], 7, 7), GrowthEnd::default());
    }

    #[test]
    fn pauses_between_steps_are_not_an_end() {
        let steps: Vec<i64> = (0..1000).map(|k| (k / 50) * 500 + 150 + k % 50).collect();
        assert_eq!(find_growth_end(&steps, 0, 10_000).odds, 0.0);
        assert!(find_growth_end(&steps, 0, 20_000).odds_over_slowing() > 20.0);
    }

    #[test]
    fn slowing_down_is_recognized() {
        let slower: Vec<i64> =
            (1..400).map(|k| (10_000.0 * (1.0 - (1.0 - f64::from(k) / 400.0).sqrt() * 0.9) - 900.0) as i64).collect();
        let ending = find_growth_end(&slower, 0, 10_000);
        assert!(ending.slowing_log_odds > 3.0, "{ending:?}");
    }
}
