//! The tools: each is a command of the command line with typed arguments, which are turned into a command line. A file per tool.

mod diff;
mod leaks;
mod open_trace;
mod poolmon_compare;
mod recording_profile;
mod report;
mod selection;
mod series;
mod symbols;
mod trace_info;

use super::allowed::PathError;
use super::answer;
use super::invocation::Invocation;
use super::session::Session;
use rmcp::model::{ErrorData, JsonObject, Tool, ToolAnnotations};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// A tool: its arguments, and the command that they become.
trait Arguments: DeserializeOwned + JsonSchema {
    /// Name of the tool.
    const NAME: &'static str;
    /// Name for people.
    const TITLE: &'static str;
    /// What it answers, and when to use it.
    const DESCRIPTION: &'static str;
    /// Other names of arguments, each with its own.
    const ALIASES: &'static [(&'static str, &'static str)] = &[];

    /// The command for these arguments.
    fn request(self, session: &Session) -> Result<Request, ToolError>;

    /// Schema of the answer; `None` if it has several shapes.
    fn output_schema() -> Option<Arc<JsonObject>>;
}

/// A command to run, and how its output becomes an answer.
pub struct Request {
    /// The command, which prints JSON.
    pub line: Invocation,
    /// Canonical paths of the traces that it reads.
    pub traces: Vec<PathBuf>,
    /// Units of the figures.
    pub units: &'static str,
    /// Rows of the answer.
    pub rows: Rows,
    /// Change of the fields after the rows are chosen.
    pub reshape: Option<Reshape>,
}

/// A change of the fields of an answer.
type Reshape = fn(&mut Map<String, Value>, &Session);

/// Rows of an answer.
#[derive(Clone, Copy, Debug)]
pub enum Rows {
    /// The answer has no rows that are left out.
    None,
    /// `top` rows after the first `skip`.
    Window {
        /// Rows before them.
        skip: usize,
        /// Their number.
        top: usize,
    },
    /// `top` curves; rows are their points.
    Curves {
        /// Their number.
        top: usize,
    },
}

/// Reason why a tool does not run.
#[derive(Debug)]
pub enum ToolError {
    /// The arguments are wrong, or may not be used: an error of the protocol.
    Refused(String),
    /// A file is missing: an answer that says so.
    Failed(String),
}

impl From<PathError> for ToolError {
    fn from(error: PathError) -> Self {
        match error {
            PathError::Outside { .. } => Self::Refused(error.to_string()),
            PathError::Missing { .. } => Self::Failed(error.to_string()),
        }
    }
}

/// A tool in the table.
pub struct ToolEntry {
    /// Its name.
    pub name: &'static str,
    title: &'static str,
    description: &'static str,
    aliases: &'static [(&'static str, &'static str)],
    input_schema: fn() -> JsonObject,
    output_schema: fn() -> Option<Arc<JsonObject>>,
    request: fn(Value, &Session) -> Result<Request, ToolError>,
}

/// All tools, in the order of a diagnosis.
pub const TOOLS: [ToolEntry; 9] = [
    entry::<open_trace::OpenTrace>(),
    entry::<leaks::Leaks>(),
    entry::<report::Report>(),
    entry::<series::Series>(),
    entry::<diff::Diff>(),
    entry::<symbols::Symbols>(),
    entry::<trace_info::TraceInfo>(),
    entry::<poolmon_compare::PoolmonCompare>(),
    entry::<recording_profile::RecordingProfile>(),
];

const fn entry<A: Arguments>() -> ToolEntry {
    ToolEntry {
        name: A::NAME,
        title: A::TITLE,
        description: A::DESCRIPTION,
        aliases: A::ALIASES,
        input_schema: input_schema::<A>,
        output_schema: A::output_schema,
        request: |arguments, session| {
            let arguments: A = serde_json::from_value(arguments).map_err(|error| {
                let names = argument_names(&input_schema::<A>()).join(", ");
                ToolError::Refused(format!("wrong arguments of {}: {error}; arguments are {names}", A::NAME))
            })?;
            arguments.request(session)
        },
    }
}

/// The tool with a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static ToolEntry> {
    const { &TOOLS }.iter().find(|tool| tool.name == name)
}

impl ToolEntry {
    /// The tool as clients list it.
    #[must_use]
    pub fn definition(&self, session: &Session) -> Tool {
        let hints = ToolAnnotations::with_title(self.title).read_only(true).destructive(false).idempotent(true);
        let mut tool = Tool::new(self.name, self.description, (self.input_schema)())
            .with_title(self.title)
            .with_annotations(hints.open_world(session.uses_network()));
        tool.output_schema = (self.output_schema)();
        tool
    }

