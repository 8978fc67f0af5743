//! WPA's symbol cache: `.symcache` files of version 3.1, which WPA makes from PDBs. The format is not documented; the layout below
//! was read from two files that WPA wrote, and explains every byte range of them. What else may occur in such files is not known.
//!
//! Header of 48 bytes: signature, version (3 and 1 as 16-bit numbers), at 0x10 the GUID and at 0x20 the age of the PDB. Then
//! sections to the end of the file, each from a multiple of 8: a GUID that says what it holds, size and number of its elements as
//! 32-bit numbers, the elements. Two sections are used: functions (36 bytes each: RVA at 0, offset of the name at 4, length at
//! 0x1c), ascending by RVA, and texts, which end with a zero.

use super::PdbError;
use crate::identity::PdbIdentity;
use crate::names::{AddressSymbol, ModuleNames, NameSource};
use crate::undecorate::undecorate;
use poolscope_base::bytes::{u16_at, u32_at};
use poolscope_base::guid::Guid;
use std::sync::Arc;

const SIGNATURE: [u8; 4] = [0x04, 0x77, 0x49, 0x45];
const VERSION: (u16, u16) = (3, 1);
/// Offset of the first section.
const FIRST_SECTION: usize = 0x30;
/// Bytes of a section's header.
const SECTION_HEADER_BYTES: usize = 24;
/// Bytes of a function.
const FUNCTION_BYTES: usize = 36;
/// Upper bound on the length of a name in bytes.
const MAX_NAME_BYTES: usize = 4096;
/// Section of functions.
const FUNCTIONS: Guid = Guid::from_parts(0xb03a_f71a, 0x64ec, 0x4fc4, 0x8e28_93ac_2d57_4b82);
/// Section of texts.
const TEXTS: Guid = Guid::from_parts(0x030e_338b, 0x54ec, 0x4f9a, 0xb155_ccd9_202a_489e);
/// Names that stand for anything without one.
const NO_NAMES: [&str; 2] = ["?", "__Data__"];

/// Returns `true` if bytes start with the signature.
pub(super) fn is_symcache(bytes: &[u8]) -> bool {
    bytes.starts_with(&SIGNATURE)
}

fn damaged(problem: &str) -> PdbError {
    PdbError::Format(format!("symbol cache of WPA: {problem}"))
}

/// Reads GUID and age of the PDB that the file was made from.
pub(super) fn read_identity(data: &[u8], file_name: &str) -> Result<PdbIdentity, PdbError> {
    let cut = || damaged("the header is cut off");
    let version = u16_at(data, 4).zip(u16_at(data, 6)).ok_or_else(cut)?;
    if version != VERSION {
        return Err(damaged(&format!("version {}.{} is not known, only 3.1 is", version.0, version.1)));
    }
    let guid: [u8; 16] = data.get(0x10..0x20).and_then(|guid| guid.try_into().ok()).ok_or_else(cut)?;
    Ok(PdbIdentity::new(file_name, Guid(guid), u32_at(data, 0x20).ok_or_else(cut)?))
}

/// Resolves addresses. `rvas`: ascending.
pub(super) fn resolve_names(data: &[u8], rvas: &[u32]) -> Result<ModuleNames, PdbError> {
    read_identity(data, "")?;
    let (size, functions) = section(data, FUNCTIONS).ok_or_else(|| damaged("it holds no functions"))?;
    if size != FUNCTION_BYTES {
        return Err(damaged(&format!("its functions take {size} bytes each instead of {FUNCTION_BYTES}")));
    }
    let (_, texts) = section(data, TEXTS).ok_or_else(|| damaged("it holds no names"))?;
    let field = |index: usize, at: usize| u32_at(functions, index * FUNCTION_BYTES + at).unwrap_or(0);
    let mut order: Vec<usize> = (0..functions.len() / FUNCTION_BYTES).collect();
    order.sort_by_key(|&index| field(index, 0));
    let answer = |rva: u32| {
        let behind = order.partition_point(|&index| field(index, 0) <= rva);
        let index = *order.get(behind.checked_sub(1)?)?;
        let (start, name, length) = (field(index, 0), field(index, 4), field(index, 0x1c));
        // Functions without a length reach to the next one.
        if length > 0 && rva - start >= length {
            return None;
        }
        let name = text(texts, name).filter(|name| !NO_NAMES.contains(&name.as_str()))?;
        let function: Arc<str> = undecorate(&name, false).into();
        let offset_bytes = rva - start;
        Some(AddressSymbol { function, offset_bytes, source: NameSource::Public, line: None, inlined: Vec::new() })
    };
    Ok(ModuleNames::new(rvas.iter().map(|&rva| (rva, answer(rva))).collect()))
}

