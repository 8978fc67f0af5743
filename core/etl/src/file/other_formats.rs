//! Recognition of files that are opened as traces by mistake: magic number or first text, name of the format, and
//! advice. A format is added by one row of a table. Also detects damage by a conversion of line ends.

use poolscope_base::bytes::u32_at;
use poolscope_base::file_reader::{FileReader, ReadError};
use poolscope_base::file_window::FileWindow;
use std::ops::ControlFlow;

/// A file format other than an event trace log, or a damaged trace that cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OtherFormat {
    /// Name with its article.
    pub name: &'static str,
    /// Advice on what to do next, a sentence.
    pub advice: &'static str,
}

/// Advice for a file of an unknown format.
pub const CHOOSE_A_TRACE: &str = "Choose a file that wpr, xperf or another ETW tool wrote, with the ending .etl.";
/// Advice for a file whose line ends were converted.
const COPY_AS_BINARY: &str = "Copy the file again from where it was recorded, as binary: git needs the line \"*.etl binary\" in .gitattributes, ftp its binary mode.";

const UNPACK: &str = "Unpack it and open the .etl file in it.";
const OTHER_TOOL: &str = "Open it with the tool that wrote it, and choose a trace that wpr or xperf recorded.";
const DUMP: &str = "Open it in WinDbg: !poolused 2 lists the pool by tag, and poolscope poolmon FILE reads its output.";
const DOCUMENT: &str = "Choose the .etl file itself.";
const POOLMON: &str = "Read it with: poolscope poolmon FILE.";
const PROFILE: &str =
    "Pass a recording profile to wpr -start, which records a trace with it; other XML is no trace either.";
const DOWNLOAD: &str =
    "The download returned a web page instead of the file: sign in to the site, and download the .etl file again.";

