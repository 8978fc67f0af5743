//! The processes of the trace.

use eframe::egui::{Label, RichText, Ui};
use egui_extras::{Column, TableBuilder};
use poolscope_analysis::trace::time::Ticks;

use crate::gui::state::document::Document;
use crate::gui::theme::{self, ROW_HEIGHT};

const HEIGHT: f32 = 260.0;

/// Draws the list.
pub(super) fn show(ui: &mut Ui, document: &Document) {
    let processes = document.trace.processes.rows();
    if processes.is_empty() {
        ui.weak("The trace names no process. Allocations show the number of the process alone, or none.");
        return;
    }
    let clock = document.trace.clock;
    let time = |ticks: Ticks| match ticks {
        Ticks::UNKNOWN => "before the trace".to_owned(),
        Ticks::NEVER => "after it".to_owned(),
        ticks => format!("{:.3} s", clock.seconds(ticks)),
    };
    ui.push_id("processes", |ui| {
        TableBuilder::new(ui)
            .striped(true)
            .resizable(true)
            .min_scrolled_height(HEIGHT)
            .max_scroll_height(HEIGHT)
            .column(Column::initial(280.0).clip(true))
            .column(Column::initial(110.0).clip(true))
            .column(Column::remainder().clip(true))
            .header(ROW_HEIGHT, |mut header| {
                for title in ["Process", "Start", "End"] {
                    header.col(|ui| {
                        ui.weak(title);
                    });
                }
            })
            .body(|body| {
                body.rows(ROW_HEIGHT, processes.len(), |mut row| {
                    let Some(process) = processes.get(row.index()) else { return };
                    for (at, text) in [process.label(), time(process.start), time(process.end)].into_iter().enumerate()
                    {
                        row.col(|ui| {
                            let font = if at == 0 { theme::text_font() } else { theme::figure_font() };
                            ui.add(Label::new(RichText::new(text).font(font)).truncate());
                        });
                    }
                });
            });
    });
}
