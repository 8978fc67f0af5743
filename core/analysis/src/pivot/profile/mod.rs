//! What a details panel says about a set of rows: sizes, lifetimes, ages, who allocated, the first and the last blocks, the
//! heaviest stacks. One pass over the rows; it must never take a row that is not in the view.

mod spans;
mod sums;
mod tally;
#[cfg(test)]
mod tests;

use crate::group::frames::FrameParts;
use crate::group::key::Key;
use crate::group::names::Names;
use crate::group::parallel::{Cancel, Cancelled};
use crate::group::size_class;
use crate::group::values::{KeyColumn, Source};
use crate::filter::rowset::RowSet;
use crate::trace::attributes::EventAttributes;
use crate::trace::ids::{AllocationId, StackId};
use crate::trace::time::{Ticks, TimeRange};
use spans::Spans;
use sums::Sums;
pub use tally::Tally;
use tally::heaviest;

/// So many processes and drivers are named.
pub const SHARES: usize = 8;
/// So many stacks of each kind are listed.
pub const STACKS: usize = 5;
/// So many of the first and of the last blocks are listed.
pub const BLOCKS: usize = 5;

/// A bar of a histogram.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bin {
    /// Its range, `4KB..8KB` or `1 ms..2 ms`; the second bound is outside.
    pub label: String,
    /// What lies in it.
    pub tally: Tally,
}

/// A histogram of spans of time. The bars go from the first to the last that is not empty.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SpanBins {
    /// The bars.
    pub bins: Vec<Bin>,
    /// Rows whose span has not ended: the trace does not show them freed. Always nothing among ages.
    pub unended: Tally,
    /// Rows whose span is not known, since the trace does not show their allocation, or only implies one of its ends.
    pub unknown: Tally,
}

/// What belongs to one value of a column.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Share {
    /// The value as tables show it; `[No Driver]` and the like where there is none.
    pub label: String,
    /// What belongs to it.
    pub tally: Tally,
}

/// The largest shares by bytes, and the rest.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Shares {
    /// At most [`SHARES`], the largest first.
    pub largest: Vec<Share>,
    /// How many values more there are.
    pub others: usize,
    /// What belongs to those.
    pub others_tally: Tally,
}

/// A block.
#[derive(Clone, PartialEq, Debug)]
pub struct Alloc {
    /// Its row.
    pub row: AllocationId,
    /// When it was allocated, seconds from the trace's start.
    pub time_s: f64,
    /// Bytes.
    pub size: u64,
    /// Address.
    pub address: u64,
    /// Process, `name (pid)`.
    pub process: String,
    /// Thread, where recorded.
    pub thread: Option<u32>,
    /// Processor, where known.
    pub cpu: Option<u16>,
    /// Seconds to its free; `None` if the trace does not show it freed.
    pub lifetime_s: Option<f64>,
}

/// A stack and what belongs to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StackShare {
    /// The stack.
    pub stack: StackId,
    /// Its frames from the outermost to the innermost.
    pub frames: Vec<FrameParts>,
    /// What belongs to it.
    pub tally: Tally,
}

/// What there is to say about rows.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Profile {
    /// All rows.
    pub total: Tally,
    /// Rows freed in the view.
    pub freed: Tally,
    /// Rows alive at the view's end.
    pub alive: Tally,
    /// By size class, from the first to the last that is not empty.
    pub sizes: Vec<Bin>,
    /// Number of different sizes.
    pub distinct_sizes: usize,
    /// Times from allocation to free, wherever in the trace that was.
    pub lifetimes: SpanBins,
    /// Times from allocation to the view's end of the rows that are alive then.
    pub ages: SpanBins,
    /// By process of the allocation.
    pub processes: Shares,
    /// By driver of the allocation.
    pub drivers: Shares,
    /// The first blocks among those whose allocation the trace shows, in the order of their allocation.
    pub first: Vec<Alloc>,
    /// The last ones, likewise.
    pub last: Vec<Alloc>,
    /// The heaviest allocation stacks, by bytes.
    pub stacks: Vec<StackShare>,
    /// Number of allocation stacks.
    pub stack_count: usize,
    /// Rows whose allocation stack may be another's: see [`crate::trace::allocation::flag::UNCERTAIN_ALLOCATION_STACK`].
    pub uncertain_stack: Tally,
    /// Rows without an allocation stack.
    pub without_stack: Tally,
    /// The heaviest stacks of frees in the view, by bytes.
    pub free_stacks: Vec<StackShare>,
    /// Number of stacks of frees in the view.
    pub free_stack_count: usize,
    /// Rows freed in the view without a stack of the free.
    pub freed_without_stack: Tally,
}

