//! Adapter that gives the `pdb` crate views of a file. Consecutive pages are read at once, and those of a compressed PDB are unpacked.
//! Requests for more bytes than the file has are rejected.

use super::msfz::{VirtualMsf, is_msfz};
use super::{PdbBytes, PdbError};
use pdb::{Source, SourceSlice, SourceView};
use std::io::{Error, ErrorKind};

/// A whole PDB.
#[derive(Debug)]
pub(super) enum ByteSource {
    /// A plain file.
    Plain(PdbBytes),
    /// A compressed one.
    Compressed(VirtualMsf),
}

impl ByteSource {
    /// The source for a file of either kind.
    pub fn new(bytes: PdbBytes) -> Result<Self, PdbError> {
        let is_compressed = is_msfz(&bytes.head()?);
        Ok(if is_compressed { Self::Compressed(VirtualMsf::new(bytes.whole()?.into())?) } else { Self::Plain(bytes) })
    }
}

/// Bytes that were read.
#[derive(Debug)]
struct PageView(Vec<u8>);

impl SourceView<'_> for PageView {
    fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl<'s> Source<'s> for ByteSource {
    fn view(&mut self, slices: &[SourceSlice]) -> Result<Box<dyn SourceView<'s>>, Error> {
        let file = match self {
            Self::Plain(bytes) => &*bytes.0,
            Self::Compressed(file) => return unpacked(file, slices),
        };
        // Each page belongs to one stream, once. A forged directory could otherwise request far more than the file has.
        let total = slices.iter().try_fold(0_u64, |sum, slice| sum.checked_add(slice.size as u64));
        let total = total.filter(|total| *total <= file.len()).ok_or(ErrorKind::UnexpectedEof)?;
        let mut bytes = vec![0; usize::try_from(total).map_err(Error::other)?];
        let mut rest = &mut *bytes;
        for run in slices.chunk_by(|a, b| a.offset.checked_add(a.size as u64) == Some(b.offset)) {
            let start = run.first().map_or(0, |slice| slice.offset);
            let len: usize = run.iter().map(|slice| slice.size).sum();
            if start.checked_add(len as u64).is_none_or(|end| end > file.len()) {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let (part, others) = rest.split_at_mut(len);
            file.read_at(start, part).map_err(|error| Error::new(error.reason.kind(), error))?;
            rest = others;
        }
        Ok(Box::new(PageView(bytes)))
    }
}

/// Unpacks slices of a compressed PDB.
fn unpacked<'s>(file: &VirtualMsf, slices: &[SourceSlice]) -> Result<Box<dyn SourceView<'s>>, Error> {
    let total = slices.iter().try_fold(0_usize, |sum, slice| sum.checked_add(slice.size));
    let total = total.filter(|total| *total as u64 <= file.bytes()).ok_or(ErrorKind::UnexpectedEof)?;
    let mut joined = Vec::with_capacity(total);
    for slice in slices {
        file.read(slice.offset, slice.size, &mut joined)?;
    }
    Ok(Box::new(PageView(joined)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(offset: u64, size: usize) -> SourceSlice {
        SourceSlice { offset, size }
    }

    #[test]
    fn pages_are_read_in_the_order_of_the_stream() {
        let bytes: Vec<u8> = (0..40).collect();
        let mut source = ByteSource::Plain(PdbBytes::from_bytes(bytes.clone()));
        let view = source.view(&[slice(8, 8), slice(16, 3)]).unwrap();
        assert_eq!(view.as_slice(), &bytes[8..19]);
        let view = source.view(&[slice(32, 8), slice(0, 4), slice(4, 4), slice(16, 8)]).unwrap();
        assert_eq!(view.as_slice(), [&bytes[32..40], &bytes[..8], &bytes[16..24]].concat());
        assert!(source.view(&[]).unwrap().as_slice().is_empty());
    }

    #[test]
    fn oversized_requests_are_rejected() {
        let mut source = ByteSource::Plain(PdbBytes::from_bytes(&[0; 40][..]));
        for bad in [vec![slice(36, 8)], vec![slice(u64::MAX, 1)], vec![slice(0, 32), slice(0, 32)]] {
            let error = source.view(&bad).expect_err("there are only 40 bytes");
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        }
    }
}
