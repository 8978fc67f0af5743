//! Search for counts that grow in lockstep: equal gains, or gains in small whole ratios, over the same time intervals.
//! Pool tags that do so are probably parts of one object. Knows neither traces nor snapshots, only series of numbers.
//!
//! Equal numbers also occur by chance: the smaller the numbers and the more series are compared, the more often. The
//! density of all counts around the same order of magnitude tells how often an unrelated count comes equally close, and
//! a group is reported only if chance produces it in less than one comparison of a hundred. With several intervals the
//! members must also have the same shape over time.

/// Largest relative difference between two gains that count as equal.
const RATIO_TOLERANCE: f64 = 0.03;
/// Largest number of parts of one kind in an object.
const MAX_PARTS: u32 = 8;
/// Smallest gain of a member: smaller numbers are equal too often to be evidence.
const MIN_GAIN: f64 = 16.0;
/// Largest expected number of groups by chance at which a group is reported.
const MAX_CHANCE: f64 = 0.01;
/// Largest chance of an equally close unrelated count at which a series joins a group that is established already.
const MAX_CHANCE_TO_JOIN: f64 = 0.05;
/// Factor around a gain within which other gains are counted to estimate their density: about an order of magnitude in
/// all.
const DENSITY_FACTOR: f64 = 4.0;
/// Largest sum of squared differences of two shapes, as a share of what independent counts would have (about the counts
/// themselves). Over 64 intervals this limit is four standard deviations below independence.
const SAME_SHAPE: f64 = 0.3;
/// Largest difference of two shapes relative to their size at which they are the same whatever their variation.
const NEAR_SHAPE: f64 = 0.03;
/// Smallest variation, relative to that of random events, at which a shape is distinctive. All evenly spaced series
/// look alike.
const UNEVEN: f64 = 0.25;
/// Smallest number of intervals with a gain at which a shape is distinctive.
const MIN_FILLED_INTERVALS: usize = 8;
/// Number of intervals that longer series are also compared in, merged.
const COARSE_INTERVALS: usize = 64;
/// Factor on the chance of equal gains where both series have the same distinctive shape.
const SHAPE_WEIGHT: f64 = 1e-4;

/// Counts of one kind of thing, such as the allocations of a pool tag.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct CountSeries {
    /// Growth of the outstanding count in each interval. All series have the same intervals; one interval is enough.
    pub gained: Vec<f64>,
    /// Allocations over all intervals, if known.
    pub allocs: Option<u64>,
    /// Frees over all intervals, if known.
    pub frees: Option<u64>,
}

impl CountSeries {
    /// Growth over all intervals.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.gained.iter().sum()
    }

    /// Returns `true` if the count grew and no free was counted.
    #[must_use]
    pub fn never_freed(&self) -> bool {
        self.frees == Some(0) && self.total() > 0.0
    }

    /// Frees per allocation; 1 if they are not known.
    fn free_ratio(&self) -> f64 {
        match (self.allocs, self.frees) {
            (Some(allocs), Some(frees)) => frees as f64 / allocs.max(1) as f64,
            _ => 1.0,
        }
    }
}

/// One series of a group.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LockstepMember {
    /// Index of the series in the input.
    pub series: usize,
    /// Parts of this kind in one object.
    pub parts: u32,
    /// No free was counted.
    pub never_freed: bool,
}

/// Series that grow in lockstep.
#[derive(Clone, PartialEq, Debug)]
pub struct LockstepGroup {
    /// Members, at least two: those without frees first, then by ascending frees per allocation.
    pub members: Vec<LockstepMember>,
    /// Number of objects gained: the smallest gain of a member with one part.
    pub objects: f64,
}

/// Finds the groups among `series`, the one with the most members first. A series is in one group at most.
#[must_use]
pub fn find_groups(series: &[CountSeries]) -> Vec<LockstepGroup> {
    let mut candidates = Candidates::new(series);
    let mut groups = Vec::new();
    while let Some(core) = candidates.best_core() {
        groups.push(candidates.take_group(core));
    }
    groups.sort_by(|a, b| {
        let order = b.members.len().cmp(&a.members.len()).then_with(|| b.objects.total_cmp(&a.objects));
        order.then_with(|| a.members[0].series.cmp(&b.members[0].series))
    });
    groups
}

/// A candidate of a group under construction.
#[derive(Clone, Copy)]
struct Part {
    /// Index of the series.
    series: usize,
    /// Gain relative to the group's first member; below one where the first member has several parts for each of these.
    factor: f64,
}

