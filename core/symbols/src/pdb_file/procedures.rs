//! Procedures of private PDBs: extents, source lines and inlined functions of the requested addresses. Only the compilands
//! that contribute code at those addresses are opened.

use super::inlines::{FileLine, InlineSites};
use super::sections::{RequestedAddress, SectionOffset};
use super::{Pdb, PdbError, catch_panics, damaged};
use crate::names::SourceLine;
use pdb::{
    DebugInformation, FallibleIterator, IdIndex, Inlinee, LineProgram, ModuleInfo, PdbInternalSectionOffset, RawString,
    StringTable, Symbol, SymbolData, SymbolIndex,
};
use poolscope_base::progress::CancelToken;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Section contributions read between two checks for cancellation.
const CONTRIBUTIONS_PER_CHECK: usize = 1 << 16;

/// Symbol information of an address inside a procedure.
#[derive(Debug)]
pub(super) struct ProcedureMatch {
    /// Offset of the procedure's start in the section.
    pub(super) start: u32,
    pub(super) name: String,
    pub(super) line: Option<SourceLine>,
    /// Inlined functions, outermost first.
    pub(super) inlined: Vec<(IdIndex, Option<SourceLine>)>,
}

/// Machine code of a procedure, a thunk, or a separated block.
struct CodeSpan<'t> {
    /// Index of its record.
    index: SymbolIndex,
    start: PdbInternalSectionOffset,
    length: u32,
    /// Index where its records end.
    end: SymbolIndex,
    name: SpanName<'t>,
}

enum SpanName<'t> {
    Own(RawString<'t>),
    /// Separated code of the procedure at that position.
    PartOf(SectionOffset),
}

