//! Detectors: patterns in the units of a suspect that explain a leak, as an engineer looks for them in tables of tags. Each returns
//! its pattern with values; none changes a verdict.

mod exited_processes;
mod held_objects;
mod lockstep;
mod missing_free;
mod one_size;
mod paired_tag;
mod rate_change;

pub use held_objects::HeldObjects;
pub use lockstep::LockstepTag;

use super::attribution::objects::object_type;
use super::limits::MIN_EVENTS_FOR_SHARE;
use super::units::{RowFigure, Units};
use super::{Suspect, Verdict};
use crate::group::aggregate::Total;
use crate::group::column_values::ColumnValues;
use crate::group::parallel::{Cancel, Cancelled, until_cancelled};
use crate::group::responsible::StackMarks;
use crate::trace::Trace;
use crate::trace::attributes::Tag;
use crate::trace::time::TimeRange;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

/// A pattern found by a detector.
#[derive(Clone, PartialEq, Debug)]
pub enum Finding {
    /// Nothing of the suspect was freed, including preexisting allocations.
    NeverFreed {
        /// Allocations in the range.
        allocated: u64,
    },
    /// Tags that grow together, probably parts of one object.
    LockstepTags {
        /// The tags including the suspect's own, those that never free first. The same list for all of them.
        members: Vec<LockstepTag>,
    },
    /// Kernel objects that handles keep.
    HeldObjects(HeldObjects),
    /// Another tag on the same call path, nearly all of whose allocations are freed.
    PairedTag {
        /// The other tag.
        tag: String,
        /// Share of its allocations that are freed, 0 to 1.
        freed_share: f64,
    },
    /// Allocations of all sizes but one are freed.
    AllButOneSize {
        /// The size that is not freed, in bytes.
        size_bytes: u64,
        /// Outstanding allocations of this size.
        outstanding: u64,
        /// Freed allocations of other sizes.
        others_freed: u64,
    },
    /// Allocations of the tag are freed elsewhere, but those of this suspect are not: its free is missing.
    MissingFree {
        /// Functions that free allocations of the tag, with the number of frees, the most frequent first.
        freed_by: Vec<(String, u64)>,
    },
    /// Outstanding allocations of processes that have exited.
    ExitedProcesses {
        /// The allocations.
        allocations: Total,
        /// The processes as `name (pid)`, those with the most bytes first.
        processes: Vec<(String, Total)>,
    },
    /// The growth rate changes at a marker.
    RateChangeAtMarker {
        /// Time of the marker, in seconds from time zero.
        marker_s: f64,
        /// Growth before it, in bytes per second.
        before_bytes_per_s: f64,
        /// Growth after it, in bytes per second.
        after_bytes_per_s: f64,
    },
}

/// A suspect and its units.
pub(super) struct SuspectUnits<'c> {
    /// The suspect.
    pub suspect: &'c Suspect,
    /// Indices of its units.
    pub units: &'c [usize],
}

impl SuspectUnits<'_> {
    /// Returns `true` if it grew, so that its outstanding allocations need an explanation.
    fn has_grown(&self) -> bool {
        matches!(self.suspect.verdict, Verdict::Leak | Verdict::Growing | Verdict::Burst)
    }

    /// Its tag, if that is the tag of an object type.
    fn object_tag(&self) -> Option<Tag> {
        let tag = self.suspect.tag.as_deref().and_then(Tag::from_text);
        tag.filter(|tag| object_type(*tag).is_some())
    }

    /// The unit that decides the verdict.
    fn main_unit(&self) -> Option<usize> {
        self.units.first().copied()
    }
}

/// Allocations made in the range, by whether they were freed in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct UnitOutcome {
    freed: u64,
    outstanding: u64,
}

impl UnitOutcome {
    fn add(&mut self, is_freed: bool) {
        *(if is_freed { &mut self.freed } else { &mut self.outstanding }) += 1;
    }

    #[cfg(test)]
    pub fn of_counts(freed: u64, outstanding: u64) -> Self {
        Self { freed, outstanding }
    }

    /// Adds a row, if it was allocated in the range.
    pub fn add_row(&mut self, row: &RowFigure, range: TimeRange) {
        is_freed_in_range(row, range).into_iter().for_each(|is_freed| self.add(is_freed));
    }

    fn merge(&mut self, other: Self) {
        self.freed += other.freed;
        self.outstanding += other.outstanding;
    }

    fn allocated(self) -> u64 {
        self.freed + self.outstanding
    }

