//! Decoding of a range of buffers into a [`Shard`]. This is the hot loop of a load: a pool event costs a few pushes, a record
//! of an unknown kind one count. Damage is counted and ends at most the buffer that it is in.

use super::buffer_span::{BufferSpan, PlausibleTimes, following_times};
use super::match_stacks::{BufferEvents, EventSlot, MatchedEvent, attach_stack};
use super::record_source::Batch;
use super::resolve_stacks::FrameLists;
use super::shard::{
    NO_ID, PendingStack, RawAttributes, Shard, StackKeyDefinition, StackPart, StackPartRef, SystemRecord,
};
use super::{LoadError, LoadOptions, StackScope};
use crate::trace::attributes::EventAttributes;
use crate::trace::time::Ticks;
use poolscope_base::guid::Guid;
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_etl::buffer::{HEADER_BYTES, TYPE_HEADER};
use poolscope_etl::diagnostics::DiagnosticKind;
use poolscope_etl::event::pool::PoolEvent;
use poolscope_etl::event::stack::{
    InlineStackEvent, StackKeyDefinitionEvent, StackKeyReferenceEvent, is_kernel_address,
};
use poolscope_etl::event::{EventKind, SystemEvent, is_event_trace_group, is_kernel_group};
use poolscope_etl::file::{BodyScratch, BufferRef, RecordClock, TraceFile};
use poolscope_etl::record::{self, Record, RecordKey, Records};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Hook ids below this are counted in an array.
const DENSE_HOOKS: usize = 0x2000;

/// A worker thread's memory, reused for each range of buffers.
#[derive(Default)]
pub struct DecodeWorker {
    scratch: BodyScratch,
    buffer_events: BufferEvents,
    hooks: Vec<u64>,
    frames: Vec<u64>,
}

impl DecodeWorker {
    /// Decodes a range of buffers.
    pub fn decode(
        &mut self,
        file: &TraceFile,
        frame_lists: &FrameLists,
        buffers: &[BufferRef],
        options: LoadOptions,
        progress: &Progress,
        cancel: &CancelToken,
    ) -> Result<Shard, LoadError> {
        let (mut decoder, scratch) =
            self.begin(frame_lists, file.clock.time_zero, options, expected_pool_events(buffers));
        decoder.plausible = Some(plausible_times(&file.clock));
        for buffer in buffers {
            cancel.check()?;
            let body = file.body(buffer, scratch)?;
            body.count_damage(buffer, &mut decoder.shard.diagnostics);
            let before = decoder.shard.statistics.records;
            decoder.decode_buffer(buffer, body.bytes);
            progress.advance(u64::from(buffer.present_bytes), decoder.shard.statistics.records - before);
        }
        Ok(decoder.finish())
    }

    /// Decodes records that another reader handed out.
    pub fn decode_batch(
        &mut self,
        batch: &Batch,
        frame_lists: &FrameLists,
        time_zero: i64,
        options: LoadOptions,
    ) -> Shard {
        let (mut decoder, _) = self.begin(frame_lists, time_zero, options, batch.pool_events());
        decoder.decode_batch(batch);
        decoder.finish()
    }

    /// A decoder with memory for an expected number of pool events, and the memory for decompression.
    fn begin<'w>(
        &'w mut self,
        frame_lists: &'w FrameLists,
        time_zero: i64,
        options: LoadOptions,
        events: usize,
    ) -> (Decoder<'w>, &'w mut BodyScratch) {
        let Self { scratch, buffer_events, hooks, frames } = self;
        hooks.clear();
        hooks.resize(DENSE_HOOKS, 0);
        let mut shard = Shard::default();
        let with_parts = options.stacks != StackScope::None;
        shard.allocs.reserve(events, with_parts);
        shard.frees.reserve(events, with_parts);
        shard.directions.reserve_exact(events);
        let (providers, stacks) = (FxHashMap::default(), options.stacks);
        let (cpu, offset, first_definition) = (EventAttributes::NO_CPU, RecordOffset::Unknown, 0);
        let (plausible, span, by_cpu) = (None, BufferSpan::default(), BTreeMap::new());
        let decoder = Decoder {
            shard,
            frame_lists,
            buffer_events,
            hooks,
            frames,
            providers,
            time_zero,
            plausible,
            stacks,
            cpu,
            offset,
            span,
            by_cpu,
            first_definition,
        };
        (decoder, scratch)
    }
}

