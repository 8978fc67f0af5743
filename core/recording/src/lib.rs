//! The recording kit: from what somebody wants to know about a leak to a profile for `wpr`, the exact commands, a script, and how
//! large the trace gets. Words and numbers only: nothing here starts a program, reads the clock or writes a file.

pub mod command;
pub mod estimate;
pub mod shell_path;
pub mod note;
pub mod plan;
pub mod poolmon;
pub mod profile;
pub mod quick;
pub mod script;
pub mod tag;

pub use command::{CommandLine, CommandGroup, ToolNames, commands};
pub use estimate::{SizeEstimate, ExpectedLoad};
pub use shell_path::{ShellPath, ShellPathError};
pub use note::notes;
pub use plan::{DetailLevel, LoggingMode, RecordingPlan, TagScope, StackOptions, WindowsVersion};
pub use script::{ScriptOptions, WatchedPool};
pub use tag::{TagError, TagPattern, TagPatterns};
