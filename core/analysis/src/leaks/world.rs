//! A second maker of loads for the tests of the verdict, which shares nothing with the first: small machines run side by side
//! (queues, connections, caches by recency, timers, collectors, pools of threads), and blocks come and go as these go on.
//! The verdict was not tuned on it.

use crate::group::testkit::{Block, block};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// Ticks of a trace.
pub const END: i64 = 10_000;

/// Random numbers (xorshift64*).
pub struct Luck(u64);

impl Luck {
    pub fn new(seed: u64) -> Self {
        let mut luck = Self(seed.wrapping_mul(0xd134_2543_de82_ef95) | 1);
        (0..8).for_each(|_| {
            luck.next();
        });
        luck
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n.max(1)
    }

    pub fn real(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn wait(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.real()).ln()
    }

    /// A sum of three waits: less uneven than one.
    fn work(&mut self, mean: f64) -> f64 {
        (0..3).map(|_| self.wait(mean / 3.0)).sum()
    }

    fn pareto(&mut self, least: f64, shape: f64) -> f64 {
        least * (1.0 - self.real()).powf(-1.0 / shape)
    }
}

/// One block: birth, and free if there was one; before 0 is before the trace.
type Lives = Vec<(f64, Option<f64>)>;

/// The machines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Machine {
    /// Requests wait for one of a few servers.
    Queue,
    /// Connections of any length, some very long, each with its buffers.
    Connections,
    /// Entries by recency, of which a few are asked for often and many seldom.
    Recency,
    /// Two halves that a timer swaps.
    Timer,
    /// Garbage that is collected when there is enough of it.
    Collector,
    /// Threads are made when they are needed and end when they are idle.
    Threads,
    /// Starts in a few phases and then keeps what it has.
    Start,
    /// Resident objects from before the trace, replaced now and then.
    Resident,
}

