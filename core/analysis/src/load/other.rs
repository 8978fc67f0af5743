//! The front half of a load whose records come from another reader: that reader works on a thread of its own and hands
//! over batches, workers decode them into shards in the order in which they came. What follows is the same for all readers.
//! Nothing is known here of buffers and places in the file, and nothing is made up in their stead.

use super::batch::{Batch, Batcher};
use super::clock;
use super::decode::Worker;
use super::origin::Origin;
use super::raw_stacks::RawStacks;
use super::shard::Shard;
use super::{LoadError, LoadOptions};
use poolscope_base::progress::{CancelToken, Cancelled, Progress, Stage};
use poolscope_etl::buffer::{HEADER_BYTES, MAX_BUFFER_BYTES};
use poolscope_etl::diagnostics::{Diagnostics, DiagnosticKind};
use poolscope_etl::file::{ClockEvidence, LogfileHeader, OpenError, RecordClock, Tail};
use poolscope_etl::event::EventKind;
use poolscope_etl::record::{Record, RecordKey};
use poolscope_etl::reader::RecordSource;
use rayon::prelude::*;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long a cancel may go unseen while the other reader is silent.
const PATIENCE: Duration = Duration::from_millis(20);

/// All records, decoded.
pub struct ReadRecords {
    pub origin: Origin,
    pub shards: Vec<Shard>,
}

/// Reads and decodes everything that `source` hands out.
pub fn read(
    source: &Arc<dyn RecordSource>,
    raws: &RawStacks,
    options: LoadOptions,
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<ReadRecords, LoadError> {
    progress.set_total(source.file_bytes());
    progress.enter(Stage::Records);
    let mut stream = Stream::begin(source)?;
    let mut diagnostics = Diagnostics::default();
    let first = stream.next(cancel)?;
    let (logfile, time_zero) = first_header(first.as_ref(), &mut diagnostics);
    let mut meter = Meter::new(source.file_bytes(), &logfile, time_zero);
    let mut shards = Vec::new();
    let mut next = first;
    while let Some(batch) = next.take() {
        // One batch for each worker; where a round ends changes nothing.
        let mut round = vec![batch];
        while round.len() < rayon::current_num_threads()
            && let Some(batch) = stream.next(cancel)?
        {
            round.push(batch);
        }
        let work = |worker: &mut Worker, batch: &Batch| {
            cancel.check()?;
            Ok(worker.decode_batch(batch, raws, time_zero, options))
        };
        let decoded: Result<Vec<Shard>, Cancelled> =
            round.par_iter().with_max_len(1).map_init(Worker::default, work).collect();
        shards.extend(decoded?);
        meter.advance(&round, progress);
        next = stream.next(cancel)?;
    }
    match stream.error {
        // Without any record there is no trace to be partly read.
        Some(error) if shards.is_empty() => return Err(error),
        Some(LoadError::Open(_)) => diagnostics.add(DiagnosticKind::ReaderStopped, 1),
        Some(error) => return Err(error),
        None if shards.is_empty() => {
            let (path, reason) = (PathBuf::from(source.name()), "it found no record in it".to_owned());
            return Err(OpenError::Refused { path, reason }.into());
        }
        None => {}
    }
    diagnostics.add(DiagnosticKind::ReadByWindows, 1);
    let tail = if diagnostics.count(DiagnosticKind::ReaderStopped) > 0 { Tail::Torn } else { Tail::Whole };
    let origin = Origin {
        logfile,
        file_bytes: source.file_bytes(),
        buffers: None,
        wrapped: false,
        time_zero,
        gaps: Vec::new(),
        tail,
        newest: None,
        is_last_marked: true,
        diagnostics,
    };
    Ok(ReadRecords { origin, shards })
}

/// The log-file header of a trace and the time of its record. It comes first; where it does not, what can be known
/// without it stands in.
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
    // Windows hands out records by time: the one behind the header record is the first of all, or the logger's own.
    let next = records().filter(|record| !is_header(record)).find_map(|record| record.time);
    let found = ClockEvidence { sibling: None, first: next, last: None };
    let clock = RecordClock::new(&logfile, record.time, found, false);
    if !clock.is_from_header {
        diagnostics.add(DiagnosticKind::HeaderClock, 1);
    }
    (logfile, clock.time_zero)
}

