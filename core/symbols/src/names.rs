//! Symbols of the requested addresses of one module: function, offset, source line, inlined functions. Never a whole symbol
//! table.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A line of a source file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SourceLine {
    /// Path as the compiler wrote it.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
}

/// A function inlined at the address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InlinedFunction {
    /// Undecorated name.
    pub function: Arc<str>,
    /// Line in the inlined function.
    pub line: Option<SourceLine>,
}

/// Kind of record that a name comes from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NameSource {
    /// Procedure of a private PDB: its extent is known.
    Procedure,
    /// Nearest public symbol before the address.
    Public,
    /// Nearest export before the address, from the image itself: often a different function.
    Export,
}

/// Symbol of one address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AddressSymbol {
    /// Undecorated name of the function that contains the machine code, without the module.
    pub function: Arc<str>,
    /// Bytes from the function's start to the address.
    pub offset_bytes: u32,
    /// Kind of record that the name comes from.
    pub source: NameSource,
    /// Source line in the function; inside inlined code, the line of the outermost inlined call.
    pub line: Option<SourceLine>,
    /// Functions inlined at the address, outermost first.
    pub inlined: Vec<InlinedFunction>,
}

/// Symbols of one module by relative virtual address.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ModuleNames {
    rvas: Vec<u32>,
    answers: Vec<Option<AddressSymbol>>,
}

impl ModuleNames {
    /// From entries in any order; `None` for an address without a name. Of equal addresses the last entry is kept.
    #[must_use]
    pub fn new(mut answers: Vec<(u32, Option<AddressSymbol>)>) -> Self {
        answers.reverse();
        answers.sort_by_key(|a| a.0);
        answers.dedup_by_key(|a| a.0);
        let (rvas, answers) = answers.into_iter().unzip();
        Self { rvas, answers }
    }

    /// Symbol of an address; `None` if it has no name or was not requested.
    #[must_use]
    pub fn get(&self, rva: u32) -> Option<&AddressSymbol> {
        let at = self.rvas.binary_search(&rva).ok()?;
        self.answers.get(at).and_then(Option::as_ref)
    }

    /// Returns `true` if the address was requested.
    #[must_use]
    pub fn contains(&self, rva: u32) -> bool {
        self.rvas.binary_search(&rva).is_ok()
    }

    /// Number of addresses with a name.
    #[must_use]
    pub fn named_count(&self) -> usize {
        self.answers.iter().filter(|a| a.is_some()).count()
    }

    /// All requested addresses in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Option<&AddressSymbol>)> {
        self.rvas.iter().copied().zip(self.answers.iter().map(Option::as_ref))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_found_and_the_last_counts() {
        let answer = |name: &str| {
            Some(AddressSymbol {
                function: name.into(),
                offset_bytes: 1,
                source: NameSource::Public,
                line: None,
                inlined: Vec::new(),
            })
        };
        let names = ModuleNames::new(vec![(9, answer("b")), (4, None), (9, answer("c"))]);
        assert_eq!(names.get(9).map(|a| &*a.function), Some("c"));
        assert_eq!((names.get(4), names.contains(4), names.contains(5), names.named_count()), (None, true, false, 1));
    }
}
