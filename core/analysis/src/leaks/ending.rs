//! Whether something that happened again and again has ceased: by the odds of that against its going on as before. It knows
//! moments only, and may never take the pauses of a load that comes in bursts or waves for an end.

use super::limits::{BIRTH_BINS, CLUSTERED, FEW_PAUSES, LEAST_PAUSE, STRAGGLERS, USUAL_PAUSES};
use super::statistics::{clustering, stopped_odds};

/// How a process ends.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Ending {
    /// Odds that it has ceased, but for stragglers, against that it goes on.
    pub odds: f64,
    /// The number of events before the most likely end.
    pub events: usize,
    /// Natural logarithm of the odds that it slows down steadily, to a tenth, against that it goes on as before.
    pub slowing: f64,
}

impl Ending {
    /// Odds that it has ceased against the likelier of going on and slowing down.
    #[must_use]
    pub fn sure_odds(&self) -> f64 {
        self.odds / self.slowing.clamp(0.0, 30.0).exp()
    }
}

/// So many events are looked at; of more, every second, third, and so on.
const MOST: usize = 512;

/// Looks at events at ascending moments from `from` to `to`.
#[must_use]
pub fn ending(moments: &[i64], from: i64, to: i64) -> Ending {
    let length = to.saturating_sub(from) as f64;
    if moments.len() < 2 || length <= 0.0 {
        return Ending::default();
    }
    let step = moments.len().div_ceil(MOST);
    let places: Vec<f64> = moments.iter().step_by(step).map(|t| t.saturating_sub(from) as f64 / length).collect();
    let n = places.len() as f64;
    let slows: f64 = places.iter().map(|u| ((1.0 - 0.9 * u) / 0.55).max(0.01).ln()).sum();
    let mut best = (0.0, places.len());
    let (mut odds, mut last) = (0.0, 0.0);
    let (mut gaps, mut after) = (Gaps::default(), Gaps::default());
    places.windows(2).for_each(|pair| after.add(pair[1] - pair[0]));
    for (at, place) in places.iter().chain([&1.0]).enumerate() {
        let gap = place - last;
        if at >= 1 && at < places.len() {
            after.remove(gap);
        }
        if at >= 2 && 1.0 - last >= LEAST_PAUSE {
            let clustering = gaps.clustering().max(after.clustering());
            let here = if at == places.len() {
                stopped_odds(n / clustering, gap)
            } else {
                let likelihood = |share: &f64| likelihood(last + gap / 2.0, *share, n, n - at as f64, clustering);
                gap * STRAGGLERS.iter().map(likelihood).sum::<f64>() / STRAGGLERS.len() as f64
            };
            odds += here;
            if here > best.0 {
                best = (here, at);
            }
        }
        gaps.add(gap);
        last = *place;
    }
    let slowing = slows / gaps.clustering();
    let alike = pauses_alike(&places, best.1);
    if alike >= USUAL_PAUSES {
        return Ending { odds: 0.0, events: moments.len(), slowing };
    }
    let odds = if alike >= FEW_PAUSES { odds.min(1.0) } else { odds };
    Ending { odds, events: (best.1 * step).min(moments.len()), slowing }
}

/// The gaps so far.
#[derive(Default)]
struct Gaps {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Gaps {
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

    /// How many events come together: 1 for independent ones, whose gaps' deviation is their mean.
    fn clustering(&self) -> f64 {
        let mean = self.sum / self.count.max(1.0);
        let variance = self.squares / self.count.max(1.0) - mean * mean;
        if mean > 0.0 && self.count > 2.0 { (variance / (mean * mean)).max(1.0) } else { 1.0 }
    }
}

/// How much likelier `n` events are, of which `late` came after `end`, at a rate that fell to `share` there than at one that
/// did not change.
fn likelihood(end: f64, share: f64, n: f64, late: f64, clustering: f64) -> f64 {
    let log = late * share.ln() - n * (end + share * (1.0 - end)).ln();
    (log / clustering).min(30.0).exp()
}

/// How many stretches as long and as empty as the one after `events` occur before, in events that come in clusters.
fn pauses_alike(places: &[f64], events: usize) -> usize {
    let Some(end) = events.checked_sub(1).and_then(|at| places.get(at)).copied() else { return 0 };
    let before = places.get(..events).unwrap_or_default();
    let mut gaps = Gaps::default();
    before.windows(2).for_each(|pair| gaps.add(pair[1] - pair[0]));
    let mut bins = [0u64; BIRTH_BINS];
    before
        .iter()
        .for_each(|place| bins[((place / end.max(1e-9) * BIRTH_BINS as f64) as usize).min(BIRTH_BINS - 1)] += 1);
    if gaps.clustering().max(clustering(&bins)) < CLUSTERED {
        return 0;
    }
    let length = 1.0 - end;
    if length < LEAST_PAUSE {
        return 0;
    }
    let allowed = (places.len() - events) * 2;
    let (mut found, mut start) = (0, 0.0);
    while start + length <= end {
        let first = before.partition_point(|place| *place <= start);
        let inside = before.partition_point(|place| *place < start + length).saturating_sub(first);
        if inside <= allowed {
            found += 1;
            start += length;
        } else {
            start = before.get(first).map_or(1.0, |place| *place);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn even(n: i64, until: i64) -> Vec<i64> {
        // Not quite even, as chance has it.
        (0..n).map(|k| (k * until + (k * 7919) % until) / n).collect()
    }

    #[test]
    fn what_stops_is_told_from_what_goes_on() {
        for n in [12, 30, 100, 5000] {
            assert!(ending(&even(n, 10_000), 0, 10_000).odds < 0.2, "{n}");
        }
        let stopped = ending(&even(100, 7_000), 0, 10_000);
        assert!(stopped.sure_odds() > 1e3 && (98..=100).contains(&stopped.events), "{stopped:?}");
        let mut stragglers = even(100, 6_000);
        stragglers.push(9_900);
        let stopped = ending(&stragglers, 0, 10_000);
        assert!(stopped.sure_odds() > 1e3 && (98..=100).contains(&stopped.events), "{stopped:?}");
        assert!(ending(&even(12, 9_000), 0, 10_000).odds > 0.2);
        assert_eq!(ending(&[], 0, 10_000), Ending::default());
        assert_eq!(ending(&[5, 5], 7, 7), Ending::default());
    }

    #[test]
    fn pauses_between_steps_are_no_end() {
        let steps: Vec<i64> = (0..1000).map(|k| (k / 50) * 500 + 150 + k % 50).collect();
        assert_eq!(ending(&steps, 0, 10_000).odds, 0.0);
        assert!(ending(&steps, 0, 20_000).sure_odds() > 20.0);
    }

    #[test]
    fn what_slows_down_has_not_stopped() {
        let slower: Vec<i64> =
            (1..400).map(|k| (10_000.0 * (1.0 - (1.0 - f64::from(k) / 400.0).sqrt() * 0.9) - 900.0) as i64).collect();
        let ending = ending(&slower, 0, 10_000);
        assert!(ending.slowing > 3.0, "{ending:?}");
    }
}
