//! Measurements of the engine: synthetic traces on disk, the walk over their record headers that all times are compared
//! with, wall and CPU time of repeated work, and a table of the results.
//!
//! Each bench takes the size of its traces from `POOLSCOPE_BENCH_BYTES` (default 425 MB, more than caches hold) and the number of worker threads
//! from `RAYON_NUM_THREADS`. With `--tsv` it prints a line per row instead of a table, for `compare.sh`.

mod measure;
mod table;
mod trace;

pub use measure::{Cost, cpu_seconds, fastest};
pub use table::Table;
pub use trace::{Trace, WalkTotals, bench_bytes, first, groups, mixed};
