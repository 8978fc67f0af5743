//! The pivot: rows of the allocation table grouped by key columns, with the metrics of each group, and the tree over the
//! groups. Results are as large as their groups; only [`Evaluator`] holds anything per row.
//!
//! - [`table`]: the groups and their aggregates ([`pivot`]); [`metric`] and [`sort`]: what follows from an aggregate, and orders by it
//! - [`tree`]: the tree that a table shows; [`row_path`]: a node by its texts, and back to rows; [`mod@find`]: text search in the tree
//! - [`evaluate`]: metrics that need the rows once more; [`details`]: histograms and lists of a set of rows
//! - [`translate`]: rows and paths when frames get other names

pub mod details;
pub mod evaluate;
pub mod find;
pub mod metric;
pub mod row_path;
pub mod sort;
pub mod table;
pub mod translate;
pub mod tree;

pub use crate::group::aggregate::{Aggregate, AggregateRow};
pub use crate::group::key::Key;
pub use details::{RowDetails, row_details};
pub use evaluate::Evaluator;
pub use find::{FindRequest, FindResult, find, walk_to};
pub use metric::{Metric, Unit, Value};
pub use row_path::{RowPath, RowPathStep, rows_of_paths};
pub use sort::{SortLevel, SortOrder};
pub use table::{Pivot, PivotRequest, pivot};
pub use tree::{NodeId, PivotTree, TreeStep};

#[cfg(test)]
mod tests;
