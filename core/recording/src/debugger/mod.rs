//! Logs of the kernel debugger (WinDbg, KD, livekd) that show who allocates pool: logs and lists of Driver Verifier and breaks by
//! `nt!PoolHitTag`. Recognized by content in logs that hold other output as well. Works on text; knows no trace.
//!
//! | module | content |
//! | --- | --- |
//! | [`text`](mod@text) | prompts, time stamps, addresses, tags |
//! | [`frame`] | lines of stacks |
//! | [`verifier`] | `!verifier`: log of operations, lists of outstanding allocations |
//! | `hit_tag` | breaks by `nt!PoolHitTag` |
//! | [`blocks`] | `!pool` and `!poolfind` |
//! | [`memory`] | `!vm` |
//! | [`events`] | the operations of a whole log, each once |
//! | `reader` | which command's output a line belongs to |
//!
//! The log of Driver Verifier and breaks have an order, and no times. Each module names the sources of its formats.

pub mod blocks;
pub mod events;
pub mod frame;
mod hit_tag;
pub mod memory;
mod reader;
pub mod text;
pub mod verifier;

pub use events::OutstandingList;
pub use frame::StackFrame;

use crate::pool::Pool;
use reader::Reader;
use std::collections::BTreeSet;

/// Kind of an operation on pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OperationKind {
    /// An allocation.
    Allocation,
    /// A free.
    Free,
}

/// Output that shows an operation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum OperationSource {
    /// The log of `!verifier 0x80`.
    VerifierLog,
    /// A list of `!verifier 3`.
    VerifierList,
    /// A stack at a break by `nt!PoolHitTag`.
    PoolHitTag,
}

/// An allocation or a free.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PoolOperation {
    /// Allocation or free.
    pub kind: OperationKind,
    /// Output that shows it.
    pub source: OperationSource,
    /// Line in the log, from 1.
    pub line: usize,
    /// Address of the block; `None` if the log does not show it.
    pub address: Option<u64>,
    /// Size in bytes; `None` if the log does not show it.
    pub size_bytes: Option<u64>,
    /// Tag; `None` if the log does not show it.
    pub tag: Option<[u8; 4]>,
    /// Pool; `None` if the log does not show it.
    pub pool: Option<Pool>,
    /// Processor, for breaks.
    pub processor: Option<u16>,
    /// Frames, innermost first.
    pub frames: Vec<StackFrame>,
}

/// Output of a command of the debugger, as far as it matters here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum DebuggerOutput {
    /// `!poolused`.
    PoolUsed,
    /// `!poolfind`.
    PoolFind,
    /// `!pool`.
    Pool,
    /// `!vm`.
    Vm,
    /// `!verifier`.
    Verifier,
    /// `k` and its variants.
    Stack,
    /// `!analyze`.
    Analyze,
    /// `!poolval`.
    PoolVal,
}

impl DebuggerOutput {
    /// Name of the command.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PoolUsed => "!poolused",
            Self::PoolFind => "!poolfind",
            Self::Pool => "!pool",
            Self::Vm => "!vm",
            Self::Verifier => "!verifier",
            Self::Stack => "k",
            Self::Analyze => "!analyze",
            Self::PoolVal => "!poolval",
        }
    }

    /// The output that a command asks for.
    fn of_command(command: &str) -> Option<Self> {
        let verb = command.split([' ', ';']).next().unwrap_or_default().to_ascii_lowercase();
        let verb = verb.rsplit(['!', '.']).next().unwrap_or_default();
        match verb {
            "poolused" => Some(Self::PoolUsed),
            "poolfind" => Some(Self::PoolFind),
            "pool" => Some(Self::Pool),
            "vm" => Some(Self::Vm),
            "verifier" => Some(Self::Verifier),
            "analyze" => Some(Self::Analyze),
            "poolval" => Some(Self::PoolVal),
            _ => None,
        }
    }

    /// The output that a line belongs to, where it can be told by the line alone.
    fn of_line(line: &str) -> Option<Self> {
        let text = line.trim();
        if text.contains("Bugcheck Analysis")
            || text.starts_with("BUGCHECK_CODE:")
            || text.starts_with("FAILURE_BUCKET_ID:")
        {
            return Some(Self::Analyze);
        }
        if text.starts_with("Validating Pool headers for pool page") || text.starts_with("Pool page [") {
            return Some(Self::PoolVal);
        }
        if text.starts_with("Sorting by") && (text.contains("Pool") || text.contains("Tag")) {
            return Some(Self::PoolUsed);
        }
        (text.starts_with("Verify Flags Level") || text.starts_with("Verify Level")).then_some(Self::Verifier)
    }
}

