//! Recorded stacks of pool events: a kernel and a user part each, as a key or as frames, and the records that carry them.

use super::frame_lists::{FrameLists, hash_of};
use crate::trace::time::Ticks;

/// Key of the kernel or user part of the stack of a pool event, whose record is in the same buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyPart {
    /// Stack key.
    pub key: u64,
    /// Time of the stack record, which decides which definition a key refers to.
    pub time: Ticks,
    /// Position of the event among the pool events of the buffer.
    pub event: u32,
    /// True if it is the key of kernel frames.
    pub is_kernel: bool,
    /// Part of the event's stack that the record takes.
    pub side: StackSide,
}
const _: () = assert!(size_of::<KeyPart>() == 24);

/// Part of the stack of an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StackSide {
    Kernel,
    User,
}

impl StackSide {
    /// The side of a stack record.
    #[inline]
    pub const fn of(is_kernel: bool) -> Self {
        if is_kernel { Self::Kernel } else { Self::User }
    }

    /// The other side.
    #[inline]
    pub const fn other(self) -> Self {
        if matches!(self, Self::Kernel) { Self::User } else { Self::Kernel }
    }
}

/// Part of a stack as a number: [`NO_PART`], the number of a use of a key, or with [`INLINE`] that of a frame list.
pub type PartNumber = u32;
/// Part that was not recorded.
pub const NO_PART: PartNumber = 0;
/// Bit of a part that was recorded with its frames.
pub const INLINE: PartNumber = 1 << 31;
/// Part with a key that is yet to be looked up.
pub const KEY_PART: PartNumber = u32::MAX;

/// Kernel and user part of the stack of a pool event, as numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RecordedStack {
    /// Kernel part and user part.
    pub parts: [PartNumber; 2],
    /// Delays of their records.
    pub delays: PartDelays,
}

impl RecordedStack {
    /// Stacks that are not recorded, in memory that the system provides when a worker writes it.
    pub fn none_recorded(count: usize) -> Vec<Self> {
        let zeros = vec![[0; 4]; count].into_iter();
        zeros.map(|[kernel, user, a, b]| Self { parts: [kernel, user], delays: PartDelays([a, b]) }).collect()
    }

    /// Returns `true` if a side was recorded.
    #[inline]
    pub const fn has(&self, side: StackSide) -> bool {
        self.parts[side as usize] != NO_PART
    }

    /// Returns `true` if a part was recorded.
    #[inline]
    pub fn is_recorded(&self) -> bool {
        self.parts != [NO_PART; 2]
    }
}

/// Ticks from an event to the records of the kernel and user part of its stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PartDelays(pub [u32; 2]);

impl PartDelays {
    /// Bit of a delay that is in units of 2^16 ticks: more than seven minutes at 5 MHz.
    const COARSE: u32 = 1 << 31;
    const COARSE_BITS: u32 = 16;

    /// Sets the delay of a part (0: kernel, 1: user).
    #[inline]
    #[must_use]
    pub fn with(mut self, side: usize, ticks: i64) -> Self {
        let ticks = ticks.max(0) as u64;
        let coarse = || (ticks >> Self::COARSE_BITS).min(u64::from(Self::COARSE - 1)) as u32 | Self::COARSE;
        self.0[side] = u32::try_from(ticks).ok().filter(|delay| delay & Self::COARSE == 0).unwrap_or_else(coarse);
        self
    }

    /// Delay of a part in ticks. Those of more than 2^31 ticks are rounded up to 2^16 ticks.
    #[must_use]
    pub fn ticks(self, side: usize) -> i64 {
        let delay = self.0[side];
        if delay & Self::COARSE == 0 {
            return i64::from(delay);
        }
        (i64::from(delay & !Self::COARSE) + 1) << Self::COARSE_BITS
    }
}

/// A stack record without a known event in its own buffer.
#[derive(Clone, Copy, Debug)]
pub struct PendingStack {
    /// Time of the event.
    pub event_time: Ticks,
    /// Time of the stack record.
    pub record_time: Ticks,
    /// Thread of the event.
    pub thread: u32,
    /// Process of the event.
    pub pid: u32,
    /// Content of the record.
    pub content: PendingContent,
    /// True if it is a kernel stack.
    pub is_kernel: bool,
}

/// Content of a pending stack record.
#[derive(Clone, Copy, Debug)]
pub enum PendingContent {
    /// A stack key.
    Key(u64),
    /// Frames, as a range of the buffer's frames.
    Frames(FrameRange),
}

/// Range of the frames that were copied from a buffer.
#[derive(Clone, Copy, Debug)]
pub struct FrameRange {
    /// Position of the innermost frame.
    pub start: u32,
    /// Number of frames.
    pub count: u32,
}

impl FrameRange {
    /// The frames, innermost first.
    pub fn of(self, frames: &[u64]) -> &[u64] {
        let start = self.start as usize;
        frames.get(start..start + self.count as usize).unwrap_or_default()
    }

    /// The number of the list of the frames.
    #[inline]
    pub fn list(self, frames: &[u64], lists: &FrameLists) -> u32 {
        let frames = self.of(frames);
        lists.intern(hash_of(frames), frames)
    }
}

/// Definition of a stack key: its frames. References to the key come before it (etl-format 5.4).
#[derive(Clone, Copy, Debug)]
pub struct StackKeyDefinition {
    /// Time of the record.
    pub time: Ticks,
    /// Stack key.
    pub key: u64,
    /// True if the frames are those of a kernel stack.
    pub is_kernel: bool,
    /// Frames of the stack.
    pub frames: FrameRange,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_of_both_parts_are_kept_apart() {
        let exact = PartDelays::default().with(0, 12).with(1, (1 << 31) - 1);
        assert_eq!((exact.ticks(0), exact.ticks(1)), (12, (1 << 31) - 1));
        assert_eq!((exact.with(0, -5).ticks(0), exact.with(0, -5).ticks(1)), (0, (1 << 31) - 1));
        for ticks in [1_i64 << 31, 1 << 40, i64::MAX / 4] {
            let kept = exact.with(1, ticks).ticks(1);
            let most = ticks.min(1 << 47);
            assert!(kept >= most && kept - most <= 1 << 16, "{ticks} became {kept}");
        }
    }
}
