//! The bar at the bottom: what is selected, what is being computed, the view, and whether the data can be trusted.

use std::time::Duration;

use crate::gui::model::page_id::PageId;
use eframe::egui::{Align, Button, Label, Layout, RichText, Ui, vec2};

use crate::format;
use crate::gui::commands::{Command, DocumentCommand, RecordingCommand, SymbolsCommand};
use crate::gui::document::Document;
use crate::gui::icons::Icon;
use crate::gui::model::data_quality;
use crate::gui::model::recorder::{Phase as Recording, RecorderState};
use crate::gui::model::symbol_texts;
use crate::gui::model::symbols::Phase;
use crate::gui::shell::quality;
use crate::gui::theme;
use crate::gui::theme::{GRID, Palette};
use crate::wpr::RecordingStatus;

/// Interval between redraws of an export's progress.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Draws the bar; `words` say what is being computed or what happened last, `recording` how a recording on this machine goes on.
pub fn show(
    ui: &mut Ui,
    document: Option<&Document>,
    message: Option<&str>,
    recording: Option<&RecorderState>,
    commands: &mut Vec<Command>,
) {
    ui.horizontal_centered(|ui| {
        let Some(document) = document else {
            ui.weak(message.unwrap_or("No trace is open"));
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
        // The right side first: in a narrow window the left side is cut.
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            quality(ui, document, commands);
            recorder(ui, recording, commands);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| left_side(ui, document, message, commands));
        });
    });
}

/// Selection, visible range, symbols, and the message.
fn left_side(ui: &mut Ui, document: &Document, message: Option<&str>, commands: &mut Vec<Command>) {
    match document.selection_totals() {
        Some((count, bytes)) => {
            let allocations = format::counted(count, "allocation", "allocations");
            ui.label(format!("{allocations}, {} selected", format::bytes(bytes)));
        }
        None => {
            ui.weak("Nothing selected");
        }
    }
    let (range, whole) = (document.visible_range(), document.whole());
    ui.weak("\u{b7}");
    if document.trace.has_times() {
        ui.weak(format!("Visible range {} of {}", format::seconds(range.span(), 3), format::seconds(whole.span(), 3)));
    } else {
        ui.weak("Debugger log without times");
    }
    symbols(ui, document, commands);
    export(ui, document, commands);
    if let Some(message) = message {
        ui.weak("\u{b7}");
        ui.add(Label::new(RichText::new(message).weak()).truncate());
    }
}

/// Progress of the export that is being written, and the way to give it up.
fn export(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let Some(exporting) = &document.ui.exporting else { return };
    ui.weak("\u{b7}");
    let name = exporting.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = match exporting.progress.bytes() {
        0 => format!("Exporting {name}"),
        bytes => format!("Exporting {name}, {}", format::bytes(bytes)),
    };
    ui.label(text);
    let cancel = ui.add(Button::new(RichText::new("Cancel").font(theme::small_font())).small());
    let command: Command = DocumentCommand::CancelExport.into();
    cancel.ctx.accesskit_node_builder(cancel.id, |node| node.set_label(command.title()));
    if cancel.clicked() {
        commands.push(command);
    }
    ui.ctx().request_repaint_after(PROGRESS_EVERY);
}

/// State of a recording on this machine; it leads to its page.
fn recorder(ui: &mut Ui, recording: Option<&RecorderState>, commands: &mut Vec<Command>) {
    let Some(recorder) = recording.filter(|recorder| recorder.phase.is_recording()) else { return };
    let palette = Palette::of(ui);
    let now = ui.input(|input| input.time);
    let time = recorder.elapsed_s(now).map(|seconds| format!(" {}", format::elapsed(seconds))).unwrap_or_default();
    let lost = recorder.status.as_ref().map_or(0, RecordingStatus::missing_events);
    let text = match (recorder.phase, lost) {
        (Recording::Saving, _) => "Saving recording".to_owned(),
        (_, 0) => format!("Recording{time}"),
        (_, lost) => format!("Recording{time}, {} lost", format::counted(lost, "event", "events")),
    };
    let label = ui.add(Button::new(format!("     {text}")).frame_when_inactive(false));
    label.ctx.accesskit_node_builder(label.id, |node| node.set_label(format!("This machine: {text}")));
    if label.clicked() {
        commands.push(RecordingCommand::ShowRecording.into());
    }
    Icon::Status.paint(ui.painter(), label.rect.left_center() + vec2(8.0, 0.0), palette.bad);
    label.on_hover_text("Show recording on this machine");
}

/// Progress of the search for symbols; it leads to the page of modules.
fn symbols(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    if document.lacks_stacks() {
        return;
    }
    let Some(message) = symbol_texts::status_text(&document.results.symbols) else { return };
    ui.weak("\u{b7}");
    let text = RichText::new(&message).color(Palette::of(ui).dim);
    let padding = std::mem::replace(&mut ui.spacing_mut().button_padding.x, GRID / 2.0);
    let label = ui.add(Button::new(text).frame_when_inactive(false));
    ui.spacing_mut().button_padding.x = padding;
    let tip =
        symbol_texts::without_symbols(&document.results.symbols).map(|(_, names)| format!("Without symbols:\n{names}"));
    if label.clicked() {
        let is_shown = document.ui.page == PageId::MODULES;
        commands.push(if is_shown { DocumentCommand::Back } else { DocumentCommand::Page(PageId::MODULES) }.into());
    }
    label.on_hover_text(tip.unwrap_or_else(|| "Show modules".to_owned()));
    if document.results.symbols.phase == Phase::Running {
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
    let issues = quality::of_document(document);
    let (level, text) = data_quality::summary(&issues);
    let color = quality::color(level, palette);
    let label = ui.add(Button::new(format!("     {text}")).frame_when_inactive(false));
    label.ctx.accesskit_node_builder(label.id, |node| node.set_label(format!("Data quality: {text}")));
    if label.clicked() {
        let is_shown = document.ui.page == PageId::TRACE_INFO;
        commands.push(if is_shown { DocumentCommand::Back } else { DocumentCommand::Page(PageId::TRACE_INFO) }.into());
    }
    Icon::Status.paint(ui.painter(), label.rect.left_center() + vec2(8.0, 0.0), color);
    label.on_hover_ui(|ui| {
        ui.set_max_width(theme::TIP_WIDTH);
        for issue in &issues {
            ui.label(format!("{}: {}", issue.title, format::count(issue.count)));
            ui.weak(&issue.effect);
        }
    });
}
