//! The verdict: which tag, function, driver leaks, and how we know. Blocks are judged in units of tag, pool and function;
//! units are put together to what the user asks for, and ranked by what they cost. It must never call growth a leak without
//! figures that say so, and it knows neither names of tags nor sizes in bytes that would make one suspicious.

mod arrange;
pub mod capacity;
mod course;
mod curve;
mod ending;
pub mod evidence;
pub mod findings;
mod judged;
pub mod limits;
pub mod owner;
mod rank;
pub mod reason;
mod reasons_of;
pub mod reconcile;
mod scene;
mod statistics;
mod stayed;
mod stopped;
pub mod trust;
mod units;
pub mod verdict;
pub mod who;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;

pub use ending::Ending;
pub use evidence::{Blocks, Evidence, Span};
pub use findings::Finding;
pub use judged::{Judgement, PoolGrowth, Suspect};
pub use rank::judge;
pub use reason::Reason;
pub use stayed::{Onset, Stayed};
pub use trust::{Trust, TrustNote};
pub use verdict::Verdict;
pub use who::{DriverShare, ProcessShare, Who};

use crate::group::generation::Generations;
use crate::trace::time::{Ticks, View};

/// What is judged as one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum By {
    /// A tag in a pool.
    #[default]
    Tag,
    /// A tag in a pool, allocated by one stack.
    Stack,
    /// Everything that one driver allocates in a pool.
    Driver,
    /// Everything that one process allocates in a pool.
    Process,
}

impl By {
    /// All of them, in the order of menus.
    pub const ALL: [Self; 4] = [Self::Tag, Self::Stack, Self::Driver, Self::Process];

    /// The word on the command line.
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

/// What at the beginning of the view is set aside.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub enum WarmUp {
    /// The first generation, where a mark in the first half of the view ends one; else [`limits::WARM_UP_SHARE`] of the view.
    #[default]
    Usual,
    /// Everything before a moment.
    Until(Ticks),
    /// Nothing.
    None,
}

/// A question to the judge.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Request {
    /// The time to look at.
    pub view: View,
    /// What is judged as one.
    pub by: By,
    /// What is set aside.
    pub warm_up: WarmUp,
}

impl Request {
    /// The judged time of a trace with these generations.
    #[must_use]
    pub fn span(&self, generations: &Generations) -> Span {
        let View { from, to } = self.view;
        let length = to.0.saturating_sub(from.0).max(0);
        // A mark near the end does not make everything before it a warm-up.
        let half = Ticks(from.0.saturating_add(length / 2));
        let mark = generations.marks().iter().copied().find(|mark| *mark > from && *mark <= half);
        let usual = Ticks(from.0 + (length as f64 * limits::WARM_UP_SHARE) as i64);
        let start = match self.warm_up {
            WarmUp::Usual => mark.unwrap_or(usual),
            WarmUp::Until(moment) => Ticks(moment.0.clamp(from.0, to.0)),
            WarmUp::None => from,
        };
        Span { analyzed: self.view, view: self.view, from: start }
    }
}
