//! A trace file as Windows hands it out, on any system: all processors' records in the order of time, kernel records with
//! the GUID and opcode of their event. It shares the container reader with what it is compared with, but not the table
//! from GUIDs to events: that is written down here once more, from the format notes.

use poolscope_base::guid::Guid;
use poolscope_etl::file::OpenError;
use poolscope_etl::file::{BodyScratch, TraceFile};
use poolscope_etl::reader::{RecordSink, RecordSource};
use poolscope_etl::record::{Record, RecordKey};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Kernel groups: the high byte of a hook, and the last digits of a GUID that is known. Windows has one for every group;
/// those that nothing decodes get a made-up one here.
const GROUPS: [(u8, Guid); 9] = [
    (0x00, Guid::from_parts(0x68fd_d900, 0x4a3e, 0x11d1, 0x84f4_0000_f804_64e3)),
    (0x02, Guid::from_parts(0x3d6f_a8d3, 0xfe05, 0x11d0, 0x9dda_00c0_4fd7_ba7c)),
    (0x03, Guid::from_parts(0x3d6f_a8d0, 0xfe05, 0x11d0, 0x9dda_00c0_4fd7_ba7c)),
    (0x05, Guid::from_parts(0x3d6f_a8d1, 0xfe05, 0x11d0, 0x9dda_00c0_4fd7_ba7c)),
    (0x0b, Guid::from_parts(0x0185_3a65, 0x418f, 0x4f36, 0xaefc_dc0f_1d2f_d235)),
    (0x0e, Guid::from_parts(0x0268_a8b6, 0x74fd, 0x4302, 0x9dd0_6e8f_1795_c0cf)),
    (0x0f, Guid::from_parts(0xce1d_bfb4, 0x137e, 0x4da6, 0x87b0_3f59_aa10_2cbc)),
    (0x14, Guid::from_parts(0x2cb1_5d1d, 0x5fc1, 0x11d2, 0xabe1_00a0_c911_f518)),
    (0x18, Guid::from_parts(0xdef2_fe46, 0x7bd6, 0x4b80, 0xbd94_f57f_e20d_0ce3)),
];

/// Loading an image has a hook of the process group, but the GUID of the image group.
const IMAGE_LOAD: u16 = 0x030a;
const IMAGE_GROUP: u8 = 0x14;

/// A record on its own.
#[derive(Debug, Clone)]
struct Owned {
    key: RecordKey,
    version: u8,
    pointer_size: u8,
    thread: Option<u32>,
    process: Option<u32>,
    time: Option<i64>,
    payload: Vec<u8>,
    cpu: u16,
}

/// End of the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ending {
    /// At the end of the file.
    #[default]
    Whole,
    /// With an error after so many records.
    Error(usize),
}

/// A trace as Windows would hand it out.
#[derive(Debug)]
pub struct WindowsShape {
    records: Vec<Owned>,
    bytes: u64,
    /// True if processors are told: Windows does, but not every way to it.
    pub with_cpus: bool,
    /// End of a walk.
    pub ending: Ending,
    /// Number of walks so far.
    pub walks: AtomicUsize,
}

impl WindowsShape {
    /// Of a file in memory.
    ///
    /// # Panics
    /// If it is no trace.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        let file = TraceFile::from_bytes(bytes, "as-windows.etl").expect("a trace");
        let mut timed: Vec<(i64, Owned)> = Vec::new();
        let mut scratch = BodyScratch::default();
        for buffer in &file.layout.buffers {
            let mut latest = i64::MIN;
            for record in file.records(buffer, &mut scratch).expect("it is in memory") {
                latest = record.time.unwrap_or(latest);
                timed.push((latest, owned(&record, buffer.header.cpu)));
            }
        }
        // The header comes first, whatever its time; records of one tick stay as they are in the file.
        let (first, rest) = timed.split_first_mut().expect("a trace has a header record");
        rest.sort_by_key(|(time, _)| *time);
        let records = std::iter::once(&*first).chain(&*rest).map(|(_, record)| record.clone()).collect();
        let bytes = file.file_bytes();
        Self { records, bytes, with_cpus: true, ending: Ending::default(), walks: AtomicUsize::default() }
    }

    /// Without its first record, the log-file header.
    #[must_use]
    pub fn headless(mut self) -> Self {
        self.records.remove(0);
        self
    }

    /// Number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Returns `true` if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

fn owned(record: &Record<'_>, cpu: u16) -> Owned {
    Owned {
        key: windows_key(record.key),
        version: record.version,
        pointer_size: record.pointer_size,
        thread: record.thread,
        process: record.process,
        time: record.time,
        payload: record.payload.to_vec(),
        cpu,
    }
}

fn windows_key(key: RecordKey) -> RecordKey {
    let RecordKey::Hook(hook) = key else { return key };
    let group = if hook == IMAGE_LOAD { IMAGE_GROUP } else { (hook >> 8) as u8 };
    let known = GROUPS.iter().find(|(number, _)| *number == group).map(|(_, guid)| *guid);
    let guid = known.unwrap_or(Guid::from_parts(u32::from(group), 0, 0, 0x6d61_6465_2d75_7021));
    RecordKey::Provider { guid, opcode: hook as u8 }
}

impl RecordSource for WindowsShape {
    fn name(&self) -> String {
        "as-windows.etl".to_owned()
    }

    fn file_bytes(&self) -> u64 {
        self.bytes
    }

    fn walk(&self, sink: &mut dyn RecordSink) -> Result<(), OpenError> {
        self.walks.fetch_add(1, Ordering::Relaxed);
        for (at, record) in self.records.iter().enumerate() {
            if self.ending == Ending::Error(at) {
                let reason = "the file is corrupt (os error 1392)".to_owned();
                return Err(OpenError::Refused { path: self.name().into(), reason });
            }
            let Owned { key, version, pointer_size, thread, process, time, .. } = *record;
            let payload = if sink.wants(&key) { record.payload.as_slice() } else { &[] };
            let whole = Record { key, version, pointer_size, thread, process, time, payload, offset: 0 };
            if sink.take(&whole, self.with_cpus.then_some(record.cpu)).is_break() {
                break;
            }
        }
        Ok(())
    }
}
