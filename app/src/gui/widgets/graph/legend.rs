//! The legend right of the graph: a switch and a name for each series. Knows nothing of where values come from.

use eframe::egui::accesskit::Role;
use eframe::egui::{Align2, Rect, ScrollArea, Sense, Stroke, StrokeKind, Ui, UiBuilder, Vec2, WidgetInfo, pos2, vec2};

use super::model::{Action, GraphData};
use crate::gui::theme::{self, GRID, Palette};

const LINE: f32 = 20.0;

/// Draws the legend into `rect`; returns the series under the pointer.
pub(super) fn show(ui: &mut Ui, rect: Rect, data: &GraphData, actions: &mut Vec<Action>) -> Option<usize> {
    let mut hovered = None;
    ui.scope_builder(UiBuilder::new().id_salt("legend").max_rect(rect), |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing = Vec2::ZERO;
            for (at, series) in data.series.iter().enumerate() {
                if line(ui, series.id, data, at, actions) {
                    hovered = Some(at);
                }
            }
        });
    });
    hovered
}

fn line(ui: &mut Ui, id: u64, data: &GraphData, at: usize, actions: &mut Vec<Action>) -> bool {
    let Some(series) = data.series.get(at) else {
        return false;
    };
    let palette = Palette::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), LINE), Sense::HOVER);
    if !ui.is_rect_visible(rect) {
        return false;
    }
    let (box_rect, name_rect) = rect.split_left_right_at_x(rect.left() + LINE);
    let switch = ui.interact(box_rect, ui.make_persistent_id(("switch", id)), Sense::CLICK);
    switch.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, series.on, format!("Draw {}", series.name)));
    let name = ui.interact(name_rect, ui.make_persistent_id(("name", id)), Sense::CLICK);
    name.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Find the row of {}", series.name)));
    let lit = switch.hovered() || name.hovered();
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    if lit {
        painter.rect_filled(rect, 2.0, palette.hovered);
    }
    let square = Rect::from_center_size(box_rect.center(), Vec2::splat(10.0));
    if series.on {
        painter.rect_filled(square, 2.0, series.colour);
    } else {
        painter.rect_stroke(square, 2.0, Stroke::new(1.0, series.colour), StrokeKind::Inside);
    }
    let colour = if series.on { palette.text } else { palette.dim };
    let start = pos2(name_rect.left() + GRID / 2.0, rect.center().y);
    painter.text(start, Align2::LEFT_CENTER, &series.name, theme::small_font(), colour);
    if switch.clicked() {
        actions.push(Action::Toggle(id));
    }
    if name.clicked() {
        actions.push(Action::Reveal(id));
    }
    lit
}