/// Bytes of a pool event with its header, on a 64-bit system.
const POOL_EVENT_BYTES: usize = 56;

/// Number of pool events to reserve memory for: as many as fit into the buffers.
fn expected_pool_events(buffers: &[BufferRef]) -> usize {
    buffers.iter().map(|buffer| buffer.expected_body_bytes() / POOL_EVENT_BYTES).sum()
}

/// Position in the file of the records that are decoded.
#[derive(Clone, Copy)]
enum RecordOffset {
    /// In the buffer at this offset.
    Buffer { offset: u64, is_plain: bool, is_header: bool },
    /// Not known: the records come from another reader.
    Unknown,
}

/// The state of decoding one range of buffers.
struct Decoder<'w> {
    shard: Shard,
    frame_lists: &'w FrameLists,
    /// Events of the current buffer, which stack records are matched with.
    buffer_events: &'w mut BufferEvents,
    /// Numbers of records by hook id.
    hooks: &'w mut Vec<u64>,
    /// Frames of the current stack record.
    frames: &'w mut Vec<u64>,
    /// Numbers of records by provider.
    providers: FxHashMap<Guid, u64>,
    /// Raw timestamp of time zero.
    time_zero: i64,
    /// Plausible times; `None` for records of another reader.
    plausible: Option<PlausibleTimes>,
    stacks: StackScope,
    /// Processor of the current record.
    cpu: u16,
    /// Position of the current buffer.
    offset: RecordOffset,
    /// Kernel records of the current buffer.
    span: BufferSpan,
    /// Kernel records of the current batch by CPU.
    by_cpu: BTreeMap<u16, BufferSpan>,
    /// Number of stack key definitions before the current buffer.
    first_definition: usize,
}

