//! A frame of a stack as text: the functions that are inlined there above it, and where the name is from on hover.

use eframe::egui::{Label, RichText, Ui};

use crate::gui::theme;

/// Greatest width of the text on hover, in points.
const HOVER: f32 = 480.0;

/// A frame.
pub struct FrameLine<'f> {
    /// The name, or the address.
    pub text: &'f str,
    /// True if the name may be that of a neighboring function.
    pub is_guess: bool,
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
        let text = RichText::new(self.text).font(theme::figure_font());
        let text = if self.is_guess { text.italics() } else { text };
        ui.add(Label::new(text).truncate()).on_hover_ui(|ui| {
            ui.set_max_width(HOVER);
            for paragraph in explained() {
                ui.label(paragraph);
            }
        });
    }
}
