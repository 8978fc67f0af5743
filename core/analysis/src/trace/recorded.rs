//! The part of the recording that a trace file holds, as its records show it, never as the header alone claims.

use super::time::{Ticks, TimeRange};

/// The recorded range of a trace, and what is missing around and inside it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordedRange {
    /// From the moment at which every CPU that matters was recorded to the last one.
    pub range: TimeRange,
    /// The part of [`Self::range`] that can be analyzed: the longest part between gaps where these took many events, else all.
    pub analyzable: TimeRange,
    /// The recording began earlier: the beginning was overwritten or is missing.
    pub start_missing: bool,
    /// The recording went on longer: the file ends early, or was never closed.
    pub end_missing: bool,
    /// What each CPU recorded, by number; none without kernel records.
    pub cpus: Vec<CpuRange>,
    /// CPUs whose records end well before those of the others in a file whose end is missing, by number.
    pub ended_early: Vec<u16>,
    /// Parts of [`Self::range`] in which events are missing, in order; they do not overlap.
    pub holes: Vec<Hole>,
    /// Kernel records that the file holds.
    pub events: u64,
    /// Where the recording ended by the header; `None` if it does not say, or what it says cannot be.
    pub header_end: Option<Ticks>,
    /// Buffers of the file.
    pub buffers: u64,
    /// Buffers that the recording wrote, by the header; `None` if it does not say.
    pub buffers_written: Option<u64>,
}

/// The kernel records of one CPU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CpuRange {
    /// Its number.
    pub cpu: u16,
    /// Time of its first kernel record.
    pub first: Ticks,
    /// Time of its last kernel record.
    pub last: Ticks,
    /// Pool allocations and frees.
    pub pool_events: u64,
    /// Kernel records.
    pub records: u64,
}

/// A part of the recording in which events are missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hole {
    /// From the last record before it to the first behind it, of the CPUs that it hit.
    pub range: TimeRange,
    /// Events that are missing, estimated.
    pub missing_events: u64,
    /// Events of the same time that are there, of all CPUs.
    pub present_events: u64,
}

impl Hole {
    /// Share of the events that is missing there, 0..=1.
    #[must_use]
    pub fn missing_share(&self) -> f64 {
        share(self.missing_events, self.present_events)
    }

    /// Whether more is missing than is there: a gap. Elsewhere events were lost among others that were recorded, and what is
    /// there is a sample of all.
    #[must_use]
    pub fn is_gap(&self) -> bool {
        self.missing_events > self.present_events
    }
}

impl RecordedRange {
    /// Share of all events from which on holes cut the range, in percent.
    pub const MAX_MISSING_PERCENT: u64 = 10;

    /// A recording that is there as a whole.
    #[must_use]
    pub const fn whole(range: TimeRange) -> Self {
        Self {
            range,
            analyzable: range,
            start_missing: false,
            end_missing: false,
            cpus: Vec::new(),
            ended_early: Vec::new(),
            holes: Vec::new(),
            events: 0,
            header_end: None,
            buffers: 0,
            buffers_written: None,
        }
    }

    /// The analyzed range of a visible range: what can be analyzed of it.
    #[must_use]
    pub fn analyzed(&self, visible: TimeRange) -> TimeRange {
        let to = visible.to.min(self.analyzable.to);
        TimeRange { from: visible.from.max(self.analyzable.from).min(to), to }
    }

    /// Whether anything is missing.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.start_missing && !self.end_missing && self.holes.is_empty()
    }

    /// Whether a part of the recording is missing: its beginning, its end, or a gap inside.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.start_missing || self.end_missing || self.holes.iter().any(Hole::is_gap)
    }

    /// Events that are missing in all holes, estimated.
    #[must_use]
    pub fn missing_events(&self) -> u64 {
        self.holes.iter().map(|hole| hole.missing_events).sum()
    }

    /// Share of the events between the ends of the range that is missing, 0..=1.
    #[must_use]
    pub fn missing_share(&self) -> f64 {
        share(self.missing_events(), self.events)
    }

    /// Share of the recording's buffers that the file holds, 0..=1; `None` if the header does not say how many there were.
    #[must_use]
    pub fn present_share(&self) -> Option<f64> {
        let written = self.buffers_written.filter(|&count| count > 0)?;
        Some((self.buffers as f64 / written as f64).min(1.0))
    }
}

fn share(missing: u64, present: u64) -> f64 {
    let all = missing as f64 + present as f64;
    if all > 0.0 { missing as f64 / all } else { 0.0 }
}
