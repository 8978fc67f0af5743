//! The container: file, buffers, decompression, records. It knows where a record begins and ends, who wrote it and
//! when; it must never know what a payload means.

pub mod anchor;
pub mod buffer;
pub mod diagnostics;
pub mod error;
pub mod event;
pub mod foreign;
pub mod layout;
pub mod logfile;
pub mod record;
pub mod source;
pub mod walk;
#[cfg(windows)]
pub mod windows;
pub mod xpress;
