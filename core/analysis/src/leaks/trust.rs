//! How far a trace can be trusted as evidence: what is missing from it, what that takes from the confidence of every verdict,
//! and why. It judges no suspect.

use super::limits as limit;
use super::reconcile::{Reconciliation, reconcile};
use poolscope_etl::diagnostics::AnomalyKind;
use crate::trace::Trace;
use crate::trace::context::Tag;
use crate::trace::ids::StackId;
use crate::trace::time::{Ticks, View};
use rayon::prelude::*;

/// Something that lowers the confidence of all verdicts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TrustNote {
    /// What it is.
    pub kind: TrustKind,
    /// What every confidence is multiplied with, 0 to 1.
    pub factor: f64,
}

/// What can be missing from a trace.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum TrustKind {
    /// Windows lost events.
    LostEvents {
        /// How many.
        events: u64,
        /// Of all that were to be recorded, 0 to 1.
        share: f64,
    },
    /// Windows lost whole buffers, or buffers of the file cannot be read.
    LostBuffers {
        /// How many.
        buffers: u64,
        /// Of all, 0 to 1.
        share: f64,
    },
    /// The log was circular and wrapped: the trace begins later than the recording.
    Wrapped {
        /// Seconds of the recording that are missing at its beginning, if known.
        missing_s: Option<f64>,
    },
    /// Few tags only: a tag filter was on, so that the rest of the pool is not in the trace.
    TagFilter {
        /// Tags in the trace.
        tags: u64,
    },
    /// The view is short for what happens in it.
    Short {
        /// Its length in seconds.
        seconds: f64,
    },
    /// Allocations without a stack.
    MissingStacks {
        /// Their share, 0 to 1.
        share: f64,
    },
    /// Frees or allocations that had to be implied.
    ImpliedPairs {
        /// How many.
        pairs: u64,
        /// Of all blocks, 0 to 1.
        share: f64,
    },
    /// The pool's own counters disagree with the events.
    SnapshotsDiffer {
        /// Share of the counted allocations and frees that the events lack, 0 to 1.
        share: f64,
    },
}

/// How far a trace can be trusted.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Trust {
    /// What lowers it, the worst first.
    pub notes: Vec<TrustNote>,
    /// The pool's own counters against the events, where the trace has them.
    pub reconciliation: Option<Reconciliation>,
}

impl Trust {
    /// What every confidence is multiplied with, 0 to 1.
    #[must_use]
    pub fn factor(&self) -> f64 {
        self.notes.iter().map(|note| note.factor).product()
    }
}

/// Looks at a trace.
#[must_use]
pub fn trust(trace: &Trace, view: View) -> Trust {
    let reconciliation = reconcile(trace);
    let mut notes = losses(trace, reconciliation.as_ref());
    notes.extend(wrapped(trace, view));
    notes.extend(tag_filter(trace, reconciliation.as_ref()));
    let facts = ViewFacts::new(trace, view);
    notes.extend(short(trace, view, &facts));
    notes.extend(missing_stacks(trace, &facts));
    notes.sort_by(|a, b| a.factor.total_cmp(&b.factor));
    Trust { notes, reconciliation }
}

/// What says how many events are missing. A block counts rightly if neither its allocation nor its free is missing, so a
/// missing share takes its square. Several sources tell of the same losses: what one of them tells beyond those before it is
/// all that it takes, so that together they take what the worst of them says.
fn losses(trace: &Trace, reconciliation: Option<&Reconciliation>) -> Vec<TrustNote> {
    let found = |kind: AnomalyKind| trace.anomalies.count(kind);
    let of_all = |missing: u64, present: u64| missing as f64 / (missing + present).max(1) as f64;
    // Buffers and records that tell of losses without their number stand for one event each.
    let told = found(AnomalyKind::LossRecord).max(found(AnomalyKind::LossInBuffer));
    let events = trace.summary.events_lost.max(found(AnomalyKind::EventsLost)).max(told);
    let events_share = of_all(events, trace.census.records);
    let damaged = [AnomalyKind::BadBuffer, AnomalyKind::BadCompression, AnomalyKind::BadRecord, AnomalyKind::TornTail];
    let damaged: u64 = damaged.into_iter().map(found).sum();
    let buffers = trace.summary.buffers_lost.max(found(AnomalyKind::BuffersLost)) + damaged;
    let buffers_share = of_all(buffers, trace.census.buffers);
    let pairs = found(AnomalyKind::ImpliedFree) + found(AnomalyKind::ImpliedAllocation);
    let pairs_share = pairs as f64 / trace.allocations.len().max(1) as f64;
    // A block has two events, of which one is missing.
    let pairs_missing = pairs_share / 2.0;
    let differs = reconciliation.filter(|r| r.is_compared()).map_or(0.0, |r| 1.0 - r.seen_share);

    let mut missing = 0.0;
    let mut notes = Vec::new();
    let mut note = |kind: TrustKind, share: f64| {
        let share = share.clamp(0.0, limit::MOST_LOST);
        if share > missing {
            let factor = ((1.0 - share) / (1.0 - missing)).powi(2);
            notes.push(TrustNote { kind, factor });
            missing = share;
        }
    };
    note(TrustKind::LostEvents { events, share: events_share }, events_share);
    if buffers > 0 {
        // Events and buffers are lost at different places: they add up.
        let both = 1.0 - (1.0 - events_share) * (1.0 - buffers_share);
        note(TrustKind::LostBuffers { buffers, share: buffers_share }, both);
    }
    note(TrustKind::ImpliedPairs { pairs, share: pairs_share }, pairs_missing);
    note(TrustKind::SnapshotsDiffer { share: differs }, differs);
    notes
}

