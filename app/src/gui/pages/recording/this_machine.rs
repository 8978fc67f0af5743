//! Recording on this machine: whether it can be done, the buttons that begin and end it, and what runs. Where it cannot be done
//! it says so, and where to go instead.

use std::path::PathBuf;

use eframe::egui::{Button, Frame, Grid, Label, RichText, ScrollArea, TextEdit, Ui};

use crate::format;
use crate::gui::commands::{Command, RecordingCommand};
use crate::gui::icons;
use crate::gui::model::recorder::{Phase, RecorderState};
use crate::gui::theme::{self, GRID, Palette};
use crate::gui::widgets::path_choice::{PathAction, PathChoice};
use crate::gui::widgets::section::caption;
use crate::wpr::{RecordingStatus, WprStatus};

/// Highest that the output gets, in points.
const OUTPUT: f32 = 160.0;
/// Widest that words get, in points.
const WORDS: f32 = 640.0;

/// Draws the part of the page; `blocked` says what is wrong with what is to be recorded.
pub(super) fn show(
    ui: &mut Ui,
    recorder: &mut RecorderState,
    blocked: Option<&str>,
    boot: bool,
    commands: &mut Vec<Command>,
) {
    ScrollArea::vertical().id_salt("this machine").auto_shrink(false).show(ui, |ui| {
        ui.set_max_width(WORDS.min(ui.available_width() - 2.0 * GRID));
        match recorder.wpr_status.clone() {
            None => {
                ui.horizontal(|ui| {
                    ui.spinner();
                    ui.label("Searching for wpr.exe");
                });
                return;
            }
            Some(WprStatus::NotWindows) => return elsewhere(ui),
            Some(WprStatus::Missing { looked }) => missing(ui, &looked),
            Some(WprStatus::Ready { program }) => {
                fact(ui, "RecorderState", &program.display().to_string());
            }
        }
        places(ui, recorder, commands);
        ui.add_space(3.0 * GRID);
        actions(ui, recorder, blocked, commands);
        if boot && !recorder.phase.is_recording() {
            ui.weak("Recording starts immediately. For a boot trace, use the commands.");
        }
        if let Some(trouble) = &recorder.trouble {
            ui.add_space(2.0 * GRID);
            show_trouble(ui, trouble);
        }
        running(ui, recorder);
        saved(ui, recorder, commands);
        output(ui, recorder);
    });
}

fn elsewhere(ui: &mut Ui) {
    ui.label(RichText::new("Record on the machine that leaks").font(theme::strong_font()));
    ui.add_space(GRID);
    let message = "Recording is available on Windows only. Copy the commands, the profile or the script to the machine \
                 that leaks, and open the resulting .etl file here.";
    ui.add(Label::new(message).wrap());
}

fn missing(ui: &mut Ui, looked: &[PathBuf]) {
    ui.label(RichText::new("wpr.exe was not found").font(theme::strong_font()));
    ui.add_space(GRID);
    let message = "Windows 10 and later include it in C:\\Windows\\System32; for earlier versions it is part of the \
                 Windows Performance Toolkit. Choose the file below, or use the commands.";
    ui.add(Label::new(message).wrap());
    if !looked.is_empty() {
        let places: Vec<String> = looked.iter().map(|file| file.display().to_string()).collect();
        let label = ui.weak(format!("Searched {}", format::counted(looked.len() as u64, "location", "locations")));
        label.on_hover_text(places.join("\n"));
    }
}

/// The recorder and the folder for temporary files.
fn places(ui: &mut Ui, recorder: &mut RecorderState, commands: &mut Vec<Command>) {
    ui.add_space(2.0 * GRID);
    let usual = "Default location";
    if place(ui, "wpr.exe", usual, &mut recorder.wpr, &RecordingCommand::ChooseProgram, commands) {
        commands.push(RecordingCommand::FindProgram.into());
    }
    let usual = recorder.scratch.display().to_string();
    place(ui, "Folder for temporary files", &usual, &mut recorder.folder, &RecordingCommand::ChooseTemp, commands);
}

/// Draws the choice of a path; returns whether it went back to the default.
fn place(
    ui: &mut Ui,
    name: &str,
    default: &str,
    path: &mut String,
    choose: &RecordingCommand,
    commands: &mut Vec<Command>,
) -> bool {
    ui.label(RichText::new(name).color(Palette::of(ui).dim));
    match (PathChoice { name, path, default, choose: &choose.title() }).show(ui, |_| {}) {
        Some(PathAction::Choose) => commands.push(choose.clone().into()),
        Some(PathAction::UseDefault) => {
            path.clear();
            return true;
        }
        None => {}
    }
    false
}

