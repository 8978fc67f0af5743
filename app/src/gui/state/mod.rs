//! What the window knows: the open trace, its view and history, the rows of the table, colours, what is loading. No
//! widget is drawn here, and nothing here reads a file.

pub mod arrangement;
pub mod colours;
pub mod columns;
pub mod details;
pub mod dialogs;
pub mod document;
pub mod filter;
pub mod finder;
pub mod flat;
pub mod history;
pub mod modules_page;
pub mod presets;
pub mod query_box;
pub mod rows;
pub mod symbol_words;
pub mod symbols;
pub mod tips;
pub mod units;
