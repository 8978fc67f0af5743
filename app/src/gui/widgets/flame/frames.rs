//! Where frames stand on the screen, their accessible names, and the words at the pointer. Painted bars are invisible to assistive
//! technology: those that are wide enough are named here.

use eframe::egui::accesskit::{Action as Asked, Role};
use eframe::egui::{PopupAnchor, Pos2, Rect, Response, Sense, Tooltip, Ui, WidgetInfo, pos2, vec2};

use super::layout::{Item, Layout, Placed};
use super::model::{Action, FlameModel};
use super::state::FlameState;
use super::{LEVEL, Tip};

/// Narrower frames have no name of their own unless they are selected, in points.
const LEAST_NAMED: f32 = 8.0;
/// Frames that are named at most.
const MOST_NAMED: usize = 1500;
/// Widest that the words at the pointer get, in points.
const TIP: f32 = 560.0;

/// What one frame of the window draws, and where.
pub(super) struct Stage<'a> {
    pub(super) model: &'a dyn FlameModel,
    pub(super) layout: &'a Layout,
    pub(super) body: Rect,
    pub(super) scroll: f32,
    pub(super) root_at_top: bool,
}

impl Stage<'_> {
    /// Upper edge of a level.
    fn top(&self, level: u32) -> f32 {
        let away = level as f32 * LEVEL - self.scroll;
        if self.root_at_top { self.body.top() + away } else { self.body.bottom() - away - LEVEL }
    }

    /// Where something stands.
    pub(super) fn rect(&self, placed: &Placed) -> Rect {
        let left = self.body.left();
        let min = pos2(left + placed.left, self.top(placed.level));
        Rect::from_min_size(min, vec2(placed.right - placed.left, LEVEL))
    }

    /// What stands at a place.
    pub(super) fn at(&self, place: Pos2) -> Option<&Placed> {
        if !self.body.contains(place) {
            return None;
        }
        let away = if self.root_at_top { place.y - self.body.top() } else { self.body.bottom() - place.y };
        let level = ((away + self.scroll) / LEVEL).floor();
        (level >= 0.0).then(|| self.layout.at(level as usize, place.x - self.body.left())).flatten()
    }

    /// The levels that can be seen, all of them or in part.
    pub(super) fn visible(&self) -> std::ops::Range<usize> {
        let first = (self.scroll / LEVEL).floor().max(0.0) as usize;
        let last = ((self.scroll + self.body.height()) / LEVEL).ceil().max(0.0) as usize;
        first.min(self.layout.levels.len())..last.min(self.layout.levels.len())
    }

    /// Everything that can be seen.
    pub(super) fn seen(&self) -> impl Iterator<Item = &Placed> {
        let levels = self.layout.levels.get(self.visible()).unwrap_or_default();
        levels.iter().flat_map(|level| self.layout.placed.get(level.clone()).unwrap_or_default())
    }
}

/// Registers the frames that can be seen; carries out what assistive technology asks of them.
pub(super) fn name_all(ui: &Ui, area: &Response, stage: &Stage<'_>, state: &mut FlameState, actions: &mut Vec<Action>) {
    if ui.ctx().accesskit_node_builder(area.id, |_| ()).is_none() {
        return;
    }
    let mut asked = None;
    let wide = |placed: &&Placed| placed.right - placed.left >= LEAST_NAMED || placed.item == selected_item(state);
    for placed in stage.seen().filter(wide).take(MOST_NAMED) {
        let (salt, label) = match placed.item {
            Item::Frame(node) => ((node, false), stage.model.label(node)),
            Item::Narrow { parent, count, weight } => ((parent, true), stage.model.rest_label(count, weight)),
        };
        let id = area.id.with(("frame", salt));
        let response = ui.interact(stage.rect(placed).intersect(stage.body), id, Sense::hover());
        let selected = placed.item == selected_item(state);
        response.widget_info(|| WidgetInfo::selected(Role::TreeItem, true, selected, &label));
        if let Item::Frame(node) = placed.item
            && ui.input(|input| input.has_accesskit_action_request(id, Asked::Click))
        {
            asked = Some(node);
        }
    }
    if let Some(node) = asked {
        if state.cursor == Some(node) {
            actions.push(Action::Zoom(node));
        }
        state.select(node);
        state.wants_focus = true;
    }
}

/// The selected frame as it would be placed.
fn selected_item(state: &FlameState) -> Item {
    state.cursor.map_or(Item::Narrow { parent: u32::MAX, count: 0, weight: 0 }, Item::Frame)
}

/// The words about what is under the pointer.
pub(super) fn show_tip(ui: &Ui, area: &Response, stage: &Stage<'_>, tip: Tip<'_>) {
    let busy = area.dragged() || eframe::egui::Popup::is_any_open(ui.ctx());
    let Some(placed) = ui.input(|input| input.pointer.hover_pos()).filter(|_| !busy).and_then(|at| stage.at(at)) else {
        return;
    };
    let id = area.id.with("tip");
    let tooltip = Tooltip::always_open(ui.ctx().clone(), ui.layer_id(), id, PopupAnchor::Pointer);
    tooltip.gap(14.0).show(|ui| {
        ui.set_max_width(TIP);
        match placed.item {
            Item::Frame(node) => tip(ui, node),
            Item::Narrow { count, weight, .. } => {
                ui.label(stage.model.rest_label(count, weight));
                ui.weak("Too narrow to be drawn. Double-click to zoom in on them.");
            }
        }
    });
}
