//! Header of a buffer (`WMI_BUFFER_HEADER`), 72 bytes on 32- and 64-bit systems:
//!
//! | offset | type | field | meaning in a file |
//! | --- | --- | --- | --- |
//! | 0x00 | u32 | `BufferSize` | bytes that the buffer takes in the file; of a compressed buffer 72 plus the compressed length |
//! | 0x18 | i64 | `SequenceNumber` | order of flushes within the session; not unique, 0 in the header buffer |
//! | 0x28 | u16 | `ProcessorIndex` | processor that filled the buffer |
//! | 0x2C | u32 | `State` | 3 (flushed) in files |
//! | 0x30 | u32 | `Offset` | end of the events, this header included, in uncompressed bytes |
//! | 0x34 | u16 | `BufferFlag` | see [`flag`] |
//! | 0x36 | u16 | `BufferType` | 0 general, 4 header buffer; up to 7 described, no others seen |
//!
//! `SavedOffset` (0x04) and `CurrentOffset` (0x08) are not read: real files have events behind the one and stale values
//! in the other. Nor is the buffer's timestamp (0x10): it is in clock ticks in files of the kernel and in 100 ns units
//! in merged ones. The sizes of buffers differ within one file and need not be multiples of 8.
//!
//! Sources: `ntwmi.h` of System Informer's phnt headers; Geoff Chappell, "WMI_BUFFER_HEADER"; every offset above agrees
//! with all buffers of the real files measured.

use poolscope_base::bytes::{i64_at, u16_at, u32_at};

/// Bytes of a buffer header, the same on 32- and 64-bit systems.
pub const HEADER_BYTES: usize = 72;

/// Largest buffer of a session: 1 MiB up to Windows 7, 16 MiB from Windows 8 (phnt `ntwmi.h`).
pub const MAX_BUFFER_BYTES: u32 = 16 << 20;

/// Bits of `BufferFlag` (phnt `ntwmi.h`).
pub mod flag {
    /// Events were lost before or in this buffer.
    pub const EVENTS_LOST: u16 = 0x02;
    /// A whole buffer was lost before this one.
    pub const BUFFER_LOST: u16 = 0x04;
    /// Last buffer of a flush. Set on the header buffer and on the last buffer of a file that was closed.
    pub const FLUSH_MARKER: u16 = 0x01;
    /// The processor index takes 16 bits, of which 11 are used, instead of 8.
    pub const PROC_INDEX: u16 = 0x20;
    /// The body is compressed.
    pub const COMPRESSED: u16 = 0x40;
    /// All documented bits.
    pub(super) const DOCUMENTED: u16 = 0x7f;
}

/// `BufferType` of the header buffer, the first one of a file.
pub const TYPE_HEADER: u16 = 4;
/// Largest documented `BufferType`.
const LAST_TYPE: u16 = 7;
/// Largest documented `State`: the buffer is being flushed.
const LAST_STATE: u32 = 3;

/// The fields of a buffer header that reading needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BufferHeader {
    /// Bytes that the buffer takes in the file, header included.
    pub size_bytes: u32,
    /// End of the events, the header included, in uncompressed bytes.
    pub filled_bytes: u32,
    /// Order of flushes within the session; not unique.
    pub sequence: i64,
    /// Processor that filled the buffer.
    pub cpu: u16,
    /// Bits of [`flag`].
    pub flags: u16,
    /// `BufferType`; see [`TYPE_HEADER`].
    pub kind: u16,
    /// `State`; 3 in files.
    pub state: u32,
}

impl BufferHeader {
    /// Reads a header at the start of `data`; `None` if there are fewer than 72 bytes.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let data = data.get(..HEADER_BYTES)?;
        let flags = u16_at(data, 0x34)?;
        let processor = u16_at(data, 0x28)?;
        // Without the flag the second byte is an alignment.
        let cpu = if flags & flag::PROC_INDEX != 0 { processor & 0x07ff } else { processor & 0x00ff };
        Some(Self {
            size_bytes: u32_at(data, 0)?,
            filled_bytes: u32_at(data, 0x30)?,
            sequence: i64_at(data, 0x18)?,
            cpu,
            flags,
            kind: u16_at(data, 0x36)?,
            state: u32_at(data, 0x2c)?,
        })
    }

    /// Returns `true` if the body is compressed.
    #[must_use]
    pub const fn is_compressed(&self) -> bool {
        self.flags & flag::COMPRESSED != 0
    }

    /// Returns `true` if the values can be those of a buffer. `session_bytes` is the session's buffer size from the
    /// log-file header, 0 if not known.
    #[must_use]
    pub fn is_plausible(&self, session_bytes: u32) -> bool {
        let limit = if session_bytes == 0 { MAX_BUFFER_BYTES } else { session_bytes.max(1 << 20) };
        let size_fits = self.size_bytes >= HEADER_BYTES as u32 && self.size_bytes <= MAX_BUFFER_BYTES;
        let filled_fits =
            self.filled_bytes == 0 || (self.filled_bytes >= HEADER_BYTES as u32 && self.filled_bytes <= limit);
        // Undocumented flags or types are no reason to refuse a buffer whose sizes fit, but then its state has to fit
        // as well, which excludes nearly all bytes that are no buffer header.
        size_fits && filled_fits && (self.is_documented() || self.state <= LAST_STATE && self.filled_bytes > 0)
    }

    /// Returns `true` if flags and type are documented ones.
    pub(crate) const fn is_documented(&self) -> bool {
        self.kind <= LAST_TYPE && self.flags & !flag::DOCUMENTED == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(size: u32, filled: u32, flags: u16) -> Vec<u8> {
        let mut data = vec![0; HEADER_BYTES];
        data[0..4].copy_from_slice(&size.to_le_bytes());
        data[0x28..0x2a].copy_from_slice(&0x0803_u16.to_le_bytes());
        data[0x30..0x34].copy_from_slice(&filled.to_le_bytes());
        data[0x34..0x36].copy_from_slice(&flags.to_le_bytes());
        data
    }

    #[test]
    fn processor_numbers_have_8_or_11_bits() {
        let header = |flags| BufferHeader::parse(&bytes(65536, 100, flags)).map(|h| h.cpu);
        assert_eq!(header(0), Some(3));
        assert_eq!(header(flag::PROC_INDEX), Some(3));
        let mut wide = bytes(65536, 100, flag::PROC_INDEX);
        wide[0x28..0x2a].copy_from_slice(&0x0123_u16.to_le_bytes());
        assert_eq!(BufferHeader::parse(&wide).map(|h| h.cpu), Some(0x123));
    }

    #[test]
    fn implausible_sizes_are_recognized() {
        let plausible = |size, filled| BufferHeader::parse(&bytes(size, filled, 0)).map(|h| h.is_plausible(65536));
        assert_eq!(plausible(65536, 65536), Some(true));
        assert_eq!(plausible(71, 100), Some(false));
        assert_eq!(plausible(65536, 71), Some(false));
        assert_eq!(plausible(65536, u32::MAX), Some(false));
        assert_eq!(BufferHeader::parse(&[0; 71]), None);
    }
}
