//! Attributes of pool events: tag, pool type, process, thread, CPU and session. A trace has few distinct combinations, so the
//! allocation table refers to one by a four-byte handle, and grouping by any of these columns visits combinations instead of
//! allocations.

use super::ids::{AttributesId, ProcessId};

/// A pool tag: four bytes in the order that PoolMon shows, without the "protected" bit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Tag(pub [u8; 4]);

impl Tag {
    /// Tag of events whose source shows none.
    pub const UNKNOWN: Self = Self(*b"????");

    /// Text of the tag: printable ASCII unchanged (spaces kept), other bytes as `\xNN`.
    #[must_use]
    pub fn text(self) -> String {
        let mut text = String::with_capacity(4);
        for byte in self.0 {
            if (0x20..0x7f).contains(&byte) {
                text.push(char::from(byte));
            } else {
                text.push_str(&format!("\\x{byte:02x}"));
            }
        }
        text
    }

    /// Parses the text that [`Self::text`] writes; `None` if it is not a tag.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        if let Ok(bytes) = <[u8; 4]>::try_from(text.as_bytes()) {
            return Some(Self(bytes));
        }
        let mut bytes = Vec::with_capacity(4);
        let mut rest = text.as_bytes();
        while let [first, others @ ..] = rest {
            let escaped = text.get(text.len() - rest.len()..)?.strip_prefix("\\x").and_then(|hex| hex.get(..2));
            match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                Some(byte) => {
                    bytes.push(byte);
                    rest = rest.get(4..)?;
                }
                None => {
                    bytes.push(*first);
                    rest = others;
                }
            }
        }
        bytes.try_into().ok().map(Self)
    }
}

/// Pool type bits of an event (etl-format 4.4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PoolType(pub u32);

impl PoolType {
    /// Pool type of events whose source shows none. No event of the kernel has it: bits 0 and 5 are clear, all others are set.
    pub const UNKNOWN: Self = Self(!0x21);

    /// Returns `true` unless this is [`Self::UNKNOWN`].
    #[must_use]
    pub const fn is_known(self) -> bool {
        self.0 != Self::UNKNOWN.0
    }

    /// Returns `true` if it is paged pool (bit 0).
    #[must_use]
    pub const fn is_paged(self) -> bool {
        self.0 & 1 != 0
    }

    /// Returns `true` if it is session pool (bit 5).
    #[must_use]
    pub const fn is_session(self) -> bool {
        self.0 & 0x20 != 0
    }

    /// Returns `true` if it is not executable (bit 9).
    #[must_use]
    pub const fn is_nx(self) -> bool {
        self.0 & 0x200 != 0
    }

    /// `Paged`, `NonPaged`, or `Unknown`.
    #[must_use]
    pub const fn paged_name(self) -> &'static str {
        match (self.is_known(), self.is_paged()) {
            (false, _) => "Unknown",
            (true, true) => "Paged",
            (true, false) => "NonPaged",
        }
    }

    /// Name after the POOL_TYPE values of Windows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        if !self.is_known() {
            return "Unknown";
        }
        let aligned = self.0 & 4 != 0;
        match (self.is_paged(), self.is_session(), self.is_nx(), aligned) {
            (true, false, _, false) => "Paged",
            (true, false, _, true) => "PagedCacheAligned",
            (true, true, _, false) => "PagedSession",
            (true, true, _, true) => "PagedCacheAlignedSession",
            (false, false, true, false) => "NonPagedNx",
            (false, false, true, true) => "NonPagedNxCacheAligned",
            (false, true, true, _) => "NonPagedSessionNx",
            (false, false, false, false) => "NonPagedExecute",
            (false, false, false, true) => "NonPagedCacheAligned",
            (false, true, false, false) => "NonPagedSession",
            (false, true, false, true) => "NonPagedCacheAlignedSession",
        }
    }
}

/// Attributes of a pool event, besides time, address, size and stack.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EventAttributes {
    /// Pool tag.
    pub tag: Tag,
    /// Pool type bits as recorded.
    pub pool_type: PoolType,
    /// Process of the running thread; [`ProcessId::NONE`] if the record has none, [`ProcessId::UNKNOWN_ALLOCATOR`] if the
    /// allocation was not recorded.
    pub process: ProcessId,
    /// Running thread; [`EventAttributes::NO_THREAD`] if the record has none.
    pub thread: u32,
    /// Session of a session-pool event; [`EventAttributes::NO_SESSION`] for all others.
    pub session: u32,
    /// Processor that wrote the record; [`EventAttributes::NO_CPU`] if not known.
    pub cpu: u16,
}

impl EventAttributes {
    /// The processor is not known. No buffer has this number: buffers hold 11 bits.
    pub const NO_CPU: u16 = u16::MAX;
    /// The record has no thread.
    pub const NO_THREAD: u32 = u32::MAX;
    /// Not a session-pool event.
    pub const NO_SESSION: u32 = u32::MAX;

    /// Attributes of an allocation that was not recorded, from those of its free: the pool is known, the allocating process,
    /// thread and processor are not.
    #[must_use]
    pub const fn with_unknown_allocator(self) -> Self {
        Self { process: ProcessId::UNKNOWN_ALLOCATOR, thread: Self::NO_THREAD, cpu: Self::NO_CPU, ..self }
    }
}

/// Distinct attributes; position = [`AttributesId`].
#[derive(Default, Debug)]
pub struct AttributesTable {
    rows: Vec<EventAttributes>,
}

impl AttributesTable {
    /// Table of rows that must be distinct.
    pub(crate) fn from_rows(rows: Vec<EventAttributes>) -> Self {
        Self { rows }
    }

    /// Adds a row that must be new.
    pub(crate) fn push(&mut self, row: EventAttributes) -> AttributesId {
        self.rows.push(row);
        AttributesId(self.rows.len() as u32 - 1)
    }

    /// All rows; position = handle.
    #[must_use]
    pub fn rows(&self) -> &[EventAttributes] {
        &self.rows
    }

    /// One row; `None` for [`AttributesId::NONE`].
    #[must_use]
    pub fn get(&self, id: AttributesId) -> Option<&EventAttributes> {
        self.rows.get(id.index())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_print_unambiguously() {
        assert_eq!(Tag(*b"Leak").text(), "Leak");
        assert_eq!(Tag(*b"Fil ").text(), "Fil ");
        assert_eq!(Tag([b'A', 0, 0xff, b'"']).text(), "A\\x00\\xff\"");
        for tag in [*b"Leak", *b"Fil ", [b'A', 0, 0xff, b'"'], [0; 4], *b"\\xff", *b"a\\x0"] {
            assert_eq!(Tag::from_text(&Tag(tag).text()), Some(Tag(tag)));
        }
        assert_eq!((Tag::from_text("Lea"), Tag::from_text("Leaks"), Tag::from_text("\u{e4}bcde")), (None, None, None));
    }

    #[test]
    fn pool_types_have_windows_names() {
        assert_eq!(PoolType(512).name(), "NonPagedNx");
        assert_eq!(PoolType(0).name(), "NonPagedExecute");
        assert_eq!(PoolType(33).name(), "PagedSession");
        assert_eq!(PoolType(0x1000_0201).paged_name(), "Paged");
    }
}
