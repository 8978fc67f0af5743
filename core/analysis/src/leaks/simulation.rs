//! A second generator for the tests of the verdict, which shares nothing with [`super::scenarios`]: simulated workloads run side by
//! side (queues, connections, LRU caches, timers, garbage collectors, thread pools) and allocate and free as they run. The limits
//! were not tuned on it.

use crate::group::test_util::{Block, block};
use crate::trace::attributes::Tag;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// Length of a trace in ticks.
const END: i64 = 10_000;

/// Random number generator (xorshift64*).
struct SimRng(u64);

impl SimRng {
    fn new(seed: u64) -> Self {
        let mut rng = Self(seed.wrapping_mul(0xd134_2543_de82_ef95) | 1);
        (0..8).for_each(|_| {
            rng.next();
        });
        rng
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n.max(1)
    }

    fn real(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// An exponentially distributed time.
    fn wait(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.real()).ln()
    }

    /// A sum of three exponentially distributed times, which varies less than one.
    fn work(&mut self, mean: f64) -> f64 {
        (0..3).map(|_| self.wait(mean / 3.0)).sum()
    }

    fn pareto(&mut self, least: f64, shape: f64) -> f64 {
        least * (1.0 - self.real()).powf(-1.0 / shape)
    }
}

/// Time of allocation and of free, if any, of each allocation; negative times are before the trace.
type Lifetimes = Vec<(f64, Option<f64>)>;

/// Simulated workloads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Workload {
    /// Requests wait for one of a few servers.
    Queue,
    /// Connections of any length, some very long, each with buffers.
    Connections,
    /// An LRU cache with few frequent and many rare entries.
    Recency,
    /// Two buffers that a timer swaps.
    Timer,
    /// Garbage that is collected when there is enough.
    Collector,
    /// A thread pool: threads are created on demand and end when they are idle.
    Threads,
    /// A service that starts in a few phases and then frees nothing.
    Start,
    /// Resident objects from before the trace, which are replaced now and then.
    Resident,
}

impl Workload {
    pub const ALL: [Self; 8] = [
        Self::Queue,
        Self::Connections,
        Self::Recency,
        Self::Timer,
        Self::Collector,
        Self::Threads,
        Self::Start,
        Self::Resident,
    ];
}

/// Times of about `count` arrivals at a rate that oscillates.
fn arrivals(rng: &mut SimRng, count: usize) -> Vec<f64> {
    let (wave, depth) = (600.0 + 5_000.0 * rng.real(), 0.6 * rng.real());
    let phase = rng.real() * std::f64::consts::TAU;
    let mean = END as f64 / count.max(1) as f64 / (1.0 + depth);
    let (mut at, mut moments) = (0.0, Vec::new());
    loop {
        at += rng.wait(mean);
        if at >= END as f64 {
            return moments;
        }
        let rate = 1.0 + depth * (phase + std::f64::consts::TAU * at / wave).sin();
        if rng.real() * (1.0 + depth) < rate {
            moments.push(at);
        }
    }
}

/// Runs a workload for about `count` allocations.
fn run(rng: &mut SimRng, workload: Workload, count: usize) -> Lifetimes {
    match workload {
        Workload::Queue => queue(rng, count),
        Workload::Connections => connections(rng, count),
        Workload::Recency => recency(rng, count),
        Workload::Timer => {
            let period = 40.0 + 1_500.0 * rng.real();
            let swap = |at: f64| ((at / period).floor() + 2.0) * period;
            arrivals(rng, count).into_iter().map(|at| (at, Some(swap(at)))).collect()
        }
        Workload::Collector => collector(rng, count),
        Workload::Threads => threads(rng, count),
        Workload::Start => {
            let phases: Vec<f64> = (0..1 + rng.below(3)).map(|_| rng.real() * 0.8).collect();
            let place = |rng: &mut SimRng| phases[rng.below(phases.len() as u64) as usize] + 0.06 * rng.real();
            (0..count).map(|_| (place(rng) * END as f64, None)).collect()
        }
        Workload::Resident => resident(rng, count),
    }
}

fn queue(rng: &mut SimRng, count: usize) -> Lifetimes {
    let servers = 1 + rng.below(6) as usize;
    let busy = 0.3 + 0.5 * rng.real();
    let mean = END as f64 * busy * servers as f64 / count.max(1) as f64;
    let mut free_at = vec![0.0_f64; servers];
    let moments = arrivals(rng, count);
    moments
        .into_iter()
        .map(|at| {
            let first = (0..servers).fold(0, |a, b| if free_at[b] < free_at[a] { b } else { a });
            let done = at.max(free_at[first]) + rng.work(mean);
            free_at[first] = done;
            (at, Some(done))
        })
        .collect()
}