/// Offset and bytes of a magic number, and the format that it belongs to.
type Magic = (usize, &'static [u8], OtherFormat);

const fn row(at: usize, magic: &'static [u8], name: &'static str, advice: &'static str) -> Magic {
    (at, magic, OtherFormat { name, advice })
}

/// Binary formats by their magic numbers. A longer number precedes a shorter one that it begins with.
const MAGICS: &[Magic] = &[
    row(0, b"\x1f\x8b", "a gzip archive", UNPACK),
    row(0, b"\xfd7zXZ\0", "an xz archive", UNPACK),
    row(0, b"\x28\xb5\x2f\xfd", "a Zstandard archive", UNPACK),
    row(0, b"PK\x03\x04", "a ZIP archive", UNPACK),
    row(0, b"PK\x05\x06", "an empty ZIP archive", UNPACK),
    row(0, b"PK\x07\x08", "a part of a ZIP archive", UNPACK),
    row(0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", UNPACK),
    row(0, b"MSCF\0\0\0\0", "a cabinet (.cab)", UNPACK),
    row(0, b"BZh", "a bzip2 archive", UNPACK),
    row(0, b"Rar!\x1a\x07", "a RAR archive", UNPACK),
    row(0, b"\x04\x22\x4d\x18", "an LZ4 archive", UNPACK),
    row(0, b"\x1f\x9d", "a compress archive (.Z)", UNPACK),
    row(0, b"MSWIM\0\0\0", "a Windows image (.wim)", UNPACK),
    row(257, b"ustar", "a tar archive", UNPACK),
    row(
        0,
        b"Nettrace",
        "a .NET trace (.nettrace)",
        "It contains events of .NET, not of the kernel: open it in PerfView or Visual Studio, and record pool events with wpr.",
    ),
    row(0, b"\x0a\x0d\x0d\x0a", "a network capture (pcapng)", "Open it in Wireshark."),
    row(0, b"\xd4\xc3\xb2\xa1", "a network capture (pcap)", "Open it in Wireshark."),
    row(0, b"\xa1\xb2\xc3\xd4", "a network capture (pcap)", "Open it in Wireshark."),
    row(0, b"\x4d\x3c\xb2\xa1", "a network capture (pcap)", "Open it in Wireshark."),
    row(0, b"GMBU", "a network capture (Network Monitor)", "Open it in Wireshark."),
    row(0, b"MDMP", "a minidump", "Open it in WinDbg."),
    row(0, b"PAGEDU64", "a kernel dump of a 64-bit system", DUMP),
    row(0, b"PAGEDUMP", "a kernel dump of a 32-bit system", DUMP),
    row(
        0,
        b"Microsoft C/C++ ",
        "a PDB file",
        "Give its folder as a symbol path (--symbols), and open the trace itself.",
    ),
    row(0, b"BSJB", "a portable PDB file", "Give its folder as a symbol path (--symbols), and open the trace itself."),
    row(0, b"ElfFile\0", "an event log (.evtx)", "Open it in Event Viewer."),
    row(4, b"LfLe", "an event log of an old Windows (.evt)", "Open it in Event Viewer."),
    row(0, b"\"(PDH-BIN", "a log of performance counters of an old Windows (.blg)", RELOG),
    row(0, b"\"(PDH-CSV", "a log of performance counters (CSV)", RELOG),
    row(0, b"\"(PDH-TSV", "a log of performance counters (TSV)", RELOG),
    row(0, b"regf", "a registry hive", OTHER_TOOL),
    row(0, b"SQLite format 3\0", "an SQLite database", OTHER_TOOL),
    row(
        0,
        b"PERFILE2",
        "a Linux perf recording (perf.data)",
        "Open it with perf report: it contains no Windows pool events.",
    ),
    row(0, b"\xc1\x1f\xfc\xc1", "an LTTng trace (CTF)", "Open it in Trace Compass or with babeltrace2."),
    row(0, b"\x75\xd1\x1d\x57", "an LTTng trace's metadata (CTF)", "Open it in Trace Compass or with babeltrace2."),
    row(0, b"\x7fELF", "a Linux program or library (ELF)", DOCUMENT),
    row(0, b"MZ", "a Windows program, library or driver (PE)", DOCUMENT),
    row(0, b"\xcf\xfa\xed\xfe", "a macOS program (Mach-O)", DOCUMENT),
    row(0, b"!<arch>\n", "a static library", DOCUMENT),
    row(0, b"%PDF-", "a PDF document", DOCUMENT),
    row(0, b"\x89PNG\r\n\x1a\n", "a picture (PNG)", DOCUMENT),
    row(0, b"\xff\xd8\xff", "a picture (JPEG)", DOCUMENT),
    row(0, b"GIF8", "a picture (GIF)", DOCUMENT),
    row(8, b"WEBP", "a picture (WebP)", DOCUMENT),
    row(4, b"ftyp", "a video (MP4)", DOCUMENT),
    row(0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office or installer file (OLE compound)", DOCUMENT),
    row(0, b"{\\rtf", "a document (RTF)", DOCUMENT),
    row(
        0,
        b"PAR1",
        "a Parquet file",
        "Query it with poolscope fleet or DuckDB, or open the trace that it was made from.",
    ),
    row(0, b"LLVMFB", "an LLVM profile", OTHER_TOOL),
    row(0, b"KSHARK", "a KernelShark trace", OTHER_TOOL),
    row(0, b"\x17\x08\x44tracing", "a trace-cmd recording (trace.dat)", "It comes from Linux: open it in KernelShark."),
];

/// Text formats by their first characters; leading blanks and case are ignored.
const TEXTS: &[(&str, OtherFormat)] = &[
    (
        "version https://git-lfs.github.com/spec",
        OtherFormat {
            name: "a Git LFS pointer instead of the file itself",
            advice: "Run git lfs pull, or download the file itself.",
        },
    ),
    ("<!doctype html", OtherFormat { name: "a web page (HTML)", advice: DOWNLOAD }),
    ("<html", OtherFormat { name: "a web page (HTML)", advice: DOWNLOAD }),
    ("<windowsperformancerecorder", OtherFormat { name: "a recording profile (.wprp)", advice: PROFILE }),
    ("<?xml", OtherFormat { name: "XML, such as a recording profile (.wprp)", advice: PROFILE }),
    ("{", OtherFormat { name: "JSON", advice: DOCUMENT }),
    ("[{", OtherFormat { name: "JSON", advice: DOCUMENT }),
    ("-----begin", OtherFormat { name: "a certificate or key", advice: DOCUMENT }),
];

const UTF16: OtherFormat = OtherFormat {
    name: "a text file (UTF-16)",
    advice: "Read a snapshot of poolmon or !poolused with: poolscope poolmon FILE. Redirected console output is no trace.",
};
const TEXT: OtherFormat = OtherFormat {
    name: "a text file",
    advice: "Choose a file that wpr, xperf or another ETW tool wrote, with the ending .etl. Read a snapshot of poolmon or !poolused with: poolscope poolmon FILE.",
};
const POOLMON_TEXT: OtherFormat = OtherFormat { name: "a snapshot of poolmon or !poolused", advice: POOLMON };
const CSV: OtherFormat = OtherFormat {
    name: "a table as text (CSV)",
    advice: "Read a table of pool tags with poolscope poolmon FILE; for a trace choose the .etl file.",
};
const RELOG: &str =
    "Open it in Performance Monitor, or convert it with relog FILE -f csv; record pool events with wpr.";
/// A log of performance counters: since Windows XP an event trace log with events of PDH only.
pub const PERFORMANCE_LOG: OtherFormat = OtherFormat { name: "a log of performance counters (.blg)", advice: RELOG };
const ZEROS: OtherFormat = OtherFormat {
    name: "only zeros: the file was created, but its content was never written to the disk",
    advice: "Copy the file again, or record again.",
};
const BIG_ENDIAN: OtherFormat = OtherFormat {
    name: "a trace with its bytes in reverse order (big-endian)",
    advice: "Windows does not write such files: copy it again without any conversion.",
};
/// A trace that ends within its first record.
pub const CUT_OFF: OtherFormat = OtherFormat {
    name: "the end of the file within its first record: the copy did not finish",
    advice: "Copy the file again, or record again.",
};
/// A trace that a conversion of line ends has made unreadable.
pub const LINE_ENDS_CONVERTED: OtherFormat = OtherFormat {
    name: "a trace that a conversion of line ends has damaged (every 0A became 0D 0A, as git autocrlf and text-mode ftp do)",
    advice: COPY_AS_BINARY,
};

/// Recognizes the format of a file that is no readable trace; `None` for unknown formats.
///
/// # Errors
/// The file cannot be read.
pub fn recognize(file: &FileReader) -> Result<Option<OtherFormat>, ReadError> {
    const HEAD_BYTES: usize = 4096;
    let mut window = FileWindow::default();
    let head = window.bytes(file, 0, HEAD_BYTES)?;
    let by_magic = MAGICS.iter().find(|(at, magic, _)| head.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
    if let Some((_, _, format)) = by_magic {
        return Ok(Some(*format));
    }
    if is_zero_from(file, 0)? {
        return Ok(Some(ZEROS));
    }
    if let Some(text) = as_text(head) {
        return Ok(Some(text_format(&text)));
    }
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Ok(Some(UTF16));
    }
    let swapped =
        u32_at(head, 0).map(u32::swap_bytes).is_some_and(|size| size.is_multiple_of(1024) && size <= 16 << 20);
    let is_swapped = swapped && u32_at(head, 0x2c).map(u32::swap_bytes).is_some_and(|state| state <= 3);
    Ok(is_swapped.then_some(BIG_ENDIAN))
}

/// Decodes the beginning of a text file in lower case; `None` for binary data.
fn as_text(head: &[u8]) -> Option<String> {
    let wide = |from_le: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = head.get(2..)?.chunks_exact(2).map(|pair| from_le([pair[0], pair[1]])).collect();
        Some(String::from_utf16_lossy(&units))
    };
    let text = match head {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes)?,
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes)?,
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        // UTF-16 without a byte-order mark: every other byte of the first characters is zero.
        [a, 0, b, 0, c, 0, ..] if [a, b, c].iter().all(|byte| byte.is_ascii_graphic() || **byte == b' ') => {
            let units: Vec<u16> = head.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
            String::from_utf16_lossy(&units)
        }
        bytes => String::from_utf8_lossy(bytes).into_owned(),
    };
    let is_control = |c: char| c.is_control() && !matches!(c, '\t' | '\r' | '\n' | '\u{c}' | '\u{1b}');
    let odd = text.chars().filter(|&c| is_control(c) || c == char::REPLACEMENT_CHARACTER).count();
    let is_text = !text.trim().is_empty() && odd * 50 <= text.chars().count();
    is_text.then(|| text.trim_start().to_lowercase())
}

