//! Unpacks `.pd_` files: cabinets with one file, as symbol stores compress them. The only user of the `cab` crate. Cabinets
//! come from servers and shares and are untrusted: sizes are checked first, and panics of the decoder are caught.

use super::store_writer::TempFile;
use poolscope_base::progress::CancelToken;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Signature of a cabinet.
const MAGIC: &[u8; 4] = b"MSCF";
/// Upper bound on the size of a file in a cabinet, whose sizes are 32-bit.
const BYTES_MAX: u64 = u32::MAX as u64;
/// Upper bound on the number of files; cabinets in symbol stores have one.
const FILES_MAX: usize = 1_000;
/// Upper bound on the unpacked size of one block, from the cabinet format.
const BLOCK_BYTES_MAX: u64 = 32_768;

/// Returns `true` if a file starts with the signature of a cabinet.
pub(super) fn is_cabinet(path: &Path) -> bool {
    let mut magic = [0; 4];
    File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && magic == *MAGIC
}

/// Unpacks the file of the given name, or else the first one, into a temporary file.
pub(super) fn unpack(from: &Path, name: &str, into: &TempFile, cancel: &CancelToken) -> io::Result<()> {
    let file = File::open(from)?;
    let out = File::create(&into.path)?;
    unpack_stream(BufReader::new(file), name, BufWriter::new(out), cancel)
}

fn unpack_stream<R: Read + Seek, W: Write>(mut from: R, name: &str, into: W, cancel: &CancelToken) -> io::Result<()> {
    check_layout(&mut from)?;
    from.seek(SeekFrom::Start(0))?;
    // The decoder asserts on invalid input.
    let done = catch_unwind(AssertUnwindSafe(|| decode(from, name, into, cancel)));
    done.unwrap_or_else(|_| Err(invalid("the compressed data is damaged")))
}

fn decode<R: Read + Seek, W: Write>(from: R, name: &str, mut into: W, cancel: &CancelToken) -> io::Result<()> {
    let mut cabinet = cab::Cabinet::new(from)?;
    let files = || cabinet.folder_entries().flat_map(|folder| folder.file_entries());
    let named = files().find(|file| file.name().eq_ignore_ascii_case(name)).or_else(|| files().next());
    let file = named.ok_or_else(|| invalid("the cabinet contains no file"))?;
    let (inner, size) = (file.name().to_owned(), u64::from(file.uncompressed_size()));
    let mut reader = cabinet.read_file(&inner)?;
    let mut buffer = vec![0; 64 * 1024];
    let mut written = 0;
    while written < size {
        cancel.check().map_err(io::Error::other)?;
        let read = reader.read(&mut buffer)?;
        if read == 0 {
            return Err(invalid("the compressed data is truncated"));
        }
        into.write_all(&buffer[..read])?;
        written += read as u64;
    }
    into.flush()
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Checks the table of contents against the blocks, because the decoder trusts it.
fn check_layout<R: Read + Seek>(from: &mut R) -> io::Result<()> {
    let mut head = [0; 36];
    from.read_exact(&mut head)?;
    if head[..4] != *MAGIC {
        return Err(invalid("not a cabinet"));
    }
    let first_file = u64::from(u32_at(&head, 16));
    let (folders, files, flags) = (u16_at(&head, 26), u16_at(&head, 28), u16_at(&head, 30));
    if flags & 3 != 0 {
        return Err(invalid("multi-part cabinets are not supported"));
    }
    if folders == 0 || files == 0 || usize::from(files) > FILES_MAX {
        return Err(invalid("the cabinet contains no file, or too many"));
    }
    let (mut folder_reserve, mut block_reserve) = (0, 0);
    if flags & 4 != 0 {
        let mut sizes = [0; 4];
        from.read_exact(&mut sizes)?;
        (folder_reserve, block_reserve) = (i64::from(sizes[2]), u64::from(sizes[3]));
        from.seek(SeekFrom::Current(i64::from(u16_at(&sizes, 0))))?;
    }
    let mut starts = Vec::new();
    for _ in 0..folders {
        let mut folder = [0; 8];
        from.read_exact(&mut folder)?;
        from.seek(SeekFrom::Current(folder_reserve))?;
        starts.push((u64::from(u32_at(&folder, 0)), u16_at(&folder, 4)));
    }
    let lengths: Vec<u64> = starts
        .into_iter()
        .map(|(start, blocks)| unpacked_bytes(from, start, blocks, block_reserve))
        .collect::<io::Result<_>>()?;
    from.seek(SeekFrom::Start(first_file))?;
    for _ in 0..files {
        let mut file = [0; 16];
        from.read_exact(&mut file)?;
        let (size, offset, folder) = (u32_at(&file, 0), u32_at(&file, 4), u16_at(&file, 8));
        let end = u64::from(size) + u64::from(offset);
        if lengths.get(usize::from(folder)).is_none_or(|&length| end > length || end > BYTES_MAX) {
            return Err(invalid("the table of contents does not match the data"));
        }
        skip_name(from)?;
    }
    Ok(())
}

/// Sum of the unpacked sizes that the blocks of a folder declare.
fn unpacked_bytes<R: Read + Seek>(from: &mut R, start: u64, blocks: u16, reserve: u64) -> io::Result<u64> {
    let (mut at, mut bytes) = (start, 0);
    for _ in 0..blocks {
        from.seek(SeekFrom::Start(at))?;
        let mut head = [0; 8];
        from.read_exact(&mut head)?;
        let unpacked = u64::from(u16_at(&head, 6));
        if unpacked > BLOCK_BYTES_MAX {
            return Err(invalid("a block is too large"));
        }
        at += 8 + reserve + u64::from(u16_at(&head, 4));
        bytes += unpacked;
    }
    Ok(bytes)
}

fn skip_name<R: Read>(from: &mut R) -> io::Result<()> {
    let mut byte = [1];
    for _ in 0..=256 {
        from.read_exact(&mut byte)?;
        if byte[0] == 0 {
            return Ok(());
        }
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
