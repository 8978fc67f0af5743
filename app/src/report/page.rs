//! Frame of the page: title, summary, facts about the trace, and how the report was created.

use super::{ReportInput, escape};
use crate::{format, leak_text};
use poolscope_analysis::leaks::Verdict;
use std::io::{self, Write};

/// Writes everything up to the graph.
///
/// # Errors
/// If the output cannot be written.
pub fn open(out: &mut dyn Write, input: &ReportInput<'_>) -> io::Result<()> {
    let name = escape(input.name);
    let summary = leak_text::summary(input.analysis);
    let class = match input.analysis.suspects.iter().map(|s| s.verdict).min() {
        Some(Verdict::Leak) => "bad",
        Some(Verdict::Growing | Verdict::Stopped | Verdict::Burst) => "warn",
        _ => "calm",
    };
    head(out, &format!("{name} - pool leaks"), class, &format!("Kernel pool leaks in {name}"), &summary)?;
    facts(out, input)
}

/// Writes the beginning of a page. `title` and `about` are escaped, `summary` is not.
///
/// # Errors
/// If the output cannot be written.
pub fn head(out: &mut dyn Write, title: &str, class: &str, about: &str, summary: &str) -> io::Result<()> {
    writeln!(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    // A report that arrives by mail must not load or run anything.
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(out, "<title>{title}</title>\n<style>\n{}</style>\n</head>\n<body>", include_str!("style.css"))?;
    let summary = escape(summary);
    writeln!(out, "<header class=\"{class}\">\n<p class=\"dim\">{about}</p>\n<h1>{summary}</h1>\n</header>")
}

/// Facts about the trace.
fn facts(out: &mut dyn Write, input: &ReportInput<'_>) -> io::Result<()> {
    let trace = input.names.trace();
    let (summary, clock) = (&trace.summary, &trace.clock);
    let (visible_range, span) = (input.analysis.request.visible_range, &input.analysis.range);
    let seconds = |time| format!("{:.3} s", clock.seconds(time));
    let windows = summary.os_name.clone().unwrap_or_else(|| "Windows".to_owned());
    let memory = summary.memory_mb.map(|mb| format::bytes(u64::from(mb) << 20));
    let rows = [
        ("Windows", Some(format!("{windows}, build {}", summary.os_build))),
        ("Computer", summary.computer.clone().filter(|_| input.shows_computer_name)),
        ("Processors", (summary.cpus > 0).then(|| summary.cpus.to_string())),
        ("Memory", memory),
        ("Start", format::rfc3339(summary.start_filetime)),
        ("Visible range", Some(format!("{} to {}", seconds(visible_range.from), seconds(visible_range.to)))),
        ("Analyzed range", Some(format!("{} to {}", seconds(span.warm_up_end), seconds(span.active.to)))),
        ("Pool events", Some(format::count(trace.statistics.pool_allocs + trace.statistics.pool_frees))),
        ("File", Some(format::bytes(summary.file_bytes))),
    ];
    writeln!(out, "<dl>")?;
    for (title, text) in rows.iter().filter_map(|(title, text)| text.as_ref().map(|text| (title, text))) {
        writeln!(out, "<div><dt>{title}</dt><dd>{}</dd></div>", escape(text))?;
    }
    writeln!(out, "</dl>")
}

/// Writes everything after the data quality.
///
/// # Errors
/// If the output cannot be written.
pub fn close(out: &mut dyn Write, input: &ReportInput<'_>) -> io::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let command = escape(input.command);
    writeln!(out, "<footer>Created by poolscope {version} with <code>{command}</code></footer>\n</body>\n</html>")
}
