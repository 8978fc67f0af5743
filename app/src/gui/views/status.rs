//! The bar at the bottom: what is selected, what is being computed, the view, and whether the data can be trusted.

use eframe::egui::{Align, Button, Layout, RichText, Ui, vec2};
use poolscope_etl::diagnostics::Severity;

use crate::format;
use crate::gui::command::{Command, DocumentCommand, KitCommand, SymbolsCommand};
use crate::gui::state::document::{Document, Page};
use crate::gui::state::recorder::{Phase as Recording, Recorder, clock};
use crate::gui::state::symbol_words;
use crate::gui::state::symbols::Phase;
use crate::gui::theme::{self, GRID, Palette};
use crate::wpr::RecordingStatus;

/// Draws the bar; `words` say what is being computed or what happened last, `recording` how a recording on this machine goes on.
pub fn show(
    ui: &mut Ui,
    document: Option<&Document>,
    words: Option<&str>,
    recording: Option<&Recorder>,
    commands: &mut Vec<Command>,
) {
    ui.horizontal_centered(|ui| {
        let Some(document) = document else {
            ui.weak(words.unwrap_or("No trace is open"));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| recorder(ui, recording, commands));
            return;
        };
        if !document.has_allocations() {
            ui.weak("No pool events");
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                quality(ui, document, commands);
                recorder(ui, recording, commands);
            });
            return;
        }
        match document.selection_totals() {
            Some((blocks, bytes)) => {
                ui.label(format!("{} blocks, {} selected", format::count(blocks), format::bytes(bytes)));
            }
            None => {
                ui.weak("Nothing selected");
            }
        }
        let (view, whole) = (document.view(), document.whole());
        ui.weak("\u{b7}");
        ui.weak(format!("view {:.3} s of {:.3} s", view.span(), whole.span()));
        symbols(ui, document, commands);
        if let Some(words) = words {
            ui.weak("\u{b7}");
            ui.weak(words);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            quality(ui, document, commands);
            recorder(ui, recording, commands);
        });
    });
}

/// How a recording on this machine goes on; it leads to its page.
fn recorder(ui: &mut Ui, recording: Option<&Recorder>, commands: &mut Vec<Command>) {
    let Some(recorder) = recording.filter(|recorder| recorder.phase.is_recording()) else { return };
    let palette = Palette::of(ui);
    let now = ui.input(|input| input.time);
    let time = recorder.elapsed_s(now).map(|seconds| format!(" {}", clock(seconds))).unwrap_or_default();
    let lost = recorder.status.as_ref().map_or(0, RecordingStatus::missing_events);
    let text = match (recorder.phase, lost) {
        (Recording::Saving, _) => "saving the recording".to_owned(),
        (_, 0) => format!("recording{time}"),
        (_, lost) => format!("recording{time}, {} events lost", format::count(lost)),
    };
    let label = ui.add(Button::new(format!("     {text}")).frame_when_inactive(false));
    label.ctx.accesskit_node_builder(label.id, |node| node.set_label(format!("This machine: {text}")));
    if label.clicked() {
        commands.push(KitCommand::ShowRecording.into());
    }
    ui.painter().circle_filled(label.rect.left_center() + vec2(8.0, 0.0), 4.0, palette.bad);
    label.on_hover_text("Show the recording on this machine");
}

/// How the search for symbols stands; it leads to the page of modules.
fn symbols(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    if document.lacks_stacks() {
        return;
    }
    let Some(words) = symbol_words::standing(&document.symbols) else { return };
    ui.weak("\u{b7}");
    let text = RichText::new(&words).color(Palette::of(ui).dim);
    let padding = std::mem::replace(&mut ui.spacing_mut().button_padding.x, GRID / 2.0);
    let label = ui.add(Button::new(text).frame_when_inactive(false));
    ui.spacing_mut().button_padding.x = padding;
    let tip = symbol_words::without_symbols(&document.symbols).map(|(_, names)| format!("Without symbols:\n{names}"));
    if label.clicked() {
        let other = if document.page == Page::Modules { Page::Analysis } else { Page::Modules };
        commands.push(DocumentCommand::Page(other).into());
    }
    label.on_hover_text(tip.unwrap_or_else(|| "Show the modules".to_owned()));
    if document.symbols.phase == Phase::Running {
        let stop = ui.add(Button::new(RichText::new("Stop").font(theme::small_font())).small());
        let command: Command = DocumentCommand::Symbols(SymbolsCommand::Stop).into();
        stop.ctx.accesskit_node_builder(stop.id, |node| node.set_label(command.title()));
        if stop.clicked() {
            commands.push(command);
        }
    }
}

fn quality(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let diagnostics = &document.trace.diagnostics;
    let number = |severity: Severity| diagnostics.rows().iter().filter(|a| a.kind.severity() == severity).count();
    let (losses, warnings) = (number(Severity::DataLoss), number(Severity::Warning));
    let (colour, text) = match (losses, warnings) {
        (0, 0) => (palette.good, "data complete".to_owned()),
        (0, n) => (palette.warn, format!("{n} {}", if n == 1 { "warning" } else { "warnings" })),
        (n, _) => (palette.bad, format!("{n} {} of data loss", if n == 1 { "kind" } else { "kinds" })),
    };
    let label = ui.add(Button::new(format!("     {text}")).frame_when_inactive(false));
    label.ctx.accesskit_node_builder(label.id, |node| node.set_label(format!("Data quality: {text}")));
    if label.clicked() {
        let other = if document.page == Page::Trace { Page::Analysis } else { Page::Trace };
        commands.push(DocumentCommand::Page(other).into());
    }
    ui.painter().circle_filled(label.rect.left_center() + vec2(8.0, 0.0), 4.0, colour);
    label.on_hover_ui(|ui| {
        ui.set_max_width(420.0);
        if diagnostics.rows().is_empty() {
            ui.label("Nothing is missing and nothing looks wrong.");
        }
        for diagnostic in diagnostics.rows() {
            ui.label(format!("{} x {}", format::count(diagnostic.count), diagnostic.kind.name().replace('_', " ")));
            ui.weak(diagnostic.kind.effect());
        }
    });
}
