//! The query language of `--where` and of the query box: text to [`Query`], that to a [`CompiledQuery`] for one trace
//! and time range, that to a [`RowSet`].
//!
//! `tag:Leak` · `tag:Ntf*` · `tag:~"^Ntf"` · `size:>64KB` · `size:1KB..4KB` · `lifetime:<1ms` · `process!=System` ·
//! `type:AIFO AND NOT (driver:myfault OR stack:"IofCallDriver")`

pub mod compile;
pub mod complete;
pub mod literal;
mod parse;
pub mod query;
pub mod rowset;

pub use compile::CompiledQuery;
pub use complete::{Completions, complete};
pub use query::{Field, FieldKind, Query, QueryError};
pub use rowset::RowSet;

#[cfg(test)]
mod tests;
