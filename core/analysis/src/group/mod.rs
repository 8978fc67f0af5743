//! Grouping: what each row of the allocation table shows in the key columns, which group it is in, and what groups add up to.
//!
//! - [`key`]: the key columns by name; [`mod@column`]: the values of one of them, as numbers that sort like the texts
//! - [`column_values`]: all columns of a trace under one set of names, made when first asked for and kept
//! - [`group_by`]: the group of each row; [`aggregate`]: sums by group
//! - [`event_order`]: allocations and frees by time; [`parallel`]: work over all rows on all workers
//! - what columns show: [`frames`], [`display_stacks`], [`symbols`], [`responsible`] by [`wrapper_rules`], [`pool_tags`], [`generation`]

pub mod aggregate;
pub mod column;
pub mod column_values;
pub mod display_stacks;
pub mod event_order;
pub mod frames;
pub mod generation;
pub mod group_by;
pub mod key;
pub mod parallel;
pub mod pool_tags;
pub mod responsible;
pub mod symbols;
#[cfg(test)]
pub(crate) mod test_util;
pub mod wrapper_rules;
