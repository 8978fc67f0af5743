//! Symbol lookup of the modules of a trace as a flat table: one row per module, the largest first.

use super::{csv, json, schema};
use crate::group::symbols::ModuleNeed;
use poolscope_symbols::locate::{LookupAttempt, LookupResult};
use poolscope_symbols::resolve::{ModuleOutcome, ModuleState};
use schemars::JsonSchema;
use serde::Serialize;
use std::io::{self, Write};

/// A module with its lookup result.
#[derive(Clone, Copy, Debug)]
pub struct ModuleRow<'r> {
    /// The module and the frames that need it.
    pub need: &'r ModuleNeed,
    /// Result of the lookup.
    pub outcome: &'r ModuleOutcome,
    /// Distinct frames in it that have a name.
    pub named: usize,
}

/// Totals over all modules. Bytes and allocations have no total: an allocation counts once for each module on its stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, JsonSchema, Serialize)]
pub struct ModuleTotals {
    /// Modules.
    pub modules: usize,
    /// Modules whose PDB was read.
    pub loaded: usize,
    /// Modules that are named by their exports alone.
    pub exports_only: usize,
    /// Distinct frames.
    pub frames: usize,
    /// Distinct frames that have a name.
    pub named: usize,
    /// Bytes downloaded.
    pub downloaded_bytes: u64,
}

impl ModuleTotals {
    /// The totals of rows.
    #[must_use]
    pub fn of(rows: &[ModuleRow<'_>]) -> Self {
        let state = |wanted: &ModuleState| rows.iter().filter(|row| row.outcome.state == *wanted).count();
        Self {
            modules: rows.len(),
            loaded: state(&ModuleState::Loaded),
            exports_only: state(&ModuleState::ExportsOnly),
            frames: rows.iter().map(|row| row.need.frames).sum(),
            named: rows.iter().map(|row| row.named).sum(),
            downloaded_bytes: rows.iter().map(|row| row.outcome.downloaded_bytes).sum(),
        }
    }
}

/// Name of a lookup result, and its detail if it has one.
#[must_use]
pub fn lookup_result(result: &LookupResult) -> (&'static str, Option<&str>) {
    match result {
        LookupResult::Found => ("found", None),
        LookupResult::NotFound => ("not_found", None),
        LookupResult::NotFoundCached => ("not_found_cached", None),
        LookupResult::Mismatch(detail) => ("wrong_identity", Some(detail)),
        LookupResult::Denied(detail) => ("denied", Some(detail)),
        LookupResult::Unreachable(detail) => ("unreachable", Some(detail)),
        LookupResult::Unreadable(detail) => ("unreadable", Some(detail)),
        LookupResult::Offline => ("offline", None),
    }
}

/// Source of the names of a module.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NameSource {
    /// The exports of the image.
    Exports,
    /// Names kept from an earlier lookup.
    Cache,
    /// A PDB.
    Pdb,
    /// A symbol cache that WPA made from the PDB.
    WpaCache,
    /// A PDB that is part of the program.
    BuiltIn,
}

/// Source of the names of a module; `None` if it has none.
#[must_use]
pub fn source(outcome: &ModuleOutcome) -> Option<NameSource> {
    match (&outcome.state, outcome.from_cache, &outcome.file) {
        (ModuleState::ExportsOnly, _, _) => Some(NameSource::Exports),
        (ModuleState::Loaded, true, _) => Some(NameSource::Cache),
        (ModuleState::Loaded, false, Some(file)) if file.extension().is_some_and(|ending| ending == "symcache") => {
            Some(NameSource::WpaCache)
        }
        (ModuleState::Loaded, false, Some(_)) => Some(NameSource::Pdb),
        (ModuleState::Loaded, false, None) => Some(NameSource::BuiltIn),
        _ => None,
    }
}

/// A document without its rows.
#[derive(JsonSchema, Serialize)]
struct SymbolsHead<'s> {
    trace: &'s str,
    path: &'s str,
    total: ModuleTotals,
}

#[derive(JsonSchema, Serialize)]
struct ModuleFields<'r> {
    module: &'r str,
    state: &'static str,
    outstanding_bytes: u64,
    allocations: u64,
    frames: usize,
    named: usize,
    pdb: Option<&'r str>,
    guid: Option<String>,
    age: Option<u32>,
    file: Option<String>,
    source: Option<NameSource>,
    attempts: Vec<AttemptFields<'r>>,
    image_path: &'r str,
}

#[derive(JsonSchema, Serialize)]
struct AttemptFields<'r> {
    location: &'r str,
    result: &'static str,
    detail: Option<&'r str>,
}

/// Names of the fields of [`ModuleFields`], as the header of a CSV file.
const COLUMNS: [&str; 13] = [
    "module",
    "state",
    "outstanding_bytes",
    "allocations",
    "frames",
    "named",
    "pdb",
    "guid",
    "age",
    "file",
    "source",
    "attempts",
    "image_path",
];

fn fields<'r>(row: &ModuleRow<'r>) -> ModuleFields<'r> {
    let (identity, outcome) = (&row.need.request.identity, row.outcome);
    let pdb = outcome.pdb.as_ref();
    let attempt = |attempt: &'r LookupAttempt| {
        let (result, detail) = lookup_result(&attempt.result);
        AttemptFields { location: &attempt.location, result, detail }
    };
    ModuleFields {
        module: &identity.name,
        state: outcome.state.name(),
        outstanding_bytes: row.need.outstanding_bytes,
        allocations: row.need.allocations,
        frames: row.need.frames,
        named: row.named,
        pdb: pdb.map(|pdb| pdb.file_name.as_str()),
        guid: pdb.map(|pdb| pdb.guid.to_string()),
        age: pdb.map(|pdb| pdb.age),
        file: outcome.file.as_ref().map(|file| file.display().to_string()),
        source: source(outcome),
        attempts: outcome.attempts.iter().map(attempt).collect(),
        image_path: &identity.path,
    }
}

