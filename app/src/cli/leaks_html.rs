//! `leaks --html FILE`: the report that can be mailed.

use super::leaks::Verdicts;
use super::open::Workers;
use crate::html_report::{self, ReportInput};
use anyhow::Context as _;
use poolscope_core::column::parallel::never;
use poolscope_core::leak::Suspect;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

/// Writes it, with these suspects.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, verdict: &Verdicts<'_>, shown: &[&Suspect], workers: &Workers) -> anyhow::Result<()> {
    let curves = workers.run(|| html_report::curves(verdict.names, verdict.judgement, shown, &never))?;
    let (document, span) = (verdict.document, &verdict.judgement.span);
    let view = document.view;
    let seconds = |time| document.clock.seconds(time);
    let (from, to) = (seconds(view.from), seconds(view.to));
    let (by, warm_up) = (verdict.judgement.request.by.name(), seconds(span.from) - from);
    let trace = verdict.trace_argument();
    let command = format!("poolscope leaks {trace} --by {by} --range {from}..{to} --warm-up {warm_up}");
    let left_out = verdict.left_out(shown);
    let input = ReportInput {
        name: document.trace,
        names: verdict.names,
        judgement: verdict.judgement,
        shown,
        left_out: left_out.as_deref(),
        hints: verdict.hints,
        curves: &curves,
        command: &command,
    };
    let failed = || format!("cannot write {}", path.display());
    let mut out = BufWriter::new(File::create(path).with_context(failed)?);
    html_report::write(&mut out, &input).and_then(|()| out.flush()).with_context(failed)
}
