//! HTML report of a series of pool snapshots: what grows, a graph over time, a table of tags, and what to record.

use super::lines::{HEIGHT, Plot, WIDTH, axes};
use super::{escape, page, points};
use crate::{format, snapshot_text};
use poolscope_analysis::group::pool_tags::PoolTags;
use poolscope_recording::poolmon::series::{SnapshotSeries, TagTrend};
use poolscope_recording::poolmon::{TagGroup, TagSuggestion};
use std::io::{self, Write};

/// Number of curves in the graph.
const CURVES: usize = 8;
/// Number of rows in the table.
const ROWS: usize = 100;

/// Input of a report.
pub struct SnapshotReport<'r> {
    /// The series.
    pub series: &'r SnapshotSeries,
    /// Tags to record, and groups.
    pub suggestion: &'r TagSuggestion,
    /// The command that records them.
    pub command: Option<String>,
    /// The list of tags to describe them with.
    pub tags: Option<&'r PoolTags>,
}

/// Writes the report.
///
/// # Errors
/// If the output cannot be written.
pub fn write(out: &mut dyn Write, report: &SnapshotReport<'_>) -> io::Result<()> {
    let series = report.series;
    let sentences: Vec<String> =
        snapshot_text::summary(series).into_iter().chain(snapshot_text::memory(series)).collect();
    let is_steady = series.trends.iter().any(|trend| trend.is_steady_growth);
    let about = format!("{} of {}", format::counted(series.points.len() as u64, "snapshot", "snapshots"), series.scope);
    let summary = sentences.first().map_or("", String::as_str);
    page::head(out, "Pool snapshots", if is_steady { "bad" } else { "calm" }, &escape(&about), summary)?;
    if sentences.len() > 1 {
        writeln!(out, "<ul>")?;
        sentences.iter().skip(1).try_for_each(|sentence| writeln!(out, "<li>{}.</li>", escape(sentence)))?;
        writeln!(out, "</ul>")?;
    }
    let remarks = snapshot_text::times(series).into_iter().chain(snapshot_text::left_out(series));
    for remark in remarks {
        writeln!(out, "<p class=\"dim\">{}.</p>", escape(&format::sentence_case(&remark)))?;
    }
    graph(out, series)?;
    groups(out, &report.suggestion.groups)?;
    table(out, report)?;
    if let Some(command) = &report.command {
        let basis = report.suggestion.basis.sentence();
        writeln!(
            out,
            "<section>\n<h2>Record</h2>\n<p>Tags {}:</p>\n<p><code>{}</code></p>\n</section>",
            escape(basis),
            escape(command)
        )?;
    }
    writeln!(out, "<footer>Created by poolscope {}</footer>\n</body>\n</html>", env!("CARGO_PKG_VERSION"))
}

/// Seconds of each snapshot from the first on; numbers of snapshots if the series has no times.
fn seconds(series: &SnapshotSeries) -> Vec<f64> {
    let hours = series.hours().map(|hours| hours.iter().map(|hours| hours * 3600.0).collect());
    hours.unwrap_or_else(|| (0..series.points.len()).map(|at| at as f64).collect())
}

fn graph(out: &mut dyn Write, series: &SnapshotSeries) -> io::Result<()> {
    let times = seconds(series);
    let shown: Vec<&TagTrend> =
        series.trends.iter().filter(|trend| trend.growth_bytes != 0 || trend.rose > 0).take(CURVES).collect();
    let values = |trend: &TagTrend| trend.values.iter().flatten().map(|counts| counts.bytes as f64).fold(0.0, f64::max);
    let highest = shown.iter().map(|trend| values(trend)).fold(0.0, f64::max);
    let (Some(from_s), Some(to_s)) = (times.first().copied(), times.last().copied()) else { return Ok(()) };
    if highest <= 0.0 || to_s <= from_s {
        return Ok(());
    }
    let plot = Plot { from_s, to_s, highest: highest * 1.04 };
    writeln!(out, "<section>\n<h2>Allocated bytes</h2>")?;
    writeln!(
        out,
        "<svg class=\"graph\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"Allocated bytes over time\">"
    )?;
    axes(out, &plot)?;
    for (at, trend) in shown.iter().enumerate().rev() {
        let known = times
            .iter()
            .zip(&trend.values)
            .filter_map(|(time, counts)| Some((plot.x(*time), plot.y((*counts)?.bytes as f64))));
        writeln!(out, "<polyline class=\"line c{at}\" points=\"{}\"/>", points(known))?;
    }
    writeln!(out, "</svg>\n<ul class=\"legend\">")?;
    for (at, trend) in shown.iter().enumerate() {
        let growth = format::delta_bytes(trend.growth_bytes);
        let name = format!("{}, {}", trend.tag.trim_end(), trend.pool.name());
        writeln!(out, "<li><i class=\"c{at}\"></i>{} <span>{growth}</span></li>", escape(&name))?;
    }
    writeln!(out, "</ul>\n</section>")
}

fn groups(out: &mut dyn Write, groups: &[TagGroup]) -> io::Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section>\n<h2>Tags that grow together</h2>\n<ul>")?;
    groups.iter().try_for_each(|group| writeln!(out, "<li>{}.</li>", escape(&group.sentence())))?;
    writeln!(out, "</ul>\n</section>")
}

fn table(out: &mut dyn Write, report: &SnapshotReport<'_>) -> io::Result<()> {
    let titles = "<th>Pool tag</th><th>Pool</th><th class=\"n\">\u{394} Bytes</th><th class=\"n\">Rate</th><th class=\"n\">Rose</th>\
                  <th>Shape</th><th class=\"n\">\u{394} Blocks</th><th class=\"n\">Allocs</th><th class=\"n\">Frees</th><th>Description</th>";
    writeln!(out, "<section>\n<h2>Tags</h2>\n<div class=\"wide\"><table>\n<thead><tr>{titles}</tr></thead>\n<tbody>")?;
    let changed: Vec<&TagTrend> =
        report.series.trends.iter().filter(|trend| trend.growth_bytes != 0 || trend.rose + trend.fell > 0).collect();
    for trend in changed.iter().take(ROWS) {
        let count = |count: Option<i64>| count.map_or_else(|| "-".to_owned(), format::signed_count);
        let class = if trend.is_steady_growth { " class=\"v bad\"" } else { "" };
        writeln!(
            out,
            "<tr><td class=\"code\"><b{class}>{}</b></td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td></tr>",
            escape(&trend.tag),
            trend.pool.name(),
            format::delta_bytes(trend.growth_bytes),
            trend.rate.map_or_else(|| "-".to_owned(), |rate| snapshot_text::rate(&rate)),
            snapshot_text::rose(trend),
            trend.shape.map_or("-", |shape| shape.name()),
            format::delta_count(trend.growth_blocks),
            count(trend.allocs),
            count(trend.frees),
            escape(&snapshot_text::known_as(&trend.tag, trend.description.as_deref(), report.tags)),
        )?;
    }
    writeln!(out, "</tbody>\n</table></div>")?;
    let rest = changed.len().saturating_sub(ROWS);
    if rest > 0 {
        writeln!(out, "<p class=\"dim\">{} more rows.</p>", format::count(rest as u64))?;
    }
    writeln!(out, "</section>")
}