/// Series that are in no group yet.
struct Candidates<'s> {
    series: &'s [CountSeries],
    /// Gain and index of each, by ascending gain.
    by_gain: Vec<(f64, usize)>,
    /// Logarithms of all positive gains of the input, ascending.
    logarithms: Vec<f64>,
}

impl<'s> Candidates<'s> {
    fn new(series: &'s [CountSeries]) -> Self {
        let totals = series.iter().map(CountSeries::total).enumerate().filter(|(_, total)| total.is_finite());
        let mut by_gain: Vec<(f64, usize)> = totals.map(|(at, total)| (total, at)).filter(|row| row.0 > 0.0).collect();
        by_gain.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let logarithms = by_gain.iter().map(|row| row.0.ln()).collect();
        by_gain.retain(|row| row.0 >= MIN_GAIN);
        Self { series, by_gain, logarithms }
    }

    /// Number of series per unit of the logarithm around `gain`, without the `own` ones that belong to the group in
    /// question, and with one more so that it is never zero.
    fn density(&self, gain: f64, own: usize) -> f64 {
        let (low, high) = ((gain / DENSITY_FACTOR).ln(), (gain * DENSITY_FACTOR).ln());
        let from = self.logarithms.partition_point(|value| *value < low);
        let to = self.logarithms.partition_point(|value| *value <= high);
        let others = (to - from).saturating_sub(own);
        (others + 1) as f64 / (high - low)
    }

    /// Difference of two gains as logarithms, at least that of neighboring whole numbers.
    fn distance(a: f64, b: f64) -> f64 {
        (a / b).ln().abs() + 1.0 / a.min(b)
    }

    /// Finds the set of series whose equality is the least likely by chance; `None` if chance explains all of them.
    fn best_core(&self) -> Option<Vec<Part>> {
        let mut best: Option<(f64, Vec<Part>)> = None;
        let mut consider = |chance: f64, core: Vec<Part>| {
            if chance < best.as_ref().map_or(MAX_CHANCE, |known| known.0) {
                best = Some((chance, core));
            }
        };
        let comparisons = self.by_gain.len() as f64;
        for (first, (gain, at)) in self.by_gain.iter().enumerate() {
            let mut core = vec![Part { series: *at, factor: 1.0 }];
            let mut chance = comparisons;
            for (other_gain, other) in &self.by_gain[first + 1..] {
                if *other_gain > gain * (1.0 + RATIO_TOLERANCE) {
                    break;
                }
                let Some(weight) = self.shape_weight(*at, *other) else { continue };
                core.push(Part { series: *other, factor: 1.0 });
                let others = core.len() - 1;
                // Each member within the distance of the furthest one is an independent coincidence.
                let near = self.density(*gain, core.len()) * Self::distance(*gain, *other_gain);
                chance = comparisons * near.powi(others as i32) / factorial(others) * weight;
                consider(chance, core.clone());
            }
            if chance >= MAX_CHANCE {
                for multiple in self.multiples(*at, *gain) {
                    let pair = vec![
                        Part { series: *at, factor: 1.0 },
                        Part { series: multiple.series, factor: multiple.parts },
                    ];
                    consider(multiple.chance * comparisons, pair);
                }
            }
        }
        best.map(|(_, core)| core)
    }

    /// Finds for each whole multiple of the gain of series `own` the series that fits it best.
    fn multiples(&self, own: usize, gain: f64) -> Vec<Multiple> {
        let mut found = Vec::new();
        for parts in 2..=MAX_PARTS {
            let parts = f64::from(parts);
            let wanted = gain * parts;
            let from = self.by_gain.partition_point(|row| row.0 < wanted * (1.0 - RATIO_TOLERANCE));
            let near = self.by_gain[from..].iter().take_while(|row| row.0 <= wanted * (1.0 + RATIO_TOLERANCE));
            let weighed = near.filter_map(|(other, at)| {
                let weight = self.shape_weight(own, *at)?;
                let distance = (other / wanted).ln().abs() + 1.0 / gain;
                let chance = self.density(*other, 1) * distance * parts * weight;
                Some(Multiple { parts, chance, series: *at })
            });
            found.extend(weighed.min_by(|a, b| a.chance.total_cmp(&b.chance).then(a.series.cmp(&b.series))));
        }
        found
    }

