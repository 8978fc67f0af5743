//! The pivot: rows of the allocation table grouped by key columns, with the figures of each group, and the tree over
//! the groups. It must never hold anything per row: results are as large as their groups.

mod combined;
pub mod cost;

pub mod evaluate;
pub mod figure;
pub mod find;
pub mod number;
pub mod place;
mod place_rows;
pub mod profile;
pub mod rows;
pub mod sort;
pub mod table;
pub mod translate;
pub mod tree;

pub use crate::group::key::Key;
pub use cost::{Cost, CostRow};
pub use evaluate::{Evaluator, RowFigures};
pub use figure::Figure;
pub use find::{FindRequest, Found, find, walk_to};
pub use number::Number;
pub use place::{Place, PlaceStep};
pub use place_rows::rows_of_places;
pub use profile::{Profile, profile};
pub use rows::GroupRows;
pub use sort::{Sort, SortOrder};
pub use table::{Pivot, PivotError, PivotRequest, pivot};
pub use tree::{NodeId, PivotTree, Step};

#[cfg(test)]
mod tests;
