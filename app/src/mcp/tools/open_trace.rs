//! `open_trace`: opens a trace and says what it is; the first question of a diagnosis.

use super::{Arguments, Request, Rows, ToolError};
use crate::mcp::answer;
use crate::mcp::invocation::Invocation;
use crate::mcp::session::Session;
use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Arguments of `open_trace`.
#[derive(Deserialize, JsonSchema)]
pub struct OpenTrace {
    /// Path of the trace (.etl), also packed (.gz .xz .zst .zip .wpapk .cab .7z); ARCHIVE#MEMBER chooses one of several.
    trace: String,
}

/// Fields of the command that are part of the answer.
const KEPT: [&str; 16] = [
    "trace",
    "file_bytes",
    "records",
    "os_build",
    "os_name",
    "cpus",
    "memory_mb",
    "start",
    "duration_s",
    "recorded_range",
    "analyzed_range",
    "events_lost",
    "buffers_lost",
    "processes",
    "stacks",
    "pool",
];
/// The field with the open traces.
const OPEN: &str = "open_traces";

impl Arguments for OpenTrace {
    const NAME: &'static str = "open_trace";
    const TITLE: &'static str = "Open a trace";
    const DESCRIPTION: &'static str = "Opens a Windows event trace (.etl) and keeps it open for the other tools: system, duration, number of \
        pool events and stacks, losses, and the data quality that limits conclusions. Several traces can be open; the least recently used \
        is closed when memory is short, and opened again when it is asked for.";

    fn request(self, session: &Session) -> Result<Request, ToolError> {
        let trace = session.allowed.file(&self.trace)?;
        let line = session.with_threads(Invocation::new("info").file(&trace));
        let units =
            "sizes are bytes, memory_mb megabytes, times seconds from the start of the trace, which is start in UTC";
        Ok(Request { reshape: Some(reshape), ..Request::about(trace, line, units, Rows::None) })
    }

    fn output_schema() -> Option<Arc<JsonObject>> {
        let open = json!({
            "type": "array",
            "description": "Open traces, the most recently used first",
            "items": {
                "type": "object",
                "properties": { "trace": { "type": "string" }, "memory_bytes": { "type": "integer", "minimum": 0 } },
                "required": ["trace", "memory_bytes"]
            }
        });
        answer::output_schema("info", Some(&KEPT), &[(OPEN, open)])
    }
}

/// Leaves lists out and adds the open traces.
fn reshape(fields: &mut Map<String, Value>, session: &Session) {
    fields.retain(|name, _| KEPT.contains(&name.as_str()));
    let open = session.open.list().into_iter();
    let open =
        open.map(|(path, bytes)| json!({ "trace": path.display().to_string(), "memory_bytes": bytes })).collect();
    fields.insert(OPEN.to_owned(), Value::Array(open));
}
