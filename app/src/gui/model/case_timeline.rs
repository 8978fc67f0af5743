//! Curves of the evidence of a case on as few time axes as its clocks allow: performance logs, tags of pool snapshots, pools of traces.
//! It reads nothing and draws nothing.

use std::sync::Arc;

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::group::parallel::{Cancel, Cancelled};
use poolscope_analysis::series::SeriesError;
use poolscope_recording::counters::{Counter, CounterKind};
use poolscope_recording::poolmon::{Pool, time};

use super::snapshot_series::tag_curves;
use crate::case::agreement::APART_MS;
use crate::case::evidence::{CounterEvidence, SnapshotEvidence, TraceEvidence, unix_ms};
use crate::case::text::file_names;
use crate::case::{Content, Piece};
use crate::format;
use crate::format::axis::AxisUnit;
use crate::report::pool_curves;

/// Processes whose handles are drawn, at most.
const PROCESSES: usize = 9;
/// Processes with the most handles that are drawn where none grows.
const LARGEST_PROCESSES: usize = 5;
/// Points of a curve, at most: a week of samples every 15 seconds. Longer ones keep the smallest and largest values in between.
const POINTS: usize = 50_000;
/// Distance at which snapshots without times are drawn, in seconds.
const ASSUMED_INTERVAL_S: f64 = 3600.0;

/// A curve of a panel.
#[derive(Debug, Clone, PartialEq)]
pub struct PanelCurve {
    /// Name in the legend.
    pub name: String,
    /// One value for each time of the panel.
    pub values: Vec<f64>,
    /// Smallest and largest value between each time and the next; empty if the values are complete.
    pub extremes: Vec<(f64, f64)>,
}

impl PanelCurve {
    fn complete(name: String, values: Vec<f64>) -> Self {
        Self { name, values, extremes: Vec::new() }
    }
}

/// Curves of one unit from one piece of evidence, on the same times.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Index of the piece of evidence.
    pub piece: usize,
    /// Name of the curves and their file: `Pool bytes, perf.csv`.
    pub title: String,
    /// Unit of the values.
    pub unit: AxisUnit,
    /// Times, ascending, in seconds on the axis.
    pub times: Vec<f64>,
    /// The curves.
    pub curves: Vec<PanelCurve>,
    /// Time of the last restart of Windows, in seconds on the axis; what was before is not analyzed.
    pub restart: Option<f64>,
}

/// Part of a time axis that a trace holds.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedPart {
    /// Index of the piece of evidence.
    pub piece: usize,
    /// Name of the trace.
    pub name: String,
    /// Start and end in seconds on the axis.
    pub range: (f64, f64),
}

/// A time axis with its panels.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeAxis {
    /// Extent of the axis in words.
    pub title: String,
    /// Milliseconds from 1970 at 0 s, if the axis has a clock.
    pub zero_ms: Option<i64>,
    /// Start and end in seconds.
    pub range: (f64, f64),
    /// Panels, those of counters first.
    pub panels: Vec<Arc<Panel>>,
    /// Parts that traces hold.
    pub recorded: Vec<RecordedPart>,
}

/// All curves of a case.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timeline {
    /// The time axes.
    pub axes: Vec<TimeAxis>,
    /// Sentences on evidence that is drawn separately or not at all.
    pub remarks: Vec<String>,
}

/// Clock of a piece of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Zone {
    /// The machine's clock.
    Local,
    /// UTC.
    Utc,
}

/// Curves of one piece on its own axis, which begins at 0 s.
struct PieceCurves {
    piece: usize,
    name: String,
    panels: Vec<Panel>,
    /// Milliseconds from 1970 at 0 s, and the clock; `None` without times.
    zero: Option<(i64, Zone)>,
    length: f64,
    /// The part that a trace holds.
    recorded: Option<(f64, f64)>,
}

impl PieceCurves {
    /// First and last moment in milliseconds from 1970.
    fn period_ms(&self) -> Option<(i64, i64)> {
        let (zero, _) = self.zero?;
        Some((zero, zero.saturating_add((self.length * 1000.0).ceil() as i64)))
    }
}

