//! Content of the page while there are no callers and callees, with the next steps.

use eframe::egui::Ui;

use super::SUM;
use crate::gui::commands::{Command, DocumentCommand};
use crate::gui::document::Document;
use crate::gui::model::page_id::PageId;
use crate::gui::model::recording_fix::Fix;
use crate::gui::widgets::empty_page;

/// Reason why there is nothing to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The trace has no pool events.
    NoEvents,
    /// Nothing in the trace has a stack.
    NoStacks,
    /// No function is in focus.
    NoFocus,
    /// The sums are being computed.
    Computing,
    /// The program made a mistake.
    Broken,
    /// No stack of the remaining rows has the function.
    NothingLeft,
}

/// Reason why there is nothing to show; `None` when there is.
pub(super) fn why(document: &Document) -> Option<Why> {
    let state = document.butterfly();
    match &state.shown {
        _ if !document.has_allocations() => Some(Why::NoEvents),
        _ if document.lacks_stacks() => Some(Why::NoStacks),
        _ if state.focus().is_none() => Some(Why::NoFocus),
        _ if state.broken => Some(Why::Broken),
        None => Some(Why::Computing),
        Some(shown) if shown.butterfly.aggregate.count() == 0 => {
            let waits = document.awaits_page(PageId::BUTTERFLY, SUM);
            Some(if waits { Why::Computing } else { Why::NothingLeft })
        }
        Some(_) => None,
    }
}

/// Draws the page without lists.
pub(super) fn show(ui: &mut Ui, document: &Document, why: Why, commands: &mut Vec<Command>) {
    let focus = document.butterfly().focus().map_or_else(String::new, |focus| focus.name.clone());
    let (title, text) = match why {
        Why::NoEvents => ("No pool events", "The trace contains no allocations.".to_owned()),
        Why::NoStacks => {
            ("Recorded without stacks", "No allocation in this trace has a stack, so callers are unknown.".to_owned())
        }
        Why::NoFocus => (
            "No function selected",
            "Select a frame in the table, the flame graph or a suspect, then select Show callers and callees."
                .to_owned(),
        ),
        Why::Computing => ("Computing", "Callers and callees are being summed up.".to_owned()),
        Why::Broken => {
            ("No callers and callees", "Internal error: they could not be computed. Please report it.".to_owned())
        }
        Why::NothingLeft => {
            ("No stacks", format!("No allocation in the visible range that matches the filter passes through {focus}."))
        }
    };
    empty_page::show(ui, title, &text, |ui| {
        match why {
            Why::NoEvents | Why::NoStacks => {
                let fix = if why == Why::NoEvents { Fix::NoPoolEvents } else { Fix::NoStacks };
                if ui.button(fix.title()).clicked() {
                    commands.push(document.record_again(fix));
                }
                return;
            }
            Why::Computing => drop(ui.spinner()),
            _ => {}
        }
        let ways = [DocumentCommand::ZoomAll, DocumentCommand::FilterClear, DocumentCommand::Page(PageId::ANALYSIS)];
        let is_whole = document.query.range == document.trace.extent;
        let can = |way: &&DocumentCommand| match way {
            DocumentCommand::ZoomAll => why == Why::NothingLeft && !is_whole,
            DocumentCommand::FilterClear => why == Why::NothingLeft && document.can(way),
            _ => why != Why::Computing,
        };
        for way in ways.iter().filter(can) {
            let title =
                if matches!(way, DocumentCommand::Page(_)) { "Back to Analysis".to_owned() } else { way.title() };
            if ui.button(title).clicked() {
                commands.push(way.clone().into());
            }
        }
    });
}
