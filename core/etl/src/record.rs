//! Records of a buffer: framing, and the header of each record. A record begins at a multiple of 8 within the body,
//! with a 32-bit marker:
//!
//! * bits 31-24: 0xC0 for an event header whose type is in bits 23-16, 0x90 for a WPP message, 0xFF for unused space,
//! * bits 15-0: the record's size; for the kernel's own headers the version instead, with the size in the next 16 bits.
//!
//! | type | header | bytes | size at | thread, process | time at | provider |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | 0x01, 0x02 | `SYSTEM_TRACE_HEADER`, 32/64 bits | 32 | 4 | 8, 12 | 16 | hook at 6 |
//! | 0x03, 0x04 | compact system header | 24 | 4 | 8, 12 | 16 | hook at 6 |
//! | 0x10, 0x11 | `PERFINFO_TRACE_HEADER` | 16 | 4 | none | 8 | hook at 6 |
//! | 0x0A, 0x14 | `EVENT_TRACE_HEADER` | 48 | 0 | 8, 12 | 16 | GUID at 0x18, opcode at 4 |
//! | 0x0B, 0x15 | `EVENT_INSTANCE_GUID_HEADER` | 72 | 0 | 8, 12 | 16 | GUID at 0x18, opcode at 4 |
//! | 0x12, 0x13 | `EVENT_HEADER` and extended items | 80 | 0 | 8, 12 | 16 | GUID at 0x18, opcode at 0x2D |
//!
//! Of each pair the first type is that of a 32-bit writer, the second that of a 64-bit one: it sets the pointer size of
//! the payload. A hook is `group << 8 | opcode`. In kernel headers the upper bits of the version word announce values
//! between header and payload: one of 8 bytes for bit 15 (PEBS), and as many processor counters of 8 bytes as bits 8-10
//! say. Extended items of an `EVENT_HEADER` have a header of 8 bytes in files (size, type, "another follows", data
//! size), unlike the structure of the API.
//!
//! Sources: phnt `ntwmi.h`; Microsoft Learn, `EVENT_TRACE_HEADER` and `EVENT_HEADER`; dissect.etl and
//! super-speedy-syslog-searcher read the same. All records of the real files measured are framed by these rules without
//! an error.

use poolscope_base::bytes::{bytes16_at, i64_at, u8_at, u16_at, u32_at, u64_triple};
use poolscope_base::guid::Guid;

/// Identity of a record's event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordKey {
    /// Kernel event by its hook: `group << 8 | opcode`.
    Hook(u16),
    /// Event of a provider. Relogged files have kernel events in this form, with the GUID of the kernel group.
    Provider {
        /// Provider, or event class of a classic one.
        guid: Guid,
        /// Opcode.
        opcode: u8,
    },
    /// WPP trace message.
    Message,
    /// Header type without a provider (error, timed and others), or an undocumented one.
    Other(u8),
}

/// A record with its header decoded.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Identity of the event.
    pub key: RecordKey,
    /// Version of the payload's layout.
    pub version: u8,
    /// Pointer size of the writer, 4 or 8.
    pub pointer_size: u8,
    /// Thread that was running; `None` if the header type has no such field.
    pub thread: Option<u32>,
    /// Process of that thread; `None` if the header type has no such field.
    pub process: Option<u32>,
    /// Time in ticks of the trace's clock; `None` if the header type has no such field.
    pub time: Option<i64>,
    /// Bytes behind header, counters and extended items.
    pub payload: &'a [u8],
    /// Offset of the record within the buffer's body.
    pub offset: usize,
}

impl Record<'_> {
    /// Offset behind the record in the body that it was read from.
    #[must_use]
    pub fn end_offset(&self, body: &[u8]) -> Option<usize> {
        let rest = body.get(self.offset..)?;
        let size = frame_size(rest, u32_at(rest, 0)?).ok()?;
        Some(self.offset + size)
    }
}

/// Replaces the time in the bytes of a record. Records without a time stay as they are.
pub fn set_time(record: &mut [u8], time: i64) {
    let at = match u32_at(record, 0).map(|marker| ((marker >> 24) as u8, (marker >> 16) as u8)) {
        Some((0xc0, TYPE_PERFINFO32 | TYPE_PERFINFO64)) => 0x08,
        Some((0xc0, TYPE_SYSTEM32..=TYPE_COMPACT64 | 0x0a | 0x0b | 0x12..=0x15)) => 0x10,
        _ => return,
    };
    if let Some(bytes) = record.get_mut(at..at + 8) {
        bytes.copy_from_slice(&time.to_le_bytes());
    }
}

