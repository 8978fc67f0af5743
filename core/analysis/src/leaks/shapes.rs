//! Made-up loads for the tests of the verdict: tags that behave in one of many ways, one of which may leak. What they do is
//! known, so it can be counted how often the verdict is right.

use poolscope_etl::diagnostics::AnomalyKind;
use crate::group::testkit::{self, Block, Dice, block};
use crate::trace::Trace;
use crate::trace::recorded::RecordedRange;
use crate::trace::time::{Ticks, View};
use std::sync::Arc;

/// Ticks that a made-up trace lasts.
pub const LENGTH: i64 = 10_000;

/// When blocks are born. Moments and lengths here and below are shares of the trace.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Course {
    Even,
    /// At a rate that grows over the trace by this factor; below 1 it falls.
    Ramp(f64),
    /// At a rate that swings; 1 is from nothing to twice the mean.
    Periodic {
        period: f64,
        depth: f64,
    },
    /// In so many short bursts at any moments.
    Bursts(u64),
    /// In so many short steps at equal distances.
    Steps(u64),
    /// Evenly until a moment.
    Until(f64),
    /// All at a moment.
    Once(f64),
}

/// How long blocks live.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Life {
    Exponential {
        mean: f64,
    },
    /// Most die young, a few live very long.
    LogNormal {
        median: f64,
        sigma: f64,
    },
    /// Until the next sweep frees all.
    Sweep {
        period: f64,
    },
    /// In a store of what is born until a moment: from then on each new block replaces the oldest.
    Fifo {
        full_at: f64,
    },
    /// The same, replacing any.
    Random {
        full_at: f64,
    },
    /// For ever.
    Kept,
    /// This share for ever, the others exponentially.
    Leak {
        share: f64,
        mean: f64,
    },
    /// As for a leak, but none is kept from a moment on.
    Filling {
        share: f64,
        mean: f64,
        until: f64,
    },
}

/// How the blocks of a part of a tag come and go.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Shape {
    pub course: Course,
    pub life: Life,
    /// There was a level of such blocks before the trace.
    pub before: bool,
}

impl Shape {
    /// The same with its moments and lifetimes within a share of the trace.
    fn within(mut self, end: f64) -> Self {
        match &mut self.course {
            Course::Periodic { period: at, .. } | Course::Until(at) | Course::Once(at) => *at *= end,
            Course::Even | Course::Ramp(_) | Course::Bursts(_) | Course::Steps(_) => {}
        }
        match &mut self.life {
            Life::Exponential { mean: at }
            | Life::LogNormal { median: at, .. }
            | Life::Sweep { period: at }
            | Life::Fifo { full_at: at }
            | Life::Random { full_at: at } => *at *= end,
            Life::Filling { mean, until, .. } => (*mean, *until) = (*mean * end, *until * end),
            Life::Leak { mean, .. } => *mean *= end,
            Life::Kept => {}
        }
        self
    }

    pub const fn new(course: Course, life: Life) -> Self {
        Self { course, life, before: false }
    }
}

/// A number in [0, 1).
pub fn unit(dice: &mut Dice) -> f64 {
    dice.roll(1 << 53) as f64 / (1u64 << 53) as f64
}

pub fn between(dice: &mut Dice, low: f64, high: f64) -> f64 {
    low + (high - low) * unit(dice)
}

fn exponential(dice: &mut Dice, mean: f64) -> f64 {
    -mean * (1.0 - unit(dice)).ln()
}

fn normal(dice: &mut Dice) -> f64 {
    (-2.0 * (1.0 - unit(dice)).ln()).sqrt() * (std::f64::consts::TAU * unit(dice)).cos()
}

fn births(dice: &mut Dice, course: Course, count: usize) -> Vec<f64> {
    let moments: Vec<f64> = match course {
        Course::Bursts(n) => (0..n).map(|_| unit(dice) * 0.98).collect(),
        _ => Vec::new(),
    };
    let mut births: Vec<f64> = (0..count)
        .map(|_| match course {
            Course::Even => unit(dice),
            // The rate goes from 1 to `factor`: solve the quadratic for an even number.
            Course::Ramp(factor) => ((1.0 + unit(dice) * (factor * factor - 1.0)).sqrt() - 1.0) / (factor - 1.0),
            Course::Periodic { period, depth } => loop {
                let at = unit(dice);
                let rate = 1.0 + depth * (std::f64::consts::TAU * at / period).sin();
                if unit(dice) * (1.0 + depth) < rate {
                    break at;
                }
            },
            Course::Bursts(n) => moments[dice.roll(n) as usize] + 0.01 * unit(dice),
            Course::Steps(n) => (dice.roll(n) as f64 + 0.3 + 0.05 * unit(dice)) / n as f64,
            Course::Until(until) => unit(dice) * until,
            Course::Once(at) => at + 0.01 * unit(dice),
        })
        .map(|at| at.min(0.9999))
        .collect();
    births.sort_unstable_by(f64::total_cmp);
    births
}

