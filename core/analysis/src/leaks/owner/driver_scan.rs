//! Scan of a driver file for tags: counts the places where the four bytes of a tag are an operand or a table entry.
//!
//! A tag is an argument of the allocation function, a 32-bit number whose bytes in memory are the tag as tools show it. Compilers put
//! it into an instruction or a table. The same letters also occur in texts (`File` in `CreateFileW`), where they are no tag. A
//! place therefore counts if an instruction with a 32-bit operand precedes it, or if it is a separate number in a table: at a
//! multiple of four, without letters next to it. ARM64 code splits the number over two instructions, so that only tables are found
//! there.

use rustc_hash::FxHashMap;

/// Bits of the filter that rejects nearly all places in a file.
const FILTER_BITS: usize = 1 << 16;
/// The bit of a protected allocation (PROTECTED_POOL) in a tag, which recorded tags do not have.
const PROTECTED_BIT: u32 = 0x8000_0000;

/// Tags to look for.
#[derive(Clone, Debug)]
pub struct TagSet {
    filter: Vec<u64>,
    index: FxHashMap<u32, u32>,
    tags: Vec<[u8; 4]>,
}

impl TagSet {
    /// Creates a set of tags, without those of only zeros or blanks, which occur everywhere in files.
    #[must_use]
    pub fn new(tags: impl IntoIterator<Item = [u8; 4]>) -> Self {
        let mut tags: Vec<[u8; 4]> =
            tags.into_iter().filter(|tag| !tag.iter().all(|b| matches!(b, 0 | b' '))).collect();
        tags.sort_unstable();
        tags.dedup();
        let mut set = Self { filter: vec![0; FILTER_BITS / 64], index: FxHashMap::default(), tags };
        for (at, tag) in set.tags.iter().enumerate() {
            let number = u32::from_le_bytes(*tag) & !PROTECTED_BIT;
            let bit = hash(number);
            if let Some(word) = set.filter.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
            set.index.insert(number, at as u32);
        }
        set
    }

    /// Returns `true` if there are no tags to look for.
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

/// The tags of a set that a driver file contains, with the number of occurrences, in the order of the tags.
#[must_use]
pub fn scan_driver(file: &[u8], tags: &TagSet) -> super::TagOccurrences {
    let mut counts = vec![0_u64; tags.tags.len()];
    let mut number = 0_u32;
    for (end, byte) in file.iter().enumerate() {
        number = number >> 8 | u32::from(*byte) << 24;
        let Some(start) = end.checked_sub(3) else { continue };
        if let Some(at) = tags.position(number & !PROTECTED_BIT)
            && is_tag_operand(file, start)
            && let Some(count) = counts.get_mut(at)
        {
            *count += 1;
        }
    }
    tags.tags.iter().copied().zip(counts).filter(|row| row.1 > 0).collect()
}

/// Returns `true` if the four bytes at `start` are an operand or a table entry rather than part of a text.
fn is_tag_operand(file: &[u8], start: usize) -> bool {
    let back = |bytes: usize| start.checked_sub(bytes).and_then(|at| file.get(at)).copied();
    let is_text = |byte: Option<u8>| byte.is_some_and(|b| (0x20..0x7f).contains(&b));
    let after = file.get(start + 4).copied();
    // mov r32, imm32 (with a prefix for the upper eight registers): passes the tag as an argument on 64-bit systems.
    let is_moved = back(1).is_some_and(|op| (0xb8..=0xbf).contains(&op));
    // mov [register + displacement], imm32, with a displacement of zero, one or four bytes and optionally a scaled index.
    let is_stored = (2..=7).any(|bytes| back(bytes) == Some(0xc7));
    // push imm32: passes the tag as an argument on 32-bit systems. The opcode is the letter h, as in "hFile".
    let is_pushed = back(1) == Some(0x68) && !(is_text(back(2)) && is_text(after));
    let is_table_entry = start.is_multiple_of(4) && !is_text(back(1)) && !is_text(after);
    is_moved || is_stored || is_pushed || is_table_entry
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
        scan_driver(file, &tags).into_iter().map(|(tag, count)| (name(tag), count)).collect()
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
    fn letters_in_texts_are_not_tags() {
        assert_eq!(counts(b"ZwCreateFile\0GetFileSize\0 hFileMapping\0MemoryLeakList\0"), []);
        // In a table, only where numbers are aligned.
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
        assert!(scan_driver(b"\xb8Leak", &TagSet::new([])).is_empty() && TagSet::new([[0; 4]]).is_empty());
    }

    #[test]
    fn the_filter_finds_what_a_plain_search_finds() {
        let mut dice = crate::group::test_util::Rng(9);
        // Few different bytes, so that tags occur by chance.
        let file: Vec<u8> = (0..200_000).map(|_| b"Leak\xb8\xc7\x00\x68"[dice.roll(8) as usize]).collect();
        let tags = [*b"Leak", *b"kael", *b"aeLk", *b"eeee"];
        let found = scan_driver(&file, &TagSet::new(tags));
        let plain = |tag: &[u8; 4]| {
            (0..file.len() - 3).filter(|at| file[*at..*at + 4] == *tag && is_tag_operand(&file, *at)).count()
        };
        for tag in tags {
            let count = found.iter().find(|row| row.0 == tag).map_or(0, |row| row.1);
            assert_eq!(count, plain(&tag) as u64);
        }
        assert!(found.iter().any(|row| row.1 > 3));
    }
}
