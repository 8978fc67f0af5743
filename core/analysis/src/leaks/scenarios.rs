//! Generated scenarios for the tests of the verdict: tags with one of many allocation patterns, one of which may leak. The leak is
//! known, so that correct verdicts can be counted.

use crate::group::test_util::{self, Block, Rng, block};
use crate::trace::Trace;
use crate::trace::attributes::Tag;
use crate::trace::recorded::RecordedRange;
use crate::trace::time::{Ticks, TimeRange};
use poolscope_etl::diagnostics::DiagnosticKind;
use std::sync::Arc;

/// Length of a generated trace in ticks.
pub const LENGTH: i64 = 10_000;

/// Distribution of allocations over time. Times and lengths here and below are shares of the trace, 0 to 1.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum BirthPattern {
    Even,
    /// At a rate that changes linearly over the trace by this factor.
    Ramp(f64),
    /// At a rate that oscillates; a depth of 1 is between nothing and twice the mean.
    Periodic {
        period: f64,
        depth: f64,
    },
    /// In this number of short bursts at random times.
    Bursts(u64),
    /// In this number of short steps at equal distances.
    Steps(u64),
    /// Evenly until a time.
    Until(f64),
    /// All at one time.
    Once(f64),
}

/// Distribution of lifetimes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum LifetimePattern {
    Exponential {
        mean: f64,
    },
    /// Most are short, a few are very long.
    LogNormal {
        median: f64,
        sigma: f64,
    },
    /// Until the next of periodic sweeps that free everything.
    Sweep {
        period: f64,
    },
    /// In a cache that is full at a time: from then on each new allocation replaces the oldest.
    FifoCache {
        full_at: f64,
    },
    /// The same, but a random one is replaced.
    RandomCache {
        full_at: f64,
    },
    /// Until the end of the trace.
    NeverFreed,
    /// This share is never freed, the others are exponential.
    Leak {
        share: f64,
        mean: f64,
    },
    /// Like a leak that ends at a time.
    Filling {
        share: f64,
        mean: f64,
        until: f64,
    },
}

/// Allocation pattern of one part of a tag.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AllocationPattern {
    pub births: BirthPattern,
    pub lifetime: LifetimePattern,
    /// A constant level of such allocations exists before the trace.
    pub before: bool,
}

impl AllocationPattern {
    /// The same pattern compressed to a share of the trace.
    fn within(mut self, end: f64) -> Self {
        match &mut self.births {
            BirthPattern::Periodic { period: at, .. } | BirthPattern::Until(at) | BirthPattern::Once(at) => *at *= end,
            BirthPattern::Even | BirthPattern::Ramp(_) | BirthPattern::Bursts(_) | BirthPattern::Steps(_) => {}
        }
        match &mut self.lifetime {
            LifetimePattern::Exponential { mean: at }
            | LifetimePattern::LogNormal { median: at, .. }
            | LifetimePattern::Sweep { period: at }
            | LifetimePattern::FifoCache { full_at: at }
            | LifetimePattern::RandomCache { full_at: at } => *at *= end,
            LifetimePattern::Filling { mean, until, .. } => (*mean, *until) = (*mean * end, *until * end),
            LifetimePattern::Leak { mean, .. } => *mean *= end,
            LifetimePattern::NeverFreed => {}
        }
        self
    }

    pub const fn new(births: BirthPattern, lifetime: LifetimePattern) -> Self {
        Self { births, lifetime, before: false }
    }
}

/// A random number in [0, 1).
fn random_share(dice: &mut Rng) -> f64 {
    dice.roll(1 << 53) as f64 / (1u64 << 53) as f64
}

fn between(dice: &mut Rng, low: f64, high: f64) -> f64 {
    low + (high - low) * random_share(dice)
}

fn exponential(dice: &mut Rng, mean: f64) -> f64 {
    -mean * (1.0 - random_share(dice)).ln()
}

