//! What one buffer shows of when it was recorded, gathered while it is decoded; and which of its records' times can be.

use crate::trace::time::Ticks;
use poolscope_etl::record::{RecordKey, Records};

/// The kernel records of one buffer; of another reader's batch, those of one CPU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// File offset of the buffer.
    pub offset: u64,
    /// It is the buffer of the log-file header.
    pub is_header: bool,
    /// CPU that filled it.
    pub cpu: u16,
    /// Flags of its header.
    pub flags: u16,
    /// Flush order within the session; not unique in all files.
    pub sequence: i64,
    /// Bytes of it by its header.
    pub size_bytes: u32,
    /// Bytes of it in the file.
    pub stored_bytes: u32,
    /// Bytes of events that could be read, uncompressed.
    pub read_bytes: u32,
    /// Bytes of events that could not.
    pub lost_bytes: u32,
    /// Earliest time of a kernel record; later than [`Self::last`] if there is none.
    pub first: Ticks,
    /// Latest time of a kernel record.
    pub last: Ticks,
    /// Latest time of those before the last record, which nothing in the buffer confirms.
    pub confirmed: Ticks,
    /// Kernel records, the logger's own at time zero left out.
    pub records: u64,
    /// Pool allocations and frees.
    pub pool_events: u64,
}

impl Default for Span {
    fn default() -> Self {
        Self {
            offset: 0,
            is_header: false,
            cpu: 0,
            flags: 0,
            sequence: 0,
            size_bytes: 0,
            stored_bytes: 0,
            read_bytes: 0,
            lost_bytes: 0,
            first: Ticks::NEVER,
            last: Ticks::UNKNOWN,
            confirmed: Ticks::UNKNOWN,
            records: 0,
            pool_events: 0,
        }
    }
}

impl Span {
    /// Earliest and latest time of a kernel record; `None` without such records.
    #[must_use]
    pub fn times(&self) -> Option<(Ticks, Ticks)> {
        (self.first <= self.last).then_some((self.first, self.last))
    }

    /// Whether a part of its events could not be read.
    #[must_use]
    pub const fn is_damaged(&self) -> bool {
        self.lost_bytes > 0
    }

    /// Whether the file ends, or goes on otherwise, before the buffer's end.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.stored_bytes < self.size_bytes
    }

    /// Whether its header has one of these flags.
    #[must_use]
    pub const fn has_flag(&self, bits: u16) -> bool {
        self.flags & bits != 0
    }

    /// File offset of its end.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.offset + u64::from(self.stored_bytes)
    }

    /// Takes a kernel record in.
    #[inline]
    pub fn note(&mut self, time: Ticks, is_pool: bool) {
        self.first = self.first.min(time);
        self.confirmed = self.last;
        self.last = self.last.max(time);
        self.records += 1;
        self.pool_events += u64::from(is_pool);
    }
}

/// Which times of kernel records can be, in ticks from time zero.
#[derive(Clone, Copy, Debug)]
pub struct Believed {
    /// Earliest and latest.
    pub window: (Ticks, Ticks),
    /// Ticks of a step that is looked at.
    pub step: i64,
}

impl Believed {
    /// Whether a time is that of the records around it, so that nothing has to be asked.
    #[inline]
    pub fn is_ordinary(&self, time: Ticks, latest: Ticks) -> bool {
        // The first record of a buffer has nothing before it: its step is endless.
        time >= latest && time.0.wrapping_sub(latest.0) as u64 <= self.step as u64
    }

    /// The time to use for a kernel record whose own is not ordinary: its own, or `None` where it is damaged. `behind` are
    /// the times of the kernel records that follow it in its buffer.
    pub fn judge(&self, time: Ticks, latest: Ticks, mut behind: impl Iterator<Item = Ticks>) -> Option<Ticks> {
        if time < self.window.0 || time > self.window.1 {
            return None;
        }
        let (next, after) = (behind.next(), behind.next());
        // What comes last in its buffer is borne out by other buffers, or not; but no clock goes back for one record.
        let Some(next) = next else { return (time.0 >= latest.0.saturating_sub(self.step)).then_some(time) };
        let is_damaged = if latest == Ticks::UNKNOWN {
            // The first one of a buffer: damaged if the next two agree that it is too late.
            next < time && after.is_some_and(|after| after < time && after >= next)
        } else if time > latest {
            // A step forward that the next ones do not share.
            next < time && next >= latest && after.is_none_or(|after| after < time)
        } else {
            // A step back that the next ones do not share. Small ones are what some clocks do.
            latest.0 - time.0 > self.step && next >= latest
        };
        (!is_damaged).then_some(time)
    }
}

/// The times of the next kernel records.
pub fn times_behind(records: &Records<'_>, time_zero: i64) -> impl Iterator<Item = Ticks> {
    records.clone().filter_map(move |record| match record.key {
        RecordKey::Hook(_) => record.time.map(|raw| super::decode::relative(raw, time_zero)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_damaged_time_among_others_is_told() {
        let believed = Believed { window: (Ticks(-1_000), Ticks(10_000)), step: 100 };
        let judge = |time: i64, latest: i64, behind: &[i64]| {
            believed.judge(Ticks(time), Ticks(latest), behind.iter().map(|&t| Ticks(t))).map(|time| time.0)
        };
        assert_eq!(judge(20_000, 50, &[]), None, "outside of the recording");
        assert_eq!(judge(5_000, 50, &[60, 70]), None, "a step that nothing follows");
        assert_eq!(judge(5_000, 50, &[5_010, 5_020]), Some(5_000), "a pause");
        assert_eq!(judge(5_000, 50, &[60, 5_020]), Some(5_000), "the next one may be the damaged one");
        assert_eq!(judge(-900, 50, &[60]), None, "a step back that nothing follows");
        assert_eq!(judge(-900, 50, &[-890]), Some(-900), "the clock went back");
        assert_eq!(judge(-900, 50, &[]), None, "the last of a buffer is a step back");
        assert_eq!(judge(5_000, 50, &[]), Some(5_000), "the last of a buffer may come after a pause");
        assert_eq!(judge(20, 50, &[60]), Some(20), "a small disorder");
        assert_eq!(judge(5_000, i64::MIN, &[60, 70]), None, "the first of a buffer");
        assert!(!believed.is_ordinary(Ticks(5), Ticks::UNKNOWN), "the first of a buffer is looked at");
        assert!(believed.is_ordinary(Ticks(50), Ticks(50)) && !believed.is_ordinary(Ticks(49), Ticks(50)));
    }
}
