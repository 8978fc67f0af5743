//! The query language of `--where` and of the query box: text to [`Query`], that to a [`CompiledQuery`] for one trace
//! and view, that to a [`RowSet`]. It must never take a row that the query's words do not take.
//!
//! `tag:Leak` · `tag:Ntf*` · `tag:~"^Ntf"` · `size:>64KB` · `size:1KB..4KB` · `lifetime:<1ms` · `process!=System` ·
//! `type:AIFO AND NOT (driver:myfault OR stack:"IofCallDriver")`

pub mod compile;
pub mod complete;
pub mod error;
mod evaluate;
pub mod field;
pub mod literal;
mod parse;
mod pattern;
pub mod query;
pub mod rowset;

pub use compile::CompiledQuery;
pub use complete::{Completions, complete};
pub use error::QueryError;
pub use query::Query;
pub use rowset::RowSet;

#[cfg(test)]
mod tests;