impl Decoder<'_> {
    /// Decodes a buffer; `body` are its decompressed records.
    fn decode_buffer(&mut self, buffer: &BufferRef, body: &[u8]) {
        let header = &buffer.header;
        self.cpu = header.cpu;
        let is_header = header.kind == TYPE_HEADER;
        self.offset = RecordOffset::Buffer { offset: buffer.offset, is_plain: !header.is_compressed(), is_header };
        self.span = BufferSpan {
            offset: buffer.offset,
            is_header,
            cpu: header.cpu,
            flags: header.flags,
            sequence: header.sequence,
            size_bytes: header.size_bytes,
            stored_bytes: buffer.present_bytes,
            ..BufferSpan::default()
        };
        self.begin_buffer();
        let mut order = TimeOrder::default();
        let mut start = 0;
        let mut read = body.len();
        while let Some(part) = body.get(start..) {
            let mut records = Records::new(part);
            while let Some(record) = records.next() {
                self.decode_timed_record(&record, &records, &mut order);
            }
            let Some((at, _)) = records.damage() else { break };
            let at = start + at;
            let zeros = body.get(at..).unwrap_or_default().iter().take_while(|&&b| b == 0).count();
            let next = record::resume_after_zeros(body, at, zeros);
            read -= next.unwrap_or(body.len()) - at;
            // Zeros in a compressed buffer are counted before decompression.
            if zeros >= MIN_ZEROS && !header.is_compressed() {
                self.shard.diagnostics.add(DiagnosticKind::ZeroedBytes, zeros as u64);
            } else {
                self.add_diagnostic(DiagnosticKind::BadRecord, at);
            }
            let Some(next) = next else { break };
            start = next;
        }
        if order.went_back {
            self.shard.diagnostics.add_at(DiagnosticKind::TimeWentBack, buffer.offset);
        }
        let wanted = (header.filled_bytes as usize).saturating_sub(HEADER_BYTES);
        self.span.read_bytes = read as u32;
        self.span.lost_bytes = wanted.saturating_sub(read) as u32;
        self.shard.spans.push(self.span);
    }

    /// Resets the state that belongs to one buffer.
    fn begin_buffer(&mut self) {
        self.buffer_events.clear();
        self.first_definition = self.shard.definitions.len();
    }

    /// Decodes a batch, which takes the place of a buffer.
    fn decode_batch(&mut self, batch: &Batch) {
        self.begin_buffer();
        let mut order = TimeOrder::default();
        for (record, cpu) in batch.records() {
            self.cpu = cpu.unwrap_or(EventAttributes::NO_CPU);
            self.decode_timed_record(&record, &Records::new(&[]), &mut order);
        }
        self.shard.diagnostics.add(DiagnosticKind::TimeWentBack, u64::from(order.went_back));
        let spans = std::mem::take(&mut self.by_cpu).into_iter().map(|(cpu, span)| BufferSpan { cpu, ..span });
        self.shard.spans.extend(spans);
    }

    /// Checks the time of a record and decodes it; `rest` are the following records of its buffer.
    #[inline]
    fn decode_timed_record(&mut self, record: &Record<'_>, rest: &Records<'_>, order: &mut TimeOrder) {
        self.shard.statistics.records += 1;
        let mut time = record.time.map(|raw| ticks_from_zero(raw, self.time_zero));
        if let Some(own) = time {
            if let Some(plausible) = self.plausible
                && !plausible.is_ordinary(own, order.latest)
            {
                time = Some(self.correct_time(record, own, rest, order.latest, plausible));
            }
            let time = time.unwrap_or(own);
            order.went_back |= time < order.latest;
            order.latest = order.latest.max(time);
        }
        self.decode_record(record, time);
    }

    /// The time to use for a record whose own time differs much from that of the record before it: its own, or a neighbor's if
    /// its own is damaged.
    #[cold]
    fn correct_time(
        &mut self,
        record: &Record<'_>,
        own: Ticks,
        rest: &Records<'_>,
        latest: Ticks,
        plausible: PlausibleTimes,
    ) -> Ticks {
        // Merges inject records of other providers with times of their own, and no figure depends on these.
        let is_kernel = match record.key {
            RecordKey::Hook(hook) => hook != 0,
            RecordKey::Provider { guid, .. } => is_kernel_group(&guid),
            RecordKey::Message | RecordKey::Other(_) => false,
        };
        // The time of the header record was checked when the file was opened.
        if !is_kernel
            || matches!(self.offset, RecordOffset::Buffer { is_header: true, .. }) && is_logger_record(record.key)
        {
            return own;
        }
        let following = || following_times(rest, self.time_zero);
        if let Some(time) = plausible.accepted_time(own, latest, following()) {
            return time;
        }
        let next = following().find(|time| (plausible.window.0..=plausible.window.1).contains(time));
        self.add_diagnostic(DiagnosticKind::BadTime, record.offset);
        match next {
            _ if latest != Ticks::UNKNOWN => latest,
            Some(next) => next,
            None => own.clamp(plausible.window.0, plausible.window.1),
        }
    }

    /// Counts a data-quality issue, with its file offset if known; in a compressed buffer, the offset of the buffer.
    fn add_diagnostic(&mut self, kind: DiagnosticKind, body_offset: usize) {
        match self.offset {
            RecordOffset::Buffer { offset, is_plain, .. } => {
                let within = if is_plain { HEADER_BYTES + body_offset } else { 0 };
                self.shard.diagnostics.add_at(kind, offset + within as u64);
            }
            RecordOffset::Unknown => self.shard.diagnostics.add(kind, 1),
        }
    }

    /// Decodes a record by its kind.
    #[inline]
    fn decode_record(&mut self, record: &Record<'_>, time: Option<Ticks>) {
        let kind = match record.key {
            RecordKey::Hook(hook) => {
                match self.hooks.get_mut(usize::from(hook)) {
                    Some(count) => *count += 1,
                    None => *self.shard.statistics.hooks.entry(hook).or_default() += 1,
                }
                if let Some(time) = time {
                    self.note_kernel_record(record.key, time);
                }
                EventKind::from_hook(hook)
            }
            RecordKey::Provider { guid, opcode } => {
                *self.providers.entry(guid).or_default() += 1;
                // Merges and other readers give kernel records a GUID header.
                match time {
                    Some(time) if is_kernel_group(&guid) => self.note_kernel_record(record.key, time),
                    time => self.shard.last_other_time = self.shard.last_other_time.max(time),
                }
                EventKind::from_provider(&guid, opcode)
            }
            RecordKey::Message => {
                self.shard.statistics.messages += 1;
                return;
            }
            RecordKey::Other(_) => return,
        };
        let Some(time) = time else { return };
        if kind != EventKind::LogfileHeader && self.shard.first_time.is_none_or(|first| time < first) {
            self.shard.first_time = Some(time);
        }
        let decoded = match kind {
            EventKind::PoolAlloc => self.decode_pool_event(record, time, false, false),
            EventKind::PoolAllocSession => self.decode_pool_event(record, time, false, true),
            EventKind::PoolFree => self.decode_pool_event(record, time, true, false),
            EventKind::PoolFreeSession => self.decode_pool_event(record, time, true, true),
            EventKind::StackInline | EventKind::StackKeyKernel | EventKind::StackKeyUser => {
                self.shard.statistics.stack_records += 1;
                self.stacks == StackScope::None || self.decode_stack_record(record, time, kind).is_some()
            }
            EventKind::StackKeyDefinition => {
                self.shard.statistics.stack_definitions += 1;
                self.stacks == StackScope::None || self.decode_stack_key_definition(record, time).is_some()
            }
            other => {
                if self.stacks != StackScope::None {
                    self.buffer_events.push(time, record.thread, None);
                }
                self.decode_system_event(record, time, other)
            }
        };
        if !decoded {
            self.add_diagnostic(DiagnosticKind::BadPayload, record.offset);
            if kind == EventKind::StackKeyDefinition {
                self.shard.losses.push((time, time));
            }
        }
    }

    /// Adds a kernel record to the time span of its buffer. Records that the logger writes along with the header record are left
    /// out: they have the header's time, even if the following buffers begin later.
    #[inline]
    fn note_kernel_record(&mut self, key: RecordKey, time: Ticks) {
        if is_logger_record(key) && (time.0 == 0 || matches!(self.offset, RecordOffset::Buffer { is_header: true, .. }))
        {
            return;
        }
        let is_pool = match key {
            RecordKey::Hook(hook) => EventKind::from_hook(hook).is_pool_event(),
            RecordKey::Provider { guid, opcode } => EventKind::from_provider(&guid, opcode).is_pool_event(),
            RecordKey::Message | RecordKey::Other(_) => false,
        };
        let span = match self.offset {
            RecordOffset::Buffer { .. } => &mut self.span,
            RecordOffset::Unknown => self.by_cpu.entry(self.cpu).or_default(),
        };
        // If time goes back, the order of the records in between is not known.
        if time < span.last {
            self.shard.losses.push((time, span.last));
        }
        span.add(time, is_pool);
    }

    /// Decodes a pool event. Events whose header has no thread get it from their stack record.
    #[inline]
    fn decode_pool_event(&mut self, record: &Record<'_>, time: Ticks, is_free: bool, with_session: bool) -> bool {
        let Some(event) = PoolEvent::decode(record.payload, record.pointer_size, with_session) else {
            return false;
        };
        if record.version != 2 {
            self.add_diagnostic(DiagnosticKind::UnknownVersion, record.offset);
        }
        let attributes = self.shard.attributes.intern(RawAttributes {
            tag: event.tag,
            pool_type: event.pool_type,
            thread: record.thread.unwrap_or(NO_ID),
            pid: record.process.unwrap_or(NO_ID),
            session: event.session.unwrap_or(NO_ID),
            cpu: self.cpu,
        });
        self.shard.directions.push(is_free);
        let columns = if is_free { &mut self.shard.frees } else { &mut self.shard.allocs };
        if self.stacks != StackScope::None {
            self.buffer_events.push(time, record.thread, Some(EventSlot::new(is_free, columns.len())));
            columns.parts.push([StackPartRef::NONE; 2]);
        }
        columns.time.push(time);
        columns.address.push(event.address);
        columns.size.push(event.size);
        columns.attributes.push(attributes);
        let (first, last) = self.shard.pool_times.get_or_insert((time, time));
        *first = time.min(*first);
        *last = time.max(*last);
        true
    }

    /// Decodes a stack record and attaches it to its pool event if that is in the same buffer. Stacks of other events are
    /// counted; stacks without a known event are kept until all pool events are known.
    fn decode_stack_record(&mut self, record: &Record<'_>, mut record_time: Ticks, kind: EventKind) -> Option<()> {
        let pointer_size = record.pointer_size;
        let (target, key, kernel) = if kind == EventKind::StackInline {
            let InlineStackEvent { target, frames } = InlineStackEvent::decode(record.payload, pointer_size)?;
            self.frames.clear();
            self.frames.extend(frames.iter());
            let kernel = self.frames.first().is_some_and(|&f| is_kernel_address(f, pointer_size));
            (target, None, kernel)
        } else {
            let StackKeyReferenceEvent { target, key } = StackKeyReferenceEvent::decode(record.payload, pointer_size)?;
            let kernel = kind == EventKind::StackKeyKernel;
            // The records of a processor are in order: a definition that it logged before the reference, in the same tick,
            // belongs to an earlier use of the key.
            let own = self.shard.definitions.get(self.first_definition..).unwrap_or_default();
            if own.iter().rev().take_while(|d| d.time == record_time).any(|d| d.key == key) {
                record_time.0 += 1;
            }
            (target, Some(key), kernel)
        };
        let event_time = ticks_from_zero(target.event_time, self.time_zero);
        let side = usize::from(!kernel);
        let (allocs, frees) = (&self.shard.allocs, &self.shard.frees);
        let is_taken = |slot: EventSlot| {
            let columns = if slot.is_free() { frees } else { allocs };
            columns.parts.get(slot.row()).is_none_or(|parts| parts[side] != StackPartRef::NONE)
        };
        let found = self.buffer_events.find(event_time, target.thread, is_taken);
        if found == MatchedEvent::Other {
            self.shard.statistics.unmatched_stacks += 1;
            return Some(());
        }
        let part = match key {
            Some(key) => StackPart::Key { key, is_kernel: kernel },
            None => StackPart::Inline { frames: self.frame_lists.intern(self.frames) },
        };
        let part = self.shard.parts.intern(part);
        let pending = PendingStack {
            event_time,
            record_time,
            thread: target.thread,
            pid: target.process,
            part,
            is_kernel: kernel,
        };
        match found {
            MatchedEvent::Pool(slot) => attach_stack(&mut self.shard, slot, &pending),
            MatchedEvent::Other | MatchedEvent::Unknown => self.shard.pending.push(pending),
        }
        Some(())
    }

    /// Decodes the definition of a stack key.
    fn decode_stack_key_definition(&mut self, record: &Record<'_>, time: Ticks) -> Option<()> {
        let StackKeyDefinitionEvent { key, frames } =
            StackKeyDefinitionEvent::decode(record.payload, record.pointer_size)?;
        self.frames.clear();
        self.frames.extend(frames.iter());
        let kernel = self.frames.first().is_some_and(|&f| is_kernel_address(f, record.pointer_size));
        let frames = self.frame_lists.intern(self.frames);
        self.shard.definitions.push(StackKeyDefinition { time, key, is_kernel: kernel, frames });
        Some(())
    }

    /// Finishes the shard and frees memory that it does not need.
    fn finish(mut self) -> Shard {
        for (hook, &count) in self.hooks.iter().enumerate().filter(|(_, count)| **count > 0) {
            *self.shard.statistics.hooks.entry(hook as u16).or_default() += count;
        }
        self.shard.statistics.providers = self.providers.into_iter().collect();
        let mut shard = self.shard;
        shard.allocs.shrink();
        shard.frees.shrink();
        shard.directions.shrink_to_fit();
        shard.attributes.close();
        shard.parts.close();
        shard
    }
}

