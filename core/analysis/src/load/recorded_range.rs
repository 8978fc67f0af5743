//! The recorded range of a trace, from the time spans of its buffers. Only kernel records count, since merges inject records of
//! other providers with times of their own. The header decides only whether something is missing, not where the range ends.

use super::buffer_span::BufferSpan;
use super::consistency::CheckedClock;
use super::session::SessionInfo;
use crate::trace::recorded::{CpuRange, Hole, RecordedRange};
use crate::trace::time::{Ticks, TimeRange};
use poolscope_base::progress::{CancelToken, Cancelled};
use poolscope_etl::buffer::flag;
use poolscope_etl::diagnostics::{DiagnosticKind, Diagnostics};
use poolscope_etl::file::Tail;
use std::collections::BTreeMap;

/// Lower bound on the share of the pool events (of all kernel records without pool events) that a main CPU has, in percent.
const MIN_CPU_SHARE_PERCENT: u64 = 1;
/// Upper bound on the holes at which the range is cut.
const MAX_CUTS: usize = 512;
/// Lower bound on the records with one time at which the clock is reported as standing still.
const MIN_RECORDS_STANDING_STILL: u64 = 16;

/// The kernel records of a trace, buffer by buffer and CPU by CPU.
pub struct Recording {
    /// Buffers with kernel records, in the order in which they were written.
    spans: Vec<BufferSpan>,
    /// Positions in `spans` by CPU.
    chains: BTreeMap<u16, Vec<usize>>,
    /// Recorded range of each CPU, in the order of `chains`.
    cpus: Vec<CpuRange>,
}

impl Recording {
    /// Recording of spans in the order of writing; `second` is the number of ticks in a second.
    pub fn new(spans: impl Iterator<Item = BufferSpan>, second: i64, diagnostics: &mut Diagnostics) -> Self {
        let mut spans: Vec<BufferSpan> = spans.filter(|span| span.records > 0).collect();
        let mut chains: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
        for (place, span) in spans.iter().enumerate() {
            chains.entry(span.cpu).or_default().push(place);
        }
        let went_back = drop_unconfirmed(&mut spans, &chains, second);
        diagnostics.add(DiagnosticKind::ClockWentBack, went_back);
        let cpus = chains.iter().map(|(&cpu, chain)| cpu_range(cpu, chain.iter().map(|&at| &spans[at]))).collect();
        let recording = Self { spans, chains, cpus };
        if let (Some(first), Some(last)) = (recording.first(), recording.last())
            && first == last
            && recording.records() >= MIN_RECORDS_STANDING_STILL
        {
            diagnostics.add(DiagnosticKind::ConstantTimestamps, 1);
        }
        recording
    }

    /// Time of the first kernel record.
    pub fn first(&self) -> Option<Ticks> {
        self.cpus.iter().map(|cpu| cpu.first).min()
    }

    /// Time of the last kernel record.
    pub fn last(&self) -> Option<Ticks> {
        self.cpus.iter().map(|cpu| cpu.last).max()
    }

    /// Number of kernel records.
    fn records(&self) -> u64 {
        self.cpus.iter().map(|cpu| cpu.records).sum()
    }

    /// CPUs with a relevant share of the events.
    fn main_cpus(&self) -> impl Iterator<Item = &CpuRange> {
        let pool_events: u64 = self.cpus.iter().map(|cpu| cpu.pool_events).sum();
        let weight = move |cpu: &CpuRange| if pool_events > 0 { cpu.pool_events } else { cpu.records };
        let all: u64 = self.cpus.iter().map(weight).sum();
        self.cpus.iter().filter(move |cpu| weight(cpu) * 100 >= all * MIN_CPU_SHARE_PERCENT)
    }

    /// Mean time from one buffer of a CPU to the next.
    fn period(&self, cpu: u16) -> i64 {
        let Some(chain) = self.chains.get(&cpu) else { return 0 };
        let (Some(&first), Some(&last)) = (chain.first(), chain.last()) else { return 0 };
        (self.spans[last].last.0 - self.spans[first].first.0).max(0) / chain.len() as i64
    }

