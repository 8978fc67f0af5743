//! `traces`: one row for each trace: recording, system, contents, data quality. Names are those of `info --format json` where that has
//! them; its nested fields are joined by `_`.

use super::{TraceRows, utc_nanoseconds};
use crate::SCHEMA_VERSION;
use crate::error::FleetError;
use crate::table_file::TableFile;
use poolscope_analysis::trace::time::{Ticks, TimeRange};
use poolscope_etl::diagnostics::Diagnostic;
use serde_json::{Value, json};

/// The schema. Numbers are optional, since JSON has no infinity.
pub const SCHEMA: &str = "message traces {
    REQUIRED BINARY trace_id (STRING);
    REQUIRED BINARY host (STRING);
    REQUIRED BINARY trace (STRING);
    REQUIRED INT64 file_bytes;
    OPTIONAL INT64 start_utc_ns;
    OPTIONAL DOUBLE duration_s;
    OPTIONAL DOUBLE recorded_range_from;
    OPTIONAL DOUBLE recorded_range_to;
    OPTIONAL DOUBLE analyzed_range_from;
    OPTIONAL DOUBLE analyzed_range_to;
    REQUIRED INT64 os_build;
    OPTIONAL BINARY os_name (STRING);
    REQUIRED INT64 pointer_size;
    REQUIRED INT64 cpus;
    OPTIONAL INT64 memory_mb;
    REQUIRED BINARY session_name (STRING);
    REQUIRED INT64 records;
    REQUIRED INT64 pool_alloc_events;
    REQUIRED INT64 pool_free_events;
    REQUIRED INT64 pool_allocations;
    REQUIRED INT64 images;
    REQUIRED INT64 modules;
    REQUIRED INT64 processes;
    REQUIRED INT64 stacks_distinct;
    REQUIRED INT64 events_lost;
    REQUIRED INT64 buffers_lost;
    REQUIRED BOOLEAN start_missing;
    REQUIRED BOOLEAN end_missing;
    OPTIONAL DOUBLE missing_share;
    OPTIONAL DOUBLE data_quality_factor;
    REQUIRED group diagnostics (LIST) { REPEATED group list { REQUIRED BINARY element (STRING); } }
    REQUIRED INT64 schema_version;
}";

/// Writes the row.
pub fn write(rows: &TraceRows<'_>, file: &mut TableFile) -> Result<(), FleetError> {
    let TraceRows { name, leaks, .. } = rows;
    let trace = rows.trace();
    let (summary, statistics, recorded, clock) = (&trace.summary, &trace.statistics, &trace.recorded, &trace.clock);
    let range = |range: TimeRange| (clock.seconds(range.from), clock.seconds(range.to));
    let (recorded_range, analyzed_range) = (range(recorded.range), range(recorded.analyzed(trace.extent)));
    let diagnostics = trace.diagnostics.rows().iter().map(|row: &Diagnostic| row.kind.name());
    let object: Value = json!({
        "trace": name,
        "file_bytes": summary.file_bytes,
        "start_utc_ns": utc_nanoseconds(clock, Ticks(0)),
        "duration_s": clock.seconds(trace.extent.to),
        "recorded_range_from": recorded_range.0,
        "recorded_range_to": recorded_range.1,
        "analyzed_range_from": analyzed_range.0,
        "analyzed_range_to": analyzed_range.1,
        "os_build": summary.os_build,
        "os_name": summary.os_name,
        "pointer_size": summary.pointer_size,
        "cpus": summary.cpus,
        "memory_mb": summary.memory_mb,
        "session_name": summary.session_name,
        "records": statistics.records,
        "pool_alloc_events": statistics.pool_allocs,
        "pool_free_events": statistics.pool_frees,
        "pool_allocations": trace.allocations.len(),
        "images": trace.modules.loaded_images().len(),
        "modules": trace.modules.modules().len(),
        "processes": trace.processes.recorded_count(),
        "stacks_distinct": statistics.stacks.distinct,
        "events_lost": summary.events_lost,
        "buffers_lost": summary.buffers_lost,
        "start_missing": recorded.start_missing,
        "end_missing": recorded.end_missing,
        "missing_share": recorded.missing_share(),
        "data_quality_factor": leaks.map(|leaks| leaks.analysis.data_quality.confidence_factor()),
        "diagnostics": diagnostics.collect::<Vec<_>>(),
        "schema_version": SCHEMA_VERSION,
    });
    rows.write_objects(vec![object], file)
}
