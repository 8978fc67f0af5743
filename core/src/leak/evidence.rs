//! What the blocks of one unit (a tag, in a pool, from a function or stack) did: how many stayed and since when, how long
//! the others lived, how much was outstanding over time. Figures only; what they mean is said elsewhere.

use super::limits::{BIRTH_BINS, CURVE_POINTS, LEAST_WINDOW, SURVIVORS_PER_LATE_FREE};
use super::statistics::{Slope, slope, straightness};
use crate::trace::allocation::{AllocationTable, flag};
use crate::trace::time::{Clock, Ticks, View};

/// Blocks and their bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Blocks {
    /// How many.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Blocks {
    pub(super) fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// The time that is judged: a view without its warm-up.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Span {
    /// The whole view.
    pub view: View,
    /// Where the warm-up ends.
    pub from: Ticks,
}

impl Span {
    /// Ticks from the end of the warm-up to the end of the view, at least 1.
    #[must_use]
    pub fn ticks(&self) -> i64 {
        self.view.to.0.saturating_sub(self.from.0).max(1)
    }

    /// The same in seconds.
    #[must_use]
    pub fn seconds(&self, clock: &Clock) -> f64 {
        self.ticks() as f64 / clock.ticks_per_second as f64
    }
}

/// Survivors that are older than blocks of their kind get.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Stayed {
    /// How many, of how many bytes.
    pub blocks: Blocks,
    /// The age, in ticks, above which a block counts: the usual lifetime.
    pub usual_life: i64,
    /// Blocks that were freed at a greater age.
    pub late_frees: u64,
    /// Births from the end of the warm-up to the usual lifetime before the end, by interval.
    pub births: [u64; BIRTH_BINS],
    /// The interval of their births, in ticks.
    pub window: i64,
    /// Ticks from the last birth to the end of the window.
    pub pause: i64,
    /// The longest pause before.
    pub longest_pause: i64,
}

/// What the blocks of a unit did in a view.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Evidence {
    /// Allocated in the view.
    pub allocated: Blocks,
    /// Freed in the view, wherever they were allocated.
    pub freed: Blocks,
    /// Of these, blocks from before the view.
    pub freed_earlier: Blocks,
    /// Allocated in the view and alive at its end.
    pub survivors: Blocks,
    /// Ended by another block on their address: their free was lost.
    pub implied_frees: u64,
    /// Survivors by age: eighths of the view, the youngest first.
    pub pyramid: [u64; 8],
    /// Survivors beyond the usual lifetime.
    pub stayed: Stayed,
    /// Outstanding bytes at the end of each of [`CURVE_POINTS`] intervals of the view, from 0 at its start.
    pub curve: Vec<f64>,
    /// The same in blocks.
    pub count_curve: Vec<f64>,
    /// Bytes allocated in each of these intervals.
    pub rate: Vec<f64>,
    /// Slope of the curve after the warm-up, in bytes per interval.
    pub slope: Slope,
    /// Slope of its second half.
    pub late_slope: Slope,
    /// How straight the curve is after the warm-up, 0 to 1.
    pub straightness: f64,
    /// Number of distinct sizes of the survivors, counted up to 64.
    pub sizes: usize,
    /// Median lifetime of the blocks allocated and freed in the view, in ticks.
    pub median_life: Option<i64>,
}

/// Lifetimes of freed blocks, in ticks, the longest first.
pub type Lifetimes = Vec<i64>;

