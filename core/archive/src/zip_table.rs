//! Members of ZIP archives: from the central directory at the end of the file, or, where a cut-off copy lacks it, from the local
//! headers. The only user of the `zip` crate, which reads the central directory.

use crate::content::PackedReader;
use crate::error::ArchiveError;
use crate::limits::MAX_MEMBERS;
use crate::member::{Member, MemberProblem};
use crate::streams::{Decoded, Method, Take, clause, decode_method};
use poolscope_base::progress::CancelToken;
use std::io::{self, Read, Seek, SeekFrom};

/// Signature of a local header.
const LOCAL_HEADER: u32 = 0x0403_4b50;
/// Bytes of a local header before the name (APPNOTE.TXT 4.3.7).
const LOCAL_HEADER_BYTES: usize = 30;
/// Flag: encrypted.
const ENCRYPTED: u16 = 1;
/// Flag: sizes and checksum follow the data.
const SIZES_FOLLOW: u16 = 8;
/// Flag: the name is UTF-8.
const UTF8: u16 = 0x800;

/// Place and sizes of a member.
#[derive(Clone, Debug)]
pub(crate) struct ZipEntry {
    /// Offset of its local header.
    header_start: u64,
    /// Packed size in bytes; `None` if it is not known.
    pub packed_bytes: Option<u64>,
    /// Unpacked size in bytes, if known.
    bytes: Option<u64>,
    /// CRC-32 of the unpacked content, if known.
    crc: Option<u32>,
}

/// Members with their places, and a clause on the damage of the table.
pub(crate) type ZipTable = (Vec<(Member, ZipEntry)>, Option<String>);

/// Reads the table of contents.
pub(crate) fn read_table(from: &mut PackedReader<'_>, name: &str) -> Result<ZipTable, ArchiveError> {
    let unreadable = |problem: String| {
        let kind = crate::kind::ArchiveKind::Zip.name();
        ArchiveError::Unreadable { name: name.to_owned(), kind, problem }
    };
    let problem = match central_directory(from) {
        Ok(found) => return Ok((found, None)),
        Err(problem) => problem,
    };
    let found = local_headers(from).map_err(|error| unreadable(clause(&error)))?;
    if found.is_empty() {
        return Err(unreadable(problem));
    }
    Ok((found, Some("the table of contents is missing: the copy did not finish, or the archive is damaged".to_owned())))
}

fn central_directory(from: &mut PackedReader<'_>) -> Result<Vec<(Member, ZipEntry)>, String> {
    let mut archive = zip::ZipArchive::new(from).map_err(|error| error.to_string())?;
    if archive.len() > MAX_MEMBERS {
        return Err(format!("it has {} members, more than {MAX_MEMBERS}", archive.len()));
    }
    let mut found = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|error| error.to_string());
        // A member whose local header is not there is listed all the same: reading it fails, and says so.
        let Ok(entry) = entry else { continue };
        if entry.is_dir() || entry.is_symlink() {
            continue;
        }
        let name = entry.name().map_or_else(|_| String::from_utf8_lossy(entry.name_raw()).into_owned(), Into::into);
        let problem = entry.encrypted().then_some(MemberProblem::Encrypted);
        let place = ZipEntry {
            header_start: entry.header_start(),
            packed_bytes: Some(entry.compressed_size()),
            bytes: Some(entry.size()),
            crc: Some(entry.crc32()),
        };
        found.push((Member::new(&name, Some(entry.size()), problem), place));
    }
    Ok(found)
}

/// Fields of a local header.
struct LocalHeader {
    flags: u16,
    method: u16,
    crc: u32,
    packed_bytes: u32,
    bytes: u32,
    name: Vec<u8>,
    extra: Vec<u8>,
}

/// Reads the local header at the reader's position, and leaves it at the packed bytes; `None` where none is.
fn local_header(from: &mut impl Read) -> io::Result<Option<LocalHeader>> {
    let mut head = [0; LOCAL_HEADER_BYTES];
    from.read_exact(&mut head)?;
    let u16_at = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
    let u32_at = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    if u32_at(0) != LOCAL_HEADER {
        return Ok(None);
    }
    let mut name = vec![0; usize::from(u16_at(26))];
    from.read_exact(&mut name)?;
    let mut extra = vec![0; usize::from(u16_at(28))];
    from.read_exact(&mut extra)?;
    Ok(Some(LocalHeader {
        flags: u16_at(6),
        method: u16_at(8),
        crc: u32_at(14),
        packed_bytes: u32_at(18),
        bytes: u32_at(22),
        name,
        extra,
    }))
}

