//! What went wrong, with what, and what to do next; as a page when nothing else is open, in a box otherwise.

use eframe::egui::{Align, Frame, Id, Layout, Modal, RichText, Ui};

use crate::gui::command::Command;
use crate::gui::jobs::load::{Failure, Source};
use crate::gui::theme::{self, GRID, Palette};
use crate::gui::widgets::two_ways_on;

/// Draws the whole page.
pub fn page(ui: &mut Ui, source: &Source, failure: &Failure, commands: &mut Vec<Command>) {
    ui.with_layout(Layout::top_down(Align::Center), |ui| {
        ui.add_space((ui.available_height() * 0.28).max(GRID));
        ui.set_max_width(560.0);
        body(ui, source, failure);
        ui.add_space(4.0 * GRID);
        let ways = [Command::Open, Command::OpenSample];
        let clicked = two_ways_on::show(ui, &ways[0].title(), &ways[1].title());
        commands.extend(ways.into_iter().zip(clicked).filter(|(_, clicked)| *clicked).map(|(command, _)| command));
    });
}

/// Draws the box over an open trace.
pub fn dialog(ui: &Ui, source: &Source, failure: &Failure, commands: &mut Vec<Command>) {
    let shown = Modal::new(Id::unique("failure")).frame(Frame::popup(ui.style()).inner_margin(4.0 * GRID)).show(
        ui.ctx(),
        |ui| {
            ui.set_width(440.0);
            body(ui, source, failure);
            ui.add_space(2.0 * GRID);
            ui.weak("The trace that was open before is still here.");
            ui.add_space(2.0 * GRID);
            ui.horizontal(|ui| {
                if ui.button(Command::Dismiss.title()).clicked() {
                    commands.push(Command::Dismiss);
                }
                if ui.button(Command::Open.title()).clicked() {
                    commands.push(Command::Open);
                }
            });
        },
    );
    if shown.should_close() {
        commands.push(Command::Dismiss);
    }
}

fn body(ui: &mut Ui, source: &Source, failure: &Failure) {
    let palette = Palette::of(ui);
    let title = format!("{} was not opened", source.name());
    ui.label(RichText::new(title).font(theme::strong_font()).size(16.0));
    ui.add_space(2.0 * GRID);
    ui.label(RichText::new(&failure.what).color(palette.bad));
    ui.add_space(GRID);
    ui.label(&failure.next);
}
