//! event
pub mod guid;
