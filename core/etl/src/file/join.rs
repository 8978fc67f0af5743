//! Joining of the files of a recording to one trace: their buffers one after another, the clock of the first file, and a header that
//! says what the headers of all say together.

use super::parts::{Contents, TracePart, end_ticks, sample_contents};
use super::{BufferRef, FileLayout, LogfileHeader, OpenError, Tail, TraceFile, UnreadableRange};
use crate::buffer::TYPE_HEADER;
use crate::diagnostics::{DiagnosticKind, Diagnostics};
use poolscope_base::file_reader::{FileReader, ReadAt};
use std::io;

/// Upper bound on the estimated bytes of missing buffers.
const MAX_MISSING_BYTES: u64 = 1 << 40;
/// Pause at the end of a part, as a multiple of the mean time from one of its buffers to the next, from which on buffers are missing
/// if their numbers do not say so.
const PAUSE_PERIODS: i64 = 20;

/// Joins files that [`group_parts`](super::group_parts) found to belong together, in the order of time. The parts of the kernel's log come
/// first; of several logs with kernel records, the one with pool events counts as that.
///
/// # Errors
/// A file cannot be read.
pub fn join(files: Vec<TraceFile>) -> Result<TraceFile, OpenError> {
    if files.len() < 2 {
        let none = || OpenError::Empty { path: std::path::PathBuf::new() };
        return files.into_iter().next().ok_or_else(none);
    }
    let contents = files.iter().map(sample_contents).collect::<Result<Vec<Contents>, OpenError>>()?;
    let main = (0..files.len()).max_by_key(|&at| (contents[at], files[at].file_bytes(), std::cmp::Reverse(at)));
    let main_name = main.map(|at| files[at].logfile.session_name.clone()).unwrap_or_default();
    let mut files: Vec<(bool, TraceFile)> =
        files.into_iter().map(|file| (file.logfile.session_name == main_name, file)).collect();
    // A stable sort: the order of time stays.
    files.sort_by_key(|(is_main, _)| !is_main);
    let mut joined = Joined::default();
    let missing: Vec<u64> = (0..files.len())
        .map(|at| match at.checked_sub(1).map(|before| (&files[before], &files[at])) {
            Some(((true, before), (true, next))) => missing_buffers(before, next),
            _ => 0,
        })
        .collect();
    let name = files.iter().map(|(_, file)| file.name.as_str()).collect::<Vec<_>>().join(" + ");
    let logfile = joined_header(&files);
    let mut clock = files[0].1.clock;
    for (_, file) in &files[1..] {
        let (low, high) = file.clock.plausible;
        clock.plausible = (clock.plausible.0.min(low), clock.plausible.1.max(high));
    }
    for ((is_main, file), missing) in files.into_iter().zip(missing) {
        joined.push(file, is_main, missing);
    }
    let Joined { parts, layout, diagnostics, sources, end } = joined;
    let reader = FileReader::from_source(Box::new(PartReader { sources }), end);
    Ok(TraceFile { reader, name, logfile, clock, layout, diagnostics, parts })
}

/// The trace so far.
#[derive(Default)]
struct Joined {
    parts: Vec<TracePart>,
    layout: FileLayout,
    diagnostics: Diagnostics,
    sources: Vec<(u64, FileReader)>,
    end: u64,
}

impl Joined {
    fn push(&mut self, file: TraceFile, is_main: bool, missing: u64) {
        if missing > 0 {
            let count = file.layout.buffers.len().max(1) as u64;
            let bytes = (file.file_bytes() / count).max(1).saturating_mul(missing).min(MAX_MISSING_BYTES);
            self.layout.gaps.push(UnreadableRange { offset: self.end, bytes });
            self.diagnostics.add(DiagnosticKind::MissingPart, 1);
            self.end += bytes;
        }
        let base = self.end;
        let start = self.layout.buffers.len();
        let FileLayout { buffers, wrapped, gaps, tail } = file.layout;
        let moved = |buffer: BufferRef| BufferRef { offset: buffer.offset + base, ..buffer };
        self.layout.buffers.extend(buffers.into_iter().map(moved));
        if is_main {
            let moved = |gap: UnreadableRange| UnreadableRange { offset: gap.offset + base, ..gap };
            self.layout.gaps.extend(gaps.into_iter().map(moved));
            self.layout.wrapped |= wrapped && self.parts.is_empty();
            self.layout.tail = tail;
        }
        self.diagnostics.merge(&file.diagnostics.with_offsets_raised(base));
        self.end += file.reader.len();
        self.sources.push((base, file.reader));
        let buffers = start..self.layout.buffers.len();
        self.parts.extend(file.parts.into_iter().take(1).map(|part| TracePart {
            base,
            buffers: buffers.clone(),
            is_main,
            missing_buffers_before: missing,
            ..part
        }));
    }
}

