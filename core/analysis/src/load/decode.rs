//! Decoding of one buffer into a run of packed pool events and its stack records. This is the hot loop of a load: a pool event
//! costs a few writes, a record of an unknown kind one count. Damage is counted and ends at most the buffer that it is in.
//!
//! What is not needed for merging is added up in the worker ([`WorkerTotals`]) and joined when all buffers are decoded.

mod stacks;

use super::buffer_events::BufferEvents;
use super::buffer_span::{
    BufferSpan, OrderedRecords, PlausibleTimes, following_times, has_ordinary_raw_time, ticks_from_zero,
};
use super::event::{EventPacker, EventRun, FREE, NUMBER, SystemRecord, UnpackedEvent, WITH_SESSION};
use super::frame_lists::{FrameListCache, FrameLists};
use super::interner::{EventPosition, NO_ID, RawAttributes, WorkerInterner, WorkerNumbers};
use super::record_source::Batch;
use super::stack_part::{KeyPart, PendingStack, RecordedStack, StackKeyDefinition};
use super::tick_keys::TickKeys;
use super::totals::WorkerTotals;
use super::{LoadOptions, StackScope};
use crate::trace::attributes::EventAttributes;
use crate::trace::time::Ticks;
use poolscope_etl::buffer::{HEADER_BYTES, TYPE_HEADER};
use poolscope_etl::diagnostics::DiagnosticKind;
use poolscope_etl::event::pool::PoolEvent;
use poolscope_etl::event::{EventKind, SystemEvent, hook, is_event_trace_group, is_kernel_group};
use poolscope_etl::file::{BodyScratch, BufferRef, OpenError, RecordClock, TraceFile};
use poolscope_etl::record::{self, CommonHeader, Record, RecordKey, Records};
use std::collections::BTreeMap;
use std::ops::Range;

/// The decoded pool events and stack records of one buffer, or of one batch of another reader.
#[derive(Debug)]
pub struct DecodedBuffer {
    /// Position in the order of the file.
    pub order: u32,
    /// Pool events; empty runs do not occur.
    pub runs: Vec<EventRun>,
    /// Stack keys of pool events of the buffer, in file order.
    pub parts: Vec<KeyPart>,
    /// Definitions of stack keys.
    pub definitions: Vec<StackKeyDefinition>,
    /// Stack records without a known event in the buffer, in file order.
    pub pending: Vec<PendingStack>,
    /// Earliest of the records that were added to [`Self::definitions`] and [`Self::pending`]; [`Ticks::NEVER`] without one.
    earliest_stack: Ticks,
    /// Frames of definitions and pending stack records.
    pub frames: Vec<u64>,
    /// Number of records.
    pub records: u64,
}

impl Default for DecodedBuffer {
    fn default() -> Self {
        Self {
            order: 0,
            runs: Vec::new(),
            parts: Vec::new(),
            definitions: Vec::new(),
            pending: Vec::new(),
            earliest_stack: Ticks::NEVER,
            frames: Vec::new(),
            records: 0,
        }
    }
}

impl DecodedBuffer {
    /// Returns `true` if all of it is merged.
    pub fn is_merged(&self) -> bool {
        let is_merged = |run: &EventRun| run.merged == run.events.len();
        self.runs.iter().all(is_merged) && self.definitions.is_empty() && self.pending.is_empty()
    }

    /// Empties it and keeps the memory of the first run.
    pub fn clear(&mut self) {
        self.runs.truncate(1);
        self.parts.clear();
        self.definitions.clear();
        self.pending.clear();
        self.earliest_stack = Ticks::NEVER;
        self.frames.clear();
        self.records = 0;
    }

    /// Earliest time of anything that is merged by time; [`Ticks::NEVER`] if there is nothing.
    pub fn earliest(&self) -> Ticks {
        let events = self.runs.first().map_or(Ticks::NEVER, |run| run.base);
        events.min(self.earliest_stack)
    }
}

