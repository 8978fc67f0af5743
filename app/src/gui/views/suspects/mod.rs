//! The page of suspects: who leaks, the worst first, each with how fast, how sure, why, and from where; with what is judged and
//! how. It judges nothing itself.

mod bar;
mod detail;
mod empty;
mod facts;
mod keys;
mod stack;
mod table;

use eframe::egui::{Button, Frame, Id, Label, Margin, Panel, RichText, Ui};

use crate::gui::command::{Command, DocumentCommand};
use crate::gui::state::document::{Document, Page};
use crate::gui::state::suspect_marks as marks;
use crate::gui::theme::{self, GRID, Palette};
use crate::gui::widgets::badge::Badge;
use crate::{leak_text, recorded_range_text};

/// Height of what is known of the selected suspect, in points, until the user gives it another.
const DETAIL: f32 = 312.0;
/// Height that the list keeps, in points.
const LIST: f32 = 96.0;

/// Draws the page.
pub fn show(ui: &mut Ui, document: &mut Document, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    Frame::new().fill(palette.canvas).inner_margin(Margin::same(12)).show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        heading(ui, document, commands);
        if let Some(why) = empty::why(document) {
            return empty::show(ui, document, why, commands);
        }
        trust(ui, document, commands);
        ui.add_space(2.0 * GRID);
        let listed = document.suspects.listed();
        bar::show(ui, document, &listed, commands);
        ui.add_space(GRID);
        if document.leaks_are_old() {
            ui.multiply_opacity(0.6);
        }
        if document.suspects.current().is_some() && !listed.is_empty() {
            let most = (ui.available_height() - LIST).max(80.0);
            Panel::bottom(Id::unique("suspect"))
                .resizable(true)
                .default_size(DETAIL.min(most))
                .size_range(80.0..=most)
                .frame(Frame::new().inner_margin(Margin { top: 8, ..Margin::ZERO }))
                .show(ui, |ui| detail::show(ui, document, commands));
        }
        keys::take(ui, document, commands);
        if listed.is_empty() {
            empty::no_rows(ui, document, commands);
        } else {
            table::show(ui, document, &listed, commands);
        }
    });
}

/// The page's name, the way back, and the sentence about all.
fn heading(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.heading("Suspects");
        let back = if document.has_allocations() { "Back to graph and table" } else { "Back" };
        if ui.button(back).clicked() {
            commands.push(DocumentCommand::Page(Page::Analysis).into());
        }
    });
    let Some(judged) = &document.suspects.judged else { return };
    ui.add_space(GRID);
    ui.horizontal(|ui| {
        match marks::alarming(&judged.judgement.suspects) {
            Some(verdict) => marks::badge(verdict).show(ui, marks::colour(verdict, palette), palette.canvas),
            None => Badge::Ring.show(ui, palette.dim, palette.canvas),
        }
        let words = RichText::new(leak_text::summary(&judged.judgement)).font(theme::strong_font());
        ui.add(Label::new(words).truncate());
    });
}

/// What is missing from the trace, in one line that leads to the page about that.
fn trust(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let Some(judged) = &document.suspects.judged else { return };
    let trust = &judged.judgement.data_quality;
    let recorded = recorded_range_text::missing(&document.trace);
    let notes: Vec<String> = recorded.into_iter().chain(trust.issues.iter().map(leak_text::data_quality_note)).collect();
    if notes.is_empty() {
        return;
    }
    let palette = Palette::of(ui);
    ui.horizontal(|ui| {
        Badge::Dot.show(ui, palette.warn, palette.canvas);
        ui.spacing_mut().button_padding.x = 0.0;
        let words = RichText::new(notes.join(" \u{b7} ")).color(palette.dim);
        let line = ui.add(Button::new(words).truncate().frame_when_inactive(false));
        line.ctx.accesskit_node_builder(line.id, |node| node.set_label(format!("Data quality: {}", notes.join(" "))));
        if line.clicked() {
            commands.push(DocumentCommand::Page(Page::Trace).into());
        }
        let counters = leak_text::counter_comparison(trust);
        let all: Vec<String> = notes.into_iter().chain(counters).collect();
        line.on_hover_text(format!("{}\nClick: what the trace lacks", all.join("\n")));
    });
}