/// Finds the procedures that contain the addresses (`wanted` is sorted by position).
pub(super) fn procedures_at(
    pdb: &mut Pdb<'_>,
    debug: &DebugInformation<'_>,
    wanted: &[RequestedAddress],
    cancel: &CancelToken,
) -> Result<Vec<Option<ProcedureMatch>>, PdbError> {
    let mut hits: Vec<Option<ProcedureMatch>> = wanted.iter().map(|_| None).collect();
    let by_module = addresses_by_compiland(debug, wanted, cancel)?;
    let Some(last) = by_module.keys().next_back().copied() else { return Ok(hits) };
    let mut strings: Option<StringTable<'_>> = None;
    let mut modules = debug.modules().map_err(damaged)?;
    for index in 0..=last {
        // Records after a damaged one cannot be found; their addresses get public symbols.
        let Ok(Some(module)) = modules.next() else { break };
        let Some(addresses) = by_module.get(&index) else { continue };
        cancel.check()?;
        let read = || {
            let Some(info) = pdb.module_info(&module).map_err(damaged)? else { return Ok(()) };
            if strings.is_none() {
                strings = pdb.string_table().ok();
            }
            search_compiland(&info, strings.as_ref(), wanted, addresses, &mut hits)
        };
        match catch_panics(read) {
            // A damaged compiland affects only its own procedures.
            Ok(()) | Err(PdbError::Format(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(hits)
}

/// Indexes into `wanted` by the compiland that contributes the code at the address.
fn addresses_by_compiland(
    debug: &DebugInformation<'_>,
    wanted: &[RequestedAddress],
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
        for at in addresses_in(wanted, contribution.offset, contribution.size) {
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

/// Range of `wanted` inside `length` bytes from `start`.
fn addresses_in(wanted: &[RequestedAddress], start: PdbInternalSectionOffset, length: u32) -> std::ops::Range<usize> {
    let start = SectionOffset::from(start);
    let Some(end) = start.offset.checked_add(length) else { return 0..0 };
    let end = SectionOffset { section: start.section, offset: end };
    let first = wanted.partition_point(|wanted| wanted.position < start);
    let count = wanted[first..].partition_point(|wanted| wanted.position < end);
    first..first + count
}

/// Reads the procedures of a compiland and fills in the matches.
fn search_compiland<'s>(
    info: &ModuleInfo<'s>,
    strings: Option<&StringTable<'s>>,
    wanted: &[RequestedAddress],
    addresses: &[usize],
    hits: &mut [Option<ProcedureMatch>],
) -> Result<(), PdbError> {
    let mine: Vec<RequestedAddress> = addresses.iter().map(|at| wanted[*at]).collect();
    let mut compiland = Compiland { info, lines: Lines::new(info, strings), inlinees: None };
    let mut symbols = info.symbols().map_err(damaged)?;
    // Records after a damaged one cannot be found.
    while let Ok(Some(symbol)) = symbols.next() {
        let Some(span) = span(&symbol) else { continue };
        // Of nested or duplicate procedures the one that starts last is used, then the first in the file.
        let is_better = |at: &usize| hits[addresses[*at]].as_ref().is_none_or(|hit| hit.start < span.start.offset);
        let covered: Vec<usize> = addresses_in(&mine, span.start, span.length).filter(is_better).collect();
        if !covered.is_empty() {
            compiland.describe_addresses(&span, &mine, &covered, |at, hit| hits[addresses[at]] = Some(hit));
        }
        // An end before the start would loop forever.
        if span.end > span.index {
            symbols.seek(span.end);
        }
    }
    Ok(())
}

/// The machine code that a symbol record describes.
fn span<'t>(symbol: &Symbol<'t>) -> Option<CodeSpan<'t>> {
    if !symbol.starts_scope() {
        return None;
    }
    let index = symbol.index();
    match symbol.parse().ok()? {
        SymbolData::Procedure(it) => {
            Some(CodeSpan { index, start: it.offset, length: it.len, end: it.end, name: SpanName::Own(it.name) })
        }
        SymbolData::Thunk(it) => {
            Some(CodeSpan { index, start: it.offset, length: it.len.into(), end: it.end, name: SpanName::Own(it.name) })
        }
        SymbolData::SeparatedCode(it) => {
            let name = SpanName::PartOf(it.parent_offset.into());
            Some(CodeSpan { index, start: it.offset, length: it.len, end: it.end, name })
        }
        _ => None,
    }
}

struct Compiland<'m, 's> {
    info: &'m ModuleInfo<'s>,
    lines: Lines<'m, 's>,
    /// Read on first use.
    inlinees: Option<FxHashMap<IdIndex, Inlinee<'m>>>,
}

impl Compiland<'_, '_> {
    /// Determines name, line and inlined functions of the addresses that a span covers.
    fn describe_addresses(
        &mut self,
        span: &CodeSpan<'_>,
        mine: &[RequestedAddress],
        covered: &[usize],
        mut tell: impl FnMut(usize, ProcedureMatch),
    ) {
        let Some(name) = self.name(span) else { return };
        let code = self.lines.of(span.start);
        let sites = self.sites(span);
        for &at in covered {
            let offset = call_site_offset(mine[at].position.offset, span.start.offset);
            let line = code.at(offset).and_then(|line| self.lines.named(line));
            let inlined = sites.at(offset).into_iter();
            let inlined = inlined.map(|(id, line)| (id, line.and_then(|line| self.lines.named(line)))).collect();
            tell(at, ProcedureMatch { start: span.start.offset, name: name.clone(), line, inlined });
        }
    }

    fn name(&self, span: &CodeSpan<'_>) -> Option<String> {
        let place = match span.name {
            SpanName::Own(name) => return Some(name.to_string().into_owned()),
            SpanName::PartOf(place) => place,
        };
        let mut symbols = self.info.symbols().ok()?;
        while let Ok(Some(symbol)) = symbols.next() {
            match symbol.parse() {
                Ok(SymbolData::Procedure(it)) if SectionOffset::from(it.offset) == place => {
                    return Some(it.name.to_string().into_owned());
                }
                _ => {}
            }
        }
        None
    }

    fn sites(&mut self, span: &CodeSpan<'_>) -> InlineSites {
        let Ok(mut symbols) = self.info.symbols_at(span.index) else { return InlineSites::default() };
        // Skips the record of the procedure itself, which opens the scope.
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

/// Offset inside the call instruction before a return address, for lines and inlined functions. The first byte of a function
/// cannot be a return address; it was sampled and is used unchanged.
fn call_site_offset(offset: u32, start: u32) -> u32 {
    if offset > start { offset - 1 } else { offset }
}

/// Source lines of one compiland.
pub(super) struct Lines<'m, 's> {
    program: Option<LineProgram<'m>>,
    strings: Option<&'m StringTable<'s>>,
    files: FxHashMap<u32, Option<Arc<str>>>,
}

/// Lines of one procedure: start offset and line, ascending by offset.
pub(super) struct ProcedureLines(Vec<(u32, FileLine)>);

impl<'m, 's> Lines<'m, 's> {
    /// The lines of a compiland; empty for old formats and damaged streams.
    pub(super) fn new(info: &'m ModuleInfo<'_>, strings: Option<&'m StringTable<'s>>) -> Self {
        Self { program: info.line_program().ok(), strings, files: FxHashMap::default() }
    }

    /// The lines of the procedure that starts at `start`.
    pub(super) fn of(&self, start: PdbInternalSectionOffset) -> ProcedureLines {
        let mut found = Vec::new();
        if let Some(program) = &self.program {
            let mut lines = program.lines_for_symbol(start);
            while let Ok(Some(info)) = lines.next() {
                if info.offset.section == start.section && info.offset.offset >= start.offset {
                    found.push((info.offset.offset, FileLine { file: info.file_index, line: info.line_start }));
                }
            }
        }
        // Lines are grouped by file. Of two at one offset the later one is used.
        found.sort_by_key(|(offset, _)| *offset);
        ProcedureLines(found)
    }

    /// A line with its file name. Compilers use line 0 for code without a line.
    pub(super) fn named(&mut self, at: FileLine) -> Option<SourceLine> {
        if at.line == 0 {
            return None;
        }
        let (program, strings) = (self.program.as_ref()?, self.strings?);
        let name = || {
            let name = program.get_file_info(at.file).ok()?.name;
            Some(Arc::from(name.to_string_lossy(strings).ok()?))
        };
        let file = self.files.entry(at.file.0).or_insert_with(name).clone()?;
        Some(SourceLine { file, line: at.line })
    }
}

impl ProcedureLines {
    /// The line of an offset in the section.
    pub(super) fn at(&self, offset: u32) -> Option<FileLine> {
        let behind = self.0.partition_point(|(start, _)| *start <= offset);
        self.0.get(behind.checked_sub(1)?).map(|(_, line)| *line)
    }
}
