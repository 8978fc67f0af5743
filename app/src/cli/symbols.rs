//! `symbols`: resolves the symbols of a trace, caches them, and lists the result for each module.

use super::io::Io;
use super::open::TraceArgs;
use super::output_format::OutputFormat;
use super::symbol_args::{resolver, search, state_text};
use super::table::{Column, Table};
use crate::format;
use crate::symbols::SymbolOptions;
use clap::ValueHint;
use clap::builder::NonEmptyStringValueParser;
use poolscope_analysis::export::symbols::{
    ModuleRow, ModuleTotals, NameSource, attempt_text, source, write_csv, write_json,
};
use poolscope_analysis::group::symbols::{ModuleNeed, module_needs, named_frames};
use poolscope_analysis::load::LoadOptions;
use poolscope_analysis::trace::Trace;
use poolscope_etl::diagnostics::DiagnosticKind;
use poolscope_symbols::identity::base_name;
use poolscope_symbols::locate::LookupResult;
use poolscope_symbols::pdb_file::{self, PdbBytes};
use poolscope_symbols::resolve::ModuleState;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Options of `symbols`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    trace: TraceArgs,
    /// Symbol path, such as `srv*C:\symbols*https://msdl.microsoft.com/download/symbols;D:\build\pdb`
    /// (default: `_NT_SYMBOL_PATH`, else the usual stores and the Microsoft symbol server). The folder of the trace is searched
    /// first
    #[arg(long, value_name = "SYMPATH", value_parser = NonEmptyStringValueParser::new(), value_hint = ValueHint::AnyPath)]
    path: Option<String>,
    /// Uses no symbol server
    #[arg(long)]
    offline: bool,
    /// PDB files to use before the symbol path. A PDB whose GUID and age differ from those of its module is rejected
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pdb: Vec<PathBuf>,
    /// Reads every PDB again instead of using cached names
    #[arg(long)]
    reload: bool,
    /// Shows every location that was searched for each module
    #[arg(long)]
    search_log: bool,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = OutputFormat::parser(&FORMATS))]
    format: OutputFormat,
}

const FORMATS: [OutputFormat; 3] = [OutputFormat::Text, OutputFormat::Csv, OutputFormat::Json];

/// Runs the command. A module without symbols is no error.
///
/// # Errors
/// The trace cannot be loaded, or the output cannot be written.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    args.trace.with_trace(io, LoadOptions::default(), |trace, _, io| {
        let choice = SymbolOptions { path: args.path.clone(), offline: args.offline };
        let mut resolver = resolver(&choice, &args.trace, io)?;
        resolver.is_only_supplied = resolver.supplied.is_some() && choice.path.is_none() && !args.reload;
        let mut needs = module_needs(trace);
        needs.iter_mut().for_each(|need| need.request.ignore_cache = args.reload);
        for file in &args.pdb {
            if !assign_pdb(file, &mut needs) {
                writeln!(io.err, "poolscope: warning: {} belongs to no module of the trace", file.display())?;
            }
        }
        let resolved = search(&resolver, needs, io);
        anyhow::ensure!(!io.cancel.is_cancelled(), "the symbol lookup was cancelled");
        let named = named_frames(trace, &resolved.needs, &resolved.table(trace));
        let row = |((need, outcome), named)| ModuleRow { need, outcome, named };
        let rows: Vec<ModuleRow<'_>> = resolved.needs.iter().zip(&resolved.outcomes).zip(named).map(row).collect();
        let (name, path) = (args.trace.name(), io.environment.effective_path(&choice));
        match args.format {
            OutputFormat::Json => write_json(&mut io.out, &name, &path, &rows)?,
            OutputFormat::Csv => write_csv(&mut io.out, &rows)?,
            _ => {
                let heading = Heading { trace, name: &name, path: &path, offline: args.offline };
                write_text(io, &heading, &rows, args.search_log)?;
            }
        }
        Ok(0)
    })
}

/// Assigns a PDB to the module with its identity, else to the module with its name, whose lookup then reports the mismatch.
/// `false` if there is none.
fn assign_pdb(file: &Path, needs: &mut [ModuleNeed]) -> bool {
    let path = file.to_string_lossy();
    let name = base_name(&path);
    let identity = PdbBytes::open(file).and_then(|bytes| pdb_file::read_identity(&bytes, name)).ok();
    let pdb_of = |need: &ModuleNeed| need.request.identity.pdb.clone();
    let has_identity = |need: &ModuleNeed| {
        let wanted = pdb_of(need).map(|pdb| (pdb.guid, pdb.age));
        wanted.is_some() && wanted == identity.as_ref().map(|pdb| (pdb.guid, pdb.age))
    };
    let has_name = |need: &ModuleNeed| match pdb_of(need) {
        Some(pdb) => pdb.file_name.eq_ignore_ascii_case(name),
        None => stem(&need.request.identity.name).eq_ignore_ascii_case(stem(name)),
    };
    let at = needs.iter().position(has_identity).or_else(|| needs.iter().position(has_name));
    let need = at.and_then(|at| needs.get_mut(at));
    need.map(|need| need.request.explicit_pdb = Some(file.to_owned())).is_some()
}

fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Input of the heading.
struct Heading<'h> {
    trace: &'h Trace,
    /// Its name as given on the command line.
    name: &'h str,
    /// The symbol path.
    path: &'h str,
    /// True if no server was used.
    offline: bool,
}

/// Writes one line per module and the totals. Failed lookups follow below a module without names; with `search_log` all
/// lookups follow below every module.
fn write_text(io: &mut Io<'_>, heading: &Heading<'_>, rows: &[ModuleRow<'_>], search_log: bool) -> io::Result<()> {
    let (bold, end) = if io.color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let offline = if heading.offline { ", without servers" } else { "" };
    writeln!(io.out, "{bold}{}: symbols along {}{offline}{end}\n", heading.name, heading.path)?;
    if heading.trace.diagnostics.count(DiagnosticKind::UnmergedImages) > 0 {
        writeln!(io.out, "{}\n", DiagnosticKind::UnmergedImages.effect())?;
    }
    if rows.is_empty() {
        return writeln!(
            io.out,
            "No names have to be resolved: no stack contains a module, or the file is a debugger log, which has names."
        );
    }
    let columns = vec![
        Column::number("Outstanding"),
        Column::number("Allocations"),
        Column::number("Frames"),
        Column::number("Named"),
        Column::text("State"),
        Column::text("Module"),
        Column::text("PDB"),
    ];
    let table = Table::new(columns, rows.iter().map(cells).collect());
    writeln!(io.out, "{}", table.header())?;
    for (at, row) in rows.iter().enumerate() {
        writeln!(io.out, "{}", table.row(at))?;
        if search_log || !row.outcome.state.is_loaded() {
            write_attempts(&mut io.out, row, search_log)?;
        }
    }
    write_totals(&mut io.out, rows, search_log)
}

fn cells(row: &ModuleRow<'_>) -> Vec<String> {
    vec![
        format::bytes(row.need.outstanding_bytes),
        format::count(row.need.allocations),
        format::count(row.need.frames as u64),
        format::count(row.named as u64),
        state_text(&row.outcome.state),
        row.need.request.identity.name.clone(),
        pdb(row),
    ]
}

/// The PDB and the source of the names.
fn pdb(row: &ModuleRow<'_>) -> String {
    let pdb = row.outcome.pdb.as_ref();
    let identity = pdb.map(|pdb| format!("{} {} age {}", pdb.file_name, pdb.guid, pdb.age));
    let from = match (source(row.outcome), &row.outcome.file) {
        (Some(NameSource::Cache), _) => Some("cached names".to_owned()),
        (Some(NameSource::BuiltIn), _) => Some("built in".to_owned()),
        (Some(_), Some(file)) => Some(file.display().to_string()),
        _ => None,
    };
    identity.into_iter().chain(from).collect::<Vec<_>>().join(", ")
}

/// Writes the lookups of a module.
fn write_attempts(out: &mut dyn Write, row: &ModuleRow<'_>, search_log: bool) -> io::Result<()> {
    let reason = match row.outcome.state {
        ModuleState::NoIdentity => Some("the trace does not identify the PDB of the module"),
        ModuleState::NotFound if row.outcome.attempts.is_empty() => Some("the symbol path has no usable location"),
        _ => None,
    };
    if let Some(reason) = reason {
        writeln!(out, "      {reason}")?;
    }
    let is_not_found =
        |outcome: &LookupResult| matches!(outcome, LookupResult::NotFound | LookupResult::NotFoundCached);
    for attempt in row.outcome.attempts.iter().filter(|attempt| search_log || !is_not_found(&attempt.result)) {
        writeln!(out, "      {}", attempt_text(attempt))?;
    }
    let path = &row.need.request.identity.path;
    if path.is_empty() || !search_log { Ok(()) } else { writeln!(out, "      image: {path}") }
}

fn write_totals(out: &mut dyn Write, rows: &[ModuleRow<'_>], search_log: bool) -> io::Result<()> {
    let totals = ModuleTotals::of(rows);
    let n = |count: usize| format::count(count as u64);
    let mut parts = vec![format!("{} of {} modules loaded", n(totals.loaded), n(totals.modules))];
    if totals.exports_only > 0 {
        parts.push(format!("{} named by exports only", n(totals.exports_only)));
    }
    parts.push(format!("{} of {} frames named", n(totals.named), n(totals.frames)));
    if totals.downloaded_bytes > 0 {
        parts.push(format!("{} downloaded", format::bytes(totals.downloaded_bytes)));
    }
    writeln!(out, "\n{}", parts.join(", "))?;
    if totals.loaded < totals.modules && !search_log {
        writeln!(out, "--search-log shows every location that was searched.")?;
    }
    Ok(())
}
