//! The page about recording: at the left what is to be recorded, at the right what follows from it: the commands, the profile, a
//! script, the recording on this machine; and the tags of poolmon or `!poolused` to choose from. It runs nothing and writes no
//! file.

mod commands;
mod form;
mod snapshot_graph;
pub mod snapshot_list;
mod tags;
mod texts;
pub mod this_machine;

use eframe::egui::{Align, Button, Frame, Key, Label, Layout, Margin, Panel, RichText, Ui};

use crate::gui::commands::table::{CommandSpec, MenuPlace};
use crate::gui::commands::{Command, Menu, ctrl};
use crate::gui::model::page_id::PageId;
use crate::gui::model::recorder::{Phase, RecorderState};
use crate::gui::model::recording_setup::{RecordingSetup, Section, SuggestedTag};
use crate::gui::pages::{WindowPage, WindowState};
use crate::gui::shell::tabs::Mark;
use crate::gui::theme;
use crate::gui::theme::{GRID, Palette};

/// Width of the left half, in points.
const FORM: f32 = 380.0;

/// The page.
pub static PAGE: RecordingPage = RecordingPage;

/// Recording profiles and commands, and the recording on this machine.
pub struct RecordingPage;

impl WindowPage for RecordingPage {
    fn id(&self) -> PageId {
        PageId::RECORDING
    }

    fn title(&self) -> &'static str {
        "Recording"
    }

    fn tip(&self) -> &'static str {
        "Set up a recording, or record on this machine"
    }

    fn command(&self) -> Option<CommandSpec> {
        let command = Command::ShowPage(self.id());
        let row = CommandSpec::new("recording.show", command, "Record a trace", MenuPlace::new(Menu::File, 1));
        Some(row.key(ctrl(Key::R)))
    }

    fn mark(&self, window: &WindowState<'_>) -> Option<Mark> {
        window.recorder.phase.is_recording().then_some(Mark::Recording)
    }

    fn show(&self, ui: &mut Ui, window: &mut WindowState<'_>, commands: &mut Vec<Command>) {
        show(ui, window.setup, window.recorder, window.suggested, commands);
    }
}

/// Draws the page. `suggested` are tags of open traces that leak.
fn show(
    ui: &mut Ui,
    setup: &mut RecordingSetup,
    recorder: &mut RecorderState,
    suggested: &[SuggestedTag],
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

fn sections(ui: &mut Ui, setup: &mut RecordingSetup, recorder: &RecorderState) {
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
fn wrong(ui: &mut Ui, message: &str) {
    ui.add_space(4.0 * GRID);
    ui.label(RichText::new("Fix these errors to record").font(theme::strong_font()));
    ui.add_space(GRID);
    ui.add(Label::new(message).wrap());
}
