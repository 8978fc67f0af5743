//! Key columns: what each row of the allocation table shows in them, as small numbers that sort like their texts. Two
//! rows with the same text in a column have the same number there. Nothing here adds anything up.

pub mod cells;
pub mod combos;
pub mod driver;
pub mod folding;
pub mod frame_marks;
pub mod frames;
pub mod generation;
pub mod key;
pub mod known_tags;
pub mod look_through;
pub mod names;
pub mod order;
pub mod parallel;
pub mod pooltag;
pub mod rank;
pub mod size_class;
pub mod stacks;
pub mod sums;
pub mod symbols;
#[cfg(test)]
pub(crate) mod testkit;
pub mod values;