    /// Mean number of kernel records in a buffer of a CPU.
    fn fill(&self, cpu: u16) -> u64 {
        let buffers = self.chains.get(&cpu).map_or(0, |chain| chain.len() as u64);
        self.cpus.iter().find(|row| row.cpu == cpu).map_or(0, |row| row.records / buffers.max(1))
    }
}

fn cpu_range<'s>(cpu: u16, spans: impl Iterator<Item = &'s BufferSpan>) -> CpuRange {
    let nothing = CpuRange { cpu, first: Ticks::NEVER, last: Ticks::UNKNOWN, pool_events: 0, records: 0 };
    spans.fold(nothing, |row, span| CpuRange {
        cpu,
        first: row.first.min(span.first),
        last: row.last.max(span.last),
        pool_events: row.pool_events + span.pool_events,
        records: row.records + span.records,
    })
}

/// Corrects spans whose last time is damaged. No record of the buffer confirms that time: if it is much later than the one before
/// it, the next buffer of its CPU has to confirm it, or all other CPUs for the last buffer. Returns how often the clock of a CPU
/// went back from one buffer to the next.
fn drop_unconfirmed(spans: &mut [BufferSpan], chains: &BTreeMap<u16, Vec<usize>>, second: i64) -> u64 {
    let is_unconfirmed =
        |span: &BufferSpan| span.confirmed != Ticks::UNKNOWN && span.last.0 - span.confirmed.0 > second;
    let latest = spans.iter().map(|span| if is_unconfirmed(span) { span.confirmed } else { span.last }).max();
    let latest = latest.unwrap_or_default();
    let mut went_back = 0;
    for chain in chains.values() {
        for (at, &place) in chain.iter().enumerate() {
            let next = chain.get(at + 1).map(|&next| spans[next].first);
            let span = &mut spans[place];
            let is_confirmed =
                next.map_or_else(|| span.last.0 <= latest.0.saturating_add(second), |next| next >= span.last);
            if is_unconfirmed(span) && !is_confirmed {
                span.last = span.confirmed;
            }
            went_back += u64::from(next.is_some_and(|next| next < span.last));
        }
    }
    went_back
}

/// Ends of a recording that the file does not hold.
struct MissingEnds {
    start_missing: bool,
    end_missing: bool,
}

/// The recorded range of a trace; `is_wrapped` if the beginning was overwritten.
///
/// # Errors
/// Cancelled.
pub fn recorded_range(
    recording: &Recording,
    info: &SessionInfo,
    checked: &CheckedClock,
    is_wrapped: bool,
    cancel: &CancelToken,
) -> Result<RecordedRange, Cancelled> {
    let (found, written) = buffers(info);
    let (Some(first), Some(last)) = (recording.first(), recording.last()) else {
        // Without kernel records, only the header has times.
        let to = checked.end.unwrap_or_default().max(Ticks(0));
        let mut nothing = RecordedRange::whole(TimeRange { from: Ticks(0), to });
        (nothing.buffers, nothing.buffers_written, nothing.header_end) = (found, written, checked.end);
        nothing.start_missing = is_wrapped;
        nothing.end_missing = is_end_missing(recording, info, checked, Ticks(0));
        return Ok(nothing);
    };
    let ends = MissingEnds { start_missing: is_wrapped, end_missing: is_end_missing(recording, info, checked, last) };
    let from = if ends.start_missing { start_of_wrapped(recording, info).clamp(first, last) } else { first };
    let first_end = recording.main_cpus().map(|cpu| cpu.last).min().unwrap_or(last);
    let to = if ends.end_missing { first_end.max(from) } else { last };
    let range = TimeRange { from, to };
    cancel.check()?;
    let mut holes = holes(recording, info, range, ends.end_missing);
    // Losses at a missing end are not holes.
    holes.retain(|hole| {
        let at_start = ends.start_missing && hole.range.to <= range.from;
        let at_end = ends.end_missing && hole.range.from >= range.to;
        !at_start && !at_end
    });
    cancel.check()?;
    let mut range = RecordedRange {
        start_missing: ends.start_missing,
        end_missing: ends.end_missing,
        cpus: recording.cpus.clone(),
        ended_early: if ends.end_missing { ended_early(recording, 2) } else { Vec::new() },
        holes,
        events: recording.records(),
        header_end: checked.end,
        buffers: found,
        buffers_written: written,
        ..RecordedRange::whole(range)
    };
    range.analyzable = analyzable(recording, &range);
    Ok(range)
}

