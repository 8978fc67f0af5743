//! Content of the page while there is no list of suspects, with the next steps.

use eframe::egui::{Align, Layout, Ui, vec2};
use poolscope_analysis::leaks::Verdict;
use poolscope_recording::quick;

use super::ANALYZE;
use crate::format;
use crate::gui::commands::{Command, DocumentCommand};
use crate::gui::document::Document;
use crate::gui::model::page_id::PageId;
use crate::gui::model::recording_fix::Fix;
use crate::gui::pages::suspects::commands::SuspectsCommand;
use crate::gui::pages::suspects::state::SuspectsState;
use crate::gui::theme::GRID;
use crate::gui::widgets::command_lines;
use crate::gui::widgets::empty_page;
use crate::gui::widgets::empty_page::WIDTH;
use crate::leak_text;

/// Reason why there is no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The trace has no pool events.
    NoEvents,
    /// The analysis is running.
    Analyzing,
    /// The program made a mistake.
    Broken,
}

/// Reason why there is no list; `None` when there is one.
pub(super) fn why(document: &Document) -> Option<Why> {
    match (document.has_allocations(), &document.suspects().shown) {
        (false, _) => Some(Why::NoEvents),
        (true, Some(_)) => None,
        (true, None) if document.suspects().broken => Some(Why::Broken),
        (true, None) => Some(Why::Analyzing),
    }
}

/// Draws the page without a list.
pub(super) fn show(ui: &mut Ui, document: &Document, why: Why, commands: &mut Vec<Command>) {
    let (title, text) = match why {
        Why::NoEvents => {
            ("No pool events", "The trace contains no allocations to analyze. Record with the Pool keyword:")
        }
        Why::Analyzing => {
            ("Analyzing", "Each tag is classified by its outstanding allocations, their age and their growth.")
        }
        Why::Broken => ("No suspects", "Internal error: the suspects could not be computed. Please report it."),
    };
    empty_page::show(ui, title, text, |ui| match why {
        Why::NoEvents => {
            ui.allocate_ui_with_layout(vec2(WIDTH, 0.0), Layout::top_down(Align::Min), |ui| {
                ui.set_width(WIDTH.min(ui.available_width()));
                command_lines::show(ui, "With wpr:", &quick::WPR);
                command_lines::show(ui, "With xperf:", &quick::XPERF);
                ui.add_space(2.0 * GRID);
                if ui.button(Fix::NoPoolEvents.title()).clicked() {
                    commands.push(document.record_again(Fix::NoPoolEvents));
                }
            });
        }
        Why::Analyzing if document.awaits_page(PageId::SUSPECTS, ANALYZE) => {
            ui.spinner();
        }
        Why::Analyzing => {}
        Why::Broken => {
            let command = DocumentCommand::Page(PageId::ANALYSIS);
            if ui.button("Back to Analysis").clicked() {
                commands.push(command.into());
            }
        }
    });
}

/// Draws the list without rows.
pub(super) fn no_rows(ui: &mut Ui, state: &mut SuspectsState, commands: &mut Vec<Command>) {
    let non_leaking_count = state.non_leaking_count();
    let suspects = state.suspects();
    let filter = state.filter.trim().to_owned();
    if !filter.is_empty() {
        empty_page::show(
            ui,
            "No match",
            &format!("No suspect has \"{filter}\" in its tag, driver or function."),
            |ui| {
                if ui.button("Clear filter").clicked() {
                    state.filter.clear();
                }
            },
        );
        return;
    }
    let unclear = suspects.iter().all(|suspect| suspect.verdict == Verdict::TooLittleData);
    let may_be_hidden = state.shown.as_ref().is_some_and(|shown| leak_text::could_hide_a_leak(&shown.analysis));
    let (title, text) = match (suspects.is_empty(), unclear) {
        (true, _) => ("Nothing to analyze", "No allocations were made in the analyzed range."),
        (false, true) => (
            "Too little data",
            "There are too few outstanding allocations, or the range is too short. Record longer while the problem \
             occurs.",
        ),
        (false, false) => {
            let title = if may_be_hidden { "No leak found" } else { "Nothing leaks" };
            (title, "All allocations in the analyzed range were freed, stopped growing, or are still young.")
        }
    };
    let follows = state.follows_visible_range;
    empty_page::show(ui, title, text, |ui| {
        if non_leaking_count > 0 {
            let title = format!("Show non-leaking tags ({})", format::count(non_leaking_count as u64));
            if ui.button(title).clicked() {
                commands.push(SuspectsCommand::NonLeaking.into());
            }
        }
        if follows && ui.button("Analyze the whole trace").clicked() {
            commands.push(SuspectsCommand::View.into());
        }
    });
}
