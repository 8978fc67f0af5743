//! From relative virtual addresses of the loaded image to section and offset in the PDB: section headers and OMAP tables.
//!
//! They are read here because the `pdb` crate returns no sections for PDBs without section headers, and ignores OMAP where the
//! original section headers are missing, which yields wrong names. Sections that the file does not describe are not guessed.

use super::{Pdb, PdbError, damaged};
use pdb::{PdbInternalSectionOffset, StreamIndex};
use poolscope_base::bytes::{u16_at, u32_at};

/// Section number, from 1, and offset in the section, as PDB records give addresses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct SectionOffset {
    pub(super) section: u16,
    pub(super) offset: u32,
}

impl From<PdbInternalSectionOffset> for SectionOffset {
    fn from(place: PdbInternalSectionOffset) -> Self {
        Self { section: place.section, offset: place.offset }
    }
}

/// A requested address.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestedAddress {
    pub(super) position: SectionOffset,
    /// Relative virtual address as requested.
    pub(super) rva: u32,
}

/// Converts the addresses that lie in a section, sorted by section and offset.
pub(super) fn locate_addresses(pdb: &mut Pdb<'_>, rvas: &[u32]) -> Result<Vec<RequestedAddress>, PdbError> {
    let layout = SectionLayout::read(pdb)?;
    let place = |rva: u32| layout.section_offset(rva).map(|(section, offset)| SectionOffset { section, offset });
    let mut wanted: Vec<RequestedAddress> =
        rvas.iter().filter_map(|&rva| Some(RequestedAddress { position: place(rva)?, rva })).collect();
    wanted.sort_unstable_by_key(|wanted| (wanted.position, wanted.rva));
    Ok(wanted)
}

/// The DBI stream and the size of its header.
const DBI_STREAM: StreamIndex = StreamIndex(3);
const DBI_HEADER_BYTES: usize = 64;
/// Header offsets of the sizes of the substreams after it: module info, section contributions, section map, source info,
/// type server map, edit-and-continue info.
const PART_SIZES: [usize; 6] = [24, 28, 32, 36, 40, 52];
/// Indexes in the optional debug header: OMAP from image to source, section headers, original section headers.
const OMAP_TO_SOURCE: usize = 3;
const SECTION_HEADERS: usize = 5;
const ORIGINAL_HEADERS: usize = 10;
const NO_STREAM: u16 = 0xFFFF;
/// Address of the first section, and alignment of sections.
const PAGE_BYTES: u32 = 0x1000;
/// Flag in the section map: the entry describes a section.
const IS_SECTION: u16 = 0x100;
/// OMAP targets from here on, and zero, mean code that was inserted after linking.
const INSERTED: u32 = 0x8000_0000;

/// Sections of the image as linked, and the OMAP table.
#[derive(Debug, Default)]
pub(super) struct SectionLayout {
    /// Start RVA and length of each section, in the image as linked.
    sections: Vec<(u32, u32)>,
    /// OMAP entries: RVA in the final image, RVA in the image as linked. Empty if the image was not rearranged.
    omap: Vec<(u32, u32)>,
}

impl SectionLayout {
    pub(super) fn read(pdb: &mut Pdb<'_>) -> Result<Self, PdbError> {
        let Some(dbi) = pdb.raw_stream(DBI_STREAM).map_err(damaged)? else { return Ok(Self::default()) };
        let mut further = |which: usize| -> Result<Vec<u8>, PdbError> {
            let Some(index) = optional_stream(&dbi, which) else { return Ok(Vec::new()) };
            let stream = pdb.raw_stream(StreamIndex(index)).map_err(damaged)?;
            Ok(stream.as_deref().unwrap_or_default().to_vec())
        };
        let moved = parse_omap(&further(OMAP_TO_SOURCE)?);
        let mut sections = sections_from_headers(&further(ORIGINAL_HEADERS)?);
        if sections.is_empty() {
            sections = sections_from_headers(&further(SECTION_HEADERS)?);
        }
        if sections.is_empty() {
            sections = sections_from_map(&dbi);
        }
        Ok(Self { sections, omap: moved })
    }

