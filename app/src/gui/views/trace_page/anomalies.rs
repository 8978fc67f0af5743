//! Everything that is wrong with the trace, with what it does to the figures.

use eframe::egui::{RichText, Sense, Ui, vec2};
use poolscope_core::anomaly::Severity;
use poolscope_core::trace::Trace;

use crate::format;
use crate::gui::theme::{self, Palette};

/// Offsets that are written out.
const MOST_OFFSETS: usize = 4;

/// Draws the list.
pub(super) fn show(ui: &mut Ui, trace: &Trace) {
    let palette = Palette::of(ui);
    let summary = &trace.summary;
    if summary.events_lost == 0 && summary.buffers_lost == 0 {
        line(ui, palette.good, "no losses", "Windows says that it lost no events and no buffers.", "");
    }
    let mut rows: Vec<_> = trace.anomalies.rows().iter().collect();
    rows.sort_by_key(|anomaly| match anomaly.kind.severity() {
        Severity::DataLoss => 0,
        Severity::Warning => 1,
        Severity::Info => 2,
    });
    for anomaly in rows {
        let colour = match anomaly.kind.severity() {
            Severity::Info => palette.faint,
            Severity::Warning => palette.warn,
            Severity::DataLoss => palette.bad,
        };
        let name = anomaly.kind.name().replace('_', " ");
        let title = if anomaly.count > 1 { format!("{} x {name}", format::count(anomaly.count)) } else { name };
        let offsets: Vec<String> =
            anomaly.offsets.iter().take(MOST_OFFSETS).map(|offset| format!("{offset:#x}")).collect();
        let at =
            if offsets.is_empty() { String::new() } else { format!("first at file offset {}", offsets.join(", ")) };
        line(ui, colour, &title, anomaly.kind.effect(), &at);
    }
}

fn line(ui: &mut Ui, colour: eframe::egui::Color32, title: &str, effect: &str, at: &str) {
    ui.horizontal_top(|ui| {
        let (dot, _) = ui.allocate_exact_size(vec2(10.0, 18.0), Sense::HOVER);
        ui.painter().circle_filled(dot.center(), 4.0, colour);
        ui.vertical(|ui| {
            ui.label(RichText::new(title).font(theme::strong_font()));
            ui.label(effect);
            if !at.is_empty() {
                ui.weak(at);
            }
        });
    });
}
