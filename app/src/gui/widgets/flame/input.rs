//! Keys and clicks of the flame graph: they change the selection and the scroll position, and become actions.

use eframe::egui::{Key, Modifiers, Response, Ui};

use super::FlameState;
use super::LEVEL;
use super::frames::FlameView;
use super::layout::{FlameItem, FlameLayout};
use super::{Action, ROOT};

/// Handles the keys of the graph while it has the keyboard.
pub(super) fn keys(
    ui: &Ui,
    state: &mut FlameState,
    layout: &FlameLayout,
    root_at_top: bool,
    height: f32,
    actions: &mut Vec<Action>,
) {
    let pressed = |key: Key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    let (inwards, outwards) = if root_at_top { (Key::ArrowDown, Key::ArrowUp) } else { (Key::ArrowUp, Key::ArrowDown) };
    // A slow frame may hold several presses.
    for (key, step) in [
        (inwards, inside as fn(&FlameLayout, u32) -> Option<u32>),
        (outwards, around),
        (Key::ArrowRight, |layout, node| layout.beside(node, true)),
        (Key::ArrowLeft, |layout, node| layout.beside(node, false)),
    ] {
        for _ in 0..ui.input_mut(|input| input.count_and_consume_key(Modifiers::NONE, key)) {
            // The selection has to be visible to move from it.
            let here = state.cursor.filter(|node| layout.of(*node).is_some());
            if let Some(node) = here.map_or(Some(state.zoom), |node| step(layout, node)) {
                state.select(node);
            }
        }
    }
    if pressed(Key::Home) {
        state.select(ROOT);
    }
    let page = (height - LEVEL).max(LEVEL);
    for (key, by) in [(Key::PageUp, -page), (Key::PageDown, page)] {
        if pressed(key) {
            state.scroll += if root_at_top { by } else { -by };
        }
    }
    if pressed(Key::Enter) {
        let here = state.cursor.filter(|node| layout.of(*node).is_some());
        actions.extend(here.map(Action::Zoom));
    }
    if pressed(Key::Backspace) {
        actions.push(Action::ZoomOut);
    }
    if pressed(Key::Escape) {
        actions.push(Action::Leave);
    }
}

/// The largest child of a frame: the leftmost one.
fn inside(layout: &FlameLayout, node: u32) -> Option<u32> {
    let own = layout.of(node)?;
    let above = layout.at(own.level as usize + 1, own.left)?;
    match above.item {
        FlameItem::Frame(node) => Some(node),
        FlameItem::Narrow { .. } => None,
    }
}

/// The parent of a frame.
fn around(layout: &FlameLayout, node: u32) -> Option<u32> {
    let own = layout.of(node)?;
    match layout.at((own.level as usize).checked_sub(1)?, own.left)?.item {
        FlameItem::Frame(node) => Some(node),
        FlameItem::Narrow { .. } => None,
    }
}

/// Handles clicks: one selects, two zoom; narrow frames are zoomed to by their parent.
pub(super) fn pointer(
    ui: &Ui,
    area: &Response,
    stage: &FlameView<'_>,
    state: &mut FlameState,
    actions: &mut Vec<Action>,
) {
    let clicked = area.clicked() || area.secondary_clicked();
    if !clicked {
        return;
    }
    let Some(placed) = area.interact_pointer_pos().and_then(|at| stage.at(at)) else { return };
    let node = match placed.item {
        FlameItem::Frame(node) => node,
        FlameItem::Narrow { parent, .. } => parent,
    };
    state.cursor = Some(node);
    if area.double_clicked() {
        actions.push(Action::Zoom(node));
    }
    ui.ctx().request_repaint();
}
