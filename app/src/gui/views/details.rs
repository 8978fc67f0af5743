//! The panel on the right: the selected row in full, with the whole stack that weighs most in it.

use eframe::egui::{Align, Label, Layout, RichText, ScrollArea, Ui};

use crate::format;
use crate::gui::command::{Command, DocumentCommand};
use crate::gui::state::details::Details;
use crate::gui::theme::{self, GRID, Palette};

/// Draws the panel.
pub fn show(ui: &mut Ui, details: Option<&Details>, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let caption = |ui: &mut Ui, text: &str| {
        ui.label(RichText::new(text).font(theme::small_font()).color(palette.dim));
    };
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        caption(ui, "SELECTION");
        ui.add_space(GRID);
        let Some(details) = details else {
            ui.weak("Select a row to see its figures and its stack.");
            return;
        };
        for (title, value) in &details.keys {
            pair(ui, title, RichText::new(value).font(theme::strong_font()));
        }
        ui.add_space(2.0 * GRID);
        for (title, value) in details.figures.iter().filter(|(_, value)| !value.is_empty()) {
            pair(ui, title, RichText::new(value).font(theme::figure_font()));
        }
        ui.add_space(4.0 * GRID);
        ui.horizontal(|ui| {
            caption(ui, "HEAVIEST STACK");
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if !details.stack.is_empty() && ui.small_button(DocumentCommand::CopyStack.title()).clicked() {
                    commands.push(DocumentCommand::CopyStack.into());
                }
            });
        });
        if details.stack.is_empty() {
            ui.weak("These allocations were recorded without a stack: -stackwalk PoolAlloc+PoolFree records them.");
            return;
        }
        ui.weak(format!("{} blocks, innermost frame first", format::count(details.stack_blocks)));
        ui.add_space(GRID);
        for frame in &details.stack {
            ui.add(Label::new(RichText::new(frame).font(theme::figure_font())).truncate());
        }
    });
}

fn pair(ui: &mut Ui, title: &str, value: RichText) {
    ui.horizontal(|ui| {
        ui.weak(title);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add(Label::new(value).truncate());
        });
    });
}
