//! `fleet`: a question about a dataset of many traces, answered by an engine that is found on the machine. Questions are SQL over one
//! view for each table; the same text runs on Apache Spark (`assets/fleet/`).

mod engine;
mod question;

use super::io::Io;
use super::open::UsageError;
use super::output_format::OutputFormat;
use super::table::{Column, Table, escape_markdown};
use crate::format;
use anyhow::Context as _;
use engine::{Answer, Engine};
use question::{Question, ReadyQuestion};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Options of `fleet`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The dataset: a folder that export wrote (export TRACE… --to FOLDER/)
    #[arg(value_name = "DATASET")]
    dataset: PathBuf,
    /// A ready question, or a file with SQL (default: lists the ready questions). Each table of the dataset is a view: traces,
    /// allocations, stacks, modules, processes, suspects, tags
    #[arg(value_name = "QUESTION")]
    question: Option<String>,
    /// Value of a parameter of the question, such as tag=Leak. Can be given more than once
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = question::parse_parameter)]
    parameters: Vec<(String, String)>,
    /// Prints the SQL and runs nothing
    #[arg(long, requires = "question")]
    show_sql: bool,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = OutputFormat::parser(&FORMATS))]
    format: OutputFormat,
}

const FORMATS: [OutputFormat; 4] = [OutputFormat::Text, OutputFormat::Csv, OutputFormat::Json, OutputFormat::Markdown];

/// Advice where no engine is there, in one line.
const GET_DUCKDB: &str = "DuckDB is not on this machine: 'pip install duckdb', or the program from https://duckdb.org/install; the SQL is on standard output";

/// Runs the command.
///
/// # Errors
/// The folder is no dataset, the question is not known or lacks a parameter, no engine is there, or the engine fails.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    let tables = tables_in(&args.dataset)?;
    let Some(asked) = &args.question else {
        list(args, io)?;
        return Ok(0);
    };
    let question = Question::find(asked)?;
    let parameters = question.parameters(&args.parameters).map_err(UsageError)?;
    let setup = views(&tables) + &question::view_of_parameters(&parameters);
    if args.show_sql {
        write!(io.out, "{}", script(&args.dataset, &setup, &question.text))?;
        return Ok(0);
    }
    let Some(engine) = Engine::find(&io.environment) else {
        write!(io.out, "{}", script(&args.dataset, &setup, &question.text))?;
        io.out.flush()?;
        anyhow::bail!(GET_DUCKDB);
    };
    let answer = engine.run(&args.dataset, &setup, &question.text).map_err(|error| {
        anyhow::anyhow!("{}: {error}\nThe dataset has the tables {}.", question.name, tables.join(", "))
    })?;
    write_answer(&answer, args, &question, &parameters, io)?;
    Ok(0)
}

/// The tables of a dataset: folders with Parquet files in folders by date.
fn tables_in(dataset: &Path) -> anyhow::Result<Vec<String>> {
    let entries = std::fs::read_dir(dataset);
    let entries = entries.with_context(|| format!("cannot read the dataset {}", dataset.display()))?;
    let mut tables = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read the dataset {}", dataset.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Names of views need no quotes then.
        let is_plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') && !name.starts_with('_');
        if is_plain && has_files(&entry.path()) {
            tables.push(name);
        }
    }
    tables.sort();
    if tables.is_empty() {
        anyhow::bail!(
            "{} is no dataset: write one with 'poolscope export TRACE… --to {0}/'",
            dataset.display().to_string().trim_end_matches(std::path::is_separator)
        );
    }
    Ok(tables)
}

fn has_files(table: &Path) -> bool {
    let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_file = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "parquet");
    entries(table).any(|partition| entries(&partition).any(|path| is_file(&path)))
}

/// Statements that make a view of each table. Paths are relative to the dataset, so that no name of a folder has to be escaped.
fn views(tables: &[String]) -> String {
    let view = |table: &String| {
        format!(
            "CREATE VIEW {table} AS SELECT * FROM \
             read_parquet('{table}/*/*.parquet', hive_partitioning = true, union_by_name = true);\n"
        )
    };
    tables.iter().map(view).collect()
}

/// The whole SQL, to be run elsewhere.
fn script(dataset: &Path, setup: &str, query: &str) -> String {
    let end = if query.trim_end().ends_with(';') { "" } else { ";" };
    format!("-- To be run by DuckDB in the folder {}\n{setup}{}{end}\n", dataset.display(), query.trim_end())
}

/// Lists the ready questions with their parameters.
fn list(args: &Args, io: &mut Io<'_>) -> anyhow::Result<()> {
    if args.format != OutputFormat::Text || !args.parameters.is_empty() {
        return Err(UsageError("which question? 'poolscope fleet DATASET' lists them".to_owned()).into());
    }
    for ReadyQuestion { name, text } in &question::READY {
        let question = Question::new(name, text);
        writeln!(io.out, "{name}\n    {}", question.title)?;
        for parameter in &question.declared {
            let default = parameter.default.as_ref().map_or_else(String::new, |default| format!("={default}"));
            writeln!(io.out, "    --param {}{default}: {}", parameter.name, parameter.description)?;
        }
    }
    Ok(())
}

