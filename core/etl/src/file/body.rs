//! Body of a buffer: the bytes of its records, read into a worker's scratch memory and decompressed if needed.

use super::layout::BufferRef;
use crate::buffer::{BufferHeader, HEADER_BYTES, MAX_BUFFER_BYTES};
use crate::diagnostics::{DiagnosticKind, Diagnostics};
use crate::xpress::Decompressor;
use poolscope_base::file_reader::{FileReader, ReadError};
use poolscope_base::file_window::FileWindow;

/// Shorter runs of zeros at the end of a damaged buffer are not counted as unwritten parts of the file.
const MIN_ZEROS: usize = 64;

/// Reusable memory of one thread for the bytes of buffers as they are in the file, and for one decompressed body.
#[derive(Debug, Default)]
pub struct BodyScratch {
    pub(super) window: FileWindow,
    decompressor: Decompressor,
}

/// Bytes of a buffer's records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BufferBody<'a> {
    /// The bytes between the header of the buffer and the end of its events, as far as they are readable.
    pub bytes: &'a [u8],
    /// Damage, if bytes are missing.
    pub damage: Option<BodyDamage>,
}

/// Damage of a buffer's body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BodyDamage {
    /// The buffer ends with this many zeros, which were never written.
    Zeroed(u64),
    /// The buffer is shorter than its header says.
    Short,
    /// The body does not decompress to its end.
    Compression,
}

impl BufferBody<'_> {
    /// Counts the damage of the body, which is that of `buffer`.
    pub fn count_damage(&self, buffer: &BufferRef, diagnostics: &mut Diagnostics) {
        match self.damage {
            Some(BodyDamage::Zeroed(bytes)) => diagnostics.add(DiagnosticKind::ZeroedBytes, bytes),
            Some(BodyDamage::Short) => diagnostics.add_at(DiagnosticKind::BadBuffer, buffer.offset),
            Some(BodyDamage::Compression) => diagnostics.add_at(DiagnosticKind::BadCompression, buffer.offset),
            None => {}
        }
    }
}

/// Reads the body of a buffer.
pub(super) fn read_body<'a>(
    reader: &'a FileReader,
    buffer: &BufferRef,
    scratch: &'a mut BodyScratch,
) -> Result<BufferBody<'a>, ReadError> {
    let BodyScratch { window, decompressor } = scratch;
    let present = window.bytes(reader, buffer.offset, buffer.present_bytes as usize)?;
    Ok(body_of(present, buffer, decompressor))
}

/// Upper bound on the bytes of a buffer in its file, from its header on, that hold the first `bytes` of its body.
pub(super) const fn beginning_bytes(bytes: u32) -> usize {
    // A compressed stream is longer than its output by at most one flag bit per byte.
    HEADER_BYTES + (bytes + bytes / 8 + 8) as usize
}

/// Reads the first `bytes` of a body, decompressed; fewer if the body is shorter.
pub(super) fn read_beginning<'a>(
    reader: &'a FileReader,
    buffer: &BufferRef,
    bytes: u32,
    scratch: &'a mut BodyScratch,
) -> Result<&'a [u8], ReadError> {
    let present_bytes = buffer.present_bytes.min(beginning_bytes(bytes) as u32);
    let filled_bytes = buffer.header.filled_bytes.min(HEADER_BYTES as u32 + bytes);
    let beginning = BufferRef { present_bytes, header: BufferHeader { filled_bytes, ..buffer.header }, ..*buffer };
    Ok(read_body(reader, &beginning, scratch)?.bytes)
}

/// Finds the body in the bytes of a buffer, or decompresses it.
fn body_of<'a>(present: &'a [u8], buffer: &BufferRef, decompressor: &'a mut Decompressor) -> BufferBody<'a> {
    let header = &buffer.header;
    let stored = present.get(HEADER_BYTES..).unwrap_or_default();
    let wanted = (header.filled_bytes as usize).saturating_sub(HEADER_BYTES);
    if !header.is_compressed() {
        let is_short = wanted > stored.len() && header.size_bytes == buffer.present_bytes;
        let damage = is_short.then(|| damage_of(present, BodyDamage::Short));
        return BufferBody { bytes: stored.get(..wanted).unwrap_or(stored), damage };
    }
    // Merges compress only the events of a buffer. The kernel's file-mode compression is said to compress the whole
    // session buffer with its fill (not seen in a real file): decompression stops at the end of the events in both
    // cases.
    let cap = wanted.min(MAX_BUFFER_BYTES as usize);
    let (body, _) = decompressor.decompress(stored, cap);
    let damage = (body.len() < wanted).then(|| damage_of(present, BodyDamage::Compression));
    BufferBody { bytes: body.get(..wanted).unwrap_or(body), damage }
}

/// Damage of a buffer: `other`, unless zeros at its end explain it.
fn damage_of(present: &[u8], other: BodyDamage) -> BodyDamage {
    let zeros = present.iter().rev().take_while(|&&b| b == 0).count();
    if zeros >= MIN_ZEROS { BodyDamage::Zeroed(zeros as u64) } else { other }
}
