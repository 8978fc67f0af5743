//! Content of the page while there is nothing to show, with the next steps.

use eframe::egui::Ui;

use super::COMPARE;
use super::commands::ComparePageCommand;
use super::state::{ComparePageState, RowsShown};
use crate::gui::commands::Command;
use crate::gui::document::Document;
use crate::gui::model::page_id::PageId;
use crate::gui::widgets::empty_page;

/// Reason why there is no comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// It is being computed.
    Computing,
    /// The program made a mistake.
    Broken,
    /// A tag is missing for figures per allocation.
    NoTag,
    /// The filter is no query.
    BadFilter,
    /// The sides cannot be compared, for this reason.
    Refused(String),
}

/// Draws the page while there are no two sides; returns `false` if there are.
pub(super) fn without_sides(
    ui: &mut Ui,
    document: &Document,
    state: &ComparePageState,
    commands: &mut Vec<Command>,
) -> bool {
    if !document.has_allocations() {
        let text = "The trace contains no allocations. Open a trace with pool events to compare.";
        empty_page::show(ui, "No pool events", text, |_| {});
        return true;
    }
    if !document.trace.has_times() {
        let text = "A debugger log has no times. Open two recordings to compare what they left.";
        empty_page::show(ui, "No comparison", text, |_| {});
        return true;
    }
    if state.sides(document).is_some() {
        return false;
    }
    let text = "Open a second trace to compare it with this one. To compare two ranges of this trace, select a range or press M \
                to set a marker in the graph of Analysis.";
    empty_page::show(ui, "Nothing to compare yet", text, |ui| {
        let [open, halves] = empty_page::two_buttons(ui, "Open a trace\u{2026}", "Compare both halves");
        if open {
            commands.push(Command::Open);
        }
        if halves {
            commands.push(ComparePageCommand::Halves.into());
        }
    });
    true
}

/// Reason why there is no comparison now; `None` when there is one.
pub(super) fn why(document: &Document, state: &ComparePageState) -> Option<Why> {
    if state.unit().is_none() {
        return Some(Why::NoTag);
    }
    if state.filter().is_err() && state.answer.is_none() {
        return Some(Why::BadFilter);
    }
    match &state.answer {
        _ if state.broken => Some(Why::Broken),
        None => Some(Why::Computing),
        Some(answer) => answer.whole.as_ref().err().map(|reason| {
            // What was refused may be no longer.
            if document.awaits_page(PageId::COMPARE, COMPARE) { Why::Computing } else { Why::Refused(reason.clone()) }
        }),
    }
}

/// Draws the page without a comparison.
pub(super) fn show(
    ui: &mut Ui,
    document: &Document,
    state: &mut ComparePageState,
    why: Why,
    commands: &mut Vec<Command>,
) {
    let offers_raw = matches!(why, Why::NoTag | Why::Refused(_));
    let offers_clear = why == Why::BadFilter || (matches!(why, Why::Refused(_)) && !state.query.trim().is_empty());
    let (title, text) = match why {
        Why::Computing => ("Comparing", "Grouping the allocations of both sides.".to_owned()),
        Why::Broken => ("Internal error", "The comparison could not be computed. Please report it.".to_owned()),
        Why::NoTag => ("No tag", "Enter the pool tag that figures are divided by, such as Irp.".to_owned()),
        Why::BadFilter => ("Invalid filter", "Correct or clear the filter to compare.".to_owned()),
        Why::Refused(reason) => ("These sides cannot be compared", reason),
    };
    empty_page::show(ui, title, &text, |ui| {
        let raw = ComparePageCommand::Raw;
        if offers_raw && document.can(&raw.into()) && ui.button(raw.title()).clicked() {
            commands.push(raw.into());
        }
        if offers_clear && ui.button("Clear filter").clicked() {
            state.query.clear();
        }
    });
}

/// Draws the place of the rows while filter and choice leave none.
pub(super) fn no_rows(ui: &mut Ui, state: &mut ComparePageState) {
    let text = match state.rows_shown {
        RowsShown::All => "No allocation of either side is in its range and matches the filter.",
        _ => "No row of this kind.",
    };
    empty_page::show(ui, "No rows", text, |ui| {
        if state.rows_shown != RowsShown::All && ui.button("Show all rows").clicked() {
            state.rows_shown = RowsShown::All;
        }
        let is_filtered = !state.query.is_empty() || !state.steps.is_empty();
        if is_filtered && ui.button("Clear filter").clicked() {
            state.clear_filter();
        }
    });
}
