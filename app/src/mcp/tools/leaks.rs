//! `leaks`: verdicts on tags, stacks, drivers or processes.

use super::selection::{Naming, Paging, choice};
use super::{Arguments, Request, ToolError, whole_output};
use crate::mcp::invocation::Invocation;
use crate::mcp::session::Session;
use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `leaks`.
#[derive(Deserialize, JsonSchema)]
pub struct Leaks {
    /// Path of the trace (.etl, also packed).
    trace: String,
    /// Unit of a verdict: a tag in a pool (default), a tag by one stack, a driver, or a process.
    by: Option<Unit>,
    /// Seconds at the beginning of the range that are left out of the verdicts, because starting services fill their caches; 0 for none.
    /// Default: up to the first marker, else a tenth of the range.
    #[schemars(range(min = 0.0))]
    warm_up: Option<f64>,
    /// Path of a folder with driver files (.sys) to search for the tags, to name their owners.
    drivers: Option<String>,
    #[serde(flatten)]
    naming: Naming,
    #[serde(flatten)]
    paging: Paging,
}

#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Unit {
    Tag,
    Stack,
    Driver,
    Process,
}

/// Default number of suspects.
const TOP: u32 = 5;

impl Arguments for Leaks {
    const NAME: &'static str = "leaks";
    const TITLE: &'static str = "Find leaks";
    const DESCRIPTION: &'static str = "Finds what leaks kernel pool in a trace, worst first: verdict (leak, growing, stopped, burst, bounded, \
        in flight, churn, too little data), confidence, growth, outstanding size, reasons, stack, probable owner and advice for each tag, \
        stack, driver or process, a summary sentence, and the growth of both pools. Use it right after open_trace.";

    fn request(self, session: &Session) -> Result<Request, ToolError> {
        let trace = session.allowed.file(&self.trace)?;
        let drivers = self.drivers.as_ref().map(|folder| session.allowed.folder(folder)).transpose()?;
        let line = Invocation::new("leaks").file(&trace).option("--by", self.by.map(|by| choice(&by)));
        let line = self.naming.add_to(line, std::slice::from_ref(&trace), session)?.option("--drivers", drivers);
        let is_off = self.warm_up == Some(0.0);
        let warm_up = self.warm_up.filter(|_| !is_off).map(|seconds| seconds.to_string());
        let rows = self.paging.window(TOP);
        let line = line.switch("--no-warm-up", is_off).option("--warm-up", warm_up).option("--top", rows.covered());
        let units = "sizes are bytes, growth is bytes per second or hour as named, count and impacting_size cover allocations that were not \
                     freed, allocations and frees all of the range; ranges are seconds from the start of the trace; confidence is 0 to 1";
        Ok(Request::about(trace, line, units, rows))
    }

    fn output_schema() -> Option<Arc<JsonObject>> {
        whole_output("leaks")
    }
}
