//! Parts of a page or a panel: captions, facts with their names, and sentences that belong to a state.

use eframe::egui::{Align2, Color32, Label, Response, RichText, Sense, Ui, WidgetText, vec2};

use crate::gui::icons::{self, Icon};
use crate::gui::theme::{self, GRID, Palette};

/// Height of the first line of a paragraph, in points.
const LINE: f32 = 18.0;

/// Draws the caption of a section.
pub fn caption(ui: &mut Ui, text: &str) {
    let color = Palette::of(ui).dim;
    ui.label(RichText::new(text).font(theme::small_font()).color(color));
}

/// Draws a fact: its name in a column of `width` points, and its value beside it, wrapped.
pub fn fact(ui: &mut Ui, name: &str, width: f32, value: impl Into<WidgetText>) {
    ui.horizontal_top(|ui| {
        let (place, _) = ui.allocate_exact_size(vec2(width, theme::TEXT + GRID), Sense::hover());
        let color = Palette::of(ui).dim;
        ui.painter().text(place.left_center(), Align2::LEFT_CENTER, name, theme::small_font(), color);
        ui.add(Label::new(value).wrap());
    });
}

/// Draws an item of a list of sentences.
pub fn item(ui: &mut Ui, text: &str) -> Response {
    let line = ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = GRID;
        let (dot, _) = ui.allocate_exact_size(vec2(2.0 * GRID, theme::TEXT + GRID), Sense::hover());
        Icon::Bullet.paint(ui.painter(), dot.center(), Palette::of(ui).dim);
        ui.add(Label::new(text).wrap())
    });
    line.inner
}

/// Draws a paragraph behind a dot in the color of a state.
pub fn status(ui: &mut Ui, color: Color32, text: impl Into<WidgetText>) -> Response {
    let line = ui.horizontal_top(|ui| {
        icons::status_dot(ui, LINE, color);
        ui.add(Label::new(text).wrap())
    });
    line.inner
}
