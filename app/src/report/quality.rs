//! Data quality: issues that lower the confidence, diagnostics of the trace, modules without symbols.

use super::{ReportInput, escape};
use crate::{format, leak_text};
use poolscope_etl::diagnostics::Severity;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Writes the section.
///
/// # Errors
/// If the output cannot be written.
pub fn write(out: &mut dyn Write, input: &ReportInput<'_>) -> io::Result<()> {
    let data_quality = &input.analysis.data_quality;
    writeln!(out, "<section>\n<h2>Data quality</h2>\n<ul>")?;
    if data_quality.issues.is_empty() {
        writeln!(out, "<li>No data loss that would change a verdict.</li>")?;
    }
    let notes = data_quality.issues.iter().map(leak_text::data_quality_note);
    for note in notes.chain(leak_text::counter_comparison(data_quality)).chain(leak_text::grouping_note(input.analysis))
    {
        writeln!(out, "<li>{}</li>", escape(&note))?;
    }
    for row in input.names.trace().diagnostics.rows() {
        let class = match row.kind.severity() {
            Severity::DataLoss => "bad",
            Severity::Warning => "warn",
            Severity::Info => "calm",
        };
        let (severity, name) = (row.kind.severity().name(), row.kind.name());
        let (times, effect) = (format::count(row.count), escape(row.kind.effect()));
        writeln!(
            out,
            "<li><b class=\"v {class}\">{severity}</b> {effect} <span class=\"dim\">{name}, {times}</span></li>"
        )?;
    }
    let unnamed = unnamed_modules(input);
    if !unnamed.is_empty() {
        let names: Vec<String> = unnamed.iter().map(|name| escape(name)).collect();
        writeln!(
            out,
            "<li>Modules on these stacks without symbols: <span class=\"code\">{}</span></li>",
            names.join(", ")
        )?;
    }
    writeln!(out, "</ul>\n</section>")
}

/// Modules on the stacks shown that have an unnamed frame.
fn unnamed_modules(input: &ReportInput<'_>) -> BTreeSet<String> {
    let trace = input.names.trace();
    let mut found = BTreeSet::new();
    for suspect in input.shown {
        for frame in trace.stacks.inner_to_outer(suspect.stack) {
            let is_named = input.names.symbols().is_some_and(|symbols| symbols.answer(frame).is_some());
            let row = trace.stacks.frame_rows().get(frame.index()).filter(|_| !is_named);
            found.extend(row.and_then(|row| trace.modules.get(row.module)).map(|module| module.name.clone()));
        }
    }
    found
}
