//! Made-up loads for the tests of the verdict: tags that behave in one of many ways, one of which leaks. What they do is
//! known, so it can be counted how often the verdict is right.

use crate::column::testkit::{Block, Dice, block};

/// Ticks that a made-up trace lasts.
pub const LENGTH: i64 = 10_000;

/// How the blocks of a tag come and go.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Shape {
    /// Lifetimes fall off exponentially around a mean.
    Ordinary { mean_life: f64 },
    /// Most die young, a few live very long.
    HeavyTail { median_life: f64, sigma: f64 },
    /// Fills until a share of the trace, then each new block replaces the oldest.
    Fifo { full_at: f64 },
    /// Fills until a share of the trace, then each new block replaces a random one.
    Random { full_at: f64 },
    /// Allocates until a share of the trace and keeps all.
    WarmUp { until: f64 },
    /// Everything at one moment; kept.
    Burst { at: f64, length: f64 },
    /// Collects, and frees all at the end of each period.
    Sawtooth { period: f64 },
    /// Ordinary, at a rate that grows over the trace by this factor.
    Ramp { mean_life: f64, factor: f64 },
    /// A level of long-lived blocks that was there before the trace: some go, as many come.
    Steady { mean_life: f64 },
    /// Keeps this share of its blocks; the others are ordinary.
    Leak { share: f64, mean_life: f64 },
    /// Keeps this share, in so many steps.
    Steps { share: f64, steps: u32, mean_life: f64 },
}

/// A number in [0, 1).
pub fn unit(dice: &mut Dice) -> f64 {
    dice.roll(1 << 53) as f64 / (1u64 << 53) as f64
}

fn exponential(dice: &mut Dice, mean: f64) -> f64 {
    -mean * (1.0 - unit(dice)).ln()
}

fn normal(dice: &mut Dice) -> f64 {
    (-2.0 * (1.0 - unit(dice)).ln()).sqrt() * (std::f64::consts::TAU * unit(dice)).cos()
}

/// The blocks of a tag: `count` allocations of about `size` bytes.
pub fn blocks(dice: &mut Dice, shape: Shape, count: usize, size: u64, look: &Block) -> Vec<Block> {
    let length = LENGTH as f64;
    let mut births: Vec<f64> = (0..count).map(|_| birth(dice, shape) * length).collect();
    births.sort_unstable_by(f64::total_cmp);
    let mut frees: Vec<Option<f64>> = vec![None; births.len()];
    let mut inside: Vec<usize> = Vec::new();
    let capacity = |full_at: f64| births.iter().filter(|b| **b < full_at * length).count().max(1);
    for (at, birth) in births.iter().copied().enumerate() {
        frees[at] = match shape {
            Shape::Ordinary { mean_life } | Shape::Ramp { mean_life, .. } | Shape::Steady { mean_life } => {
                Some(birth + exponential(dice, mean_life * length))
            }
            Shape::HeavyTail { median_life, sigma } => {
                Some(birth + median_life * length * (sigma * normal(dice)).exp())
            }
            Shape::Sawtooth { period } => {
                let period = period * length;
                Some(((birth / period).floor() + 1.0) * period)
            }
            Shape::Leak { share, mean_life } | Shape::Steps { share, mean_life, .. } => {
                let stays = unit(dice) < share;
                (!stays).then(|| birth + exponential(dice, mean_life * length))
            }
            Shape::Fifo { full_at } | Shape::Random { full_at } => {
                if inside.len() >= capacity(full_at) {
                    let out =
                        if matches!(shape, Shape::Fifo { .. }) { 0 } else { dice.roll(inside.len() as u64) as usize };
                    let gone = inside.remove(out);
                    frees[gone] = Some(birth);
                }
                inside.push(at);
                None
            }
            Shape::WarmUp { .. } | Shape::Burst { .. } => None,
        };
    }
    let mut made: Vec<Block> = births
        .iter()
        .zip(&frees)
        .map(|(birth, free)| {
            let free = free.filter(|f| *f < length).map(|f| f.max(birth + 1.0) as i64).filter(|f| *f < LENGTH);
            let size = size + dice.roll(size / 4 + 1);
            Block { alloc: Some(*birth as i64), free, size, ..look.clone() }
        })
        .collect();
    if let Shape::Steady { mean_life } = shape {
        // As many were there as come in a lifetime.
        let before = (count as f64 * mean_life) as usize;
        made.extend((0..before).map(|_| {
            let free = exponential(dice, mean_life * length);
            let free = (free < length).then_some(free as i64);
            Block { alloc: None, free, size, ..look.clone() }
        }));
        made.retain(|b| b.alloc.is_some() || b.free.is_some());
    }
    made
}

