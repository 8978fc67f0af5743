//! Record framing (etl-format 1.6 and 3): from the body of a buffer to records with their header read. One header kind
//! per record decides sizes and places of everything else. This module must never look into a payload.

use poolscope_base::bytes::guid::Guid;
use poolscope_base::bytes::read::{bytes16_at, i64_at, u8_at, u16_at, u32_at};

/// What identifies a record's event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordKey {
    /// A kernel event: group << 8 | opcode.
    Hook(u16),
    /// A GUID-headed event: provider and opcode (for manifest events, the event id as well).
    Provider {
        /// Provider or event class.
        guid: Guid,
        /// Opcode.
        opcode: u8,
    },
    /// A WPP trace message.
    Message,
    /// A header kind without key (error, timed and the like), or one that nobody has described.
    Other(u8),
}

/// A record whose header has been read.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// What it is.
    pub key: RecordKey,
    /// Version of the event's payload.
    pub version: u8,
    /// Pointer size of whoever wrote it: 4 or 8.
    pub pointer_size: u8,
    /// Thread; `None` where the header has none.
    pub thread: Option<u32>,
    /// Process; `None` where the header has none.
    pub process: Option<u32>,
    /// Raw clock ticks; `None` where the header has none.
    pub time: Option<i64>,
    /// What follows header, counters and extended items.
    pub payload: &'a [u8],
    /// Offset of the record within the body.
    pub offset: usize,
}

/// Why framing stopped before the end of the events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameError {
    /// The marker is zero, or its flags are none that a record has.
    Marker,
    /// The size is smaller than the header or runs past the end of the events.
    Size,
    /// The extended items do not fit.
    ExtendedItems,
}

/// Iterates over the records of a body. Ends at the first record that makes no sense; [`Records::damage`] says so.
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

/// Counters of the processor stand between header and payload (etl-format 3.2).
const VERSION_PEBS: u16 = 0x8000;
const VERSION_COUNTERS: u16 = 0x0700;

impl<'a> Records<'a> {
    /// Frames `body`: the bytes behind the buffer header up to the end of events.
    #[must_use]
    pub const fn new(body: &'a [u8]) -> Self {
        Self { body, at: 0, damage: None }
    }

    /// Where and why framing stopped early; `None` if it reached the end of the events.
    #[must_use]
    pub const fn damage(&self) -> Option<(usize, FrameError)> {
        self.damage
    }

    #[cold]
    fn stop(&mut self, error: FrameError) -> Option<Record<'a>> {
        // The kernel fills what it never wrote with ones: that is an end, not damage.
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
            // Less than the smallest header: alignment, or a cut that the buffer level reports.
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

/// Size of a record with its header, as the header kind says where to find it.
#[inline]
fn frame_size(rest: &[u8], marker: u32) -> Result<usize, FrameError> {
    let flags = (marker >> 24) as u8;
    let kind = (marker >> 16) as u8;
    let size = match flags {
        0xc0 if is_kernel_kind(kind) => u16_at(rest, 4).ok_or(FrameError::Size)?,
        0xc0 | 0x90 | 0xb0 => marker as u16,
        _ => return Err(FrameError::Marker),
    };
    if usize::from(size) < 8 { Err(FrameError::Size) } else { Ok(usize::from(size)) }
}

#[inline]
const fn is_kernel_kind(kind: u8) -> bool {
    (kind >= TYPE_SYSTEM32 && kind <= TYPE_COMPACT64) || kind == TYPE_PERFINFO32 || kind == TYPE_PERFINFO64
}

#[inline]
fn read_header(bytes: &[u8], marker: u32, offset: usize) -> Result<Record<'_>, FrameError> {
    if marker >> 24 != 0xc0 {
        return Ok(keyless(RecordKey::Message, bytes, 8, offset));
    }
    match (marker >> 16) as u8 {
        kind @ TYPE_SYSTEM32..=TYPE_COMPACT64 => {
            let header = if kind <= 0x02 { 32 } else { 24 };
            let pointer_size = if kind & 1 == 1 { 4 } else { 8 };
            kernel(bytes, header, pointer_size, 0x10, true, offset)
        }
        TYPE_PERFINFO32 => kernel(bytes, 16, 4, 0x08, false, offset),
        TYPE_PERFINFO64 => kernel(bytes, 16, 8, 0x08, false, offset),
        0x0a => provider(bytes, 48, 4, offset),
        0x14 => provider(bytes, 48, 8, offset),
        0x0b => provider(bytes, 72, 4, offset),
        0x15 => provider(bytes, 72, 8, offset),
        0x12 => manifest(bytes, 4, offset),
        0x13 => manifest(bytes, 8, offset),
        kind => Ok(keyless(RecordKey::Other(kind), bytes, 8, offset)),
    }
}

