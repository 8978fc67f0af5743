//! How often the verdict is right, on made-up loads whose truth is known.

use super::shapes::{Family, Load, Plan, draw, plan};
use super::*;
use crate::column::frames::FrameNaming;
use crate::column::names::Names;
use crate::column::parallel::never;
use rayon::prelude::*;

fn judged(load: &Load) -> Judgement {
    let trace = load.trace();
    let names = Names::new(trace.clone(), FrameNaming::Symbol);
    judge(&names, Request { view: trace.extent, by: By::Tag, warm_up: WarmUp::Usual }, &never).unwrap()
}

/// How a family came out.
#[derive(Clone, Copy, Default, Debug)]
struct Tally {
    traces: usize,
    /// The planted leak is first and said to leak or to grow.
    first: usize,
    /// Of these, said to leak.
    leak: usize,
    /// An innocent tag is said to leak.
    accused: usize,
}

impl Tally {
    fn add(self, other: Self) -> Self {
        Self {
            traces: self.traces + other.traces,
            first: self.first + other.first,
            leak: self.leak + other.leak,
            accused: self.accused + other.accused,
        }
    }
}

fn tally(seed: u64, plan: Plan) -> (Tally, String) {
    use std::fmt::Write;
    let load = draw(seed, plan);
    let judgement = judged(&load);
    let is_guilty = |s: &Suspect| load.guilty.is_some() && s.tag == load.guilty;
    let top = judgement.suspects.first();
    let first = top.is_some_and(|s| is_guilty(s) && matches!(s.verdict, Verdict::Leak | Verdict::Growing));
    let leak = first && top.is_some_and(|s| s.verdict == Verdict::Leak);
    let innocents: Vec<&Suspect> =
        judgement.suspects.iter().filter(|s| s.verdict == Verdict::Leak && !is_guilty(s)).collect();
    let mut notes = String::new();
    let of =
        |s: &Suspect| -> Vec<_> { load.parts.iter().filter(|p| Some(&p.0) == s.tag.as_ref()).map(|p| p.1).collect() };
    let mut note = |what: &str, s: &Suspect| {
        writeln!(
            notes,
            "  {what} {:?} {} conf {:.2} {:?}\n     {:?}",
            s.tag,
            s.verdict,
            s.confidence,
            of(s),
            s.evidence.stayed
        )
        .unwrap();
    };
    innocents.iter().for_each(|s| note("accused", s));
    if load.guilty.is_some() && !first {
        judgement.suspects.iter().filter(|s| is_guilty(s)).for_each(|s| note("guilty", s));
        judgement.suspects.iter().take(1).for_each(|s| note("before it", s));
    }
    if !notes.is_empty() {
        notes = format!("seed {seed} {plan:?} lost {:?}\n{notes}", load.lost);
    }
    let tally = Tally {
        traces: 1,
        first: usize::from(first),
        leak: usize::from(leak),
        accused: usize::from(!innocents.is_empty()),
    };
    (tally, notes)
}

/// Judges so many traces of each family.
fn run(first_seed: u64, each: usize, leaks: bool) -> Tally {
    let mut all = Tally::default();
    for (at, family) in Family::ALL.into_iter().enumerate() {
        let of_family: Vec<(Tally, String)> = (0..each)
            .into_par_iter()
            .map(|k| tally(first_seed + (at * 1000 + k) as u64, plan(family, k, leaks)))
            .collect();
        let sum = of_family.iter().fold(Tally::default(), |sum, (tally, _)| sum.add(*tally));
        of_family.iter().for_each(|(_, notes)| print!("{notes}"));
        println!("{family:?}: {sum:?}");
        all = all.add(sum);
    }
    println!("all: {all:?}");
    all
}

/// From the environment when the verdict is being tuned, by hand.
fn from_env(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(usual)
}

#[test]
fn the_planted_leak_comes_first_and_innocents_are_not_accused() {
    let all = run(from_env("LEAK_SEED", 1), from_env("LEAK_EACH", 24) as usize, true);
    assert!(all.first * 100 >= all.traces * 99, "{all:?}");
    assert!(all.accused * 100 < all.traces, "{all:?}");
}

#[test]
fn without_a_leak_nothing_is_called_one() {
    let all = run(from_env("LEAK_SEED", 100_001), from_env("LEAK_EACH", 24) as usize, false);
    assert!(all.accused * 100 < all.traces, "{all:?}");
}
