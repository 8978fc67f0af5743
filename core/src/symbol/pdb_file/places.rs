//! Where addresses lie in a PDB's own terms: section and offset, before the image was rearranged. It must never take an
//! address into a section that it is not in.

use super::{Pdb, PdbError, damaged};
use crate::bytes::read::{u16_at, u32_at};
use pdb::{AddressMap, PdbInternalSectionOffset, Rva, StreamIndex};

/// The stream that says what the image is made of.
const DBI_STREAM: StreamIndex = StreamIndex(3);
const DBI_HEADER_BYTES: usize = 64;
/// Where images put their first section, and to what the sections of images are aligned.
const PAGE_BYTES: u32 = 0x1000;
/// In the section map: the entry stands for a section.
const IS_SECTION: u16 = 0x100;

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

/// From addresses of the image to places.
enum Layout<'s> {
    /// The PDB has the section headers, and OMAP tables where the image was rearranged.
    Headers(AddressMap<'s>),
    /// It has only the lengths of the sections: (start, length) of each.
    Lengths(Vec<(u32, u32)>),
}

/// The addresses that lie in some section, in the order of their places.
pub(super) fn places(pdb: &mut Pdb<'_>, rvas: &[u32]) -> Result<Vec<Wanted>, PdbError> {
    let layout = if pdb.sections().map_err(damaged)?.is_some() {
        Layout::Headers(pdb.address_map().map_err(damaged)?)
    } else {
        let stream = pdb.raw_stream(DBI_STREAM).map_err(damaged)?;
        Layout::Lengths(sections_from_map(stream.as_deref().unwrap_or_default()))
    };
    let wanted = rvas.iter().filter_map(|&rva| Some(Wanted { place: place(&layout, rva)?, rva }));
    let mut wanted: Vec<Wanted> = wanted.collect();
    wanted.sort_unstable_by_key(|wanted| (wanted.place, wanted.rva));
    Ok(wanted)
}

fn place(layout: &Layout<'_>, rva: u32) -> Option<Place> {
    match layout {
        Layout::Headers(map) => Rva(rva).to_internal_offset(map).map(Place::from),
        Layout::Lengths(sections) => {
            let inside = |(start, length): &(u32, u32)| rva.checked_sub(*start).is_some_and(|offset| offset < *length);
            let at = sections.iter().position(inside)?;
            Some(Place { section: u16::try_from(at + 1).ok()?, offset: rva - sections[at].0 })
        }
    }
}

/// Sections of an image whose PDB has no section headers, as those of .NET native images: from the section map, which only has
/// lengths. Each section starts at the first page behind the one before it, as the loader wants it. (Laid end to end without
/// that, as some readers do, names are wrong from the second section on.)
fn sections_from_map(dbi: &[u8]) -> Vec<(u32, u32)> {
    let map_start = || {
        let before = u32_at(dbi, 24)?.checked_add(u32_at(dbi, 28)?)?;
        DBI_HEADER_BYTES.checked_add(usize::try_from(before).ok()?)
    };
    let Some(map) = map_start().and_then(|start| dbi.get(start..)) else { return Vec::new() };
    let count = u16_at(map, 0).unwrap_or(0);
    let mut sections = Vec::new();
    let mut next = PAGE_BYTES;
    for entry in map.get(4..).unwrap_or_default().chunks_exact(20).take(usize::from(count)) {
        let (flags, number) = (u16_at(entry, 0).unwrap_or(0), u16_at(entry, 6).unwrap_or(0));
        let (offset, length) = (u32_at(entry, 12).unwrap_or(0), u32_at(entry, 16).unwrap_or(0));
        // What is more complicated than sections one after the other is not guessed at.
        let in_order = usize::from(number) == sections.len() + 1 && offset == 0 && flags & IS_SECTION != 0;
        let end = next.checked_add(length).and_then(|end| end.checked_next_multiple_of(PAGE_BYTES));
        let (true, Some(end)) = (in_order, end) else { break };
        sections.push((next, length));
        next = end;
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dbi(entries: &[(u16, u16, u32, u32)]) -> Vec<u8> {
        let mut bytes = vec![0; DBI_HEADER_BYTES];
        bytes[24] = 8;
        bytes[28] = 4;
        bytes.extend([0; 12]);
        bytes.extend([entries.len() as u8, 0, entries.len() as u8, 0]);
        for (flags, number, offset, length) in entries {
            bytes.extend(flags.to_le_bytes());
            bytes.extend([0; 4]);
            bytes.extend(number.to_le_bytes());
            bytes.extend([0xFF; 4]);
            bytes.extend(offset.to_le_bytes());
            bytes.extend(length.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn sections_of_the_map_start_at_pages() {
        let bytes = dbi(&[(0x10D, 1, 0, 0x26_9400), (0x10D, 2, 0, 0x4_9000), (0x10D, 3, 0, 0x10)]);
        assert_eq!(sections_from_map(&bytes), [(0x1000, 0x26_9400), (0x26_B000, 0x4_9000), (0x2B_4000, 0x10)]);
    }

    #[test]
    fn a_map_that_is_odd_or_cut_gives_the_sections_before() {
        let bytes = dbi(&[(0x10D, 1, 0, 0x400), (0x10D, 2, 64, 0x400), (0x10D, 3, 0, 0x400)]);
        assert_eq!(sections_from_map(&bytes), [(0x1000, 0x400)]);
        let group_before = dbi(&[(0x40D, 1, 0, 0x400), (0x10D, 2, 0, 0x400)]);
        assert_eq!(sections_from_map(&group_before), []);
        let huge = dbi(&[(0x10D, 1, 0, u32::MAX)]);
        assert_eq!(sections_from_map(&huge), []);
        for length in 0..bytes.len() {
            assert!(sections_from_map(&bytes[..length]).len() <= 1);
        }
    }
}
