//! Answers of tools: the JSON of the command, and beside it, in the field `about`, the command line that gives the same, the units, the
//! rows that follow, and the data quality of each trace.

use super::job::CommandOutput;
use super::session::Session;
use super::tools::{Request, Rows};
use crate::cli::schema;
use crate::format;
use crate::recorded_range_text;
use poolscope_analysis::export::schema::of_value;
use poolscope_etl::diagnostics::Diagnostic;
use rmcp::model::{CallToolResult, ContentBlock, JsonObject};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::path::Path;
use std::sync::Arc;

/// The field beside those of the command.
const ABOUT: &str = "about";

/// Sources and limits of an answer.
#[derive(Serialize, JsonSchema)]
struct About {
    /// Command line whose JSON output has the same fields.
    command_line: String,
    /// Units of the figures, which are exact.
    units: &'static str,
    /// Rows of this answer; null if it has none.
    rows: Option<ShownRows>,
    /// Data quality of each trace.
    data_quality: Vec<TraceQuality>,
    /// Warnings and notes of the command.
    warnings: Vec<String>,
}

/// Rows of an answer, counted from 1.
#[derive(Serialize, JsonSchema)]
struct ShownRows {
    first: u64,
    last: u64,
    /// Number of all rows.
    of: u64,
    /// Arguments that give the rows that follow; null if there are none.
    more: Option<String>,
}

/// Data quality of a trace.
#[derive(Serialize, JsonSchema)]
struct TraceQuality {
    trace: String,
    /// The part of the recording that the file holds.
    recorded_range: String,
    /// What the trace lacks, or what is damaged in it.
    issues: Vec<QualityIssue>,
}

/// A data-quality issue.
#[derive(Serialize, JsonSchema)]
struct QualityIssue {
    kind: &'static str,
    severity: &'static str,
    count: u64,
    /// Effect on figures.
    effect: &'static str,
}

/// The answer to a request, from the output of its command.
#[must_use]
pub fn of_output(request: &Request, output: &CommandOutput, session: &Session) -> CallToolResult {
    let warnings = messages(&output.messages);
    if output.code != 0 {
        return CallToolResult::error(vec![ContentBlock::text(warnings.join("\n"))]);
    }
    let mut fields: Map<String, Value> = match serde_json::from_slice(&output.out) {
        Ok(fields) => fields,
        Err(error) => return CallToolResult::error(vec![ContentBlock::text(format!("internal error: {error}"))]),
    };
    let rows = shown_rows(&request.rows, &mut fields);
    if let Some(reshape) = request.reshape {
        reshape(&mut fields, session);
    }
    let about = About {
        command_line: request.line.text(),
        units: request.units,
        rows,
        data_quality: request.traces.iter().filter_map(|path| quality(path, session)).collect(),
        warnings,
    };
    let text = text(&fields, &about);
    fields.insert(ABOUT.to_owned(), json!(about));
    let whole = Value::Object(fields);
    let mut result = CallToolResult::success(vec![ContentBlock::text(text), ContentBlock::text(whole.to_string())]);
    result.structured_content = Some(whole);
    result
}

/// Lines of standard error without the name of the program.
fn messages(text: &str) -> Vec<String> {
    let prefixes = ["poolscope: warning: ", "poolscope: note: ", "poolscope: "];
    let plain = |line: &str| prefixes.iter().find_map(|prefix| line.strip_prefix(prefix)).unwrap_or(line).to_owned();
    text.lines().map(plain).collect()
}

/// Takes rows before the window out, and says which are left.
fn shown_rows(rows: &Rows, fields: &mut Map<String, Value>) -> Option<ShownRows> {
    match *rows {
        Rows::None => None,
        Rows::Window { skip, top } => {
            let count = fields.get("row_count").and_then(Value::as_u64);
            let rows = fields.get_mut("rows")?.as_array_mut()?;
            let of = count.unwrap_or(rows.len() as u64);
            rows.drain(..rows.len().min(skip));
            rows.truncate(top);
            let (skip, shown) = (skip as u64, rows.len() as u64);
            let more = (skip + shown < of).then(|| format!("skip {}, or a larger top", skip + shown));
            let first = if shown == 0 { skip } else { skip + 1 };
            Some(ShownRows { first, last: skip + shown, of, more })
        }
        Rows::Curves { top } => {
            let of = fields.get("group_count").and_then(Value::as_u64)?;
            let last = of.min(top as u64);
            let more = (last < of).then(|| "a larger top; all other groups are combined in (other)".to_owned());
            Some(ShownRows { first: last.min(1), last, of, more })
        }
    }
}

