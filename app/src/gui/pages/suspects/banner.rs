//! The sentence above graph and table: who leaks, or that nothing does, with the ways to the rows and to all suspects. Its room
//! is reserved before the answer arrives: nothing moves then.

use eframe::egui::{Align, Button, FontId, Frame, Layout, Margin, Panel, Ui};

use crate::gui::commands::{Command, DocumentCommand};
use crate::gui::document::Document;
use crate::gui::icons::Icon;
use crate::gui::model::page_id::PageId;
use crate::gui::pages::suspects::commands::SuspectsCommand;
use crate::gui::pages::suspects::marks;
use crate::gui::theme::{self, Palette, ROW_HEIGHT};
use crate::gui::widgets::{close_button, fitted_text};
use crate::leak_text;

/// Height of the banner, in points, and of a second line.
const HEIGHT: f32 = 30.0;
const SECOND_LINE: f32 = 14.0;
/// Below this width there is room for two lines: a sentence that is cut may lack the function that it is about. The width alone
/// decides, because the sentence comes later.
const LEAST_FOR_ONE_LINE: f32 = 1_100.0;
/// Part of two lines that a text may fill: it breaks between words.
const FILLED: f32 = 1.7;
/// Below this width the second button is left out: the first leads there too.
const LEAST_FOR_BOTH: f32 = 560.0;

/// Draws the banner, unless it was sent away.
pub(super) fn show(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    if document.suspects().dismissed || !document.has_allocations() {
        return;
    }
    let palette = Palette::of(ui);
    let height = HEIGHT + if has_two_lines(ui) { SECOND_LINE } else { 0.0 };
    let frame = Frame::new().fill(palette.panel).inner_margin(Margin::symmetric(8, 0));
    Panel::top("headline").exact_size(height).frame(frame).show(ui, |ui| line(ui, document, commands));
}

fn has_two_lines(ui: &Ui) -> bool {
    ui.available_width() < LEAST_FOR_ONE_LINE
}

fn font(is_alarming: bool) -> FontId {
    if is_alarming { theme::strong_font() } else { theme::text_font() }
}

fn line(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let suspects = document.suspects().suspects();
    let verdict = marks::alarming(suspects);
    let has_two_lines = has_two_lines(ui);
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
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                sentence(ui, document, verdict.is_some(), has_two_lines);
            });
        });
    });
}

/// The sentence, or why there is none yet.
fn message(document: &Document) -> String {
    match &document.suspects().shown {
        Some(shown) => leak_text::summary(&shown.analysis),
        None if document.suspects().broken => {
            "Internal error: the suspects could not be computed. Please report it.".to_owned()
        }
        None => "Analyzing\u{2026}".to_owned(),
    }
}

fn sentence(ui: &mut Ui, document: &Document, is_alarming: bool, has_two_lines: bool) {
    let palette = Palette::of(ui);
    if document.are_leaks_outdated() {
        ui.multiply_opacity(0.6);
    }
    let color = if is_alarming { palette.text } else { palette.dim };
    let message = message(document);
    let font = font(is_alarming);
    if has_two_lines {
        fitted_text::paragraph(ui, &message, font, FILLED, |text| text.color(color));
    } else {
        fitted_text::label(ui, &message, font, |text| text.color(color));
    }
}
