//! Inlined functions: the inline sites of a procedure, the chain of functions inlined at an offset with their lines, and the
//! functions' names from the id and type streams.

use super::Pdb;
use crate::undecorate::undecorate;
use pdb::{
    FallibleIterator, FileIndex, IdData, IdIndex, IdInformation, InlineSiteSymbol, Inlinee, PdbInternalSectionOffset,
    SymbolData, SymbolIndex, SymbolIter, TypeData, TypeIndex, TypeInformation,
};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A line in a source file of the compiland.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FileLine {
    pub(super) file: FileIndex,
    pub(super) line: u32,
}

/// Machine code of one line of an inlined function, as offsets in the section.
#[derive(Clone, Copy, Debug)]
struct InlineRange {
    start: u32,
    end: u32,
    line: Option<FileLine>,
}

/// One inline site.
#[derive(Debug)]
struct InlineSite {
    /// Index of the enclosing site; `None` directly in the procedure.
    parent: Option<usize>,
    depth: usize,
    inlinee: IdIndex,
    ranges: Vec<InlineRange>,
}

impl InlineSite {
    /// The range that contains an offset; of several the one that starts last.
    fn range_at(&self, offset: u32) -> Option<&InlineRange> {
        self.ranges.iter().filter(|piece| (piece.start..piece.end).contains(&offset)).max_by_key(|piece| piece.start)
    }
}

/// The inline sites of one procedure.
#[derive(Debug, Default)]
pub(super) struct InlineSites(Vec<InlineSite>);

