//! The places of frames on the screen, their accessible names, and the tooltip at the pointer. Assistive technology does not see
//! painted bars: those that are wide enough are registered here.

use eframe::egui::accesskit::{Action as Asked, Role};
use eframe::egui::{PopupAnchor, Pos2, Rect, Response, Sense, Tooltip, Ui, WidgetInfo, pos2, vec2};

use super::FlameState;
use super::layout::{FlameItem, FlameLayout, PlacedFrame};
use super::{Action, FlameModel};
use super::{LEVEL, Tip};

/// Least width of a frame with an accessible name, unless it is selected, in points.
const LEAST_NAMED: f32 = 8.0;
/// Upper bound on the frames with an accessible name.
const MOST_NAMED: usize = 1500;
/// Greatest width of the tooltip, in points.
const TIP: f32 = 560.0;

/// The visible part of the layout on the screen.
pub(super) struct FlameView<'a> {
    pub(super) model: &'a dyn FlameModel,
    pub(super) layout: &'a FlameLayout,
    pub(super) body: Rect,
    pub(super) scroll: f32,
    pub(super) root_at_top: bool,
}

impl FlameView<'_> {
    /// Upper edge of a level.
    fn top(&self, level: u32) -> f32 {
        let away = level as f32 * LEVEL - self.scroll;
        if self.root_at_top { self.body.top() + away } else { self.body.bottom() - away - LEVEL }
    }

    /// The place of a frame.
    pub(super) fn rect(&self, placed: &PlacedFrame) -> Rect {
        let left = self.body.left();
        let min = pos2(left + placed.left, self.top(placed.level));
        Rect::from_min_size(min, vec2(placed.right - placed.left, LEVEL))
    }

    /// The frame at a place.
    pub(super) fn at(&self, place: Pos2) -> Option<&PlacedFrame> {
        if !self.body.contains(place) {
            return None;
        }
        let away = if self.root_at_top { place.y - self.body.top() } else { self.body.bottom() - place.y };
        let level = ((away + self.scroll) / LEVEL).floor();
        (level >= 0.0).then(|| self.layout.at(level as usize, place.x - self.body.left())).flatten()
    }

    /// The levels that are completely or partly visible.
    pub(super) fn visible(&self) -> std::ops::Range<usize> {
        let first = (self.scroll / LEVEL).floor().max(0.0) as usize;
        let last = ((self.scroll + self.body.height()) / LEVEL).ceil().max(0.0) as usize;
        first.min(self.layout.levels.len())..last.min(self.layout.levels.len())
    }

    /// The visible frames.
    pub(super) fn seen(&self) -> impl Iterator<Item = &PlacedFrame> {
        let levels = self.layout.levels.get(self.visible()).unwrap_or_default();
        levels.iter().flat_map(|level| self.layout.placed.get(level.clone()).unwrap_or_default())
    }
}

/// Registers the visible frames for assistive technology, and handles its actions on them.
pub(super) fn name_all(
    ui: &Ui,
    area: &Response,
    stage: &FlameView<'_>,
    state: &mut FlameState,
    actions: &mut Vec<Action>,
) {
    if ui.ctx().accesskit_node_builder(area.id, |_| ()).is_none() {
        return;
    }
    let mut asked = None;
    let wide = |placed: &&PlacedFrame| placed.right - placed.left >= LEAST_NAMED || placed.item == selected_item(state);
    for placed in stage.seen().filter(wide).take(MOST_NAMED) {
        let (salt, label) = match placed.item {
            FlameItem::Frame(node) => ((node, false), stage.model.label(node)),
            FlameItem::Narrow { parent, count, weight } => ((parent, true), stage.model.rest_label(count, weight)),
        };
        let id = area.id.with(("frame", salt));
        let response = ui.interact(stage.rect(placed).intersect(stage.body), id, Sense::hover());
        let selected = placed.item == selected_item(state);
        response.widget_info(|| WidgetInfo::selected(Role::TreeItem, true, selected, &label));
        if let FlameItem::Frame(node) = placed.item
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

/// The selected frame as an item of the layout.
fn selected_item(state: &FlameState) -> FlameItem {
    state.cursor.map_or(FlameItem::Narrow { parent: u32::MAX, count: 0, weight: 0 }, FlameItem::Frame)
}

/// Shows the tooltip of the frame under the pointer.
pub(super) fn show_tip(ui: &Ui, area: &Response, stage: &FlameView<'_>, tip: Tip<'_>) {
    let busy = area.dragged() || eframe::egui::Popup::is_any_open(ui.ctx());
    let Some(placed) = ui.input(|input| input.pointer.hover_pos()).filter(|_| !busy).and_then(|at| stage.at(at)) else {
        return;
    };
    let id = area.id.with("tip");
    let tooltip = Tooltip::always_open(ui.ctx().clone(), ui.layer_id(), id, PopupAnchor::Pointer);
    tooltip.gap(14.0).show(|ui| {
        ui.set_max_width(TIP);
        match placed.item {
            FlameItem::Frame(node) => tip(ui, node),
            FlameItem::Narrow { count, weight, .. } => {
                ui.label(stage.model.rest_label(count, weight));
                ui.weak("Too narrow to be drawn. Double-click to zoom to them.");
            }
        }
    });
}
