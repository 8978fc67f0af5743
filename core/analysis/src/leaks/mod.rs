//! Leak analysis: which tags, functions and drivers leak pool memory, and the evidence for it. Growth is called a leak only where
//! counted allocations and frees show it; names of tags and sizes in bytes play no role.
//!
//! Steps of an analysis, in the order in which the files are best read:
//!
//! 1. `units`: allocations are split into units of tag, pool and function (or stack, or process): one tag is often used by
//!    several functions of which one leaks.
//! 2. [`evidence`]: facts about the allocations of a unit: outstanding curve, lifetimes, allocations that are outstanding beyond the
//!    usual lifetime (`older_than_usual`) and whether their growth has ended (`growth_end`, `statistics`).
//! 3. `input`: what a unit has to be compared with: the other units of its tag, allocations from before the range, lost events.
//! 4. `classification`: from the evidence of a unit to a [`verdict`] and a confidence. All thresholds are in [`limits`].
//! 5. `ranking`: [`analyze`] runs the steps, combines units into the suspects that are asked for, and sorts them.
//! 6. [`reason`], [`findings`]: the evidence for a verdict as a list, and patterns that explain a leak; they change no verdict.
//! 7. [`attribution`], [`owner`]: processes and drivers behind a suspect, and the probable owners of its tag.
//! 8. [`data_quality`], [`reconcile`], [`capacity`]: missing data, the pool's counters compared with the events, and how
//!    large a pool can become.
//!
//! The result, [`LeakAnalysis`], is in `suspect`.

pub mod attribution;
pub mod capacity;
mod classification;
pub mod data_quality;
pub mod evidence;
pub mod findings;
mod growth_end;
mod input;
pub mod limits;
mod older_than_usual;
pub mod owner;
mod ranking;
pub mod reason;
pub mod reconcile;
mod statistics;
mod suspect;
mod units;
pub mod verdict;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

pub use crate::group::aggregate::Total;
pub use attribution::{AllocatingProcess, Attribution, DriverShare, ProcessShare};
pub use data_quality::{DataQuality, DataQualityIssue};
pub use evidence::{AnalysisRange, Evidence};
pub use findings::Finding;
pub use growth_end::GrowthEnd;
pub use older_than_usual::{LateFreeStart, OlderThanUsual};
pub use ranking::analyze;
pub use reason::Reason;
pub use suspect::{LeakAnalysis, PoolGrowth, Suspect};
pub use verdict::Verdict;

use crate::group::generation::Generations;
use crate::trace::time::{Ticks, TimeRange};

/// Keys by which allocations are combined into one suspect.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum SuspectGrouping {
    /// Tag and pool.
    #[default]
    Tag,
    /// Tag, pool and allocation stack.
    Stack,
    /// Responsible driver and pool.
    Driver,
    /// Allocating process and pool.
    Process,
}

impl SuspectGrouping {
    /// All groupings, in the order of menus.
    pub const ALL: [Self; 4] = [Self::Tag, Self::Stack, Self::Driver, Self::Process];

    /// The value of the command-line option.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Stack => "stack",
            Self::Driver => "driver",
            Self::Process => "process",
        }
    }
}

/// The part at the beginning of the range that is skipped as warm-up.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub enum WarmUp {
    /// Until the first marker, if that is in the first half of the range; else [`limits::WARM_UP_SHARE`] of the range.
    #[default]
    Automatic,
    /// Until this moment.
    Until(Ticks),
    /// Nothing is skipped.
    None,
}

/// The parameters of an analysis.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AnalysisRequest {
    /// The range to analyze.
    pub visible_range: TimeRange,
    /// Keys by which allocations are combined into one suspect.
    pub grouping: SuspectGrouping,
    /// The part that is skipped.
    pub warm_up: WarmUp,
}

impl AnalysisRequest {
    /// The visible range with the end of its warm-up, in a trace with these markers.
    #[must_use]
    pub fn analysis_range(&self, generations: &Generations) -> AnalysisRange {
        let TimeRange { from, to } = self.visible_range;
        let length = to.0.saturating_sub(from.0).max(0);
        let middle = Ticks(from.0.saturating_add(length / 2));
        let first_marker = generations.markers().iter().copied().find(|mark| *mark > from && *mark <= middle);
        let warm_up_end = match self.warm_up {
            WarmUp::Automatic => first_marker.unwrap_or(Ticks(from.0 + (length as f64 * limits::WARM_UP_SHARE) as i64)),
            WarmUp::Until(moment) => Ticks(moment.0.clamp(from.0, to.0)),
            WarmUp::None => from,
        };
        AnalysisRange { analyzed: self.visible_range, active: self.visible_range, warm_up_end }
    }
}