impl InlineSites {
    /// Reads the sites of a procedure. `symbols` is positioned after its record; `end` is the end of the procedure's records.
    pub(super) fn read(
        symbols: &mut SymbolIter<'_>,
        end: SymbolIndex,
        procedure: PdbInternalSectionOffset,
        inlinees: &FxHashMap<IdIndex, Inlinee<'_>>,
    ) -> Self {
        let mut sites: Vec<InlineSite> = Vec::new();
        // Open scopes: a site, or `None` for any other scope.
        let mut open: Vec<Option<usize>> = Vec::new();
        // A damaged record ends the list; the records before it are used.
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
                sites.push(InlineSite { parent, depth, inlinee: site.inlinee, ranges: pieces });
            }
        }
        Self(sites)
    }

    /// The functions inlined at an offset in the procedure's section, outermost first, each with its line.
    pub(super) fn at(&self, offset: u32) -> Vec<(IdIndex, Option<FileLine>)> {
        let covering = self.0.iter().filter_map(|site| Some((site, site.range_at(offset)?.start)));
        let mut next = covering.max_by_key(|(site, start)| (site.depth, *start)).map(|(site, _)| site);
        let mut chain = Vec::new();
        while let Some(site) = next {
            chain.push((site.inlinee, site.range_at(offset).and_then(|piece| piece.line)));
            // Terminates: parents precede their children.
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
) -> Vec<InlineRange> {
    // Without the inlinee record there is no base line, but the code ranges are known.
    let nothing = Inlinee::default();
    let mut lines = inlinee.unwrap_or(&nothing).lines(procedure, site);
    let mut pieces = Vec::new();
    while let Ok(Some(info)) = lines.next() {
        let line = FileLine { file: info.file_index, line: info.line_start };
        pieces.push(InlineRange {
            start: info.offset.offset,
            end: info.offset.offset.saturating_add(info.length.unwrap_or(0)),
            line: inlinee.is_some().then_some(line),
        });
    }
    pieces
}

/// Enclosing scope of a function.
#[derive(Clone, Copy)]
enum FunctionScope {
    Nothing,
    Namespace(IdIndex),
    Class(TypeIndex),
}

/// Names of functions by id, with namespace or class. Each stream is read once, up to the last id needed. Functions with a
/// damaged or external record are omitted.
pub(super) fn function_names(pdb: &mut Pdb<'_>, ids: impl Iterator<Item = IdIndex>) -> BTreeMap<IdIndex, Arc<str>> {
    let mut functions: BTreeMap<IdIndex, Option<(String, FunctionScope)>> = ids.map(|id| (id, None)).collect();
    let Some(last) = functions.keys().next_back().copied() else { return BTreeMap::new() };
    let Ok(id_stream) = pdb.id_information() else { return BTreeMap::new() };
    read_functions(&id_stream, last, &mut functions);

    let mut namespaces = BTreeMap::new();
    let mut classes = BTreeMap::new();
    for (_, scope) in functions.values().flatten() {
        match scope {
            FunctionScope::Nothing => {}
            FunctionScope::Namespace(id) => drop(namespaces.insert(*id, None)),
            FunctionScope::Class(class) => drop(classes.insert(*class, None)),
        }
    }
    if !namespaces.is_empty() {
        read_strings(&id_stream, &mut namespaces);
    }
    if !classes.is_empty()
        && let Ok(types) = pdb.type_information()
    {
        read_classes(&types, &mut classes);
    }
    let whole = |(name, scope): (String, FunctionScope)| -> Option<Arc<str>> {
        let around = match scope {
            FunctionScope::Nothing => return Some(undecorate(&name, false).into()),
            FunctionScope::Namespace(id) => namespaces.get(&id)?.as_deref()?,
            FunctionScope::Class(class) => classes.get(&class)?.as_deref()?,
        };
        Some(format!("{around}::{name}").into())
    };
    functions.into_iter().filter_map(|(id, function)| Some((id, whole(function?)?))).collect()
}

fn read_functions(
    ids: &IdInformation<'_>,
    last: IdIndex,
    functions: &mut BTreeMap<IdIndex, Option<(String, FunctionScope)>>,
) {
    let mut items = ids.iter();
    while let Ok(Some(item)) = items.next() {
        if item.index() > last {
            break;
        }
        let Some(slot) = functions.get_mut(&item.index()) else { continue };
        *slot = match item.parse() {
            Ok(IdData::Function(it)) => {
                let scope = it.scope.map_or(FunctionScope::Nothing, FunctionScope::Namespace);
                Some((it.name.to_string().into_owned(), scope))
            }
            Ok(IdData::MemberFunction(it)) => Some((it.name.to_string().into_owned(), FunctionScope::Class(it.parent))),
            _ => None,
        };
    }
}

fn read_strings(ids: &IdInformation<'_>, strings: &mut BTreeMap<IdIndex, Option<String>>) {
    let mut items = ids.iter();
    let last = strings.keys().next_back().copied().unwrap_or_default();
    while let Ok(Some(item)) = items.next() {
        if item.index() > last {
            break;
        }
        if let Some(slot) = strings.get_mut(&item.index())
            && let Ok(IdData::String(it)) = item.parse()
        {
            *slot = Some(it.name.to_string().into_owned());
        }
    }
}

fn read_classes(types: &TypeInformation<'_>, classes: &mut BTreeMap<TypeIndex, Option<String>>) {
    let mut items = types.iter();
    let last = classes.keys().next_back().copied().unwrap_or_default();
    while let Ok(Some(item)) = items.next() {
        if item.index() > last {
            break;
        }
        let Some(slot) = classes.get_mut(&item.index()) else { continue };
        *slot = match item.parse() {
            Ok(TypeData::Class(it)) => Some(it.name.to_string().into_owned()),
            Ok(TypeData::Union(it)) => Some(it.name.to_string().into_owned()),
            Ok(TypeData::Enumeration(it)) => Some(it.name.to_string().into_owned()),
            _ => None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(parent: Option<usize>, depth: usize, inlinee: u32, pieces: &[(u32, u32, u32)]) -> InlineSite {
        let piece = |&(start, end, line): &(u32, u32, u32)| {
            let line = FileLine { file: FileIndex(0), line };
            InlineRange { start, end, line: Some(line) }
        };
        InlineSite { parent, depth, inlinee: IdIndex(inlinee), ranges: pieces.iter().map(piece).collect() }
    }

    #[test]
    fn inline_sites_nest() {
        let sites = InlineSites(vec![
            site(None, 0, 1, &[(10, 20, 100), (20, 40, 101), (50, 60, 102)]),
            site(Some(0), 1, 2, &[(22, 30, 200)]),
            // Not covered by its parent's own code.
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
