//! The recorded range: the part of a recording that the trace file holds, with the gaps in it, as its records show.

use super::time::{Ticks, TimeRange};

/// The recorded range of a trace, and the parts of the recording that are missing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordedRange {
    /// The time range in which all CPUs with a relevant share of the events were recorded.
    pub range: TimeRange,
    /// The part of [`Self::range`] that can be analyzed: all of it, or the longest part between gaps if too many events are
    /// missing in gaps.
    pub analyzable: TimeRange,
    /// True if the beginning of the recording was overwritten or is missing.
    pub start_missing: bool,
    /// True if the recording went on longer: the file ends early, or was never closed.
    pub end_missing: bool,
    /// Recorded range of each CPU, by number; empty without kernel records.
    pub cpus: Vec<CpuRange>,
    /// CPUs whose records end well before those of the others in a file whose end is missing, by number.
    pub ended_early: Vec<u16>,
    /// Parts of [`Self::range`] in which events are missing, in order and without overlap.
    pub holes: Vec<Hole>,
    /// Number of kernel records in the file.
    pub events: u64,
    /// End of the recording by the header; `None` if the header has none, or an implausible one.
    pub header_end: Option<Ticks>,
    /// Number of buffers in the file.
    pub buffers: u64,
    /// Number of buffers that the recording wrote, by the header; `None` if not known.
    pub buffers_written: Option<u64>,
}

/// Time range and number of the kernel records of one CPU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CpuRange {
    /// CPU number.
    pub cpu: u16,
    /// Time of the first kernel record.
    pub first: Ticks,
    /// Time of the last kernel record.
    pub last: Ticks,
    /// Number of pool allocations and frees.
    pub pool_events: u64,
    /// Number of kernel records.
    pub records: u64,
}

/// A part of the recording in which events are missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hole {
    /// From the last record before it to the first record after it, on the CPUs that lost records.
    pub range: TimeRange,
    /// Estimated number of missing events.
    pub missing_events: u64,
    /// Number of recorded events of all CPUs in the same time.
    pub present_events: u64,
}

impl Hole {
    /// Share of the events in the hole that is missing, 0..=1.
    #[must_use]
    pub fn missing_share(&self) -> f64 {
        share(self.missing_events, self.present_events)
    }

    /// Returns `true` if more events are missing than were recorded. Otherwise the recorded events are a sample of all.
    #[must_use]
    pub fn is_gap(&self) -> bool {
        self.missing_events > self.present_events
    }
}

impl RecordedRange {
    /// Upper bound on the events that may be missing in gaps of an analyzable range, in percent.
    pub const MAX_MISSING_PERCENT: u64 = 10;

    /// A recording without missing parts.
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

    /// Analyzed range: the part of a visible range that can be analyzed.
    #[must_use]
    pub fn analyzed(&self, visible: TimeRange) -> TimeRange {
        let to = visible.to.min(self.analyzable.to);
        TimeRange { from: visible.from.max(self.analyzable.from).min(to), to }
    }

    /// Returns `true` if nothing is missing.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.start_missing && !self.end_missing && self.holes.is_empty()
    }

    /// Returns `true` if a part of the recording is missing: its beginning, its end, or a gap.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.start_missing || self.end_missing || self.holes.iter().any(Hole::is_gap)
    }

    /// Estimated number of events that are missing in all holes.
    #[must_use]
    pub fn missing_events(&self) -> u64 {
        self.holes.iter().map(|hole| hole.missing_events).sum()
    }

    /// Share of the events in the recorded range that is missing, 0..=1.
    #[must_use]
    pub fn missing_share(&self) -> f64 {
        share(self.missing_events(), self.events)
    }

    /// Share of the recording's buffers that the file holds, 0..=1; `None` if their number is not known.
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
