//! Invariants of the analysis: scaled sizes and times, renamed tags and the number of threads change no verdict, sums are complete, and
//! unusual allocations cause no failure.

use super::scenarios::{Scenario, ScenarioFamily, generate, scenario_plan};
use super::*;
use crate::group::column_values::ColumnValues;
use crate::group::frames::FrameNaming;
use crate::group::key::Key;
use crate::group::parallel::not_cancelled;
use crate::group::test_util::{self, Block, Rng, block, random_blocks};
use crate::pivot::{Evaluator, Metric, PivotRequest, Value, pivot};
use crate::trace::Trace;
use crate::trace::recorded::RecordedRange;
use std::sync::Arc;

fn analyzed(trace: &Arc<Trace>, visible_range: TimeRange, grouping: SuspectGrouping) -> LeakAnalysis {
    let names = ColumnValues::new(trace.clone(), FrameNaming::Symbol);
    analyze(&names, AnalysisRequest { visible_range, grouping, warm_up: WarmUp::Automatic }, &not_cancelled).unwrap()
}

fn analyzed_by_tag(trace: &Arc<Trace>) -> LeakAnalysis {
    analyzed(trace, trace.extent, SuspectGrouping::Tag)
}

fn generated_scenarios() -> Vec<Scenario> {
    let families = [ScenarioFamily::Short, ScenarioFamily::Caches, ScenarioFamily::Lost];
    families
        .into_iter()
        .enumerate()
        .map(|(at, family)| generate(7000 + at as u64, scenario_plan(family, at * 4, true)))
        .collect()
}

/// Tag, pool, verdict, confidence and score of all suspects, in their order.
fn ranking(analysis: &LeakAnalysis) -> Vec<(Option<String>, bool, Verdict, String)> {
    let row = |s: &Suspect| (s.tag.clone(), s.is_paged, s.verdict, format!("{:.6} {:.6}", s.confidence, s.score));
    analysis.suspects.iter().map(row).collect()
}

#[test]
fn scaling_sizes_changes_no_verdict() {
    for scenario in generated_scenarios() {
        let before = ranking(&analyzed_by_tag(&scenario.trace()));
        for factor in [2, 1024] {
            let mut larger = scenario.trace();
            let table = &mut Arc::get_mut(&mut larger).unwrap().allocations;
            table.size = table.size.iter().map(|size| size * factor).collect();
            assert_eq!(ranking(&analyzed_by_tag(&larger)), before);
        }
    }
}

#[test]
fn scaling_times_changes_no_verdict() {
    for scenario in generated_scenarios() {
        let before = ranking(&analyzed_by_tag(&scenario.trace()));
        for factor in [8, 1 << 20] {
            let mut longer = scenario.trace();
            let trace = Arc::get_mut(&mut longer).unwrap();
            let scale = |time: Ticks| if time.is_known() { Ticks(time.0 * factor) } else { time };
            let table = &mut trace.allocations;
            table.alloc_time = table.alloc_time.iter().map(scale).collect();
            table.free_time.iter_mut().for_each(|time| *time = scale(*time));
            trace.extent.to.0 *= factor;
            trace.recorded = RecordedRange::whole(trace.extent);
            let after = analyzed_by_tag(&longer);
            let verdicts = |rows: &[(Option<String>, bool, Verdict, String)]| -> Vec<(Option<String>, bool, Verdict)> {
                rows.iter().filter(|row| row.2 <= Verdict::Growing).map(|row| (row.0.clone(), row.1, row.2)).collect()
            };
            assert_eq!(verdicts(&ranking(&after)), verdicts(&before));
        }
    }
}

