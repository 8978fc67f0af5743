//! Trend of each tag over the snapshots of a series: growth, rate per hour with its interval of confidence, number of intervals that
//! rose, shape.

use super::shape::{Line, TREND, TrendShape, shape};
use crate::poolmon::comparison::counter_increase;
use crate::poolmon::{Pool, Snapshot, TagCounts};
use std::collections::BTreeMap;

/// Smallest growth that is a finding, in bytes, and as a share of the tag's pool.
const GROWTH_MIN: (f64, f64) = (65_536.0, 0.000_2);
/// Smallest distance of a slope from zero, in half widths of its interval of confidence: among hundreds of tags, some leave the interval
/// itself by chance.
const CERTAIN: f64 = 2.0;
/// Smallest share of the intervals that rise in steady growth.
const ROSE_MIN: f64 = 0.3;

/// Growth per hour.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct GrowthRate {
    /// Least-squares slope of the bytes.
    pub bytes_per_hour: f64,
    /// Ends of the interval in which the slope lies with a confidence of 95 %; `None` with fewer than three snapshots.
    pub interval: Option<(f64, f64)>,
    /// Least-squares slope of the blocks.
    pub blocks_per_hour: f64,
}

/// Trend of one tag in one pool.
#[derive(Clone, PartialEq, Debug)]
pub struct TagTrend {
    /// Tag, four characters.
    pub tag: String,
    /// The pool.
    pub pool: Pool,
    /// Counts in each snapshot of the series; `None` where a truncated snapshot does not show the tag.
    pub values: Vec<Option<TagCounts>>,
    /// Change of the bytes from the first to the last snapshot that shows the tag.
    pub growth_bytes: i64,
    /// Change of the blocks.
    pub growth_blocks: i64,
    /// Allocations in between, modulo wrapped counters; `None` if not counted.
    pub allocs: Option<i64>,
    /// Frees in between, as for `allocs`.
    pub frees: Option<i64>,
    /// Number of intervals between snapshots that show the tag.
    pub intervals: usize,
    /// Number of intervals in which the bytes rose.
    pub rose: usize,
    /// Number of intervals in which the bytes fell.
    pub fell: usize,
    /// Rate, if the series has times.
    pub rate: Option<GrowthRate>,
    /// Shape; `None` with fewer than four snapshots.
    pub shape: Option<TrendShape>,
    /// The tag grows, the growth goes on, is certain and is not negligible.
    pub is_steady_growth: bool,
    /// Driver or description of the tag from the snapshots, if known.
    pub description: Option<String>,
    /// The tool rounded the figures.
    pub is_rounded: bool,
}

/// Trends of all tags of snapshots in the order of time: steady growth first, by rate, then by growth. `hours`: times of the snapshots.
#[must_use]
pub fn tag_trends(snapshots: &[&Snapshot], hours: Option<&[f64]>) -> Vec<TagTrend> {
    let mut tags: BTreeMap<(&str, Pool), TagRows<'_>> = BTreeMap::new();
    for (at, snapshot) in snapshots.iter().enumerate() {
        for row in &snapshot.rows {
            let rows = tags.entry((row.tag.as_str(), row.pool)).or_insert_with(|| TagRows {
                counts: vec![None; snapshots.len()],
                description: None,
                is_rounded: false,
            });
            if let Some(slot) = rows.counts.get_mut(at) {
                *slot = Some(row.counts);
            }
            rows.description = row.description.as_deref().or(rows.description);
            rows.is_rounded |= row.is_rounded;
        }
    }
    let is_truncated: Vec<[bool; 2]> =
        snapshots.iter().map(|snapshot| Pool::ALL.map(|pool| snapshot.unseen_bytes(pool).is_some())).collect();
    let last_bytes = Pool::ALL.map(|pool| snapshots.last().map_or(0, |snapshot| snapshot.bytes_in(pool)));
    let of_pool = |pool: Pool| usize::from(pool == Pool::Paged);
    let steps: Vec<f64> = (0..snapshots.len()).map(|at| at as f64).collect();
    let mut trends: Vec<TagTrend> = tags
        .into_iter()
        .map(|((tag, pool), mut rows)| {
            let truncated = is_truncated.iter().map(|pools| pools.get(of_pool(pool)).copied().unwrap_or(false));
            // A complete snapshot without the tag has no block of it.
            rows.counts
                .iter_mut()
                .zip(truncated)
                .filter(|(counts, truncated)| counts.is_none() && !truncated)
                .for_each(|(counts, _)| *counts = Some(TagCounts::default()));
            let pool_bytes = last_bytes.get(of_pool(pool)).copied().unwrap_or(0);
            rows.trend(tag, pool, hours.unwrap_or(&steps), hours.is_some(), pool_bytes)
        })
        .collect();
    trends.sort_by(|a, b| {
        let order = b.is_steady_growth.cmp(&a.is_steady_growth).then(b.growth_bytes.cmp(&a.growth_bytes));
        order.then_with(|| (&a.tag, a.pool).cmp(&(&b.tag, b.pool)))
    });
    trends
}

