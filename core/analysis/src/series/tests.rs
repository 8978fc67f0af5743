//! Curves of small traces against hand-made values, and of random ones against sums point by point.

use super::*;
use crate::filter::RowSet;
use crate::group::key::Key;
use crate::group::parallel::not_cancelled;
use crate::group::test_util::{Block, Rng, block, names, random_blocks};
use crate::pivot::metric::Value;
use crate::trace::attributes::Tag;
use crate::trace::time::{Ticks, TimeRange};

fn visible_range(from: i64, to: i64) -> TimeRange {
    TimeRange { from: Ticks(from), to: Ticks(to) }
}

fn request(measure: &str, visible_range: TimeRange, points: usize) -> SeriesRequest<'static> {
    let measure = measure.parse().unwrap();
    SeriesRequest {
        keys: &[],
        metric: measure,
        visible_range,
        points,
        rows: None,
        include_preexisting: false,
        top: None,
        chosen: None,
    }
}

fn values(blocks: &[Block], request: &SeriesRequest<'_>) -> Vec<Value> {
    let set = series(&names(blocks), request, &not_cancelled).unwrap();
    assert_eq!(set.curves.len(), 1);
    (0..set.times.len()).map(|k| set.value(0, k)).collect()
}

fn ints(values: &[i128]) -> Vec<Value> {
    values.iter().map(|v| Value::Int(*v)).collect()
}

#[test]
fn each_measure_by_hand() {
    let blocks = vec![
        block(Some(1000), Some(3000), 100),
        block(Some(2000), None, 10),
        block(None, Some(2500), 5),
        block(Some(2500), Some(2500), 1000),
    ];
    let run = |measure: &str, from, to, points| values(&blocks, &request(measure, visible_range(from, to), points));
    // At 0, 1000, 2000, 3000, 4000: an allocation counts at its own tick, a free ends it at its own tick.
    assert_eq!(run("outstanding", 0, 4000, 5), ints(&[0, 100, 110, 10, 10]));
    assert_eq!(run("count", 0, 4000, 5), ints(&[0, 1, 2, 1, 1]));
    assert_eq!(run("cumulative", 0, 4000, 5), ints(&[0, 100, 110, 1110, 1110]));
    // A part: what came before counts as outstanding and as allocated so far.
    assert_eq!(run("outstanding", 2900, 3000, 2), ints(&[110, 10]));
    assert_eq!(run("cumulative", 2900, 3000, 2), ints(&[1110, 1110]));
    let rates = [0.0, 100.0, 10.0, 1000.0, 0.0].map(Value::Float);
    assert_eq!(run("rate", 0, 4000, 5), rates);
    // Half-second steps double it; the first point never has one.
    assert_eq!(run("rate", 1000, 2000, 3), [0.0, 0.0, 20.0].map(Value::Float));
    let mut earlier = request("outstanding", visible_range(0, 4000), 5);
    earlier.include_preexisting = true;
    assert_eq!(values(&blocks, &earlier), ints(&[5, 105, 115, 10, 10]));
}

#[test]
fn the_heaviest_have_their_own_curve_and_the_rest_shares_one() {
    let tags: [(&[u8; 4], u64); 4] = [(b"Aaaa", 10), (b"Bbbb", 30), (b"Cccc", 10), (b"Dddd", 5)];
    let blocks: Vec<Block> = tags.iter().map(|(tag, size)| Block { tag, ..block(Some(10), None, *size) }).collect();
    let mut wanted = request("outstanding", visible_range(0, 100), 2);
    wanted.keys = &[Key::Tag];
    wanted.top = Some(2);
    let set = series(&names(&blocks), &wanted, &not_cancelled).unwrap();
    let shown: Vec<_> = (0..set.curves.len()).map(|c| (set.texts(c), set.value(c, 1))).collect();
    let text = |t: &str| Some(vec![t.to_owned()]);
    let expected = [(text("Bbbb"), Value::Int(30)), (text("Aaaa"), Value::Int(10)), (None, Value::Int(15))];
    assert_eq!(shown, expected);
    assert_eq!(set.others, 2);
    wanted.top = Some(4);
    assert_eq!(series(&names(&blocks), &wanted, &not_cancelled).unwrap().others, 0);
}

