//! The strip below the graph: the whole trace in one curve, with the view in it. Dragging moves the view.

use eframe::egui::accesskit::Role;
use eframe::egui::{Color32, Mesh, Rect, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, pos2};

use super::model::{Action, Overview, Range};
use crate::gui::theme::Palette;

/// Height of the strip, in points.
pub(super) const HEIGHT: f32 = 28.0;

/// Draws the strip into `rect`.
pub(super) fn show(ui: &Ui, rect: Rect, overview: &Overview, whole: Range, view: Range, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    let response = ui.interact(rect, ui.make_persistent_id("minimap"), Sense::CLICK | Sense::DRAG);
    response.widget_info(|| WidgetInfo::labeled(Role::ScrollBar, true, "Overview of the whole trace"));
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    painter.rect_filled(rect, 2.0, palette.canvas);
    painter.add(curve(rect, overview, whole, palette.other.gamma_multiply(0.6)));
    let span = whole.span().max(f64::MIN_POSITIVE);
    let x = |time: f64| rect.left() + ((time - whole.from) / span) as f32 * rect.width();
    let window = Rect::from_x_y_ranges(x(view.from)..=x(view.to).max(x(view.from) + 2.0), rect.y_range());
    if view != whole {
        let shade = palette.panel.gamma_multiply(0.7);
        painter.rect_filled(Rect::from_min_max(rect.min, window.left_bottom()), 0.0, shade);
        painter.rect_filled(Rect::from_min_max(window.right_top(), rect.max), 0.0, shade);
        painter.rect_stroke(window, 2.0, Stroke::new(1.5, palette.accent), StrokeKind::Inside);
    }
    painter.rect_stroke(rect, 2.0, Stroke::new(1.0, palette.line), StrokeKind::Inside);
    let per_point = span / f64::from(rect.width().max(1.0));
    if response.dragged() {
        let to = view.moved(f64::from(response.drag_delta().x) * per_point, whole);
        if to != view {
            actions.push(Action::Zoom { to, smooth: true });
        }
    } else if response.double_clicked() {
        actions.push(Action::ZoomAll);
    } else if response.clicked()
        && let Some(pointer) = response.interact_pointer_pos()
    {
        let time = whole.from + f64::from(pointer.x - rect.left()) * per_point;
        let to = view.moved(time - (view.from + view.to) / 2.0, whole);
        if to != view {
            actions.push(Action::Zoom { to, smooth: false });
        }
    }
}

/// The area under the curve.
fn curve(rect: Rect, overview: &Overview, whole: Range, colour: Color32) -> Shape {
    let peak = overview.values.iter().copied().fold(0.0, f64::max);
    let span = whole.span();
    if peak <= 0.0 || span <= 0.0 {
        return Shape::Noop;
    }
    let mut mesh = Mesh::default();
    for (time, value) in overview.times.iter().zip(&overview.values) {
        let x = rect.left() + ((time - whole.from) / span) as f32 * rect.width();
        let y = rect.bottom() - (value.max(0.0) / peak) as f32 * (rect.height() - 4.0);
        mesh.colored_vertex(pos2(x, rect.bottom()), colour);
        mesh.colored_vertex(pos2(x, y), colour);
    }
    for pair in 1..mesh.vertices.len() as u32 / 2 {
        let at = 2 * pair;
        mesh.add_triangle(at - 2, at - 1, at);
        mesh.add_triangle(at - 1, at, at + 1);
    }
    Shape::mesh(mesh)
}