impl Timeline {
    /// The curves of all pieces. Runs on the current rayon pool.
    ///
    /// # Errors
    /// The work was canceled.
    pub fn new(pieces: &[Piece], cancel: Cancel<'_>) -> Result<Self, Cancelled> {
        let mut timeline = Self::default();
        let mut drawn: Vec<PieceCurves> = Vec::new();
        for (at, piece) in pieces.iter().enumerate() {
            let name = file_names(&piece.evidence);
            let curves = match &piece.content {
                Content::Counters(content) => Some(counter_curves(content)),
                Content::Snapshots(content) => snapshot_curves(content, &name, &mut timeline.remarks),
                Content::Trace(content) => trace_curves(content, &name, &mut timeline.remarks, cancel)?,
            };
            let Some(mut curves) = curves.filter(|curves| !curves.panels.is_empty()) else { continue };
            curves.piece = at;
            curves.panels.iter_mut().for_each(|panel| {
                panel.piece = at;
                panel.title = format!("{}, {name}", panel.title);
            });
            curves.name = name;
            drawn.push(curves);
        }
        // Where any evidence knows the difference, all are on the machine's clock.
        if let Some(bias) = pieces.iter().find_map(|piece| piece.evidence.bias_ms) {
            for curves in &mut drawn {
                if let Some((zero, zone @ Zone::Utc)) = &mut curves.zero {
                    (*zero, *zone) = (zero.saturating_sub(bias), Zone::Local);
                }
            }
        }
        timeline.arrange(drawn);
        Ok(timeline)
    }

    /// The same with the curves of one piece alone.
    #[must_use]
    pub fn of_piece(&self, piece: usize) -> Self {
        let axes = self.axes.iter().filter_map(|axis| {
            let panels: Vec<Arc<Panel>> = axis.panels.iter().filter(|panel| panel.piece == piece).cloned().collect();
            let ends =
                || panels.iter().filter_map(|panel| panel.times.first().copied().zip(panel.times.last().copied()));
            let from = ends().map(|(from, _)| from).reduce(f64::min)?;
            let to = ends().map(|(_, to)| to).reduce(f64::max)?;
            let title = axis.zero_ms.map_or_else(|| axis.title.clone(), |zero| extent(zero, (from, to), Zone::Local));
            Some(TimeAxis { title, range: (from, to), panels, recorded: Vec::new(), ..axis.clone() })
        });
        Self { axes: axes.collect(), remarks: Vec::new() }
    }

    /// Puts curves on common axes: those on one clock whose times are near each other.
    fn arrange(&mut self, drawn: Vec<PieceCurves>) {
        let (mut timed, apart): (Vec<PieceCurves>, Vec<PieceCurves>) =
            drawn.into_iter().partition(|curves| curves.zero.is_some());
        let names = |zone: Zone, timed: &[PieceCurves]| {
            let of_zone = timed.iter().filter(|curves| curves.zero.is_some_and(|(_, own)| own == zone));
            of_zone.map(|curves| curves.name.as_str()).collect::<Vec<_>>().join(", ")
        };
        let (local, utc) = (names(Zone::Local, &timed), names(Zone::Utc, &timed));
        if !local.is_empty() && !utc.is_empty() {
            self.remarks.push(format!(
                "Times of {utc} are UTC, those of {local} local times of the machine, and no evidence gives the difference: \
                 they are drawn separately"
            ));
        }
        timed.sort_by_key(|curves| (curves.zero.map(|(_, zone)| zone), curves.period_ms(), curves.piece));
        let mut groups: Vec<Vec<PieceCurves>> = Vec::new();
        for curves in timed {
            let gap = groups.last().and_then(|group| {
                let same = group.first()?.zero?.1 == curves.zero?.1;
                let end = group.iter().filter_map(|other| Some(other.period_ms()?.1)).max()?;
                same.then_some(curves.period_ms()?.0.saturating_sub(end))
            });
            match (groups.last_mut(), gap) {
                (Some(group), Some(gap)) if gap < APART_MS => group.push(curves),
                (_, gap) => {
                    if let Some(gap) = gap {
                        let time = format::long_duration(gap as f64 / 1000.0);
                        self.remarks.push(format!(
                            "{} begins {time} after the evidence before it and is drawn separately",
                            curves.name
                        ));
                    }
                    groups.push(vec![curves]);
                }
            }
        }
        // The axis with most evidence comes first.
        groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
        self.axes = groups.into_iter().chain(apart.into_iter().map(|curves| vec![curves])).map(axis).collect();
    }
}

