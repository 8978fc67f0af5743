//! The series of all snapshots of one scope as the page shows it: what grows, and the curves of the tags that grew most. It reads nothing
//! and draws nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use poolscope_recording::poolmon::series::{SeriesOptions, TagTrend, TrendShape};
use poolscope_recording::poolmon::{Pool, SnapshotInput, SnapshotSeries, TimeSource, time};

use crate::format;
use crate::snapshot_text;

/// Number of curves.
const CURVES: usize = 10;
/// Sentences about what grows.
const SENTENCES: usize = 3;
/// Sentences about groups of tags in lockstep.
const GROUPS: usize = 1;

/// Input of the series.
#[derive(Debug, Clone)]
pub struct SeriesRequest {
    /// Number of the request; the answer to the newest counts.
    pub number: u64,
    /// The files and pasted texts.
    pub inputs: Vec<Arc<SnapshotInput>>,
    /// Choices of the user.
    pub options: SeriesOptions,
}

/// Curve of one tag.
#[derive(Debug, Clone, PartialEq)]
pub struct TagCurve {
    /// The tag, four characters.
    pub tag: String,
    /// Its pool.
    pub pool: Pool,
    /// Name in the legend.
    pub name: String,
    /// Bytes at each time.
    pub bytes: Vec<f64>,
}

/// Rate and shape of a tag.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TrendCell {
    /// Bytes per hour, if the snapshots have times.
    pub bytes_per_hour: Option<f64>,
    /// The shape, if there are enough snapshots.
    pub shape: Option<TrendShape>,
}

/// Content of the page for a series.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SeriesView {
    /// Number of the request that it answers.
    pub number: u64,
    /// Number of snapshots.
    pub count: usize,
    /// Seconds of each snapshot from the first on; empty if the snapshots have no times.
    pub times: Vec<f64>,
    /// Time of the first snapshot in milliseconds from 1970, if it is known.
    pub first_ms: Option<i64>,
    /// Sentences on what grows, the most important first.
    pub sentences: Vec<String>,
    /// Sentences on the source of the times, and on snapshots that are left out.
    pub remarks: Vec<String>,
    /// True if something grows steadily.
    pub is_growing: bool,
    /// Rate in bytes per hour and shape of each tag in each pool.
    pub trends: BTreeMap<(String, Pool), TrendCell>,
    /// Curves of the tags that grew most, steady growth first.
    pub curves: Vec<TagCurve>,
    /// Bytes of all rows at each time.
    pub total: Vec<f64>,
}

impl SeriesRequest {
    /// The answer; `None` if there are fewer than two snapshots of one scope.
    #[must_use]
    pub fn run(&self) -> Option<SeriesView> {
        let inputs = self.inputs.iter().map(|input| SnapshotInput::clone(input)).collect();
        let series = SnapshotSeries::new(inputs, &self.options).filter(|series| series.points.len() > 1)?;
        let times: Vec<f64> = series.hours().unwrap_or_default().iter().map(|hours| hours * 3600.0).collect();
        let has_times = series.span_hours().is_some();
        let mut sentences = snapshot_text::summary(&series);
        sentences.extend(snapshot_text::memory(&series));
        let more = sentences.len().saturating_sub(SENTENCES);
        sentences.truncate(SENTENCES);
        if more > 0 {
            sentences.push(format!("{} more", format::count(more as u64)));
        }
        let groups = series.findings().into_iter().filter_map(|finding| Some(finding.group?.sentence())).take(GROUPS);
        let groups: Vec<String> = groups.collect();
        let others = snapshot_text::times(&series).into_iter().chain(snapshot_text::left_out(&series));
        let remarks = groups.into_iter().chain(others.map(|remark| format::sentence_case(&remark))).collect();
        let cell = |trend: &TagTrend| TrendCell {
            bytes_per_hour: trend.rate.map(|rate| rate.bytes_per_hour),
            shape: trend.shape,
        };
        let trends = series.trends.iter().map(|trend| ((trend.tag.clone(), trend.pool), cell(trend))).collect();
        let nonpaged = series.snapshots().map(|snapshot| snapshot.bytes_in(Pool::NonPaged) as f64);
        let paged = series.snapshots().map(|snapshot| snapshot.bytes_in(Pool::Paged) as f64);
        Some(SeriesView {
            number: self.number,
            count: series.points.len(),
            first_ms: series
                .points
                .first()
                .and_then(|point| point.time_ms)
                .filter(|_| series.time_source != Some(TimeSource::Interval)),
            sentences,
            remarks,
            trends,
            is_growing: series.trends.iter().any(|trend| trend.is_steady_growth),
            curves: if has_times { tag_curves(&series) } else { Vec::new() },
            total: nonpaged.zip(paged).map(|(nonpaged, paged)| nonpaged + paged).collect(),
            times: if has_times { times } else { Vec::new() },
        })
    }
}

/// Curves of the tags that changed most, steady growth first.
#[must_use]
pub fn tag_curves(series: &SnapshotSeries) -> Vec<TagCurve> {
    let mut trends: Vec<&TagTrend> = series.trends.iter().filter(|trend| trend.rose + trend.fell > 0).collect();
    let range = |trend: &TagTrend| {
        let bytes = || trend.values.iter().flatten().map(|counts| counts.bytes);
        bytes().max().unwrap_or(0) - bytes().min().unwrap_or(0)
    };
    trends.sort_by(|a, b| b.is_steady_growth.cmp(&a.is_steady_growth).then(range(b).cmp(&range(a))));
    let curve = |trend: &&TagTrend| {
        let mut last = 0.0;
        // Where a truncated snapshot does not show the tag, the curve stays.
        let bytes = trend.values.iter().map(|counts| {
            last = counts.map_or(last, |counts| counts.bytes as f64);
            last
        });
        let pool = if trend.pool == Pool::Paged { ", paged" } else { "" };
        TagCurve {
            tag: trend.tag.clone(),
            pool: trend.pool,
            name: format!("{}{pool}", trend.tag.trim_end()),
            bytes: bytes.collect(),
        }
    };
    trends.iter().take(CURVES).map(curve).collect()
}

/// State of the graph that the page keeps.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SeriesState {
    /// The newest answer.
    pub view: Option<Arc<SeriesView>>,
    /// Visible range in seconds; `None` for all.
    pub visible: Option<(f64, f64)>,
    /// Marks, in seconds from the first snapshot.
    pub marks: Vec<f64>,
    /// Names of curves that are not drawn.
    pub hidden: BTreeSet<String>,
    /// Minutes between snapshots, as given by the user; 0 if they are not given.
    pub minutes_apart: u64,
}

impl SeriesState {
    /// The time of day at a time of the graph, if it is known.
    #[must_use]
    pub fn wall_clock(&self, seconds: f64) -> Option<String> {
        let first = self.view.as_ref()?.first_ms?;
        Some(time::text(first.saturating_add((seconds * 1000.0) as i64)))
    }

    /// Length of the series in seconds.
    #[must_use]
    pub fn length(&self) -> Option<f64> {
        self.view.as_ref()?.times.last().copied().filter(|length| *length > 0.0)
    }
}