/// A worker thread's memory and counts, kept for the whole load.
#[derive(Debug)]
pub struct DecodeWorker {
    /// Distinct attributes of pool events.
    pub attributes: WorkerInterner<RawAttributes>,
    /// Counts and records that are not merged by time.
    pub totals: WorkerTotals,
    scratch: BodyScratch,
    events: EventPacker,
    /// Attributes of each event, until they are numbered.
    raw_attributes: Vec<RawAttributes>,
    buffer_events: BufferEvents,
    /// Keys that were defined in the tick of the latest definition.
    tick_keys: TickKeys,
    frames: Vec<u64>,
    frame_cache: FrameListCache,
}

impl DecodeWorker {
    /// A worker of `workers`.
    pub fn new(worker: usize, workers: usize) -> Self {
        Self {
            attributes: WorkerInterner::new(WorkerNumbers::new(worker, workers), NUMBER),
            totals: WorkerTotals::default(),
            scratch: BodyScratch::default(),
            events: EventPacker::default(),
            raw_attributes: Vec::new(),
            buffer_events: BufferEvents::default(),
            tick_keys: TickKeys::default(),
            frames: Vec::new(),
            frame_cache: FrameListCache::default(),
        }
    }

    /// Reads a range of a file at once that holds the next buffers to decode.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read_ahead(&mut self, file: &TraceFile, range: Range<u64>) -> Result<(), OpenError> {
        file.read_ahead(range, &mut self.scratch)
    }

    /// Decodes a buffer of a file; `order` is its position in the order of the file, `spare` memory to reuse.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn decode(
        &mut self,
        file: &TraceFile,
        (order, buffer): (u32, &BufferRef),
        frame_lists: &FrameLists,
        options: LoadOptions,
        spare: DecodedBuffer,
    ) -> Result<DecodedBuffer, OpenError> {
        let mut scratch = std::mem::take(&mut self.scratch);
        let body = file.body(buffer, &mut scratch)?;
        body.count_damage(buffer, &mut self.totals.diagnostics);
        let mut decoder =
            Decoder::new(self, DecodedBuffer { order, ..spare }, frame_lists, file.clock.time_zero, options);
        decoder.plausible = Some(plausible_times(&file.clock));
        decoder.decode_buffer(buffer, body.bytes);
        let decoded = decoder.finish();
        self.scratch = scratch;
        Ok(decoded)
    }

    /// Decodes records that another reader handed out.
    pub fn decode_batch(
        &mut self,
        batch: &Batch,
        order: u32,
        frame_lists: &FrameLists,
        time_zero: i64,
        options: LoadOptions,
    ) -> DecodedBuffer {
        let decoded = DecodedBuffer { order, ..DecodedBuffer::default() };
        let mut decoder = Decoder::new(self, decoded, frame_lists, time_zero, options);
        decoder.decode_batch(batch);
        decoder.finish()
    }
}

/// Position in the file of the records that are decoded.
#[derive(Clone, Copy)]
enum RecordOffset {
    /// In the buffer at this offset.
    Buffer { offset: u64, is_plain: bool, is_header: bool },
    /// Not known: the records come from another reader.
    Unknown,
}

/// The state of decoding one buffer.
struct Decoder<'w> {
    worker: &'w mut DecodeWorker,
    frame_lists: &'w FrameLists,
    decoded: DecodedBuffer,
    /// Raw timestamp of time zero.
    time_zero: i64,
    /// Plausible times; `None` for records of another reader.
    plausible: Option<PlausibleTimes>,
    with_stacks: bool,
    /// Processor of the current record.
    cpu: u16,
    /// Position of the buffer.
    offset: RecordOffset,
    /// Kernel records of the buffer.
    span: BufferSpan,
    /// Kernel records of a batch by CPU.
    by_cpu: BTreeMap<u16, BufferSpan>,
    /// Latest time of a record so far.
    latest: Ticks,
    /// True if a later record had an earlier time.
    went_back: bool,
}