fn normal(dice: &mut Rng) -> f64 {
    (-2.0 * (1.0 - random_share(dice)).ln()).sqrt() * (std::f64::consts::TAU * random_share(dice)).cos()
}

fn births(dice: &mut Rng, births: BirthPattern, count: usize) -> Vec<f64> {
    let bursts: Vec<f64> = match births {
        BirthPattern::Bursts(n) => (0..n).map(|_| random_share(dice) * 0.98).collect(),
        _ => Vec::new(),
    };
    let mut births: Vec<f64> = (0..count)
        .map(|_| match births {
            BirthPattern::Even => random_share(dice),
            // The rate goes from 1 to `factor`: the inverse of its integral.
            BirthPattern::Ramp(factor) => {
                ((1.0 + random_share(dice) * (factor * factor - 1.0)).sqrt() - 1.0) / (factor - 1.0)
            }
            BirthPattern::Periodic { period, depth } => loop {
                let at = random_share(dice);
                let rate = 1.0 + depth * (std::f64::consts::TAU * at / period).sin();
                if random_share(dice) * (1.0 + depth) < rate {
                    break at;
                }
            },
            BirthPattern::Bursts(n) => bursts[dice.roll(n) as usize] + 0.01 * random_share(dice),
            BirthPattern::Steps(n) => (dice.roll(n) as f64 + 0.3 + 0.05 * random_share(dice)) / n as f64,
            BirthPattern::Until(until) => random_share(dice) * until,
            BirthPattern::Once(at) => at + 0.01 * random_share(dice),
        })
        .map(|at| at.min(0.9999))
        .collect();
    births.sort_unstable_by(f64::total_cmp);
    births
}

/// Times at which allocations made at `births` are freed.
fn frees(dice: &mut Rng, lifetime: LifetimePattern, births: &[f64]) -> Vec<Option<f64>> {
    let mut frees: Vec<Option<f64>> = vec![None; births.len()];
    let mut cached: Vec<usize> = Vec::new();
    let capacity = match lifetime {
        LifetimePattern::FifoCache { full_at } | LifetimePattern::RandomCache { full_at } => {
            births.iter().filter(|b| **b < full_at).count().max(1)
        }
        _ => 0,
    };
    for (at, birth) in births.iter().copied().enumerate() {
        frees[at] = match lifetime {
            LifetimePattern::Exponential { mean } => Some(birth + exponential(dice, mean)),
            LifetimePattern::LogNormal { median, sigma } => Some(birth + median * (sigma * normal(dice)).exp()),
            LifetimePattern::Sweep { period } => Some(((birth / period).floor() + 1.0) * period),
            LifetimePattern::Leak { share, mean } => {
                let is_leaked = random_share(dice) < share;
                (!is_leaked).then(|| birth + exponential(dice, mean))
            }
            LifetimePattern::Filling { share, mean, until } => {
                let is_leaked = birth < until && random_share(dice) < share;
                (!is_leaked).then(|| birth + exponential(dice, mean))
            }
            LifetimePattern::FifoCache { .. } | LifetimePattern::RandomCache { .. } => {
                if cached.len() >= capacity {
                    let is_fifo = matches!(lifetime, LifetimePattern::FifoCache { .. });
                    let replaced = if is_fifo { 0 } else { dice.roll(cached.len() as u64) as usize };
                    let replaced = cached.remove(replaced);
                    frees[replaced] = Some(birth);
                }
                cached.push(at);
                None
            }
            LifetimePattern::NeverFreed => None,
        };
    }
    frees
}

