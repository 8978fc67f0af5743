//! Analysis of pool allocations in a trace. [`load`] turns a file into an immutable [`trace::Trace`]; [`filter`], [`group`],
//! [`pivot`], [`series`], [`flame`], [`butterfly`], [`compare`] and [`leaks`] compute results from it; [`export`] writes results.

pub mod butterfly;
pub mod compare;
pub mod export;
pub mod filter;
pub mod flame;
pub mod group;
pub mod leaks;
pub mod load;
pub mod pivot;
pub mod series;
pub mod trace;
