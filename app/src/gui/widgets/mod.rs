//! The widgets of the window. They know egui, the theme, the icons and the formatting of figures, and nothing of traces: they
//! draw the data of a model, return actions, and change only what they remember between frames.

pub mod chip;
pub mod close_button;
pub mod command_lines;
pub mod empty_page;
pub mod fitted_text;
pub mod flame;
pub mod frame_line;
pub mod graph;
pub mod histogram;
pub mod list_table;
pub mod menu_by_keys;
pub mod modal;
pub mod path_choice;
pub mod pivot_table;
pub mod progress_bar;
pub mod scrollbar;
pub mod section;
pub mod side_handle;
pub mod sorted_list;
pub mod sparkline;
