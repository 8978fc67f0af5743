//! Detectors: what people look for by hand in tables of tags, as rules. Each finds a pattern and gives its figures; none
//! changes a verdict.

mod exited;
mod held;
mod lockstep;
mod marks;
mod missing_free;
mod partner;
mod sizes;
mod zero_free;

pub use held::HeldObjects;
pub use lockstep::LockstepTag;

use super::evidence::Blocks;
use super::units::Units;
use super::who::objects::object_type;
use super::{Suspect, Verdict};
use crate::group::frame_marks::StackMarks;
use crate::group::names::Names;
use crate::group::parallel::{Cancel, Cancelled};
use crate::trace::Trace;
use crate::trace::context::Tag;
use crate::trace::time::View;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

/// A pattern.
#[derive(Clone, PartialEq, Debug)]
pub enum Finding {
    /// Not one block was freed.
    ZeroFree {
        /// Allocations in the view.
        allocated: u64,
    },
    /// Tags that grow together, probably parts of one object.
    Lockstep {
        /// The tags, the suspect's own among them: those that never free first. The same list for all of them.
        members: Vec<LockstepTag>,
    },
    /// Objects that handles keep.
    HeldObjects(HeldObjects),
    /// Another tag, allocated on the same path, frees nearly all of its blocks.
    Partner {
        /// The other tag.
        tag: String,
        /// Share of its blocks that are freed, 0 to 1.
        freed_share: f64,
    },
    /// One stack frees all but one size.
    AllButOneSize {
        /// The size that stays, bytes.
        size_bytes: u64,
        /// Blocks of it that stay.
        kept: u64,
        /// Blocks of other sizes that were freed.
        others_freed: u64,
    },
    /// Blocks of the tag are freed elsewhere, those of this suspect never are: the missing free.
    MissingFree {
        /// Where blocks of the tag are freed, the most frequent first: functions as shown, with the number of frees.
        freed_by: Vec<(String, u64)>,
    },
    /// Survivors that processes left behind that have exited.
    ExitedProcesses {
        /// The blocks.
        blocks: Blocks,
        /// The processes as shown, those with the most bytes first.
        processes: Vec<(String, Blocks)>,
    },
    /// Growth begins or ends at a mark.
    AtMark {
        /// The mark, seconds from time zero.
        mark_s: f64,
        /// Growth before it, bytes per second.
        before_bytes_per_s: f64,
        /// Growth after it, bytes per second.
        after_bytes_per_s: f64,
    },
}

/// A suspect and the units that it consists of.
pub(super) struct Case<'c> {
    /// The suspect.
    pub suspect: &'c Suspect,
    /// Numbers of its units.
    pub units: &'c [usize],
}

impl Case<'_> {
    /// Whether it has grown, so that what it kept wants an explanation.
    fn has_grown(&self) -> bool {
        matches!(self.suspect.verdict, Verdict::Leak | Verdict::Growing | Verdict::Burst)
    }

    /// Its tag, if that is the tag of an object type.
    fn object_tag(&self) -> Option<Tag> {
        let tag = self.suspect.tag.as_deref().and_then(Tag::from_text);
        tag.filter(|tag| object_type(*tag).is_some())
    }

    /// The unit that the verdict rests on.
    fn lead(&self) -> Option<usize> {
        self.units.first().copied()
    }
}

/// What became of the blocks of a unit that were allocated in the view.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Fate {
    /// Freed in it.
    freed: u64,
    /// Alive at its end.
    kept: u64,
}

impl Fate {
    fn allocated(self) -> u64 {
        self.freed + self.kept
    }

    fn freed_share(self) -> f64 {
        self.freed as f64 / self.allocated().max(1) as f64
    }
}

/// What the detectors look at.
struct Scene<'s> {
    names: &'s Names,
    trace: &'s Trace,
    units: &'s Units,
    view: View,
    /// Tag and pool (paged) of each unit.
    tags: Vec<(Tag, bool)>,
    /// What became of the blocks of each unit.
    fates: Vec<Fate>,
    /// Units by tag and pool.
    of_tag: FxHashMap<(Tag, bool), Vec<usize>>,
    /// How the units' blocks are allocated.
    paths: partner::Paths,
    /// For each context whether its process ended in the view.
    ended: Vec<bool>,
    /// How the code of each stack came to run.
    marks: StackMarks,
}

impl<'s> Scene<'s> {
    fn new(names: &'s Names, units: &'s Units, view: View, cancel: Cancel<'_>) -> Result<Self, Cancelled> {
        let trace = names.trace().as_ref();
        let tags: Vec<(Tag, bool)> = (0..units.len()).map(|unit| tag_of(trace, units.sample(unit))).collect();
        let mut of_tag: FxHashMap<(Tag, bool), Vec<usize>> = FxHashMap::default();
        for (unit, tag) in tags.iter().enumerate() {
            of_tag.entry(*tag).or_default().push(unit);
        }
        let fates = (0..units.len()).into_par_iter().map(|unit| {
            if cancel() {
                return Err(Cancelled);
            }
            let mut fate = Fate::default();
            for row in units.rows(unit).iter().map(|row| *row as usize) {
                match outcome(trace, row, view) {
                    Some(true) => fate.freed += 1,
                    Some(false) => fate.kept += 1,
                    None => {}
                }
            }
            Ok(fate)
        });
        let fates = fates.collect::<Result<_, Cancelled>>()?;
        let has_ended = |id| trace.processes.get(id).is_some_and(|process| process.end <= view.to);
        let ended = trace.contexts.rows().iter().map(|context| has_ended(context.process)).collect();
        let (paths, marks) = (partner::Paths::new(names, units), StackMarks::new(names));
        Ok(Self { names, trace, units, view, tags, fates, of_tag, paths, ended, marks })
    }

