//! Cache of resolved names on disk, one small file per PDB, so that reopening a trace reads no PDB. Each file records the
//! size and time of the PDB it came from, because a private PDB has the same identity as its public copy.
//!
//! Unreadable files count as absent. PDB names come from a trace and are untrusted: file names are sanitized so that nothing
//! is written outside the folder.

use super::identity::PdbIdentity;
use super::names::{AddressSymbol, ModuleNames};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// First word of each file. The number is raised whenever names are resolved differently, which discards older files.
const MAGIC: &str = "poolscope names 2";

/// Size and time of a PDB file, to distinguish files of the same identity.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PdbStamp {
    /// File size.
    pub bytes: u64,
    /// Last write time in nanoseconds since 1970; 0 if unknown.
    pub modified_unix_ns: u64,
}

impl PdbStamp {
    /// The stamp of a file; `None` if its metadata cannot be read.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let data = fs::metadata(path).ok()?;
        let modified = data.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let modified_unix_ns = modified.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or_default();
        Some(Self { bytes: data.len(), modified_unix_ns })
    }
}

/// Names of one PDB in the cache.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CachedNames {
    /// The names.
    pub names: ModuleNames,
    /// PDB file that they come from; `None` for a built-in PDB.
    pub source: Option<PdbStamp>,
}

/// A folder of cached names.
#[derive(Clone, Debug)]
pub struct NameCache {
    folder: PathBuf,
}

impl NameCache {
    /// The cache in a folder, which is created when needed.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Path of the cache file of a PDB; the file may not exist.
    #[must_use]
    pub fn file(&self, identity: &PdbIdentity) -> PathBuf {
        self.folder.join(safe_name(&identity.file_name)).join(format!("{}.names", identity.store_key()))
    }

    /// Reads the names of a PDB; `None` if absent or damaged.
    #[must_use]
    pub fn get(&self, identity: &PdbIdentity) -> Option<CachedNames> {
        let bytes = fs::read(self.file(identity)).ok()?;
        let (head, body) = bytes.split_at(bytes.iter().position(|byte| *byte == b'\n')?);
        let body = body.get(1..)?;
        if head != header(identity, body).as_bytes() {
            return None;
        }
        let (source, answers): (Option<PdbStamp>, Vec<(u32, Option<AddressSymbol>)>) =
            serde_json::from_slice(body).ok()?;
        Some(CachedNames { names: ModuleNames::new(answers), source })
    }

    /// Adds names, replacing those of the same addresses; names from a different PDB file are discarded. Callers may ignore the
    /// error: the cache is optional.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put(&self, identity: &PdbIdentity, names: &ModuleNames, source: Option<PdbStamp>) -> io::Result<()> {
        let there = self.get(identity).unwrap_or_default();
        let is_same_file = there.source == source;
        let kept = if is_same_file { there.names } else { ModuleNames::default() };
        let own = |(rva, answer): (u32, Option<&AddressSymbol>)| (rva, answer.cloned());
        let merged = ModuleNames::new(kept.iter().chain(names.iter()).map(own).collect());
        if is_same_file && merged == kept {
            return Ok(());
        }
        let rows: Vec<(u32, Option<&AddressSymbol>)> = merged.iter().collect();
        let body = serde_json::to_vec(&(source, rows))?;
        let path = self.file(identity);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let temporary = path.with_extension(temporary_ending());
        let written = write(&temporary, header(identity, &body).as_bytes(), &body);
        // Renamed in one step, so that a concurrent reader never sees a partial file.
        let written = written.and_then(|()| fs::rename(&temporary, &path));
        if written.is_err() {
            // The first error is the one to report.
            let _best_effort = fs::remove_file(&temporary);
        }
        written
    }
}

fn write(path: &Path, head: &[u8], body: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(head)?;
    file.write_all(b"\n")?;
    file.write_all(body)?;
    file.flush()
}

/// A file extension that no other writer uses at the moment.
fn temporary_ending() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{}-{}.part", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// First line: magic, key of the PDB, checksum of the rest.
fn header(identity: &PdbIdentity, body: &[u8]) -> String {
    format!("{MAGIC} {} {:016x}", identity.store_key(), checksum(body))
}

