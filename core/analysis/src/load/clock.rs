//! The clock of a trace, checked: frequency, start and end of the log-file header against the records. Where they contradict
//! each other, the records are right: their times are many, the header's are one.

use super::origin::Origin;
use crate::trace::time::{Clock, ClockKind, Ticks};
use poolscope_etl::file::LogfileHeader;

/// Every system here has had it or one of [`KNOWN_HZ`].
const USUAL_HZ: u64 = 10_000_000;
/// Frequencies of performance counters: QPC since Windows 10, ACPI timer, HPET, PIT, ARM.
const KNOWN_HZ: [u64; 7] = [USUAL_HZ, 3_579_545, 14_318_180, 1_193_182, 24_000_000, 19_200_000, 25_000_000];
/// No clock is slower or faster.
const POSSIBLE_HZ: std::ops::RangeInclusive<u64> = 1_000..=100_000_000_000;
/// Seconds by which the header's end may miss the last record.
const SLACK_SECONDS: f64 = 5.0;
/// Seconds by which the end of a recording may lie behind what an incomplete file holds, besides twenty times as much.
const CUT_SECONDS: f64 = 3600.0;

/// What the header's times are worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Checked {
    /// The clock to use.
    pub clock: Clock,
    /// The end of the recording, if the header's can be believed.
    pub end: Option<Ticks>,
    /// Something in the header was not believed.
    pub is_doubtful: bool,
}

/// What the records show.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Shown {
    /// Time of the last kernel record; of the last record where there are none.
    pub last: Option<Ticks>,
    /// There are kernel records: they are written up to the moment at which a recording stops.
    pub has_kernel: bool,
    /// The file holds all buffers that its header promises.
    pub is_whole: bool,
    /// How many times the buffers of the file the recording wrote, by the header; 1 if it does not say.
    pub written_times: f64,
}