/// Reason why framing stopped before the end of the events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameError {
    /// The marker is zero or has unknown flags.
    Marker,
    /// The size is smaller than the header or runs past the end of the events.
    Size,
    /// The extended items do not fit.
    ExtendedItems,
}

/// Iterator over the records of a buffer's body. Ends at the first record with an impossible header;
/// [`Records::damage`] then tells where and why.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    body: &'a [u8],
    at: usize,
    damage: Option<(usize, FrameError)>,
}

const TYPE_SYSTEM32: u8 = 0x01;
const TYPE_COMPACT64: u8 = 0x04;
const TYPE_PERFINFO32: u8 = 0x10;
const TYPE_PERFINFO64: u8 = 0x11;

/// Bits of the version word that announce values between header and payload.
const VERSION_PEBS: u16 = 0x8000;
const VERSION_COUNTERS: u16 = 0x0700;

impl<'a> Records<'a> {
    /// Starts at the beginning of `body`: the bytes from the end of the buffer header to the end of events.
    #[must_use]
    pub const fn new(body: &'a [u8]) -> Self {
        Self { body, at: 0, damage: None }
    }

    /// Starts at an offset of `body`, which must be that of a record.
    #[must_use]
    pub const fn starting_at(body: &'a [u8], offset: usize) -> Self {
        Self { body, at: offset, damage: None }
    }

    /// Returns the offset within the body of the next record.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.at
    }

    /// Offset within the body and reason of an early end; `None` if the iterator has not ended or reached the end of
    /// the events.
    #[must_use]
    pub const fn damage(&self) -> Option<(usize, FrameError)> {
        self.damage
    }

    #[cold]
    fn stop(&mut self, error: FrameError) -> Option<Record<'a>> {
        // The kernel fills unused space with ones: that is an end, not damage.
        let is_fill = self.body.get(self.at..).is_some_and(|rest| rest.iter().all(|&b| b == 0xff));
        if !is_fill {
            self.damage = Some((self.at, error));
        }
        self.at = self.body.len();
        None
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    #[inline]
    fn next(&mut self) -> Option<Record<'a>> {
        let rest = self.body.get(self.at..)?;
        if rest.len() < 8 {
            // Less than the smallest header: alignment, or a torn buffer, which is reported with the buffer.
            return None;
        }
        let marker = u32_at(rest, 0)?;
        let size = match frame_size(rest, marker) {
            Ok(size) => size,
            Err(error) => return self.stop(error),
        };
        let Some(bytes) = rest.get(..size) else {
            return self.stop(FrameError::Size);
        };
        match read_header(bytes, marker, self.at) {
            Ok(record) => {
                self.at += (size + 7) & !7;
                Some(record)
            }
            Err(error) => self.stop(error),
        }
    }
}

/// Header of a kernel record in one of the three forms that 64-bit systems write, without counters: what nearly all records
/// of a trace have. It is read at fixed offsets; any other record is left to [`Records`].
#[derive(Clone, Copy, Debug)]
pub struct CommonHeader {
    /// Hook of the event.
    pub hook: u16,
    /// Version of the payload's layout.
    pub version: u8,
    /// Thread that was running, and its process above it, if the header type has them.
    ids: u64,
    has_ids: bool,
    /// Time in ticks of the trace's clock.
    pub time: i64,
    /// Offset within the body of the payload.
    payload: usize,
    /// Offset within the body of the payload's end.
    payload_end: usize,
    /// Offset within the body of the next record.
    pub end: usize,
}

const MARKER_SYSTEM64: u16 = 0xc002;
const MARKER_COMPACT64: u16 = 0xc004;
const MARKER_PERFINFO64: u16 = 0xc011;

impl CommonHeader {
    /// Reads the header at an offset of a body. `None` if it has another form, is damaged, or is within the last 24 bytes.
    #[inline(always)]
    #[must_use]
    pub fn read(body: &[u8], at: usize) -> Option<Self> {
        let rest = body.get(at..)?;
        let [first, ids, third] = u64_triple(rest.first_chunk()?);
        let size = (first >> 32) as u16 as usize;
        // The upper half of the version announces counters.
        if first & 0xff00 != 0 || size > rest.len() {
            return None;
        }
        let (header, has_ids, time) = match (first >> 16) as u16 {
            MARKER_SYSTEM64 => (32, true, third),
            MARKER_PERFINFO64 => (16, false, ids),
            MARKER_COMPACT64 => (24, true, third),
            _ => return None,
        };
        if size < header {
            return None;
        }
        Some(Self {
            hook: (first >> 48) as u16,
            version: first as u8,
            ids,
            has_ids,
            time: time as i64,
            payload: at + header,
            payload_end: at + size,
            end: at + ((size + 7) & !7),
        })
    }

