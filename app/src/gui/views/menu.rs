//! The menu bar. Every entry is a command; the view decides nothing.

use eframe::egui::{Button, MenuBar, ThemePreference, Ui};

use crate::gui::command::{Command, DocumentCommand};

/// What the menu needs to know.
pub struct MenuState {
    /// Whether a trace is open.
    pub has_trace: bool,
    /// Whether a range is selected.
    pub has_selection: bool,
    /// Whether there is a range to go back to.
    pub can_go_back: bool,
    /// Whether a row with a stack is selected.
    pub has_stack: bool,
    /// Whether the summary is shown.
    pub summary: bool,
    /// Whether the details are shown.
    pub details: bool,
}

/// Draws the menu bar.
pub fn show(ui: &mut Ui, state: &MenuState, commands: &mut Vec<Command>) {
    MenuBar::new().ui(ui, |ui| {
        ui.menu_button("File", |ui| {
            entry(ui, Command::Open, true, commands);
            entry(ui, Command::OpenSample, true, commands);
            ui.separator();
            entry(ui, Command::Quit, true, commands);
        });
        ui.menu_button("Edit", |ui| {
            entry(ui, DocumentCommand::CopyStack.into(), state.has_stack, commands);
        });
        ui.menu_button("View", |ui| {
            entry(ui, DocumentCommand::ZoomToSelection.into(), state.has_selection, commands);
            entry(ui, DocumentCommand::ZoomIn.into(), state.has_trace, commands);
            entry(ui, DocumentCommand::ZoomOut.into(), state.has_trace, commands);
            entry(ui, DocumentCommand::ZoomBack.into(), state.can_go_back, commands);
            entry(ui, DocumentCommand::ZoomAll.into(), state.has_trace, commands);
            ui.separator();
            switch(ui, Command::ToggleSummary, state.summary, commands);
            switch(ui, Command::ToggleDetails, state.details, commands);
            ui.separator();
            ui.menu_button("Theme", |ui| {
                let now = ui.ctx().options(|options| options.theme_preference);
                for theme in [ThemePreference::Light, ThemePreference::Dark, ThemePreference::System] {
                    choice(ui, now == theme, &Command::Theme(theme).title(), Command::Theme(theme), commands);
                }
            });
            ui.menu_button("Scale", |ui| {
                for percent in [80, 100, 125, 150, 200] {
                    let factor = percent as f32 / 100.0;
                    let chosen = (ui.ctx().zoom_factor() - factor).abs() < 0.01;
                    choice(ui, chosen, &format!("{percent} %"), Command::Scale(factor), commands);
                }
            });
        });
        ui.menu_button("Help", |ui| {
            ui.set_max_width(320.0);
            ui.label("Right opens a row, again goes to its largest child; Left closes it or goes to its parent.");
            ui.label("Drag in the graph selects a range, a double-click in it zooms there; the wheel zooms, Shift and the wheel move.");
            ui.label("AIFO: allocated inside the view and still there at its end. These rows are the leak candidates.");
            ui.separator();
            ui.weak(concat!("poolscope ", env!("CARGO_PKG_VERSION")));
        });
    });
}

fn entry(ui: &mut Ui, command: Command, enabled: bool, commands: &mut Vec<Command>) {
    let mut button = Button::new(command.title());
    if let Some(key) = command.shortcut_text(ui) {
        button = button.shortcut_text(key);
    }
    if ui.add_enabled(enabled, button).clicked() {
        commands.push(command);
    }
}

fn switch(ui: &mut Ui, command: Command, mut on: bool, commands: &mut Vec<Command>) {
    if ui.checkbox(&mut on, command.title()).clicked() {
        ui.close();
        commands.push(command);
    }
}

fn choice(ui: &mut Ui, chosen: bool, title: &str, command: Command, commands: &mut Vec<Command>) {
    if ui.radio(chosen, title).clicked() {
        ui.close();
        commands.push(command);
    }
}
