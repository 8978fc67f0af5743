//! Counts that grow together: equal numbers, or small whole multiples of one number, over the same intervals. Tags that do so
//! are probably parts of one object. It knows neither traces nor snapshots, only series of numbers.
//!
//! Equal numbers also come up by chance, the more so the smaller the numbers and the more of them are compared. A group is
//! reported only where chance would make it in less than one comparison of a hundred: the density of the other counts at the same
//! order of magnitude says how often a stranger comes as near. With several intervals the members must have the same course,
//! too.

/// Counts further apart than this share are not equal.
const TOLERANCE: f64 = 0.03;
/// Largest whole number of parts of one kind in an object.
const MOST_PARTS: u32 = 8;
/// Counts below this are equal too often to say anything.
const LEAST_GAINED: f64 = 16.0;
/// Groups that chance would make more often than this are left out.
const CHANCE: f64 = 0.01;
/// A count joins a group that is sure already unless chance brings one as near more often than this.
const CHANCE_TO_JOIN: f64 = 0.05;
/// Other counts within this factor say how dense they lie. Two powers of two up and down are about an order of magnitude.
const NEIGHBORHOOD: f64 = 4.0;
/// Squared differences of independent counts add up to about the counts themselves. Less than this share of them in 64 intervals
/// is four standard deviations below.
const SAME_COURSE: f64 = 0.3;
/// Courses that differ by less than this share of their size are the same, however little the counts vary.
const NEAR_COURSE: f64 = 0.03;
/// Counts that vary at least this share of what chance makes them vary have a course of their own; evenly spaced ones are like
/// all others that are evenly spaced.
const UNEVEN: f64 = 0.25;
/// Intervals with a gain that a course of its own takes.
const LEAST_INTERVALS: usize = 8;
/// Intervals that many are put together to.
const FEW_INTERVALS: usize = 64;
/// What the same uneven course leaves of the chance of equal numbers.
const COURSE_WEIGHT: f64 = 1e-4;

/// What was counted for one kind of thing.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Series {
    /// Outstanding things gained in each interval; the intervals are the same for all series. One is enough.
    pub gained: Vec<f64>,
    /// Allocations over all intervals, if they are counted.
    pub allocs: Option<u64>,
    /// Frees over all intervals, if they are counted.
    pub frees: Option<u64>,
}

impl Series {
    /// Gain over all intervals.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.gained.iter().sum()
    }

    /// Whether it gained and freed none at all.
    #[must_use]
    pub fn never_freed(&self) -> bool {
        self.frees == Some(0) && self.total() > 0.0
    }

    /// Frees per allocation; 1 where they are not counted.
    fn freed_share(&self) -> f64 {
        match (self.allocs, self.frees) {
            (Some(allocs), Some(frees)) => frees as f64 / allocs.max(1) as f64,
            _ => 1.0,
        }
    }
}

/// A series of a group.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Member {
    /// Its place among the series.
    pub series: usize,
    /// Parts of this kind in one object.
    pub parts: u32,
    /// Its gain divided by that of the objects; near `parts`.
    pub ratio: f64,
    /// It freed none at all.
    pub never_freed: bool,
}

/// Series that grow together.
#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    /// Its members, at least two: those that never free first, then the fewer frees per allocation the earlier.
    pub members: Vec<Member>,
    /// How many objects were gained: the least gain of a member with one part.
    pub objects: f64,
}

/// The groups among series, those with the most members first. No series is in two of them.
#[must_use]
pub fn groups(series: &[Series]) -> Vec<Group> {
    let mut pool = Pool::new(series);
    let mut found = Vec::new();
    while let Some(core) = pool.best_core() {
        found.push(pool.take(core));
    }
    found.sort_by(|a, b| {
        let order = b.members.len().cmp(&a.members.len()).then_with(|| b.objects.total_cmp(&a.objects));
        order.then_with(|| a.members[0].series.cmp(&b.members[0].series))
    });
    found
}

