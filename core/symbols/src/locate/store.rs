//! Layout of symbol stores: two tiers (`name/key/name`), three tiers (`na/name/key/name`, marked by `index2.txt`), flat folders
//! with the subfolders that debuggers search, compressed files (`name.pd_`), and `file.ptr` redirects. Read-only.
//!
//! Names come from a trace and are untrusted: [`StorePath`] rejects those that could leave a store or mean a device on Windows.
//! Stores copied from Windows ignore case, so where the file system does not, a second search does.

use super::store_writer::WORK_FOLDER;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Ending of WPA's symbol caches.
pub(super) const SYMCACHE_ENDING: &str = ".symcache";
/// Folder of compressed PDBs beside plain ones, as PerfView keeps them.
const MSFZ_FOLDER: &str = "msfz0";
/// Maximum length of a file name in bytes; file systems allow 255 including suffixes.
const NAME_BYTES_MAX: usize = 180;
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Name and key of a file in a symbol store. The name has been checked to be safe.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct StorePath {
    /// File name without a folder.
    pub name: String,
    /// Key of the version: the folder below the name.
    pub key: String,
}

impl StorePath {
    /// A path for a file, or the reason why its name is rejected.
    pub fn new(name: &str, key: String) -> Result<Self, String> {
        match rejection_reason(name) {
            Some(why) => Err(why),
            None => Ok(Self { name: name.to_owned(), key }),
        }
    }

    /// Name of the compressed file: the last letter replaced by an underscore.
    pub fn compressed(&self) -> String {
        let mut name = self.name.clone();
        name.pop();
        name.push('_');
        name
    }

    /// Name of the file that WPA makes of a PDB, in the same folder of its symbol cache.
    pub fn symcache(&self) -> String {
        format!("{}-v3.1.0{SYMCACHE_ENDING}", self.name)
    }

    /// First folder in three-tier stores: the first two characters.
    pub fn prefix(&self) -> String {
        self.name.chars().take(2).collect()
    }

    /// Folder of the file below the root of a store.
    pub fn folder(&self, prefixed: bool) -> PathBuf {
        let below = PathBuf::from(&self.name).join(&self.key);
        if prefixed { PathBuf::from(self.prefix()).join(below) } else { below }
    }

    /// URL of a file in its folder on a server.
    pub fn url(&self, server: &str, prefixed: bool, leaf: &str) -> String {
        let prefix = if prefixed { format!("{}/", escaped(&self.prefix())) } else { String::new() };
        format!("{server}/{prefix}{}/{}/{}", escaped(&self.name), self.key, escaped(leaf))
    }

    /// Prefix of the names of lock and temporary files. Names that differ only in case share one.
    pub fn stem(&self) -> String {
        format!("{}-{}", self.name.to_lowercase(), self.key)
    }
}

fn rejection_reason(name: &str) -> Option<String> {
    let device = name.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let numbered = |start: &str| {
        device.strip_prefix(start).is_some_and(|rest| rest.len() == 1 && rest.as_bytes()[0].is_ascii_digit())
    };
    let why = if name.is_empty() {
        "the name is empty".to_owned()
    } else if let Some(bad) = name.chars().find(|&c| c.is_control() || "/\\:*?\"<>|".contains(c)) {
        format!("it contains the character {bad:?}")
    } else if name.ends_with(['.', ' ']) || name.starts_with(' ') {
        "it starts or ends with a dot or a space".to_owned()
    } else if name.to_ascii_lowercase().starts_with(WORK_FOLDER) {
        "it is reserved for temporary files".to_owned()
    } else if DEVICES.contains(&device.as_str()) || numbered("com") || numbered("lpt") {
        "it is a device name on Windows".to_owned()
    } else if name.len() > NAME_BYTES_MAX {
        format!("it is {} bytes long, more than {NAME_BYTES_MAX}", name.len())
    } else {
        return None;
    };
    Some(format!("the name {} is rejected: {why}", shown(name)))
}