/// Looks at rows, which are in the order of their allocation. `others`: lifetimes to go by where these rows have too few of
/// their own.
#[must_use]
pub fn look(table: &AllocationTable, rows: &[u32], span: &Span, others: Option<&Lifetimes>) -> Evidence {
    let mut evidence = Evidence::default();
    let mut curve = vec![0.0_f64; CURVE_POINTS];
    let mut count_curve = vec![0.0_f64; CURVE_POINTS];
    let mut rate = vec![0.0_f64; CURVE_POINTS];
    let mut alive: Vec<(i64, u64)> = Vec::new();
    let view = span.view;
    let length = view.to.0.saturating_sub(view.from.0).max(1);
    let interval = |t: Ticks| {
        let at = i128::from(t.0.saturating_sub(view.from.0).max(0)) * CURVE_POINTS as i128 / i128::from(length + 1);
        (at as usize).min(CURVE_POINTS - 1)
    };
    for &row in rows {
        let row = row as usize;
        let (alloc, free, size) = (table.alloc_time[row], table.free_time[row], table.size[row]);
        if alloc > view.to || free < view.from {
            continue;
        }
        let (inside, ends) = (alloc >= view.from, free <= view.to);
        if inside {
            evidence.allocated.add(size);
            curve[interval(alloc)] += size as f64;
            count_curve[interval(alloc)] += 1.0;
            rate[interval(alloc)] += size as f64;
        }
        if ends {
            evidence.freed.add(size);
            curve[interval(free)] -= size as f64;
            count_curve[interval(free)] -= 1.0;
            if !inside {
                evidence.freed_earlier.add(size);
            }
            evidence.implied_frees += u64::from(table.flags[row] & flag::IMPLIED_FREE != 0);
        } else if inside {
            evidence.survivors.add(size);
            alive.push((alloc.0, size));
            let age = i128::from(view.to.0 - alloc.0) * 8 / i128::from(length + 1);
            evidence.pyramid[(age as usize).min(7)] += 1;
        }
    }
    for changes in [&mut curve, &mut count_curve] {
        let mut sum = 0.0;
        for value in changes {
            sum += *value;
            *value = sum;
        }
    }
    let own = lifetimes(table, rows, &view);
    evidence.median_life = (!own.is_empty()).then(|| own[own.len() / 2]);
    evidence.sizes = distinct_sizes(&alive);
    evidence.stayed = match others {
        Some(others) if own.len() < FEW_LIFETIMES => stayed(&alive, others, span),
        _ => stayed(&alive, &own, span),
    };
    evidence.curve = curve;
    evidence.count_curve = count_curve;
    evidence.rate = rate;
    evidence.measure(span);
    evidence
}

/// A unit with fewer freed blocks than this goes by those of its tag.
const FEW_LIFETIMES: usize = 20;

impl Evidence {
    /// The figures that follow from the curve.
    fn measure(&mut self, span: &Span) {
        let settled = self.settled(span);
        let late = settled.get(settled.len() / 2..).unwrap_or_default();
        (self.slope, self.late_slope, self.straightness) = (slope(settled), slope(late), straightness(settled));
    }

    /// The curve after the warm-up.
    #[must_use]
    pub fn settled(&self, span: &Span) -> &[f64] {
        after_warm_up(&self.curve, span)
    }

    /// The same in blocks.
    #[must_use]
    pub fn settled_counts(&self, span: &Span) -> &[f64] {
        after_warm_up(&self.count_curve, span)
    }

    /// Adds what another unit did.
    pub fn merge(&mut self, other: &Self, span: &Span) {
        self.allocated.merge(other.allocated);
        self.freed.merge(other.freed);
        self.freed_earlier.merge(other.freed_earlier);
        self.survivors.merge(other.survivors);
        self.implied_frees += other.implied_frees;
        add_all(&mut self.pyramid, &other.pyramid);
        self.sizes = (self.sizes + other.sizes).min(64);
        self.stayed.merge(&other.stayed);
        self.median_life = self.median_life.max(other.median_life);
        for (sum, more) in [
            (&mut self.curve, &other.curve),
            (&mut self.count_curve, &other.count_curve),
            (&mut self.rate, &other.rate),
        ] {
            sum.resize(CURVE_POINTS, 0.0);
            sum.iter_mut().zip(more).for_each(|(a, b)| *a += b);
        }
        self.measure(span);
    }

    /// Outstanding bytes gained over the judged time.
    #[must_use]
    pub fn growth(&self, span: &Span) -> f64 {
        let settled = self.settled(span);
        let before = self.curve.len().checked_sub(settled.len() + 1).and_then(|at| self.curve.get(at));
        settled.last().copied().unwrap_or(0.0) - before.copied().unwrap_or(0.0)
    }
}