#[test]
fn what_stays_weighs_more_than_what_is_freed_at_once() {
    let mut blocks: Vec<Block> =
        (0..50).map(|at| Block { tag: b"Chur", ..block(Some(at * 100 + 1), Some(at * 100 + 2), 500) }).collect();
    blocks.push(Block { tag: b"Stay", ..block(Some(10), None, 600) });
    let mut wanted = request("outstanding", visible_range(0, 5000), 3);
    wanted.keys = &[Key::Tag];
    let names = names(&blocks);
    let first =
        |request: &SeriesRequest<'_>| series(&names, request, &not_cancelled).unwrap().texts(0).unwrap().remove(0);
    assert_eq!(first(&wanted), "Stay");
    wanted.metric = "cumulative".parse().unwrap();
    assert_eq!(first(&wanted), "Chur");
}

fn outstanding_at(blocks: &[Block], tag: &str, rows: &RowSet, t: i64) -> i128 {
    let alive = blocks.iter().enumerate().filter(|(r, b)| {
        rows.contains(*r)
            && Tag(*b.tag).text() == tag
            && b.alloc.is_some_and(|a| a <= t)
            && b.free.is_none_or(|f| t < f)
    });
    alive.map(|(_, b)| i128::from(b.size)).sum()
}

#[test]
fn random_traces_agree_with_sums_made_point_by_point() {
    let mut dice = Rng(5);
    for seed in 0..12 {
        let blocks = random_blocks(seed, 250);
        let names = names(&blocks);
        let from = dice.roll(6000) as i64;
        let visible_range = visible_range(from, from + dice.roll(4000) as i64);
        let rows = RowSet::from_fn(blocks.len(), |r| r % 4 != 1);
        let mut wanted = request("outstanding", visible_range, 1 + dice.roll(30) as usize);
        wanted.keys = &[Key::Tag];
        wanted.rows = Some(&rows);
        let set = series(&names, &wanted, &not_cancelled).unwrap();
        let order = EventOrder::new(names.trace());
        let drawn = decimate(&names, &wanted, &order, &not_cancelled).unwrap();
        assert_eq!(drawn.set.curves, set.curves);
        for curve in 0..set.curves.len() {
            let tag = &set.texts(curve).unwrap()[0];
            for (k, time) in set.times.iter().enumerate() {
                let expected = outstanding_at(&blocks, tag, &rows, time.0);
                assert_eq!(set.value(curve, k), Value::Int(expected), "seed {seed}, {tag} at {time:?}");
            }
            for (k, pair) in set.times.windows(2).enumerate() {
                let all = (pair[0].0..=pair[1].0).map(|t| outstanding_at(&blocks, tag, &rows, t));
                let all: Vec<i128> = all.collect();
                let expected = (*all.iter().min().unwrap(), *all.iter().max().unwrap());
                assert_eq!(drawn.extremes[curve][k], expected, "seed {seed}, {tag}, interval {k}");
            }
        }
    }
}

