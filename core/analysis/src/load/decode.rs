//! One worker's part of the load: a range of buffers into a [`Shard`]. This is the hot loop: a pool event costs a few
//! pushes, an unknown record a count. Damage is counted and never ends more than one buffer.

use super::batch::Batch;
use super::raw_stacks::RawStacks;
use super::recent::{RecentEvents, Slot, Target};
use super::shard::{Definition, EventColumns, Half, HalfRef, LooseStack, NO_ID, RawContext, Shard};
use super::span::{Believed, Span, times_behind};
use super::{LoadOptions, StackScope};
use crate::trace::attributes::EventAttributes;
use crate::trace::time::Ticks;
use poolscope_base::guid::Guid;
use poolscope_base::progress::{CancelToken, Cancelled, Progress};
use poolscope_etl::buffer::{HEADER_BYTES, TYPE_HEADER};
use poolscope_etl::diagnostics::DiagnosticKind;
use poolscope_etl::event::pool::PoolEvent;
use poolscope_etl::event::stack::{InlineStackEvent, StackKeyDefinitionEvent, StackKeyReferenceEvent, is_kernel_address};
use poolscope_etl::event::{EventKind, is_event_trace_group, is_kernel_group};
use poolscope_etl::file::{BodyScratch, BufferRef, RecordClock, TraceFile};
use poolscope_etl::record::{self, Record, RecordKey, Records};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Hook ids that have a dense counter.
const DENSE_HOOKS: usize = 0x2000;

/// Memory that a worker uses again for each range.
#[derive(Default)]
pub struct Worker {
    scratch: BodyScratch,
    recent: RecentEvents,
    hooks: Vec<u64>,
    frames: Vec<u64>,
}

impl Worker {
    /// Decodes a range of buffers.
    pub fn decode(
        &mut self,
        file: &TraceFile,
        raws: &RawStacks,
        buffers: &[BufferRef],
        options: LoadOptions,
        progress: &Progress,
        cancel: &CancelToken,
    ) -> Result<Shard, Cancelled> {
        // A pool event takes 56 bytes on a 64-bit system.
        let events = buffers.iter().map(|b| b.header.filled_bytes as usize / 56).sum();
        let (mut decoder, scratch) = self.begin(raws, file.clock.time_zero, options, events);
        decoder.believed = Some(believed(&file.clock));
        for buffer in buffers {
            cancel.check()?;
            let (body, damage) = file.body(buffer, scratch);
            let zeros = damage.map_or(0, |_| zeros_at_end(file.data(), buffer));
            match damage {
                Some(_) if zeros > 0 => decoder.shard.diagnostics.add(DiagnosticKind::ZeroedBytes, zeros),
                Some(kind) => decoder.shard.diagnostics.add_at(kind, buffer.offset),
                None => {}
            }
            let before = decoder.shard.census.records;
            decoder.buffer(buffer, body);
            progress.advance(u64::from(buffer.present_bytes), decoder.shard.census.records - before);
        }
        Ok(decoder.finish())
    }

    /// Decodes records that another reader handed out.
    pub fn decode_batch(&mut self, batch: &Batch, raws: &RawStacks, time_zero: i64, options: LoadOptions) -> Shard {
        let (mut decoder, _) = self.begin(raws, time_zero, options, batch.pool_events());
        decoder.batch(batch);
        decoder.finish()
    }

    /// A decoder with room for some pool events, and the memory for decompression.
    fn begin<'w>(
        &'w mut self,
        raws: &'w RawStacks,
        time_zero: i64,
        options: LoadOptions,
        events: usize,
    ) -> (Decoder<'w>, &'w mut BodyScratch) {
        let Self { scratch, recent, hooks, frames } = self;
        hooks.clear();
        hooks.resize(DENSE_HOOKS, 0);
        let mut shard = Shard::default();
        let with_halves = options.stacks != StackScope::None;
        shard.allocs.reserve(events, with_halves);
        shard.frees.reserve(events, with_halves);
        shard.directions.reserve_exact(events);
        let (providers, stacks) = (FxHashMap::default(), options.stacks);
        let (cpu, place, first_definition) = (EventAttributes::NO_CPU, Place::Unknown, 0);
        let (believed, span, by_cpu) = (None, Span::default(), BTreeMap::new());
        let decoder = Decoder {
            shard,
            raws,
            recent,
            hooks,
            frames,
            providers,
            time_zero,
            believed,
            stacks,
            cpu,
            place,
            span,
            by_cpu,
            first_definition,
        };
        (decoder, scratch)
    }
}