/// Generates `count` allocations of about `size` bytes. The second list has time and bytes of those that are never freed.
fn blocks(
    dice: &mut Rng,
    pattern: AllocationPattern,
    count: usize,
    size: u64,
    template: &Block,
) -> (Vec<Block>, Vec<(i64, u64)>) {
    let length = LENGTH as f64;
    let births = births(dice, pattern.births, count);
    let frees = frees(dice, pattern.lifetime, &births);
    let mut made: Vec<Block> = Vec::with_capacity(count);
    let mut never_freed: Vec<(i64, u64)> = Vec::new();
    for (birth, free) in births.iter().zip(&frees) {
        let alloc = (birth * length) as i64;
        let size = size + dice.roll(size / 4 + 1);
        if free.is_none() {
            never_freed.push((alloc, size));
        }
        let free = free.map(|free| ((free * length) as i64).max(alloc + 1)).filter(|free| *free < LENGTH);
        made.push(Block { alloc: Some(alloc), free, size, ..template.clone() });
    }
    if let (true, LifetimePattern::Exponential { mean }) = (pattern.before, pattern.lifetime) {
        // As many exist as are allocated in one mean lifetime.
        for _ in 0..(count as f64 * mean) as usize {
            let free = (exponential(dice, mean) * length) as i64;
            if free < LENGTH {
                made.push(Block { alloc: None, free: Some(free), size, stack: &[], ..template.clone() });
            }
        }
    }
    (made, never_freed)
}

/// A generated trace with many tags, one of which may leak.
pub struct Scenario {
    /// All allocations.
    pub blocks: Vec<Block>,
    /// The leaking tag; none in a trace without a leak.
    pub leaking_tag: Option<String>,
    /// Tags and the patterns of their parts.
    pub parts: Vec<(String, AllocationPattern)>,
    /// Number of lost events, and of all events.
    pub lost: (u64, u64),
    /// Time and bytes of the leaked allocations.
    pub planted: Vec<(i64, u64)>,
    /// The end of the recording; [`LENGTH`] unless it is truncated.
    pub end: i64,
}

/// Kinds of scenarios.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScenarioFamily {
    Mixed,
    /// Half of the tags are caches of many kinds.
    Caches,
    Bursts,
    Periodic,
    /// The load rises or falls steadily.
    Ramp,
    /// A small leak with much traffic.
    Churn,
    /// The leak grows in steps.
    Steps,
    /// Few events.
    Short,
    /// Events were lost.
    Lost,
    /// The leak is one of several stacks of a busy tag.
    Shared,
    /// Many lifetimes have heavy tails or are long.
    Tails,
    /// The load of the leak ends early; nothing else is filled once.
    Stopped,
    /// The leak is spread over a hundred stacks.
    Spread,
    /// One to five percent of the events were lost.
    Lossy,
}

impl ScenarioFamily {
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

    /// Kinds on which the limits were not tuned at first.
    pub const LATER: [Self; 3] = [Self::Stopped, Self::Spread, Self::Lossy];
}

/// Parameters of a scenario.
#[derive(Clone, Copy, Debug)]
pub struct ScenarioPlan {
    pub family: ScenarioFamily,
    pub tags: usize,
    pub traffic: usize,
    /// Share of the traffic that leaks; none in a trace without a leak.
    pub share: Option<f64>,
}

const STACKS: [&[&str]; 4] =
    [&["app:10", "nt:20", "my:30"], &["nt:20", "other:31"], &["app:11", "nt:20", "other:32", "wdf:1"], &["nt:21"]];

/// Minimum number of leaked allocations in the recorded part: fewer cannot be distinguished from chance among hundreds of tags.
pub const MIN_LEAKED: f64 = 24.0;

/// Parameters of scenario number `at` of a family.
pub fn scenario_plan(family: ScenarioFamily, at: usize, leaks: bool) -> ScenarioPlan {
    let (tags, traffic) = match family {
        ScenarioFamily::Short => ([20, 30, 60, 100][at % 4], [2_000, 4_000, 6_000][at % 3]),
        ScenarioFamily::Churn => ([60, 150, 300][at % 3], 60_000),
        _ => ([20, 60, 150, 500][at % 4], 30_000),
    };
    let shares: &[f64] = match family {
        ScenarioFamily::Short => &[0.01, 0.02, 0.05, 0.2, 0.5],
        ScenarioFamily::Churn => &[0.001, 0.002, 0.003],
        _ => &[0.001, 0.003, 0.01, 0.05, 0.2, 0.5],
    };
    ScenarioPlan { family, tags, traffic, share: leaks.then(|| shares[at / 4 % shares.len()]) }
}