/// Number of buffers in the file, and of those that the recording wrote, by its header; `None` for circular logs, which write more
/// than the file holds.
fn buffers(info: &SessionInfo) -> (u64, Option<u64>) {
    let written = u64::from(info.logfile.buffers_written);
    let found = info.buffers.map_or(written, |buffers| buffers.total);
    (found, Some(written).filter(|&count| count > 0 && !info.logfile.is_circular()))
}

/// Returns `true` if the file holds all buffers that its header counts.
pub fn has_all_buffers(info: &SessionInfo) -> bool {
    let (found, written) = buffers(info);
    let missing = written.map_or(0, |written| written.saturating_sub(found));
    // The number of buffers in unreadable parts is an estimate for compressed buffers: then the mark of the last buffer decides.
    let may_be_in_gaps = || missing <= lost_in_gaps(info) || (!info.gaps.is_empty() && info.is_last_marked);
    info.tail == Tail::Whole && (missing == 0 || may_be_in_gaps())
}

/// Estimated number of buffers in the unreadable parts of a file; of several files, of the last one of the main log.
fn lost_in_gaps(info: &SessionInfo) -> u64 {
    let Some(buffers) = info.buffers else { return 0 };
    let base = info.last_main_part().map_or(0, |part| part.base);
    let all: u64 = info.gaps.iter().map(|gap| gap.bytes).sum();
    let gaps: u64 = info.gaps.iter().filter(|gap| gap.offset >= base).map(|gap| gap.bytes).sum();
    let session = u64::from(info.logfile.buffer_bytes);
    let mean = info.file_bytes.saturating_sub(all) / buffers.total.max(1);
    let bytes = if buffers.compressed == 0 && session > 0 { session } else { mean.max(1) };
    (gaps + bytes / 2) / bytes
}

/// Returns `true` if the end of the recording is not in the file.
fn is_end_missing(recording: &Recording, info: &SessionInfo, checked: &CheckedClock, last: Ticks) -> bool {
    let header = &info.logfile;
    if header.end_filetime == 0 {
        return true;
    }
    // The end of a circular file is not the end of the recording. Its newest buffer has the number of the last one written, if
    // numbers have no gaps.
    if let Some(newest) = info.newest_sequence.filter(|_| header.is_circular() && !header.is_merged()) {
        return newest + 1 < i64::from(header.buffers_written);
    }
    let (_, written) = buffers(info);
    let slack = (last.0 / 10).max(5 * checked.clock.ticks_per_second as i64);
    let is_later = || checked.end.is_some_and(|end| end.0 > last.0.saturating_add(slack));
    !has_all_buffers(info)
        || (written.is_none() && !recording.cpus.is_empty() && is_later())
        || (header.buffers_lost > 0 && !ended_early(recording, 4).is_empty())
}

/// Relevant CPUs whose records end well before those of the others, measured in their buffers.
fn ended_early(recording: &Recording, periods: i64) -> Vec<u16> {
    let (Some(first), Some(last)) = (recording.first(), recording.last()) else { return Vec::new() };
    let least = (last.0 - first.0) / 100;
    let is_early = |cpu: &&CpuRange| last.0 - cpu.last.0 > least.max(periods * recording.period(cpu.cpu));
    recording.main_cpus().filter(is_early).map(|cpu| cpu.cpu).collect()
}

