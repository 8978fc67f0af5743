//! Pieces of evidence in a case: what each file shows, on which clock, and which growth it names.

use crate::cli::io::Io;
use crate::cli::open::TraceArgs;
use crate::cli::perfmon;
use crate::cli::poolmon::{SnapshotChoice, read_snapshots};
use crate::cli::symbol_args::SymbolArgs;
use crate::trace_location::{parts_by_name, parts_of};
use crate::trace_opening::is_packed;
use crate::trace_parts::recordings;
use crate::{counter_text, leak_text, snapshot_text};
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::leaks::{AnalysisRequest, LeakAnalysis, SuspectGrouping, WarmUp, analyze};
use poolscope_analysis::load::{LoadOptions, StackScope};
use poolscope_etl::file::TraceFile;
use poolscope_recording::counters::analyze as analyze_counters;
use poolscope_recording::counters::log::is_counter_log;
use poolscope_recording::{Pool, poolmon};
use schemars::JsonSchema;
use serde::Serialize;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Seconds of an hour.
const HOUR_S: f64 = 3600.0;
/// 100 ns intervals between 1601 (FILETIME) and 1970 (Unix).
const FILETIME_TO_UNIX: i64 = 116_444_736_000_000_000;
/// Bytes of a file that decide on its kind.
const HEAD_BYTES: u64 = 64 << 10;

/// Kind of evidence.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EvidenceKind {
    /// Performance log.
    Counters,
    /// Snapshots of poolmon and the like.
    Snapshots,
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
            Self::Trace => "trace",
        }
    }
}

/// Growth that a piece of evidence names.
#[derive(Clone, PartialEq, Debug, JsonSchema, Serialize)]
pub struct NamedGrowth {
    /// `NonPaged` or `Paged`.
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
    /// Growth that it names.
    pub growth: Vec<NamedGrowth>,
    /// Processes whose handles rise with a pool, or that made the outstanding allocations of a suspect.
    pub processes: Vec<String>,
}

/// All evidence of a case, and the files that are none.
#[derive(Default)]
pub struct Collected {
    /// Evidence: counters, snapshots, then traces, each in the order given.
    pub evidence: Vec<Evidence>,
    /// Files that are not used, with the reason.
    pub unused: Vec<(PathBuf, String)>,
}

/// Reads all files. One that cannot be used does not stop the others.
///
/// # Errors
/// The user interrupted the command, or a message cannot be written.
pub fn collect(files: &[PathBuf], symbols: &SymbolArgs, io: &mut Io<'_>) -> anyhow::Result<Collected> {
    let mut collected = Collected::default();
    let mut snapshots: Vec<&PathBuf> = Vec::new();
    let (traces, others): (Vec<&PathBuf>, Vec<&PathBuf>) =
        files.iter().partition(|path| matches!(kind_of(path), Ok(Some(EvidenceKind::Trace))));
    let traces: Vec<PathBuf> = traces.into_iter().cloned().collect();
    for path in &recordings(&traces, false).locations {
        match trace(path, symbols, io) {
            _ if io.cancel.is_cancelled() => anyhow::bail!("interrupted"),
            Ok(evidence) => collected.evidence.push(evidence),
            Err(error) => collected.unused.push((path.clone(), format!("{error:#}"))),
        }
    }
    for path in others {
        let read = match kind_of(path) {
            Ok(Some(EvidenceKind::Counters)) => counters(path),
            Ok(Some(EvidenceKind::Snapshots)) => {
                snapshots.push(path);
                continue;
            }
            Ok(Some(EvidenceKind::Trace) | None) => {
                Err(anyhow::anyhow!("neither a trace nor a pool snapshot nor a performance log"))
            }
            Err(error) => Err(error.into()),
        };
        if io.cancel.is_cancelled() {
            anyhow::bail!("interrupted");
        }
        match read {
            Ok(evidence) => collected.evidence.push(evidence),
            Err(error) => collected.unused.push((path.clone(), format!("{error:#}"))),
        }
    }
    if !snapshots.is_empty() {
        match of_snapshots(&snapshots) {
            Ok(evidence) => collected.evidence.push(evidence),
            Err(error) => collected.unused.extend(snapshots.iter().map(|path| ((*path).clone(), format!("{error:#}")))),
        }
    }
    collected.evidence.sort_by_key(|evidence| evidence.kind);
    Ok(collected)
}