/// Generates a scenario.
pub fn generate(seed: u64, plan: ScenarioPlan) -> Scenario {
    generate_until(seed, plan, 1.0)
}

/// Generates a scenario whose recording ends at a share of its time. Patterns that do not leak are compressed into that time: a cache
/// that is still filling at the end cannot be distinguished from a leak.
pub fn generate_until(seed: u64, plan: ScenarioPlan, end: f64) -> Scenario {
    // Neighboring seeds must not result in neighboring numbers.
    let mut dice = Rng(Rng(seed).roll(u64::MAX));
    let dice = &mut dice;
    let mut scenario = Scenario {
        blocks: Vec::new(),
        leaking_tag: None,
        parts: Vec::new(),
        lost: (0, 0),
        planted: Vec::new(),
        end: LENGTH,
    };
    let mut weights: Vec<f64> = (0..plan.tags).map(|_| exponential(dice, 1.0) + 0.02).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|w| *w /= sum);
    for (at, weight) in weights.iter().enumerate() {
        let parts = [1, 1, 1, 2, 3][dice.roll(5) as usize];
        let mut template = allocation_template(dice, at);
        let first = dice.roll(4) as usize;
        for part in 0..parts {
            let pattern = non_leaking_pattern(dice, plan.family).within(end);
            let count = (weight * plan.traffic as f64) as usize / parts;
            template.stack = STACKS[(first + part) % STACKS.len()];
            scenario.add(dice, pattern, count, 5, &template);
        }
    }
    if let Some(share) = plan.share {
        plant(dice, (plan, end), share, &mut scenario);
    }
    match plan.family {
        ScenarioFamily::Lost => {
            let share = between(dice, 0.001, 0.02);
            scenario.lose_events(dice, share);
        }
        ScenarioFamily::Lossy => {
            let share = between(dice, 0.01, 0.05);
            scenario.lose_events(dice, share);
        }
        _ => {}
    }
    scenario.truncate(end)
}

/// Adds the leak.
fn plant(dice: &mut Rng, (plan, end): (ScenarioPlan, f64), share: f64, scenario: &mut Scenario) {
    let mut template = allocation_template(dice, plan.tags);
    let leaked = (share * plan.traffic as f64).max(MIN_LEAKED / end);
    // Lost frees leave up to two percent of all allocations outstanding: below that no leak can be seen.
    let own = match plan.family {
        ScenarioFamily::Lost => [1.0, 1.0, 0.3, 0.15][dice.roll(4) as usize],
        ScenarioFamily::Lossy => [1.0, 1.0, 0.3, 0.3][dice.roll(4) as usize],
        _ => [1.0, 1.0, 0.3, 0.05][dice.roll(4) as usize],
    };
    let lifetime = LifetimePattern::Leak { share: own, mean: between(dice, 0.001, 0.03) };
    let steps = BirthPattern::Steps(8 + dice.roll(20));
    let births = match (plan.family, dice.roll(4)) {
        (ScenarioFamily::Steps, _) | (ScenarioFamily::Bursts | ScenarioFamily::Mixed, 0) => steps,
        (ScenarioFamily::Bursts, _) => BirthPattern::Bursts(12 + dice.roll(20)),
        (ScenarioFamily::Periodic, _) => periodic(dice),
        (ScenarioFamily::Ramp, _) => ramp(dice),
        (ScenarioFamily::Stopped, _) => BirthPattern::Until(between(dice, 0.35, 0.85)),
        _ => BirthPattern::Even,
    };
    if plan.family == ScenarioFamily::Spread {
        scenario.leaking_tag = Some(Tag(*template.tag).text());
        let all = (leaked / own) as usize;
        let from = scenario.blocks.len();
        scenario.add(dice, AllocationPattern::new(births, lifetime), all, 5, &template);
        let stacks: Vec<&'static [&'static str]> = (0..100).map(spread_stack).collect();
        for block in &mut scenario.blocks[from..] {
            block.stack = stacks[dice.roll(100) as usize];
        }
        return;
    }
    if plan.family == ScenarioFamily::Shared {
        // The same tag on other call paths, which do not leak.
        for other in STACKS.get(1..3).unwrap_or_default() {
            template.stack = other;
            let pattern = non_leaking_pattern(dice, plan.family).within(end);
            let count = (leaked * between(dice, 0.5, 20.0)) as usize;
            scenario.add(dice, pattern, count.min(plan.traffic / 4), 5, &template);
        }
        template.stack = STACKS[0];
    }
    scenario.leaking_tag = Some(Tag(*template.tag).text());
    scenario.add(dice, AllocationPattern::new(births, lifetime), (leaked / own) as usize, 5, &template);
}

