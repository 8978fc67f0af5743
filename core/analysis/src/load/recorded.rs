//! The recorded range of a trace, from what its buffers show. Kernel records alone count: a merge injects others with times
//! of its own. What the header says decides only whether something is missing, never where the range ends.

use super::clock::Checked;
use super::origin::Origin;
use super::span::Span;
use crate::trace::recorded::{CpuRange, Hole, RecordedRange};
use crate::trace::time::{Ticks, TimeRange};
use poolscope_base::progress::{CancelToken, Cancelled};
use poolscope_etl::buffer::flag;
use poolscope_etl::diagnostics::{Diagnostics, DiagnosticKind};
use poolscope_etl::file::Tail;
use std::collections::BTreeMap;

/// A CPU matters if it has written this share of the pool events (of all kernel records where there are none), in percent.
const MATTERS_PERCENT: u64 = 1;
/// Most holes at which the range is cut.
const CUTS: usize = 512;
/// Records of a trace that tells no time by one tick for all of them.
const STANDS_STILL: u64 = 16;

/// The kernel records of a trace, buffer by buffer and CPU by CPU.
pub struct Recording {
    /// Buffers with kernel records, in the order in which they were written.
    spans: Vec<Span>,
    /// By CPU: places in `spans`.
    chains: BTreeMap<u16, Vec<usize>>,
    /// By CPU, in the same order.
    cpus: Vec<CpuRange>,
}

