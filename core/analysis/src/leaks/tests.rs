//! Accuracy of the verdict on generated scenarios and simulations whose leak is known. `LEAK_EACH` and `LEAK_SEED` in the
//! environment set the number of traces and the first seed, for tuning.

use super::scenarios::{ScenarioFamily, ScenarioPlan, generate_until, scenario_plan};
use super::simulation::{LeakKind, simulate};
use super::*;
use crate::group::column_values::ColumnValues;
use crate::group::frames::FrameNaming;
use crate::group::parallel::not_cancelled;
use crate::group::test_util;
use crate::trace::Trace;
use rayon::prelude::*;
use std::fmt::{Debug, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

fn analyzed(trace: &Arc<Trace>) -> LeakAnalysis {
    let names = ColumnValues::new(trace.clone(), FrameNaming::Symbol);
    let request =
        AnalysisRequest { visible_range: trace.extent, grouping: SuspectGrouping::Tag, warm_up: WarmUp::Automatic };
    analyze(&names, request, &not_cancelled).unwrap()
}

/// Number of traces by outcome.
#[derive(Clone, Copy, Default, Debug)]
struct Outcomes {
    traces: usize,
    /// The leaking tag ranks first.
    first: usize,
    /// Of these, with a verdict of leak, growing or stopped.
    detected: usize,
    /// Of these, with a verdict of leak.
    leak: usize,
    /// Another tag has a verdict of leak.
    false_positive: usize,
    /// Of those detected, the growth of the tag is known.
    known: usize,
    /// Of these, the reported growth is within -20 % and +25 % of the known growth.
    near: usize,
}

impl Outcomes {
    fn add(self, other: Self) -> Self {
        Self {
            traces: self.traces + other.traces,
            first: self.first + other.first,
            detected: self.detected + other.detected,
            leak: self.leak + other.leak,
            false_positive: self.false_positive + other.false_positive,
            known: self.known + other.known,
            near: self.near + other.near,
        }
    }

    fn sum(outcomes: &[(Self, String)]) -> Self {
        outcomes.iter().fold(Self::default(), |sum, (outcome, _)| sum.add(*outcome))
    }
}

/// Analyzes a trace with a known leaking tag and known `parts` of each tag; `known_growth` is in bytes per second. The text describes
/// what is wrong.
fn outcome<P: Debug>(
    trace: &Arc<Trace>,
    leaking_tag: Option<&String>,
    parts: &[(String, P)],
    known_growth: Option<f64>,
) -> (Outcomes, String) {
    let analysis = analyzed(trace);
    let is_leaking = |s: &&Suspect| leaking_tag.is_some() && s.tag.as_ref() == leaking_tag;
    let top = analysis.suspects.first();
    let is_first = top.is_some_and(|s| is_leaking(&s));
    let is_detected = is_first && top.is_some_and(|s| s.verdict.is_growing() || s.verdict == Verdict::Stopped);
    let is_leak = is_first && top.is_some_and(|s| s.verdict == Verdict::Leak);
    let growth = analysis.suspects.iter().find(is_leaking).map_or(0.0, |s| s.growth_bytes_per_s);
    let is_near = known_growth.is_some_and(|known| growth >= 0.8 * known && growth <= 1.25 * known);
    let is_false_positive = |s: &&Suspect| s.verdict == Verdict::Leak && !is_leaking(s);
    let false_positives: Vec<&Suspect> = analysis.suspects.iter().filter(is_false_positive).collect();
    let mut notes = String::new();
    let mut note = |what: &str, s: &Suspect| {
        let parts: Vec<&P> = parts.iter().filter(|part| Some(&part.0) == s.tag.as_ref()).map(|part| &part.1).collect();
        let (verdict, older) = (s.verdict, &s.evidence.older_than_usual);
        writeln!(notes, "  {what} {:?} {verdict} conf {:.2} {parts:?}\n     {older:?}", s.tag, s.confidence).unwrap();
    };
    false_positives.iter().for_each(|s| note("false positive", s));
    if leaking_tag.is_some() && !is_detected {
        analysis.suspects.iter().filter(is_leaking).for_each(|s| note("leaking", s));
        analysis.suspects.iter().take(1).for_each(|s| note("before it", s));
    }
    if is_detected && known_growth.is_some() && !is_near {
        writeln!(notes, "  growth {growth:.0} instead of {:.0} bytes/s", known_growth.unwrap_or(0.0)).unwrap();
    }
    let outcome = Outcomes {
        traces: 1,
        first: usize::from(is_first),
        detected: usize::from(is_detected),
        leak: usize::from(is_leak),
        false_positive: usize::from(!false_positives.is_empty()),
        known: usize::from(is_detected && known_growth.is_some()),
        near: usize::from(is_detected && is_near),
    };
    (outcome, notes)
}

/// Outcome of a scenario that is truncated at a share of its time.
fn outcome_of_scenario(seed: u64, plan: ScenarioPlan, end: f64) -> (Outcomes, String) {
    let scenario = generate_until(seed, plan, end);
    let leaking_tag = scenario.leaking_tag.as_ref();
    let (outcome, notes) = outcome(&scenario.trace(), leaking_tag, &scenario.parts, scenario.planted_growth());
    let head =
        if notes.is_empty() { String::new() } else { format!("seed {seed} {plan:?} lost {:?}\n", scenario.lost) };
    (outcome, head + &notes)
}

/// Outcome of a simulation.
fn outcome_of_simulation(seed: u64, at: usize, leak: Option<LeakKind>) -> (Outcomes, String) {
    let tags = [20, 60, 150, 400][at % 4];
    let traffic = 30_000;
    let share = [0.001, 0.003, 0.01, 0.05, 0.3][at / 4 % 5];
    let leaked = ((share * f64::from(traffic)) as usize).max(30);
    let simulation = simulate(seed, tags, traffic as usize, leak.map(|leak| (leak, leaked)));
    let trace = test_util::trace(&simulation.blocks);
    let (outcome, notes) = outcome(&trace, simulation.leaking_tag.as_ref(), &simulation.parts, None);
    let head = if notes.is_empty() { String::new() } else { format!("seed {seed} tags {tags} share {share}\n") };
    (outcome, head + &notes)
}

/// Analyzes `each` simulations of each kind of leak.
fn run_simulations(first_seed: u64, each: usize, leaks: &[Option<LeakKind>]) -> Outcomes {
    let mut all = Outcomes::default();
    for (at, leak) in leaks.iter().enumerate() {
        let seed = |k: usize| first_seed + (at * 1000 + k) as u64;
        let outcomes: Vec<(Outcomes, String)> =
            (0..each).into_par_iter().map(|k| outcome_of_simulation(seed(k), k, *leak)).collect();
        outcomes.iter().for_each(|(_, notes)| print!("{notes}"));
        let sum = Outcomes::sum(&outcomes);
        println!("Simulation {leak:?}: {sum:?}");
        all = all.add(sum);
    }
    println!("all: {all:?}");
    all
}

/// Analyzes `each` scenarios of each family, each truncated at one of the shares in `ends`.
fn run(families: &[ScenarioFamily], first_seed: u64, each: usize, leaks: bool, ends: &[f64]) -> Outcomes {
    let mut all = Outcomes::default();
    for (at, family) in families.iter().copied().enumerate() {
        let of_scenario = |k: usize| {
            let end = ends.get(k % ends.len()).copied().unwrap_or(1.0);
            outcome_of_scenario(first_seed + (at * 1000 + k) as u64, scenario_plan(family, k, leaks), end)
        };
        let outcomes: Vec<(Outcomes, String)> = (0..each).into_par_iter().map(of_scenario).collect();
        outcomes.iter().for_each(|(_, notes)| print!("{notes}"));
        let sum = Outcomes::sum(&outcomes);
        println!("{family:?}: {sum:?}");
        all = all.add(sum);
    }
    println!("all: {all:?}");
    all
}

/// A number from the environment, or `default`.
fn from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn seed(default: u64) -> u64 {
    from_env("LEAK_SEED", default)
}

fn each(default: u64) -> usize {
    from_env("LEAK_EACH", default) as usize
}

/// Number of looks at the token while allocations of two tags are analyzed.
fn looks_at_token(names: &ColumnValues, grouping: SuspectGrouping) -> usize {
    let calls = AtomicUsize::new(0);
    let cancel = || {
        calls.fetch_add(1, Relaxed);
        false
    };
    let request = AnalysisRequest { visible_range: names.trace().extent, grouping, warm_up: WarmUp::Automatic };
    analyze(names, request, &cancel).unwrap();
    calls.into_inner()
}

#[test]
fn an_analysis_looks_at_the_token_in_every_pass_over_the_rows() {
    let names = |count: i64| {
        let block = |k: i64| {
            let (tag, free) = if k % 9 == 0 { (b"Leak", None) } else { (b"Chur", Some(k * 9_000 / count + 40)) };
            test_util::Block { tag, stack: &["nt:20", "my:30"], ..test_util::block(Some(k * 9_000 / count), free, 64) }
        };
        test_util::names(&(0..count).map(block).collect::<Vec<_>>())
    };
    let (few, many) = (names(40_000), names(400_000));
    let fresh = |names: &ColumnValues| ColumnValues::new(Arc::clone(names.trace()), FrameNaming::Symbol);
    for grouping in SuspectGrouping::ALL {
        let looks = looks_at_token(&fresh(&many), grouping);
        // Ten passes at least read all rows, or the rows of all units, in chunks of 65,536.
        let chunks = (400_000 - 40_000) / (1 << 16);
        assert!(looks >= looks_at_token(&fresh(&few), grouping) + 10 * chunks, "{grouping:?}: {looks}");
        for after in [0, 1, looks / 4, looks / 2, looks * 3 / 4] {
            let calls = AtomicUsize::new(0);
            let cancel = || calls.fetch_add(1, Relaxed) >= after;
            let visible_range = many.trace().extent;
            let request = AnalysisRequest { visible_range, grouping, warm_up: WarmUp::Automatic };
            assert!(analyze(&fresh(&many), request, &cancel).is_err(), "{grouping:?}: {after} of {looks}");
        }
    }
}

#[test]
fn planted_leaks_rank_first_without_false_positives() {
    let all = run(&ScenarioFamily::ALL, seed(1), each(24), true, &[1.0]);
    assert!(all.first * 100 >= all.traces * 99, "{all:?}");
    assert!(all.false_positive * 100 < all.traces, "{all:?}");
    assert!(all.near * 100 >= all.known * 95, "{all:?}");
}

#[test]
fn no_leak_is_reported_where_none_was_planted() {
    let all = run(&ScenarioFamily::ALL, seed(100_001), each(24), false, &[1.0]);
    assert!(all.false_positive * 100 < all.traces, "{all:?}");
}

#[test]
fn leaks_rank_first_in_simulations() {
    let all = run_simulations(seed(1_200_001), each(40), &LeakKind::ALL.map(Some));
    // Of 30 leaked allocations in a tag among 400, pauses by chance hide one in about fifty: 157 of these 160 rank first.
    assert!(all.first * 100 >= all.traces * 97, "{all:?}");
    assert!(all.false_positive * 100 < all.traces, "{all:?}");
}

#[test]
fn no_leak_is_reported_in_simulations_without_one() {
    let all = run_simulations(seed(1_200_001), each(40), &[None]);
    assert!(all.false_positive * 100 < all.traces, "{all:?}");
}

/// Shares at which recordings are truncated: at least a third of the growth of the leak is left.
const ENDS: [f64; 7] = [0.99, 0.97, 0.95, 0.9, 0.8, 0.6, 0.4];

#[test]
fn planted_leaks_rank_first_in_truncated_recordings() {
    let families = [&ScenarioFamily::ALL[..], &[ScenarioFamily::Spread]].concat();
    let all = run(&families, seed(300_001), each(28), true, &ENDS);
    assert!(all.first * 100 >= all.traces * 95, "{all:?}");
    assert!(all.false_positive * 100 < all.traces, "{all:?}");
    assert!(all.near * 100 >= all.known * 95, "{all:?}");
}

#[test]
fn no_leak_is_reported_in_truncated_recordings_without_one() {
    let all = run(&ScenarioFamily::ALL, seed(400_001), each(14), false, &ENDS);
    assert!(all.false_positive * 100 < all.traces, "{all:?}");
}

#[test]
fn spread_leaks_and_leaks_with_lost_events_rank_first() {
    let all = run(&[ScenarioFamily::Spread, ScenarioFamily::Lossy], seed(500_001), each(48), true, &[1.0]);
    assert!(all.first * 100 >= all.traces * 95, "{all:?}");
    assert!(all.false_positive * 100 < all.traces, "{all:?}");
}

#[test]
fn leaks_whose_load_stopped_are_reported() {
    let all = run(&[ScenarioFamily::Stopped], seed(550_001), each(48), true, &[1.0]);
    // With hundreds of tags, a dozen allocations of another one often seem to grow, with low confidence, and rank before it.
    assert!(all.first * 100 >= all.traces * 80, "{all:?}");
    assert!(all.false_positive * 100 < all.traces, "{all:?}");
}

#[test]
fn no_leak_is_reported_where_events_were_lost() {
    let all = run(&ScenarioFamily::LATER, seed(600_001), each(24), false, &[1.0]);
    assert!(all.false_positive * 100 < all.traces, "{all:?}");
}
