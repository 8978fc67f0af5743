//! Details of random rows against sums made block by block.

use super::*;
use crate::group::parallel::not_cancelled;
use crate::group::test_util::{Block, HZ, block, names, random_blocks};
use crate::trace::time::ClockKind;
use std::collections::{BTreeMap, BTreeSet};

const VIEW: TimeRange = TimeRange { from: Ticks(2000), to: Ticks(7000) };

/// The blocks that a profile of the rows `r % 3 != 0` has to look at.
fn taken(blocks: &[Block]) -> Vec<(usize, &Block)> {
    let in_view = |b: &Block| b.alloc.is_none_or(|a| a <= VIEW.to.0) && b.free.is_none_or(|f| f >= VIEW.from.0);
    blocks.iter().enumerate().filter(|(r, b)| r % 3 != 0 && in_view(b)).collect()
}

fn made(names: &ColumnValues) -> RowDetails {
    let rows = RowSet::from_fn(names.trace().allocations.len(), |r| r % 3 != 0);
    row_details(names, &rows, VIEW, &not_cancelled).unwrap()
}

fn tally<'b>(blocks: impl Iterator<Item = &'b Block>) -> Total {
    blocks.fold(Total::default(), |t, b| Total { count: t.count + 1, bytes: t.bytes + b.size })
}

fn of_bins(bins: &[HistogramBin]) -> BTreeMap<String, Total> {
    bins.iter().filter(|b| b.total.count > 0).map(|b| (b.label.clone(), b.total)).collect()
}

/// Sums by what `label` says of each block.
fn by_label<'b>(blocks: &[(usize, &'b Block)], label: impl Fn(&'b Block) -> Option<String>) -> BTreeMap<String, Total> {
    let mut sums: BTreeMap<String, Total> = BTreeMap::new();
    for (_, b) in blocks {
        if let Some(label) = label(b) {
            let sum = sums.entry(label).or_default();
            *sum = Total { count: sum.count + 1, bytes: sum.bytes + b.size };
        }
    }
    sums
}

fn span_label(ms: i64) -> String {
    const EDGES: [(i64, &str); 13] = [
        (1, "1 ms"),
        (2, "2 ms"),
        (5, "5 ms"),
        (10, "10 ms"),
        (20, "20 ms"),
        (50, "50 ms"),
        (100, "100 ms"),
        (200, "200 ms"),
        (500, "500 ms"),
        (1000, "1 s"),
        (2000, "2 s"),
        (5000, "5 s"),
        (10_000, "10 s"),
    ];
    assert_eq!(HZ, 1000);
    let at = EDGES.iter().position(|e| ms < e.0).unwrap();
    if at == 0 { "under 1 us".to_owned() } else { format!("{}..{}", EDGES[at - 1].1, EDGES[at].1) }
}

#[test]
fn sums_and_bars_agree_with_a_loop_over_the_blocks() {
    let blocks = random_blocks(71, 4000);
    let names = names(&blocks);
    let taken = taken(&blocks);
    let got = made(&names);
    let each = || taken.iter().map(|(_, b)| *b);
    let freed = |b: &&Block| b.free.is_some_and(|f| f <= VIEW.to.0);
    assert_eq!(got.total, tally(each()));
    assert_eq!(got.freed, tally(each().filter(freed)));
    assert_eq!(got.outstanding, tally(each().filter(|b| !freed(b))));
    assert_eq!(got.distinct_sizes, each().map(|b| b.size).collect::<BTreeSet<_>>().len());
    assert_eq!(of_bins(&got.sizes), by_label(&taken, |b| Some(size_class_label(size_class(b.size)))));
    let lifetimes = by_label(&taken, |b| b.free.zip(b.alloc).map(|(f, a)| span_label(f - a)));
    assert_eq!(of_bins(&got.lifetimes.bins), lifetimes);
    assert_eq!(got.lifetimes.not_freed, tally(each().filter(|b| b.free.is_none())));
    assert_eq!(got.lifetimes.unknown, tally(each().filter(|b| b.free.is_some() && b.alloc.is_none())));
    let ages = by_label(&taken, |b| b.alloc.filter(|_| !freed(&b)).map(|a| span_label(VIEW.to.0 - a)));
    assert_eq!(of_bins(&got.ages.bins), ages);
    assert_eq!(got.ages.unknown, tally(each().filter(|b| !freed(b) && b.alloc.is_none())));
    assert_eq!(got.ages.not_freed, Total::default());
    for bins in [&got.sizes, &got.lifetimes.bins, &got.ages.bins] {
        assert!(bins.first().unwrap().total.count > 0 && bins.last().unwrap().total.count > 0);
    }
}