/// Recognizes the format of a text by its beginning in lower case.
fn text_format(text: &str) -> OtherFormat {
    if let Some((_, format)) = TEXTS.iter().find(|(start, _)| text.starts_with(start)) {
        return *format;
    }
    let is_pool_snapshot =
        ["pool tag", "poolmon", "!poolused", "sorting by", "memory:"].iter().any(|word| text.contains(word))
            || (text.contains("tag") && text.contains("type") && text.contains("allocs"))
            || (text.contains("nonp") && text.contains("paged"));
    if is_pool_snapshot {
        return POOLMON_TEXT;
    }
    let mut commas = text.lines().map(|line| line.matches([',', ';', '\t']).count()).take(3);
    match (commas.next(), commas.next()) {
        (Some(first), Some(second)) if first >= 1 && first == second => CSV,
        _ => TEXT,
    }
}

/// Calls `visit` with the bytes of a file from `start` to `end` in order, in parts, until it breaks; returns its value.
fn visit_bytes<B>(
    file: &FileReader,
    start: u64,
    end: u64,
    mut visit: impl FnMut(&[u8]) -> ControlFlow<B>,
) -> Result<Option<B>, ReadError> {
    const PART_BYTES: u64 = 256 << 10;
    // The first part is small, since most visits end there.
    let mut part_bytes = 4096;
    let mut window = FileWindow::default();
    let mut at = start;
    let end = end.min(file.len());
    while at < end {
        let part = window.bytes(file, at, part_bytes.min(end - at) as usize)?;
        at += part.len() as u64;
        if let ControlFlow::Break(value) = visit(part) {
            return Ok(Some(value));
        }
        part_bytes = PART_BYTES;
    }
    Ok(None)
}