    /// Factor that the shapes of two series over time put on the chance that they are unrelated; `None` if the shapes
    /// differ. Long series are compared in full, which shows events at the same moments, and in few intervals, which
    /// shows events within the same minutes.
    fn shape_weight(&self, a: usize, b: usize) -> Option<f64> {
        let (a, b) = (&self.series[a].gained, &self.series[b].gained);
        if a.len() < 2 && b.len() < 2 {
            return Some(1.0);
        }
        let fine = compare_shapes(a, b);
        let width = a.len().max(b.len()) / COARSE_INTERVALS;
        if width < 2 || fine.is_some_and(|weight| weight < 1.0) {
            return fine;
        }
        let coarse = |series: &[f64]| series.chunks(width).map(|part| part.iter().sum()).collect::<Vec<f64>>();
        // Evenly spaced series look the same in few intervals: where the moments differ, only a distinctive shape
        // counts.
        compare_shapes(&coarse(a), &coarse(b)).filter(|weight| *weight < 1.0).or(fine)
    }

    /// Completes a core to a group with all series that fit it, and removes these from the candidates.
    fn take_group(&mut self, core: Vec<Part>) -> LockstepGroup {
        let mut gains: Vec<f64> = core.iter().map(|part| self.series[part.series].total() / part.factor).collect();
        gains.sort_by(f64::total_cmp);
        // The median: an unrelated series at the edge of the core does not move it.
        let object = gains.get(gains.len() / 2).copied().unwrap_or(f64::INFINITY);
        let mut parts = core;
        // The larger the group, the fewer unrelated series remain, so that the chance is computed again after each step.
        loop {
            let rest = self.by_gain.iter().filter(|(_, at)| parts.iter().all(|part| part.series != *at));
            let joining = rest.filter_map(|(gain, at)| {
                let (factor, chance) = self.fit(*gain, *at, object, &parts)?;
                (chance <= MAX_CHANCE_TO_JOIN).then_some((chance, Part { series: *at, factor }))
            });
            let nearest = joining.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.series.cmp(&b.1.series)));
            let Some((_, part)) = nearest else { break };
            parts.push(part);
        }
        self.by_gain.retain(|(_, at)| parts.iter().all(|part| part.series != *at));
        self.group(&parts)
    }

    /// Whole multiple or fraction of the gain of one object that `gain` is, and the chance of an equally close
    /// unrelated gain; `None` if it is neither or the shapes differ.
    fn fit(&self, gain: f64, at: usize, object: f64, parts: &[Part]) -> Option<(f64, f64)> {
        let first = parts.first()?.series;
        let ratio = gain / object;
        let whole = if ratio >= 1.0 { ratio.round() } else { (1.0 / ratio).round() };
        if whole > f64::from(MAX_PARTS) {
            return None;
        }
        let factor = if ratio >= 1.0 { whole } else { 1.0 / whole };
        // A fraction of the object becomes the new unit, of which all others have to be whole multiples.
        let unit = parts.iter().map(|part| part.factor).fold(factor, f64::min);
        let is_whole = |part: f64| (part / unit - (part / unit).round()).abs() < 1e-9;
        let wanted = object * factor;
        if (gain / wanted - 1.0).abs() > RATIO_TOLERANCE
            || !parts.iter().all(|part| is_whole(part.factor))
            || !is_whole(factor)
        {
            return None;
        }
        let weight = self.shape_weight(first, at)?;
        let chance = self.density(gain, parts.len()) * Self::distance(gain, wanted) * whole * weight;
        Some((factor, chance))
    }

    fn group(&self, parts: &[Part]) -> LockstepGroup {
        let unit = parts.iter().map(|part| part.factor).fold(f64::INFINITY, f64::min);
        let whole = |part: &Part| (part.factor / unit).round() as u32;
        let ones = parts.iter().filter(|part| whole(part) == 1).map(|part| self.series[part.series].total());
        let objects = ones.fold(f64::INFINITY, f64::min);
        let mut members: Vec<LockstepMember> = parts
            .iter()
            .map(|part| LockstepMember {
                series: part.series,
                parts: whole(part),
                never_freed: self.series[part.series].never_freed(),
            })
            .collect();
        members.sort_by(|a, b| {
            let free_ratio = |member: &LockstepMember| self.series[member.series].free_ratio();
            let order = b.never_freed.cmp(&a.never_freed).then_with(|| free_ratio(a).total_cmp(&free_ratio(b)));
            order.then_with(|| a.parts.cmp(&b.parts)).then_with(|| a.series.cmp(&b.series))
        });
        LockstepGroup { members, objects }
    }
}

