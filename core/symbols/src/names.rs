//! What is known of addresses in one module: function, place in it, source line, functions inlined there. The answers to
//! what was asked, never a whole symbol table.

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

/// A function that the compiler put into another one at the address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InlinedFunction {
    /// Its undecorated name.
    pub function: Arc<str>,
    /// Where in it the address lies.
    pub line: Option<SourceLine>,
}

/// How a name is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NameSource {
    /// A procedure of a private PDB: its extent is known.
    Procedure,
    /// The public symbol before the address.
    Public,
    /// The export before the address, from the image itself: may well be the wrong function.
    Export,
}

/// What an address means.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AddressSymbol {
    /// The undecorated name of the function whose machine code this is, without the module.
    pub function: Arc<str>,
    /// Bytes from the function's start to the address.
    pub offset_bytes: u32,
    /// How the name is known.
    pub source: NameSource,
    /// Where in the function the address lies: where it has inlined code, the line of the outermost call into that.
    pub line: Option<SourceLine>,
    /// Functions inlined at the address, the outermost first.
    pub inlined: Vec<InlinedFunction>,
}

/// Answers for one module, by relative virtual address.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ModuleNames {
    rvas: Vec<u32>,
    answers: Vec<Option<AddressSymbol>>,
}

impl ModuleNames {
    /// From answers in any order; `None` stands for an address that has no name. Of equal addresses the last counts.
    #[must_use]
    pub fn new(mut answers: Vec<(u32, Option<AddressSymbol>)>) -> Self {
        answers.reverse();
        answers.sort_by_key(|a| a.0);
        answers.dedup_by_key(|a| a.0);
        let (rvas, answers) = answers.into_iter().unzip();
        Self { rvas, answers }
    }

    /// What an address means; `None` where it has no name or was not asked for.
    #[must_use]
    pub fn get(&self, rva: u32) -> Option<&AddressSymbol> {
        let at = self.rvas.binary_search(&rva).ok()?;
        self.answers.get(at).and_then(Option::as_ref)
    }

    /// Whether it was asked for.
    #[must_use]
    pub fn contains(&self, rva: u32) -> bool {
        self.rvas.binary_search(&rva).is_ok()
    }

    /// Number of addresses with a name.
    #[must_use]
    pub fn named_count(&self) -> usize {
        self.answers.iter().filter(|a| a.is_some()).count()
    }

    /// All that was asked for, in the order of the addresses.
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
