//! Data quality of generated traces whose losses are known: the pool's counters compared with the events, wrapped logs, tag filters;
//! and owners of tags, by lists and driver files on disk.

use poolscope::drivers::{scan_folder, tags_of};
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::group::parallel::not_cancelled;
use poolscope_analysis::leaks::data_quality::{DataQualityKind, assess_data_quality};
use poolscope_analysis::leaks::owner::{OwnerSource, TagOwnerData, best_owner_candidate};
use poolscope_analysis::leaks::reconcile::{Reconciliation, reconcile};
use poolscope_analysis::leaks::{
    AnalysisRequest, Finding, LeakAnalysis, Reason, SuspectGrouping, Verdict, WarmUp, analyze,
};
use poolscope_analysis::trace::Trace;
use poolscope_synth::writer::{FileMode, Width};
use poolscope_synth::{GroundTruthRequest, SynthParams};
use poolscope_tests::program::{json, run};
use poolscope_tests::synthetic::{OnDisk, bytes_of, loaded, plant};
use poolscope_tests::variants;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Growth in bytes by tag, session, and whether it is paged.
type Growth = BTreeMap<(String, Option<u32>, bool), i64>;

fn analyzed(trace: &Arc<Trace>) -> LeakAnalysis {
    let names = ColumnValues::new(Arc::clone(trace), FrameNaming::Symbol);
    let request =
        AnalysisRequest { visible_range: trace.extent, grouping: SuspectGrouping::Tag, warm_up: WarmUp::Automatic };
    analyze(&names, request, &not_cancelled).expect("not canceled")
}

fn growth(
    reconciliation: &Reconciliation,
    of: impl Fn(&poolscope_analysis::leaks::reconcile::TagBalance) -> i64,
) -> Growth {
    let mut growth = Growth::new();
    for row in &reconciliation.tags {
        *growth.entry((row.tag.text(), row.session, row.is_paged)).or_default() += of(row);
    }
    growth.retain(|_, bytes| *bytes != 0);
    growth
}

#[test]
fn counters_and_events_agree_to_the_byte_where_nothing_is_lost() {
    for (seed, width) in [(1, Width::Bits64), (2, Width::Bits32), (3, Width::Bits64)] {
        let params = SynthParams { seed, width, preexisting: 3_000, ..variants::base(20_000) };
        let planted = plant(&params, &GroundTruthRequest::default());
        let trace = loaded(planted.bytes);
        let result = reconcile(&trace).expect("it has snapshots");
        let mut expected = Growth::new();
        for row in &planted.truth.rundown_growth {
            expected.insert((row.tag.clone(), row.session, false), row.nonpaged_bytes);
            expected.insert((row.tag.clone(), row.session, true), row.paged_bytes);
        }
        expected.retain(|_, bytes| *bytes != 0);
        assert!(expected.len() > 5, "{expected:?}");
        assert_eq!(growth(&result, |row| row.counted_growth_bytes()), expected, "seed {seed}");
        assert_eq!(growth(&result, |row| row.recorded_growth_bytes), expected, "seed {seed}");
        let differing: Vec<_> = result.tags.iter().filter(|row| row.event_difference() > 0).collect();
        assert!(differing.is_empty(), "{differing:?}");
        assert_eq!((result.recorded_share, result.tags_without_events, result.is_filtered()), (1.0, 0, false));
        let big = result.big_pool.expect("both snapshots list big blocks");
        assert_eq!((big.allocated, big.freed), (big.allocated_recorded, big.freed_recorded));
        let notes = assess_data_quality(&trace, trace.extent).issues;
        assert!(
            !notes.iter().any(|issue| matches!(issue.kind, DataQualityKind::PoolRundownDiffers { .. })),
            "{notes:?}"
        );
    }
}

#[test]
fn lost_events_differ_from_the_counters_and_lower_the_confidence() {
    let mut last = 1.0;
    for loss_share in [0.02, 0.1, 0.3] {
        let params = SynthParams { loss_share, ..variants::base(20_000) };
        let trace = loaded(bytes_of(&params));
        let result = reconcile(&trace).expect("it has snapshots");
        assert!((result.recorded_share - (1.0 - loss_share)).abs() < 0.02, "{loss_share}: {}", result.recorded_share);
        assert!(!result.is_filtered());
        let quality = assess_data_quality(&trace, trace.extent);
        let is_reported = |issue: &poolscope_analysis::leaks::DataQualityIssue| {
            matches!(issue.kind, DataQualityKind::PoolRundownDiffers { .. })
        };
        assert!(quality.issues.iter().any(is_reported), "{:?}", quality.issues);
        let is_empty = |issue: &poolscope_analysis::leaks::DataQualityIssue| {
            matches!(issue.kind, DataQualityKind::LostBuffers { buffers: 0, .. })
        };
        assert!(!quality.issues.iter().any(is_empty), "{:?}", quality.issues);
        // An allocation is counted correctly if both of its events are recorded.
        assert!(
            quality.confidence_factor() <= (1.0 - loss_share + 0.02_f64).powi(2) && quality.confidence_factor() < last,
            "{:?}",
            quality.issues
        );
        assert!(quality.confidence_factor() > 0.0);
        last = quality.confidence_factor();
    }
}

