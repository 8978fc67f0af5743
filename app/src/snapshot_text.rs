//! Sentences and cells about series of pool snapshots, shared by the command line, the window and the report.

use crate::format;
use poolscope_analysis::group::pool_tags::{BUILT_IN_MARK, PoolTags, built_in_description};
use poolscope_analysis::trace::attributes::Tag;
use poolscope_recording::poolmon::parse::{SnapshotFile, UnparsedLine};
use poolscope_recording::poolmon::series::{Exhaustion, GrowthRate, PoolLoad, SeriesFinding, SnapshotSeries, TagTrend};
use poolscope_recording::poolmon::tag_notes::tag_note;
use poolscope_recording::poolmon::{Pool, SnapshotScope, SnapshotTime, time};

/// Hours beyond which an exhaustion is too far away to be named: ten years.
const FAR_HOURS: f64 = 87_660.0;
/// Tags of a group that a sentence names.
const NAMED: usize = 4;
/// Lines that look like data and are shown before "and N more".
const DATA_LINES_SHOWN: usize = 10;

/// A rate such as `29.3 MB/h`.
#[must_use]
pub fn per_hour(bytes_per_hour: f64) -> String {
    let sign = if bytes_per_hour <= -0.5 { "-" } else { "" };
    format!("{sign}{}/h", format::bytes(bytes_per_hour.abs().round() as u64))
}

/// A rate with its interval of confidence: `29.3 MB/h (28.9 MB/h to 29.7 MB/h)`.
#[must_use]
pub fn rate(rate: &GrowthRate) -> String {
    let text = per_hour(rate.bytes_per_hour);
    match rate.interval {
        Some((low, high)) if per_hour(low) != text || per_hour(high) != text => {
            format!("{text} ({} to {})", per_hour(low), per_hour(high))
        }
        _ => text,
    }
}

/// Number of intervals that rose: `11 of 11`.
#[must_use]
pub fn rose(trend: &TagTrend) -> String {
    format!("{} of {}", format::count(trend.rose as u64), format::count(trend.intervals as u64))
}

/// Source and extent of the times of a series; `None` if it has none.
#[must_use]
pub fn times(series: &SnapshotSeries) -> Option<String> {
    let source = series.time_source?;
    let (first, last) = (series.points.first()?.time_ms?, series.points.last()?.time_ms?);
    let zone = if series.is_utc { " UTC" } else { "" };
    let hours = format::long_duration((last - first) as f64 / 1000.0);
    let extent = if source == poolscope_recording::poolmon::TimeSource::Interval {
        format!("{hours} in all")
    } else {
        format!("{} to {}{zone}, {hours}", time::text(first), time::text(last))
    };
    let open = if series.is_date_order_open {
        "; day and month could be exchanged, the number before the slash is taken as the month"
    } else {
        ""
    };
    Some(format!("Times from {}: {extent}{open}", source.sentence_name()))
}

/// Names of the tags of a finding: `Leak`, or `WCsc, WCfc, NtFC and 6 more`.
#[must_use]
pub fn finding_name(finding: &SeriesFinding<'_>) -> String {
    let names: Vec<&str> = finding.members.iter().map(|trend| trend.tag.trim_end()).collect();
    let shown = names.get(..NAMED).unwrap_or(&names).join(", ");
    let rest = names.len().saturating_sub(NAMED);
    if rest > 0 { format!("{shown} and {rest} more") } else { shown }
}

/// Sentence about something that grows steadily: rate, growth, course, and when memory is exhausted.
#[must_use]
pub fn finding(series: &SnapshotSeries, finding: &SeriesFinding<'_>) -> String {
    let name = finding_name(finding);
    let verb = if finding.members.len() > 1 { "grow together" } else { "grows" };
    let pools: Vec<&str> = Pool::ALL
        .into_iter()
        .filter(|pool| finding.members.iter().any(|trend| trend.pool == *pool))
        .map(Pool::sentence_name)
        .collect();
    let growth = format::delta_bytes(finding.growth_bytes);
    let of_rate = finding.bytes_per_hour.iter().flatten().copied().reduce(|sum, rate| sum + rate);
    let rate = of_rate.map_or_else(String::new, |rate| format!(" by {}", per_hour(rate)));
    let span =
        series.span_hours().map_or_else(String::new, |hours| format!(" in {}", format::long_duration(hours * 3600.0)));
    let course = match finding.members.as_slice() {
        [trend] => course(trend),
        _ => String::new(),
    };
    let end =
        Pool::ALL.into_iter().zip(finding.bytes_per_hour).filter_map(|(pool, rate)| series.exhaustion(pool, rate?));
    let end = end
        .min_by(|a, b| a.hours.total_cmp(&b.hours))
        .and_then(exhaustion)
        .map_or_else(String::new, |end| format!("; {end}"));
    format!("{name} {verb}{rate} in {}: {growth}{span}{course}{end}", pools.join(" and "))
}

