//! Time in a trace: exact clock ticks from the timestamp of the log-file header record, conversion to seconds and wall-clock
//! time, and time ranges, which classify allocations by where they begin and end.

/// Clock ticks since time zero, the timestamp of the log-file header record. Negative for events before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct Ticks(pub i64);

impl Ticks {
    /// Time of an event that was before the trace or was not recorded: less than all others.
    pub const UNKNOWN: Self = Self(i64::MIN);
    /// Time of an event that the trace does not show: greater than all others.
    pub const NEVER: Self = Self(i64::MAX);
    /// Upper bound on the absolute value of timestamps. With it, neither sentinel can come from a damaged record, and no
    /// difference of two times overflows.
    pub const LIMIT: i64 = i64::MAX / 4;

    /// Returns `true` if this is neither [`Self::UNKNOWN`] nor [`Self::NEVER`].
    #[inline]
    #[must_use]
    pub const fn is_known(self) -> bool {
        self.0 != i64::MIN && self.0 != i64::MAX
    }
}

/// Clock of the timestamps (`ReservedFlags` of the log-file header).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClockKind {
    /// 0: unspecified; read as QPC when a frequency is given.
    Raw,
    /// 1: the performance counter.
    Qpc,
    /// 2: system time, 100 ns.
    SystemTime,
    /// 3: processor cycles.
    CpuCycles,
}

impl ClockKind {
    /// Name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qpc => "QPC",
            Self::SystemTime => "system time",
            Self::CpuCycles => "CPU cycles",
        }
    }
}

/// Conversion of ticks to seconds and wall-clock time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clock {
    /// Kind of clock.
    pub kind: ClockKind,
    /// Ticks in a second; never 0.
    pub ticks_per_second: u64,
    /// Wall-clock time of time zero, in 100 ns since 1601 (FILETIME, UTC).
    pub start_filetime: i64,
}

impl Clock {
    /// Seconds from time zero. Sentinels become minus and plus infinity.
    #[must_use]
    pub fn seconds(&self, time: Ticks) -> f64 {
        match time {
            Ticks::UNKNOWN => f64::NEG_INFINITY,
            Ticks::NEVER => f64::INFINITY,
            Ticks(t) => t as f64 / self.ticks_per_second as f64,
        }
    }

    /// The nearest tick to a number of seconds from time zero, kept within [`Ticks::LIMIT`]. Not-a-number becomes 0.
    #[must_use]
    pub fn ticks(&self, seconds: f64) -> Ticks {
        let exact = (seconds * self.ticks_per_second as f64).round();
        Ticks((exact as i64).clamp(-Ticks::LIMIT, Ticks::LIMIT))
    }

    /// Wall-clock time as FILETIME (100 ns since 1601, UTC).
    #[must_use]
    pub fn filetime(&self, time: Ticks) -> i64 {
        let offset = i128::from(time.0) * 10_000_000 / i128::from(self.ticks_per_second.max(1));
        let sum = i128::from(self.start_filetime) + offset;
        sum.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }
}

/// A time range; both ends belong to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TimeRange {
    /// First tick.
    pub from: Ticks,
    /// Last tick.
    pub to: Ticks,
}

/// Class of an allocation in a time range (WPA: Type): allocated inside or outside of the range, freed inside or outside of
/// it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum LifetimeClass {
    /// Allocated inside, freed inside: transient.
    Aifi = 0,
    /// Allocated inside, freed outside or never: the leak candidates.
    Aifo = 1,
    /// Allocated before the range, freed inside.
    Aofi = 2,
    /// Allocated before the range, outstanding in all of it.
    Aofo = 3,
}

impl LifetimeClass {
    /// All four, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Aifi, Self::Aifo, Self::Aofi, Self::Aofo];

    /// The four letters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aifi => "AIFI",
            Self::Aifo => "AIFO",
            Self::Aofi => "AOFI",
            Self::Aofo => "AOFO",
        }
    }

    /// Returns `true` if the free is inside the range.
    #[must_use]
    pub const fn is_freed_inside(self) -> bool {
        matches!(self, Self::Aifi | Self::Aofi)
    }
}

impl TimeRange {
    /// Class of an allocation by its allocation and free time; `None` if it was not outstanding at any time of the range.
    #[inline]
    #[must_use]
    pub fn classify(&self, alloc: Ticks, free: Ticks) -> Option<LifetimeClass> {
        if alloc > self.to || free < self.from {
            return None;
        }
        Some(match (alloc >= self.from, free <= self.to) {
            (true, true) => LifetimeClass::Aifi,
            (true, false) => LifetimeClass::Aifo,
            (false, true) => LifetimeClass::Aofi,
            (false, false) => LifetimeClass::Aofo,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_a_range_are_inside() {
        let range = TimeRange { from: Ticks(10), to: Ticks(20) };
        assert_eq!(range.classify(Ticks(10), Ticks(20)), Some(LifetimeClass::Aifi));
        assert_eq!(range.classify(Ticks(20), Ticks(21)), Some(LifetimeClass::Aifo));
        assert_eq!(range.classify(Ticks(9), Ticks(10)), Some(LifetimeClass::Aofi));
        assert_eq!(range.classify(Ticks::UNKNOWN, Ticks::NEVER), Some(LifetimeClass::Aofo));
        assert_eq!(range.classify(Ticks(21), Ticks::NEVER), None);
        assert_eq!(range.classify(Ticks(1), Ticks(9)), None);
    }

    #[test]
    fn wall_clock_survives_large_ticks() {
        let clock =
            Clock { kind: ClockKind::Qpc, ticks_per_second: 3_117_777, start_filetime: 132_000_000_000_000_000 };
        let day = Ticks(3_117_777 * 86_400 * 3650);
        assert_eq!(clock.filetime(day) - clock.start_filetime, 864_000_000_000 * 3650);
        assert_eq!(clock.ticks(clock.seconds(Ticks(1_234_567_891))), Ticks(1_234_567_891));
    }
}
