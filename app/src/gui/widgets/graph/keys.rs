//! The keys of the graph while it has the keyboard: pan, zoom, time cursor, selection, marks.

use eframe::egui::{EventFilter, Key, Modifiers, Response, Ui};

use super::model::{Action, GraphData, Range};
use super::plot::PlotContext;
use super::{GraphState, stack};

/// Share of the visible range that a key pans by.
const PAN: f64 = 0.1;
/// Share of the visible range that a key extends the selection by.
const GROW: f64 = 0.05;
/// Factor of the visible range that a key zooms in by.
pub(super) const ZOOM: f64 = 0.8;

/// Handles the keys while the plot has the keyboard.
pub(super) fn keys(
    ui: &Ui,
    response: &Response,
    stage: &PlotContext<'_, '_>,
    state: &mut GraphState,
    actions: &mut Vec<Action>,
) {
    if !response.has_focus() {
        return;
    }
    // With nothing to clear, Escape leaves the graph.
    let escape = state.selection.is_some() || state.cursor.is_some();
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, escape, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let pressed = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
    for (key, by) in [(Key::ArrowLeft, -1.0), (Key::ArrowRight, 1.0)] {
        if pressed(Modifiers::COMMAND, key) {
            state.cursor = next_point(stage.graph.data, state.cursor.unwrap_or(stage.graph.view.middle()), by > 0.0);
        } else if pressed(Modifiers::SHIFT, key) {
            state.selection = grown(stage, state, by * GROW * stage.graph.view.span());
            actions.push(Action::Select(state.selection));
        } else if pressed(Modifiers::NONE, key) {
            let view = stage.graph.view;
            zoom(stage, view.moved(by * PAN * view.span(), stage.graph.whole), actions);
        }
    }
    let none = |key| pressed(Modifiers::NONE, key);
    if none(Key::ArrowUp) || none(Key::Plus) || none(Key::Equals) {
        around_cursor(stage, state, ZOOM, actions);
    }
    if none(Key::ArrowDown) || none(Key::Minus) {
        around_cursor(stage, state, 1.0 / ZOOM, actions);
    }
    let (view, whole) = (stage.graph.view, stage.graph.whole);
    if none(Key::Home) {
        zoom(stage, view.moved(whole.from - view.from, whole), actions);
    }
    if none(Key::End) {
        zoom(stage, view.moved(whole.to - view.to, whole), actions);
    }
    if none(Key::Enter) {
        to_selection(state, actions);
    }
    if escape && none(Key::Escape) {
        if state.selection.take().is_some() {
            actions.push(Action::Select(None));
        } else {
            state.cursor = None;
        }
    }
    let here = stage.hovered(ui, response).or(state.cursor);
    if let Some(time) = here.filter(|_| none(Key::M)) {
        actions.push(Action::AddMark(time));
    }
}

fn zoom(stage: &PlotContext<'_, '_>, to: Range, actions: &mut Vec<Action>) {
    if to != stage.graph.view && to.span() > 0.0 {
        actions.push(Action::Zoom { to, smooth: true });
    }
}

/// Zooms around the time cursor, or around the middle if the cursor is not in the visible range.
pub(super) fn around_cursor(stage: &PlotContext<'_, '_>, state: &GraphState, factor: f64, actions: &mut Vec<Action>) {
    let view = stage.graph.view;
    let center = state.cursor.filter(|time| view.contains(*time)).unwrap_or(view.middle());
    zoom(stage, view.zoomed(factor, center, stage.graph.whole), actions);
}

/// Zooms to the selection, if there is one.
pub(super) fn to_selection(state: &mut GraphState, actions: &mut Vec<Action>) {
    if let Some(to) = state.selection.take() {
        actions.extend([Action::Zoom { to, smooth: false }, Action::Select(None)]);
    }
}

/// The selection with the end that is not at the time cursor moved.
fn grown(stage: &PlotContext<'_, '_>, state: &GraphState, by: f64) -> Option<Range> {
    let whole = stage.graph.whole;
    let anchor = state.cursor.unwrap_or(stage.graph.view.middle());
    let (fixed, end) = match state.selection {
        Some(range) if range.to == anchor => (range.to, range.from),
        Some(range) => (range.from, range.to),
        None => (anchor, anchor),
    };
    let range = Range::between(fixed, (end + by).clamp(whole.from, whole.to));
    // Empty again, except for the rounding of the steps.
    (range.span() > by.abs() * 1e-6).then_some(range)
}

/// The time of the graph after or before this one.
fn next_point(data: &GraphData, time: f64, later: bool) -> Option<f64> {
    let at = stack::nearest(&data.times, time)?;
    let near = data.times[at];
    let next = match later {
        true if near > time => at,
        true => at + 1,
        false if near < time => at,
        false => at.saturating_sub(1),
    };
    data.times.get(next).or(data.times.last()).copied()
}

#[cfg(test)]
mod tests {
    use super::super::model::AxisUnit;
    use super::*;

    #[test]
    fn the_cursor_goes_from_point_to_point() {
        let data = GraphData::new(String::new(), vec![0.0, 1.0, 2.0], Vec::new(), AxisUnit::Count);
        assert_eq!(next_point(&data, 0.4, true), Some(1.0));
        assert_eq!(next_point(&data, 0.6, true), Some(1.0));
        assert_eq!(next_point(&data, 0.6, false), Some(0.0));
        assert_eq!(next_point(&data, 1.0, true), Some(2.0));
        assert_eq!(next_point(&data, 1.0, false), Some(0.0));
        assert_eq!(next_point(&data, 2.0, true), Some(2.0));
        assert_eq!(next_point(&data, 0.0, false), Some(0.0));
    }
}
