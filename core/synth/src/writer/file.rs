//! Trace writer: collects records in per-CPU buffers and writes the buffers to the file. Memory: one buffer per CPU, the retained
//! buffers in buffering mode, and a small entry for each buffer of the file.

use std::collections::VecDeque;
use std::io::{Cursor, Seek, SeekFrom, Write};

use super::buffer::{BUFFER_LOST, Buffer, EVENTS_LOST, Encoder, FLAG_OFFSET, FLUSH_MARKER, HEADER_LEN};
use super::bytes::Sink;
use super::logfile::{Closing, TRAILER_HOOK, header_buffer};
use super::{
    Compression, EventTraceHeader, FileMode, KernelHeader, KernelHeaderForm, RecordCounter, RecordHeader, RecordKey,
    RecordScope, TraceOptions, guids,
};
use crate::SynthError;

/// Statistics of a finished file.
#[derive(Debug, Clone, Default)]
pub struct WriteSummary {
    /// File size in bytes.
    pub bytes: u64,
    /// Buffers in the file, including the header buffer.
    pub buffers: u64,
    /// Buffers with a compressed body.
    pub compressed_buffers: u64,
    /// Records in the file by key, including the log-file header.
    pub records: RecordCounter,
    /// Ids of buffers that are not in the file (overwritten or lost), ascending.
    pub missing_buffers: Vec<u64>,
    /// `EventsLost` as written.
    pub events_lost: u32,
    /// `BuffersLost` as written.
    pub buffers_lost: u32,
    /// Raw timestamp of the latest record.
    pub last_ticks: i64,
    /// Raw timestamp of the end in the log-file header.
    pub end_ticks: i64,
    /// Buffers after the header buffer, in file order.
    pub placed: Vec<PlacedBuffer>,
}

/// A buffer of a finished file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacedBuffer {
    /// Its id, as [`TraceWriter::put`] gave it.
    pub id: u64,
    /// File offset.
    pub offset: u64,
    /// Bytes in the file.
    pub bytes: u64,
    /// CPU.
    pub cpu: u16,
    /// Raw timestamps of the first and the last kernel record; `None` without any.
    pub ticks: Option<(i64, i64)>,
    /// Records.
    pub records: u64,
}

/// Writes one `.etl` file, record by record. Records of one CPU must come in time order; the writer does not check.
pub struct TraceWriter<W> {
    out: W,
    options: TraceOptions,
    encoder: Encoder,
    open: Vec<Buffer>,
    /// A filled buffer that is written after the next one, to swap their order.
    held: Option<Buffer>,
    kept: VecDeque<Buffer>,
    /// Buffer in each slot of a circular file.
    slots: Vec<(u64, RecordCounter)>,
    encoded: Vec<u8>,
    position: u64,
    last_buffer: Option<(u64, u16)>,
    next_id: u64,
    next_sequence: i64,
    flushed: u64,
    stored: u64,
    summary: WriteSummary,
}

impl TraceWriter<Cursor<Vec<u8>>> {
    /// A writer into memory, for tests.
    ///
    /// # Errors
    /// As [`TraceWriter::new`].
    pub fn in_memory(options: TraceOptions) -> Result<Self, SynthError> {
        Self::new(Cursor::new(Vec::new()), options)
    }

    /// Finishes an in-memory trace and returns its bytes.
    ///
    /// # Errors
    /// As [`TraceWriter::finish`].
    pub fn into_bytes(self) -> Result<Vec<u8>, SynthError> {
        let (out, _) = self.finish()?;
        Ok(out.into_inner())
    }
}

impl<W: Write + Seek> TraceWriter<W> {
    /// Starts a file at the beginning of `out`.
    ///
    /// # Errors
    /// Invalid options, or an output that fails.
    pub fn new(mut out: W, options: TraceOptions) -> Result<Self, SynthError> {
        check(&options)?;
        let header = header_buffer(&options, &Closing::default())?;
        out.write_all(&header)?;
        let mut summary = WriteSummary {
            events_lost: options.events_lost,
            buffers_lost: options.buffers_lost,
            last_ticks: options.start_ticks,
            buffers: 1,
            ..WriteSummary::default()
        };
        summary.records.add(RecordKey::Hook(0), 1);
        summary.records.add(RecordKey::Hook(TRAILER_HOOK), 1);
        let logger_id = if options.short_header.is_some() { 0 } else { 1 };
        let open = (0..options.cpus).map(|cpu| Buffer { cpu, ..Buffer::default() }).collect();
        Ok(Self {
            encoder: Encoder::new(options.buffer_size, options.compression, logger_id),
            open,
            held: None,
            kept: VecDeque::new(),
            slots: Vec::new(),
            encoded: Vec::new(),
            position: header.len() as u64,
            last_buffer: None,
            next_id: 0,
            next_sequence: 1,
            flushed: 0,
            stored: 0,
            summary,
            out,
            options,
        })
    }

