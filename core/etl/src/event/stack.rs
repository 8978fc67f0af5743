//! Stack records (etl-format 5): inline stacks, references to cached stacks, and the definitions that come later.
//! Nothing here joins them.

use poolscope_base::bytes::read::{i64_at, pointer_at, u32_at};

/// Which event a stack record belongs to: its raw timestamp, process and thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StackTarget {
    /// Raw timestamp of the event.
    pub event_time: i64,
    /// Process.
    pub process: u32,
    /// Thread.
    pub thread: u32,
}

/// Target and frames (innermost first) of an inline stack; the frames are raw bytes of `pointer_size` each.
#[inline]
#[must_use]
pub fn inline_stack(payload: &[u8]) -> Option<(StackTarget, &[u8])> {
    Some((target(payload)?, payload.get(16..)?))
}

/// Target and key of a reference.
#[inline]
#[must_use]
pub fn key_reference(payload: &[u8], pointer_size: u8) -> Option<(StackTarget, u64)> {
    Some((target(payload)?, pointer_at(payload, 16, pointer_size)?))
}

/// Key and frames of a definition.
#[inline]
#[must_use]
pub fn definition(payload: &[u8], pointer_size: u8) -> Option<(u64, &[u8])> {
    Some((pointer_at(payload, 0, pointer_size)?, payload.get(usize::from(pointer_size)..)?))
}

fn target(payload: &[u8]) -> Option<StackTarget> {
    Some(StackTarget { event_time: i64_at(payload, 0)?, process: u32_at(payload, 8)?, thread: u32_at(payload, 12)? })
}

/// Frames from raw bytes, innermost first. A rest shorter than a pointer is left out.
pub fn frames(raw: &[u8], pointer_size: u8) -> impl Iterator<Item = u64> + '_ {
    raw.chunks_exact(usize::from(pointer_size)).filter_map(move |chunk| pointer_at(chunk, 0, pointer_size))
}

/// Whether an address lies in the kernel's half (etl-format 5.3).
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
        let (target, raw) = inline_stack(&payload).expect("complete");
        assert_eq!(target, StackTarget { event_time: 77, process: 4, thread: 8 });
        assert_eq!(frames(raw, 8).collect::<Vec<_>>(), vec![0xffff_f800_0000_1000]);
        assert_eq!(frames(raw, 4).count(), 2);
        assert_eq!(key_reference(&payload, 8).map(|r| r.1), Some(0xffff_f800_0000_1000));
        assert_eq!(key_reference(&payload[..20], 8), None);
    }
}
