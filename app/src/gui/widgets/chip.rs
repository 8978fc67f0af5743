//! A short text in a frame with a cross that removes it, as for a step of a filter.

use eframe::egui::{Button, Frame, Margin, RichText, Stroke, Ui};

use super::close_button;
use crate::gui::theme::{self, Palette, RADIUS};

/// Upper bound on the length of the text, in characters.
const MAX_CHARACTERS: usize = 60;
/// Width and height of the cross, in points.
const CROSS: f32 = 14.0;

/// The part of a chip that was clicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChipPart {
    /// The text.
    Text,
    /// The cross.
    Cross,
}

/// Draws a chip; with `change`, its accessible name, the text can be clicked.
pub fn show(ui: &mut Ui, title: &str, tip: &str, change: Option<&str>) -> Option<ChipPart> {
    let palette = Palette::of(ui);
    let mut clicked = None;
    let frame = Frame::new()
        .fill(palette.canvas)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(f32::from(RADIUS))
        .inner_margin(Margin::symmetric(6, 1));
    frame.show(ui, |ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let short = if title.chars().count() > MAX_CHARACTERS {
            title.chars().take(MAX_CHARACTERS).chain(['\u{2026}']).collect()
        } else {
            title.to_owned()
        };
        let text = RichText::new(short).font(theme::small_font());
        if let Some(change) = change {
            let response = ui.add(Button::new(text).frame(false)).on_hover_text(tip);
            response.ctx.accesskit_node_builder(response.id, |node| node.set_label(change));
            clicked = response.clicked().then_some(ChipPart::Text);
        } else {
            ui.label(text).on_hover_text(tip);
        }
        let remove = format!("Remove {title}");
        if close_button::show(ui, CROSS, &remove).on_hover_text(&remove).clicked() {
            clicked = Some(ChipPart::Cross);
        }
    });
    clicked
}
