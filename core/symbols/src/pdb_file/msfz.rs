//! Compressed PDBs: the MSFZ container ("PDZ"), presented to the `pdb` crate as the plain container (MSF) that it reads. Written
//! after the published specification (microsoft/pdb-rs, `docs/pdb/msfz.md`); no file from a symbol server has been seen. Files
//! are untrusted: every size is checked against the file, and chunks are decompressed one at a time when they are needed.
//!
//! The virtual file: a header, the directory of streams, then all streams one after another, each from the start of a page.

use super::PdbError;
use parking_lot::Mutex;
use poolscope_base::bytes::{u32_at, u64_at};
use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;

/// Signature of the container.
const SIGNATURE: &[u8; 32] = b"Microsoft MSFZ Container\r\n\x1aALD\0\0";
/// Signature of the plain container.
const MSF_SIGNATURE: &[u8; 32] = b"Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0";
/// Bytes of a page of the virtual file.
const PAGE: u64 = 4096;
/// Bytes of an entry of the chunk table.
const CHUNK_ENTRY_BYTES: usize = 20;
/// Size of a stream that does not exist.
const NIL: u32 = u32::MAX;
/// Upper bound on the unpacked directory.
const MAX_DIRECTORY_BYTES: u32 = 64 << 20;
/// Upper bound on one unpacked chunk; the reference writer makes chunks of 1 MiB.
const MAX_CHUNK_BYTES: u32 = 256 << 20;
/// Upper bound on the bytes of all streams.
const MAX_STREAM_BYTES: u64 = 2 << 30;
/// Upper bound on stream bytes per byte of the file, above [`RATIO_FREE_BYTES`].
const MAX_RATIO: u64 = 100;
/// Stream bytes that are allowed whatever the size of the file.
const RATIO_FREE_BYTES: u64 = 16 << 20;
/// Unpacked bytes that are kept for later reads.
const CACHE_BYTES: usize = 64 << 20;

/// Returns `true` if bytes start with the signature.
pub(super) fn is_msfz(bytes: &[u8]) -> bool {
    bytes.starts_with(SIGNATURE)
}

/// A compressed PDB as a plain one.
#[derive(Debug)]
pub(super) struct VirtualMsf {
    file: Arc<[u8]>,
    /// Header and directory of the virtual file.
    prefix: Vec<u8>,
    streams: Vec<Stream>,
    chunks: Vec<Chunk>,
    bytes: u64,
    cache: Mutex<VecDeque<(usize, Arc<[u8]>)>>,
}

/// A stream: its place in the virtual file, and the parts that it consists of.
#[derive(Debug)]
struct Stream {
    start: u64,
    bytes: u64,
    fragments: Vec<Fragment>,
}

#[derive(Debug)]
struct Fragment {
    /// Offset in the stream.
    start: u64,
    bytes: u32,
    place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    /// Uncompressed, at this offset of the file.
    File(u64),
    /// From this offset of this chunk on, and if that ends, on in the next chunks.
    Chunk { index: usize, offset: u32 },
}

#[derive(Debug)]
struct Chunk {
    file_offset: u64,
    compression: Compression,
    packed_bytes: u32,
    bytes: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    None,
    Zstd,
    Deflate,
}

impl Compression {
    fn from_code(code: u32) -> Result<Self, PdbError> {
        match code {
            0 => Ok(Self::None),
            1 => Ok(Self::Zstd),
            2 => Ok(Self::Deflate),
            other => Err(damaged(&format!("it is compressed by method {other}, which is not known"))),
        }
    }
}

fn damaged(problem: &str) -> PdbError {
    PdbError::Format(format!("compressed PDB (MSFZ): {problem}"))
}