/// JSON Schema of the document.
#[must_use]
pub fn json_schema() -> schemars::Schema {
    poolscope_analysis::export::schema::of_value::<Document<'_>>()
}

/// The JSON document.
#[derive(JsonSchema, Serialize)]
struct Document<'d> {
    dataset: String,
    question: &'d str,
    parameters: &'d BTreeMap<String, String>,
    columns: &'d [String],
    rows: Vec<Map<String, Value>>,
}

fn write_answer(
    answer: &Answer,
    args: &Args,
    question: &Question,
    parameters: &BTreeMap<String, String>,
    io: &mut Io<'_>,
) -> anyhow::Result<()> {
    match args.format {
        OutputFormat::Json => {
            let object = |row: &Vec<Value>| answer.columns.iter().cloned().zip(row.iter().cloned()).collect();
            let document = Document {
                dataset: args.dataset.display().to_string(),
                question: &question.name,
                parameters,
                columns: &answer.columns,
                rows: answer.rows.iter().map(object).collect(),
            };
            serde_json::to_writer_pretty(&mut io.out, &document)?;
            writeln!(io.out)?;
        }
        OutputFormat::Csv => {
            let mut writer = csv::Writer::from_writer(&mut io.out);
            writer.write_record(&answer.columns)?;
            answer.rows.iter().try_for_each(|row| writer.write_record(row.iter().map(exact)))?;
            writer.flush()?;
        }
        OutputFormat::Markdown => {
            let rows = answer.rows.iter().map(|row| row.iter().map(|value| escape_markdown(&shown(value))).collect());
            Table::new(columns(answer), rows.collect()).write_markdown(&mut io.out)?;
        }
        OutputFormat::Text if answer.rows.is_empty() => writeln!(io.out, "no rows")?,
        _ => {
            let rows = answer.rows.iter().map(|row| row.iter().map(shown).collect());
            let table = Table::new(columns(answer), rows.collect());
            writeln!(io.out, "{}", table.header())?;
            (0..answer.rows.len()).try_for_each(|row| writeln!(io.out, "{}", table.row(row)))?;
        }
    }
    Ok(())
}

/// The columns as titles; numbers are aligned to the right.
fn columns(answer: &Answer) -> Vec<Column> {
    let is_number = |at: usize| {
        let mut values = answer.rows.iter().filter_map(|row| row.get(at)).filter(|value| !value.is_null()).peekable();
        values.peek().is_some() && values.all(Value::is_number)
    };
    let column = |(at, name): (usize, &String)| {
        if is_number(at) { Column::number(name.as_str()) } else { Column::text(name.as_str()) }
    };
    answer.columns.iter().enumerate().map(column).collect()
}

/// A value in a file, exact; nothing for `null`.
fn exact(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A value for reading: numbers with separators.
fn shown(value: &Value) -> String {
    let text = exact(value).replace(['\n', '\r'], " ");
    let number = Some(text.as_str()).filter(|text| value.is_number() && !text.contains('e'));
    let Some(number) = number else { return text };
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let (whole, fraction) = digits.find('.').map_or((digits, ""), |point| digits.split_at(point));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), format::count);
    format!("{sign}{whole}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_exact_in_files_and_grouped_for_reading() {
        let values = [json!(1_234_567), json!(-1234.25), json!(0.25), json!(null), json!("a\nb"), json!([1, "x"])];
        assert_eq!(values.each_ref().map(exact), ["1234567", "-1234.25", "0.25", "", "a\nb", "[1,\"x\"]"]);
        assert_eq!(values.each_ref().map(shown), ["1,234,567", "-1,234.25", "0.25", "", "a b", "[1,\"x\"]"]);
    }

    #[test]
    fn the_script_is_complete() {
        let text = script(Path::new("d"), &views(&["tags".to_owned()]), "SELECT 1");
        assert!(text.starts_with("-- To be run by DuckDB in the folder d\nCREATE VIEW tags AS"), "{text}");
        assert!(text.ends_with(");\nSELECT 1;\n"), "{text}");
        assert!(script(Path::new("d"), "", "SELECT 1;\n").ends_with("\nSELECT 1;\n"));
    }

    #[test]
    fn every_ready_question_declares_what_it_uses() {
        for ReadyQuestion { name, text } in &question::READY {
            let question = Question::new(name, text);
            assert!(!question.title.is_empty() && !text.contains('"') && !text.contains('`'), "{name}");
            let used = text.split("p.").skip(1).filter_map(|rest| rest.split([' ', ')']).next());
            let used: std::collections::BTreeSet<&str> = used.collect();
            let declared: std::collections::BTreeSet<&str> =
                question.declared.iter().map(|parameter| parameter.name.as_str()).collect();
            assert_eq!(used, declared, "{name}");
        }
    }
}