impl<'w> Decoder<'w> {
    fn new(
        worker: &'w mut DecodeWorker,
        mut decoded: DecodedBuffer,
        frame_lists: &'w FrameLists,
        time_zero: i64,
        options: LoadOptions,
    ) -> Self {
        worker.events.begin(decoded.runs.pop().unwrap_or_default());
        worker.raw_attributes.clear();
        worker.buffer_events.clear();
        worker.tick_keys.clear();
        worker.attributes.begin(position(decoded.order, 0));
        Self {
            worker,
            frame_lists,
            decoded,
            time_zero,
            plausible: None,
            with_stacks: options.stacks != StackScope::None,
            cpu: EventAttributes::NO_CPU,
            offset: RecordOffset::Unknown,
            span: BufferSpan::default(),
            by_cpu: BTreeMap::new(),
            latest: Ticks::UNKNOWN,
            went_back: false,
        }
    }

    /// Decodes a buffer; `body` are its decompressed records.
    fn decode_buffer(&mut self, buffer: &BufferRef, body: &[u8]) {
        let header = &buffer.header;
        self.cpu = header.cpu;
        let is_header = header.kind == TYPE_HEADER;
        self.offset = RecordOffset::Buffer { offset: buffer.offset, is_plain: !header.is_compressed(), is_header };
        self.span = BufferSpan {
            order: self.decoded.order,
            offset: buffer.offset,
            is_header,
            cpu: header.cpu,
            flags: header.flags,
            sequence: header.sequence,
            size_bytes: header.size_bytes,
            stored_bytes: buffer.present_bytes,
            ..BufferSpan::default()
        };
        let mut start = 0;
        let mut read = body.len();
        loop {
            let damaged = self.decode_records(body, start);
            let Some(at) = damaged else { break };
            let zeros = body.get(at..).unwrap_or_default().iter().take_while(|&&b| b == 0).count();
            let next = record::resume_after_zeros(body, at, zeros);
            read -= next.unwrap_or(body.len()) - at;
            // Zeros in a compressed buffer are counted before decompression.
            if zeros >= MIN_ZEROS && !header.is_compressed() {
                self.worker.totals.diagnostics.add(DiagnosticKind::ZeroedBytes, zeros as u64);
            } else {
                self.add_diagnostic(DiagnosticKind::BadRecord, at);
            }
            let Some(next) = next else { break };
            start = next;
        }
        if self.went_back {
            self.worker.totals.diagnostics.add_at(DiagnosticKind::TimeWentBack, buffer.offset);
        }
        let wanted = (header.filled_bytes as usize).saturating_sub(HEADER_BYTES);
        self.span.read_bytes = read as u32;
        self.span.lost_bytes = wanted.saturating_sub(read) as u32;
        self.worker.totals.spans.push(self.span);
    }

    /// Decodes records from an offset of the body on. Returns the offset at which the framing is damaged.
    fn decode_records(&mut self, body: &[u8], start: usize) -> Option<usize> {
        let mut at = start;
        // Steps of this size never leave the range of times within one buffer.
        let step = self.plausible.map_or(0, |plausible| plausible.step as u64).min(1 << 32);
        loop {
            // Most records have one of three headers and follow soon after the record before them.
            if has_ordinary_raw_time(self.latest, self.time_zero) {
                let mut run = OrderedRecords::after(self.latest);
                while let Some(header) = CommonHeader::read(body, at) {
                    let time = Ticks(header.time.wrapping_sub(self.time_zero));
                    if time.0.wrapping_sub(run.last.0) as u64 > step || header.hook < FIRST_COMMON_HOOK {
                        break;
                    }
                    run.add(time);
                    self.decode_common_record(body, &header, at, &mut run);
                    at = header.end;
                }
                self.add_run(&run);
            }
            // Any other record; the next one may be a common one again.
            let mut records = Records::starting_at(body, at);
            let Some(record) = records.next() else {
                return records.damage().map(|damage| damage.0);
            };
            at = records.offset();
            self.decode_timed_record(&record, &records);
        }
    }

