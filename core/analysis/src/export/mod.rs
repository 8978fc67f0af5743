//! Finished results to writers, in the words and with the exact figures of the command line's contract. It must never
//! compute, and never hold a whole document: results of a million groups are written row by row.

pub mod csv;
pub mod json;
pub mod leaks;
mod leaks_who;
pub mod report;
pub mod series;
pub mod symbols;

pub use report::{Document, FigureTable};

#[cfg(test)]
mod tests;