    fn freed_share(self) -> f64 {
        self.freed as f64 / self.allocated().max(1) as f64
    }
}

/// Input of the detectors: the units of a trace, with what several detectors need to know of them.
struct DetectorInput<'s> {
    /// Ends loops over rows early; their results are then of no use.
    cancel: Cancel<'s>,
    names: &'s ColumnValues,
    trace: &'s Trace,
    units: &'s Units,
    range: TimeRange,
    /// Tag of each unit, and whether it is in paged pool.
    tags: Vec<(Tag, bool)>,
    /// Outcome of each unit.
    outcomes: Vec<UnitOutcome>,
    units_of_tag: FxHashMap<(Tag, bool), Vec<usize>>,
    paths: paired_tag::AllocationPaths,
    /// For each set of attributes, whether its process ended in the range.
    has_process_ended: Vec<bool>,
    stack_marks: StackMarks,
}

impl<'s> DetectorInput<'s> {
    fn new(
        names: &'s ColumnValues,
        (units, outcomes): (&'s Units, Vec<UnitOutcome>),
        range: TimeRange,
        cancel: Cancel<'s>,
    ) -> Self {
        let trace = names.trace().as_ref();
        let tags: Vec<(Tag, bool)> = (0..units.len()).map(|unit| tag_of(trace, units.sample_row(unit))).collect();
        let mut units_of_tag: FxHashMap<(Tag, bool), Vec<usize>> = FxHashMap::default();
        for (unit, tag) in tags.iter().enumerate() {
            units_of_tag.entry(*tag).or_default().push(unit);
        }
        let has_ended = |id| trace.processes.get(id).is_some_and(|process| process.end <= range.to);
        let has_process_ended =
            trace.attributes.rows().iter().map(|attributes| has_ended(attributes.process)).collect();
        let (paths, stack_marks) = (paired_tag::AllocationPaths::new(names, units), StackMarks::new(names));
        Self { cancel, names, trace, units, range, tags, outcomes, units_of_tag, paths, has_process_ended, stack_marks }
    }

    /// Rows of some units that were allocated in the range and are outstanding at its end.
    fn outstanding_rows(&self, units: &[usize]) -> impl Iterator<Item = RowFigure> {
        let rows = units.iter().flat_map(|unit| self.units.unfreed_rows(*unit));
        let rows = until_cancelled(rows, self.cancel);
        rows.filter(|figure| is_freed_in_range(figure, self.range) == Some(false))
    }
}

/// Returns `true` if an allocation made in the range is freed in it; `None` for other allocations.
fn is_freed_in_range(row: &RowFigure, range: TimeRange) -> Option<bool> {
    (row.alloc >= range.from && row.alloc <= range.to).then_some(row.free <= range.to)
}

/// Tag of a row, and whether it is in paged pool.
fn tag_of(trace: &Trace, row: usize) -> (Tag, bool) {
    let attributes = trace.allocations.alloc_attributes.get(row).and_then(|id| trace.attributes.get(*id));
    attributes.map_or((Tag([0; 4]), false), |attributes| (attributes.tag, attributes.pool_type.is_paged()))
}

/// Runs all detectors; returns the findings of each suspect. `outcomes`: of each unit in the range.
///
/// # Errors
/// [`Cancelled`] if `cancel` returns `true`.
pub(super) fn detect(
    names: &ColumnValues,
    (units, outcomes): (&Units, Vec<UnitOutcome>),
    suspects: &[SuspectUnits<'_>],
    range: TimeRange,
    cancel: Cancel<'_>,
) -> Result<Vec<Vec<Finding>>, Cancelled> {
    let has_grown_or_leveled_off =
        |suspect: &SuspectUnits<'_>| suspect.has_grown() || suspect.suspect.verdict == Verdict::Bounded;
    if !suspects.iter().any(has_grown_or_leveled_off) {
        return Ok(vec![Vec::new(); suspects.len()]);
    }
    let input = DetectorInput::new(names, (units, outcomes), range, cancel);
    let lockstep_groups = lockstep::find_groups(&input, suspects, cancel)?;
    let freeing_functions = missing_free::freeing_functions_by_tag(&input, suspects);
    let find = |suspect: &SuspectUnits<'_>| {
        if cancel() {
            return Err(Cancelled);
        }
        let mut findings = Vec::new();
        if suspect.has_grown() {
            findings.extend(find_never_freed(suspect));
            findings.extend(paired_tag::find(&input, suspect));
            findings.extend(one_size::find(&input, suspect));
            findings.extend(missing_free::find(&input, suspect, &freeing_functions));
            findings.extend(exited_processes::find(&input, suspect));
        }
        if has_grown_or_leveled_off(suspect) {
            findings.extend(held_objects::find(&input, suspect));
            findings.extend(lockstep::find(&lockstep_groups, suspect));
            findings.extend(rate_change::find(&input, suspect));
        }
        Ok(findings)
    };
    suspects.par_iter().map(find).collect()
}

/// Finds a suspect with enough allocations of which nothing was freed, including preexisting allocations.
fn find_never_freed(suspect: &SuspectUnits<'_>) -> Option<Finding> {
    let evidence = &suspect.suspect.evidence;
    let is_never_freed = evidence.freed.count == 0 && evidence.allocated.count >= MIN_EVENTS_FOR_SHARE;
    is_never_freed.then_some(Finding::NeverFreed { allocated: evidence.allocated.count })
}

#[cfg(test)]
mod test_util {
    //! Traces and analyses for the tests of the detectors.

