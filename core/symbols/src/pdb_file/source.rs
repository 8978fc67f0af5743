//! Adapter that gives the `pdb` crate views of a file: consecutive pages are borrowed, others are copied, and those of a compressed
//! PDB are unpacked. Requests for more bytes than the file has are rejected.

use super::msfz::{VirtualMsf, is_msfz};
use super::{PdbBytes, PdbError};
use pdb::{Source, SourceSlice, SourceView};
use std::io::{Error, ErrorKind};
use std::ops::Range;

/// A whole PDB. The `pdb` crate requires owning views, so views share the map or the memory.
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
        Ok(if is_msfz(bytes.bytes()) { Self::Compressed(VirtualMsf::new(bytes)?) } else { Self::Plain(bytes) })
    }
}

#[derive(Debug)]
enum PageView {
    Borrowed(PdbBytes, Range<usize>),
    Joined(Vec<u8>),
}

impl SourceView<'_> for PageView {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Borrowed(file, range) => file.bytes().get(range.clone()).unwrap_or_default(),
            Self::Joined(bytes) => bytes,
        }
    }
}

impl<'s> Source<'s> for ByteSource {
    fn view(&mut self, slices: &[SourceSlice]) -> Result<Box<dyn SourceView<'s>>, Error> {
        let bytes = match self {
            Self::Plain(bytes) => bytes,
            Self::Compressed(file) => return unpacked(file, slices),
        };
        let file = bytes.bytes();
        // Each page belongs to one stream, once. A forged directory could otherwise request far more than the file has.
        let total = slices.iter().try_fold(0_usize, |sum, slice| sum.checked_add(slice.size));
        let total = total.filter(|total| *total <= file.len()).ok_or(ErrorKind::UnexpectedEof)?;
        let parts = slices.iter().map(|slice| range(file, slice)).collect::<Result<Vec<_>, _>>()?;
        if parts.windows(2).all(|pair| pair[0].end == pair[1].start) {
            let start = parts.first().map_or(0, |part| part.start);
            return Ok(Box::new(PageView::Borrowed(bytes.clone(), start..start + total)));
        }
        let mut joined = Vec::with_capacity(total);
        parts.into_iter().for_each(|part| joined.extend_from_slice(&file[part]));
        Ok(Box::new(PageView::Joined(joined)))
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
    Ok(Box::new(PageView::Joined(joined)))
}

/// Byte range of a slice, checked to be inside the file.
fn range(file: &[u8], slice: &SourceSlice) -> Result<Range<usize>, Error> {
    let start = usize::try_from(slice.offset).map_err(Error::other)?;
    let end = start.checked_add(slice.size).filter(|end| *end <= file.len());
    Ok(start..end.ok_or(ErrorKind::UnexpectedEof)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn slice(offset: u64, size: usize) -> SourceSlice {
        SourceSlice { offset, size }
    }

    #[test]
    fn consecutive_pages_are_borrowed_and_others_joined() {
        let bytes: Vec<u8> = (0..40).collect();
        let shared: Arc<[u8]> = bytes.clone().into();
        let mut source = ByteSource::Plain(PdbBytes::Memory(shared.clone()));
        let lent = source.view(&[slice(8, 8), slice(16, 3)]).unwrap();
        assert_eq!(lent.as_slice(), &bytes[8..19]);
        assert_eq!(lent.as_slice().as_ptr(), shared[8..].as_ptr());
        let joined = source.view(&[slice(32, 8), slice(0, 4)]).unwrap();
        assert_eq!(joined.as_slice(), [&bytes[32..40], &bytes[..4]].concat());
        assert!(source.view(&[]).unwrap().as_slice().is_empty());
    }

    #[test]
    fn oversized_requests_are_rejected() {
        let mut source = ByteSource::Plain(PdbBytes::Static(&[0; 40]));
        for bad in [vec![slice(36, 8)], vec![slice(u64::MAX, 1)], vec![slice(0, 32), slice(0, 32)]] {
            let error = source.view(&bad).expect_err("there are only 40 bytes");
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        }
    }
}
