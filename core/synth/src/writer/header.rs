//! Encodes the headers of all kinds of records. Payloads are opaque.

use super::bytes::Sink;
use super::{Guid, RecordKey, Width};

/// Header form of a kernel event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KernelHeaderForm {
    /// 32 bytes with thread, process and CPU times.
    System,
    /// 24 bytes with thread and process.
    Compact,
    /// 16 bytes with the time only.
    PerfInfo,
}

/// Header of a kernel event with a hook.
#[derive(Debug, Clone, Copy)]
pub struct KernelHeader<'a> {
    /// Header form.
    pub form: KernelHeaderForm,
    /// Bitness of the writer.
    pub width: Width,
    /// Group in the high byte, type in the low one.
    pub hook: u16,
    /// Event version, 0..=255.
    pub version: u8,
    /// Raw timestamp.
    pub ticks: i64,
    /// Process id; not written in the PERFINFO form.
    pub pid: u32,
    /// Thread id; not written in the PERFINFO form.
    pub tid: u32,
    /// The 8-byte PEBS index after the header, if any.
    pub pebs: Option<u64>,
    /// Up to 7 performance counters after the header.
    pub counters: &'a [u64],
}

/// EVENT_TRACE_HEADER: an event with GUID and opcode.
#[derive(Debug, Clone, Copy)]
pub struct EventTraceHeader {
    /// Bitness of the writer.
    pub width: Width,
    /// Provider or event class.
    pub guid: Guid,
    /// Type of the event.
    pub opcode: u8,
    /// Level.
    pub level: u8,
    /// Version of the payload.
    pub version: u16,
    /// Raw timestamp.
    pub ticks: i64,
    /// Process id.
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
}

/// EVENT_INSTANCE_GUID_HEADER: an EVENT_TRACE_HEADER with instance ids.
#[derive(Debug, Clone, Copy)]
pub struct EventInstanceHeader {
    /// Fields shared with EVENT_TRACE_HEADER.
    pub full: EventTraceHeader,
    /// Instance id.
    pub instance: u32,
    /// Instance id of the parent.
    pub parent: u32,
    /// GUID of the parent.
    pub parent_guid: Guid,
}

/// One extended item of an EVENT_HEADER record.
#[derive(Debug, Clone, Copy)]
pub struct ExtendedItem<'a> {
    /// Kind of item, 5 and 6 are stacks.
    pub kind: u16,
    /// Its data, padded to 8 bytes when written.
    pub data: &'a [u8],
}

/// EVENT_HEADER: an event of a manifest provider.
#[derive(Debug, Clone, Copy)]
pub struct EventHeader<'a> {
    /// Bitness of the writer.
    pub width: Width,
    /// Provider.
    pub guid: Guid,
    /// Event id.
    pub id: u16,
    /// Version of the event.
    pub version: u8,
    /// Opcode.
    pub opcode: u8,
    /// Level.
    pub level: u8,
    /// Task.
    pub task: u16,
    /// Keyword bits.
    pub keyword: u64,
    /// Raw timestamp.
    pub ticks: i64,
    /// Process id.
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
    /// Extended items before the payload.
    pub items: &'a [ExtendedItem<'a>],
}

/// TRACE_MESSAGE (WPP) with GUID, time and thread.
#[derive(Debug, Clone, Copy)]
pub struct TraceMessageHeader {
    /// Message number.
    pub number: u16,
    /// Message GUID.
    pub guid: Guid,
    /// Raw timestamp.
    pub ticks: i64,
    /// Process id.
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
}

/// The header of one record.
#[derive(Debug, Clone, Copy)]
pub enum RecordHeader<'a> {
    /// A kernel event.
    Kernel(KernelHeader<'a>),
    /// A GUID-headed event.
    Full(EventTraceHeader),
    /// A GUID-headed event with instances.
    Instance(EventInstanceHeader),
    /// A manifest event.
    Event(EventHeader<'a>),
    /// A WPP message.
    Message(TraceMessageHeader),
}

impl KernelHeader<'static> {
    /// A header without counters.
    #[must_use]
    pub const fn new(
        form: KernelHeaderForm,
        width: Width,
        hook: u16,
        version: u8,
        ticks: i64,
        owner: (u32, u32),
    ) -> Self {
        Self { form, width, hook, version, ticks, pid: owner.0, tid: owner.1, pebs: None, counters: &[] }
    }
}

