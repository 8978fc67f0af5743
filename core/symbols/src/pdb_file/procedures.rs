//! Procedures of private PDBs: their extents, lines and inlined functions. Only the compilands are opened that the addresses
//! lie in. It must never name an address after a procedure that does not cover it.

use super::inlines::InlineSites;
use super::lines::Lines;
use super::places::{Place, Wanted};
use super::{Pdb, PdbError, contained, damaged};
use poolscope_base::progress::CancelToken;
use crate::names::SourceLine;
use pdb::{
    DebugInformation, FallibleIterator, IdIndex, Inlinee, ModuleInfo, PdbInternalSectionOffset, RawString, StringTable,
    Symbol, SymbolData, SymbolIndex,
};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// How many section contributions are read between two looks at the token.
const CONTRIBUTIONS_PER_CHECK: usize = 1 << 16;

/// What a procedure says of an address in it.
#[derive(Debug)]
pub(super) struct Hit {
    /// Where the procedure starts, in the address's section.
    pub(super) start: u32,
    pub(super) name: String,
    pub(super) line: Option<SourceLine>,
    /// Inlined functions, the outermost first.
    pub(super) inlined: Vec<(IdIndex, Option<SourceLine>)>,
}

/// A run of machine code with a name.
struct Span<'t> {
    /// Where its record stands.
    index: SymbolIndex,
    start: PdbInternalSectionOffset,
    length: u32,
    /// Where the records about it end.
    end: SymbolIndex,
    name: Name<'t>,
}

enum Name<'t> {
    Own(RawString<'t>),
    /// Part of the procedure at that place, which the compiler put elsewhere.
    PartOf(Place),
}