fn connections(rng: &mut SimRng, count: usize) -> Lifetimes {
    let buffers = 3 + rng.below(12) as usize;
    let least = 5.0 + 60.0 * rng.real();
    let mut lifetimes = Lifetimes::new();
    for at in arrivals(rng, count / buffers) {
        let shape = 1.3 + rng.real();
        let end = at + rng.pareto(least, shape);
        lifetimes.push((at, Some(end)));
        for _ in 1..buffers {
            let from = at + rng.real() * (end - at).min(2.0 * END as f64);
            lifetimes.push((from, Some((from + rng.wait(8.0)).min(end))));
        }
    }
    lifetimes
}

fn recency(rng: &mut SimRng, count: usize) -> Lifetimes {
    let room = 20 + rng.below(count as u64 / 3 + 1) as usize;
    let keys = room as f64 * (1.5 + 6.0 * rng.real());
    let mut lifetimes = Lifetimes::new();
    let mut held: BTreeMap<u64, (usize, u64)> = BTreeMap::new();
    let mut by_use: BTreeSet<(u64, u64)> = BTreeSet::new();
    for (turn, at) in arrivals(rng, count * 2).into_iter().enumerate() {
        let key = (keys * rng.real() * rng.real()) as u64;
        if let Some((_, used)) = held.get_mut(&key) {
            by_use.remove(&(*used, key));
            *used = turn as u64;
        } else {
            if held.len() >= room
                && let Some((_, oldest)) = by_use.pop_first()
                && let Some((block, _)) = held.remove(&oldest)
            {
                lifetimes[block].1 = Some(at);
            }
            held.insert(key, (lifetimes.len(), turn as u64));
            lifetimes.push((at, None));
        }
        by_use.insert((turn as u64, key));
    }
    // A cache that is still filling at the end cannot be distinguished from a leak.
    if held.len() < room
        || lifetimes.iter().filter_map(|lifetime| lifetime.1).fold(f64::MAX, f64::min) > 0.85 * END as f64
    {
        return queue(rng, count);
    }
    lifetimes
}

fn collector(rng: &mut SimRng, count: usize) -> Lifetimes {
    let collect_at = (count as f64 * (0.03 + 0.25 * rng.real())) as usize + 5;
    let reachable_share = 0.3 * rng.real();
    let mut lifetimes = Lifetimes::new();
    let mut garbage: Vec<usize> = Vec::new();
    for at in arrivals(rng, count) {
        garbage.push(lifetimes.len());
        lifetimes.push((at, None));
        if garbage.len() > collect_at {
            garbage.retain(|block| {
                let is_reachable = rng.real() < reachable_share;
                if !is_reachable {
                    lifetimes[*block].1 = Some(at);
                }
                is_reachable
            });
        }
    }
    lifetimes
}

fn threads(rng: &mut SimRng, count: usize) -> Lifetimes {
    let idle = 100.0 + 900.0 * rng.real();
    let work = 20.0 + 80.0 * rng.real();
    let mut lifetimes = Lifetimes::new();
    // Idle threads by the tick since when they are idle.
    let mut resting: BinaryHeap<(i64, usize)> = BinaryHeap::new();
    let mut working: Vec<(f64, usize)> = Vec::new();
    for at in arrivals(rng, count * 3) {
        working.retain(|(until, thread)| {
            let goes_on = *until > at;
            if !goes_on {
                resting.push((*until as i64, *thread));
            }
            goes_on
        });
        // The thread that became idle last is taken first, so that the others can end.
        let taken = resting.pop().filter(|(since, thread)| {
            let is_available = at - *since as f64 <= idle;
            if !is_available {
                lifetimes[*thread].1 = Some(*since as f64 + idle);
            }
            is_available
        });
        let thread = taken.map_or_else(
            || {
                lifetimes.push((at, None));
                lifetimes.len() - 1
            },
            |(_, thread)| thread,
        );
        working.push((at + rng.work(work), thread));
    }
    for (since, thread) in resting {
        lifetimes[thread].1 = Some(since as f64 + idle);
    }
    lifetimes
}

fn resident(rng: &mut SimRng, count: usize) -> Lifetimes {
    let there = count * (1 + rng.below(3) as usize);
    let mut lifetimes: Lifetimes = (0..there).map(|_| (-1.0, None)).collect();
    let mut held: Vec<usize> = (0..there).collect();
    for at in arrivals(rng, count) {
        let place = rng.below(held.len() as u64) as usize;
        lifetimes[held[place]].1 = Some(at);
        held[place] = lifetimes.len();
        lifetimes.push((at, None));
    }
    lifetimes
}

/// Ways in which a leak arises.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LeakKind {
    /// A share of the requests of a queue takes a path without a free.
    Path,
    /// Each connection leaks one allocation.
    Close,
    /// Each tick of a timer leaks a few allocations.
    Tick,
    /// Failed retries leak in bouts.
    Bouts,
}