/// Number of buffers that are missing between two parts of a log: those that the first part lacks at its end, and those whose numbers
/// neither has. Without numbers that go on, the pause between the two counts.
fn missing_buffers(before: &TraceFile, next: &TraceFile) -> u64 {
    let held = before.layout.buffers.len() as u64;
    let written = u64::from(before.logfile.buffers_written);
    let lacking = if counts_on(before, next) { 0 } else { written.saturating_sub(held) };
    let is_torn = before.layout.tail != Tail::Whole;
    let least = lacking.max(u64::from(is_torn));
    let (Some(own), Some(other)) = (Numbers::of(before), Numbers::of(next)) else { return least };
    if before.parts[0].time_zero == next.parts[0].time_zero && other.first > own.last {
        let jump = other.first.abs_diff(own.last);
        // Numbers of complete files may have gaps, too.
        let usual = own.longest_step.max(other.longest_step).max(1);
        return if jump > usual { least.max(jump - 1) } else { least };
    }
    least.max(buffers_in_pause(before, next))
}

/// Returns `true` if `BuffersWritten` of a part counts the buffers of the part before it as well.
fn counts_on(before: &TraceFile, next: &TraceFile) -> bool {
    let added = next.logfile.buffers_written.checked_sub(before.logfile.buffers_written);
    added.is_some_and(|added| added > 0 && (added as usize).abs_diff(next.layout.buffers.len()) <= 1)
}

/// Sequence numbers of the buffers of a file.
struct Numbers {
    first: i64,
    last: i64,
    /// Largest difference between two numbers that follow each other.
    longest_step: u64,
}

impl Numbers {
    /// Those of a file; `None` without buffers behind that of the header.
    fn of(file: &TraceFile) -> Option<Self> {
        let bodies = file.layout.buffers.iter().filter(|buffer| buffer.header.kind != TYPE_HEADER);
        let mut numbers: Vec<i64> = bodies.map(|buffer| buffer.header.sequence).collect();
        numbers.sort_unstable();
        let longest_step = numbers.windows(2).map(|pair| pair[1].abs_diff(pair[0])).max().unwrap_or(1);
        Some(Self { first: *numbers.first()?, last: *numbers.last()?, longest_step })
    }
}

/// Estimated number of buffers in the time between two parts; 0 if it is not longer than between other buffers.
fn buffers_in_pause(before: &TraceFile, next: &TraceFile) -> u64 {
    let (Some(own), Some(other)) = (before.parts[0].times, next.parts[0].times) else { return 0 };
    let end = end_ticks(before).unwrap_or(own.1).max(own.1);
    // A session of its own begins with its header.
    let is_restarted = next.parts[0].time_zero > own.1;
    let begin = if is_restarted { next.parts[0].time_zero.min(other.0) } else { other.0 };
    let period = (own.1.saturating_sub(own.0) / before.layout.buffers.len().max(1) as i64).max(1);
    let second = before.clock.ticks_per_second;
    let least = if is_restarted { second / 50 } else { second.max(period.saturating_mul(PAUSE_PERIODS)) };
    let pause = begin.saturating_sub(end);
    if pause <= least { 0 } else { (pause / period).max(1) as u64 }
}

