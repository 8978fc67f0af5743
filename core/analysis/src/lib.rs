//! The allocation index of a trace and everything that is asked of it. [`load`] turns a file into an immutable [`trace::Trace`];
//! [`filter`], [`group`], [`pivot`], [`series`], [`flame`] and [`leaks`] answer questions about it; [`export`] writes the answers.

pub mod export;
pub mod filter;
pub mod flame;
pub mod group;
pub mod leaks;
pub mod load;
pub mod pivot;
pub mod series;
pub mod trace;
