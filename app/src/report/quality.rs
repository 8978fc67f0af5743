//! How far the trace can be trusted: what is missing, what is odd about it, which modules have no names.

use super::{ReportInput, escape};
use crate::{format, leak_text};
use poolscope_etl::diagnostics::Severity;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Writes it.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut dyn Write, input: &ReportInput<'_>) -> io::Result<()> {
    let trust = &input.judgement.trust;
    writeln!(out, "<section>\n<h2>Data quality</h2>\n<ul>")?;
    if trust.notes.is_empty() {
        writeln!(out, "<li>Nothing is known to be missing that would change a verdict.</li>")?;
    }
    let notes = trust.notes.iter().map(leak_text::data_quality_note);
    for note in notes.chain(leak_text::counter_comparison(trust)).chain(leak_text::grouping_note(input.judgement)) {
        writeln!(out, "<li>{}</li>", escape(&note))?;
    }
    for row in input.names.trace().anomalies.rows() {
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
    let nameless = nameless(input);
    if !nameless.is_empty() {
        let names: Vec<String> = nameless.iter().map(|name| escape(name)).collect();
        writeln!(
            out,
            "<li>Modules on these stacks without symbols: <span class=\"code\">{}</span></li>",
            names.join(", ")
        )?;
    }
    writeln!(out, "</ul>\n</section>")
}

/// Modules on the stacks shown that have a frame without a name.
fn nameless(input: &ReportInput<'_>) -> BTreeSet<String> {
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
