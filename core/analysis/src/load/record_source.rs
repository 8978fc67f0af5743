//! Decoding of the records of another reader, such as Windows itself. The reader runs on its own thread and sends batches of
//! copied records; workers decode them, and they are merged after the last one. Buffers and file offsets are not known. Batches
//! end by their content, never by time, so that the same trace gives the same batches.

use super::assemble::MergedTrace;
use super::consistency::header_clock;
use super::pipeline::Pipeline;
use super::session::SessionInfo;
use super::{LoadError, LoadOptions};
use crate::trace::time::Ticks;
use poolscope_base::progress::{CancelToken, Progress, Stage};
use poolscope_etl::buffer::{HEADER_BYTES, MAX_BUFFER_BYTES};
use poolscope_etl::diagnostics::{DiagnosticKind, Diagnostics};
use poolscope_etl::event::EventKind;
use poolscope_etl::file::{ClockEvidence, LogfileHeader, OpenError, RecordClock, Tail};
use poolscope_etl::reader::{RecordSink, RecordSource};
use poolscope_etl::record::{Record, RecordKey};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Upper bound on the time that a cancel takes while the reader sends nothing.
const CANCEL_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Reads and decodes all records of `source`.
///
/// # Errors
/// Cancelled, or the reader failed before its first record.
pub fn read(
    source: &Arc<dyn RecordSource>,
    options: LoadOptions,
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<(SessionInfo, MergedTrace), LoadError> {
    progress.set_total(source.file_bytes());
    progress.enter(Stage::Records);
    let mut stream = BatchStream::begin(source)?;
    let mut diagnostics = Diagnostics::default();
    let first = stream.next(cancel)?;
    let (logfile, time_zero) = first_header(first.as_ref(), &mut diagnostics);
    let mut meter = ProgressMeter::new(source.file_bytes(), &logfile, time_zero);
    let mut pipeline = Pipeline::new(options);
    let mut batches = 0;
    let mut next = first;
    while let Some(batch) = next.take() {
        // One batch for each worker. The result does not depend on which batches form a round.
        let mut round = vec![batch];
        while round.len() < rayon::current_num_threads()
            && let Some(batch) = stream.next(cancel)?
        {
            round.push(batch);
        }
        // Batches to come may have earlier records, so that nothing is merged before the last one.
        pipeline.decode_batches(batches, &round, time_zero, cancel)?;
        batches += round.len() as u32;
        meter.advance(&round, progress);
        next = stream.next(cancel)?;
    }
    match stream.error {
        // An error after the first record leaves a part of the trace.
        Some(error) if batches == 0 => return Err(error),
        Some(LoadError::Open(_)) => diagnostics.add(DiagnosticKind::ReaderStopped, 1),
        Some(error) => return Err(error),
        None if batches == 0 => {
            let (path, reason) = (PathBuf::from(source.name()), "it found no record in it".to_owned());
            return Err(OpenError::Refused { path, reason }.into());
        }
        None => {}
    }
    diagnostics.add(DiagnosticKind::ReadByWindows, 1);
    let tail = if diagnostics.count(DiagnosticKind::ReaderStopped) > 0 { Tail::Torn } else { Tail::Whole };
    let info = SessionInfo {
        logfile,
        file_bytes: source.file_bytes(),
        buffers: None,
        has_wrapped_buffers: false,
        time_zero,
        gaps: Vec::new(),
        tail,
        newest_sequence: None,
        is_last_marked: true,
        diagnostics,
        parts: Vec::new(),
        all_buffers: None,
    };
    pipeline.merge(Ticks::NEVER, cancel)?;
    Ok((info, pipeline.finish()?))
}

/// The log-file header of a trace and the raw time zero. Its record comes first; without it, assumptions replace it.
fn first_header(batch: Option<&Batch>, diagnostics: &mut Diagnostics) -> (LogfileHeader, i64) {
    let records = || batch.into_iter().flat_map(Batch::records).map(|(record, _)| record);
    let Some(record) = records().find(is_header) else {
        diagnostics.add(DiagnosticKind::BadHeader, 1);
        let pointer_size = records().next().map_or(8, |record| u32::from(record.pointer_size));
        return (LogfileHeader::assumed(0, pointer_size), records().find_map(|record| record.time).unwrap_or(0));
    };
    let pointer_size = u32::from(record.pointer_size);
    let mut logfile = LogfileHeader::parse(record.payload).unwrap_or_else(|| {
        diagnostics.add(DiagnosticKind::BadHeader, 1);
        LogfileHeader::assumed(0, pointer_size)
    });
    if !matches!(logfile.pointer_size, 4 | 8) {
        diagnostics.add(DiagnosticKind::BadHeader, 1);
        logfile.pointer_size = pointer_size;
    }
    if (logfile.buffer_bytes as usize) < HEADER_BYTES || logfile.buffer_bytes > MAX_BUFFER_BYTES {
        logfile.buffer_bytes = 0;
    }
    // Windows hands out records by time: the one after the header record is the first of all, or one of the logger.
    let next = records().filter(|record| !is_header(record)).find_map(|record| record.time);
    let found = ClockEvidence { sibling: None, first: next, last: None };
    let clock = RecordClock::new(&logfile, record.time, found, false);
    if !clock.is_from_header {
        diagnostics.add(DiagnosticKind::HeaderClock, 1);
    }
    (logfile, clock.time_zero)
}

/// Returns `true` if it is the log-file header record.
fn is_header(record: &Record<'_>) -> bool {
    match record.key {
        RecordKey::Hook(hook) => EventKind::from_hook(hook) == EventKind::LogfileHeader,
        RecordKey::Provider { guid, opcode } => EventKind::from_provider(&guid, opcode) == EventKind::LogfileHeader,
        RecordKey::Message | RecordKey::Other(_) => false,
    }
}

/// Progress of a load in bytes, estimated by the times of the records: the reader does not tell how many bytes it has read.
struct ProgressMeter {
    file_bytes: u64,
    time_zero: i64,
    /// Ticks from the start to the end of the recording; 0 if not known.
    span: i64,
    reported_bytes: u64,
}

impl ProgressMeter {
    fn new(file_bytes: u64, logfile: &LogfileHeader, time_zero: i64) -> Self {
        let span = logfile.end_filetime.saturating_sub(logfile.start_filetime).max(0);
        let ticks = i128::from(span) * i128::from(header_clock(logfile).ticks_per_second) / 10_000_000;
        Self { file_bytes, time_zero, span: i64::try_from(ticks).unwrap_or(0), reported_bytes: 0 }
    }

    /// Reports batches as done.
    fn advance(&mut self, round: &[Batch], progress: &Progress) {
        let records = round.iter().map(|batch| batch.len() as u64).sum();
        let elapsed = round.last().and_then(Batch::last_time).map_or(0, |time| time.saturating_sub(self.time_zero));
        let share = elapsed.clamp(0, self.span);
        let bytes = i128::from(self.file_bytes) * i128::from(share) / i128::from(self.span.max(1));
        let bytes = u64::try_from(bytes).unwrap_or(0).max(self.reported_bytes);
        progress.advance(bytes - self.reported_bytes, records);
        self.reported_bytes = bytes;
    }
}

/// Batches of a reader that runs on its own thread.
struct BatchStream {
    receiver: Receiver<Batch>,
    thread: Option<JoinHandle<Result<(), OpenError>>>,
    /// Error that ended the reader early.
    error: Option<LoadError>,
}

impl BatchStream {
    /// Starts the reader.
    fn begin(source: &Arc<dyn RecordSource>) -> Result<Self, LoadError> {
        // A few batches may wait, so that neither side blocks the other all the time.
        let (sender, receiver) = sync_channel(2);
        let reading = Arc::clone(source);
        let work = move || {
            let mut batcher = Batcher::new(sender);
            let walked = reading.walk(&mut batcher);
            // Records before an error count. A receiver that is gone is no error of the reader.
            let _is_received = batcher.send();
            walked
        };
        let thread = thread::Builder::new().name("trace reader".to_owned()).spawn(work);
        let thread = thread.map_err(|reason| OpenError::Io { path: PathBuf::from(source.name()), reason })?;
        Ok(Self { receiver, thread: Some(thread), error: None })
    }

    /// The next batch; `None` at the end, after which [`Self::error`] is set if it came early.
    fn next(&mut self, cancel: &CancelToken) -> Result<Option<Batch>, LoadError> {
        loop {
            cancel.check()?;
            match self.receiver.recv_timeout(CANCEL_POLL_INTERVAL) {
                Ok(batch) => return Ok(Some(batch)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.error = match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => Some(error.into()),
            Some(Err(panic)) => Some(LoadError::from_panic(&*panic)),
            Some(Ok(Ok(()))) => None,
            None => self.error.take(),
        };
        Ok(None)
    }
}

/// Upper bound on the records of a batch.
const MAX_BATCH_RECORDS: usize = 1 << 16;
/// A batch ends with the record that reaches this many bytes of payloads.
const MAX_BATCH_PAYLOAD_BYTES: usize = 4 << 20;

/// Consecutive records, copied from a reader that reuses its memory.
#[derive(Debug, Default)]
pub struct Batch {
    heads: Vec<RecordHead>,
    payloads: Vec<u8>,
}

/// A record without its payload.
#[derive(Clone, Copy, Debug)]
struct RecordHead {
    key: RecordKey,
    version: u8,
    pointer_size: u8,
    cpu: Option<u16>,
    thread: Option<u32>,
    process: Option<u32>,
    time: Option<i64>,
    /// End of its payload in [`Batch::payloads`]. The start is the end of the record before it.
    end: u32,
}

impl Batch {
    /// The records in order, with the processors that wrote them.
    pub fn records(&self) -> impl Iterator<Item = (Record<'_>, Option<u16>)> {
        let mut start = 0;
        self.heads.iter().map(move |head| {
            let end = head.end as usize;
            let payload = self.payloads.get(start..end).unwrap_or_default();
            start = end;
            let RecordHead { key, version, pointer_size, cpu, thread, process, time, .. } = *head;
            (Record { key, version, pointer_size, thread, process, time, payload, offset: 0 }, cpu)
        })
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// Time of the last record that has one.
    pub fn last_time(&self) -> Option<i64> {
        self.heads.iter().rev().find_map(|head| head.time)
    }

    fn push(&mut self, record: &Record<'_>, cpu: Option<u16>, with_payload: bool) {
        if with_payload {
            self.payloads.extend_from_slice(record.payload);
        }
        self.heads.push(RecordHead {
            key: record.key,
            version: record.version,
            pointer_size: record.pointer_size,
            cpu,
            thread: record.thread,
            process: record.process,
            time: record.time,
            end: self.payloads.len() as u32,
        });
    }
}

/// Sink of a reader that collects records into batches and sends each when it is full.
pub struct Batcher {
    sender: SyncSender<Batch>,
    batch: Batch,
}

impl Batcher {
    /// Sink that sends to a channel.
    pub fn new(sender: SyncSender<Batch>) -> Self {
        Self { sender, batch: Batch::default() }
    }

    /// Sends the records that wait. `Break` if the receiver is gone.
    pub fn send(&mut self) -> ControlFlow<()> {
        if self.batch.heads.is_empty() {
            return ControlFlow::Continue(());
        }
        match self.sender.send(std::mem::take(&mut self.batch)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

impl RecordSink for Batcher {
    fn wants(&self, key: &RecordKey) -> bool {
        kind_of(key) != EventKind::Unknown
    }

    fn take(&mut self, record: &Record<'_>, cpu: Option<u16>) -> ControlFlow<()> {
        let with_payload = self.wants(&record.key);
        self.batch.push(record, cpu, with_payload);
        let is_full =
            self.batch.heads.len() >= MAX_BATCH_RECORDS || self.batch.payloads.len() >= MAX_BATCH_PAYLOAD_BYTES;
        if is_full { self.send() } else { ControlFlow::Continue(()) }
    }
}

fn kind_of(key: &RecordKey) -> EventKind {
    match key {
        RecordKey::Hook(hook) => EventKind::from_hook(*hook),
        RecordKey::Provider { guid, opcode } => EventKind::from_provider(guid, *opcode),
        RecordKey::Message | RecordKey::Other(_) => EventKind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    #[test]
    fn progress_follows_the_time_of_the_recording() {
        let logfile = LogfileHeader {
            start_filetime: 1,
            end_filetime: 20_000_001,
            perf_freq: 1_000,
            clock_type: 1,
            ..LogfileHeader::default()
        };
        let mut meter = ProgressMeter::new(400, &logfile, 5_000);
        assert_eq!(meter.span, 2_000);
        let (sender, receiver) = sync_channel(1);
        let mut batcher = Batcher::new(sender);
        let key = RecordKey::Hook(0x0524);
        let time = Some(5_500);
        let head =
            Record { key, version: 0, pointer_size: 8, thread: None, process: None, time, payload: &[], offset: 0 };
        assert!(poolscope_etl::reader::RecordSink::take(&mut batcher, &head, None).is_continue());
        assert!(batcher.send().is_continue());
        let round = [receiver.recv().expect("a batch was sent")];
        let progress = Progress::default();
        meter.advance(&round, &progress);
        assert_eq!((progress.read().bytes_done, progress.read().events), (100, 1));
        // A recording that was not closed has no end to measure by.
        let mut meter = ProgressMeter::new(400, &LogfileHeader { end_filetime: 0, ..logfile }, 5_000);
        meter.advance(&round, &progress);
        assert_eq!(progress.read().bytes_done, 100);
    }

    fn record(hook: u16, payload: &[u8]) -> Record<'_> {
        let (thread, process, time) = (Some(7), None, Some(i64::from(hook)));
        Record { key: RecordKey::Hook(hook), version: 2, pointer_size: 8, thread, process, time, payload, offset: 40 }
    }

    #[test]
    fn records_come_out_as_they_went_in_and_unknown_ones_without_payload() {
        let (sender, receiver) = sync_channel(1);
        let mut batcher = Batcher::new(sender);
        for (hook, payload) in [(0x0e20, &[1_u8, 2, 3][..]), (0x0524, &[9, 9]), (0x0e22, &[4])] {
            assert!(batcher.take(&record(hook, payload), Some(3)).is_continue());
        }
        assert!(batcher.send().is_continue());
        let batch = receiver.recv().expect("a batch was sent");
        let seen: Vec<_> =
            batch.records().map(|(r, cpu)| (r.key, r.payload.to_vec(), r.time, r.process, cpu)).collect();
        let row =
            |hook: u16, payload: &[u8]| (RecordKey::Hook(hook), payload.to_vec(), Some(i64::from(hook)), None, Some(3));
        assert_eq!(seen, [row(0x0e20, &[1, 2, 3]), row(0x0524, &[]), row(0x0e22, &[4])]);
        assert_eq!((batch.len(), batch.last_time()), (3, Some(0x0e22)));
    }

    #[test]
    fn a_full_batch_is_sent_and_a_missing_receiver_ends_the_reading() {
        let (sender, receiver) = sync_channel(4);
        let mut batcher = Batcher::new(sender);
        let payload = vec![0; MAX_BATCH_PAYLOAD_BYTES / 2];
        assert!((0..3).all(|_| batcher.take(&record(0x0e20, &payload), None).is_continue()));
        assert_eq!(receiver.try_recv().map(|batch| batch.len()), Ok(2));
        drop(receiver);
        assert!(batcher.take(&record(0x0e20, &payload), None).is_break());
    }
}
