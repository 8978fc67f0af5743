//! Stack halves: which frames go with an event, when their record comes, whole or by key.

use super::cast::StackId;
use super::engine::Engine;
use super::{HeaderStyle, StackMode};
use crate::SynthError;
use crate::truth::{PlantedOther, StackHalf, StackWhat};
use crate::writer::{KernelForm, stack};

/// A stack record to come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Half {
    pub event_ticks: i64,
    pub owner: (u32, u32),
    pub cpu: u16,
    pub user: bool,
    pub stack: StackId,
}

impl Engine<'_> {
    /// Plans both halves of the stack of the event that `thread` has just logged.
    pub fn plan_stack(&mut self, tag: usize, free: bool, thread: usize, cpu: u16) {
        if self.params.stacks == StackMode::None {
            return;
        }
        let of_tag = &self.cast.tags[tag];
        let paths = if free { &of_tag.free_stacks } else { &of_tag.alloc_stacks };
        let own = &self.cast.processes[self.cast.threads[thread].process].user_stacks;
        // The lesser of two draws makes the first stacks the hottest.
        let (a, b) = (self.rng.index(paths.len()), self.rng.index(paths.len()));
        let Some(path) = paths.get(a.min(b)).copied() else {
            return;
        };
        let drawn = own.get(self.rng.index(own.len())).copied();
        let user = path.user.or(drawn).filter(|_| self.rng.chance(self.params.user_halves));
        self.plan_halves(path.kernel, user, thread, cpu);
    }

    fn plan_halves(&mut self, kernel: StackId, user: Option<StackId>, thread: usize, cpu: u16) {
        let (event_ticks, owner) = (self.now, self.owner(thread));
        let half = |stack, user, cpu| Half { event_ticks, owner, cpu, user, stack };
        if self.params.stacks == StackMode::Mixed
            && let Some(user) = user
            && self.rng.chance(0.02)
        {
            let whole = self.combine(kernel, user);
            self.plan_half(event_ticks + self.micros(5), half(whole, false, cpu));
            return;
        }
        let delay = self.rng.between(2, 9);
        self.plan_half(event_ticks + self.micros(delay), half(kernel, false, cpu));
        if let Some(user) = user {
            let long = self.rng.chance(0.01);
            let delay = if long { self.rng.between(100, 405_000) } else { self.rng.between(10, 30) };
            let elsewhere = self.params.headers != HeaderStyle::PerfInfo && self.rng.chance(0.045);
            let cpu = if elsewhere { self.rng.index(usize::from(self.params.cpus)) as u16 } else { cpu };
            self.plan_half(event_ticks + self.micros(delay), half(user, true, cpu));
        }
    }

    /// Plans a kernel stack for an event other than pool's.
    pub fn plan_other_stack(&mut self, owner: (u32, u32), cpu: u16, buffer: u64, stack: StackId) {
        let event_ticks = self.now;
        if let Some(log) = &mut self.log {
            log.other(PlantedOther { ticks: event_ticks, tid: owner.1, buffer });
        }
        let at = event_ticks + self.micros(4);
        self.plan_half(at, Half { event_ticks, owner, cpu, user: false, stack });
    }

    /// The stack that is `kernel` and then `user` in one.
    fn combine(&mut self, kernel: StackId, user: StackId) -> StackId {
        if let Some(known) = self.combined.get(&(kernel, user)) {
            return *known;
        }
        let frames =
            [self.cast.stacks[kernel as usize].as_slice(), self.cast.stacks[user as usize].as_slice()].concat();
        let id = self.cast.stacks.len() as StackId;
        self.cast.stacks.push(frames);
        self.combined.insert((kernel, user), id);
        id
    }

    /// Writes a stack record now, and the definition that makes room for its key.
    pub fn write_half(&mut self, half: &Half) -> Result<(), SynthError> {
        let cached = match self.params.stacks {
            StackMode::None | StackMode::Inline => false,
            StackMode::Keyed => true,
            StackMode::Mixed => half.stack % 2 == 1,
        };
        let long_enough = self.cast.stacks[half.stack as usize].len() >= stack::MIN_CACHED_FRAMES;
        let what = if cached && long_enough { self.write_reference(half)? } else { self.write_inline(half)? };
        let ticks = self.now;
        if let Some(log) = &mut self.log {
            let planted = log.frames(&self.cast.stacks[half.stack as usize]);
            let what = (what.0, what.1.map_or(StackWhat::Inline(planted), StackWhat::Key));
            log.half(StackHalf {
                event_ticks: half.event_ticks,
                tid: half.owner.1,
                ticks,
                user: half.user,
                what: what.1,
                planted,
                buffer: what.0,
            });
        }
        Ok(())
    }

    fn write_inline(&mut self, half: &Half) -> Result<(u64, Option<u64>), SynthError> {
        self.scratch.clear();
        let frames = &self.cast.stacks[half.stack as usize];
        stack::inline(&mut self.scratch, self.params.width, half.event_ticks, half.owner, frames);
        let buffer = self.kernel(half.cpu, stack::HOOK_INLINE, 2, KernelForm::PerfInfo, half.owner)?;
        Ok((buffer, None))
    }

    fn write_reference(&mut self, half: &Half) -> Result<(u64, Option<u64>), SynthError> {
        let entry = self.caches[usize::from(half.user)].enter(half.stack);
        if let Some(evicted) = entry.evicted {
            self.write_definition(half.cpu, stack::HOOK_KEY_DELETE, entry.key, evicted)?;
            // The key's next life begins after the definition of its last.
            self.now += 1;
        }
        self.scratch.clear();
        stack::reference(&mut self.scratch, self.params.width, half.event_ticks, half.owner, entry.key);
        let hook = if half.user { stack::HOOK_USER_KEY } else { stack::HOOK_KERNEL_KEY };
        let buffer = self.kernel(half.cpu, hook, 2, KernelForm::PerfInfo, half.owner)?;
        Ok((buffer, Some(entry.key)))
    }

    /// Writes the definition of a key now, or loses it as the system loses any event.
    pub fn write_definition(&mut self, cpu: u16, hook: u16, key: u64, stack: StackId) -> Result<(), SynthError> {
        if self.params.definition_loss > 0.0 && self.rng.chance(self.params.definition_loss) {
            self.writer.count_lost_events(1);
            return self.writer.flag_events_lost(cpu);
        }
        self.scratch.clear();
        stack::definition(&mut self.scratch, self.params.width, key, &self.cast.stacks[stack as usize]);
        let buffer = self.kernel(cpu, hook, 2, KernelForm::PerfInfo, (u32::MAX, u32::MAX))?;
        let ticks = self.now;
        if let Some(log) = &mut self.log {
            log.definition(key, ticks, buffer);
        }
        Ok(())
    }
}
