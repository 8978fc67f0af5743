//! The parametrised generator: a cast of processes, modules and tags, an engine that lets them allocate and free,
//! and the records of all that. It streams: memory grows with the blocks alive, never with the file.

pub mod entities;
mod engine;
mod draw;
mod stack_records;
mod leak_shapes;
mod stack_cache;
mod noise;
mod params;
mod addresses;
mod pool_events;
mod rundown;
mod target;
#[cfg(test)]
mod tests;

use std::io::{Seek, Write};

pub use leak_shapes::{HandleLeakTruth, LockstepTagTruth};
pub use params::{HeaderStyle, StackMode, SynthParams, TagMix};

use self::entities::Entities;
use self::engine::{Engine, Output};
use crate::rng::Rng;
use crate::ground_truth::{GroundTruthInput, EventLog, RundownGrowth, GroundTruth, compute_ground_truth};
use crate::writer::WriteSummary;
use crate::{SynthError, GroundTruthRequest};

/// How a trace came out.
#[derive(Debug, Clone)]
pub struct SynthSummary {
    /// The file.
    pub written: WriteSummary,
    /// Allocations made, logged or not.
    pub allocations: u64,
    /// The truth, if asked for.
    pub truth: Option<GroundTruth>,
}

/// What the engine hands over at the end.
struct EngineResult {
    written: WriteSummary,
    log: Option<EventLog>,
    growth: Vec<RundownGrowth>,
    handles: Option<HandleLeakTruth>,
    lockstep: Vec<LockstepTagTruth>,
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
    truth: Option<&GroundTruthRequest>,
) -> Result<SynthSummary, SynthError> {
    params.check()?;
    let resolved = target::resolve(params)?;
    let mut rng = Rng::new(resolved.seed);
    let cast = draw::draw_entities(&resolved, &mut rng);
    run_scenario(&mut out, &resolved, cast, rng, truth)
}

/// Writes the trace of a given cast instead of a drawn one.
///
/// # Errors
/// As [`write_trace`].
pub fn write_entities<W: Write + Seek>(
    mut out: W,
    params: &SynthParams,
    cast: Entities,
    truth: Option<&GroundTruthRequest>,
) -> Result<SynthSummary, SynthError> {
    params.check()?;
    run_scenario(&mut out, params, cast, Rng::new(params.seed), truth)
}

fn run_scenario(
    out: &mut dyn Output,
    params: &SynthParams,
    cast: Entities,
    rng: Rng,
    request: Option<&GroundTruthRequest>,
) -> Result<SynthSummary, SynthError> {
    let (images, processes) = (cast.images.len() as u64, cast.processes.len() as u64);
    let log = request.map(|_| EventLog::default());
    let played = Engine::new(out, params, cast, rng, log)?.run()?;
    let options = params.options();
    let truth = request.zip(played.log).map(|(request, log)| GroundTruth {
        seed: params.seed,
        images,
        processes,
        rundown_growth: played.growth,
        handles: played.handles,
        lockstep: played.lockstep,
        ..compute_ground_truth(GroundTruthInput { log, options: &options, written: &played.written, end_ticks: played.end_ticks, request })
    });
    Ok(SynthSummary { written: played.written, allocations: params.allocations, truth })
}
