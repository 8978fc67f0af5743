//! Comparison of two traces, or of two ranges of one: the groups of both sides joined by the texts of their keys, which survive
//! another build of a driver, other load addresses and other process numbers. Each side is an ordinary
//! [pivot](crate::pivot::table::pivot) of its own, so that the sums of a side are those of a report of it.
//!
//! - [`matching`]: equal values of a key column in two traces; [`join`]: the groups of both sides, [`Comparison`]
//! - [`normalization`]: figures per second or per allocation of a tag; [`figures`]: both figures of a row, difference, ratio, change
//! - [`tree`]: the tree over the joined groups; [`finding`]: the tag and the driver that got worse most

pub mod figures;
pub mod finding;
pub mod join;
pub mod matching;
pub mod normalization;
pub mod tree;

pub use figures::{Change, CompareColumn, CompareSort, FigurePair, Part};
pub use finding::{Finding, FindingRequest, findings};
pub use join::{CompareRequest, Comparison, Side, SideRequest, compare};
pub use matching::RenamedModule;
pub use normalization::{Divisors, Normalization, NormalizationError};
pub use tree::CompareTree;

#[cfg(test)]
mod tests;
