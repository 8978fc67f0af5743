//! Reader of trace files through the Windows API (`OpenTrace` and `ProcessTrace` with raw timestamps, by the crate
//! `etw-reader` 0.1), as a [`RecordSource`]. Windows only. Code here must not panic: it runs in a callback from
//! Windows, where a panic ends the process.
//!
//! Compared with [`crate::file`], this way of reading lacks:
//!
//! * **Processors.** They are in a union of the record (`ETW_BUFFER_CONTEXT`), which safe code cannot read, and
//!   `etw-reader` has no function for it. An allocation and a free of one address in one tick are then ordered without
//!   regard to processors.
//! * **Header types.** A kernel record has the GUID and opcode of its event, whether the file has a hook or a GUID. If
//!   thread and process are all ones, the header has none.
//! * **Buffers**: their number, flags of losses, file offsets, damage, and sequence numbers, which show that a circular
//!   file has wrapped. Windows skips damage silently.
//! * **Stopping.** `open_trace` has no callback per buffer and does not return its handle: after the sink's `Break` the
//!   API reads on to the end of the file, and nothing is delivered. The handle is never closed, so that the file stays
//!   open until the process ends.
//! * **Reasons of a failure to open.** `open_trace` passes the invalid handle of a failed `OpenTrace` to `ProcessTrace`
//!   and returns the error of that. Common reasons (no such file, a folder, no bytes) are checked before.
//! * **Payloads** are private to `etw-reader`, except to its parser, which needs the event's schema, and Windows has
//!   none for many kernel events. Each event identity is therefore registered with an empty schema.

use crate::file::OpenError;
use crate::reader::{RecordSink, RecordSource};
use crate::record::{Record, RecordKey};
use etw_reader::etw_types::{DecodingSource, EventRecord};
use etw_reader::parser::Parser;
use etw_reader::schema::{EventSchema, SchemaLocator};
use etw_reader::tdh_types::{
    PrimitiveDesc, Property, PropertyDesc, PropertyFlags, PropertyLength, TdhInType, TdhOutType,
};
use etw_reader::{GUID, open_trace};
use poolscope_base::guid::Guid;
use rustc_hash::FxHashSet;
use std::io;
use std::path::{Path, PathBuf};

/// Bits of a record's flags (`EVENT_HEADER_FLAG_*` in `evntcons.h`).
mod flag {
    /// WPP message.
    pub const TRACE_MESSAGE: u16 = 0x0008;
    /// Event of a 32-bit writer.
    pub const BITS_32: u16 = 0x0020;
    /// Event without a manifest: a kernel event, or one with an event class.
    pub const CLASSIC: u16 = 0x0100;
}

/// Upper half of an HRESULT that contains a system error code.
const FACILITY_WIN32: u32 = 0x8007;
/// `ERROR_INVALID_HANDLE`, returned after a failed `OpenTrace`.
const INVALID_HANDLE: u32 = 6;

/// Trace file that is read through the Windows API.
#[derive(Debug)]
pub struct WindowsTrace {
    path: PathBuf,
    bytes: u64,
}

impl WindowsTrace {
    /// Checks that the file can be opened. Each walk opens it again.
    ///
    /// # Errors
    /// The file does not exist, may not be read, or is empty.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let io = |reason| OpenError::Io { path: PathBuf::from(path), reason };
        let meta = std::fs::metadata(path).map_err(io)?;
        if meta.is_dir() {
            return Err(io(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder, not a file")));
        }
        if meta.len() == 0 {
            return Err(OpenError::Empty { path: PathBuf::from(path) });
        }
        std::fs::File::open(path).map_err(io)?;
        Ok(Self { path: PathBuf::from(path), bytes: meta.len() })
    }
}

impl RecordSource for WindowsTrace {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn file_bytes(&self) -> u64 {
        self.bytes
    }