impl Machine {
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

/// Moments of about `count` arrivals, the load having waves.
fn arrivals(luck: &mut Luck, count: usize) -> Vec<f64> {
    let (wave, depth) = (600.0 + 5_000.0 * luck.real(), 0.6 * luck.real());
    let phase = luck.real() * std::f64::consts::TAU;
    let mean = END as f64 / count.max(1) as f64 / (1.0 + depth);
    let (mut at, mut moments) = (0.0, Vec::new());
    loop {
        at += luck.wait(mean);
        if at >= END as f64 {
            return moments;
        }
        let rate = 1.0 + depth * (phase + std::f64::consts::TAU * at / wave).sin();
        if luck.real() * (1.0 + depth) < rate {
            moments.push(at);
        }
    }
}

/// Runs a machine through about `count` allocations.
fn run(luck: &mut Luck, machine: Machine, count: usize) -> Lives {
    match machine {
        Machine::Queue => queue(luck, count),
        Machine::Connections => connections(luck, count),
        Machine::Recency => recency(luck, count),
        Machine::Timer => {
            let period = 40.0 + 1_500.0 * luck.real();
            let swap = |at: f64| ((at / period).floor() + 2.0) * period;
            arrivals(luck, count).into_iter().map(|at| (at, Some(swap(at)))).collect()
        }
        Machine::Collector => collector(luck, count),
        Machine::Threads => threads(luck, count),
        Machine::Start => {
            let phases: Vec<f64> = (0..1 + luck.below(3)).map(|_| luck.real() * 0.8).collect();
            let place = |luck: &mut Luck| phases[luck.below(phases.len() as u64) as usize] + 0.06 * luck.real();
            (0..count).map(|_| (place(luck) * END as f64, None)).collect()
        }
        Machine::Resident => resident(luck, count),
    }
}

fn queue(luck: &mut Luck, count: usize) -> Lives {
    let servers = 1 + luck.below(6) as usize;
    let busy = 0.3 + 0.5 * luck.real();
    let mean = END as f64 * busy * servers as f64 / count.max(1) as f64;
    let mut free_at = vec![0.0_f64; servers];
    let moments = arrivals(luck, count);
    moments
        .into_iter()
        .map(|at| {
            let first = (0..servers).fold(0, |a, b| if free_at[b] < free_at[a] { b } else { a });
            let done = at.max(free_at[first]) + luck.work(mean);
            free_at[first] = done;
            (at, Some(done))
        })
        .collect()
}

fn connections(luck: &mut Luck, count: usize) -> Lives {
    let buffers = 3 + luck.below(12) as usize;
    let least = 5.0 + 60.0 * luck.real();
    let mut lives = Lives::new();
    for at in arrivals(luck, count / buffers) {
        let shape = 1.3 + luck.real();
        let end = at + luck.pareto(least, shape);
        lives.push((at, Some(end)));
        for _ in 1..buffers {
            let from = at + luck.real() * (end - at).min(2.0 * END as f64);
            lives.push((from, Some((from + luck.wait(8.0)).min(end))));
        }
    }
    lives
}

fn recency(luck: &mut Luck, count: usize) -> Lives {
    let room = 20 + luck.below(count as u64 / 3 + 1) as usize;
    let keys = room as f64 * (1.5 + 6.0 * luck.real());
    let mut lives = Lives::new();
    let mut held: BTreeMap<u64, (usize, u64)> = BTreeMap::new();
    let mut by_use: BTreeSet<(u64, u64)> = BTreeSet::new();
    for (turn, at) in arrivals(luck, count * 2).into_iter().enumerate() {
        let key = (keys * luck.real() * luck.real()) as u64;
        if let Some((_, used)) = held.get_mut(&key) {
            by_use.remove(&(*used, key));
            *used = turn as u64;
        } else {
            if held.len() >= room
                && let Some((_, oldest)) = by_use.pop_first()
                && let Some((block, _)) = held.remove(&oldest)
            {
                lives[block].1 = Some(at);
            }
            held.insert(key, (lives.len(), turn as u64));
            lives.push((at, None));
        }
        by_use.insert((turn as u64, key));
    }
    // One that is still filling grows until the end: nothing in the trace says that it will stop.
    if held.len() < room || lives.iter().filter_map(|life| life.1).fold(f64::MAX, f64::min) > 0.85 * END as f64 {
        return queue(luck, count);
    }
    lives
}

fn collector(luck: &mut Luck, count: usize) -> Lives {
    let enough = (count as f64 * (0.03 + 0.25 * luck.real())) as usize + 5;
    let survive = 0.3 * luck.real();
    let mut lives = Lives::new();
    let mut garbage: Vec<usize> = Vec::new();
    for at in arrivals(luck, count) {
        garbage.push(lives.len());
        lives.push((at, None));
        if garbage.len() > enough {
            garbage.retain(|block| {
                let stays = luck.real() < survive;
                if !stays {
                    lives[*block].1 = Some(at);
                }
                stays
            });
        }
    }
    lives
}

fn threads(luck: &mut Luck, count: usize) -> Lives {
    let idle = 100.0 + 900.0 * luck.real();
    let work = 20.0 + 80.0 * luck.real();
    let mut lives = Lives::new();
    // Threads by the moment at which they become free, in whole ticks, and when that was.
    let mut resting: BinaryHeap<(i64, usize)> = BinaryHeap::new();
    let mut working: Vec<(f64, usize)> = Vec::new();
    for at in arrivals(luck, count * 3) {
        working.retain(|(until, thread)| {
            let goes_on = *until > at;
            if !goes_on {
                resting.push((*until as i64, *thread));
            }
            goes_on
        });
        // The one that worked last is taken first, so that the others can end.
        let taken = resting.pop().filter(|(since, thread)| {
            let is_there = at - *since as f64 <= idle;
            if !is_there {
                lives[*thread].1 = Some(*since as f64 + idle);
            }
            is_there
        });
        let thread = taken.map_or_else(
            || {
                lives.push((at, None));
                lives.len() - 1
            },
            |(_, thread)| thread,
        );
        working.push((at + luck.work(work), thread));
    }
    for (since, thread) in resting {
        lives[thread].1 = Some(since as f64 + idle);
    }
    lives
}

fn resident(luck: &mut Luck, count: usize) -> Lives {
    let there = count * (1 + luck.below(3) as usize);
    let mut lives: Lives = (0..there).map(|_| (-1.0, None)).collect();
    let mut held: Vec<usize> = (0..there).collect();
    for at in arrivals(luck, count) {
        let place = luck.below(held.len() as u64) as usize;
        lives[held[place]].1 = Some(at);
        held[place] = lives.len();
        lives.push((at, None));
    }
    lives
}

/// How the leak comes about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leak {
    /// A share of the requests of a queue takes a path that forgets the block.
    Path,
    /// Each connection leaves a block behind.
    Close,
    /// Each tick of a timer leaves a few blocks behind.
    Tick,
    /// Failed retries, in bouts.
    Bouts,
}