    /// The options the file was started with.
    pub const fn options(&self) -> &TraceOptions {
        &self.options
    }

    /// Writes a record; returns the id of its buffer.
    ///
    /// # Errors
    /// A CPU that does not exist, a record larger than a buffer, or an output that fails.
    pub fn put(&mut self, cpu: u16, head: &RecordHeader<'_>, payload: &[u8]) -> Result<u64, SynthError> {
        let is_left_out = match self.options.scope {
            RecordScope::All => false,
            RecordScope::Kernel => !head.is_of_kernel(),
            RecordScope::Providers => head.is_of_kernel(),
        };
        if is_left_out {
            return Ok(self.next_id);
        }
        let size = head.len() + payload.len();
        let buffer = self.room(cpu, size)?;
        head.write(&mut buffer.body, size as u16);
        buffer.body.extend_from_slice(payload);
        buffer.body.pad8();
        buffer.tally.add(head.key(), 1);
        buffer.flush_time = head.ticks();
        if head.is_of_kernel() {
            let (first, _) = *buffer.ticks.get_or_insert((head.ticks(), head.ticks()));
            buffer.ticks = Some((first, head.ticks()));
        }
        buffer.records += 1;
        let id = buffer.id;
        self.summary.last_ticks = self.summary.last_ticks.max(head.ticks());
        Ok(id)
    }

