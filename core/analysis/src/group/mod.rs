//! Grouping: the values of the allocation table's rows in the key columns, the groups of the rows, and the sums of the groups.
//!
//! - [`key`]: the list of key columns; [`mod@column`]: the values of one column as ids that sort like the values
//! - [`column_values`]: all columns of a trace, computed on first use and then kept
//! - [`group_by`]: the group of each row; [`aggregate`]: sums by group
//! - [`event_order`]: allocations and frees by time, built once for all questions by [`shared_event_order`]; [`range_sums`]: sums by group of any visible range without a pass over all
//!   rows, with the help of `spanning`; [`parallel`]: work over all rows on all workers; [`partition`]: sorting on all workers
//! - sources of values: [`frames`], [`display_stacks`], [`symbols`], [`responsible`] by [`wrapper_rules`], [`pool_tags`],
//!   [`stack_tags`], [`generation`]

pub mod aggregate;
pub mod column;
pub mod column_values;
pub mod display_stacks;
pub mod event_order;
pub mod frame_lines;
pub mod frames;
pub mod generation;
pub mod group_by;
pub mod key;
pub mod parallel;
pub mod partition;
pub mod pool_tags;
pub mod range_sums;
pub mod responsible;
pub mod shared_event_order;
mod spanning;
pub mod stack_tags;
pub mod symbols;
#[cfg(test)]
pub(crate) mod test_util;
pub mod wrapper_rules;
