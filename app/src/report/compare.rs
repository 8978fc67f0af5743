//! HTML report of a comparison: summary, both sides, and the rows that changed most.

use super::escape;
use crate::{compare_text, format};
use poolscope_analysis::compare::join::SideSums;
use poolscope_analysis::compare::{Change, CompareColumn, Comparison, Part, Side};
use poolscope_analysis::group::column::KeyValue;
use poolscope_analysis::pivot::Metric;
use std::io::{self, Write};

/// Upper bound on the rows of the report.
const MAX_ROWS: usize = 500;
/// Upper bound on the frames of a stack that are shown at its inner end.
const MAX_FRAMES: usize = 24;

/// Input of a report.
pub struct CompareReport<'r> {
    /// File names of baseline and comparison.
    pub names: [&'r str; 2],
    /// The comparison.
    pub comparison: &'r Comparison,
    /// Its rows in their order.
    pub order: &'r [u32],
    /// The figure that change, ratio and overweight refer to.
    pub measure: Metric,
    /// Further figures, of which the difference is shown.
    pub others: &'r [Metric],
    /// The summary sentence.
    pub summary: &'r str,
    /// True if something got worse.
    pub is_worse: bool,
    /// Unit, key columns and query in one line.
    pub heading: &'r str,
    /// Notes on the figures.
    pub notes: &'r [String],
}

/// Writes the report.
///
/// # Errors
/// If the output cannot be written.
pub fn write_comparison(out: &mut dyn Write, input: &CompareReport<'_>) -> io::Result<()> {
    let [baseline, comparison] = input.names.map(escape);
    let class = if input.is_worse { "bad" } else { "calm" };
    writeln!(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    // A report that arrives by mail must not load or run anything.
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    let title = format!("{comparison} compared with {baseline}");
    writeln!(out, "<title>{title} - pool comparison</title>\n<style>\n{}</style>\n</head>", include_str!("style.css"))?;
    let summary = escape(input.summary);
    writeln!(
        out,
        "<body>\n<header class=\"{class}\">\n<p class=\"dim\">{title}</p>\n<h1>{summary}</h1>\n</header>\n<dl>"
    )?;
    for (side, name) in Side::BOTH.into_iter().zip(input.names) {
        let text = escape(&compare_text::side(name, input.comparison, side));
        let title = format::sentence_case(side.name());
        writeln!(out, "<div><dt>{title}</dt><dd>{text}</dd></div>")?;
    }
    writeln!(out, "<div><dt>Figures</dt><dd>{}</dd></div>\n</dl>", escape(input.heading))?;
    table(out, input)?;
    for note in input.notes {
        writeln!(out, "<p class=\"dim\">{}</p>", escape(note))?;
    }
    writeln!(out, "<footer>Created by poolscope {}</footer>\n</body>\n</html>", env!("CARGO_PKG_VERSION"))
}

fn columns(input: &CompareReport<'_>) -> Vec<(CompareColumn, String)> {
    let of_measure = Part::ALL
        .into_iter()
        .map(|part| (CompareColumn { part, metric: input.measure }, compare_text::part_title(part).to_owned()));
    let others =
        input.others.iter().filter(|metric| **metric != input.measure).map(|metric| {
            (CompareColumn { part: Part::Delta, metric: *metric }, format!("{} difference", metric.title()))
        });
    of_measure.chain(others).collect()
}

fn table(out: &mut dyn Write, input: &CompareReport<'_>) -> io::Result<()> {
    let (comparison, columns) = (input.comparison, columns(input));
    let pivot = comparison.groups();
    writeln!(out, "<section>\n<h2>Rows by growth</h2>\n<div class=\"wide\"><table>\n<thead><tr><th>Change</th>")?;
    for key in pivot.keys() {
        writeln!(out, "<th>{}</th>", escape(key.title()))?;
    }
    for (_, title) in &columns {
        writeln!(out, "<th class=\"n\">{}</th>", escape(title))?;
    }
    writeln!(out, "</tr></thead>\n<tbody>")?;
    let figures = |sums: &[SideSums; 2]| {
        let figure = |(column, _): &(CompareColumn, String)| {
            let value = comparison.value_of(sums, *column);
            let text = compare_text::figure(value, column.part, column.metric.unit());
            format!("<td class=\"n\">{}</td>", escape(&text))
        };
        columns.iter().map(figure).collect::<String>()
    };
    for group in input.order.iter().take(MAX_ROWS) {
        let sums = comparison.sums(&(*group..*group + 1));
        let change = comparison.change_of(&sums, input.measure);
        write!(out, "<tr><td><b class=\"v {}\">{change}</b></td>", class(change))?;
        for column in 0..pivot.keys().len() {
            write!(out, "<td class=\"code\">{}</td>", cell(&pivot.key_value(*group as usize, column)))?;
        }
        writeln!(out, "{}</tr>", figures(&sums))?;
    }
    let span = pivot.keys().len() + 1;
    writeln!(out, "<tr><th colspan=\"{span}\">Total</th>{}</tr>", figures(comparison.whole()))?;
    writeln!(out, "</tbody>\n</table></div>")?;
    let rest = input.order.len().saturating_sub(MAX_ROWS);
    if rest > 0 {
        writeln!(out, "<p class=\"dim\">{} more rows are not shown.</p>", format::count(rest as u64))?;
    }
    writeln!(out, "</section>")
}

const fn class(change: Change) -> &'static str {
    match change {
        Change::New => "bad",
        Change::Grown => "warn",
        Change::Same | Change::Shrunk | Change::Gone => "calm",
    }
}

fn cell(value: &KeyValue<'_>) -> String {
    match value {
        KeyValue::Null => String::new(),
        KeyValue::Text(text) => escape(text),
        KeyValue::Number(number) => number.to_string(),
        KeyValue::Seconds(seconds) => escape(&format::duration(*seconds)),
        KeyValue::Frames(frames) => {
            let hidden = frames.len().saturating_sub(MAX_FRAMES);
            let more = (hidden > 0).then(|| format!("{hidden} outer frames"));
            let shown = frames.iter().skip(hidden).map(|frame| escape(frame));
            more.into_iter().chain(shown).collect::<Vec<_>>().join("<br>")
        }
    }
}