impl Recording {
    /// Sorts the spans of all shards, which are in the order of the recording.
    pub fn new(spans: impl Iterator<Item = Span>, second: i64, diagnostics: &mut Diagnostics) -> Self {
        let mut spans: Vec<Span> = spans.filter(|span| span.records > 0).collect();
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
            && recording.records() >= STANDS_STILL
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

    fn records(&self) -> u64 {
        self.cpus.iter().map(|cpu| cpu.records).sum()
    }

    /// CPUs that matter.
    fn main_cpus(&self) -> impl Iterator<Item = &CpuRange> {
        let pool_events: u64 = self.cpus.iter().map(|cpu| cpu.pool_events).sum();
        let weight = move |cpu: &CpuRange| if pool_events > 0 { cpu.pool_events } else { cpu.records };
        let all: u64 = self.cpus.iter().map(weight).sum();
        self.cpus.iter().filter(move |cpu| weight(cpu) * 100 >= all * MATTERS_PERCENT)
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

fn cpu_range<'s>(cpu: u16, spans: impl Iterator<Item = &'s Span>) -> CpuRange {
    let nothing = CpuRange { cpu, first: Ticks::NEVER, last: Ticks::UNKNOWN, pool_events: 0, records: 0 };
    spans.fold(nothing, |row, span| CpuRange {
        cpu,
        first: row.first.min(span.first),
        last: row.last.max(span.last),
        pool_events: row.pool_events + span.pool_events,
        records: row.records + span.records,
    })
}

/// The last record of a buffer has no other behind it that would show its time to be damaged: where it lies far behind the
/// one before it, the next buffer of its CPU, or for the last buffer all other CPUs, has to bear it out. Returns how often
/// the clock of a CPU went back from one buffer to the next.
fn drop_unconfirmed(spans: &mut [Span], chains: &BTreeMap<u16, Vec<usize>>, second: i64) -> u64 {
    let is_lone = |span: &Span| span.confirmed != Ticks::UNKNOWN && span.last.0 - span.confirmed.0 > second;
    let latest = spans.iter().map(|span| if is_lone(span) { span.confirmed } else { span.last }).max();
    let latest = latest.unwrap_or_default();
    let mut went_back = 0;
    for chain in chains.values() {
        for (at, &place) in chain.iter().enumerate() {
            let next = chain.get(at + 1).map(|&next| spans[next].first);
            let span = &mut spans[place];
            let is_borne_out =
                next.map_or_else(|| span.last.0 <= latest.0.saturating_add(second), |next| next >= span.last);
            if is_lone(span) && !is_borne_out {
                span.last = span.confirmed;
            }
            went_back += u64::from(next.is_some_and(|next| next < span.last));
        }
    }
    went_back
}

/// What the header and the file's shape say about the ends of a recording.
struct Ends {
    start_missing: bool,
    end_missing: bool,
}

/// The recorded range. `is_wrapped` says whether the beginning was overwritten.
pub fn recorded_range(
    recording: &Recording,
    origin: &Origin,
    checked: &Checked,
    is_wrapped: bool,
    cancel: &CancelToken,
) -> Result<RecordedRange, Cancelled> {
    let (found, written) = buffers(origin);
    let (Some(first), Some(last)) = (recording.first(), recording.last()) else {
        // Nothing of the kernel was recorded: what the header says is all there is.
        let to = checked.end.unwrap_or_default().max(Ticks(0));
        let mut nothing = RecordedRange::whole(TimeRange { from: Ticks(0), to });
        (nothing.buffers, nothing.buffers_written, nothing.header_end) = (found, written, checked.end);
        nothing.start_missing = is_wrapped;
        nothing.end_missing = is_end_missing(recording, origin, checked, Ticks(0));
        return Ok(nothing);
    };
    let ends = Ends { start_missing: is_wrapped, end_missing: is_end_missing(recording, origin, checked, last) };
    let from = if ends.start_missing { start_of_wrapped(recording, origin).clamp(first, last) } else { first };
    let first_end = recording.main_cpus().map(|cpu| cpu.last).min().unwrap_or(last);
    let to = if ends.end_missing { first_end.max(from) } else { last };
    let range = TimeRange { from, to };
    cancel.check()?;
    let mut holes = holes(recording, origin, range, ends.end_missing);
    // What is missing at an end that is missing anyway is no hole.
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

/// Buffers that the file has, and that the recording wrote by its header. A log that overwrote its beginning wrote more
/// than any file of it has.
fn buffers(origin: &Origin) -> (u64, Option<u64>) {
    let written = u64::from(origin.logfile.buffers_written);
    let found = origin.buffers.map_or(written, |buffers| buffers.total);
    (found, Some(written).filter(|&count| count > 0 && !origin.logfile.is_circular()))
}

/// Whether the file holds every buffer that its header promises.
pub fn has_all_buffers(origin: &Origin) -> bool {
    let (found, written) = buffers(origin);
    let missing = written.map_or(0, |written| written.saturating_sub(found));
    // How many buffers a part held that cannot be read is only estimated where they are compressed: then the mark of the
    // last one decides.
    let may_lie_in_gaps = || missing <= lost_in_gaps(origin) || (!origin.gaps.is_empty() && origin.is_last_marked);
    origin.tail == Tail::Whole && (missing == 0 || may_lie_in_gaps())
}

/// Buffers that the unreadable parts of a file held.
fn lost_in_gaps(origin: &Origin) -> u64 {
    let Some(buffers) = origin.buffers else { return 0 };
    let gaps: u64 = origin.gaps.iter().map(|gap| gap.bytes).sum();
    let session = u64::from(origin.logfile.buffer_bytes);
    let mean = origin.file_bytes.saturating_sub(gaps) / buffers.total.max(1);
    let bytes = if buffers.compressed == 0 && session > 0 { session } else { mean.max(1) };
    (gaps + bytes / 2) / bytes
}

fn is_end_missing(recording: &Recording, origin: &Origin, checked: &Checked, last: Ticks) -> bool {
    let header = &origin.logfile;
    if header.end_filetime == 0 {
        return true;
    }
    // A log that overwrites its beginning is rotated: how the file ends says nothing. Its newest buffer has the number of
    // the last one written, where numbers are given without gaps.
    if let Some(newest) = origin.newest.filter(|_| header.is_circular() && !header.is_merged()) {
        return newest + 1 < i64::from(header.buffers_written);
    }
    let (_, written) = buffers(origin);
    let slack = (last.0 / 10).max(5 * checked.clock.ticks_per_second as i64);
    let is_later = || checked.end.is_some_and(|end| end.0 > last.0.saturating_add(slack));
    !has_all_buffers(origin)
        || (written.is_none() && !recording.cpus.is_empty() && is_later())
        || (header.buffers_lost > 0 && !ended_early(recording, 4).is_empty())
}

/// CPUs that matter and whose records end more than so many of their buffers before those of the others.
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
fn start_of_wrapped(recording: &Recording, origin: &Origin) -> Ticks {
    let latest_first = || recording.main_cpus().map(|cpu| cpu.first).max().unwrap_or_default();
    if origin.logfile.is_merged() && !origin.logfile.is_circular() {
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

/// A loss: where, and how many records.
struct Loss {
    view: TimeRange,
    records: u64,
}

/// The parts of a range in which events are missing.
fn holes(recording: &Recording, origin: &Origin, range: TimeRange, end_missing: bool) -> Vec<Hole> {
    let mut losses = flagged(recording, origin);
    losses.extend(damaged(recording, range));
    losses.extend(
        breaks(recording, origin).into_iter().filter_map(|(place, records)| gap(recording, place, records, range)),
    );
    let clip = |loss: Loss| {
        let view = TimeRange { from: loss.view.from.max(range.from), to: loss.view.to.min(range.to) };
        // What a torn buffer has lost belongs to the end that is missing.
        let is_behind = end_missing && view.from >= range.to;
        (view.from <= view.to && loss.records > 0 && !is_behind).then_some(Loss { view, ..loss })
    };
    let mut losses: Vec<Loss> = losses.into_iter().filter_map(clip).collect();
    losses.sort_by_key(|loss| (loss.view.from, loss.view.to));
    let mut joined: Vec<Loss> = Vec::new();
    for loss in losses {
        match joined.last_mut().filter(|last| loss.view.from <= last.view.to) {
            Some(last) => {
                last.view.to = last.view.to.max(loss.view.to);
                last.records += loss.records;
            }
            None => joined.push(loss),
        }
    }
    let counts = Counts::new(&recording.spans);
    let hole = |loss: Loss| {
        let present_events = (counts.until(loss.view.to) - counts.until(loss.view.from)).max(0.0) as u64;
        Hole { range: loss.view, missing_events: loss.records, present_events }
    };
    joined.into_iter().map(hole).collect()
}

/// Losses that buffers are marked with.
fn flagged(recording: &Recording, origin: &Origin) -> Vec<Loss> {
    let with_lost_events = recording.spans.iter().filter(|span| span.flags & flag::EVENTS_LOST != 0).count() as u64;
    let lost_events = (u64::from(origin.logfile.events_lost) / with_lost_events.max(1)).max(1);
    let mut losses = Vec::new();
    for (&cpu, chain) in &recording.chains {
        let mut before = recording.first().unwrap_or_default();
        for &place in chain {
            let span = &recording.spans[place];
            if span.flags & flag::BUFFER_LOST != 0 {
                losses.push(Loss { view: TimeRange { from: before, to: span.first }, records: recording.fill(cpu).max(1) });
            }
            if span.flags & flag::EVENTS_LOST != 0 {
                losses.push(Loss { view: TimeRange { from: before, to: span.last }, records: lost_events });
            }
            before = span.last;
        }
    }
    losses
}

/// Buffers that could be read in part.
fn damaged(recording: &Recording, range: TimeRange) -> Vec<Loss> {
    let mut losses = Vec::new();
    for chain in recording.chains.values() {
        for (at, &place) in chain.iter().enumerate() {
            let span = &recording.spans[place];
            if span.lost_bytes > 0 {
                let to = chain.get(at + 1).map_or(range.to, |&next| recording.spans[next].first);
                let each = (u64::from(span.read_bytes) / span.records.max(1)).max(8);
                losses.push(Loss {
                    view: TimeRange { from: span.last.min(to), to },
                    records: u64::from(span.lost_bytes) / each,
                });
            }
        }
    }
    losses
}

/// Places between two buffers at which others are missing, with the number of records that these held.
fn breaks(recording: &Recording, origin: &Origin) -> Vec<(usize, u64)> {
    let spans = &recording.spans;
    let stored: u64 = spans.iter().map(|span| u64::from(span.stored_bytes)).sum();
    let records = |bytes: u64| (u128::from(bytes) * u128::from(recording.records()) / u128::from(stored.max(1))) as u64;
    if !origin.logfile.is_circular() {
        let place = |offset: u64| spans.partition_point(|span| span.offset < offset);
        return origin.gaps.iter().map(|gap| (place(gap.offset), records(gap.bytes))).collect();
    }
    // A rotated file: what is missing shows in the numbers of the buffers.
    let is_damaged = !origin.gaps.is_empty() || origin.tail != Tail::Whole;
    let is_numbered =
        origin.newest.is_some_and(|newest| is_damaged || newest + 1 == i64::from(origin.logfile.buffers_written));
    let mean = recording.records() / (spans.len() as u64).max(1);
    let jumps = spans.windows(2).enumerate().map(|(at, pair)| (at + 1, pair[1].sequence - pair[0].sequence - 1));
    let jumps = jumps.filter(|(_, missing)| is_numbered && *missing > 0);
    jumps.map(|(place, missing)| (place, mean.saturating_mul(missing as u64))).collect()
}

/// The time that is missing at a place between two buffers. Which CPUs the missing buffers were from, the silence shows: one
/// that was hit has none of its own there for as long as a buffer of it usually takes.
fn gap(recording: &Recording, place: usize, records: u64, range: TimeRange) -> Option<Loss> {
    // Buffers that are missing at the end leave a file whose end is missing, not a hole.
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
    let hit = silences.into_iter().filter(|(share, _)| is_hit(*share)).map(|(_, view)| view);
    let view = hit.reduce(|a, b| TimeRange { from: a.from.min(b.from), to: a.to.max(b.to) })?;
    Some(Loss { view, records: records.max(1) })
}

/// How many records of all CPUs lie before a moment; those of one buffer are taken to be spread evenly.
struct Counts {
    /// Moments at which the number of records per tick changes, in order: number so far, and per tick from there on.
    steps: Vec<(Ticks, f64, f64)>,
}

impl Counts {
    fn new(spans: &[Span]) -> Self {
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

    fn until(&self, time: Ticks) -> f64 {
        let at = self.steps.partition_point(|step| step.0 <= time);
        let step = at.checked_sub(1).and_then(|at| self.steps.get(at));
        step.map_or(0.0, |&(from, count, rate)| count + rate * (time.0 - from.0) as f64)
    }
}

/// The longest part of a range, from one hole or end to another, in which no more than a tenth of the events is missing.
fn analyzable(recording: &Recording, recorded: &RecordedRange) -> TimeRange {
    let is_too_much =
        |missing: f64, present: f64| missing * 100.0 > (missing + present) * RecordedRange::MAX_MISSING_PERCENT as f64;
    let mut cuts: Vec<Hole> = recorded.holes.iter().filter(|hole| hole.is_gap()).copied().collect();
    let in_gaps: u64 = cuts.iter().map(|hole| hole.missing_events).sum();
    if !is_too_much(in_gaps as f64, recorded.events as f64) {
        return recorded.range;
    }
    cuts.sort_by_key(|hole| (std::cmp::Reverse(hole.missing_events), hole.range.from));
    cuts.truncate(CUTS);
    cuts.sort_by_key(|hole| hole.range.from);
    let counts = Counts::new(&recording.spans);
    let starts: Vec<Ticks> = std::iter::once(recorded.range.from).chain(cuts.iter().map(|hole| hole.range.to)).collect();
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
        let span = |&(cpu, first, last, records): &(u16, i64, i64, u64)| Span {
            cpu,
            first: Ticks(first),
            last: Ticks(last),
            confirmed: Ticks(last),
            records,
            pool_events: records,
            stored_bytes: 1_000,
            ..Span::default()
        };
        Recording::new(buffers.iter().map(span), 10, &mut Diagnostics::default())
    }

    fn origin(mode: u32) -> Origin {
        use poolscope_etl::file::LogfileHeader;
        Origin {
            logfile: LogfileHeader {
                log_file_mode: mode,
                end_filetime: 2,
                start_filetime: 1,
                ..LogfileHeader::default()
            },
            file_bytes: 0,
            buffers: None,
            wrapped: true,
            time_zero: 0,
            gaps: Vec::new(),
            tail: Tail::Whole,
            newest: None,
            is_last_marked: true,
            diagnostics: Diagnostics::default(),
        }
    }

    #[test]
    fn an_idle_cpu_neither_pulls_the_start_of_a_wrapped_log_back_nor_pushes_it_on() {
        // CPU 0 fills a buffer in ten ticks. CPU 1 wrote a few records long ago, into a buffer that only the stop flushed.
        let busy = [(0, 900, 909, 50), (0, 910, 919, 50), (0, 920, 929, 50)];
        let idle = |first, last| [&busy[..], &[(1, first, last, 3)]].concat();
        let start = |buffers: &[_]| start_of_wrapped(&recording(buffers), &origin(2)).0;
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
        let start = |buffers: &[_]| start_of_wrapped(&recording(buffers), &origin(0x1_0001)).0;
        assert_eq!(start(&[(0, 900, 999, 500), (1, 904, 999, 480), (2, 990, 999, 2)]), 904);
    }

    #[test]
    fn only_cpus_that_matter_end_a_file_whose_end_is_missing() {
        let buffers = [(0, 0, 500, 4_000), (0, 500, 990, 4_000), (1, 0, 600, 1_000), (2, 0, 100, 20)];
        let found = recording(&buffers);
        let unclosed = Origin { logfile: poolscope_etl::file::LogfileHeader::default(), ..origin(1) };
        let clock = crate::load::clock::named(&unclosed.logfile);
        let checked = Checked { clock, end: None, is_doubtful: false };
        let range =
            recorded_range(&found, &unclosed, &checked, false, &CancelToken::none()).expect("nobody cancels");
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