/// A series whose gain is a whole multiple of another one's.
struct Multiple {
    /// The multiple.
    parts: f64,
    /// Chance that an unrelated series comes equally close.
    chance: f64,
    /// Index of the series.
    series: usize,
}

/// Factor that the shapes of two series put on the chance that they are unrelated: [`SHAPE_WEIGHT`] for the same
/// distinctive shape, 1 for the same common one, `None` if they differ.
fn compare_shapes(a: &[f64], b: &[f64]) -> Option<f64> {
    let (sum_a, sum_b) = (a.iter().sum::<f64>(), b.iter().sum::<f64>());
    let ratio = sum_a / sum_b;
    let at = |series: &[f64], interval: usize| series.get(interval).copied().unwrap_or(0.0);
    let (mut differences, mut expected, mut squares) = (0.0, 0.0, 0.0);
    for interval in 0..a.len().max(b.len()) {
        let (x, y) = (at(a, interval), ratio * at(b, interval));
        differences += (x - y) * (x - y);
        expected += x.abs() + ratio * y.abs();
        squares += x * x;
    }
    let is_same = differences <= SAME_SHAPE * expected;
    let is_near = differences.sqrt() <= NEAR_SHAPE * squares.sqrt();
    let filled = a.iter().filter(|x| **x > 0.0).count();
    let (own, other) = (sum_of_squared_deviations(a), ratio * ratio * sum_of_squared_deviations(b));
    let is_uneven = filled >= MIN_FILLED_INTERVALS && own >= UNEVEN * sum_a;
    if is_same && is_uneven && differences <= SAME_SHAPE * (own + other) {
        return Some(SHAPE_WEIGHT);
    }
    (is_same || is_near).then_some(1.0)
}

fn sum_of_squared_deviations(series: &[f64]) -> f64 {
    let mean = series.iter().sum::<f64>() / series.len().max(1) as f64;
    series.iter().map(|x| (x - mean) * (x - mean)).sum()
}

