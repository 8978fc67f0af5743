//! Accuracy of the verdict on truncated files: several forms of files of `synth`, cut at any byte and between buffers. The ground truth
//! is the leak until the end of the recording. `LEAK_EACH` and `LEAK_SEED` in the environment set the number of traces and the first
//! seed.

use poolscope::leak_text;
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::group::parallel::not_cancelled;
use poolscope_analysis::leaks::data_quality::DataQualityKind;
use poolscope_analysis::leaks::{AnalysisRequest, LeakAnalysis, SuspectGrouping, Verdict, WarmUp, analyze};
use poolscope_synth::scenario::{StackMode, TagMix};
use poolscope_synth::writer::Compression;
use poolscope_synth::{GroundTruthRequest, SynthParams};
use poolscope_tests::synthetic::{loaded, placed, plant};
use rayon::prelude::*;

/// Shares of the file that are left.
const CUTS: [f64; 7] = [0.99, 0.97, 0.95, 0.9, 0.8, 0.6, 0.4];
/// Default number of traces for each cut.
const EACH: u64 = 6;
/// Maximum deviation of the reported growth, as a share of the planted growth.
const NEAR: f64 = 0.4;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Parameters of a trace with one leak, whose form depends on the seed.
fn params(seed: u64) -> SynthParams {
    let merged = seed % 5 == 1;
    SynthParams {
        seed,
        allocations: 20_000,
        duration_s: [10.0, 60.0, 600.0][seed as usize % 3],
        tags: TagMix { leaking: 1, slow_leaks: 0, ..SynthParams::default().tags },
        leak_share: [0.02, 0.05, 0.2][seed as usize / 3 % 3],
        stacks: [StackMode::Keyed, StackMode::Inline, StackMode::None][seed as usize / 2 % 3],
        cpus: [1, 4, 16][seed as usize / 4 % 3],
        merged,
        compression: if merged { Compression::Filled } else { Compression::None },
        ..SynthParams::default()
    }
}

/// Length of a truncated file: at any byte, or at the end of the last buffer before it.
fn cut_at(params: &SynthParams, share: f64, at_buffer: bool) -> usize {
    let (bytes, buffers) = placed(params);
    let max_length = (bytes.len() as f64 * share) as u64;
    if !at_buffer {
        return max_length as usize;
    }
    buffers
        .iter()
        .map(|buffer| buffer.offset + buffer.bytes)
        .filter(|end| *end <= max_length)
        .max()
        .unwrap_or(max_length) as usize
}

/// Outcomes of one trace: the leaking tag ranks first with verdict leak or growing, and its growth is near the planted one. The text describes
/// what is wrong.
fn outcome(seed: u64, share: f64, at_buffer: bool) -> ([bool; 2], String) {
    let params = params(seed);
    let planted = plant(&params, &GroundTruthRequest::default());
    let length = cut_at(&params, share, at_buffer);
    let trace = loaded(planted.bytes[..length].to_vec());
    let end = trace.clock.seconds(trace.recorded.range.to);
    let truth = plant(&params, &GroundTruthRequest { ranges: vec![(0.0, end)], ..GroundTruthRequest::default() }).truth;
    let of_leak = |kind: &str| -> f64 {
        let rows = truth.ranges[1].rows.iter().filter(|row| row.tag == "Leak" && row.kind == kind);
        rows.map(|row| row.totals.size as f64).sum()
    };
    let planted_growth = (of_leak("AIFO") - of_leak("AOFI")) / end;
    let names = ColumnValues::new(trace.clone(), FrameNaming::Symbol);
    let request =
        AnalysisRequest { visible_range: trace.extent, grouping: SuspectGrouping::Tag, warm_up: WarmUp::Automatic };
    let analysis = analyze(&names, request, &not_cancelled).expect("not canceled");
    let top = analysis.suspects.first().expect("something was allocated");
    let is_first = top.tag.as_deref() == Some("Leak") && top.verdict.is_growing();
    let growth =
        analysis.suspects.iter().find(|s| s.tag.as_deref() == Some("Leak")).map_or(0.0, |s| s.growth_bytes_per_s);
    let is_near = (growth - planted_growth).abs() <= NEAR * planted_growth;
    let mut notes = String::new();
    if !is_first || !is_near {
        notes = format!(
            "{seed} at {share} ({at_buffer}): first is {:?} {}, grows by {growth:.0} instead of {planted_growth:.0}; {:?}\n",
            top.tag, top.verdict, trace.recorded.range
        );
    }
    assert!(trace.recorded.end_missing, "{seed} at {share}: {:?}", trace.recorded);
    ([is_first, is_near], notes)
}

