//! What became of the modules of a trace as a flat file: one row per module, the heaviest first.

use super::{csv, json};
use crate::group::symbols::ModuleNeed;
use poolscope_symbols::locate::{LookupAttempt, LookupResult};
use poolscope_symbols::resolve::{ModuleOutcome, ModuleState};
use std::io::{self, Write};

/// A module, what depends on it, and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct ModuleRow<'r> {
    /// What was looked for, and for what.
    pub need: &'r ModuleNeed,
    /// What became of it.
    pub outcome: &'r ModuleOutcome,
    /// Distinct frames in it that have a name.
    pub named: usize,
}

/// Sums over all modules. A block whose stack leads through several modules counts once for each, so that bytes and
/// allocations have no sum.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ModuleSums {
    /// Modules.
    pub modules: usize,
    /// Those whose PDB was read.
    pub loaded: usize,
    /// Those that are named by their exports alone.
    pub exports_only: usize,
    /// Distinct frames.
    pub frames: usize,
    /// Those that have a name.
    pub named: usize,
    /// Bytes that came over the network.
    pub downloaded_bytes: u64,
}

impl ModuleSums {
    /// The sums of rows.
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

/// A word for what became of a place, and the rest that is known of it.
#[must_use]
pub fn outcome_words(outcome: &LookupResult) -> (&'static str, &str) {
    match outcome {
        LookupResult::Found => ("found", ""),
        LookupResult::NotFound => ("missing", ""),
        LookupResult::NotFoundCached => ("missing_lately", ""),
        LookupResult::Mismatch(detail) => ("wrong_identity", detail),
        LookupResult::Denied(detail) => ("denied", detail),
        LookupResult::Unreachable(detail) => ("unreachable", detail),
        LookupResult::Unreadable(detail) => ("unreadable", detail),
        LookupResult::Offline => ("offline", ""),
    }
}

/// Where the names of a module are from; `None` where there are none.
#[must_use]
pub fn source(outcome: &ModuleOutcome) -> Option<&'static str> {
    match (&outcome.state, outcome.from_cache, &outcome.file) {
        (ModuleState::ExportsOnly, _, _) => Some("exports"),
        (ModuleState::Loaded, true, _) => Some("cache"),
        (ModuleState::Loaded, false, Some(_)) => Some("pdb"),
        (ModuleState::Loaded, false, None) => Some("built_in"),
        _ => None,
    }
}

/// One field of a row.
enum Field<'f> {
    None,
    Text(String),
    Number(u64),
    Attempts(&'f [LookupAttempt]),
}

/// All fields of a row with their names, in the order of the columns.
fn fields<'f>(row: &ModuleRow<'f>) -> [(&'static str, Field<'f>); 13] {
    let identity = &row.need.request.identity;
    let outcome = row.outcome;
    let text = |text: Option<String>| text.map_or(Field::None, Field::Text);
    let pdb = outcome.pdb.as_ref();
    [
        ("module", Field::Text(identity.name.clone())),
        ("state", Field::Text(outcome.state.name().to_owned())),
        ("outstanding_bytes", Field::Number(row.need.outstanding_bytes)),
        ("allocations", Field::Number(row.need.allocations)),
        ("frames", Field::Number(row.need.frames as u64)),
        ("named", Field::Number(row.named as u64)),
        ("pdb", text(pdb.map(|pdb| pdb.file_name.clone()))),
        ("guid", text(pdb.map(|pdb| pdb.guid.to_string()))),
        ("age", pdb.map_or(Field::None, |pdb| Field::Number(u64::from(pdb.age)))),
        ("file", text(outcome.file.as_ref().map(|file| file.display().to_string()))),
        ("source", text(source(outcome).map(str::to_owned))),
        ("attempts", Field::Attempts(&outcome.attempts)),
        ("image_path", Field::Text(identity.path.clone())),
    ]
}