    /// Thread that was running; `None` if the header type has no such field.
    #[inline(always)]
    #[must_use]
    pub const fn thread(&self) -> Option<u32> {
        if self.has_ids { Some(self.ids as u32) } else { None }
    }

    /// The record that has this header at an offset of the body.
    #[inline(always)]
    #[must_use]
    pub fn record<'a>(&self, body: &'a [u8], at: usize) -> Record<'a> {
        Record {
            key: RecordKey::Hook(self.hook),
            version: self.version,
            pointer_size: 8,
            thread: self.thread(),
            process: if self.has_ids { Some((self.ids >> 32) as u32) } else { None },
            time: Some(self.time),
            payload: body.get(self.payload..self.payload_end).unwrap_or_default(),
            offset: at,
        }
    }
}

/// Reads a record's size, header included, from the field that its header type has for it.
#[inline]
fn frame_size(rest: &[u8], marker: u32) -> Result<usize, FrameError> {
    let flags = (marker >> 24) as u8;
    let kind = (marker >> 16) as u8;
    let size = match flags {
        0xc0 if is_kernel_type(kind) => u16_at(rest, 4).ok_or(FrameError::Size)?,
        0xc0 | 0x90 | 0xb0 => marker as u16,
        _ => return Err(FrameError::Marker),
    };
    if usize::from(size) < 8 { Err(FrameError::Size) } else { Ok(usize::from(size)) }
}

/// Returns `true` for the header types that have a version in the marker's lower half.
#[inline]
const fn is_kernel_type(kind: u8) -> bool {
    (kind >= TYPE_SYSTEM32 && kind <= TYPE_COMPACT64) || kind == TYPE_PERFINFO32 || kind == TYPE_PERFINFO64
}

#[inline]
fn read_header(bytes: &[u8], marker: u32, offset: usize) -> Result<Record<'_>, FrameError> {
    if marker >> 24 != 0xc0 {
        return Ok(record_without_key(RecordKey::Message, bytes, 8, offset));
    }
    match (marker >> 16) as u8 {
        kind @ TYPE_SYSTEM32..=TYPE_COMPACT64 => {
            let header = if kind <= 0x02 { 32 } else { 24 };
            let pointer_size = if kind & 1 == 1 { 4 } else { 8 };
            read_kernel_header(bytes, header, pointer_size, 0x10, true, offset)
        }
        TYPE_PERFINFO32 => read_kernel_header(bytes, 16, 4, 0x08, false, offset),
        TYPE_PERFINFO64 => read_kernel_header(bytes, 16, 8, 0x08, false, offset),
        0x0a => read_classic_header(bytes, 48, 4, offset),
        0x14 => read_classic_header(bytes, 48, 8, offset),
        0x0b => read_classic_header(bytes, 72, 4, offset),
        0x15 => read_classic_header(bytes, 72, 8, offset),
        0x12 => read_manifest_header(bytes, 4, offset),
        0x13 => read_manifest_header(bytes, 8, offset),
        kind => Ok(record_without_key(RecordKey::Other(kind), bytes, 8, offset)),
    }
}

fn record_without_key(key: RecordKey, bytes: &[u8], header: usize, offset: usize) -> Record<'_> {
    let payload = bytes.get(header..).unwrap_or_default();
    Record { key, version: 0, pointer_size: 8, thread: None, process: None, time: None, payload, offset }
}

/// Reads a system, compact or PERFINFO header.
#[inline]
fn read_kernel_header(
    bytes: &[u8],
    header: usize,
    pointer_size: u8,
    time_at: usize,
    has_ids: bool,
    offset: usize,
) -> Result<Record<'_>, FrameError> {
    let version = u16_at(bytes, 0).ok_or(FrameError::Size)?;
    let pebs = usize::from(version & VERSION_PEBS != 0);
    let counters = usize::from((version & VERSION_COUNTERS) >> 8);
    let start = header + 8 * (pebs + counters);
    Ok(Record {
        payload: bytes.get(start..).ok_or(FrameError::Size)?,
        key: RecordKey::Hook(u16_at(bytes, 6).ok_or(FrameError::Size)?),
        version: version as u8,
        pointer_size,
        thread: if has_ids { u32_at(bytes, 8) } else { None },
        process: if has_ids { u32_at(bytes, 12) } else { None },
        time: i64_at(bytes, time_at),
        offset,
    })
}

