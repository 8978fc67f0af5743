//! Figures of a leak analysis in conditions.

use super::Figures;
use super::quantity::{Dimension, Examples, Figure};
use crate::format;
use poolscope_analysis::leaks::{LeakAnalysis, Verdict};
use std::fmt;

macro_rules! figures {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $dimension:ident;)*) => {
        /// A figure of a leak analysis.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum LeakFigure {
            $($(#[$doc])* $variant,)*
        }

        impl LeakFigure {
            const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in conditions.
            const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

        }

        impl Figure for LeakFigure {
            const EXAMPLES: Examples =
                Examples { figure: "nonpaged_growth", number: "1MB/min", short: "leaks" };

            fn dimension(self) -> Dimension {
                match self { $(Self::$variant => Dimension::$dimension,)* }
            }
        }
    };
}

figures! {
    /// Growth of leaking and growing suspects in nonpaged pool.
    NonpagedGrowth = "nonpaged_growth", Rate;
    /// Growth of leaking and growing suspects in paged pool.
    PagedGrowth = "paged_growth", Rate;
    /// Growth of leaking and growing suspects in both pools.
    Growth = "growth", Rate;
    /// Net growth of all allocations of nonpaged pool.
    NonpagedNetGrowth = "nonpaged_net_growth", Rate;
    /// Net growth of all allocations of paged pool.
    PagedNetGrowth = "paged_net_growth", Rate;
    /// Number of suspects that leak.
    Leaks = "leaks", Count;
    /// Number of suspects that grow.
    Growing = "growing", Count;
    /// Number of suspects that grew until their load stopped.
    Stopped = "stopped", Count;
    /// Number of suspects that leak, grow, grew until their load stopped, or came in one step.
    Suspects = "suspects", Count;
    /// Bytes of all AIFO allocations.
    ImpactingSize = "impacting_size", Bytes;
    /// Growth of the fastest growing suspect.
    WorstGrowth = "worst_growth", Rate;
    /// Confidence of the first growing suspect; 0 if nothing leaks or grows.
    Confidence = "confidence", Share;
}

impl LeakFigure {
    /// The figure with this name, or an error message with all names.
    pub fn named(name: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|figure| figure.name() == name).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|figure| figure.name()).collect();
            format!("there is no figure '{name}'; there are {}", names.join(", "))
        })
    }
}

impl fmt::Display for LeakFigure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Values of all figures of a leak analysis.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct LeakFigures {
    pub(super) growth: [f64; 2],
    pub(super) net_growth: [f64; 2],
    pub(super) leaks: u64,
    pub(super) growing: u64,
    pub(super) bursts: u64,
    pub(super) stopped: u64,
    pub(super) impacting_bytes: u64,
    pub(super) worst_growth: f64,
    pub(super) confidence: f64,
}

impl LeakFigures {
    /// The figures of an analysis.
    #[must_use]
    pub fn new(analysis: &LeakAnalysis) -> Self {
        let suspects = &analysis.suspects;
        let count = |verdict| suspects.iter().filter(|s| s.verdict == verdict).count() as u64;
        let growing = || suspects.iter().filter(|s| s.verdict.is_growing());
        Self {
            growth: analysis.pools.map(|pool| pool.growth_bytes_per_s()),
            net_growth: analysis.pools.map(|p| p.net_growth_bytes_per_s),
            leaks: count(Verdict::Leak),
            growing: count(Verdict::Growing),
            bursts: count(Verdict::Burst),
            stopped: count(Verdict::Stopped),
            impacting_bytes: suspects.iter().map(|s| s.evidence.outstanding.bytes).fold(0, u64::saturating_add),
            worst_growth: growing().map(|s| s.growth_bytes_per_s).fold(0.0, f64::max),
            confidence: growing().next().map_or(0.0, |s| s.confidence),
        }
    }
}

impl Figures<LeakFigure> for LeakFigures {
    /// Value of a figure: bytes per second, bytes, a count, or a share from 0 to 1.
    fn value(&self, figure: LeakFigure) -> f64 {
        let [nonpaged, paged] = self.growth;
        match figure {
            LeakFigure::NonpagedGrowth => nonpaged,
            LeakFigure::PagedGrowth => paged,
            LeakFigure::Growth => nonpaged + paged,
            LeakFigure::NonpagedNetGrowth => self.net_growth[0],
            LeakFigure::PagedNetGrowth => self.net_growth[1],
            LeakFigure::Leaks => self.leaks as f64,
            LeakFigure::Growing => self.growing as f64,
            LeakFigure::Stopped => self.stopped as f64,
            LeakFigure::Suspects => (self.leaks + self.growing + self.stopped + self.bursts) as f64,
            LeakFigure::ImpactingSize => self.impacting_bytes as f64,
            LeakFigure::WorstGrowth => self.worst_growth,
            LeakFigure::Confidence => self.confidence,
        }
    }

    fn text(&self, figure: LeakFigure) -> String {
        let value = self.value(figure);
        match figure.dimension() {
            Dimension::Rate => format::growth_rate(value),
            Dimension::Bytes => format::bytes(value as u64),
            Dimension::Count => format::count(value as u64),
            Dimension::Share => format::percent(value),
            Dimension::Ratio => format!("{value:.2}"),
        }
    }
}