#[test]
fn planted_leaks_rank_first_in_truncated_files() {
    let (each, first_seed) = (number("LEAK_EACH").unwrap_or(EACH), number("LEAK_SEED").unwrap_or(90_000));
    let cases: Vec<(u64, f64, bool)> = CUTS
        .iter()
        .enumerate()
        .flat_map(|(at, share)| (0..each).map(move |k| (first_seed + at as u64 * 100 + k, *share, k % 2 == 1)))
        .collect();
    let outcomes: Vec<([bool; 2], String)> =
        cases.par_iter().map(|(seed, share, at_buffer)| outcome(*seed, *share, *at_buffer)).collect();
    outcomes.iter().for_each(|(_, notes)| print!("{notes}"));
    let count = |at: usize| outcomes.iter().filter(|(is, _)| is[at]).count();
    let (first, near, all) = (count(0), count(1), outcomes.len());
    println!("truncated files: first and detected {first}, growth near {near} of {all}");
    assert!(first * 100 >= all * 95, "first in {first} of {all}");
    assert!(near * 100 >= all * 95, "growth is near in {near} of {all}");
}

#[test]
fn growth_is_corrected_for_lost_events_by_the_pool_counters() {
    let each = number("LEAK_EACH").unwrap_or(EACH);
    let first_seed = number("LEAK_SEED").unwrap_or(95_000);
    let run = |at: u64| {
        let seed = first_seed + at;
        let loss_share = [0.02, 0.05, 0.1, 0.2][at as usize % 4];
        let params = SynthParams {
            loss_share,
            pool_rundown: true,
            merged: false,
            compression: Compression::None,
            ..params(seed)
        };
        let planted = plant(&params, &GroundTruthRequest::default());
        // The pool's counters count every event, recorded or lost.
        let of_leak = planted.truth.rundown_growth.iter().filter(|row| row.tag == "Leak");
        let planted_growth =
            of_leak.map(|row| (row.nonpaged_bytes + row.paged_bytes) as f64).sum::<f64>() / planted.truth.duration_s;
        let trace = loaded(planted.bytes);
        let names = ColumnValues::new(trace.clone(), FrameNaming::Symbol);
        let request =
            AnalysisRequest { visible_range: trace.extent, grouping: SuspectGrouping::Tag, warm_up: WarmUp::Automatic };
        let analysis = analyze(&names, request, &not_cancelled).expect("not canceled");
        let top = analysis.suspects.first().expect("something was allocated");
        let is_first = top.tag.as_deref() == Some("Leak") && top.verdict.is_growing();
        let own = analysis.suspects.iter().find(|s| s.tag.as_deref() == Some("Leak"));
        let growth = own.map_or(0.0, |s| s.growth_bytes_per_s);
        let is_false_positive =
            analysis.suspects.iter().any(|s| s.verdict == Verdict::Leak && s.tag.as_deref() != Some("Leak"));
        let is_near = growth >= 0.8 * planted_growth && growth <= 1.25 * planted_growth;
        if !is_first || !is_near || is_false_positive {
            let scale = own.map_or(0.0, |s| s.loss_correction);
            println!(
                "{seed} lost {loss_share}: first {:?} {}, {growth:.0} instead of {planted_growth:.0}, scale {scale:.3}",
                top.tag, top.verdict
            );
        }
        [is_first, is_near, is_false_positive]
    };
    let outcomes: Vec<[bool; 3]> = (0..4 * each).into_par_iter().map(run).collect();
    let count = |at: usize| outcomes.iter().filter(|is| is[at]).count();
    let (first, near, false_positives, all) = (count(0), count(1), count(2), outcomes.len());
    println!(
        "lost events with counters: first {first}, growth near {near}, false positives in {false_positives} of {all}"
    );
    assert!(first * 100 >= all * 95, "first in {first} of {all}");
    assert!(near * 100 >= all * 95, "growth is near in {near} of {all}");
}