impl Leak {
    pub const ALL: [Self; 4] = [Self::Path, Self::Close, Self::Tick, Self::Bouts];
}

fn leak(luck: &mut Luck, kind: Leak, stays: usize) -> Lives {
    match kind {
        Leak::Path => {
            let share = [0.05, 0.2, 0.6][luck.below(3) as usize];
            let mut lives = queue(luck, (stays as f64 / share) as usize);
            lives.iter_mut().for_each(|life| life.1 = life.1.filter(|_| luck.real() >= share));
            lives
        }
        Leak::Close => {
            let opened = arrivals(luck, stays);
            opened.into_iter().map(|at| (at + luck.wait(50.0), None)).collect()
        }
        Leak::Tick => {
            let ticks = (stays / (1 + luck.below(3) as usize)).clamp(12, 400);
            let each = stays.div_ceil(ticks);
            (0..ticks * each).map(|k| ((k / each) as f64 * END as f64 / ticks as f64 + 3.0, None)).collect()
        }
        Leak::Bouts => {
            let bouts: Vec<f64> = (0..20).map(|k| (k as f64 + 0.6 * luck.real()) / 20.0).collect();
            let at = |luck: &mut Luck| bouts[luck.below(20) as usize] + 0.012 * luck.real();
            (0..stays).map(|_| (at(luck) * END as f64, None)).collect()
        }
    }
}

/// A machine of machines.
pub struct World {
    pub blocks: Vec<Block>,
    pub guilty: Option<String>,
    /// Parts of tags: what they run.
    pub parts: Vec<(String, String)>,
}

const PLACES: [&[&str]; 4] =
    [&["nt:5", "my:40"], &["app:1", "nt:6", "other:41"], &["nt:6", "my:42", "wdf:2"], &["nt:7", "other:43"]];

/// Runs a world of so many tags, with about so many allocations; `stays` blocks of the leak.
pub fn world(seed: u64, tags: usize, traffic: usize, stays: Option<(Leak, usize)>) -> World {
    let mut luck = Luck::new(seed);
    let mut world = World { blocks: Vec::new(), guilty: None, parts: Vec::new() };
    let place = luck.below(tags as u64) as usize;
    for at in 0..tags {
        let tag: &'static [u8; 4] = Box::leak(Box::new([b'W', b'a' + (at / 26) as u8, b'a' + (at % 26) as u8, b' ']));
        let paged = luck.below(4) == 0;
        let first = luck.below(4) as usize;
        let parts = 1 + luck.below(2) as usize;
        for part in 0..parts {
            let machine = Machine::ALL[luck.below(8) as usize];
            let mean = traffic as f64 / tags as f64 / parts as f64;
            let count = (mean * (0.2 + luck.wait(0.8))) as usize + 3;
            let lives = run(&mut luck, machine, count);
            world.add(&mut luck, tag, paged, PLACES[(first + part) % 4], &lives, format!("{machine:?}"));
        }
        if let Some((kind, stays)) = stays.filter(|_| at == place) {
            let lives = leak(&mut luck, kind, stays);
            world.add(&mut luck, tag, paged, PLACES[(first + parts) % 4], &lives, format!("{kind:?}"));
            world.guilty = Some(crate::trace::context::Tag(*tag).text());
        }
    }
    world
}

impl World {
    fn add(
        &mut self,
        luck: &mut Luck,
        tag: &'static [u8; 4],
        paged: bool,
        stack: &'static [&'static str],
        lives: &Lives,
        what: String,
    ) {
        self.parts.push((crate::trace::context::Tag(*tag).text(), what));
        let sizes = [48, 80, 112, 400, 1040, 4096];
        let usual = sizes[luck.below(6) as usize];
        let pool_type = if paged { 1 } else { 512 };
        for (birth, free) in lives {
            let alloc = (*birth >= 0.0).then_some(*birth as i64).filter(|t| *t < END);
            let free = free.map(|t| (t as i64).max(*birth as i64 + 1)).filter(|t| *t < END);
            if alloc.is_none() && (*birth >= 0.0 || free.is_none()) {
                continue;
            }
            let size = if luck.below(3) == 0 { sizes[luck.below(6) as usize] } else { usual };
            let stack = if alloc.is_some() { stack } else { &[] };
            self.blocks.push(Block { tag, pool_type, stack, ..block(alloc, free, size) });
        }
    }
}
