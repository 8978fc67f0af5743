//! The facts about the trace.

use eframe::egui::{Grid, Ui};

use poolscope_analysis::trace::summary::PartSummary;

use crate::format;
use crate::gui::document::Document;
use crate::part_text;

/// Draws the facts.
pub(super) fn show(ui: &mut Ui, document: &Document) {
    Grid::new("facts").num_columns(2).spacing([24.0, 4.0]).show(ui, |ui| {
        for (name, value) in facts(document) {
            ui.weak(name);
            ui.label(value);
            ui.end_row();
        }
    });
}

fn facts(document: &Document) -> Vec<(&'static str, String)> {
    let trace = &document.trace;
    let summary = &trace.summary;
    let census = &trace.statistics;
    let mut facts = Vec::new();
    if let Some(name) = &summary.os_name {
        facts.push(("Windows", name.clone()));
    }
    facts.push(("Build", summary.os_build.to_string()));
    facts.extend(summary.computer.clone().map(|computer| ("Computer", computer)));
    facts.push(("Processors", summary.cpus.to_string()));
    facts.extend(format::rfc3339(summary.start_filetime).map(|start| ("Start (UTC)", start)));
    facts.push(("Duration", format::seconds(document.whole().span(), 6)));
    facts
        .push(("File", format!("{} ({} bytes)", format::bytes(summary.file_bytes), format::count(summary.file_bytes))));
    facts.push(("Events", format::count(census.records)));
    facts.push(("Allocation events", format::count(census.pool_allocs)));
    facts.push(("Free events", format::count(census.pool_frees)));
    facts.push(("Allocations", format::count(trace.allocations.len() as u64)));
    facts.push(("Distinct stacks", format::count(census.stacks.distinct)));
    facts.push(("Events lost", format::count(summary.events_lost)));
    facts.push(("Buffers lost", format::count(summary.buffers_lost)));
    facts.push(("Images", format::count(trace.modules.modules().len() as u64)));
    let part =
        |part: &PartSummary| ("Part", format!("{}: {}", part_text::file_name(part), part_text::facts(trace, part)));
    facts.extend(summary.parts.iter().map(part));
    facts
}
