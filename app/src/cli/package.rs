//! `package`: writes a trace with a view and the names of its functions as one file to pass on.

use super::io::Io;
use super::open::{TraceArgs, with_bar};
use super::output_file;
use super::selection::{Keys, SelectionArgs, parse_key_list};
use crate::export::{WatchedWriter, WriteProgress};
use crate::format;
use crate::package::{self, Package, PackageContent, PackageSource, PackageView, ViewSelection, packed_module};
use clap::ValueHint;
use poolscope_analysis::group::key::Key;
use poolscope_analysis::load::LoadOptions;
use poolscope_archive::Control;
use poolscope_base::progress::Progress;
use poolscope_symbols::resolve::ModuleState;
use std::io::Write as _;
use std::path::PathBuf;

/// Options of `package`.
#[derive(clap::Args, Debug)]
#[command(mut_arg("pooltag", |arg| arg.hide(true)), mut_arg("no_pooltag", |arg| arg.hide(true)))]
#[command(mut_arg("stack_tags", |arg| arg.hide(true)), mut_arg("wrappers", |arg| arg.hide(true)))]
#[command(mut_arg("frames", |arg| arg.hide(true)))]
#[command(
    after_help = "A package holds the whole trace: nothing is redacted, and the view narrows only what is shown. To pass on less, package the output of 'poolscope slice --redact'."
)]
pub struct Args {
    #[command(flatten)]
    trace: TraceArgs,
    /// The package to write (.poolscope)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    to: PathBuf,
    /// Columns that the table of the view is grouped by, outermost first
    #[arg(long, value_name = "COLUMNS", value_parser = parse_key_list)]
    by: Option<Keys>,
    #[command(flatten)]
    selection: SelectionArgs,
    /// Text for the recipient
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Replaces an existing file
    #[arg(long)]
    force: bool,
}

/// Runs the command.
///
/// # Errors
/// The trace cannot be loaded, the file exists, or it cannot be written.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    output_file::check(&args.to, args.force)?;
    args.trace.with_trace(io, LoadOptions::default(), |trace, workers, io| {
        args.selection.visible_range(trace)?;
        let resolved = args.selection.symbols().resolve(trace, &args.trace, io)?;
        let modules = resolved.as_ref().map_or(0, |resolved| resolved.needs.len());
        let names = resolved.iter().flat_map(|resolved| resolved.needs.iter().zip(&resolved.outcomes));
        let names: Vec<_> = names
            .filter_map(|(need, outcome)| {
                packed_module(&need.request.identity, &outcome.names, outcome.state == ModuleState::ExportsOnly)
            })
            .collect();
        let named = names.len();
        let source = if args.trace.trace.is_empty() {
            PackageSource::Sample
        } else {
            PackageSource::Locations(args.trace.trace.clone())
        };
        let content = PackageContent { source, view: args.view(), names };
        let (progress, cancel) = (Progress::default(), workers.cancel_token());
        let write = || {
            output_file::write(&args.to, args.force, |out| {
                let out = WatchedWriter::new(out, WriteProgress::default(), cancel.clone());
                package::write(&content, out, Control { progress: &progress, cancel: &cancel })
            })
        };
        let report = if io.interactive { with_bar(&progress, write) } else { write() }?;
        let bytes = std::fs::metadata(&args.to).map_or(0, |found| found.len());
        let files = format::counted(report.files, "file", "files");
        writeln!(
            io.out,
            "{}: {}; the trace ({files}, {}), names of {named} of {modules} modules. It holds the whole trace.",
            args.to.display(),
            format::bytes(bytes),
            format::bytes(report.trace_bytes),
        )?;
        Ok(0)
    })
}

impl Args {
    /// Note and view by the options; those of the package that is packed again where there are no options.
    fn view(&self) -> PackageView {
        let before = self.trace.path().and_then(Package::open).map(|package| package.view).unwrap_or_default();
        let keys = self.by.iter().flat_map(|keys| &keys.0).map(|key: &Key| key.name().to_owned());
        let range = self.selection.range().unwrap_or_default();
        let selection = ViewSelection {
            by: keys.collect(),
            range: (range.from, range.to),
            query: self.selection.query_text(),
            marks: self.selection.marks().to_vec(),
        };
        let note = self.note.clone().unwrap_or_else(|| before.note.clone());
        if selection == ViewSelection::default() {
            return PackageView { note, ..before };
        }
        PackageView { note, selection: Some(selection), window: None }
    }
}