fn factorial(n: usize) -> f64 {
    (1..=n).map(|k| k as f64).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pseudorandom numbers, the same in every run (splitmix64).
    struct Rng(u64);

    impl Rng {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) % limit
        }
    }

    fn counted(gained: f64, allocs: u64, frees: u64) -> CountSeries {
        CountSeries { gained: vec![gained], allocs: Some(allocs), frees: Some(frees) }
    }

    /// Index and parts of each member.
    fn found(series: &[CountSeries]) -> Vec<Vec<(usize, u32)>> {
        let parts = |group: &LockstepGroup| group.members.iter().map(|m| (m.series, m.parts)).collect();
        find_groups(series).iter().map(parts).collect()
    }

    /// Unrelated gains between one and e to the fourteenth, evenly by their logarithm.
    fn unrelated(count: usize, rng: &mut Rng) -> Vec<CountSeries> {
        let gain = |rng: &mut Rng| (rng.below(1 << 30) as f64 / f64::from(1 << 30) * 14.0).exp().floor();
        (0..count).map(|_| gain(rng)).map(|gain| counted(gain, gain as u64 + 5, 5)).collect()
    }

    #[test]
    fn equal_and_doubled_counts_are_one_group_with_members_without_frees_first() {
        // Gains of the tags of two snapshots, five days apart (microsoft/WSL#40804).
        let rows = [
            (503_712, 2_300_000, 1_796_288),
            (514_826, 9_000_000, 8_485_174),
            (1_006_714, 4_000_000, 2_993_286),
            (503_677, 503_677, 0),
            (503_677, 503_677, 0),
            (503_677, 503_690, 13),
            (503_787, 600_000, 96_213),
            (504_435, 30_000_000, 29_495_565),
            (503_797, 700_000, 196_203),
            (1_000, 800_000, 799_000),
        ];
        let series: Vec<CountSeries> = rows.iter().map(|(gain, a, f)| counted(f64::from(*gain), *a, *f)).collect();
        let all = find_groups(&series);
        assert_eq!(all.len(), 1);
        let members = &all[0].members;
        let order: Vec<(usize, u32)> = members.iter().map(|m| (m.series, m.parts)).collect();
        assert_eq!(order, [(3, 1), (4, 1), (5, 1), (6, 1), (8, 1), (2, 2), (0, 1), (1, 1), (7, 1)]);
        assert_eq!(members.iter().filter(|m| m.never_freed).count(), 2);
        assert!((all[0].objects - 503_677.0).abs() < 0.5);
    }

    #[test]
    fn nearly_equal_counts_are_a_pair_and_doubled_counts_too() {
        let exact = [counted(29_386_669.0, 31_000_000, 1_613_331), counted(29_386_543.0, 31_000_100, 1_613_557)];
        assert_eq!(found(&exact), [[(0, 1), (1, 1)]]);
        let doubled = [counted(40_000.0, 40_000, 0), counted(80_004.0, 90_000, 9_996), counted(7.0, 9, 2)];
        assert_eq!(found(&doubled), [[(0, 1), (1, 2)]]);
        // A series with half the gain: the others have two parts for each of its one.
        let halved = [
            counted(50_000.0, 50_000, 0),
            counted(50_001.0, 90_000, 1),
            counted(50_003.0, 9, 9),
            counted(25_000.0, 9, 3),
        ];
        assert_eq!(found(&halved), [[(0, 2), (1, 2), (3, 1), (2, 2)]]);
    }

    #[test]
    fn chance_makes_no_groups() {
        let mut rng = Rng(17);
        let made = (0..600)
            .filter(|round| !find_groups(&unrelated([12, 60, 300, 900][round % 4], &mut rng)).is_empty())
            .count();
        assert!(made <= 24, "{made} of 600 lists of unrelated series have a group");
    }

    #[test]
    fn a_planted_group_is_found_among_hundreds_of_unrelated() {
        let mut rng = Rng(5);
        for round in 0..60 {
            let mut series = unrelated(300, &mut rng);
            let base = 100_000 + rng.below(900_000);
            let planted = [1.0, 1.0, 1.000_2, 1.001, 2.0];
            series.extend(planted.iter().map(|ratio| counted((base as f64 * ratio).floor(), 2 * base, 7)));
            let groups = found(&series);
            let whole = groups.iter().any(|group| (300..305).all(|at| group.iter().any(|part| part.0 == at)));
            assert!(whole, "round {round}: {base} {groups:?}");
        }
    }

    /// Gains of `events` events at random times.
    fn random_gains(events: u64, rng: &mut Rng) -> Vec<f64> {
        let mut gained = vec![0.0; 64];
        (0..events).for_each(|_| gained[rng.below(64) as usize] += 1.0);
        gained
    }

    #[test]
    fn over_time_the_same_shape_is_needed() {
        let mut rng = Rng(3);
        for events in [40, 400, 20_000] {
            for _ in 0..40 {
                let first = random_gains(events, &mut rng);
                let series = |gained: &[f64]| CountSeries { gained: gained.to_vec(), allocs: None, frees: None };
                let other = random_gains(events, &mut rng);
                assert_eq!(found(&[series(&first), series(&other)]), [] as [Vec<_>; 0], "{events} events each");
                let doubled: Vec<f64> = first.iter().map(|x| 2.0 * x).collect();
                let all = [series(&other), series(&first), series(&first), series(&doubled)];
                assert_eq!(found(&all), [[(1, 1), (2, 1), (3, 2)]], "{events} events");
            }
        }
    }

    #[test]
    fn gains_at_the_same_moments_are_a_group_even_if_evenly_spaced() {
        // Every 60th of 4,096 intervals; a second series as often, half a period later.
        let every = |from: usize| {
            let mut gained = vec![0.0; 4_096];
            gained.iter_mut().skip(from).step_by(60).for_each(|gain| *gain = 1.0);
            CountSeries { gained, allocs: None, frees: None }
        };
        assert_eq!(found(&[every(5), every(35), every(5)]), [[(0, 1), (2, 1)]]);
        // At random moments, each gain of the second a few intervals after one of the first.
        let mut rng = Rng(8);
        let times: Vec<usize> = (0..300).map(|_| rng.below(4_000) as usize).collect();
        let mut late = |by: u64| {
            let mut gained = vec![0.0; 4_096];
            times.iter().for_each(|time| gained[time + rng.below(by) as usize] += 1.0);
            CountSeries { gained, allocs: None, frees: None }
        };
        let (now, soon) = (late(1), late(12));
        assert_eq!(found(&[now, soon]), [[(0, 1), (1, 1)]]);
    }

    #[test]
    fn small_or_invalid_numbers_are_no_groups() {
        assert_eq!(find_groups(&[]), []);
        assert_eq!(found(&[counted(9.0, 9, 0), counted(9.0, 9, 0)]), [] as [Vec<_>; 0]);
        let odd = [counted(f64::NAN, 1, 1), counted(-40.0, 1, 1), counted(0.0, 1, 1), CountSeries::default()];
        assert_eq!(find_groups(&odd), []);
    }
}