/// One of many stacks of one driver, each with a function of its own.
fn spread_stack(at: usize) -> &'static [&'static str] {
    let frame = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    Box::leak(Box::new(["nt:20", frame(format!("my:{:x}", 0x1000 + 0x40 * at))]))
}

impl Scenario {
    /// Growth of the leak until the end of the recording, in bytes per second; `None` without a leak, or where the leaking tag has
    /// other parts, which may grow too.
    pub fn planted_growth(&self) -> Option<f64> {
        let leaking_tag = self.leaking_tag.as_ref()?;
        if self.parts.iter().filter(|(tag, _)| tag == leaking_tag).count() > 1 {
            return None;
        }
        let net: u64 = self.planted.iter().filter(|(at, _)| *at <= self.end).map(|(_, bytes)| bytes).sum();
        Some(net as f64 / (self.end as f64 / test_util::HZ as f64))
    }

    /// The same scenario in a recording that ends early, at a share of its time.
    fn truncate(mut self, share: f64) -> Self {
        self.end = (share * LENGTH as f64) as i64;
        let end = self.end;
        self.blocks.retain(|b| b.alloc.map_or(b.free.is_some_and(|at| at <= end), |at| at <= end));
        self.blocks.iter_mut().for_each(|b| b.free = b.free.filter(|at| *at <= end));
        self
    }

    fn add(&mut self, dice: &mut Rng, pattern: AllocationPattern, count: usize, sizes: u64, template: &Block) {
        let size = 32 << dice.roll(sizes);
        let tag = Tag(*template.tag).text();
        let (made, never_freed) = blocks(dice, pattern, count, size, template);
        if self.leaking_tag.as_ref() == Some(&tag) && matches!(pattern.lifetime, LifetimePattern::Leak { .. }) {
            self.planted.extend(never_freed);
        }
        self.parts.push((tag, pattern));
        self.blocks.extend(made);
    }

    /// Loses a share of all events.
    fn lose_events(&mut self, dice: &mut Rng, share: f64) {
        let mut recorded = Vec::with_capacity(self.blocks.len());
        for mut block in std::mem::take(&mut self.blocks) {
            let mut lose = |time: &mut Option<i64>| {
                if time.is_some() {
                    self.lost.1 += 1;
                    if random_share(dice) < share {
                        *time = None;
                        self.lost.0 += 1;
                    }
                }
            };
            lose(&mut block.alloc);
            lose(&mut block.free);
            if block.alloc.is_none() {
                block.stack = &[];
            }
            if block.alloc.is_some() || block.free.is_some() {
                recorded.push(block);
            }
        }
        self.blocks = recorded;
    }

    /// Builds the trace.
    pub fn trace(&self) -> Arc<Trace> {
        let mut trace = test_util::trace(&self.blocks);
        if let Some(trace) = Arc::get_mut(&mut trace) {
            if self.end < LENGTH {
                let range = TimeRange { from: Ticks(0), to: Ticks(self.end) };
                trace.recorded = RecordedRange { end_missing: true, ..RecordedRange::whole(range) };
            }
            let (lost, all) = self.lost;
            trace.statistics.records = 2 * self.blocks.len() as u64;
            trace.statistics.pool_frees = self.blocks.iter().filter(|b| b.free.is_some()).count() as u64;
            if lost > 0 {
                trace.statistics.records = all - lost;
                trace.diagnostics.add(DiagnosticKind::EventsLost, lost);
            }
        }
        trace
    }
}

