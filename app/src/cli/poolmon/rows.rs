//! Rows of the tables of `poolmon`: tags of one snapshot, differences of two, trends of a series.

use crate::cli::table::Column;
use crate::{format, snapshot_text};
use poolscope_analysis::group::pool_tags::PoolTags;
use poolscope_recording::poolmon::series::TagTrend;
use poolscope_recording::poolmon::{Pool, Snapshot, SnapshotComparison, SnapshotSeries, TagDelta};
use serde::Serialize;

/// A row of a table.
pub trait Row: Serialize {
    /// Names of the serialized fields, as the header of a CSV file.
    const FIELDS: &'static [&'static str];

    /// The fields as texts with units.
    fn cells(&self) -> Vec<String>;
}

/// A tag of one snapshot.
#[derive(Serialize)]
pub struct TagRow<'s> {
    tag: &'s str,
    pool: &'static str,
    bytes: u64,
    blocks: u64,
    allocs: Option<u64>,
    frees: Option<u64>,
    bytes_per_block: Option<u64>,
    description: String,
}

impl<'s> TagRow<'s> {
    /// The columns of a table.
    pub fn columns() -> Vec<Column> {
        vec![
            Column::text("Tag"),
            Column::text("Pool"),
            Column::number("Bytes"),
            Column::number("Blocks"),
            Column::number("Allocs"),
            Column::number("Frees"),
            Column::number("Per block"),
            Column::text("Description"),
        ]
    }

    /// The rows of one pool or of both.
    pub fn rows(snapshot: &'s Snapshot, pool: Option<Pool>, tags: Option<&PoolTags>) -> Vec<Self> {
        let rows = snapshot.rows.iter().filter(|row| pool.is_none_or(|pool| pool == row.pool));
        let row = |row: &'s poolscope_recording::poolmon::SnapshotRow| Self {
            tag: &row.tag,
            pool: row.pool.name(),
            bytes: row.counts.bytes,
            blocks: row.counts.blocks,
            allocs: row.counts.allocs,
            frees: row.counts.frees,
            bytes_per_block: row.counts.bytes.checked_div(row.counts.blocks),
            description: snapshot_text::known_as(&row.tag, row.description.as_deref(), tags),
        };
        rows.map(row).collect()
    }
}

impl Row for TagRow<'_> {
    const FIELDS: &'static [&'static str] =
        &["tag", "pool", "bytes", "blocks", "allocs", "frees", "bytes_per_block", "description"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.tag.to_owned(),
            self.pool.to_owned(),
            format::bytes(self.bytes),
            format::count(self.blocks),
            known(self.allocs, format::count),
            known(self.frees, format::count),
            known(self.bytes_per_block, format::bytes),
            self.description.clone(),
        ]
    }
}

/// A tag that changed between two snapshots.
#[derive(Serialize)]
pub struct DeltaRow<'s> {
    tag: &'s str,
    pool: &'static str,
    growth: i64,
    bytes_before: Option<u64>,
    bytes_after: Option<u64>,
    blocks_growth: i64,
    allocs: Option<i64>,
    frees: Option<i64>,
    state: &'static str,
    description: String,
}

impl<'s> DeltaRow<'s> {
    /// The columns of a table.
    pub fn columns() -> Vec<Column> {
        vec![
            Column::text("Tag"),
            Column::text("Pool"),
            Column::number("\u{394} Bytes"),
            Column::number("Before"),
            Column::number("After"),
            Column::number("\u{394} Blocks"),
            Column::number("Allocs"),
            Column::number("Frees"),
            Column::text("State"),
            Column::text("Description"),
        ]
    }

    /// The rows of one pool or of both that changed.
    pub fn rows(comparison: &'s SnapshotComparison, pool: Option<Pool>, tags: Option<&PoolTags>) -> Vec<Self> {
        let row = |row: &'s TagDelta| Self {
            tag: &row.tag,
            pool: row.pool.name(),
            growth: row.bytes,
            bytes_before: row.before.map(|counts| counts.bytes),
            bytes_after: row.after.map(|counts| counts.bytes),
            blocks_growth: row.blocks,
            allocs: row.allocs,
            frees: row.frees,
            state: state(row),
            description: snapshot_text::known_as(&row.tag, row.description.as_deref(), tags),
        };
        comparison.rows.iter().filter(|row| has_changed(row, pool)).map(row).collect()
    }
}

impl Row for DeltaRow<'_> {
    const FIELDS: &'static [&'static str] = &[
        "tag",
        "pool",
        "growth",
        "bytes_before",
        "bytes_after",
        "blocks_growth",
        "allocs",
        "frees",
        "state",
        "description",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.tag.to_owned(),
            self.pool.to_owned(),
            format::signed_bytes(self.growth),
            known(self.bytes_before, format::bytes),
            known(self.bytes_after, format::bytes),
            format::signed_count(self.blocks_growth),
            known(self.allocs, format::signed_count),
            known(self.frees, format::signed_count),
            self.state.to_owned(),
            self.description.clone(),
        ]
    }
}

fn known<N>(number: Option<N>, text: impl FnOnce(N) -> String) -> String {
    number.map_or_else(|| "-".to_owned(), text)
}

/// Returns `true` if any count of the tag changed, or may have changed in a truncated snapshot.
fn has_changed(row: &TagDelta, pool: Option<Pool>) -> bool {
    let counted = [row.allocs, row.frees].into_iter().flatten().any(|n| n != 0);
    let changed = row.bytes != 0 || row.blocks != 0 || counted || row.before_is_truncated || row.after_is_truncated;
    changed && pool.is_none_or(|pool| pool == row.pool)
}