impl LeakKind {
    pub const ALL: [Self; 4] = [Self::Path, Self::Close, Self::Tick, Self::Bouts];
}

fn leak_lifetimes(rng: &mut SimRng, kind: LeakKind, leaked: usize) -> Lifetimes {
    match kind {
        LeakKind::Path => {
            let share = [0.05, 0.2, 0.6][rng.below(3) as usize];
            let mut lifetimes = queue(rng, (leaked as f64 / share) as usize);
            lifetimes.iter_mut().for_each(|lifetime| lifetime.1 = lifetime.1.filter(|_| rng.real() >= share));
            lifetimes
        }
        LeakKind::Close => {
            let opened = arrivals(rng, leaked);
            opened.into_iter().map(|at| (at + rng.wait(50.0), None)).collect()
        }
        LeakKind::Tick => {
            let ticks = (leaked / (1 + rng.below(3) as usize)).clamp(12, 400);
            let each = leaked.div_ceil(ticks);
            (0..ticks * each).map(|k| ((k / each) as f64 * END as f64 / ticks as f64 + 3.0, None)).collect()
        }
        LeakKind::Bouts => {
            let bouts: Vec<f64> = (0..20).map(|k| (k as f64 + 0.6 * rng.real()) / 20.0).collect();
            let at = |rng: &mut SimRng| bouts[rng.below(20) as usize] + 0.012 * rng.real();
            (0..leaked).map(|_| (at(rng) * END as f64, None)).collect()
        }
    }
}

/// Allocations of many simulated workloads, one of which may leak.
pub struct Simulation {
    pub blocks: Vec<Block>,
    pub leaking_tag: Option<String>,
    /// Tags and the workloads of their parts.
    pub parts: Vec<(String, String)>,
}

const STACKS: [&[&str]; 4] =
    [&["nt:5", "my:40"], &["app:1", "nt:6", "other:41"], &["nt:6", "my:42", "wdf:2"], &["nt:7", "other:43"]];

/// Simulates `tags` tags with about `traffic` allocations; `leaked` are the kind and the number of the leaked ones.
pub fn simulate(seed: u64, tags: usize, traffic: usize, leaked: Option<(LeakKind, usize)>) -> Simulation {
    let mut rng = SimRng::new(seed);
    let mut simulation = Simulation { blocks: Vec::new(), leaking_tag: None, parts: Vec::new() };
    let leaking = rng.below(tags as u64) as usize;
    for at in 0..tags {
        let tag: &'static [u8; 4] = Box::leak(Box::new([b'W', b'a' + (at / 26) as u8, b'a' + (at % 26) as u8, b' ']));
        let paged = rng.below(4) == 0;
        let first = rng.below(4) as usize;
        let parts = 1 + rng.below(2) as usize;
        for part in 0..parts {
            let workload = Workload::ALL[rng.below(8) as usize];
            let mean = traffic as f64 / tags as f64 / parts as f64;
            let count = (mean * (0.2 + rng.wait(0.8))) as usize + 3;
            let lifetimes = run(&mut rng, workload, count);
            simulation.add(&mut rng, tag, paged, STACKS[(first + part) % 4], &lifetimes, format!("{workload:?}"));
        }
        if let Some((kind, count)) = leaked.filter(|_| at == leaking) {
            let lifetimes = leak_lifetimes(&mut rng, kind, count);
            simulation.add(&mut rng, tag, paged, STACKS[(first + parts) % 4], &lifetimes, format!("{kind:?}"));
            simulation.leaking_tag = Some(Tag(*tag).text());
        }
    }
    simulation
}

impl Simulation {
    fn add(
        &mut self,
        rng: &mut SimRng,
        tag: &'static [u8; 4],
        paged: bool,
        stack: &'static [&'static str],
        lifetimes: &Lifetimes,
        label: String,
    ) {
        self.parts.push((Tag(*tag).text(), label));
        let sizes = [48, 80, 112, 400, 1040, 4096];
        let usual = sizes[rng.below(6) as usize];
        let pool_type = if paged { 1 } else { 512 };
        for (birth, free) in lifetimes {
            let alloc = (*birth >= 0.0).then_some(*birth as i64).filter(|t| *t < END);
            let free = free.map(|t| (t as i64).max(*birth as i64 + 1)).filter(|t| *t < END);
            if alloc.is_none() && (*birth >= 0.0 || free.is_none()) {
                continue;
            }
            let size = if rng.below(3) == 0 { sizes[rng.below(6) as usize] } else { usual };
            let stack = if alloc.is_some() { stack } else { &[] };
            self.blocks.push(Block { tag, pool_type, stack, ..block(alloc, free, size) });
        }
    }
}
