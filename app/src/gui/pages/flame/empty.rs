//! Content of the page while there is no flame graph, with the next steps.

use crate::gui::model::page_id::PageId;
use eframe::egui::{Align, Layout, Ui, vec2};
use poolscope_analysis::flame::{FlameMetric, FlameTree};
use poolscope_recording::quick;

use super::MERGE;
use crate::gui::commands::{Command, DocumentCommand};
use crate::gui::document::Document;
use crate::gui::model::recording_fix::Fix;
use crate::gui::pages::flame::commands::FlameCommand;
use crate::gui::theme::GRID;
use crate::gui::widgets::command_lines;
use crate::gui::widgets::empty_page;
use crate::gui::widgets::empty_page::WIDTH;

/// Reason why there is no flame graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The trace has no pool events.
    NoEvents,
    /// Nothing in the trace has a stack.
    NoStacks,
    /// The stacks are not there yet.
    Computing,
    /// The program made a mistake.
    Broken,
    /// Nothing lives in the view.
    NothingInView,
    /// Filter and scope leave nothing.
    NothingLeft,
    /// The remaining rows have no stacks.
    NoStacksLeft,
    /// The remaining rows have a weight of zero.
    NoWeight,
}

/// Reason why a trace of this kind has no flame graph.
pub(super) fn without_events(document: &Document) -> Option<Why> {
    match (document.has_allocations(), document.lacks_stacks()) {
        (false, _) => Some(Why::NoEvents),
        (true, true) => Some(Why::NoStacks),
        (true, false) => None,
    }
}

/// Reason why there is no flame graph now; `None` when there is one.
pub(super) fn why(document: &Document) -> Option<Why> {
    let Some(shown) = &document.flame().shown else {
        return Some(if document.flame().broken { Why::Broken } else { Why::Computing });
    };
    let is_narrowed = document.flame().scope.is_some() || !document.query.filter.steps().is_empty();
    let why = match (shown.tree.is_empty(), shown.tree.lacks_stacks()) {
        (true, _) if is_narrowed => Some(Why::NothingLeft),
        (true, _) => Some(Why::NothingInView),
        (false, true) => Some(Why::NoStacksLeft),
        (false, false) => (shown.tree.weight(FlameTree::ROOT) == 0).then_some(Why::NoWeight),
    };
    // What was empty may be no longer.
    why.map(|why| if document.awaits_page(PageId::FLAME, MERGE) { Why::Computing } else { why })
}

/// Draws what stands in place of the graph.
pub(super) fn show(ui: &mut Ui, document: &Document, why: Why, commands: &mut Vec<Command>) {
    let (title, words) = match why {
        Why::NoEvents => ("No pool events", "The trace holds no allocation. Record with the pool keyword:"),
        Why::NoStacks => (
            "Recorded without stacks",
            "Who allocates cannot be seen: no allocation of this trace has a stack. Record with stacks:",
        ),
        Why::Computing => ("Merging the stacks", "Frames that stacks share become one, as wide as all of them."),
        Why::Broken => ("No flame graph", "poolscope made a mistake. Please report it with the trace."),
        Why::NothingInView => ("Nothing in this view", "No allocation lives in this view."),
        Why::NothingLeft => {
            ("Nothing is left", "No allocation of this view is in what the flame graph is narrowed to.")
        }
        Why::NoStacksLeft => ("No stacks here", "The allocations that are left were recorded without stacks."),
        Why::NoWeight => match document.flame().look.weight() {
            FlameMetric::ImpactingSize | FlameMetric::ImpactingCount => {
                ("Nothing stayed", "All that was allocated in this view was freed in it, too: nothing of it is AIFO.")
            }
            FlameMetric::Size | FlameMetric::Count => {
                ("Nothing weighs anything", "All allocations that are left have no bytes.")
            }
        },
    };
    empty_page::show(ui, title, words, |ui| match why {
        Why::NoEvents | Why::NoStacks => {
            ui.allocate_ui_with_layout(vec2(WIDTH, 0.0), Layout::top_down(Align::Min), |ui| {
                ui.set_width(WIDTH.min(ui.available_width()));
                command_lines::show(ui, "With wpr:", &quick::WPR);
                command_lines::show(ui, "With xperf:", &quick::XPERF);
                ui.add_space(2.0 * GRID);
                let fix = if why == Why::NoEvents { Fix::NoPoolEvents } else { Fix::NoStacks };
                if ui.button(fix.title()).clicked() {
                    commands.push(document.record_again(fix));
                }
            });
        }
        Why::Computing => {
            ui.spinner();
        }
        _ => ways_on(ui, document, why, commands),
    });
}

fn ways_on(ui: &mut Ui, document: &Document, why: Why, commands: &mut Vec<Command>) {
    use DocumentCommand as C;
    let ways: Vec<C> = match why {
        Why::NoWeight => vec![FlameCommand::Metric(FlameMetric::Count).into(), C::ZoomAll],
        Why::NothingInView => vec![C::ZoomBack, C::ZoomAll],
        Why::NothingLeft | Why::NoStacksLeft => {
            vec![C::ZoomAll, C::FilterUndo, C::FilterClear, FlameCommand::OfAll.into()]
        }
        _ => vec![C::Page(PageId::ANALYSIS)],
    };
    let is_whole = document.query.range == document.trace.extent;
    for command in ways.iter().filter(|command| document.can(command) && !(is_whole && **command == C::ZoomAll)) {
        let title = match command {
            C::OfPage(_) if why == Why::NoWeight => "Count all blocks".to_owned(),
            C::Page(_) => "Back to graph and table".to_owned(),
            _ => command.title(),
        };
        if ui.button(title).clicked() {
            commands.push(command.clone().into());
        }
    }
}
