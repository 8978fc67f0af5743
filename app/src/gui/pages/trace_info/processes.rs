//! The processes of the trace.

use std::cmp::Ordering;

use eframe::egui::Ui;
use poolscope_analysis::trace::process::Process;
use poolscope_analysis::trace::time::{Clock, Ticks};

use crate::format;
use crate::gui::document::Document;
use crate::gui::widgets::list_table::{Column, Width};
use crate::gui::widgets::sorted_list::{Records, SortedList};

/// Greatest height of the list, in points.
const HEIGHT: f32 = 260.0;

/// Draws the list.
pub(super) fn show(ui: &mut Ui, document: &Document, filter: &str) {
    let processes = document.trace.processes.rows();
    if processes.is_empty() {
        ui.weak("The trace has no process records. Allocations show only the process ID, or none.");
        return;
    }
    let columns = vec![
        Column::text("Process", Width::Initial(280.0)),
        Column::text("Start", Width::Initial(110.0)),
        Column::text("End", Width::Rest(110.0)),
    ];
    let stamp = super::stamp(document);
    let mut records = Processes { processes, clock: document.trace.clock };
    SortedList { name: "Processes", columns, height: HEIGHT, stamp, filter }.show(ui, &mut records);
}

struct Processes<'t> {
    processes: &'t [Process],
    clock: Clock,
}

impl Processes<'_> {
    fn time(&self, ticks: Ticks) -> String {
        match ticks {
            Ticks::UNKNOWN => "before the trace".to_owned(),
            Ticks::NEVER => "after the trace".to_owned(),
            ticks => format::trace_time(&self.clock, ticks),
        }
    }
}

impl Records for Processes<'_> {
    fn count(&self) -> usize {
        self.processes.len()
    }

    fn text(&self, record: usize, column: usize) -> String {
        let Some(process) = self.processes.get(record) else { return String::new() };
        match column {
            0 => process.label(),
            1 => self.time(process.start),
            _ => self.time(process.end),
        }
    }

    fn compare(&self, a: usize, b: usize, column: usize) -> Ordering {
        let (Some(x), Some(y)) = (self.processes.get(a), self.processes.get(b)) else { return Ordering::Equal };
        match column {
            0 => x.label().to_lowercase().cmp(&y.label().to_lowercase()),
            1 => x.start.cmp(&y.start),
            _ => x.end.cmp(&y.end),
        }
    }
}
