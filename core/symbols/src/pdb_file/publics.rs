//! Public symbols: the nearest one before each address in the same section, in one pass over the symbols without storing them.

use super::sections::{RequestedAddress, SectionOffset};
use super::{Pdb, PdbError, damaged};
use pdb::{FallibleIterator, RawString, SymbolData};
use poolscope_base::progress::CancelToken;

/// Symbols read between two checks for cancellation.
const SYMBOLS_PER_CHECK: usize = 1 << 16;
/// Record kinds of public symbols: `S_PUB32`, and `S_PUB32_ST` of old PDBs.
const PUBLIC_KINDS: [u16; 2] = [0x110E, 0x1009];

/// A public symbol.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Public {
    pub(super) position: SectionOffset,
    /// Decorated name.
    pub(super) name: String,
}

/// The nearest public symbol before each address (`wanted` is sorted by position). Of several at one position the first in
/// the file is used.
pub(super) fn publics_before(
    pdb: &mut Pdb<'_>,
    wanted: &[RequestedAddress],
    cancel: &CancelToken,
) -> Result<Vec<Option<Public>>, PdbError> {
    let table = match pdb.global_symbols() {
        Ok(table) => table,
        Err(pdb::Error::GlobalSymbolsNotFound | pdb::Error::StreamNotFound(_)) => return Ok(vec![None; wanted.len()]),
        Err(error) => return Err(damaged(error)),
    };
    let mut nearest = Nearest::new(wanted);
    let mut symbols = table.iter();
    for count in 0_usize.. {
        if count.is_multiple_of(SYMBOLS_PER_CHECK) {
            cancel.check()?;
        }
        // Records after a damaged one cannot be found.
        let Ok(Some(symbol)) = symbols.next() else { break };
        if !PUBLIC_KINDS.contains(&symbol.raw_kind()) {
            continue;
        }
        if let Ok(SymbolData::Public(public)) = symbol.parse() {
            nearest.offer(public.offset.into(), public.name);
        }
    }
    let named =
        |(place, name): (SectionOffset, RawString<'_>)| Public { position: place, name: name.to_string().into_owned() };
    Ok(nearest.finish().into_iter().map(|best| best.map(named)).collect())
}

/// Nearest symbol so far between each address and the address before it.
struct Nearest<'w, N> {
    wanted: &'w [RequestedAddress],
    best: Vec<Option<(SectionOffset, N)>>,
}

impl<'w, N: Copy> Nearest<'w, N> {
    fn new(wanted: &'w [RequestedAddress]) -> Self {
        Self { wanted, best: vec![None; wanted.len()] }
    }

    fn offer(&mut self, place: SectionOffset, name: N) {
        let first = self.wanted.partition_point(|wanted| wanted.position < place);
        let Some(wanted) = self.wanted.get(first) else { return };
        let slot = &mut self.best[first];
        let is_nearer = slot.as_ref().is_none_or(|best| best.0 < place);
        if wanted.position.section == place.section && is_nearer {
            *slot = Some((place, name));
        }
    }

    /// Without a symbol between two addresses, the second gets the symbol of the first.
    fn finish(mut self) -> Vec<Option<(SectionOffset, N)>> {
        for at in 1..self.best.len() {
            let same_section = self.wanted[at - 1].position.section == self.wanted[at].position.section;
            if self.best[at].is_none() && same_section {
                self.best[at] = self.best[at - 1];
            }
        }
        self.best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_symbol_before_in_the_same_section_counts() {
        let place = |section, offset| SectionOffset { section, offset };
        let wanted = |section, offset| RequestedAddress { position: place(section, offset), rva: 0 };
        let wanted = [wanted(1, 5), wanted(1, 20), wanted(1, 30), wanted(2, 0), wanted(2, 9), wanted(3, 7)];
        let mut nearest = Nearest::new(&wanted);
        let symbols =
            [(1, 20, "b"), (1, 10, "a"), (1, 20, "again"), (2, 9, "e"), (1, 31, "late"), (3, 8, "later"), (4, 0, "d")];
        for (section, offset, name) in symbols {
            nearest.offer(place(section, offset), name);
        }
        let names: Vec<Option<&str>> = nearest.finish().into_iter().map(|best| best.map(|best| best.1)).collect();
        assert_eq!(names, [None, Some("b"), Some("b"), None, Some("e"), None]);
    }
}
