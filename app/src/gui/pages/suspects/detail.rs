//! Details of the selected suspect: evidence, growth, owner of the tag, ages of its allocations, and the stack
//! that most of it comes from.

use eframe::egui::{Align, Button, Color32, FontId, Label, Layout, RichText, ScrollArea, TextWrapMode, Ui, vec2};
use poolscope_analysis::leaks::{LeakAnalysis, Suspect};

use super::{facts, stack};
use crate::gui::commands::{Command, DocumentCommand, PageCommand};
use crate::gui::document::Document;
use crate::gui::icons;
use crate::gui::model::page_id::{BUTTERFLY_OF_SELECTION, PageId};
use crate::gui::pages::suspects::commands::SuspectsCommand;
use crate::gui::pages::suspects::marks;
use crate::gui::pages::suspects::texts;
use crate::gui::theme;
use crate::gui::theme::{GRID, Palette};
use crate::gui::widgets::fitted_text;
use crate::gui::widgets::section::caption;
use crate::gui::widgets::sparkline::Sparkline;
use crate::{format, leak_text};

/// Below these widths two columns, or all three, stand one above the other, in points.
const TWO_COLUMNS: f32 = 640.0;
const THREE_COLUMNS: f32 = 960.0;
/// From this width on the owner has a column of its own, in points.
const FOUR_COLUMNS: f32 = 1500.0;
/// Between two columns, in points.
const GAP: f32 = 6.0 * GRID;
/// Height that the text keeps below the course of the outstanding bytes, and least and greatest height of the course, in points.
const TEXT: f32 = 300.0;
const COURSE: std::ops::RangeInclusive<f32> = 72.0..=240.0;

/// Lines that a title has at most.
const TITLE_LINES: f32 = 2.0;

/// Draws what is known of the selected suspect.
pub(super) fn show(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let (Some(shown), Some(at)) = (&document.suspects().shown, document.suspects().cursor) else { return };
    let Some(suspect) = shown.analysis.suspects.get(at) else { return };
    head(ui, document, suspect, commands);
    ui.add_space(GRID);
    course(ui, &shown.analysis, suspect);
    ScrollArea::vertical().id_salt(("suspect", at)).auto_shrink(false).min_scrolled_height(0.0).show(ui, |ui| {
        let width = ui.available_width();
        if width >= FOUR_COLUMNS {
            let mut parts: [&mut dyn FnMut(&mut Ui); 4] = [
                &mut |ui| facts::evidence(ui, suspect),
                &mut |ui| facts::owner(ui, document, suspect),
                &mut |ui| facts::figures(ui, document, &shown.analysis, suspect),
                &mut |ui| stack::show(ui, document, suspect, commands),
            ];
            return columns(ui, width, &mut parts);
        }
        let mut parts: [&mut dyn FnMut(&mut Ui); 3] = [
            &mut |ui| {
                facts::evidence(ui, suspect);
                ui.add_space(2.0 * GRID);
                facts::owner(ui, document, suspect);
            },
            &mut |ui| facts::figures(ui, document, &shown.analysis, suspect),
            &mut |ui| stack::show(ui, document, suspect, commands),
        ];
        if width >= THREE_COLUMNS {
            columns(ui, width, &mut parts);
        } else if width >= TWO_COLUMNS {
            let (two, rest) = parts.split_at_mut(2);
            columns(ui, width, two);
            ui.add_space(3.0 * GRID);
            rest.iter_mut().for_each(|part| part(ui));
        } else {
            for part in &mut parts {
                part(ui);
                ui.add_space(3.0 * GRID);
            }
        }
    });
}

/// The course of the outstanding bytes, where the page is high enough for it.
fn course(ui: &mut Ui, analysis: &LeakAnalysis, suspect: &Suspect) {
    let height = (ui.available_height() - TEXT).min(*COURSE.end());
    if !analysis.has_times || height < *COURSE.start() || suspect.evidence.bytes_curve.len() < 2 {
        return;
    }
    let palette = Palette::of(ui);
    let highest = suspect.evidence.bytes_curve.iter().copied().fold(0.0, f64::max);
    let highest = format::bytes(highest.max(0.0).round() as u64);
    caption(ui, &format!("OUTSTANDING BYTES OVER THE ANALYZED RANGE, AT MOST {highest}"));
    let color = if marks::alarming(std::slice::from_ref(suspect)).is_some() { palette.accent } else { palette.dim };
    let name = format!("Course of the outstanding bytes of {}", leak_text::tag(suspect));
    let faint = texts::warm_up_share(analysis);
    let size = vec2(ui.available_width(), height - theme::ROW_HEIGHT);
    Sparkline { name: &name, values: &suspect.evidence.bytes_curve, faint, color }.show(ui, size);
    ui.add_space(2.0 * GRID);
}