fn actions(ui: &mut Ui, recorder: &mut RecorderState, blocked: Option<&str>, commands: &mut Vec<Command>) {
    ui.horizontal_wrapped(|ui| {
        if recorder.phase.is_recording() {
            let running = recorder.phase == Phase::Running;
            for command in [RecordingCommand::Stop, RecordingCommand::Drop] {
                if ui.add_enabled(running, Button::new(command.title())).clicked() {
                    commands.push(command.into());
                }
            }
        } else {
            let reason = recorder.start_blocked().or(blocked);
            let palette = Palette::of(ui);
            let text = RichText::new(RecordingCommand::Start.title()).color(palette.on_accent);
            let start = ui.add_enabled(reason.is_none(), Button::new(text).fill(palette.accent));
            if start.on_disabled_hover_text(reason.unwrap_or_default()).clicked() {
                commands.push(RecordingCommand::Start.into());
            }
            let look = ui.add_enabled(
                recorder.program().is_some() && !recorder.phase.is_busy(),
                Button::new(RecordingCommand::Look.title()),
            );
            if look.on_hover_text("wpr -status collectors").clicked() {
                commands.push(RecordingCommand::Look.into());
            }
        }
        if recorder.phase.is_busy() {
            ui.spinner();
            ui.label(match recorder.phase {
                Phase::Starting => "Starting wpr",
                Phase::Saving => "Saving; a large recording takes minutes",
                Phase::Dropping => "Canceling the recording",
                _ => "Checking the recording status",
            });
            let tip = "Terminates wpr.exe, not the recording: use it if wpr hangs";
            if ui.button(RecordingCommand::GiveUp.title()).on_hover_text(tip).clicked() {
                commands.push(RecordingCommand::GiveUp.into());
            }
        }
    });
    if recorder.phase == Phase::Running {
        ui.add_space(GRID);
        let label =
            ui.label(RichText::new("Description of the problem (saved in the trace)").color(Palette::of(ui).dim));
        ui.add(TextEdit::singleline(&mut recorder.about).desired_width(f32::INFINITY)).labelled_by(label.id);
    }
    if recorder.phase == Phase::Idle && recorder.saved.is_none() && recorder.trouble.is_none() {
        ui.add_space(GRID);
        ui.weak("wpr reports that no recording is running.");
    }
}

fn show_trouble(ui: &mut Ui, trouble: &str) {
    let palette = Palette::of(ui);
    let frame = Frame::new().fill(palette.panel).corner_radius(theme::RADIUS).inner_margin(2.0 * GRID);
    frame.show(ui, |ui| {
        ui.horizontal_top(|ui| {
            icons::status_dot(ui, 18.0, palette.bad);
            ui.add(Label::new(trouble).wrap());
        });
    });
}

/// Status of the running recording.
fn running(ui: &mut Ui, recorder: &RecorderState) {
    if !matches!(recorder.phase, Phase::Running | Phase::Saving) {
        return;
    }
    ui.add_space(3.0 * GRID);
    let now = ui.input(|input| input.time);
    let status = recorder.status.clone().unwrap_or_default();
    let palette = Palette::of(ui);
    Grid::new("running").num_columns(2).spacing([4.0 * GRID, GRID]).show(ui, |ui| {
        row(
            ui,
            "Duration",
            &recorder.elapsed_s(now).map_or_else(|| "Unknown".to_owned(), format::elapsed),
            palette.text,
        );
        let lost = status.missing_events();
        let (message, color) = match (lost, status.dropped.or(status.lost)) {
            (0, None) => ("Unknown".to_owned(), palette.text),
            (0, Some(_)) => ("None".to_owned(), palette.good),
            (lost, _) => (format!("{}: use larger buffers (a higher rate)", format::count(lost)), palette.bad),
        };
        row(ui, "Lost events", &message, color);
        row(ui, "Logging mode", mode(&status), palette.text);
        if let Some(bytes) = recorder.temp_bytes {
            row(ui, "File size", &format::bytes(bytes), palette.text);
        }
    });
}

fn mode(status: &RecordingStatus) -> &'static str {
    match status.file_mode {
        Some(true) => "File",
        Some(false) => "Memory (circular)",
        None => "Unknown",
    }
}

fn saved(ui: &mut Ui, recorder: &RecorderState, commands: &mut Vec<Command>) {
    let Some((path, bytes)) = &recorder.saved else { return };
    ui.add_space(3.0 * GRID);
    let size = bytes.map(|bytes| format!(", {}", format::bytes(bytes))).unwrap_or_default();
    ui.horizontal_top(|ui| {
        let palette = Palette::of(ui);
        icons::status_dot(ui, 18.0, palette.good);
        ui.add(Label::new(format!("The recording was saved: {}{size}", path.display())).wrap());
    });
    ui.add_space(GRID);
    if ui.button("Open trace").clicked() {
        commands.push(Command::OpenPath(path.clone()));
    }
}

fn output(ui: &mut Ui, recorder: &RecorderState) {
    if recorder.output.is_empty() {
        return;
    }
    ui.add_space(3.0 * GRID);
    let palette = Palette::of(ui);
    caption(ui, "WPR OUTPUT");
    let ground = Frame::new().fill(palette.panel).corner_radius(theme::RADIUS).inner_margin(2.0 * GRID);
    ground.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ScrollArea::vertical().id_salt("output").max_height(OUTPUT).stick_to_bottom(true).show(ui, |ui| {
            ui.add(Label::new(RichText::new(&recorder.output).font(theme::figure_font())).wrap());
        });
    });
}

fn fact(ui: &mut Ui, name: &str, value: &str) {
    ui.horizontal(|ui| {
        ui.label(RichText::new(name).color(Palette::of(ui).dim));
        ui.add(Label::new(value).truncate());
    });
}

fn row(ui: &mut Ui, name: &str, value: &str, color: eframe::egui::Color32) {
    ui.label(RichText::new(name).color(Palette::of(ui).dim));
    ui.add(Label::new(RichText::new(value).color(color)).wrap());
    ui.end_row();
}
