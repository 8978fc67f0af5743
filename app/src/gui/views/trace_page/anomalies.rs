//! Everything that is wrong with the trace, with what it does to the figures, and the way to a recording that mends it.

use eframe::egui::{Color32, RichText, Sense, Ui, vec2};
use poolscope_etl::diagnostics::Severity;

use crate::format;
use crate::gui::command::Command;
use crate::gui::state::document::Document;
use crate::gui::state::kit_fix::Fix;
use crate::gui::theme::{self, Palette};
use crate::recorded_range_text;

/// Offsets that are written out.
const MOST_OFFSETS: usize = 4;

/// Draws the list.
pub(super) fn show(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let trace = &document.trace;
    let summary = &trace.summary;
    if let Some(part) = recorded_range_text::missing(trace) {
        line(ui, palette.bad, "part of the recording", &part, "", None);
    }
    if summary.events_lost == 0 && summary.buffers_lost == 0 && trace.diagnostics.worst() != Some(Severity::DataLoss) {
        line(ui, palette.good, "no losses", "Windows says that it lost no events and no buffers.", "", None);
    }
    let mut rows: Vec<_> = trace.diagnostics.rows().iter().collect();
    rows.sort_by_key(|diagnostic| match diagnostic.kind.severity() {
        Severity::DataLoss => 0,
        Severity::Warning => 1,
        Severity::Info => 2,
    });
    // One way for all that it mends, at the first of them.
    let mut offered: Vec<Fix> = Vec::new();
    for diagnostic in rows {
        let colour = match diagnostic.kind.severity() {
            Severity::Info => palette.faint,
            Severity::Warning => palette.warn,
            Severity::DataLoss => palette.bad,
        };
        let name = diagnostic.kind.name().replace('_', " ");
        let title = if diagnostic.count > 1 { format!("{} x {name}", format::count(diagnostic.count)) } else { name };
        let offsets: Vec<String> =
            diagnostic.offsets.iter().take(MOST_OFFSETS).map(|offset| format!("{offset:#x}")).collect();
        let at =
            if offsets.is_empty() { String::new() } else { format!("first at file offset {}", offsets.join(", ")) };
        let fix = Fix::of(diagnostic.kind).filter(|fix| !offered.contains(fix));
        offered.extend(fix);
        if line(ui, colour, &title, diagnostic.kind.effect(), &at, fix)
            && let Some(fix) = fix
        {
            commands.push(document.record_again(fix));
        }
    }
}

/// Draws one; returns whether the way to what mends it was clicked.
fn line(ui: &mut Ui, colour: Color32, title: &str, effect: &str, at: &str, fix: Option<Fix>) -> bool {
    let mut clicked = false;
    ui.horizontal_top(|ui| {
        let (dot, _) = ui.allocate_exact_size(vec2(10.0, 18.0), Sense::HOVER);
        ui.painter().circle_filled(dot.center(), 4.0, colour);
        ui.vertical(|ui| {
            ui.label(RichText::new(title).font(theme::strong_font()));
            ui.label(effect);
            if !at.is_empty() {
                ui.weak(at);
            }
            clicked = fix.is_some_and(|fix| ui.button(fix.title()).clicked());
        });
    });
    clicked
}