    /// Rows of a case that were allocated in the view and are alive at its end.
    fn survivors(&self, case: &Case<'s>) -> impl Iterator<Item = usize> {
        let rows = case.units.iter().flat_map(|unit| self.units.rows(*unit)).map(|row| *row as usize);
        rows.filter(|row| outcome(self.trace, *row, self.view) == Some(false))
    }
}

/// Whether a block allocated in the view is freed in it; `None` for the others.
fn outcome(trace: &Trace, row: usize, view: View) -> Option<bool> {
    let (alloc, free) = (trace.allocations.alloc_time[row], trace.allocations.free_time[row]);
    (alloc >= view.from && alloc <= view.to).then_some(free <= view.to)
}

/// Tag and pool of a row.
fn tag_of(trace: &Trace, row: usize) -> (Tag, bool) {
    let context = trace.allocations.alloc_context.get(row).and_then(|id| trace.contexts.get(*id));
    context.map_or((Tag([0; 4]), false), |context| (context.tag, context.pool_type.is_paged()))
}

/// What the detectors find, for each case.
pub(super) fn find(
    names: &Names,
    units: &Units,
    cases: &[Case<'_>],
    view: View,
    cancel: Cancel<'_>,
) -> Result<Vec<Vec<Finding>>, Cancelled> {
    let wanted = |case: &Case<'_>| case.has_grown() || case.suspect.verdict == Verdict::Bounded;
    if !cases.iter().any(wanted) {
        return Ok(vec![Vec::new(); cases.len()]);
    }
    let scene = Scene::new(names, units, view, cancel)?;
    let groups = lockstep::find_groups(&scene, cases, cancel)?;
    let places = missing_free::places(&scene, cases);
    let find = |case: &Case<'_>| {
        if cancel() {
            return Err(Cancelled);
        }
        let mut found = Vec::new();
        if case.has_grown() {
            found.extend(zero_free::find(case));
            found.extend(partner::find(&scene, case));
            found.extend(sizes::find(&scene, case));
            found.extend(missing_free::find(&scene, case, &places));
            found.extend(exited::find(&scene, case));
        }
        if wanted(case) {
            found.extend(held::find(&scene, case));
            found.extend(lockstep::find(&groups, case));
            found.extend(marks::find(&scene, case));
        }
        Ok(found)
    };
    cases.par_iter().map(find).collect()
}

#[cfg(test)]
mod kit {
    //! Cases for the detectors' tests.

    use super::super::{By, Judgement, Reason, Request, WarmUp, judge};
    use super::Finding;
    use crate::group::frames::FrameNaming;
    use crate::group::names::Names;
    use crate::group::parallel::never;
    use crate::group::testkit::{Block, block, trace};
    use crate::trace::Trace;
    use crate::trace::time::Ticks;
    use std::sync::Arc;

    /// The stack of the made-up leak.
    pub const PATH: &[&str] = &["app:10", "nt:20", "my:30"];

    /// `count` blocks of a tag, evenly over the trace; those for which `life` gives one are freed after it.
    pub fn blocks(
        tag: &'static [u8; 4],
        count: i64,
        stack: &'static [&'static str],
        life: impl Fn(i64) -> Option<i64>,
    ) -> Vec<Block> {
        let of = |k: i64| {
            let born = k * 10_000 / count;
            let free = life(k).map(|life| born + life).filter(|free| *free <= 10_000);
            Block { tag, stack, ..block(Some(born), free, 64) }
        };
        (0..count).map(of).collect()
    }

    pub fn judged(blocks: &[Block], by: By, marks: &[i64], change: impl FnOnce(&mut Trace)) -> Judgement {
        let mut trace = Arc::into_inner(trace(blocks)).unwrap();
        change(&mut trace);
        let (view, marks) = (trace.extent, marks.iter().map(|mark| Ticks(*mark)).collect::<Vec<_>>());
        let names = Names::new(Arc::new(trace), FrameNaming::Symbol).with_marks(&marks);
        judge(&names, Request { view, by, warm_up: WarmUp::None }, &never).unwrap()
    }

    /// What was found about a tag.
    pub fn of_tag(judgement: &Judgement, tag: &str) -> Vec<Finding> {
        let suspect = judgement.suspects.iter().find(|suspect| suspect.tag.as_deref() == Some(tag)).unwrap();
        let found = suspect.reasons.iter().filter_map(|reason| match reason {
            Reason::Found(finding) => Some(finding.clone()),
            _ => None,
        });
        found.collect()
    }

    pub fn found(blocks: &[Block], tag: &str) -> Vec<Finding> {
        of_tag(&judged(blocks, By::Tag, &[], |_| {}), tag)
    }
}
