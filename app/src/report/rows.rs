//! The table of the page: groups with figures, and their total.

use super::{PageTable, ReportInput, escape};
use crate::format;
use poolscope_analysis::group::column::KeyValue;
use poolscope_analysis::pivot::Metric;
use std::io::{self, Write};

/// Writes the section; nothing without a table.
///
/// # Errors
/// If the output cannot be written.
pub fn write(out: &mut dyn Write, input: &ReportInput<'_>) -> io::Result<()> {
    let Some(PageTable { rows, all, query }) = input.table else { return Ok(()) };
    let keys = rows.pivot.keys();
    let titles: Vec<&str> = keys.iter().map(|key| key.title()).collect();
    writeln!(out, "<section>\n<h2>Allocations by {}</h2>", escape(&titles.join(", ")))?;
    if let Some(query) = query {
        writeln!(out, "<p class=\"dim\">Only rows that match <code>{}</code></p>", escape(query))?;
    }
    writeln!(out, "<div class=\"wide\"><table class=\"rows\">\n<thead><tr>")?;
    for title in &titles {
        write!(out, "<th>{}</th>", escape(title))?;
    }
    for metric in rows.metrics {
        write!(out, "<th class=\"n\">{}</th>", escape(&metric.title()))?;
    }
    writeln!(out, "</tr></thead>\n<tbody>")?;
    let figure = |group: Option<u32>, metric: &Metric| format::figure((rows.value)(group, *metric), metric.unit());
    for group in rows.order {
        write!(out, "<tr>")?;
        for column in 0..keys.len() {
            write!(out, "<td class=\"code\">{}</td>", cell(&rows.pivot.key_value(*group as usize, column)))?;
        }
        for metric in rows.metrics {
            write!(out, "<td class=\"n\">{}</td>", escape(&figure(Some(*group), metric)))?;
        }
        writeln!(out, "</tr>")?;
    }
    write!(
        out,
        "</tbody>\n<tfoot><tr><th colspan=\"{}\">Total of {} rows</th>",
        keys.len().max(1),
        format::count(all as u64)
    )?;
    for metric in rows.metrics {
        write!(out, "<td class=\"n\"><b>{}</b></td>", escape(&figure(None, metric)))?;
    }
    writeln!(out, "</tr></tfoot>\n</table></div>")?;
    let rest = all.saturating_sub(rows.order.len()) as u64;
    if rest > 0 {
        writeln!(out, "<p class=\"dim\">{} not shown.</p>", format::counted(rest, "more row is", "more rows are"))?;
    }
    writeln!(out, "</section>")
}

/// A value of a key column; a stack of several frames is folded to its two innermost ones.
fn cell(value: &KeyValue<'_>) -> String {
    match value {
        KeyValue::Null => String::new(),
        KeyValue::Text(text) => escape(text),
        KeyValue::Number(number) => number.to_string(),
        KeyValue::Seconds(seconds) => escape(&format::duration(*seconds)),
        KeyValue::Frames(frames) => match frames.as_slice() {
            [] => "[No stack]".to_owned(),
            [frame] => escape(frame),
            [.., caller, innermost] => {
                // The innermost frame is mostly the allocation call, which says nothing by itself.
                let all: Vec<String> = frames.iter().map(|frame| escape(frame)).collect();
                let count = format::counted(frames.len() as u64, "frame", "frames");
                let summary = format!("{} &gt; {} ({count})", escape(caller), escape(innermost));
                format!("<details><summary>{summary}</summary>{}</details>", all.join("<br>"))
            }
        },
    }
}