/// Course of a trend as the end of a sentence: `, up in 11 of 11 intervals, straight`.
fn course(trend: &TagTrend) -> String {
    let shape = trend.shape.map_or_else(String::new, |shape| format!(", {}", shape.name()));
    let rose = if trend.intervals > 1 { format!(", up in {} intervals", rose(trend)) } else { String::new() };
    format!("{rose}{shape}")
}

/// End of a memory resource: `at this rate available memory (24.9 GB) is exhausted in 35 days`.
#[must_use]
pub fn exhaustion(end: Exhaustion) -> Option<String> {
    let (resource, left) = (end.resource.sentence_name(), format::bytes(end.left_bytes));
    let time = format::long_duration(end.hours * 3600.0);
    (end.hours < FAR_HOURS).then(|| format!("at this rate {resource} ({left} left) is exhausted in {time}"))
}

/// Sentences about what a series shows, the most important first; one sentence if nothing grows steadily.
#[must_use]
pub fn summary(series: &SnapshotSeries) -> Vec<String> {
    let findings = series.findings();
    if series.scope == SnapshotScope::PoolSizes {
        return Vec::new();
    }
    if findings.is_empty() {
        return vec!["No tag grows steadily".to_owned()];
    }
    findings.iter().map(|one| finding(series, one)).collect()
}

/// Sentences about the sizes of the pools by `!vm`: share of the limit, growth, and when it ends.
#[must_use]
pub fn memory(series: &SnapshotSeries) -> Vec<String> {
    series.pool_loads().iter().map(pool_load).collect()
}

/// `NonPaged pool: 3.00 GB of 8.00 GB (38 %), +2.00 GB in 2 h 0 min (1.00 GB/h); at this rate …`.
fn pool_load(load: &PoolLoad) -> String {
    let limit = load.limit_bytes.zip(load.share()).map_or_else(String::new, |(limit, share)| {
        format!(" of at most {} ({})", format::bytes(limit), format::percent(share))
    });
    let growth = load.growth_bytes.map_or_else(String::new, |growth| {
        let hours = load.hours.filter(|hours| *hours > 0.0);
        let time = hours.map_or_else(String::new, |hours| format!(" in {}", format::long_duration(hours * 3600.0)));
        let rate = load.bytes_per_hour().map_or_else(String::new, |rate| format!(" ({})", per_hour(rate)));
        format!(", {}{time}{rate}", format::delta_bytes(growth))
    });
    let end = load.exhaustion.and_then(exhaustion).map_or_else(String::new, |end| format!("; {end}"));
    format!("{} pool: {}{limit}{growth}{end}", load.pool.name(), format::bytes(load.used_bytes))
}

/// Sentences about what is left out of a series.
#[must_use]
pub fn left_out(series: &SnapshotSeries) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    for (scope, count) in &series.other_scopes {
        let snapshots = format::counted(*count as u64, "snapshot", "snapshots");
        sentences.push(format!("{snapshots} of another scope ({scope}) not compared with those of {}", series.scope));
    }
    if series.before_restart > 0 {
        let snapshots = format::counted(series.before_restart as u64, "snapshot", "snapshots");
        sentences.push(format!("most allocation counts went down after {snapshots}: Windows was restarted, and only later snapshots are compared"));
    }
    sentences
}

