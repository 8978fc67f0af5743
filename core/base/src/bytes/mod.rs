//! Raw bytes: little-endian reads that cannot run past their slice, UTF-16, GUIDs, and the file map. Everything above reads
//! files through here; nothing here knows a format.

pub mod guid;
pub mod map;
pub mod read;
pub mod text;
