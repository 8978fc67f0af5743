//! Detectors: what people look for by hand in tables of tags, as rules. Each finds a pattern and gives its figures; none
//! changes a verdict.

use super::Suspect;
use super::evidence::Blocks;
use super::units::Units;
use crate::column::names::Names;
use crate::column::parallel::{Cancel, Cancelled};
use crate::trace::time::View;

/// A pattern.
#[derive(Clone, PartialEq, Debug)]
pub enum Finding {
    /// Not one block was freed.
    ZeroFree {
        /// Allocations in the view.
        allocated: u64,
    },
    /// Other tags of the pool have exactly as many blocks alive: parts of one leaked object.
    Siblings {
        /// The other tags.
        tags: Vec<String>,
        /// Blocks alive, of each.
        alive: u64,
    },
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

/// What the detectors find, for each case.
pub(super) fn find(
    _names: &Names,
    _units: &Units,
    cases: &[Case<'_>],
    _view: View,
    cancel: Cancel<'_>,
) -> Result<Vec<Vec<Finding>>, Cancelled> {
    if cancel() {
        return Err(Cancelled);
    }
    let zero_free = |case: &Case<'_>| {
        let evidence = &case.suspect.evidence;
        let found = evidence.freed.count == 0 && evidence.allocated.count > 0;
        found.then_some(Finding::ZeroFree { allocated: evidence.allocated.count })
    };
    Ok(cases.iter().map(|case| zero_free(case).into_iter().collect()).collect())
}
