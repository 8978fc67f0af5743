//! `recording_profile`: a recording profile with the commands that record pool events and their stacks.

use super::selection::choice;
use super::{Arguments, Request, Rows, ToolError, whole_output};
use crate::mcp::invocation::Invocation;
use crate::mcp::session::Session;
use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `recording_profile`.
#[derive(Deserialize, JsonSchema)]
pub struct RecordingProfile {
    /// Pool tags to record, up to four: 1 to 4 characters, case-sensitive; ? matches one character, * the rest.
    #[schemars(length(max = 4))]
    tags: Option<Vec<String>>,
    /// Records all tags, in place of tags.
    all: Option<bool>,
    /// Paths of snapshots of poolmon or !poolused, the oldest first, from which the growing tags are chosen, in place of tags.
    snapshots: Option<Vec<String>>,
    /// Time between the first and the last snapshot, such as "1h", if they have no times.
    apart: Option<String>,
    /// Records big allocations of all tags as well.
    big: Option<bool>,
    /// Logs to a circular buffer in memory, which overwrites the oldest events, instead of a file.
    memory: Option<bool>,
    /// Size of the circular buffer, such as "512MB".
    memory_size: Option<String>,
    /// Events that are recorded with a call stack. Default: both.
    stacks: Option<StackEvents>,
    /// Expected allocations and frees per second.
    rate: Option<u64>,
    /// Duration of the recording, such as "90s", "10min" or "2h". Default: 10min.
    duration: Option<String>,
    /// Logical processors of the machine that is recorded: each needs two buffers.
    cpus: Option<u64>,
    /// Records the next start of Windows.
    boot: Option<bool>,
    /// Commands for Windows 7 or Windows Server 2008 R2.
    windows7: Option<bool>,
}

#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum StackEvents {
    Both,
    Alloc,
    Free,
    None,
}

impl Arguments for RecordingProfile {
    const NAME: &'static str = "recording_profile";
    const TITLE: &'static str = "Prepare a recording";
    const DESCRIPTION: &'static str = "Creates a recording profile (.wprp) for pool tags, the commands of wpr and xperf that record and stop, \
        the expected size, and notes. Use it if a trace lacks stacks or pool events, or before there is a trace. Nothing is recorded.";

    fn request(self, session: &Session) -> Result<Request, ToolError> {
        let (tags, snapshots) = (self.tags.unwrap_or_default(), self.snapshots.unwrap_or_default());
        let all = self.all == Some(true);
        let kinds = usize::from(!tags.is_empty()) + usize::from(!snapshots.is_empty()) + usize::from(all);
        if kinds != 1 {
            return Err(ToolError::Refused("give either tags, snapshots, or all".to_owned()));
        }
        let files = snapshots.iter().map(|path| session.allowed.file(path)).collect::<Result<Vec<_>, _>>()?;
        let line = Invocation::new("record").each("--tag", tags).switch("--all", all);
        let line = line.option("--from-poolmon", files.first()).each("--and", files.iter().skip(1));
        let line = line.option("--apart", self.apart).switch("--big", self.big == Some(true));
        let line = line.switch("--memory", self.memory == Some(true)).option("--memory-size", self.memory_size);
        let line = line.option("--stacks", self.stacks.map(|stacks| choice(&stacks)));
        let line = line.option("--rate", self.rate.map(|rate| rate.to_string())).option("--duration", self.duration);
        let line = line.option("--cpus", self.cpus.map(|cpus| cpus.to_string()));
        let line = line.switch("--boot", self.boot == Some(true)).switch("--windows7", self.windows7 == Some(true));
        let units = "sizes are bytes, buffer_kib kibibytes, times seconds";
        Ok(Request { line, traces: Vec::new(), units, rows: Rows::None, reshape: None })
    }

    fn output_schema() -> Option<Arc<JsonObject>> {
        whole_output("record")
    }
}
