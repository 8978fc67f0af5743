//! Time spans of buffers, gathered while they are decoded, and the check of record times for damage.

use crate::trace::time::Ticks;
use poolscope_etl::record::{RecordKey, Records};

/// Time span and number of the kernel records of one buffer; for batches of another reader, of one CPU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BufferSpan {
    /// Position of the buffer in the order of the file.
    pub order: u32,
    /// File offset of the buffer.
    pub offset: u64,
    /// True if it is the buffer of the log-file header.
    pub is_header: bool,
    /// CPU that filled it.
    pub cpu: u16,
    /// Flags of the buffer header.
    pub flags: u16,
    /// Sequence number in the order of flushing; not unique in all files.
    pub sequence: i64,
    /// Size of the buffer by its header.
    pub size_bytes: u32,
    /// Bytes of the buffer that are in the file.
    pub stored_bytes: u32,
    /// Uncompressed bytes of records that could be read.
    pub read_bytes: u32,
    /// Uncompressed bytes of records that could not be read.
    pub lost_bytes: u32,
    /// Earliest time of a kernel record; later than [`Self::last`] without kernel records.
    pub first: Ticks,
    /// Latest time of a kernel record.
    pub last: Ticks,
    /// Latest time of the kernel records before the last one, whose time no later record of the buffer confirms.
    pub confirmed: Ticks,
    /// Number of kernel records, without those of the logger at time zero.
    pub records: u64,
    /// Number of pool allocations and frees.
    pub pool_events: u64,
}

impl Default for BufferSpan {
    fn default() -> Self {
        Self {
            order: 0,
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

impl BufferSpan {
    /// Earliest and latest time of a kernel record; `None` without kernel records.
    #[must_use]
    pub fn times(&self) -> Option<(Ticks, Ticks)> {
        (self.first <= self.last).then_some((self.first, self.last))
    }

    /// Returns `true` if some records could not be read.
    #[must_use]
    pub const fn is_damaged(&self) -> bool {
        self.lost_bytes > 0
    }

    /// Returns `true` if a part of the buffer is not in the file.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.stored_bytes < self.size_bytes
    }

    /// Returns `true` if the buffer header has one of these flags.
    #[must_use]
    pub const fn has_flag(&self, bits: u16) -> bool {
        self.flags & bits != 0
    }

    /// File offset of the end of the buffer.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.offset + u64::from(self.stored_bytes)
    }

    /// Adds kernel records that follow those before them.
    pub fn add_run(&mut self, run: &OrderedRecords) {
        self.first = self.first.min(run.first);
        self.confirmed = if run.records > 1 { run.confirmed } else { self.last };
        self.last = run.last;
        self.records += run.records;
        self.pool_events += run.pool_events;
    }

    /// Adds a kernel record.
    #[inline]
    pub fn add(&mut self, time: Ticks, is_pool: bool) {
        self.first = self.first.min(time);
        self.confirmed = self.last;
        self.last = self.last.max(time);
        self.records += 1;
        self.pool_events += u64::from(is_pool);
    }
}

/// Kernel records of a buffer that follow each other in time order, none of them earlier than any record before them.
#[derive(Clone, Copy, Debug)]
pub struct OrderedRecords {
    /// Time of the first one; [`Ticks::NEVER`] without any.
    pub first: Ticks,
    /// Time of the last one; without any, the latest time before them.
    pub last: Ticks,
    /// Time of the one before the last one.
    pub confirmed: Ticks,
    /// Number of records.
    pub records: u64,
    /// Number of pool allocations and frees.
    pub pool_events: u64,
}

impl OrderedRecords {
    /// No records after the latest time before them.
    pub const fn after(latest: Ticks) -> Self {
        Self { first: Ticks::NEVER, last: latest, confirmed: latest, records: 0, pool_events: 0 }
    }

    /// Adds the next record; whether it is a pool event is counted by the caller.
    #[inline(always)]
    pub fn add(&mut self, time: Ticks) {
        if self.records == 0 {
            self.first = time;
        }
        self.confirmed = self.last;
        self.last = time;
        self.records += 1;
    }
}

/// Plausible times of kernel records.
#[derive(Clone, Copy, Debug)]
pub struct PlausibleTimes {
    /// Earliest and latest plausible time.
    pub window: (Ticks, Ticks),
    /// Upper bound on the ticks from one record to the next that need no check.
    pub step: i64,
}

impl PlausibleTimes {
    /// Returns `true` if a time needs no check, since it follows soon after the latest time before it.
    #[inline]
    pub fn is_ordinary(&self, time: Ticks, latest: Ticks) -> bool {
        // For the first record of a buffer, `latest` is the lowest number, and the wrapped step is large.
        time >= latest && time.0.wrapping_sub(latest.0) as u64 <= self.step as u64
    }