    /// The command for these arguments.
    ///
    /// # Errors
    /// See [`ToolError`].
    pub fn read(&self, mut arguments: JsonObject, session: &Session) -> Result<Request, ToolError> {
        for (alias, name) in self.aliases {
            if let Some(value) = arguments.remove(*alias) {
                arguments.entry(*name).or_insert(value);
            }
        }
        let schema = (self.input_schema)();
        let names = argument_names(&schema);
        if let Some(unknown) = arguments.keys().find(|given| !names.contains(&given.as_str())) {
            let names = names.join(", ");
            return Err(ToolError::Refused(format!(
                "{} has no argument '{unknown}'; arguments are {names}",
                self.name
            )));
        }
        let request = (self.request)(Value::Object(arguments), session)?;
        Ok(Request { line: request.line.option("--format", Some("json")), ..request })
    }
}

impl Request {
    /// A command about one trace.
    fn about(trace: PathBuf, line: Invocation, units: &'static str, rows: Rows) -> Self {
        Self { line, traces: vec![trace], units, rows, reshape: None }
    }
}

impl ToolError {
    /// The error as one of the protocol, or as an answer.
    ///
    /// # Errors
    /// The arguments are wrong, or may not be used.
    pub fn into_answer(self) -> Result<rmcp::model::CallToolResult, ErrorData> {
        match self {
            Self::Refused(message) => Err(ErrorData::invalid_params(message, None)),
            Self::Failed(message) => {
                Ok(rmcp::model::CallToolResult::error(vec![rmcp::model::ContentBlock::text(message)]))
            }
        }
    }
}

fn argument_names(schema: &JsonObject) -> Vec<&str> {
    schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys).map(String::as_str).collect()
}

/// Schema of arguments: without references, and without `null`, which means the same as a missing argument.
fn input_schema<A: JsonSchema>() -> JsonObject {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    let mut schema = settings.into_generator().into_root_schema_for::<A>().to_value();
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.values_mut().for_each(forbid_null);
    }
    let Value::Object(mut schema) = schema else { return JsonObject::new() };
    schema.remove("title");
    schema.remove("description");
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema
}

fn forbid_null(property: &mut Value) {
    let Value::Object(fields) = property else { return };
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            fields.insert("type".to_owned(), one);
        }
    }
    if let Some(Value::Array(values)) = fields.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(choices)) = fields.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let [Value::Object(one)] = choices.as_slice() {
            let one = one.clone();
            fields.remove("anyOf");
            for (name, value) in one {
                fields.entry(name).or_insert(value);
            }
        }
    }
    if fields.get("default").is_some_and(Value::is_null) {
        fields.remove("default");
    }
}

