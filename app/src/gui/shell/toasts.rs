//! Short messages above the status bar that go away by themselves, errors last. They have a line of their own, so that they cover
//! nothing, and never hold anything that cannot be found elsewhere.

use eframe::egui::{Align, Frame, Layout, Margin, Panel, Role, Ui};

use crate::gui::commands::Command;
use crate::gui::icons;
use crate::gui::theme::{self, GRID, Palette, ROW_HEIGHT};
use crate::gui::widgets::{close_button, fitted_text};

/// Seconds that a message is shown, a warning, and an error.
const SHOWN_S: f64 = 6.0;
const WARNING_S: f64 = 12.0;
const ERROR_S: f64 = 30.0;
/// Seconds in which it fades.
const FADE_S: f64 = 0.4;
/// Messages at once at most.
const MOST: usize = 4;

/// Kind of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something to know.
    Info,
    /// Something worked.
    Success,
    /// Something to look at.
    Warning,
    /// Something failed.
    Error,
}

#[derive(Debug, Clone)]
struct Toast {
    id: u64,
    kind: Kind,
    text: String,
    /// The way on, as a button.
    way: Option<(String, Command)>,
    /// Seconds of the window's clock; not known before it is drawn.
    until: Option<f64>,
}

/// The messages that are shown.
#[derive(Debug, Default)]
pub struct Toasts {
    list: Vec<Toast>,
    next: u64,
}

impl Toasts {
    /// Shows a message.
    pub fn push(&mut self, kind: Kind, text: impl Into<String>) {
        self.add(kind, text.into(), None);
    }

    /// Shows a message with a button that does something about it.
    pub fn push_with(&mut self, kind: Kind, text: impl Into<String>, title: impl Into<String>, command: Command) {
        self.add(kind, text.into(), Some((title.into(), command)));
    }

    fn add(&mut self, kind: Kind, text: String, way: Option<(String, Command)>) {
        self.list.retain(|toast| toast.text != text);
        while self.list.len() >= MOST {
            // The oldest one that disappears by itself is removed, or else the oldest.
            let at = self.list.iter().position(|toast| toast.kind != Kind::Error).unwrap_or(0);
            self.list.remove(at);
        }
        self.list.push(Toast { id: self.next, kind, text, way, until: None });
        self.next += 1;
    }

    /// Removes messages about completed actions.
    pub fn clear_infos(&mut self) {
        self.list.retain(|toast| toast.kind != Kind::Info);
    }

    /// The messages' texts, the oldest first.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|toast| toast.text.as_str())
    }

    /// Draws them above what is at the bottom of the window.
    pub fn show(&mut self, ui: &mut Ui, commands: &mut Vec<Command>) {
        if self.list.is_empty() {
            return;
        }
        let (now, is_moving) = ui.input(|input| (input.time, input.pointer.is_moving()));
        let mut closed = Vec::new();
        let frame = Frame::new().fill(Palette::of(ui).panel).inner_margin(Margin::symmetric(8, 2));
        let height = ROW_HEIGHT * self.list.len() as f32 + GRID;
        let shown = Panel::bottom("messages").exact_size(height).frame(frame).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for toast in &mut self.list {
                let until = *toast.until.get_or_insert(now + toast.kind.shown_s());
                let left = until - now;
                ui.scope(|ui| {
                    ui.set_opacity((left / FADE_S).clamp(0.0, 1.0) as f32);
                    if one(ui, toast, commands) {
                        closed.push(toast.id);
                    }
                });
                if left <= 0.0 {
                    closed.push(toast.id);
                }
            }
        });
        // Nothing vanishes from under a hand; a pointer that was left there does not hold a message.
        if is_moving && shown.response.contains_pointer() {
            self.list.iter_mut().for_each(|toast| toast.until = toast.until.map(|until| until.max(now + SHOWN_S)));
        }
        self.list.retain(|toast| !closed.contains(&toast.id));
        if let Some(first) = self.list.iter().filter_map(|toast| toast.until).reduce(f64::min) {
            let wait = (first - now - FADE_S).max(0.02);
            ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64(wait));
        }
        if !closed.is_empty() {
            ui.ctx().request_repaint();
        }
    }
}

impl Kind {
    /// Seconds for which a message is shown.
    const fn shown_s(self) -> f64 {
        match self {
            Self::Error => ERROR_S,
            Self::Warning => WARNING_S,
            Self::Info | Self::Success => SHOWN_S,
        }
    }
}

/// One message; true when it is to be closed.
fn one(ui: &mut Ui, toast: &Toast, commands: &mut Vec<Command>) -> bool {
    let palette = Palette::of(ui);
    let color = match toast.kind {
        Kind::Info => palette.accent,
        Kind::Success => palette.good,
        Kind::Warning => palette.warn,
        Kind::Error => palette.bad,
    };
    let mut closed = false;
    ui.horizontal(|ui| {
        ui.set_height(ROW_HEIGHT);
        icons::status_dot(ui, ROW_HEIGHT, color);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            closed |= close_button::show(ui, 16.0, "Dismiss message").clicked();
            if let Some((title, command)) = &toast.way
                && ui.button(title).clicked()
            {
                commands.push(command.clone());
                closed = true;
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let label = fitted_text::label(ui, &toast.text, theme::text_font(), |text| text);
                let role = if toast.kind == Kind::Error { Role::Alert } else { Role::Status };
                ui.ctx().accesskit_node_builder(label.id, |node| {
                    node.set_role(role);
                    node.clear_value();
                    node.set_label(toast.text.as_str());
                });
            });
        });
    });
    closed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_at_most_and_errors_stay_longest() {
        let mut toasts = Toasts::default();
        toasts.push(Kind::Error, "bad");
        for text in ["a", "b", "c", "d", "d"] {
            toasts.push(Kind::Info, text);
        }
        assert_eq!(toasts.texts().collect::<Vec<_>>(), ["bad", "b", "c", "d"]);
        toasts.clear_infos();
        assert_eq!(toasts.texts().collect::<Vec<_>>(), ["bad"]);
    }
}
