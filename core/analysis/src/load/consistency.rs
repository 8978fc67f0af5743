//! Consistency checks of a trace as a whole: the clock, start and end of the log-file header against the records, and the
//! data-quality issues that only a complete load shows (losses, overwritten beginning, missing kinds of records). If header and
//! records contradict each other, the records are right: they have many times, the header has one.

use super::session::SessionInfo;
use super::{LoadOptions, StackScope};
use crate::trace::Trace;
use crate::trace::ids::StackId;
use crate::trace::time::{Clock, ClockKind, Ticks};
use poolscope_etl::diagnostics::{DiagnosticKind as Kind, Diagnostics};
use poolscope_etl::file::LogfileHeader;

/// Frequency that replaces an impossible one: that of QPC since Windows 10.
const USUAL_HZ: u64 = 10_000_000;
/// Frequencies of performance counters: QPC since Windows 10, ACPI timer, HPET, PIT, ARM.
const KNOWN_HZ: [u64; 7] = [USUAL_HZ, 3_579_545, 14_318_180, 1_193_182, 24_000_000, 19_200_000, 25_000_000];
/// Frequencies that a clock can have.
const POSSIBLE_HZ: std::ops::RangeInclusive<u64> = 1_000..=100_000_000_000;
/// Upper bound on the seconds by which the end in the header may differ from the last record.
const END_SLACK_SECONDS: f64 = 5.0;
/// Upper bound on the seconds that may be missing at the end of an incomplete file, besides twenty times its own length.
const MAX_MISSING_SECONDS: f64 = 3600.0;

/// The clock of a trace after the check of the header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CheckedClock {
    /// The clock to use.
    pub clock: Clock,
    /// End of the recording by the header; `None` if the header has none, or an implausible one.
    pub end: Option<Ticks>,
    /// True if something in the header is implausible.
    pub is_doubtful: bool,
}

/// Facts from the records that the header is checked against.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RecordEvidence {
    /// Time of the last kernel record, or of the last record without kernel records.
    pub last: Option<Ticks>,
    /// True if there are kernel records, which are written until the recording stops.
    pub has_kernel: bool,
    /// True if the file holds all buffers that its header counts.
    pub is_whole: bool,
    /// Buffers that the recording wrote, by the header, as a multiple of those in the file; 1 if not known.
    pub written_times: f64,
}

/// The clock by the header. Impossible frequencies are replaced by 10 MHz.
pub fn header_clock(header: &LogfileHeader) -> Clock {
    let possible = |hz: u64| Some(hz).filter(|hz| POSSIBLE_HZ.contains(hz));
    let perf_freq = u64::try_from(header.perf_freq).ok().and_then(possible).unwrap_or(USUAL_HZ);
    let (kind, ticks_per_second) = match header.clock_type {
        2 => (ClockKind::SystemTime, USUAL_HZ),
        3 => (ClockKind::CpuCycles, possible(u64::from(header.cpu_mhz) * 1_000_000).unwrap_or(USUAL_HZ)),
        0 => (ClockKind::Raw, perf_freq),
        _ => (ClockKind::Qpc, perf_freq),
    };
    Clock { kind, ticks_per_second, start_filetime: header.start_filetime }
}