/// Kind of a file by its content; `None` for others.
fn kind_of(path: &Path) -> std::io::Result<Option<EvidenceKind>> {
    let mut head = Vec::new();
    std::fs::File::open(path)?.take(HEAD_BYTES).read_to_end(&mut head)?;
    if is_counter_log(&head) {
        return Ok(Some(EvidenceKind::Counters));
    }
    if is_packed(path) || TraceFile::open(path).is_ok() {
        return Ok(Some(EvidenceKind::Trace));
    }
    Ok(poolmon::parse(&head).is_ok().then_some(EvidenceKind::Snapshots))
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn counters(path: &Path) -> anyhow::Result<Evidence> {
    let log = perfmon::read_log(path)?;
    let analysis = analyze_counters(&log);
    let steady = analysis.pools.iter().filter(|pool| pool.growth.is_steady);
    Ok(Evidence {
        kind: EvidenceKind::Counters,
        files: vec![file_name(path)],
        period_ms: log.times_ms.first().copied().zip(log.times_ms.last().copied()),
        is_utc: log.bias_ms.is_some(),
        bias_ms: log.bias_ms,
        summary: counter_text::summary(&log, &analysis),
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
    })
}

fn of_snapshots(paths: &[&PathBuf]) -> anyhow::Result<Evidence> {
    let snapshots = read_snapshots(paths, &SnapshotChoice::default())?;
    let series = snapshots.series.ok_or_else(|| anyhow::anyhow!("no snapshot"))?;
    let summary = match series.points.as_slice() {
        [_] => vec!["One snapshot shows no growth: a second one, hours later, would".to_owned()],
        _ => snapshot_text::summary(&series),
    };
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
    let times =
        series.points.first().and_then(|point| point.time_ms).zip(series.points.last().and_then(|point| point.time_ms));
    Ok(Evidence {
        kind: EvidenceKind::Snapshots,
        files: series.files.clone(),
        period_ms: times,
        is_utc: series.is_utc,
        bias_ms: None,
        growth: growth.collect(),
        summary,
        processes: Vec::new(),
    })
}

fn trace(path: &Path, symbols: &SymbolArgs, io: &mut Io<'_>) -> anyhow::Result<Evidence> {
    let args = TraceArgs { trace: parts_of(path), ..TraceArgs::default() };
    args.with_trace(io, LoadOptions { stacks: StackScope::Pool, ..LoadOptions::default() }, |trace, workers, io| {
        let values = ColumnValues::new(trace.clone(), FrameNaming::Symbol);
        let values = match symbols.resolve(trace, &args, io)? {
            Some(resolved) => values.with_symbols(Arc::new(resolved.table(trace))),
            None => values,
        };
        let request =
            AnalysisRequest { visible_range: trace.extent, grouping: SuspectGrouping::Tag, warm_up: WarmUp::Automatic };
        let analysis = workers.run(|| analyze(&values, request, &|| workers.is_cancelled()))?;
        let at = |time| (trace.clock.filetime(time) - FILETIME_TO_UNIX) / 10_000;
        let range = trace.recorded.analyzed(trace.extent);
        Ok(Evidence {
            kind: EvidenceKind::Trace,
            files: parts_by_name(path).into_iter().map(file_name).collect(),
            period_ms: (trace.clock.start_filetime > FILETIME_TO_UNIX).then(|| (at(range.from), at(range.to))),
            is_utc: true,
            bias_ms: None,
            summary: vec![leak_text::summary(&analysis).trim_end_matches('.').to_owned()],
            growth: suspects(&analysis),
            processes: main_processes(&analysis),
        })
    })
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
