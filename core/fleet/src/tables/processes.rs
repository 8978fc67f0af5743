//! `processes`: one row for each process of a trace. `process` is the text of the key column of that name.

use super::{TraceRows, seconds};
use crate::error::FleetError;
use crate::table_file::TableFile;
use poolscope_analysis::trace::process::Process;
use serde_json::{Value, json};

/// The schema.
pub const SCHEMA: &str = "message processes {
    REQUIRED BINARY trace_id (STRING);
    REQUIRED BINARY host (STRING);
    REQUIRED BINARY process (STRING);
    REQUIRED BINARY name (STRING);
    REQUIRED INT64 pid;
    REQUIRED INT64 parent_pid;
    REQUIRED INT64 session;
    OPTIONAL BINARY command_line (STRING);
    OPTIONAL DOUBLE start_time;
    OPTIONAL DOUBLE end_time;
}";

/// Writes the rows.
pub fn write(rows: &TraceRows<'_>, file: &mut TableFile) -> Result<(), FleetError> {
    let clock = &rows.trace().clock;
    let object = |process: &Process| {
        json!({
            "process": process.label(),
            "name": process.name,
            "pid": process.pid,
            "parent_pid": process.parent_pid,
            "session": process.session,
            "command_line": Some(&process.command_line).filter(|line| !line.is_empty()),
            "start_time": seconds(clock, process.start),
            "end_time": seconds(clock, process.end),
        })
    };
    let objects: Vec<Value> = rows.trace().processes.rows().iter().map(object).collect();
    rows.write_objects(objects, file)
}