impl RecordHeader<'_> {
    /// Bytes before the payload.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Kernel(head) => {
                let fixed = match head.form {
                    KernelHeaderForm::System => 32,
                    KernelHeaderForm::Compact => 24,
                    KernelHeaderForm::PerfInfo => 16,
                };
                fixed + 8 * (usize::from(head.pebs.is_some()) + head.counters.len().min(7))
            }
            Self::Full(_) => 48,
            Self::Instance(_) => 72,
            Self::Event(head) => 80 + head.items.iter().map(|item| item_len(item)).sum::<usize>(),
            Self::Message(_) => 40,
        }
    }

    /// A header is never empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// Raw timestamp of the record.
    #[must_use]
    pub const fn ticks(&self) -> i64 {
        match self {
            Self::Kernel(head) => head.ticks,
            Self::Full(head) => head.ticks,
            Self::Instance(head) => head.full.ticks,
            Self::Event(head) => head.ticks,
            Self::Message(head) => head.ticks,
        }
    }

    /// Returns `true` for records of the kernel: with a hook or the GUID of a kernel group.
    #[must_use]
    pub fn is_of_kernel(&self) -> bool {
        match self {
            Self::Kernel(_) => true,
            Self::Full(head) => super::guids::is_kernel_group(head.guid),
            _ => false,
        }
    }

    /// Key by which the record is counted.
    #[must_use]
    pub const fn key(&self) -> RecordKey {
        match self {
            Self::Kernel(head) => RecordKey::Hook(head.hook),
            Self::Full(head) => RecordKey::Provider(head.guid),
            Self::Instance(head) => RecordKey::Provider(head.full.guid),
            Self::Event(head) => RecordKey::Provider(head.guid),
            Self::Message(_) => RecordKey::Message,
        }
    }

    /// Appends the header of a record of `size` bytes (header and payload).
    pub fn write(&self, out: &mut Vec<u8>, size: u16) {
        match self {
            Self::Kernel(head) => write_kernel(out, head, size),
            Self::Full(head) => write_full(out, head, size, (0x0A, 0x14)),
            Self::Instance(head) => write_instance(out, head, size),
            Self::Event(head) => write_event(out, head, size),
            Self::Message(head) => write_message(out, head, size),
        }
    }
}

fn item_len(item: &ExtendedItem<'_>) -> usize {
    8 + item.data.len().next_multiple_of(8)
}

fn by_width(width: Width, codes: (u8, u8)) -> u8 {
    match width {
        Width::Bits32 => codes.0,
        Width::Bits64 => codes.1,
    }
}

fn write_kernel(out: &mut Vec<u8>, head: &KernelHeader<'_>, size: u16) {
    let codes = match head.form {
        KernelHeaderForm::System => (0x01, 0x02),
        KernelHeaderForm::Compact => (0x03, 0x04),
        KernelHeaderForm::PerfInfo => (0x10, 0x11),
    };
    let counters = &head.counters[..head.counters.len().min(7)];
    let pebs = if head.pebs.is_some() { 0x8000 } else { 0 };
    out.u16(u16::from(head.version) | pebs | ((counters.len() as u16) << 8));
    out.u8(by_width(head.width, codes));
    out.u8(0xC0);
    out.u16(size);
    out.u16(head.hook);
    if head.form != KernelHeaderForm::PerfInfo {
        out.u32(head.tid);
        out.u32(head.pid);
    }
    out.i64(head.ticks);
    if head.form == KernelHeaderForm::System {
        out.u64(0);
    }
    for value in head.pebs.iter().chain(counters) {
        out.u64(*value);
    }
}

fn write_full(out: &mut Vec<u8>, head: &EventTraceHeader, size: u16, codes: (u8, u8)) {
    out.u16(size);
    out.u8(by_width(head.width, codes));
    out.u8(0xC0);
    out.u8(head.opcode);
    out.u8(head.level);
    out.u16(head.version);
    out.u32(head.tid);
    out.u32(head.pid);
    out.i64(head.ticks);
    out.guid(&head.guid);
    out.u64(0);
}

fn write_instance(out: &mut Vec<u8>, head: &EventInstanceHeader, size: u16) {
    write_full(out, &head.full, size, (0x0B, 0x15));
    out.u32(head.instance);
    out.u32(head.parent);
    out.guid(&head.parent_guid);
}

