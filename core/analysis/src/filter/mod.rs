//! The query language of `--where` and of the window's filter: text, [`Query`], [`CompiledQuery`] for one trace and visible
//! range, [`RowSet`].
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