/// The moment from which on everything is there in a log that has overwritten its beginning. Buffers are overwritten in the
/// order in which they were flushed. A buffer that is left was flushed before its CPU wrote the first record of its next
/// one; so at the earliest of these moments at least one buffer that is left had been flushed, and none that was flushed
/// later is gone: every record from there on, of busy and idle CPUs alike, is in the file.
fn start_of_wrapped(recording: &Recording, info: &SessionInfo) -> Ticks {
    let latest_first = || recording.main_cpus().map(|cpu| cpu.first).max().unwrap_or_default();
    if info.logfile.is_merged() && !info.logfile.is_circular() {
        return merged_start(recording);
    }
    let next_firsts =
        recording.chains.values().flat_map(|chain| chain.iter().skip(1)).map(|&at| recording.spans[at].first);
    // With one buffer of each CPU, every CPU that matters begins with its own.
    next_firsts.min().unwrap_or_else(latest_first)
}

/// The same for a merged file, whose buffers are the merger's: there every CPU begins with its first record, and the last of
/// them to begin decides, of those that write often enough for their silence to mean something.
fn merged_start(recording: &Recording) -> Ticks {
    const SILENT_RECORDS: i128 = 8;
    let first = recording.first().unwrap_or_default();
    let is_telling = |cpu: &&CpuRange| {
        let (silence, length) = (cpu.first.0 - first.0, (cpu.last.0 - cpu.first.0).max(1));
        i128::from(silence) * i128::from(cpu.records) >= SILENT_RECORDS * i128::from(length)
    };
    recording.main_cpus().filter(is_telling).map(|cpu| cpu.first).max().unwrap_or(first)
}

/// Lost records in a time range.
struct Loss {
    range: TimeRange,
    records: u64,
}

/// The parts of a range in which events are missing.
fn holes(recording: &Recording, info: &SessionInfo, range: TimeRange, end_missing: bool) -> Vec<Hole> {
    let mut losses = flagged(recording, info);
    losses.extend(damaged(recording, range));
    losses.extend(
        breaks(recording, info).into_iter().filter_map(|(place, records)| gap(recording, place, records, range)),
    );
    let clip = |loss: Loss| {
        let overlap = TimeRange { from: loss.range.from.max(range.from), to: loss.range.to.min(range.to) };
        // The loss of a torn buffer is a part of the missing end.
        let is_behind = end_missing && overlap.from >= range.to;
        (overlap.from <= overlap.to && loss.records > 0 && !is_behind).then_some(Loss { range: overlap, ..loss })
    };
    let mut losses: Vec<Loss> = losses.into_iter().filter_map(clip).collect();
    losses.sort_by_key(|loss| (loss.range.from, loss.range.to));
    let mut joined: Vec<Loss> = Vec::new();
    for loss in losses {
        match joined.last_mut().filter(|last| loss.range.from <= last.range.to) {
            Some(last) => {
                last.range.to = last.range.to.max(loss.range.to);
                last.records += loss.records;
            }
            None => joined.push(loss),
        }
    }
    let counts = RecordCounts::new(&recording.spans);
    let hole = |loss: Loss| {
        let present_events = (counts.until(loss.range.to) - counts.until(loss.range.from)).max(0.0) as u64;
        Hole { range: loss.range, missing_events: loss.records, present_events }
    };
    joined.into_iter().map(hole).collect()
}

/// Losses by the flags of buffers.
fn flagged(recording: &Recording, info: &SessionInfo) -> Vec<Loss> {
    let with_lost_events = recording.spans.iter().filter(|span| span.flags & flag::EVENTS_LOST != 0).count() as u64;
    let lost_events = (u64::from(info.logfile.events_lost) / with_lost_events.max(1)).max(1);
    let mut losses = Vec::new();
    for (&cpu, chain) in &recording.chains {
        let mut before = recording.first().unwrap_or_default();
        for &place in chain {
            let span = &recording.spans[place];
            if span.flags & flag::BUFFER_LOST != 0 {
                losses.push(Loss {
                    range: TimeRange { from: before, to: span.first },
                    records: recording.fill(cpu).max(1),
                });
            }
            if span.flags & flag::EVENTS_LOST != 0 {
                losses.push(Loss { range: TimeRange { from: before, to: span.last }, records: lost_events });
            }
            before = span.last;
        }
    }
    losses
}