/// Rows of one tag in all snapshots.
struct TagRows<'s> {
    counts: Vec<Option<TagCounts>>,
    description: Option<&'s str>,
    is_rounded: bool,
}

impl TagRows<'_> {
    fn trend(self, tag: &str, pool: Pool, times: &[f64], has_times: bool, pool_bytes: u64) -> TagTrend {
        let known: Vec<(f64, TagCounts)> =
            times.iter().zip(&self.counts).filter_map(|(time, counts)| Some((*time, (*counts)?))).collect();
        let (at, bytes): (Vec<f64>, Vec<f64>) = known.iter().map(|(time, counts)| (*time, counts.bytes as f64)).unzip();
        let blocks: Vec<f64> = known.iter().map(|(_, counts)| counts.blocks as f64).collect();
        let ends = known.first().zip(known.last());
        let change = |of: fn(&TagCounts) -> u64| {
            let difference = ends.map_or(0, |((_, first), (_, last))| i128::from(of(last)) - i128::from(of(first)));
            i64::try_from(difference).unwrap_or(if difference < 0 { i64::MIN } else { i64::MAX })
        };
        let (growth_bytes, growth_blocks) = (change(|counts| counts.bytes), change(|counts| counts.blocks));
        let pairs = || known.windows(2).map(|pair| (pair[0].1, pair[1].1));
        let line = Line::fit(&at, &bytes);
        let rate = line.filter(|_| has_times && known.len() >= 2).map(|line| GrowthRate {
            bytes_per_hour: line.slope,
            interval: (known.len() >= 3).then(|| confidence_interval(line, known.len())),
            blocks_per_hour: Line::fit(&at, &blocks).map_or(0.0, |line| line.slope),
        });
        let shape = shape(&at, &bytes);
        let rose = pairs().filter(|(before, after)| after.bytes > before.bytes).count();
        let intervals = known.len().saturating_sub(1);
        let is_certain = line.is_some_and(|line| explains(line, &at, &bytes));
        let is_material = growth_bytes as f64 >= GROWTH_MIN.0.max(GROWTH_MIN.1 * pool_bytes as f64);
        let is_steady_growth = is_material
            && is_certain
            && shape.is_none_or(TrendShape::goes_on)
            && rose as f64 >= ROSE_MIN * intervals as f64;
        TagTrend {
            tag: tag.to_owned(),
            pool,
            growth_bytes,
            growth_blocks,
            allocs: counted(pairs(), |counts| counts.allocs),
            frees: counted(pairs(), |counts| counts.frees),
            intervals,
            rose,
            fell: pairs().filter(|(before, after)| after.bytes < before.bytes).count(),
            rate,
            shape,
            is_steady_growth,
            description: self.description.map(str::to_owned),
            is_rounded: self.is_rounded,
            values: self.counts,
        }
    }
}

/// Returns `true` if a rising line through values at times is no chance and explains a part of their range.
fn explains(line: Line, times: &[f64], values: &[f64]) -> bool {
    let span = times.last().copied().unwrap_or(0.0) - times.first().copied().unwrap_or(0.0);
    let (low, high) = values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
    let half_width = if values.len() >= 3 { line.slope - confidence_interval(line, values.len()).0 } else { 0.0 };
    line.slope > 0.0 && line.slope >= CERTAIN * half_width && line.slope * span >= TREND * (high - low)
}

/// Increase of a counter over all pairs of snapshots that count it. A tag that appears was counted from zero on, and one that
/// disappears is only not shown.
fn counted(pairs: impl Iterator<Item = (TagCounts, TagCounts)>, of: fn(&TagCounts) -> Option<u64>) -> Option<i64> {
    let mut sum = None;
    for (before, after) in pairs {
        let is_empty = |counts: &TagCounts| counts.blocks == 0 && counts.bytes == 0;
        let (from, to) = match (of(&before), of(&after)) {
            (Some(from), Some(to)) => (from, to),
            (None, Some(to)) if is_empty(&before) => (0, to),
            _ => continue,
        };
        sum = Some(sum.unwrap_or(0_i64).saturating_add(counter_increase(from, to)));
    }
    sum
}

/// Two-sided quantiles of Student's t at 95 % for one degree of freedom to ten.
const STUDENT_T: [f64; 10] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];

/// Interval in which a slope through `points` points lies with a confidence of 95 %.
#[must_use]
pub fn confidence_interval(line: Line, points: usize) -> (f64, f64) {
    let degrees = points.saturating_sub(2).max(1);
    let quantile = STUDENT_T.get(degrees - 1).copied().unwrap_or(1.96 + 2.5 / degrees as f64);
    let half = quantile * line.slope_error;
    (line.slope - half, line.slope + half)
}
