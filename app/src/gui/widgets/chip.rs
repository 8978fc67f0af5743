//! A short text in a frame with a cross that takes it away. It knows neither what it stands for nor what taking it away does.

use eframe::egui::accesskit::Role;
use eframe::egui::{Button, Frame, Margin, RichText, Sense, Stroke, Ui, WidgetInfo, vec2};

use crate::gui::theme::{self, Palette, RADIUS};

/// Longest text, in characters.
const LONGEST: usize = 60;

/// What of a chip was clicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touched {
    /// Its text.
    Text,
    /// Its cross.
    Cross,
}

/// Draws a chip; with `change` its text can be clicked, and is called that.
pub fn show(ui: &mut Ui, title: &str, tip: &str, change: Option<&str>) -> Option<Touched> {
    let palette = Palette::of(ui);
    let mut touched = None;
    let frame = Frame::new()
        .fill(palette.canvas)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(f32::from(RADIUS))
        .inner_margin(Margin::symmetric(6, 1));
    frame.show(ui, |ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let short = if title.chars().count() > LONGEST {
            title.chars().take(LONGEST).chain(['\u{2026}']).collect()
        } else {
            title.to_owned()
        };
        let text = RichText::new(short).font(theme::small_font());
        if let Some(change) = change {
            let response = ui.add(Button::new(text).frame(false)).on_hover_text(tip);
            response.ctx.accesskit_node_builder(response.id, |node| node.set_label(change));
            touched = response.clicked().then_some(Touched::Text);
        } else {
            ui.label(text).on_hover_text(tip);
        }
        if cross(ui, &format!("Remove {title}")) {
            touched = Some(Touched::Cross);
        }
    });
    touched
}

/// A painted cross that can be clicked.
fn cross(ui: &mut Ui, label: &str) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(14.0, 14.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label));
    let palette = Palette::of(ui);
    let colour = if response.hovered() || response.has_focus() { palette.text } else { palette.dim };
    let inner = rect.shrink(4.0);
    let stroke = Stroke::new(1.5, colour);
    ui.painter().line_segment([inner.left_top(), inner.right_bottom()], stroke);
    ui.painter().line_segment([inner.right_top(), inner.left_bottom()], stroke);
    let clicked = response.clicked();
    response.on_hover_text(label);
    clicked
}
