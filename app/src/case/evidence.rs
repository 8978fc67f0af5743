//! Pieces of evidence in a case: what each shows, on which clock, and which growth it names. A further kind of evidence is a variant of
//! [`EvidenceKind`] and of [`Content`] here, a way to recognize it in `files`, and one to read it in `collect`.

use crate::trace_location::{parts_by_name, shown_name};
use crate::{counter_text, format, leak_text, recorded_range_text, snapshot_text};
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::parallel::{Cancel, Cancelled};
use poolscope_analysis::leaks::{AnalysisRequest, LeakAnalysis, SuspectGrouping, Verdict, WarmUp, analyze};
use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::attributes::Tag;
use poolscope_etl::diagnostics::Severity;
use poolscope_recording::Pool;
use poolscope_recording::counters::{CounterAnalysis, CounterLog};
use poolscope_recording::poolmon::SnapshotSeries;
use poolscope_recording::poolmon::parse::SnapshotFile;
use schemars::JsonSchema;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Seconds of an hour.
const HOUR_S: f64 = 3600.0;
/// Pool of an allocation whose log does not show it.
pub const UNKNOWN_POOL: &str = "Unknown";
/// 100 ns intervals between 1601 (FILETIME) and 1970 (Unix).
const FILETIME_TO_UNIX: i64 = 116_444_736_000_000_000;

/// Kind of evidence.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EvidenceKind {
    /// Performance log.
    Counters,
    /// Snapshots of poolmon and the like.
    Snapshots,
    /// Debugger log with stacks of allocations.
    #[serde(rename = "debugger log")]
    DebuggerLog,
    /// Trace.
    Trace,
}

impl EvidenceKind {
    /// Name in sentences.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counters => "performance log",
            Self::Snapshots => "pool snapshots",
            Self::DebuggerLog => "debugger log",
            Self::Trace => "trace",
        }
    }
}

/// Growth that a piece of evidence names.
#[derive(Clone, PartialEq, Debug, JsonSchema, Serialize)]
pub struct NamedGrowth {
    /// `NonPaged` or `Paged`; `Unknown` where a debugger log does not show it.
    pub pool: &'static str,
    /// Tag; `None` for the whole pool.
    pub tag: Option<String>,
    /// Driver, if the evidence has stacks.
    pub driver: Option<String>,
    /// Rate; `None` where times are missing.
    pub bytes_per_hour: Option<f64>,
}

/// One piece of evidence.
#[derive(Clone, PartialEq, Debug, JsonSchema, Serialize)]
pub struct Evidence {
    /// Kind.
    pub kind: EvidenceKind,
    /// Files that it comes from.
    pub files: Vec<String>,
    /// First and last moment in milliseconds from 1970-01-01; UTC if `is_utc`, else on the clock of the machine.
    pub period_ms: Option<(i64, i64)>,
    /// The period is UTC.
    pub is_utc: bool,
    /// Milliseconds from local time to UTC, where the evidence knows them.
    #[serde(skip)]
    pub bias_ms: Option<i64>,
    /// Sentences on its findings, the most important first.
    pub summary: Vec<String>,
    /// Growth that it names; of a debugger log, which has no times, what is outstanding.
    pub growth: Vec<NamedGrowth>,
    /// Processes whose handles rise with a pool, or that made the outstanding allocations of a suspect.
    pub processes: Vec<String>,
    /// Sentences on where times come from, and on what is missing or not used.
    pub remarks: Vec<String>,
}

/// A performance log.
#[derive(Debug)]
pub struct CounterEvidence {
    /// Location of the file.
    pub path: PathBuf,
    /// The log.
    pub log: CounterLog,
    /// Its findings.
    pub analysis: CounterAnalysis,
}

/// A file with pool snapshots.
#[derive(Clone, Debug)]
pub struct ListingFile {
    /// Location of the file.
    pub path: PathBuf,
    /// Time at which it was last written, in milliseconds from 1970-01-01 UTC.
    pub modified_ms: Option<i64>,
    /// Its content.
    pub file: SnapshotFile,
}

/// Pool snapshots of all files of a case.
#[derive(Debug)]
pub struct SnapshotEvidence {
    /// The files.
    pub files: Vec<ListingFile>,
    /// All snapshots of one scope.
    pub series: SnapshotSeries,
}

