//! Second pass of a slice: the log-file header, the descriptions from before the range, the buffers of the range record by record, and
//! what follows the range. Buffers are written uncompressed; the records of one processor keep their order.

use super::redact::{Redacted, Redactor};
use super::select::{OutsideRecord, Selection, records_with_bytes};
use super::{SliceError, SliceReport, SliceRequest};
use crate::buffer::{HEADER_BYTES, MAX_BUFFER_BYTES, TYPE_HEADER, flag};
use crate::event::EventKind;
use crate::file::{BodyScratch, BufferRef, TraceFile};
use crate::record::{Record, Records, set_time};
use poolscope_base::bytes::u32_at;
use poolscope_base::progress::CancelToken;
use std::collections::BTreeMap;
use std::io::{Seek, SeekFrom, Write};

/// Smallest size of a buffer, so that the largest record of 64 KB fits.
const BUFFER_BYTES_MIN: usize = (64 << 10) + 256;
/// Offset of `EndTime` in the log-file header.
const END_TIME_AT: usize = 16;
/// Offset of `BuffersWritten` in the log-file header.
const BUFFERS_WRITTEN_AT: usize = 36;

/// A buffer that is being filled.
struct OpenBuffer {
    /// Header of an original buffer of this processor.
    header: [u8; HEADER_BYTES],
    body: Vec<u8>,
    /// Flags on losses of the original buffers.
    losses: u16,
}

/// Writes a slice.
pub(super) struct SliceWriter<'w, W> {
    file: &'w TraceFile,
    request: SliceRequest,
    out: &'w mut W,
    redactor: Redactor,
    /// Size of each buffer but the first.
    buffer_bytes: usize,
    /// Open buffer of each processor.
    open: BTreeMap<u16, OpenBuffer>,
    report: SliceReport,
}

/// Writes everything.
///
/// # Errors
/// The trace cannot be read, or the slice cannot be written; or the range is empty.
pub(super) fn write<W: Write + Seek>(
    file: &TraceFile,
    request: SliceRequest,
    selection: Selection,
    out: &mut W,
    cancel: &CancelToken,
) -> Result<SliceReport, SliceError> {
    let buffer_bytes =
        (file.logfile.buffer_bytes as usize).clamp(BUFFER_BYTES_MIN, MAX_BUFFER_BYTES as usize).next_multiple_of(8);
    let (open, report, redactor) = (BTreeMap::new(), selection.report, Redactor::new(request.redacts));
    let mut writer = SliceWriter { file, request, out, redactor, buffer_bytes, open, report };
    let (first, last) = request.range;
    let buffers_written_at = writer.write_head()?;
    writer.write_outside(selection.before, first)?;
    writer.write_range(cancel)?;
    if writer.report.records == 0 {
        return Err(SliceError::EmptyRange);
    }
    writer.close_all()?;
    writer.write_outside(selection.after, last)?;
    writer.close_all()?;
    let SliceWriter { report, out, redactor, .. } = writer;
    out.seek(SeekFrom::Start(buffers_written_at))?;
    out.write_all(&report.buffers.to_le_bytes())?;
    out.seek(SeekFrom::End(0))?;
    Ok(SliceReport { redacted_texts: redactor.texts(), ..report })
}

