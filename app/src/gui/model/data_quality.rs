//! The data quality of an open trace in one list, the worst first: panel, status bar and pages all show this one, so that no two of
//! them contradict each other.

use poolscope_analysis::trace::Trace;
use poolscope_etl::diagnostics::{Diagnostic, DiagnosticKind, Severity};
use std::path::Path;

use super::recording_fix::Fix;
use super::symbol_texts;
use super::symbols::{Phase, Symbols};
use crate::{format, part_text, recorded_range_text};

/// Upper bound on the file offsets of an issue that are listed.
const MAX_OFFSETS: usize = 4;

/// Severity of an issue, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum QualityLevel {
    /// Data is missing.
    DataLoss,
    /// Results may be wrong.
    Warning,
    /// Something is still being found out.
    Pending,
    /// Worth knowing; results are not affected.
    Info,
    /// Nothing is missing.
    Complete,
}

impl QualityLevel {
    /// The name in lists.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DataLoss => "Data loss",
            Self::Warning => "Warning",
            Self::Pending => "In progress",
            Self::Info => "Information",
            Self::Complete => "Complete",
        }
    }
}

impl From<Severity> for QualityLevel {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::DataLoss => Self::DataLoss,
            Severity::Warning => Self::Warning,
            Severity::Info => Self::Info,
        }
    }
}

/// The subject of an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QualitySubject {
    /// The part of the recording that the file holds.
    Recording,
    /// Something that was found while the file was read.
    Diagnostic(DiagnosticKind),
    /// The symbols of modules on stacks.
    Symbols,
    /// The archive that the trace is in.
    Archive,
}

/// An issue, or the absence of any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QualityIssue {
    /// Its severity.
    pub level: QualityLevel,
    /// Its subject.
    pub subject: QualitySubject,
    /// A few words: `Torn tail`.
    pub title: String,
    /// Number of occurrences.
    pub count: u64,
    /// Its effect on results, as sentences.
    pub effect: String,
    /// The first file offsets, separated by commas; may be empty.
    pub offsets: String,
    /// The recording that avoids it, at the first of the issues that it avoids.
    pub fix: Option<Fix>,
}

impl QualityIssue {
    fn new(level: QualityLevel, subject: QualitySubject, title: impl Into<String>, effect: impl Into<String>) -> Self {
        let (title, effect) = (title.into(), effect.into());
        Self { level, subject, title, count: 1, effect, offsets: String::new(), fix: None }
    }
}

/// The issues of a trace, the worst first; the absence of losses is last. `symbols` are those of a trace with stacks,
/// `opening_notes` the parts of its archive that were not opened.
#[must_use]
pub fn issues(trace: &Trace, symbols: Option<&Symbols>, opening_notes: &[String]) -> Vec<QualityIssue> {
    let mut issues: Vec<QualityIssue> = recorded_range_text::missing(trace)
        .map(|part| QualityIssue::new(QualityLevel::DataLoss, QualitySubject::Recording, "Incomplete recording", part))
        .into_iter()
        .collect();
    let mut rows: Vec<_> = trace.diagnostics.rows().iter().collect();
    rows.sort_by_key(|row| QualityLevel::from(row.kind.severity()));
    let mut offered: Vec<Fix> = Vec::new();
    for row in rows {
        let title = format::sentence_case(&row.kind.name().replace('_', " "));
        let subject = QualitySubject::Diagnostic(row.kind);
        let fix = Fix::of(row.kind).filter(|fix| !offered.contains(fix));
        offered.extend(fix);
        let issue = QualityIssue::new(row.kind.severity().into(), subject, title, row.kind.effect());
        issues.push(QualityIssue { count: row.count, offsets: offsets(trace, row), fix, ..issue });
    }
    issues.extend(symbols.and_then(of_symbols));
    issues.extend(opening_notes.iter().map(|note| {
        let note = format!("{}.", note.trim_end_matches('.'));
        QualityIssue::new(QualityLevel::Warning, QualitySubject::Archive, "Part of the archive not opened", note)
    }));
    let summary = &trace.summary;
    let loses = summary.events_lost > 0 || summary.buffers_lost > 0;
    if !loses && issues.iter().all(|issue| issue.level != QualityLevel::DataLoss) {
        let effect = "Windows reports no lost events and no lost buffers, and the file holds the whole recording.";
        issues.push(QualityIssue::new(QualityLevel::Complete, QualitySubject::Recording, "No losses", effect));
    }
    // Stable: issues of one severity stay in the order of reports.
    issues.sort_by_key(|issue| issue.level);
    issues
}

