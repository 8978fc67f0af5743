//! Loss ranges: time ranges in which a processor may have logged records that the file does not hold. A stack key that is
//! resolved across one of them is uncertain, since its definition may be missing.
//!
//! Each range is the gap between two successive buffers of one processor: within a buffer, the records of its processor are
//! complete and in order.

use super::buffer_span::BufferSpan;
use super::consistency;
use super::session::SessionInfo;
use super::totals::TraceTotals;
use crate::trace::time::Ticks;
use poolscope_etl::buffer::flag;
use poolscope_etl::diagnostics::DiagnosticKind;
use std::collections::{BTreeMap, BTreeSet};

/// Time ranges in which records may be missing, both ends included, in order and without overlap.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LossRanges {
    ranges: Vec<(Ticks, Ticks)>,
}

impl LossRanges {
    /// Finds the losses that the buffers show or the header counts.
    pub fn find(info: &SessionInfo, totals: &TraceTotals) -> Self {
        let mut search = LossSearch::new(info, totals);
        search.run();
        Self::merged(search.ranges)
    }

    /// Returns `true` if there are none.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Returns `true` if a record between two times may be missing.
    #[inline]
    pub fn may_hide(&self, from: Ticks, to: Ticks) -> bool {
        if self.ranges.is_empty() {
            return false;
        }
        let first = self.ranges.partition_point(|range| range.1 < from);
        self.ranges.get(first).is_some_and(|range| range.0 <= to)
    }

    /// Sorts ranges and joins those that overlap.
    fn merged(mut ranges: Vec<(Ticks, Ticks)>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(Ticks, Ticks)> = Vec::with_capacity(ranges.len());
        for (from, to) in ranges {
            match merged.last_mut().filter(|last| from <= last.1) {
                Some(last) => last.1 = last.1.max(to),
                None => merged.push((from, to)),
            }
        }
        Self { ranges: merged }
    }
}

/// Times before and after all records.
const START: Ticks = Ticks::UNKNOWN;
const END: Ticks = Ticks::NEVER;

/// The search for losses in a file.
struct LossSearch<'s> {
    info: &'s SessionInfo,
    totals: &'s TraceTotals,
    /// Buffers in the order of writing, without that of the header.
    spans: Vec<BufferSpan>,
    /// Positions in [`Self::spans`] by processor.
    by_cpu: BTreeMap<u16, Vec<usize>>,
    /// True if some processors of the header have no buffer.
    has_unseen_cpu: bool,
    /// Loss ranges that were found.
    ranges: Vec<(Ticks, Ticks)>,
}

impl<'s> LossSearch<'s> {
    fn new(info: &'s SessionInfo, totals: &'s TraceTotals) -> Self {
        let spans: Vec<BufferSpan> = totals.spans.iter().copied().filter(|span| !span.is_header).collect();
        let mut by_cpu: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
        for (at, span) in spans.iter().enumerate() {
            by_cpu.entry(span.cpu).or_default().push(at);
        }
        let has_unseen_cpu = info.logfile.cpus as usize > by_cpu.len();
        let ranges = totals.losses.clone();
        Self { info, totals, spans, by_cpu, has_unseen_cpu, ranges }
    }

    fn run(&mut self) {
        if self.info.buffers.is_none() {
            self.search_without_buffers();
            return;
        }
        let has_wrapped = self.has_wrapped();
        if has_wrapped {
            self.add_overwritten();
        }
        self.add_marked_buffers();
        self.add_unreadable_parts();
        let is_complete = self.add_missing_buffers();
        if !is_complete {
            self.add_ends();
        }
        self.add_counted_losses(has_wrapped);
    }

    /// Without buffers, a known loss may be anywhere.
    fn search_without_buffers(&mut self) {
        let header = &self.info.logfile;
        let is_counted = header.events_lost > 0 || header.buffers_lost > 0;
        let has_stopped = self.info.diagnostics.count(DiagnosticKind::ReaderStopped) > 0;
        let is_cut = header.end_filetime == 0 || has_stopped;
        if is_counted || is_cut || header.is_circular() || self.has_wrapped() {
            self.set_everywhere();
        }
    }

    /// Marks the whole time as a loss.
    fn set_everywhere(&mut self) {
        self.ranges = vec![(START, END)];
    }

    fn add(&mut self, from: Ticks, to: Ticks) {
        self.ranges.push((from.min(to), from.max(to)));
    }

