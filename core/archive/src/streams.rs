//! Decoders of single streams: gzip, xz and Zstandard files, and the methods of ZIP members. Each passes on what it decodes until
//! it ends or is damaged.

use crate::error::ArchiveError;
use crate::kind::ArchiveKind;
use crate::limits::DECODER_MEMORY_KIB;
use poolscope_base::progress::CancelToken;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::io::{self, BufRead, Cursor, Read};

/// Bytes that are decoded at a time. Some decoders lose as much before damage.
const CHUNK_BYTES: usize = 32 << 10;

/// Receives decoded bytes; returns `false` if it needs no more.
pub(crate) type Take<'t> = dyn FnMut(&[u8]) -> Result<bool, ArchiveError> + 't;

/// End of a decoding.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decoded {
    /// The stream ended as it should.
    Whole,
    /// The receiver needed no more.
    Stopped,
    /// The stream is damaged or cut off; the reason, as a clause.
    Damaged(String),
}

/// Methods of ZIP members, by their number in APPNOTE.TXT 4.4.5.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Method {
    Stored,
    Deflate,
    Deflate64,
    Lzma,
    Zstd,
    Xz,
}

impl Method {
    /// The method of a number, or the name of one that is not read.
    pub fn from_number(number: u16) -> Result<Self, String> {
        Ok(match number {
            0 => Self::Stored,
            8 => Self::Deflate,
            9 => Self::Deflate64,
            14 => Self::Lzma,
            93 => Self::Zstd,
            95 => Self::Xz,
            12 => return Err("bzip2".to_owned()),
            98 => return Err("PPMd".to_owned()),
            other => return Err(format!("method {other}")),
        })
    }
}

/// Decodes a file that is one stream.
pub(crate) fn decode_file(
    kind: ArchiveKind,
    from: &mut impl BufRead,
    cancel: &CancelToken,
    take: &mut Take<'_>,
) -> Result<Decoded, ArchiveError> {
    match kind {
        ArchiveKind::Gzip => decode_gzip(from, cancel, take),
        ArchiveKind::Zstd => decode_zstd(from, cancel, take),
        _ => decode_xz(from, cancel, take),
    }
}

/// Decodes the packed bytes of a ZIP member.
pub(crate) fn decode_method(
    method: Method,
    mut from: impl BufRead,
    declared_bytes: Option<u64>,
    cancel: &CancelToken,
    take: &mut Take<'_>,
) -> Result<Decoded, ArchiveError> {
    match method {
        Method::Stored => drain(&mut from, cancel, take),
        Method::Deflate => drain(&mut flate2::bufread::DeflateDecoder::new(from), cancel, take),
        Method::Deflate64 => drain(&mut deflate64::Deflate64Decoder::with_buffer(from), cancel, take),
        Method::Zstd => decode_zstd(&mut from, cancel, take),
        Method::Xz => decode_xz(&mut from, cancel, take),
        Method::Lzma => match lzma_decoder(from, declared_bytes) {
            Ok(mut decoder) => drain(&mut decoder, cancel, take),
            Err(error) => Ok(Decoded::Damaged(clause(&error))),
        },
    }
}

/// LZMA in a ZIP member: version, length of the properties, five bytes of properties, data (APPNOTE.TXT 5.8.8).
fn lzma_decoder<R: Read>(mut from: R, declared_bytes: Option<u64>) -> io::Result<lzma_rust2::LzmaReader<R>> {
    let mut head = [0; 9];
    from.read_exact(&mut head)?;
    let [_, _, length, length_high, properties, dictionary @ ..] = head;
    if (length, length_high) != (5, 0) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "its LZMA properties are of unknown length"));
    }
    let dictionary = u32::from_le_bytes(dictionary);
    if dictionary / 1024 > DECODER_MEMORY_KIB {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it asks for a dictionary of more than 1 GiB"));
    }
    lzma_rust2::LzmaReader::new_with_props(from, declared_bytes.unwrap_or(u64::MAX), properties, dictionary, None)
}

/// Passes on everything that a decoder gives.
pub(crate) fn drain(
    decoder: &mut dyn Read,
    cancel: &CancelToken,
    take: &mut Take<'_>,
) -> Result<Decoded, ArchiveError> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        cancel.check()?;
        match decoder.read(&mut chunk) {
            Ok(0) => return Ok(Decoded::Whole),
            Ok(read) => {
                if !take(&chunk[..read])? {
                    return Ok(Decoded::Stopped);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                cancel.check()?;
                return Ok(Decoded::Damaged(clause(&error)));
            }
        }
    }
}

