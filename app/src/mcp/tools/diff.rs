//! `diff`: two traces, or two ranges of one.

use super::selection::{KeyName, MetricName, Paging, Selection, UNITS, choice};
use super::{Arguments, Request, ToolError, whole_output};
use crate::mcp::invocation::Invocation;
use crate::mcp::session::Session;
use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// Arguments of `diff`.
#[derive(Deserialize, JsonSchema)]
pub struct Diff {
    /// Path of the trace to compare with (.etl, also packed).
    baseline: String,
    /// Path of the trace that is compared. Without it, two ranges of the baseline are compared: give range_comparison.
    comparison: Option<String>,
    /// Visible range of the comparison, FROM..TO in seconds. Default: that of range, which is the range of the baseline.
    range_comparison: Option<String>,
    /// Columns whose values make rows of both sides the same row. Default: paged, tag.
    by: Option<Vec<KeyName>>,
    /// Unit that figures refer to: "second", for traces of different length, or a pool tag for figures per allocation of it. Default:
    /// figures as they are.
    per: Option<String>,
    /// Only rows with these changes.
    only: Option<Vec<Change>>,
    /// Figures of each row. Default: count, size, impacting_size.
    columns: Option<Vec<MetricName>>,
    /// Figure to sort by, the largest difference first. Default: impacting_size,size,count.
    sort: Option<String>,
    #[serde(flatten)]
    selection: Selection,
    #[serde(flatten)]
    paging: Paging,
}

#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Change {
    New,
    Grown,
    Same,
    Shrunk,
    Gone,
}

/// Default number of rows.
const TOP: u32 = 10;

impl Arguments for Diff {
    const NAME: &'static str = "diff";
    const TITLE: &'static str = "Compare two traces";
    const DESCRIPTION: &'static str = "Compares two traces, or two ranges of one: what is new, grown, shrunk or gone, by how much, in which tag, \
        driver, function or stack, and a summary of what got worse beyond chance. Each figure is there as baseline_, comparison_ and delta_.";
    const ALIASES: &'static [(&'static str, &'static str)] = &[("trace", "baseline")];

    fn request(self, session: &Session) -> Result<Request, ToolError> {
        if self.comparison.is_none() && self.range_comparison.is_none() {
            let message = "diff needs a comparison, or range_comparison for two ranges of the baseline";
            return Err(ToolError::Refused(message.to_owned()));
        }
        let baseline = session.allowed.file(&self.baseline)?;
        let comparison = self.comparison.as_ref().map(|path| session.allowed.file(path)).transpose()?;
        let rows = self.paging.window(TOP);
        let line = Invocation::new("diff").file(&baseline);
        let line = comparison.iter().fold(line, |line, path| line.file(path));
        let traces: Vec<PathBuf> = std::iter::once(baseline).chain(comparison).collect();
        let line = line.list("--by", &KeyName::list(self.by, &["paged", "tag"]));
        let only: Vec<String> = self.only.iter().flatten().map(choice).collect();
        let line = self.selection.add_to(line.option("--range-comparison", self.range_comparison), &traces, session)?;
        let line =
            line.option("--per", self.per).list("--only", &only).list("--columns", &self.columns.unwrap_or_default());
        let line = line.option("--sort", self.sort).option("--top", rows.covered());
        Ok(Request { line, traces, units: UNITS, rows, reshape: None })
    }

    fn output_schema() -> Option<Arc<JsonObject>> {
        whole_output("diff")
    }
}
