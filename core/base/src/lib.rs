//! Foundation of the poolscope crates: bounds-checked byte readers, the file map, GUIDs, progress and cancellation of
//! long work, and the search for counts that grow in lockstep. Knows no file format.

pub mod bytes;
pub mod guid;
pub mod lockstep;
pub mod progress;
