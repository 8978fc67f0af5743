//! Time as the trace counts it: clock ticks from the log-file header's own timestamp. This module must never round
//! twice: ticks are exact, seconds are for people.

/// Clock ticks since time zero (the timestamp of the log-file header record). Negative for events before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct Ticks(pub i64);

impl Ticks {
    /// Allocation time of a block whose allocation the trace does not show: before everything.
    pub const UNKNOWN: Self = Self(i64::MIN);
    /// Free time of a block that the trace does not show freed: after everything.
    pub const NEVER: Self = Self(i64::MAX);
    /// Real timestamps are kept within plus/minus this, so that neither sentinel can come from a damaged record and
    /// no difference of two times overflows.
    pub const LIMIT: i64 = i64::MAX / 4;

    /// Whether this is a moment and neither sentinel.
    #[inline]
    #[must_use]
    pub const fn is_known(self) -> bool {
        self.0 != i64::MIN && self.0 != i64::MAX
    }
}

/// Which clock stamped the records (`ReservedFlags` of the log-file header).
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
    /// The word that reports use.
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

/// How ticks become seconds and wall-clock time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clock {
    /// Which clock.
    pub kind: ClockKind,
    /// Ticks in a second of that clock; never 0.
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

    /// Wall-clock time of a moment as FILETIME (100 ns since 1601, UTC).
    #[must_use]
    pub fn filetime(&self, time: Ticks) -> i64 {
        let offset = i128::from(time.0) * 10_000_000 / i128::from(self.ticks_per_second.max(1));
        let sum = i128::from(self.start_filetime) + offset;
        sum.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }
}

/// The visible time range; both ends belong to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TimeRange {
    /// First tick of the view.
    pub from: Ticks,
    /// Last tick of the view.
    pub to: Ticks,
}

/// What WPA calls the type of an allocation: allocated inside or outside the view, freed inside or outside it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum LifetimeClass {
    /// Allocated inside, freed inside: transient.
    Aifi = 0,
    /// Allocated inside, freed outside or never: the leak candidates.
    Aifo = 1,
    /// Allocated before the view, freed inside.
    Aofi = 2,
    /// Allocated before the view, alive over the whole of it.
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

    /// Whether the block was allocated inside the view.
    #[must_use]
    pub const fn is_allocated_inside(self) -> bool {
        matches!(self, Self::Aifi | Self::Aifo)
    }

    /// Whether the block was freed inside the view.
    #[must_use]
    pub const fn is_freed_inside(self) -> bool {
        matches!(self, Self::Aifi | Self::Aofi)
    }
}

impl TimeRange {
    /// How a block that lived from `alloc` to `free` stands to the view; `None` if it does not belong to it.
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
    fn both_ends_of_a_view_are_inside() {
        let view = TimeRange { from: Ticks(10), to: Ticks(20) };
        assert_eq!(view.classify(Ticks(10), Ticks(20)), Some(LifetimeClass::Aifi));
        assert_eq!(view.classify(Ticks(20), Ticks(21)), Some(LifetimeClass::Aifo));
        assert_eq!(view.classify(Ticks(9), Ticks(10)), Some(LifetimeClass::Aofi));
        assert_eq!(view.classify(Ticks::UNKNOWN, Ticks::NEVER), Some(LifetimeClass::Aofo));
        assert_eq!(view.classify(Ticks(21), Ticks::NEVER), None);
        assert_eq!(view.classify(Ticks(1), Ticks(9)), None);
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
