//! The panel on the right with the details of the selected row: values, stacks, sizes and lifetimes of its allocations, their
//! processes, the first and the last of them, and the stacks that free them.

mod lists;
mod stack;

use eframe::egui::{Align, Label, Layout, RichText, ScrollArea, Ui};

use crate::format;
use crate::gui::commands::Command;
use crate::gui::document::Document;
use crate::gui::jobs::document::Topic;
use crate::gui::theme;
use crate::gui::theme::GRID;
use crate::gui::widgets::histogram::{Bar, Histogram};
use crate::gui::widgets::section::caption;
use poolscope_analysis::pivot::details::TimeHistogram;

/// Draws the panel.
pub fn show(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        range(ui, document);
        caption(ui, "SELECTION");
        ui.add_space(GRID);
        let Some(details) = &document.results.details else {
            ui.weak("Select a row to show its values and stack.");
            return;
        };
        for (title, value) in &details.keys {
            pair(ui, title, RichText::new(value).font(theme::strong_font()));
        }
        ui.add_space(2.0 * GRID);
        for (title, value) in details.figures.iter().filter(|(_, value)| !value.is_empty()) {
            pair(ui, title, RichText::new(value).font(theme::figure_font()));
        }
        let old = document.waits(Topic::Profile);
        if old {
            ui.multiply_opacity(0.6);
        }
        stack::show(ui, document, details, commands);
        if let Some(answer) = &document.results.profile {
            blocks(ui, document, &answer.profile, commands);
        } else if old {
            ui.add_space(2.0 * GRID);
            ui.weak("Computing the details");
        }
    });
}

/// Sums of the selected time range, by type.
fn range(ui: &mut Ui, document: &Document) {
    let (Some(_), Some(totals)) = (document.ui.graph.selection(), &document.results.totals) else { return };
    caption(ui, "SELECTED RANGE");
    ui.add_space(GRID);
    for (kind, cost) in &totals.by_type {
        let value =
            format!("{} in {}", format::bytes(cost.size()), format::counted(cost.count(), "allocation", "allocations"));
        pair(ui, kind, RichText::new(value).font(theme::figure_font()));
    }
    let net = totals.total.net_size();
    pair(ui, "Net change", RichText::new(format::delta_bytes(net)).font(theme::figure_font()));
    ui.add_space(3.0 * GRID);
}

fn blocks(
    ui: &mut Ui,
    document: &Document,
    profile: &poolscope_analysis::pivot::RowDetails,
    commands: &mut Vec<Command>,
) {
    let bar = |bin: &poolscope_analysis::pivot::details::HistogramBin| Bar {
        label: bin.label.clone(),
        count: bin.total.count,
        tip: format!(
            "{}: {}, {}",
            bin.label,
            format::counted(bin.total.count, "allocation", "allocations"),
            format::bytes(bin.total.bytes)
        ),
    };
    section(ui, "SIZES");
    ui.weak(match profile.distinct_sizes {
        1 => "All of one size".to_owned(),
        sizes => format!("{} distinct sizes", format::count(sizes as u64)),
    });
    let bars: Vec<Bar> = profile.sizes.iter().map(bar).collect();
    Histogram { name: "Sizes", bars: &bars }.show(ui);
    section(ui, "LIFETIMES");
    let spans = &profile.lifetimes;
    let bars: Vec<Bar> = spans.bins.iter().map(bar).collect();
    if !bars.is_empty() {
        Histogram { name: "Lifetimes", bars: &bars }.show(ui);
    }
    for line in lifetime_lines(spans, profile.total.count) {
        ui.weak(line);
    }
    if !profile.ages.bins.is_empty() && document.trace.has_times() {
        section(ui, "AGE OF OUTSTANDING ALLOCATIONS");
        let bars: Vec<Bar> = profile.ages.bins.iter().map(bar).collect();
        Histogram { name: "Age of outstanding allocations", bars: &bars }.show(ui);
    }
    lists::shares(ui, "PROCESSES", &profile.processes, profile.total.bytes);
    lists::shares(ui, "DRIVERS", &profile.drivers, profile.total.bytes);
    lists::allocs(ui, "FIRST ALLOCATIONS", &profile.first);
    // Else the two lists would say the same twice.
    if profile.total.count > (profile.first.len() + profile.last.len()) as u64 {
        lists::allocs(ui, "LAST ALLOCATIONS", &profile.last);
    }
    stack::frees(ui, document, profile, commands);
}

/// Sentences on the allocations of a row, `all` of them, that have no lifetime.
fn lifetime_lines(spans: &TimeHistogram, all: u64) -> Vec<String> {
    let mut lines = Vec::new();
    let not_freed = spans.not_freed.count;
    if not_freed > 0 && not_freed == all {
        lines.push("None was freed in the trace.".to_owned());
    } else if not_freed > 0 {
        lines.push(format!("{} not freed in the trace", format::count(not_freed)));
    }
    let unknown = format::counted(spans.unknown.count, "allocation", "allocations");
    if spans.unknown.count > 0 && spans.unknown.count == all {
        lines.push(
            "Unknown: the allocations were made before the recording began, or their events were lost.".to_owned(),
        );
    } else if spans.unknown.count > 0 {
        lines.push(format!("{unknown} without a recorded allocation or free"));
    }
    lines
}

fn section(ui: &mut Ui, title: &str) {
    ui.add_space(4.0 * GRID);
    caption(ui, title);
}

fn pair(ui: &mut Ui, title: &str, value: RichText) {
    ui.horizontal(|ui| {
        ui.weak(title);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add(Label::new(value).truncate());
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_analysis::group::aggregate::Total;

    #[test]
    fn what_was_freed_is_never_called_not_freed() {
        let of = |not_freed, unknown, all| {
            let total = |count| Total { count, bytes: 8 * count };
            let spans = TimeHistogram { bins: Vec::new(), not_freed: total(not_freed), unknown: total(unknown) };
            lifetime_lines(&spans, all)
        };
        assert_eq!(of(5, 0, 5), ["None was freed in the trace."]);
        assert_eq!(of(5, 0, 1005), ["5 not freed in the trace"]);
        assert_eq!(of(0, 1, 7), ["1 allocation without a recorded allocation or free"]);
        let before = of(0, 7, 7);
        assert!(before.len() == 1 && before[0].starts_with("Unknown:"), "{before:?}");
        assert!(of(0, 0, 7).is_empty());
    }
}