impl Stayed {
    fn merge(&mut self, other: &Self) {
        self.blocks.merge(other.blocks);
        self.late_frees += other.late_frees;
        add_all(&mut self.births, &other.births);
        self.pause = if self.window == 0 { other.pause } else { self.pause.min(other.pause) };
        self.longest_pause = self.longest_pause.max(other.longest_pause);
        self.usual_life = self.usual_life.max(other.usual_life);
        self.window = self.window.max(other.window);
    }
}

/// The values of a curve after the warm-up.
fn after_warm_up<'c>(curve: &'c [f64], span: &Span) -> &'c [f64] {
    let length = span.view.to.0.saturating_sub(span.view.from.0).max(1) as f64;
    let share = (span.from.0.saturating_sub(span.view.from.0)) as f64 / length;
    let first = (share * CURVE_POINTS as f64).round() as usize;
    curve.get(first.min(CURVE_POINTS)..).unwrap_or_default()
}

fn add_all<const N: usize>(sum: &mut [u64; N], more: &[u64; N]) {
    sum.iter_mut().zip(more).for_each(|(a, b)| *a += b);
}

/// Lifetimes of the blocks among `rows` that were seen to be allocated and freed in the view, the longest first.
#[must_use]
pub fn lifetimes(table: &AllocationTable, rows: &[u32], view: &View) -> Lifetimes {
    let lived = rows.iter().filter_map(|&row| {
        let row = row as usize;
        let (alloc, free) = (table.alloc_time[row], table.free_time[row]);
        let seen = alloc >= view.from && free <= view.to && table.flags[row] == 0;
        seen.then(|| free.0.saturating_sub(alloc.0))
    });
    let mut lived: Lifetimes = lived.collect();
    lived.sort_unstable_by_key(|life| std::cmp::Reverse(*life));
    lived
}

fn distinct_sizes(alive: &[(i64, u64)]) -> usize {
    let mut sizes: Vec<u64> = Vec::new();
    for (_, size) in alive {
        if sizes.len() == 64 {
            break;
        }
        if let Err(at) = sizes.binary_search(size) {
            sizes.insert(at, *size);
        }
    }
    sizes.len()
}

/// Survivors beyond the usual lifetime. That is the shortest age beyond which survivors outnumber the blocks that were still
/// freed by far; where there is none, it is the longest lifetime of all.
fn stayed(alive: &[(i64, u64)], lifetimes: &Lifetimes, span: &Span) -> Stayed {
    let longest = lifetimes.first().copied().unwrap_or(0);
    let mut life = longest;
    let mut late = 0_usize;
    // The more frees are taken for exceptions, the shorter is the usual lifetime.
    let mut exceptions = 1_usize;
    while let Some(&shorter) = lifetimes.get(exceptions) {
        let count = alive.iter().filter(|(birth, _)| is_old(*birth, shorter, span)).count();
        if (count as f64) < SURVIVORS_PER_LATE_FREE * exceptions as f64 {
            break;
        }
        (life, late) = (shorter, exceptions);
        exceptions *= 2;
    }
    // One tick less would count the longest-lived block itself.
    let life = life.saturating_add(life / 4);
    let end = span.view.to.0.saturating_sub(life);
    let mut result = Stayed {
        usual_life: life,
        late_frees: late as u64,
        window: end.saturating_sub(span.from.0).max(0),
        ..Stayed::default()
    };
    let mut last = span.from.0;
    for &(birth, size) in alive.iter().filter(|(birth, _)| is_old(*birth, life, span)) {
        result.blocks.add(size);
        let at = i128::from(birth - span.from.0) * BIRTH_BINS as i128 / i128::from(result.window.max(0) + 1);
        result.births[(at as usize).min(BIRTH_BINS - 1)] += 1;
        result.longest_pause = result.longest_pause.max(birth - last);
        last = birth;
    }
    result.pause = end.saturating_sub(last).max(0);
    result
}

fn is_old(birth: i64, life: i64, span: &Span) -> bool {
    birth >= span.from.0 && span.view.to.0.saturating_sub(birth) > life
}

impl Stayed {
    /// Whether enough time is left when the usual lifetime is taken off the end.
    #[must_use]
    pub fn shows_a_course(&self, span: &Span) -> bool {
        self.window as f64 >= LEAST_WINDOW * span.ticks() as f64
    }
}
