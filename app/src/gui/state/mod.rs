//! What the window knows: the open trace, its view and history, the rows of the table, colours, what is loading. No
//! widget is drawn here, and nothing here reads a file.

pub mod colours;
pub mod details;
pub mod document;
pub mod flat;
pub mod history;
pub mod rows;
