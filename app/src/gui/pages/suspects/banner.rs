//! The sentence above graph and table: who leaks, or that nothing does, with the ways to the rows and to all suspects. Its room
//! is reserved before the answer arrives: nothing moves then.

use eframe::egui::{Align, Button, Frame, Layout, Margin, Panel, Ui};

use crate::gui::commands::{Command, DocumentCommand};
use crate::gui::document::Document;
use crate::gui::icons::Icon;
use crate::gui::model::page_id::PageId;
use crate::gui::pages::suspects::commands::SuspectsCommand;
use crate::gui::pages::suspects::marks;
use crate::gui::theme::{self, Palette, ROW_HEIGHT};
use crate::gui::widgets::{close_button, fitted_text};
use crate::leak_text;

/// Height of the line, in points.
const HEIGHT: f32 = 30.0;
/// Below this width the second button is left out: the first leads there too.
const LEAST_FOR_BOTH: f32 = 560.0;

/// Draws the line, unless it was sent away.
pub(super) fn show(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    if document.suspects().dismissed || !document.has_allocations() {
        return;
    }
    let palette = Palette::of(ui);
    let frame = Frame::new().fill(palette.panel).inner_margin(Margin::symmetric(8, 0));
    Panel::top("headline").exact_size(HEIGHT).frame(frame).show(ui, |ui| line(ui, document, commands));
}

fn line(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let suspects = document.suspects().suspects();
    let verdict = marks::alarming(suspects);
    let wide = ui.available_width() >= LEAST_FOR_BOTH;
    ui.horizontal_centered(|ui| {
        match verdict {
            Some(verdict) => drop(marks::icon(verdict).show(ui, marks::color(verdict, palette))),
            None => drop(Icon::Ring.show(ui, palette.dim)),
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let hide = close_button::show(ui, ROW_HEIGHT, "Hide summary banner");
            if hide.on_hover_text("Hide until the trace is opened again").clicked() {
                commands.push(SuspectsCommand::Headline.into());
            }
            let page = DocumentCommand::Page(PageId::SUSPECTS);
            let key = Command::from(page.clone()).shortcut_text(ui).unwrap_or_default();
            if ui.button(page.title()).on_hover_text(format!("Show all suspects with evidence ({key})")).clicked() {
                commands.push(page.into());
            }
            let show = SuspectsCommand::Show;
            if wide && verdict.is_some() {
                let button = ui.add(Button::new("Show"));
                button.ctx.accesskit_node_builder(button.id, |node| node.set_label(show.title()));
                if button.on_hover_text("Show its rows in the table").clicked() {
                    commands.push(show.into());
                }
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| sentence(ui, document, verdict.is_some()));
        });
    });
}

fn sentence(ui: &mut Ui, document: &Document, alarming: bool) {
    let message = match &document.suspects().shown {
        Some(shown) => leak_text::summary(&shown.analysis),
        None if document.suspects().broken => {
            "Internal error: the suspects could not be computed. Please report it.".to_owned()
        }
        None => "Analyzing\u{2026}".to_owned(),
    };
    let palette = Palette::of(ui);
    if document.are_leaks_outdated() {
        ui.multiply_opacity(0.6);
    }
    let (font, color) = if alarming { (theme::strong_font(), palette.text) } else { (theme::text_font(), palette.dim) };
    fitted_text::label(ui, &message, font, |text| text.color(color));
}
