//! Tests of exports of small results.

use super::report::{DocumentHeader, MetricTable};
use crate::group::key::Key;
use crate::group::parallel::not_cancelled;
use crate::group::test_util::{Block, HZ, block, names};
use crate::pivot::{Metric, PivotRequest, SortLevel, pivot};
use crate::series::{SeriesRequest, series};
use crate::trace::summary::TraceOrigin;
use crate::trace::time::{Clock, ClockKind, Ticks, TimeRange};
use serde_json::{Value, json};

const VIEW: TimeRange = TimeRange { from: Ticks(0), to: Ticks(10_000) };

fn header() -> DocumentHeader<'static> {
    let clock = Clock { kind: ClockKind::Qpc, ticks_per_second: HZ, start_filetime: 0 };
    DocumentHeader {
        trace: "a \"b\".etl",
        visible_range: VIEW,
        recorded_range: VIEW,
        analyzed_range: VIEW,
        clock,
        origin: TraceOrigin::Recording,
    }
}

fn blocks() -> Vec<Block> {
    vec![
        Block { stack: &["app:10", "my:30"], ..block(Some(1000), None, 40) },
        Block { tag: b"A\x00,\"", session: Some(2), ..block(None, Some(500), 7) },
    ]
}

fn write(keys: &[Key], metrics: &[Metric]) -> (String, String) {
    let table =
        pivot(&names(&blocks()), &PivotRequest { keys, visible_range: VIEW, rows: None }, &not_cancelled).unwrap();
    let order = table.sorted(SortLevel::default());
    let table = MetricTable {
        pivot: &table,
        order: &order,
        metrics,
        value: &|group, metric| match group {
            Some(group) => table.value(group as usize, metric),
            None => metric.of(table.total(), table.clock()),
        },
    };
    let (mut json, mut csv) = (Vec::new(), Vec::new());
    table.write_json(&mut json, &header()).unwrap();
    table.write_csv(&mut csv).unwrap();
    (String::from_utf8(json).unwrap(), String::from_utf8(csv).unwrap())
}

#[test]
fn a_report_has_one_field_per_value() {
    let keys = [Key::Type, Key::Tag, Key::Stack, Key::Session, Key::AllocTime, Key::Address];
    let (json_text, csv) = write(&keys, &[Metric::Count, Metric::Average, Metric::LifetimeMax]);
    let address = "0xffff900000000000";
    let expected = json!({
        "trace": "a \"b\".etl",
        "range": {"from": 0.0, "to": 10.0},
        "recorded_range": {"from": 0.0, "to": 10.0},
        "analyzed_range": {"from": 0.0, "to": 10.0},
        "by": ["type", "tag", "stack", "session", "alloc_time", "address"],
        "row_count": 2,
        "total": {"count": 2, "average": 23.5, "lifetime_max_s": null},
        "rows": [
            {"type": "AIFO", "tag": "Leak", "stack": ["app.exe+0x10", "myfault.sys+0x30"], "session": null,
             "alloc_time": 1.0, "address": address, "count": 1, "average": 40.0, "lifetime_max_s": null},
            {"type": "AOFI", "tag": "A\\x00,\"", "stack": [], "session": 2,
             "alloc_time": null, "address": address, "count": 1, "average": 7.0, "lifetime_max_s": null},
        ],
    });
    assert_eq!(serde_json::from_str::<Value>(&json_text).unwrap(), expected);
    let lines = [
        "type,tag,stack,session,alloc_time,address,count,average,lifetime_max_s",
        "AIFO,Leak,app.exe+0x10;myfault.sys+0x30,,1.0,0xffff900000000000,1,40.0,",
        "AOFI,\"A\\x00,\"\"\",,2,,0xffff900000000000,1,7.0,",
    ];
    assert_eq!(csv.lines().collect::<Vec<_>>(), lines);
}

#[test]
fn a_report_without_keys_is_valid() {
    let (json_text, csv) = write(&[], &[Metric::Size]);
    let read: Value = serde_json::from_str(&json_text).unwrap();
    assert_eq!(read["rows"], json!([{"size": 47}]));
    assert_eq!(csv, "size\n47\n");
}

#[test]
fn curves_are_rows_of_time_keys_and_value() {
    let names = names(&blocks());
    let request = SeriesRequest {
        keys: &[Key::Tag],
        metric: "cumulative".parse().unwrap(),
        visible_range: VIEW,
        points: 2,
        rows: None,
        include_preexisting: false,
        top: Some(0),
        chosen: None,
    };
    let run = |top| series(&names, &SeriesRequest { top, ..request }, &not_cancelled).unwrap();
    let mut csv = Vec::new();
    super::series::write_csv(&mut csv, &run(None)).unwrap();
    // A tag with only preexisting allocations has a curve of zeros.
    let lines = ["time_s,tag,value", "0.0,Leak,0", "10.0,Leak,40", "0.0,\"A\\x00,\"\"\",0", "10.0,\"A\\x00,\"\"\",0"];
    assert_eq!(String::from_utf8(csv).unwrap().lines().collect::<Vec<_>>(), lines);
    let mut text = Vec::new();
    super::series::write_json(&mut text, &header(), &run(Some(0))).unwrap();
    let read: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(read["measure"], "cumulative");
    assert_eq!(
        read["rows"],
        json!([{"time_s": 0.0, "tag": "(other)", "value": 0}, {"time_s": 10.0, "tag": "(other)", "value": 40}])
    );
}