    fn walk(&self, sink: &mut dyn RecordSink) -> Result<(), OpenError> {
        let mut payloads = PayloadAccess::default();
        let mut is_stopped = false;
        let walked = open_trace(&self.path, |event| {
            if !is_stopped {
                is_stopped = deliver(event, &mut payloads, sink);
            }
        });
        walked.map_err(|error| OpenError::Refused { path: self.path.clone(), reason: error_text(&error) })
    }
}

/// Delivers a record to the sink and returns `true` if the sink wants no more.
fn deliver(event: &EventRecord, payloads: &mut PayloadAccess, sink: &mut dyn RecordSink) -> bool {
    let header = &event.EventHeader;
    let key = if header.Flags & flag::TRACE_MESSAGE != 0 {
        RecordKey::Message
    } else {
        RecordKey::Provider { guid: guid(&header.ProviderId), opcode: header.EventDescriptor.Opcode }
    };
    let id = |number: u32| (number != u32::MAX).then_some(number);
    let is_wanted = event.UserDataLength > 0 && sink.wants(&key);
    let mut take = |payload: &[u8]| {
        let record = Record {
            key,
            version: header.EventDescriptor.Version,
            pointer_size: if header.Flags & flag::BITS_32 != 0 { 4 } else { 8 },
            thread: id(header.ThreadId),
            process: id(header.ProcessId),
            time: Some(header.TimeStamp),
            payload,
            offset: 0,
        };
        sink.take(&record, None).is_break()
    };
    if is_wanted { payloads.with_payload(event, take) } else { take(&[]) }
}

/// Access to payloads, with the event identities registered so far.
#[derive(Default)]
struct PayloadAccess {
    locator: SchemaLocator,
    known: FxHashSet<SchemaKey>,
}

/// Identity of an event by which `etw-reader` finds its schema.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct SchemaKey {
    provider: GUID,
    id: u16,
    version: u8,
    level: u8,
    opcode: u8,
}

impl PayloadAccess {
    /// Calls `work` with the payload of an event, or with no bytes if there is no access to it.
    fn with_payload(&mut self, event: &EventRecord, work: impl FnOnce(&[u8]) -> bool) -> bool {
        let header = &event.EventHeader;
        // For events with extended data `etw-reader` may look up another schema and assert its properties.
        if header.Flags & flag::CLASSIC == 0 && event.ExtendedDataCount > 0 {
            return work(&[]);
        }
        let id = &header.EventDescriptor;
        let provider = header.ProviderId;
        let key = SchemaKey { provider, id: id.Id, version: id.Version, level: id.Level, opcode: id.Opcode };
        if self.known.insert(key) {
            self.locator.add_custom_schema(Box::new(key));
        }
        match self.locator.event_schema(event) {
            Ok(typed) => work(Parser::create(&typed).buffer),
            Err(_) => work(&[]),
        }
    }
}

/// Schema without properties.
impl EventSchema for SchemaKey {
    fn decoding_source(&self) -> DecodingSource {
        DecodingSource::DecodingSourceMax
    }

    fn provider_guid(&self) -> GUID {
        self.provider
    }

    fn event_id(&self) -> u16 {
        self.id
    }

    fn opcode(&self) -> u8 {
        self.opcode
    }

    fn event_version(&self) -> u8 {
        self.version
    }

    fn level(&self) -> u8 {
        self.level
    }

    fn provider_name(&self) -> String {
        String::new()
    }

    fn task_name(&self) -> String {
        String::new()
    }

    fn opcode_name(&self) -> String {
        String::new()
    }

    fn property_count(&self) -> u32 {
        0
    }

    /// Never called, since there are no properties.
    fn property(&self, _: u32) -> Property {
        let (in_type, out_type) = (TdhInType::InTypeNull, TdhOutType::OutTypeNull);
        Property {
            name: String::new(),
            flags: PropertyFlags::empty(),
            length: PropertyLength::Length(0),
            desc: PropertyDesc::Primitive(PrimitiveDesc { in_type, out_type }),
            map_info: None,
            count: 0,
        }
    }
}

fn guid(of: &GUID) -> Guid {
    Guid::from_parts(of.data1, of.data2, of.data3, u64::from_be_bytes(of.data4))
}

/// Text of an error of the API, with its code.
fn error_text(error: &io::Error) -> String {
    // `etw-reader` stores an HRESULT where a system error code is expected.
    let code = error.raw_os_error().unwrap_or(0) as u32;
    if code >> 16 != FACILITY_WIN32 {
        return error.to_string();
    }
    match code & 0xffff {
        INVALID_HANDLE => "OpenTrace failed without a reason".to_owned(),
        code => io::Error::from_raw_os_error(code as i32).to_string(),
    }
}