    /// Adds the records with a common header that followed each other.
    fn add_run(&mut self, run: &OrderedRecords) {
        if run.records > 0 {
            self.latest = run.last;
            self.decoded.records += run.records;
            self.worker.totals.note_time(run.first);
            self.span.add_run(run);
        }
    }

    /// Decodes a record with a common header, the last one of `run`. The kinds that most records have are decoded here, where the
    /// compiler knows the form of the header.
    #[inline(always)]
    fn decode_common_record(&mut self, body: &[u8], header: &CommonHeader, at: usize, run: &mut OrderedRecords) {
        self.worker.totals.count_hook(header.hook);
        let time = run.last;
        let is_decoded = match header.hook {
            hook::POOL_ALLOC | hook::POOL_FREE => {
                run.pool_events += 1;
                let is_free = header.hook == hook::POOL_FREE;
                self.decode_pool_event(&header.record(body, at), time, is_free, false)
            }
            hook::STACK_KEY_KERNEL | hook::STACK_KEY_USER | hook::STACK_INLINE => {
                self.worker.totals.stack_records += 1;
                let kind = match header.hook {
                    hook::STACK_KEY_KERNEL => EventKind::StackKeyKernel,
                    hook::STACK_KEY_USER => EventKind::StackKeyUser,
                    _ => EventKind::StackInline,
                };
                !self.with_stacks || self.decode_stack_record(&header.record(body, at), time, kind).is_some()
            }
            hook::STACK_KEY_DEFINITION | hook::STACK_KEY_LAST_DEFINITION => {
                self.decode_definition(&header.record(body, at), time)
            }
            other => {
                match EventKind::from_hook(other) {
                    // Nothing is decoded; a stack record may belong to it.
                    EventKind::Unknown if self.with_stacks => {
                        self.worker.buffer_events.push(time, header.thread().unwrap_or(NO_ID), None);
                    }
                    EventKind::Unknown => {}
                    kind => {
                        run.pool_events += u64::from(kind.is_pool_event());
                        self.decode_kind(&header.record(body, at), time, kind);
                    }
                }
                true
            }
        };
        if !is_decoded {
            self.add_diagnostic(DiagnosticKind::BadPayload, at);
        }
    }

    /// Decodes a batch, which takes the place of a buffer.
    fn decode_batch(&mut self, batch: &Batch) {
        for (record, cpu) in batch.records() {
            self.cpu = cpu.unwrap_or(EventAttributes::NO_CPU);
            self.decode_timed_record(&record, &Records::new(&[]));
        }
        let order = self.decoded.order;
        self.worker.totals.diagnostics.add(DiagnosticKind::TimeWentBack, u64::from(self.went_back));
        let spans = std::mem::take(&mut self.by_cpu).into_iter().map(|(cpu, span)| BufferSpan { cpu, order, ..span });
        self.worker.totals.spans.extend(spans);
    }

