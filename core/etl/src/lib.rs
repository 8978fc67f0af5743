//! Reader of Windows event traces (`.etl`) for any system.
//!
#![doc = include_str!("../README.md")]

pub mod buffer;
pub mod diagnostics;
pub mod event;
pub mod file;
pub mod reader;
pub mod record;
pub mod slice;
#[cfg(windows)]
pub mod windows;
pub mod xpress;
