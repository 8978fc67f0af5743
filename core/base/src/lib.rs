//! What the other crates share: byte readers and the file map, progress and cancellation, and counts that grow together. It
//! knows no file format.

pub mod bytes;
pub mod lockstep;
pub mod progress;
