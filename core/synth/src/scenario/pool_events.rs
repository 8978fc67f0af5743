//! Allocations and frees: blocks, their lifetimes, and their events, unless lost.

use super::addresses::BIG_LIMIT;
use super::engine::{Engine, LiveBlock};
use super::entities::AllocationPattern;
use crate::SynthError;
use crate::ground_truth::LoggedPoolEvent;
use crate::writer::pool;

/// PoolType bit that the kernel sets for blocks of more than a page.
const BIG_POOL_BIT: u32 = 0x1000_0000;
/// PoolType bits in which a free may differ from its allocation: quota, NX.
const LOOSE_BITS: [u32; 2] = [0x8, 0x200];

impl Engine<'_> {
    /// Allocates the blocks that exist before the trace; half of them are freed during it.
    pub fn allocate_preexisting(&mut self) -> Result<(), SynthError> {
        for _ in 0..self.params.preexisting {
            let tag = self.draw_tag();
            if !self.entities.tags[tag].preexisting {
                continue;
            }
            let thread = self.draw_thread(tag);
            let live = self.new_block(tag, thread)?;
            self.update_counters(&live, false);
            if self.rng.chance(0.5) {
                let life = self.rng.below((self.end - self.start).unsigned_abs()) as i64;
                self.schedule_free(self.start + life, live);
            }
        }
        Ok(())
    }

    /// Makes an allocation and schedules its free.
    pub fn allocate(&mut self) -> Result<(), SynthError> {
        let tag = self.draw_tag();
        let thread = self.draw_thread(tag);
        let mut live = self.new_block(tag, thread)?;
        live.allocated = self.pool_event(&live, false, thread)?;
        self.update_counters(&live, false);
        let ticks = self.ticks_per_second as f64;
        let mean_s = match self.entities.tags[tag].pattern {
            AllocationPattern::Plateau { level } => {
                self.tags[tag].held.push_back(live);
                if self.tags[tag].held.len() > level
                    && let Some(oldest) = self.tags[tag].held.pop_front()
                {
                    self.schedule_free(self.now + self.micros(3), oldest);
                }
                return Ok(());
            }
            AllocationPattern::Leak { leaked_share: kept, .. } if self.rng.chance(kept) => return Ok(()),
            AllocationPattern::Leak { mean_s, .. } | AllocationPattern::Transient { mean_s } => mean_s,
        };
        let life = self.rng.lifetime((mean_s * ticks) as u64);
        self.schedule_free(self.now.saturating_add(i64::try_from(life).unwrap_or(i64::MAX)), live);
        Ok(())
    }

    /// Frees a block.
    pub fn free(&mut self, live: LiveBlock) -> Result<(), SynthError> {
        let tag = live.tag as usize;
        let thread = self.draw_thread(tag);
        self.now = self.now.max(live.allocated + 1);
        let freed = self.pool_event(&live, true, thread)?;
        self.update_counters(&live, true);
        self.space.release(self.entities.tags[tag].pool, live.session, live.size, live.address, freed);
        Ok(())
    }

    pub fn draw_thread(&mut self, tag: usize) -> usize {
        let threads = &self.entities.tags[tag].threads;
        threads[self.rng.index(threads.len())]
    }

    /// A block at a free address; advances the time beyond the free of that address.
    pub fn new_block(&mut self, tag: usize, thread: usize) -> Result<LiveBlock, SynthError> {
        let of_tag = &self.entities.tags[tag];
        let size = of_tag.sizes[self.rng.index(of_tag.sizes.len())];
        let pool = of_tag.pool;
        let session = pool.session.then(|| self.entities.processes[self.entities.threads[thread].process].session);
        let (address, free_since) = self.space.allocate(pool, session, size)?;
        self.now = self.now.max(free_since.saturating_add(1));
        let big = if size > BIG_LIMIT { BIG_POOL_BIT } else { 0 };
        let pool_type = pool.pool_type | big;
        Ok(LiveBlock { tag: tag as u32, pool_type, size, address, session, allocated: i64::MIN })
    }

    /// Updates the kernel's counters, which include lost events.
    pub fn update_counters(&mut self, live: &LiveBlock, free: bool) {
        let slot = live.session.map_or(0, |session| session as usize + 1);
        let counters = &mut self.tags[live.tag as usize].counters;
        if slot >= counters.len() {
            counters.resize_with(slot + 1, Default::default);
        }
        let counter = &mut counters[slot];
        if free {
            counter.frees += 1;
            counter.bytes -= live.size;
        } else {
            counter.allocs += 1;
            counter.bytes += live.size;
        }
        if live.size > BIG_LIMIT {
            let key = (live.session, live.address);
            if free {
                self.big.remove(&key)
            } else {
                self.big.insert(key, *live)
            };
        }
    }

    /// Writes the event, or drops it as lost, and schedules its stack; returns its time.
    pub fn pool_event(&mut self, live: &LiveBlock, free: bool, thread: usize) -> Result<i64, SynthError> {
        let (ticks, cpu) = self.tick_of(thread);
        let tag = live.tag as usize;
        let lost = self.params.loss_share > 0.0 && self.rng.chance(self.params.loss_share);
        if lost {
            self.writer.count_lost_events(1);
            self.writer.flag_events_lost(cpu)?;
        } else {
            self.write_block(live, free, thread, cpu)?;
        }
        // The stack of a lost event may still be logged: an orphan.
        let with_stack = !lost || self.rng.chance(0.5);
        if with_stack && (!free || self.params.free_stacks) {
            self.schedule_event_stacks(tag, free, thread, cpu);
        }
        Ok(ticks)
    }

    fn write_block(&mut self, live: &LiveBlock, free: bool, thread: usize, cpu: u16) -> Result<(), SynthError> {
        let tag = self.entities.tags[live.tag as usize].tag;
        let mut pool_type = live.pool_type;
        if free && self.rng.chance(0.05) {
            pool_type ^= LOOSE_BITS[self.rng.index(LOOSE_BITS.len())];
        }
        let block = pool::PoolBlock { pool_type, tag, size: live.size, address: live.address, session: live.session };
        let hook = match (free, live.session.is_some()) {
            (false, false) => pool::HOOK_ALLOC,
            (false, true) => pool::HOOK_ALLOC_SESSION,
            (true, false) => pool::HOOK_FREE,
            (true, true) => pool::HOOK_FREE_SESSION,
        };
        self.scratch.clear();
        pool::block(&mut self.scratch, self.params.width, &block);
        let owner = self.owner(thread);
        let form = self.pool_form();
        let buffer = self.write_kernel_event(cpu, hook, 2, form, owner)?;
        let ticks = self.now;
        if let Some(log) = &mut self.log {
            log.add_event(LoggedPoolEvent {
                ticks,
                is_free: free,
                address: live.address,
                session: live.session,
                size: live.size,
                tag,
                pool_type,
                tid: owner.1,
                buffer,
            });
        }
        Ok(())
    }

    /// Process and thread of a thread index.
    pub fn owner(&self, thread: usize) -> (u32, u32) {
        let of = self.entities.threads[thread];
        (self.entities.processes[of.process].pid, of.tid)
    }
}
