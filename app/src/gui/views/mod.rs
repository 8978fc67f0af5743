//! The parts of the window. A view draws from the state it is given and pushes commands; it knows no other view, reads no
//! file and computes nothing that takes time.

pub mod analysis;
pub mod association;
pub mod changed;
pub mod confirm;
pub mod details;
pub mod dialogs;
pub mod empty;
pub mod failure;
pub mod flame;
pub mod headline;
pub mod keys;
pub mod loading;
pub mod look_through;
pub mod menu;
pub mod modules;
pub mod open_box;
pub mod palette;
pub mod recording;
pub mod start;
pub mod status;
pub mod summary;
pub mod suspects;
pub mod symbol_path;
pub mod tabs;
pub mod tag_sources;
pub mod toasts;
pub mod trace_page;
