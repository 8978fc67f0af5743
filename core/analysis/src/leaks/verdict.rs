//! The verdict about the growth of a suspect, from leak to churn.

use std::fmt;

/// Kinds of growth of a suspect, in the order of severity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Verdict {
    /// Grows steadily, and allocations that should have been freed are outstanding.
    Leak,
    /// Grows, with some frees or less evidence: a leak or a queue.
    Growing,
    /// Grew steadily without frees until its allocations ended, while others continued.
    Stopped,
    /// Grew in one step.
    Burst,
    /// Outstanding at the end of a debugger log, which has no times.
    Outstanding,
    /// Grew and leveled off: a cache or a warm-up.
    Bounded,
    /// Outstanding at the end, but no older than allocations of the unit usually get.
    InFlight,
    /// Is freed again.
    Churn,
    /// Too few allocations or too short a time.
    TooLittleData,
}

impl Verdict {
    /// All verdicts, the most severe first.
    pub const ALL: [Self; 9] = [
        Self::Leak,
        Self::Growing,
        Self::Stopped,
        Self::Burst,
        Self::Outstanding,
        Self::Bounded,
        Self::InFlight,
        Self::Churn,
        Self::TooLittleData,
    ];

    /// Returns `true` if growth continues: the rate of the suspect is part of the growth of its pool.
    #[must_use]
    pub const fn is_growing(self) -> bool {
        matches!(self, Self::Leak | Self::Growing)
    }

    /// Returns `true` if it grew permanently, so that it is shown without asking for non-leaking tags.
    #[must_use]
    pub const fn has_grown(self) -> bool {
        matches!(self, Self::Leak | Self::Growing | Self::Stopped | Self::Burst | Self::Outstanding)
    }

    /// Name in the window, reports and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Leak => "leak",
            Self::Growing => "growing",
            Self::Stopped => "stopped",
            Self::Burst => "burst",
            Self::Outstanding => "outstanding",
            Self::Bounded => "bounded",
            Self::InFlight => "in flight",
            Self::Churn => "churn",
            Self::TooLittleData => "too little data",
        }
    }

    /// One sentence that explains the verdict, for tooltips.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Leak => {
                "Allocations that should have been freed are outstanding, and new ones remain outstanding until the end of the visible range."
            }
            Self::Growing => {
                "More and more bytes are outstanding, but some allocations are still freed: a slow leak, or a growing queue."
            }
            Self::Stopped => {
                "It grew steadily and nothing was freed, then its allocations ended while others continued: a leak whose load was stopped, or a full cache."
            }
            Self::Burst => "Nearly all of the growth came in one step; nothing shows that it continues.",
            Self::Outstanding => {
                "Allocations have no free in the debugger log. It has no times: whether they grow is not known."
            }
            Self::Bounded => "It grew and then stopped growing: a cache, or the warm-up of a service.",
            Self::InFlight => {
                "Allocations are outstanding at the end, but no older than allocations of this kind usually get."
            }
            Self::Churn => "Allocations are freed again.",
            Self::TooLittleData => "Too few allocations, or too short a time, for a verdict.",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
