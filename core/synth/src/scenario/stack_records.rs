//! Stack records: kernel and user stacks of events, their delay, inline or by reference to the stack cache.

use super::engine::Engine;
use super::entities::StackId;
use super::{HeaderStyle, StackMode};
use crate::SynthError;
use crate::ground_truth::{LoggedOtherEvent, LoggedStack, StackContent};
use crate::writer::{KernelHeaderForm, stack};

/// A stack record that is scheduled.
#[derive(Debug, Clone, Copy)]
pub(super) struct PendingStack {
    pub event_ticks: i64,
    pub owner: (u32, u32),
    pub cpu: u16,
    pub is_user: bool,
    pub stack: StackId,
}

impl Engine<'_> {
    /// Schedules the kernel and user stack records of the event that `thread` has just logged.
    pub fn schedule_event_stacks(&mut self, tag: usize, free: bool, thread: usize, cpu: u16) {
        if self.params.stacks == StackMode::None {
            return;
        }
        let of_tag = &self.entities.tags[tag];
        let paths = if free { &of_tag.free_stacks } else { &of_tag.alloc_stacks };
        let own = &self.entities.processes[self.entities.threads[thread].process].user_stacks;
        // The minimum of two draws makes the first stacks the most frequent.
        let (a, b) = (self.rng.index(paths.len()), self.rng.index(paths.len()));
        let Some(path) = paths.get(a.min(b)).copied() else {
            return;
        };
        let drawn = own.get(self.rng.index(own.len())).copied();
        let user = path.user.or(drawn).filter(|_| self.rng.chance(self.params.user_stack_share));
        self.plan_kernel_and_user(path.kernel, user, thread, cpu);
    }

    fn plan_kernel_and_user(&mut self, kernel: StackId, user: Option<StackId>, thread: usize, cpu: u16) {
        let (event_ticks, owner) = (self.now, self.owner(thread));
        let pending = |stack, user, cpu| PendingStack { event_ticks, owner, cpu, is_user: user, stack };
        if self.params.stacks == StackMode::Mixed
            && let Some(user) = user
            && self.rng.chance(0.02)
        {
            let whole = self.combine(kernel, user);
            self.schedule_stack(event_ticks + self.micros(5), pending(whole, false, cpu));
            return;
        }
        let delay = self.rng.between(2, 9);
        self.schedule_stack(event_ticks + self.micros(delay), pending(kernel, false, cpu));
        if let Some(user) = user {
            let long = self.rng.chance(0.01);
            let delay = if long { self.rng.between(100, 405_000) } else { self.rng.between(10, 30) };
            let elsewhere = self.params.headers != HeaderStyle::PerfInfo && self.rng.chance(0.045);
            let cpu = if elsewhere { self.rng.index(usize::from(self.params.cpus)) as u16 } else { cpu };
            self.schedule_stack(event_ticks + self.micros(delay), pending(user, true, cpu));
        }
    }

    /// Schedules stacks for an event other than a pool event.
    pub fn plan_other_stacks(
        &mut self,
        owner: (u32, u32),
        cpu: u16,
        buffer: u64,
        kernel: Option<StackId>,
        user: Option<StackId>,
    ) {
        if self.params.stacks == StackMode::None {
            return;
        }
        let event_ticks = self.now;
        if let Some(log) = &mut self.log {
            log.add_other_event(LoggedOtherEvent { ticks: event_ticks, tid: owner.1, buffer });
        }
        for (stack, is_user, delay) in [(kernel, false, 4), (user, true, 9)] {
            if let Some(stack) = stack {
                let at = event_ticks + self.micros(delay);
                self.schedule_stack(at, PendingStack { event_ticks, owner, cpu, is_user, stack });
            }
        }
    }

    /// The stack that consists of `kernel` and `user` frames.
    fn combine(&mut self, kernel: StackId, user: StackId) -> StackId {
        if let Some(known) = self.combined.get(&(kernel, user)) {
            return *known;
        }
        let frames =
            [self.entities.stacks[kernel as usize].as_slice(), self.entities.stacks[user as usize].as_slice()].concat();
        let id = self.entities.stacks.len() as StackId;
        self.entities.stacks.push(frames);
        self.combined.insert((kernel, user), id);
        id
    }

    /// Writes a stack record, and the definition of the stack that it evicts from the cache.
    pub fn write_stack(&mut self, pending: &PendingStack) -> Result<(), SynthError> {
        let cached = match self.params.stacks {
            StackMode::None | StackMode::Inline => false,
            StackMode::Keyed => true,
            StackMode::Mixed => pending.stack % 2 == 1,
        };
        let long_enough = self.entities.stacks[pending.stack as usize].len() >= stack::MIN_CACHED_FRAMES;
        let what = if cached && long_enough { self.write_reference(pending)? } else { self.write_inline(pending)? };
        let ticks = self.now;
        if let Some(log) = &mut self.log {
            let frames = log.intern_frames(&self.entities.stacks[pending.stack as usize]);
            let what = (what.0, what.1.map_or(StackContent::Inline(frames), StackContent::Key));
            log.add_stack(LoggedStack {
                event_ticks: pending.event_ticks,
                tid: pending.owner.1,
                ticks,
                is_user: pending.is_user,
                content: what.1,
                frames,
                buffer: what.0,
            });
        }
        Ok(())
    }

    fn write_inline(&mut self, pending: &PendingStack) -> Result<(u64, Option<u64>), SynthError> {
        self.scratch.clear();
        let frames = &self.entities.stacks[pending.stack as usize];
        stack::inline(&mut self.scratch, self.params.width, pending.event_ticks, pending.owner, frames);
        let buffer =
            self.write_kernel_event(pending.cpu, stack::HOOK_INLINE, 2, KernelHeaderForm::PerfInfo, pending.owner)?;
        Ok((buffer, None))
    }

    fn write_reference(&mut self, pending: &PendingStack) -> Result<(u64, Option<u64>), SynthError> {
        let entry = self.caches[usize::from(pending.is_user)].insert(pending.stack);
        if let Some(evicted) = entry.evicted {
            self.write_definition(pending.cpu, stack::HOOK_KEY_DELETE, entry.key, evicted)?;
            // The key is reused only after the definition of its previous stack.
            self.now += 1;
        }
        self.scratch.clear();
        stack::reference(&mut self.scratch, self.params.width, pending.event_ticks, pending.owner, entry.key);
        let hook = if pending.is_user { stack::HOOK_USER_KEY } else { stack::HOOK_KERNEL_KEY };
        let buffer = self.write_kernel_event(pending.cpu, hook, 2, KernelHeaderForm::PerfInfo, pending.owner)?;
        Ok((buffer, Some(entry.key)))
    }

    /// Writes the definition of a key, or drops it with the probability of the parameters.
    pub fn write_definition(&mut self, cpu: u16, hook: u16, key: u64, stack: StackId) -> Result<(), SynthError> {
        if self.params.definition_loss > 0.0 && self.rng.chance(self.params.definition_loss) {
            self.writer.count_lost_events(1);
            return self.writer.flag_events_lost(cpu);
        }
        self.scratch.clear();
        stack::definition(&mut self.scratch, self.params.width, key, &self.entities.stacks[stack as usize]);
        let buffer = self.write_kernel_event(cpu, hook, 2, KernelHeaderForm::PerfInfo, (u32::MAX, u32::MAX))?;
        let ticks = self.now;
        if let Some(log) = &mut self.log {
            log.add_definition(key, ticks, buffer);
        }
        Ok(())
    }
}