#[test]
fn renaming_tags_changes_no_verdict() {
    for scenario in generated_scenarios() {
        let before = ranking(&analyzed_by_tag(&scenario.trace()));
        let renamed = |tag: &str| -> String {
            tag.chars().map(|c| if c.is_ascii_digit() { (b'0' + b'9' - c as u8) as char } else { 'Q' }).collect()
        };
        let mut blocks = scenario.blocks.clone();
        for block in &mut blocks {
            let text = renamed(&crate::trace::attributes::Tag(*block.tag).text());
            let mut tag = [0u8; 4];
            tag.copy_from_slice(text.as_bytes());
            block.tag = Box::leak(Box::new(tag));
        }
        let other = Scenario {
            blocks,
            leaking_tag: None,
            parts: Vec::new(),
            lost: scenario.lost,
            planted: Vec::new(),
            end: scenario.end,
        };
        let expected: Vec<_> = before.into_iter().map(|(tag, p, v, n)| (tag.map(|t| renamed(&t)), p, v, n)).collect();
        assert_eq!(ranking(&analyzed_by_tag(&other.trace())), expected);
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    for scenario in generated_scenarios() {
        let trace = scenario.trace();
        let of = |threads| pool(threads).install(|| analyzed_by_tag(&trace));
        let one = of(1);
        assert_eq!(of(4), one);
    }
}

#[test]
fn a_marker_splits_allocated_and_outstanding() {
    for scenario in generated_scenarios() {
        let trace = scenario.trace();
        for at in [1, 5_000] {
            let names = ColumnValues::new(trace.clone(), FrameNaming::Symbol).with_markers(&[Ticks(at)]);
            let request =
                AnalysisRequest { visible_range: trace.extent, grouping: SuspectGrouping::Tag, warm_up: WarmUp::None };
            let all = analyze(&names, request, &not_cancelled).unwrap();
            let halves =
                [TimeRange { to: Ticks(at - 1), ..trace.extent }, TimeRange { from: Ticks(at), ..trace.extent }];
            let halves = halves.map(|visible_range| analyzed(&trace, visible_range, SuspectGrouping::Tag));
            let total = |j: &LeakAnalysis| j.suspects.iter().map(|s| s.evidence.allocated.count).sum::<u64>();
            assert_eq!(total(&all), total(&halves[0]) + total(&halves[1]));
            for suspect in &all.suspects {
                let mut sum = Total::default();
                suspect.outstanding_by_generation.iter().for_each(|blocks| sum.merge(*blocks));
                assert_eq!((sum, suspect.outstanding_by_generation.len()), (suspect.evidence.outstanding, 3));
            }
        }
    }
}

#[test]
fn unrecorded_time_does_not_count_as_a_pause() {
    for scenario in generated_scenarios() {
        let trace = scenario.trace();
        let TimeRange { from, to } = trace.extent;
        let before = ranking(&analyzed_by_tag(&trace));
        let longer = TimeRange { from: Ticks(from.0 - 7_000), to: Ticks(to.0 + 7_000) };
        assert_eq!(ranking(&analyzed(&trace, longer, SuspectGrouping::Tag)), before, "around the trace");
        // A log whose beginning is overwritten is analyzed from the first event on.
        let mut wrapped = scenario.trace();
        let inner = Arc::get_mut(&mut wrapped).unwrap();
        inner.diagnostics.add(poolscope_etl::diagnostics::DiagnosticKind::WrappedCircular, 1);
        inner.extent.from = Ticks(from.0 - 30_000);
        let first = super::data_quality::first_pool_event(&wrapped).unwrap();
        set_recorded_range(&mut wrapped, TimeRange { from: first, to });
        let (all, rest) =
            (analyzed_by_tag(&wrapped), analyzed(&wrapped, TimeRange { from: first, to }, SuspectGrouping::Tag));
        assert_eq!((all.range, rest.range.active.from), (rest.range, first));
        let verdicts = |j: &LeakAnalysis| j.suspects.iter().map(|s| (s.tag.clone(), s.verdict)).collect::<Vec<_>>();
        assert_eq!(verdicts(&all), verdicts(&rest));
        assert!(
            all.data_quality.confidence_factor() < rest.data_quality.confidence_factor(),
            "the gap still costs data_quality"
        );
    }
}

/// Sets the recorded range of a trace.
fn set_recorded_range(trace: &mut Arc<Trace>, range: TimeRange) {
    Arc::get_mut(trace).unwrap().recorded = RecordedRange { start_missing: true, ..RecordedRange::whole(range) };
}

#[test]
fn every_free_in_the_range_is_counted() {
    for scenario in generated_scenarios() {
        let trace = scenario.trace();
        let visible_range = TimeRange { from: Ticks(3_000), ..trace.extent };
        let ends = |time: &&Ticks| **time >= visible_range.from && **time <= visible_range.to;
        let truth = trace.allocations.free_time.iter().filter(ends).count() as u64;
        let analysis = analyzed(&trace, visible_range, SuspectGrouping::Tag);
        let counted: u64 = analysis.suspects.iter().map(|s| s.evidence.freed.count).sum();
        let tags: Vec<&Option<String>> = analysis.suspects.iter().map(|s| &s.tag).collect();
        // A tag without an allocation in the range is no suspect.
        let others = (0..trace.allocations.len()).filter(|row| {
            let of = trace.attributes.rows()[trace.allocations.alloc_attributes[*row].index()].tag.text();
            ends(&&trace.allocations.free_time[*row]) && !tags.contains(&&Some(of))
        });
        assert_eq!(counted + others.count() as u64, truth);
        assert!(analysis.suspects.iter().any(|s| s.evidence.freed_preexisting.count > 0));
    }
}

#[test]
fn a_late_marker_ends_no_warm_up() {
    let trace = generated_scenarios()[0].trace();
    let marked = |at| {
        let names = ColumnValues::new(trace.clone(), FrameNaming::Symbol).with_markers(&[Ticks(at)]);
        analyze(
            &names,
            AnalysisRequest { visible_range: trace.extent, grouping: SuspectGrouping::Tag, warm_up: WarmUp::Automatic },
            &not_cancelled,
        )
        .unwrap()
        .range
        .warm_up_end
    };
    assert_eq!(marked(4_000), Ticks(4_000));
    assert_eq!(marked(9_500), analyzed_by_tag(&trace).range.warm_up_end);
}

#[test]
fn unusual_allocations_cause_no_failure() {
    let mut dice = Rng(99);
    let odd = |dice: &mut Rng, mut b: Block| {
        match dice.roll(12) {
            0 => b.size = u64::MAX,
            1 => (b.alloc, b.free) = (None, None),
            2 => b.free = b.alloc,
            3 => b.alloc = Some(-Ticks::LIMIT),
            4 => b.free = Some(Ticks::LIMIT),
            5 => b.size = 0,
            _ => {}
        }
        b
    };
    let mut sets: Vec<Vec<Block>> =
        vec![Vec::new(), vec![block(Some(5), None, 1)], vec![block(None, None, u64::MAX); 50]];
    sets.push((0..300).map(|_| block(Some(10_000), None, u64::MAX)).collect());
    sets.extend((0..40).map(|seed| {
        let count = 1 + dice.roll(400) as usize;
        random_blocks(seed, count).into_iter().map(|b| odd(&mut dice, b)).collect::<Vec<_>>()
    }));
    for blocks in sets {
        let trace = test_util::trace(&blocks);
        let ends = [(0, 10_000), (5_000, 5_000), (2_000, 7_000), (-5, -1), (i64::MIN + 1, i64::MAX - 1), (9_000, 100)];
        for (from, to) in ends {
            for by in SuspectGrouping::ALL {
                let analysis = analyzed(&trace, TimeRange { from: Ticks(from), to: Ticks(to) }, by);
                for s in &analysis.suspects {
                    assert!((0.0..=1.0).contains(&s.confidence) && (0.0..=100.0).contains(&s.score), "{s:?}");
                    assert!(s.growth_bytes_per_s.is_finite() && (0.0..=1.0).contains(&s.stack_share), "{s:?}");
                }
            }
        }
    }
}

/// Growth of a pool: that of all suspects, and that of frees that belong to none.
fn pool_sum(analysis: &LeakAnalysis, paged: bool) -> f64 {
    let of_suspects: f64 = analysis.suspects.iter().filter(|s| s.is_paged == paged).map(|s| s.growth_bytes_per_s).sum();
    of_suspects + analysis.pools[usize::from(paged)].unattributed_bytes_per_s
}

#[test]
fn growth_is_the_same_in_every_grouping_and_in_the_pivot_table() {
    for scenario in generated_scenarios() {
        let trace = scenario.trace();
        for visible_range in [trace.extent, TimeRange { from: Ticks(2_000), to: Ticks(7_500) }] {
            let by_tag = analyzed(&trace, visible_range, SuspectGrouping::Tag);
            for paged in [false, true] {
                let whole = by_tag.pools[usize::from(paged)].net_growth_bytes_per_s;
                for by in SuspectGrouping::ALL {
                    let sum = pool_sum(&analyzed(&trace, visible_range, by), paged);
                    assert!((sum - whole).abs() <= 1e-6 * whole.abs().max(1.0), "{by:?} {paged}: {sum} {whole}");
                }
            }
            let names = ColumnValues::new(trace.clone(), FrameNaming::Symbol);
            let request = PivotRequest { keys: &[Key::Tag, Key::Paged], visible_range, rows: None };
            let table = Arc::new(pivot(&names, &request, &not_cancelled).unwrap());
            let evaluator = Evaluator::new(Arc::new(names), &table, None, Arc::default());
            let (groups, _) = evaluator.group_values(Metric::Growth, &not_cancelled).unwrap();
            for suspect in &by_tag.suspects {
                let is_own = |group: &usize| {
                    let texts =
                        table.ids(*group).iter().zip(table.columns()).map(|(id, column)| column.text(*id).into_owned());
                    let pool = if suspect.is_paged { "Paged" } else { "NonPaged" };
                    texts.collect::<Vec<_>>() == [suspect.tag.clone().unwrap(), pool.to_owned()]
                };
                let group = (0..table.len()).find(is_own).unwrap();
                let Value::Float(growth) = groups[group] else { panic!("{:?}", groups[group]) };
                assert!(
                    (growth - suspect.growth_bytes_per_s).abs() <= 1e-6 * growth.abs().max(1.0),
                    "{:?}",
                    suspect.tag
                );
            }
        }
    }
}

#[test]
fn a_leak_over_a_hundred_stacks_and_sizes_grows_like_one() {
    let frame = |at: usize| -> &'static str { Box::leak(format!("my:{:x}", 0x1000 + 0x40 * at).into_boxed_str()) };
    let stacks: Vec<&'static [&'static str]> =
        (0..100).map(|at| -> &'static [&'static str] { Box::leak(Box::new(["nt:20", frame(at)])) }).collect();
    let mut dice = Rng(3);
    let mut moments: Vec<i64> = (0..3_000).map(|_| dice.roll(10_000) as i64).collect();
    moments.sort_unstable();
    let scenario = |ways: u64, dice: &mut Rng| -> Vec<Block> {
        let one = |at: &i64| {
            let stack = stacks[dice.roll(ways) as usize];
            let process = dice.roll(ways.min(4)) as u32;
            let size = 512 - 4 * (ways - 1) + 8 * dice.roll(ways);
            Block { stack, process, ..block(Some(*at), None, size) }
        };
        moments.iter().map(one).collect()
    };
    let planted = 3_000.0 * 512.0 / 10.0;
    for ways in [1, 10, 100] {
        let trace = test_util::trace(&scenario(ways, &mut dice));
        let analysis = analyzed_by_tag(&trace);
        let suspect = &analysis.suspects[0];
        assert_eq!((analysis.suspects.len(), suspect.verdict), (1, Verdict::Leak), "{ways}");
        assert!((suspect.growth_bytes_per_s / planted - 1.0).abs() < 0.05, "{ways}: {}", suspect.growth_bytes_per_s);
        let by_stack = analyzed(&trace, trace.extent, SuspectGrouping::Stack);
        let sum: f64 = by_stack.suspects.iter().map(|s| s.growth_bytes_per_s).sum();
        assert!((sum - suspect.growth_bytes_per_s).abs() < 1e-6 * sum, "{ways}: {sum}");
        assert_eq!(analysis.pools[0].leak_bytes_per_s, suspect.growth_bytes_per_s);
    }
}
