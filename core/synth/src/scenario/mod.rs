//! The parametrised generator: a cast of processes, modules and tags, an engine that lets them allocate and free,
//! and the records of all that. It streams: memory grows with the blocks alive, never with the file.

pub mod cast;
mod engine;
mod generic;
mod halves;
mod handles;
mod keys;
mod noise;
mod params;
mod places;
mod pool_events;
mod rundown;
mod target;
#[cfg(test)]
mod tests;

use std::io::{Seek, Write};

pub use handles::{HandleTruth, LockstepTruth};
pub use params::{HeaderStyle, StackMode, SynthParams, TagMix};

use self::cast::Cast;
use self::engine::{Engine, Output};
use crate::rng::Rng;
use crate::truth::{Compute, EventLog, SnapshotGrowth, Truth, compute};
use crate::writer::WriteSummary;
use crate::{SynthError, TruthRequest};

/// How a trace came out.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The file.
    pub written: WriteSummary,
    /// Allocations made, logged or not.
    pub allocations: u64,
    /// The truth, if asked for.
    pub truth: Option<Truth>,
}

/// What the engine hands over at the end.
struct Played {
    written: WriteSummary,
    log: Option<EventLog>,
    growth: Vec<SnapshotGrowth>,
    handles: Option<HandleTruth>,
    lockstep: Vec<LockstepTruth>,
    end_ticks: i64,
}

/// Writes the trace that `params` describe to the beginning of `out`. With a truth request every event is kept in
/// memory (some 60 bytes each, and as much per stack record); without one, only what is alive.
///
/// # Errors
/// Parameters that make no sense, a full 32-bit address space, or an output that refuses bytes.
pub fn write_trace<W: Write + Seek>(
    mut out: W,
    params: &SynthParams,
    truth: Option<&TruthRequest>,
) -> Result<Summary, SynthError> {
    params.check()?;
    let resolved = target::resolve(params)?;
    let mut rng = Rng::new(resolved.seed);
    let cast = generic::cast(&resolved, &mut rng);
    play(&mut out, &resolved, cast, rng, truth)
}

/// Writes the trace of a given cast instead of a drawn one.
///
/// # Errors
/// As [`write_trace`].
pub fn write_cast<W: Write + Seek>(
    mut out: W,
    params: &SynthParams,
    cast: Cast,
    truth: Option<&TruthRequest>,
) -> Result<Summary, SynthError> {
    params.check()?;
    play(&mut out, params, cast, Rng::new(params.seed), truth)
}

fn play(
    out: &mut dyn Output,
    params: &SynthParams,
    cast: Cast,
    rng: Rng,
    request: Option<&TruthRequest>,
) -> Result<Summary, SynthError> {
    let (images, processes) = (cast.images.len() as u64, cast.processes.len() as u64);
    let log = request.map(|_| EventLog::default());
    let played = Engine::new(out, params, cast, rng, log)?.run()?;
    let options = params.options();
    let truth = request.zip(played.log).map(|(request, log)| Truth {
        seed: params.seed,
        images,
        processes,
        snapshot_growth: played.growth,
        handles: played.handles,
        lockstep: played.lockstep,
        ..compute(Compute { log, options: &options, written: &played.written, end_ticks: played.end_ticks, request })
    });
    Ok(Summary { written: played.written, allocations: params.allocations, truth })
}