/// A circular log that has lost its beginning, if that lies in the view.
fn wrapped(trace: &Trace, view: View) -> Option<TrustNote> {
    if trace.anomalies.count(AnomalyKind::WrappedCircular) == 0 {
        return None;
    }
    let first = first_pool_event(trace)?;
    if first <= view.from {
        return None;
    }
    // The header's time is the start of the recording.
    let missing_s = trace.clock.seconds(first);
    let kind = TrustKind::Wrapped { missing_s: (missing_s > 0.0).then_some(missing_s) };
    Some(TrustNote { kind, factor: limit::PARTIAL_FACTOR })
}

/// The earliest allocation or free of the trace.
pub(super) fn first_pool_event(trace: &Trace) -> Option<Ticks> {
    let table = &trace.allocations;
    let unknown = table.alloc_time.partition_point(|time| !time.is_known());
    // Rows of unknown allocation stand first, in the order of their frees.
    let first_free = table.free_time.first().filter(|time| unknown > 0 && time.is_known());
    table.alloc_time.get(unknown).into_iter().chain(first_free).min().copied()
}

fn tag_filter(trace: &Trace, reconciliation: Option<&Reconciliation>) -> Option<TrustNote> {
    let mut tags: Vec<Tag> = trace.contexts.rows().iter().map(|context| context.tag).collect();
    tags.sort_unstable();
    tags.dedup();
    let tags = tags.len() as u64;
    let is_filtered = match reconciliation.filter(|r| r.busy_tags > 0) {
        Some(reconciliation) => reconciliation.is_filtered(),
        None => (1..=limit::MOST_FILTERED_TAGS).contains(&tags),
    };
    is_filtered.then_some(TrustNote { kind: TrustKind::TagFilter { tags }, factor: limit::PARTIAL_FACTOR })
}

/// What a view holds.
#[derive(Clone, Copy, Default)]
struct ViewFacts {
    allocs: u64,
    frees: u64,
    without_stack: u64,
    /// Blocks that were born in the first quarter of the view and freed in it, and those of them that lived for more than half
    /// of it: all of the others had the time to be seen doing so.
    early: u64,
    early_long: u64,
}

impl ViewFacts {
    fn new(trace: &Trace, view: View) -> Self {
        let table = &trace.allocations;
        let length = view.to.0.saturating_sub(view.from.0);
        let look = |mut sum: Self, row: usize| {
            let (alloc, free) = (table.alloc_time[row], table.free_time[row]);
            let (born, ends) = (alloc >= view.from && alloc <= view.to, free >= view.from && free <= view.to);
            sum.frees += u64::from(ends);
            if born && table.is_allocation_seen(row) {
                sum.allocs += 1;
                sum.without_stack += u64::from(table.alloc_stack[row] == StackId::EMPTY);
                let is_early = ends && alloc.0.saturating_sub(view.from.0) <= length / 4;
                sum.early += u64::from(is_early);
                sum.early_long += u64::from(is_early && free.0.saturating_sub(alloc.0) > length / 2);
            }
            sum
        };
        let add = |a: Self, b: Self| Self {
            allocs: a.allocs + b.allocs,
            frees: a.frees + b.frees,
            without_stack: a.without_stack + b.without_stack,
            early: a.early + b.early,
            early_long: a.early_long + b.early_long,
        };
        let rows = (0..table.len()).into_par_iter().with_min_len(1 << 14);
        rows.fold(Self::default, look).reduce(Self::default, add)
    }
}