/// Parts side by side, equally wide.
fn columns(ui: &mut Ui, width: f32, parts: &mut [&mut dyn FnMut(&mut Ui)]) {
    let count = parts.len().max(1) as f32;
    let each = ((width - GAP * (count - 1.0) - 2.0 * GRID) / count).floor();
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        for (at, part) in parts.iter_mut().enumerate() {
            if at > 0 {
                ui.add_space(GAP);
            }
            ui.allocate_ui_with_layout(vec2(each, 0.0), Layout::top_down(Align::Min), |ui| {
                ui.spacing_mut().item_spacing.x = 2.0 * GRID;
                ui.set_width(each);
                part(ui);
            });
        }
    });
}

/// Title of the suspect, and its commands: beside it where there is room, else below it.
fn head(ui: &mut Ui, document: &Document, suspect: &Suspect, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let by = document.suspects().shown.as_ref().map(|shown| shown.analysis.request.grouping).unwrap_or_default();
    let (tag, pool) = (leak_text::tag(suspect), leak_text::pool(suspect.is_paged));
    let title = format!("{tag}, {pool} pool, {}", texts::source(suspect, by));
    let buttons = buttons(document);
    let title_width = text_width(ui, &title, theme::strong_font());
    let room = ui.available_width() - icons::SIZE - ui.spacing().item_spacing.x;
    let has_room = title_width + buttons_width(ui, &buttons) <= room;
    ui.horizontal(|ui| {
        marks::icon(suspect.verdict).show(ui, marks::color(suspect.verdict, palette));
        if has_room {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                buttons.iter().rev().for_each(|button| button.show(ui, commands));
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    fitted_text::label(ui, &title, theme::strong_font(), |text| text);
                });
            });
        } else {
            fitted_text::paragraph(ui, &title, theme::strong_font(), TITLE_LINES, |text| text);
        }
    });
    if !has_room {
        ui.horizontal_wrapped(|ui| buttons.iter().for_each(|button| button.show(ui, commands)));
    }
    let confidence = if suspect.has_growth {
        format!(", confidence {}", format::confidence(suspect.confidence))
    } else {
        String::new()
    };
    let verdict = format::sentence_case(suspect.verdict.name());
    let message = format!("{verdict}{confidence}. {}", suspect.verdict.description());
    ui.add(Label::new(RichText::new(message).color(palette.dim)).wrap());
}

/// A button beside the title.
struct HeadButton {
    title: String,
    /// Accessible name, where the title alone says too little.
    name: Option<&'static str>,
    tip: String,
    command: Command,
}

impl HeadButton {
    fn new(title: impl Into<String>, tip: impl Into<String>, command: Command) -> Self {
        Self { title: title.into(), name: None, tip: tip.into(), command }
    }

    fn show(&self, ui: &mut Ui, commands: &mut Vec<Command>) {
        let response = ui.add(Button::new(&self.title).wrap_mode(TextWrapMode::Extend));
        if let Some(name) = self.name {
            response.ctx.accesskit_node_builder(response.id, |node| node.set_label(name));
        }
        if response.on_hover_text(&self.tip).clicked() {
            commands.push(self.command.clone());
        }
    }
}

/// The commands of the selected suspect, the most used first.
fn buttons(document: &Document) -> Vec<HeadButton> {
    let page = |title: &str, tip: &str, command: SuspectsCommand| HeadButton::new(title, tip, command.into());
    let [show, filter, flame] = [SuspectsCommand::Show, SuspectsCommand::FilterTo, SuspectsCommand::Flame];
    let mut buttons = vec![
        page(show.title(), "Show its rows in the table (Enter)", show),
        page(filter.title(), "Show only its rows on the Analysis page", filter),
        page("Show flame graph", "Show the stacks of the suspect as a flame graph", flame),
    ];
    let butterfly = PageCommand { page: PageId::BUTTERFLY, id: BUTTERFLY_OF_SELECTION };
    if document.can(&butterfly.into()) {
        let callers = Command::from(butterfly);
        buttons.push(HeadButton::new("Callers", callers.title(), callers));
    }
    if let Some((count, command)) = document.record_suspects() {
        let title = if count == 1 { "Record this tag\u{2026}" } else { "Record these tags\u{2026}" };
        let tip = "Only this, with stacks: the filter keeps the trace small enough to record for hours";
        buttons.push(HeadButton::new(title, tip, command));
    }
    let tip = "Copy the evidence on the selected suspects: sentence, figures and stack (Ctrl+C)";
    let copy = HeadButton::new("Copy", tip, DocumentCommand::CopyRows.into());
    buttons.push(HeadButton { name: Some("Copy selected suspects"), ..copy });
    buttons
}

/// Width of a line of text, in points.
fn text_width(ui: &Ui, text: &str, font: FontId) -> f32 {
    ui.painter().layout_no_wrap(text.to_owned(), font, Color32::WHITE).size().x
}

/// Width of the buttons with the gap before each, in points.
fn buttons_width(ui: &Ui, buttons: &[HeadButton]) -> f32 {
    let spacing = ui.spacing();
    let beside = 2.0 * spacing.button_padding.x + spacing.item_spacing.x;
    buttons.iter().map(|button| text_width(ui, &button.title, theme::text_font()) + beside).sum()
}
