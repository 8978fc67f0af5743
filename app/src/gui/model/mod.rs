//! Plain data that pages and jobs share: queries, filters, columns, visible rows, presets, symbols. No
//! widget is drawn here, and nothing here reads a file.

pub mod case;
pub mod case_timeline;
pub mod colors;
pub mod column_tips;
pub mod columns;
pub mod data_quality;
pub mod dialogs;
pub mod edit_log;
pub mod export;
pub mod filter;
pub mod finder;
pub mod frame_parts;
pub mod history;
pub mod open_traces;
pub mod page_id;
pub mod presets;
pub mod query;
pub mod query_box;
pub mod recorder;
pub mod recording_fix;
pub mod recording_setup;
pub mod snapshot_list;
pub mod snapshot_series;
pub mod symbol_texts;
pub mod symbols;
pub mod table_layout;
pub mod visible_rows;