/// A trace.
#[derive(Debug)]
pub struct TraceEvidence {
    /// Location of the trace.
    pub path: PathBuf,
    /// The trace.
    pub trace: Arc<Trace>,
}

/// Content that a piece of evidence was drawn from.
#[derive(Clone, Debug)]
pub enum Content {
    /// Performance log.
    Counters(Arc<CounterEvidence>),
    /// Pool snapshots.
    Snapshots(Arc<SnapshotEvidence>),
    /// Trace.
    Trace(Arc<TraceEvidence>),
}

/// A piece of evidence with its content.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Findings and growth.
    pub evidence: Evidence,
    /// Content of the file.
    pub content: Content,
}

impl Piece {
    /// The evidence in a performance log.
    #[must_use]
    pub fn of_counters(content: CounterEvidence) -> Self {
        let CounterEvidence { path, log, analysis } = &content;
        let steady = analysis.pools.iter().filter(|pool| pool.growth.is_steady);
        let mut remarks = Vec::new();
        if let Some((line, text)) = log.odd_lines.first() {
            let lines = format::counted(log.odd_line_count as u64, "line is no sample", "lines are no samples");
            remarks.push(format!("{lines}, the first is line {line}: '{text}'"));
        }
        if log.bias_ms.is_none() {
            remarks.push("The log does not name its time zone".to_owned());
        }
        let evidence = Evidence {
            kind: EvidenceKind::Counters,
            files: vec![shown_name(path)],
            period_ms: log.times_ms.first().copied().zip(log.times_ms.last().copied()),
            is_utc: log.bias_ms.is_some(),
            bias_ms: log.bias_ms,
            summary: counter_text::summary(log, analysis),
            growth: steady
                .map(|pool| NamedGrowth {
                    pool: pool.pool.name(),
                    tag: None,
                    driver: None,
                    bytes_per_hour: Some(pool.growth.per_hour),
                })
                .collect(),
            processes: analysis
                .processes
                .iter()
                .filter(|process| process.rises_with.is_some())
                .map(|process| process.process.clone())
                .collect(),
            remarks,
        };
        Self { evidence, content: Content::Counters(Arc::new(content)) }
    }

    /// The evidence in pool snapshots.
    #[must_use]
    pub fn of_snapshots(content: SnapshotEvidence) -> Self {
        let series = &content.series;
        let summary = match series.points.as_slice() {
            [_] => vec!["One snapshot shows no growth: a second one, hours later, would".to_owned()],
            _ => snapshot_text::summary(series),
        };
        let summary = summary.into_iter().chain(snapshot_text::memory(series)).collect();
        let findings = series.findings();
        let growth =
            findings.iter().flat_map(|finding| &finding.members).filter(|trend| trend.growth_bytes > 0).map(|trend| {
                NamedGrowth {
                    pool: trend.pool.name(),
                    tag: Some(trend.tag.clone()),
                    driver: None,
                    bytes_per_hour: trend.rate.map(|rate| rate.bytes_per_hour),
                }
            });
        let mut remarks: Vec<String> = snapshot_text::times(series).into_iter().collect();
        remarks.extend(snapshot_text::left_out(series).iter().map(|sentence| format::sentence_case(sentence)));
        let warnings = |listing: &ListingFile| snapshot_text::file_warnings(&shown_name(&listing.path), &listing.file);
        remarks.extend(content.files.iter().flat_map(warnings));
        let end = |point: Option<&poolscope_recording::poolmon::series::SeriesPoint>| point.and_then(|one| one.time_ms);
        let evidence = Evidence {
            kind: EvidenceKind::Snapshots,
            files: series.files.clone(),
            period_ms: end(series.points.first()).zip(end(series.points.last())),
            is_utc: series.is_utc,
            bias_ms: None,
            growth: growth.collect(),
            summary,
            processes: Vec::new(),
            remarks,
        };
        Self { evidence, content: Content::Snapshots(Arc::new(content)) }
    }

