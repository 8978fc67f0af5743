//! Performance logs (perfmon, typeperf, relog) as evidence for a pool leak: whether a pool grows, since when, how fast, and the
//! processes whose handles rise with it. Works on text; opens no file and knows no trace.
//!
//! | module | content |
//! | --- | --- |
//! | [`path`] | names of counters, and what those that matter here count |
//! | [`log`](mod@log) | a text of comma- or tab-separated values into samples |
//! | [`onset`] | the time at which a curve begins to rise |
//! | [`analysis`] | growth of pools and handles |

pub mod analysis;
pub mod log;
pub mod onset;
pub mod path;

pub use analysis::{CounterAnalysis, PoolGrowth, ProcessHandles, analyze};
pub use log::{Counter, CounterLog, CounterLogError, parse};
pub use path::{CounterKind, CounterPath};