impl LocalHeader {
    /// Unpacked and packed size, from the ZIP64 extra field (APPNOTE.TXT 4.5.3) where the header has none.
    fn sizes(&self) -> Option<(u64, u64)> {
        if self.flags & SIZES_FOLLOW != 0 {
            return None;
        }
        if self.bytes != u32::MAX && self.packed_bytes != u32::MAX {
            return Some((u64::from(self.bytes), u64::from(self.packed_bytes)));
        }
        let mut rest = self.extra.as_slice();
        while let [id_low, id_high, length_low, length_high, tail @ ..] = rest {
            let length = usize::from(u16::from_le_bytes([*length_low, *length_high]));
            let field = tail.get(..length)?;
            if (*id_low, *id_high) == (1, 0) {
                let size = |at: usize| Some(u64::from_le_bytes(field.get(at..at + 8)?.try_into().ok()?));
                return Some((size(0)?, size(8)?));
            }
            rest = tail.get(length..)?;
        }
        None
    }
}

/// Walks over the local headers from the beginning of the file, as far as sizes are known.
fn local_headers(from: &mut PackedReader<'_>) -> io::Result<Vec<(Member, ZipEntry)>> {
    let end = from.seek(SeekFrom::End(0))?;
    let mut found = Vec::new();
    let mut at = 0;
    while found.len() < MAX_MEMBERS {
        from.seek(SeekFrom::Start(at))?;
        let Ok(Some(header)) = local_header(from) else { break };
        let start = from.stream_position()?;
        let name = match std::str::from_utf8(&header.name) {
            Ok(name) => name.to_owned(),
            Err(_) if header.flags & UTF8 == 0 => header.name.iter().map(|&byte| char::from(byte)).collect(),
            Err(_) => String::from_utf8_lossy(&header.name).into_owned(),
        };
        let sizes = header.sizes();
        let problem = (header.flags & ENCRYPTED != 0).then_some(MemberProblem::Encrypted);
        let (bytes, packed_bytes) = (sizes.map(|sizes| sizes.0), sizes.map(|sizes| sizes.1));
        let crc = sizes.map(|_| header.crc);
        if !name.ends_with(['/', '\\']) {
            found.push((Member::new(&name, bytes, problem), ZipEntry { header_start: at, packed_bytes, bytes, crc }));
        }
        // Behind a member of unknown size nothing is found.
        let Some(packed_bytes) = packed_bytes else { break };
        at = start.saturating_add(packed_bytes);
        if at >= end {
            break;
        }
    }
    Ok(found)
}

/// Decodes a member.
pub(crate) fn decode(
    from: &mut PackedReader<'_>,
    archive: &str,
    (member, entry): (&Member, &ZipEntry),
    cancel: &CancelToken,
    take: &mut Take<'_>,
) -> Result<Decoded, ArchiveError> {
    let header = from.seek(SeekFrom::Start(entry.header_start)).and_then(|_| local_header(from));
    let header = match header {
        Ok(Some(header)) => header,
        Ok(None) => return Ok(Decoded::Damaged("its header is damaged".to_owned())),
        Err(error) => {
            cancel.check()?;
            return Ok(Decoded::Damaged(clause(&error)));
        }
    };
    let method = Method::from_number(header.method).map_err(|method| ArchiveError::Refused {
        archive: archive.to_owned(),
        member: member.name.clone(),
        problem: MemberProblem::Method(method),
    })?;
    let mut sum = crc32fast::Hasher::new();
    let mut unpacked = 0;
    let declared = entry.bytes.unwrap_or(u64::MAX);
    let mut counted = |bytes: &[u8]| {
        unpacked += bytes.len() as u64;
        sum.update(bytes);
        Ok(take(bytes)? && unpacked <= declared)
    };
    let packed = from.take(entry.packed_bytes.unwrap_or(u64::MAX));
    let decoded = decode_method(method, packed, entry.bytes, cancel, &mut counted)?;
    Ok(match decoded {
        Decoded::Stopped if unpacked > declared => Decoded::Damaged("it holds more than it declares".to_owned()),
        Decoded::Whole if unpacked < entry.bytes.unwrap_or(0) => {
            Decoded::Damaged("the file ends early: the copy did not finish".to_owned())
        }
        Decoded::Whole if entry.crc.is_some_and(|crc| crc != sum.finalize()) => {
            Decoded::Damaged("its checksum does not match".to_owned())
        }
        other => other,
    })
}