fn allocation_template(dice: &mut Rng, at: usize) -> Block {
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

fn periodic(dice: &mut Rng) -> BirthPattern {
    BirthPattern::Periodic { period: between(dice, 0.04, 0.4), depth: between(dice, 0.3, 1.0) }
}

fn ramp(dice: &mut Rng) -> BirthPattern {
    let factor = between(dice, 2.0, 10.0);
    BirthPattern::Ramp(if dice.roll(3) == 0 { 1.0 / factor } else { factor })
}

fn non_leaking_pattern(dice: &mut Rng, family: ScenarioFamily) -> AllocationPattern {
    let mean = 0.0005 * (1.0 + 100.0 * random_share(dice) * random_share(dice));
    let births = match family {
        ScenarioFamily::Bursts if dice.roll(2) == 0 => BirthPattern::Bursts(3 + dice.roll(20)),
        ScenarioFamily::Periodic if dice.roll(3) > 0 => periodic(dice),
        ScenarioFamily::Ramp if dice.roll(3) > 0 => ramp(dice),
        _ => BirthPattern::Even,
    };
    let full_at = between(dice, 0.05, 0.9);
    // A cache that fills in a few bursts cannot be distinguished from growth in bursts.
    let steady = if matches!(births, BirthPattern::Bursts(_)) { BirthPattern::Even } else { births };
    let kind = match family {
        ScenarioFamily::Caches if dice.roll(2) == 0 => [2, 3, 4, 5, 10][dice.roll(5) as usize],
        ScenarioFamily::Tails if dice.roll(2) == 0 => [0, 1, 7][dice.roll(3) as usize],
        // What is filled once looks the same as a leak whose load ended.
        ScenarioFamily::Stopped => [0, 1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15][dice.roll(14) as usize],
        _ => dice.roll(20),
    };
    match kind {
        0 => {
            AllocationPattern::new(births, LifetimePattern::LogNormal { median: 0.002, sigma: between(dice, 1.0, 2.0) })
        }
        1 => AllocationPattern::new(
            births,
            LifetimePattern::LogNormal { median: between(dice, 0.001, 0.1), sigma: between(dice, 0.2, 2.0) },
        ),
        2 => AllocationPattern::new(steady, LifetimePattern::FifoCache { full_at }),
        3 => AllocationPattern::new(steady, LifetimePattern::RandomCache { full_at }),
        4 => AllocationPattern::new(BirthPattern::Until(between(dice, 0.05, 0.9)), LifetimePattern::NeverFreed),
        5 => AllocationPattern::new(
            BirthPattern::Until(between(dice, 0.05, 0.9)),
            LifetimePattern::Leak { share: random_share(dice), mean },
        ),
        6 => AllocationPattern::new(births, LifetimePattern::Sweep { period: between(dice, 0.05, 0.45) }),
        7 => {
            let lifetime = LifetimePattern::Exponential { mean: between(dice, 0.3, 2.3) };
            AllocationPattern { births: BirthPattern::Even, lifetime, before: true }
        }
        8 => AllocationPattern::new(BirthPattern::Once(between(dice, 0.0, 0.9)), LifetimePattern::NeverFreed),
        // Later, ordinary allocations that are still in use hide whether more of them leak.
        10 => {
            let mean = mean.min(0.02);
            let until = between(dice, 0.05, 0.9 - 8.0 * mean);
            AllocationPattern::new(steady, LifetimePattern::Filling { share: between(dice, 0.05, 0.9), mean, until })
        }
        9 => AllocationPattern::new(ramp(dice), LifetimePattern::Exponential { mean: mean * 4.0 }),
        _ => AllocationPattern::new(births, LifetimePattern::Exponential { mean }),
    }
}
