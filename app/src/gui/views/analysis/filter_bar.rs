//! The trail of the filter's steps: each can be taken away, the query ones changed; undo, redo, clear.

use eframe::egui::accesskit::Role;
use eframe::egui::{Button, Frame, Margin, Sense, Stroke, Ui, WidgetInfo, vec2};

use crate::gui::command::{Command, DocumentCommand};
use crate::gui::state::document::Document;
use crate::gui::state::filter::Step;
use crate::gui::theme::{self, Palette, RADIUS};

/// Longest text of a step, in characters.
const LONGEST: usize = 60;

/// Draws the trail, if there is anything in it or to undo.
pub(super) fn show(ui: &mut Ui, document: &mut Document, commands: &mut Vec<Command>) {
    if document.filter.steps().is_empty() && !document.filter.can_undo() && !document.filter.can_redo() {
        return;
    }
    let mut removed = None;
    let mut edited = None;
    ui.horizontal_wrapped(|ui| {
        if document.filter.steps().is_empty() {
            ui.weak("All rows");
        } else {
            ui.weak("Only");
        }
        for (at, step) in document.filter.steps().iter().enumerate() {
            if at > 0 {
                ui.weak("and");
            }
            match chip(ui, step) {
                Some(Touched::Text) => edited = Some(at),
                Some(Touched::Cross) => removed = Some(at),
                None => {}
            }
        }
        for command in [DocumentCommand::FilterUndo, DocumentCommand::FilterRedo, DocumentCommand::FilterClear] {
            let can = document.can(&command);
            let key = Command::from(command.clone()).shortcut_text(ui).unwrap_or_default();
            let button = ui.add_enabled(can, Button::new(command.title())).on_hover_text(key);
            if button.clicked() {
                commands.push(command.into());
            }
        }
    });
    if let Some(at) = removed {
        document.remove_step(at);
    }
    if let Some(at) = edited {
        document.edit_step(at);
    }
}

enum Touched {
    Text,
    Cross,
}

fn chip(ui: &mut Ui, step: &Step) -> Option<Touched> {
    let palette = Palette::of(ui);
    let mut touched = None;
    let frame = Frame::new()
        .fill(palette.canvas)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(f32::from(RADIUS))
        .inner_margin(Margin::symmetric(6, 1));
    frame.show(ui, |ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let title = step.title();
        let short = if title.chars().count() > LONGEST {
            title.chars().take(LONGEST).chain(['\u{2026}']).collect()
        } else {
            title.clone()
        };
        let text = eframe::egui::RichText::new(short).font(theme::small_font());
        let tip = step.explanation();
        if matches!(step, Step::Query(_)) {
            let response = ui.add(Button::new(text).frame(false)).on_hover_text(format!("{tip}\nClick to change it."));
            response.ctx.accesskit_node_builder(response.id, |node| node.set_label(format!("Change {title}")));
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
