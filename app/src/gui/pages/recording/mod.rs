//! The page about recording: at the left what is to be recorded, at the right what follows from it: the commands, the profile, a
//! script, the recording on this machine; and the tags of poolmon or `!poolused` to choose from. It runs nothing and writes no
//! file.

pub mod ask;
mod commands;
mod form;
pub mod recorder;
pub mod setup;
pub mod snapshot_list;
pub mod snapshots;
mod tags;
mod texts;
pub mod this_machine;

use eframe::egui::{Align, Button, Frame, Label, Layout, Margin, Panel, RichText, Ui};

use crate::gui::commands::Command;
use crate::gui::pages::recording::recorder::{Phase, Recorder};
use crate::gui::pages::recording::setup::{RecordingSetup, Section};
use crate::gui::theme;
use crate::gui::theme::{GRID, Palette};
pub use tags::Suggestion;

/// Width of the left half, in points.
const FORM: f32 = 380.0;

/// Draws the page. `suggested` are tags of open traces that leak.
pub fn show(
    ui: &mut Ui,
    setup: &mut RecordingSetup,
    recorder: &mut Recorder,
    suggested: &[Suggestion],
    commands: &mut Vec<Command>,
) {
    setup.prepare();
    let palette = Palette::of(ui);
    if setup.reason.is_some() {
        let strip = Frame::new().fill(palette.panel).inner_margin(Margin::symmetric(12, 6));
        Panel::top("why recording").frame(strip).show(ui, |ui| reason(ui, setup));
    }
    let side = Frame::new().fill(palette.canvas).inner_margin(Margin { left: 12, right: 8, top: 10, bottom: 8 });
    let width = FORM.min(ui.available_width() * 0.5);
    Panel::left("what to record").resizable(false).exact_size(width).frame(side).show(ui, |ui| {
        form::show(ui, setup, suggested);
    });
    // What was just changed at the left is seen at the right at once.
    setup.prepare();
    let inner = Frame::new().inner_margin(Margin { left: 12, right: 12, top: 8, bottom: 8 });
    inner.show(ui, |ui| {
        sections(ui, setup, recorder);
        ui.add_space(2.0 * GRID);
        match setup.section {
            Section::Commands => commands::show(ui, setup),
            Section::Profile | Section::Script => texts::show(ui, setup, commands),
            Section::Snapshots => snapshot_list::show(ui, setup, commands),
            Section::ThisMachine => {
                let blocked = setup.prepared().err().map(str::to_owned);
                this_machine::show(ui, recorder, blocked.as_deref(), setup.plan.boot, commands);
            }
        }
    });
}

/// Reason why the page was opened.
fn reason(ui: &mut Ui, setup: &mut RecordingSetup) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let close = ui.button("Dismiss");
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add(Label::new(setup.reason.as_deref().unwrap_or_default()).wrap());
        });
        if close.clicked() {
            setup.reason = None;
        }
    });
}

fn sections(ui: &mut Ui, setup: &mut RecordingSetup, recorder: &Recorder) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = GRID;
        for section in Section::ALL {
            let on = setup.section == section;
            let recording =
                section == Section::ThisMachine && recorder.phase != Phase::Unknown && recorder.phase != Phase::Idle;
            let title = if recording { "This machine (recording)" } else { section.title() };
            let text = if on { RichText::new(title).font(theme::strong_font()) } else { RichText::new(title) };
            let button = ui.add(Button::selectable(on, text));
            button.ctx.accesskit_node_builder(button.id, |node| node.set_label(title));
            if button.clicked() {
                setup.section = section;
            }
        }
    });
}

/// Message in place of a result that cannot be worked out.
fn wrong(ui: &mut Ui, words: &str) {
    ui.add_space(4.0 * GRID);
    ui.label(RichText::new("Fix these errors to record").font(theme::strong_font()));
    ui.add_space(GRID);
    ui.add(Label::new(words).wrap());
}