/// Where the records of a decoder lie in the file.
#[derive(Clone, Copy)]
enum Place {
    /// In a buffer: its offset.
    Buffer { offset: u64, is_plain: bool, is_header: bool },
    /// Another reader does not say.
    Unknown,
}

pub(super) struct Decoder<'w> {
    pub shard: Shard,
    raws: &'w RawStacks,
    recent: &'w mut RecentEvents,
    hooks: &'w mut Vec<u64>,
    frames: &'w mut Vec<u64>,
    providers: FxHashMap<Guid, u64>,
    time_zero: i64,
    /// Which times can be; `None` if nobody has seen the whole file.
    believed: Option<Believed>,
    stacks: StackScope,
    cpu: u16,
    place: Place,
    /// The buffer that is being read.
    span: Span,
    /// The CPUs of the batch that is being read.
    by_cpu: BTreeMap<u16, Span>,
    /// The first definition of a stack key that comes from the buffer.
    first_definition: usize,
}

impl Decoder<'_> {
    fn buffer(&mut self, buffer: &BufferRef, body: &[u8]) {
        let header = &buffer.header;
        self.cpu = header.cpu;
        let is_header = header.kind == TYPE_HEADER;
        self.place = Place::Buffer { offset: buffer.offset, is_plain: !header.is_compressed(), is_header };
        self.span = Span {
            offset: buffer.offset,
            is_header,
            cpu: header.cpu,
            flags: header.flags,
            sequence: header.sequence,
            size_bytes: header.size_bytes,
            stored_bytes: buffer.present_bytes,
            ..Span::default()
        };
        self.begin_buffer();
        let mut clock = Watch::default();
        let mut start = 0;
        let mut read = body.len();
        while let Some(part) = body.get(start..) {
            let mut records = Records::new(part);
            while let Some(record) = records.next() {
                self.framed(&record, &records, &mut clock);
            }
            let Some((at, _)) = records.damage() else { break };
            let at = start + at;
            let zeros = body.get(at..).unwrap_or_default().iter().take_while(|&&b| b == 0).count();
            let next = record::resume_after_zeros(body, at, zeros);
            read -= next.unwrap_or(body.len()) - at;
            // Zeros of a compressed stream are counted where it is stored.
            if zeros >= LEAST_ZEROS && !header.is_compressed() {
                self.shard.diagnostics.add(DiagnosticKind::ZeroedBytes, zeros as u64);
            } else {
                self.note(DiagnosticKind::BadRecord, at);
            }
            let Some(next) = next else { break };
            start = next;
        }
        if clock.went_back {
            self.shard.diagnostics.add_at(DiagnosticKind::TimeWentBack, buffer.offset);
        }
        let wanted = (header.filled_bytes as usize).saturating_sub(HEADER_BYTES);
        self.span.read_bytes = read as u32;
        self.span.lost_bytes = wanted.saturating_sub(read) as u32;
        self.shard.spans.push(self.span);
    }

    /// Forgets what is known of the buffer before.
    fn begin_buffer(&mut self) {
        self.recent.clear();
        self.first_definition = self.shard.definitions.len();
    }

    /// All records of a batch: it stands for a buffer.
    fn batch(&mut self, batch: &Batch) {
        self.begin_buffer();
        let mut clock = Watch::default();
        for (record, cpu) in batch.records() {
            self.cpu = cpu.unwrap_or(EventAttributes::NO_CPU);
            self.framed(&record, &Records::new(&[]), &mut clock);
        }
        self.shard.diagnostics.add(DiagnosticKind::TimeWentBack, u64::from(clock.went_back));
        let spans = std::mem::take(&mut self.by_cpu).into_iter().map(|(cpu, span)| Span { cpu, ..span });
        self.shard.spans.extend(spans);
    }

    /// `rest` are the records behind it in its buffer.
    #[inline]
    fn framed(&mut self, record: &Record<'_>, rest: &Records<'_>, clock: &mut Watch) {
        self.shard.census.records += 1;
        let mut time = record.time.map(|raw| relative(raw, self.time_zero));
        if let Some(own) = time {
            if let Some(believed) = self.believed
                && !believed.is_ordinary(own, clock.latest)
            {
                time = Some(self.doubted(record, own, rest, clock.latest, believed));
            }
            let time = time.unwrap_or(own);
            clock.went_back |= time < clock.latest;
            clock.latest = clock.latest.max(time);
        }
        self.record(record, time);
    }

    /// The time of a record that does not follow from the one before it: where it is damaged, the time before it.
    #[cold]
    fn doubted(
        &mut self,
        record: &Record<'_>,
        own: Ticks,
        rest: &Records<'_>,
        latest: Ticks,
        believed: Believed,
    ) -> Ticks {
        // Others are injected by merges with times of their own; nothing rests on them.
        let is_kernel = match record.key {
            RecordKey::Hook(hook) => hook != 0,
            RecordKey::Provider { guid, .. } => is_kernel_group(&guid),
            RecordKey::Message | RecordKey::Other(_) => false,
        };
        // The header record's own time has been looked at.
        if !is_kernel || matches!(self.place, Place::Buffer { is_header: true, .. }) && is_of_logger(record.key) {
            return own;
        }
        let behind = || times_behind(rest, self.time_zero);
        if let Some(time) = believed.judge(own, latest, behind()) {
            return time;
        }
        let next = behind().find(|time| (believed.window.0..=believed.window.1).contains(time));
        self.note(DiagnosticKind::BadTime, record.offset);
        match next {
            _ if latest != Ticks::UNKNOWN => latest,
            Some(next) => next,
            None => own.clamp(believed.window.0, believed.window.1),
        }
    }

    /// Counts something wrong, with its place in the file where that is known; in a compressed buffer, the buffer's.
    fn note(&mut self, kind: DiagnosticKind, body_offset: usize) {
        match self.place {
            Place::Buffer { offset, is_plain, .. } => {
                let within = if is_plain { HEADER_BYTES + body_offset } else { 0 };
                self.shard.diagnostics.add_at(kind, offset + within as u64);
            }
            Place::Unknown => self.shard.diagnostics.add(kind, 1),
        }
    }

    #[inline]
    fn record(&mut self, record: &Record<'_>, time: Option<Ticks>) {
        let kind = match record.key {
            RecordKey::Hook(hook) => {
                match self.hooks.get_mut(usize::from(hook)) {
                    Some(count) => *count += 1,
                    None => *self.shard.census.hooks.entry(hook).or_default() += 1,
                }
                if let Some(time) = time {
                    self.kernel(record.key, time);
                }
                EventKind::from_hook(hook)
            }
            RecordKey::Provider { guid, opcode } => {
                *self.providers.entry(guid).or_default() += 1;
                // A merge and another reader give kernel records their GUIDs.
                match time {
                    Some(time) if is_kernel_group(&guid) => self.kernel(record.key, time),
                    time => self.shard.last_other_time = self.shard.last_other_time.max(time),
                }
                EventKind::from_provider(&guid, opcode)
            }
            RecordKey::Message => {
                self.shard.census.messages += 1;
                return;
            }
            RecordKey::Other(_) => return,
        };
        let Some(time) = time else { return };
        if kind != EventKind::LogfileHeader && self.shard.first_time.is_none_or(|first| time < first) {
            self.shard.first_time = Some(time);
        }
        let decoded = match kind {
            EventKind::PoolAlloc => self.pool(record, time, false, false),
            EventKind::PoolAllocSession => self.pool(record, time, false, true),
            EventKind::PoolFree => self.pool(record, time, true, false),
            EventKind::PoolFreeSession => self.pool(record, time, true, true),
            EventKind::StackInline | EventKind::StackKeyKernel | EventKind::StackKeyUser => {
                self.shard.census.stack_records += 1;
                self.stacks == StackScope::None || self.stack(record, time, kind).is_some()
            }
            EventKind::StackKeyDefinition => {
                self.shard.census.stack_definitions += 1;
                self.stacks == StackScope::None || self.definition(record, time).is_some()
            }
            other => {
                if self.stacks != StackScope::None {
                    self.recent.push(time, record.thread, None);
                }
                self.rare(record, time, other)
            }
        };
        if !decoded {
            self.note(DiagnosticKind::BadPayload, record.offset);
            if kind == EventKind::StackKeyDefinition {
                self.shard.losses.push((time, time));
            }
        }
    }

    /// A kernel record, for what the buffer shows of when it was recorded. What the logger writes with the header record has
    /// the header's time, whenever the buffers behind it begin.
    #[inline]
    fn kernel(&mut self, key: RecordKey, time: Ticks) {
        if is_of_logger(key) && (time.0 == 0 || matches!(self.place, Place::Buffer { is_header: true, .. })) {
            return;
        }
        let is_pool = match key {
            RecordKey::Hook(hook) => EventKind::from_hook(hook).is_pool_event(),
            RecordKey::Provider { guid, opcode } => EventKind::from_provider(&guid, opcode).is_pool_event(),
            RecordKey::Message | RecordKey::Other(_) => false,
        };
        let span = match self.place {
            Place::Buffer { .. } => &mut self.span,
            Place::Unknown => self.by_cpu.entry(self.cpu).or_default(),
        };
        // Where time goes back, the order of what lies between is not known.
        if time < span.last {
            self.shard.losses.push((time, span.last));
        }
        span.note(time, is_pool);
    }

    /// A pool event. Every header kind is accepted; one without a thread takes it from its stack.
    #[inline]
    fn pool(&mut self, record: &Record<'_>, time: Ticks, is_free: bool, with_session: bool) -> bool {
        let Some(event) = PoolEvent::decode(record.payload, record.pointer_size, with_session) else {
            return false;
        };
        if record.version != 2 {
            self.note(DiagnosticKind::UnknownVersion, record.offset);
        }
        let context = self.shard.contexts.intern(RawContext {
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
            self.recent.push(time, record.thread, Some(Slot::new(is_free, columns.len())));
            columns.halves.push([HalfRef::NONE; 2]);
        }
        columns.time.push(time);
        columns.address.push(event.address);
        columns.size.push(event.size);
        columns.context.push(context);
        let (first, last) = self.shard.pool_times.get_or_insert((time, time));
        *first = time.min(*first);
        *last = time.max(*last);
        true
    }

    /// Decodes a stack record and puts it on its pool event if that is in this buffer. A stack of another event is counted;
    /// one without an event here is kept until all pool events are known.
    fn stack(&mut self, record: &Record<'_>, mut record_time: Ticks, kind: EventKind) -> Option<()> {
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
            // A processor's records are in order: a definition that it logged before the reference, in the same tick,
            // ended the key's life before.
            let own = self.shard.definitions.get(self.first_definition..).unwrap_or_default();
            if own.iter().rev().take_while(|d| d.time == record_time).any(|d| d.key == key) {
                record_time.0 += 1;
            }
            (target, Some(key), kernel)
        };
        let event_time = relative(target.event_time, self.time_zero);
        let side = usize::from(!kernel);
        let (allocs, frees) = (&self.shard.allocs, &self.shard.frees);
        let is_taken = |slot: Slot| {
            let columns = if slot.is_free() { frees } else { allocs };
            columns.halves.get(slot.row()).is_none_or(|halves| halves[side] != HalfRef::NONE)
        };
        let found = self.recent.find(event_time, target.thread, is_taken);
        if found == Target::Other {
            self.shard.census.unmatched_stacks += 1;
            return Some(());
        }
        let half = match key {
            Some(key) => Half::Key { key, kernel },
            None => Half::Inline { raw: self.raws.intern(self.frames) },
        };
        let half = self.shard.halves.intern(half);
        let loose = LooseStack { event_time, record_time, thread: target.thread, pid: target.process, half, kernel };
        match found {
            Target::Pool(slot) => attach(&mut self.shard, slot, &loose),
            Target::Other | Target::Unknown => self.shard.loose.push(loose),
        }
        Some(())
    }

    fn definition(&mut self, record: &Record<'_>, time: Ticks) -> Option<()> {
        let StackKeyDefinitionEvent { key, frames } = StackKeyDefinitionEvent::decode(record.payload, record.pointer_size)?;
        self.frames.clear();
        self.frames.extend(frames.iter());
        let kernel = self.frames.first().is_some_and(|&f| is_kernel_address(f, record.pointer_size));
        let raw = self.raws.intern(self.frames);
        self.shard.definitions.push(Definition { time, key, kernel, raw });
        Some(())
    }

    pub(super) fn note_version(&mut self, record: &Record<'_>, newest: u8) {
        if record.version > newest {
            self.note(DiagnosticKind::UnknownVersion, record.offset);
        }
    }

    fn finish(mut self) -> Shard {
        for (hook, &count) in self.hooks.iter().enumerate().filter(|(_, count)| **count > 0) {
            *self.shard.census.hooks.entry(hook as u16).or_default() += count;
        }
        self.shard.census.providers = self.providers.into_iter().collect();
        let mut shard = self.shard;
        shard.allocs.shrink();
        shard.frees.shrink();
        shard.directions.shrink_to_fit();
        shard.contexts.close();
        shard.halves.close();
        shard
    }
}