/// What a log shows of pool.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct DebuggerLog {
    /// Pointer size of the target in bytes: 4 or 8.
    pub pointer_bytes: u32,
    /// Allocations and frees, the oldest first: those of Driver Verifier's log, those of breaks, those that lists add.
    pub operations: Vec<PoolOperation>,
    /// File names of drivers, as lists show them.
    pub drivers: Vec<String>,
    /// Lists that end early.
    pub cut_lists: Vec<OutstandingList>,
    /// Number of entries of Driver Verifier's log that cannot be told to be allocations or frees, since the kernel has no symbols.
    pub undetermined_count: usize,
    /// Number of breaks at which no stack was printed.
    pub breaks_without_stack: usize,
    /// Outputs that the log has.
    pub outputs: BTreeSet<DebuggerOutput>,
    /// The log has prompts of a kernel debugger.
    pub has_prompts: bool,
}

impl DebuggerLog {
    /// Returns `true` if the text is a log of a kernel debugger.
    #[must_use]
    pub fn is_debugger_log(&self) -> bool {
        self.has_prompts
            || self.outputs.iter().any(|output| *output != DebuggerOutput::Stack)
            || !self.operations.is_empty()
    }
}

/// Reason why a log shows no allocations.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DebuggerLogError {
    /// No output of a kernel debugger.
    #[error("this is no log of a kernel debugger")]
    NotALog,
    /// Tags, or sizes of the pools, without stacks.
    #[error("this is a debugger log with output of {}, which shows no stacks", .0.name())]
    TagsOnly(DebuggerOutput),
    /// Blocks of one page.
    #[error("this is a debugger log with output of !pool, which shows the blocks of one page, not what a tag holds")]
    OnePage,
    /// Driver Verifier without allocations.
    #[error(
        "this is a debugger log with output of !verifier, which lists no allocations: pool tracking was off, nothing was \
         outstanding, or the kernel has no symbols"
    )]
    NothingTracked,
    /// A crash analysis.
    #[error("this is a debugger log with output of !analyze, which names the place of a crash, not who allocates pool")]
    CrashAnalysis,
    /// A check of pool headers.
    #[error(
        "this is a debugger log with output of !poolval, which checks pool headers for corruption and shows no allocations"
    )]
    HeaderCheck,
    /// Anything else.
    #[error("this is a debugger log without output about pool")]
    OtherOutput,
}

impl DebuggerLogError {
    /// Advice on what to do next, a sentence.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::NotALog => "Choose a log that was saved with .logopen, or copied from WinDbg or KD.",
            Self::TagsOnly(_) => "Read it with: poolscope poolmon FILE.",
            Self::OnePage | Self::HeaderCheck | Self::CrashAnalysis | Self::OtherOutput => {
                "Run !poolused 2 and !vm there for tags and sizes (poolscope poolmon reads them), or !verifier 3 DRIVER.sys and \
                 !verifier 0x80 for stacks, and save the output with .logopen FILE."
            }
            Self::NothingTracked => {
                "Turn on pool tracking with verifier /flags 8 /driver DRIVER.sys, restart, reproduce the growth, load the symbols of \
                 the kernel (.reload /f nt), and run !verifier 3 DRIVER.sys and !verifier 0x80."
            }
        }
    }
}

/// Parses a file in any encoding that [`decode`](crate::poolmon::decode()) accepts.
///
/// # Errors
/// The text is no debugger log, or shows no allocation.
pub fn parse(bytes: &[u8]) -> Result<DebuggerLog, DebuggerLogError> {
    let log = read_text(&crate::poolmon::decode(bytes));
    if log.operations.is_empty() { Err(reason(&log)) } else { Ok(log) }
}

/// Reads a text, whatever it is.
#[must_use]
pub fn read_text(text: &str) -> DebuggerLog {
    let mut reader = Reader::default();
    text.lines().enumerate().for_each(|(index, line)| reader.take(index + 1, line));
    reader.finish()
}

/// Reason why a log shows no allocations.
#[must_use]
pub fn reason(log: &DebuggerLog) -> DebuggerLogError {
    let has = |output: DebuggerOutput| log.outputs.contains(&output);
    let tags = [DebuggerOutput::PoolUsed, DebuggerOutput::PoolFind, DebuggerOutput::Vm];
    if !log.is_debugger_log() {
        DebuggerLogError::NotALog
    } else if log.undetermined_count > 0 {
        DebuggerLogError::NothingTracked
    } else if let Some(output) = tags.into_iter().find(|output| has(*output)) {
        DebuggerLogError::TagsOnly(output)
    } else if has(DebuggerOutput::Verifier) {
        DebuggerLogError::NothingTracked
    } else if has(DebuggerOutput::PoolVal) {
        DebuggerLogError::HeaderCheck
    } else if has(DebuggerOutput::Pool) {
        DebuggerLogError::OnePage
    } else if has(DebuggerOutput::Analyze) {
        DebuggerLogError::CrashAnalysis
    } else {
        DebuggerLogError::OtherOutput
    }
}

#[cfg(test)]
mod tests;