    use super::super::{AnalysisRequest, LeakAnalysis, Reason, SuspectGrouping, WarmUp, analyze};
    use super::Finding;
    use crate::group::column_values::ColumnValues;
    use crate::group::frames::FrameNaming;
    use crate::group::parallel::not_cancelled;
    use crate::group::test_util::{Block, block, trace};
    use crate::trace::Trace;
    use crate::trace::time::Ticks;
    use std::sync::Arc;

    /// The stack of the constructed leak.
    pub const PATH: &[&str] = &["app:10", "nt:20", "my:30"];

    /// `count` allocations of a tag, evenly distributed over the trace; those with a `lifetime` are freed after it.
    pub fn blocks(
        tag: &'static [u8; 4],
        count: i64,
        stack: &'static [&'static str],
        lifetime: impl Fn(i64) -> Option<i64>,
    ) -> Vec<Block> {
        let of = |k: i64| {
            let birth = k * 10_000 / count;
            let free = lifetime(k).map(|lifetime| birth + lifetime).filter(|free| *free <= 10_000);
            Block { tag, stack, ..block(Some(birth), free, 64) }
        };
        (0..count).map(of).collect()
    }

    /// Analyzes a trace of these allocations after `change`.
    pub fn analyzed(
        blocks: &[Block],
        grouping: SuspectGrouping,
        markers: &[i64],
        change: impl FnOnce(&mut Trace),
    ) -> LeakAnalysis {
        let mut trace = Arc::into_inner(trace(blocks)).unwrap();
        change(&mut trace);
        let visible_range = trace.extent;
        let markers: Vec<Ticks> = markers.iter().map(|marker| Ticks(*marker)).collect();
        let names = ColumnValues::new(Arc::new(trace), FrameNaming::Symbol).with_markers(&markers);
        analyze(&names, AnalysisRequest { visible_range, grouping, warm_up: WarmUp::None }, &not_cancelled).unwrap()
    }

    /// The findings about a tag.
    pub fn findings_of_tag(analysis: &LeakAnalysis, tag: &str) -> Vec<Finding> {
        let suspect = analysis.suspects.iter().find(|suspect| suspect.tag.as_deref() == Some(tag)).unwrap();
        let findings = suspect.reasons.iter().filter_map(|reason| match reason {
            Reason::Finding(finding) => Some(finding.clone()),
            _ => None,
        });
        findings.collect()
    }

    /// The findings about a tag in a trace of these allocations.
    pub fn findings(blocks: &[Block], tag: &str) -> Vec<Finding> {
        findings_of_tag(&analyzed(blocks, SuspectGrouping::Tag, &[], |_| {}), tag)
    }
}

#[cfg(test)]
mod tests {
    use super::test_util::{PATH, blocks, findings};
    use super::*;

    #[test]
    fn a_single_free_is_not_never_freed() {
        let never_freed =
            |blocks: &[_]| findings(blocks, "Leak").into_iter().find(|f| matches!(f, Finding::NeverFreed { .. }));
        let all_outstanding = blocks(b"Leak", 40, PATH, |_| None);
        assert_eq!(never_freed(&all_outstanding), Some(Finding::NeverFreed { allocated: 40 }));
        assert_eq!(never_freed(&blocks(b"Leak", 40, PATH, |k| (k == 7).then_some(5))), None);
        // So few may be freed later.
        assert_eq!(never_freed(&blocks(b"Leak", 15, PATH, |_| None)), None);
    }
}
