//! Details of the selected suspect: evidence, growth, owner of the tag, ages of its allocations, and the stack
//! that most of it comes from.

use eframe::egui::{Align, Button, Label, Layout, RichText, ScrollArea, Ui, vec2};
use poolscope_analysis::leaks::{LeakAnalysis, Suspect};

use super::{facts, stack};
use crate::gui::commands::{Command, DocumentCommand, PageCommand};
use crate::gui::document::Document;
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

/// Title of the suspect, and its commands.
fn head(ui: &mut Ui, document: &Document, suspect: &Suspect, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let by = document.suspects().shown.as_ref().map(|shown| shown.analysis.request.grouping).unwrap_or_default();
    ui.horizontal(|ui| {
        marks::icon(suspect.verdict).show(ui, marks::color(suspect.verdict, palette));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let copy = ui.button("Copy");
            copy.ctx.accesskit_node_builder(copy.id, |node| node.set_label("Copy selected suspects"));
            if copy
                .on_hover_text("Copy the evidence on the selected suspects: sentence, figures and stack (Ctrl+C)")
                .clicked()
            {
                commands.push(DocumentCommand::CopyRows.into());
            }
            record(ui, document, commands);
            for command in [SuspectsCommand::Flame, SuspectsCommand::FilterTo, SuspectsCommand::Show] {
                let (title, tip) = match command {
                    SuspectsCommand::Flame => ("Show flame graph", "Show the stacks of the suspect as a flame graph"),
                    SuspectsCommand::FilterTo => (command.title(), "Show only its rows on the Analysis page"),
                    _ => (command.title(), "Show its rows in the table (Enter)"),
                };
                if ui.add(Button::new(title)).on_hover_text(tip).clicked() {
                    commands.push(command.into());
                }
            }
            let butterfly = PageCommand { page: PageId::BUTTERFLY, id: BUTTERFLY_OF_SELECTION };
            let callers = Command::from(butterfly);
            if document.can(&butterfly.into()) && ui.button("Callers").on_hover_text(callers.title()).clicked() {
                commands.push(callers);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let tag = leak_text::tag(suspect);
                let pool = leak_text::pool(suspect.is_paged);
                let title = format!("{tag}, {pool} pool, {}", texts::source(suspect, by));
                fitted_text::label(ui, &title, theme::strong_font(), |text| text);
            });
        });
    });
    let confidence = if suspect.has_growth {
        format!(", confidence {}", format::confidence(suspect.confidence))
    } else {
        String::new()
    };
    let verdict = format::sentence_case(suspect.verdict.name());
    let message = format!("{verdict}{confidence}. {}", suspect.verdict.description());
    ui.add(Label::new(RichText::new(message).color(palette.dim)).wrap());
}

/// The way to the page about recording, with the tags of the selected suspects.
fn record(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let Some((count, command)) = document.record_suspects() else { return };
    let title = if count == 1 { "Record this tag\u{2026}" } else { "Record these tags\u{2026}" };
    let tip = "Only this, with stacks: the filter keeps the trace small enough to record for hours";
    if ui.button(title).on_hover_text(tip).clicked() {
        commands.push(command);
    }
}