/// Checks clock, start and end of the header against the records.
pub fn check_clock(info: &SessionInfo, records: RecordEvidence) -> CheckedClock {
    let header = &info.logfile;
    let mut clock = header_clock(header);
    let is_named = match clock.kind {
        ClockKind::SystemTime => true,
        ClockKind::CpuCycles => POSSIBLE_HZ.contains(&(u64::from(header.cpu_mhz) * 1_000_000)),
        _ => u64::try_from(header.perf_freq).is_ok_and(|hz| POSSIBLE_HZ.contains(&hz)),
    };
    let mut is_doubtful = !is_named;
    let span = i128::from(header.end_filetime) - i128::from(header.start_filetime);
    if header.end_filetime == 0 {
        return CheckedClock { clock, end: None, is_doubtful };
    }
    if span <= 0 || header.start_filetime <= 0 {
        clock.start_filetime = likely_start(info, &clock, records.last);
        return CheckedClock { clock, end: None, is_doubtful: true };
    }
    let seconds = span as f64 / 1e7;
    let ticks = records.last.map_or(0, |last| last.0.max(0));
    if records.is_whole && records.has_kernel && ticks > 0 {
        let implied = ticks as f64 / seconds;
        if let Some(hz) = better_frequency(header, &clock, is_named, implied) {
            is_doubtful = true;
            if clock.kind == ClockKind::CpuCycles || clock.kind == ClockKind::SystemTime {
                clock.kind = ClockKind::Qpc;
            }
            clock.ticks_per_second = hz;
        }
    }
    let recorded = ticks as f64 / clock.ticks_per_second as f64;
    let slack = END_SLACK_SECONDS.max(recorded / 50.0);
    let longest = match (records.is_whole, records.has_kernel) {
        (true, true) => recorded + END_SLACK_SECONDS.max(recorded / 10.0),
        _ => recorded * 20.0 * records.written_times.max(1.0) + MAX_MISSING_SECONDS,
    };
    let is_believed = records.last.is_none() || (recorded - slack..=longest).contains(&seconds);
    if !is_believed {
        clock.start_filetime = likely_start(info, &clock, records.last);
        return CheckedClock { clock, end: None, is_doubtful: true };
    }
    let end = (span * i128::from(clock.ticks_per_second) + 5_000_000) / 10_000_000;
    CheckedClock { clock, end: Some(Ticks(end.min(i128::from(Ticks::LIMIT)) as i64)), is_doubtful }
}

/// A frequency that fits start, end and last record much better than that of the header.
fn better_frequency(header: &LogfileHeader, clock: &Clock, is_named: bool, implied: f64) -> Option<u64> {
    let mhz = u64::from(header.cpu_mhz) * 1_000_000;
    // The time stamp counter, and the QPC that older systems derive from it. The header has its speed in whole MHz.
    let by_speed = [mhz, mhz / 1024].into_iter().filter(|hz| POSSIBLE_HZ.contains(hz));
    let written = u64::try_from(header.perf_freq).ok().filter(|hz| POSSIBLE_HZ.contains(hz));
    let off = |hz: u64| (hz as f64 / implied).ln().abs();
    let named = clock.ticks_per_second;
    let is_usual = is_named
        && (KNOWN_HZ.iter().any(|&hz| hz.abs_diff(named) <= hz / 500)
            || by_speed.clone().any(|hz| hz.abs_diff(named) <= hz / 100));
    if is_usual {
        // A usual frequency is not damaged, but the clock type may be.
        let is_counter = matches!(clock.kind, ClockKind::Qpc | ClockKind::Raw);
        return written.filter(|&hz| !is_counter && off(hz) < 0.02 && off(named) > 0.1);
    }
    let candidates = KNOWN_HZ.into_iter().chain(by_speed).chain(written).filter(|&hz| hz != named);
    let best = candidates.min_by(|a, b| off(*a).total_cmp(&off(*b)))?;
    // An unusual frequency is used unless a usual one fits much better.
    if off(best) < 0.02 && off(best) * 8.0 < off(named) {
        return Some(best);
    }
    (!is_named && POSSIBLE_HZ.contains(&(implied as u64))).then_some(implied as u64)
}

/// Start of a recording whose header is inconsistent: the start in the header or the one that follows from its end, whichever
/// is nearer to boot time plus performance counter.
fn likely_start(info: &SessionInfo, clock: &Clock, last: Option<Ticks>) -> i64 {
    let header = &info.logfile;
    let filetimes = |ticks: i64| i128::from(ticks) * 10_000_000 / i128::from(clock.ticks_per_second.max(1));
    let expected = match clock.kind {
        ClockKind::SystemTime => i128::from(info.time_zero),
        _ => i128::from(header.boot_filetime) + filetimes(info.time_zero),
    };
    let from_end = i128::from(header.end_filetime) - filetimes(last.map_or(0, |last| last.0));
    let off = |start: i128| (start - expected).abs();
    let is_better = off(from_end) * 4 < off(i128::from(header.start_filetime)) && header.end_filetime > 0;
    if is_better { i64::try_from(from_end).unwrap_or(header.start_filetime) } else { header.start_filetime }
}

/// Facts from the records that no table of the trace holds.
pub struct RecordFacts {
    /// True if the beginning was overwritten.
    pub is_wrapped: bool,
    /// Number of log-file header records.
    pub headers: u64,
}