fn quality(path: &Path, session: &Session) -> Option<TraceQuality> {
    let trace = session.open.peek(path)?;
    let issue = |row: &Diagnostic| QualityIssue {
        kind: row.kind.name(),
        severity: row.kind.severity().name(),
        count: row.count,
        effect: row.kind.effect(),
    };
    Some(TraceQuality {
        trace: path.display().to_string(),
        recorded_range: recorded_range_text::sentence(&trace),
        issues: trace.diagnostics.rows().iter().map(issue).collect(),
    })
}

/// The answer in sentences.
fn text(fields: &Map<String, Value>, about: &About) -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    match fields.get("summary") {
        Some(Value::String(summary)) => line(summary.clone()),
        Some(Value::Array(sentences)) => sentences.iter().filter_map(Value::as_str).for_each(|s| line(format!("{s}."))),
        _ => {}
    }
    if let Some(rows) = &about.rows {
        let more = rows.more.as_ref().map_or_else(String::new, |more| format!("; for more: {more}"));
        line(format!("Rows {} to {} of {}{more}.", rows.first, rows.last, format::count(rows.of)));
    }
    for quality in &about.data_quality {
        line(format!("Data quality of {}: {}", quality.trace, quality.recorded_range));
        for issue in &quality.issues {
            line(format!("- {}: {} ({}): {}", issue.severity, issue.kind, format::count(issue.count), issue.effect));
        }
    }
    about.warnings.iter().for_each(|warning| line(format!("Note: {warning}")));
    line(format!("Units: {}", about.units));
    line(format!("The same on the command line: {}", about.command_line));
    text
}

/// Schema of an answer with the fields of an output of the command line, or of some of them.
#[must_use]
pub fn output_schema(output: &str, kept: Option<&[&str]>, added: &[(&str, Value)]) -> Option<Arc<JsonObject>> {
    let Value::Object(mut schema) = schema::of_output(output)? else { return None };
    let mut about = of_value::<About>().to_value();
    let definitions = about.get_mut("$defs").map(Value::take).unwrap_or_default();
    let about_fields = ["type", "properties", "required"].map(|name| (name.to_owned(), about[name].take()));
    let about: Map<String, Value> = about_fields.into_iter().collect();
    if let Value::Object(definitions) = definitions {
        schema.entry("$defs").or_insert_with(|| json!({})).as_object_mut()?.extend(definitions);
    }
    let is_kept = |name: &str| kept.is_none_or(|kept| kept.contains(&name));
    let added = added.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone()));
    let added: Vec<(String, Value)> = added.chain([(ABOUT.to_owned(), Value::Object(about))]).collect();
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|name| name.as_str().is_some_and(is_kept));
        required.extend(added.iter().map(|(name, _)| Value::from(name.as_str())));
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.retain(|name, _| is_kept(name));
        properties.extend(added);
    }
    Some(Arc::new(schema))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(skip: usize, top: usize, mut fields: Value) -> (Value, u64, u64, u64, bool) {
        let fields = fields.as_object_mut().expect("an object");
        let shown = shown_rows(&Rows::Window { skip, top }, fields).expect("rows");
        (fields["rows"].clone(), shown.first, shown.last, shown.of, shown.more.is_some())
    }

    #[test]
    fn rows_are_shown_in_windows() {
        let rows = |rows: Value, count: u64| json!({ "row_count": count, "rows": rows });
        assert_eq!(window(0, 2, rows(json!([1, 2]), 5)), (json!([1, 2]), 1, 2, 5, true));
        assert_eq!(window(2, 2, rows(json!([1, 2, 3, 4]), 5)), (json!([3, 4]), 3, 4, 5, true));
        assert_eq!(window(4, 2, rows(json!([1, 2, 3, 4, 5]), 5)), (json!([5]), 5, 5, 5, false));
        assert_eq!(window(9, 2, rows(json!([1, 2, 3, 4, 5]), 5)), (json!([]), 9, 9, 5, false));
        assert_eq!(window(0, 2, json!({ "rows": [1, 2, 3] })), (json!([1, 2]), 1, 2, 3, true));
    }

    #[test]
    fn messages_lose_the_name_of_the_program() {
        assert_eq!(messages("poolscope: warning: a\npoolscope: b\n  c\n"), ["a", "b", "  c"]);
    }
}
