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
    /// The stacks are being computed.
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

/// Draws the page without a graph.
pub(super) fn show(ui: &mut Ui, document: &Document, why: Why, commands: &mut Vec<Command>) {
    let (title, text) = match why {
        Why::NoEvents => ("No pool events", "The trace contains no allocations. Record with the Pool keyword:"),
        Why::NoStacks => (
            "Recorded without stacks",
            "No allocation in this trace has a stack, so the allocating code is unknown. Record with stacks:",
        ),
        Why::Computing => ("Merging stacks", "Frames that several stacks have in common are merged."),
        Why::Broken => ("No flame graph", "Internal error: the flame graph could not be computed. Please report it."),
        Why::NothingInView => ("No allocations", "No allocations exist in the visible range."),
        Why::NothingLeft => ("No match", "No allocations in the visible range match the filter and the selected rows."),
        Why::NoStacksLeft => ("No stacks", "The remaining allocations were recorded without stacks."),
        Why::NoWeight => match document.flame().look.weight() {
            FlameMetric::ImpactingSize | FlameMetric::ImpactingCount => (
                "Nothing outstanding",
                "Everything allocated in the visible range was freed in it: there are no AIFO \
                                    allocations.",
            ),
            FlameMetric::Size | FlameMetric::Count => ("No bytes", "The remaining allocations have a size of 0 bytes."),
        },
    };
    empty_page::show(ui, title, text, |ui| match why {
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
            vec![C::ZoomAll, C::Undo, C::FilterClear, FlameCommand::OfAll.into()]
        }
        _ => vec![C::Page(PageId::ANALYSIS)],
    };
    let is_whole = document.query.range == document.trace.extent;
    for command in ways.iter().filter(|command| document.can(command) && !(is_whole && **command == C::ZoomAll)) {
        let title = match command {
            C::OfPage(_) if why == Why::NoWeight => "Show count of all allocations".to_owned(),
            C::Page(_) => "Back to Analysis".to_owned(),
            _ => command.title(),
        };
        if ui.button(title).clicked() {
            commands.push(command.clone().into());
        }
    }
}