/// The clock that the header names; a frequency that no clock has falls back to 10 MHz.
pub fn named(header: &LogfileHeader) -> Clock {
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

/// Holds the header against the records.
pub fn check(origin: &Origin, shown: Shown) -> Checked {
    let header = &origin.logfile;
    let mut clock = named(header);
    let is_named = match clock.kind {
        ClockKind::SystemTime => true,
        ClockKind::CpuCycles => POSSIBLE_HZ.contains(&(u64::from(header.cpu_mhz) * 1_000_000)),
        _ => u64::try_from(header.perf_freq).is_ok_and(|hz| POSSIBLE_HZ.contains(&hz)),
    };
    let mut is_doubtful = !is_named;
    let span = i128::from(header.end_filetime) - i128::from(header.start_filetime);
    if header.end_filetime == 0 {
        return Checked { clock, end: None, is_doubtful };
    }
    if span <= 0 || header.start_filetime <= 0 {
        clock.start_filetime = likely_start(origin, &clock, shown.last);
        return Checked { clock, end: None, is_doubtful: true };
    }
    let seconds = span as f64 / 1e7;
    let ticks = shown.last.map_or(0, |last| last.0.max(0));
    if shown.is_whole && shown.has_kernel && ticks > 0 {
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
    let slack = SLACK_SECONDS.max(recorded / 50.0);
    let longest = match (shown.is_whole, shown.has_kernel) {
        (true, true) => recorded + SLACK_SECONDS.max(recorded / 10.0),
        _ => recorded * 20.0 * shown.written_times.max(1.0) + CUT_SECONDS,
    };
    let is_believed = shown.last.is_none() || (recorded - slack..=longest).contains(&seconds);
    if !is_believed {
        clock.start_filetime = likely_start(origin, &clock, shown.last);
        return Checked { clock, end: None, is_doubtful: true };
    }
    let end = (span * i128::from(clock.ticks_per_second) + 5_000_000) / 10_000_000;
    Checked { clock, end: Some(Ticks(end.min(i128::from(Ticks::LIMIT)) as i64)), is_doubtful }
}

/// A frequency that fits start, end and last record where the header's does not.
fn better_frequency(header: &LogfileHeader, clock: &Clock, is_named: bool, implied: f64) -> Option<u64> {
    let mhz = u64::from(header.cpu_mhz) * 1_000_000;
    // The time stamp counter and what older systems make of it; its speed is told in whole MHz only.
    let by_speed = [mhz, mhz / 1024].into_iter().filter(|hz| POSSIBLE_HZ.contains(hz));
    let written = u64::try_from(header.perf_freq).ok().filter(|hz| POSSIBLE_HZ.contains(hz));
    let off = |hz: u64| (hz as f64 / implied).ln().abs();
    let named = clock.ticks_per_second;
    let is_usual = is_named
        && (KNOWN_HZ.iter().any(|&hz| hz.abs_diff(named) <= hz / 500)
            || by_speed.clone().any(|hz| hz.abs_diff(named) <= hz / 100));
    if is_usual {
        // A frequency that clocks have is not what was damaged; what it counts may be.
        let is_counter = matches!(clock.kind, ClockKind::Qpc | ClockKind::Raw);
        return written.filter(|&hz| !is_counter && off(hz) < 0.02 && off(named) > 0.1);
    }
    let candidates = KNOWN_HZ.into_iter().chain(by_speed).chain(written).filter(|&hz| hz != named);
    let best = candidates.min_by(|a, b| off(*a).total_cmp(&off(*b)))?;
    // One that is not usual is believed where no usual one fits much better.
    if off(best) < 0.02 && off(best) * 8.0 < off(named) {
        return Some(best);
    }
    (!is_named && POSSIBLE_HZ.contains(&(implied as u64))).then_some(implied as u64)
}

/// The start of a recording whose header contradicts itself: of its start and what follows from its end, the one nearer to
/// what boot time and performance counter say.
fn likely_start(origin: &Origin, clock: &Clock, last: Option<Ticks>) -> i64 {
    let header = &origin.logfile;
    let filetimes = |ticks: i64| i128::from(ticks) * 10_000_000 / i128::from(clock.ticks_per_second.max(1));
    let expected = match clock.kind {
        ClockKind::SystemTime => i128::from(origin.time_zero),
        _ => i128::from(header.boot_filetime) + filetimes(origin.time_zero),
    };
    let from_end = i128::from(header.end_filetime) - filetimes(last.map_or(0, |last| last.0));
    let off = |start: i128| (start - expected).abs();
    let is_better = off(from_end) * 4 < off(i128::from(header.start_filetime)) && header.end_filetime > 0;
    if is_better { i64::try_from(from_end).unwrap_or(header.start_filetime) } else { header.start_filetime }
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

    fn checked(logfile: LogfileHeader, shown: Shown) -> Checked {
        let origin = Origin {
            logfile,
            file_bytes: 0,
            buffers: None,
            wrapped: false,
            time_zero: 388_000_000_000,
            gaps: Vec::new(),
            tail: Tail::Whole,
            newest: None,
            is_last_marked: true,
            diagnostics: Diagnostics::default(),
        };
        check(&origin, shown)
    }

    fn whole() -> Shown {
        Shown { last: Some(Ticks(599_900_000)), has_kernel: true, is_whole: true, written_times: 1.0 }
    }

    #[test]
    fn a_right_header_is_believed() {
        let found = checked(header(), whole());
        assert_eq!((found.end, found.is_doubtful), (Some(Ticks(600_000_000)), false));
        assert_eq!(found.clock, named(&header()));
    }

    #[test]
    fn every_bit_of_start_and_end_leaves_a_sane_end() {
        for bit in 0..64 {
            let flips: [fn(&mut LogfileHeader) -> &mut i64; 2] = [|h| &mut h.start_filetime, |h| &mut h.end_filetime];
            for (field, flip) in flips.into_iter().enumerate() {
                let mut damaged = header();
                *flip(&mut damaged) ^= 1_i64 << bit;
                let found = checked(damaged, whole());
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
            let found = checked(LogfileHeader { perf_freq: 10_000_000 ^ (1_i64 << bit), ..header() }, whole());
            let off = (found.clock.ticks_per_second as f64 / 1e7 - 1.0).abs();
            assert!(off < 0.002, "bit {bit}: {found:?}");
            assert!(found.is_doubtful || off < 0.002, "bit {bit}: {found:?}");
        }
        let unusual = LogfileHeader { perf_freq: 2_337_949, cpu_mhz: 2_394, ..header() };
        let found = checked(unusual.clone(), Shown { last: Some(Ticks(140_200_000)), ..whole() });
        assert_eq!(
            (found.clock.ticks_per_second, found.is_doubtful),
            (2_337_949, false),
            "a 1024th of the CPU's speed"
        );
        let alone = LogfileHeader { cpu_mhz: 1_000, ..unusual };
        let found = checked(alone, Shown { last: Some(Ticks(140_200_000)), ..whole() });
        assert_eq!(found.clock.ticks_per_second, 2_337_949, "unknown, but it fits");
        for absurd in [0, -5, i64::MIN, i64::MAX, 3] {
            let found = checked(LogfileHeader { perf_freq: absurd, end_filetime: 0, ..header() }, whole());
            assert_eq!((found.clock.ticks_per_second, found.is_doubtful), (USUAL_HZ, true), "{absurd}");
        }
        let cycles = checked(LogfileHeader { clock_type: 3, ..header() }, whole());
        assert_eq!((cycles.clock.ticks_per_second, cycles.is_doubtful), (10_000_000, true), "a wrong clock type");
    }

    #[test]
    fn a_wall_clock_that_was_set_changes_nothing_but_the_wall_clock() {
        let stepped = LogfileHeader { end_filetime: header().end_filetime + 36_000_000_000, ..header() };
        let found = checked(stepped, whole());
        assert_eq!((found.end, found.is_doubtful, found.clock.start_filetime), (None, true, START));
        let back = LogfileHeader { end_filetime: START - 1, ..header() };
        assert_eq!(checked(back, whole()).clock.start_filetime, START);
    }

    #[test]
    fn a_cut_file_keeps_its_headers_end() {
        let half = Shown { last: Some(Ticks(300_000_000)), has_kernel: true, is_whole: false, written_times: 2.0 };
        assert_eq!(checked(header(), half).end, Some(Ticks(600_000_000)));
        let absurd = LogfileHeader { end_filetime: header().end_filetime | 1 << 60, ..header() };
        assert_eq!(checked(absurd, half).end, None);
    }
}