/// A shorter run of zeros is no part of a file that was not written.
const LEAST_ZEROS: usize = 64;

/// Whether a record is the logger's own: of the event trace group.
fn is_of_logger(key: RecordKey) -> bool {
    match key {
        RecordKey::Hook(hook) => hook < 0x100,
        RecordKey::Provider { guid, .. } => is_event_trace_group(&guid),
        RecordKey::Message | RecordKey::Other(_) => false,
    }
}

/// Times that can be, from what opening the file has found.
fn believed(clock: &RecordClock) -> Believed {
    let time = |raw| relative(raw, clock.time_zero);
    Believed { window: (time(clock.plausible.0), time(clock.plausible.1)), step: clock.ticks_per_second }
}

/// Zeros at the end of a buffer whose events are not all there.
fn zeros_at_end(data: &[u8], buffer: &BufferRef) -> u64 {
    let start = buffer.offset as usize;
    let stored = data.get(start..start + buffer.present_bytes as usize).unwrap_or_default();
    let zeros = stored.iter().rev().take_while(|&&b| b == 0).count();
    if zeros >= LEAST_ZEROS { zeros as u64 } else { 0 }
}

/// Whether times go back.
struct Watch {
    latest: Ticks,
    went_back: bool,
}

impl Default for Watch {
    fn default() -> Self {
        Self { latest: Ticks::UNKNOWN, went_back: false }
    }
}

