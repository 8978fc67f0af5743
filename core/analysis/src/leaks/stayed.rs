//! Survivors that are older than blocks of their kind get, and their course: when they were born, how long none was, and
//! when the frees of such blocks began. Figures only; what they mean is said elsewhere.

use super::ending::{Ending, ending};
use super::evidence::{Blocks, Span};
use super::limits::{BIRTH_BINS, EARLY_FREES, LEAST_WINDOW, SURVIVORS_PER_LATE_FREE, TRAFFIC_CLOCK};
use super::statistics::{filled_by_chance, too_few, too_many};

/// Survivors that are older than blocks of their kind get.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Stayed {
    /// How many, of how many bytes.
    pub blocks: Blocks,
    /// The age, in ticks, above which a block counts: the usual lifetime.
    pub usual_life: i64,
    /// Blocks that were freed at a greater age.
    pub late_frees: u64,
    /// Time that blocks spent at a greater age, all together, in judged times.
    pub exposure: f64,
    /// Births from the end of the warm-up to the usual lifetime before the end, by interval.
    pub births: [u64; BIRTH_BINS],
    /// The interval of their births, in ticks.
    pub window: i64,
    /// How their births end, before the usual lifetime before the end.
    pub ending: Ending,
    /// The most likely last birth, in ticks.
    pub last: i64,
    /// The first and the last birth that there is, in ticks; both 0 without any.
    pub first_birth: i64,
    /// See [`Self::first_birth`].
    pub last_birth: i64,
    /// How evenly they were born between the two: filled intervals of [`BIRTH_BINS`], of those that chance would fill.
    pub steadiness: f64,
    /// When the late frees began.
    pub onset: Onset,
}

/// Since when blocks beyond the usual lifetime are freed: a store of fixed size frees none until it is full, and then one for
/// each that comes.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Onset {
    /// The moment, in ticks.
    pub at: i64,
    /// How surprising it is that they began so late: the logarithm of one over the chance.
    pub surprise: f64,
    /// Gain per judged time before: births less frees.
    pub gain_before: f64,
    /// The same from then on.
    pub gain_after: f64,
    /// Frees for each birth from then on.
    pub frees_per_birth: f64,
}

/// A block that is, or got, older than usual.
#[derive(Clone, Copy)]
pub(super) struct Old {
    pub birth: i64,
    /// When it was freed; the end of the view if it was not.
    pub end: i64,
    pub size: u64,
    pub is_freed: bool,
}

/// Births in a unit, ascending.
pub(super) struct Births<'b> {
    /// Of all blocks, in the judged time.
    pub all: &'b [i64],
    /// Of the survivors, in the view.
    pub alive: &'b [i64],
}

/// The usual lifetime and how many were freed at a greater age. Each of the longest lifetimes is tried as the usual one, the
/// more frees being exceptions the shorter it is; the one that leaves the clearest excess of survivors is taken, and where
/// there is none the longest of all. `alive`: births of the survivors, ascending.
pub(super) fn usual_life(alive: &[i64], lifetimes: &[i64], span: &Span) -> i64 {
    let judged = span.ticks() as f64;
    let longest = lifetimes.first().copied().unwrap_or(0);
    let mut best = (0.0, longest);
    let first = alive.partition_point(|birth| *birth < span.from.0);
    let mut exceptions = 0_usize;
    let mut late_sum = 0.0_f64;
    while let Some(&life) = lifetimes.get(exceptions) {
        let bound = span.view.to.0.saturating_sub(life);
        let old = alive.get(first..).unwrap_or_default();
        let count = old.partition_point(|birth| *birth < bound);
        if count as f64 >= SURVIVORS_PER_LATE_FREE * exceptions as f64 {
            // Births are even enough for the mean age to be half of the window.
            let survivors = count as f64 * (bound.saturating_sub(span.from.0)) as f64 / 2.0;
            let exposure = (survivors + late_sum - exceptions as f64 * life as f64) / judged;
            let surprise = too_few(exceptions as f64, exposure);
            if surprise > best.0 {
                best = (surprise, life);
            }
        }
        let next = if exceptions == 0 { 1 } else { exceptions * 2 };
        let passed = lifetimes.get(exceptions..next.min(lifetimes.len())).unwrap_or_default();
        late_sum += passed.iter().map(|life| *life as f64).sum::<f64>();
        exceptions = next;
    }
    best.1
}

impl Stayed {
    /// The course of blocks older than `life`: `old` in the order of their births, all born in the view and at least
    /// `life` before its end.
    pub(super) fn new(old: &[Old], life: i64, unit: &Births<'_>, span: &Span) -> Self {
        let end = span.view.to.0.saturating_sub(life);
        let judged = span.ticks() as f64;
        let mut result = Self {
            usual_life: life,
            window: end.saturating_sub(span.from.0).max(0),
            late_frees: old.iter().filter(|block| block.is_freed).count() as u64,
            exposure: old
                .iter()
                .filter(|b| b.birth >= span.from.0)
                .map(|b| b.end.saturating_sub(b.birth).saturating_sub(life) as f64)
                .sum::<f64>()
                / judged,
            ..Self::default()
        };
        let mut own: Vec<i64> = Vec::new();
        for block in old.iter().filter(|block| !block.is_freed && block.birth >= span.from.0) {
            result.blocks.add(block.size);
            let at = i128::from(block.birth.saturating_sub(span.from.0)) * BIRTH_BINS as i128
                / (i128::from(result.window) + 1);
            result.births[(at as usize).min(BIRTH_BINS - 1)] += 1;
            own.push(block.birth);
        }
        (result.first_birth, result.last_birth, result.steadiness) = steadiness(&own);
        result.end(&own, unit, end, span);
        result.onset = Onset::new(old, life, end, span);
        result
    }

