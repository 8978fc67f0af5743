//! How often the verdict is right, on made-up loads whose truth is known.

use super::shapes::{Load, draw};
use super::*;
use crate::column::frames::FrameNaming;
use crate::column::names::Names;
use crate::column::parallel::never;
use crate::column::testkit;

fn judged(load: &Load) -> Judgement {
    let trace = testkit::trace(&load.blocks);
    let names = Names::new(trace.clone(), FrameNaming::Symbol);
    judge(&names, Request { view: trace.extent, by: By::Tag, warm_up: WarmUp::Usual }, &never).unwrap()
}

#[test]
fn the_planted_leak_comes_first_and_innocents_are_not_accused() {
    let shares = [0.001, 0.003, 0.01, 0.05, 0.2, 0.5];
    let (mut first, mut accused, mut traces) = (0, 0, 0);
    for seed in 0..120u64 {
        let share = shares[seed as usize % shares.len()];
        let tags = [20, 60, 150, 500][seed as usize / shares.len() % 4];
        let load = draw(seed + 1, tags, 30_000, Some(share));
        let judgement = judged(&load);
        let top = &judgement.suspects[0];
        let is_first = top.tag == load.guilty && top.verdict == Verdict::Leak;
        let innocents: Vec<_> =
            judgement.suspects.iter().filter(|s| s.verdict == Verdict::Leak && s.tag != load.guilty).collect();
        traces += 1;
        first += usize::from(is_first);
        accused += usize::from(!innocents.is_empty());
        if !is_first || !innocents.is_empty() {
            let of = |tag: &Option<String>| load.tags.iter().find(|t| Some(&t.0) == tag.as_ref()).map(|t| t.1);
            let guilty = judgement.suspects.iter().position(|s| s.tag == load.guilty);
            let g = guilty.map(|at| (&judgement.suspects[at], at));
            println!(
                "seed {seed} share {share} tags {tags}: guilty {:?} at {:?} {:?} {:?}",
                load.shape,
                g.map(|g| g.1),
                g.map(|g| g.0.verdict),
                g.filter(|g| g.1 > 0).map(|g| &g.0.evidence.stayed)
            );
            for s in innocents {
                let e = &s.evidence.stayed;
                println!(
                    "   accused {:?} {:?} conf {:.2} n {} late {} life {} pause {}/{} {:?}",
                    s.tag,
                    of(&s.tag),
                    s.confidence,
                    e.blocks.count,
                    e.late_frees,
                    e.usual_life,
                    e.pause,
                    e.longest_pause,
                    e.births
                );
            }
        }
    }
    println!("first {first} of {traces}, innocents accused in {accused}");
    assert!(first * 100 >= traces * 99, "first in {first} of {traces}");
    assert!(accused * 100 < traces.max(1) * 2, "innocents accused in {accused} of {traces}");
}