/// Moments at which the blocks born then are freed.
fn frees(dice: &mut Dice, life: Life, births: &[f64]) -> Vec<Option<f64>> {
    let mut frees: Vec<Option<f64>> = vec![None; births.len()];
    let mut inside: Vec<usize> = Vec::new();
    let capacity = match life {
        Life::Fifo { full_at } | Life::Random { full_at } => births.iter().filter(|b| **b < full_at).count().max(1),
        _ => 0,
    };
    for (at, birth) in births.iter().copied().enumerate() {
        frees[at] = match life {
            Life::Exponential { mean } => Some(birth + exponential(dice, mean)),
            Life::LogNormal { median, sigma } => Some(birth + median * (sigma * normal(dice)).exp()),
            Life::Sweep { period } => Some(((birth / period).floor() + 1.0) * period),
            Life::Leak { share, mean } => {
                let stays = unit(dice) < share;
                (!stays).then(|| birth + exponential(dice, mean))
            }
            Life::Filling { share, mean, until } => {
                let stays = birth < until && unit(dice) < share;
                (!stays).then(|| birth + exponential(dice, mean))
            }
            Life::Fifo { .. } | Life::Random { .. } => {
                if inside.len() >= capacity {
                    let is_fifo = matches!(life, Life::Fifo { .. });
                    let out = if is_fifo { 0 } else { dice.roll(inside.len() as u64) as usize };
                    let gone = inside.remove(out);
                    frees[gone] = Some(birth);
                }
                inside.push(at);
                None
            }
            Life::Kept => None,
        };
    }
    frees
}

/// The blocks of a part of a tag: `count` allocations of about `size` bytes.
/// The second list has moment and bytes of those that are never freed.
pub fn blocks(dice: &mut Dice, shape: Shape, count: usize, size: u64, look: &Block) -> (Vec<Block>, Vec<(i64, u64)>) {
    let length = LENGTH as f64;
    let births = births(dice, shape.course, count);
    let frees = frees(dice, shape.life, &births);
    let mut made: Vec<Block> = Vec::with_capacity(count);
    let mut kept: Vec<(i64, u64)> = Vec::new();
    for (birth, free) in births.iter().zip(&frees) {
        let alloc = (birth * length) as i64;
        let size = size + dice.roll(size / 4 + 1);
        if free.is_none() {
            kept.push((alloc, size));
        }
        let free = free.map(|free| ((free * length) as i64).max(alloc + 1)).filter(|free| *free < LENGTH);
        made.push(Block { alloc: Some(alloc), free, size, ..look.clone() });
    }
    if let (true, Life::Exponential { mean }) = (shape.before, shape.life) {
        // As many were there as come in a lifetime.
        for _ in 0..(count as f64 * mean) as usize {
            let free = (exponential(dice, mean) * length) as i64;
            if free < LENGTH {
                made.push(Block { alloc: None, free: Some(free), size, stack: &[], ..look.clone() });
            }
        }
    }
    (made, kept)
}

/// A trace with many innocent tags, of which one may leak.
pub struct Load {
    /// All blocks.
    pub blocks: Vec<Block>,
    /// The tag that leaks; none in a trace without leak.
    pub guilty: Option<String>,
    /// Parts of the tags and what they do.
    pub parts: Vec<(String, Shape)>,
    /// Records that were lost, and that there would have been.
    pub lost: (u64, u64),
    /// Allocations that were planted to leak, for ever: moment and bytes.
    pub planted: Vec<(i64, u64)>,
    /// The moment at which the recording ends; [`LENGTH`] unless it is cut.
    pub end: i64,
}

