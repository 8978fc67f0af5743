//! Series: order and source of times, scopes, restarts, findings.

use super::*;
use crate::poolmon::parse::parse_text;

fn input(name: &str, modified_ms: Option<i64>, text: &str) -> SnapshotInput {
    SnapshotInput::new(name.to_owned(), modified_ms, parse_text(text).expect("snapshots"))
}

fn listing(leak: u64) -> String {
    format!(" Leak Nonp {} 10 {leak} {} 100\n File Nonp 500 400 100 4000 40\n", leak + 10, leak * 100)
}

const HOUR_MS: i64 = 3_600_000;

#[test]
fn the_most_exact_source_that_all_have_gives_the_times() {
    let series = |inputs: Vec<SnapshotInput>| SnapshotSeries::new(inputs, &SeriesOptions::default()).expect("a series");
    let dated = format!("2026-07-24 08:00:00\n{}2026-07-24 10:00:00\n{}", listing(1000), listing(5000));
    let of_lines = series(vec![input("a.txt", Some(0), &dated)]);
    assert_eq!((of_lines.time_source, of_lines.span_hours()), (Some(TimeSource::Line), Some(2.0)));
    let of_names = series(vec![
        input("pool_20260724_1000.txt", Some(0), &listing(5000)),
        input("pool_20260724_0800.txt", Some(9 * HOUR_MS), &listing(1000)),
    ]);
    assert_eq!((of_names.time_source, of_names.span_hours()), (Some(TimeSource::FileName), Some(2.0)));
    assert_eq!(of_names.trends[0].growth_bytes, 400_000, "sorted by time, not as given");
    let of_files =
        series(vec![input("a.txt", Some(HOUR_MS), &listing(1000)), input("b.txt", Some(2 * HOUR_MS), &listing(5000))]);
    assert_eq!(
        (of_files.time_source, of_files.span_hours(), of_files.is_utc),
        (Some(TimeSource::FileTime), Some(1.0), true)
    );
    let copied = series(vec![
        input("a.txt", Some(HOUR_MS), &listing(1000)),
        input("b.txt", Some(HOUR_MS + 500), &listing(5000)),
    ]);
    assert_eq!((copied.time_source, copied.trends[0].growth_bytes), (None, 400_000), "copied together");
    let none = series(vec![input("a.txt", Some(HOUR_MS), &format!("{}{}", listing(1000), listing(5000)))]);
    assert_eq!(
        (none.time_source, none.span_hours(), none.points.len()),
        (None, None, 2),
        "one file time is no interval"
    );
    assert_eq!(none.trends[0].rate, None);
    let given = SeriesOptions { interval_ms: Some(HOUR_MS), ..SeriesOptions::default() };
    let every = SnapshotSeries::new(vec![input("a.txt", None, &format!("{}{}", listing(1000), listing(5000)))], &given)
        .expect("a series");
    assert!(every.trends[0].rate.is_some_and(|rate| (rate.bytes_per_hour - 400_000.0).abs() < 1e-6));
}

#[test]
fn scopes_are_never_mixed() {
    let text = format!(
        " System pool information\n{} Session 1 pool information\n Gh05 Paged 9 1 8 800 100\n System pool information\n{} All sessions pool information\n Gh05 Paged 99 1 98 9800 100\n",
        listing(1000),
        listing(3000)
    );
    let inputs = || vec![input("a.txt", None, &text)];
    let system = SnapshotSeries::new(inputs(), &SeriesOptions::default()).expect("a series");
    assert_eq!((system.scope, system.points.len()), (SnapshotScope::System, 2));
    assert_eq!(system.other_scopes, [(SnapshotScope::Session(1), 1), (SnapshotScope::AllSessions, 1)]);
    assert!(system.trends.iter().all(|trend| trend.tag != "Gh05"));
    let options = SeriesOptions { scope: Some(SnapshotScope::AllSessions), ..SeriesOptions::default() };
    let sessions = SnapshotSeries::new(inputs(), &options).expect("a series");
    assert_eq!((sessions.points.len(), sessions.trends[0].growth_bytes), (1, 0));
}

#[test]
fn counters_that_begin_anew_are_a_restart() {
    let text = [5000, 6000, 7000, 100, 300, 500].map(listing).concat();
    let text = text.replace(" File Nonp 500 400 100", " File Nonp 500 400 100");
    let series = SnapshotSeries::new(vec![input("a.txt", None, &text)], &SeriesOptions::default()).expect("a series");
    assert_eq!((series.before_restart, series.points.len(), series.is_reversed), (3, 3, false));
    assert_eq!(series.trend("Leak", Pool::NonPaged).map(|trend| trend.growth_bytes), Some(40_000));
    let reversed = [7000, 6000, 5000].map(listing).concat();
    let series =
        SnapshotSeries::new(vec![input("a.txt", None, &reversed)], &SeriesOptions::default()).expect("a series");
    assert_eq!((series.before_restart, series.points.len(), series.is_reversed), (0, 3, true));
}

#[test]
fn rates_have_an_interval_of_confidence() {
    // A slope of 1,000 bytes per hour with an error of known size.
    let noise = [30, -40, 10, -20, 50, -30, 0, 20, -50, 40, -10, 5];
    let text: String = noise
        .iter()
        .enumerate()
        .map(|(at, noise)| {
            let bytes = 1_000_000 + 10_000 * at as i64 + 100 * noise;
            format!("2026-07-24 {at:02}:00:00\n Leak Nonp {} 10 {} {bytes} 100\n", 10_000 + at * 100, 9990 + at * 100)
        })
        .collect();
    let series = SnapshotSeries::new(vec![input("a.txt", None, &text)], &SeriesOptions::default()).expect("a series");
    let rate = series.trends[0].rate.expect("a rate");
    let (low, high) = rate.interval.expect("an interval");
    assert!(low < 10_000.0 && 10_000.0 < high && high - low < 1500.0, "{rate:?}");
    assert_eq!((series.trends[0].intervals, series.trends[0].rose, series.trends[0].fell), (11, 11, 0));
    assert_eq!(series.trends[0].shape, Some(TrendShape::Straight));
}

#[test]
fn memory_ends_where_the_least_is_left() {
    let text = |hour: u8, leak: u64| {
        format!(
            "2026-07-24 {hour:02}:00:00\n Memory: 1000K Avail: 400K  PageFlts: 1   InRam Krnl:1K P:1K\n Commit: 500K Limit: 800K Peak: 900K            Pool N: 90K P: 10K\n{}",
            listing(leak)
        )
    };
    let series =
        SnapshotSeries::new(vec![input("a.txt", None, &(text(8, 1000) + &text(9, 2000)))], &SeriesOptions::default())
            .expect("a series");
    let end = series.exhaustion(Pool::NonPaged, 102_400.0).expect("an end");
    assert_eq!((end.resource, end.left_bytes), (Resource::Commit, 300 << 10));
    assert!((end.hours - 3.0).abs() < 1e-9);
    assert_eq!(series.exhaustion(Pool::Paged, 0.0), None);
    assert_eq!(series.findings().len(), 1);
}
