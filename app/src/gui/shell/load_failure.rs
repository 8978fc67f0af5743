//! The page of a trace that was not opened: what went wrong, with what, and what to do next.

use eframe::egui::{Align, Button, Layout, RichText, Ui, vec2};

use crate::gui::commands::Command;
use crate::gui::jobs::TabId;
use crate::gui::jobs::load::{Failure, Source};
use crate::gui::theme;
use crate::gui::theme::{GRID, Palette};
use crate::gui::widgets::empty_page;

/// Draws the page.
pub fn page(ui: &mut Ui, tab: TabId, source: &Source, failure: &Failure, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    ui.with_layout(Layout::top_down(Align::Center), |ui| {
        ui.add_space((ui.available_height() * 0.26).max(GRID));
        ui.set_max_width(560.0);
        let title = format!("{} was not opened", source.name());
        ui.label(RichText::new(title).font(theme::strong_font()).size(16.0));
        if let Some(path) = source.path() {
            ui.weak(path.display().to_string());
        }
        ui.add_space(2.0 * GRID);
        ui.label(RichText::new(&failure.what).color(palette.bad));
        ui.add_space(GRID);
        ui.label(&failure.next);
        ui.add_space(4.0 * GRID);
        let ways = [Command::Retry(tab), Command::Open];
        let clicked = empty_page::two_buttons(ui, &ways[0].title(), "Open another\u{2026}");
        commands.extend(ways.into_iter().zip(clicked).filter(|(_, clicked)| *clicked).map(|(command, _)| command));
        let through_windows = failure.windows_may_read.then_some(Command::OpenThroughWindows(tab));
        for command in through_windows.into_iter().chain([Command::CloseTab(tab)]) {
            ui.add_space(GRID);
            if ui.add(Button::new(command.title()).min_size(vec2(220.0, 32.0))).clicked() {
                commands.push(command);
            }
        }
    });
}
