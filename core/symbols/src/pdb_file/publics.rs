//! Public symbols: for each address the one before it, in one pass over the symbols and without a list of them. It must never
//! reach across the end of a section.

use super::places::{Place, Wanted};
use super::{Pdb, PdbError, damaged};
use poolscope_base::progress::CancelToken;
use pdb::{FallibleIterator, RawString, SymbolData};

/// How many symbols are read between two looks at the token.
const SYMBOLS_PER_CHECK: usize = 1 << 16;
/// Kinds of records: a public symbol, today's and that of old PDBs.
const PUBLIC_KINDS: [u16; 2] = [0x110E, 0x1009];

/// A public symbol.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Public {
    pub(super) place: Place,
    /// As the linker sees it.
    pub(super) name: String,
}

/// The public symbol before each address (`wanted` is in the order of places). Where several stand at the same place, the
/// first in the file counts.
pub(super) fn before(
    pdb: &mut Pdb<'_>,
    wanted: &[Wanted],
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
        // What stands behind a damaged record cannot be found; what stands before is good.
        let Ok(Some(symbol)) = symbols.next() else { break };
        if !PUBLIC_KINDS.contains(&symbol.raw_kind()) {
            continue;
        }
        if let Ok(SymbolData::Public(public)) = symbol.parse() {
            nearest.offer(public.offset.into(), public.name);
        }
    }
    let named = |(place, name): (Place, RawString<'_>)| Public { place, name: name.to_string().into_owned() };
    Ok(nearest.finish().into_iter().map(|best| best.map(named)).collect())
}

/// Keeps for each address the nearest symbol before it that no earlier address is nearer to.
struct Nearest<'w, N> {
    wanted: &'w [Wanted],
    best: Vec<Option<(Place, N)>>,
}

impl<'w, N: Copy> Nearest<'w, N> {
    fn new(wanted: &'w [Wanted]) -> Self {
        Self { wanted, best: vec![None; wanted.len()] }
    }

    fn offer(&mut self, place: Place, name: N) {
        let first = self.wanted.partition_point(|wanted| wanted.place < place);
        let Some(wanted) = self.wanted.get(first) else { return };
        let slot = &mut self.best[first];
        let is_nearer = slot.as_ref().is_none_or(|best| best.0 < place);
        if wanted.place.section == place.section && is_nearer {
            *slot = Some((place, name));
        }
    }

    /// Where no symbol stands between two addresses, the second has the same as the first.
    fn finish(mut self) -> Vec<Option<(Place, N)>> {
        for at in 1..self.best.len() {
            let same_section = self.wanted[at - 1].place.section == self.wanted[at].place.section;
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
        let place = |section, offset| Place { section, offset };
        let wanted = |section, offset| Wanted { place: place(section, offset), rva: 0 };
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
