//! The image's sections as the linker made them, and how the image was rearranged after that (OMAP). Read here and not by the
//! `pdb` crate, which gives no sections where there are no section headers, and leaves a rearrangement out where the headers from before
//! it are missing: names are wrong then. It must never guess a section that the file does not bear out.

use super::{Pdb, PdbError, damaged};
use poolscope_base::bytes::read::{u16_at, u32_at};
use pdb::StreamIndex;

/// The stream that says what the image is made of, and the size of its header.
const DBI_STREAM: StreamIndex = StreamIndex(3);
const DBI_HEADER_BYTES: usize = 64;
/// Where in the header the sizes of the parts behind it stand: compilands, contributions, section map, files, type servers, and
/// names for "edit and continue".
const PART_SIZES: [usize; 6] = [24, 28, 32, 36, 40, 52];
/// In the list of further streams: OMAP from image to PDB, section headers, section headers before the image was rearranged.
const OMAP_TO_SOURCE: usize = 3;
const SECTION_HEADERS: usize = 5;
const ORIGINAL_HEADERS: usize = 10;
const NO_STREAM: u16 = 0xFFFF;
/// Where images put their first section, and to what the sections of images are aligned.
const PAGE_BYTES: u32 = 0x1000;
/// In the section map: the entry stands for a section.
const IS_SECTION: u16 = 0x100;
/// In OMAP: code that was not there before. Also zero means that.
const INSERTED: u32 = 0x8000_0000;

/// From addresses of the image to sections of the PDB.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Start and length of each, relative to the image as linked.
    sections: Vec<(u32, u32)>,
    /// From where on addresses of the image mean which ones of the image as linked; empty if it was not rearranged.
    moved: Vec<(u32, u32)>,
}

impl Layout {
    pub(super) fn read(pdb: &mut Pdb<'_>) -> Result<Self, PdbError> {
        let Some(dbi) = pdb.raw_stream(DBI_STREAM).map_err(damaged)? else { return Ok(Self::default()) };
        let mut further = |which: usize| -> Result<Vec<u8>, PdbError> {
            let Some(index) = further_stream(&dbi, which) else { return Ok(Vec::new()) };
            let stream = pdb.raw_stream(StreamIndex(index)).map_err(damaged)?;
            Ok(stream.as_deref().unwrap_or_default().to_vec())
        };
        let moved = moved(&further(OMAP_TO_SOURCE)?);
        let mut sections = sections_from_headers(&further(ORIGINAL_HEADERS)?);
        if sections.is_empty() {
            sections = sections_from_headers(&further(SECTION_HEADERS)?);
        }
        if sections.is_empty() {
            sections = sections_from_map(&dbi);
        }
        Ok(Self { sections, moved })
    }

    /// Section number, from 1, and offset in it.
    pub(super) fn place(&self, rva: u32) -> Option<(u16, u32)> {
        let linked = self.linked(rva)?;
        let inside = |(start, length): &(u32, u32)| linked.checked_sub(*start).is_some_and(|offset| offset < *length);
        let at = self.sections.iter().position(inside)?;
        Some((u16::try_from(at + 1).ok()?, linked - self.sections[at].0))
    }

    /// The address before the image was rearranged. Code that was put in counts as the place where it was put in.
    fn linked(&self, rva: u32) -> Option<u32> {
        if self.moved.is_empty() {
            return Some(rva);
        }
        let behind = self.moved.partition_point(|(start, _)| *start <= rva);
        let (start, target) = *self.moved.get(behind.checked_sub(1)?)?;
        if !is_inserted(target) {
            return target.checked_add(rva - start);
        }
        let before = self.moved[..behind].iter().rposition(|(_, target)| !is_inserted(*target))?;
        let (kept, target) = self.moved[before];
        target.checked_add(self.moved[before + 1].0 - kept)
    }
}

fn is_inserted(target: u32) -> bool {
    target == 0 || target >= INSERTED
}

/// Number of the stream of that kind.
fn further_stream(dbi: &[u8], which: usize) -> Option<u16> {
    let mut start = DBI_HEADER_BYTES;
    for size in PART_SIZES {
        start = start.checked_add(usize::try_from(u32_at(dbi, size)?).ok()?)?;
    }
    let list = dbi.get(start..)?;
    let list = list.get(..usize::try_from(u32_at(dbi, 48)?).ok()?).unwrap_or(list);
    u16_at(list, which * 2).filter(|index| *index != NO_STREAM)
}

fn moved(omap: &[u8]) -> Vec<(u32, u32)> {
    let entry = |bytes: &[u8]| Some((u32_at(bytes, 0)?, u32_at(bytes, 4)?));
    let mut moved: Vec<(u32, u32)> = omap.chunks_exact(8).filter_map(entry).collect();
    moved.sort_by_key(|(start, _)| *start);
    moved
}

fn sections_from_headers(headers: &[u8]) -> Vec<(u32, u32)> {
    let section = |header: &[u8]| Some((u32_at(header, 12)?, u32_at(header, 8)?.max(u32_at(header, 16)?)));
    headers.chunks_exact(40).filter_map(section).collect()
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
    fn rearranged_code_is_found_where_it_was() {
        let moved = vec![(0x1000, 0x1000), (0x106A, 0x1070), (0x1074, INSERTED), (0x107E, 0x107A), (0x2000, 0)];
        let layout = Layout { sections: vec![(0x1000, 0x2000), (0x4000, 0x100)], moved };
        assert_eq!(layout.place(0xFFF), None);
        assert_eq!(layout.place(0x1069), Some((1, 0x69)));
        assert_eq!(layout.place(0x106A), Some((1, 0x70)));
        assert_eq!(layout.place(0x1074), Some((1, 0x7A)));
        assert_eq!(layout.place(0x107D), Some((1, 0x7A)));
        assert_eq!(layout.place(0x107E), Some((1, 0x7A)));
        assert_eq!(layout.place(0x107F), Some((1, 0x7B)));
        assert_eq!(layout.place(u32::MAX), Some((1, 0xFFC)));
        let plain = Layout { sections: layout.sections, moved: Vec::new() };
        assert_eq!((plain.place(0x3000), plain.place(0x40FF)), (None, Some((2, 0xFF))));
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
