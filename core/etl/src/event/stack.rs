//! Stack records (kernel group 0x18): stacks with their frames, references to cached stacks, and the definitions of
//! these.
//!
//! | hook | event | payload |
//! | --- | --- | --- |
//! | 0x1820 | stack | time of the event (i64), process (u32), thread (u32), frames from offset 16 |
//! | 0x1825 | key of the kernel frames | the same three fields, then the key, a pointer |
//! | 0x1826 | key of the user frames | as 0x1825 |
//! | 0x1823 | definition of a key, when it leaves the cache | the key, then the frames, innermost first |
//! | 0x1824 | definition of a key, at the stop of the recording | as 0x1823 |
//!
//! A stack record belongs to the event of the same thread with exactly the same raw timestamp, and follows it in the
//! file. Kernel and user frames come in separate records, the user frames up to half a second later and from any
//! processor. A definition follows the references to its key, and a key is reused after its definition: a reference
//! means the first later definition of its key.
//!
//! Sources: Microsoft Learn, `StackWalk_Event` (0x1820); phnt `ntwmi.h` and TraceEvent (keys). In two real files all
//! 21,760 stack records have an event with their timestamp, and all 21,279 references are resolved by this rule, none
//! of them ambiguously.

use poolscope_base::bytes::{i64_at, pointer_at, u32_at};

/// Identity of the event that a stack belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StackTarget {
    /// Raw timestamp of the event.
    pub event_time: i64,
    /// Process of the event.
    pub process: u32,
    /// Thread of the event.
    pub thread: u32,
}

impl StackTarget {
    fn decode(payload: &[u8]) -> Option<Self> {
        Some(Self { event_time: i64_at(payload, 0)?, process: u32_at(payload, 8)?, thread: u32_at(payload, 12)? })
    }
}

/// Return addresses of a stack, innermost first, as recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frames<'a> {
    bytes: &'a [u8],
    pointer_size: u8,
}

impl<'a> Frames<'a> {
    /// Appends the addresses to `to`. A remainder shorter than an address is left out.
    #[inline]
    pub fn append_to(self, to: &mut Vec<u64>) {
        // The length of this iterator is known, so that eight-byte addresses are copied as a block.
        match self.wide() {
            Some(addresses) => to.extend(addresses.iter().map(|&bytes| u64::from_le_bytes(bytes))),
            None => to.extend(self.iter()),
        }
    }

    /// The innermost address.
    #[inline]
    #[must_use]
    pub fn first(self) -> Option<u64> {
        pointer_at(self.bytes, 0, self.pointer_size)
    }

    /// The bytes of the addresses, if each has eight. A remainder shorter than an address is left out.
    #[inline]
    #[must_use]
    pub fn wide(self) -> Option<&'a [[u8; 8]]> {
        (self.pointer_size == 8).then_some(self.bytes.as_chunks().0)
    }

    /// Iterates over the addresses. A remainder shorter than an address is left out.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = u64> + 'a {
        let pointer_size = self.pointer_size;
        self.bytes.chunks_exact(usize::from(pointer_size)).filter_map(move |chunk| pointer_at(chunk, 0, pointer_size))
    }
}

/// Stack with its frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InlineStackEvent<'a> {
    /// Event that the stack belongs to.
    pub target: StackTarget,
    /// Frames, of kernel mode or of user mode.
    pub frames: Frames<'a>,
}

impl<'a> InlineStackEvent<'a> {
    /// Decodes the record; `None` if the payload is too short.
    #[inline]
    #[must_use]
    pub fn decode(payload: &'a [u8], pointer_size: u8) -> Option<Self> {
        let frames = Frames { bytes: payload.get(16..)?, pointer_size };
        Some(Self { target: StackTarget::decode(payload)?, frames })
    }
}

/// Reference of an event to a cached stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StackKeyReferenceEvent {
    /// Event that the stack belongs to.
    pub target: StackTarget,
    /// Key of the stack.
    pub key: u64,
}

impl StackKeyReferenceEvent {
    /// Decodes the record; `None` if the payload is too short.
    #[inline]
    #[must_use]
    pub fn decode(payload: &[u8], pointer_size: u8) -> Option<Self> {
        Some(Self { target: StackTarget::decode(payload)?, key: pointer_at(payload, 16, pointer_size)? })
    }
}

/// Definition of a stack key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StackKeyDefinitionEvent<'a> {
    /// The key.
    pub key: u64,
    /// Frames of all earlier references to the key since its previous definition.
    pub frames: Frames<'a>,
}

impl<'a> StackKeyDefinitionEvent<'a> {
    /// Decodes the record; `None` if the payload is too short.
    #[inline]
    #[must_use]
    pub fn decode(payload: &'a [u8], pointer_size: u8) -> Option<Self> {
        let frames = Frames { bytes: payload.get(usize::from(pointer_size)..)?, pointer_size };
        Some(Self { key: pointer_at(payload, 0, pointer_size)?, frames })
    }
}

/// Returns `true` for an address of kernel mode: the upper half of the address space. (On 32-bit systems with the /3GB
/// switch the kernel's part is smaller.)
#[inline]
#[must_use]
pub const fn is_kernel_address(address: u64, pointer_size: u8) -> bool {
    if pointer_size == 8 { address >> 63 == 1 } else { address >= 0x8000_0000 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_follow_the_target() {
        let mut payload = 77_i64.to_le_bytes().to_vec();
        payload.extend(4_u32.to_le_bytes());
        payload.extend(8_u32.to_le_bytes());
        payload.extend(0xffff_f800_0000_1000_u64.to_le_bytes());
        payload.extend([1, 2, 3]);
        let stack = InlineStackEvent::decode(&payload, 8).expect("complete");
        assert_eq!(stack.target, StackTarget { event_time: 77, process: 4, thread: 8 });
        assert_eq!(stack.frames.iter().collect::<Vec<_>>(), vec![0xffff_f800_0000_1000]);
        assert_eq!(InlineStackEvent::decode(&payload, 4).map(|stack| stack.frames.iter().count()), Some(2));
        assert_eq!(
            StackKeyReferenceEvent::decode(&payload, 8).map(|reference| reference.key),
            Some(0xffff_f800_0000_1000)
        );
        assert_eq!(StackKeyReferenceEvent::decode(&payload[..20], 8), None);
    }
}
