//! Header buffer: the log-file header record and the empty record after it. Rewritten when the file is finished.

use super::buffer::{FLUSH_MARKER, HEADER_LEN, HeaderFields, PROC_INDEX, write_header};
use super::bytes::Sink;
use super::{KernelHeader, KernelHeaderForm, RecordHeader, TraceOptions};
use crate::SynthError;

/// Fields that are only known at the end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Closing {
    pub end_filetime: i64,
    pub buffers_written: u32,
    pub events_lost: u32,
    pub buffers_lost: u32,
}

/// Hook of the empty record after the log-file header.
pub(super) const TRAILER_HOOK: u16 = 0x0050;

/// Encodes the header buffer; its length does not depend on the final fields.
pub(super) fn header_buffer(options: &TraceOptions, closing: &Closing) -> Result<Vec<u8>, SynthError> {
    let mut body = Vec::new();
    append(&mut body, options, 0x0000, &logfile_header(options, closing));
    let saved = HEADER_LEN + body.len();
    append(&mut body, options, TRAILER_HOOK, &[0; 48]);
    let filled = HEADER_LEN + body.len();
    let file_size = options.short_header.unwrap_or(options.buffer_size);
    if filled > file_size as usize {
        return Err(SynthError::Params(format!(
            "a header buffer of {file_size} bytes is too small, it needs {filled}"
        )));
    }
    let merged = options.short_header.is_some();
    let mut out = Vec::with_capacity(file_size as usize);
    write_header(
        &mut out,
        &HeaderFields {
            file_size,
            // Merged files of Windows 11 do not count the trailing record here.
            saved_offset: if merged { saved } else { filled } as u32,
            current_offset: 0,
            offset: filled as u32,
            buffer_type: 4,
            flags: FLUSH_MARKER | if merged { 0 } else { PROC_INDEX },
            cpu: 0,
            logger_id: if merged { 0 } else { 1 },
            flush_time: 0,
            sequence: 0,
        },
    );
    out.extend_from_slice(&body);
    out.resize(file_size as usize, 0xFF);
    Ok(out)
}

fn append(body: &mut Vec<u8>, options: &TraceOptions, hook: u16, payload: &[u8]) {
    let head = KernelHeader::new(KernelHeaderForm::System, options.width, hook, 2, options.start_ticks, (4, 8));
    let head = RecordHeader::Kernel(head);
    head.write(body, (head.len() + payload.len()) as u16);
    body.extend_from_slice(payload);
    body.pad8();
}

fn logfile_header(options: &TraceOptions, closing: &Closing) -> Vec<u8> {
    let merged = options.short_header.is_some();
    let width = options.width;
    let mut out = Vec::with_capacity(512);
    out.u32(options.buffer_size);
    out.extend_from_slice(if merged { &[10, 0, 2, 0] } else { &[10, 0, 1, 5] });
    out.u32(options.os_build);
    out.u32(u32::from(options.cpus));
    out.i64(closing.end_filetime);
    out.u32(156_250);
    out.u32(max_file_megabytes(options));
    out.u32(options.log_file_mode());
    out.u32(closing.buffers_written);
    out.u32(1);
    out.u32(width.pointer_size() as u32);
    out.u32(closing.events_lost);
    out.u32(options.cpu_mhz);
    out.ptr(width, 0);
    out.ptr(width, 0);
    time_zone(&mut out);
    out.pad8();
    out.i64(options.boot_filetime);
    out.i64(options.perf_freq);
    out.i64(options.start_filetime);
    out.u32(options.clock.code());
    out.u32(closing.buffers_lost);
    out.utf16z(&options.session_name);
    out.utf16z(&options.file_name);
    out
}

fn max_file_megabytes(options: &TraceOptions) -> u32 {
    match options.mode {
        super::FileMode::Circular { buffers } => {
            let bytes = (u64::from(buffers) + 1) * u64::from(options.buffer_size);
            u32::try_from(bytes.div_ceil(1 << 20)).unwrap_or(u32::MAX)
        }
        _ => 0,
    }
}

/// Central European time, so that confusing UTC with local time is detected.
fn time_zone(out: &mut Vec<u8>) {
    let bias_minutes: i32 = -60;
    out.u32(bias_minutes as u32);
    out.utf16_fixed("@tzres.dll,-322", 32);
    for part in [0u16, 10, 0, 5, 3, 0, 0, 0] {
        out.u16(part);
    }
    out.u32(0);
    out.utf16_fixed("@tzres.dll,-321", 32);
    for part in [0u16, 3, 0, 5, 2, 0, 0, 0] {
        out.u16(part);
    }
    out.u32(bias_minutes as u32);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::writer::{Clock, Width};

    fn u32_at(bytes: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
    }

    fn u64_at(bytes: &[u8], at: usize) -> u64 {
        u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
    }

    #[test]
    fn fields_stand_at_their_documented_offsets_64() {
        let options = TraceOptions { clock: Clock::CpuCycles, ..TraceOptions::default() };
        let closing = Closing { end_filetime: 0x77, buffers_written: 12, events_lost: 3, buffers_lost: 4 };
        let bytes = header_buffer(&options, &closing).unwrap();
        assert_eq!(bytes.len(), 65_536);
        assert_eq!(u32_at(&bytes, 0), 65_536);
        assert_eq!((bytes[0x34], bytes[0x36]), (0x21, 4));
        assert_eq!(bytes[72..76], [2, 0, 2, 0xC0]);
        let payload = &bytes[104..];
        assert_eq!(u32_at(payload, 8), 19_041);
        assert_eq!(u32_at(payload, 12), 4);
        assert_eq!(u64_at(payload, 16), 0x77);
        assert_eq!(u32_at(payload, 36), 12);
        assert_eq!(u32_at(&bytes, 148), 8);
        assert_eq!(u32_at(payload, 48), 3);
        assert_eq!(u64_at(payload, 248), options.boot_filetime as u64);
        assert_eq!(u64_at(payload, 256), 10_000_000);
        assert_eq!(u64_at(payload, 264), options.start_filetime as u64);
        assert_eq!((u32_at(payload, 272), u32_at(payload, 276)), (3, 4));
        assert_eq!(payload[280..284], *b"N\0T\0");
        let end = u32_at(&bytes, 0x30) as usize;
        assert!(bytes[end..].iter().all(|&byte| byte == 0xFF));
        assert_eq!(bytes[end - 80..end - 72], [2, 0, 2, 0xC0, 80, 0, 0x50, 0]);
    }

    #[test]
    fn a_32_bit_header_is_eight_bytes_shorter_and_a_merged_one_is_short() {
        let options = TraceOptions { width: Width::Bits32, short_header: Some(1024), ..TraceOptions::default() };
        let bytes = header_buffer(&options, &Closing::default()).unwrap();
        assert_eq!(bytes.len(), 1024);
        assert_eq!(bytes[72..76], [2, 0, 1, 0xC0]);
        assert_eq!(u32_at(&bytes, 148), 4);
        let payload = &bytes[104..];
        assert_eq!(u64_at(payload, 240), options.boot_filetime as u64);
        assert_eq!(u32_at(payload, 264), 1);
        assert_eq!(payload[272..276], *b"N\0T\0");
        assert!(u32_at(&bytes, 4) < u32_at(&bytes, 0x30));
        let tiny = TraceOptions { short_header: Some(256), ..options };
        assert!(matches!(header_buffer(&tiny, &Closing::default()), Err(SynthError::Params(_))));
    }
}
