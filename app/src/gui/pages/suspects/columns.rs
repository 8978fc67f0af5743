//! The columns of the page of suspects: what they are called, what they mean, how they order. Draws nothing.

use std::cmp::Ordering;

use poolscope_analysis::leaks::Suspect;

/// Least width of a page with processes, in points.
const LEAST_WITH_PROCESS: f32 = 1400.0;

/// A column of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SuspectColumn {
    /// Its place among all, the worst first.
    Rank,
    /// The verdict.
    Verdict,
    /// Its pool tag.
    Tag,
    /// Its pool.
    Pool,
    /// The driver and the function that allocate.
    Source,
    /// The process with the most outstanding bytes.
    Process,
    /// Growth.
    Growth,
    /// Bytes of the blocks that stayed.
    Size,
    /// Outstanding allocations.
    Count,
    /// Frees.
    Frees,
    /// Confidence of the verdict.
    Confidence,
    /// Outstanding bytes over the analyzed range.
    Curve,
}

impl SuspectColumn {
    /// All of them, from left to right.
    pub const ALL: [Self; 12] = [
        Self::Rank,
        Self::Verdict,
        Self::Tag,
        Self::Pool,
        Self::Source,
        Self::Growth,
        Self::Size,
        Self::Count,
        Self::Frees,
        Self::Confidence,
        Self::Process,
        Self::Curve,
    ];

    /// The columns that a page of this width shows, in points.
    #[must_use]
    pub fn shown(width: f32) -> Vec<Self> {
        Self::ALL.into_iter().filter(|column| *column != Self::Process || width >= LEAST_WITH_PROCESS).collect()
    }

    /// The name in the header.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Rank => "Rank",
            Self::Verdict => "Verdict",
            Self::Tag => "Pool Tag",
            Self::Pool => "Pool",
            Self::Source => "Allocated by",
            Self::Process => "Process",
            Self::Growth => "Growth/min",
            Self::Size => "Impacting",
            Self::Count => "Count",
            Self::Frees => "Frees",
            Self::Confidence => "Confidence",
            Self::Curve => "Outstanding",
        }
    }

    /// Its meaning.
    #[must_use]
    pub fn tip(self) -> &'static str {
        match self {
            Self::Rank => "The worst verdict first, then by growth and confidence.",
            Self::Verdict => "Class of the growth. Point at a verdict to see its meaning.",
            Self::Tag => "The four characters that the driver passed with the allocations.",
            Self::Pool => "Paged or nonpaged pool.",
            Self::Source => "Driver and function of most of the outstanding bytes.",
            Self::Process => "Process that made most of the outstanding allocations, and its share of their bytes.",
            Self::Growth => "Growth over the analyzed range, in bytes per minute.",
            Self::Size => "Bytes allocated in the analyzed range and not freed before its end.",
            Self::Count => "Number of allocations made in the analyzed range and not freed before its end.",
            Self::Frees => "Number of frees in the analyzed range.",
            Self::Confidence => "Confidence in the verdict, lowered by data-quality issues.",
            Self::Curve => "Outstanding bytes over the analyzed range; the warm-up is dimmed.",
        }
    }

    /// Returns whether it holds figures.
    #[must_use]
    pub fn is_figure(self) -> bool {
        matches!(self, Self::Rank | Self::Growth | Self::Size | Self::Count | Self::Frees)
    }

    /// Returns whether its first click puts the largest first.
    #[must_use]
    pub fn begins_with_largest(self) -> bool {
        matches!(self, Self::Growth | Self::Size | Self::Count | Self::Frees | Self::Confidence | Self::Curve)
    }

    /// The order of two suspects; the rank is not theirs, so it tells nothing.
    #[must_use]
    pub fn compare(self, a: &Suspect, b: &Suspect) -> Ordering {
        let process = |suspect: &Suspect| {
            suspect.attribution.processes.first().map(|share| share.name().to_lowercase()).unwrap_or_default()
        };
        let text = |suspect: &Suspect| format!("{}!{}", suspect.driver, suspect.function).to_lowercase();
        match self {
            SuspectColumn::Rank => Ordering::Equal,
            SuspectColumn::Verdict => a.verdict.cmp(&b.verdict),
            SuspectColumn::Tag => a.tag.cmp(&b.tag),
            SuspectColumn::Pool => a.is_paged.cmp(&b.is_paged),
            SuspectColumn::Source => text(a).cmp(&text(b)),
            SuspectColumn::Process => process(a).cmp(&process(b)),
            SuspectColumn::Growth => a.growth_bytes_per_s.total_cmp(&b.growth_bytes_per_s),
            SuspectColumn::Size | SuspectColumn::Curve => {
                a.evidence.outstanding.bytes.cmp(&b.evidence.outstanding.bytes)
            }
            SuspectColumn::Count => a.evidence.outstanding.count.cmp(&b.evidence.outstanding.count),
            SuspectColumn::Frees => a.evidence.freed.count.cmp(&b.evidence.freed.count),
            SuspectColumn::Confidence => a.confidence.total_cmp(&b.confidence),
        }
    }
}