/// Reads an `EVENT_TRACE_HEADER` or `EVENT_INSTANCE_GUID_HEADER`.
fn read_classic_header(bytes: &[u8], header: usize, pointer_size: u8, offset: usize) -> Result<Record<'_>, FrameError> {
    Ok(Record {
        payload: bytes.get(header..).ok_or(FrameError::Size)?,
        key: RecordKey::Provider {
            guid: Guid(bytes16_at(bytes, 0x18).ok_or(FrameError::Size)?),
            opcode: u8_at(bytes, 4).ok_or(FrameError::Size)?,
        },
        version: u16_at(bytes, 6).ok_or(FrameError::Size)? as u8,
        pointer_size,
        thread: u32_at(bytes, 8),
        process: u32_at(bytes, 0x0c),
        time: i64_at(bytes, 0x10),
        offset,
    })
}

/// Reads an `EVENT_HEADER` and steps over its extended items.
fn read_manifest_header(bytes: &[u8], pointer_size: u8, offset: usize) -> Result<Record<'_>, FrameError> {
    const EXTENDED: u16 = 0x0001;
    let flags = u16_at(bytes, 4).ok_or(FrameError::Size)?;
    let mut start = 80;
    if bytes.len() < start {
        return Err(FrameError::Size);
    }
    let mut has_item = flags & EXTENDED != 0;
    while has_item {
        let size = usize::from(u16_at(bytes, start).ok_or(FrameError::ExtendedItems)?);
        let link = u16_at(bytes, start + 4).ok_or(FrameError::ExtendedItems)?;
        if size < 8 || start + size > bytes.len() {
            return Err(FrameError::ExtendedItems);
        }
        start += size;
        has_item = link & 1 != 0;
    }
    Ok(Record {
        payload: bytes.get(start..).ok_or(FrameError::Size)?,
        key: RecordKey::Provider {
            guid: Guid(bytes16_at(bytes, 0x18).ok_or(FrameError::Size)?),
            opcode: u8_at(bytes, 0x2d).ok_or(FrameError::Size)?,
        },
        version: u8_at(bytes, 0x2a).ok_or(FrameError::Size)?,
        pointer_size,
        thread: u32_at(bytes, 8),
        process: u32_at(bytes, 0x0c),
        time: i64_at(bytes, 0x10),
        offset,
    })
}