    /// Section number, from 1, and offset of an address.
    pub(super) fn section_offset(&self, rva: u32) -> Option<(u16, u32)> {
        let linked = self.linked_rva(rva)?;
        let inside = |(start, length): &(u32, u32)| linked.checked_sub(*start).is_some_and(|offset| offset < *length);
        let at = self.sections.iter().position(inside)?;
        Some((u16::try_from(at + 1).ok()?, linked - self.sections[at].0))
    }

    /// The address in the image as linked. Inserted code maps to the position where it was inserted.
    fn linked_rva(&self, rva: u32) -> Option<u32> {
        if self.omap.is_empty() {
            return Some(rva);
        }
        let behind = self.omap.partition_point(|(start, _)| *start <= rva);
        let (start, target) = *self.omap.get(behind.checked_sub(1)?)?;
        if !is_inserted(target) {
            return target.checked_add(rva - start);
        }
        let before = self.omap[..behind].iter().rposition(|(_, target)| !is_inserted(*target))?;
        let (kept, target) = self.omap[before];
        target.checked_add(self.omap[before + 1].0 - kept)
    }
}

fn is_inserted(target: u32) -> bool {
    target == 0 || target >= INSERTED
}

/// Stream number at an index of the optional debug header.
fn optional_stream(dbi: &[u8], which: usize) -> Option<u16> {
    let mut start = DBI_HEADER_BYTES;
    for size in PART_SIZES {
        start = start.checked_add(usize::try_from(u32_at(dbi, size)?).ok()?)?;
    }
    let list = dbi.get(start..)?;
    let list = list.get(..usize::try_from(u32_at(dbi, 48)?).ok()?).unwrap_or(list);
    u16_at(list, which * 2).filter(|index| *index != NO_STREAM)
}

fn parse_omap(omap: &[u8]) -> Vec<(u32, u32)> {
    let entry = |bytes: &[u8]| Some((u32_at(bytes, 0)?, u32_at(bytes, 4)?));
    let mut moved: Vec<(u32, u32)> = omap.chunks_exact(8).filter_map(entry).collect();
    moved.sort_by_key(|(start, _)| *start);
    moved
}

fn sections_from_headers(headers: &[u8]) -> Vec<(u32, u32)> {
    let section = |header: &[u8]| Some((u32_at(header, 12)?, u32_at(header, 8)?.max(u32_at(header, 16)?)));
    headers.chunks_exact(40).filter_map(section).collect()
}

/// Sections from the section map, for PDBs without section headers, as those of .NET native images. The map has lengths only:
/// each section starts at the first page after the one before. (Readers that place sections without this alignment give
/// wrong names from the second section on.)
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
        // Only consecutive sections are supported.
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
    fn section_map_entries_start_at_pages() {
        let bytes = dbi(&[(0x10D, 1, 0, 0x26_9400), (0x10D, 2, 0, 0x4_9000), (0x10D, 3, 0, 0x10)]);
        assert_eq!(sections_from_map(&bytes), [(0x1000, 0x26_9400), (0x26_B000, 0x4_9000), (0x2B_4000, 0x10)]);
    }

    #[test]
    fn omap_restores_linked_addresses() {
        let moved = vec![(0x1000, 0x1000), (0x106A, 0x1070), (0x1074, INSERTED), (0x107E, 0x107A), (0x2000, 0)];
        let layout = SectionLayout { sections: vec![(0x1000, 0x2000), (0x4000, 0x100)], omap: moved };
        assert_eq!(layout.section_offset(0xFFF), None);
        assert_eq!(layout.section_offset(0x1069), Some((1, 0x69)));
        assert_eq!(layout.section_offset(0x106A), Some((1, 0x70)));
        assert_eq!(layout.section_offset(0x1074), Some((1, 0x7A)));
        assert_eq!(layout.section_offset(0x107D), Some((1, 0x7A)));
        assert_eq!(layout.section_offset(0x107E), Some((1, 0x7A)));
        assert_eq!(layout.section_offset(0x107F), Some((1, 0x7B)));
        assert_eq!(layout.section_offset(u32::MAX), Some((1, 0xFFC)));
        let plain = SectionLayout { sections: layout.sections, omap: Vec::new() };
        assert_eq!((plain.section_offset(0x3000), plain.section_offset(0x40FF)), (None, Some((2, 0xFF))));
    }

    #[test]
    fn irregular_section_maps_give_the_leading_sections() {
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