    fn has_wrapped(&self) -> bool {
        let clock = consistency::header_clock(&self.info.logfile);
        let first = self.totals.first_time;
        let end = self.spans.iter().map(|span| span.last).max().unwrap_or(Ticks(0));
        consistency::has_wrapped(self.info, first, &clock, end)
    }

    /// Time of the last record of a processor before the buffer at position `at` of its list, and of the first one after it.
    fn around(&self, own: &[usize], at: usize) -> (Ticks, Ticks) {
        let times = |position: &usize| self.spans.get(*position).and_then(BufferSpan::times);
        let before = own.get(..at).unwrap_or_default().iter().rev().find_map(times);
        let behind = own.get(at + 1..).unwrap_or_default().iter().find_map(times);
        (before.map_or(START, |t| t.1), behind.map_or(END, |t| t.0))
    }

    /// Adds buffers that are marked as having lost something "before or in" them (etl-format 1.3), and the missing rest of damaged
    /// buffers.
    fn add_marked_buffers(&mut self) {
        let mut found = Vec::new();
        for own in self.by_cpu.values() {
            for (at, position) in own.iter().enumerate() {
                let Some(span) = self.spans.get(*position) else { continue };
                let (before, behind) = self.around(own, at);
                if span.has_flag(flag::EVENTS_LOST | flag::BUFFER_LOST) {
                    found.push((before, behind));
                } else if span.is_damaged() {
                    found.push((span.times().map_or(before, |t| t.1), behind));
                }
            }
        }
        found.into_iter().for_each(|(from, to)| self.add(from, to));
    }

    /// Adds parts of the file without a readable buffer. Any processor may have filled the buffers that were there.
    fn add_unreadable_parts(&mut self) {
        let mut spans = self.totals.spans.clone();
        spans.sort_by_key(|span| span.offset);
        let mut offsets: Vec<u64> = spans.iter().filter(|span| span.is_cut()).map(|span| span.offset).collect();
        let gaps = spans.windows(2).filter(|pair| pair[1].offset > pair[0].end());
        offsets.extend(gaps.map(|pair| pair[0].end()));
        for offset in offsets {
            self.add_between(|span| span.offset <= offset);
        }
    }

    /// Adds the gap of each processor between its buffers for which `is_before` holds and its others.
    fn add_between(&mut self, is_before: impl Fn(&BufferSpan) -> bool) {
        // File offsets in a circular file are not in the order of time, and a processor without a buffer may have had its only
        // one in the gap.
        if self.has_unseen_cpu || self.info.logfile.is_circular() {
            self.set_everywhere();
            return;
        }
        let mut found = Vec::new();
        for own in self.by_cpu.values() {
            let spans = || own.iter().filter_map(|position| self.spans.get(*position));
            let before = spans().filter(|span| is_before(span)).filter_map(BufferSpan::times).map(|t| t.1).max();
            let behind = spans().filter(|span| !is_before(span)).filter_map(BufferSpan::times).map(|t| t.0).min();
            found.push((before.unwrap_or(START), behind.unwrap_or(END)));
        }
        found.into_iter().for_each(|(from, to)| self.add(from, to));
    }

    /// Adds buffers that the header counts and the file does not hold. Returns whether the file holds the end of the recording.
    fn add_missing_buffers(&mut self) -> bool {
        let header = &self.info.logfile;
        if header.end_filetime == 0 || self.info.diagnostics.count(DiagnosticKind::BadHeader) > 0 {
            return false;
        }
        let held = self.info.buffers.map_or(0, |buffers| buffers.total);
        let missing = u64::from(header.buffers_written).saturating_sub(held);
        if header.is_circular() || missing == 0 {
            return true;
        }
        // Of several files, buffers are missing in the last one: what others lack is an unreadable part before the next.
        let last_part = self.info.last_main_part().map_or(0, |part| part.buffers.start as u32);
        let in_last_part = |span: &&BufferSpan| span.order >= last_part;
        // Buffers are numbered in the order of flushing. Complete files may have gaps in the numbers too, so gaps count only if
        // buffers are missing.
        let numbers: BTreeSet<i64> = self.spans.iter().filter(in_last_part).map(|span| span.sequence).collect();
        if numbers.len() != self.spans.iter().filter(in_last_part).count() {
            self.set_everywhere();
            return true;
        }
        let gaps: Vec<(i64, i64)> =
            numbers.iter().zip(numbers.iter().skip(1)).map(|(a, b)| (*a, *b)).filter(|(a, b)| b - a > 1).collect();
        let inside: u64 = gaps.iter().map(|(a, b)| (b - a - 1) as u64).fold(0, u64::saturating_add);
        for (before, _) in gaps {
            self.add_between(|span| span.order < last_part || span.sequence <= before);
        }
        let last = self.spans.iter().filter(in_last_part).max_by_key(|span| span.sequence);
        inside >= missing && last.is_some_and(|span| span.has_flag(flag::FLUSH_MARKER))
    }

