//! Windows' own reader as a [`RecordSource`], through the crate `etw-reader` (0.1): `OpenTrace` and `ProcessTrace`, with raw
//! timestamps. Windows alone has it. Nothing here may panic: records come in a call from Windows, which a panic would turn
//! into the end of the process.
//!
//! What that way of reading lacks, compared with the reader in this module:
//!
//! * **The processor.** It stands in a union of the record (`ETW_BUFFER_CONTEXT`), which safe code cannot read, and
//!   `etw-reader` has no function for it. All records have an unknown one. Allocation and free of one address in one tick
//!   are then ordered by what fits, without regard to processors.
//! * **The kind of header.** A kernel record comes with the GUID and opcode of its event whether the file has a hook or a
//!   GUID there; one without thread and process has all ones for both, read here as none.
//! * **Buffers**: their number, their loss flags, offsets, what does not decompress, what lies behind damage, and the
//!   numbering that shows when a circular file has wrapped. Windows passes over it in silence.
//! * **Stopping.** `open_trace` keeps the handle to itself and has no callback per buffer: a walk that nobody listens to
//!   runs to the end of the file, handing out nothing. It never closes the handle either, so that the file stays open as
//!   long as the process lives.
//! * **Why a file does not open.** `open_trace` passes the invalid handle of a failed `OpenTrace` on to `ProcessTrace` and
//!   reports that error; the reason is lost. What can be seen beforehand (no such file, a folder, no bytes) is.
//! * **Payloads.** The function that gives them is private to `etw-reader`. Its parser shows them, but asks Windows for the
//!   event's schema first, which fails for many kernel events; so the parser gets an empty schema for each key of use.

use super::error::OpenError;
use super::record::{Record, RecordKey};
use super::source::{RecordSink, RecordSource};
use poolscope_base::bytes::guid::Guid;
use etw_reader::etw_types::{DecodingSource, EventRecord};
use etw_reader::parser::Parser;
use etw_reader::schema::{EventSchema, SchemaLocator};
use etw_reader::tdh_types::{
    PrimitiveDesc, Property, PropertyDesc, PropertyFlags, PropertyLength, TdhInType, TdhOutType,
};
use etw_reader::{GUID, open_trace};
use rustc_hash::FxHashSet;
use std::io;
use std::path::{Path, PathBuf};

/// Bits of a record's flags (`EVENT_HEADER_FLAG_*` in evntcons.h).
mod flag {
    /// A WPP message.
    pub const TRACE_MESSAGE: u16 = 0x0008;
    /// Its writer was a 32-bit one.
    pub const BITS_32: u16 = 0x0020;
    /// No manifest event: a kernel event, or one with an event class.
    pub const CLASSIC: u16 = 0x0100;
}

/// Facility of a system error code that was made an HRESULT.
const FACILITY_WIN32: u32 = 0x8007;
/// `ERROR_INVALID_HANDLE`: `OpenTrace` had failed before.
const INVALID_HANDLE: u32 = 6;

/// A trace file that Windows reads.
#[derive(Debug)]
pub struct WindowsTrace {
    path: PathBuf,
    bytes: u64,
}

impl WindowsTrace {
    /// Looks whether the file is there. Windows opens it with each walk.
    ///
    /// # Errors
    /// There is no such file, it may not be read, or is empty.
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
        let mut payloads = Payloads::default();
        let mut is_stopped = false;
        let walked = open_trace(&self.path, |event| {
            if !is_stopped {
                is_stopped = hand_out(event, &mut payloads, sink);
            }
        });
        walked.map_err(|error| OpenError::Refused { path: self.path.clone(), reason: words(&error) })
    }
}

/// Hands a record to the sink; whether that was the last one wanted.
fn hand_out(event: &EventRecord, payloads: &mut Payloads, sink: &mut dyn RecordSink) -> bool {
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
    if is_wanted { payloads.show(event, take) } else { take(&[]) }
}

/// Shows payloads.
#[derive(Default)]
struct Payloads {
    locator: SchemaLocator,
    known: FxHashSet<SchemaKey>,
}

/// What `etw-reader` tells schemas apart by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct SchemaKey {
    provider: GUID,
    id: u16,
    version: u8,
    level: u8,
    opcode: u8,
}

impl Payloads {
    /// Calls `work` with the payload of an event that has one.
    fn show(&mut self, event: &EventRecord, work: impl FnOnce(&[u8]) -> bool) -> bool {
        let header = &event.EventHeader;
        // With extended data the schema may be another one than that of the key, whose lookup asserts what it assumes.
        if header.Flags & flag::CLASSIC == 0 && event.ExtendedDataCount > 0 {
            return work(&[]);
        }
        let of = &header.EventDescriptor;
        let provider = header.ProviderId;
        let key = SchemaKey { provider, id: of.Id, version: of.Version, level: of.Level, opcode: of.Opcode };
        if self.known.insert(key) {
            self.locator.add_custom_schema(Box::new(key));
        }
        match self.locator.event_schema(event) {
            Ok(typed) => work(Parser::create(&typed).buffer),
            Err(_) => work(&[]),
        }
    }
}

/// A schema without properties: the decoders here know the layouts.
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

    /// Never asked for, since there are none.
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

/// What Windows says, with its code.
fn words(error: &io::Error) -> String {
    // `etw-reader` gives the HRESULT where the system's own code is expected.
    let code = error.raw_os_error().unwrap_or(0) as u32;
    if code >> 16 != FACILITY_WIN32 {
        return error.to_string();
    }
    match code & 0xffff {
        INVALID_HANDLE => "OpenTrace failed and does not say why".to_owned(),
        code => io::Error::from_raw_os_error(code as i32).to_string(),
    }
}