#[test]
fn what_is_too_much_to_be_compared_is_said_and_added_up_all_the_same() {
    let of = |n: u64| Block { address: 16 * n, ..block(Some(1 + n as i64 % 5), None, 1 + n % 7) };
    let count = MAX_COMPARED_GROUPS as u64 + 1;
    let names = names(&(0..count).map(of).collect::<Vec<_>>());
    let mut wanted = request("outstanding", visible_range(0, 100), 2);
    (wanted.keys, wanted.top) = (&[Key::Address], Some(3));
    let set = series(&names, &wanted, &not_cancelled).unwrap();
    assert!(set.is_chosen_by_sum);
    let last: i128 = set.curves.iter().map(|curve| curve.amounts[1]).sum();
    assert_eq!((set.others, last), (count as usize - 3, (0..count).map(|n| i128::from(1 + n % 7)).sum()));
    wanted.keys = &[Key::Tag];
    assert!(!series(&names, &wanted, &not_cancelled).unwrap().is_chosen_by_sum);
    // A table has all groups.
    let question =
        crate::pivot::PivotRequest { keys: &[Key::Address], visible_range: wanted.visible_range, rows: None };
    assert_eq!(crate::pivot::pivot(&names, &question, &not_cancelled).unwrap().len(), count as usize);
}

#[test]
fn damaged_sizes_and_too_many_points_are_no_panic() {
    let blocks = vec![block(Some(1), Some(3), u64::MAX), block(Some(1), None, u64::MAX)];
    let doubled = i128::from(u64::MAX) * 2;
    let wanted = request("outstanding", visible_range(1, 3), 2);
    assert_eq!(values(&blocks, &wanted), ints(&[doubled, doubled / 2]));
    let error = series(&names(&blocks), &request("count", visible_range(0, 9), 1 << 26), &not_cancelled).unwrap_err();
    assert!(matches!(error, SeriesError::TooMany { curves: 1, .. }));
    let mut by_tag = request("count", visible_range(0, 9), 1 << 26);
    by_tag.keys = &[Key::Tag, Key::Stack];
    let said = series(&names(&blocks), &by_tag, &not_cancelled).unwrap_err().to_string();
    assert!(
        said.starts_with("1 curves by tag, stack with 67108864 points each are too many (at most 33554432 values)"),
        "{said}"
    );
    assert_eq!(series(&names(&blocks), &wanted, &|| true).unwrap_err(), SeriesError::Cancelled);
    let empty = names(&[]);
    assert!(series(&empty, &wanted, &not_cancelled).unwrap().curves.is_empty());
    let order = EventOrder::new(empty.trace());
    assert!(decimate(&empty, &wanted, &order, &not_cancelled).unwrap().set.curves.is_empty());
    assert!(decimate_highest(&empty, &wanted, &order, &not_cancelled).unwrap().extremes.is_empty());
    // Rows, but none in the visible range.
    let later = names(&[block(Some(9000), None, 1)]);
    let order = EventOrder::new(later.trace());
    assert!(decimate_highest(&later, &wanted, &order, &not_cancelled).unwrap().set.curves.is_empty());
}

#[test]
fn the_number_of_workers_changes_nothing() {
    let blocks = random_blocks(11, 150_000);
    let names = names(&blocks);
    let mut wanted = request("outstanding", visible_range(100, 9000), 333);
    wanted.keys = &[Key::Stack, Key::Thread];
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| series(&names, &wanted, &not_cancelled).unwrap().curves)
    };
    assert_eq!(run(1), run(7));
    let order = EventOrder::new(names.trace());
    let drawn = |threads, keys| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let wanted = SeriesRequest { keys, top: Some(3), ..wanted };
        let drawn = pool.install(|| decimate_highest(&names, &wanted, &order, &not_cancelled).unwrap());
        (drawn.set.curves, drawn.extremes)
    };
    for keys in [&[Key::Tag][..], &[Key::Stack, Key::Thread]] {
        assert_eq!(drawn(1, keys), drawn(7, keys));
    }
}