/// Shorter runs of zeros are not counted as unwritten parts of the file.
const MIN_ZEROS: usize = 64;

/// Returns `true` if the logger itself wrote a record: one of the event trace group.
fn is_logger_record(key: RecordKey) -> bool {
    match key {
        RecordKey::Hook(hook) => hook < 0x100,
        RecordKey::Provider { guid, .. } => is_event_trace_group(&guid),
        RecordKey::Message | RecordKey::Other(_) => false,
    }
}

/// Plausible times, from the clock of an opened file.
fn plausible_times(clock: &RecordClock) -> PlausibleTimes {
    let time = |raw| ticks_from_zero(raw, clock.time_zero);
    PlausibleTimes { window: (time(clock.plausible.0), time(clock.plausible.1)), step: clock.ticks_per_second }
}

/// Latest time of the records of a buffer, and whether a later record had an earlier time.
struct TimeOrder {
    latest: Ticks,
    went_back: bool,
}

impl Default for TimeOrder {
    fn default() -> Self {
        Self { latest: Ticks::UNKNOWN, went_back: false }
    }
}

/// Converts a raw timestamp to ticks from time zero, within [`Ticks::LIMIT`].
#[inline]
pub(super) fn ticks_from_zero(raw: i64, time_zero: i64) -> Ticks {
    Ticks(raw.saturating_sub(time_zero).clamp(-Ticks::LIMIT, Ticks::LIMIT))
}

