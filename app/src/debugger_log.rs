//! Debugger logs as traces: from the operations that a log shows to the index that pivot, flame graph and suspects work on. Shared by
//! the command line and the window.

use poolscope_analysis::load::named_events::{NamedEvent, NamedEvents, NamedFrame, trace_of_named_events};
use poolscope_analysis::trace::Trace;
use poolscope_recording::Pool;
use poolscope_recording::debugger::{
    DebuggerLog, DebuggerLogError, OperationKind, OutstandingList, PoolOperation, StackFrame, parse, read_text, reason,
};
use poolscope_recording::poolmon::decode;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Upper bound on bytes of a log that are read, since the text is held in memory.
const BYTES_MAX: u64 = 256 << 20;
/// Bytes that decide whether a file may be text.
const HEAD_BYTES: usize = 4096;

/// A file that is no trace, as a debugger log.
pub enum LogReading {
    /// The allocations in it.
    Trace(Box<Trace>),
    /// A debugger log without allocations.
    Refused(DebuggerLogError),
    /// No debugger log.
    Other,
}

/// Reads a file as a debugger log. A file that cannot be read is none: the reader of traces has the message for it.
#[must_use]
pub fn read(path: &Path) -> LogReading {
    let mut bytes = Vec::new();
    let is_read = File::open(path).and_then(|file| file.take(BYTES_MAX).read_to_end(&mut bytes)).is_ok();
    if is_read { read_bytes(&bytes) } else { LogReading::Other }
}

/// Reads bytes as a debugger log.
#[must_use]
pub fn read_bytes(bytes: &[u8]) -> LogReading {
    if !may_be_text(bytes) {
        return LogReading::Other;
    }
    match parse(bytes) {
        Ok(log) => LogReading::Trace(Box::new(trace_of(log, bytes.len() as u64))),
        Err(DebuggerLogError::NotALog) => LogReading::Other,
        Err(error) => LogReading::Refused(error),
    }
}

/// Reason why a text is refused by its kind; `None` for a text that is no debugger log.
#[must_use]
pub fn refusal(bytes: &[u8]) -> Option<DebuggerLogError> {
    if !may_be_text(bytes) {
        return None;
    }
    Some(reason(&read_text(&decode(bytes)))).filter(|error| *error != DebuggerLogError::NotALog)
}

/// Returns `true` if the beginning has no bytes that neither a text in one byte per character nor UTF-16 has.
fn may_be_text(bytes: &[u8]) -> bool {
    let head = bytes.get(..HEAD_BYTES).unwrap_or(bytes);
    let text = decode(head);
    let is_odd = |c: char| c.is_control() && !matches!(c, '\t' | '\r' | '\n' | '\u{c}' | '\u{1b}');
    let odd = text.chars().filter(|c| is_odd(*c) || *c == char::REPLACEMENT_CHARACTER).count();
    odd * 50 <= text.chars().count()
}

/// The trace of a log.
fn trace_of(log: DebuggerLog, file_bytes: u64) -> Trace {
    let events = NamedEvents {
        file_bytes,
        pointer_size: log.pointer_bytes,
        events: log.operations.into_iter().map(event).collect(),
        module_files: log.drivers,
        undetermined_count: log.undetermined_count as u64,
        unlisted_count: log.cut_lists.iter().map(OutstandingList::missing_count).sum(),
        missing_stack_count: log.breaks_without_stack as u64,
    };
    trace_of_named_events(&events)
}

fn event(operation: PoolOperation) -> NamedEvent {
    NamedEvent {
        is_free: operation.kind == OperationKind::Free,
        address: operation.address,
        size_bytes: operation.size_bytes,
        tag: operation.tag,
        is_paged: operation.pool.map(|pool| pool == Pool::Paged),
        cpu: operation.processor,
        frames: operation.frames.into_iter().map(frame).collect(),
    }
}

fn frame(frame: StackFrame) -> NamedFrame {
    NamedFrame {
        address: frame.address,
        module: frame.module,
        function: frame.function,
        offset_bytes: frame.offset_bytes,
        source: frame.source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_texts_are_read() {
        assert!(matches!(read_bytes(b"\0\x01\x02\x03kd> !analyze -v\n"), LogReading::Other));
        assert!(matches!(read_bytes(b"Dear all,\n"), LogReading::Other));
        assert!(matches!(read_bytes(b"kd> !analyze -v\n"), LogReading::Refused(DebuggerLogError::CrashAnalysis)));
        let wide: Vec<u8> = "\u{feff}kd> !poolval 1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(refusal(&wide), Some(DebuggerLogError::HeaderCheck));
        assert_eq!(refusal(b"Tag Type Allocs\n"), None);
        let list = "      0xffffa50b4a1f2fc0  0x00000040  SpnW  0xfffff80545e712a4  spindle!SpnQueueWork+0x44\n";
        let LogReading::Trace(trace) = read_bytes(list.as_bytes()) else { panic!("no trace") };
        assert_eq!((trace.allocations.len(), trace.has_times()), (1, false));
    }
}
