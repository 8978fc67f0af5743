//! Figures of conditions and their units.

use crate::format;
use poolscope_analysis::filter::literal;
use poolscope_analysis::filter::query::FieldKind;
use poolscope_analysis::leaks::{LeakAnalysis, Verdict};
use std::fmt;

/// Unit of a figure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Dimension {
    Rate,
    Bytes,
    Count,
    Share,
}

macro_rules! figures {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $dimension:ident;)*) => {
        /// A figure of a leak analysis.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Figure {
            $($(#[$doc])* $variant,)*
        }

        impl Figure {
            const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in conditions.
            const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            const fn dimension(self) -> Dimension {
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

impl Figure {
    /// The figure with this name, or an error message with all names.
    pub fn named(name: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|figure| figure.name() == name).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|figure| figure.name()).collect();
            format!("there is no figure '{name}'; there are {}", names.join(", "))
        })
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Values of all figures of a leak analysis.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Figures {
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

impl Figures {
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

    /// Value of a figure: bytes per second, bytes, a count, or a share from 0 to 1.
    #[must_use]
    pub fn value(&self, figure: Figure) -> f64 {
        let [nonpaged, paged] = self.growth;
        match figure {
            Figure::NonpagedGrowth => nonpaged,
            Figure::PagedGrowth => paged,
            Figure::Growth => nonpaged + paged,
            Figure::NonpagedNetGrowth => self.net_growth[0],
            Figure::PagedNetGrowth => self.net_growth[1],
            Figure::Leaks => self.leaks as f64,
            Figure::Growing => self.growing as f64,
            Figure::Stopped => self.stopped as f64,
            Figure::Suspects => (self.leaks + self.growing + self.stopped + self.bursts) as f64,
            Figure::ImpactingSize => self.impacting_bytes as f64,
            Figure::WorstGrowth => self.worst_growth,
            Figure::Confidence => self.confidence,
        }
    }

    /// Value of a figure with its unit.
    #[must_use]
    pub fn text(&self, figure: Figure) -> String {
        let value = self.value(figure);
        match figure.dimension() {
            Dimension::Rate => format::growth_rate(value),
            Dimension::Bytes => format::bytes(value as u64),
            Dimension::Count => format::count(value as u64),
            Dimension::Share => format::percent(value),
        }
    }
}

/// A number with a unit, in the base unit of the figure that it is compared with.
pub fn quantity(figure: Figure, value: f64, unit: &str) -> Result<f64, String> {
    let bytes_in = |unit: &str| literal::unit_scale(FieldKind::Bytes, unit).map(|bytes| bytes as f64);
    let seconds_in =
        |unit: &str| literal::unit_scale(FieldKind::Time, unit).map(|nanoseconds| nanoseconds as f64 / 1e9);
    let (name, dimension) = (figure.name(), figure.dimension());
    let scaled = match dimension {
        Dimension::Rate => {
            let (bytes, time) = unit.split_once('/').unwrap_or((unit, ""));
            // A unit of bytes alone is no rate: the time is missing.
            let seconds = match (unit, time) {
                ("", _) => Some(1.0),
                (_, "") => None,
                (_, time) => seconds_in(time),
            };
            bytes_in(bytes).zip(seconds).map(|(bytes, seconds)| value * bytes / seconds)
        }
        Dimension::Bytes => bytes_in(unit).map(|bytes| value * bytes),
        Dimension::Count => unit.is_empty().then_some(value),
        Dimension::Share => match unit {
            // 80 means 80 %: no share exceeds 1.
            "" => (value <= 1.0).then_some(value),
            "%" => Some(value / 100.0),
            _ => None,
        },
    };
    let wanted = match dimension {
        Dimension::Rate => "a rate such as 1MB/min, or bytes per second without a unit",
        Dimension::Bytes => "a size such as 64KB",
        Dimension::Count => "a plain number",
        Dimension::Share => "a share such as 80% or 0.8",
    };
    scaled.ok_or_else(|| format!("'{name}' is compared with {wanted}, not with '{value}{unit}'"))
}