/// One axis for these curves, which begins with the first of them.
fn axis(mut group: Vec<PieceCurves>) -> TimeAxis {
    group.sort_by_key(|curves| curves.piece);
    let zero = group.iter().filter_map(|curves| curves.zero).min();
    let mut to = 0.0_f64;
    let (mut panels, mut recorded) = (Vec::new(), Vec::new());
    for curves in group {
        let offset = match (curves.zero, zero) {
            (Some((own, _)), Some((first, _))) => own.saturating_sub(first) as f64 / 1000.0,
            _ => 0.0,
        };
        to = to.max(offset + curves.length);
        recorded.extend(curves.recorded.map(|(from, to)| RecordedPart {
            piece: curves.piece,
            name: curves.name.clone(),
            range: (from + offset, to + offset),
        }));
        panels.extend(curves.panels.into_iter().map(|mut panel| {
            panel.times.iter_mut().for_each(|time| *time += offset);
            panel.restart = panel.restart.map(|time| time + offset);
            Arc::new(panel)
        }));
    }
    let range = (0.0, if to > 0.0 { to } else { 1.0 });
    let title = zero.map_or_else(|| "Without times of day".to_owned(), |(zero, zone)| extent(zero, range, zone));
    TimeAxis { title, zero_ms: zero.map(|(zero, _)| zero), range, panels, recorded }
}

/// Extent of an axis: `2026-07-24 00:00:00 to 2026-07-24 11:59:00 UTC`.
fn extent(zero_ms: i64, range: (f64, f64), zone: Zone) -> String {
    let at = |seconds: f64| time::text(zero_ms.saturating_add((seconds * 1000.0).round() as i64));
    let zone = if zone == Zone::Utc { " UTC" } else { "" };
    format!("{} to {}{zone}", at(range.0), at(range.1))
}

/// Curves of a piece before it has its place and name.
fn piece_curves(panels: Vec<Panel>, zero: Option<(i64, Zone)>, length: f64) -> PieceCurves {
    PieceCurves { piece: 0, name: String::new(), panels, zero, length, recorded: None }
}

fn panel(title: &str, unit: AxisUnit, times: &[f64], curves: Vec<PanelCurve>) -> Option<Panel> {
    let title = title.to_owned();
    (!curves.is_empty()).then(|| Panel { piece: 0, title, unit, times: times.to_vec(), curves, restart: None })
}

fn pool_name(pool: Pool) -> String {
    format::sentence_case(pool.sentence_name())
}

