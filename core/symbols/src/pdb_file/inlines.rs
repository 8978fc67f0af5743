//! Functions inlined into a procedure: which lie at an address, one in the other, and at which of their lines. It must never
//! put a function into one that does not call it.

use pdb::{
    FallibleIterator, FileIndex, IdIndex, InlineSiteSymbol, Inlinee, PdbInternalSectionOffset, SymbolData, SymbolIndex,
    SymbolIter,
};
use rustc_hash::FxHashMap;

/// A line in a file of the module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FileLine {
    pub(super) file: FileIndex,
    pub(super) line: u32,
}

/// Code of one line of an inlined function: offsets in the section, and the line where it is known.
#[derive(Clone, Copy, Debug)]
struct Piece {
    start: u32,
    end: u32,
    line: Option<FileLine>,
}

/// One place where a function is inlined.
#[derive(Debug)]
struct Site {
    /// The site around it; `None`: it lies in the procedure itself.
    parent: Option<usize>,
    depth: usize,
    inlinee: IdIndex,
    pieces: Vec<Piece>,
}

impl Site {
    /// The code that covers an offset; of several the one that starts last.
    fn piece(&self, offset: u32) -> Option<&Piece> {
        self.pieces.iter().filter(|piece| (piece.start..piece.end).contains(&offset)).max_by_key(|piece| piece.start)
    }
}

/// The places where functions are inlined into one procedure.
#[derive(Debug, Default)]
pub(super) struct InlineSites(Vec<Site>);

impl InlineSites {
    /// Reads the sites of a procedure. `symbols` stands behind its record; `end` is where the procedure's records end.
    pub(super) fn read(
        symbols: &mut SymbolIter<'_>,
        end: SymbolIndex,
        procedure: PdbInternalSectionOffset,
        inlinees: &FxHashMap<IdIndex, Inlinee<'_>>,
    ) -> Self {
        let mut sites: Vec<Site> = Vec::new();
        // Scopes that are open: a site, or something else with an end of its own.
        let mut open: Vec<Option<usize>> = Vec::new();
        // A damaged record ends the list: what stands before is good.
        while let Ok(Some(symbol)) = symbols.next() {
            if symbol.index() >= end {
                break;
            }
            if symbol.ends_scope() {
                open.pop();
            } else if symbol.starts_scope() {
                let Ok(SymbolData::InlineSite(site)) = symbol.parse() else {
                    open.push(None);
                    continue;
                };
                let around: Vec<usize> = open.iter().flatten().copied().collect();
                let pieces = pieces(&site, procedure, inlinees.get(&site.inlinee));
                open.push(Some(sites.len()));
                let (parent, depth) = (around.last().copied(), around.len());
                sites.push(Site { parent, depth, inlinee: site.inlinee, pieces });
            }
        }
        Self(sites)
    }

    /// The functions inlined at an offset in the procedure's section, the outermost first, each with the line in it.
    pub(super) fn at(&self, offset: u32) -> Vec<(IdIndex, Option<FileLine>)> {
        let covering = self.0.iter().filter_map(|site| Some((site, site.piece(offset)?.start)));
        let mut next = covering.max_by_key(|(site, start)| (site.depth, *start)).map(|(site, _)| site);
        let mut chain = Vec::new();
        while let Some(site) = next {
            chain.push((site.inlinee, site.piece(offset).and_then(|piece| piece.line)));
            // A parent stands before its children, so that this comes to an end.
            next = site.parent.and_then(|parent| self.0.get(parent));
        }
        chain.reverse();
        chain
    }
}

fn pieces(
    site: &InlineSiteSymbol<'_>,
    procedure: PdbInternalSectionOffset,
    inlinee: Option<&Inlinee<'_>>,
) -> Vec<Piece> {
    // Without the record of the function there is no line to start counting from, but the code is still known.
    let nothing = Inlinee::default();
    let mut lines = inlinee.unwrap_or(&nothing).lines(procedure, site);
    let mut pieces = Vec::new();
    while let Ok(Some(info)) = lines.next() {
        let line = FileLine { file: info.file_index, line: info.line_start };
        pieces.push(Piece {
            start: info.offset.offset,
            end: info.offset.offset.saturating_add(info.length.unwrap_or(0)),
            line: inlinee.is_some().then_some(line),
        });
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(parent: Option<usize>, depth: usize, inlinee: u32, pieces: &[(u32, u32, u32)]) -> Site {
        let piece = |&(start, end, line): &(u32, u32, u32)| {
            let line = FileLine { file: FileIndex(0), line };
            Piece { start, end, line: Some(line) }
        };
        Site { parent, depth, inlinee: IdIndex(inlinee), pieces: pieces.iter().map(piece).collect() }
    }

    #[test]
    fn sites_nest_and_siblings_stay_apart() {
        let sites = InlineSites(vec![
            site(None, 0, 1, &[(10, 20, 100), (20, 40, 101), (50, 60, 102)]),
            site(Some(0), 1, 2, &[(22, 30, 200)]),
            // Its parent's own code does not cover it.
            site(Some(0), 1, 3, &[(42, 48, 300)]),
            site(None, 0, 4, &[(60, 70, 400)]),
        ]);
        let at = |offset| -> Vec<(u32, Option<u32>)> {
            sites.at(offset).into_iter().map(|(id, line)| (id.0, line.map(|line| line.line))).collect()
        };
        assert_eq!(at(9), []);
        assert_eq!(at(19), [(1, Some(100))]);
        assert_eq!(at(22), [(1, Some(101)), (2, Some(200))]);
        assert_eq!(at(30), [(1, Some(101))]);
        assert_eq!(at(45), [(1, None), (3, Some(300))]);
        assert_eq!(at(59), [(1, Some(102))]);
        assert_eq!(at(60), [(4, Some(400))]);
        assert_eq!(at(70), []);
    }
}