/// Losses in buffers that could be read in part.
fn damaged(recording: &Recording, range: TimeRange) -> Vec<Loss> {
    let mut losses = Vec::new();
    for chain in recording.chains.values() {
        for (at, &place) in chain.iter().enumerate() {
            let span = &recording.spans[place];
            if span.lost_bytes > 0 {
                let to = chain.get(at + 1).map_or(range.to, |&next| recording.spans[next].first);
                let each = (u64::from(span.read_bytes) / span.records.max(1)).max(8);
                losses.push(Loss {
                    range: TimeRange { from: span.last.min(to), to },
                    records: u64::from(span.lost_bytes) / each,
                });
            }
        }
    }
    losses
}

/// Positions between two buffers at which others are missing, with the estimated number of records in these.
fn breaks(recording: &Recording, info: &SessionInfo) -> Vec<(usize, u64)> {
    let spans = &recording.spans;
    let stored: u64 = spans.iter().map(|span| u64::from(span.stored_bytes)).sum();
    let records = |bytes: u64| (u128::from(bytes) * u128::from(recording.records()) / u128::from(stored.max(1))) as u64;
    if !info.logfile.is_circular() {
        let place = |offset: u64| spans.partition_point(|span| span.offset < offset);
        return info.gaps.iter().map(|gap| (place(gap.offset), records(gap.bytes))).collect();
    }
    // In a circular file, missing buffers show in the sequence numbers.
    let is_damaged = !info.gaps.is_empty() || info.tail != Tail::Whole;
    let is_numbered =
        info.newest_sequence.is_some_and(|newest| is_damaged || newest + 1 == i64::from(info.logfile.buffers_written));
    let mean = recording.records() / (spans.len() as u64).max(1);
    let jumps = spans.windows(2).enumerate().map(|(at, pair)| (at + 1, pair[1].sequence - pair[0].sequence - 1));
    let jumps = jumps.filter(|(_, missing)| is_numbered && *missing > 0);
    jumps.map(|(place, missing)| (place, mean.saturating_mul(missing as u64))).collect()
}

/// The loss at a position between two buffers. The CPUs of the missing buffers are those without a record for as long as one of
/// their buffers usually lasts.
fn gap(recording: &Recording, place: usize, records: u64, range: TimeRange) -> Option<Loss> {
    // Buffers that are missing at the ends are not a hole.
    if place == 0 || place >= recording.spans.len() {
        return None;
    }
    let silences = recording.chains.iter().filter_map(|(&cpu, chain)| {
        let at = chain.partition_point(|&span| span < place);
        let from = at.checked_sub(1).map_or(range.from, |before| recording.spans[chain[before]].last);
        let to = chain.get(at).map_or(range.to, |&next| recording.spans[next].first);
        let share = (to.0 - from.0) as f64 / recording.period(cpu).max(1) as f64;
        (from <= to).then_some((share, TimeRange { from, to }))
    });
    let silences: Vec<(f64, TimeRange)> = silences.collect();
    let longest = silences.iter().map(|(share, _)| *share).fold(0.0, f64::max);
    let is_hit = |share: f64| share >= 0.5 || share >= longest;
    let hit = silences.into_iter().filter(|(share, _)| is_hit(*share)).map(|(_, range)| range);
    let range = hit.reduce(|a, b| TimeRange { from: a.from.min(b.from), to: a.to.max(b.to) })?;
    Some(Loss { range, records: records.max(1) })
}