/// A clause on why a stream cannot be decoded any further.
pub(crate) fn clause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the file ends early: the copy did not finish".to_owned(),
        _ => format!("its compressed data is damaged ({error})"),
    }
}

/// gzip: one or more members, which make one file. Other bytes behind them are ignored, as gzip does.
fn decode_gzip(from: &mut impl BufRead, cancel: &CancelToken, take: &mut Take<'_>) -> Result<Decoded, ArchiveError> {
    loop {
        match drain(&mut flate2::bufread::GzDecoder::new(&mut *from), cancel, take)? {
            Decoded::Whole => {}
            other => return Ok(other),
        }
        match from.fill_buf() {
            Ok([0x1f, 0x8b, ..]) => {}
            _ => return Ok(Decoded::Whole),
        }
    }
}

fn decode_xz(from: &mut impl BufRead, cancel: &CancelToken, take: &mut Take<'_>) -> Result<Decoded, ArchiveError> {
    let mut decoder = lzma_rust2::XzReader::new_mem_limit(from, true, DECODER_MEMORY_KIB);
    drain(&mut decoder, cancel, take)
}

/// Zstandard: frames one after another, some of them to skip.
fn decode_zstd(from: &mut impl BufRead, cancel: &CancelToken, take: &mut Take<'_>) -> Result<Decoded, ArchiveError> {
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(u64::from(DECODER_MEMORY_KIB) * 1024);
    loop {
        let mut magic = [0; 4];
        match read_up_to(from, &mut magic) {
            Ok(0) => return Ok(Decoded::Whole),
            Ok(4) => {}
            Ok(_) => return Ok(Decoded::Damaged("the file ends early: the copy did not finish".to_owned())),
            Err(error) => {
                cancel.check()?;
                return Ok(Decoded::Damaged(clause(&error)));
            }
        }
        if matches!(magic, [0x50..=0x5f, 0x2a, 0x4d, 0x18]) {
            if let Err(error) = skip_frame(from) {
                cancel.check()?;
                return Ok(Decoded::Damaged(clause(&error)));
            }
            continue;
        }
        match decode_zstd_frame(&mut decoder, Cursor::new(magic).chain(&mut *from), cancel, take)? {
            Decoded::Whole => {}
            other => return Ok(other),
        }
    }
}

fn decode_zstd_frame(
    decoder: &mut FrameDecoder,
    mut from: impl Read,
    cancel: &CancelToken,
    take: &mut Take<'_>,
) -> Result<Decoded, ArchiveError> {
    let damaged = |error: &(dyn std::error::Error + 'static)| Ok(Decoded::Damaged(zstd_clause(error)));
    if let Err(error) = decoder.reset(&mut from) {
        cancel.check()?;
        return damaged(&error);
    }
    let mut damage = None;
    while !decoder.is_finished() {
        cancel.check()?;
        if let Err(error) = decoder.decode_blocks(&mut from, BlockDecodingStrategy::UptoBytes(CHUNK_BYTES)) {
            cancel.check()?;
            damage = Some(zstd_clause(&error));
            // The decoder keeps the bytes of its window until the last block: an empty one, and a checksum, release them.
            let end: &[u8] = &[1, 0, 0, 0, 0, 0, 0];
            if decoder.decode_blocks(end, BlockDecodingStrategy::All).is_err() {
                break;
            }
        }
        if let Some(bytes) = decoder.collect().filter(|bytes| !bytes.is_empty())
            && !take(&bytes)?
        {
            return Ok(Decoded::Stopped);
        }
        if damage.is_some() {
            break;
        }
    }
    if damage.is_none()
        && decoder.get_checksum_from_data().is_some_and(|sum| Some(sum) != decoder.get_calculated_checksum())
    {
        damage = Some("its checksum does not match".to_owned());
    }
    Ok(damage.map_or(Decoded::Whole, Decoded::Damaged))
}

fn zstd_clause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        let io = inner.downcast_ref::<io::Error>();
        if io.is_some_and(|io| io.kind() == io::ErrorKind::UnexpectedEof) {
            return "the file ends early: the copy did not finish".to_owned();
        }
        cause = inner.source();
    }
    format!("its compressed data is damaged ({error})")
}

/// Reads until the buffer is full or the stream ends.
fn read_up_to(from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match from.read(&mut into[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn skip_frame(from: &mut impl Read) -> io::Result<()> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u64::from(u32::from_le_bytes(length));
    let skipped = io::copy(&mut from.take(length), &mut io::sink())?;
    if skipped < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}