    /// Checks the time of a record and decodes it; `rest` are the following records of its buffer.
    fn decode_timed_record(&mut self, record: &Record<'_>, rest: &Records<'_>) {
        self.decoded.records += 1;
        let mut time = record.time.map(|raw| ticks_from_zero(raw, self.time_zero));
        if let Some(own) = time {
            if let Some(plausible) = self.plausible
                && !plausible.is_ordinary(own, self.latest)
            {
                time = Some(self.correct_time(record, own, rest, plausible));
            }
            let time = time.unwrap_or(own);
            self.went_back |= time < self.latest;
            self.latest = self.latest.max(time);
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
        let latest = self.latest;
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
        let diagnostics = &mut self.worker.totals.diagnostics;
        match self.offset {
            RecordOffset::Buffer { offset, is_plain, .. } => {
                let within = if is_plain { HEADER_BYTES + body_offset } else { 0 };
                diagnostics.add_at(kind, offset + within as u64);
            }
            RecordOffset::Unknown => diagnostics.add(kind, 1),
        }
    }

    /// Decodes a record by its key.
    fn decode_record(&mut self, record: &Record<'_>, time: Option<Ticks>) {
        let totals = &mut self.worker.totals;
        let kind = match record.key {
            RecordKey::Hook(hook) => {
                totals.count_hook(hook);
                if let Some(time) = time {
                    self.note_kernel_record(record.key, time);
                }
                EventKind::from_hook(hook)
            }
            RecordKey::Provider { guid, opcode } => {
                *totals.providers.entry(guid).or_default() += 1;
                // Merges and other readers give kernel records a GUID header.
                match time {
                    Some(time) if is_kernel_group(&guid) => self.note_kernel_record(record.key, time),
                    time => totals.last_other_time = totals.last_other_time.max(time),
                }
                EventKind::from_provider(&guid, opcode)
            }
            RecordKey::Message => {
                totals.messages += 1;
                return;
            }
            RecordKey::Other(_) => return,
        };
        if let Some(time) = time {
            if kind != EventKind::LogfileHeader {
                self.worker.totals.note_time(time);
            }
            self.decode_kind(record, time, kind);
        }
    }

    /// Decodes a record of a known kind.
    fn decode_kind(&mut self, record: &Record<'_>, time: Ticks, kind: EventKind) {
        let decoded = match kind {
            EventKind::PoolAlloc => self.decode_pool_event(record, time, false, false),
            EventKind::PoolAllocSession => self.decode_pool_event(record, time, false, true),
            EventKind::PoolFree => self.decode_pool_event(record, time, true, false),
            EventKind::PoolFreeSession => self.decode_pool_event(record, time, true, true),
            EventKind::StackInline | EventKind::StackKeyKernel | EventKind::StackKeyUser => {
                self.worker.totals.stack_records += 1;
                !self.with_stacks || self.decode_stack_record(record, time, kind).is_some()
            }
            EventKind::StackKeyDefinition => self.decode_definition(record, time),
            other => {
                if self.with_stacks {
                    self.worker.buffer_events.push(time, record.thread.unwrap_or(NO_ID), None);
                }
                self.decode_system_event(record, time, other)
            }
        };
        if !decoded {
            self.add_diagnostic(DiagnosticKind::BadPayload, record.offset);
        }
    }

    /// Adds a kernel record to the time span of its buffer. Records that the logger writes along with the header record are left
    /// out: they have the header's time, even if the following buffers begin later.
    fn note_kernel_record(&mut self, key: RecordKey, time: Ticks) {
        if is_logger_record(key) && (time.0 == 0 || matches!(self.offset, RecordOffset::Buffer { is_header: true, .. }))
        {
            return;
        }
        let span = match self.offset {
            RecordOffset::Buffer { .. } => &mut self.span,
            RecordOffset::Unknown => self.by_cpu.entry(self.cpu).or_default(),
        };
        // If time goes back, the order of the records in between is not known.
        if time < span.last {
            self.worker.totals.losses.push((time, span.last));
        }
        span.add(time, EventKind::of(&key).is_pool_event());
    }

    /// Decodes a pool event. Events whose header has no thread get it from their stack record.
    #[inline(always)]
    fn decode_pool_event(&mut self, record: &Record<'_>, time: Ticks, is_free: bool, with_session: bool) -> bool {
        let Some(event) = PoolEvent::decode(record.payload, record.pointer_size, with_session) else {
            return false;
        };
        if record.version != 2 {
            self.add_diagnostic(DiagnosticKind::UnknownVersion, record.offset);
        }
        let worker = &mut *self.worker;
        let slot = worker.raw_attributes.len() as u32;
        let thread = record.thread.unwrap_or(NO_ID);
        worker.raw_attributes.push(RawAttributes {
            tag: event.tag,
            pool_type: event.pool_type,
            thread,
            pid: record.process.unwrap_or(NO_ID),
            session: event.session.unwrap_or(NO_ID),
            cpu: self.cpu,
        });
        let attributes = if is_free { FREE } else { 0 } | if with_session { WITH_SESSION } else { 0 };
        if self.with_stacks {
            worker.buffer_events.push(time, thread, Some(slot));
            worker.events.stacks().push(RecordedStack::default());
        }
        let PoolEvent { size, address, .. } = event;
        worker.events.push(UnpackedEvent { time, size, address, attributes, tag: u32::from_le_bytes(event.tag) });
        true
    }

    /// Decodes a record that is neither a pool event nor a stack record; `false` if its payload is invalid.
    fn decode_system_event(&mut self, record: &Record<'_>, time: Ticks, kind: EventKind) -> bool {
        let totals = &mut self.worker.totals;
        match kind {
            EventKind::Unknown => return true,
            EventKind::LogfileHeader => {
                totals.headers += 1;
                return true;
            }
            EventKind::Loss => {
                totals.diagnostics.add(DiagnosticKind::LossRecord, 1);
                // The loss was at some time before the record.
                totals.losses.push((Ticks::UNKNOWN, time));
                return true;
            }
            EventKind::PoolTagRundown { .. } | EventKind::BigPoolRundown { .. } => totals.pool_rundown_records += 1,
            _ => {}
        }
        if kind.newest_version().is_some_and(|newest| record.version > newest) {
            self.add_diagnostic(DiagnosticKind::UnknownVersion, record.offset);
        }
        let buffer = self.decoded.order;
        match SystemEvent::decode(record, kind) {
            Some(event) => {
                let process = record.process;
                self.worker.totals.system_events.push(SystemRecord { time, buffer, kind, process, event });
                true
            }
            // No figure depends on the masks.
            None => kind == EventKind::GroupMasks,
        }
    }

    /// Numbers the attributes of the events of the buffer, packs the events and counts them.
    fn finish(self) -> DecodedBuffer {
        let mut decoded = self.decoded;
        let DecodeWorker { events, raw_attributes, attributes, totals, .. } = &mut *self.worker;
        let mut own = events.attributes();
        let mut frees = 0;
        attributes.intern_all(
            raw_attributes,
            |at| position(decoded.order, at as u32),
            |_, number| {
                if let Some(own) = own.next() {
                    frees += u64::from(*own & FREE != 0);
                    *own |= number;
                }
            },
        );
        drop(own);
        events.finish(&mut decoded.runs, &mut decoded.parts);
        totals.records += decoded.records;
        totals.pool_allocs += raw_attributes.len() as u64 - frees;
        totals.pool_frees += frees;
        for run in &decoded.runs {
            if let (Some(first), Some(last)) = (run.events.first(), run.events.last()) {
                totals.note_pool_times(run.time(first), run.time(last));
            }
        }
        decoded
    }
}

/// Hooks below this are those of the logger itself, whose times are special.
const FIRST_COMMON_HOOK: u16 = 0x100;

/// Shorter runs of zeros are not counted as unwritten parts of the file.
const MIN_ZEROS: usize = 64;

/// Position of an event in the trace, from the position of its buffer and its number in the buffer.
fn position(order: u32, slot: u32) -> EventPosition {
    u64::from(order) << 32 | u64::from(slot)
}

/// Returns `true` if the logger itself wrote a record: one of the event trace group.
fn is_logger_record(key: RecordKey) -> bool {
    match key {
        RecordKey::Hook(hook) => hook < FIRST_COMMON_HOOK,
        RecordKey::Provider { guid, .. } => is_event_trace_group(&guid),
        RecordKey::Message | RecordKey::Other(_) => false,
    }
}

/// Plausible times, from the clock of an opened file.
fn plausible_times(clock: &RecordClock) -> PlausibleTimes {
    let time = |raw| ticks_from_zero(raw, clock.time_zero);
    PlausibleTimes { window: (time(clock.plausible.0), time(clock.plausible.1)), step: clock.ticks_per_second }
}
