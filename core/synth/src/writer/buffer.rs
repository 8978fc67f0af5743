//! One buffer: its 72-byte header and the compression of its body.

use super::bytes::Sink;
use super::{Compression, Compressor, RecordCounter};

pub(super) const HEADER_LEN: usize = 72;
/// File offset of `BufferFlag` within a buffer.
pub(super) const FLAG_OFFSET: u64 = 0x34;

pub(super) const FLUSH_MARKER: u16 = 0x01;
pub(super) const EVENTS_LOST: u16 = 0x02;
pub(super) const BUFFER_LOST: u16 = 0x04;
pub(super) const PROC_INDEX: u16 = 0x20;
pub(super) const COMPRESSED: u16 = 0x40;

/// A filled buffer that is not written yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Buffer {
    /// Id of the buffer in order of opening, over all CPUs; not written to the file.
    pub id: u64,
    pub cpu: u16,
    pub sequence: i64,
    pub flags: u16,
    pub flush_time: i64,
    /// First and last kernel record.
    pub ticks: Option<(i64, i64)>,
    pub records: u64,
    pub body: Vec<u8>,
    pub tally: RecordCounter,
}

/// Sizes and kind for the 72 bytes.
pub(super) struct HeaderFields {
    pub file_size: u32,
    pub saved_offset: u32,
    pub current_offset: u32,
    pub offset: u32,
    pub buffer_type: u16,
    pub flags: u16,
    pub cpu: u16,
    pub logger_id: u16,
    pub flush_time: i64,
    pub sequence: i64,
}

pub(super) fn write_header(out: &mut Vec<u8>, fields: &HeaderFields) {
    // The list links in real files are stale kernel pointers, which a reader must ignore.
    let stale = 0xFFFF_FA80_0340_0000 + (u64::from(fields.cpu) << 16);
    out.u32(fields.file_size);
    out.u32(fields.saved_offset);
    out.u32(fields.current_offset);
    out.u32(0);
    out.i64(fields.flush_time);
    out.i64(fields.sequence);
    out.u64(if fields.buffer_type == 4 { 0 } else { stale });
    out.u16(fields.cpu);
    out.u16(fields.logger_id);
    out.u32(3);
    out.u32(fields.offset);
    out.u16(fields.flags);
    out.u16(fields.buffer_type);
    out.u64(if fields.buffer_type == 4 { 0 } else { stale + 0x40 });
    out.u64(if fields.buffer_type == 4 { 0 } else { stale + 0x40 });
}

/// Encodes filled buffers as stored in the file.
pub(super) struct Encoder {
    pub buffer_size: u32,
    pub compression: Compression,
    pub logger_id: u16,
    compressor: Compressor,
    packed: Vec<u8>,
    whole: Vec<u8>,
}

impl Encoder {
    pub fn new(buffer_size: u32, compression: Compression, logger_id: u16) -> Self {
        Self {
            buffer_size,
            compression,
            logger_id,
            compressor: Compressor::new(),
            packed: Vec::new(),
            whole: Vec::new(),
        }
    }

    /// Appends the buffer to `out`; true if it was compressed.
    pub fn encode(&mut self, buffer: &Buffer, out: &mut Vec<u8>) -> bool {
        let filled = (HEADER_LEN + buffer.body.len()) as u32;
        let compressed = self.pack(&buffer.body);
        let saved = if self.compression == Compression::Whole && compressed { self.buffer_size } else { filled };
        write_header(
            out,
            &HeaderFields {
                file_size: if compressed { (HEADER_LEN + self.packed.len()) as u32 } else { self.buffer_size },
                saved_offset: saved,
                current_offset: saved,
                offset: filled,
                buffer_type: 0,
                flags: buffer.flags | PROC_INDEX | if compressed { COMPRESSED } else { 0 },
                cpu: buffer.cpu,
                logger_id: self.logger_id,
                flush_time: buffer.flush_time,
                sequence: buffer.sequence,
            },
        );
        if compressed {
            out.extend_from_slice(&self.packed);
        } else {
            out.extend_from_slice(&buffer.body);
            out.resize(out.len() + self.buffer_size as usize - filled as usize, 0xFF);
        }
        compressed
    }

    /// Compresses into `packed`; false if compression is off or does not shrink the body.
    fn pack(&mut self, body: &[u8]) -> bool {
        let source = match self.compression {
            Compression::None => return false,
            Compression::Filled => body,
            Compression::Whole => {
                self.whole.clear();
                self.whole.extend_from_slice(body);
                self.whole.resize(self.buffer_size as usize - HEADER_LEN, 0xFF);
                &self.whole
            }
        };
        self.packed.clear();
        self.compressor.compress(source, &mut self.packed);
        self.packed.len() < source.len()
    }
}