/// The header of the main log, with the end of its last part, all buffers and all losses.
fn joined_header(files: &[(bool, TraceFile)]) -> LogfileHeader {
    let main: Vec<&TraceFile> = files.iter().filter(|(is_main, _)| *is_main).map(|(_, file)| file).collect();
    let (first, last) = (&main[0].logfile, &main[main.len() - 1].logfile);
    if main.len() == 1 {
        return first.clone();
    }
    let is_one_session = main.iter().all(|file| file.parts[0].time_zero == main[0].parts[0].time_zero);
    let total = |count: fn(&LogfileHeader) -> u32| {
        let counts = main.iter().map(|file| count(&file.logfile));
        if is_one_session { counts.max().unwrap_or(0) } else { counts.fold(0, u32::saturating_add) }
    };
    // Buffers that a part lacks are missing between it and the next one; those of the last part are missing at the end.
    let held = |file: &TraceFile| u32::try_from(file.layout.buffers.len()).unwrap_or(u32::MAX);
    let before = main[..main.len() - 1].iter().map(|file| held(file)).fold(0, u32::saturating_add);
    let [.., previous, end] = main.as_slice() else { return first.clone() };
    let written_last = if counts_on(previous, end) { held(end) } else { last.buffers_written };
    LogfileHeader {
        buffer_bytes: main.iter().map(|file| file.logfile.buffer_bytes).max().unwrap_or(0),
        cpus: main.iter().map(|file| file.logfile.cpus).max().unwrap_or(0),
        end_filetime: last.end_filetime,
        buffers_written: before.saturating_add(written_last),
        events_lost: total(|header| header.events_lost),
        buffers_lost: total(|header| header.buffers_lost),
        ..first.clone()
    }
}

/// The bytes of several files, one after another; zeros between them where buffers are missing.
#[derive(Debug)]
struct PartReader {
    /// Offsets of the first bytes, ascending, and the files.
    sources: Vec<(u64, FileReader)>,
}

impl ReadAt for PartReader {
    fn read_some_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let next = self.sources.partition_point(|(start, _)| *start <= offset);
        let Some((start, source)) = next.checked_sub(1).and_then(|at| self.sources.get(at)) else { return Ok(0) };
        let within = offset - start;
        let (is_inside, room) = match source.len().checked_sub(within).filter(|room| *room > 0) {
            Some(room) => (true, room),
            // Behind the file, as far as the next one.
            None => (false, self.sources.get(next).map_or(0, |(start, _)| start - offset)),
        };
        let count = buffer.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        let wanted = &mut buffer[..count];
        if is_inside {
            match source.read_at(within, wanted) {
                Ok(()) => {}
                // The bytes before the failure are read; the next read fails at its first byte, whose offset is that of the error.
                Err(error) if error.offset > within => return Ok((error.offset - within) as usize),
                Err(error) => return Err(error.reason),
            }
        } else {
            wanted.fill(0);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_several_files_are_read_across_their_ends() {
        let sources =
            vec![(0, FileReader::from_bytes(b"abc".as_slice())), (5, FileReader::from_bytes(b"de".as_slice()))];
        let reader = FileReader::from_source(Box::new(PartReader { sources }), 7);
        let mut all = [9; 7];
        reader.read_at(0, &mut all).expect("all bytes");
        assert_eq!(&all, b"abc\0\0de");
        let mut some = [0; 3];
        reader.read_at(2, &mut some).expect("across the end");
        assert_eq!(&some, b"c\0\0");
        assert_eq!(reader.read_at(6, &mut some).expect_err("behind the end").offset, 7);
    }

    #[test]
    fn a_failure_has_the_offset_of_the_first_byte_that_is_missing() {
        /// Three bytes of a file that had ten.
        #[derive(Debug)]
        struct Shortened;

        impl ReadAt for Shortened {
            fn read_some_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
                let count = buffer.len().min(3_u64.saturating_sub(offset) as usize);
                buffer[..count].fill(7);
                Ok(count)
            }
        }

        let shortened = FileReader::from_source(Box::new(Shortened), 10);
        let sources = vec![(0, FileReader::from_bytes(b"abcd".as_slice())), (4, shortened)];
        let reader = FileReader::from_source(Box::new(PartReader { sources }), 14);
        let mut all = [0; 14];
        assert_eq!(reader.read_at(0, &mut all).expect_err("a part is missing").offset, 7);
        assert_eq!(&all[..7], b"abcd\x07\x07\x07");
    }
}