/// Whether the view is short: few events, or blocks whose lifetimes are as long as the view. Seconds alone say nothing: a busy
/// server shows more in a second than an idle one in an hour.
fn short(trace: &Trace, view: View, facts: &ViewFacts) -> Option<TrustNote> {
    let events = (facts.allocs + facts.frees) as f64;
    if events == 0.0 {
        // There is nothing that it could make less sure.
        return None;
    }
    let enough = (events + 1.0) / (events + 1.0 + limit::HALF_EVIDENCE);
    let long_lived = facts.early_long as f64 / facts.early.max(1) as f64;
    // All of them living longer leaves half: new blocks that stay are still seen.
    let factor = enough * (1.0 - long_lived / 2.0);
    let seconds = view.to.0.saturating_sub(view.from.0).max(0) as f64 / trace.clock.ticks_per_second as f64;
    (1.0 - factor >= limit::LEAST_SHORTNESS).then_some(TrustNote { kind: TrustKind::Short { seconds }, factor })
}

fn missing_stacks(trace: &Trace, facts: &ViewFacts) -> Option<TrustNote> {
    // Without any stack they were not recorded, which the trace says, or not loaded, which is no fault of it.
    let found = |kind: AnomalyKind| trace.anomalies.count(kind) > 0;
    let were_loaded = trace.stacks.node_count() > 1 || found(AnomalyKind::NoStacks) || found(AnomalyKind::NoStack);
    if !were_loaded || facts.without_stack == 0 {
        return None;
    }
    let share = facts.without_stack as f64 / facts.allocs.max(1) as f64;
    let factor = 1.0 - limit::STACKLESS_WEIGHT * share;
    Some(TrustNote { kind: TrustKind::MissingStacks { share }, factor })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::testkit::{Block, block, trace as made};

    /// Short-lived blocks of many tags, evenly over the view; every one with a stack.
    fn quiet() -> Trace {
        const TAGS: [&[u8; 4]; 6] = [b"Aaaa", b"Bbbb", b"Cccc", b"Dddd", b"Eeee", b"Leak"];
        let of = |k: i64| Block {
            tag: TAGS[k as usize % 6],
            stack: &["nt:20", "my:30"],
            ..block(Some(k % 9900), Some(k % 9900 + 20), 8)
        };
        let blocks: Vec<Block> = (0..9000).map(of).collect();
        std::sync::Arc::into_inner(made(&blocks)).unwrap()
    }

    fn looked(trace: &Trace) -> Trust {
        trust(trace, trace.extent)
    }

    /// Factors as a problem grows: each lowers the trust more than the one before, and none to nothing.
    fn falls(with: impl Fn(&mut Trace, u64), is_it: impl Fn(&TrustKind) -> bool) {
        let mut last = 1.0;
        for amount in [1, 50, 900, 40_000, 100_000_000] {
            let mut trace = quiet();
            (trace.census.records, trace.census.buffers) = (30_000, 500);
            with(&mut trace, amount);
            let trust = looked(&trace);
            assert!(trust.notes.iter().any(|note| is_it(&note.kind)), "{amount}: {trust:?}");
            let factor = trust.factor();
            assert!(factor > 0.0 && factor <= last && factor < 1.0, "{amount}: {factor} after {last}");
            last = factor;
        }
    }

    #[test]
    fn nothing_wrong_takes_nothing() {
        let trust = looked(&quiet());
        assert_eq!((trust.notes.len(), trust.factor()), (0, 1.0), "{trust:?}");
    }

    #[test]
    fn the_more_is_lost_the_less_is_sure() {
        falls(|trace, n| trace.summary.events_lost = n, |kind| matches!(kind, TrustKind::LostEvents { .. }));
        falls(|trace, n| trace.summary.buffers_lost = n, |kind| matches!(kind, TrustKind::LostBuffers { .. }));
        let damaged = |trace: &mut Trace, n| trace.anomalies.add(AnomalyKind::BadCompression, n);
        falls(damaged, |kind| matches!(kind, TrustKind::LostBuffers { .. }));
        let implied = |trace: &mut Trace, n| trace.anomalies.add(AnomalyKind::ImpliedFree, n);
        falls(implied, |kind| matches!(kind, TrustKind::ImpliedPairs { .. }));
    }

    #[test]
    fn one_loss_told_twice_counts_once() {
        let mut trace = quiet();
        trace.census.records = 9_000;
        trace.summary.events_lost = 1_000;
        let told = looked(&trace).factor();
        assert!((told - 0.81).abs() < 1e-9, "{told}");
        trace.anomalies.add(AnomalyKind::ImpliedFree, 500);
        assert!((looked(&trace).factor() - told).abs() < 1e-9);
        // Of half of the blocks one event is missing: more was lost than Windows says.
        trace.anomalies.add(AnomalyKind::ImpliedAllocation, 4_000);
        let trust = looked(&trace);
        assert!((trust.factor() - 0.5625).abs() < 1e-9, "{trust:?}");
        assert_eq!(trust.notes.len(), 2);
        assert!(matches!(trust.notes[0].kind, TrustKind::ImpliedPairs { pairs: 4_500, .. }), "{trust:?}");
    }

    #[test]
    fn a_wrapped_log_counts_where_its_gap_lies_in_the_view() {
        let mut trace = quiet();
        trace.anomalies.add(AnomalyKind::WrappedCircular, 1);
        trace.extent.from = Ticks(-5_000);
        let of = |trace: &Trace| looked(trace).notes.first().copied();
        let note = of(&trace).unwrap();
        assert_eq!(note.kind, TrustKind::Wrapped { missing_s: None });
        assert_eq!(note.factor, limit::PARTIAL_FACTOR);
        assert_eq!(trust(&trace, View { from: Ticks(10), to: Ticks(10_000) }).notes, []);
        for time in trace.allocations.alloc_time.iter_mut().chain(&mut trace.allocations.free_time) {
            time.0 += 2_500;
        }
        trace.extent = View { from: Ticks(0), to: Ticks(12_500) };
        assert_eq!(of(&trace).unwrap().kind, TrustKind::Wrapped { missing_s: Some(2.5) });
    }

    #[test]
    fn few_tags_mean_a_filter() {
        let blocks: Vec<Block> = (0..9000).map(|k| block(Some(k), Some(k + 9), 8)).collect();
        let trust = looked(&made(&blocks));
        let note = TrustNote { kind: TrustKind::TagFilter { tags: 1 }, factor: limit::PARTIAL_FACTOR };
        assert_eq!(trust.notes, [note]);
        assert_eq!(
            looked(&made(&[])).notes.iter().filter(|n| matches!(n.kind, TrustKind::TagFilter { .. })).count(),
            0
        );
    }

    #[test]
    fn short_means_few_events_or_lives_as_long_as_the_view() {
        let short = |trace: &Trace, view| {
            let notes = trust(trace, view).notes;
            notes.into_iter().find(|note| matches!(note.kind, TrustKind::Short { .. })).map_or(1.0, |note| note.factor)
        };
        let trace = quiet();
        let part = |to| short(&trace, View { from: Ticks(0), to: Ticks(to) });
        assert!(part(10_000) == 1.0 && part(1_000) < 1.0 && part(300) < part(1_000) && part(1) < part(300));
        assert!(part(1) > 0.0);
        // Blocks that live for 60 % of the view.
        let blocks: Vec<Block> = (0..9000).map(|k| block(Some(k), Some(k + 6_000), 8)).collect();
        let trace = made(&blocks);
        assert!(short(&trace, trace.extent) < 0.6);
        // In a view ten times as long the same lifetimes are nothing special.
        let blocks: Vec<Block> = (0..9000).map(|k| block(Some(k), Some(k + 600), 8)).collect();
        let trace = made(&blocks);
        assert_eq!(short(&trace, trace.extent), 1.0);
    }

    #[test]
    fn allocations_without_a_stack_cost_little_and_stacks_left_out_nothing() {
        let bare: Vec<Block> = (0..6000).map(|k| block(Some(k), Some(k + 20), 8)).collect();
        let missing = |trace: &Trace| {
            let notes = looked(trace).notes;
            notes.into_iter().find(|note| matches!(note.kind, TrustKind::MissingStacks { .. }))
        };
        let mut trace = std::sync::Arc::into_inner(made(&bare)).unwrap();
        assert_eq!(missing(&trace), None);
        trace.anomalies.add(AnomalyKind::NoStacks, 1);
        let note = missing(&trace).unwrap();
        assert_eq!((note.kind, note.factor), (TrustKind::MissingStacks { share: 1.0 }, 0.7));
        let mut half = bare;
        half.iter_mut().step_by(2).for_each(|b| b.stack = &["nt:20", "my:30"]);
        let note = missing(&made(&half)).unwrap();
        assert_eq!((note.kind, note.factor), (TrustKind::MissingStacks { share: 0.5 }, 0.85));
    }
}
