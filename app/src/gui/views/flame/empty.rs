//! What stands in place of the flame graph while there is none, with the way on.

use eframe::egui::{Align, Layout, Ui, vec2};
use poolscope_analysis::flame::{FlameTree, FlameMetric};
use poolscope_recording::quick;

use crate::gui::command::{Command, DocumentCommand, FlameCommand};
use crate::gui::jobs::document::Topic;
use crate::gui::state::document::{Document, Page};
use crate::gui::state::kit_fix::Fix;
use crate::gui::theme::GRID;
use crate::gui::widgets::command_lines;
use crate::gui::widgets::empty_page::{self, WIDTH};

/// Why there is no graph but these words.
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
    /// What is left has no stacks.
    NoStacksLeft,
    /// What is left weighs nothing.
    NoWeight,
}

/// Why no trace like this has a flame graph.
pub(super) fn without_events(document: &Document) -> Option<Why> {
    match (document.has_allocations(), document.lacks_stacks()) {
        (false, _) => Some(Why::NoEvents),
        (true, true) => Some(Why::NoStacks),
        (true, false) => None,
    }
}

/// Why there is no graph now; `None` when there is one.
pub(super) fn why(document: &Document) -> Option<Why> {
    let Some(shown) = &document.flame.shown else {
        return Some(if document.flame.broken { Why::Broken } else { Why::Computing });
    };
    let is_narrowed = document.flame.scope.is_some() || !document.filter.steps().is_empty();
    let why = match (shown.tree.is_empty(), shown.tree.lacks_stacks()) {
        (true, _) if is_narrowed => Some(Why::NothingLeft),
        (true, _) => Some(Why::NothingInView),
        (false, true) => Some(Why::NoStacksLeft),
        (false, false) => (shown.tree.weight(FlameTree::ROOT) == 0).then_some(Why::NoWeight),
    };
    // What was empty may be no longer.
    why.map(|why| if document.waits(Topic::Flame) { Why::Computing } else { why })
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
        Why::NoWeight => match document.flame.look.weight() {
            FlameMetric::ImpactingSize | FlameMetric::ImpactingCount => {
                ("Nothing stayed", "All that was allocated in this view was freed in it, too: nothing of it is AIFO.")
            }
            FlameMetric::Size | FlameMetric::Count => ("Nothing weighs anything", "All allocations that are left have no bytes."),
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
    let ways: &[C] = match why {
        Why::NoWeight => &[C::Flame(FlameCommand::Weight(FlameMetric::Count)), C::ZoomAll],
        Why::NothingInView => &[C::ZoomBack, C::ZoomAll],
        Why::NothingLeft | Why::NoStacksLeft => {
            &[C::ZoomAll, C::FilterUndo, C::FilterClear, C::Flame(FlameCommand::OfAll)]
        }
        _ => &[C::Page(Page::Analysis)],
    };
    let is_whole = document.history.now() == document.history.whole();
    for command in ways.iter().filter(|command| document.can(command) && !(is_whole && **command == C::ZoomAll)) {
        let title = match command {
            C::Flame(FlameCommand::Weight(_)) => "Count all blocks".to_owned(),
            C::Page(_) => "Back to graph and table".to_owned(),
            _ => command.title(),
        };
        if ui.button(title).clicked() {
            commands.push(command.clone().into());
        }
    }
}