#[test]
fn the_highest_drawn_at_once_are_the_highest_and_then_drawn() {
    let mut dice = Rng(23);
    for (seed, keys) in [&[][..], &[Key::Tag], &[Key::Stack], &[Key::Type, Key::Driver]].into_iter().enumerate() {
        let blocks = random_blocks(seed as u64 + 70, 300);
        let names = names(&blocks);
        let order = EventOrder::new(names.trace());
        let rows = RowSet::from_fn(blocks.len(), |r| r % 3 != 0);
        for top in [None, Some(0), Some(1), Some(3)] {
            let from = dice.roll(5000) as i64;
            let mut wanted = request("outstanding", visible_range(from, from + 2000), 1 + dice.roll(12) as usize);
            (wanted.keys, wanted.rows, wanted.top) = (keys, Some(&rows), top);
            let drawn = decimate_highest(&names, &wanted, &order, &not_cancelled).unwrap();
            let ids = highest_groups(&names, &wanted, || Ok(&order), &not_cancelled).unwrap();
            let again = SeriesRequest { chosen: Some(&ids), ..wanted };
            let chosen = decimate(&names, &again, &order, &not_cancelled).unwrap();
            assert_eq!((&drawn.set.curves, drawn.set.others), (&chosen.set.curves, chosen.set.others), "seed {seed}");
            assert_eq!(drawn.extremes, chosen.extremes, "seed {seed}");
            let all = decimate(&names, &SeriesRequest { top: None, ..wanted }, &order, &not_cancelled).unwrap();
            let peak = |e: &MinMaxDecimation, c: usize| e.extremes[c].iter().map(|e| e.1).max();
            let mut peaks: Vec<_> = (0..all.set.curves.len()).map(|c| peak(&all, c)).collect();
            peaks.sort_unstable_by_key(|p| std::cmp::Reverse(*p));
            let own: Vec<_> = (0..ids.len()).map(|c| peak(&drawn, c)).collect();
            assert_eq!(own, peaks[..ids.len().min(peaks.len())], "seed {seed}");
        }
    }
}

/// Compares chosen curves with each one computed alone: values, and extremes of outstanding ones.
fn check_chosen(names: &crate::group::column_values::ColumnValues, wanted: &SeriesRequest<'_>, seed: u64) {
    let order = EventOrder::new(names.trace());
    let all = series(names, &SeriesRequest { top: None, ..*wanted }, &not_cancelled).unwrap();
    let every: Vec<Vec<u32>> = all.curves.iter().filter_map(|c| c.ids.clone()).collect();
    let mut chosen: Vec<Vec<u32>> = every.iter().rev().step_by(3).cloned().collect();
    let nowhere = vec![u32::MAX; wanted.keys.len()];
    chosen.insert(chosen.len() / 2, nowhere.clone());
    let request = SeriesRequest { chosen: Some(&chosen), ..*wanted };
    let set = series(names, &request, &not_cancelled).unwrap();
    let own: Vec<_> = set.curves.iter().map(|c| c.ids.clone()).take(chosen.len()).collect();
    assert_eq!(own, chosen.iter().cloned().map(Some).collect::<Vec<_>>(), "seed {seed}");
    let left = every.len() + 1 - chosen.len();
    assert_eq!((set.others, set.curves.len()), (left, chosen.len() + usize::from(left > 0)));
    let mut rest = vec![0i128; set.times.len()];
    for curve in &all.curves {
        let at = chosen.iter().position(|ids| Some(ids) == curve.ids.as_ref());
        match at {
            Some(at) => assert_eq!(set.curves[at].amounts, curve.amounts, "seed {seed}"),
            None => rest.iter_mut().zip(&curve.amounts).for_each(|(sum, amount)| *sum += amount),
        }
    }
    let zero = chosen.iter().position(|ids| *ids == nowhere).unwrap();
    assert!(set.curves[zero].amounts.iter().all(|a| *a == 0));
    if left > 0 {
        assert_eq!(set.curves.last().map(|c| (&c.ids, &c.amounts)), Some((&None, &rest)), "seed {seed}");
    }
    if wanted.metric.kind == SeriesKind::Outstanding {
        let drawn = decimate(names, &request, &order, &not_cancelled).unwrap();
        assert_eq!(drawn.set.curves, set.curves, "seed {seed}");
        let alone = decimate(names, &SeriesRequest { top: None, ..*wanted }, &order, &not_cancelled).unwrap();
        for (at, ids) in chosen.iter().enumerate().filter(|c| *c.1 != nowhere) {
            let other = alone.set.curves.iter().position(|c| c.ids.as_ref() == Some(ids)).unwrap();
            assert_eq!(drawn.extremes[at], alone.extremes[other], "seed {seed}");
        }
    }
}

