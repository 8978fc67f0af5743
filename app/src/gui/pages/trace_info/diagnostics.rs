//! The data-quality issues of the trace: their effect on the figures, and the recording that avoids them.

use std::cmp::Ordering;

use eframe::egui::{Button, Label, RichText, Ui};

use crate::format;
use crate::gui::commands::Command;
use crate::gui::document::Document;
use crate::gui::icons::Icon;
use crate::gui::model::data_quality::QualityIssue;
use crate::gui::model::recording_fix::Fix;
use crate::gui::shell::quality;
use crate::gui::theme::{self, GRID, Palette, ROW_HEIGHT};
use crate::gui::widgets::list_table::{self, Column, Width};
use crate::gui::widgets::sorted_list::{Records, SortedList};

/// Greatest height of the list, in points: the page scrolls, and issues are few.
const HEIGHT: f32 = 120.0 * ROW_HEIGHT;

const EFFECT: usize = 3;
const FIX: usize = 4;

/// Draws the list, and below it the details of the selected issue.
pub(super) fn show(ui: &mut Ui, document: &Document, filter: &str, commands: &mut Vec<Command>) {
    let issues = quality::of_document(document);
    let columns = vec![
        Column::text("Severity", Width::Exact(104.0)),
        Column::paragraphs("Issue", Width::Initial(148.0)),
        Column::figure("Count", Width::Exact(60.0)),
        Column::paragraphs("Effect", Width::Rest(200.0)),
        // Empty where no recording would avoid any of them.
        Column::text("", Width::Exact(if issues.iter().any(|issue| issue.fix.is_some()) { 186.0 } else { 1.0 })),
    ];
    let mut records = Issues { issues: &issues, fix: None };
    let stamp = super::stamp(document);
    let cursor =
        SortedList { name: "Data-quality issues", columns, height: HEIGHT, stamp, filter }.show(ui, &mut records);
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

struct Issues<'i> {
    issues: &'i [QualityIssue],
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
            // One paragraph: the details below the list have its lines.
            EFFECT => issue.effect.lines().collect::<Vec<_>>().join("; "),
            _ => issue.fix.map_or_else(String::new, |fix| fix.title().to_owned()),
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
                Icon::Status.show(ui, quality::color(issue.level, palette));
                list_table::text_cell(ui, issue.level.name());
            }
            2 => drop(list_table::figure_cell(ui, format::count(issue.count))),
            FIX => {
                if let Some(fix) = issue.fix.filter(|fix| ui.add(Button::new(fix.title()).small()).clicked()) {
                    self.fix = Some(fix);
                }
            }
            _ => drop(list_table::paragraph_cell(ui, &self.text(record, column))),
        }
    }
}