/// Writes one JSON object, one row per line.
///
/// # Errors
/// What the writer says.
pub fn write_json(out: &mut dyn Write, trace: &str, path: &str, rows: &[ModuleRow<'_>]) -> io::Result<()> {
    out.write_all(b"{\"trace\":")?;
    json::text(out, trace)?;
    out.write_all(b",\"path\":")?;
    json::text(out, path)?;
    let ModuleSums { modules, loaded, exports_only, frames, named, downloaded_bytes } = ModuleSums::of(rows);
    write!(out, ",\"total\":{{\"modules\":{modules},\"loaded\":{loaded},\"exports_only\":{exports_only}")?;
    write!(out, ",\"frames\":{frames},\"named\":{named},\"downloaded_bytes\":{downloaded_bytes}}},\"rows\":[")?;
    for (at, row) in rows.iter().enumerate() {
        out.write_all(if at > 0 { b",\n{" } else { b"\n{" })?;
        for (column, (name, field)) in fields(row).iter().enumerate() {
            write!(out, "{}\"{name}\":", if column > 0 { "," } else { "" })?;
            match field {
                Field::None => out.write_all(b"null")?,
                Field::Text(text) => json::text(out, text)?,
                Field::Number(number) => write!(out, "{number}")?,
                Field::Attempts(attempts) => json_attempts(out, attempts)?,
            }
        }
        out.write_all(b"}")?;
    }
    out.write_all(if rows.is_empty() { b"]}\n" } else { b"\n]}\n" })
}

fn json_attempts(out: &mut dyn Write, attempts: &[LookupAttempt]) -> io::Result<()> {
    out.write_all(b"[")?;
    for (at, attempt) in attempts.iter().enumerate() {
        let (word, detail) = outcome_words(&attempt.result);
        out.write_all(if at > 0 { b",{\"place\":" } else { b"{\"place\":" })?;
        json::text(out, &attempt.location)?;
        write!(out, ",\"outcome\":\"{word}\",\"detail\":")?;
        if detail.is_empty() {
            out.write_all(b"null")?
        } else {
            json::text(out, detail)?
        }
        out.write_all(b"}")?;
    }
    out.write_all(b"]")
}

/// Writes a header and one line per row; what was tried is joined by `;`, as `place: outcome (detail)`.
///
/// # Errors
/// What the writer says.
pub fn write_csv(out: &mut dyn Write, rows: &[ModuleRow<'_>]) -> io::Result<()> {
    const NAMES: [&str; 13] = [
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
    writeln!(out, "{}", NAMES.join(","))?;
    for row in rows {
        for (column, (_, field)) in fields(row).iter().enumerate() {
            if column > 0 {
                out.write_all(b",")?;
            }
            match field {
                Field::None => {}
                Field::Text(text) => csv::text(out, text)?,
                Field::Number(number) => write!(out, "{number}")?,
                Field::Attempts(attempts) => {
                    let texts: Vec<String> = attempts.iter().map(attempt_text).collect();
                    csv::text(out, &texts.join(";"))?;
                }
            }
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// What became of a place, in one line.
#[must_use]
pub fn attempt_text(attempt: &LookupAttempt) -> String {
    let (word, detail) = outcome_words(&attempt.result);
    let word = word.replace('_', " ");
    if detail.is_empty() {
        format!("{}: {word}", attempt.location)
    } else {
        format!("{}: {word} ({detail})", attempt.location)
    }
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
    fn both_formats_say_the_same() {
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
            (&row["attempts"][1]["outcome"], &row["attempts"][1]["detail"]),
            (&"offline".into(), &serde_json::Value::Null)
        );
        let names: Vec<&str> = fields(&rows[0]).iter().map(|field| field.0).collect();
        assert_eq!(csv.lines().next(), Some(names.join(",").as_str()));
    }

    #[test]
    fn sums_tell_modules_apart_by_their_state() {
        let need = need();
        let outcomes =
            [outcome(&need), ModuleOutcome { state: ModuleState::Loaded, downloaded_bytes: 7, ..outcome(&need) }];
        let rows: Vec<ModuleRow<'_>> =
            outcomes.iter().map(|o| ModuleRow { need: &need, outcome: o, named: 1 }).collect();
        let sums = ModuleSums { modules: 2, loaded: 1, exports_only: 0, frames: 4, named: 2, downloaded_bytes: 7 };
        assert_eq!(ModuleSums::of(&rows), sums);
        assert_eq!((source(&outcomes[0]), source(&outcomes[1])), (None, Some("built_in")));
    }
}