#[test]
fn any_combination_of_keys_can_be_chosen() {
    let combinations: [&[Key]; 6] = [
        &[Key::Tag],
        &[Key::Type, Key::Tag],
        &[Key::Stack],
        &[Key::Driver, Key::Process],
        &[Key::Address, Key::FreeStack],
        &[Key::SizeClass, Key::ImpactingType, Key::Stack],
    ];
    let mut dice = Rng(17);
    for (seed, keys) in combinations.into_iter().enumerate() {
        let blocks = random_blocks(seed as u64 + 40, 220);
        let names = names(&blocks);
        let from = dice.roll(5000) as i64;
        let rows = RowSet::from_fn(blocks.len(), |r| r % 5 != 2);
        for measure in ["outstanding", "count", "cumulative", "rate_count"] {
            let mut wanted = request(measure, visible_range(from, from + 3000), 1 + dice.roll(20) as usize);
            (wanted.keys, wanted.rows) = (keys, Some(&rows));
            wanted.include_preexisting = seed % 2 == 0;
            check_chosen(&names, &wanted, seed as u64);
        }
    }
    let nothing = SeriesRequest { chosen: Some(&[]), ..request("outstanding", visible_range(0, 9), 2) };
    let set = series(&names(&random_blocks(3, 20)), &nothing, &not_cancelled).unwrap();
    assert_eq!((set.curves.len(), set.others), (1, 1));
}