/// Kinds of traces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    Mixed,
    /// Half of the tags are stores of many kinds.
    Caches,
    Bursts,
    Periodic,
    /// The load rises or falls all the time.
    Ramp,
    /// A small leak under much traffic.
    Churn,
    /// The leak goes in steps.
    Steps,
    /// Few events.
    Short,
    /// Events were lost.
    Lost,
    /// The leak is one of several stacks of a busy tag.
    Shared,
    /// Many lifetimes have heavy tails or are long.
    Tails,
    /// The load of the leak stops at some moment; nothing else is filled once.
    Stopped,
    /// The leak is spread over a hundred stacks.
    Spread,
    /// One to five events in a hundred were lost.
    Lossy,
}

impl Family {
    pub const ALL: [Self; 11] = [
        Self::Mixed,
        Self::Caches,
        Self::Bursts,
        Self::Periodic,
        Self::Ramp,
        Self::Churn,
        Self::Steps,
        Self::Short,
        Self::Lost,
        Self::Shared,
        Self::Tails,
    ];
}

impl Family {
    /// Kinds of traces that the limits were not chosen on at first.
    pub const LATER: [Self; 3] = [Self::Stopped, Self::Spread, Self::Lossy];
}

/// A trace to be drawn.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub family: Family,
    pub tags: usize,
    pub traffic: usize,
    /// Share of the traffic that leaks.
    pub share: Option<f64>,
}

const STACKS: [&[&str]; 4] =
    [&["app:10", "nt:20", "my:30"], &["nt:20", "other:31"], &["app:11", "nt:20", "other:32", "wdf:1"], &["nt:21"]];

/// The fewest blocks that a planted leak keeps in the recorded part: fewer cannot be told from chance among hundreds of tags.
pub const LEAST_LEAKED: f64 = 24.0;

/// The plan number `at` of a family.
pub fn plan(family: Family, at: usize, leaks: bool) -> Plan {
    let (tags, traffic) = match family {
        Family::Short => ([20, 30, 60, 100][at % 4], [2_000, 4_000, 6_000][at % 3]),
        Family::Churn => ([60, 150, 300][at % 3], 60_000),
        _ => ([20, 60, 150, 500][at % 4], 30_000),
    };
    let shares: &[f64] = match family {
        Family::Short => &[0.01, 0.02, 0.05, 0.2, 0.5],
        Family::Churn => &[0.001, 0.002, 0.003],
        _ => &[0.001, 0.003, 0.01, 0.05, 0.2, 0.5],
    };
    Plan { family, tags, traffic, share: leaks.then(|| shares[at / 4 % shares.len()]) }
}

/// Draws a trace.
pub fn draw(seed: u64, plan: Plan) -> Load {
    draw_until(seed, plan, 1.0)
}

/// Draws a trace whose recording ends at a share of its time. What is no leak lives and ends within that time as it does in a
/// whole one: what is still filling at the end cannot be told from a leak.
pub fn draw_until(seed: u64, plan: Plan, end: f64) -> Load {
    // Neighbouring seeds must not give neighbouring numbers.
    let mut dice = Dice(Dice(seed).roll(u64::MAX));
    let dice = &mut dice;
    let mut load =
        Load { blocks: Vec::new(), guilty: None, parts: Vec::new(), lost: (0, 0), planted: Vec::new(), end: LENGTH };
    let mut weights: Vec<f64> = (0..plan.tags).map(|_| exponential(dice, 1.0) + 0.02).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|w| *w /= sum);
    for (at, weight) in weights.iter().enumerate() {
        let parts = [1, 1, 1, 2, 3][dice.roll(5) as usize];
        let mut look = look(dice, at);
        let first = dice.roll(4) as usize;
        for part in 0..parts {
            let shape = innocent(dice, plan.family).within(end);
            let count = (weight * plan.traffic as f64) as usize / parts;
            look.stack = STACKS[(first + part) % STACKS.len()];
            load.add(dice, shape, count, 5, &look);
        }
    }
    if let Some(share) = plan.share {
        plant(dice, (plan, end), share, &mut load);
    }
    match plan.family {
        Family::Lost => {
            let share = between(dice, 0.001, 0.02);
            load.lose(dice, share);
        }
        Family::Lossy => {
            let share = between(dice, 0.01, 0.05);
            load.lose(dice, share);
        }
        _ => {}
    }
    load.cut(end)
}