impl Decoder<'_> {
    /// Decodes a record that is neither a pool event nor a stack record; `false` if its payload is invalid.
    fn decode_system_event(&mut self, record: &Record<'_>, time: Ticks, kind: EventKind) -> bool {
        match kind {
            EventKind::Unknown => return true,
            EventKind::LogfileHeader => {
                self.shard.statistics.headers += 1;
                return true;
            }
            EventKind::Loss => {
                self.shard.diagnostics.add(DiagnosticKind::LossRecord, 1);
                // The loss was at some time before the record.
                self.shard.losses.push((Ticks::UNKNOWN, time));
                return true;
            }
            EventKind::PoolTagRundown { .. } | EventKind::BigPoolRundown { .. } => {
                self.shard.statistics.pool_rundown_records += 1;
            }
            _ => {}
        }
        if kind.newest_version().is_some_and(|newest| record.version > newest) {
            self.add_diagnostic(DiagnosticKind::UnknownVersion, record.offset);
        }
        match SystemEvent::decode(record, kind) {
            Some(event) => {
                self.shard.system_events.push(SystemRecord { time, kind, process: record.process, event });
                true
            }
            // No figure depends on the masks.
            None => kind == EventKind::GroupMasks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_etl::buffer::{BufferHeader, flag};

    /// A buffer header without a body that claims a full buffer.
    fn forged_header(flags: u16) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header[0..4].copy_from_slice(&(HEADER_BYTES as u32).to_le_bytes());
        header[0x2c..0x30].copy_from_slice(&3_u32.to_le_bytes());
        header[0x30..0x34].copy_from_slice(&(1_u32 << 20).to_le_bytes());
        header[0x34..0x36].copy_from_slice(&flags.to_le_bytes());
        header
    }

    #[test]
    fn forged_fill_levels_reserve_no_memory() {
        let mut bytes = Vec::new();
        for number in 0..20_000 {
            // The first two are compressed: without a first record, that makes the file a trace.
            bytes.extend(forged_header(if number < 2 || number % 2 == 0 { flag::COMPRESSED } else { 0 }));
        }
        let file = TraceFile::from_bytes(bytes, "forged.etl").unwrap();
        let buffers = &file.layout.buffers;
        assert_eq!(buffers.len(), 20_000);
        let claimed: u64 = buffers.iter().map(|buffer| u64::from(buffer.header.filled_bytes)).sum();
        assert_eq!((claimed, expected_pool_events(buffers)), (20_000 << 20, 0));
        let (mut worker, frame_lists) = (DecodeWorker::default(), FrameLists::default());
        let (decoder, _) = worker.begin(&frame_lists, 0, LoadOptions::default(), expected_pool_events(buffers));
        assert_eq!((decoder.shard.allocs.time.capacity(), decoder.shard.directions.capacity()), (0, 0));
    }

    #[test]
    fn present_bytes_reserve_memory_for_the_events_that_they_can_hold() {
        let plain = BufferHeader::parse(&forged_header(0)).unwrap();
        let compressed = BufferHeader::parse(&forged_header(flag::COMPRESSED)).unwrap();
        let events = |header, present_bytes| {
            expected_pool_events(&[BufferRef { offset: 0, present_bytes, header, first_time: None }])
        };
        assert_eq!(events(plain, 72 + 56 * 9), 9);
        assert_eq!(events(compressed, 72 + 56 * 9), 72);
        assert_eq!(events(compressed, 1 << 20), ((1 << 20) - 72) / 56);
    }
}
