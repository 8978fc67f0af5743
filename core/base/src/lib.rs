//! Foundation of the poolscope crates: bounds-checked byte readers, reads of files at positions, GUIDs, progress and
//! cancellation of long work, and the search for counts that grow in lockstep. Knows no file format.

pub mod bytes;
pub mod file_reader;
pub mod file_window;
pub mod guid;
pub mod lockstep;
pub mod progress;
