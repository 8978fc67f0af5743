//! Time zero of a trace and the range of plausible times. The timestamp of the log-file header record is time zero; a
//! damaged one would shift every relative time, so that it is checked against the times of the other records.

use super::body::{BodyScratch, read_body};
use super::header::LogfileHeader;
use super::layout::{BufferRef, FileLayout};
use crate::buffer::TYPE_HEADER;
use crate::record::{Record, RecordKey, Records};
use poolscope_base::file_reader::{FileReader, ReadError};
use rustc_hash::FxHashSet;

/// Longest usual time in seconds from the header record to the first other record: rundown events are logged at once.
const PROMPT_SECONDS: i64 = 5;
/// Longest time in seconds by which the header record may be later than the first record: buffers are opened before the
/// header is written.
const EARLY_SECONDS: i64 = 1;
/// Longest plausible time in seconds from the start of a session to the first buffer that is left.
const LONGEST_SECONDS: i64 = 366 * 86_400;
/// Number of buffers at the end of the file of which the last one of each processor is searched for the latest time.
const LAST_BUFFERS: usize = 256;
/// Smallest margin in seconds around the times of the buffers within which times are plausible.
const MARGIN_SECONDS: i64 = 3600;

/// Time zero of a trace, its clock rate, and the range of plausible times.
///
/// Times of records are raw ticks of the clock that the log-file header names:
/// `filetime = StartTime + (ticks - time zero) * 10^7 / PerfFreq`. In a file with several log-file headers (a merge) the
/// first one counts.
///
/// Sources: dissect.etl, super-speedy-syslog-searcher and TraceEvent use the same time zero; on a real trace of Windows
/// 8 it puts the last kernel event 0.08 s before `EndTime`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordClock {
    /// Raw timestamp of time zero: that of the log-file header record, unless the other records contradict it.
    pub time_zero: i64,
    /// `time_zero` is the header record's own time.
    pub is_from_header: bool,
    /// First and last plausible raw timestamp of a kernel record.
    pub plausible: (i64, i64),
    /// Ticks per second according to the header, or those of the usual clock if the header's value is impossible.
    pub ticks_per_second: i64,
}

/// Raw timestamps of a trace that show whether the header record's time can be right.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ClockEvidence {
    /// Time of a record that the logger wrote together with the header record (event trace group, in the header
    /// buffer). The two times are equal in all traces that have one.
    pub sibling: Option<i64>,
    /// Time of the earliest record behind the header buffer.
    pub first: Option<i64>,
    /// Time of the latest kernel record.
    pub last: Option<i64>,
}

impl ClockEvidence {
    /// Collects the times of the first records of all buffers, and of all records of the last buffers.
    pub(super) fn collect(reader: &FileReader, layout: &FileLayout) -> Result<Self, ReadError> {
        let mut found = Self::default();
        let mut scratch = BodyScratch::default();
        for buffer in &layout.buffers {
            if buffer.header.kind == TYPE_HEADER {
                let body = read_body(reader, buffer, &mut scratch)?.bytes;
                let sibling = Records::new(body).skip(1).take(8).find(is_of_logger).and_then(|record| record.time);
                found.sibling = found.sibling.or(sibling);
            } else if let Some(first) = buffer.first_time {
                found.first = Some(found.first.map_or(first, |known: i64| known.min(first)));
                found.last = Some(found.last.map_or(first, |known: i64| known.max(first)));
            }
        }
        for buffer in last_of_each_processor(layout) {
            found.last = found.last.max(last_time(read_body(reader, buffer, &mut scratch)?.bytes));
        }
        Ok(found)
    }
}

/// Last buffer of each processor, among the last buffers of a file.
fn last_of_each_processor(layout: &FileLayout) -> impl Iterator<Item = &BufferRef> {
    let mut seen = FxHashSet::default();
    let bodies = layout.buffers.iter().rev().take(LAST_BUFFERS).filter(|buffer| buffer.header.kind != TYPE_HEADER);
    bodies.filter(move |buffer| seen.insert(buffer.header.cpu))
}