/// Pools, available memory and handles of a performance log.
fn counter_curves(content: &CounterEvidence) -> PieceCurves {
    let (log, analysis) = (&content.log, &content.analysis);
    let first = log.times_ms.first().copied().unwrap_or(0);
    let times: Vec<f64> = log.times_ms.iter().map(|time| time.saturating_sub(first) as f64 / 1000.0).collect();
    let bytes = |name: String, counter: &Counter, scale: f64| {
        let known = counter.values.iter().flatten().next().copied()?;
        Some(PanelCurve::complete(name, without_gaps(&counter.values, known, scale)))
    };
    let pools = Pool::ALL
        .into_iter()
        .filter_map(|pool| bytes(pool_name(pool), log.counter(CounterKind::PoolBytes(pool))?, 1.0));
    let available = log.counters.iter().find_map(|counter| match counter.kind {
        CounterKind::AvailableBytes { scale } => bytes("Available memory".to_owned(), counter, scale as f64),
        _ => None,
    });
    let handles = || log.counters.iter().filter(|counter| counter.kind == CounterKind::HandleCount);
    let of_process = |name: &str| handles().find(|counter| counter.path.instance == name);
    let mut counters: Vec<&Counter> =
        analysis.processes.iter().filter_map(|process| of_process(&process.process)).take(PROCESSES).collect();
    if counters.is_empty() {
        let last = |counter: &&Counter| counter.values.iter().rev().find_map(|value| *value).unwrap_or(0.0);
        // Sums of all processes begin with an underscore in each language.
        counters = handles().filter(|counter| !counter.path.instance.starts_with('_')).collect();
        counters.sort_by(|a, b| last(b).total_cmp(&last(a)));
        counters.truncate(LARGEST_PROCESSES);
    }
    // A process that is not logged yet has not started.
    let handles = counters
        .into_iter()
        .map(|counter| PanelCurve::complete(counter.path.instance.clone(), without_gaps(&counter.values, 0.0, 1.0)));
    let panels = [
        panel("Pool bytes", AxisUnit::Bytes, &times, pools.collect()),
        panel("Available memory", AxisUnit::Bytes, &times, available.into_iter().collect()),
        panel("Handles by process", AxisUnit::Count, &times, handles.collect()),
    ];
    let restart = times.get(analysis.first_sample).copied().filter(|_| analysis.first_sample > 0);
    let panels = panels.into_iter().flatten().map(|panel| thinned(Panel { restart, ..panel }, POINTS)).collect();
    let zone = if log.bias_ms.is_some() { Zone::Utc } else { Zone::Local };
    let length = times.last().copied().unwrap_or(0.0);
    piece_curves(panels, Some((first, zone)), length)
}

/// A panel with at most `most` points and the last one; what is left out between two points is in their extremes.
fn thinned(mut panel: Panel, most: usize) -> Panel {
    let count = panel.times.len();
    let step = count.div_ceil(most.max(1));
    if step <= 1 {
        return panel;
    }
    let last = count - 1;
    let kept: Vec<usize> = (0..last).step_by(step).chain([last]).collect();
    let at = |values: &[f64]| -> Vec<f64> { kept.iter().filter_map(|at| values.get(*at)).copied().collect() };
    for curve in &mut panel.curves {
        let between = kept.windows(2).filter_map(|pair| curve.values.get(pair[0]..=pair[1]));
        let extremes = between.map(|values| {
            let ends = (f64::INFINITY, f64::NEG_INFINITY);
            values.iter().fold(ends, |(low, high), value| (value.min(low), value.max(high)))
        });
        curve.extremes = extremes.collect();
        curve.values = at(&curve.values);
    }
    panel.times = at(&panel.times);
    panel
}

/// Values in units of `scale`; where one is missing, that before it, at first `before`.
fn without_gaps(values: &[Option<f64>], before: f64, scale: f64) -> Vec<f64> {
    let mut last = before;
    let mut filled = |value: &Option<f64>| {
        last = value.unwrap_or(last);
        last * scale
    };
    values.iter().map(&mut filled).collect()
}

/// Tags of pool snapshots.
fn snapshot_curves(content: &SnapshotEvidence, name: &str, remarks: &mut Vec<String>) -> Option<PieceCurves> {
    let series = &content.series;
    if series.points.len() < 2 {
        remarks.push(format!("{name} holds one snapshot, which has no curve"));
        return None;
    }
    let hours = series.hours().filter(|_| series.span_hours().is_some());
    let times: Vec<f64> = match &hours {
        Some(hours) => hours.iter().map(|hours| hours * 3600.0).collect(),
        None => (0..series.points.len()).map(|at| at as f64 * ASSUMED_INTERVAL_S).collect(),
    };
    let curves = tag_curves(series).into_iter().map(|curve| PanelCurve::complete(curve.name, curve.bytes));
    let curves: Vec<PanelCurve> = curves.collect();
    if curves.is_empty() {
        remarks.push(format!("No tag of {name} changes"));
    } else if hours.is_none() {
        remarks.push(format!("{name} has no times and is drawn separately, as if one snapshot was taken each hour"));
    }
    let zone = if series.is_utc { Zone::Utc } else { Zone::Local };
    let zero = series.points.first().and_then(|point| point.time_ms).filter(|_| hours.is_some()).map(|ms| (ms, zone));
    let length = times.last().copied().unwrap_or(0.0);
    let panels = panel("Allocated bytes by Pool Tag", AxisUnit::Bytes, &times, curves);
    Some(piece_curves(panels.into_iter().collect(), zero, length))
}

