//! `suspects`: the verdict on each tag and pool, as `leaks --format json` has it. `driver_version` is the version of the driver that is
//! responsible for most of the outstanding bytes.

use super::{TraceRows, version_of};
use crate::error::FleetError;
use crate::table_file::TableFile;
use poolscope_analysis::leaks::Suspect;
use poolscope_analysis::trace::module::Module;
use serde_json::{Value, json};

/// The schema. Numbers are optional, since JSON has no infinity.
pub const SCHEMA: &str = "message suspects {
    REQUIRED BINARY trace_id (STRING);
    REQUIRED BINARY host (STRING);
    REQUIRED INT64 rank;
    OPTIONAL BINARY tag (STRING);
    REQUIRED BINARY paged (STRING);
    OPTIONAL BINARY driver (STRING);
    OPTIONAL BINARY driver_version (STRING);
    OPTIONAL BINARY function (STRING);
    REQUIRED BINARY verdict (STRING);
    OPTIONAL DOUBLE score;
    OPTIONAL DOUBLE confidence;
    REQUIRED INT64 impacting_size;
    REQUIRED INT64 count;
    REQUIRED INT64 frees;
    OPTIONAL DOUBLE growth_bytes_per_s;
    OPTIONAL DOUBLE growth_bytes_per_hour;
    OPTIONAL DOUBLE seconds_to_exhaustion;
    REQUIRED INT64 allocations;
    REQUIRED INT64 size;
    REQUIRED INT64 net_size;
    REQUIRED INT64 older_than_usual_count;
    REQUIRED INT64 older_than_usual_size;
    OPTIONAL DOUBLE driver_share;
    OPTIONAL DOUBLE stack_share;
    REQUIRED BOOLEAN growth_is_estimated;
    OPTIONAL BINARY process (STRING);
    OPTIONAL BINARY responsible_driver (STRING);
    OPTIONAL BINARY advice (STRING);
    REQUIRED group reasons (LIST) { REPEATED group list { REQUIRED BINARY element (STRING); } }
    REQUIRED group stack (LIST) { REPEATED group list { REQUIRED BINARY element (STRING); } }
    REQUIRED group ages (LIST) { REPEATED group list { REQUIRED INT64 element; } }
}";

/// Writes the rows.
pub fn write(rows: &TraceRows<'_>, file: &mut TableFile) -> Result<(), FleetError> {
    let Some(leaks) = rows.leaks else {
        return Err(FleetError::Schema("the suspects were not computed".to_owned()));
    };
    let objects = leaks.objects().map_err(|error| FleetError::Schema(error.to_string()))?;
    let version = |suspect: &Suspect| driver_version(rows, suspect);
    let versions = leaks.analysis.suspects.iter().map(version);
    let object = |(mut object, version): (Value, Option<String>)| {
        if let Some(fields) = object.as_object_mut() {
            fields.insert("driver_version".to_owned(), json!(version));
        }
        object
    };
    rows.write_objects(objects.into_iter().zip(versions).map(object).collect(), file)
}

/// The version of a suspect's driver: that on its stack, else of the driver with its name.
fn driver_version(rows: &TraceRows<'_>, suspect: &Suspect) -> Option<String> {
    let (trace, names) = (rows.trace(), rows.names);
    let is_it = |module: &&Module| module.name == suspect.driver;
    let frame = trace.stacks.frame_rows().get(names.responsible_frame(suspect.stack).index());
    let on_stack = frame.and_then(|frame| trace.modules.get(frame.module)).filter(is_it);
    let of_name = || trace.modules.modules().iter().filter(|module| module.is_kernel).find(is_it);
    on_stack.or_else(of_name).and_then(version_of)
}
