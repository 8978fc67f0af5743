//! `report`: allocations grouped by any columns.

use super::selection::{KeyName, MetricName, Paging, Selection, UNITS};
use super::{Arguments, Request, ToolError, whole_output};
use crate::mcp::invocation::Invocation;
use crate::mcp::session::Session;
use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// Arguments of `report`.
#[derive(Deserialize, JsonSchema)]
pub struct Report {
    /// Path of the trace (.etl, also packed).
    trace: String,
    /// Columns to group by. Default: type, paged, tag. With stack there is one row for each whole stack.
    by: Option<Vec<KeyName>>,
    /// Figures of each row. Default: those of the command line.
    columns: Option<Vec<MetricName>>,
    /// Figure to sort by, largest first, FIGURE:asc for smallest first; up to three separated by commas. Default: impacting_size.
    sort: Option<String>,
    #[serde(flatten)]
    selection: Selection,
    #[serde(flatten)]
    paging: Paging,
}

/// Default columns.
const BY: [&str; 3] = ["type", "paged", "tag"];
/// Default figure to sort by: what was allocated in the range and not freed.
const SORT: &str = "impacting_size";
/// Default number of rows.
const TOP: u32 = 10;

impl Arguments for Report {
    const NAME: &'static str = "report";
    const TITLE: &'static str = "Group allocations";
    const DESCRIPTION: &'static str = "Groups the allocations of a trace by any columns, as the pivot table of Windows Performance Analyzer: \
        which stacks, functions, drivers, processes or sizes make up a tag. impacting_size is what was allocated in the range and not freed \
        in it. For one tag, use where \"tag:TAG AND type:AIFO\".";

    fn request(self, session: &Session) -> Result<Request, ToolError> {
        let trace = session.allowed.file(&self.trace)?;
        let rows = self.paging.window(TOP);
        let line = Invocation::new("report").file(&trace).list("--by", &KeyName::list(self.by, &BY));
        let line = self
            .selection
            .add_to(line, std::slice::from_ref(&trace), session)?
            .list("--columns", &self.columns.unwrap_or_default());
        let sort = self.sort.unwrap_or_else(|| SORT.to_owned());
        let line = line.option("--sort", Some(sort)).option("--top", rows.covered());
        Ok(Request::about(trace, line, UNITS, rows))
    }

    fn output_schema() -> Option<Arc<JsonObject>> {
        whole_output("report")
    }
}