impl RecordClock {
    /// Determines time zero. `header_time` is the timestamp of the header record, `None` if it cannot be read;
    /// `is_complete` tells that the file has all buffers that its header promises.
    #[must_use]
    pub fn new(header: &LogfileHeader, header_time: Option<i64>, evidence: ClockEvidence, is_complete: bool) -> Self {
        let time_zero = time_zero(header, header_time, evidence, is_complete);
        let (low, high) = match (evidence.first, evidence.last) {
            (Some(first), Some(last)) => (first.min(time_zero), last.max(time_zero)),
            _ => (time_zero, time_zero),
        };
        let span = evidence.first.zip(evidence.last).map_or(0, |(first, last)| last.saturating_sub(first));
        // The first record of a buffer does not tell how far the others reach: a margin of the whole span is left for
        // these.
        let margin = ticks_of(MARGIN_SECONDS, header).max(span);
        Self {
            time_zero,
            is_from_header: Some(time_zero) == header_time,
            plausible: (low.saturating_sub(ticks_of(EARLY_SECONDS, header)), high.saturating_add(margin)),
            ticks_per_second: nominal_hz(header),
        }
    }

    /// Converts a raw timestamp to seconds from time zero.
    #[must_use]
    pub fn seconds(&self, time: i64) -> f64 {
        (i128::from(time) - i128::from(self.time_zero)) as f64 / self.ticks_per_second as f64
    }
}

/// Returns `true` for records of the event trace group, which the logger itself writes.
fn is_of_logger(record: &Record<'_>) -> bool {
    matches!(record.key, RecordKey::Hook(1..=0xff))
}

/// Latest time of a body's kernel records. A time counts if the next record is not earlier, so that a damaged one does
/// not.
fn last_time(body: &[u8]) -> Option<i64> {
    let mut latest = None;
    let mut previous: Option<i64> = None;
    for record in Records::new(body) {
        let (RecordKey::Hook(_), Some(time)) = (record.key, record.time) else { continue };
        if previous.is_some_and(|before| before <= time) {
            latest = latest.max(previous);
        }
        previous = Some(time);
    }
    latest.or(previous)
}

fn ticks_of(seconds: i64, header: &LogfileHeader) -> i64 {
    seconds.saturating_mul(nominal_hz(header))
}

/// Ticks per second of the header's clock type; those of the usual clock if the value is impossible.
fn nominal_hz(header: &LogfileHeader) -> i64 {
    const USUAL_HZ: i64 = 10_000_000;
    let hz = match header.clock_type {
        2 => USUAL_HZ,
        3 => i64::from(header.cpu_mhz) * 1_000_000,
        _ => header.perf_freq,
    };
    if (1_000..=100_000_000_000).contains(&hz) { hz } else { USUAL_HZ }
}

/// Chooses time zero among the header record's time, that of its sibling and that of the first record.
fn time_zero(header: &LogfileHeader, header_time: Option<i64>, evidence: ClockEvidence, is_complete: bool) -> i64 {
    let ClockEvidence { sibling, first, .. } = evidence;
    let (Some(time), Some(first)) = (header_time, first) else {
        return header_time.or(sibling).or(first).unwrap_or(0);
    };
    let distance = |time: i64| (i128::from(first) - i128::from(time)).abs();
    let is_in_reach = |time: i64| distance(time) <= i128::from(ticks_of(LONGEST_SECONDS, header));
    match sibling {
        // Two records agree, so that the logger wrote this time, even if the buffers differ.
        Some(other) if other == time && is_in_reach(time) => time,
        Some(other) if other != time && distance(other) < distance(time) && is_in_reach(other) => other,
        _ if fits(header, time, evidence, is_complete) => time,
        Some(other) if fits(header, other, evidence, is_complete) => other,
        _ => first,
    }
}