/// The first file offsets of an issue; of a trace in several files with the names of these.
fn offsets(trace: &Trace, row: &Diagnostic) -> String {
    let listed = |offsets: &[u64]| {
        let offsets = offsets.iter().take(MAX_OFFSETS).map(|offset| format!("{offset:#x}"));
        offsets.collect::<Vec<_>>().join(", ")
    };
    if trace.summary.parts.is_empty() {
        return listed(&row.offsets);
    }
    let by_file = part_text::issues_by_file(trace, row.kind).into_iter().map(|issue| {
        let name = Path::new(&issue.file)
            .file_name()
            .map_or_else(|| issue.file.clone(), |name| name.to_string_lossy().into_owned());
        if issue.offsets.is_empty() { name } else { format!("{} in {name}", listed(&issue.offsets)) }
    });
    by_file.collect::<Vec<_>>().join("; ")
}

/// State of the symbols; `None` before it is known which modules need any.
fn of_symbols(symbols: &Symbols) -> Option<QualityIssue> {
    let issue =
        |level, title: String, effect: String| Some(QualityIssue::new(level, QualitySubject::Symbols, title, effect));
    let status = symbols.status();
    match (symbol_texts::without_symbols(symbols), symbols.phase) {
        (_, Phase::Idle) => issue(
            QualityLevel::Info,
            "Symbols not loaded".to_owned(),
            "Frames are shown as module and offset until symbols are loaded.".to_owned(),
        ),
        (_, Phase::Running) => issue(
            QualityLevel::Pending,
            "Loading symbols".to_owned(),
            symbol_texts::status_text(symbols).unwrap_or_default(),
        ),
        (Some((count, names)), _) => {
            let modules = format::counted(count as u64, "module", "modules");
            issue(QualityLevel::Warning, format!("{modules} without symbols"), names)
        }
        (None, _) if status.modules > 0 => issue(
            QualityLevel::Complete,
            "Symbols complete".to_owned(),
            format!("All {} on stacks have symbols.", format::counted(status.modules as u64, "module", "modules")),
        ),
        (None, _) => None,
    }
}

/// The worst of the issues in a few words, and how severe it is: "Torn tail and 2 more issues", "Data complete".
#[must_use]
pub fn summary(issues: &[QualityIssue]) -> (QualityLevel, String) {
    let is_bad = |issue: &&QualityIssue| issue.level <= QualityLevel::Warning;
    let bad = issues.iter().filter(is_bad).count() as u64;
    match issues.first() {
        Some(worst) if bad > 1 => {
            let more = format::counted(bad - 1, "more issue", "more issues");
            (worst.level, format!("{} and {more}", worst.title))
        }
        Some(worst) if bad == 1 => (worst.level, worst.title.clone()),
        // What is not known yet, or was not asked for, is not complete.
        _ => match issues.iter().find(|issue| issue.subject == QualitySubject::Symbols) {
            Some(symbols) if symbols.level < QualityLevel::Complete => (symbols.level, symbols.title.clone()),
            _ => (QualityLevel::Complete, "Data complete".to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(level: QualityLevel, subject: QualitySubject, title: &str) -> QualityIssue {
        QualityIssue::new(level, subject, title, "")
    }

    #[test]
    fn the_summary_is_the_worst_issue() {
        use QualityLevel as L;
        use QualitySubject as S;
        let torn = issue(L::DataLoss, S::Diagnostic(DiagnosticKind::TornTail), "Torn tail");
        let modules = issue(L::Warning, S::Symbols, "3 modules without symbols");
        let info = issue(L::Info, S::Diagnostic(DiagnosticKind::FreeWithoutAllocation), "Free without allocation");
        let whole = issue(L::Complete, S::Recording, "No losses");
        let of = |issues: &[&QualityIssue]| summary(&issues.iter().map(|i| (*i).clone()).collect::<Vec<_>>());
        assert_eq!(of(&[&torn, &modules, &info]), (L::DataLoss, "Torn tail and 1 more issue".to_owned()));
        assert_eq!(of(&[&modules, &info, &whole]), (L::Warning, "3 modules without symbols".to_owned()));
        assert_eq!(of(&[&info, &whole]), (L::Complete, "Data complete".to_owned()));
        let idle = issue(L::Info, S::Symbols, "Symbols not loaded");
        assert_eq!(of(&[&info, &idle, &whole]), (L::Info, "Symbols not loaded".to_owned()));
        let running = issue(L::Pending, S::Symbols, "Loading symbols");
        assert_eq!(of(&[&running, &whole]).1, "Loading symbols");
        assert_eq!(of(&[]), (L::Complete, "Data complete".to_owned()));
    }
}
