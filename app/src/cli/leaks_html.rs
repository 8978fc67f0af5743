//! `leaks --html FILE`: the report that can be mailed.

use super::command_line::CommandLine;
use super::leaks::LeakReport;
use super::open::Workers;
use super::output_file;
use crate::report::{self, ReportInput};
use poolscope_analysis::leaks::Suspect;
use std::path::Path;

/// Where the report goes, and what it may tell.
pub struct Page<'p> {
    /// The file.
    pub path: &'p Path,
    /// Whether a file that is there may be replaced.
    pub replace: bool,
    /// Whether the machine is named and paths are written in full.
    pub identify: bool,
    /// The command line.
    pub asked: &'p CommandLine,
}

/// Writes it, with these suspects.
///
/// # Errors
/// The file is there already, or cannot be written.
pub fn write(page: &Page<'_>, verdict: &LeakReport<'_>, shown: &[&Suspect], workers: &Workers) -> anyhow::Result<()> {
    let cancelled = || workers.cancelled();
    let curves = workers.run(|| report::curves(verdict.names, verdict.judgement, shown, &cancelled))?;
    let name = verdict.document.trace;
    // Whichever system the trace was named on.
    let file_name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let left_out = verdict.left_out(shown);
    let input = ReportInput {
        name: if page.identify { name } else { file_name },
        names_machine: page.identify,
        names: verdict.names,
        judgement: verdict.judgement,
        shown,
        left_out: left_out.as_deref(),
        hints: verdict.hints,
        curves: &curves,
        command: if page.identify { &page.asked.full } else { &page.asked.anonymized },
    };
    output_file::write(page.path, page.replace, |out| report::write(out, &input))
}