fn invalid(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

impl VirtualMsf {
    /// Reads header, chunk table and directory.
    pub fn new(file: Arc<[u8]>) -> Result<Self, PdbError> {
        let data = &*file;
        let cut = || damaged("the header is cut off");
        let u32_of = |at: usize| u32_at(data, at).ok_or_else(cut);
        let u64_of = |at: usize| u64_at(data, at).ok_or_else(cut);
        let version = u64_of(32)?;
        if version != 0 {
            return Err(damaged(&format!("version {version} of the container is not known; ask for a plain PDB")));
        }
        let (directory_offset, chunk_offset) = (u64_of(40)?, u64_of(48)?);
        let (stream_count, compression) = (u32_of(56)?, Compression::from_code(u32_of(60)?)?);
        let (packed_bytes, bytes) = (u32_of(64)?, u32_of(68)?);
        let chunks = read_chunks(data, chunk_offset, (u32_of(72)?, u32_of(76)?))?;
        if bytes > MAX_DIRECTORY_BYTES {
            return Err(damaged("its directory is too large"));
        }
        let directory = Chunk { file_offset: directory_offset, compression, packed_bytes, bytes };
        let directory = unpack(data, &directory).map_err(|error| damaged(&format!("its directory: {error}")))?;
        let allowed = (data.len() as u64).saturating_mul(MAX_RATIO).saturating_add(RATIO_FREE_BYTES);
        let streams = read_directory(&directory, stream_count, &chunks, allowed.min(MAX_STREAM_BYTES))?;
        let (prefix, streams, bytes) = lay_out(streams);
        Ok(Self { file, prefix, streams, chunks, bytes, cache: Mutex::default() })
    }

    /// Size of the virtual file in bytes.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends a range of the virtual file.
    pub fn read(&self, mut offset: u64, mut wanted: usize, into: &mut Vec<u8>) -> io::Result<()> {
        while wanted > 0 {
            let before = into.len();
            self.read_some(offset, wanted, into)?;
            let read = into.len() - before;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            offset += read as u64;
            wanted -= read;
        }
        Ok(())
    }

    /// Appends at least one byte and at most as many as are wanted; nothing at the end.
    fn read_some(&self, offset: u64, wanted: usize, into: &mut Vec<u8>) -> io::Result<()> {
        if let Some(rest) = usize::try_from(offset).ok().and_then(|at| self.prefix.get(at..)).filter(|r| !r.is_empty())
        {
            into.extend_from_slice(&rest[..rest.len().min(wanted)]);
            return Ok(());
        }
        if offset >= self.bytes {
            return Ok(());
        }
        let next = self.streams.partition_point(|stream| stream.start <= offset);
        let end = self.streams.get(next).map_or(self.bytes, |stream| stream.start);
        let stream = next.checked_sub(1).and_then(|at| self.streams.get(at)).ok_or(io::ErrorKind::UnexpectedEof)?;
        let within = offset - stream.start;
        if within >= stream.bytes {
            // Between the end of a stream and the end of its page.
            let zeros = usize::try_from(end - offset).unwrap_or(usize::MAX).min(wanted);
            into.resize(into.len() + zeros, 0);
            return Ok(());
        }
        let at = stream.fragments.partition_point(|fragment| fragment.start <= within);
        let fragment = at.checked_sub(1).and_then(|at| stream.fragments.get(at));
        let fragment = fragment.ok_or(io::ErrorKind::UnexpectedEof)?;
        let skipped = within - fragment.start;
        let left = usize::try_from(u64::from(fragment.bytes) - skipped).unwrap_or(usize::MAX).min(wanted);
        match fragment.place {
            Place::File(start) => into.extend_from_slice(range(&self.file, start + skipped, left)?),
            Place::Chunk { index, offset } => {
                let (chunk, within) = self.chunk_at(index, u64::from(offset) + skipped)?;
                let rest = chunk.get(within..).unwrap_or_default();
                into.extend_from_slice(&rest[..rest.len().min(left)]);
            }
        }
        Ok(())
    }

    /// The unpacked chunk that holds an offset, counted from the beginning of a chunk over it and those behind it.
    fn chunk_at(&self, mut index: usize, mut offset: u64) -> io::Result<(Arc<[u8]>, usize)> {
        loop {
            let chunk = self.chunks.get(index).ok_or_else(|| invalid("a stream goes on behind the last chunk"))?;
            if offset < u64::from(chunk.bytes) {
                return Ok((self.unpacked(index, chunk)?, usize::try_from(offset).map_err(io::Error::other)?));
            }
            offset -= u64::from(chunk.bytes);
            index += 1;
        }
    }

    fn unpacked(&self, index: usize, chunk: &Chunk) -> io::Result<Arc<[u8]>> {
        let mut cache = self.cache.lock();
        if let Some((_, known)) = cache.iter().find(|(known, _)| *known == index) {
            return Ok(Arc::clone(known));
        }
        let bytes: Arc<[u8]> = unpack(&self.file, chunk)?.into();
        cache.push_back((index, Arc::clone(&bytes)));
        while cache.len() > 1 && cache.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > CACHE_BYTES {
            cache.pop_front();
        }
        Ok(bytes)
    }
}

fn range(data: &[u8], offset: u64, bytes: usize) -> io::Result<&[u8]> {
    let start = usize::try_from(offset).map_err(io::Error::other)?;
    let end = start.checked_add(bytes).ok_or(io::ErrorKind::UnexpectedEof)?;
    data.get(start..end).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// Unpacks a chunk to exactly the size that it declares.
fn unpack(data: &[u8], chunk: &Chunk) -> io::Result<Vec<u8>> {
    let packed = range(data, chunk.file_offset, chunk.packed_bytes as usize)?;
    let mut bytes = Vec::new();
    let wanted = u64::from(chunk.bytes);
    match chunk.compression {
        Compression::None => bytes.extend_from_slice(packed),
        Compression::Zstd => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(packed).map_err(io::Error::other)?;
            decoder.take(wanted + 1).read_to_end(&mut bytes)?;
        }
        Compression::Deflate => {
            flate2::read::DeflateDecoder::new(packed).take(wanted + 1).read_to_end(&mut bytes)?;
        }
    }
    if bytes.len() as u64 != wanted {
        return Err(invalid("a chunk does not unpack to its declared size"));
    }
    Ok(bytes)
}

fn read_chunks(data: &[u8], offset: u64, (count, table_bytes): (u32, u32)) -> Result<Vec<Chunk>, PdbError> {
    if count as usize * CHUNK_ENTRY_BYTES != table_bytes as usize {
        return Err(damaged("number and size of its chunks do not agree"));
    }
    let table = range(data, offset, table_bytes as usize);
    let table = table.map_err(|error| damaged(&format!("its chunk table is cut off ({error})")))?;
    let entry = |entry: &[u8]| {
        let u32_of = |at: usize| u32_at(entry, at).unwrap_or(0);
        let chunk = Chunk {
            file_offset: u64_at(entry, 0).unwrap_or(0),
            compression: Compression::from_code(u32_of(8))?,
            packed_bytes: u32_of(12),
            bytes: u32_of(16),
        };
        if chunk.bytes == 0 || chunk.bytes > MAX_CHUNK_BYTES {
            return Err(damaged("a chunk is empty or too large"));
        }
        Ok(chunk)
    };
    table.chunks_exact(CHUNK_ENTRY_BYTES).map(entry).collect()
}

/// Reads the fragments of all streams; `None` for streams that do not exist.
fn read_directory(
    directory: &[u8],
    count: u32,
    chunks: &[Chunk],
    max_bytes: u64,
) -> Result<Vec<Option<Stream>>, PdbError> {
    let mut at = 0;
    let mut next = || {
        let value = u32_at(directory, at).ok_or_else(|| damaged("its directory is cut off"));
        at += 4;
        value
    };
    let mut streams = Vec::new();
    let mut total = 0_u64;
    for _ in 0..count {
        let mut size = next()?;
        if size == NIL {
            streams.push(None);
            continue;
        }
        let (mut fragments, mut bytes) = (Vec::new(), 0_u64);
        while size != 0 {
            if size == NIL {
                return Err(damaged("a stream ends with one that does not exist"));
            }
            let (low, high) = (next()?, next()?);
            let place = if high >> 31 == 0 {
                Place::File((u64::from(high) << 32 | u64::from(low)) & ((1 << 48) - 1))
            } else {
                Place::Chunk { index: (high & 0x7fff_ffff) as usize, offset: low }
            };
            if matches!(place, Place::Chunk { index, .. } if index >= chunks.len()) {
                return Err(damaged("a stream is in a chunk that does not exist"));
            }
            fragments.push(Fragment { start: bytes, bytes: size, place });
            bytes += u64::from(size);
            total += u64::from(size);
            if total > max_bytes {
                return Err(damaged("its streams are too large for its size"));
            }
            size = next()?;
        }
        streams.push(Some(Stream { start: 0, bytes, fragments }));
    }
    Ok(streams)
}

/// Assigns places in the virtual file, and writes its header and directory.
fn lay_out(streams: Vec<Option<Stream>>) -> (Vec<u8>, Vec<Stream>, u64) {
    let pages = |bytes: u64| bytes.div_ceil(PAGE);
    let stream_pages: u64 = streams.iter().flatten().map(|stream| pages(stream.bytes)).sum();
    let directory_bytes = 4 * (1 + streams.len() as u64 + stream_pages);
    let directory_pages = pages(directory_bytes);
    let list_pages = pages(4 * directory_pages);
    // Header, two pages for the map of free pages, the list of the directory's pages, the directory, the streams.
    let first_list_page = 3;
    let first_directory_page = first_list_page + list_pages;
    let first_stream_page = first_directory_page + directory_pages;
    let page_count = first_stream_page + stream_pages;
    let mut prefix = Vec::with_capacity(usize::try_from(first_stream_page * PAGE).unwrap_or(0));
    let word = |prefix: &mut Vec<u8>, value: u64| prefix.extend_from_slice(&(value as u32).to_le_bytes());
    let pad = |prefix: &mut Vec<u8>, page: u64| prefix.resize(usize::try_from(page * PAGE).unwrap_or(0), 0);
    prefix.extend_from_slice(MSF_SIGNATURE);
    [PAGE, 1, page_count, directory_bytes, 0].into_iter().for_each(|value| word(&mut prefix, value));
    (first_list_page..first_directory_page).for_each(|page| word(&mut prefix, page));
    pad(&mut prefix, first_list_page);
    (first_directory_page..first_stream_page).for_each(|page| word(&mut prefix, page));
    pad(&mut prefix, first_directory_page);
    word(&mut prefix, streams.len() as u64);
    for stream in &streams {
        word(&mut prefix, stream.as_ref().map_or(u64::from(NIL), |stream| stream.bytes));
    }
    (first_stream_page..page_count).for_each(|page| word(&mut prefix, page));
    pad(&mut prefix, first_stream_page);
    let mut page = first_stream_page;
    let mut placed = Vec::new();
    for mut stream in streams.into_iter().flatten().filter(|stream| stream.bytes > 0) {
        stream.start = page * PAGE;
        page += pages(stream.bytes);
        placed.push(stream);
    }
    (prefix, placed, page_count * PAGE)
}
