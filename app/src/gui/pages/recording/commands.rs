//! The commands that record, in groups, each with a description and a button that copies it; and notes on the plan.

use eframe::egui::{Align, Button, Frame, Label, Layout, Margin, RichText, Role, ScrollArea, Ui, WidgetInfo};
use poolscope_recording::command::{CommandGroup, CommandLine as Line};

use super::wrong;
use crate::gui::model::recording_setup::RecordingSetup;
use crate::gui::theme;
use crate::gui::theme::{GRID, Palette, RADIUS};

/// Widest that a line gets, in points.
const WIDEST: f32 = 1000.0;
/// Room for the button at the end of a line, in points.
const BUTTON: f32 = 52.0;

/// Draws them.
pub(super) fn show(ui: &mut Ui, setup: &mut RecordingSetup) {
    let reveal = setup.reveal.take();
    let prepared = match setup.prepared() {
        Ok(prepared) => prepared,
        Err(text) => return wrong(ui, text),
    };
    ScrollArea::vertical().id_salt("commands").auto_shrink(false).show(ui, |ui| {
        // The buttons stay near the lines that they copy.
        ui.set_max_width((ui.available_width() - 3.0 * GRID).min(WIDEST));
        let text = "Save the profile (section Profile) and copy it to the folder in which you run these commands.";
        ui.add(Label::new(RichText::new(text).color(Palette::of(ui).dim)).wrap());
        ui.add_space(2.0 * GRID);
        for group in &prepared.groups {
            let title = ui.label(RichText::new(&group.title).font(theme::strong_font()));
            if reveal == Some(group.kind) {
                title.scroll_to_me(Some(Align::TOP));
            }
            lines(ui, group);
            ui.add_space(3.0 * GRID);
        }
        ui.label(RichText::new("NOTES").font(theme::small_font()).color(Palette::of(ui).dim));
        for note in &prepared.notes {
            ui.add(Label::new(note).wrap());
            ui.add_space(GRID);
        }
    });
}

fn lines(ui: &mut Ui, group: &CommandGroup) {
    let palette = Palette::of(ui);
    let ground = Frame::new().fill(palette.panel).corner_radius(RADIUS).inner_margin(Margin::symmetric(8, 4));
    ground.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = GRID;
        for line in &group.commands {
            command(ui, line);
        }
    });
}

fn command(ui: &mut Ui, line: &Line) {
    ui.with_layout(Layout::right_to_left(Align::TOP), |ui| {
        let copy = ui.add(Button::new(RichText::new("Copy").font(theme::small_font())).small());
        let name = format!("Copy {}", line.line);
        copy.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
        if copy.clicked() {
            ui.ctx().copy_text(line.line.clone());
        }
        ui.with_layout(Layout::top_down(Align::Min), |ui| {
            ui.set_max_width(ui.available_width().max(BUTTON));
            ui.spacing_mut().item_spacing.y = 0.0;
            ui.add(Label::new(RichText::new(&line.line).monospace()).wrap());
            let says = RichText::new(&line.description).font(theme::small_font()).color(Palette::of(ui).dim);
            ui.add(Label::new(says).wrap());
        });
    });
}
