//! The pivot: rows of the allocation table grouped by key columns, with the metrics of each group, and the tree over the
//! groups. The size of results depends on the number of groups; only [`Evaluator`] has data per row.
//!
//! - [`table`]: the groups and their aggregates ([`pivot`], [`pivot_of_range`]); [`metric`]: data columns; [`sort`]: the order of groups
//! - [`tree`]: the tree that a table shows; [`row_path`]: the path of a node as texts, and its rows; [`mod@find`]: text search in the tree
//! - [`evaluate`]: values of all metrics; [`trend`]: course and processes of rows; [`details`]: histograms and lists of a set of
//!   rows
//! - [`translate`]: rows and paths after a change of frame names

pub mod details;
pub mod evaluate;
pub mod find;
pub mod metric;
pub mod row_path;
pub mod sort;
pub mod table;
pub mod translate;
pub mod tree;
pub mod trend;

pub use crate::group::aggregate::{Aggregate, AggregateRow};
pub use crate::group::key::Key;
pub use details::{RowDetails, row_details};
pub use evaluate::Evaluator;
pub use find::{FindRequest, FindResult, find, walk_to};
pub use metric::{Metric, Unit, Value};
pub use row_path::{RowPath, RowPathStep, rows_of_paths};
pub use sort::{SortLevel, SortOrder};
pub use table::{Pivot, PivotRequest, pivot, pivot_of_range};
pub use tree::{NodeId, PivotTree, TreeStep};
pub use trend::{TREND_POINTS, Trend};

#[cfg(test)]
mod tests;
