//! Texts on the files of a trace in several files: facts about each, and the files that data-quality issues come from. Shared by the
//! command line and the window.

use crate::format;
use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::summary::PartSummary;
use poolscope_etl::diagnostics::{Diagnostic, DiagnosticKind};
use std::path::Path;

/// File name of a part, without its folder.
#[must_use]
pub fn file_name(part: &PartSummary) -> String {
    let name = Path::new(&part.name).file_name();
    name.map_or_else(|| part.name.clone(), |name| name.to_string_lossy().into_owned())
}

/// Facts about a part in one line, without its name: time, size, session, records, and what it lost.
#[must_use]
pub fn facts(trace: &Trace, part: &PartSummary) -> String {
    let seconds = |time| format::seconds(trace.clock.seconds(time), 3);
    let mut facts = Vec::new();
    if let Some(range) = part.range {
        facts.push(format!("{} to {}", seconds(range.from), seconds(range.to)));
    }
    facts.push(format::bytes(part.file_bytes));
    if !part.session_name.is_empty() {
        facts.push(format!("logger \"{}\"", part.session_name));
    }
    facts.push(format::counted(u64::from(part.cpus), "CPU", "CPUs"));
    facts.push(format::counted(part.buffers, "buffer", "buffers"));
    facts.push(format::counted(part.records, "record", "records"));
    facts.push(format::counted(part.pool_events, "pool event", "pool events"));
    let lost = [(part.events_lost, "event lost", "events lost"), (part.buffers_lost, "buffer lost", "buffers lost")];
    facts.extend(lost.iter().filter(|lost| lost.0 > 0).map(|lost| format::counted(lost.0, lost.1, lost.2)));
    if part.missing_buffers_before > 0 {
        let buffers = format::counted(part.missing_buffers_before, "buffer", "buffers");
        facts.push(format!("about {buffers} missing before it"));
    }
    let counted = [DiagnosticKind::EventsLost, DiagnosticKind::BuffersLost, DiagnosticKind::MissingPart];
    let others = part.diagnostics.rows().iter().filter(|row| !counted.contains(&row.kind));
    facts.extend(others.map(|row| format!("{} {}", row.kind.name(), format::count(row.count))));
    facts.join(", ")
}

/// Occurrences of a data-quality issue in one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartIssue {
    /// Name of the file.
    pub file: String,
    /// Number of occurrences in it.
    pub count: u64,
    /// The first of its file offsets.
    pub offsets: Vec<u64>,
}

/// The files that an issue comes from; empty for a trace in one file, and for issues of the trace as a whole.
#[must_use]
pub fn issues_by_file(trace: &Trace, kind: DiagnosticKind) -> Vec<PartIssue> {
    let of_part = |part: &PartSummary| {
        let Diagnostic { count, offsets, .. } = part.diagnostics.rows().iter().find(|row| row.kind == kind)?.clone();
        Some(PartIssue { file: part.name.clone(), count, offsets })
    };
    trace.summary.parts.iter().filter_map(of_part).collect()
}
