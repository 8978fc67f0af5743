//! `symbols`: finds the symbols of a trace, keeps them for the next time, and says what became of each module.

use super::io::Io;
use super::open::TraceArgs;
use super::symbol_args::{resolver, search};
use super::symbols_text;
use crate::symbols::SymbolOptions;
use clap::ValueHint;
use clap::builder::NonEmptyStringValueParser;
use poolscope_analysis::group::symbols::{ModuleNeed, module_needs, named_frames};
use poolscope_analysis::export::symbols::{ModuleRow, write_csv, write_json};
use poolscope_symbols::identity::base_name;
use poolscope_symbols::pdb_file::{self, PdbBytes};
use poolscope_analysis::load::LoadOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Options of `symbols`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    trace: TraceArgs,
    /// Symbol path, such as `srv*C:\symbols*https://msdl.microsoft.com/download/symbols;D:\build\pdb`
    /// (default: `_NT_SYMBOL_PATH`, else the usual stores and Microsoft's server). The folder of the trace comes first
    #[arg(long, value_name = "SYMPATH", value_parser = NonEmptyStringValueParser::new(), value_hint = ValueHint::AnyPath)]
    path: Option<String>,
    /// Asks no symbol server
    #[arg(long)]
    offline: bool,
    /// PDBs to take whatever the symbol path says; one with another identity than its module's is refused
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pdb: Vec<PathBuf>,
    /// Reads every PDB anew: names kept from before are not used
    #[arg(long)]
    reload: bool,
    /// Says of every module all places that were looked at
    #[arg(long)]
    tried: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Output formats of `symbols`.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Format {
    /// For reading
    #[default]
    Text,
    /// One row per module
    Csv,
    /// One object with one row per module
    Json,
}

/// Runs the command. A module without symbols is a result, no failure.
///
/// # Errors
/// The trace cannot be loaded, or the output cannot be written.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    args.trace.with_trace(io, LoadOptions::default(), |trace, _, io| {
        let choice = SymbolOptions { path: args.path.clone(), offline: args.offline };
        let resolver = resolver(&choice, &args.trace, io)?;
        let mut needs = module_needs(trace);
        needs.iter_mut().for_each(|need| need.request.ignore_cache = args.reload);
        for file in &args.pdb {
            if !choose(file, &mut needs) {
                writeln!(io.err, "poolscope: warning: {} belongs to no module of the trace", file.display())?;
            }
        }
        let resolved = search(&resolver, needs, io);
        anyhow::ensure!(!io.cancel.is_cancelled(), "the search was given up");
        let named = named_frames(trace, &resolved.needs, &resolved.table(trace));
        let row = |((need, outcome), named)| ModuleRow { need, outcome, named };
        let rows: Vec<ModuleRow<'_>> = resolved.needs.iter().zip(&resolved.outcomes).zip(named).map(row).collect();
        let (name, path) = (args.trace.name(), io.environment.effective_path(&choice));
        match args.format {
            Format::Json => write_json(&mut io.out, &name, &path, &rows)?,
            Format::Csv => write_csv(&mut io.out, &rows)?,
            Format::Text => {
                let heading = symbols_text::Heading { trace, name: &name, path: &path, offline: args.offline };
                symbols_text::write(io, &heading, &rows, args.tried)?;
            }
        }
        Ok(0)
    })
}

/// Hands a PDB to the module it belongs to by its identity, else to the one it seems to be meant for: that one will say
/// what is wrong with it. `false` if there is none.
fn choose(file: &Path, needs: &mut [ModuleNeed]) -> bool {
    let path = file.to_string_lossy();
    let name = base_name(&path);
    let identity = PdbBytes::open(file).and_then(|bytes| pdb_file::read_identity(&bytes, name)).ok();
    let pdb_of = |need: &ModuleNeed| need.request.identity.pdb.clone();
    let is_it = |need: &ModuleNeed| {
        let wanted = pdb_of(need).map(|pdb| (pdb.guid, pdb.age));
        wanted.is_some() && wanted == identity.as_ref().map(|pdb| (pdb.guid, pdb.age))
    };
    let is_called = |need: &ModuleNeed| match pdb_of(need) {
        Some(pdb) => pdb.file_name.eq_ignore_ascii_case(name),
        None => stem(&need.request.identity.name).eq_ignore_ascii_case(stem(name)),
    };
    let at = needs.iter().position(is_it).or_else(|| needs.iter().position(is_called));
    let need = at.and_then(|at| needs.get_mut(at));
    need.map(|need| need.request.explicit_pdb = Some(file.to_owned())).is_some()
}

fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}