/// An untrusted name, escaped and shortened to one line.
fn shown(name: &str) -> String {
    let start: String = name.chars().take(60).collect();
    format!("{start:?}")
}

/// Percent-encodes bytes that are not allowed in a URL path segment.
fn escaped(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Maximum number of entries of a store's root that are listed for the search that ignores case.
const LISTED_MAX: usize = 500_000;
/// Subfolders of a flat folder that debuggers search.
const FLAT_BELOW: [&str; 6] = ["dll", "exe", "sys", "symbols/dll", "symbols/exe", "symbols/sys"];

/// A candidate for the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum StoreEntry {
    /// The file itself.
    File(PathBuf),
    /// The compressed file.
    Compressed(PathBuf),
    /// A `file.ptr`.
    Pointer(PathBuf),
}

impl StoreEntry {
    fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Compressed(path) | Self::Pointer(path) => path,
        }
    }
}

/// Reason why a folder cannot be searched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum FolderError {
    /// It does not exist.
    Missing,
    /// Access denied.
    Denied(String),
    /// Any other error.
    Unreachable(String),
}

/// Cached listings of stores' roots, which can be large: names as written by name in lower case.
#[derive(Debug, Default)]
pub(super) struct FolderListings(Mutex<FxHashMap<PathBuf, Arc<FolderEntries>>>);

type FolderEntries = FxHashMap<String, Vec<OsString>>;

/// All candidates in a folder, most likely first.
pub(super) fn find_candidates(
    root: &Path,
    wanted: &StorePath,
    listings: &FolderListings,
) -> Result<Vec<StoreEntry>, FolderError> {
    match std::fs::metadata(root) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(FolderError::Unreachable(format!("{} is a file, not a folder", root.display()))),
        Err(error) => return Err(folder_error(root, &error)),
    }
    let mut hits = Vec::new();
    let mut denied = None;
    let prefixed_first = root.join("index2.txt").is_file();
    for prefixed in [prefixed_first, !prefixed_first] {
        add_exact(&root.join(wanted.folder(prefixed)), wanted, true, &mut hits, &mut denied);
    }
    add_exact(root, wanted, false, &mut hits, &mut denied);
    for below in FLAT_BELOW {
        add_exact(&root.join(below), wanted, false, &mut hits, &mut denied);
    }
    if !cfg!(windows) {
        add_ignoring_case(root, wanted, listings, &mut hits);
    }
    // After PDBs: a symbol cache has no lines and no inlined functions.
    for prefixed in [prefixed_first, !prefixed_first] {
        let file = root.join(wanted.folder(prefixed)).join(wanted.symcache());
        if file.is_file() {
            hits.push(StoreEntry::File(file));
        }
    }
    match denied {
        Some(problem) if hits.is_empty() => Err(problem),
        _ => Ok(hits),
    }
}

fn folder_error(folder: &Path, error: &io::Error) -> FolderError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FolderError::Missing,
        io::ErrorKind::PermissionDenied => {
            FolderError::Denied(format!("no permission to read {}; ask its owner for access", folder.display()))
        }
        _ => FolderError::Unreachable(format!("{} cannot be read: {error}", folder.display())),
    }
}

/// Adds candidates of exactly these names in one folder.
fn add_exact(
    folder: &Path,
    wanted: &StorePath,
    keyed: bool,
    hits: &mut Vec<StoreEntry>,
    denied: &mut Option<FolderError>,
) {
    let mut names =
        vec![StoreEntry::File(folder.join(&wanted.name)), StoreEntry::Compressed(folder.join(wanted.compressed()))];
    if keyed {
        names.insert(1, StoreEntry::File(folder.join(MSFZ_FOLDER).join(&wanted.name)));
        names.push(StoreEntry::Pointer(folder.join("file.ptr")));
    }
    for hit in names {
        match std::fs::metadata(hit.path()) {
            Ok(found) if found.is_file() => hits.push(hit),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                *denied = Some(folder_error(folder, &error));
            }
            _ => {}
        }
    }
}