/// Adds the data-quality issues of the trace as a whole.
pub fn add_diagnostics(trace: &mut Trace, info: &SessionInfo, records: RecordFacts, options: LoadOptions) {
    let mut found = Diagnostics::default();
    check_losses(&mut found, trace, info, records.headers);
    if records.is_wrapped {
        found.add(Kind::WrappedCircular, 1);
    }
    if trace.modules.modules().is_empty() {
        found.add(Kind::MissingImages, 1);
    } else {
        let without = trace.modules.modules().iter().filter(|m| m.rsds.is_none()).count();
        if without == trace.modules.modules().len() {
            found.add(Kind::UnmergedImages, without as u64);
        }
    }
    check_pool_events(&mut found, trace, options);
    trace.diagnostics.merge(&found);
}

/// Losses and inconsistencies that the header shows.
fn check_losses(found: &mut Diagnostics, trace: &Trace, info: &SessionInfo, headers: u64) {
    let header: &LogfileHeader = &info.logfile;
    found.add(Kind::EventsLost, u64::from(header.events_lost));
    found.add(Kind::BuffersLost, u64::from(header.buffers_lost));
    let held = info.buffers.map_or(trace.statistics.buffers, |buffers| buffers.total);
    check_end(found, header, held);
    found.add(Kind::MergedHeaders, headers.saturating_sub(info.parts.len().max(1) as u64));
}

/// Differences between the header of a file and the number of buffers that it holds.
pub fn check_end(found: &mut Diagnostics, header: &LogfileHeader, held: u64) {
    if header.end_filetime == 0 {
        found.add(Kind::NotClosed, 1);
    } else if !header.is_circular() && u64::from(header.buffers_written) != held {
        found.add(Kind::BufferCountDiffers, u64::from(header.buffers_written).abs_diff(held));
    }
}

/// Returns `true` if the beginning of a circular recording was overwritten: the sequence numbers of its buffers do not begin at the start,
/// or its first event is late. The header and the buffers of a merged file are those of the merge, so that only the first event
/// counts there.
pub fn has_wrapped(info: &SessionInfo, first_time: Option<Ticks>, clock: &Clock, end: Ticks) -> bool {
    // Later than a second and than a tenth of the recording: other sessions write rundown records at once.
    let late = |first: Ticks| first.0 > clock.ticks_per_second as i64 && first.0 > end.0 / 10;
    let is_late = first_time.is_some_and(late);
    (info.logfile.is_circular() && (info.has_wrapped_buffers || is_late)) || (info.logfile.is_merged() && is_late)
}

