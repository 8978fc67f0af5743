//! The parts of the window around the pages: menu bar, tabs, side panel, status bar, palette, messages.

pub mod back;
pub mod details;
pub mod file_changed;
pub mod fuzzy;
pub mod load_failure;
pub mod loading;
pub mod menu;
pub mod palette;
pub mod quality;
pub mod status;
pub mod tabs;
pub mod toasts;
pub mod trace_panel;
