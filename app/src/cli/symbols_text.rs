//! `symbols` for reading: one line per module, the heaviest first, and below it what was tried where that did not help.

use super::io::Io;
use super::symbol_args::state_words;
use crate::format;
use poolscope_etl::diagnostics::DiagnosticKind;
use poolscope_analysis::export::symbols::{ModuleRow, ModuleSums, attempt_text, source};
use poolscope_symbols::locate::LookupResult;
use poolscope_symbols::resolve::ModuleState;
use poolscope_analysis::trace::Trace;
use std::io::{self, Write};

/// What the table is of.
pub struct Heading<'h> {
    /// The trace.
    pub trace: &'h Trace,
    /// Its name as the user gave it.
    pub name: &'h str,
    /// The symbol path.
    pub path: &'h str,
    /// Whether servers were left out.
    pub offline: bool,
}

/// Writes the table and its sums. Below a module without names stand the places that could have helped; `tried`: below every
/// module all places, those too where it just is not.
///
/// # Errors
/// What the writer says.
pub fn write(io: &mut Io<'_>, heading: &Heading<'_>, rows: &[ModuleRow<'_>], tried: bool) -> io::Result<()> {
    let (bold, end) = if io.color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let offline = if heading.offline { ", no server asked" } else { "" };
    writeln!(io.out, "{bold}{}: symbols along {}{offline}{end}\n", heading.name, heading.path)?;
    if heading.trace.diagnostics.count(DiagnosticKind::UnmergedImages) > 0 {
        writeln!(io.out, "{}\n", DiagnosticKind::UnmergedImages.effect())?;
    }
    if rows.is_empty() {
        return writeln!(io.out, "No stack leads through a module: there is nothing to name.");
    }
    let cells: Vec<[String; 6]> = rows.iter().map(cells).collect();
    let titles = ["Outstanding", "Allocations", "Frames", "Named", "State", "Module"];
    let width = |column: usize| {
        let texts = cells.iter().filter_map(|row| row.get(column)).map(|text| text.chars().count());
        texts.chain(titles.get(column).map(|title| title.len())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..titles.len()).map(width).collect();
    writeln!(io.out, "{}  PDB", line(&titles.map(str::to_owned), &widths))?;
    for (row, cells) in rows.iter().zip(&cells) {
        writeln!(io.out, "{}", format!("{}  {}", line(cells, &widths), pdb(row)).trim_end())?;
        if tried || !row.outcome.state.is_loaded() {
            below(&mut io.out, row, tried)?;
        }
    }
    sums(&mut io.out, rows, tried)
}

fn cells(row: &ModuleRow<'_>) -> [String; 6] {
    [
        format::bytes(row.need.outstanding_bytes),
        format::count(row.need.allocations),
        format::count(row.need.frames as u64),
        format::count(row.named as u64),
        state_words(&row.outcome.state),
        row.need.request.identity.name.clone(),
    ]
}

/// Figures to the right, words to the left.
fn line(cells: &[String; 6], widths: &[usize]) -> String {
    let cell = |(at, (text, width)): (usize, (&String, &usize))| {
        if at < 4 { format!("{text:>w$}", w = *width) } else { format!("{text:<w$}", w = *width) }
    };
    cells.iter().zip(widths).enumerate().map(cell).collect::<Vec<_>>().join("  ")
}

/// The PDB, and where the names are from.
fn pdb(row: &ModuleRow<'_>) -> String {
    let pdb = row.outcome.pdb.as_ref();
    let identity = pdb.map(|pdb| format!("{} {} age {}", pdb.file_name, pdb.guid, pdb.age));
    let from = match (source(row.outcome), &row.outcome.file) {
        (Some("cache"), _) => Some("names kept from before".to_owned()),
        (Some("built_in"), _) => Some("built in".to_owned()),
        (Some(_), Some(file)) => Some(file.display().to_string()),
        _ => None,
    };
    identity.into_iter().chain(from).collect::<Vec<_>>().join(", ")
}

/// What was tried.
fn below(out: &mut dyn Write, row: &ModuleRow<'_>, tried: bool) -> io::Result<()> {
    let nothing = match row.outcome.state {
        ModuleState::NoIdentity => Some("the trace does not say by which PDB the module is named"),
        ModuleState::NotFound if row.outcome.attempts.is_empty() => Some("the symbol path has no place to look at"),
        _ => None,
    };
    if let Some(nothing) = nothing {
        writeln!(out, "      {nothing}")?;
    }
    let is_empty_place = |outcome: &LookupResult| matches!(outcome, LookupResult::NotFound | LookupResult::NotFoundCached);
    for attempt in row.outcome.attempts.iter().filter(|attempt| tried || !is_empty_place(&attempt.result)) {
        writeln!(out, "      {}", attempt_text(attempt))?;
    }
    let path = &row.need.request.identity.path;
    if path.is_empty() || !tried { Ok(()) } else { writeln!(out, "      image: {path}") }
}

fn sums(out: &mut dyn Write, rows: &[ModuleRow<'_>], tried: bool) -> io::Result<()> {
    let sums = ModuleSums::of(rows);
    let n = |count: usize| format::count(count as u64);
    let mut parts = vec![format!("{} of {} modules loaded", n(sums.loaded), n(sums.modules))];
    if sums.exports_only > 0 {
        parts.push(format!("{} named by exports only", n(sums.exports_only)));
    }
    parts.push(format!("{} of {} frames named", n(sums.named), n(sums.frames)));
    if sums.downloaded_bytes > 0 {
        parts.push(format!("{} downloaded", format::bytes(sums.downloaded_bytes)));
    }
    writeln!(out, "\n{}", parts.join(", "))?;
    if sums.loaded < sums.modules && !tried {
        writeln!(out, "Every place that was looked at: --tried")?;
    }
    Ok(())
}
