//! Generates traces from parameters: entities (processes, modules, tags), an engine that allocates and frees in time order, and
//! the records of all events. Streaming: memory grows with the live blocks, not with the file.

mod addresses;
mod draw;
mod engine;
pub mod entities;
mod leak_shapes;
mod noise;
mod params;
mod pool_events;
mod rundown;
mod samples;
mod stack_cache;
mod stack_records;
mod target;
#[cfg(test)]
mod tests;

use std::io::{Seek, Write};

pub(crate) use draw::FILE_VERSION;
pub use leak_shapes::{HandleLeakTruth, LockstepTagTruth};
pub use params::{HeaderStyle, StackMode, SynthParams, TagMix};

use self::engine::{Engine, Output};
use self::entities::Entities;
use crate::ground_truth::{EventLog, GroundTruth, GroundTruthInput, RundownGrowth, compute_ground_truth};
use crate::rng::Rng;
use crate::writer::WriteSummary;
use crate::{GroundTruthRequest, SynthError};

/// Summary of a written trace.
#[derive(Debug, Clone)]
pub struct SynthSummary {
    /// File statistics.
    pub written: WriteSummary,
    /// Allocations generated, including those whose event is lost.
    pub allocations: u64,
    /// Ground truth, if requested.
    pub truth: Option<GroundTruth>,
}

/// Result of the engine.
struct EngineResult {
    written: WriteSummary,
    log: Option<EventLog>,
    growth: Vec<RundownGrowth>,
    handles: Option<HandleLeakTruth>,
    lockstep: Vec<LockstepTagTruth>,
    end_ticks: i64,
}

/// Writes a trace with random entities to the beginning of `out`. With a ground-truth request every event is kept in memory
/// (about 60 bytes per event and per stack record); without one, only live blocks.
///
/// # Errors
/// Invalid parameters, a full 32-bit address space, or an output that fails.
pub fn write_trace<W: Write + Seek>(
    mut out: W,
    params: &SynthParams,
    truth: Option<&GroundTruthRequest>,
) -> Result<SynthSummary, SynthError> {
    params.check()?;
    let resolved = target::resolve(params)?;
    let mut rng = Rng::new(resolved.seed);
    let mut entities = draw::draw_entities(&resolved, &mut rng);
    if resolved.relocation > 0 {
        entities.relocate(resolved.relocation);
    }
    run_scenario(&mut out, &resolved, entities, rng, truth)
}

/// The random entities of a trace, to be changed and written with [`write_entities`].
///
/// # Errors
/// Invalid parameters.
pub fn draw_entities(params: &SynthParams) -> Result<Entities, SynthError> {
    params.check()?;
    Ok(draw::draw_entities(params, &mut Rng::new(params.seed)))
}

/// Writes a trace with the given entities instead of random ones.
///
/// # Errors
/// As [`write_trace`].
pub fn write_entities<W: Write + Seek>(
    mut out: W,
    params: &SynthParams,
    entities: Entities,
    truth: Option<&GroundTruthRequest>,
) -> Result<SynthSummary, SynthError> {
    params.check()?;
    run_scenario(&mut out, params, entities, Rng::new(params.seed), truth)
}

fn run_scenario(
    out: &mut dyn Output,
    params: &SynthParams,
    entities: Entities,
    rng: Rng,
    request: Option<&GroundTruthRequest>,
) -> Result<SynthSummary, SynthError> {
    let (images, processes) = (entities.images.len() as u64, entities.processes.len() as u64);
    let log = request.map(|_| EventLog::default());
    let played = Engine::new(out, params, entities, rng, log)?.run()?;
    let options = params.options();
    let truth = request.zip(played.log).map(|(request, log)| GroundTruth {
        seed: params.seed,
        images,
        processes,
        rundown_growth: played.growth,
        handles: played.handles,
        lockstep: played.lockstep,
        ..compute_ground_truth(GroundTruthInput {
            log,
            options: &options,
            written: &played.written,
            end_ticks: played.end_ticks,
            request,
        })
    });
    Ok(SynthSummary { written: played.written, allocations: params.allocations, truth })
}