fn is_header(record: &Record<'_>) -> bool {
    match record.key {
        RecordKey::Hook(hook) => EventKind::from_hook(hook) == EventKind::LogfileHeader,
        RecordKey::Provider { guid, opcode } => EventKind::from_provider(&guid, opcode) == EventKind::LogfileHeader,
        RecordKey::Message | RecordKey::Other(_) => false,
    }
}

/// How far a load is. The other reader does not say how many bytes it has read; but it goes through the time of the
/// recording, and that has an end where the recording was closed.
struct Meter {
    file_bytes: u64,
    time_zero: i64,
    /// Ticks from the beginning to the end; 0 if not known.
    span: i64,
    told: u64,
}

impl Meter {
    fn new(file_bytes: u64, logfile: &LogfileHeader, time_zero: i64) -> Self {
        let span = logfile.end_filetime.saturating_sub(logfile.start_filetime).max(0);
        let ticks = i128::from(span) * i128::from(clock::named(logfile).ticks_per_second) / 10_000_000;
        Self { file_bytes, time_zero, span: i64::try_from(ticks).unwrap_or(0), told: 0 }
    }

    fn advance(&mut self, round: &[Batch], progress: &Progress) {
        let records = round.iter().map(|batch| batch.len() as u64).sum();
        let elapsed = round.last().and_then(Batch::last_time).map_or(0, |time| time.saturating_sub(self.time_zero));
        let share = elapsed.clamp(0, self.span);
        let bytes = i128::from(self.file_bytes) * i128::from(share) / i128::from(self.span.max(1));
        let bytes = u64::try_from(bytes).unwrap_or(0).max(self.told);
        progress.advance(bytes - self.told, records);
        self.told = bytes;
    }
}

/// Batches from a reader on its own thread.
struct Stream {
    receiver: Receiver<Batch>,
    thread: Option<JoinHandle<Result<(), OpenError>>>,
    /// Why the reader ended early.
    error: Option<LoadError>,
}

impl Stream {
    fn begin(source: &Arc<dyn RecordSource>) -> Result<Self, LoadError> {
        // A few batches in stock, so that neither side waits for the other all the time.
        let (sender, receiver) = sync_channel(2);
        let reading = Arc::clone(source);
        let work = move || {
            let mut batcher = Batcher::new(sender);
            let walked = reading.walk(&mut batcher);
            // What came before an error counts; nobody listening is no error of the reader.
            let _listening = batcher.send();
            walked
        };
        let thread = thread::Builder::new().name("trace reader".to_owned()).spawn(work);
        let thread = thread.map_err(|reason| OpenError::Io { path: PathBuf::from(source.name()), reason })?;
        Ok(Self { receiver, thread: Some(thread), error: None })
    }

    /// The next batch; `None` at the end, for which [`Self::error`] has the reason if it came early.
    fn next(&mut self, cancel: &CancelToken) -> Result<Option<Batch>, LoadError> {
        loop {
            cancel.check()?;
            match self.receiver.recv_timeout(PATIENCE) {
                Ok(batch) => return Ok(Some(batch)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.error = match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => Some(error.into()),
            Some(Err(panic)) => Some(LoadError::panicked(&*panic)),
            Some(Ok(Ok(()))) => None,
            None => self.error.take(),
        };
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_follows_the_time_of_the_recording() {
        let logfile = LogfileHeader {
            start_filetime: 1,
            end_filetime: 20_000_001,
            perf_freq: 1_000,
            clock_type: 1,
            ..LogfileHeader::default()
        };
        let mut meter = Meter::new(400, &logfile, 5_000);
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
        let mut meter = Meter::new(400, &LogfileHeader { end_filetime: 0, ..logfile }, 5_000);
        meter.advance(&round, &progress);
        assert_eq!(progress.read().bytes_done, 100);
    }
}