/// Size of an element and the bytes of a section.
fn section(data: &[u8], wanted: Guid) -> Option<(usize, &[u8])> {
    let mut at = FIRST_SECTION;
    loop {
        let guid: [u8; 16] = data.get(at..at + 16)?.try_into().ok()?;
        let (size, count) = (u32_at(data, at + 16)? as usize, u32_at(data, at + 20)? as usize);
        let start = at + SECTION_HEADER_BYTES;
        let end = size.checked_mul(count).and_then(|bytes| bytes.checked_add(start))?;
        if Guid(guid) == wanted {
            return Some((size, data.get(start..end)?));
        }
        at = end.checked_next_multiple_of(8)?;
    }
}

/// The text at an offset.
fn text(texts: &[u8], offset: u32) -> Option<String> {
    let rest = texts.get(offset as usize..)?;
    let end = rest.iter().take(MAX_NAME_BYTES).position(|&byte| byte == 0)?;
    let name = String::from_utf8_lossy(&rest[..end]).into_owned();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file written by hand after the layout above, not by WPA.
    fn made_by_hand() -> Vec<u8> {
        let mut data = Vec::new();
        data.extend_from_slice(&SIGNATURE);
        data.extend_from_slice(&[3, 0, 1, 0]);
        data.resize(0x10, 0);
        data.extend_from_slice(&[7; 16]);
        data.extend_from_slice(&2_u32.to_le_bytes());
        data.resize(FIRST_SECTION, 0);
        let mut section = |guid: Guid, size: usize, elements: &[u8]| {
            data.resize(data.len().next_multiple_of(8), 0);
            data.extend_from_slice(&guid.0);
            data.extend_from_slice(&(size as u32).to_le_bytes());
            data.extend_from_slice(&((elements.len() / size) as u32).to_le_bytes());
            data.extend_from_slice(elements);
        };
        let function = |rva: u32, name: u32, length: u32| {
            let words = [rva, name, 0, 0, 0, 0, 0, length, 0];
            words.into_iter().flat_map(u32::to_le_bytes).collect::<Vec<u8>>()
        };
        let functions = [
            function(0, 0, 0),
            function(0x1000, 2, 0x10),
            function(0x1020, 7, 8),
            function(0x1040, 26, 0),
            function(0x2000, 17, 0),
        ];
        section(FUNCTIONS, FUNCTION_BYTES, &functions.concat());
        // Unknown sections lie between the known ones.
        section(Guid([9; 16]), 4, &[1, 2, 3, 4]);
        let texts = b"?\0Main\0?f@@YAXXZ\0__Data__\0Last\0";
        section(TEXTS, texts.len(), texts);
        data
    }

    fn names(data: &[u8], rvas: &[u32]) -> Vec<Option<String>> {
        let names = resolve_names(data, rvas).expect("readable");
        let shown = |symbol: &AddressSymbol| format!("{}+{:#x}", symbol.function, symbol.offset_bytes);
        rvas.iter().map(|rva| names.get(*rva).map(shown)).collect()
    }

    #[test]
    fn addresses_get_the_function_that_covers_them() {
        let data = made_by_hand();
        let identity = read_identity(&data, "a.pdb").expect("readable");
        assert_eq!((identity.guid, identity.age), (Guid([7; 16]), 2));
        let found = names(&data, &[0x500, 0x1000, 0x100f, 0x1010, 0x1022, 0x1500, 0x2000]);
        let expected = [None, Some("Main+0x0"), Some("Main+0xf"), None, Some("f+0x2"), Some("Last+0x4c0"), None];
        assert_eq!(found, expected.map(|name| name.map(str::to_owned)));
    }

    #[test]
    fn damage_is_an_error_or_a_missing_name() {
        let whole = made_by_hand();
        for cut in 0..whole.len() {
            drop(resolve_names(&whole[..cut], &[0x1000]));
        }
        for at in 0..whole.len() {
            for value in [0, 0x7f, 0xff] {
                let mut changed = whole.clone();
                changed[at] = value;
                drop(resolve_names(&changed, &[0, 0x1004, 0x1500, u32::MAX]));
            }
        }
        let mut other = whole;
        other[4] = 4;
        let error = resolve_names(&other, &[]).expect_err("another version");
        assert!(error.to_string().contains("version 4.1"), "{error}");
    }
}
