//! The recording kit: from what somebody wants to know about a leak to a profile for `wpr`, the exact commands, a script, and how
//! large the trace gets. Words and numbers only: nothing here starts a program, reads the clock or writes a file.

pub mod command;
pub mod estimate;
pub mod file_name;
pub mod note;
pub mod plan;
pub mod poolmon;
pub mod profile;
pub mod quick;
pub mod script;
pub mod tag;

pub use command::{Command, Group, Names, commands};
pub use estimate::{Estimate, Expected};
pub use file_name::{FileName, NameError};
pub use note::notes;
pub use plan::{Detail, Mode, Plan, Scope, Stacks, System};
pub use script::{ScriptOptions, WatchedPool};
pub use tag::{TagError, TagPattern, TagPatterns};