#[test]
fn shares_and_stacks_agree_with_a_loop_over_the_blocks() {
    let blocks = random_blocks(72, 4000);
    let names = names(&blocks);
    let taken = taken(&blocks);
    let got = made(&names);
    let shown = |shares: &Shares| shares.largest.iter().map(|s| (s.label.clone(), s.total)).collect::<BTreeMap<_, _>>();
    let processes = ["System (4)", "NotMyfault.exe (1234)", "svchost.exe (800)", "svchost.exe (800)"];
    assert_eq!(shown(&got.processes), by_label(&taken, |b| Some(processes[b.process as usize].to_owned())));
    let driver = |b: &Block| match b.stack.iter().rev().find(|f| f.starts_with("my") || f.starts_with("other")) {
        Some(f) if f.starts_with("my") => "myfault.sys",
        Some(_) => "other.sys",
        None if b.stack.is_empty() => "[No Driver]",
        None => "ntoskrnl.exe",
    };
    assert_eq!(shown(&got.drivers), by_label(&taken, |b| Some(driver(b).to_owned())));
    assert!(got.processes.largest.is_sorted_by_key(|s| std::cmp::Reverse(s.total.bytes)));
    assert_eq!((got.processes.others, got.drivers.others_total), (0, Total::default()));

    let offsets = |share: &StackShare| share.frames.iter().map(|f| format!("{:x}", f.offset_bytes)).collect::<Vec<_>>();
    let written = |stack: &[&str]| stack.iter().map(|f| f.split_once(':').unwrap().1).collect::<Vec<_>>().join(";");
    let sums =
        |shares: &[StackShare]| shares.iter().map(|s| (offsets(s).join(";"), s.total)).collect::<BTreeMap<_, _>>();
    let stacks = by_label(&taken, |b| (!b.stack.is_empty()).then(|| written(b.stack)));
    assert_eq!((sums(&got.stacks), got.stack_count), (stacks, 5));
    let freed = |b: &Block| b.free.is_some_and(|f| f <= VIEW.to.0);
    let frees = by_label(&taken, |b| (freed(b) && !b.free_stack.is_empty()).then(|| written(b.free_stack)));
    assert_eq!((sums(&got.free_stacks), got.free_stack_count), (frees, 5));
    let each = || taken.iter().map(|(_, b)| *b);
    assert_eq!(got.without_stack, tally(each().filter(|b| b.stack.is_empty())));
    assert_eq!(got.freed_without_stack, tally(each().filter(|b| freed(b) && b.free_stack.is_empty())));
    let frame = &got.stacks[0].frames[0];
    assert_eq!(frame.text, format!("{}+{:#x}", frame.module, frame.offset_bytes));
}