    /// The evidence in a trace, whose functions are named by `values`. Runs on the current rayon pool.
    ///
    /// # Errors
    /// The work was cancelled.
    pub fn of_trace(
        path: &Path,
        trace: &Arc<Trace>,
        values: &ColumnValues,
        notes: Vec<String>,
        cancel: Cancel<'_>,
    ) -> Result<Self, Cancelled> {
        let request =
            AnalysisRequest { visible_range: trace.extent, grouping: SuspectGrouping::Tag, warm_up: WarmUp::Automatic };
        let analysis = analyze(values, request, cancel)?;
        let range = trace.recorded.analyzed(trace.extent);
        let has_clock = trace.clock.start_filetime > FILETIME_TO_UNIX;
        let mut remarks = notes;
        remarks.extend(recorded_range_text::missing(trace));
        let losses = trace.diagnostics.rows().iter().filter(|row| row.kind.severity() == Severity::DataLoss);
        remarks.extend(losses.map(|row| row.kind.effect().to_owned()));
        let evidence = Evidence {
            kind: if trace.has_times() { EvidenceKind::Trace } else { EvidenceKind::DebuggerLog },
            files: parts_by_name(path).into_iter().map(shown_name).collect(),
            period_ms: has_clock.then(|| (unix_ms(trace, range.from), unix_ms(trace, range.to))),
            is_utc: true,
            bias_ms: trace.summary.utc_bias_minutes.map(|minutes| i64::from(minutes) * 60_000),
            summary: vec![leak_text::summary(&analysis).trim_end_matches('.').to_owned()],
            growth: if trace.has_times() { suspects(&analysis) } else { outstanding(&analysis) },
            processes: main_processes(&analysis),
            remarks,
        };
        let content = TraceEvidence { path: path.to_owned(), trace: Arc::clone(trace) };
        Ok(Self { evidence, content: Content::Trace(Arc::new(content)) })
    }
}

/// Time of a trace in milliseconds from 1970-01-01 UTC.
#[must_use]
pub fn unix_ms(trace: &Trace, time: poolscope_analysis::trace::time::Ticks) -> i64 {
    trace.clock.filetime(time).saturating_sub(FILETIME_TO_UNIX) / 10_000
}

/// Processes that made at least half of the outstanding bytes of a suspect that grows.
fn main_processes(analysis: &LeakAnalysis) -> Vec<String> {
    let grown = analysis.suspects.iter().filter(|suspect| suspect.verdict.has_grown());
    let main = grown.filter_map(|suspect| {
        let outstanding = suspect.evidence.outstanding.bytes;
        suspect
            .attribution
            .processes
            .first()
            .filter(|share| share.process.is_some() && share.allocations.bytes >= outstanding / 2)
    });
    main.map(|share| share.name().to_owned()).collect()
}

/// Outstanding allocations at the end of a debugger log, without a rate.
fn outstanding(analysis: &LeakAnalysis) -> Vec<NamedGrowth> {
    let held = analysis.suspects.iter().filter(|suspect| suspect.verdict == Verdict::Outstanding);
    let named = held.map(|suspect| NamedGrowth {
        pool: match (suspect.is_pool_known, suspect.is_paged) {
            (false, _) => UNKNOWN_POOL,
            (true, true) => Pool::Paged.name(),
            (true, false) => Pool::NonPaged.name(),
        },
        tag: suspect.tag.clone().filter(|tag| *tag != Tag::UNKNOWN.text()),
        driver: suspect.is_driver_known.then(|| suspect.driver.clone()).filter(|driver| !driver.is_empty()),
        bytes_per_hour: None,
    });
    named.collect()
}

/// Growth of the suspects of a trace that grow.
fn suspects(analysis: &LeakAnalysis) -> Vec<NamedGrowth> {
    let grown =
        analysis.suspects.iter().filter(|suspect| suspect.verdict.has_grown() && suspect.growth_bytes_per_s > 0.0);
    grown
        .map(|suspect| NamedGrowth {
            pool: if suspect.is_paged { Pool::Paged.name() } else { Pool::NonPaged.name() },
            tag: suspect.tag.clone(),
            driver: suspect.is_driver_known.then(|| suspect.driver.clone()).filter(|driver| !driver.is_empty()),
            bytes_per_hour: Some(suspect.growth_bytes_per_s * HOUR_S),
        })
        .collect()
}