/// Warnings about a file: lines that look like data, each with its number; other lines, counted; samples that were cut.
#[must_use]
pub fn file_warnings(name: &str, file: &SnapshotFile) -> Vec<String> {
    let mut warnings = Vec::new();
    let (count, data) = (file.unparsed_count, file.data_line_count);
    if let Some(UnparsedLine { number, text }) = file.unparsed_lines.first().filter(|_| count > 0) {
        warnings.push(format!("{name}: {count} lines cannot be parsed, the first is line {number}: '{text}'"));
    }
    let first = file.unparsed_lines.first().map(|line| line.number);
    let shown = file.data_lines.iter().filter(|line| Some(line.number) != first).take(DATA_LINES_SHOWN);
    warnings.extend(
        shown.map(|line| {
            format!("{name}: line {} looks like a row and is not understood: '{}'", line.number, line.text)
        }),
    );
    if data > DATA_LINES_SHOWN + 1 {
        warnings.push(format!("{name}: {data} lines in all look like rows and are not understood"));
    }
    if file.cut_searches > 0 {
        warnings.push(format!(
            "{name}: !poolfind was ended early ({}): blocks are missing",
            format::counted(file.cut_searches as u64, "search", "searches")
        ));
    }
    for (time, wanted, found) in &file.cut_samples {
        let time = SnapshotTime::text(time);
        warnings.push(format!(
            "{name}: the sample of {time} has {found} of {wanted} rows and is left out: the file was cut there"
        ));
    }
    warnings
}

/// What is known of a tag: the text of the listing, of a `pooltag.txt`, or a built-in note.
#[must_use]
pub fn known_as(tag: &str, listed: Option<&str>, tags: Option<&PoolTags>) -> String {
    if let Some(text) = listed.filter(|text| !text.is_empty()) {
        return text.to_owned();
    }
    let Ok(bytes) = <[u8; 4]>::try_from(tag.as_bytes()) else { return String::new() };
    if let Some(text) = tags.and_then(|tags| tags.get(Tag(bytes))) {
        let parts = [text.binary.as_str(), text.description.as_str()];
        return parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" - ");
    }
    // The whole note stands below the table.
    let first_part = |text: &'static str| text.split([';', ':']).next().unwrap_or(text);
    let note = tag_note(tag).map(|note| format!("{} - {}", note.driver, first_part(note.text)));
    note.or_else(|| built_in_description(Tag(bytes)).map(str::to_owned))
        .map_or_else(String::new, |text| text + BUILT_IN_MARK)
}

/// Notes on tags with their sources, each once, in the order of `tags`.
#[must_use]
pub fn notes<'t>(tags: impl Iterator<Item = &'t str>) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    for tag in tags {
        let Some(note) = tag_note(tag) else { continue };
        let text = format!("{} ({}): {} [{}]", tag.trim_end(), note.driver, note.text, note.source);
        if !notes.contains(&text) {
            notes.push(text);
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_recording::poolmon::series::SeriesOptions;
    use poolscope_recording::poolmon::{SnapshotInput, parse::parse_text};

    fn series(text: &str) -> SnapshotSeries {
        let input = SnapshotInput::new("a.txt".to_owned(), None, parse_text(text).expect("snapshots"));
        SnapshotSeries::new(vec![input], &SeriesOptions::default()).expect("a series")
    }

    #[test]
    fn a_leak_is_one_sentence() {
        let text: String = (0..5)
            .map(|at| {
                format!(
                    "2026-07-24 {at:02}:00:00\n Memory: 100000K Avail: 10240K\n Leak Nonp {} 10 {} {} 1024\n",
                    1010 + at * 1024,
                    1000 + at * 1024,
                    (1000 + at * 1024) * 1024
                )
            })
            .collect();
        let series = series(&text);
        assert_eq!(
            summary(&series),
            [
                "Leak grows by 1.00 MB/h in nonpaged pool: +4.00 MB in 4 h 0 min, up in 4 of 4 intervals, straight; at this rate available memory \
              (10.0 MB left) is exhausted in 10 h 0 min"
            ]
        );
        assert_eq!(
            times(&series).as_deref(),
            Some("Times from lines with a date: 2026-07-24 00:00:00 to 2026-07-24 04:00:00, 4 h 0 min")
        );
    }

    #[test]
    fn descriptions_come_from_the_listing_first() {
        assert_eq!(known_as("NtFC", Some("x.sys"), None), "x.sys");
        let tags = PoolTags::parse("NtFC - ntfs.sys - CREATE.C\n");
        assert_eq!(known_as("NtFC", None, Some(&tags)), "ntfs.sys - CREATE.C");
        assert!(known_as("NtFC", None, None).starts_with("ntfs.sys - NTFS's record of a file"));
        assert!(known_as("Irp ", None, None).ends_with(BUILT_IN_MARK));
        assert_eq!(known_as("MyTg", None, None), "");
        assert_eq!(notes(["NtFC", "MyTg", "NtFC"].into_iter()).len(), 1);
    }
}