/// Puts half a stack on its pool event. An event whose header had no thread takes it from the stack record.
pub(super) fn attach(shard: &mut Shard, slot: Slot, stack: &LooseStack) {
    shard.census.pool_stack_records += 1;
    let half = match shard.halves.rows.get(stack.half as usize) {
        Some(&Half::Key { key, kernel }) if HalfRef::is_late(stack.event_time, stack.record_time) => {
            shard.halves.intern(Half::LateKey { key, kernel, time: stack.record_time })
        }
        _ => stack.half,
    };
    let columns: &mut EventColumns = if slot.is_free() { &mut shard.frees } else { &mut shard.allocs };
    let row = slot.row();
    if let Some(halves) = columns.halves.get_mut(row) {
        let side = usize::from(!stack.kernel);
        // A second record of one half is rare (two inline records); the other half takes it if it is free.
        let side = if halves[side] == HalfRef::NONE { side } else { 1 - side };
        if halves[side] == HalfRef::NONE {
            halves[side] = HalfRef::new(half, stack.event_time, stack.record_time);
        }
    }
    let Some(context) = columns.context.get_mut(row) else {
        return;
    };
    let Some(&raw) = shard.contexts.rows.get(*context as usize) else {
        return;
    };
    if raw.thread == NO_ID {
        *context = shard.contexts.intern(RawContext { thread: stack.thread, pid: stack.pid, ..raw });
    }
}

/// Raw ticks to ticks from time zero, kept within the limit that leaves room for the sentinels.
#[inline]
pub(super) fn relative(raw: i64, time_zero: i64) -> Ticks {
    Ticks(raw.saturating_sub(time_zero).clamp(-Ticks::LIMIT, Ticks::LIMIT))
}
