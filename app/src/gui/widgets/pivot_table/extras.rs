//! The columns at the right end that a wide table shows beside the chosen ones: they take the room that is left, so that the names
//! of rows stay near their figures. They cannot be moved or sorted by.

use eframe::egui::accesskit::Role;
use eframe::egui::emath::Rangef;
use eframe::egui::{Align2, Color32, Mesh, Painter, Pos2, Rect, Sense, Shape, Stroke, Ui, WidgetInfo, pos2};

use super::frame::TableFrame;
use super::model::{ExtraCell, ExtraColumn, Row};
use super::rows;
use crate::gui::theme::{self, GRID};
use crate::gui::widgets::fitted_text;

/// The columns that are shown, with their places on the screen.
fn shown<'f>(frame: &'f TableFrame<'_>) -> impl Iterator<Item = (&'f ExtraColumn, Rangef)> {
    frame.model.extra_columns().iter().zip(&frame.places.extras).map(|(column, range)| (column, frame.shift(*range)))
}

/// Draws the headers.
pub(super) fn headers(ui: &Ui, frame: &TableFrame<'_>) {
    for (column, range) in shown(frame) {
        let place = Rect::from_x_y_ranges(range, frame.header.y_range()).intersect(frame.header);
        let response = ui.interact(place, frame.id.with(("extra header", &column.title)), Sense::HOVER);
        response.widget_info(|| WidgetInfo::labeled(Role::ColumnHeader, true, &column.title));
        let painter = ui.painter().with_clip_rect(place.intersect(ui.clip_rect()));
        painter.vline(place.left(), place.y_range().shrink(4.0), Stroke::new(1.0, frame.palette.line));
        let (at, align) = if column.is_figure {
            (pos2(place.right() - 2.0 * GRID, place.center().y), Align2::RIGHT_CENTER)
        } else {
            (pos2(place.left() + 2.0 * GRID, place.center().y), Align2::LEFT_CENTER)
        };
        painter.text(at, align, &column.title, theme::small_font(), frame.palette.dim);
        response.on_hover_text(&column.tip);
    }
}

/// Draws the cells of a row; returns the text of the one under the pointer if it was shortened.
pub(super) fn cells(
    ui: &Ui,
    painter: &Painter,
    frame: &TableFrame<'_>,
    row: &Row,
    place: Rect,
    pointer: Option<Pos2>,
) -> Option<String> {
    let mut under_pointer = None;
    let cells = frame.model.extra_cells(row.id, frame.places.extras.len());
    for ((column, range), cell) in shown(frame).zip(&cells) {
        let rect = Rect::from_x_y_ranges(range, place.y_range());
        let painter = painter.with_clip_rect(painter.clip_rect().intersect(rect));
        let is_whole = match cell {
            ExtraCell::Figure(figure) => rows::figure(&painter, frame, rect, figure),
            ExtraCell::Curve(points) => {
                let color = if row.dimmed { frame.palette.dim } else { frame.palette.accent };
                curve(&painter, rect.shrink2(eframe::egui::vec2(2.0 * GRID, 4.0)), points, color);
                true
            }
            ExtraCell::Text(text) => {
                let at = pos2(rect.left() + 2.0 * GRID, rect.center().y);
                let color = frame.palette.text;
                fitted_text::paint(&painter, at, rect.width() - 3.0 * GRID, text, &theme::text_font(), color)
            }
        };
        let label = cell.label(column);
        if !is_whole && pointer.is_some_and(|pointer| rect.contains(pointer)) {
            under_pointer = Some(label.clone());
        }
        if frame.named {
            let id = frame.id.with(("extra cell", row.id, &column.title));
            let response = ui.interact(rect.intersect(frame.body), id, Sense::HOVER);
            response.widget_info(|| WidgetInfo::labeled(Role::Cell, true, &label));
        }
    }
    under_pointer
}

/// Draws a course over the width of a place, its largest value at the top and zero at the bottom.
fn curve(painter: &Painter, place: Rect, values: &[f32], color: Color32) {
    let highest = values.iter().copied().fold(0.0_f32, f32::max);
    if values.len() < 2 || highest <= 0.0 {
        return;
    }
    let step = place.width() / (values.len() - 1) as f32;
    let at = |(number, value): (usize, &f32)| {
        pos2(place.left() + step * number as f32, place.bottom() - place.height() * (value / highest).clamp(0.0, 1.0))
    };
    let line: Vec<Pos2> = values.iter().enumerate().map(at).collect();
    let mut area = Mesh::default();
    for (number, point) in line.iter().enumerate() {
        area.colored_vertex(*point, color.gamma_multiply(0.16));
        area.colored_vertex(pos2(point.x, place.bottom()), color.gamma_multiply(0.16));
        if number > 0 {
            let first = 2 * (number as u32 - 1);
            area.add_triangle(first, first + 1, first + 2);
            area.add_triangle(first + 1, first + 2, first + 3);
        }
    }
    painter.add(Shape::mesh(area));
    painter.line(line, Stroke::new(1.5, color));
}
