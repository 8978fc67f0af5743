//! A frame of a stack as text: the functions that are inlined there above it, and where the name is from on hover.

use eframe::egui::{Label, RichText, Ui};

use super::fitted_text;
use crate::gui::theme::{self, GRID, Palette};

/// A frame.
pub struct FrameLine<'f> {
    /// The name, or the address.
    pub text: &'f str,
    /// True if the name may be that of a neighboring function.
    pub is_guess: bool,
    /// True if it is the responsible frame of its stack, which is tinted.
    pub is_responsible: bool,
    /// The functions that are inlined there, the innermost first, each with its text on hover.
    pub inlined: Vec<(String, String)>,
}

impl FrameLine<'_> {
    /// Draws the frame; `explained` returns the paragraphs on hover.
    pub fn show(&self, ui: &mut Ui, explained: impl FnOnce() -> Vec<String>) {
        for (text, tip) in &self.inlined {
            let text = RichText::new(text).font(theme::figure_font()).weak();
            ui.add(Label::new(text).truncate()).on_hover_text(tip);
        }
        let place = ui.available_rect_before_wrap();
        let tint = ui.painter().add(eframe::egui::Shape::Noop);
        let (shown, _) = fitted_text::fitted(ui.painter(), self.text, &theme::figure_font(), place.width());
        let text = RichText::new(shown).font(theme::figure_font());
        let text = if self.is_guess { text.italics() } else { text };
        let text = if self.is_responsible { text.color(Palette::of(ui).text) } else { text };
        let line = ui.add(Label::new(text).truncate().show_tooltip_when_elided(false));
        line.ctx.accesskit_node_builder(line.id, |node| {
            let mark = if self.is_responsible { "Responsible frame: " } else { "" };
            // The name of a label is its value.
            node.set_value(format!("{mark}{}", self.text));
        });
        if self.is_responsible {
            let fill = line.rect.with_max_x(place.right()).expand2(eframe::egui::vec2(0.5 * GRID, 1.0));
            let shape = eframe::egui::Shape::rect_filled(fill, f32::from(theme::RADIUS), Palette::of(ui).responsible);
            ui.painter().set(tint, shape);
        }
        line.on_hover_ui(|ui| {
            ui.set_max_width(theme::TIP_WIDTH);
            ui.label(RichText::new(self.text).font(theme::figure_font()));
            for paragraph in explained() {
                ui.label(paragraph);
            }
        });
    }
}
