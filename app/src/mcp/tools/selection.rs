//! Arguments that several tools share: rows to include, names of frames, number of rows.

use super::{Rows, ToolError};
use crate::mcp::invocation::Invocation;
use crate::mcp::session::Session;
use poolscope_analysis::group::key::Key;
use poolscope_analysis::pivot::Metric;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::path::PathBuf;

/// Upper bound on rows of one answer.
const ROWS_MAX: u32 = 1_000;

/// Units of tables.
pub const UNITS: &str = "sizes are bytes, counts are allocations, growth is bytes per second, times and lifetimes are seconds; ranges are \
                         seconds from the start of the trace";

/// Name of a key column.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct KeyName(String);

impl AsRef<str> for KeyName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl KeyName {
    /// The names as given, or these.
    pub fn list(given: Option<Vec<Self>>, default: &[&str]) -> Vec<String> {
        match given {
            Some(names) => names.into_iter().map(|name| name.0).collect(),
            None => default.iter().map(|name| (*name).to_owned()).collect(),
        }
    }
}

impl JsonSchema for KeyName {
    fn schema_name() -> Cow<'static, str> {
        "KeyName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = Key::ALL.iter().map(|key| key.name()).collect();
        json_schema!({ "type": "string", "enum": names })
    }
}

/// Name of a figure.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct MetricName(String);

impl AsRef<str> for MetricName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl JsonSchema for MetricName {
    fn schema_name() -> Cow<'static, str> {
        "MetricName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<String> = Metric::named().map(Metric::name).collect();
        json_schema!({ "type": "string", "examples": names })
    }
}

/// Names of stack frames.
#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Frames {
    Symbol,
    Function,
    Address,
    Module,
}

/// Range and names of frames and tags, for tools that need all allocations.
#[derive(Deserialize, JsonSchema)]
pub struct Naming {
    /// Visible range in seconds from the start of the trace, FROM..TO, both ends included; either side can be omitted ("30.."). Default:
    /// the whole trace.
    range: Option<String>,
    /// Names of stack frames: symbol (module!function+0xoff), function (module!function), address, module. Default: symbol; of diff
    /// function.
    frames: Option<Frames>,
    /// Times of markers in seconds from the start of the trace; the column generation groups allocations by them.
    marks: Option<Vec<f64>>,
    /// Path of a file with additional rules on wrapper functions, which the columns driver and function skip.
    wrappers: Option<String>,
    /// Path of a pooltag.txt that describes tags. Default: the one in the folder of the trace.
    pooltag: Option<String>,
}

impl Naming {
    /// Adds the options, and those for symbols, to a command about these traces.
    pub fn add_to(&self, line: Invocation, traces: &[PathBuf], session: &Session) -> Result<Invocation, ToolError> {
        let wrappers = self.wrappers.as_ref().map(|path| session.allowed.file(path)).transpose()?;
        let marks: Vec<String> = self.marks.iter().flatten().map(f64::to_string).collect();
        let frames = self.frames.map(|frames| choice(&frames));
        let line = line.option("--range", self.range.as_ref()).option("--frames", frames).list("--marks", &marks);
        let line = line.option("--wrappers", wrappers);
        let line = session.with_pool_tags(line, self.pooltag.as_ref(), traces)?;
        Ok(session.with_threads(session.with_symbols(line)))
    }
}

/// Rows to include, and names.
#[derive(Deserialize, JsonSchema)]
pub struct Selection {
    /// Only matching allocations: a query such as "tag:Leak AND type:AIFO", "size:>64KB", "driver:myfault NOT lifetime:<1ms". Fields are
    /// the key columns, size, count and lifetime; type is AIFI, AIFO (allocated and not freed: leak candidates), AOFI or AOFO.
    r#where: Option<String>,
    /// Paths of .stacktags files, for the column stack_tag.
    stack_tags: Option<Vec<String>>,
    #[serde(flatten)]
    naming: Naming,
}

impl Selection {
    /// Adds the options.
    pub fn add_to(&self, line: Invocation, traces: &[PathBuf], session: &Session) -> Result<Invocation, ToolError> {
        let files = self.stack_tags.iter().flatten().map(|path| session.allowed.file(path));
        let files = files.collect::<Result<Vec<_>, _>>()?;
        self.naming.add_to(line.option("--where", self.r#where.as_ref()).each("--stack-tags", files), traces, session)
    }
}

/// Number of rows.
#[derive(Deserialize, JsonSchema)]
pub struct Paging {
    /// Number of rows of the answer, at most 1000.
    #[schemars(range(min = 1, max = 1000))]
    top: Option<u32>,
    /// Number of rows to leave out before them, to go on after an earlier answer.
    skip: Option<u32>,
}

impl Paging {
    /// Number of rows before the answer, and in it.
    pub fn window(&self, default: u32) -> Rows {
        let top = self.top.unwrap_or(default).clamp(1, ROWS_MAX);
        Rows::Window { skip: self.skip.unwrap_or(0) as usize, top: top as usize }
    }
}

impl Rows {
    /// The value of `--top` that covers these rows.
    pub fn covered(self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Window { skip, top } => Some(skip.saturating_add(top).to_string()),
            Self::Curves { top } => Some(top.to_string()),
        }
    }
}

/// The text of a choice as in JSON, which is that of the command line.
pub fn choice(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