#[test]
fn without_snapshots_nothing_is_compared_and_with_them_the_pool_has_a_start() {
    let base = variants::base(10_000);
    let bare = loaded(bytes_of(&SynthParams { pool_rundown: false, ..base.clone() }));
    assert_eq!(reconcile(&bare), None);
    assert_eq!(analyzed(&bare).pools.map(|pool| pool.start_bytes), [None, None]);

    let params = SynthParams { preexisting: 3_000, ..base };
    let trace = loaded(bytes_of(&params));
    let analysis = analyzed(&trace);
    let result = analysis.data_quality.reconciliation.as_ref().expect("it has snapshots");
    for (pool, paged) in analysis.pools.iter().zip([false, true]) {
        // The start snapshot is a few ticks after the start, without an event between.
        let start = result.pool_start_bytes(paged).expect("the first snapshot was taken");
        assert_eq!(pool.start_bytes, Some(start));
        let of_tags: u64 = result.tags.iter().filter(|row| row.is_paged == paged).map(|row| row.start_bytes).sum();
        assert_eq!(start, of_tags);
        assert!(start > 0);
    }
    // 16 GB of memory, Windows 10.
    assert_eq!(analysis.pools[0].limit_bytes, Some(16 << 30));
    assert_eq!(analysis.pools[1].limit_bytes, Some(64 << 30));
}

#[test]
fn a_wrapped_log_is_reported_and_a_complete_one_is_not() {
    let wrapped = |mode| {
        let trace = loaded(bytes_of(&SynthParams { mode, ..variants::base(20_000) }));
        let notes = assess_data_quality(&trace, trace.extent).issues;
        notes.into_iter().find(|issue| matches!(issue.kind, DataQualityKind::CircularLogWrapped { .. }))
    };
    let issue = wrapped(FileMode::Circular { buffers: 24 }).expect("24 buffers hold a small part");
    assert!(issue.confidence_factor == 0.95, "{issue:?}");
    assert!(
        matches!(issue.kind, DataQualityKind::CircularLogWrapped { missing_s: Some(seconds) } if seconds > 0.1),
        "{issue:?}"
    );
    assert_eq!(wrapped(FileMode::Sequential), None);
}

#[test]
fn only_tags_that_never_free_are_reported_as_such() {
    let trace = loaded(bytes_of(&variants::base(20_000)));
    let analysis = analyzed(&trace);
    let mut grown = 0;
    for suspect in &analysis.suspects {
        let is_zero = |reason: &Reason| matches!(reason, Reason::Finding(Finding::NeverFreed { .. }));
        let has_grown = matches!(suspect.verdict, Verdict::Leak | Verdict::Growing | Verdict::Burst);
        let never = suspect.evidence.freed.count == 0 && suspect.evidence.allocated.count >= 20;
        grown += u32::from(has_grown);
        assert_eq!(suspect.reasons.iter().any(is_zero), has_grown && never, "{:?}", suspect.tag);
    }
    assert!(grown > 0);
}

#[test]
fn driver_files_name_the_owner_where_stacks_do_not() {
    let trace = loaded(bytes_of(&variants::base(10_000)));
    let analysis = analyzed(&trace);
    let mut suspect = analysis.suspects.into_iter().next().expect("tags were used");
    (suspect.driver, suspect.function, suspect.is_driver_known) = (String::new(), String::new(), false);
    let tag = suspect.tag.clone().expect("suspects are tags");
    let folder = tempfile::tempdir().expect("a scratch folder can be made");
    let code = [b"\x41\xb8", tag.as_bytes(), b"\xff\x15", b"\x41\xb8", tag.as_bytes(), b"\xff\x15"].concat();
    std::fs::write(folder.path().join("guilty.sys"), &code).expect("a scratch file can be written");
    for name in ["a.sys", "b.sys", "c.sys", "d.sys"] {
        std::fs::write(folder.path().join(name), [0x90; 5000]).expect("a scratch file can be written");
    }
    let scan = scan_folder(folder.path(), &tags_of(&trace), &not_cancelled).expect("the folder holds drivers");
    assert_eq!((scan.drivers.scanned_files, scan.problems.len()), (5, 0));
    let hints = TagOwnerData { pool_tags: None, scanned_drivers: Some(&scan.drivers) };
    let candidate = best_owner_candidate(&suspect, hints).expect("one file contains the tag");
    assert_eq!(
        (candidate.driver.as_str(), candidate.source),
        ("guilty.sys", OwnerSource::DriverFile { occurrences: 2, files_with_tag: 1 })
    );
    assert_eq!(best_owner_candidate(&suspect, TagOwnerData::default()), None);
}

#[test]
fn descriptions_come_from_the_chosen_file_or_the_folder_of_the_trace() {
    let trace = OnDisk::new("a.etl", poolscope::sample::TRACE);
    let described = |more: &[&str]| {
        let document =
            json(&[&["report", trace.path(), "--by", "tag,tag_description", "--format", "json"], more].concat());
        let rows = document["rows"].as_array().expect("rows").clone();
        let row = rows.into_iter().find(|row| row["tag"] == "Leak").expect("the sample has the tag");
        row["tag_description"].as_str().unwrap_or_default().to_owned()
    };
    let built_in = described(&[]);
    assert!(built_in.contains("NotMyFault") && built_in.ends_with("(built-in note)"), "{built_in}");
    let folder = Path::new(trace.path()).parent().expect("it is in a folder").to_path_buf();
    std::fs::write(folder.join("pooltag.txt"), "Leak - beside.sys - Found beside\n").expect("it can be written");
    assert_eq!(described(&[]), "beside.sys: Found beside");
    assert_eq!(described(&["--no-pooltag"]), built_in);
    let chosen = folder.join("mine.txt");
    std::fs::write(&chosen, "Leak - mine.sys - Chosen\n").expect("it can be written");
    assert_eq!(described(&["--pooltag", chosen.to_str().expect("an ordinary name")]), "mine.sys: Chosen");
    let gone = run(&["report", trace.path(), "--pooltag", "no-such-file.txt"]);
    assert_eq!(gone.code, 1);
    assert!(gone.err.contains("no-such-file.txt cannot be read"), "{}", gone.err);
}
