//! Where addresses lie in a PDB's own terms: section and offset, before the image was rearranged. It must never take an
//! address into a section that it is not in.

use super::layout::Layout;
use super::{Pdb, PdbError};
use pdb::PdbInternalSectionOffset;

/// A place in the PDB's terms: section number, from 1, and offset in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Place {
    pub(super) section: u16,
    pub(super) offset: u32,
}

impl From<PdbInternalSectionOffset> for Place {
    fn from(place: PdbInternalSectionOffset) -> Self {
        Self { section: place.section, offset: place.offset }
    }
}

/// An address that is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) place: Place,
    /// As asked, relative to the image.
    pub(super) rva: u32,
}

/// The addresses that lie in some section, in the order of their places.
pub(super) fn places(pdb: &mut Pdb<'_>, rvas: &[u32]) -> Result<Vec<Wanted>, PdbError> {
    let layout = Layout::read(pdb)?;
    let place = |rva: u32| layout.place(rva).map(|(section, offset)| Place { section, offset });
    let mut wanted: Vec<Wanted> = rvas.iter().filter_map(|&rva| Some(Wanted { place: place(rva)?, rva })).collect();
    wanted.sort_unstable_by_key(|wanted| (wanted.place, wanted.rva));
    Ok(wanted)
}
