//! Payloads of stack records: inline stacks, references to cached ones, and their definitions.

use super::{Sink, Width};

/// An inline stack.
pub const HOOK_INLINE: u16 = 0x1820;
/// A definition when a cached stack is evicted.
pub const HOOK_KEY_DELETE: u16 = 0x1823;
/// A definition at the end for a stack that is still cached.
pub const HOOK_KEY_RUNDOWN: u16 = 0x1824;
/// A reference to a cached kernel stack.
pub const HOOK_KERNEL_KEY: u16 = 0x1825;
/// A reference to a cached user stack.
pub const HOOK_USER_KEY: u16 = 0x1826;
/// Shorter stacks are not cached.
pub const MIN_CACHED_FRAMES: usize = 4;

/// Payload of an inline stack; `owner`: process and thread id, frames innermost first.
pub fn inline(out: &mut Vec<u8>, width: Width, event_ticks: i64, owner: (u32, u32), frames: &[u64]) {
    out.i64(event_ticks);
    out.u32(owner.0);
    out.u32(owner.1);
    for frame in frames {
        out.ptr(width, *frame);
    }
}

/// Payload of a reference to a cached stack; `owner`: process and thread id.
pub fn reference(out: &mut Vec<u8>, width: Width, event_ticks: i64, owner: (u32, u32), key: u64) {
    inline(out, width, event_ticks, owner, &[key]);
}

/// Payload of a definition; frames innermost first.
pub fn definition(out: &mut Vec<u8>, width: Width, key: u64, frames: &[u64]) {
    out.ptr(width, key);
    for frame in frames {
        out.ptr(width, *frame);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts() {
        let mut out = Vec::new();
        reference(&mut out, Width::Bits64, 1, (2, 3), 4);
        assert_eq!(out.len(), 24);
        assert_eq!((out[0], out[8], out[12], out[16]), (1, 2, 3, 4));
        let mut out = Vec::new();
        definition(&mut out, Width::Bits32, 4, &[5, 6]);
        assert_eq!(out, [4, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0]);
    }
}