fn state(row: &TagDelta) -> &'static str {
    match (row.before, row.after) {
        (None, _) if row.before_is_truncated => "not listed before",
        (None, _) => "new",
        (_, None) if row.after_is_truncated => "not listed after",
        (_, None) => "gone",
        _ => "",
    }
}

/// A tag over a series.
#[derive(Serialize)]
pub struct TrendRow<'s> {
    tag: &'s str,
    pool: &'static str,
    growth: i64,
    bytes_before: Option<u64>,
    bytes_after: Option<u64>,
    blocks_growth: i64,
    allocs: Option<i64>,
    frees: Option<i64>,
    bytes_per_hour: Option<f64>,
    bytes_per_hour_low: Option<f64>,
    bytes_per_hour_high: Option<f64>,
    intervals: usize,
    rose: usize,
    fell: usize,
    shape: Option<&'static str>,
    is_steady: bool,
    description: String,
    /// Bytes in each snapshot; in JSON only.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<Vec<Option<u64>>>,
    #[serde(skip)]
    trend: &'s TagTrend,
}

impl<'s> TrendRow<'s> {
    /// The columns of a table.
    pub fn columns() -> Vec<Column> {
        vec![
            Column::text("Tag"),
            Column::text("Pool"),
            Column::number("\u{394} Bytes"),
            Column::number("Rate"),
            Column::number("Rose"),
            Column::text("Shape"),
            Column::number("Before"),
            Column::number("After"),
            Column::number("\u{394} Blocks"),
            Column::number("Allocs"),
            Column::number("Frees"),
            Column::text("Description"),
        ]
    }

    /// The rows of one pool or of both that changed; steady growth first.
    pub fn rows(
        series: &'s SnapshotSeries,
        pool: Option<Pool>,
        tags: Option<&PoolTags>,
        with_values: bool,
    ) -> Vec<Self> {
        let has_changed = |trend: &&TagTrend| {
            let counted = [trend.allocs, trend.frees].into_iter().flatten().any(|count| count != 0);
            let moved = trend.growth_bytes != 0 || trend.growth_blocks != 0 || trend.rose > 0 || trend.fell > 0;
            (counted || moved) && pool.is_none_or(|pool| pool == trend.pool)
        };
        let row = |trend: &'s TagTrend| {
            let bytes = || trend.values.iter().map(|counts| counts.map(|counts| counts.bytes));
            let interval = trend.rate.and_then(|rate| rate.interval);
            Self {
                tag: &trend.tag,
                pool: trend.pool.name(),
                growth: trend.growth_bytes,
                bytes_before: bytes().next().flatten(),
                bytes_after: bytes().next_back().flatten(),
                blocks_growth: trend.growth_blocks,
                allocs: trend.allocs,
                frees: trend.frees,
                bytes_per_hour: trend.rate.map(|rate| rate.bytes_per_hour),
                bytes_per_hour_low: interval.map(|interval| interval.0),
                bytes_per_hour_high: interval.map(|interval| interval.1),
                intervals: trend.intervals,
                rose: trend.rose,
                fell: trend.fell,
                shape: trend.shape.map(|shape| shape.name()),
                is_steady: trend.is_steady_growth,
                description: snapshot_text::known_as(&trend.tag, trend.description.as_deref(), tags),
                bytes: with_values.then(|| bytes().collect()),
                trend,
            }
        };
        series.trends.iter().filter(has_changed).map(row).collect()
    }
}

impl Row for TrendRow<'_> {
    const FIELDS: &'static [&'static str] = &[
        "tag",
        "pool",
        "growth",
        "bytes_before",
        "bytes_after",
        "blocks_growth",
        "allocs",
        "frees",
        "bytes_per_hour",
        "bytes_per_hour_low",
        "bytes_per_hour_high",
        "intervals",
        "rose",
        "fell",
        "shape",
        "is_steady",
        "description",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.tag.to_owned(),
            self.pool.to_owned(),
            format::signed_bytes(self.growth),
            known(self.trend.rate, |rate| snapshot_text::rate(&rate)),
            snapshot_text::rose(self.trend),
            self.shape.unwrap_or("-").to_owned(),
            known(self.bytes_before, format::bytes),
            known(self.bytes_after, format::bytes),
            format::signed_count(self.blocks_growth),
            known(self.allocs, format::signed_count),
            known(self.frees, format::signed_count),
            self.description.clone(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_recording::poolmon::series::SeriesOptions;
    use poolscope_recording::poolmon::{SnapshotInput, compare, parse};

    fn field_names<R: Row>(row: &R) -> Vec<String> {
        let value = serde_json::to_value(row).expect("a row is an object");
        value.as_object().expect("an object").keys().cloned().collect()
    }

    #[test]
    fn csv_headers_are_the_names_of_the_fields() {
        let text = b" Leak Nonp 100 50 50 5000 100\n";
        let file = parse(text).expect("a snapshot");
        let snapshot = &file.snapshots[0];
        assert_eq!(field_names(&TagRow::rows(snapshot, None, None)[0]), TagRow::FIELDS);
        let mut later = snapshot.clone();
        later.rows[0].counts.bytes += 100;
        let comparison = compare(snapshot, &later);
        assert_eq!(field_names(&DeltaRow::rows(&comparison, None, None)[0]), DeltaRow::FIELDS);
        let input = SnapshotInput { name: String::new(), modified_ms: None, snapshots: vec![snapshot.clone(), later] };
        let series = SnapshotSeries::new(vec![input], &SeriesOptions::default()).expect("a series");
        assert_eq!(field_names(&TrendRow::rows(&series, None, None, false)[0]), TrendRow::FIELDS);
    }
}