    /// Checks the time of a kernel record that is not ordinary: `None` if it is damaged. `following` are the times of the kernel
    /// records after it in its buffer.
    pub fn accepted_time(
        &self,
        time: Ticks,
        latest: Ticks,
        mut following: impl Iterator<Item = Ticks>,
    ) -> Option<Ticks> {
        if time < self.window.0 || time > self.window.1 {
            return None;
        }
        let (next, after) = (following.next(), following.next());
        // The last time of a buffer is confirmed by other buffers; but no clock goes back for a single record.
        let Some(next) = next else { return (time.0 >= latest.0.saturating_sub(self.step)).then_some(time) };
        let is_damaged = if latest == Ticks::UNKNOWN {
            // The first record of a buffer is damaged if the next two are both earlier, in order.
            next < time && after.is_some_and(|after| after < time && after >= next)
        } else if time > latest {
            // A step forward that the next records do not take.
            next < time && next >= latest && after.is_none_or(|after| after < time)
        } else {
            // A step back that the next record does not take. Some clocks take small steps back.
            latest.0 - time.0 > self.step && next >= latest
        };
        (!is_damaged).then_some(time)
    }
}

/// Converts a raw timestamp to ticks from time zero, within [`Ticks::LIMIT`].
#[inline]
pub fn ticks_from_zero(raw: i64, time_zero: i64) -> Ticks {
    Ticks(raw.saturating_sub(time_zero).clamp(-Ticks::LIMIT, Ticks::LIMIT))
}

/// Returns `true` if raw timestamps soon after a time can be subtracted from without leaving the range of times.
pub fn has_ordinary_raw_time(time: Ticks, time_zero: i64) -> bool {
    let limits =
        (time_zero.checked_sub(Ticks::LIMIT), time_zero.checked_add(Ticks::LIMIT), time_zero.checked_add(time.0));
    let (Some(lowest), Some(highest), Some(raw)) = limits else { return false };
    let margin = Ticks::LIMIT / 2;
    (lowest + margin..=highest - margin).contains(&raw)
}

/// Times of the next kernel records.
pub fn following_times(records: &Records<'_>, time_zero: i64) -> impl Iterator<Item = Ticks> {
    records.clone().filter_map(move |record| match record.key {
        RecordKey::Hook(_) => record.time.map(|raw| ticks_from_zero(raw, time_zero)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_times_are_ordinary_away_from_the_ends_of_the_range() {
        assert!(has_ordinary_raw_time(Ticks(-5), 1_000));
        assert!([0, -7, 1 << 59].into_iter().all(|raw| has_ordinary_raw_time(ticks_from_zero(raw, 1_000), 1_000)));
        assert!(![Ticks::UNKNOWN, Ticks(Ticks::LIMIT)].into_iter().any(|time| has_ordinary_raw_time(time, 1_000)));
        assert!(![i64::MAX - 3, i64::MIN + 3].into_iter().any(|zero| has_ordinary_raw_time(Ticks(5), zero)));
    }

    #[test]
    fn one_damaged_time_among_others_is_found() {
        let plausible = PlausibleTimes { window: (Ticks(-1_000), Ticks(10_000)), step: 100 };
        let accepted_time = |time: i64, latest: i64, behind: &[i64]| {
            plausible.accepted_time(Ticks(time), Ticks(latest), behind.iter().map(|&t| Ticks(t))).map(|time| time.0)
        };
        assert_eq!(accepted_time(20_000, 50, &[]), None, "outside of the recording");
        assert_eq!(accepted_time(5_000, 50, &[60, 70]), None, "a step that nothing follows");
        assert_eq!(accepted_time(5_000, 50, &[5_010, 5_020]), Some(5_000), "a pause");
        assert_eq!(accepted_time(5_000, 50, &[60, 5_020]), Some(5_000), "the next one may be the damaged one");
        assert_eq!(accepted_time(-900, 50, &[60]), None, "a step back that nothing follows");
        assert_eq!(accepted_time(-900, 50, &[-890]), Some(-900), "the clock went back");
        assert_eq!(accepted_time(-900, 50, &[]), None, "the last of a buffer is a step back");
        assert_eq!(accepted_time(5_000, 50, &[]), Some(5_000), "the last of a buffer may come after a pause");
        assert_eq!(accepted_time(20, 50, &[60]), Some(20), "a small disorder");
        assert_eq!(accepted_time(5_000, i64::MIN, &[60, 70]), None, "the first of a buffer");
        assert!(!plausible.is_ordinary(Ticks(5), Ticks::UNKNOWN), "the first of a buffer is looked at");
        assert!(plausible.is_ordinary(Ticks(50), Ticks(50)) && !plausible.is_ordinary(Ticks(49), Ticks(50)));
    }
}
