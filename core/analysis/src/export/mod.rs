//! Writes finished results: JSON and CSV with exact figures, profiles for other programs, pictures. It computes nothing and never
//! holds a whole document: results of a million groups are written row by row.

pub mod compare;
pub mod csv;
pub mod drawing;
pub mod flame_svg;
pub mod folded;
pub mod json;
pub mod leaks;
pub mod pprof;
pub mod report;
pub mod schema;
pub mod series;
pub mod speedscope;
pub mod symbols;
pub mod xml;

pub use compare::CompareTable;
pub use report::{DocumentHeader, MetricTable};

#[cfg(test)]
mod tests;