/// Missing pool events and stacks.
fn check_pool_events(found: &mut Diagnostics, trace: &Trace, options: LoadOptions) {
    let allocations = &trace.allocations;
    if trace.statistics.pool_allocs + trace.statistics.pool_frees == 0 {
        found.add(Kind::NoPoolEvents, 1);
    }
    if trace.summary.pool_group_enabled == Some(false) {
        found.add(Kind::PoolGroupOff, 1);
    }
    if options.stacks == StackScope::None || trace.statistics.pool_allocs == 0 {
        return;
    }
    // Allocations that were not recorded cannot have a stack.
    let recorded = trace.statistics.pool_allocs as usize;
    let empty = allocations.alloc_stack.iter().zip(0..).filter(|(stack, _)| **stack == StackId::EMPTY);
    let without = empty.filter(|&(_, row)| allocations.is_allocation_recorded(row)).count();
    // Stacks whose keys have no definition were recorded nevertheless.
    if without == recorded && trace.statistics.stacks.matched == 0 {
        found.add(Kind::NoStacks, 1);
    } else {
        found.add(Kind::NoStack, without as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_etl::diagnostics::Diagnostics;
    use poolscope_etl::file::Tail;

    const START: i64 = 132_854_688_000_000_000;

    /// A minute at 10 MHz, recorded 38,800 s after the start of the system.
    fn header() -> LogfileHeader {
        LogfileHeader {
            perf_freq: 10_000_000,
            cpu_mhz: 3_192,
            clock_type: 1,
            start_filetime: START,
            boot_filetime: START - 388_000_000_000,
            end_filetime: START + 600_000_000,
            ..LogfileHeader::default()
        }
    }

    fn check_header(logfile: LogfileHeader, records: RecordEvidence) -> CheckedClock {
        let info = SessionInfo {
            logfile,
            file_bytes: 0,
            buffers: None,
            has_wrapped_buffers: false,
            time_zero: 388_000_000_000,
            gaps: Vec::new(),
            tail: Tail::Whole,
            newest_sequence: None,
            is_last_marked: true,
            diagnostics: Diagnostics::default(),
            parts: Vec::new(),
            all_buffers: None,
        };
        check_clock(&info, records)
    }

    fn whole() -> RecordEvidence {
        RecordEvidence { last: Some(Ticks(599_900_000)), has_kernel: true, is_whole: true, written_times: 1.0 }
    }

    #[test]
    fn a_right_header_is_believed() {
        let found = check_header(header(), whole());
        assert_eq!((found.end, found.is_doubtful), (Some(Ticks(600_000_000)), false));
        assert_eq!(found.clock, header_clock(&header()));
    }

    #[test]
    fn every_bit_of_start_and_end_leaves_a_sane_end() {
        for bit in 0..64 {
            let flips: [fn(&mut LogfileHeader) -> &mut i64; 2] = [|h| &mut h.start_filetime, |h| &mut h.end_filetime];
            for (field, flip) in flips.into_iter().enumerate() {
                let mut damaged = header();
                *flip(&mut damaged) ^= 1_i64 << bit;
                let found = check_header(damaged, whole());
                let sane = found.end.is_none_or(|end| (550_000_000..=661_000_000).contains(&end.0));
                assert!(sane, "bit {bit} of {field}: {found:?}");
                assert!(found.end.is_some() || found.is_doubtful, "bit {bit} of {field}");
                assert_eq!(found.clock.ticks_per_second, 10_000_000, "bit {bit} of {field}");
                let off = (found.clock.start_filetime - START).abs();
                assert!(off < 100_000_000, "bit {bit} of {field}: the start is {off} off");
            }
        }
    }

    #[test]
    fn every_bit_of_the_frequency_leaves_seconds_right() {
        for bit in 0..64 {
            let found = check_header(LogfileHeader { perf_freq: 10_000_000 ^ (1_i64 << bit), ..header() }, whole());
            let off = (found.clock.ticks_per_second as f64 / 1e7 - 1.0).abs();
            assert!(off < 0.002, "bit {bit}: {found:?}");
            assert!(found.is_doubtful || off < 0.002, "bit {bit}: {found:?}");
        }
        let unusual = LogfileHeader { perf_freq: 2_337_949, cpu_mhz: 2_394, ..header() };
        let found = check_header(unusual.clone(), RecordEvidence { last: Some(Ticks(140_200_000)), ..whole() });
        assert_eq!(
            (found.clock.ticks_per_second, found.is_doubtful),
            (2_337_949, false),
            "a 1024th of the CPU's speed"
        );
        let alone = LogfileHeader { cpu_mhz: 1_000, ..unusual };
        let found = check_header(alone, RecordEvidence { last: Some(Ticks(140_200_000)), ..whole() });
        assert_eq!(found.clock.ticks_per_second, 2_337_949, "unknown, but it fits");
        for absurd in [0, -5, i64::MIN, i64::MAX, 3] {
            let found = check_header(LogfileHeader { perf_freq: absurd, end_filetime: 0, ..header() }, whole());
            assert_eq!((found.clock.ticks_per_second, found.is_doubtful), (USUAL_HZ, true), "{absurd}");
        }
        let cycles = check_header(LogfileHeader { clock_type: 3, ..header() }, whole());
        assert_eq!((cycles.clock.ticks_per_second, cycles.is_doubtful), (10_000_000, true), "a wrong clock type");
    }

    #[test]
    fn a_wall_clock_that_was_set_changes_nothing_but_the_wall_clock() {
        let stepped = LogfileHeader { end_filetime: header().end_filetime + 36_000_000_000, ..header() };
        let found = check_header(stepped, whole());
        assert_eq!((found.end, found.is_doubtful, found.clock.start_filetime), (None, true, START));
        let back = LogfileHeader { end_filetime: START - 1, ..header() };
        assert_eq!(check_header(back, whole()).clock.start_filetime, START);
    }

    #[test]
    fn a_cut_file_keeps_its_headers_end() {
        let part =
            RecordEvidence { last: Some(Ticks(300_000_000)), has_kernel: true, is_whole: false, written_times: 2.0 };
        assert_eq!(check_header(header(), part).end, Some(Ticks(600_000_000)));
        let absurd = LogfileHeader { end_filetime: header().end_filetime | 1 << 60, ..header() };
        assert_eq!(check_header(absurd, part).end, None);
    }
}