#[test]
fn implied_ends_give_no_lifetimes_and_no_ages() {
    use crate::trace::allocation::flag;
    let of = |flags, alloc, free, size| Block { flags, ..block(Some(alloc), free, size) };
    let (from, to) = (VIEW.from.0, VIEW.to.0);
    let blocks = [
        of(flag::UNCERTAIN_ALLOCATION_STACK, from + 1, Some(from + 11), 1),
        of(flag::IMPLIED_FREE, from + 2, Some(from + 12), 2),
        of(flag::IMPLIED_ALLOCATION, from + 3, Some(from + 13), 4),
        // Alive at the end of the visible_range, its allocation implied by an earlier free.
        of(flag::IMPLIED_ALLOCATION, from + 4, Some(to + 5), 8),
        of(0, from + 5, None, 16),
    ];
    let got = row_details(&names(&blocks), &RowSet::from_fn(blocks.len(), |_| true), VIEW, &not_cancelled).unwrap();
    let in_bins = |bins: &[HistogramBin]| bins.iter().map(|bin| bin.total.bytes).sum::<u64>();
    assert_eq!(
        (in_bins(&got.lifetimes.bins), got.lifetimes.unknown.bytes, got.lifetimes.not_freed.bytes),
        (1, 2 + 4 + 8, 16)
    );
    assert_eq!((in_bins(&got.ages.bins), got.ages.unknown.bytes), (16, 8));
    let listed: Vec<(u64, bool)> = got.first.iter().map(|alloc| (alloc.size, alloc.lifetime_s.is_some())).collect();
    assert_eq!(
        listed,
        [(1, true), (2, false), (16, false)],
        "only allocations that were recorded, and their known lifetimes"
    );
    assert_eq!(got.uncertain_stack, Total { count: 1, bytes: 1 });
}

#[test]
fn the_first_and_the_last_blocks_are_listed_in_order() {
    let blocks = random_blocks(73, 4000);
    let names = names(&blocks);
    let mut timed: Vec<(i64, usize)> = taken(&blocks).iter().filter_map(|(r, b)| b.alloc.map(|a| (a, *r))).collect();
    timed.sort_unstable();
    let got = made(&names);
    let rows = |list: &[AllocationDetails]| list.iter().map(|a| a.row.index()).collect::<Vec<_>>();
    assert_eq!(rows(&got.first), timed[..MAX_ALLOCATIONS].iter().map(|t| t.1).collect::<Vec<_>>());
    assert_eq!(rows(&got.last), timed[timed.len() - MAX_ALLOCATIONS..].iter().map(|t| t.1).collect::<Vec<_>>());
    for shown in got.first.iter().chain(&got.last) {
        let block = &blocks[shown.row.index()];
        assert_eq!((shown.size, shown.address), (block.size, Some(block.address)));
        assert_eq!((shown.thread, shown.cpu), (Some(block.thread), Some(block.cpu)));
        assert_eq!(shown.time_s, block.alloc.unwrap() as f64 / HZ as f64);
        assert_eq!(shown.lifetime_s, block.free.map(|f| (f - block.alloc.unwrap()) as f64 / HZ as f64));
        assert!(shown.process.ends_with(')'));
    }
}

#[test]
fn neither_workers_nor_emptiness_disturb_it() {
    let blocks = random_blocks(74, 200_000);
    let names = names(&blocks);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| made(&names))
    };
    assert_eq!(with(1), with(6));
    let nothing = RowSet::from_fn(blocks.len(), |_| false);
    assert_eq!(row_details(&names, &nothing, VIEW, &not_cancelled).unwrap(), RowDetails::default());
    assert!(row_details(&names, &nothing, VIEW, &|| true).is_err());
}

#[test]
fn bounds_belong_to_the_upper_bar() {
    let bounds = TimeBounds::new(&Clock { kind: ClockKind::Qpc, ticks_per_second: 10_000_000, start_filetime: 0 });
    let label = |ticks| bounds.label(bounds.bin(ticks));
    assert_eq!([0, 9, 10, 19, 20].map(label), ["under 1 us", "under 1 us", "1 us..2 us", "1 us..2 us", "2 us..5 us"]);
    assert_eq!(label(10_000_000), "1 s..2 s");
    assert_eq!(label(i64::MAX / 4), "24 h and more");
    assert_eq!(bounds.bin(i64::MAX / 4) + 1, TIME_BINS);
    assert!(TIME_BOUNDS.is_sorted_by(|a, b| a.0 < b.0));
    let coarse = TimeBounds::new(&Clock { kind: ClockKind::SystemTime, ticks_per_second: 1000, start_filetime: 0 });
    assert_eq!([0, 1, 1000].map(|t| coarse.label(coarse.bin(t))), ["under 1 us", "1 ms..2 ms", "1 s..2 s"]);
}