/// Finds the offset at which records continue behind a run of `zeros` zeros at `at`: the next one from which all
/// records up to the end of the events, or up to more zeros, have valid headers. `None` if there is none.
#[must_use]
pub fn resume_after_zeros(body: &[u8], at: usize, zeros: usize) -> Option<usize> {
    const MIN_ZEROS: usize = 8;
    // The rest of a record that was cut by the zeros is no longer than the largest record.
    const MAX_REST: usize = 1 << 16;
    if zeros < MIN_ZEROS {
        return None;
    }
    let start = (at + zeros).next_multiple_of(8).saturating_sub(8).max(at);
    let end = body.len().min(at + zeros + MAX_REST);
    (start..end).step_by(8).find(|&offset| {
        let mut records = Records::new(body.get(offset..).unwrap_or_default());
        if records.next().is_none() {
            return false;
        }
        records.by_ref().for_each(drop);
        match records.damage() {
            None => true,
            Some((damaged, _)) => body.get(offset + damaged..).is_some_and(|rest| rest.starts_with(&[0; MIN_ZEROS])),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system64(hook: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![2, 0, 2, 0xc0];
        bytes.extend((32 + payload.len() as u16).to_le_bytes());
        bytes.extend(hook.to_le_bytes());
        bytes.extend(7_u32.to_le_bytes());
        bytes.extend(4_u32.to_le_bytes());
        bytes.extend(1234_i64.to_le_bytes());
        bytes.extend([0; 8]);
        bytes.extend(payload);
        bytes.resize(bytes.len().next_multiple_of(8), 0xee);
        bytes
    }

    #[test]
    fn records_are_aligned_to_eight_bytes() {
        let mut body = system64(0x0e20, &[1, 2, 3]);
        body.extend(system64(0x0e22, &[]));
        let records: Vec<Record<'_>> = Records::new(&body).collect();
        assert_eq!(records.len(), 2);
        assert_eq!((records[0].key, records[0].payload), (RecordKey::Hook(0x0e20), &[1, 2, 3][..]));
        assert_eq!((records[0].thread, records[0].process, records[0].time), (Some(7), Some(4), Some(1234)));
        assert_eq!((records[1].key, records[1].offset), (RecordKey::Hook(0x0e22), 40));
    }

    #[test]
    fn counters_before_the_payload_are_skipped() {
        let mut body = system64(0x0e20, &[9; 32]);
        body[0..2].copy_from_slice(&(0x8202_u16).to_le_bytes());
        let record = Records::new(&body).next().expect("one record");
        assert_eq!((record.version, record.payload.len()), (2, 8));
    }

    #[test]
    fn common_headers_are_read_as_all_others() {
        let headers: [(u16, usize); 3] = [(MARKER_SYSTEM64, 32), (MARKER_COMPACT64, 24), (MARKER_PERFINFO64, 16)];
        for (marker, header) in headers {
            for payload in 0..20 {
                let mut body = vec![3, 0];
                body.extend(marker.to_le_bytes());
                body.extend(((header + payload) as u16).to_le_bytes());
                body.extend(0x0e22_u16.to_le_bytes());
                body.extend((8..(header + payload) as u8).collect::<Vec<u8>>());
                let whole = body.clone();
                body.resize(body.len().next_multiple_of(8), 0xee);
                assert_eq!(
                    CommonHeader::read(&body, 0).is_some(),
                    body.len() >= 24,
                    "the last bytes are left to others"
                );
                body.resize(body.len().max(24), 0xee);
                let mut records = Records::starting_at(&body, 0);
                let record = records.next().expect("one record");
                let common = CommonHeader::read(&body, 0).expect("a common header");
                let read = common.record(&body, 0);
                assert_eq!(
                    (read.key, read.version, read.thread, read.process, read.time, read.payload, read.pointer_size),
                    (
                        record.key,
                        record.version,
                        record.thread,
                        record.process,
                        record.time,
                        record.payload,
                        record.pointer_size
                    )
                );
                assert_eq!(common.end, records.offset());
                assert!(CommonHeader::read(&whole[..whole.len() - 1], 0).is_none(), "cut");
            }
        }
        let mut counted = system64(0x0e20, &[9; 32]);
        counted[0..2].copy_from_slice(&(0x0202_u16).to_le_bytes());
        assert!(CommonHeader::read(&counted, 0).is_none());
        let mut short = system64(0x0e20, &[9; 32]);
        short[4..6].copy_from_slice(&31_u16.to_le_bytes());
        assert!(CommonHeader::read(&short, 0).is_none());
    }

    #[test]
    fn a_fill_of_ones_is_an_end_and_zeros_are_damage() {
        let mut filled = system64(0x0e20, &[]);
        filled.extend([0xff; 64]);
        let mut records = Records::new(&filled);
        assert_eq!((records.by_ref().count(), records.damage()), (1, None));
        let mut zeroed = system64(0x0e20, &[]);
        zeroed.extend([0; 64]);
        let mut records = Records::new(&zeroed);
        assert_eq!((records.by_ref().count(), records.damage()), (1, Some((32, FrameError::Marker))));
    }

    #[test]
    fn reading_resumes_after_zeros() {
        let one = system64(0x0e20, &[7; 24]);
        let mut body: Vec<u8> = std::iter::repeat_n(one.clone(), 40).flatten().collect();
        // From the middle of one record to the middle of another.
        let range = 10 * one.len() + 16..20 * one.len() + 24;
        body[range.clone()].fill(0);
        let mut records = Records::new(&body);
        let before = records.by_ref().count();
        let (at, _) = records.damage().expect("zeros are no record");
        let zeros = body[at..].iter().take_while(|&&b| b == 0).count();
        let next = resume_after_zeros(&body, at, zeros).expect("records follow");
        assert_eq!((before, next), (11, 21 * one.len()));
        assert_eq!(Records::new(&body[next..]).count(), 19);
        assert_eq!(resume_after_zeros(&body[..range.end], at, range.end - at), None);
    }

    #[test]
    fn a_size_past_the_end_is_damage() {
        let mut body = system64(0x0e20, &[]);
        body[4..6].copy_from_slice(&200_u16.to_le_bytes());
        let mut records = Records::new(&body);
        assert!(records.next().is_none());
        assert_eq!(records.damage(), Some((0, FrameError::Size)));
    }
}