/// JSON Schema of the document that [`write_json`] writes.
#[must_use]
pub fn json_schema() -> schemars::Schema {
    schema::of_document::<SymbolsHead<'_>, ModuleFields<'_>>()
}

/// Writes one JSON object, one row per line.
///
/// # Errors
/// If the output cannot be written.
pub fn write_json(out: &mut dyn Write, trace: &str, path: &str, rows: &[ModuleRow<'_>]) -> io::Result<()> {
    let head = SymbolsHead { trace, path, total: ModuleTotals::of(rows) };
    json::write_document(out, &head, rows.iter().map(fields))
}

/// Writes a header and one line per row; attempts are joined by `;`, as `location: result (detail)`.
///
/// # Errors
/// If the output cannot be written.
pub fn write_csv(out: &mut dyn Write, rows: &[ModuleRow<'_>]) -> io::Result<()> {
    csv::line(out, COLUMNS)?;
    for row in rows {
        let attempts: Vec<String> = row.outcome.attempts.iter().map(attempt_text).collect();
        let row = fields(row);
        csv::line(
            out,
            [
                row.module.to_owned(),
                row.state.to_owned(),
                row.outstanding_bytes.to_string(),
                row.allocations.to_string(),
                row.frames.to_string(),
                row.named.to_string(),
                csv::plain(&row.pdb),
                csv::plain(&row.guid),
                csv::plain(&row.age),
                csv::plain(&row.file),
                csv::plain(&row.source),
                attempts.join(";"),
                row.image_path.to_owned(),
            ],
        )?;
    }
    Ok(())
}

/// An attempt in one line: `location: result (detail)`.
#[must_use]
pub fn attempt_text(attempt: &LookupAttempt) -> String {
    let (result, detail) = lookup_result(&attempt.result);
    let detail = detail.map_or_else(String::new, |detail| format!(" ({detail})"));
    format!("{}: {}{detail}", attempt.location, result.replace('_', " "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_base::guid::Guid;
    use poolscope_symbols::identity::{ModuleIdentity, PdbIdentity};
    use poolscope_symbols::resolve::ModuleRequest;

    fn need() -> ModuleNeed {
        let pdb = PdbIdentity::new("my,fault.pdb", Guid([0xab; 16]), 2);
        let path = "\\SystemRoot\\my.sys".to_owned();
        let identity = ModuleIdentity { name: "my.sys".to_owned(), path, pdb: Some(pdb), image: None };
        let request = ModuleRequest { identity, rvas: vec![1, 2], explicit_pdb: None, ignore_cache: false };
        ModuleNeed { request, modules: Vec::new(), is_kernel: true, frames: 2, allocations: 5, outstanding_bytes: 99 }
    }

    fn outcome(need: &ModuleNeed) -> ModuleOutcome {
        let wrong = LookupResult::Mismatch("GUID x age 1".to_owned());
        let attempts = [("C:\\s\\my.pdb", wrong), ("https://server", LookupResult::Offline)];
        let attempts = attempts.map(|(place, outcome)| LookupAttempt { location: place.to_owned(), result: outcome });
        let pdb = need.request.identity.pdb.clone();
        ModuleOutcome::without_names(ModuleState::WrongIdentity, pdb, attempts.to_vec())
    }

    #[test]
    fn both_formats_have_the_same_fields() {
        let need = need();
        let outcome = outcome(&need);
        let rows = [ModuleRow { need: &need, outcome: &outcome, named: 0 }];
        let mut out = Vec::new();
        write_csv(&mut out, &rows).unwrap();
        let csv = "module,state,outstanding_bytes,allocations,frames,named,pdb,guid,age,file,source,attempts,image_path\n\
            my.sys,wrong_identity,99,5,2,0,\"my,fault.pdb\",abababab-abab-abab-abab-abababababab,2,,,\
            C:\\s\\my.pdb: wrong identity (GUID x age 1);https://server: offline,\\SystemRoot\\my.sys\n";
        assert_eq!(String::from_utf8(out).unwrap(), csv);
        let mut out = Vec::new();
        write_json(&mut out, "a.etl", "srv*", &rows).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let row = &value["rows"][0];
        assert_eq!(
            (&value["trace"], &value["path"], &value["total"]["frames"]),
            (&"a.etl".into(), &"srv*".into(), &2.into())
        );
        assert_eq!(
            (&row["pdb"], &row["age"], &row["file"]),
            (&"my,fault.pdb".into(), &2.into(), &serde_json::Value::Null)
        );
        assert_eq!(row["attempts"][0]["detail"], "GUID x age 1");
        assert_eq!(
            (&row["attempts"][1]["result"], &row["attempts"][1]["detail"]),
            (&"offline".into(), &serde_json::Value::Null)
        );
        let names: Vec<&str> = row.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(names, COLUMNS);
    }

    #[test]
    fn totals_count_modules_by_state() {
        let need = need();
        let outcomes =
            [outcome(&need), ModuleOutcome { state: ModuleState::Loaded, downloaded_bytes: 7, ..outcome(&need) }];
        let rows: Vec<ModuleRow<'_>> =
            outcomes.iter().map(|o| ModuleRow { need: &need, outcome: o, named: 1 }).collect();
        let totals = ModuleTotals { modules: 2, loaded: 1, exports_only: 0, frames: 4, named: 2, downloaded_bytes: 7 };
        assert_eq!(ModuleTotals::of(&rows), totals);
        assert_eq!((source(&outcomes[0]), source(&outcomes[1])), (None, Some(NameSource::BuiltIn)));
    }
}