fn keyless(key: RecordKey, bytes: &[u8], header: usize, offset: usize) -> Record<'_> {
    let payload = bytes.get(header..).unwrap_or_default();
    Record { key, version: 0, pointer_size: 8, thread: None, process: None, time: None, payload, offset }
}

/// SYSTEM, COMPACT and PERFINFO headers.
#[inline]
fn kernel(
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

/// EVENT_TRACE_HEADER and EVENT_INSTANCE_GUID_HEADER.
fn provider(bytes: &[u8], header: usize, pointer_size: u8, offset: usize) -> Result<Record<'_>, FrameError> {
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

/// EVENT_HEADER with its extended items.
fn manifest(bytes: &[u8], pointer_size: u8, offset: usize) -> Result<Record<'_>, FrameError> {
    const EXTENDED: u16 = 0x0001;
    let flags = u16_at(bytes, 4).ok_or(FrameError::Size)?;
    let mut start = 80;
    if bytes.len() < start {
        return Err(FrameError::Size);
    }
    let mut more = flags & EXTENDED != 0;
    while more {
        let size = usize::from(u16_at(bytes, start).ok_or(FrameError::ExtendedItems)?);
        let link = u16_at(bytes, start + 4).ok_or(FrameError::ExtendedItems)?;
        if size < 8 || start + size > bytes.len() {
            return Err(FrameError::ExtendedItems);
        }
        start += size;
        more = link & 1 != 0;
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

/// Where records go on behind a run of `zeros` zeros at `at`: the next place from which on they frame up to the end of the
/// events, or up to more zeros. `None` if there is none.
#[must_use]
pub fn resume(body: &[u8], at: usize, zeros: usize) -> Option<usize> {
    const LEAST: usize = 8;
    // A record that the zeros have cut in two ends within its own size: so far its rest reaches at most.
    const MOST: usize = 1 << 16;
    if zeros < LEAST {
        return None;
    }
    let start = (at + zeros).next_multiple_of(8).saturating_sub(8).max(at);
    let end = body.len().min(at + zeros + MOST);
    (start..end).step_by(8).find(|&place| {
        let mut records = Records::new(body.get(place..).unwrap_or_default());
        let is_any = records.next().is_some();
        is_any && {
            records.by_ref().for_each(drop);
            match records.damage() {
                None => true,
                Some((damaged, _)) => body.get(place + damaged..).is_some_and(|rest| rest.starts_with(&[0; LEAST])),
            }
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
    fn ones_end_a_buffer_and_zeros_damage_it() {
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
    fn reading_goes_on_behind_zeros() {
        let one = system64(0x0e20, &[7; 24]);
        let mut body: Vec<u8> = std::iter::repeat_n(one.clone(), 40).flatten().collect();
        // From the middle of one record to the middle of another.
        let range = 10 * one.len() + 16..20 * one.len() + 24;
        body[range.clone()].fill(0);
        let mut records = Records::new(&body);
        let before = records.by_ref().count();
        let (at, _) = records.damage().expect("zeros are no record");
        let zeros = body[at..].iter().take_while(|&&b| b == 0).count();
        let next = resume(&body, at, zeros).expect("records follow");
        assert_eq!((before, next), (11, 21 * one.len()));
        assert_eq!(Records::new(&body[next..]).count(), 19);
        assert_eq!(resume(&body[..range.end], at, range.end - at), None);
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