/// A candidate and how many parts it has of what the group's first one has one of; below one where that has several.
#[derive(Clone, Copy)]
struct Part {
    at: usize,
    factor: f64,
}

/// Series that may still be grouped, the smallest gain first.
struct Pool<'s> {
    series: &'s [Series],
    candidates: Vec<(f64, usize)>,
    /// Gains of all series that grew, ascending, as logarithms.
    logarithms: Vec<f64>,
}

impl<'s> Pool<'s> {
    fn new(series: &'s [Series]) -> Self {
        let totals = series.iter().map(Series::total).enumerate().filter(|(_, total)| total.is_finite());
        let mut all: Vec<(f64, usize)> = totals.map(|(at, total)| (total, at)).filter(|row| row.0 > 0.0).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let logarithms = all.iter().map(|row| row.0.ln()).collect();
        all.retain(|row| row.0 >= LEAST_GAINED);
        Self { series, candidates: all, logarithms }
    }

    /// Series per unit of the logarithm at this gain, `own` of which belong to the group in question; never below what one
    /// more of them would make.
    fn density(&self, gain: f64, own: usize) -> f64 {
        let (low, high) = ((gain / NEIGHBORHOOD).ln(), (gain * NEIGHBORHOOD).ln());
        let from = self.logarithms.partition_point(|value| *value < low);
        let to = self.logarithms.partition_point(|value| *value <= high);
        let others = (to - from).saturating_sub(own);
        (others + 1) as f64 / (high - low)
    }

    /// How near two gains are, as a difference of logarithms; whole numbers are no nearer than one.
    fn distance(a: f64, b: f64) -> f64 {
        (a / b).ln().abs() + 1.0 / a.min(b)
    }

    /// Series that chance would hardly make so equal: the ones least likely to be so by chance.
    fn best_core(&self) -> Option<Vec<Part>> {
        let mut best: Option<(f64, Vec<Part>)> = None;
        let mut consider = |chance: f64, core: Vec<Part>| {
            if chance < best.as_ref().map_or(CHANCE, |known| known.0) {
                best = Some((chance, core));
            }
        };
        let tried = self.candidates.len() as f64;
        for (first, (gain, at)) in self.candidates.iter().enumerate() {
            let mut core = vec![Part { at: *at, factor: 1.0 }];
            let mut chance = tried;
            for (other_gain, other) in &self.candidates[first + 1..] {
                if *other_gain > gain * (1.0 + TOLERANCE) {
                    break;
                }
                let Some(weight) = self.course(*at, *other) else { continue };
                core.push(Part { at: *other, factor: 1.0 });
                let others = core.len() - 1;
                // Each further one within the distance of the furthest is a coincidence of its own.
                let near = self.density(*gain, core.len()) * Self::distance(*gain, *other_gain);
                chance = tried * near.powi(others as i32) / factorial(others) * weight;
                consider(chance, core.clone());
            }
            if chance >= CHANCE {
                for (parts, other) in self.multiples(*at, *gain) {
                    consider(other.0 * tried, vec![Part { at: *at, factor: 1.0 }, Part { at: other.1, factor: parts }]);
                }
            }
        }
        best.map(|(_, core)| core)
    }

    /// Series that gained a whole multiple of this one's gain: the multiple, how likely chance brings one as near, and which.
    fn multiples(&self, own: usize, gain: f64) -> Vec<(f64, (f64, usize))> {
        let mut found = Vec::new();
        for parts in 2..=MOST_PARTS {
            let wanted = gain * f64::from(parts);
            let from = self.candidates.partition_point(|row| row.0 < wanted * (1.0 - TOLERANCE));
            let near = self.candidates[from..].iter().take_while(|row| row.0 <= wanted * (1.0 + TOLERANCE));
            let weighed = near.filter_map(|(other, at)| {
                let weight = self.course(own, *at)?;
                let distance = (other / wanted).ln().abs() + 1.0 / gain;
                Some((self.density(*other, 1) * distance * f64::from(parts) * weight, *at))
            });
            let nearest = weighed.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            found.extend(nearest.map(|nearest| (f64::from(parts), nearest)));
        }
        found
    }

