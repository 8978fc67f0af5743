//! Short messages at the bottom right that go away by themselves; errors stay until they are closed. They never hold
//! anything that cannot be found elsewhere.

use eframe::egui::{Align2, Area, Frame, Id, Order, Role, Ui, vec2};

use crate::gui::commands::Command;
use crate::gui::icons;
use crate::gui::theme::{GRID, Palette};
use crate::gui::widgets::close_button;

/// Seconds that a message is shown.
const SHOWN_S: f64 = 6.0;
/// Seconds in which it fades.
const FADE_S: f64 = 0.4;
/// Messages at once at most.
const MOST: usize = 4;
/// Above the status bar, in points.
const BOTTOM: f32 = 36.0;

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

    /// Draws them over the window.
    pub fn show(&mut self, ui: &Ui, commands: &mut Vec<Command>) {
        if self.list.is_empty() {
            return;
        }
        let now = ui.input(|input| input.time);
        let mut closed = Vec::new();
        let area = Area::new(Id::unique("toasts"))
            .order(Order::Foreground)
            .anchor(Align2::RIGHT_BOTTOM, vec2(-3.0 * GRID, -BOTTOM));
        let shown = area.show(ui.ctx(), |ui| {
            ui.set_width(320.0);
            ui.spacing_mut().item_spacing.y = 2.0 * GRID;
            for toast in &mut self.list {
                let until = *toast.until.get_or_insert(now + SHOWN_S);
                let left = if toast.kind == Kind::Error { FADE_S } else { until - now };
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
        // Nothing vanishes under the pointer.
        if shown.response.contains_pointer() {
            self.list.iter_mut().for_each(|toast| toast.until = Some(now + SHOWN_S));
        }
        self.list.retain(|toast| !closed.contains(&toast.id));
        let going = self.list.iter().filter(|toast| toast.kind != Kind::Error).filter_map(|toast| toast.until);
        if let Some(first) = going.reduce(f64::min) {
            let wait = (first - now - FADE_S).max(0.02);
            ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64(wait));
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
    Frame::popup(ui.style()).inner_margin(2.0 * GRID).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal_top(|ui| {
            icons::status_dot(ui, 18.0, color);
            let room = ui.available_width() - 26.0;
            ui.vertical(|ui| {
                ui.set_max_width(room);
                ui.set_min_width(room);
                let label = ui.label(&toast.text);
                let role = if toast.kind == Kind::Error { Role::Alert } else { Role::Status };
                ui.ctx().accesskit_node_builder(label.id, |node| {
                    node.set_role(role);
                    node.clear_value();
                    node.set_label(toast.text.as_str());
                });
                if let Some((title, command)) = &toast.way
                    && ui.button(title).clicked()
                {
                    commands.push(command.clone());
                    closed = true;
                }
            });
            closed |= close_button::show(ui, 16.0, "Dismiss message").clicked();
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
