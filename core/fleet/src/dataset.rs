//! A dataset on disk: one folder for each table, in it one for each date, in it one file for each trace.
//!
//! All files of a trace are written under hidden names, which no engine reads, and get their names when all of them are complete, that
//! of the table `traces` last. So a trace with a row in `traces` has all tables that were asked for, and a program that ends in the
//! middle leaves nothing that is read. What it leaves is removed the next time that the trace is written.

use crate::error::FleetError;
use crate::identity::{TraceKey, host_in_file_name};
use crate::table_file::TableFile;
use crate::tables::Table;
use crate::{SCHEMA_VERSION, tables};
use serde_json::{Value, json};
use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};

/// File with the version of the schema. Engines skip names that begin with an underscore.
const VERSION_FILE: &str = "_poolscope.json";
/// Ending of files that are being written.
const PART_ENDING: &str = ".part";
/// Ending of complete files.
const ENDING: &str = ".parquet";

/// A folder with the tables of many traces.
#[derive(Clone, Debug)]
pub struct Dataset {
    root: PathBuf,
}

impl Dataset {
    /// Returns `true` if a folder is a dataset.
    #[must_use]
    pub fn is_at(root: &Path) -> bool {
        root.join(VERSION_FILE).is_file()
    }

    /// Opens the dataset in a folder, and makes it if it is not there.
    ///
    /// # Errors
    /// The folder cannot be made or read, or its files were written with another version of the schema.
    pub fn open(root: &Path) -> Result<Self, FleetError> {
        fs::create_dir_all(root).map_err(FleetError::write(root))?;
        let path = root.join(VERSION_FILE);
        match fs::read(&path) {
            Ok(text) => {
                let version = serde_json::from_slice::<Value>(&text).ok();
                let found = version.and_then(|fields| fields.get("schema_version")?.as_u64()).unwrap_or(0);
                if found != u64::from(SCHEMA_VERSION) {
                    return Err(FleetError::OtherVersion { path: root.to_owned(), found });
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut file = hidden(root, "version")?;
                writeln!(file, "{}", json!({ "schema_version": SCHEMA_VERSION })).map_err(FleetError::write(&path))?;
                place(file, &path)?;
            }
            Err(error) => return Err(FleetError::read(&path)(error)),
        }
        Ok(Self { root: root.to_owned() })
    }

    /// The tables among these that a trace is missing; with the table `traces` if that is missing, too. None if the trace is done.
    ///
    /// # Errors
    /// The dataset cannot be read.
    pub fn missing(&self, key: &TraceKey, wanted: &[Table]) -> Result<Vec<Table>, FleetError> {
        if !self.has(Table::Traces, key)? {
            return Ok(with_traces(wanted));
        }
        let mut missing = Vec::new();
        for table in wanted {
            if !self.has(*table, key)? {
                missing.push(*table);
            }
        }
        Ok(missing)
    }

    fn has(&self, table: Table, key: &TraceKey) -> Result<bool, FleetError> {
        let folder = self.folder(table, key);
        let end = format!("-{}{ENDING}", key.id);
        let is_it = |name: &String| name.ends_with(&end) && !name.starts_with('.') && folder.join(name).is_file();
        Ok(names_in(&folder)?.iter().any(is_it))
    }

    fn folder(&self, table: Table, key: &TraceKey) -> PathBuf {
        self.root.join(table.name()).join(key.partition())
    }

    /// Begins the files of a trace that was recorded on a host.
    ///
    /// # Errors
    /// What an earlier run left cannot be removed.
    pub fn begin(&self, key: &TraceKey, host: &str) -> Result<TraceFiles<'_>, FleetError> {
        for table in Table::ALL {
            remove_leftovers(&self.folder(table, key), key)?;
        }
        let stem = format!("{}-{}", host_in_file_name(host), key.id);
        Ok(TraceFiles { dataset: self, key: key.clone(), stem, complete: Vec::new() })
    }
}