/// Schema of an answer with all fields of an output of the command line.
fn whole_output(output: &str) -> Option<Arc<JsonObject>> {
    answer::output_schema(output, None, &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;
    use crate::cli::mcp::Args;

    struct Scratch {
        folder: tempfile::TempDir,
        session: Session,
    }

    impl Scratch {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            for name in ["a.etl", "b.etl", "1.txt", "2.txt"] {
                std::fs::write(folder.path().join(name), b"x").expect("a file");
            }
            let args = Args { allow: vec![folder.path().to_owned()], ..Args::default() };
            Self { session: Session::new(&args).expect("a session"), folder }
        }

        fn line(&self, tool: &str, arguments: Value) -> Result<Vec<String>, ToolError> {
            let Value::Object(arguments) = arguments else { panic!("{arguments} is no object") };
            let request = find(tool).expect("a tool").read(arguments, &self.session)?;
            let folder = format!("{}/", crate::file_identity::identity(self.folder.path()).display());
            let words = request.line.arguments();
            // Every line is one that the command line takes.
            cli::command().try_get_matches_from(&words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
            Ok(words.iter().skip(1).map(|word| word.to_string_lossy().replace(&folder, "")).collect())
        }
    }

    #[test]
    fn arguments_become_command_lines() {
        let at = Scratch::new();
        let line = |tool: &str, arguments: Value| at.line(tool, arguments).expect("right arguments").join(" ");
        assert_eq!(line("trace_info", json!({ "trace": "a.etl" })), "info a.etl --format=json");
        assert_eq!(line("open_trace", json!({ "trace": "a.etl" })), "info a.etl --format=json");
        assert_eq!(line("leaks", json!({ "trace": "a.etl" })), "leaks a.etl --top=5 --format=json");
        assert_eq!(
            line(
                "leaks",
                json!({ "trace": "a.etl", "by": "driver", "top": 2, "skip": 4, "warm_up": 0, "range": "1..9" })
            ),
            "leaks a.etl --by=driver --range=1..9 --no-warm-up --top=6 --format=json"
        );
        assert_eq!(
            line("report", json!({ "trace": "a.etl", "by": ["tag"], "where": "tag:Leak", "marks": [1.5, 2] })),
            "report a.etl --by=tag --where=tag:Leak --marks=1.5,2 --sort=impacting_size --top=10 --format=json"
        );
        assert_eq!(
            line("series", json!({ "trace": "a.etl", "measure": "rate", "include_preexisting": true })),
            "series a.etl --by=tag --measure=rate --points=20 --top=5 --include-preexisting --format=json"
        );
        let compared = "diff a.etl b.etl --by=paged,tag --top=10 --format=json";
        assert_eq!(line("diff", json!({ "baseline": "a.etl", "comparison": "b.etl" })), compared);
        assert_eq!(line("diff", json!({ "trace": "a.etl", "comparison": "b.etl" })), compared);
        assert_eq!(line("symbols", json!({ "trace": "a.etl" })), "symbols a.etl --offline --format=json");
        assert_eq!(
            line("poolmon_compare", json!({ "snapshots": ["1.txt", "2.txt"], "pool": "nonpaged" })),
            "poolmon 1.txt 2.txt --pool=nonpaged --top=15 --format=json"
        );
        assert_eq!(
            line("recording_profile", json!({ "tags": ["Leak", "-x"], "memory": true })),
            "record --tag=Leak --tag=-x --memory --format=json"
        );
        assert_eq!(
            line("recording_profile", json!({ "snapshots": ["1.txt", "2.txt"], "apart": "1h" })),
            "record --from-poolmon=1.txt --and=2.txt --apart=1h --format=json"
        );
    }

    #[test]
    fn wrong_arguments_are_refused_by_name() {
        let at = Scratch::new();
        let refused = |tool: &str, arguments: Value, part: &str| match at.line(tool, arguments) {
            Err(ToolError::Refused(message)) => assert!(message.contains(part), "{message}"),
            other => panic!("{tool}: {other:?}"),
        };
        refused("leaks", json!({}), "missing field `trace`");
        refused("leaks", json!({ "trace": "a.etl", "tpo": 3 }), "no argument 'tpo'; arguments are trace, by");
        refused("leaks", json!({ "trace": 5 }), "invalid type");
        refused("leaks", json!({ "trace": "a.etl", "by": "color" }), "color");
        refused("leaks", json!({ "trace": "/etc/passwd" }), "outside of the folders");
        refused("report", json!({ "trace": "a.etl", "stack_tags": ["../x"] }), "outside of the folders");
        refused("report", json!({ "trace": "a.etl", "top": -1 }), "invalid value");
        refused("poolmon_compare", json!({ "snapshots": [] }), "snapshots");
        refused("diff", json!({ "baseline": "a.etl" }), "comparison");
        refused("recording_profile", json!({}), "tags");
        let missing = at.line("leaks", json!({ "trace": "missing.etl" }));
        assert!(matches!(missing, Err(ToolError::Failed(message)) if message.contains("does not exist")));
    }

    /// Every value that a schema offers is one that the command takes.
    #[test]
    fn every_choice_of_a_schema_is_accepted() {
        let at = Scratch::new();
        let mut tried = 0;
        for tool in &TOOLS {
            let schema = (tool.input_schema)();
            assert!(!json!(schema).to_string().contains("\"null\""), "{}: {schema:?}", tool.name);
            let properties = schema["properties"].as_object().expect("properties");
            for (name, property) in properties {
                assert!(property["description"].is_string(), "{}.{name} has no description", tool.name);
                let choices = property.get("enum").or_else(|| property.pointer("/items/enum"));
                for choice in choices.and_then(Value::as_array).into_iter().flatten() {
                    let value = if property["type"] == "array" { json!([choice]) } else { choice.clone() };
                    let mut arguments = match tool.name {
                        "diff" => json!({ "baseline": "a.etl", "comparison": "b.etl" }),
                        "poolmon_compare" => json!({ "snapshots": ["1.txt"] }),
                        "recording_profile" => json!({ "tags": ["Leak"] }),
                        _ => json!({ "trace": "a.etl" }),
                    };
                    if choice == "stack_tag" {
                        continue;
                    }
                    arguments[name] = value;
                    at.line(tool.name, arguments).unwrap_or_else(|error| panic!("{} {name}: {error:?}", tool.name));
                    tried += 1;
                }
            }
        }
        assert!(tried > 60, "{tried} choices");
    }
}
