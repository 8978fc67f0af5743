//! Recording setup for pool traces, and snapshots of poolmon and `!poolused`. Pure functions from values to text and numbers:
//! nothing here starts a program, reads the clock or writes a file. Knows no trace.
//!
//! | module | content |
//! | --- | --- |
//! | [`plan`] | what is recorded: tags, stacks, logging mode, boot trace |
//! | [`tag`] | tag patterns as the kernel's filter takes them |
//! | [`estimate`] | size of the trace and buffer settings |
//! | [`profile`] | the WPR profile (`.wprp`) of a plan |
//! | [`command`] | command lines for wpr, xperf and xbootmgr |
//! | [`script`] | a PowerShell script that records until a pool reaches a size |
//! | [`note`] | consequences of a plan's options, as sentences |
//! | [`pool`] | nonpaged and paged pool |
//! | [`shell_path`] | paths that `cmd.exe` and PowerShell take unchanged |
//! | [`sampler`] | a PowerShell script that samples pool tags, and the format of samples |
//! | [`quick`] | the shortest commands |
//! | [`debugger`] | logs of the kernel debugger: allocations with stacks, of Driver Verifier and `nt!PoolHitTag` |
//! | [`counters`] | performance logs: growth of pools and handles |
//! | [`poolmon`] | snapshots of poolmon, `!poolused` and similar tools: parsing, comparison, series, suggested tags |

pub mod command;
pub mod counters;
pub mod debugger;
pub mod estimate;
pub mod note;
pub mod plan;
pub mod pool;
pub mod poolmon;
pub mod profile;
pub mod quick;
pub mod sampler;
pub mod script;
pub mod shell_path;
pub mod tag;

pub use command::{CommandGroup, CommandLine, ToolNames, commands};
pub use estimate::{ExpectedLoad, SizeEstimate};
pub use note::{notes, notes_besides_mode};
pub use plan::{DetailLevel, LoggingMode, RecordingPlan, StackOptions, TagScope, WindowsVersion};
pub use pool::Pool;
pub use script::ScriptOptions;
pub use shell_path::{ShellPath, ShellPathError};
pub use tag::{TagError, TagPattern, TagPatterns};
