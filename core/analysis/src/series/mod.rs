//! Curves over time: bytes or blocks outstanding, allocated so far, or allocated per second, one curve per combination
//! of keys. Values are exact at every point; it must never hold more than keys times points.

pub mod curve;
pub mod envelope;
pub mod lineup;
pub mod measure;
pub mod points;
mod sweep;
mod tally;

pub use crate::group::order::EventOrder;
pub use curve::{Curve, SeriesError, SeriesRequest, SeriesSet, series, series_at};
pub use envelope::{Envelope, envelope, highest_envelope};
pub use lineup::{MOST_COMPARED, MOST_PEAKS, highest};
pub use measure::{Kind, Measure};

#[cfg(test)]
mod tests;
