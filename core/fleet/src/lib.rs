//! Datasets of many traces: for each trace and table one Parquet file, in folders by table and date, which DuckDB, Apache Spark and
//! others read as they are. The crate writes; it answers no questions.
//!
//! ```text
//! dataset/
//!   _poolscope.json                                            version of the schema
//!   traces/date=2026-03-02/BUILD07-5c0ffee05c0ffee0.parquet    one file for each trace and table
//!   allocations/date=2026-03-02/BUILD07-5c0ffee05c0ffee0.parquet
//!   …
//! ```
//!
//! | module | content |
//! | --- | --- |
//! | [`dataset`] | folders and names, what is done, files that appear when they are complete |
//! | [`identity`] | the id, the host and the date of a trace |
//! | [`tables`] | the tables with their schemas, and the rows of a trace |
//! | [`table_file`] | one Parquet file, written column by column in row groups |
//!
//! Schemas are written in Parquet's own language beside the rows of each table. Changes that readers of older files would notice raise
//! [`SCHEMA_VERSION`].

pub mod dataset;
mod error;
pub mod identity;
pub mod table_file;
pub mod tables;

pub use dataset::{Dataset, TraceFiles};
pub use error::FleetError;
pub use identity::{TraceId, TraceKey};
pub use tables::{Table, TraceRows};

/// Version of the tables and their columns. A dataset has one.
pub const SCHEMA_VERSION: u32 = 1;
