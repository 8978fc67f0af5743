//! CPU samples with stacks of their own, as a recording of `GeneralProfile` together with `Pool` has them: most of its
//! records, and nearly all of its stacks, belong to no pool event.

use super::engine::Engine;
use super::entities::{Entities, SampledPath, StackId, StackPath};
use super::{SynthParams, draw};
use crate::SynthError;
use crate::rng::Rng;

/// Shares of the samples in kernel mode that have a user stack, and of those in user mode, without a kernel stack.
const WITH_USER: f64 = 0.75;
const USER_MODE: f64 = 0.2;
/// Frames of a sampled user stack in functions of the program.
const USER_FRAMES: (u64, u64) = (3, 14);

/// Draws the stacks of CPU samples.
pub(super) fn add_samples(entities: &mut Entities, params: &SynthParams, functions: &[Vec<u64>], rng: &mut Rng) {
    if params.sample_share <= 0.0 {
        return;
    }
    let threads: Vec<usize> = (0..entities.threads.len())
        .filter(|thread| entities.processes[entities.threads[*thread].process].starts_at <= 0.0)
        .collect();
    for _ in 0..params.sample_stacks {
        let thread = threads[rng.index(threads.len())];
        let process = entities.threads[thread].process;
        let kernel = entities.stacks.len() as StackId;
        entities.stacks.push(draw::sampled_kernel_stack(params.max_depth as usize, functions, rng));
        let mut user = None;
        if process > 0 && rng.chance(WITH_USER) {
            let frames = |rng: &mut Rng| rng.between(USER_FRAMES.0, USER_FRAMES.1);
            user = Some(entities.stacks.len() as StackId);
            let stack = draw::user_stack(entities, process, frames, functions, rng);
            entities.stacks.push(stack);
        }
        entities.samples.push(SampledPath { thread, path: StackPath { kernel, user } });
    }
}

impl Engine<'_> {
    /// Writes CPU samples at the rate of the parameters.
    pub fn write_samples(&mut self) -> Result<(), SynthError> {
        let share = self.params.sample_share;
        if share <= 0.0 || self.entities.samples.is_empty() {
            return Ok(());
        }
        let whole = share as u64;
        let count = whole + u64::from(self.rng.chance(share - whole as f64));
        for _ in 0..count {
            let sampled = self.entities.samples[self.rng.index(self.entities.samples.len())];
            self.write_sample(sampled)?;
        }
        Ok(())
    }

    fn write_sample(&mut self, SampledPath { thread, path }: SampledPath) -> Result<(), SynthError> {
        let (_, cpu) = self.tick_of(thread);
        self.now += i64::from(!self.params.shared_ticks);
        self.claim_tick();
        self.threads[thread].last = self.now;
        let owner = self.owner(thread);
        let is_user_mode = path.user.is_some() && self.rng.chance(USER_MODE);
        let innermost = if is_user_mode { path.user.unwrap_or(path.kernel) } else { path.kernel };
        let address = self.entities.stacks[innermost as usize].first().copied().unwrap_or_default();
        let buffer = self.put_sample(cpu, owner, address)?;
        self.plan_other_stacks(owner, cpu, buffer, (!is_user_mode).then_some(path.kernel), path.user);
        Ok(())
    }
}