fn write_event(out: &mut Vec<u8>, head: &EventHeader<'_>, size: u16) {
    out.u16(size);
    out.u8(by_width(head.width, (0x12, 0x13)));
    out.u8(0xC0);
    let bitness = if head.width == Width::Bits64 { 0x0040 } else { 0x0020 };
    out.u16(bitness | u16::from(!head.items.is_empty()));
    out.u16(0);
    out.u32(head.tid);
    out.u32(head.pid);
    out.i64(head.ticks);
    out.guid(&head.guid);
    out.u16(head.id);
    out.u8(head.version);
    out.u8(0);
    out.u8(head.level);
    out.u8(head.opcode);
    out.u16(head.task);
    out.u64(head.keyword);
    out.u64(0);
    out.zeros(16);
    for (index, item) in head.items.iter().enumerate() {
        out.u16(item_len(item) as u16);
        out.u16(item.kind);
        out.u16(u16::from(index + 1 < head.items.len()));
        out.u16(item.data.len() as u16);
        out.extend_from_slice(item.data);
        out.zeros(item_len(item) - 8 - item.data.len());
    }
}

fn write_message(out: &mut Vec<u8>, head: &TraceMessageHeader, size: u16) {
    out.u16(size);
    out.u8(0);
    out.u8(0x90);
    out.u16(head.number);
    out.u16(0x02 | 0x08 | 0x20); // GUID, timestamp, thread and process
    out.guid(&head.guid);
    out.i64(head.ticks);
    out.u32(head.tid);
    out.u32(head.pid);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::writer::guids;

    fn bytes(head: &RecordHeader<'_>, size: u16) -> Vec<u8> {
        let mut out = Vec::new();
        head.write(&mut out, size);
        assert_eq!(out.len(), head.len());
        out
    }

    #[test]
    fn system_header_of_a_pool_allocation() {
        let head =
            KernelHeader::new(KernelHeaderForm::System, Width::Bits64, 0x0E20, 2, 0x0102_0304_0506_0708, (0x11, 0x22));
        let out = bytes(&RecordHeader::Kernel(head), 56);
        let expected = [
            2, 0, 2, 0xC0, 56, 0, 0x20, 0x0E, 0x22, 0, 0, 0, 0x11, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0,
            0, 0,
        ];
        assert_eq!(out, expected);
    }

    #[test]
    fn counters_follow_a_perfinfo_header() {
        let base = KernelHeader::new(KernelHeaderForm::PerfInfo, Width::Bits32, 0x0524, 2, 1, (0, 0));
        let head = KernelHeader { pebs: Some(9), counters: &[5, 6], ..base };
        let out = bytes(&RecordHeader::Kernel(head), 40);
        assert_eq!(out[..4], [2, 0x82, 0x10, 0xC0]);
        assert_eq!(out.len(), 40);
        assert_eq!((out[16], out[24], out[32]), (9, 5, 6));
    }

    #[test]
    fn full_and_instance_headers_carry_the_guid_at_0x18() {
        let full = EventTraceHeader {
            width: Width::Bits64,
            guid: guids::POOL,
            opcode: 32,
            level: 0,
            version: 2,
            ticks: 3,
            pid: 4,
            tid: 5,
        };
        let out = bytes(&RecordHeader::Full(full), 72);
        assert_eq!(out[..8], [72, 0, 0x14, 0xC0, 32, 0, 2, 0]);
        assert_eq!((out[8], out[12], out[16]), (5, 4, 3));
        assert_eq!(out[0x18..0x28], guids::POOL.to_bytes());
        let instance = EventInstanceHeader { full, instance: 7, parent: 8, parent_guid: guids::PROCESS };
        let out = bytes(&RecordHeader::Instance(instance), 72);
        assert_eq!(out[2], 0x15);
        assert_eq!((out[48], out[52]), (7, 8));
    }

    #[test]
    fn extended_items_are_padded_and_chained() {
        let items = [ExtendedItem { kind: 6, data: &[1; 12] }, ExtendedItem { kind: 1, data: &[2; 16] }];
        let head = EventHeader {
            width: Width::Bits64,
            guid: guids::RT_LOST,
            id: 0x1234,
            version: 1,
            opcode: 2,
            level: 4,
            task: 0,
            keyword: 0,
            ticks: 3,
            pid: 4,
            tid: 5,
            items: &items,
        };
        let out = bytes(&RecordHeader::Event(head), 200);
        assert_eq!(out[4..6], [0x41, 0]);
        assert_eq!(out[0x28..0x2A], [0x34, 0x12]);
        assert_eq!(out[80..88], [24, 0, 6, 0, 1, 0, 12, 0]);
        assert_eq!(out[104..112], [24, 0, 1, 0, 0, 0, 16, 0]);
    }

    #[test]
    fn messages_have_their_flag() {
        let head = TraceMessageHeader { number: 10, guid: guids::RT_LOST, ticks: 3, pid: 4, tid: 5 };
        assert_eq!(bytes(&RecordHeader::Message(head), 44)[..8], [44, 0, 0, 0x90, 10, 0, 0x2A, 0]);
    }
}