/// Returns the number of zeros from `offset` on, up to the next other byte or the end of the file.
///
/// # Errors
/// The file cannot be read.
pub fn zeros_from(file: &FileReader, offset: u64) -> Result<u64, ReadError> {
    let mut zeros = 0;
    visit_bytes(file, offset, file.len(), |part| {
        let run = part.iter().take_while(|&&b| b == 0).count();
        zeros += run as u64;
        if run < part.len() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(zeros)
}

/// Returns `true` if there are only zeros from `offset` to the end of the file.
///
/// # Errors
/// The file cannot be read.
pub fn is_zero_from(file: &FileReader, offset: u64) -> Result<bool, ReadError> {
    Ok(zeros_from(file, offset)? == file.len().saturating_sub(offset))
}

/// Returns `true` if a conversion of line ends has put a 0D before every 0A. `is_contiguous` tells that each buffer
/// begins where the previous one ends, which excludes the damage.
///
/// # Errors
/// The file cannot be read.
pub fn has_added_carriage_returns(file: &FileReader, is_contiguous: bool) -> Result<bool, ReadError> {
    // An undamaged trace has a bare 0A within its first kilobytes: a megabyte is enough.
    const SEARCHED_BYTES: u64 = 1 << 20;
    if is_contiguous {
        return Ok(false);
    }
    let mut line_ends = 0_u32;
    let mut previous = 0_u8;
    let bare = visit_bytes(file, 0, SEARCHED_BYTES, |part| {
        for &byte in part {
            if byte == b'\n' {
                if previous != b'\r' {
                    return ControlFlow::Break(());
                }
                line_ends += 1;
            }
            previous = byte;
        }
        ControlFlow::Continue(())
    })?;
    Ok(bare.is_none() && line_ends >= 4)
}

/// Returns `true` if no 0A has a 0D before it, as after a conversion of every 0D 0A to 0A. This is evidence only in a
/// file with a buffer that begins before the end of the previous one.
///
/// # Errors
/// The file cannot be read.
pub fn has_no_carriage_returns(file: &FileReader) -> Result<bool, ReadError> {
    let mut line_ends = 0_u32;
    let mut previous = 0_u8;
    let pair = visit_bytes(file, 0, file.len(), |part| {
        for &byte in part {
            if byte == b'\n' {
                if previous == b'\r' {
                    return ControlFlow::Break(());
                }
                line_ends = line_ends.saturating_add(1);
            }
            previous = byte;
        }
        ControlFlow::Continue(())
    })?;
    Ok(pair.is_none() && line_ends >= 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First bytes of a file, and texts that the name and the advice have to contain.
    const CASES: &[(&[u8], &str, &str)] = &[
        (b"\x1f\x8b\x08\0", "gzip", "Unpack"),
        (b"\xfd7zXZ\0\0\x04", "xz", "Unpack"),
        (b"\x28\xb5\x2f\xfd\x04", "Zstandard", "Unpack"),
        (b"PK\x03\x04\x14", "ZIP", "Unpack"),
        (b"7z\xbc\xaf\x27\x1c\0\x04", "7-Zip", "Unpack"),
        (b"MSCF\0\0\0\0\x2c", "cabinet", "Unpack"),
        (b"Nettrace\x14\0\0\0!FastSerialization.1", ".NET", "PerfView"),
        (b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a", "pcapng", "Wireshark"),
        (b"MZ\x90\0\x03\0", "PE", ".etl"),
        (b"Microsoft C/C++ MSF 7.00\r\n\x1aDS\0", "PDB", "symbol path"),
        (b"MDMP\x93\xa7", "minidump", "WinDbg"),
        (b"PAGEDU64\x0f\0\0\0", "64-bit", "!poolused"),
        (b"PAGEDUMP\x0f\0\0\0", "32-bit", "!poolused"),
        (b"ElfFile\0\0\0\0\0", ".evtx", "Event Viewer"),
        (b"SQLite format 3\0\x10\0", "SQLite", "tool"),
        (b"PERFILE2\x68\0", "perf.data", "perf report"),
        (b"\xc1\x1f\xfc\xc1\x01", "CTF", "Trace Compass"),
        (b"\x7fELF\x02\x01", "ELF", ".etl"),
        (b"%PDF-1.7\n", "PDF", ".etl"),
        (b"\x89PNG\r\n\x1a\n\0\0", "PNG", ".etl"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG", ".etl"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "LFS", "git lfs pull"),
        (b"<!DOCTYPE html><html><head>", "HTML", "download"),
        (b"\r\n<HTML>\r\n<body>", "HTML", "download"),
        (b"<?xml version=\"1.0\"?>\r\n<WindowsPerformanceRecorder Version=\"1.0\">", "profile", "wpr"),
        (b"\xef\xbb\xbf<?xml version=\"1.0\"?>", "XML", "wpr"),
        (b"{ \"traceEvents\": [ ] }", "JSON", ".etl"),
        (b"Tag,Type,Allocs,Frees,Diff,Bytes\r\nLeak,Nonp,1,2,3,4\r\n", "poolmon", "poolscope poolmon"),
        (b"time,cpu\n1,2\n3,4\n", "CSV", "poolmon"),
        (b" Memory: 16777216K Avail: 1K\n Tag  Type     Allocs            Frees\n", "poolmon", "poolscope poolmon"),
        (b"Dear reader,\nthis is a letter\n", "text", "poolmon"),
        (b"\xff\xfe \0T\0a\0g\0 \0 \0T\0y\0p\0e\0 \0 \0A\0l\0l\0o\0c\0s\0", "poolmon", "poolscope poolmon"),
        (b"H\0e\0l\0l\0o\0 \0y\0o\0u\0", "text", "poolmon"),
        (b"\"(PDH-BIN 4.0)\"\r\n", "performance counters", "relog"),
        (b"\"(PDH-CSV 4.0) (W. Europe)(-60)\",\"\\\\A\\b\"\n", "performance counters", "relog"),
        (&[0; 5000], "zeros", "Copy"),
        (b"\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x03\0\0\0\x48", "reverse", "conversion"),
    ];

    fn memory(bytes: &[u8]) -> FileReader {
        FileReader::from_bytes(bytes.to_vec())
    }

    #[test]
    fn every_format_is_named_with_advice() {
        for (bytes, name, advice) in CASES {
            let found = recognize(&memory(bytes)).unwrap();
            let found = found.unwrap_or_else(|| panic!("{name}: {bytes:02x?} is not recognized"));
            assert!(found.name.contains(name), "{bytes:02x?}: {} does not contain {name}", found.name);
            assert!(found.advice.contains(advice), "{name}: {} does not contain {advice}", found.advice);
        }
        let mut tar = vec![b'a'; 257];
        tar.extend(b"ustar\0");
        assert!(recognize(&memory(&tar)).unwrap().is_some_and(|format| format.name.contains("tar")));
        assert_eq!(recognize(&memory(&[0x12, 0x80, 0xff, 0x91, 0x02, 0x99, 0xe3, 0x00])).unwrap(), None);
    }

    #[test]
    fn converted_line_ends_are_distinguished_from_ordinary_bytes() {
        let added = |bytes: &[u8], is_contiguous| has_added_carriage_returns(&memory(bytes), is_contiguous).unwrap();
        let none = |bytes: &[u8]| has_no_carriage_returns(&memory(bytes)).unwrap();
        let converted = b"ab\r\ncd\r\n\r\nef\r\n\r\n";
        assert!(added(converted, false));
        assert!(!added(converted, true), "its buffers are contiguous");
        assert!(!added(b"ab\r\ncd\n\r\nef\r\n\r\n", false), "one has no 0D");
        assert!(none(b"ab\ncd\n\nef\n"));
        assert!(!none(converted));
        // The 0D is the last byte of the first part that is read.
        let mut far = vec![b'.'; 4095];
        far.extend(b"\r\n\n\n\n\n");
        assert!(!none(&far) && !added(&far, false));
    }

    #[test]
    fn zeros_are_counted_over_several_parts() {
        let mut bytes = vec![0; 700_000];
        assert!(is_zero_from(&memory(&bytes), 0).unwrap() && is_zero_from(&memory(&bytes), 700_000).unwrap());
        bytes[650_000] = 1;
        assert_eq!(zeros_from(&memory(&bytes), 5).unwrap(), 649_995);
        assert!(is_zero_from(&memory(&bytes), 650_001).unwrap() && !is_zero_from(&memory(&bytes), 0).unwrap());
    }
}