    /// Whether two series have the same course, and what that leaves of the chance that they are strangers. Many intervals are
    /// looked at as they are, which tells what happens at the same moments, and put together to a few, which tells what happens
    /// within the same minutes.
    fn course(&self, a: usize, b: usize) -> Option<f64> {
        let (a, b) = (&self.series[a].gained, &self.series[b].gained);
        if a.len() < 2 && b.len() < 2 {
            return Some(1.0);
        }
        let fine = course_of(a, b);
        let width = a.len().max(b.len()) / FEW_INTERVALS;
        if width < 2 || fine.is_some_and(|weight| weight < 1.0) {
            return fine;
        }
        let coarse = |series: &[f64]| series.chunks(width).map(|part| part.iter().sum()).collect::<Vec<f64>>();
        // Evenly spaced ones look the same in few intervals: where the moments differ, only a course of their own counts.
        course_of(&coarse(a), &coarse(b)).filter(|weight| *weight < 1.0).or(fine)
    }

    /// The group that belongs to a core; its members are candidates no more.
    fn take(&mut self, core: Vec<Part>) -> Group {
        let mut gains: Vec<f64> = core.iter().map(|part| self.series[part.at].total() / part.factor).collect();
        gains.sort_by(f64::total_cmp);
        // A stranger at the edge of the core does not move the middle.
        let object = gains.get(gains.len() / 2).copied().unwrap_or(f64::INFINITY);
        let mut parts = core;
        // The more members a group has the fewer strangers there are, so that joining is judged by the final group.
        loop {
            let joining = self.candidates.iter().filter(|(_, at)| parts.iter().all(|part| part.at != *at));
            let joining = joining.filter_map(|(gain, at)| {
                let (factor, chance) = self.fit(*gain, *at, object, &parts)?;
                (chance <= CHANCE_TO_JOIN).then_some((chance, Part { at: *at, factor }))
            });
            let nearest = joining.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.at.cmp(&b.1.at)));
            let Some((_, part)) = nearest else { break };
            parts.push(part);
        }
        self.candidates.retain(|(_, at)| parts.iter().all(|part| part.at != *at));
        self.group(&parts)
    }

    /// The whole multiple or part of a gain that another gain is, and how likely chance brings one as near.
    fn fit(&self, gain: f64, at: usize, object: f64, parts: &[Part]) -> Option<(f64, f64)> {
        let first = parts.first()?.at;
        let ratio = gain / object;
        let whole = if ratio >= 1.0 { ratio.round() } else { (1.0 / ratio).round() };
        if whole > f64::from(MOST_PARTS) {
            return None;
        }
        let factor = if ratio >= 1.0 { whole } else { 1.0 / whole };
        // With a part of the object all others become whole multiples of it.
        let least = parts.iter().map(|part| part.factor).fold(factor, f64::min);
        let is_whole = |part: f64| (part / least - (part / least).round()).abs() < 1e-9;
        let wanted = object * factor;
        if (gain / wanted - 1.0).abs() > TOLERANCE
            || !parts.iter().all(|part| is_whole(part.factor))
            || !is_whole(factor)
        {
            return None;
        }
        let weight = self.course(first, at)?;
        let chance = self.density(gain, parts.len()) * Self::distance(gain, wanted) * whole * weight;
        Some((factor, chance))
    }

    fn group(&self, parts: &[Part]) -> Group {
        let least = parts.iter().map(|part| part.factor).fold(f64::INFINITY, f64::min);
        let whole = |part: &Part| (part.factor / least).round() as u32;
        let ones = parts.iter().filter(|part| whole(part) == 1).map(|part| self.series[part.at].total());
        let objects = ones.fold(f64::INFINITY, f64::min);
        let mut members: Vec<Member> = parts
            .iter()
            .map(|part| Member {
                series: part.at,
                parts: whole(part),
                ratio: self.series[part.at].total() / objects,
                never_freed: self.series[part.at].never_freed(),
            })
            .collect();
        members.sort_by(|a, b| {
            let share = |member: &Member| self.series[member.series].freed_share();
            let order = b.never_freed.cmp(&a.never_freed).then_with(|| share(a).total_cmp(&share(b)));
            order.then_with(|| a.parts.cmp(&b.parts)).then_with(|| a.series.cmp(&b.series))
        });
        Group { members, objects }
    }
}