/// Looks for the procedures around addresses (`wanted` is in the order of places).
pub(super) fn around(
    pdb: &mut Pdb<'_>,
    debug: &DebugInformation<'_>,
    wanted: &[Wanted],
    cancel: &CancelToken,
) -> Result<Vec<Option<Hit>>, PdbError> {
    let mut hits: Vec<Option<Hit>> = wanted.iter().map(|_| None).collect();
    let by_module = modules(debug, wanted, cancel)?;
    let Some(last) = by_module.keys().next_back().copied() else { return Ok(hits) };
    let mut strings: Option<StringTable<'_>> = None;
    let mut modules = debug.modules().map_err(damaged)?;
    for index in 0..=last {
        // Behind a damaged record of a compiland no other one can be found; its addresses get public symbols.
        let Ok(Some(module)) = modules.next() else { break };
        let Some(addresses) = by_module.get(&index) else { continue };
        cancel.check()?;
        let read = || {
            let Some(info) = pdb.module_info(&module).map_err(damaged)? else { return Ok(()) };
            if strings.is_none() {
                strings = pdb.string_table().ok();
            }
            search(&info, strings.as_ref(), wanted, addresses, &mut hits)
        };
        match contained(read) {
            // A damaged compiland costs its own procedures only.
            Ok(()) | Err(PdbError::Format(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(hits)
}

/// By compiland, the addresses (positions in `wanted`) that it contributed the code of.
fn modules(
    debug: &DebugInformation<'_>,
    wanted: &[Wanted],
    cancel: &CancelToken,
) -> Result<BTreeMap<usize, Vec<usize>>, PdbError> {
    let mut by_module: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let Ok(mut contributions) = debug.section_contributions() else { return Ok(by_module) };
    let mut owner: Vec<Option<usize>> = vec![None; wanted.len()];
    for count in 0_usize.. {
        if count.is_multiple_of(CONTRIBUTIONS_PER_CHECK) {
            cancel.check()?;
        }
        let Ok(Some(contribution)) = contributions.next() else { break };
        for at in inside(wanted, contribution.offset, contribution.size) {
            owner[at].get_or_insert(contribution.module);
        }
    }
    for (at, module) in owner.iter().enumerate() {
        if let Some(module) = module {
            by_module.entry(*module).or_default().push(at);
        }
    }
    Ok(by_module)
}

/// Positions of the addresses in `length` bytes from `start`.
fn inside(wanted: &[Wanted], start: PdbInternalSectionOffset, length: u32) -> std::ops::Range<usize> {
    let start = Place::from(start);
    let Some(end) = start.offset.checked_add(length) else { return 0..0 };
    let end = Place { section: start.section, offset: end };
    let first = wanted.partition_point(|wanted| wanted.place < start);
    let count = wanted[first..].partition_point(|wanted| wanted.place < end);
    first..first + count
}

/// Goes through the procedures of a compiland and fills in the hits.
fn search<'s>(
    info: &ModuleInfo<'s>,
    strings: Option<&StringTable<'s>>,
    wanted: &[Wanted],
    addresses: &[usize],
    hits: &mut [Option<Hit>],
) -> Result<(), PdbError> {
    let mine: Vec<Wanted> = addresses.iter().map(|at| wanted[*at]).collect();
    let mut compiland = Compiland { info, lines: Lines::new(info, strings), inlinees: None };
    let mut symbols = info.symbols().map_err(damaged)?;
    // Behind a damaged record no other one can be found; what stands before is good.
    while let Ok(Some(symbol)) = symbols.next() {
        let Some(span) = span(&symbol) else { continue };
        // Of nested or doubled procedures the one that starts last counts, then the first in the file.
        let is_better = |at: &usize| hits[addresses[*at]].as_ref().is_none_or(|hit| hit.start < span.start.offset);
        let covered: Vec<usize> = inside(&mine, span.start, span.length).filter(is_better).collect();
        if !covered.is_empty() {
            compiland.describe(&span, &mine, &covered, |at, hit| hits[addresses[at]] = Some(hit));
        }
        // An end before its start would lead in circles.
        if span.end > span.index {
            symbols.seek(span.end);
        }
    }
    Ok(())
}

/// The machine code that a symbol is about.
fn span<'t>(symbol: &Symbol<'t>) -> Option<Span<'t>> {
    if !symbol.starts_scope() {
        return None;
    }
    let index = symbol.index();
    match symbol.parse().ok()? {
        SymbolData::Procedure(it) => {
            Some(Span { index, start: it.offset, length: it.len, end: it.end, name: Name::Own(it.name) })
        }
        SymbolData::Thunk(it) => {
            Some(Span { index, start: it.offset, length: it.len.into(), end: it.end, name: Name::Own(it.name) })
        }
        SymbolData::SeparatedCode(it) => {
            let name = Name::PartOf(it.parent_offset.into());
            Some(Span { index, start: it.offset, length: it.len, end: it.end, name })
        }
        _ => None,
    }
}

struct Compiland<'m, 's> {
    info: &'m ModuleInfo<'s>,
    lines: Lines<'m, 's>,
    /// Read when the first procedure is met that needs them.
    inlinees: Option<FxHashMap<IdIndex, Inlinee<'m>>>,
}

impl Compiland<'_, '_> {
    /// Finds out what is at the addresses that a span covers.
    fn describe(&mut self, span: &Span<'_>, mine: &[Wanted], covered: &[usize], mut tell: impl FnMut(usize, Hit)) {
        let Some(name) = self.name(span) else { return };
        let code = self.lines.of(span.start);
        let sites = self.sites(span);
        for &at in covered {
            let offset = call_before(mine[at].place.offset, span.start.offset);
            let line = code.at(offset).and_then(|line| self.lines.named(line));
            let inlined = sites.at(offset).into_iter();
            let inlined = inlined.map(|(id, line)| (id, line.and_then(|line| self.lines.named(line)))).collect();
            tell(at, Hit { start: span.start.offset, name: name.clone(), line, inlined });
        }
    }

    fn name(&self, span: &Span<'_>) -> Option<String> {
        let place = match span.name {
            Name::Own(name) => return Some(name.to_string().into_owned()),
            Name::PartOf(place) => place,
        };
        let mut symbols = self.info.symbols().ok()?;
        while let Ok(Some(symbol)) = symbols.next() {
            match symbol.parse() {
                Ok(SymbolData::Procedure(it)) if Place::from(it.offset) == place => {
                    return Some(it.name.to_string().into_owned());
                }
                _ => {}
            }
        }
        None
    }

    fn sites(&mut self, span: &Span<'_>) -> InlineSites {
        let Ok(mut symbols) = self.info.symbols_at(span.index) else { return InlineSites::default() };
        // The record of the procedure itself opens the scope whose inside is wanted.
        if !matches!(symbols.next(), Ok(Some(_))) {
            return InlineSites::default();
        }
        let info = self.info;
        let inlinees = self.inlinees.get_or_insert_with(|| inlinees(info));
        InlineSites::read(&mut symbols, span.end, span.start, inlinees)
    }
}

fn inlinees<'m>(info: &'m ModuleInfo<'_>) -> FxHashMap<IdIndex, Inlinee<'m>> {
    let mut found = FxHashMap::default();
    if let Ok(mut inlinees) = info.inlinees() {
        while let Ok(Some(inlinee)) = inlinees.next() {
            found.insert(inlinee.index(), inlinee);
        }
    }
    found
}

/// Addresses in stacks are where a call returns to: the line and the inlined functions of interest are those of the call, the
/// instruction before. Only the first byte of a function cannot be returned to; it was sampled.
fn call_before(offset: u32, start: u32) -> u32 {
    if offset > start { offset - 1 } else { offset }
}