    /// Adds the time after the last record of each processor: the end of the recording is missing.
    fn add_ends(&mut self) {
        self.add_between(|_| true);
    }

    /// Adds the beginning, which was overwritten: the oldest buffers first, those of slow processors last.
    fn add_overwritten(&mut self) {
        let until = if self.info.logfile.is_merged() { END } else { self.first_flush() };
        let first = |own: &Vec<usize>| {
            let times = own.iter().filter_map(|position| self.spans.get(*position)?.times());
            times.map(|t| t.0).min()
        };
        let firsts: Vec<Ticks> = self.by_cpu.values().map(|own| first(own).unwrap_or(END).min(until)).collect();
        firsts.into_iter().for_each(|first| self.add(START, first));
        if self.has_unseen_cpu {
            self.add(START, until);
        }
    }

    /// A time by which every overwritten buffer had been flushed, so that all of its records are earlier. Buffers are overwritten
    /// in the order of flushing, and a buffer is flushed no later than its processor logs into the next one. Buffers of different
    /// processors may overtake each other, at most one of each.
    fn first_flush(&self) -> Ticks {
        let mut latest: Vec<Ticks> = Vec::with_capacity(self.spans.len());
        for own in self.by_cpu.values() {
            latest.extend((0..own.len()).map(|at| self.around(own, at).1));
        }
        latest.sort_unstable();
        latest.get(self.by_cpu.len()).copied().unwrap_or(END)
    }

