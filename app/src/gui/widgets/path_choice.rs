//! The choice of a file or folder: its name, the chosen path or the default, and buttons that choose another.

use eframe::egui::{Align, Label, Layout, RichText, Ui};

/// A choice, ready to be shown.
pub struct PathChoice<'a> {
    /// The name of the choice.
    pub name: &'a str,
    /// The chosen path; empty for the default.
    pub path: &'a str,
    /// The default in words.
    pub default: &'a str,
    /// The accessible name of the button that opens the file dialog.
    pub choose: &'a str,
}

/// Action requested for a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathAction {
    /// Open the file dialog.
    Choose,
    /// Go back to the default.
    UseDefault,
}

impl PathChoice<'_> {
    /// Draws the choice; `more` draws further buttons, from right to left.
    pub fn show(&self, ui: &mut Ui, more: impl FnOnce(&mut Ui)) -> Option<PathAction> {
        let mut action = None;
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                more(ui);
                let is_default = self.path.is_empty();
                let default = ui.add_enabled(!is_default, eframe::egui::Button::new("Use default"));
                default.ctx.accesskit_node_builder(default.id, |node| {
                    node.set_label(format!("Use default: {}", self.name));
                });
                if default.clicked() {
                    action = Some(PathAction::UseDefault);
                }
                let choose = ui.button("Choose\u{2026}");
                choose.ctx.accesskit_node_builder(choose.id, |node| node.set_label(self.choose));
                if choose.clicked() {
                    action = Some(PathAction::Choose);
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let text = if is_default { RichText::new(self.default).weak() } else { RichText::new(self.path) };
                    let value = ui.add(Label::new(text).truncate());
                    let shown = if is_default { self.default } else { self.path };
                    value
                        .ctx
                        .accesskit_node_builder(value.id, |node| node.set_label(format!("{}: {shown}", self.name)));
                });
            });
        });
        action
    }
}