/// Estimated number of records of all CPUs before a time. Those of one buffer are assumed to be spread evenly.
struct RecordCounts {
    /// Times at which the rate of records changes, in order: number of records before, and records per tick from there on.
    steps: Vec<(Ticks, f64, f64)>,
}

impl RecordCounts {
    fn new(spans: &[BufferSpan]) -> Self {
        let mut changes: Vec<(Ticks, f64)> = Vec::with_capacity(2 * spans.len());
        for span in spans {
            let rate = span.records as f64 / (span.last.0 - span.first.0 + 1).max(1) as f64;
            changes.push((span.first, rate));
            changes.push((Ticks(span.last.0 + 1), -rate));
        }
        changes.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let (mut count, mut rate, mut before) = (0.0, 0.0, Ticks(0));
        let steps = changes.into_iter().map(|(time, change)| {
            count += rate * (time.0 - before.0) as f64;
            rate += change;
            before = time;
            (time, count, rate)
        });
        Self { steps: steps.collect() }
    }

    /// Number of records before a time.
    fn until(&self, time: Ticks) -> f64 {
        let at = self.steps.partition_point(|step| step.0 <= time);
        let step = at.checked_sub(1).and_then(|at| self.steps.get(at));
        step.map_or(0.0, |&(from, count, rate)| count + rate * (time.0 - from.0) as f64)
    }
}