    /// Writes raw bytes in place of a record, padded to 8.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn put_raw(&mut self, cpu: u16, bytes: &[u8]) -> Result<u64, SynthError> {
        let buffer = self.room(cpu, bytes.len())?;
        buffer.body.extend_from_slice(bytes);
        buffer.body.pad8();
        buffer.tally.add(RecordKey::Raw, 1);
        Ok(buffer.id)
    }

    /// Writes a kernel event with a SYSTEM header; `owner`: process and thread id.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn system(
        &mut self,
        cpu: u16,
        hook: u16,
        version: u8,
        ticks: i64,
        owner: (u32, u32),
        payload: &[u8],
    ) -> Result<u64, SynthError> {
        let head = KernelHeader::new(KernelHeaderForm::System, self.options.width, hook, version, ticks, owner);
        self.put(cpu, &RecordHeader::Kernel(head), payload)
    }

    /// Writes a kernel event with a PERFINFO header.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn perf_info(
        &mut self,
        cpu: u16,
        hook: u16,
        version: u8,
        ticks: i64,
        payload: &[u8],
    ) -> Result<u64, SynthError> {
        let head = KernelHeader::new(KernelHeaderForm::PerfInfo, self.options.width, hook, version, ticks, (0, 0));
        self.put(cpu, &RecordHeader::Kernel(head), payload)
    }

    /// Writes a kernel event as in a relogged file: GUID of its group, opcode of its type.
    ///
    /// # Errors
    /// As [`Self::put`]; also a hook whose group has no known GUID.
    pub fn relogged(
        &mut self,
        cpu: u16,
        hook: u16,
        version: u8,
        ticks: i64,
        owner: (u32, u32),
        payload: &[u8],
    ) -> Result<u64, SynthError> {
        let guid = guids::of_hook(hook)
            .ok_or_else(|| SynthError::Params(format!("hook {hook:#06x} has no event class to be relogged under")))?;
        let head = EventTraceHeader {
            width: self.options.width,
            guid,
            opcode: hook as u8,
            level: 0,
            version: u16::from(version),
            ticks,
            pid: owner.0,
            tid: owner.1,
        };
        self.put(cpu, &RecordHeader::Full(head), payload)
    }

    /// Closes the open buffer of `cpu`, if it contains records.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn flush_cpu(&mut self, cpu: u16) -> Result<(), SynthError> {
        let Some(mut buffer) = self.take_open(cpu)? else {
            return Ok(());
        };
        buffer.sequence = self.next_sequence;
        self.next_sequence += 1;
        self.flushed += 1;
        if let Some(held) = self.held.take() {
            // Buffers of one CPU stay in order.
            let swap = held.cpu != buffer.cpu;
            let (first, second) = if swap { (buffer, held) } else { (held, buffer) };
            self.place(first)?;
            return self.place(second);
        }
        let swap_every = u64::from(self.options.swap_every);
        if swap_every > 0 && self.flushed.is_multiple_of(swap_every) {
            self.held = Some(buffer);
            return Ok(());
        }
        self.place(buffer)
    }

    /// Adds to the number of lost events.
    pub fn count_lost_events(&mut self, count: u32) {
        self.summary.events_lost = self.summary.events_lost.saturating_add(count);
    }

    /// Flags the open buffer of `cpu`: events were lost before or in it.
    ///
    /// # Errors
    /// A CPU that does not exist.
    pub fn flag_events_lost(&mut self, cpu: u16) -> Result<(), SynthError> {
        self.open_buffer(cpu)?.flags |= EVENTS_LOST;
        Ok(())
    }

    /// Discards the open buffer of `cpu`, as a logger without free buffers does; counts it and flags the next one.
    ///
    /// # Errors
    /// A CPU that does not exist.
    pub fn lose_buffer(&mut self, cpu: u16) -> Result<(), SynthError> {
        let Some(lost) = self.take_open(cpu)? else {
            return Ok(());
        };
        self.next_sequence += 1;
        self.summary.missing_buffers.push(lost.id);
        self.summary.buffers_lost = self.summary.buffers_lost.saturating_add(1);
        self.open_buffer(cpu)?.flags |= BUFFER_LOST;
        Ok(())
    }

    /// Finishes the file: flushes all CPUs, marks the last buffer, completes the header.
    ///
    /// # Errors
    /// An output that fails to write or seek.
    pub fn finish(self) -> Result<(W, WriteSummary), SynthError> {
        let end_ticks = self.summary.last_ticks;
        self.finish_at(end_ticks)
    }

    /// Finishes the file with the given end time; injected records may be later.
    ///
    /// # Errors
    /// As [`Self::finish`].
    pub fn finish_at(mut self, end_ticks: i64) -> Result<(W, WriteSummary), SynthError> {
        for cpu in 0..self.options.cpus {
            self.flush_cpu(cpu)?;
        }
        if let Some(held) = self.held.take() {
            self.place(held)?;
        }
        for buffer in std::mem::take(&mut self.kept) {
            self.store(&buffer)?;
        }
        for (_, tally) in std::mem::take(&mut self.slots) {
            self.summary.records.merge(&tally);
        }
        if let Some((at, flags)) = self.last_buffer {
            self.out.seek(SeekFrom::Start(at + FLAG_OFFSET))?;
            self.out.write_all(&(flags | FLUSH_MARKER).to_le_bytes())?;
        }
        let closing = Closing {
            end_filetime: self.options.filetime(end_ticks),
            buffers_written: u32::try_from(self.stored + 1).unwrap_or(u32::MAX),
            events_lost: self.summary.events_lost,
            buffers_lost: self.summary.buffers_lost,
        };
        let header = header_buffer(&self.options, &closing)?;
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&header)?;
        self.out.seek(SeekFrom::Start(self.position))?;
        self.out.flush()?;
        self.summary.missing_buffers.sort_unstable();
        self.summary.placed.sort_by_key(|placed| placed.offset);
        self.summary.bytes = self.position;
        self.summary.end_ticks = end_ticks;
        Ok((self.out, self.summary))
    }

    fn open_buffer(&mut self, cpu: u16) -> Result<&mut Buffer, SynthError> {
        let cpus = self.options.cpus;
        self.open.get_mut(usize::from(cpu)).ok_or(SynthError::NoSuchCpu { cpu, cpus })
    }

    /// The open buffer of `cpu`, with space for a record of `size` bytes.
    fn room(&mut self, cpu: u16, size: usize) -> Result<&mut Buffer, SynthError> {
        let body_limit = self.options.buffer_size as usize - HEADER_LEN;
        let limit = body_limit.min(usize::from(u16::MAX));
        if size > limit {
            return Err(SynthError::RecordTooLarge { size, limit });
        }
        if self.open_buffer(cpu)?.body.len() + size.next_multiple_of(8) > body_limit {
            self.flush_cpu(cpu)?;
        }
        let next_id = self.next_id;
        let buffer = self.open_buffer(cpu)?;
        let opened = buffer.body.is_empty();
        if opened {
            buffer.id = next_id;
            buffer.body.reserve(body_limit);
        }
        self.next_id += u64::from(opened);
        self.open_buffer(cpu)
    }

    /// Takes the open buffer of `cpu` and leaves an empty one; `None` without records.
    fn take_open(&mut self, cpu: u16) -> Result<Option<Buffer>, SynthError> {
        let buffer = self.open_buffer(cpu)?;
        if buffer.body.is_empty() {
            return Ok(None);
        }
        Ok(Some(std::mem::replace(buffer, Buffer { cpu, ..Buffer::default() })))
    }

    fn place(&mut self, buffer: Buffer) -> Result<(), SynthError> {
        let FileMode::Buffering { buffers } = self.options.mode else {
            return self.store(&buffer);
        };
        self.kept.push_back(buffer);
        if self.kept.len() > buffers as usize
            && let Some(oldest) = self.kept.pop_front()
        {
            self.summary.missing_buffers.push(oldest.id);
        }
        Ok(())
    }

    fn store(&mut self, buffer: &Buffer) -> Result<(), SynthError> {
        self.encoded.clear();
        let compressed = self.encoder.encode(buffer, &mut self.encoded);
        let flags = u16::from_le_bytes([self.encoded[FLAG_OFFSET as usize], self.encoded[FLAG_OFFSET as usize + 1]]);
        let at = match self.options.mode {
            FileMode::Circular { buffers } => self.claim_slot(buffers, buffer),
            _ => self.position,
        };
        if at != self.position || matches!(self.options.mode, FileMode::Circular { .. }) {
            self.out.seek(SeekFrom::Start(at))?;
        }
        self.out.write_all(&self.encoded)?;
        let Buffer { id, cpu, ticks, records, .. } = *buffer;
        let placed = PlacedBuffer { id, offset: at, bytes: self.encoded.len() as u64, cpu, ticks, records };
        // Only circular files reuse slots.
        let slot = (at / u64::from(self.options.buffer_size).max(1)).saturating_sub(1) as usize;
        match self.summary.placed.get_mut(slot).filter(|old| old.offset == at) {
            Some(old) => *old = placed,
            None => self.summary.placed.push(placed),
        }
        let end = at + self.encoded.len() as u64;
        if end > self.position {
            self.position = end;
            self.summary.buffers += 1;
        }
        if !matches!(self.options.mode, FileMode::Circular { .. }) {
            self.summary.records.merge(&buffer.tally);
        }
        self.summary.compressed_buffers += u64::from(compressed);
        self.last_buffer = Some((at, flags));
        self.stored += 1;
        Ok(())
    }

    /// File offset of the next slot of a circular file; records the buffer that it overwrites.
    fn claim_slot(&mut self, slots: u32, buffer: &Buffer) -> u64 {
        let slot = (self.stored % u64::from(slots.max(1))) as usize;
        let content = (buffer.id, buffer.tally.clone());
        match self.slots.get_mut(slot) {
            Some(old) => {
                self.summary.missing_buffers.push(old.0);
                *old = content;
            }
            None => self.slots.push(content),
        }
        u64::from(self.options.buffer_size) * (slot as u64 + 1)
    }
}

fn check(options: &TraceOptions) -> Result<(), SynthError> {
    let fail = |text: &str| Err(SynthError::Params(text.to_owned()));
    if options.cpus == 0 || options.cpus > 0x7FF {
        return fail("the number of CPUs must be 1 to 2047");
    }
    if !(1024..=16 << 20).contains(&options.buffer_size) || !options.buffer_size.is_multiple_of(8) {
        return fail("the buffer size must be a multiple of 8 from 1024 to 16777216 bytes");
    }
    if options.perf_freq <= 0 {
        return fail("the clock frequency must be positive");
    }
    if matches!(options.mode, FileMode::Circular { .. }) {
        if options.compression != Compression::None {
            return fail("a circular file overwrites slots of one size and cannot be compressed; use buffering");
        }
        if options.short_header.is_some() {
            return fail("a circular file has a full header buffer");
        }
    }
    Ok(())
}
