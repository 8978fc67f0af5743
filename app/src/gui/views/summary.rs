//! The panel on the left: what trace this is and how good its data are.

use eframe::egui::{RichText, ScrollArea, Sense, Ui, vec2};
use poolscope_core::anomaly::Severity;

use crate::format;
use crate::gui::state::document::Document;
use crate::gui::theme::{self, GRID, Palette};

/// Draws the panel.
pub fn show(ui: &mut Ui, document: &Document) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        caption(ui, "TRACE");
        ui.label(RichText::new(document.source.name()).font(theme::strong_font()));
        for (name, value) in facts(document) {
            fact(ui, name, &value);
        }
        ui.add_space(4.0 * GRID);
        caption(ui, "DATA QUALITY");
        quality(ui, document);
    });
}

fn caption(ui: &mut Ui, text: &str) {
    let colour = Palette::of(ui).dim;
    ui.label(RichText::new(text).font(theme::small_font()).color(colour));
    ui.add_space(GRID);
}

fn fact(ui: &mut Ui, name: &str, value: &str) {
    ui.horizontal(|ui| {
        let width = 76.0;
        let (rect, _) = ui.allocate_exact_size(vec2(width, 18.0), Sense::HOVER);
        let palette = Palette::of(ui);
        ui.painter().text(
            rect.left_center(),
            eframe::egui::Align2::LEFT_CENTER,
            name,
            theme::small_font(),
            palette.dim,
        );
        ui.add(eframe::egui::Label::new(value).truncate());
    });
}

fn facts(document: &Document) -> Vec<(&'static str, String)> {
    let trace = &document.trace;
    let summary = &trace.summary;
    let mut facts = Vec::new();
    let windows = match &summary.os_name {
        Some(name) => format!("{name} ({})", summary.os_build),
        None => format!("build {}", summary.os_build),
    };
    facts.push(("Windows", windows));
    if let Some(computer) = &summary.computer {
        facts.push(("Computer", computer.clone()));
    }
    facts.push(("Processors", summary.cpus.to_string()));
    if let Some(start) = format::rfc3339(summary.start_filetime) {
        let seconds = start.split('.').next().unwrap_or(&start).trim_end_matches('Z').replace('T', " ");
        facts.push(("Start (UTC)", seconds));
    }
    facts.push(("Duration", format!("{:.3} s", document.whole().span())));
    facts.push(("Events", format::count(trace.census.records)));
    facts.push(("Allocations", format::count(trace.census.pool_allocs)));
    facts.push(("Frees", format::count(trace.census.pool_frees)));
    facts.push(("Stacks", format::count(trace.census.stacks.distinct)));
    facts.push(("Images", format::count(trace.modules.modules().len() as u64)));
    facts.push(("File", format::bytes(summary.file_bytes)));
    facts
}

fn quality(ui: &mut Ui, document: &Document) {
    let palette = Palette::of(ui);
    let summary = &document.trace.summary;
    if summary.events_lost == 0 && summary.buffers_lost == 0 {
        mark(ui, palette.good, "no losses").on_hover_text("Windows says that it lost no events and no buffers.");
    }
    for anomaly in document.trace.anomalies.rows() {
        let colour = match anomaly.kind.severity() {
            Severity::Info => palette.faint,
            Severity::Warning => palette.warn,
            Severity::DataLoss => palette.bad,
        };
        let text = format!("{} ({})", anomaly.kind.name().replace('_', " "), format::count(anomaly.count));
        mark(ui, colour, &text).on_hover_text(anomaly.kind.effect());
    }
    mark(ui, palette.faint, "no symbols").on_hover_text(
        "Frames are shown as module and offset. The functions' names come from the modules' symbol files, which are not loaded.",
    );
}

fn mark(ui: &mut Ui, colour: eframe::egui::Color32, text: &str) -> eframe::egui::Response {
    ui.horizontal(|ui| {
        let (dot, _) = ui.allocate_exact_size(vec2(8.0, 18.0), Sense::HOVER);
        ui.painter().circle_filled(dot.center(), 4.0, colour);
        ui.add(eframe::egui::Label::new(text).truncate())
    })
    .inner
}