/// Returns `true` if `time` can be the time of the header record.
fn fits(header: &LogfileHeader, time: i64, evidence: ClockEvidence, is_complete: bool) -> bool {
    let ClockEvidence { first: Some(first), last, .. } = evidence else { return true };
    let ahead = i128::from(first) - i128::from(time);
    if ahead < -i128::from(ticks_of(EARLY_SECONDS, header)) {
        return false;
    }
    if ahead <= i128::from(ticks_of(PROMPT_SECONDS, header)) {
        return true;
    }
    // The first record comes late, as in a circular recording that wrapped or in a boot trace. That is possible if the
    // header's own start and end leave room for it.
    let filetimes = i128::from(header.end_filetime) - i128::from(header.start_filetime);
    if header.end_filetime == 0 || filetimes <= 0 {
        return ahead <= i128::from(ticks_of(LONGEST_SECONDS, header));
    }
    let recorded = filetimes * i128::from(nominal_hz(header)) / 10_000_000;
    let slack = recorded / 50 + i128::from(ticks_of(2, header));
    let whole = i128::from(last.unwrap_or(first)) - i128::from(time);
    whole <= recorded + slack && (!is_complete || whole >= recorded - slack)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HZ: i64 = 10_000_000;

    /// A header of a recording of `seconds`.
    fn header(seconds: i64) -> LogfileHeader {
        LogfileHeader {
            perf_freq: HZ,
            clock_type: 1,
            start_filetime: 130_000_000_000_000_000,
            end_filetime: 130_000_000_000_000_000 + seconds * HZ,
            ..LogfileHeader::default()
        }
    }

    fn evidence(sibling: Option<i64>, first: i64, last: i64) -> ClockEvidence {
        ClockEvidence { sibling, first: Some(first), last: Some(last) }
    }

    #[test]
    fn a_flip_of_any_bit_of_the_header_records_time_is_detected() {
        let (zero, end) = (388_000_000_000_i64, 388_000_000_000 + 60 * HZ);
        for sibling in [None, Some(zero)] {
            for bit in 0..64 {
                let flipped = zero ^ (1_i64 << bit);
                let clock = RecordClock::new(&header(60), Some(flipped), evidence(sibling, zero + 1, end), true);
                let off = (i128::from(clock.time_zero) - i128::from(zero)).abs();
                // Without a sibling, a header time a few seconds before the first record is accepted, since many traces
                // have one.
                let allowed = if sibling.is_some() { 2 } else { PROMPT_SECONDS * HZ };
                assert!(off <= i128::from(allowed), "bit {bit}, {sibling:?}: {off} ticks off");
                assert_eq!(clock.is_from_header, clock.time_zero == flipped);
                assert!(clock.plausible.0 <= zero && clock.plausible.1 >= end);
                assert!(clock.plausible.1 - clock.plausible.0 < 2 * 3600 * HZ);
            }
        }
    }

    #[test]
    fn a_late_first_record_is_accepted_if_the_header_has_room_for_it() {
        let (zero, first, end) = (1_000, 1_000 + 29_519 * HZ, 1_000 + 29_524 * HZ);
        let zero_of =
            |header: &LogfileHeader| RecordClock::new(header, Some(zero), evidence(None, first, end), true).time_zero;
        assert_eq!(zero_of(&header(29_525)), zero, "a boot trace without events for hours");
        assert_eq!(zero_of(&LogfileHeader { end_filetime: 0, ..header(1) }), zero, "never closed");
        assert_eq!(zero_of(&header(60)), first, "a minute has no room for hours");
        let stepped = RecordClock::new(&header(60), Some(zero), evidence(Some(zero), first, end), true);
        assert_eq!(stepped.time_zero, zero, "a second record of the logger confirms it");
    }

    #[test]
    fn without_a_header_time_the_first_record_is_time_zero() {
        let clock = RecordClock::new(&LogfileHeader::assumed(0, 8), None, evidence(None, 77, 99), false);
        assert_eq!((clock.time_zero, clock.is_from_header), (77, false));
    }
}
