//! The figures that a condition may ask for, and their units.

use crate::format;
use crate::leak_text::{percent, rate};
use poolscope_analysis::leaks::{LeakAnalysis, Verdict};
use std::fmt;

/// A figure of a judgement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Figure {
    /// Growth of what leaks or grows in nonpaged pool.
    NonpagedGrowth,
    /// The same in paged pool.
    PagedGrowth,
    /// The same in both.
    Growth,
    /// Growth of all outstanding bytes of nonpaged pool.
    NonpagedSlope,
    /// The same of paged pool.
    PagedSlope,
    /// How many suspects leak.
    Leaks,
    /// How many grow.
    Growing,
    /// Number of suspects that grew until their load stopped.
    Stopped,
    /// Number of suspects that leak, grow, grew until their load stopped, or came in one step.
    Suspects,
    /// Bytes of all AIFO blocks.
    ImpactingSize,
    /// Growth of the suspect that grows fastest.
    WorstGrowth,
    /// Confidence in the first suspect; 0 where nothing leaks or grows.
    Confidence,
}

/// What a figure counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Dimension {
    Rate,
    Bytes,
    Count,
    Share,
}

impl Figure {
    const ALL: [(Self, &'static str, Dimension); 12] = [
        (Self::NonpagedGrowth, "nonpaged_growth", Dimension::Rate),
        (Self::PagedGrowth, "paged_growth", Dimension::Rate),
        (Self::Growth, "growth", Dimension::Rate),
        (Self::NonpagedSlope, "nonpaged_slope", Dimension::Rate),
        (Self::PagedSlope, "paged_slope", Dimension::Rate),
        (Self::Leaks, "leaks", Dimension::Count),
        (Self::Growing, "growing", Dimension::Count),
        (Self::Stopped, "stopped", Dimension::Count),
        (Self::Suspects, "suspects", Dimension::Count),
        (Self::ImpactingSize, "impacting_size", Dimension::Bytes),
        (Self::WorstGrowth, "worst_growth", Dimension::Rate),
        (Self::Confidence, "confidence", Dimension::Share),
    ];

    /// The figure with this name; else a message that names all.
    pub fn named(name: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(_, own, _)| *own == name);
        found.map(|(figure, ..)| *figure).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|(_, own, _)| *own).collect();
            format!("there is no figure '{name}'; there are {}", names.join(", "))
        })
    }

    fn entry(self) -> (&'static str, Dimension) {
        let found = Self::ALL.iter().find(|(figure, ..)| *figure == self);
        found.map_or(("", Dimension::Count), |(_, name, dimension)| (*name, *dimension))
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry().0)
    }
}

/// The figures of a judgement.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Figures {
    pub(super) growth: [f64; 2],
    pub(super) slope: [f64; 2],
    pub(super) leaks: u64,
    pub(super) growing: u64,
    pub(super) bursts: u64,
    pub(super) stopped: u64,
    pub(super) impacting_bytes: u64,
    pub(super) worst_growth: f64,
    pub(super) confidence: f64,
}

impl Figures {
    /// Of a judgement.
    #[must_use]
    pub fn new(judgement: &LeakAnalysis) -> Self {
        let suspects = &judgement.suspects;
        let count = |verdict| suspects.iter().filter(|s| s.verdict == verdict).count() as u64;
        let growing = || suspects.iter().filter(|s| s.verdict.is_growing());
        Self {
            growth: judgement.pools.map(|pool| pool.growth_bytes_per_s()),
            slope: judgement.pools.map(|p| p.net_growth_bytes_per_s),
            leaks: count(Verdict::Leak),
            growing: count(Verdict::Growing),
            bursts: count(Verdict::Burst),
            stopped: count(Verdict::Stopped),
            impacting_bytes: suspects.iter().map(|s| s.evidence.outstanding.bytes).fold(0, u64::saturating_add),
            worst_growth: growing().map(|s| s.growth_bytes_per_s).fold(0.0, f64::max),
            confidence: growing().next().map_or(0.0, |s| s.confidence),
        }
    }

    /// A figure: bytes per second, bytes, a count, or a share from 0 to 1.
    #[must_use]
    pub fn value(&self, figure: Figure) -> f64 {
        let [nonpaged, paged] = self.growth;
        match figure {
            Figure::NonpagedGrowth => nonpaged,
            Figure::PagedGrowth => paged,
            Figure::Growth => nonpaged + paged,
            Figure::NonpagedSlope => self.slope[0],
            Figure::PagedSlope => self.slope[1],
            Figure::Leaks => self.leaks as f64,
            Figure::Growing => self.growing as f64,
            Figure::Stopped => self.stopped as f64,
            Figure::Suspects => (self.leaks + self.growing + self.stopped + self.bursts) as f64,
            Figure::ImpactingSize => self.impacting_bytes as f64,
            Figure::WorstGrowth => self.worst_growth,
            Figure::Confidence => self.confidence,
        }
    }

    /// The same for reading.
    #[must_use]
    pub fn text(&self, figure: Figure) -> String {
        let value = self.value(figure);
        match figure.entry().1 {
            Dimension::Rate => rate(value),
            Dimension::Bytes => format::bytes(value as u64),
            Dimension::Count => format::count(value as u64),
            Dimension::Share => percent(value),
        }
    }
}

/// Units of bytes; binary, as Windows counts.
const BYTES: [(&str, f64); 10] = [
    ("b", 1.0),
    ("bytes", 1.0),
    ("k", 1024.0),
    ("kb", 1024.0),
    ("m", 1_048_576.0),
    ("mb", 1_048_576.0),
    ("g", 1_073_741_824.0),
    ("gb", 1_073_741_824.0),
    ("tb", 1_099_511_627_776.0),
    ("", 1.0),
];

/// Units of time, in seconds.
const TIMES: [(&str, f64); 10] = [
    ("s", 1.0),
    ("sec", 1.0),
    ("second", 1.0),
    ("min", 60.0),
    ("minute", 60.0),
    ("h", 3600.0),
    ("hour", 3600.0),
    ("d", 86_400.0),
    ("day", 86_400.0),
    ("m", 60.0),
];

/// A number with a unit, in the base unit of the figure that it is compared with.
pub fn quantity(figure: Figure, value: f64, unit: &str) -> Result<f64, String> {
    let known =
        |units: &[(&str, f64)], unit: &str| units.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale);
    let (name, dimension) = figure.entry();
    let scaled = match dimension {
        Dimension::Rate => {
            let (bytes, time) = unit.split_once('/').unwrap_or((unit, ""));
            // A unit of bytes alone is no rate: nobody would know per what.
            let time = if unit.is_empty() { Some(1.0) } else { known(&TIMES, time) };
            known(&BYTES, bytes).zip(time).map(|(bytes, seconds)| value * bytes / seconds)
        }
        Dimension::Bytes => known(&BYTES, unit).map(|scale| value * scale),
        Dimension::Count => unit.is_empty().then_some(value),
        Dimension::Share => match unit {
            // Who writes 80 means 80 %: as a share it would be 8000 %, which no figure ever is.
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
