//! Why a verdict is what it is: figures in a closed list of kinds. Figures only: the words are the program's, so that window,
//! command line and reports say the same.

use super::evidence::Blocks;
use super::findings::Finding;

/// One reason. Those of the verdict come first, then what the detectors found.
#[derive(Clone, PartialEq, Debug)]
pub enum Reason {
    /// How much was allocated and freed in the view.
    Traffic {
        /// Blocks allocated in the view.
        allocated: u64,
        /// Blocks freed in the view.
        freed: u64,
    },
    /// How it grows.
    Growth {
        /// Bytes per second.
        bytes_per_s: f64,
        /// How straight the outstanding curve is, 0 to 1.
        straightness: f64,
    },
    /// The stack that most of the survivors come from.
    OneStack {
        /// Its share of the survivors' bytes, 0 to 1.
        share: f64,
    },
    /// Sizes of the survivors.
    Sizes {
        /// Distinct sizes, counted up to 64.
        distinct: u64,
    },
    /// Blocks older than those of their kind get.
    Overdue {
        /// The blocks.
        blocks: Blocks,
        /// The age by which blocks of the kind are usually freed, seconds.
        usual_life_s: f64,
        /// Blocks of the kind that were freed at a greater age.
        late_frees: u64,
    },
    /// What it has of the growth of its pool, by all that grow, 0 to 1.
    ShareOfGrowth(f64),
    /// Nearly all came in one step.
    Step {
        /// When, seconds from time zero.
        at_s: f64,
        /// Share of the survivors, 0 to 1.
        share: f64,
    },
    /// It grew until its load stopped.
    GrewUntil {
        /// Since when, seconds from time zero.
        from_s: f64,
        /// Until when, seconds from time zero.
        until_s: f64,
        /// Growth between the two, bytes per second.
        bytes_per_s: f64,
    },
    /// It stopped growing.
    Level {
        /// Since when, seconds from time zero.
        since_s: f64,
    },
    /// The rate of allocations rose along with what is outstanding.
    Load {
        /// Share of the growth that this explains, 0 to 1.
        share: f64,
    },
    /// Most survivors are no older than blocks of their kind get.
    Young {
        /// Share of the survivors, 0 to 1.
        share: f64,
        /// The age by which blocks of the kind are usually freed, seconds.
        usual_life_s: f64,
    },
    /// Too few blocks stayed to tell.
    Few {
        /// How many stayed.
        survivors: u64,
    },
    /// Blocks keep staying, but about as many as other causes explain.
    Explained {
        /// Blocks older than those of their kind get.
        stayed: u64,
        /// Blocks from before the view that went at such ages, and frees that may have been lost.
        others: u64,
    },
    /// What a detector found.
    Found(Finding),
}