/// Adds candidates whose file or folder names differ only in case.
fn add_ignoring_case(root: &Path, wanted: &StorePath, listings: &FolderListings, hits: &mut Vec<StoreEntry>) {
    let names = listings.names(root);
    let in_root = |name: &str| -> Vec<PathBuf> {
        let found = names.get(&name.to_lowercase()).map(Vec::as_slice).unwrap_or_default();
        found.iter().map(|name| root.join(name)).collect()
    };
    let mut by_name = in_root(&wanted.name);
    by_name.extend(in_root(&wanted.prefix()).iter().flat_map(|folder| entries_named(folder, &wanted.name)));
    let leaves = by_name.iter().flat_map(|folder| entries_named(folder, &wanted.key));
    let mut folders: Vec<(PathBuf, bool)> = leaves.map(|folder| (folder, true)).collect();
    folders.extend(FLAT_BELOW.iter().map(|below| (root.join(below), false)));
    let mut add = |hit: StoreEntry| {
        if !hits.contains(&hit) && hit.path().is_file() {
            hits.push(hit);
        }
    };
    for (folder, keyed) in folders {
        entries_named(&folder, &wanted.name).into_iter().for_each(|path| add(StoreEntry::File(path)));
        entries_named(&folder, &wanted.compressed()).into_iter().for_each(|path| add(StoreEntry::Compressed(path)));
        if keyed {
            entries_named(&folder, "file.ptr").into_iter().for_each(|path| add(StoreEntry::Pointer(path)));
        }
    }
    by_name.into_iter().for_each(|path| add(StoreEntry::File(path)));
    in_root(&wanted.compressed()).into_iter().for_each(|path| add(StoreEntry::Compressed(path)));
}

/// Entries of a folder with this name in any case, sorted.
fn entries_named(folder: &Path, name: &str) -> Vec<PathBuf> {
    let wanted = name.to_lowercase();
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let names = entries.flatten().map(|entry| entry.file_name());
    let mut found: Vec<OsString> = names.filter(|name| name.to_string_lossy().to_lowercase() == wanted).collect();
    found.sort();
    found.into_iter().map(|name| folder.join(name)).collect()
}

impl FolderListings {
    fn names(&self, root: &Path) -> Arc<FolderEntries> {
        if let Some(known) = self.0.lock().get(root) {
            return Arc::clone(known);
        }
        let mut names = FolderEntries::default();
        if let Ok(entries) = std::fs::read_dir(root) {
            for entry in entries.flatten().take(LISTED_MAX) {
                let name = entry.file_name();
                names.entry(name.to_string_lossy().to_lowercase()).or_default().push(name);
            }
        }
        #[expect(clippy::iter_over_hash_type, reason = "each value is sorted by itself")]
        for same in names.values_mut() {
            same.sort();
        }
        let names = Arc::new(names);
        self.0.lock().insert(root.to_path_buf(), Arc::clone(&names));
        names
    }
}

/// Maximum number of bytes read from a `file.ptr`.
const FILE_PTR_BYTES_MAX: u64 = 64 * 1024;

/// Content of a `file.ptr`, which redirects to a file elsewhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum FilePtr {
    /// Path of the file.
    Path(PathBuf),
    /// A message instead of a path.
    Message(String),
    /// It cannot be followed; the reason.
    Invalid(String),
}

/// Reads a `file.ptr`. `windows`: Windows paths can be opened.
pub(super) fn read_file_ptr(file: &Path, windows: bool) -> FilePtr {
    let mut bytes = Vec::new();
    match std::fs::File::open(file).and_then(|file| file.take(FILE_PTR_BYTES_MAX).read_to_end(&mut bytes)) {
        Ok(_) => parse_file_ptr(&bytes, windows),
        Err(error) => FilePtr::Invalid(format!("file.ptr cannot be read: {error}")),
    }
}

