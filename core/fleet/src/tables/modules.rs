//! `modules`: one row for each image file at a base address: drivers, programs and libraries, with their identities. `version` is the
//! file version where the trace has it, else the key on symbol servers (`image_id`), so that versions can always be told apart.

use super::{TraceRows, seconds, version_of};
use crate::error::FleetError;
use crate::table_file::TableFile;
use poolscope_analysis::trace::module::Module;
use poolscope_analysis::trace::time::Ticks;
use serde_json::{Value, json};

/// The schema.
pub const SCHEMA: &str = "message modules {
    REQUIRED BINARY trace_id (STRING);
    REQUIRED BINARY host (STRING);
    REQUIRED BINARY module (STRING);
    REQUIRED BINARY path (STRING);
    REQUIRED BOOLEAN is_kernel;
    OPTIONAL BINARY version (STRING);
    OPTIONAL BINARY file_version (STRING);
    OPTIONAL BINARY image_id (STRING);
    OPTIONAL BINARY pdb (STRING);
    OPTIONAL BINARY pdb_guid (STRING);
    OPTIONAL INT64 pdb_age;
    REQUIRED BINARY base (STRING);
    REQUIRED INT64 size;
    REQUIRED INT64 checksum;
    REQUIRED INT64 processes;
    OPTIONAL DOUBLE load_time;
    OPTIONAL DOUBLE unload_time;
}";

/// Processes with a module, its first load and its last unload.
#[derive(Clone, Copy)]
struct Use {
    processes: u64,
    load: Ticks,
    unload: Ticks,
}

/// Writes the rows.
pub fn write(rows: &TraceRows<'_>, file: &mut TableFile) -> Result<(), FleetError> {
    let (table, clock) = (&rows.trace().modules, &rows.trace().clock);
    let mut uses = vec![Use { processes: 0, load: Ticks::NEVER, unload: Ticks::UNKNOWN }; table.modules().len()];
    for image in table.loaded_images() {
        if let Some(of_module) = uses.get_mut(image.module.index()) {
            of_module.processes += 1;
            of_module.load = of_module.load.min(image.load);
            of_module.unload = of_module.unload.max(image.unload);
        }
    }
    let object = |(module, uses): (&Module, &Use)| {
        let pdb = module.rsds.as_ref();
        json!({
            "module": module.name,
            "path": module.path,
            "is_kernel": module.is_kernel,
            "version": version_of(module),
            "file_version": module.file_version,
            "image_id": module.image_id(),
            "pdb": pdb.map(|pdb| &pdb.pdb_name),
            "pdb_guid": pdb.map(|pdb| pdb.guid.to_string()),
            "pdb_age": pdb.map(|pdb| pdb.age),
            "base": format!("{:#x}", module.base),
            "size": module.size_bytes,
            "checksum": module.checksum,
            "processes": uses.processes,
            "load_time": seconds(clock, uses.load),
            "unload_time": seconds(clock, uses.unload),
        })
    };
    let objects: Vec<Value> = table.modules().iter().zip(&uses).map(object).collect();
    rows.write_objects(objects, file)
}
