//! Records of another reader on their way to the workers: that reader keeps its memory to itself, so each batch is a copy
//! of its records. A batch ends by what it holds, never by time, so that the same trace gives the same batches.

use poolscope_etl::event::EventKind;
use poolscope_etl::record::{Record, RecordKey};
use poolscope_etl::reader::RecordSink;
use std::ops::ControlFlow;
use std::sync::mpsc::SyncSender;

/// Most records of a batch.
const RECORDS: usize = 1 << 16;
/// A batch ends with the record that brings it beyond these bytes of payloads.
const PAYLOAD_BYTES: usize = 4 << 20;

/// Some records that follow one another.
#[derive(Debug, Default)]
pub struct Batch {
    heads: Vec<Head>,
    payloads: Vec<u8>,
}

/// A record without its payload.
#[derive(Clone, Copy, Debug)]
struct Head {
    key: RecordKey,
    version: u8,
    pointer_size: u8,
    cpu: Option<u16>,
    thread: Option<u32>,
    process: Option<u32>,
    time: Option<i64>,
    /// Where its payload ends; it begins where the one before does.
    end: u32,
}

impl Batch {
    /// The records in order, and the processors that wrote them.
    pub fn records(&self) -> impl Iterator<Item = (Record<'_>, Option<u16>)> {
        let mut start = 0;
        self.heads.iter().map(move |head| {
            let end = head.end as usize;
            let payload = self.payloads.get(start..end).unwrap_or_default();
            start = end;
            let Head { key, version, pointer_size, cpu, thread, process, time, .. } = *head;
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

    /// Number of pool allocations and frees.
    pub fn pool_events(&self) -> usize {
        use EventKind as K;
        let is_pool = |kind| matches!(kind, K::PoolAlloc | K::PoolAllocSession | K::PoolFree | K::PoolFreeSession);
        self.heads.iter().filter(|head| is_pool(kind_of(&head.key))).count()
    }

    fn push(&mut self, record: &Record<'_>, cpu: Option<u16>, with_payload: bool) {
        if with_payload {
            self.payloads.extend_from_slice(record.payload);
        }
        self.heads.push(Head {
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

/// Collects records into batches and sends each that is full.
pub struct Batcher {
    sender: SyncSender<Batch>,
    batch: Batch,
}

impl Batcher {
    /// For a channel.
    pub fn new(sender: SyncSender<Batch>) -> Self {
        Self { sender, batch: Batch::default() }
    }

    /// Sends what is left. `Break` if nobody listens any more.
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
        let is_full = self.batch.heads.len() >= RECORDS || self.batch.payloads.len() >= PAYLOAD_BYTES;
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
        assert_eq!((batch.pool_events(), batch.last_time()), (2, Some(0x0e22)));
    }

    #[test]
    fn a_full_batch_is_sent_and_nobody_listening_ends_it() {
        let (sender, receiver) = sync_channel(4);
        let mut batcher = Batcher::new(sender);
        let payload = vec![0; PAYLOAD_BYTES / 2];
        assert!((0..3).all(|_| batcher.take(&record(0x0e20, &payload), None).is_continue()));
        assert_eq!(receiver.try_recv().map(|batch| batch.len()), Ok(2));
        drop(receiver);
        assert!(batcher.take(&record(0x0e20, &payload), None).is_break());
    }
}