/// Parses a `file.ptr`: `PATH:` and a path, `MSG:` and a message, or a path alone.
pub(super) fn parse_file_ptr(bytes: &[u8], windows: bool) -> FilePtr {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}').trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let upper: String = text.chars().take(5).collect::<String>().to_ascii_uppercase();
    if upper.starts_with("MSG:") {
        return FilePtr::Message(text[4..].trim().to_owned());
    }
    let path = if upper.starts_with("PATH:") { text[5..].trim() } else { text };
    let path = path.trim_matches('"');
    if path.is_empty() || path.contains(|c: char| c.is_control()) || path.chars().count() > 2_000 {
        return FilePtr::Invalid("file.ptr does not name a file".to_owned());
    }
    let drive = path.as_bytes().get(1) == Some(&b':') && path.starts_with(|c: char| c.is_ascii_alphabetic());
    let of_windows = drive || path.starts_with("\\\\");
    if of_windows && !windows {
        return FilePtr::Invalid(format!(
            "file.ptr points to {path}, which only Windows can open; copy that file to this machine"
        ));
    }
    if !of_windows && !path.starts_with('/') {
        return FilePtr::Invalid(format!("file.ptr points to {path}, which is not an absolute path"));
    }
    FilePtr::Path(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_lead_out_are_refused() {
        let bad = [
            "",
            "..",
            ".",
            "a/b.pdb",
            "a\\b.pdb",
            "../a.pdb",
            "C:x.pdb",
            "a\0.pdb",
            "a.pdb.",
            "a.pdb ",
            "nul",
            "NUL.pdb",
            "com1.pdb",
            "aux .pdb",
            "a\n.pdb",
            "a*.pdb",
            "a|b",
            ".poolscope",
            ".PoolScope",
        ];
        for name in bad {
            assert!(StorePath::new(name, "K".to_owned()).is_err(), "{name:?}");
        }
        assert!(StorePath::new(&"a".repeat(181), "K".to_owned()).is_err());
        for name in ["ntkrnlmp.pdb", "my driver.pdb", "null.pdb", "comm.pdb", "Привет.pdb", "a..b.pdb", "x"] {
            assert!(StorePath::new(name, "K".to_owned()).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn places_are_written_as_stores_do() {
        let wanted = StorePath::new("my drv.pdb", "AB1".to_owned()).unwrap();
        assert_eq!(wanted.compressed(), "my drv.pd_");
        assert_eq!(wanted.folder(true), PathBuf::from("my").join("my drv.pdb").join("AB1"));
        assert_eq!(wanted.url("http://s", false, "my drv.pd_"), "http://s/my%20drv.pdb/AB1/my%20drv.pd_");
        assert_eq!(wanted.url("http://s", true, "file.ptr"), "http://s/my/my%20drv.pdb/AB1/file.ptr");
    }

    #[test]
    fn pointers_are_followed_told_or_refused() {
        let path = |text: &str| FilePtr::Path(PathBuf::from(text));
        assert_eq!(parse_file_ptr(b"PATH:\\\\build\\drop\\a.pdb\r\n", true), path("\\\\build\\drop\\a.pdb"));
        assert_eq!(parse_file_ptr(b"\\\\build\\drop\\a.pdb", true), path("\\\\build\\drop\\a.pdb"));
        assert_eq!(parse_file_ptr(b"path: /mnt/a.pdb\n", false), path("/mnt/a.pdb"));
        assert_eq!(
            parse_file_ptr(b"MSG: Not kept any more\n", false),
            FilePtr::Message("Not kept any more".to_owned())
        );
        for (text, says) in
            [("PATH:C:\\a.pdb", "only Windows"), ("a.pdb", "not an absolute path"), ("PATH:", "not name a file")]
        {
            assert!(
                matches!(parse_file_ptr(text.as_bytes(), false), FilePtr::Invalid(why) if why.contains(says)),
                "{text}"
            );
        }
    }
}
