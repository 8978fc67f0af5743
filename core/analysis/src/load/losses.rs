//! When records may be missing: the ranges of time in which a processor may have logged something that the file does not
//! hold. A stack key may be resolved across none of them, since the definition that belonged to it may lie there.
//!
//! Each range is the gap between two buffers of one processor that follow one another in the file: what one processor
//! logged is complete and in order within a buffer, whatever happened to the others.

use super::origin::Origin;
use super::shard::Shard;
use super::span::Span;
use super::{clock, verdicts};
use crate::trace::time::Ticks;
use poolscope_etl::buffer::flag;
use poolscope_etl::diagnostics::DiagnosticKind;
use std::collections::{BTreeMap, BTreeSet};

/// Ranges of time in which records may be missing, both ends included: ascending, and apart from one another.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Losses {
    ranges: Vec<(Ticks, Ticks)>,
}

impl Losses {
    /// The losses that a file shows or admits.
    pub fn of(origin: &Origin, shards: &[Shard]) -> Self {
        let mut search = Search::new(origin, shards);
        search.run();
        Self::merged(search.ranges)
    }

    /// Whether a record between two moments may be missing.
    #[inline]
    pub fn may_hide(&self, from: Ticks, to: Ticks) -> bool {
        if self.ranges.is_empty() {
            return false;
        }
        let first = self.ranges.partition_point(|range| range.1 < from);
        self.ranges.get(first).is_some_and(|range| range.0 <= to)
    }

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

/// Before all records, and after them.
const START: Ticks = Ticks::UNKNOWN;
const END: Ticks = Ticks::NEVER;

struct Search<'s> {
    origin: &'s Origin,
    shards: &'s [Shard],
    /// The buffers in the order in which they were written, without those that hold only the header.
    spans: Vec<Span>,
    /// Their places in [`Self::spans`], by processor.
    by_cpu: BTreeMap<u16, Vec<usize>>,
    /// The header names more processors than there are buffers of.
    has_unseen_cpu: bool,
    ranges: Vec<(Ticks, Ticks)>,
}

impl<'s> Search<'s> {
    fn new(origin: &'s Origin, shards: &'s [Shard]) -> Self {
        let all = shards.iter().flat_map(|shard| &shard.spans).copied();
        let spans: Vec<Span> = all.filter(|span| !span.is_header).collect();
        let mut by_cpu: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
        for (at, span) in spans.iter().enumerate() {
            by_cpu.entry(span.cpu).or_default().push(at);
        }
        let has_unseen_cpu = origin.logfile.cpus as usize > by_cpu.len();
        let ranges = shards.iter().flat_map(|shard| &shard.losses).copied().collect();
        Self { origin, shards, spans, by_cpu, has_unseen_cpu, ranges }
    }

    fn run(&mut self) {
        if self.origin.buffers.is_none() {
            self.without_buffers();
            return;
        }
        let has_wrapped = self.has_wrapped();
        if has_wrapped {
            self.overwritten();
        }
        self.marked();
        self.unreadable();
        let is_complete = self.missing_buffers();
        if !is_complete {
            self.behind_the_last();
        }
        self.counted_only(has_wrapped);
    }

    /// Another reader shows no buffers: a loss that is known of may be anywhere.
    fn without_buffers(&mut self) {
        let header = &self.origin.logfile;
        let is_counted = header.events_lost > 0 || header.buffers_lost > 0;
        let has_stopped = self.origin.diagnostics.count(DiagnosticKind::ReaderStopped) > 0;
        let is_cut = header.end_filetime == 0 || has_stopped;
        if is_counted || is_cut || header.is_circular() || self.has_wrapped() {
            self.everywhere();
        }
    }

    fn everywhere(&mut self) {
        self.ranges = vec![(START, END)];
    }

    fn add(&mut self, from: Ticks, to: Ticks) {
        self.ranges.push((from.min(to), from.max(to)));
    }

    fn has_wrapped(&self) -> bool {
        let clock = clock::named(&self.origin.logfile);
        let first = self.shards.iter().filter_map(|shard| shard.first_time).min();
        let end = self.spans.iter().map(|span| span.last).max().unwrap_or(Ticks(0));
        verdicts::has_wrapped(self.origin, first, &clock, end)
    }