/// Pools of a trace.
fn trace_curves(
    content: &TraceEvidence,
    name: &str,
    remarks: &mut Vec<String>,
    cancel: Cancel<'_>,
) -> Result<Option<PieceCurves>, Cancelled> {
    let trace = &content.trace;
    if !trace.has_times() {
        remarks.push(format!("{name} is not drawn: a debugger log has no times"));
        return Ok(None);
    }
    let values = ColumnValues::new(Arc::clone(trace), FrameNaming::Symbol);
    let set = match pool_curves(&values, trace.extent, cancel) {
        Ok(set) => set,
        Err(SeriesError::Cancelled) => return Err(Cancelled),
        Err(error) => {
            remarks.push(format!("{name} is not drawn: {error}"));
            return Ok(None);
        }
    };
    let seconds = |time| trace.clock.seconds(time) - trace.clock.seconds(trace.extent.from);
    let times: Vec<f64> = set.times.iter().map(|time| seconds(*time)).collect();
    let curve = |(pool, curve): (Pool, usize)| {
        let values = (0..times.len()).map(|at| set.value(curve, at).as_f64().unwrap_or(0.0));
        PanelCurve::complete(pool_name(pool), values.collect())
    };
    let curves = Pool::ALL.into_iter().zip(0..set.curves.len()).map(curve).collect();
    let has_clock = trace.clock.start_filetime > 0 && unix_ms(trace, trace.extent.from) > 0;
    if !has_clock {
        remarks.push(format!("{name} has no time of day and is drawn separately"));
    }
    let zero = has_clock.then(|| (unix_ms(trace, trace.extent.from), Zone::Utc));
    let recorded = trace.recorded.range;
    let panels = panel("Outstanding bytes by pool", AxisUnit::Bytes, &times, curves);
    let length = times.last().copied().unwrap_or(0.0);
    Ok(Some(PieceCurves {
        recorded: Some((seconds(recorded.from), seconds(recorded.to))),
        ..piece_curves(panels.into_iter().collect(), zero, length)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::evidence::ListingFile;
    use poolscope_analysis::group::parallel::not_cancelled;
    use poolscope_recording::counters::{analyze, parse};
    use poolscope_recording::poolmon::parse::parse_text;
    use poolscope_recording::poolmon::series::SeriesOptions;
    use poolscope_recording::poolmon::{SnapshotInput, SnapshotSeries};
    use std::path::PathBuf;

    const HOUR_S: f64 = 3600.0;

    /// A performance log of eight samples from 08:00 on, one per hour; `zone` is the end of its first heading.
    fn log(zone: &str) -> Piece {
        let mut text = format!(
            "\"(PDH-CSV 4.0){zone}\",\"\\\\S\\Memory\\Pool Nonpaged Bytes\",\"\\\\S\\Process(a)\\Handle Count\"\n"
        );
        for hour in 0..8 {
            let value = if hour == 3 { " ".to_owned() } else { format!("{}", hour * 1000) };
            text += &format!("\"07/24/2026 {:02}:00:00.000\",\"{value}\",\"{}\"\n", 8 + hour, 10 * hour);
        }
        let log = parse(text.as_bytes()).expect("a log");
        let analysis = analyze(&log);
        Piece::of_counters(CounterEvidence { path: PathBuf::from("perf.csv"), log, analysis })
    }

    /// Three snapshots, one per hour from this hour of this day on; without a day they have no times.
    fn listings(first: Option<(u32, u32)>) -> Piece {
        let text: String = (0..3)
            .map(|at| {
                let time = first.map_or_else(String::new, |(day, hour)| format!("2026-07-{day} {:02}:00:00\n", hour + at));
                let blocks = 1000 + at * 100;
                format!("{time} Tag  Type     Allocs            Frees            Diff   Bytes       Per Alloc\n Leak Nonp {} 10 {blocks} {} 1024\n\n",
                    blocks + 10, blocks * 1024)
            })
            .collect();
        let file = parse_text(&text).expect("snapshots");
        let listing = ListingFile { path: PathBuf::from("snap.txt"), modified_ms: None, file };
        let input = SnapshotInput::new("snap.txt".to_owned(), None, listing.file.clone());
        let series = SnapshotSeries::new(vec![input], &SeriesOptions::default()).expect("a series");
        Piece::of_snapshots(SnapshotEvidence { files: vec![listing], series })
    }

    fn timeline(pieces: &[Piece]) -> Timeline {
        Timeline::new(pieces, &not_cancelled).expect("not canceled")
    }

    #[test]
    fn evidence_on_one_clock_has_one_axis() {
        let timeline = timeline(&[log(" (W. Europe Daylight Time)(-120)"), listings(Some((24, 10)))]);
        assert_eq!((timeline.axes.len(), timeline.remarks.len()), (1, 0), "{:?}", timeline.remarks);
        let axis = &timeline.axes[0];
        assert_eq!(axis.title, "2026-07-24 08:00:00 to 2026-07-24 15:00:00");
        assert_eq!(axis.range, (0.0, 7.0 * HOUR_S));
        let titles: Vec<&str> = axis.panels.iter().map(|panel| panel.title.as_str()).collect();
        let wanted = ["Pool bytes, perf.csv", "Handles by process, perf.csv", "Allocated bytes by Pool Tag, snap.txt"];
        assert_eq!(titles, wanted);
        assert_eq!(axis.panels[2].times, [2.0 * HOUR_S, 3.0 * HOUR_S, 4.0 * HOUR_S], "10:00 is two hours after 08:00");
        let pool = &axis.panels[0].curves[0];
        assert_eq!(
            (pool.name.as_str(), &pool.values[..5]),
            ("Nonpaged pool", &[0.0, 1000.0, 2000.0, 2000.0, 4000.0][..])
        );
    }

    #[test]
    fn other_days_and_missing_times_are_drawn_separately() {
        let far = timeline(&[log(" (UTC)(0)"), listings(Some((28, 10)))]);
        assert_eq!(far.axes.len(), 2);
        assert_eq!(far.remarks, ["snap.txt begins 4 days after the evidence before it and is drawn separately"]);
        let none = timeline(&[log(" (UTC)(0)"), listings(None)]);
        assert_eq!((none.axes.len(), none.axes[1].zero_ms), (2, None));
        assert!(none.remarks[0].starts_with("snap.txt has no times and is drawn separately"), "{:?}", none.remarks);
        assert_eq!(none.axes[1].panels[0].times.len(), 3);
    }

    #[test]
    fn long_curves_keep_their_peaks() {
        let mut values: Vec<f64> = (0..1000).map(f64::from).collect();
        values[503] = 9999.0;
        let times = values.iter().enumerate().map(|(at, _)| at as f64).collect::<Vec<_>>();
        let panel =
            panel("", AxisUnit::Bytes, &times, vec![PanelCurve::complete(String::new(), values)]).expect("a panel");
        let thin = thinned(panel.clone(), 100);
        assert_eq!((thin.times.len(), thin.times.first(), thin.times.last()), (101, Some(&0.0), Some(&999.0)));
        assert_eq!(thin.curves[0].extremes[50], (500.0, 9999.0));
        assert_eq!(thin.curves[0].values[50], 500.0);
        assert_eq!(thinned(panel.clone(), 1000), panel);
    }

    #[test]
    fn one_piece_keeps_its_part_of_the_axis() {
        let whole = timeline(&[log(" (UTC)(0)"), listings(Some((24, 10)))]);
        let part = whole.of_piece(1);
        assert_eq!((part.axes.len(), part.axes[0].panels.len()), (1, 1));
        assert_eq!(part.axes[0].range, (2.0 * HOUR_S, 4.0 * HOUR_S));
        assert_eq!(part.axes[0].title, "2026-07-24 10:00:00 to 2026-07-24 12:00:00");
        assert!(whole.of_piece(7).axes.is_empty());
    }
}
