//! Stacks of the selected row: the heaviest ones of its allocations, whole, with offsets and raw addresses; and those that free.

use eframe::egui::{Align, CollapsingHeader, Layout, RichText, Ui};
use poolscope_analysis::group::frames::FrameParts;
use poolscope_analysis::pivot::details::StackShare;
use poolscope_analysis::pivot::{Metric, RowDetails};

use super::section;
use crate::format;
use crate::gui::commands::{Command, DocumentCommand};
use crate::gui::document::Document;
use crate::gui::document::details::Details;
use crate::gui::jobs::document::Topic;
use crate::gui::model::column_tips;
use crate::gui::model::columns::What;
use crate::gui::model::frame_parts::{inlined_lines, is_guess, lines, place};
use crate::gui::theme;
use crate::gui::theme::GRID;
use crate::gui::widgets::fitted_text;
use crate::gui::widgets::frame_line::FrameLine;
use crate::gui::widgets::section::caption;

/// Number of innermost frames that are shown at once: they name the allocating function.
const INNER: usize = 10;
/// So few more are shown as well.
const SPARE: usize = 3;

/// Draws the allocation stacks.
pub(super) fn show(ui: &mut Ui, document: &Document, details: &Details, commands: &mut Vec<Command>) {
    ui.add_space(4.0 * GRID);
    ui.horizontal(|ui| {
        caption(ui, "HEAVIEST STACK");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if document.can(&DocumentCommand::CopyStack) && ui.button(DocumentCommand::CopyStack.title()).clicked() {
                commands.push(DocumentCommand::CopyStack.into());
            }
        });
    });
    let profile = document.results.profile.as_ref().map(|answer| &answer.profile);
    let known = profile.filter(|profile| !profile.stacks.is_empty());
    let Some(profile) = known else {
        return plain(ui, document, details, profile.filter(|_| !document.waits(Topic::Profile)));
    };
    for (at, share) in profile.stacks.iter().enumerate() {
        one(ui, document, "stack", at, share, commands);
    }
    more(ui, profile.stack_count, profile.stacks.len(), "stack");
    if profile.uncertain_stack.count > 0 {
        let allocations = format::counted(profile.uncertain_stack.count, "allocation", "allocations");
        let text = format!("{allocations} with an uncertain stack");
        ui.weak(text).on_hover_text(column_tips::of(What::Figure(Metric::UncertainStacks)));
    }
    if profile.without_stack.count > 0 {
        let allocations = format::counted(profile.without_stack.count, "allocation", "allocations");
        ui.weak(format!("{allocations} without a stack"));
    }
}

/// The stack that the groups know, until the allocations were looked at; after that, `profile`, why there is none.
fn plain(ui: &mut Ui, document: &Document, details: &Details, profile: Option<&RowDetails>) {
    if details.stack.is_empty() {
        if let Some(profile) = profile {
            ui.weak(why_no_stack(document, profile));
        }
        return;
    }
    let allocations = format::counted(details.stack_blocks, "allocation", "allocations");
    ui.weak(format!("{allocations}, innermost frame first"));
    ui.add_space(GRID);
    for frame in &details.stack {
        fitted_text::label(ui, frame, theme::figure_font(), |text| text);
    }
}

/// The reason why no allocation of a row has a stack, and the switch that helps where one does.
fn why_no_stack(document: &Document, profile: &RowDetails) -> &'static str {
    if profile.total.count > 0 && profile.lifetimes.unknown.count >= profile.total.count {
        "Allocated before the recording began, or in a part that was lost: the stacks of these allocations are not in the trace."
    } else if document.lacks_stacks() {
        "These allocations were recorded without stacks; -stackwalk PoolAlloc+PoolFree records them."
    } else {
        "The trace has no stacks of these allocations."
    }
}

/// Draws the stacks that free.
pub(super) fn frees(ui: &mut Ui, document: &Document, profile: &RowDetails, commands: &mut Vec<Command>) {
    if profile.freed.count == 0 {
        return;
    }
    section(ui, "FREED FROM");
    for (at, share) in profile.free_stacks.iter().enumerate() {
        one(ui, document, "free stack", at, share, commands);
    }
    more(ui, profile.free_stack_count, profile.free_stacks.len(), "stack");
    if profile.freed_without_stack.count > 0 {
        let frees = format::counted(profile.freed_without_stack.count, "free", "frees");
        ui.weak(format!("{frees} without a stack"));
    }
}

fn more(ui: &mut Ui, all: usize, shown: usize, what: &str) {
    if all > shown {
        let one = format!("more {what}");
        ui.weak(format!("and {}", format::counted((all - shown) as u64, &one, &format!("{one}s"))));
    }
}

fn one(ui: &mut Ui, document: &Document, kind: &str, at: usize, share: &StackShare, commands: &mut Vec<Command>) {
    let title = format!(
        "{} in {}",
        format::bytes(share.total.bytes),
        format::counted(share.total.count, "allocation", "allocations")
    );
    CollapsingHeader::new(RichText::new(title).font(theme::small_font()))
        .id_salt((kind, at))
        .default_open(at == 0)
        .show_unindented(ui, |ui| {
            let responsible = document.results.names.responsible_depth(share.stack);
            let mut one_frame = |ui: &mut Ui, (at, frame): (usize, &FrameParts)| {
                one_frame(ui, document, frame, responsible == Some(at + 1), commands);
            };
            // The responsible frame is always among those that are shown.
            let inner = INNER.max(responsible.map_or(0, |depth| share.frames.len().saturating_sub(depth - 1)));
            let outer = share.frames.len().saturating_sub(inner);
            let outer = if outer > SPARE { outer } else { 0 };
            let (callers, inner) = share.frames.split_at(outer);
            let inner = inner.iter().enumerate().map(|(at, frame)| (outer + at, frame));
            inner.rev().for_each(|frame| one_frame(ui, frame));
            if !callers.is_empty() {
                let title = RichText::new(format!("{} outer frames", callers.len())).font(theme::small_font());
                CollapsingHeader::new(title).id_salt((kind, at, "outer")).show_unindented(ui, |ui| {
                    callers.iter().enumerate().rev().for_each(|frame| one_frame(ui, frame));
                });
            }
            let all = share.frames.iter().rev().map(lines).collect::<Vec<_>>().join("\n");
            let copy = ui.button("Copy with addresses");
            copy.ctx.accesskit_node_builder(copy.id, |node| {
                node.set_label(format!("Copy {kind} {} with addresses", at + 1))
            });
            if copy.clicked() {
                ui.ctx().copy_text(all);
            }
        });
}

fn one_frame(ui: &mut Ui, document: &Document, frame: &FrameParts, is_responsible: bool, commands: &mut Vec<Command>) {
    let (is_guess, inlined) = (is_guess(frame), inlined_lines(frame));
    let source = frame.line.as_ref().map(place);
    let line = FrameLine { text: &frame.text, is_guess, is_responsible, inlined, source };
    if line.show(ui, || document.explained_frame(frame)) {
        commands.extend(frame.line.clone().map(Command::OpenSource));
    }
}