fn plant(dice: &mut Dice, (plan, end): (Plan, f64), share: f64, load: &mut Load) {
    let mut look = look(dice, plan.tags);
    let stays = (share * plan.traffic as f64).max(LEAST_LEAKED / end);
    // A store of lost frees leaves up to two in a hundred of everything: below that no leak can be seen.
    let own = match plan.family {
        Family::Lost => [1.0, 1.0, 0.3, 0.15][dice.roll(4) as usize],
        Family::Lossy => [1.0, 1.0, 0.3, 0.3][dice.roll(4) as usize],
        _ => [1.0, 1.0, 0.3, 0.05][dice.roll(4) as usize],
    };
    let life = Life::Leak { share: own, mean: between(dice, 0.001, 0.03) };
    let steps = Course::Steps(8 + dice.roll(20));
    let course = match (plan.family, dice.roll(4)) {
        (Family::Steps, _) | (Family::Bursts | Family::Mixed, 0) => steps,
        (Family::Bursts, _) => Course::Bursts(12 + dice.roll(20)),
        (Family::Periodic, _) => periodic(dice),
        (Family::Ramp, _) => ramp(dice),
        (Family::Stopped, _) => Course::Until(between(dice, 0.35, 0.85)),
        _ => Course::Even,
    };
    if plan.family == Family::Spread {
        load.guilty = Some(crate::trace::context::Tag(*look.tag).text());
        let all = (stays / own) as usize;
        let from = load.blocks.len();
        load.add(dice, Shape::new(course, life), all, 5, &look);
        let stacks: Vec<&'static [&'static str]> = (0..100).map(spread_stack).collect();
        for block in &mut load.blocks[from..] {
            block.stack = stacks[dice.roll(100) as usize];
        }
        return;
    }
    if plan.family == Family::Shared {
        // The same tag, allocated elsewhere by innocents.
        for other in STACKS.get(1..3).unwrap_or_default() {
            look.stack = other;
            let shape = innocent(dice, plan.family).within(end);
            let count = (stays * between(dice, 0.5, 20.0)) as usize;
            load.add(dice, shape, count.min(plan.traffic / 4), 5, &look);
        }
        look.stack = STACKS[0];
    }
    load.guilty = Some(crate::trace::context::Tag(*look.tag).text());
    load.add(dice, Shape::new(course, life), (stays / own) as usize, 5, &look);
}

/// One of many stacks through one driver, each through a function of its own.
fn spread_stack(at: usize) -> &'static [&'static str] {
    let frame = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    Box::leak(Box::new(["nt:20", frame(format!("my:{:x}", 0x1000 + 0x40 * at))]))
}

impl Load {
    /// Planted growth until the recording ends, in bytes per second; `None` where nothing leaks, or the tag that leaks has other
    /// parts, which may grow too.
    pub fn truth(&self) -> Option<f64> {
        let guilty = self.guilty.as_ref()?;
        if self.parts.iter().filter(|(tag, _)| tag == guilty).count() > 1 {
            return None;
        }
        let net: u64 = self.planted.iter().filter(|(at, _)| *at <= self.end).map(|(_, bytes)| bytes).sum();
        Some(net as f64 / (self.end as f64 / testkit::HZ as f64))
    }

    /// The same load in a recording that ends early, at a share of its time, without having been closed.
    fn cut(mut self, share: f64) -> Self {
        self.end = (share * LENGTH as f64) as i64;
        let end = self.end;
        self.blocks.retain(|b| b.alloc.map_or(b.free.is_some_and(|at| at <= end), |at| at <= end));
        self.blocks.iter_mut().for_each(|b| b.free = b.free.filter(|at| *at <= end));
        self
    }

    fn add(&mut self, dice: &mut Dice, shape: Shape, count: usize, sizes: u64, look: &Block) {
        let size = 32 << dice.roll(sizes);
        let tag = crate::trace::context::Tag(*look.tag).text();
        let (made, kept) = blocks(dice, shape, count, size, look);
        if self.guilty.as_ref() == Some(&tag) && matches!(shape.life, Life::Leak { .. }) {
            self.planted.extend(kept);
        }
        self.parts.push((tag, shape));
        self.blocks.extend(made);
    }

    /// Loses a share of all events.
    fn lose(&mut self, dice: &mut Dice, share: f64) {
        let mut kept = Vec::with_capacity(self.blocks.len());
        for mut block in std::mem::take(&mut self.blocks) {
            let mut lost = |moment: &mut Option<i64>| {
                if moment.is_some() {
                    self.lost.1 += 1;
                    if unit(dice) < share {
                        *moment = None;
                        self.lost.0 += 1;
                    }
                }
            };
            lost(&mut block.alloc);
            lost(&mut block.free);
            if block.alloc.is_none() {
                block.stack = &[];
            }
            if block.alloc.is_some() || block.free.is_some() {
                kept.push(block);
            }
        }
        self.blocks = kept;
    }

