//! How often the verdict is right on whole files: the generator of `synth` plants the leaks, the reader reads the file, the
//! judge judges. Its loads know nothing of those that the verdict's limits were chosen on. `LEAK_EACH` and `LEAK_SEED` in the
//! environment give more traces and others.

use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::group::names::Names;
use poolscope_analysis::group::parallel::never;
use poolscope_analysis::leaks::{By, Judgement, Request, Verdict, WarmUp, judge};
use poolscope_synth::SynthParams;
use poolscope_synth::scenario::{StackMode, TagMix};
use poolscope_tests::planted::{bytes_of, loaded};
use rayon::prelude::*;

/// Traces of each kind unless the environment says otherwise.
const EACH: u64 = 10;

/// What is planted.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// A tag that keeps nine of ten blocks.
    Leak,
    /// A tag that keeps three of a hundred, under heavy churn.
    Slow,
    /// The first, with one event in a hundred lost.
    Lost,
    /// The first, without stacks.
    NoStacks,
    /// The first, in a short trace of few events.
    Short,
    /// Nothing.
    None,
    /// Nothing, with one event in a hundred lost.
    NoneLost,
}

const KINDS: [Kind; 7] = [Kind::Leak, Kind::Slow, Kind::Lost, Kind::NoStacks, Kind::Short, Kind::None, Kind::NoneLost];

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn params(kind: Kind, seed: u64) -> SynthParams {
    let ordinary = [8, 40, 120, 400][seed as usize % 4];
    let share = [0.002, 0.005, 0.02, 0.1, 0.4][seed as usize / 4 % 5];
    let is_none = matches!(kind, Kind::None | Kind::NoneLost);
    let tags = TagMix {
        leaking: u32::from(!is_none && kind != Kind::Slow),
        slow_leaks: u32::from(kind == Kind::Slow),
        plateau: 1 + ordinary / 20,
        burst: 1 + ordinary / 40,
        churning: 3 + ordinary / 10,
        ordinary,
    };
    SynthParams {
        seed,
        tags,
        allocations: if kind == Kind::Short { 6_000 } else { 30_000 },
        duration_s: [5.0, 60.0, 900.0][seed as usize % 3],
        leak_share: match kind {
            Kind::None | Kind::NoneLost | Kind::Slow => 0.0,
            Kind::Short => share * 3.0_f64.min(0.6 / share),
            _ => share,
        },
        loss_share: if matches!(kind, Kind::Lost | Kind::NoneLost) { 0.01 } else { 0.0 },
        stacks: if kind == Kind::NoStacks { StackMode::None } else { StackMode::Keyed },
        // Half of these are freed while the trace runs: a tag that loses more of them than it keeps does not grow.
        preexisting: [0, 100, 500][seed as usize / 3 % 3],
        snapshots: seed.is_multiple_of(2),
        noise_share: 0.0,
        ..SynthParams::default()
    }
}

fn judged(params: &SynthParams) -> Judgement {
    let trace = loaded(bytes_of(params));
    let view = trace.extent;
    let names = Names::new(trace, FrameNaming::Symbol);
    judge(&names, Request { view, by: By::Tag, warm_up: WarmUp::Usual }, &never).expect("nobody cancels")
}

/// Whether the planted leak is first, whether it is said to leak or grow then, or to leak, and whether an innocent is said to
/// leak; and what went wrong, in words.
fn outcome(kind: Kind, seed: u64) -> ([bool; 4], String) {
    let judgement = judged(&params(kind, seed));
    let guilty = match kind {
        Kind::None | Kind::NoneLost => None,
        Kind::Slow => Some("Slow"),
        _ => Some("Leak"),
    };
    let top = judgement.suspects.first().expect("something was allocated");
    let alarms = |verdict: Verdict| matches!(verdict, Verdict::Leak | Verdict::Growing);
    let first = guilty.is_some() && top.tag.as_deref() == guilty;
    let told = first && alarms(top.verdict);
    let accused = judgement.suspects.iter().find(|s| s.verdict == Verdict::Leak && s.tag.as_deref() != guilty);
    let mut notes = String::new();
    if let Some(accused) = accused {
        notes = format!("{kind:?} {seed}: accused {:?} {:?}\n", accused.tag, accused.evidence.stayed);
    }
    if guilty.is_some() && !told {
        let own = judgement.suspects.iter().find(|s| s.tag.as_deref() == guilty);
        let own = own.map(|s| (s.verdict, s.confidence, &s.evidence.stayed));
        notes += &format!("{kind:?} {seed}: first is {:?} {}, planted {own:?}\n", top.tag, top.verdict);
    }
    ([first, told, first && top.verdict == Verdict::Leak, accused.is_some()], notes)
}

#[test]
fn planted_leaks_come_first_in_whole_files_and_no_innocent_is_accused() {
    let (each, first_seed) = (number("LEAK_EACH").unwrap_or(EACH), number("LEAK_SEED").unwrap_or(70_000));
    let (mut planted, mut all) = (0, [0; 4]);
    for kind in KINDS {
        let seeds: Vec<u64> = (0..each).map(|at| first_seed + at).collect();
        let outcomes: Vec<([bool; 4], String)> = seeds.into_par_iter().map(|seed| outcome(kind, seed)).collect();
        let count = |at: usize| outcomes.iter().filter(|(is, _)| is[at]).count() as u64;
        let sums = [count(0), count(1), count(2), count(3)];
        outcomes.iter().for_each(|(_, notes)| print!("{notes}"));
        let [first, told, leak, accused] = sums;
        println!("{kind:?}: of {each}, first {first}, told {told}, as a leak {leak}; innocents accused {accused}");
        planted += if matches!(kind, Kind::None | Kind::NoneLost) { 0 } else { each };
        all.iter_mut().zip(sums).for_each(|(all, sum)| *all += sum);
    }
    let traces = each * KINDS.len() as u64;
    let [first, told, _, accused] = all;
    println!("all: first {first} and told {told} of {planted}, innocents accused in {accused} of {traces}");
    // Of six hundred it is 99.7 %; one of the fifty here keeps 21 blocks of seven functions.
    assert!(first * 100 >= planted * 98, "first in {first} of {planted}");
    // Some keep two dozen blocks, over several functions, beside as many old ones that go: nobody can tell whether that grows.
    assert!(told * 100 >= planted * 96, "told in {told} of {planted}");
    assert!(accused * 100 <= traces, "innocents accused in {accused} of {traces}");
}
