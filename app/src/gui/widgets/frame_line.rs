//! One frame of a stack on lines of its own: what is inlined there above it, and why it is called so on hover. Words only: it
//! knows no symbols.

use eframe::egui::{Label, RichText, Ui};

use crate::gui::theme;

/// Widest that the words on hover get, in points.
const HOVER: f32 = 480.0;

/// A frame.
pub struct FrameLine<'f> {
    /// Its name, or its address.
    pub text: &'f str,
    /// The name may be that of a neighbour.
    pub is_guess: bool,
    /// Functions inlined there, the innermost first, and what is said of each.
    pub inlined: Vec<(String, String)>,
}

impl FrameLine<'_> {
    /// Draws it; `explained` are the paragraphs on hover.
    pub fn show(&self, ui: &mut Ui, explained: impl FnOnce() -> Vec<String>) {
        for (text, tip) in &self.inlined {
            let text = RichText::new(text).font(theme::figure_font()).weak();
            ui.add(Label::new(text).truncate()).on_hover_text(tip);
        }
        let text = RichText::new(self.text).font(theme::figure_font());
        let text = if self.is_guess { text.italics() } else { text };
        ui.add(Label::new(text).truncate()).on_hover_ui(|ui| {
            ui.set_max_width(HOVER);
            for words in explained() {
                ui.label(words);
            }
        });
    }
}