    /// Latest record of a processor among its buffers before the place `at` of its list, and the earliest behind it.
    fn around(&self, own: &[usize], at: usize) -> (Ticks, Ticks) {
        let times = |place: &usize| self.spans.get(*place).and_then(Span::times);
        let before = own.get(..at).unwrap_or_default().iter().rev().find_map(times);
        let behind = own.get(at + 1..).unwrap_or_default().iter().find_map(times);
        (before.map_or(START, |t| t.1), behind.map_or(END, |t| t.0))
    }

    /// Buffers that are marked as having lost something "before or in" them (etl-format 1.3), and damaged ones, of which
    /// the rest is missing.
    fn marked(&mut self) {
        let mut found = Vec::new();
        for own in self.by_cpu.values() {
            for (at, place) in own.iter().enumerate() {
                let Some(span) = self.spans.get(*place) else { continue };
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

    /// Stretches of the file in which no buffer was found. Any processor may have filled what was there.
    fn unreadable(&mut self) {
        let mut spans: Vec<Span> = self.shards.iter().flat_map(|shard| &shard.spans).copied().collect();
        spans.sort_by_key(|span| span.offset);
        let mut places: Vec<u64> = spans.iter().filter(|span| span.is_cut()).map(|span| span.offset).collect();
        let gaps = spans.windows(2).filter(|pair| pair[1].offset > pair[0].end());
        places.extend(gaps.map(|pair| pair[0].end()));
        for place in places {
            self.between(|span| span.offset <= place);
        }
    }

    /// Something of any processor is missing between the buffers that `is_before` takes and the others.
    fn between(&mut self, is_before: impl Fn(&Span) -> bool) {
        // The places in a circular file say nothing about the order of time, and a processor without a buffer may have
        // had its only one there.
        if self.has_unseen_cpu || self.origin.logfile.is_circular() {
            self.everywhere();
            return;
        }
        let mut found = Vec::new();
        for own in self.by_cpu.values() {
            let spans = || own.iter().filter_map(|place| self.spans.get(*place));
            let before = spans().filter(|span| is_before(span)).filter_map(Span::times).map(|t| t.1).max();
            let behind = spans().filter(|span| !is_before(span)).filter_map(Span::times).map(|t| t.0).min();
            found.push((before.unwrap_or(START), behind.unwrap_or(END)));
        }
        found.into_iter().for_each(|(from, to)| self.add(from, to));
    }

    /// Buffers that the header counts and the file does not hold. Returns whether the file goes on to the end of the
    /// recording.
    fn missing_buffers(&mut self) -> bool {
        let header = &self.origin.logfile;
        if header.end_filetime == 0 || self.origin.diagnostics.count(DiagnosticKind::BadHeader) > 0 {
            return false;
        }
        let held = self.origin.buffers.map_or(0, |buffers| buffers.total);
        let missing = u64::from(header.buffers_written).saturating_sub(held);
        if header.is_circular() || missing == 0 {
            return true;
        }
        // Buffers are numbered in the order in which they were handed over; real files that are whole have gaps in the
        // numbers too, so these count only where buffers are missing.
        let numbers: BTreeSet<i64> = self.spans.iter().map(|span| span.sequence).collect();
        if numbers.len() != self.spans.len() {
            self.everywhere();
            return true;
        }
        let gaps: Vec<(i64, i64)> =
            numbers.iter().zip(numbers.iter().skip(1)).map(|(a, b)| (*a, *b)).filter(|(a, b)| b - a > 1).collect();
        let inside: u64 = gaps.iter().map(|(a, b)| (b - a - 1) as u64).fold(0, u64::saturating_add);
        for (before, _) in gaps {
            self.between(|span| span.sequence <= before);
        }
        let last = self.spans.iter().max_by_key(|span| span.sequence);
        inside >= missing && last.is_some_and(|span| span.has_flag(flag::FLUSH_MARKER))
    }

    /// The end of the recording is missing: each processor may have gone on behind its last record.
    fn behind_the_last(&mut self) {
        self.between(|_| true);
    }

    /// The beginning was overwritten, the oldest buffers first, those of slow processors last.
    fn overwritten(&mut self) {
        let until = if self.origin.logfile.is_merged() { END } else { self.first_hand_over() };
        let first = |own: &Vec<usize>| {
            let times = own.iter().filter_map(|place| self.spans.get(*place)?.times());
            times.map(|t| t.0).min()
        };
        let firsts: Vec<Ticks> = self.by_cpu.values().map(|own| first(own).unwrap_or(END).min(until)).collect();
        firsts.into_iter().for_each(|first| self.add(START, first));
        if self.has_unseen_cpu {
            self.add(START, until);
        }
    }

    /// A moment by which every overwritten buffer had been handed over, and so before which all of its records lie.
    /// Buffers are overwritten in the order in which they were handed over, and a buffer was at the latest when its
    /// processor logged into the next one. Those of several processors may overtake each other on their way, at most one
    /// each.
    fn first_hand_over(&self) -> Ticks {
        let mut latest: Vec<Ticks> = Vec::with_capacity(self.spans.len());
        for own in self.by_cpu.values() {
            latest.extend((0..own.len()).map(|at| self.around(own, at).1));
        }
        latest.sort_unstable();
        latest.get(self.by_cpu.len()).copied().unwrap_or(END)
    }

    /// Losses that the header counts and no buffer is marked with.
    fn counted_only(&mut self, has_wrapped: bool) {
        let header = &self.origin.logfile;
        let marked = |bits: u16| self.spans.iter().filter(|span| span.has_flag(bits)).count() as u64;
        let is_placed = marked(flag::EVENTS_LOST | flag::BUFFER_LOST) > 0
            || self.shards.iter().any(|shard| shard.diagnostics.count(DiagnosticKind::LossRecord) > 0);
        // Where the beginning was overwritten, the marks may have been as well; a merge does not keep them.
        let may_be_gone = has_wrapped && !header.is_merged();
        let is_counted = header.events_lost > 0 || header.buffers_lost > 0;
        if is_counted && !is_placed && !may_be_gone {
            self.everywhere();
        } else if u64::from(header.buffers_lost) > marked(flag::BUFFER_LOST) && !may_be_gone {
            // Several may share a mark, or a processor wrote none behind its last lost one.
            self.behind_the_last();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::origin::Buffers;
    use poolscope_etl::file::Tail;
    use poolscope_etl::file::LogfileHeader;

    /// Buffers of a kilobyte, one behind the other: processor, first and last time.
    fn spans(of: &[(u16, i64, i64)]) -> Vec<Span> {
        let span = |(at, &(cpu, first, last)): (usize, &(u16, i64, i64))| {
            let sequence = at as i64 + 1;
            Span {
                offset: at as u64 * 1024,
                cpu,
                sequence,
                size_bytes: 1024,
                stored_bytes: 1024,
                first: Ticks(first),
                last: Ticks(last),
                ..Span::default()
            }
        };
        of.iter().enumerate().map(span).collect()
    }

    /// Two processors, three buffers each.
    fn six() -> Vec<Span> {
        spans(&[(0, 1, 10), (1, 2, 12), (0, 11, 20), (1, 13, 22), (0, 21, 30), (1, 23, 32)])
    }

    fn header() -> LogfileHeader {
        LogfileHeader { cpus: 2, end_filetime: 1, buffers_written: 6, ..LogfileHeader::default() }
    }

    fn found(logfile: LogfileHeader, spans: Vec<Span>) -> Vec<(i64, i64)> {
        let buffers = Buffers { total: spans.len() as u64, compressed: 0 };
        let wrapped = logfile.is_circular();
        let origin = Origin {
            logfile,
            file_bytes: 0,
            buffers: Some(buffers),
            wrapped,
            time_zero: 0,
            gaps: Vec::new(),
            tail: Tail::default(),
            newest: None,
            is_last_marked: false,
            diagnostics: poolscope_etl::diagnostics::Diagnostics::default(),
        };
        let shard = Shard { spans, ..Shard::default() };
        let ranges = Losses::of(&origin, &[shard]).ranges;
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
        // Counted twice and marked once: the other may be behind the last record of any processor.
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
        // One out of the middle: its number is missing. The end is there if the last buffer says that it is the last.
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
        let losses = Losses::merged(vec![(Ticks(5), Ticks(7)), (Ticks(20), Ticks(30)), (Ticks(6), Ticks(9))]);
        assert_eq!(losses.ranges, [(Ticks(5), Ticks(9)), (Ticks(20), Ticks(30))]);
        let hides = |from, to| losses.may_hide(Ticks(from), Ticks(to));
        assert!(hides(1, 5) && hides(9, 9) && hides(25, 26) && hides(1, 100));
        assert!(!hides(1, 4) && !hides(10, 19) && !hides(31, 99));
        assert!(!Losses::default().may_hide(Ticks(0), Ticks(9)));
    }
}
