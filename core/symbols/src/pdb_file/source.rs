//! Hands the `pdb` crate the bytes of a file: pages that lie one after the other are lent, not copied. It must never give
//! more bytes than the file has.

use super::PdbBytes;
use pdb::{Source, SourceSlice, SourceView};
use std::io::{Error, ErrorKind};
use std::ops::Range;

/// A whole PDB. The crate wants views that own what they show, so that they share the map or the memory.
#[derive(Debug)]
pub(super) struct ByteSource(pub(super) PdbBytes);

#[derive(Debug)]
enum View {
    Lent(PdbBytes, Range<usize>),
    Joined(Vec<u8>),
}

impl SourceView<'_> for View {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Lent(file, range) => file.bytes().get(range.clone()).unwrap_or_default(),
            Self::Joined(bytes) => bytes,
        }
    }
}

impl<'s> Source<'s> for ByteSource {
    fn view(&mut self, slices: &[SourceSlice]) -> Result<Box<dyn SourceView<'s>>, Error> {
        let file = self.0.bytes();
        // Each page belongs to one stream, once. A directory that says otherwise could ask for far more than the file has.
        let total = slices.iter().try_fold(0_usize, |sum, slice| sum.checked_add(slice.size));
        let total = total.filter(|total| *total <= file.len()).ok_or(ErrorKind::UnexpectedEof)?;
        let parts = slices.iter().map(|slice| range(file, slice)).collect::<Result<Vec<_>, _>>()?;
        if parts.windows(2).all(|pair| pair[0].end == pair[1].start) {
            let start = parts.first().map_or(0, |part| part.start);
            return Ok(Box::new(View::Lent(self.0.clone(), start..start + total)));
        }
        let mut joined = Vec::with_capacity(total);
        parts.into_iter().for_each(|part| joined.extend_from_slice(&file[part]));
        Ok(Box::new(View::Joined(joined)))
    }
}

/// The bytes of a slice, all of them in the file.
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
    fn pages_in_a_row_are_lent_and_others_are_joined() {
        let bytes: Vec<u8> = (0..40).collect();
        let shared: Arc<[u8]> = bytes.clone().into();
        let mut source = ByteSource(PdbBytes::Memory(shared.clone()));
        let lent = source.view(&[slice(8, 8), slice(16, 3)]).unwrap();
        assert_eq!(lent.as_slice(), &bytes[8..19]);
        assert_eq!(lent.as_slice().as_ptr(), shared[8..].as_ptr());
        let joined = source.view(&[slice(32, 8), slice(0, 4)]).unwrap();
        assert_eq!(joined.as_slice(), [&bytes[32..40], &bytes[..4]].concat());
        assert!(source.view(&[]).unwrap().as_slice().is_empty());
    }

    #[test]
    fn nothing_is_read_behind_the_end_or_twice_over() {
        let mut source = ByteSource(PdbBytes::Static(&[0; 40]));
        for bad in [vec![slice(36, 8)], vec![slice(u64::MAX, 1)], vec![slice(0, 32), slice(0, 32)]] {
            let error = source.view(&bad).expect_err("there are only 40 bytes");
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        }
    }
}
