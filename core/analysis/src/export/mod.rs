//! Writes finished results as JSON and CSV with exact figures. It computes nothing and never holds a whole document: results of a
//! million groups are written row by row.

pub mod compare;
pub mod csv;
pub mod json;
pub mod leaks;
pub mod report;
pub mod series;
pub mod symbols;

pub use compare::CompareTable;
pub use report::{DocumentHeader, MetricTable};

#[cfg(test)]
mod tests;