/// The profile of the rows of a set that are in the view.
///
/// # Errors
///
/// [`Cancelled`] once `cancel` says so.
pub fn profile(names: &Names, rows: &RowSet, view: TimeRange, cancel: Cancel<'_>) -> Result<Profile, Cancelled> {
    let trace = names.trace();
    let spans = Spans::new(&trace.clock);
    let sums = Sums::of(&trace.allocations, rows, view, &spans, cancel)?;
    let sizes = trimmed(&sums.sizes, |class| size_class::label(class as u32));
    let span_bins =
        |bins: &[Tally], unended, unknown| SpanBins { bins: trimmed(bins, |at| spans.label(at)), unended, unknown };
    let process = names.column(Key::Process);
    let driver = names.column(Key::Driver);
    let (without_stack, stack_count, stacks) = stack_shares(names, sums.stacks.list());
    let (freed_without_stack, free_stack_count, free_stacks) = stack_shares(names, sums.free_stacks.list());
    let block = |row: &(Ticks, u32)| alloc(names, &process, row.1);
    let mut last: Vec<Alloc> = sums.last.rows().iter().map(block).collect();
    last.reverse();
    Ok(Profile {
        total: sums.total,
        freed: sums.freed,
        alive: sums.alive,
        sizes,
        distinct_sizes: sums.distinct_sizes.list().len(),
        lifetimes: span_bins(&sums.lifetimes, sums.not_freed, sums.unknown_lifetime),
        ages: span_bins(&sums.ages, Tally::default(), sums.unknown_age),
        processes: shares(&process, sums.contexts.list()),
        drivers: shares(&driver, sums.stacks.list()),
        first: sums.first.rows().iter().map(block).collect(),
        last,
        stacks,
        stack_count,
        uncertain_stack: sums.uncertain_stack,
        without_stack,
        free_stacks,
        free_stack_count,
        freed_without_stack,
    })
}

/// The bars from the first to the last that is not empty.
fn trimmed(tallies: &[Tally], label: impl Fn(usize) -> String) -> Vec<Bin> {
    let filled = |t: &Tally| t.count > 0;
    let first = tallies.iter().position(filled).unwrap_or(0);
    let end = tallies.iter().rposition(filled).map_or(0, |last| last + 1);
    (first..end).map(|at| Bin { label: label(at), tally: tallies[at] }).collect()
}

/// Sums by handle as sums by the values that a column has for these handles.
fn shares(column: &KeyColumn, by_handle: &[(u64, Tally)]) -> Shares {
    let (Source::Context(ids) | Source::AllocStack(ids)) = &column.source else {
        return Shares::default();
    };
    let mut by_value = vec![Tally::default(); column.count() as usize];
    for (handle, tally) in by_handle {
        let value = ids.get(*handle as usize).and_then(|id| by_value.get_mut(*id as usize));
        value.into_iter().for_each(|sum| sum.merge(tally));
    }
    let values = by_value.into_iter().enumerate().filter(|(_, t)| t.count > 0);
    let values: Vec<(u64, Tally)> = values.map(|(id, tally)| (id as u64, tally)).collect();
    let label = |id: u64| match column.text(id as u32).as_ref() {
        "" => format!("[No {}]", column.key.title()),
        text => text.to_owned(),
    };
    let largest = heaviest(&values, SHARES);
    let mut others_tally = Tally::default();
    let named = |id: u64| largest.iter().any(|(l, _)| *l == id);
    values.iter().filter(|(id, _)| !named(*id)).for_each(|(_, tally)| others_tally.merge(tally));
    Shares {
        others: values.len() - largest.len(),
        others_tally,
        largest: largest.iter().map(|(id, tally)| Share { label: label(*id), tally: *tally }).collect(),
    }
}

/// What has no stack, how many stacks there are, and the heaviest of them.
fn stack_shares(names: &Names, by_stack: &[(u64, Tally)]) -> (Tally, usize, Vec<StackShare>) {
    let empty = u64::from(StackId::EMPTY.0);
    let without = by_stack.iter().find(|(stack, _)| *stack == empty).map_or_else(Tally::default, |(_, t)| *t);
    let stacks: Vec<(u64, Tally)> = by_stack.iter().copied().filter(|(stack, _)| *stack != empty).collect();
    let share = |(stack, tally): &(u64, Tally)| {
        let stack = StackId(*stack as u32);
        let frames = names.trace().stacks.outer_to_inner(stack);
        StackShare { stack, frames: frames.into_iter().map(|f| names.frame_parts(f)).collect(), tally: *tally }
    };
    (without, stacks.len(), heaviest(&stacks, STACKS).iter().map(share).collect())
}

fn alloc(names: &Names, process: &KeyColumn, row: u32) -> Alloc {
    let trace = names.trace();
    let table = &trace.allocations;
    let at = row as usize;
    let context = table.alloc_attributes[at];
    let id = match &process.source {
        Source::Context(ids) => ids.get(context.index()).copied(),
        _ => None,
    };
    let said = trace.attributes.get(context);
    let ticks = table.lifetime(at);
    Alloc {
        row: AllocationId(row),
        time_s: trace.clock.seconds(table.alloc_time[at]),
        size: table.size[at],
        address: table.address[at],
        process: id.map_or_else(String::new, |id| process.text(id).into_owned()),
        thread: said.map(|c| c.thread).filter(|t| *t != EventAttributes::NO_THREAD),
        cpu: said.map(|c| c.cpu).filter(|cpu| *cpu != EventAttributes::NO_CPU),
        lifetime_s: ticks.is_known().then(|| trace.clock.seconds(ticks)),
    }
}
