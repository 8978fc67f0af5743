//! The query language of `--where` and of the query box: text to [`query::Query`], that to a
//! [`compile::CompiledQuery`] for one trace and view, that to a [`rowset::RowSet`].

pub mod rowset;
