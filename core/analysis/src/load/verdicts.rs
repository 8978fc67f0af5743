//! What is wrong with a trace as a whole, once everything is known: losses, wrap-around, what was not recorded. Single
//! records are judged where they are read.

use super::origin::Origin;
use super::{LoadOptions, StackScope};
use crate::trace::Trace;
use crate::trace::ids::StackId;
use crate::trace::time::{Clock, Ticks};
use poolscope_etl::diagnostics::{Diagnostics, DiagnosticKind as Kind};
use poolscope_etl::file::LogfileHeader;

/// What the records add up to that no table keeps.
pub struct Found {
    /// The beginning was overwritten.
    pub is_wrapped: bool,
    /// Log-file header records.
    pub headers: u64,
}

/// Adds the diagnostics of the whole.
pub fn add(trace: &mut Trace, origin: &Origin, records: Found, options: LoadOptions) {
    let mut found = Diagnostics::default();
    header(&mut found, trace, origin, records.headers);
    if records.is_wrapped {
        found.add(Kind::WrappedCircular, 1);
    }
    if trace.modules.modules().is_empty() {
        found.add(Kind::MissingImages, 1);
    } else {
        let without = trace.modules.modules().iter().filter(|m| m.rsds.is_none()).count();
        if without == trace.modules.modules().len() {
            found.add(Kind::UnmergedImages, without as u64);
        }
    }
    pool(&mut found, trace, options);
    trace.diagnostics.merge(&found);
}

fn header(found: &mut Diagnostics, trace: &Trace, origin: &Origin, headers: u64) {
    let header: &LogfileHeader = &origin.logfile;
    found.add(Kind::EventsLost, u64::from(header.events_lost));
    found.add(Kind::BuffersLost, u64::from(header.buffers_lost));
    if header.end_filetime == 0 {
        found.add(Kind::NotClosed, 1);
    } else if !header.is_circular() && u64::from(header.buffers_written) != trace.statistics.buffers {
        found.add(Kind::BufferCountDiffers, u64::from(header.buffers_written).abs_diff(trace.statistics.buffers));
    }
    found.add(Kind::MergedHeaders, headers.saturating_sub(1));
}

/// A circular log has wrapped if its numbering does not begin at the beginning, or if its first event comes late. The header of
/// a merged file is the merger's, which says neither how the file was recorded nor how its buffers were numbered: there the first
/// event alone counts.
pub fn has_wrapped(origin: &Origin, first_time: Option<Ticks>, clock: &Clock, end: Ticks) -> bool {
    // Later than a second, and than a tenth of the recording: ordinary sessions write run-down records at once.
    let late = |first: Ticks| first.0 > clock.ticks_per_second as i64 && first.0 > end.0 / 10;
    let is_late = first_time.is_some_and(late);
    (origin.logfile.is_circular() && (origin.wrapped || is_late)) || (origin.logfile.is_merged() && is_late)
}

fn pool(found: &mut Diagnostics, trace: &Trace, options: LoadOptions) {
    let allocations = &trace.allocations;
    if trace.statistics.pool_allocs + trace.statistics.pool_frees == 0 {
        found.add(Kind::NoPoolEvents, 1);
    }
    if trace.summary.pool_group_enabled == Some(false) {
        found.add(Kind::PoolGroupOff, 1);
    }
    if options.stacks == StackScope::None || trace.statistics.pool_allocs == 0 {
        return;
    }
    // Blocks whose allocation was not seen have no allocation stack by their nature.
    let seen = trace.statistics.pool_allocs as usize;
    let is_without =
        |row: &usize| allocations.is_allocation_seen(*row) && allocations.alloc_stack[*row] == StackId::EMPTY;
    let without = (0..allocations.len()).filter(is_without).count();
    // Stacks that were recorded by keys whose definitions are missing were recorded all the same.
    if without == seen && trace.statistics.stacks.matched == 0 {
        found.add(Kind::NoStacks, 1);
    } else {
        found.add(Kind::NoStack, without as u64);
    }
}
