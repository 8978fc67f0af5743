//! Progress of a load: stage, bytes, events per second, time left, and Cancel.

use eframe::egui::{Align, Layout, ProgressBar, Ui};
use poolscope_base::progress::{ProgressReading, Stage};

use crate::format;
use crate::gui::commands::Command;
use crate::gui::jobs::TabId;
use crate::gui::theme::{GRID, Palette};

/// Progress of a load.
pub struct LoadingState {
    /// The tab that loads.
    pub tab: TabId,
    /// The trace's name.
    pub name: String,
    /// The file that is read, if it is one of several.
    pub file: Option<String>,
    /// Reading of the loader's progress.
    pub reading: ProgressReading,
    /// Seconds since it began.
    pub elapsed_s: f64,
}

impl LoadingState {
    /// Share that is done, from 0 to 1.
    #[must_use]
    pub fn share(&self) -> f32 {
        self.reading.share() as f32
    }

    /// The file that is read, if it is one of several, and the stage of a trace.
    #[must_use]
    pub fn stage_text(&self) -> String {
        let stage = self.reading.stage.name();
        match &self.file {
            None => stage.to_owned(),
            // Only traces have stages.
            Some(file) if self.reading.bytes_total > 0 => format!("{file}: {stage}"),
            Some(file) => file.clone(),
        }
    }

    /// The figures in words: bytes, events per second, time left.
    #[must_use]
    pub fn progress_text(&self) -> String {
        let reading = &self.reading;
        if self.file.is_some() && reading.bytes_total == 0 {
            return String::new();
        }
        let mut parts =
            vec![format!("{} of {}", format::bytes(reading.bytes_done), format::bytes(reading.bytes_total))];
        if self.elapsed_s > 0.2 && reading.events > 0 {
            let rate = (reading.events as f64 / self.elapsed_s) as u64;
            parts.push(format!("{} events/s", format::count(rate)));
        }
        let share = reading.share();
        if reading.stage < Stage::Done && share > 0.02 && self.elapsed_s > 1.0 {
            let left = self.elapsed_s * (1.0 - share) / share;
            parts.push(format!("about {} s left", left.ceil()));
        }
        parts.join(" \u{b7} ")
    }
}

/// Draws the page while nothing else is open.
pub fn page(ui: &mut Ui, state: &LoadingState, commands: &mut Vec<Command>) {
    ui.with_layout(Layout::top_down(Align::Center), |ui| {
        ui.add_space((ui.available_height() * 0.32).max(GRID));
        ui.heading(format!("Opening {}", state.name));
        ui.add_space(2.0 * GRID);
        ui.label(state.stage_text());
        ui.add_space(GRID);
        ui.add(ProgressBar::new(state.share()).desired_width(420.0).desired_height(8.0).fill(Palette::of(ui).accent));
        ui.add_space(GRID);
        ui.weak(state.progress_text());
        ui.add_space(4.0 * GRID);
        let cancel = Command::CancelLoad(state.tab);
        if ui.button(cancel.title()).clicked() {
            commands.push(cancel);
        }
    });
}

/// Draws one line above a trace that stays usable.
pub fn strip(ui: &mut Ui, state: &LoadingState, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        ui.label(format!("Opening {}: {}", state.name, state.stage_text()));
        ui.add(ProgressBar::new(state.share()).desired_width(160.0).desired_height(8.0).fill(Palette::of(ui).accent));
        ui.weak(state.progress_text());
        let cancel = Command::CancelLoad(state.tab);
        if ui.button(cancel.title()).clicked() {
            commands.push(cancel);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_how_far_it_is() {
        let reading = ProgressReading {
            stage: Stage::Records,
            bytes_total: 4 << 30,
            bytes_done: 1 << 30,
            events: 3_000_000,
            rows_total: 0,
            rows_done: 0,
        };
        let state = LoadingState { tab: TabId(0), name: "a.etl".into(), file: None, reading, elapsed_s: 2.0 };
        assert_eq!(state.progress_text(), "1.00 GB of 4.00 GB \u{b7} 1,500,000 events/s \u{b7} about 8 s left");
        let begun = LoadingState { elapsed_s: 0.0, ..state };
        assert_eq!(begun.progress_text(), "1.00 GB of 4.00 GB");
        let of_case = LoadingState { file: Some("a.etl (2 of 3)".into()), ..begun };
        assert_eq!(of_case.stage_text(), "a.etl (2 of 3): reading and pairing events");
        let text = ProgressReading { bytes_total: 0, bytes_done: 0, ..reading };
        let of_text = LoadingState { file: Some("perf.csv (1 of 3)".into()), reading: text, ..of_case };
        assert_eq!((of_text.stage_text(), of_text.progress_text()), ("perf.csv (1 of 3)".into(), String::new()));
    }
}
