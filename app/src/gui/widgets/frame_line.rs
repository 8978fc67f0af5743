//! A frame of a stack as text: the functions that are inlined there above it, and where the name is from on hover.

use eframe::egui::{Align, Label, Layout, Link, RichText, TextStyle, Ui, vec2};

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
    /// The source line, such as `driver.c:312`; clicking it opens it.
    pub source: Option<String>,
}

impl FrameLine<'_> {
    /// Draws the frame; `explained` returns the paragraphs on hover. Returns `true` if the source line was clicked.
    pub fn show(&self, ui: &mut Ui, explained: impl FnOnce() -> Vec<String>) -> bool {
        for (text, tip) in &self.inlined {
            let text = RichText::new(text).font(theme::figure_font()).weak();
            ui.add(Label::new(text).truncate()).on_hover_text(tip);
        }
        let text = RichText::new(self.text).font(theme::figure_font());
        let text = if self.is_guess { text.italics() } else { text };
        let frame = |ui: &mut Ui| {
            ui.add(Label::new(text).truncate()).on_hover_ui(|ui| {
                ui.set_max_width(HOVER);
                for paragraph in explained() {
                    ui.label(paragraph);
                }
            });
        };
        let Some(source) = &self.source else {
            frame(ui);
            return false;
        };
        // The end of a path says which file it is.
        let name = source.rsplit(['/', '\\']).next().unwrap_or(source);
        let size = vec2(ui.available_width(), ui.text_style_height(&TextStyle::Body));
        let row = ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
            let link = ui.add(Link::new(RichText::new(name).font(theme::small_font())));
            link.ctx.accesskit_node_builder(link.id, |node| node.set_label(format!("Open source {source}")));
            ui.with_layout(Layout::left_to_right(Align::Center), frame);
            link.on_hover_text(format!("{source}\nClick: open in the editor")).clicked()
        });
        row.inner
    }
}
