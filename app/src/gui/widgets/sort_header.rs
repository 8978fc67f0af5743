//! The header of a column in a small table: a click on it sorts. It knows no rows.

use eframe::egui::{Response, Role, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use crate::gui::theme::{self, GRID, Palette};

/// A header.
pub struct SortHeader<'h> {
    /// Its words.
    pub title: &'h str,
    /// Whether the table is sorted by it, and then whether the smallest come first.
    pub sorted: Option<bool>,
    /// Figures stand at the right of their column.
    pub is_figure: bool,
}

impl SortHeader<'_> {
    /// Draws it over the whole cell.
    pub fn show(&self, ui: &mut Ui) -> Response {
        let palette = Palette::of(ui);
        let response = ui.allocate_response(ui.available_size(), Sense::click());
        let place = response.rect;
        let colour = if response.hovered() || self.sorted.is_some() { palette.text } else { palette.dim };
        let painter = ui.painter();
        let galley = painter.layout_no_wrap(self.title.to_owned(), theme::small_font(), colour);
        let arrow = if self.sorted.is_some() { 3.0 * GRID } else { 0.0 };
        let left = if self.is_figure {
            (place.right() - galley.size().x - arrow - GRID).max(place.left())
        } else {
            place.left()
        };
        let end = left + galley.size().x;
        painter.galley(pos2(left, place.center().y - galley.size().y / 2.0), galley, colour);
        if let Some(ascending) = self.sorted {
            let at = pos2(end + 2.0 * GRID, place.center().y);
            let tip = if ascending { -2.5 } else { 2.5 };
            let corners = vec![at + vec2(-3.5, -tip), at + vec2(3.5, -tip), at + vec2(0.0, tip)];
            painter.add(Shape::convex_polygon(corners, palette.accent, Stroke::NONE));
        }
        if response.has_focus() {
            ui.painter().rect_stroke(place, 0.0, Stroke::new(1.0, palette.accent), StrokeKind::Inside);
        }
        response.widget_info(|| {
            let order = match self.sorted {
                Some(true) => ", ascending",
                Some(false) => ", descending",
                None => "",
            };
            WidgetInfo::labeled(Role::ColumnHeader, true, format!("Sort by {}{order}", self.title))
        });
        response
    }
}