/// When a block is born, as a share of the trace.
fn birth(dice: &mut Dice, shape: Shape) -> f64 {
    match shape {
        Shape::WarmUp { until } => unit(dice) * until,
        Shape::Burst { at, length } => (at + unit(dice) * length).min(0.999),
        Shape::Ramp { factor, .. } => {
            // The rate goes from 1 to `factor`: solve the quadratic for an even number.
            let (u, k) = (unit(dice), factor - 1.0);
            ((1.0 + u * (factor * factor - 1.0)).sqrt() - 1.0) / k
        }
        Shape::Steps { steps, .. } => {
            let step = dice.roll(u64::from(steps)) as f64;
            (step + 0.3 + 0.05 * unit(dice)) / f64::from(steps)
        }
        _ => unit(dice),
    }
}

/// A trace with many innocent tags and one that leaks.
pub struct Load {
    /// All blocks.
    pub blocks: Vec<Block>,
    /// The tag that leaks; none in a trace without leak.
    pub guilty: Option<String>,
    /// What it does.
    pub shape: Option<Shape>,
    /// All tags and what they do.
    pub tags: Vec<(String, Shape)>,
}

const STACKS: [&[&str]; 4] =
    [&["app:10", "nt:20", "my:30"], &["nt:20", "other:31"], &["app:11", "nt:20", "other:32", "wdf:1"], &["nt:21"]];

/// Draws a load: `tags` innocent tags with `traffic` allocations in all, and a leak of `share` of that traffic.
pub fn draw(seed: u64, tags: usize, traffic: usize, share: Option<f64>) -> Load {
    // Neighbouring seeds must not give neighbouring numbers.
    let start = Dice(seed).roll(u64::MAX);
    let mut dice = Dice(start);
    let mut load = Load { blocks: Vec::new(), guilty: None, shape: None, tags: Vec::new() };
    let mut weights: Vec<f64> = (0..tags).map(|_| exponential(&mut dice, 1.0) + 0.02).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|w| *w /= sum);
    for (at, weight) in weights.iter().enumerate() {
        let shape = innocent(&mut dice);
        let look = look(&mut dice, at);
        let count = (weight * traffic as f64) as usize;
        let size = 32 << dice.roll(6);
        load.tags.push((crate::trace::context::Tag(*look.tag).text(), shape));
        load.blocks.extend(blocks(&mut dice, shape, count, size, &look));
    }
    if let Some(share) = share {
        let look = look(&mut dice, tags);
        let stays = (share * traffic as f64).max(12.0);
        let own = [1.0, 1.0, 0.3, 0.05][dice.roll(4) as usize];
        let count = (stays / own) as usize;
        let mean_life = 0.001 + 0.03 * unit(&mut dice);
        let shape = match dice.roll(4) {
            0 => Shape::Steps { share: own, steps: 6 + dice.roll(20) as u32, mean_life },
            _ => Shape::Leak { share: own, mean_life },
        };
        let tag = crate::trace::context::Tag(*look.tag).text();
        load.tags.push((tag.clone(), shape));
        let size = 64 << dice.roll(5);
        load.blocks.extend(blocks(&mut dice, shape, count, size, &look));
        (load.guilty, load.shape) = (Some(tag), Some(shape));
    }
    load
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

fn innocent(dice: &mut Dice) -> Shape {
    let mean_life = 0.0005 * (1.0 + 100.0 * unit(dice) * unit(dice));
    match dice.roll(16) {
        0 => Shape::HeavyTail { median_life: 0.002, sigma: 1.0 + unit(dice) },
        1 => Shape::Fifo { full_at: 0.05 + 0.9 * unit(dice) },
        2 => Shape::Random { full_at: 0.05 + 0.9 * unit(dice) },
        3 => Shape::WarmUp { until: 0.05 + 0.8 * unit(dice) },
        4 => Shape::Burst { at: unit(dice) * 0.9, length: 0.01 },
        5 => Shape::Sawtooth { period: 0.05 + 0.4 * unit(dice) },
        6 => Shape::Ramp { mean_life: mean_life * 4.0, factor: 2.0 + 8.0 * unit(dice) },
        7 => Shape::Steady { mean_life: 0.3 + 2.0 * unit(dice) },
        _ => Shape::Ordinary { mean_life },
    }
}
