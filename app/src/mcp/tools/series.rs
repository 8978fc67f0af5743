//! `series`: curves over time.

use super::selection::{KeyName, Selection, choice};
use super::{Arguments, Request, Rows, ToolError, whole_output};
use crate::mcp::invocation::Invocation;
use crate::mcp::session::Session;
use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `series`.
#[derive(Deserialize, JsonSchema)]
pub struct Series {
    /// Path of the trace (.etl, also packed).
    trace: String,
    /// Columns to group by; each combination of their values is a curve. Default: tag.
    by: Option<Vec<KeyName>>,
    /// Value of the curves: outstanding, cumulative or rate in bytes; count, cumulative_count or rate_count in allocations. Default:
    /// outstanding.
    measure: Option<Measure>,
    /// Number of points of each curve, both ends included. Default: 20.
    #[schemars(range(min = 1, max = 1000))]
    points: Option<u32>,
    /// Number of curves, at most 100; all other groups are combined in one more, (other). Default: 5.
    #[schemars(range(min = 1, max = 100))]
    top: Option<u32>,
    /// Includes allocations from before the trace in the outstanding values.
    include_preexisting: Option<bool>,
    #[serde(flatten)]
    selection: Selection,
}

#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Measure {
    Outstanding,
    Cumulative,
    Rate,
    Count,
    CumulativeCount,
    RateCount,
}

const POINTS: u32 = 20;
const POINTS_MAX: u32 = 1_000;
const TOP: u32 = 5;
const TOP_MAX: u32 = 100;

impl Arguments for Series {
    const NAME: &'static str = "series";
    const TITLE: &'static str = "Curves over time";
    const DESCRIPTION: &'static str = "Values over time by tag or any columns, as the graph of Windows Performance Analyzer: whether something \
        grows steadily, in steps, or has stopped. The curves with the highest peaks come first.";

    fn request(self, session: &Session) -> Result<Request, ToolError> {
        let trace = session.allowed.file(&self.trace)?;
        let rows = Rows::Curves { top: self.top.unwrap_or(TOP).clamp(1, TOP_MAX) as usize };
        let points = self.points.unwrap_or(POINTS).clamp(1, POINTS_MAX);
        let line = Invocation::new("series").file(&trace).list("--by", &KeyName::list(self.by, &["tag"]));
        let line = line.option("--measure", self.measure.map(|measure| choice(&measure)));
        let line = line.option("--points", Some(points.to_string())).option("--top", rows.covered());
        let line = line.switch("--include-preexisting", self.include_preexisting == Some(true));
        let line = self.selection.add_to(line, std::slice::from_ref(&trace), session)?;
        let units = "time_s is seconds from the start of the trace; value is bytes, or allocations of measures that end in count, and per \
                     second of measures that begin with rate";
        Ok(Request::about(trace, line, units, rows))
    }

    fn output_schema() -> Option<Arc<JsonObject>> {
        whole_output("series")
    }
}
