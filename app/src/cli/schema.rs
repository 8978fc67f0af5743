//! `schema`: JSON Schemas of all JSON outputs, derived from the types that are written.

use super::io::Io;
use super::{case, fleet, info, perfmon, poolmon, record};
use poolscope_analysis::export::{compare, leaks, report, schema, series, symbols};
use schemars::Schema;
use serde_json::{Map, Value};
use std::io::Write as _;

/// Options of `schema`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The output to describe: the command that prints it (default: all, as one object with one field for each)
    #[arg(value_name = "OUTPUT", value_parser = names())]
    output: Option<String>,
}

/// Function that gives the schema of an output.
type SchemaOf = fn() -> Schema;

/// Outputs, each with its schema: the command that prints it, and what of it where there are several.
pub const OUTPUTS: [(&str, SchemaOf); 14] = [
    ("info", info::json_schema),
    ("report", report::json_schema),
    ("series", series::json_schema),
    ("leaks", leaks::json_schema),
    ("symbols", symbols::json_schema),
    ("record", record::json_schema),
    ("poolmon", poolmon::json_schema),
    ("poolmon-comparison", poolmon::comparison_json_schema),
    ("poolmon-series", poolmon::series_json_schema),
    ("diff", compare::json_schema),
    ("case", case::json_schema),
    ("perfmon", perfmon::json_schema),
    ("fleet", fleet::json_schema),
    ("synth-truth", schema::of_value::<poolscope_synth::GroundTruth>),
];

fn names() -> clap::builder::PossibleValuesParser {
    OUTPUTS.map(|(name, _)| name).into()
}

/// Schema of an output; `None` for an unknown name.
#[must_use]
pub fn of_output(name: &str) -> Option<Value> {
    let (_, schema) = OUTPUTS.iter().find(|(known, _)| *known == name)?;
    let mut schema = schema();
    schema.insert("title".to_owned(), format!("poolscope {name}").into());
    Some(schema.to_value())
}

/// Runs the command.
///
/// # Errors
/// The output cannot be written.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    let all = || {
        let named = OUTPUTS.iter().filter_map(|(name, _)| Some(((*name).to_owned(), of_output(name)?)));
        Value::Object(named.collect::<Map<String, Value>>())
    };
    let document = args.output.as_deref().map_or_else(|| Some(all()), of_output);
    serde_json::to_writer_pretty(&mut io.out, &document)?;
    writeln!(io.out)?;
    Ok(0)
}
