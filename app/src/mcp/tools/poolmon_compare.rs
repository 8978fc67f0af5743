//! `poolmon_compare`: growth between snapshots of poolmon, `!poolused` and similar tools.

use super::selection::{Paging, choice};
use super::{Arguments, Request, ToolError};
use crate::mcp::invocation::Invocation;
use crate::mcp::session::Session;
use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `poolmon_compare`.
#[derive(Deserialize, JsonSchema)]
pub struct PoolmonCompare {
    /// Paths of the snapshots, the oldest first: output of poolmon, !poolused, PoolMonX, System Informer or a script, as text, CSV or JSON.
    /// One file may hold many snapshots.
    #[schemars(length(min = 1))]
    snapshots: Vec<String>,
    /// One pool only.
    pool: Option<PoolName>,
    /// Snapshots of this scope: system, sessions, session, or the number of a session. Default: system.
    scope: Option<String>,
    /// Time between snapshots without times, such as "5min".
    every: Option<String>,
    /// Path of a pooltag.txt that describes tags. Default: the one in the folder of the snapshots.
    pooltag: Option<String>,
    #[serde(flatten)]
    paging: Paging,
}

/// A pool, for arguments.
#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum PoolName {
    Nonpaged,
    Paged,
}

/// Default number of tags.
const TOP: u32 = 15;

impl Arguments for PoolmonCompare {
    const NAME: &'static str = "poolmon_compare";
    const TITLE: &'static str = "Compare poolmon snapshots";
    const DESCRIPTION: &'static str = "Shows which pool tags grow between snapshots of poolmon, !poolused or similar tools, and over a series of \
        them how steadily and how fast, with the tags to record next. Needs no trace: use it to see which tag grows and since when.";

    fn request(self, session: &Session) -> Result<Request, ToolError> {
        if self.snapshots.is_empty() {
            return Err(ToolError::Refused("snapshots has no file".to_owned()));
        }
        let files = self.snapshots.iter().map(|path| session.allowed.file(path)).collect::<Result<Vec<_>, _>>()?;
        let line = files.iter().fold(Invocation::new("poolmon"), |line, file| line.file(file));
        let line = line.option("--pool", self.pool.map(|pool| choice(&pool))).option("--scope", self.scope);
        let rows = self.paging.window(TOP);
        let line = line.option("--every", self.every).option("--top", rows.covered());
        let line = session.with_pool_tags(line, self.pooltag.as_ref(), &files)?;
        let units = "bytes are bytes, allocations, frees and blocks are counts, rates are per hour as named";
        Ok(Request { line, traces: Vec::new(), units, rows, reshape: None })
    }

    fn output_schema() -> Option<Arc<JsonObject>> {
        None
    }
}