/// The tables in their order, with `traces`.
#[must_use]
pub fn with_traces(wanted: &[Table]) -> Vec<Table> {
    Table::ALL.into_iter().filter(|table| *table == Table::Traces || wanted.contains(table)).collect()
}

/// The files of one trace. Unless they are committed, nothing of them remains.
#[derive(Debug)]
pub struct TraceFiles<'d> {
    dataset: &'d Dataset,
    key: TraceKey,
    stem: String,
    complete: Vec<(Table, NamedTempFile)>,
}

impl TraceFiles<'_> {
    /// Writes the file of a table, not visible yet.
    ///
    /// # Errors
    /// Those of `rows`, or the file cannot be written.
    pub fn write(
        &mut self,
        table: Table,
        rows: impl FnOnce(&mut TableFile) -> Result<(), FleetError>,
    ) -> Result<(), FleetError> {
        let folder = self.dataset.folder(table, &self.key);
        fs::create_dir_all(&folder).map_err(FleetError::write(&folder))?;
        let part = hidden(&folder, &self.stem)?;
        let file = part.as_file().try_clone().map_err(FleetError::write(part.path()))?;
        let mut table_file = TableFile::new(file, tables::schema(table))?;
        rows(&mut table_file)?;
        table_file.finish()?;
        self.complete.push((table, part));
        Ok(())
    }

    /// Gives the files their names, that of the table `traces` last. Returns their size in bytes.
    ///
    /// # Errors
    /// A file cannot be written; then none of them remains.
    pub fn commit(mut self) -> Result<u64, FleetError> {
        self.complete.sort_by_key(|(table, _)| *table == Table::Traces);
        let (mut bytes, mut placed) = (0, Vec::new());
        for (table, part) in self.complete {
            let path = self.dataset.folder(table, &self.key).join(format!("{}{ENDING}", self.stem));
            let size = part.as_file().metadata().map_err(FleetError::read(&path));
            if let Err(error) = size.and_then(|size| {
                bytes += size.len();
                place(part, &path)
            }) {
                // What cannot be removed either is a complete file; the next export of the trace replaces it.
                placed.iter().for_each(|path: &PathBuf| drop(fs::remove_file(path)));
                return Err(error);
            }
            placed.push(path);
        }
        Ok(bytes)
    }
}

/// A new file under a hidden name, locked as long as it is open, and removed unless it is placed.
fn hidden(folder: &Path, stem: &str) -> Result<NamedTempFile, FleetError> {
    let prefix = format!(".{stem}.");
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(PART_ENDING);
    // Readable for others, as files are that a program makes: the process's mask applies.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.tempfile_in(folder).map_err(FleetError::write(folder))?;
    // Not every file system has locks; without them leftovers stay until they are removed by hand.
    drop(file.as_file().try_lock());
    Ok(file)
}

/// Gives a complete file its name.
fn place(part: NamedTempFile, path: &Path) -> Result<(), FleetError> {
    part.as_file().sync_all().map_err(FleetError::write(path))?;
    drop(part.as_file().unlock());
    part.persist(path).map_err(|error| FleetError::write(path)(error.error))?;
    Ok(())
}

/// Removes hidden files of a trace that no running program holds.
fn remove_leftovers(folder: &Path, key: &TraceKey) -> Result<(), FleetError> {
    let of_trace = format!("-{}.", key.id);
    for name in names_in(folder)? {
        if !(name.starts_with('.') && name.ends_with(PART_ENDING) && name.contains(&of_trace)) {
            continue;
        }
        let path = folder.join(name);
        let Ok(file) = File::open(&path) else { continue };
        if !matches!(file.try_lock(), Err(TryLockError::WouldBlock | TryLockError::Error(_))) {
            drop(file);
            fs::remove_file(&path).map_err(FleetError::write(&path))?;
        }
    }
    Ok(())
}

