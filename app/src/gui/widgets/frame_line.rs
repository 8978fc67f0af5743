//! A frame of a stack as text: the functions that are inlined there above it, and where the name is from on hover.

use eframe::egui::{Align, Label, Layout, Link, RichText, Shape, TextStyle, Ui, vec2};

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
        let place = ui.available_rect_before_wrap();
        let tint = ui.painter().add(Shape::Noop);
        let (shown, _) = fitted_text::fitted(ui.painter(), self.text, &theme::figure_font(), place.width());
        let text = RichText::new(shown).font(theme::figure_font());
        let text = if self.is_guess { text.italics() } else { text };
        let (text, is_responsible) = (text, self.is_responsible);
        let frame = |ui: &mut Ui| {
            let text = if is_responsible { text.color(Palette::of(ui).text) } else { text };
            let line = ui.add(Label::new(text).truncate().show_tooltip_when_elided(false));
            line.ctx.accesskit_node_builder(line.id, |node| {
                let mark = if is_responsible { "Responsible frame: " } else { "" };
                // The name of a label is its value.
                node.set_value(format!("{mark}{}", self.text));
            });
            if is_responsible {
                let fill = line.rect.with_max_x(place.right()).expand2(vec2(0.5 * GRID, 1.0));
                let shape = Shape::rect_filled(fill, f32::from(theme::RADIUS), Palette::of(ui).responsible);
                ui.painter().set(tint, shape);
            }
            line.on_hover_ui(|ui| {
                ui.set_max_width(theme::TIP_WIDTH);
                ui.label(RichText::new(self.text).font(theme::figure_font()));
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
