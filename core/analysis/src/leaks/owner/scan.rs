//! Tags in the code of a driver: the four bytes as an instruction holds them. It counts, and never says whose they are.
//!
//! A tag is an argument of the allocation, a 32-bit number whose bytes in memory are the tag as tools show it. Compilers put it
//! into an instruction, or into a table; the same letters also stand in texts (`File` in `CreateFileW`), which are no use of
//! the tag. So a place counts if an instruction that takes such a number stands before it, or if it is a number of its own in
//! a table: at a multiple of four, with no letters beside it. Code for ARM64 splits the number over two instructions: there
//! only tables are found.

use rustc_hash::FxHashMap;

/// Bits of the filter that nearly all places in a file fail.
const FILTER_BITS: usize = 1 << 16;
/// The mark of a protected block in a tag, which the recorded tags do not have.
const PROTECTED: u32 = 0x8000_0000;

/// Tags to look for.
#[derive(Clone, Debug)]
pub struct TagSet {
    filter: Vec<u64>,
    index: FxHashMap<u32, u32>,
    tags: Vec<[u8; 4]>,
}

impl TagSet {
    /// A set of tags; those that consist of zeros or blanks alone are left out, since files are full of them.
    #[must_use]
    pub fn new(tags: impl IntoIterator<Item = [u8; 4]>) -> Self {
        let mut tags: Vec<[u8; 4]> =
            tags.into_iter().filter(|tag| !tag.iter().all(|b| matches!(b, 0 | b' '))).collect();
        tags.sort_unstable();
        tags.dedup();
        let mut set = Self { filter: vec![0; FILTER_BITS / 64], index: FxHashMap::default(), tags };
        for (at, tag) in set.tags.iter().enumerate() {
            let number = u32::from_le_bytes(*tag) & !PROTECTED;
            let bit = hash(number);
            if let Some(word) = set.filter.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
            set.index.insert(number, at as u32);
        }
        set
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }

    fn position(&self, number: u32) -> Option<usize> {
        let bit = hash(number);
        let word = self.filter.get(bit / 64).copied().unwrap_or(0);
        if word >> (bit % 64) & 1 == 0 {
            return None;
        }
        self.index.get(&number).map(|at| *at as usize)
    }
}

fn hash(number: u32) -> usize {
    (number.wrapping_mul(0x9e37_79b1) >> 16) as usize
}

/// The tags of a set that stand in a driver file, with how often, in the order of the tags.
#[must_use]
pub fn scan(file: &[u8], tags: &TagSet) -> super::TagPlaces {
    let mut counts = vec![0_u64; tags.tags.len()];
    let mut number = 0_u32;
    for (end, byte) in file.iter().enumerate() {
        number = number >> 8 | u32::from(*byte) << 24;
        let Some(start) = end.checked_sub(3) else { continue };
        if let Some(at) = tags.position(number & !PROTECTED)
            && is_number(file, start)
            && let Some(count) = counts.get_mut(at)
        {
            *count += 1;
        }
    }
    tags.tags.iter().copied().zip(counts).filter(|row| row.1 > 0).collect()
}

/// Whether the four bytes from `start` on are a number of the program rather than part of a text.
fn is_number(file: &[u8], start: usize) -> bool {
    let back = |bytes: usize| start.checked_sub(bytes).and_then(|at| file.get(at)).copied();
    let is_text = |byte: Option<u8>| byte.is_some_and(|b| (0x20..0x7f).contains(&b));
    let after = file.get(start + 4).copied();
    // mov r32, imm32 (with a prefix for the upper eight registers): how the tag becomes an argument on 64-bit systems.
    let is_moved = back(1).is_some_and(|op| (0xb8..=0xbf).contains(&op));
    // mov [register + displacement], imm32, with the displacement in none, one or four bytes and perhaps a scaled index.
    let is_stored = (2..=7).any(|bytes| back(bytes) == Some(0xc7));
    // push imm32: how it becomes an argument on 32-bit systems. The operation is the letter h, as in "hFile".
    let is_pushed = back(1) == Some(0x68) && !(is_text(back(2)) && is_text(after));
    let is_alone = start.is_multiple_of(4) && !is_text(back(1)) && !is_text(after);
    is_moved || is_stored || is_pushed || is_alone
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(file: &[u8]) -> Vec<(&'static str, u64)> {
        let tags = TagSet::new([*b"Leak", *b"File", *b"Abc ", *b"    ", [0; 4]]);
        assert_eq!(tags.tags.len(), 3);
        let name = |tag: [u8; 4]| match &tag {
            b"Leak" => "Leak",
            b"File" => "File",
            _ => "Abc ",
        };
        scan(file, &tags).into_iter().map(|(tag, count)| (name(tag), count)).collect()
    }

    #[test]
    fn tags_in_instructions_are_found_with_and_without_the_protected_bit() {
        let code: &[&[u8]] = &[
            b"\x90\x41\xb8Leak\xff\x15",     // mov r8d, tag; call
            b"\xbaLea\xeb\x33\xc9",          // mov edx, tag of a protected block
            b"\x68Abc \x50\x6a\x01",         // push tag; push eax
            b"\xc7\x44\x24\x20Leak\x48\x8b", // mov [rsp+20h], tag
            b"\xc7\x45\xf8Leak\x48\x8b",     // mov [rbp-8], tag
        ];
        assert_eq!(counts(&code.concat()), [("Abc ", 1), ("Leak", 4)]);
    }

    #[test]
    fn letters_in_texts_are_no_tags() {
        assert_eq!(counts(b"ZwCreateFile\0GetFileSize\0 hFileMapping\0MemoryLeakList\0"), []);
        // A table of numbers, but only where a number can stand.
        assert_eq!(counts(b"\0\0\0\0Leak\0\0\0\0"), [("Leak", 1)]);
        assert_eq!(counts(b"\0\0\0\0\0Leak\0\0\0"), []);
        assert_eq!(counts(b"F\0i\0l\0e\0"), []);
    }

    #[test]
    fn tags_at_the_edges_of_a_file_and_files_too_short() {
        assert_eq!(counts(b"Leak"), [("Leak", 1)]);
        assert_eq!(counts(b"\xb8Lea"), []);
        assert_eq!(counts(b""), []);
        assert_eq!(counts(b"\x90\x90\xb8\x90\x90\x90\xb8Leak"), [("Leak", 1)]);
        assert!(scan(b"\xb8Leak", &TagSet::new([])).is_empty() && TagSet::new([[0; 4]]).is_empty());
    }

    #[test]
    fn what_is_found_is_what_a_plain_search_finds() {
        let mut dice = crate::group::testkit::Dice(9);
        // Few different bytes, so that tags come up by chance.
        let file: Vec<u8> = (0..200_000).map(|_| b"Leak\xb8\xc7\x00\x68"[dice.roll(8) as usize]).collect();
        let tags = [*b"Leak", *b"kael", *b"aeLk", *b"eeee"];
        let found = scan(&file, &TagSet::new(tags));
        let plain = |tag: &[u8; 4]| {
            (0..file.len() - 3).filter(|at| file[*at..*at + 4] == *tag && is_number(&file, *at)).count()
        };
        for tag in tags {
            let count = found.iter().find(|row| row.0 == tag).map_or(0, |row| row.1);
            assert_eq!(count, plain(&tag) as u64);
        }
        assert!(found.iter().any(|row| row.1 > 3));
    }
}