/// The names in a folder; none if it is not there.
fn names_in(folder: &Path) -> Result<Vec<String>, FleetError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(FleetError::read(folder)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(FleetError::read(folder))?;
        names.extend(entry.file_name().into_string());
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_base::file_reader::FileReader;

    fn key(content: u8) -> TraceKey {
        TraceKey::of(&FileReader::from_bytes(vec![content]), 134_168_904_000_000_000).expect("memory")
    }

    fn write(files: &mut TraceFiles<'_>, table: Table) {
        files.write(table, |_| Ok(())).expect("written");
    }

    /// Paths of all files below a folder, hidden ones included.
    fn files(folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        let mut open = vec![folder.to_owned()];
        while let Some(next) = open.pop() {
            for entry in fs::read_dir(next).expect("a folder").flatten() {
                let path = entry.path();
                match path.is_dir() {
                    true => open.push(path),
                    false => found.push(path.strip_prefix(folder).expect("below").display().to_string()),
                }
            }
        }
        found.sort();
        found
    }

    #[test]
    fn files_appear_together_and_are_done() {
        let folder = tempfile::tempdir().expect("a folder");
        let dataset = Dataset::open(folder.path()).expect("made");
        let key = key(1);
        let wanted = [Table::Suspects, Table::Tags];
        assert_eq!(dataset.missing(&key, &wanted).expect("read"), [Table::Traces, Table::Suspects, Table::Tags]);
        let mut trace = dataset.begin(&key, "A/B").expect("begun");
        for table in [Table::Traces, Table::Suspects, Table::Tags] {
            write(&mut trace, table);
        }
        assert!(files(folder.path()).iter().all(|name| !name.ends_with(ENDING)), "nothing is visible yet");
        assert!(trace.commit().expect("committed") > 0);
        let end = format!("date=2026-03-02/A_B-{}.parquet", key.id);
        let expected: Vec<String> = ["_poolscope.json".to_owned()]
            .into_iter()
            .chain(["suspects", "tags", "traces"].map(|table| format!("{table}/{end}")))
            .collect();
        assert_eq!(files(folder.path()), expected);
        assert_eq!(dataset.missing(&key, &wanted).expect("read"), []);
        assert_eq!(dataset.missing(&key, &[Table::Tags, Table::Modules]).expect("read"), [Table::Modules]);
        assert_eq!(dataset.missing(&super::tests::key(2), &[]).expect("read"), [Table::Traces]);
    }

    #[test]
    fn what_was_not_committed_is_gone_and_leftovers_are_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let dataset = Dataset::open(folder.path()).expect("made");
        let mut trace = dataset.begin(&key(1), "h").expect("begun");
        write(&mut trace, Table::Tags);
        let failed = trace.write(Table::Suspects, |_| Err(FleetError::Schema("x".to_owned())));
        assert!(failed.is_err());
        drop(trace);
        assert_eq!(files(folder.path()), ["_poolscope.json"]);
        // Of a program that was killed, and of another trace.
        let place = folder.path().join("tags/date=2026-03-02");
        let left = place.join(format!(".h-{}.abc.part", key(1).id));
        let other = place.join(format!(".h-{}.abc.part", key(2).id));
        for path in [&left, &other] {
            fs::write(path, b"half").expect("written");
        }
        let mut running = dataset.begin(&key(1), "h").expect("begun");
        assert!(!left.exists() && other.exists());
        write(&mut running, Table::Tags);
        let mut second = dataset.begin(&key(1), "h").expect("begun");
        write(&mut second, Table::Tags);
        running.commit().expect("what another program writes was left alone");
        second.commit().expect("the same file again");
        assert_eq!(files(folder.path()).len(), 3);
    }

    #[test]
    fn a_dataset_of_another_version_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(!Dataset::is_at(folder.path()));
        Dataset::open(folder.path()).expect("made");
        Dataset::open(folder.path()).expect("opened again");
        assert!(Dataset::is_at(folder.path()));
        for text in [r#"{"schema_version": 999}"#, "{}", "not JSON"] {
            fs::write(folder.path().join(VERSION_FILE), text).expect("written");
            let error = Dataset::open(folder.path()).expect_err("another version").to_string();
            assert!(error.contains("write to another folder"), "{error}");
        }
    }
}