/// The leak analysis of a file that is truncated to a share of its bytes.
fn analysis_of(params: &SynthParams, share: f64) -> LeakAnalysis {
    let bytes = plant(params, &GroundTruthRequest::default()).bytes;
    let length = (bytes.len() as f64 * share) as usize;
    let trace = loaded(bytes[..length].to_vec());
    let names = ColumnValues::new(trace.clone(), FrameNaming::Symbol);
    let request =
        AnalysisRequest { visible_range: trace.extent, grouping: SuspectGrouping::Tag, warm_up: WarmUp::Automatic };
    analyze(&names, request, &not_cancelled).expect("not canceled")
}

/// Nothing leaks in these traces: their caches are full after a quarter of the recording, but the file ends before.
#[test]
fn caches_that_fill_where_the_file_ends_are_not_called_leaks() {
    let each = number("LEAK_EACH").unwrap_or(EACH);
    let first_seed = number("LEAK_SEED").unwrap_or(97_000);
    let cases: Vec<(u64, f64)> =
        [0.06, 0.1, 0.15, 0.2].into_iter().flat_map(|share| (0..each).map(move |k| (k, share))).collect();
    let outcomes: Vec<(String, bool)> = cases
        .par_iter()
        .map(|(k, share)| {
            let base = params(first_seed + k);
            let tags = TagMix { leaking: 0, slow_leaks: 0, plateau: 2, ..base.tags };
            let analysis = analysis_of(&SynthParams { tags, leak_share: 0.0, allocations: 60_000, ..base }, *share);
            let is_accused = analysis.suspects.first().is_some_and(|suspect| suspect.verdict == Verdict::Leak);
            (leak_text::summary(&analysis), is_accused)
        })
        .collect();
    for ((k, share), (summary, _)) in cases.iter().zip(&outcomes) {
        assert!(!summary.contains(" leaks "), "seed {} at {share}: {summary}", first_seed + k);
    }
    let accused = outcomes.iter().filter(|(_, is_accused)| *is_accused).count();
    assert!(accused > 0, "no cache was accused at all, so that nothing was tested");
}

/// The confidence in a leak falls by the part of the recording that is missing, and by nothing else of it.
#[test]
fn a_missing_end_lowers_the_confidence_by_what_is_missing() {
    let each = number("LEAK_EACH").unwrap_or(EACH);
    let first_seed = number("LEAK_SEED").unwrap_or(98_000);
    let cases: Vec<(u64, f64)> =
        [0.98, 0.9, 0.7, 0.4].into_iter().flat_map(|share| (0..each).map(move |k| (first_seed + k, share))).collect();
    cases.par_iter().for_each(|(seed, share)| {
        let params = params(*seed);
        let analysis = analysis_of(&params, *share);
        let end = analysis.data_quality.issues.iter().find_map(|issue| match issue.kind {
            DataQualityKind::EndMissing { missing_s } => Some((missing_s, issue.confidence_factor)),
            _ => None,
        });
        // The clock of the trace is that of the truth: the recording ends after its whole duration.
        let seen = analysis.seconds / 0.9;
        let planted = (seen / params.duration_s).clamp(0.0, 1.0);
        let (missing_s, factor) = end.unwrap_or((Some(0.0), 1.0));
        let missing_s = missing_s.expect("the header has the end");
        assert!((factor - planted).abs() < 0.06, "{seed} at {share}: factor {factor:.3} for {planted:.3}");
        assert!((missing_s - (params.duration_s - seen)).abs() < 0.06 * params.duration_s, "{seed}: {missing_s}");
    });
}