/// FNV-1a.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// Maximum length of a folder name in characters.
const FOLDER_NAME_MAX: usize = 80;
/// Device names on Windows, with any extension.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// A PDB's name as a folder name that is valid on every system; names that differ only in case give the same folder.
fn safe_name(name: &str) -> String {
    let harmless = |c: char| if c.is_ascii_alphanumeric() || "-_+.".contains(c) { c.to_ascii_lowercase() } else { '_' };
    let safe: String = name.chars().take(FOLDER_NAME_MAX).map(harmless).collect();
    let stem = safe.split('.').next().unwrap_or_default().trim_end_matches(|c: char| c.is_ascii_digit());
    // A name of dots is another folder, and Windows drops trailing dots.
    if stem.is_empty() || safe.ends_with('.') || DEVICES.contains(&stem) { format!("_{safe}_") } else { safe }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{InlinedFunction, NameSource, SourceLine};
    use poolscope_base::guid::Guid;

    fn identity(name: &str) -> PdbIdentity {
        PdbIdentity { file_name: name.to_owned(), guid: Guid([3; 16]), age: 0x1a }
    }

    fn answer(function: &str) -> Option<AddressSymbol> {
        let line = Some(SourceLine { file: "c:\\src\\a \"b\".c".into(), line: 7 });
        let inlined = vec![InlinedFunction { function: "inner<int>".into(), line: line.clone() }];
        Some(AddressSymbol { function: function.into(), offset_bytes: 9, source: NameSource::Procedure, line, inlined })
    }

    /// An empty folder for one test.
    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("poolscope-names-{name}-{}", std::process::id()));
        let _may_not_be_there = fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn names_come_back_with_every_detail_and_add_up() {
        let folder = scratch("add-up");
        let cache = NameCache::new(&folder);
        let pdb = identity("My.pdb");
        assert_eq!(cache.get(&pdb), None);
        let source = Some(PdbStamp { bytes: 7, modified_unix_ns: 8 });
        cache.put(&pdb, &ModuleNames::new(vec![(1, answer("one")), (2, None)]), source).unwrap();
        cache.put(&pdb, &ModuleNames::new(vec![(2, answer("two")), (5, None)]), source).unwrap();
        let names = ModuleNames::new(vec![(1, answer("one")), (2, answer("two")), (5, None)]);
        assert_eq!(cache.get(&pdb), Some(CachedNames { names, source }));
        assert_eq!(cache.get(&PdbIdentity { age: 2, ..pdb.clone() }), None);
        let files: Vec<_> = fs::read_dir(folder.join("my.pdb")).unwrap().map(|f| f.unwrap().file_name()).collect();
        assert_eq!(files, ["030303030303030303030303030303031a.names"]);
        // Names from another file of this identity say nothing about those that were kept.
        let other = Some(PdbStamp { bytes: 9, modified_unix_ns: 8 });
        let names = ModuleNames::new(vec![(1, answer("private"))]);
        cache.put(&pdb, &names, other).unwrap();
        assert_eq!(cache.get(&pdb), Some(CachedNames { names, source: other }));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn damage_of_any_byte_is_noticed() {
        let folder = scratch("damage");
        let cache = NameCache::new(&folder);
        let pdb = identity("a.pdb");
        cache.put(&pdb, &ModuleNames::new(vec![(1, answer("one"))]), None).unwrap();
        let whole = fs::read(cache.file(&pdb)).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(cache.file(&pdb), &damaged).unwrap();
            assert_eq!(cache.get(&pdb), None, "byte {at}");
            fs::write(cache.file(&pdb), &whole[..at]).unwrap();
            assert_eq!(cache.get(&pdb), None, "cut at byte {at}");
        }
        cache.put(&pdb, &ModuleNames::new(vec![(4, None)]), None).unwrap();
        let names = ModuleNames::new(vec![(4, None)]);
        assert_eq!(cache.get(&pdb), Some(CachedNames { names, source: None }), "damaged files are written anew");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let cache = NameCache::new("base");
        for name in ["..", ".", "", "../../x", "a/b\\c", "c:x.pdb", "con.pdb", "NUL", "x.", "ü\0.pdb", "com1.pdb"] {
            let file = cache.file(&identity(name));
            let parts: Vec<_> = file.iter().map(|p| p.to_str().unwrap()).collect();
            assert_eq!((parts.len(), parts[0]), (3, "base"), "{name}");
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_+.".contains(c);
            assert!(parts[1].chars().all(is_plain) && parts[1] != ".." && parts[1] != ".", "{name}: {}", parts[1]);
        }
        let folder = |name| cache.file(&identity(name)).iter().nth(1).unwrap().to_str().unwrap().to_owned();
        let folders = ["..", "", "../x", "NtKrnlMp.pdb", "con.pdb", "comctl32.pdb"].map(folder);
        assert_eq!(folders, ["_.._", "__", "_.._x_", "ntkrnlmp.pdb", "_con.pdb_", "comctl32.pdb"]);
    }

    #[test]
    fn a_cache_that_cannot_be_written_says_so() {
        let file = scratch("file");
        fs::write(&file, b"x").unwrap();
        let cache = NameCache::new(&file);
        assert!(cache.put(&identity("a.pdb"), &ModuleNames::new(vec![(1, None)]), None).is_err());
        fs::remove_file(file).unwrap();
    }
}