impl<W: Write + Seek> SliceWriter<'_, W> {
    /// Writes the first buffer with the log-file header; returns the file offset of `BuffersWritten`.
    fn write_head(&mut self) -> Result<u64, SliceError> {
        let by_kind = |buffer: &&BufferRef| (buffer.header.kind != TYPE_HEADER, buffer.offset);
        let first = self.file.layout.buffers.iter().min_by_key(by_kind).ok_or(SliceError::NoHeader)?;
        let header = self.header_of(first)?;
        let mut scratch = BodyScratch::default();
        let body = self.file.body(first, &mut scratch)?.bytes;
        let is_header = |record: &Record<'_>| {
            record.kind() == EventKind::LogfileHeader && u32_at(record.payload, BUFFERS_WRITTEN_AT).is_some()
        };
        let record = Records::new(body).next().filter(is_header).ok_or(SliceError::NoHeader)?;
        let end = record.end_offset(body).ok_or(SliceError::NoHeader)?;
        let at = HEADER_BYTES + end - record.payload.len() + BUFFERS_WRITTEN_AT;
        let mut copied = Vec::new();
        for (record, bytes) in records_with_bytes(body) {
            // Of a file without a header buffer, the first one has ordinary records behind the header; they come later.
            if first.header.kind != TYPE_HEADER && record.kind() != EventKind::LogfileHeader {
                continue;
            }
            let mut bytes = bytes.to_vec();
            if self.redactor.redact(&record, &mut bytes) == Redacted::Drop {
                self.report.redacted_records += 1;
                continue;
            }
            if record.offset == 0 {
                self.set_end(&record, &mut bytes);
            }
            append(&mut copied, &bytes);
        }
        let size = (HEADER_BYTES + copied.len())
            .max(first.header.size_bytes.min(MAX_BUFFER_BYTES) as usize)
            .next_multiple_of(8);
        self.write_buffer(&OpenBuffer { header, body: copied, losses: 0 }, size)?;
        Ok(at as u64)
    }

    /// Sets the end of the recording in the log-file header to that of the range, unless the session was not closed. Otherwise the
    /// header would contradict the times of the events.
    fn set_end(&self, record: &Record<'_>, bytes: &mut [u8]) {
        let logfile = &self.file.logfile;
        let clock = &self.file.clock;
        let ticks = i128::from(self.request.range.1) - i128::from(clock.time_zero);
        let end = i128::from(logfile.start_filetime) + ticks * 10_000_000 / i128::from(clock.ticks_per_second.max(1));
        let at = bytes.len() - record.payload.len() + END_TIME_AT;
        if end < i128::from(logfile.end_filetime)
            && let Some(field) = bytes.get_mut(at..at + 8)
        {
            field.copy_from_slice(&(end as i64).to_le_bytes());
        }
    }

    /// Writes records from outside of the range with the time of its end that is nearer to them.
    fn write_outside(&mut self, records: Vec<OutsideRecord>, time: i64) -> Result<(), SliceError> {
        let Some(any) = self.file.layout.buffers.iter().find(|buffer| buffer.header.kind != TYPE_HEADER) else {
            return Ok(());
        };
        let header = self.header_of(any)?;
        let mut buffer = OpenBuffer { header, body: Vec::new(), losses: 0 };
        for OutsideRecord { mut bytes, .. } in records {
            set_time(&mut bytes, time);
            let kept = match records_with_bytes(&bytes.clone()).next() {
                Some((record, _)) => self.redactor.redact(&record, &mut bytes) == Redacted::Keep,
                None => false,
            };
            if !kept {
                self.report.redacted_records += 1;
                self.report.needed_records -= 1;
                continue;
            }
            if HEADER_BYTES + buffer.body.len() + bytes.len() + 8 > self.buffer_bytes {
                self.write_buffer(&buffer, self.buffer_bytes)?;
                buffer.body.clear();
            }
            append(&mut buffer.body, &bytes);
        }
        if !buffer.body.is_empty() {
            self.write_buffer(&buffer, self.buffer_bytes)?;
        }
        Ok(())
    }

    fn write_range(&mut self, cancel: &CancelToken) -> Result<(), SliceError> {
        let (first, last) = self.request.range;
        let mut scratch = BodyScratch::default();
        let file = self.file;
        for buffer in file.layout.buffers.iter().filter(|buffer| buffer.header.kind != TYPE_HEADER) {
            if cancel.is_cancelled() {
                return Err(SliceError::Canceled);
            }
            let header = self.header_of(buffer)?;
            let body = file.body(buffer, &mut scratch)?.bytes;
            for (record, bytes) in records_with_bytes(body) {
                let is_inside = record.time.is_some_and(|time| (first..=last).contains(&time));
                if !is_inside || record.kind() == EventKind::LogfileHeader {
                    continue;
                }
                let mut bytes = bytes.to_vec();
                if self.redactor.redact(&record, &mut bytes) == Redacted::Drop {
                    self.report.redacted_records += 1;
                    continue;
                }
                self.report.records += 1;
                self.report.pool_events += u64::from(record.kind().is_pool_event());
                let limit = self.buffer_bytes;
                let open = self.open.entry(buffer.header.cpu).or_insert_with(|| OpenBuffer {
                    header,
                    body: Vec::new(),
                    losses: 0,
                });
                open.losses |= buffer.header.flags & (flag::EVENTS_LOST | flag::BUFFER_LOST);
                if HEADER_BYTES + open.body.len() + bytes.len() + 8 > limit {
                    let full = std::mem::replace(open, OpenBuffer { header, body: Vec::new(), losses: 0 });
                    self.write_buffer(&full, limit)?;
                }
                let open = self.open.entry(buffer.header.cpu).or_insert_with(|| OpenBuffer {
                    header,
                    body: Vec::new(),
                    losses: 0,
                });
                append(&mut open.body, &bytes);
            }
        }
        Ok(())
    }

    fn close_all(&mut self) -> Result<(), SliceError> {
        for buffer in std::mem::take(&mut self.open).into_values().filter(|buffer| !buffer.body.is_empty()) {
            self.write_buffer(&buffer, self.buffer_bytes)?;
        }
        Ok(())
    }

    fn header_of(&self, buffer: &BufferRef) -> Result<[u8; HEADER_BYTES], SliceError> {
        let mut header = [0; HEADER_BYTES];
        self.file.reader().read_at(buffer.offset, &mut header).map_err(|error| SliceError::Write(error.reason))?;
        Ok(header)
    }

    /// Writes a buffer of `size` bytes; unused space is filled with ones, as the kernel does.
    fn write_buffer(&mut self, buffer: &OpenBuffer, size: usize) -> Result<(), SliceError> {
        let filled = (HEADER_BYTES + buffer.body.len()) as u32;
        let mut header = buffer.header;
        let flags = u16::from_le_bytes([header[0x34], header[0x35]]);
        let kept = flags & !(flag::COMPRESSED | flag::EVENTS_LOST | flag::BUFFER_LOST) | buffer.losses;
        let mut put =
            |at: usize, bytes: &[u8]| header.iter_mut().skip(at).zip(bytes).for_each(|(to, from)| *to = *from);
        put(0, &(size as u32).to_le_bytes());
        put(0x04, &filled.to_le_bytes());
        put(0x08, &filled.to_le_bytes());
        put(0x18, &u64::from(self.report.buffers).to_le_bytes());
        put(0x2c, &3_u32.to_le_bytes());
        put(0x30, &filled.to_le_bytes());
        put(0x34, &kept.to_le_bytes());
        self.out.write_all(&header)?;
        self.out.write_all(&buffer.body)?;
        self.out.write_all(&vec![0xff; size.saturating_sub(filled as usize)])?;
        self.report.buffers += 1;
        self.report.bytes += size as u64;
        Ok(())
    }
}

/// Appends a record at the next multiple of 8.
fn append(body: &mut Vec<u8>, record: &[u8]) {
    body.extend_from_slice(record);
    body.resize(body.len().next_multiple_of(8), 0);
}