#[test]
fn the_highest_are_found_by_their_exact_peaks() {
    // A short peak between the compared points ranks above a long lower curve.
    let blocks = vec![
        Block { tag: b"Peak", ..block(Some(5003), Some(5004), 900) },
        Block { tag: b"Stay", ..block(Some(10), None, 600) },
        Block { tag: b"Tiny", ..block(Some(10), None, 1) },
    ];
    let names = names(&blocks);
    let order = EventOrder::new(names.trace());
    let found = |measure: &str, top| {
        let wanted = SeriesRequest { keys: &[Key::Tag], top, ..request(measure, visible_range(0, 10_000), 3) };
        let ids = highest_groups(&names, &wanted, || Ok(&order), &not_cancelled).unwrap();
        let column = names.column(Key::Tag);
        ids.iter().map(|ids| column.text(ids[0]).into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("outstanding", Some(2)), ["Peak", "Stay"]);
    assert_eq!(found("outstanding", None), ["Peak", "Stay", "Tiny"]);
    assert_eq!(found("cumulative", Some(1)), ["Peak"]);
    assert!(found("rate", Some(0)).is_empty());
}

#[test]
fn curves_from_blocks_are_those_from_all_events() {
    const KEY_SETS: [&[Key]; 4] = [&[], &[Key::Tag], &[Key::Stack, Key::Tag], &[Key::Process, Key::SizeClass]];
    let mut dice = Rng(41);
    for seed in 0..8 {
        let mut blocks = random_blocks(seed + 300, 700);
        // Many events at one tick.
        let coarse = |time: &mut Option<i64>| *time = time.map(|time| time / 40 * 40);
        blocks.iter_mut().for_each(|block| [&mut block.alloc, &mut block.free].into_iter().for_each(coarse));
        let names = std::sync::Arc::new(names(&blocks));
        let order = std::sync::Arc::new(SharedEventOrder::default());
        let filter = std::sync::Arc::new(RowSet::from_fn(blocks.len(), |row| row % 4 != 2));
        for (keys, min_events) in KEY_SETS.into_iter().zip([1, 3, 17, 4000]) {
            let mut wanted = request(["outstanding", "count"][seed as usize % 2], visible_range(0, 10), 2);
            (wanted.keys, wanted.include_preexisting) = (keys, seed % 3 == 0);
            let rows = (seed % 4 > 1).then(|| std::sync::Arc::clone(&filter));
            wanted.rows = rows.as_deref();
            let index = CurveIndex::with_blocks(&names, &wanted, rows.clone(), &order, min_events, &not_cancelled);
            let index = index.unwrap().unwrap();
            for top in [None, Some(0), Some(1), Some(3)] {
                let (from, length) = (dice.roll(300) as i64 * 40 - 1000 + dice.roll(2) as i64, dice.roll(6000) as i64);
                let length = if dice.roll(6) == 0 { 0 } else { length };
                wanted.visible_range = visible_range(from, from + length);
                (wanted.points, wanted.top) = (1 + dice.roll(40) as usize, top);
                assert!(index.serves(&names, &wanted));
                let found = index.highest(&wanted, &not_cancelled).unwrap();
                let plain = decimate_highest(&names, &wanted, order.known().unwrap(), &not_cancelled).unwrap();
                let (own, all) = (&found.set, &plain.set);
                assert_eq!((&own.curves, own.others), (&all.curves, all.others), "{seed} {keys:?} {top:?} {from}");
                assert_eq!((&own.times, own.is_chosen_by_sum), (&all.times, all.is_chosen_by_sum));
                assert_eq!(found.extremes, plain.extremes, "{seed} {keys:?} {top:?} {from} {length}");
            }
        }
    }
}

#[test]
fn curves_of_very_many_groups_are_those_from_all_events() {
    // More groups than are compared by peak, most with few events.
    let mut blocks = random_blocks(77, 20_000);
    let mut dice = Rng(78);
    let groups = MAX_PEAK_GROUPS as u64 * 2;
    blocks.iter_mut().for_each(|block| block.thread = (dice.roll(groups) * dice.roll(groups) / groups) as u32);
    let names = std::sync::Arc::new(names(&blocks));
    let order = std::sync::Arc::default();
    let filter = std::sync::Arc::new(RowSet::from_fn(blocks.len(), |row| row % 5 != 2));
    for (keys, is_filtered) in [(&[Key::Thread][..], false), (&[Key::Thread, Key::SizeClass], false)]
        .into_iter()
        .chain([(&[Key::Thread, Key::SizeClass][..], true), (&[Key::Thread], true)])
    {
        let mut wanted = SeriesRequest { keys, ..request("outstanding", visible_range(0, 10), 2) };
        let rows = is_filtered.then(|| std::sync::Arc::clone(&filter));
        (wanted.rows, wanted.include_preexisting) = (rows.as_deref(), keys.len() > 1);
        for min_events in [64, 700, 1 << 20] {
            let index = CurveIndex::with_blocks(&names, &wanted, rows.clone(), &order, min_events, &not_cancelled);
            let index = index.unwrap().unwrap();
            let (from, length) = (dice.roll(6000) as i64, dice.roll(6000) as i64);
            for (from, length) in [(from, length), (-5, 20_000)] {
                wanted.visible_range = visible_range(from, from + length);
                (wanted.points, wanted.top) = (50, Some(20));
                let found = index.highest(&wanted, &not_cancelled).unwrap();
                let plain = decimate_highest(&names, &wanted, order.known().unwrap(), &not_cancelled).unwrap();
                assert!(length < 20_000 || (found.set.is_chosen_by_sum && found.set.others > MAX_PEAK_GROUPS - 20));
                assert_eq!(found.set.is_chosen_by_sum, plain.set.is_chosen_by_sum);
                assert_eq!((&found.set.curves, found.set.others), (&plain.set.curves, plain.set.others), "{keys:?}");
                assert_eq!(found.extremes, plain.extremes, "{keys:?} {from} {length}");
            }
        }
    }
}

#[test]
fn groups_whose_blocks_never_fit_have_no_index() {
    // Too many for the entries of one block, and of two: all allocations are at one time and all frees at another.
    for groups in [25_000, 15_000] {
        let mut blocks = random_blocks(79, 30_000);
        for (thread, block) in (0..).zip(&mut blocks) {
            (block.thread, block.alloc, block.free) = (thread % groups, Some(10), Some(20));
        }
        let names = std::sync::Arc::new(names(&blocks));
        let wanted = SeriesRequest { keys: &[Key::Thread], ..request("outstanding", visible_range(0, 10), 2) };
        let index = |keys| {
            CurveIndex::new(&names, &SeriesRequest { keys, ..wanted }, None, &std::sync::Arc::default(), &not_cancelled)
        };
        assert!(index(&[Key::Thread]).unwrap().is_none(), "{groups}");
        assert!(index(&[Key::Tag]).unwrap().is_some());
    }
}

#[test]
fn long_scans_look_at_the_token_all_the_time() {
    let names = names(&random_blocks(10, 400_000));
    let order = EventOrder::new(names.trace());
    let wanted = SeriesRequest { keys: &[Key::Stack], ..request("outstanding", visible_range(0, 10_000), 2) };
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let relaxed = std::sync::atomic::Ordering::Relaxed;
    let count = || {
        calls.fetch_add(1, relaxed);
        false
    };
    decimate_highest(&names, &wanted, &order, &count).unwrap();
    let all = calls.swap(0, relaxed);
    // The rows are read for the sums and the values at the start, the events for the peaks and the curves.
    assert!(all > 4 * 400_000 / (1 << 16), "{all}");
    for after in [0, all / 3, all * 2 / 3] {
        calls.store(0, relaxed);
        let cancel = || calls.fetch_add(1, relaxed) >= after;
        assert!(decimate_highest(&names, &wanted, &order, &cancel).is_err(), "{after} of {all}");
    }
}

#[test]
fn blocks_serve_their_own_question_only_and_any_number_of_workers() {
    let names = std::sync::Arc::new(names(&random_blocks(7, 150_000)));
    let order = std::sync::Arc::default();
    let wanted = SeriesRequest {
        keys: &[Key::Tag, Key::Thread],
        top: Some(5),
        ..request("outstanding", visible_range(123, 8_765), 200)
    };
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let index = CurveIndex::new(&names, &wanted, None, &order, &not_cancelled).unwrap().unwrap();
            let drawn = index.highest(&wanted, &not_cancelled).unwrap();
            (drawn.set.curves, drawn.extremes)
        })
    };
    let one = run(1);
    assert!(one == run(2) && one == run(7));
    let index = CurveIndex::new(&names, &wanted, None, &order, &not_cancelled).unwrap().unwrap();
    let rows = RowSet::from_fn(names.trace().allocations.len(), |row| row > 5);
    for other in [
        SeriesRequest { keys: &[Key::Tag], ..wanted },
        SeriesRequest { metric: "count".parse().unwrap(), ..wanted },
        SeriesRequest { metric: "rate".parse().unwrap(), ..wanted },
        SeriesRequest { rows: Some(&rows), ..wanted },
        SeriesRequest { include_preexisting: true, ..wanted },
        SeriesRequest { chosen: Some(&[]), ..wanted },
        SeriesRequest { visible_range: visible_range(5, 4), ..wanted },
    ] {
        assert!(!index.serves(&names, &other));
    }
    let of = |keys| CurveIndex::new(&names, &SeriesRequest { keys, ..wanted }, None, &order, &not_cancelled).unwrap();
    assert!(of(&[Key::Type]).is_none() && of(&[Key::Address]).is_none());
    assert!(CurveIndex::new(&names, &wanted, None, &order, &|| true).is_err());
    assert!(index.highest(&wanted, &|| true).is_err());
}
