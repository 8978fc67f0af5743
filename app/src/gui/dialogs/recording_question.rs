//! The questions before the recorder is run, and before the window is closed while it records, with the command that is run.

use std::path::Path;

use eframe::egui::{Frame, Label, RichText, ScrollArea, Ui};

use crate::format;
use crate::gui::commands::{Command, RecordingCommand};
use crate::gui::model::recorder::{Phase, Question};
use crate::gui::theme::{self, GRID, Palette};
use crate::gui::widgets::command_lines;
use crate::gui::widgets::modal::{self, DialogAction, Modal};
use crate::wpr::{Start, Task};

/// Greatest width of the dialog, in points.
const WIDTH: f32 = 620.0;
/// Greatest height of the text of a profile, in points.
const TEXT: f32 = 160.0;

/// The recording that a question is about.
pub struct About<'a> {
    /// The recorder.
    pub program: &'a Path,
    /// Its phase.
    pub phase: Phase,
    /// Seconds since its start, if known.
    pub seconds: Option<f64>,
}

/// Draws the question over the window; returns whether it is to be closed.
pub fn show(ui: &Ui, question: &Question, about: &About<'_>, commands: &mut Vec<Command>) -> bool {
    let (title, yes, no) = match question {
        Question::Start(start) => {
            ("Start recording on this machine?", RecordingCommand::Run(Task::Start(start.clone())), "Cancel")
        }
        Question::Drop => ("Cancel the recording?", RecordingCommand::Run(Task::Cancel), "Keep recording"),
        Question::Close => ("A recording is running", RecordingCommand::CloseWindow, "Keep window open"),
    };
    let action: Option<DialogAction<()>> = Modal::question("recording question", title, WIDTH).show(ui, |ui| {
        match question {
            Question::Start(start) => begin(ui, start, about),
            Question::Drop => {
                let length = about.seconds.map(|seconds| format!(" of {}", format::duration(seconds)));
                let length = length.unwrap_or_default();
                modal::paragraph(ui, format!("The recording{length} is discarded. This command is run:"));
                line(ui, about.program, &Task::Cancel);
            }
            Question::Close => {
                modal::paragraph(ui, closing(about.phase));
                ui.add_space(2.0 * GRID);
                command_lines::show(ui, "To stop it from a console:", &["wpr -stop leak.etl", "wpr -cancel"]);
            }
        }
        modal::yes_or_no(ui, yes.title(), no)
    });
    if action == Some(DialogAction::Accept) {
        commands.push(yes.into());
    }
    action.is_some()
}

fn begin(ui: &mut Ui, start: &Start, about: &About<'_>) {
    ui.label("This command is run with the rights of poolscope:");
    line(ui, about.program, &Task::Start(start.clone()));
    let after = format!(
        "The profile below is written to {} first. During the recording, wpr -status is run every few seconds. The \
         recording continues until it is stopped or canceled, even if this window is closed.",
        start.profile.display()
    );
    modal::paragraph(ui, after);
    ui.add_space(2.0 * GRID);
    ground(ui, |ui| {
        ScrollArea::vertical().max_height(TEXT).auto_shrink([false, true]).show(ui, |ui| {
            ui.add(Label::new(RichText::new(&start.text).font(theme::figure_font())).wrap());
        });
    });
}

/// Draws text that is read letter by letter on a background of its own.
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
            "wpr is saving the recording. It continues if the window is closed; the trace is complete when wpr has \
             finished."
        }
        _ => {
            "The recording continues if the window is closed, and in file mode the file grows until it is stopped. To \
             stop it, start poolscope again, or use a console."
        }
    }
}