    /// The trace of it.
    pub fn trace(&self) -> Arc<Trace> {
        let mut trace = testkit::trace(&self.blocks);
        if let Some(trace) = Arc::get_mut(&mut trace) {
            if self.end < LENGTH {
                let range = View { from: Ticks(0), to: Ticks(self.end) };
                trace.recorded = RecordedRange { end_missing: true, ..RecordedRange::whole(range) };
            }
            let (lost, all) = self.lost;
            trace.census.records = 2 * self.blocks.len() as u64;
            trace.census.pool_frees = self.blocks.iter().filter(|b| b.free.is_some()).count() as u64;
            if lost > 0 {
                trace.census.records = all - lost;
                trace.anomalies.add(AnomalyKind::EventsLost, lost);
            }
        }
        trace
    }
}

fn look(dice: &mut Dice, at: usize) -> Block {
    let text = format!("T{at:03}");
    let mut tag = [0u8; 4];
    tag.copy_from_slice(text.as_bytes());
    Block {
        tag: Box::leak(Box::new(tag)),
        pool_type: if dice.roll(3) == 0 { 1 } else { 512 },
        stack: STACKS[dice.roll(4) as usize],
        ..block(None, None, 0)
    }
}

fn periodic(dice: &mut Dice) -> Course {
    Course::Periodic { period: between(dice, 0.04, 0.4), depth: between(dice, 0.3, 1.0) }
}

fn ramp(dice: &mut Dice) -> Course {
    let factor = between(dice, 2.0, 10.0);
    Course::Ramp(if dice.roll(3) == 0 { 1.0 / factor } else { factor })
}

fn innocent(dice: &mut Dice, family: Family) -> Shape {
    let mean = 0.0005 * (1.0 + 100.0 * unit(dice) * unit(dice));
    let course = match family {
        Family::Bursts if dice.roll(2) == 0 => Course::Bursts(3 + dice.roll(20)),
        Family::Periodic if dice.roll(3) > 0 => periodic(dice),
        Family::Ramp if dice.roll(3) > 0 => ramp(dice),
        _ => Course::Even,
    };
    let full_at = between(dice, 0.05, 0.9);
    // What fills in a few bursts cannot be told from what grows in bursts.
    let steady = if matches!(course, Course::Bursts(_)) { Course::Even } else { course };
    let kind = match family {
        Family::Caches if dice.roll(2) == 0 => [2, 3, 4, 5, 10][dice.roll(5) as usize],
        Family::Tails if dice.roll(2) == 0 => [0, 1, 7][dice.roll(3) as usize],
        // What is filled once looks the same as a leak whose load stopped.
        Family::Stopped => [0, 1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15][dice.roll(14) as usize],
        _ => dice.roll(20),
    };
    match kind {
        0 => Shape::new(course, Life::LogNormal { median: 0.002, sigma: between(dice, 1.0, 2.0) }),
        1 => Shape::new(course, Life::LogNormal { median: between(dice, 0.001, 0.1), sigma: between(dice, 0.2, 2.0) }),
        2 => Shape::new(steady, Life::Fifo { full_at }),
        3 => Shape::new(steady, Life::Random { full_at }),
        4 => Shape::new(Course::Until(between(dice, 0.05, 0.9)), Life::Kept),
        5 => Shape::new(Course::Until(between(dice, 0.05, 0.9)), Life::Leak { share: unit(dice), mean }),
        6 => Shape::new(course, Life::Sweep { period: between(dice, 0.05, 0.45) }),
        7 => {
            let life = Life::Exponential { mean: between(dice, 0.3, 2.3) };
            Shape { course: Course::Even, life, before: true }
        }
        8 => Shape::new(Course::Once(between(dice, 0.0, 0.9)), Life::Kept),
        // Later than this the ordinary blocks that are still in use hide whether more are kept.
        10 => {
            let mean = mean.min(0.02);
            let until = between(dice, 0.05, 0.9 - 8.0 * mean);
            Shape::new(steady, Life::Filling { share: between(dice, 0.05, 0.9), mean, until })
        }
        9 => Shape::new(ramp(dice), Life::Exponential { mean: mean * 4.0 }),
        _ => Shape::new(course, Life::Exponential { mean }),
    }
}
