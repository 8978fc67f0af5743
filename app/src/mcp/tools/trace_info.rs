//! `trace_info`: all facts about a trace.

use super::{Arguments, Request, Rows, ToolError, whole_output};
use crate::mcp::invocation::Invocation;
use crate::mcp::session::Session;
use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// Arguments of `trace_info`.
#[derive(Deserialize, JsonSchema)]
pub struct TraceInfo {
    /// Path of the trace (.etl, also packed).
    trace: String,
}

impl Arguments for TraceInfo {
    const NAME: &'static str = "trace_info";
    const TITLE: &'static str = "Facts about a trace";
    const DESCRIPTION: &'static str = "All facts about a trace: system, clock, session, buffers, records by kernel hook and by provider, \
        recorded range by CPU with its holes, stacks, pool events, and every data-quality issue with its effect on figures. Longer than \
        open_trace: for questions about the recording itself.";

    fn request(self, session: &Session) -> Result<Request, ToolError> {
        let trace = session.allowed.file(&self.trace)?;
        let line = session.with_threads(Invocation::new("info").file(&trace));
        let units = "file_bytes is bytes, memory_mb megabytes, times are seconds from the start of the trace, perf_freq ticks per second";
        Ok(Request::about(trace, line, units, Rows::None))
    }

    fn output_schema() -> Option<Arc<JsonObject>> {
        whole_output("info")
    }
}
