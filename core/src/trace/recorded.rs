//! The part of the recording that a trace file holds, as its records show it, never as the header alone claims.

use super::time::View;

/// The recorded range of a trace, and what is missing around and inside it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordedRange {
    /// From the moment at which every CPU that matters was recorded to the last one.
    pub range: View,
    /// The part of [`Self::range`] that can be analyzed: the longest part between holes where these took many events, else all.
    pub analyzable: View,
    /// The recording began earlier: the beginning was overwritten or is missing.
    pub start_missing: bool,
    /// The recording went on longer: the file ends early, or was never closed.
    pub end_missing: bool,
}

impl RecordedRange {
    /// A recording that is there as a whole.
    #[must_use]
    pub const fn whole(range: View) -> Self {
        Self { range, analyzable: range, start_missing: false, end_missing: false }
    }
}
