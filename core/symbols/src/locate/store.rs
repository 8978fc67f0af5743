//! Looks for files in a folder: a store of two tiers (`name/key/name`) or three (`na/name/key/name`), or a flat folder.
//! Stores that came from Windows know no upper and lower case, so neither does a second look. Nothing is written here.

use super::name::Wanted;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Roots with more entries are not listed: exact names are found all the same.
const LISTED_MAX: usize = 500_000;
/// Where debuggers look below a flat folder.
const FLAT_BELOW: [&str; 6] = ["dll", "exe", "sys", "symbols/dll", "symbols/exe", "symbols/sys"];

/// Something that may be the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Hit {
    /// The file itself.
    File(PathBuf),
    /// Its compressed form.
    Compressed(PathBuf),
    /// A word on where it is.
    Pointer(PathBuf),
}

impl Hit {
    fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Compressed(path) | Self::Pointer(path) => path,
        }
    }
}

/// Why a folder cannot be looked into.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum FolderProblem {
    /// It is not there.
    Missing,
    /// No rights.
    Denied(String),
    /// Anything else.
    Unreachable(String),
}

/// Names in the roots of stores, in lower case, with the names as written: listed once, since they can be many.
#[derive(Debug, Default)]
pub(super) struct Listings(Mutex<FxHashMap<PathBuf, Arc<Names>>>);

type Names = FxHashMap<String, Vec<OsString>>;

/// Everything in a folder that may be the file, the likeliest first.
pub(super) fn look(root: &Path, wanted: &Wanted, listings: &Listings) -> Result<Vec<Hit>, FolderProblem> {
    match std::fs::metadata(root) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(FolderProblem::Unreachable(format!("{} is a file, not a folder", root.display()))),
        Err(error) => return Err(folder_problem(root, &error)),
    }
    let mut hits = Vec::new();
    let mut denied = None;
    let prefixed_first = root.join("index2.txt").is_file();
    for prefixed in [prefixed_first, !prefixed_first] {
        exact(&root.join(wanted.folder(prefixed)), wanted, true, &mut hits, &mut denied);
    }
    exact(root, wanted, false, &mut hits, &mut denied);
    for below in FLAT_BELOW {
        exact(&root.join(below), wanted, false, &mut hits, &mut denied);
    }
    if !cfg!(windows) {
        any_case(root, wanted, listings, &mut hits);
    }
    match denied {
        Some(problem) if hits.is_empty() => Err(problem),
        _ => Ok(hits),
    }
}

fn folder_problem(folder: &Path, error: &io::Error) -> FolderProblem {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FolderProblem::Missing,
        io::ErrorKind::PermissionDenied => {
            FolderProblem::Denied(format!("no right to read {}; ask its owner for it", folder.display()))
        }
        _ => FolderProblem::Unreachable(format!("{} cannot be read: {error}", folder.display())),
    }
}

/// Files of exactly these names in one folder.
fn exact(folder: &Path, wanted: &Wanted, keyed: bool, hits: &mut Vec<Hit>, denied: &mut Option<FolderProblem>) {
    let mut names = vec![Hit::File(folder.join(&wanted.name)), Hit::Compressed(folder.join(wanted.compressed()))];
    if keyed {
        names.push(Hit::Pointer(folder.join("file.ptr")));
    }
    for hit in names {
        match std::fs::metadata(hit.path()) {
            Ok(found) if found.is_file() => hits.push(hit),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                *denied = Some(folder_problem(folder, &error));
            }
            _ => {}
        }
    }
}

/// Files whose names and folders differ in case only.
fn any_case(root: &Path, wanted: &Wanted, listings: &Listings, hits: &mut Vec<Hit>) {
    let names = listings.names(root);
    let in_root = |name: &str| -> Vec<PathBuf> {
        let found = names.get(&name.to_lowercase()).map(Vec::as_slice).unwrap_or_default();
        found.iter().map(|name| root.join(name)).collect()
    };
    let mut by_name = in_root(&wanted.name);
    by_name.extend(in_root(&wanted.prefix()).iter().flat_map(|folder| matching(folder, &wanted.name)));
    let leaves = by_name.iter().flat_map(|folder| matching(folder, &wanted.key));
    let mut folders: Vec<(PathBuf, bool)> = leaves.map(|folder| (folder, true)).collect();
    folders.extend(FLAT_BELOW.iter().map(|below| (root.join(below), false)));
    let mut add = |hit: Hit| {
        if !hits.contains(&hit) && hit.path().is_file() {
            hits.push(hit);
        }
    };
    for (folder, keyed) in folders {
        matching(&folder, &wanted.name).into_iter().for_each(|path| add(Hit::File(path)));
        matching(&folder, &wanted.compressed()).into_iter().for_each(|path| add(Hit::Compressed(path)));
        if keyed {
            matching(&folder, "file.ptr").into_iter().for_each(|path| add(Hit::Pointer(path)));
        }
    }
    by_name.into_iter().for_each(|path| add(Hit::File(path)));
    in_root(&wanted.compressed()).into_iter().for_each(|path| add(Hit::Compressed(path)));
}

/// Entries of a folder with this name in any case, in order.
fn matching(folder: &Path, name: &str) -> Vec<PathBuf> {
    let wanted = name.to_lowercase();
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let names = entries.flatten().map(|entry| entry.file_name());
    let mut found: Vec<OsString> = names.filter(|name| name.to_string_lossy().to_lowercase() == wanted).collect();
    found.sort();
    found.into_iter().map(|name| folder.join(name)).collect()
}

impl Listings {
    fn names(&self, root: &Path) -> Arc<Names> {
        if let Some(known) = self.0.lock().get(root) {
            return Arc::clone(known);
        }
        let mut names = Names::default();
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
