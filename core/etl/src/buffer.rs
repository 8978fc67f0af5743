//! The header of a buffer (`WMI_BUFFER_HEADER`, etl-format 1.2). It must never trust `SavedOffset`, `CurrentOffset` or
//! the buffer's own timestamp: real files disagree with themselves there.

use poolscope_base::bytes::read::{i64_at, u16_at, u32_at};

/// Bytes of a buffer header, the same on 32- and 64-bit systems.
pub const HEADER_BYTES: usize = 72;

/// No session buffer is larger (etl-format 1.1: 1 MiB up to Windows 7, 16 MiB from Windows 8).
pub const MAX_BUFFER_BYTES: u32 = 16 << 20;

/// Flag bits of a buffer (etl-format 1.3).
pub mod flag {
    /// Events were lost before or in this buffer.
    pub const EVENTS_LOST: u16 = 0x02;
    /// A whole buffer was lost.
    pub const BUFFER_LOST: u16 = 0x04;
    /// The last buffer of a flush: on the last buffer of a file that was closed.
    pub const FLUSH_MARKER: u16 = 0x01;
    /// The processor index has 16 bits.
    pub const PROC_INDEX: u16 = 0x20;
    /// The body is compressed.
    pub const COMPRESSED: u16 = 0x40;
    /// All that are described (etl-format 1.3).
    pub const KNOWN: u16 = 0x7f;
}

/// `BufferType` of the header buffer.
pub const TYPE_HEADER: u16 = 4;
/// The last `BufferType` that is described (etl-format 1.4).
const LAST_TYPE: u16 = 7;
/// `State` of a buffer that is being flushed, the last that is described (etl-format 1.2).
const LAST_STATE: u32 = 3;

/// A buffer header, as far as it is of use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BufferHeader {
    /// Bytes that the buffer takes in the file.
    pub size_bytes: u32,
    /// End of the events, the header included, in uncompressed bytes.
    pub filled_bytes: u32,
    /// Flush order within the session; not unique.
    pub sequence: i64,
    /// CPU that filled it.
    pub cpu: u16,
    /// See [`flag`].
    pub flags: u16,
    /// See [`TYPE_HEADER`].
    pub kind: u16,
    /// What the buffer was used for when it was written; 3 in files.
    pub state: u32,
}

impl BufferHeader {
    /// Reads a header at the start of `data`; `None` if the data ends before it does.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let data = data.get(..HEADER_BYTES)?;
        let flags = u16_at(data, 0x34)?;
        let processor = u16_at(data, 0x28)?;
        // Older systems keep an alignment byte behind an 8-bit processor number.
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

    /// Whether the body is compressed.
    #[must_use]
    pub const fn is_compressed(&self) -> bool {
        self.flags & flag::COMPRESSED != 0
    }

    /// Whether a buffer of a trace could begin like this. `session_bytes` is the session's buffer size from the file
    /// header (0: not known).
    #[must_use]
    pub fn is_plausible(&self, session_bytes: u32) -> bool {
        let limit = if session_bytes == 0 { MAX_BUFFER_BYTES } else { session_bytes.max(1 << 20) };
        let size_fits = self.size_bytes >= HEADER_BYTES as u32 && self.size_bytes <= MAX_BUFFER_BYTES;
        let filled_fits =
            self.filled_bytes == 0 || (self.filled_bytes >= HEADER_BYTES as u32 && self.filled_bytes <= limit);
        // Flags and types that nobody has described yet are no reason to refuse a buffer whose sizes fit; nearly all bytes
        // that are no buffer fail the state as well.
        size_fits && filled_fits && (self.is_described() || self.state <= LAST_STATE && self.filled_bytes > 0)
    }

    /// Whether its flags and type are all described.
    #[must_use]
    pub const fn is_described(&self) -> bool {
        self.kind <= LAST_TYPE && self.flags & !flag::KNOWN == 0
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
    fn implausible_sizes_are_told_apart() {
        let plausible = |size, filled| BufferHeader::parse(&bytes(size, filled, 0)).map(|h| h.is_plausible(65536));
        assert_eq!(plausible(65536, 65536), Some(true));
        assert_eq!(plausible(71, 100), Some(false));
        assert_eq!(plausible(65536, 71), Some(false));
        assert_eq!(plausible(65536, u32::MAX), Some(false));
        assert_eq!(BufferHeader::parse(&[0; 71]), None);
    }
}
