//! Cabinets: Microsoft's `.cab`, and compressed symbol files. The only user of the `cab` crate, which trusts the table of
//! contents: it is checked against the blocks first, and panics of the decoder are caught.

use crate::member::{Member, MemberProblem};
use poolscope_base::progress::CancelToken;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Signature of a cabinet.
const MAGIC: &[u8; 4] = b"MSCF";
/// Upper bound on the size of a file in a cabinet, whose sizes are 32-bit.
const BYTES_MAX: u64 = u32::MAX as u64;
/// Upper bound on the unpacked size of one block, from the cabinet format.
const BLOCK_BYTES_MAX: u64 = 32_768;
/// Folder numbers from here on mean that a file goes on in another cabinet (MS-CAB 2.3).
const FIRST_SPLIT_FOLDER: u16 = 0xfffd;

/// Returns `true` if bytes start with the signature of a cabinet.
#[must_use]
pub fn is_cabinet(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// Unpacks the file of the given name, or else the first one. Damage of any kind is an error.
///
/// # Errors
/// The cabinet is damaged, has no files or several parts; the output cannot be written; cancelled.
pub fn unpack_named(from: File, name: &str, into: File, cancel: &CancelToken) -> io::Result<()> {
    unpack_stream(BufReader::new(from), name, BufWriter::new(into), cancel)
}

fn unpack_stream<R: Read + Seek, W: Write>(
    mut from: R,
    wanted: &str,
    mut into: W,
    cancel: &CancelToken,
) -> io::Result<()> {
    let table = Table::read(&mut from)?;
    table.check()?;
    if table.files.iter().any(|file| file.ends_at > table.present_bytes(file.folder)) {
        return Err(invalid("the compressed data is truncated"));
    }
    let named = table.files.iter().position(|file| file.name.eq_ignore_ascii_case(wanted));
    let index = named.unwrap_or(0);
    let mut written = 0;
    let size = table.files.get(index).ok_or_else(|| invalid("the cabinet contains no file"))?.bytes;
    decode(from, index, &mut |chunk| {
        cancel.check().map_err(io::Error::other)?;
        into.write_all(chunk)?;
        written += chunk.len() as u64;
        Ok(true)
    })?;
    if written < size {
        return Err(invalid("the compressed data is truncated"));
    }
    into.flush()
}

/// Decodes the file at a position of the table, until `take` returns `false`.
pub(crate) fn decode<R: Read + Seek>(
    mut from: R,
    index: usize,
    take: &mut dyn FnMut(&[u8]) -> io::Result<bool>,
) -> io::Result<()> {
    from.seek(SeekFrom::Start(0))?;
    // The decoder asserts on invalid input.
    let done = catch_unwind(AssertUnwindSafe(|| {
        let mut cabinet = cab::Cabinet::new(from)?;
        let mut position = 0;
        // The crate finds a file by its name, so that one of several of the same name is the first.
        let mut names = cabinet.folder_entries().flat_map(|folder| folder.file_entries());
        let file = names.find(|_| {
            position += 1;
            position > index
        });
        let file = file.ok_or_else(|| invalid("the cabinet contains no such file"))?;
        let (name, size) = (file.name().to_owned(), u64::from(file.uncompressed_size()));
        let mut reader = cabinet.read_file(&name)?;
        let mut chunk = vec![0; 32 * 1024];
        let mut decoded = 0;
        while decoded < size {
            let read = reader.read(&mut chunk)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            decoded += read as u64;
            if !take(&chunk[..read])? {
                break;
            }
        }
        Ok(())
    }));
    done.unwrap_or_else(|_| Err(invalid("the compressed data is damaged")))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// A file as the table of contents has it.
struct TableFile {
    name: String,
    bytes: u64,
    /// Its end in its folder.
    ends_at: u64,
    folder: u16,
}

/// Unpacked bytes that the blocks of a folder declare.
#[derive(Clone, Copy)]
struct FolderBytes {
    /// Of the blocks that are in the file.
    present: u64,
    /// False if the file ends within the folder.
    is_complete: bool,
}

/// Table of contents.
pub(crate) struct Table {
    files: Vec<TableFile>,
    folders: Vec<FolderBytes>,
}

impl Table {
    /// Reads the table and the headers of all blocks.
    pub fn read<R: Read + Seek>(from: &mut R) -> io::Result<Self> {
        from.seek(SeekFrom::Start(0))?;
        let mut head = [0; 36];
        from.read_exact(&mut head)?;
        if head[..4] != *MAGIC {
            return Err(invalid("not a cabinet"));
        }
        let first_file = u64::from(u32_at(&head, 16));
        let (folders, files, flags) = (u16_at(&head, 26), u16_at(&head, 28), u16_at(&head, 30));
        if folders == 0 || files == 0 {
            return Err(invalid("the cabinet contains no file"));
        }
        let (mut folder_reserve, mut block_reserve) = (0, 0);
        if flags & 4 != 0 {
            let mut sizes = [0; 4];
            from.read_exact(&mut sizes)?;
            (folder_reserve, block_reserve) = (i64::from(sizes[2]), u64::from(sizes[3]));
            from.seek(SeekFrom::Current(i64::from(u16_at(&sizes, 0))))?;
        }
        // Names of the cabinet before and the one after, and of their disks.
        for _ in 0..2 * ((flags & 1) + ((flags >> 1) & 1)) {
            read_name(from)?;
        }
        let mut starts = Vec::new();
        for _ in 0..folders {
            let mut folder = [0; 8];
            from.read_exact(&mut folder)?;
            from.seek(SeekFrom::Current(folder_reserve))?;
            starts.push((u64::from(u32_at(&folder, 0)), u16_at(&folder, 4)));
        }
        let folders: Vec<FolderBytes> = starts
            .into_iter()
            .map(|(start, blocks)| folder_bytes(from, start, blocks, block_reserve))
            .collect::<io::Result<_>>()?;
        from.seek(SeekFrom::Start(first_file))?;
        let mut table = Vec::new();
        for _ in 0..files {
            let mut file = [0; 16];
            from.read_exact(&mut file)?;
            let (bytes, offset, folder) = (u32_at(&file, 0), u32_at(&file, 4), u16_at(&file, 8));
            let ends_at = u64::from(bytes) + u64::from(offset);
            table.push(TableFile { name: read_name(from)?, bytes: u64::from(bytes), ends_at, folder });
        }
        Ok(Self { files: table, folders })
    }

    /// Checks that the files are within the blocks, except where the file is cut off.
    pub fn check(&self) -> io::Result<()> {
        for file in &self.files {
            if file.folder >= FIRST_SPLIT_FOLDER {
                return Err(invalid("cabinets of several parts are not supported"));
            }
            let folder = self.folders.get(usize::from(file.folder));
            let is_within = |folder: &FolderBytes| file.ends_at <= folder.present || !folder.is_complete;
            if !folder.is_some_and(is_within) || file.ends_at > BYTES_MAX {
                return Err(invalid("the table of contents does not match the data"));
            }
        }
        Ok(())
    }

    /// Members in the order of the table.
    pub fn members(&self) -> Vec<Member> {
        let member = |file: &TableFile| {
            let problem = (file.folder >= FIRST_SPLIT_FOLDER).then_some(MemberProblem::SplitOverFiles);
            Member::new(&file.name, Some(file.bytes), problem)
        };
        self.files.iter().map(member).collect()
    }

    fn present_bytes(&self, folder: u16) -> u64 {
        self.folders.get(usize::from(folder)).map_or(0, |folder| folder.present)
    }
}

/// Sum of the unpacked sizes that the blocks of a folder declare, as far as they are in the file.
fn folder_bytes<R: Read + Seek>(from: &mut R, start: u64, blocks: u16, reserve: u64) -> io::Result<FolderBytes> {
    let end = from.seek(SeekFrom::End(0))?;
    let (mut at, mut present) = (start, 0);
    for _ in 0..blocks {
        let mut head = [0; 8];
        if at.saturating_add(8) > end {
            return Ok(FolderBytes { present, is_complete: false });
        }
        from.seek(SeekFrom::Start(at))?;
        from.read_exact(&mut head)?;
        let unpacked = u64::from(u16_at(&head, 6));
        if unpacked > BLOCK_BYTES_MAX {
            return Err(invalid("a block is too large"));
        }
        at += 8 + reserve + u64::from(u16_at(&head, 4));
        if at > end {
            return Ok(FolderBytes { present, is_complete: false });
        }
        present += unpacked;
    }
    Ok(FolderBytes { present, is_complete: true })
}

/// Reads a name of at most 256 bytes that ends with a zero.
fn read_name<R: Read>(from: &mut R) -> io::Result<String> {
    let mut name = Vec::new();
    let mut byte = [1];
    for _ in 0..=256 {
        from.read_exact(&mut byte)?;
        if byte[0] == 0 {
            return Ok(String::from_utf8(name)
                .unwrap_or_else(|error| error.as_bytes().iter().map(|&byte| char::from(byte)).collect()));
        }
        name.push(byte[0]);
    }
    Err(invalid("a file name is not terminated"))
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn cabinet(kind: cab::CompressionType, files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = cab::CabinetBuilder::new();
        let folder = builder.add_folder(kind);
        for (name, _) in files {
            folder.add_file(*name);
        }
        let mut writer = builder.build(Cursor::new(Vec::new())).unwrap();
        let mut contents = files.iter();
        while let Some(mut file) = writer.next_file().unwrap() {
            file.write_all(contents.next().unwrap().1).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn unpacked(bytes: &[u8], name: &str) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        unpack_stream(Cursor::new(bytes), name, &mut out, &CancelToken::none())?;
        Ok(out)
    }

    #[test]
    fn the_named_file_else_the_first_is_unpacked() {
        let big: Vec<u8> = (0..100_000_u32).flat_map(|n| (n / 3).to_le_bytes()).collect();
        for kind in [cab::CompressionType::None, cab::CompressionType::MsZip] {
            let bytes = cabinet(kind, &[("x.pdb", b"first"), ("B.PDB", &big)]);
            assert_eq!(unpacked(&bytes, "b.pdb").unwrap(), big);
            assert_eq!(unpacked(&bytes, "other.pdb").unwrap(), b"first");
        }
    }

    #[test]
    fn damage_is_an_error_and_nothing_else() {
        let content: Vec<u8> = (0..30_000_u32).flat_map(|n| (n * n).to_le_bytes()).collect();
        let whole = cabinet(cab::CompressionType::MsZip, &[("a.pdb", &content)]);
        assert!(unpacked(b"<html>", "a.pdb").is_err());
        assert!(unpacked(&[], "a.pdb").is_err());
        for cut in [10, 40, 70, whole.len() / 2, whole.len() - 1] {
            assert!(unpacked(&whole[..cut], "a.pdb").is_err(), "cut at {cut}");
        }
        let mut far = whole.clone();
        let first_file = u32_at(&whole, 16) as usize;
        far[first_file + 4..first_file + 8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(unpacked(&far, "a.pdb").unwrap_err().to_string().contains("does not match"));
    }
}
