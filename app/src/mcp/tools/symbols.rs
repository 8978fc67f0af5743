//! `symbols`: the symbols of each module on the stacks.

use super::selection::Paging;
use super::{Arguments, Request, ToolError, whole_output};
use crate::mcp::invocation::Invocation;
use crate::mcp::session::Session;
use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// Arguments of `symbols`.
#[derive(Deserialize, JsonSchema)]
pub struct Symbols {
    /// Path of the trace (.etl, also packed).
    trace: String,
    /// Reads every PDB again instead of using cached names.
    reload: Option<bool>,
    #[serde(flatten)]
    paging: Paging,
}

/// Default number of modules.
const TOP: u32 = 20;

impl Arguments for Symbols {
    const NAME: &'static str = "symbols";
    const TITLE: &'static str = "Symbols of modules";
    const DESCRIPTION: &'static str = "Resolves the function names of a trace and lists, for each module on the stacks, whether its symbols were \
        found and, if not, what was tried: why frames show addresses instead of names. Symbol servers are used only if the server was \
        started with --symbols.";

    fn request(self, session: &Session) -> Result<Request, ToolError> {
        let trace = session.allowed.file(&self.trace)?;
        let line = session.with_symbol_path(Invocation::new("symbols").file(&trace));
        let line = session.with_threads(line.switch("--reload", self.reload == Some(true)));
        let units =
            "outstanding bytes are those of allocations with a frame of the module; frames and named are counts";
        Ok(Request::about(trace, line, units, self.paging.window(TOP)))
    }

    fn output_schema() -> Option<Arc<JsonObject>> {
        whole_output("symbols")
    }
}
