//! The legend right of the graph: a switch, a name and the value at the end of the view for each series. Knows nothing of
//! where values come from.

use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align2, Painter, Rect, Response, ScrollArea, Sense, Stroke, StrokeKind, Ui, UiBuilder, Vec2, WidgetInfo, pos2, vec2,
};

use super::math::value_text;
use super::model::{Action, GraphData, Series, Unit};
use crate::gui::theme::{self, GRID, Palette};

const LINE: f32 = 20.0;
/// What the keyboard can reach and the pointer can press.
const CONTROL: Sense = Sense::CLICK.union(Sense::FOCUSABLE);

/// Draws the legend into `rect`; returns the series under the pointer.
pub(super) fn show(ui: &mut Ui, rect: Rect, data: &GraphData, actions: &mut Vec<Action>) -> Option<usize> {
    let mut hovered = None;
    ui.scope_builder(UiBuilder::new().id_salt("legend").max_rect(rect), |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing = Vec2::ZERO;
            for (at, series) in data.series.iter().enumerate() {
                if line(ui, series, data.unit, actions) {
                    hovered = Some(at);
                }
            }
        });
    });
    hovered
}

fn line(ui: &mut Ui, series: &Series, unit: Unit, actions: &mut Vec<Action>) -> bool {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), LINE), Sense::HOVER);
    if !ui.is_rect_visible(rect) {
        return false;
    }
    let (id, label) = (series.id, series.name.as_str());
    let (box_rect, name_rect) = rect.split_left_right_at_x(rect.left() + LINE);
    let switch = ui.interact(box_rect, ui.make_persistent_id(("switch", id)), CONTROL);
    switch.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, series.on, format!("Draw {label}")));
    // The sum of the others has no row.
    let sense = if series.has_row { CONTROL } else { Sense::HOVER };
    let name = ui.interact(name_rect, ui.make_persistent_id(("name", id)), sense);
    if series.has_row {
        name.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Find the row of {label}")));
    }
    let lit = switch.hovered() || name.hovered();
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    if lit {
        painter.rect_filled(rect, 2.0, Palette::of(ui).hovered);
    }
    let last = series.values.last().map(|value| value_text(*value, 0.0, unit)).unwrap_or_default();
    paint(ui, &painter, [box_rect, name_rect], series, &last);
    for (control, place) in [(&switch, box_rect), (&name, name_rect)] {
        focus_ring(ui, &painter, control, place);
    }
    if switch.clicked() {
        actions.push(Action::Toggle(id));
    }
    if series.has_row && name.clicked() {
        actions.push(Action::Reveal(id));
    }
    let tip = if series.has_row { "Click to select its row." } else { "All that have no curve of their own." };
    name.on_hover_text(format!("{label}: {last} at the end of the view. {tip}"));
    lit
}

fn paint(ui: &Ui, painter: &Painter, [box_rect, name_rect]: [Rect; 2], series: &Series, last: &str) {
    let palette = Palette::of(ui);
    let square = Rect::from_center_size(box_rect.center(), Vec2::splat(10.0));
    if series.on {
        painter.rect_filled(square, 2.0, series.colour);
    } else {
        painter.rect_stroke(square, 2.0, Stroke::new(1.0, series.colour), StrokeKind::Inside);
    }
    let colour = if series.on { palette.text } else { palette.dim };
    let middle = name_rect.center().y;
    let value = painter.text(
        pos2(name_rect.right() - GRID, middle),
        Align2::RIGHT_CENTER,
        last,
        theme::small_font(),
        palette.dim,
    );
    let start = pos2(name_rect.left() + GRID / 2.0, middle);
    let room = value.left() - GRID - start.x;
    theme::clipped_text(painter, start, room, &series.name, theme::small_font(), colour);
}

fn focus_ring(ui: &Ui, painter: &Painter, control: &Response, rect: Rect) {
    if control.has_focus() {
        painter.rect_stroke(rect, 2.0, Stroke::new(1.0, Palette::of(ui).accent), StrokeKind::Inside);
    }
}
