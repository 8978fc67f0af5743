//! Curves over time: bytes or allocations outstanding, allocated so far, or allocated per second, one curve per group. Values
//! are exact at each point; memory is proportional to groups times points.
//!
//! - [`curve`]: request and curves with values at points ([`series`])
//! - [`selection`]: the rows that count, and the groups with a curve of their own
//! - [`scan`]: outstanding curves with the extremes between points ([`decimate`])
//! - [`curve_index`]: the same from blocks of events that were prepared ([`CurveIndex`]), with the help of
//!   `event_groups`

pub mod curve;
pub mod curve_index;
mod event_groups;
pub mod scan;
pub mod selection;

pub use crate::group::event_order::EventOrder;
pub use crate::group::shared_event_order::SharedEventOrder;
pub use curve::{Curve, SeriesError, SeriesKind, SeriesMetric, SeriesRequest, SeriesSet, series, series_at};
pub use curve_index::CurveIndex;
pub use scan::{MinMaxDecimation, decimate, decimate_highest};
pub use selection::{MAX_COMPARED_GROUPS, MAX_PEAK_GROUPS, highest_groups};

#[cfg(test)]
mod tests;