/// The longest part of a range, between two holes or ends, in which at most
/// [`MAX_MISSING_PERCENT`](RecordedRange::MAX_MISSING_PERCENT) of the events are missing.
fn analyzable(recording: &Recording, recorded: &RecordedRange) -> TimeRange {
    let is_too_much =
        |missing: f64, present: f64| missing * 100.0 > (missing + present) * RecordedRange::MAX_MISSING_PERCENT as f64;
    let mut cuts: Vec<Hole> = recorded.holes.iter().filter(|hole| hole.is_gap()).copied().collect();
    let in_gaps: u64 = cuts.iter().map(|hole| hole.missing_events).sum();
    if !is_too_much(in_gaps as f64, recorded.events as f64) {
        return recorded.range;
    }
    cuts.sort_by_key(|hole| (std::cmp::Reverse(hole.missing_events), hole.range.from));
    cuts.truncate(MAX_CUTS);
    cuts.sort_by_key(|hole| hole.range.from);
    let counts = RecordCounts::new(&recording.spans);
    let starts: Vec<Ticks> =
        std::iter::once(recorded.range.from).chain(cuts.iter().map(|hole| hole.range.to)).collect();
    let ends: Vec<Ticks> = cuts.iter().map(|hole| hole.range.from).chain([recorded.range.to]).collect();
    let mut best: Option<TimeRange> = None;
    for (at, &from) in starts.iter().enumerate() {
        let mut missing = 0.0;
        for (end, &to) in ends.iter().enumerate().skip(at) {
            let length = to.0 - from.0;
            if length >= 0
                && !is_too_much(missing, counts.until(to) - counts.until(from))
                && best.is_none_or(|best| length > best.to.0 - best.from.0)
            {
                best = Some(TimeRange { from, to });
            }
            missing += cuts.get(end).map_or(0.0, |hole| hole.missing_events as f64);
        }
    }
    best.unwrap_or(recorded.range)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Buffers as `(CPU, first, last, records)`, all of pool events.
    fn recording(buffers: &[(u16, i64, i64, u64)]) -> Recording {
        let span = |&(cpu, first, last, records): &(u16, i64, i64, u64)| BufferSpan {
            cpu,
            first: Ticks(first),
            last: Ticks(last),
            confirmed: Ticks(last),
            records,
            pool_events: records,
            stored_bytes: 1_000,
            ..BufferSpan::default()
        };
        Recording::new(buffers.iter().map(span), 10, &mut Diagnostics::default())
    }

    fn info(mode: u32) -> SessionInfo {
        use poolscope_etl::file::LogfileHeader;
        SessionInfo {
            logfile: LogfileHeader {
                log_file_mode: mode,
                end_filetime: 2,
                start_filetime: 1,
                ..LogfileHeader::default()
            },
            file_bytes: 0,
            buffers: None,
            has_wrapped_buffers: true,
            time_zero: 0,
            gaps: Vec::new(),
            tail: Tail::Whole,
            newest_sequence: None,
            is_last_marked: true,
            diagnostics: Diagnostics::default(),
            parts: Vec::new(),
            all_buffers: None,
        }
    }

    #[test]
    fn an_idle_cpu_neither_pulls_the_start_of_a_wrapped_log_back_nor_pushes_it_on() {
        // CPU 0 fills a buffer in ten ticks. CPU 1 wrote a few records long ago, into a buffer that only the stop flushed.
        let busy = [(0, 900, 909, 50), (0, 910, 919, 50), (0, 920, 929, 50)];
        let idle = |first, last| [&busy[..], &[(1, first, last, 3)]].concat();
        let start = |buffers: &[_]| start_of_wrapped(&recording(buffers), &info(2)).0;
        assert_eq!(
            start(&busy),
            910,
            "what was flushed before the buffer from 900 on was may have gone on up to its end"
        );
        assert_eq!(start(&idle(5, 20)), 910, "its last record is old, its buffer is not");
        assert_eq!(start(&idle(5, 925)), 910);
        assert_eq!(start(&idle(925, 928)), 910, "it was silent before");
        // Two idle buffers, of which a timer flushed the first: then that one is the oldest that is left.
        assert_eq!(start(&[&busy[..], &[(1, 5, 20, 3), (1, 905, 925, 3)]].concat()), 905);
    }

    #[test]
    fn a_merged_file_begins_where_the_last_busy_cpu_does() {
        let start = |buffers: &[_]| start_of_wrapped(&recording(buffers), &info(0x1_0001)).0;
        assert_eq!(start(&[(0, 900, 999, 500), (1, 904, 999, 480), (2, 990, 999, 2)]), 904);
    }

    #[test]
    fn only_cpus_that_matter_end_a_file_whose_end_is_missing() {
        let buffers = [(0, 0, 500, 4_000), (0, 500, 990, 4_000), (1, 0, 600, 1_000), (2, 0, 100, 20)];
        let found = recording(&buffers);
        let unclosed = SessionInfo { logfile: poolscope_etl::file::LogfileHeader::default(), ..info(1) };
        let clock = crate::load::consistency::header_clock(&unclosed.logfile);
        let checked = CheckedClock { clock, end: None, is_doubtful: false };
        let range = recorded_range(&found, &unclosed, &checked, false, &CancelToken::none()).expect("nobody cancels");
        assert_eq!((range.range.from.0, range.range.to.0), (0, 600));
        assert!(range.end_missing && !range.start_missing && range.holes.is_empty());
    }

    #[test]
    fn the_longest_part_with_few_losses_is_analyzed() {
        let buffers: Vec<(u16, i64, i64, u64)> = (0..100).map(|at| (0, at * 10, at * 10 + 9, 10)).collect();
        let found = recording(&buffers);
        let hole = |from: i64, to: i64, missing_events| Hole {
            range: TimeRange { from: Ticks(from), to: Ticks(to) },
            missing_events,
            present_events: 0,
        };
        let analyzed = |holes: Vec<Hole>| {
            let whole = TimeRange { from: Ticks(0), to: Ticks(999) };
            let range = analyzable(&found, &RecordedRange { holes, events: 1_000, ..RecordedRange::whole(whole) });
            (range.from.0, range.to.0)
        };
        assert_eq!(analyzed(vec![hole(300, 310, 50)]), (0, 999), "a twentieth");
        assert_eq!(analyzed(vec![hole(300, 350, 300)]), (350, 999));
        assert_eq!(analyzed(vec![hole(700, 750, 300)]), (0, 700));
        assert_eq!(analyzed(vec![hole(300, 350, 300), hole(900, 901, 20)]), (350, 999), "a small one stays inside");
    }
}
