//! The data-quality issues of the trace: their effect on the figures, and the recording that avoids them.

use std::cmp::Ordering;

use eframe::egui::{Button, Label, RichText, Ui};
use poolscope_etl::diagnostics::Severity;

use crate::format;
use crate::gui::commands::Command;
use crate::gui::document::Document;
use crate::gui::icons::Icon;
use crate::gui::model::recording_fix::Fix;
use crate::gui::theme::{self, GRID, Palette, ROW_HEIGHT};
use crate::gui::widgets::list_table::{self, Column, Width};
use crate::gui::widgets::sorted_list::{Records, SortedList};
use crate::recorded_range_text;

/// Upper bound on the file offsets that are shown.
const MAX_OFFSETS: usize = 4;
/// Greatest height of the list, in points.
const HEIGHT: f32 = 8.0 * ROW_HEIGHT;

const EFFECT: usize = 3;
const FIX: usize = 5;

/// Draws the list, and below it the details of the selected issue.
pub(super) fn show(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let issues = issues(document);
    let columns = vec![
        Column::text("Severity", Width::Exact(84.0)),
        Column::text("Issue", Width::Initial(140.0)),
        Column::figure("Count", Width::Exact(52.0)),
        Column::text("Effect", Width::Rest(100.0)),
        Column::text("First at file offset", Width::Initial(104.0)),
        Column::text("", Width::Exact(186.0)),
    ];
    let mut records = Issues { issues: &issues, fix: None };
    let stamp = super::stamp(document);
    let cursor = SortedList { name: "Data-quality issues", columns, height: HEIGHT, stamp }.show(ui, &mut records);
    if let Some(fix) = records.fix {
        commands.push(document.record_again(fix));
    }
    if let Some(issue) = cursor.and_then(|cursor| issues.get(cursor)) {
        ui.add_space(GRID);
        ui.label(RichText::new(&issue.title).font(theme::strong_font()));
        ui.add(Label::new(&issue.effect).wrap());
        if !issue.offsets.is_empty() {
            ui.weak(format!("First at file offset {}", issue.offsets));
        }
    }
}

/// Severity of an issue, the worst first, and the absence of losses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    DataLoss,
    Warning,
    Info,
    Complete,
}

impl Level {
    const fn name(self) -> &'static str {
        match self {
            Self::DataLoss => "Data loss",
            Self::Warning => "Warning",
            Self::Info => "Information",
            Self::Complete => "Complete",
        }
    }
}

impl From<Severity> for Level {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::DataLoss => Self::DataLoss,
            Severity::Warning => Self::Warning,
            Severity::Info => Self::Info,
        }
    }
}

struct Issue {
    level: Level,
    title: String,
    count: u64,
    effect: String,
    offsets: String,
    fix: Option<Fix>,
}

/// The issues, the worst first. A recording that avoids several is offered at the first of them.
fn issues(document: &Document) -> Vec<Issue> {
    let (trace, summary) = (&document.trace, &document.trace.summary);
    let sentence = |level, title: &str, effect: String| Issue {
        level,
        title: title.to_owned(),
        count: 1,
        effect,
        offsets: String::new(),
        fix: None,
    };
    let mut issues = Vec::new();
    issues.extend(
        recorded_range_text::missing(trace).map(|part| sentence(Level::DataLoss, "Incomplete recording", part)),
    );
    if summary.events_lost == 0 && summary.buffers_lost == 0 && trace.diagnostics.worst() != Some(Severity::DataLoss) {
        let effect = "Windows reports no lost events and no lost buffers.".to_owned();
        issues.push(sentence(Level::Complete, "No losses", effect));
    }
    let mut rows: Vec<_> = trace.diagnostics.rows().iter().collect();
    rows.sort_by_key(|anomaly| Level::from(anomaly.kind.severity()));
    let mut offered: Vec<Fix> = Vec::new();
    for anomaly in rows {
        let fix = Fix::of(anomaly.kind).filter(|fix| !offered.contains(fix));
        offered.extend(fix);
        let offsets = anomaly.offsets.iter().take(MAX_OFFSETS).map(|offset| format!("{offset:#x}"));
        issues.push(Issue {
            level: anomaly.kind.severity().into(),
            title: format::sentence_case(&anomaly.kind.name().replace('_', " ")),
            count: anomaly.count,
            effect: anomaly.kind.effect().to_owned(),
            offsets: offsets.collect::<Vec<_>>().join(", "),
            fix,
        });
    }
    issues
}

struct Issues<'i> {
    issues: &'i [Issue],
    /// The recording whose button was clicked.
    fix: Option<Fix>,
}

impl Records for Issues<'_> {
    fn count(&self) -> usize {
        self.issues.len()
    }

    fn text(&self, record: usize, column: usize) -> String {
        let Some(issue) = self.issues.get(record) else { return String::new() };
        match column {
            0 => issue.level.name().to_owned(),
            1 => issue.title.clone(),
            2 => format::count(issue.count),
            EFFECT => issue.effect.clone(),
            FIX => issue.fix.map_or_else(String::new, |fix| fix.title().to_owned()),
            _ => issue.offsets.clone(),
        }
    }

    fn compare(&self, a: usize, b: usize, column: usize) -> Ordering {
        let (Some(x), Some(y)) = (self.issues.get(a), self.issues.get(b)) else { return Ordering::Equal };
        match column {
            0 => x.level.cmp(&y.level),
            2 => x.count.cmp(&y.count),
            _ => self.text(a, column).cmp(&self.text(b, column)),
        }
    }

    fn cell(&mut self, ui: &mut Ui, record: usize, column: usize) {
        let Some(issue) = self.issues.get(record) else { return };
        let palette = Palette::of(ui);
        match column {
            0 => {
                let color = match issue.level {
                    Level::DataLoss => palette.bad,
                    Level::Warning => palette.warn,
                    Level::Info => palette.faint,
                    Level::Complete => palette.good,
                };
                Icon::Status.show(ui, color);
                list_table::text_cell(ui, issue.level.name());
            }
            2 => drop(list_table::figure_cell(ui, format::count(issue.count))),
            FIX => {
                if let Some(fix) = issue.fix.filter(|fix| ui.add(Button::new(fix.title()).small()).clicked()) {
                    self.fix = Some(fix);
                }
            }
            EFFECT => drop(list_table::text_cell(ui, &issue.effect)),
            _ => drop(list_table::text_cell(ui, self.text(record, column))),
        }
    }
}
