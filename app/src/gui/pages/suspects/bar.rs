//! The line above the list: unit of analysis, time range, warm-up, and the suspects that are listed.

use eframe::egui::{Align, ComboBox, DragValue, Key, Layout, Modifiers, TextEdit, Ui};
use poolscope_analysis::leaks::SuspectGrouping;

use super::table;
use crate::format;
use crate::gui::commands::Command;
use crate::gui::document::Document;
use crate::gui::pages::suspects::commands::SuspectsCommand;
use crate::gui::pages::suspects::state::{SuspectsState, WarmUpChoice};
use crate::gui::theme::GRID;
use crate::gui::widgets::list_table;

/// Width of the field that filters, in points.
const FILTER: f32 = 168.0;
/// Width of the choice of the warm-up, in points.
const WARM_UP: f32 = 148.0;

/// Draws the line.
pub(super) fn show(
    ui: &mut Ui,
    document: &Document,
    state: &mut SuspectsState,
    listed: &[usize],
    commands: &mut Vec<Command>,
) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = GRID;
        filter(ui, state, listed, commands);
        ui.add_space(2.0 * GRID);
        ui.weak("Group by");
        for by in SuspectGrouping::ALL {
            let title = format::sentence_case(by.name());
            let response = ui.selectable_label(state.by == by, title);
            response
                .ctx
                .accesskit_node_builder(response.id, |node| node.set_label(SuspectsCommand::Grouping(by).title()));
            if response.clicked() {
                commands.push(SuspectsCommand::Grouping(by).into());
            }
        }
        ui.add_space(2.0 * GRID);
        for (follows, title, label) in
            [(false, "Whole trace", "Analyze the whole trace"), (true, "Visible range", "Analyze the visible range")]
        {
            let response = ui.selectable_label(state.follows_visible_range == follows, title);
            response.ctx.accesskit_node_builder(response.id, |node| node.set_label(label));
            if response.clicked() {
                state.follows_visible_range = follows;
            }
        }
        ui.add_space(2.0 * GRID);
        warm_up(ui, document, state);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| shows_non_leaking(ui, state, listed));
    });
}

/// Those that do not leak are folded away.
fn shows_non_leaking(ui: &mut Ui, state: &mut SuspectsState, listed: &[usize]) {
    let count = state.non_leaking_count();
    if count > 0 {
        let title = format!("Show non-leaking tags ({})", format::count(count as u64));
        ui.checkbox(&mut state.shows_non_leaking, title);
    }
    let all = state.suspects().len();
    if !state.filter.trim().is_empty() {
        ui.weak(format!("{} of {}", format::count(listed.len() as u64), format::count(all as u64)));
    }
}

fn filter(ui: &mut Ui, state: &mut SuspectsState, listed: &[usize], commands: &mut Vec<Command>) {
    let id = ui.scope_id().with("filter");
    let field = TextEdit::singleline(&mut state.filter).id(id).hint_text("Filter (Ctrl+F)");
    let field = ui.add(field.desired_width(FILTER));
    ui.ctx().accesskit_node_builder(field.id, |node| node.set_label("Filter suspects"));
    if std::mem::take(&mut state.wants_filter) {
        field.request_focus();
        ui.ctx().request_repaint();
    }
    // A field gives the keys up by itself when Escape is pressed.
    let escaped = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Escape));
    if field.has_focus() || escaped {
        let cursor = table::row_of(state, listed);
        let actions = list_table::arrow_keys(ui, listed.len(), cursor);
        table::apply(state, &[], listed, &actions, commands);
        if ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            state.filter.clear();
            state.wants_focus = true;
        }
    } else if field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
        state.wants_focus = true;
        commands.push(SuspectsCommand::Show.into());
    }
}

/// Warm-up at the beginning of the range.
fn warm_up(ui: &mut Ui, document: &Document, state: &mut SuspectsState) {
    let range = document.leaks_query().visible_range;
    // A mark near the end ends no warm-up.
    let half = range.from.0.saturating_add(range.to.0.saturating_sub(range.from.0) / 2);
    let marked = document.query.marks.iter().any(|mark| *mark > range.from && mark.0 <= half);
    let clock = document.trace.clock;
    let length = clock.seconds(range.to) - clock.seconds(range.from);
    let now = state.warm_up;
    let usual = if marked { "To the first marker" } else { "First 10 %" };
    let title = |choice: WarmUpChoice| match choice {
        WarmUpChoice::Usual => usual,
        WarmUpChoice::Share => "First 10 %",
        WarmUpChoice::None => "None",
        WarmUpChoice::Seconds(_) => "Seconds",
    };
    let mut chosen = now;
    let box_ = ComboBox::from_id_salt("warm-up").width(WARM_UP).selected_text(format!("Warm-up: {}", title(now)));
    let shown = box_.show_ui(ui, |ui| {
        let share = marked.then_some(WarmUpChoice::Share);
        let seconds = match now {
            WarmUpChoice::Seconds(seconds) => seconds,
            _ => (length / 10.0).round().max(0.0),
        };
        let last = [WarmUpChoice::None, WarmUpChoice::Seconds(seconds)];
        for choice in [WarmUpChoice::Usual].into_iter().chain(share).chain(last) {
            ui.selectable_value(&mut chosen, choice, title(choice));
        }
    });
    let response = shown.response;
    response.ctx.accesskit_node_builder(response.id, |node| node.set_label(format!("Warm-up: {}", title(now))));
    response.on_hover_text("Excluded from the analysis, because starting services fill their caches first");
    if let WarmUpChoice::Seconds(seconds) = &mut chosen {
        let drag = ui.add(DragValue::new(seconds).range(0.0..=length.max(0.0)).speed(0.1).max_decimals(1).suffix(" s"));
        drag.ctx.accesskit_node_builder(drag.id, |node| node.set_label("Seconds of warm-up"));
    }
    state.warm_up = chosen;
}
