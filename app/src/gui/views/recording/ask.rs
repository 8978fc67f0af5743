//! Asks before the recorder is run, and before the window is closed while it records: with exactly what will be run.

use std::path::Path;

use eframe::egui::{Button, Frame, Id, Key, Label, Modal, RichText, ScrollArea, Ui};

use crate::format;
use crate::gui::command::{Command, KitCommand};
use crate::gui::state::recorder::{Phase, Question};
use crate::gui::theme::{self, GRID, Palette};
use crate::gui::widgets::command_lines;
use crate::wpr::{Start, Task};

/// Widest that the box gets, and what it leaves of the window beside it, in points.
const WIDTH: f32 = 620.0;
const BESIDE: f32 = 64.0;
/// Highest that the text of a profile gets, in points.
const TEXT: f32 = 160.0;

/// What is known about the recording that a question is about.
pub struct About<'a> {
    /// The recorder.
    pub program: &'a Path,
    /// How far the recording is.
    pub phase: Phase,
    /// Seconds since it began, if that is known.
    pub seconds: Option<f64>,
}

/// Draws the box over the window; returns whether it is to be closed.
pub fn show(ui: &Ui, question: &Question, about: &About<'_>, commands: &mut Vec<Command>) -> bool {
    let frame = Frame::popup(ui.style()).inner_margin(4.0 * GRID);
    let room = ui.ctx().content_rect().size();
    let shown = Modal::new(Id::unique("recording question")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(room.x - BESIDE));
        let (yes, no) = match question {
            Question::Start(start) => begin(ui, start, about),
            Question::Drop => {
                heading(ui, "Cancel the recording?");
                let long =
                    about.seconds.map(|seconds| format!(" of {}", format::duration(seconds))).unwrap_or_default();
                ui.add(Label::new(format!("Everything that was recorded{long} is lost. This command is run:")).wrap());
                line(ui, about.program, &Task::Cancel);
                (KitCommand::Run(Task::Cancel), "Keep recording")
            }
            Question::Close => {
                heading(ui, "A recording is running");
                ui.add(Label::new(closing(about.phase)).wrap());
                ui.add_space(2.0 * GRID);
                command_lines::show(ui, "To end it in a console:", &["wpr -stop leak.etl", "wpr -cancel"]);
                (KitCommand::CloseWindow, "Stay here")
            }
        };
        ui.add_space(3.0 * GRID);
        let mut done = false;
        ui.horizontal(|ui| {
            if ui.add(Button::new(yes.title())).clicked() {
                commands.push(yes.into());
                done = true;
            }
            let keep = ui.button(no);
            // The harmless way has the keys.
            if ui.memory(|memory| memory.focused().is_none()) && !ui.input(|input| input.key_pressed(Key::Tab)) {
                keep.request_focus();
            }
            done |= keep.clicked();
        });
        done
    });
    shown.inner || shown.should_close()
}

fn begin(ui: &mut Ui, start: &Start, about: &About<'_>) -> (KitCommand, &'static str) {
    heading(ui, "Start recording on this machine?");
    ui.label("This command is run, with the rights that poolscope has:");
    let task = Task::Start(start.clone());
    line(ui, about.program, &task);
    let after = format!(
        "Before, the profile below is written to {}. While it records, wpr -status is run every few seconds. The recording goes on until \
         it is stopped or cancelled, even when this window is closed.",
        start.profile.display()
    );
    ui.add(Label::new(after).wrap());
    ui.add_space(2.0 * GRID);
    ground(ui, |ui| {
        ScrollArea::vertical().max_height(TEXT).auto_shrink([false, true]).show(ui, |ui| {
            ui.add(Label::new(RichText::new(&start.text).font(theme::figure_font())).wrap());
        });
    });
    (KitCommand::Run(task), "Do not record")
}

fn heading(ui: &mut Ui, text: &str) {
    ui.label(RichText::new(text).font(theme::strong_font()).size(16.0));
    ui.add_space(GRID);
}

/// What is read letter by letter stands on a ground of its own.
fn ground(ui: &mut Ui, draw: impl FnOnce(&mut Ui)) {
    let fill = Palette::of(ui).canvas;
    Frame::new().fill(fill).corner_radius(theme::RADIUS).inner_margin(2.0 * GRID).show(ui, |ui| {
        ui.set_width(ui.available_width());
        draw(ui);
    });
}

fn line(ui: &mut Ui, program: &Path, task: &Task) {
    ui.add_space(GRID);
    ground(ui, |ui| {
        ui.add(Label::new(RichText::new(task.line(program)).font(theme::figure_font())).wrap());
    });
    ui.add_space(2.0 * GRID);
}

fn closing(phase: Phase) -> &'static str {
    match phase {
        Phase::Saving => {
            "wpr is saving the recording. It goes on when the window is closed; the trace is there when wpr has ended."
        }
        _ => {
            "It goes on when the window is closed, and in file mode its file grows until it is stopped. poolscope can stop it after its \
             next start, or a console can."
        }
    }
}
