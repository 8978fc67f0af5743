//! Content of the page while there is no list of modules, with the next steps; and the note on traces that name no
//! PDB.

use eframe::egui::{Align, Label, Layout, Ui, vec2};
use poolscope_recording::quick;

use crate::gui::commands::{Command, DocumentCommand, SymbolsCommand};
use crate::gui::document::Document;
use crate::gui::icons;
use crate::gui::model::recording_fix::Fix;
use crate::gui::model::symbols::Phase;
use crate::gui::theme::{GRID, Palette};
use crate::gui::widgets::command_lines;
use crate::gui::widgets::empty_page;
use crate::gui::widgets::empty_page::WIDTH;

/// Reason why there is no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The trace has no pool events.
    NoEvents,
    /// The allocations were recorded without stacks.
    NoStacks,
    /// Symbols were not asked for.
    NotLoaded,
    /// The stacks are being looked through.
    Looking,
    /// The stacks lead through no module that the trace names.
    NoModules,
    /// The file holds the names itself.
    OwnNames,
}

/// Reason why there is no list; `None` when there is one.
pub(super) fn why(document: &Document) -> Option<Why> {
    if !document.has_allocations() {
        return Some(Why::NoEvents);
    }
    if document.lacks_stacks() {
        return Some(Why::NoStacks);
    }
    if document.trace.frame_symbols.is_some() {
        return Some(Why::OwnNames);
    }
    if !document.results.symbols.needs().is_empty() {
        return None;
    }
    Some(match document.results.symbols.phase {
        Phase::Idle | Phase::Cancelled => Why::NotLoaded,
        Phase::Running => Why::Looking,
        Phase::Done => Why::NoModules,
    })
}

/// Draws the page without a list.
pub(super) fn show(ui: &mut Ui, document: &Document, why: Why, commands: &mut Vec<Command>) {
    let (title, text) = match why {
        Why::NoEvents => ("No pool events", "The trace contains no allocations, so there are no stacks to resolve."),
        Why::NoStacks => (
            "No stacks",
            "The allocations were recorded without stacks, so the allocating modules are unknown. Record with stacks \
             to see drivers and functions.",
        ),
        Why::OwnNames => (
            "Names are in the log",
            "A debugger log shows modules and functions as the debugger resolved them, so no symbols are loaded here. To see more \
             functions, load symbols in the debugger (.reload /f) and print the stacks again.",
        ),
        Why::NotLoaded => (
            "Symbols are not loaded",
            "Frames are shown as module and offset. Load symbols to see function names and the state of each module.",
        ),
        Why::Looking => ("Reading stacks", "The modules on the stacks are listed in a moment."),
        Why::NoModules => (
            "No modules",
            "No stack contains a module of the trace. Record with the Loader keyword to map addresses to modules.",
        ),
    };
    empty_page::show(ui, title, text, |ui| match why {
        Why::NoStacks | Why::NoModules => {
            ui.allocate_ui_with_layout(vec2(WIDTH, 0.0), Layout::top_down(Align::Min), |ui| {
                ui.set_width(WIDTH);
                command_lines::show(ui, "With xperf:", &quick::XPERF);
                ui.add_space(2.0 * GRID);
                let fix = if why == Why::NoStacks { Fix::NoStacks } else { Fix::NoImages };
                if ui.button(fix.title()).clicked() {
                    commands.push(document.record_again(fix));
                }
            });
        }
        Why::NotLoaded => {
            for command in [DocumentCommand::Symbols(SymbolsCommand::Load).into(), Command::SymbolPath] {
                if ui.button(command.title()).clicked() {
                    commands.push(command);
                }
            }
        }
        Why::Looking => {
            ui.spinner();
        }
        Why::OwnNames => {}
        Why::NoEvents => {
            if ui.button(Fix::NoPoolEvents.title()).clicked() {
                commands.push(document.record_again(Fix::NoPoolEvents));
            }
        }
    });
}

/// A word above the list when the trace says of no module which PDB belongs to it.
pub(super) fn unmerged(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let needs = document.results.symbols.needs();
    if needs.is_empty() || needs.iter().any(|need| need.request.identity.pdb.is_some()) {
        return;
    }
    ui.horizontal_top(|ui| {
        let warn = Palette::of(ui).warn;
        icons::status_dot(ui, 18.0, warn);
        let text = "This trace identifies no PDBs, because it was not merged on the machine that recorded it. Merge \
                     it there to find symbols reliably.";
        ui.add(Label::new(text).wrap());
    });
    command_lines::show(ui, "On the machine that recorded it:", &quick::MERGE);
    if ui.button(Fix::Unmerged.title()).clicked() {
        commands.push(document.record_again(Fix::Unmerged));
    }
    ui.add_space(GRID);
}
