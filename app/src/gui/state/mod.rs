//! What the window knows: the open trace, its view and history, the rows of the table, colours, what is loading, what is to be recorded. No
//! widget is drawn here, and nothing here reads a file.

pub mod arrangement;
pub mod colours;
pub mod columns;
pub mod details;
pub mod dialogs;
pub mod document;
pub mod filter;
pub mod finder;
pub mod flame_model;
pub mod flame_page;
pub mod flat;
pub mod frame_parts;
pub mod history;
pub mod kit;
pub mod kit_fix;
pub mod kit_listing;
pub mod modules_page;
pub mod presets;
pub mod query_box;
pub mod recorder;
pub mod rows;
pub mod suspect_columns;
pub mod suspect_marks;
pub mod suspect_words;
pub mod suspects_page;
pub mod symbol_words;
pub mod symbols;
pub mod tips;
pub mod units;