    /// Adds losses that the header counts and no buffer is marked with.
    fn add_counted_losses(&mut self, has_wrapped: bool) {
        let header = &self.info.logfile;
        let marked = |bits: u16| self.spans.iter().filter(|span| span.has_flag(bits)).count() as u64;
        let is_located = marked(flag::EVENTS_LOST | flag::BUFFER_LOST) > 0
            || self.totals.diagnostics.count(DiagnosticKind::LossRecord) > 0;
        // Marks may have been overwritten with the beginning. A merge does not keep marks.
        let may_be_gone = has_wrapped && !header.is_merged();
        let is_counted = header.events_lost > 0 || header.buffers_lost > 0;
        if is_counted && !is_located && !may_be_gone {
            self.set_everywhere();
        } else if u64::from(header.buffers_lost) > marked(flag::BUFFER_LOST) && !may_be_gone {
            // Several losses may share a mark, or a processor wrote no buffer after its last lost one.
            self.add_ends();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::session::BufferCounts;
    use poolscope_etl::file::LogfileHeader;
    use poolscope_etl::file::Tail;

    /// Adjacent buffers of a kilobyte: processor, first and last time.
    fn spans(of: &[(u16, i64, i64)]) -> Vec<BufferSpan> {
        let span = |(at, &(cpu, first, last)): (usize, &(u16, i64, i64))| {
            let sequence = at as i64 + 1;
            BufferSpan {
                offset: at as u64 * 1024,
                cpu,
                sequence,
                size_bytes: 1024,
                stored_bytes: 1024,
                first: Ticks(first),
                last: Ticks(last),
                ..BufferSpan::default()
            }
        };
        of.iter().enumerate().map(span).collect()
    }

    /// Two processors, three buffers each.
    fn six() -> Vec<BufferSpan> {
        spans(&[(0, 1, 10), (1, 2, 12), (0, 11, 20), (1, 13, 22), (0, 21, 30), (1, 23, 32)])
    }

    fn header() -> LogfileHeader {
        LogfileHeader { cpus: 2, end_filetime: 1, buffers_written: 6, ..LogfileHeader::default() }
    }

    fn found(logfile: LogfileHeader, spans: Vec<BufferSpan>) -> Vec<(i64, i64)> {
        let buffers = BufferCounts { total: spans.len() as u64, compressed: 0 };
        let wrapped = logfile.is_circular();
        let info = SessionInfo {
            logfile,
            file_bytes: 0,
            buffers: Some(buffers),
            has_wrapped_buffers: wrapped,
            time_zero: 0,
            gaps: Vec::new(),
            tail: Tail::default(),
            newest_sequence: None,
            is_last_marked: false,
            diagnostics: poolscope_etl::diagnostics::Diagnostics::default(),
            parts: Vec::new(),
            all_buffers: None,
        };
        let totals = TraceTotals { spans, ..TraceTotals::default() };
        let ranges = LossRanges::find(&info, &totals).ranges;
        ranges.iter().map(|range| (range.0.0, range.1.0)).collect()
    }

    const ALL: (i64, i64) = (i64::MIN, i64::MAX);

    #[test]
    fn a_whole_file_has_none() {
        assert_eq!(found(header(), six()), []);
        // Numbers have gaps in whole files too.
        let mut spans = six();
        spans.iter_mut().for_each(|span| span.sequence *= 2);
        assert_eq!(found(header(), spans), []);
    }

    #[test]
    fn marked_and_damaged_buffers_hide_what_their_processor_logged() {
        let mut spans = six();
        spans[3].flags = flag::EVENTS_LOST;
        assert_eq!(found(LogfileHeader { events_lost: 7, ..header() }, spans.clone()), [(12, 23)]);
        // Counted twice and marked once: the other loss may be after the last record of any processor.
        spans[3].flags = flag::BUFFER_LOST;
        assert_eq!(found(LogfileHeader { buffers_lost: 1, ..header() }, spans.clone()), [(12, 23)]);
        assert_eq!(found(LogfileHeader { buffers_lost: 2, ..header() }, spans), [(12, 23), (30, i64::MAX)]);
        let mut spans = six();
        spans[2].lost_bytes = 8;
        assert_eq!(found(header(), spans), [(20, 21)]);
    }

    #[test]
    fn counted_losses_without_a_place_may_be_anywhere() {
        assert_eq!(found(LogfileHeader { events_lost: 1, ..header() }, six()), [ALL]);
        assert_eq!(found(LogfileHeader { buffers_lost: 1, ..header() }, six()), [ALL]);
    }

    #[test]
    fn missing_buffers_leave_a_gap_of_each_processor() {
        let mut spans = six();
        let cut = spans.split_off(4);
        assert_eq!(found(header(), spans.clone()), [(20, i64::MAX)]);
        assert_eq!(found(LogfileHeader { end_filetime: 0, ..header() }, six()), [(30, i64::MAX)]);
        // One from the middle: its number is missing. The end is complete if the last buffer is marked as the last one.
        spans.remove(2);
        spans.extend(cut);
        assert_eq!(found(header(), spans.clone()), [(10, 21), (30, i64::MAX)]);
        spans[4].flags = flag::FLUSH_MARKER;
        assert_eq!(found(header(), spans), [(10, 21)]);
        // An unreadable stretch.
        let mut spans = six();
        spans.remove(3);
        assert_eq!(found(LogfileHeader { buffers_written: 5, ..header() }, spans), [(12, 23)]);
        // Of four processors, two have no buffer: theirs may be the missing one.
        assert_eq!(found(LogfileHeader { cpus: 4, buffers_written: 7, ..header() }, six()), [ALL]);
    }

    #[test]
    fn what_a_full_file_overwrote_lies_before_the_first_record_of_its_processor() {
        let circular = LogfileHeader { log_file_mode: 2, ..header() };
        // Every buffer of processor 0 that was overwritten ends before 1; those of processor 1 before 2.
        assert_eq!(found(circular.clone(), six()), [(i64::MIN, 2)]);
        // A processor whose first buffer came late may have had others, all handed over before the first that is left.
        let late = spans(&[(0, 1, 10), (0, 11, 20), (0, 21, 30), (0, 31, 40), (0, 41, 50), (1, 45, 50)]);
        assert_eq!(found(circular, late), [(i64::MIN, 31)]);
    }

    #[test]
    fn what_lies_between_two_moments_is_found() {
        let losses = LossRanges::merged(vec![(Ticks(5), Ticks(7)), (Ticks(20), Ticks(30)), (Ticks(6), Ticks(9))]);
        assert_eq!(losses.ranges, [(Ticks(5), Ticks(9)), (Ticks(20), Ticks(30))]);
        let hides = |from, to| losses.may_hide(Ticks(from), Ticks(to));
        assert!(hides(1, 5) && hides(9, 9) && hides(25, 26) && hides(1, 100));
        assert!(!hides(1, 4) && !hides(10, 19) && !hides(31, 99));
        assert!(!LossRanges::default().may_hide(Ticks(0), Ticks(9)));
    }
}
