//! The line above the flame graph: what is looked for in it, what a frame's width is, from which end stacks are merged, and where
//! the root is.

use eframe::egui::{ComboBox, Key, Modifiers, Response, TextEdit, Ui};
use poolscope_analysis::flame::{FlameDirection, FlameMetric, FlameTree};

use super::FIND;
use crate::format;
use crate::gui::commands::Command;
use crate::gui::document::Document;
use crate::gui::model::page_id::PageId;
use crate::gui::pages::flame::commands::FlameCommand;
use crate::gui::pages::flame::model;
use crate::gui::pages::flame::state::FlamePageState;
use crate::gui::theme::GRID;

/// Width of the field that searches, in points.
const SEARCH: f32 = 184.0;

/// Draws the line.
pub(super) fn show(ui: &mut Ui, document: &Document, state: &mut FlamePageState, commands: &mut Vec<Command>) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = GRID;
        search(ui, document, state);
        ui.add_space(2.0 * GRID);
        weight(ui, state, commands);
        ui.add_space(2.0 * GRID);
        let look = state.look;
        for (merge, title, tip) in [
            (FlameDirection::TopDown, "Top-down", "Callers first: from the outermost frame to the allocation"),
            (FlameDirection::BottomUp, "Bottom-up", "Inverted: from the allocation to its callers"),
        ] {
            let response = ui.selectable_label(look.merge() == merge, title).on_hover_text(tip);
            choose(&response, FlameCommand::Direction(merge), commands);
        }
        ui.add_space(2.0 * GRID);
        for (top, title, tip) in
            [(false, "Flame", "The root is at the bottom"), (true, "Icicle", "The root is at the top, as in the table")]
        {
            let response = ui.selectable_label(look.root_at_top == top, title).on_hover_text(tip);
            choose(&response, FlameCommand::RootAtTop(top), commands);
        }
        if state.view.zoom() != FlameTree::ROOT {
            ui.add_space(2.0 * GRID);
            let response = ui.button("Zoom out").on_hover_text("Zoom out of frame (Backspace)");
            choose(&response, FlameCommand::ZoomOut, commands);
        }
    });
}

/// A switch that is called as its command is.
fn choose(response: &Response, command: FlameCommand, commands: &mut Vec<Command>) {
    response.ctx.accesskit_node_builder(response.id, |node| node.set_label(command.title()));
    if response.clicked() {
        commands.push(command.into());
    }
}

fn search(ui: &mut Ui, document: &Document, state: &mut FlamePageState) {
    let id = ui.scope_id().with("search");
    let field = TextEdit::singleline(&mut state.search).id(id).hint_text("Search (Ctrl+F)");
    let field = ui.add(field.desired_width(SEARCH));
    ui.ctx().accesskit_node_builder(field.id, |node| node.set_label("Search the frames"));
    if std::mem::take(&mut state.wants_search) {
        field.request_focus();
        ui.ctx().request_repaint();
    }
    // A field gives the keys up by itself when Escape is pressed; the key is still to be taken from the graph.
    let had_keys = field.has_focus() || field.lost_focus();
    if had_keys && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
        state.search.clear();
        state.view.request_focus();
    } else if field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
        state.view.step_match(true);
        state.view.request_focus();
    }
    if let Some(text) = found(document, state) {
        ui.weak(text).on_hover_text("Each stack counts once, even if several of its frames match (F3: next match)");
    }
}

/// Share of the stacks that match the search.
fn found(document: &Document, state: &FlamePageState) -> Option<String> {
    let shown = state.shown.as_ref()?;
    if state.search.trim().is_empty() {
        return None;
    }
    Some(match &state.found {
        None if document.awaits_page(PageId::FLAME, FIND) => "Searching".to_owned(),
        None => return None,
        Some((_, 0)) => "No match".to_owned(),
        Some((_, weight)) => {
            let share = format::share_of(*weight, shown.tree.weight(FlameTree::ROOT));
            format!("Matched {share}, {}", model::weight_text(*weight, shown.tree.metric()))
        }
    })
}

fn weight(ui: &mut Ui, state: &FlamePageState, commands: &mut Vec<Command>) {
    let now = state.look.weight();
    let title = |weight: FlameMetric| FlameCommand::Metric(weight).title();
    let mut chosen = now;
    let shown = ComboBox::from_id_salt("width").selected_text(title(now)).show_ui(ui, |ui| {
        for weight in FlameMetric::ALL {
            ui.selectable_value(&mut chosen, weight, title(weight)).on_hover_text(meaning(weight));
        }
    });
    let response = shown.response.on_hover_text(format!("Frame width: {}", meaning(now)));
    response.ctx.accesskit_node_builder(response.id, |node| node.set_label(format!("Width: {}", title(now))));
    if chosen != now {
        commands.push(FlameCommand::Metric(chosen).into());
    }
}

fn meaning(weight: FlameMetric) -> &'static str {
    match weight {
        FlameMetric::ImpactingSize => "bytes allocated in the visible range and not freed in it (AIFO)",
        FlameMetric::ImpactingCount => "number of allocations made in the visible range and not freed in it (AIFO)",
        FlameMetric::Size => "bytes of all allocations that exist in the visible range",
        FlameMetric::Count => "number of all allocations that exist in the visible range",
    }
}
