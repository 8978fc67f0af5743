//! The stack that most of a suspect comes from, the innermost frame first, to be read and copied.

use eframe::egui::{Align, Layout, Ui};
use poolscope_analysis::group::frames::FrameParts;
use poolscope_analysis::leaks::Suspect;

use crate::format;
use crate::gui::commands::{Command, DocumentCommand};
use crate::gui::document::Document;
use crate::gui::model::frame_parts::{inlined_lines, is_guess, lines, place};
use crate::gui::model::recording_fix::Fix;
use crate::gui::theme::GRID;
use crate::gui::widgets::frame_line::FrameLine;
use crate::gui::widgets::section::caption;

/// Draws the stack.
pub(super) fn show(ui: &mut Ui, document: &Document, suspect: &Suspect, commands: &mut Vec<Command>) {
    let frames = document.frames_of(suspect);
    ui.horizontal(|ui| {
        caption(ui, "STACK");
        if frames.is_empty() {
            return;
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let tip = "With addresses and source lines";
            let copy = ui.button("Copy with addresses").on_hover_text(tip);
            if copy.clicked() {
                ui.ctx().copy_text(frames.iter().map(lines).collect::<Vec<_>>().join("\n"));
            }
            if ui.button(DocumentCommand::CopyStack.title()).on_hover_text("Ctrl+Shift+C").clicked() {
                commands.push(DocumentCommand::CopyStack.into());
            }
        });
    });
    if frames.is_empty() {
        ui.weak("Recorded without a stack.");
        if ui.button(Fix::NoStacks.title()).clicked() {
            commands.push(document.record_again(Fix::NoStacks));
        }
        return;
    }
    if suspect.stack_share > 0.0 {
        ui.weak(format!("{} of the outstanding bytes, innermost frame first", format::percent(suspect.stack_share)));
    }
    ui.add_space(GRID / 2.0);
    ui.spacing_mut().item_spacing.y = GRID / 2.0;
    let responsible = document.results.names.responsible_depth(suspect.stack);
    let count = frames.len();
    for (at, frame) in frames.iter().enumerate() {
        one(ui, document, frame, responsible == Some(count - at), commands);
    }
}

fn one(ui: &mut Ui, document: &Document, frame: &FrameParts, is_responsible: bool, commands: &mut Vec<Command>) {
    let (is_guess, inlined) = (is_guess(frame), inlined_lines(frame));
    let source = frame.line.as_ref().map(place);
    let line = FrameLine { text: &frame.text, is_guess, is_responsible, inlined, source };
    if line.show(ui, || document.explained_frame(frame)) {
        commands.extend(frame.line.clone().map(Command::OpenSource));
    }
}
