//! Widgets of our own. They know egui and the theme, and nothing of traces: they draw what a model gives them and
//! hand back actions, and mutate nothing but their own view state.

pub mod badge;
pub mod chip;
pub mod command_lines;
pub mod empty_page;
pub mod flame;
pub mod frame_line;
pub mod graph;
pub mod histogram;
pub mod menu_by_keys;
pub mod pivot_table;
pub mod scrollbar;
pub mod side_handle;
pub mod sort_header;
pub mod sparkline;
pub mod thin_bar;
pub mod two_ways_on;
