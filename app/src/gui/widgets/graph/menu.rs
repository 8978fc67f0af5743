//! The menu of the plot, and the values that it copies. Entries that cannot do anything now are disabled, never hidden.

use std::fmt::Write as _;

use eframe::egui::{Button, Response, Ui, pos2};

use super::model::{Action, GraphData, Series};
use super::plot::PlotContext;
use super::{GraphState, keys};
use crate::gui::widgets::menu_by_keys;

/// Entries that the caller adds.
pub(super) type Extra<'a> = Option<&'a mut (dyn FnMut(&mut Ui) + 'a)>;

/// Shows the menu while it is open.
pub(super) fn show(
    ui: &Ui,
    response: &Response,
    stage: &PlotContext<'_, '_>,
    state: &mut GraphState,
    extra: Extra<'_>,
    actions: &mut Vec<Action>,
) {
    if response.secondary_clicked() {
        state.menu_at = response.interact_pointer_pos().map(|pos| stage.time(pos.x)).or(state.cursor);
    }
    let frame = stage.scale.frame;
    let by_keys = menu_by_keys::is_asked_by_keys(ui, response);
    let seen = state.cursor.filter(|time| stage.scale.view.contains(*time)).unwrap_or(stage.scale.view.middle());
    if by_keys {
        state.menu_at = Some(seen);
    }
    let place = pos2(stage.scale.x(seen), frame.top() + frame.height() / 4.0);
    let mut keyed = state.keyed.take();
    menu_by_keys::show(ui, response, &mut keyed, (by_keys, place), |ui| {
        zooms(ui, stage, state, actions);
        ui.separator();
        marks(ui, stage, state, actions);
        ui.separator();
        if ui.button("Copy all values").clicked() {
            actions.push(Action::Copy(all_as_text(stage.graph.data)));
        }
        if ui.button(if state.legend_hidden { "Show legend" } else { "Hide legend" }).clicked() {
            state.legend_hidden = !state.legend_hidden;
        }
        if let Some(extra) = extra {
            ui.separator();
            extra(ui);
        }
    });
    state.keyed = keyed;
}

fn entry(ui: &mut Ui, enabled: bool, text: &str) -> bool {
    ui.add_enabled(enabled, Button::new(text)).clicked()
}

/// An entry with the key of the graph that does the same.
fn entry_with_key(ui: &mut Ui, enabled: bool, text: &str, key: &str) -> bool {
    let response = ui.add_enabled(enabled, Button::new(text).shortcut_text(key));
    response.ctx.accesskit_node_builder(response.id, |node| node.set_label(text));
    response.clicked()
}

fn zooms(ui: &mut Ui, stage: &PlotContext<'_, '_>, state: &mut GraphState, actions: &mut Vec<Action>) {
    if entry_with_key(ui, state.selection.is_some(), "Zoom to selection", "Enter") {
        keys::to_selection(state, actions);
    }
    if entry_with_key(ui, true, "Zoom in", "Up") {
        keys::around_cursor(stage, state, keys::ZOOM * keys::ZOOM, actions);
    }
    let part = stage.graph.view != stage.graph.whole;
    if entry_with_key(ui, part, "Zoom out", "Down") {
        keys::around_cursor(stage, state, 1.0 / (keys::ZOOM * keys::ZOOM), actions);
    }
    if entry(ui, part, "Zoom to the whole trace") {
        actions.push(Action::ZoomAll);
    }
}

fn marks(ui: &mut Ui, stage: &PlotContext<'_, '_>, state: &GraphState, actions: &mut Vec<Action>) {
    if entry_with_key(ui, state.menu_at.is_some(), "Add marker here", "M") {
        actions.extend(state.menu_at.map(Action::AddMark));
    }
    if entry(ui, state.selection.is_some(), "Add markers at selection bounds") {
        let ends = state.selection.into_iter().flat_map(|range| [range.from, range.to]);
        actions.extend(ends.map(Action::AddMark));
    }
    if entry(ui, !stage.graph.marks.is_empty(), "Remove all markers") {
        actions.push(Action::ClearMarks);
    }
}

/// Times and values of one series as tab-separated text with a line of titles.
pub(super) fn series_as_text(data: &GraphData, series: &Series) -> String {
    as_tab_separated(&data.times, &[series])
}

/// Times and values of every shown series as tab-separated text with a line of titles.
fn all_as_text(data: &GraphData) -> String {
    let on: Vec<&Series> = data.series.iter().filter(|s| s.on).collect();
    as_tab_separated(&data.times, &on)
}

fn as_tab_separated(times: &[f64], series: &[&Series]) -> String {
    let mut out = String::from("Time (s)");
    for s in series {
        out.push('\t');
        // A tab or a line break in a name would shift the columns.
        out.extend(s.name.chars().map(|c| if c.is_control() { ' ' } else { c }));
    }
    out.push('\n');
    for (at, time) in times.iter().enumerate() {
        // Writing to a string cannot fail.
        write!(out, "{time}").ok();
        for s in series {
            out.push('\t');
            if let Some(value) = s.values.get(at) {
                write!(out, "{value}").ok();
            }
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use eframe::egui::Color32;

    use super::super::model::AxisUnit;
    use super::*;

    #[test]
    fn values_are_copied_in_columns() {
        let series = |id, name: &str, on, values: [f64; 2]| Series {
            id,
            name: name.to_owned(),
            color: Color32::RED,
            pattern: 0,
            on,
            has_row: true,
            marked: false,
            values: values.to_vec(),
            extremes: Vec::new(),
        };
        let all_of = vec![
            series(1, "Leak", true, [1.0, 2.5]),
            series(2, "off", false, [0.0, 0.0]),
            series(3, "a\tb", true, [3.0, 4096.0]),
        ];
        let data = GraphData::new(String::new(), vec![0.0, 0.5], all_of, AxisUnit::Bytes);
        assert_eq!(all_as_text(&data), "Time (s)\tLeak\ta b\n0\t1\t3\n0.5\t2.5\t4096\n");
        assert_eq!(series_as_text(&data, &data.series[0]), "Time (s)\tLeak\n0\t1\n0.5\t2.5\n");
    }
}