    /// How the births end: by the clock; by the unit's own allocations, where most of these do not stay; and for survivors of
    /// any age. What says most for an end counts.
    fn end(&mut self, own: &[i64], unit: &Births<'_>, end: i64, span: &Span) {
        let judged = ending(own, span.from.0, end);
        self.last = own.get(judged.events.saturating_sub(1)).copied().unwrap_or(span.from.0);
        self.ending = judged;
        let mut consider = |births: &[i64], other: Ending, slowing: f64| {
            if other.odds > self.ending.odds {
                self.last = births.get(other.events.saturating_sub(1)).copied().unwrap_or(span.from.0);
                self.ending = other;
            }
            self.ending.slowing = slowing;
        };
        let alive = unit.alive.get(unit.alive.partition_point(|birth| *birth < span.from.0)..).unwrap_or_default();
        consider(alive, ending(alive, span.from.0, span.view.to.0), judged.slowing);
        let traffic = unit.all.get(..unit.all.partition_point(|birth| *birth < end)).unwrap_or_default();
        if traffic.len() as u64 >= TRAFFIC_CLOCK * own.len() as u64 {
            let ranks: Vec<i64> = own.iter().map(|birth| traffic.partition_point(|b| b < birth) as i64).collect();
            let by_traffic = ending(&ranks, 0, traffic.len() as i64);
            consider(own, by_traffic, by_traffic.slowing);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.blocks.merge(other.blocks);
        self.late_frees += other.late_frees;
        self.exposure += other.exposure;
        self.births.iter_mut().zip(&other.births).for_each(|(a, b)| *a += b);
        if self.window == 0 || other.ending.odds < self.ending.odds {
            (self.ending, self.last) = (other.ending, other.last);
        }
        if other.blocks.count > 0 {
            let is_first = self.first_birth == 0 && self.last_birth == 0;
            self.first_birth = if is_first { other.first_birth } else { self.first_birth.min(other.first_birth) };
            self.last_birth = if is_first { other.last_birth } else { self.last_birth.max(other.last_birth) };
            self.steadiness = self.steadiness.max(other.steadiness);
        }
        self.usual_life = self.usual_life.max(other.usual_life);
        self.window = self.window.max(other.window);
        if other.onset.surprise > self.onset.surprise {
            self.onset = other.onset;
        }
    }

    /// Share of the births from the two neighbouring intervals with the most.
    pub(super) fn peak_share(&self) -> f64 {
        let peak = self.births.windows(2).map(|pair| pair.iter().sum::<u64>()).max().unwrap_or(0);
        peak as f64 / self.blocks.count.max(1) as f64
    }

    /// Whether enough time is left when the usual lifetime is taken off the end.
    #[must_use]
    pub fn shows_a_course(&self, span: &Span) -> bool {
        self.window as f64 >= LEAST_WINDOW * span.ticks() as f64
    }
}

/// First and last of these moments, ascending, and how evenly they lie between.
fn steadiness(births: &[i64]) -> (i64, i64, f64) {
    let (Some(&first), Some(&last)) = (births.first(), births.last()) else { return (0, 0, 0.0) };
    let length = i128::from(last.saturating_sub(first)) + 1;
    let mut bins = [false; BIRTH_BINS];
    for birth in births {
        let at = i128::from(birth.saturating_sub(first)) * BIRTH_BINS as i128 / length;
        bins[(at as usize).min(BIRTH_BINS - 1)] = true;
    }
    let filled = bins.iter().filter(|bin| **bin).count() as f64;
    (first, last, filled / filled_by_chance(births.len() as u64, BIRTH_BINS))
}

impl Onset {
    /// When frees of blocks older than `life` began; `end` is the last moment at which a block that is now that old can have
    /// been born.
    pub(super) fn new(old: &[Old], life: i64, end: i64, span: &Span) -> Self {
        let mut frees: Vec<i64> = old.iter().filter(|block| block.is_freed).map(|block| block.end).collect();
        frees.sort_unstable();
        let early = (EARLY_FREES * frees.len() as f64) as usize;
        let mut best = Self::default();
        let mut places = vec![0, early];
        places.dedup();
        for early in places {
            // Of a store that is full only at the end nobody knows whether it gains any more.
            let Some(&at) = frees.get(early).filter(|at| **at < end) else { continue };
            let onset = Self::at(old, life, (at, early, frees.len()), end, span);
            if onset.surprise > best.surprise {
                best = onset;
            }
        }
        best
    }

    /// With `early` of `frees` frees before the moment.
    fn at(old: &[Old], life: i64, (at, early, frees): (i64, usize, usize), end: i64, span: &Span) -> Self {
        let judged = span.ticks() as f64;
        let (mut all, mut late) = (0.0, 0.0);
        let (mut births, mut freed) = ([0.0_f64; 2], [0.0_f64; 2]);
        for block in old {
            let since = block.birth.saturating_add(life);
            all += block.end.saturating_sub(since).max(0) as f64;
            late += block.end.saturating_sub(since.max(at)).max(0) as f64;
            births[usize::from(block.birth >= at)] += 1.0;
            if block.is_freed && block.end <= end {
                freed[usize::from(block.end >= at)] += 1.0;
            }
        }
        let share = (frees - early) as f64 / frees.max(1) as f64;
        let before = (at.saturating_sub(span.view.from.0)).max(1) as f64 / judged;
        let after = (end.saturating_sub(at)).max(1) as f64 / judged;
        Self {
            at,
            surprise: too_many(frees as f64, share, late / all.max(1.0)),
            gain_before: (births[0] - freed[0]) / before,
            gain_after: (births[1] - freed[1]) / after,
            frees_per_birth: freed[1] / births[1].max(1.0),
        }
    }
}
