//! Decoding of stack records: stacks of pool events of the same buffer are attached to these, all others wait until more events are
//! known.

use super::super::buffer_events::MatchedEvent;
use super::super::buffer_span::ticks_from_zero;
use super::super::interner::NO_ID;
use super::super::stack_part::{
    FrameRange, INLINE, KEY_PART, KeyPart, PendingContent, PendingStack, StackKeyDefinition, StackSide,
};
use super::Decoder;
use crate::trace::time::Ticks;
use poolscope_etl::event::EventKind;
use poolscope_etl::event::stack::{
    Frames, InlineStackEvent, StackKeyDefinitionEvent, StackKeyReferenceEvent, is_kernel_address,
};
use poolscope_etl::record::Record;

impl Decoder<'_> {
    /// Decodes a stack record and attaches it to its pool event if that is in the same buffer. Stacks of other events are
    /// counted; stacks without a known event are kept until all pool events of their time are known.
    #[inline(always)]
    pub(super) fn decode_stack_record(
        &mut self,
        record: &Record<'_>,
        mut record_time: Ticks,
        kind: EventKind,
    ) -> Option<()> {
        let pointer_size = record.pointer_size;
        let mut frames = None;
        let (target, key, is_kernel) = if kind == EventKind::StackInline {
            let inline = InlineStackEvent::decode(record.payload, pointer_size)?;
            frames = Some(inline.frames);
            let is_kernel = inline.frames.first().is_some_and(|frame| is_kernel_address(frame, pointer_size));
            (inline.target, None, is_kernel)
        } else {
            let StackKeyReferenceEvent { target, key } = StackKeyReferenceEvent::decode(record.payload, pointer_size)?;
            // The records of a processor are in order: a definition that it logged before the reference, in the same tick,
            // belongs to an earlier use of the key.
            if self.worker.tick_keys.contains(record_time, key) {
                record_time.0 += 1;
            }
            (target, Some(key), kind == EventKind::StackKeyKernel)
        };
        let event_time = ticks_from_zero(target.event_time, self.time_zero);
        let side = StackSide::of(is_kernel);
        let worker = &mut *self.worker;
        match worker.buffer_events.find(event_time, target.thread, side, worker.events.stacks()) {
            MatchedEvent::Other => worker.totals.unmatched_stacks += 1,
            MatchedEvent::Unknown => {
                let content = match (key, frames) {
                    (Some(key), _) => PendingContent::Key(key),
                    (None, frames) => PendingContent::Frames(self.keep_frames(frames)),
                };
                self.decoded.earliest_stack = self.decoded.earliest_stack.min(record_time);
                self.decoded.pending.push(PendingStack {
                    event_time,
                    record_time,
                    thread: target.thread,
                    pid: target.process,
                    content,
                    is_kernel,
                });
            }
            MatchedEvent::Pool(slot) => {
                let part = frames.map(|frames| {
                    let number = if let Some(frames) = frames.wide() {
                        worker.frame_cache.intern(self.frame_lists, frames)
                    } else {
                        worker.frames.clear();
                        frames.append_to(&mut worker.frames);
                        worker.frame_cache.intern(self.frame_lists, &worker.frames)
                    };
                    INLINE | number
                });
                let side = self.attach_stack(slot, side, part, record_time.0.saturating_sub(event_time.0));
                if let (Some(key), Some(side)) = (key, side) {
                    self.decoded.parts.push(KeyPart { key, time: record_time, event: slot, is_kernel, side });
                }
                // An event whose header has no thread gets it from the record.
                let raw = self.worker.raw_attributes.get_mut(slot as usize);
                if let Some(raw) = raw.filter(|raw| raw.thread == NO_ID) {
                    (raw.thread, raw.pid) = (target.thread, target.process);
                }
            }
        }
        Some(())
    }

    /// Attaches a stack record to a pool event of the buffer: the number of its frames, or `None` for a key. Returns the side of the
    /// event's stack that it takes, if one is free.
    #[inline(always)]
    fn attach_stack(&mut self, slot: u32, side: StackSide, part: Option<u32>, delay: i64) -> Option<StackSide> {
        self.worker.totals.matched_stacks += 1;
        let stack = self.worker.events.stacks().get_mut(slot as usize)?;
        // Two inline records of one side are rare. The second one takes the other side if that is not taken.
        let side = if stack.has(side) { side.other() } else { side };
        if stack.has(side) {
            return None;
        }
        stack.parts[side as usize] = part.unwrap_or(KEY_PART);
        stack.delays = stack.delays.with(side as usize, delay);
        Some(side)
    }

    /// Decodes the definition of a stack key; `false` if its payload is invalid.
    #[inline(always)]
    pub(super) fn decode_definition(&mut self, record: &Record<'_>, time: Ticks) -> bool {
        self.worker.totals.stack_definitions += 1;
        if !self.with_stacks {
            return true;
        }
        let Some(definition) = StackKeyDefinitionEvent::decode(record.payload, record.pointer_size) else {
            // Which references it would have ended is not known.
            self.worker.totals.losses.push((time, time));
            return false;
        };
        let StackKeyDefinitionEvent { key, frames } = definition;
        self.worker.tick_keys.insert(time, key);
        let is_kernel = frames.first().is_some_and(|frame| is_kernel_address(frame, record.pointer_size));
        let frames = self.keep_frames(Some(frames));
        self.decoded.earliest_stack = self.decoded.earliest_stack.min(time);
        self.decoded.definitions.push(StackKeyDefinition { time, key, is_kernel, frames });
        true
    }

    /// Copies frames that may be needed later, when the bytes of the buffer are gone.
    #[inline]
    fn keep_frames(&mut self, frames: Option<Frames<'_>>) -> FrameRange {
        let copied = &mut self.decoded.frames;
        let start = copied.len();
        frames.iter().for_each(|frames| frames.append_to(copied));
        FrameRange { start: start as u32, count: (copied.len() - start) as u32 }
    }
}