/// Whether two series have the same course in these intervals, and what that leaves of the chance that they are strangers.
fn course_of(a: &[f64], b: &[f64]) -> Option<f64> {
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
    let is_same = differences <= SAME_COURSE * expected;
    let is_near = differences.sqrt() <= NEAR_COURSE * squares.sqrt();
    let filled = a.iter().filter(|x| **x > 0.0).count();
    let (own, other) = (spread(a), ratio * ratio * spread(b));
    let is_uneven = filled >= LEAST_INTERVALS && own >= UNEVEN * sum_a;
    if is_same && is_uneven && differences <= SAME_COURSE * (own + other) {
        return Some(COURSE_WEIGHT);
    }
    (is_same || is_near).then_some(1.0)
}

/// Squared distances from the mean, added up.
fn spread(series: &[f64]) -> f64 {
    let mean = series.iter().sum::<f64>() / series.len().max(1) as f64;
    series.iter().map(|x| (x - mean) * (x - mean)).sum()
}

fn factorial(n: usize) -> f64 {
    (1..=n).map(|k| k as f64).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random and are the same in every run (splitmix64).
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, below: u64) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) % below
        }
    }

    fn counted(gained: f64, allocs: u64, frees: u64) -> Series {
        Series { gained: vec![gained], allocs: Some(allocs), frees: Some(frees) }
    }

    /// Members by place, with their parts.
    fn found(series: &[Series]) -> Vec<Vec<(usize, u32)>> {
        let parts = |group: &Group| group.members.iter().map(|m| (m.series, m.parts)).collect();
        groups(series).iter().map(parts).collect()
    }

    /// Numbers between one and e to the fourteenth, evenly by their logarithm.
    fn strangers(count: usize, dice: &mut Dice) -> Vec<Series> {
        let gain = |dice: &mut Dice| (dice.roll(1 << 30) as f64 / f64::from(1 << 30) * 14.0).exp().floor();
        (0..count).map(|_| gain(dice)).map(|gain| counted(gain, gain as u64 + 5, 5)).collect()
    }

    #[test]
    fn equal_and_doubled_counts_are_one_group_and_who_never_frees_comes_first() {
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
        let series: Vec<Series> = rows.iter().map(|(gain, a, f)| counted(f64::from(*gain), *a, *f)).collect();
        let all = groups(&series);
        assert_eq!(all.len(), 1);
        let members = &all[0].members;
        let order: Vec<(usize, u32)> = members.iter().map(|m| (m.series, m.parts)).collect();
        assert_eq!(order, [(3, 1), (4, 1), (5, 1), (6, 1), (8, 1), (2, 2), (0, 1), (1, 1), (7, 1)]);
        assert_eq!(members.iter().filter(|m| m.never_freed).count(), 2);
        assert!((members[5].ratio - 1.9987).abs() < 1e-3 && (all[0].objects - 503_677.0).abs() < 0.5);
    }

    #[test]
    fn two_that_differ_by_millionths_are_a_pair_and_twice_as_many_too() {
        let exact = [counted(29_386_669.0, 31_000_000, 1_613_331), counted(29_386_543.0, 31_000_100, 1_613_557)];
        assert_eq!(found(&exact), [[(0, 1), (1, 1)]]);
        let doubled = [counted(40_000.0, 40_000, 0), counted(80_004.0, 90_000, 9_996), counted(7.0, 9, 2)];
        assert_eq!(found(&doubled), [[(0, 1), (1, 2)]]);
        // One that has one part for two of the others: those become two parts each.
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
        let mut dice = Dice(17);
        let made =
            (0..600).filter(|round| !groups(&strangers([12, 60, 300, 900][round % 4], &mut dice)).is_empty()).count();
        assert!(made <= 24, "{made} of 600 lists of strangers have a group");
    }

    #[test]
    fn a_planted_group_is_found_among_hundreds_of_strangers() {
        let mut dice = Dice(5);
        for round in 0..60 {
            let mut series = strangers(300, &mut dice);
            let base = 100_000 + dice.roll(900_000);
            let planted = [1.0, 1.0, 1.000_2, 1.001, 2.0];
            series.extend(planted.iter().map(|ratio| counted((base as f64 * ratio).floor(), 2 * base, 7)));
            let groups = found(&series);
            let whole = groups.iter().any(|group| (300..305).all(|at| group.iter().any(|part| part.0 == at)));
            assert!(whole, "round {round}: {base} {groups:?}");
        }
    }

    /// Gains of so many events at random times.
    fn course(events: u64, dice: &mut Dice) -> Vec<f64> {
        let mut gained = vec![0.0; 64];
        (0..events).for_each(|_| gained[dice.roll(64) as usize] += 1.0);
        gained
    }

    #[test]
    fn over_time_the_same_course_is_needed() {
        let mut dice = Dice(3);
        for events in [40, 400, 20_000] {
            for _ in 0..40 {
                let first = course(events, &mut dice);
                let series = |gained: &[f64]| Series { gained: gained.to_vec(), allocs: None, frees: None };
                let other = course(events, &mut dice);
                assert_eq!(found(&[series(&first), series(&other)]), [] as [Vec<_>; 0], "{events} events each");
                let doubled: Vec<f64> = first.iter().map(|x| 2.0 * x).collect();
                let all = [series(&other), series(&first), series(&first), series(&doubled)];
                assert_eq!(found(&all), [[(1, 1), (2, 1), (3, 2)]], "{events} events");
            }
        }
    }

    #[test]
    fn what_happens_at_the_same_moments_belongs_together_however_evenly() {
        // Every 60th of 4,096 intervals; another as often, half a period later.
        let every = |from: usize| {
            let mut gained = vec![0.0; 4_096];
            gained.iter_mut().skip(from).step_by(60).for_each(|gain| *gain = 1.0);
            Series { gained, allocs: None, frees: None }
        };
        assert_eq!(found(&[every(5), every(35), every(5)]), [[(0, 1), (2, 1)]]);
        // At random, each a few intervals after the other.
        let mut dice = Dice(8);
        let times: Vec<usize> = (0..300).map(|_| dice.roll(4_000) as usize).collect();
        let mut late = |by: u64| {
            let mut gained = vec![0.0; 4_096];
            times.iter().for_each(|time| gained[time + dice.roll(by) as usize] += 1.0);
            Series { gained, allocs: None, frees: None }
        };
        let (now, soon) = (late(1), late(12));
        assert_eq!(found(&[now, soon]), [[(0, 1), (1, 1)]]);
    }

    #[test]
    fn small_numbers_and_nothing_are_no_groups() {
        assert_eq!(groups(&[]), []);
        assert_eq!(found(&[counted(9.0, 9, 0), counted(9.0, 9, 0)]), [] as [Vec<_>; 0]);
        let odd = [counted(f64::NAN, 1, 1), counted(-40.0, 1, 1), counted(0.0, 1, 1), Series::default()];
        assert_eq!(groups(&odd), []);
    }
}
