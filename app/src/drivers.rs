//! Search for the tags of a trace in the driver files of a folder, like `findstr` on `*.sys`. Opens regular files with the extension
//! `.sys` only.

use poolscope_analysis::group::parallel::Cancel;
use poolscope_analysis::leaks::owner::{ScannedDrivers, TagOccurrences, TagSet, scan_driver};
use poolscope_analysis::trace::Trace;
use poolscope_base::file_reader::FileReader;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Upper bound on nested folders; the driver store of Windows has two levels.
const MAX_DEPTH: usize = 8;
/// Upper bound on the size of a driver file; the largest have about 100 MB.
const MAX_DRIVER_BYTES: u64 = 1 << 30;

/// Result of a scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DriverScan {
    /// Tags by file. Files with the same name in several folders are combined.
    pub drivers: ScannedDrivers,
    /// A sentence about each file or folder that cannot be read.
    pub problems: Vec<String>,
}

/// The tags of a trace.
#[must_use]
pub fn tags_of(trace: &Trace) -> TagSet {
    TagSet::new(trace.attributes.rows().iter().map(|context| context.tag.0))
}

/// Searches the `.sys` files of a folder and its subfolders, on the current rayon pool.
///
/// # Errors
/// A sentence: the folder cannot be read or contains no driver, or the scan was cancelled.
pub fn scan_folder(folder: &Path, tags: &TagSet, cancel: Cancel<'_>) -> Result<DriverScan, String> {
    let mut problems = Vec::new();
    let mut files = Vec::new();
    let shown = folder.display();
    std::fs::read_dir(folder).map_err(|error| format!("The driver folder {shown} cannot be read: {error}."))?;
    list(folder, 0, &mut files, &mut problems);
    if files.is_empty() {
        return Err(format!("The folder {shown} contains no driver files (.sys)."));
    }
    let look = |path: &PathBuf| {
        if cancel() {
            return None;
        }
        Some(tags_in(path, tags).map_err(|error| format!("{} cannot be read: {error}.", path.display())))
    };
    let looked: Option<Vec<_>> = files.par_iter().map(look).collect();
    let Some(looked) = looked else { return Err("The driver scan was cancelled.".to_owned()) };
    // By lower-case name: the first spelling, and for each tag the most occurrences in any file of that name.
    let mut by_name: BTreeMap<String, (String, BTreeMap<[u8; 4], u64>)> = BTreeMap::new();
    for (path, found) in files.iter().zip(looked) {
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        match found {
            Ok(found) => {
                let of_name = by_name.entry(name.to_lowercase()).or_insert_with(|| (name, BTreeMap::new()));
                for (tag, places) in found {
                    let most = of_name.1.entry(tag).or_default();
                    *most = places.max(*most);
                }
            }
            Err(problem) => problems.push(problem),
        }
    }
    let looked_at = by_name.len() as u64;
    let with_tags = by_name.into_values().filter(|(_, tags)| !tags.is_empty());
    let files = with_tags.map(|(name, tags)| (name, tags.into_iter().collect())).collect();
    Ok(DriverScan { drivers: ScannedDrivers { files, scanned_files: looked_at }, problems })
}

/// The tags that a driver file contains, with the number of their occurrences.
fn tags_in(path: &Path, tags: &TagSet) -> Result<TagOccurrences, String> {
    let file = FileReader::open(path).map_err(|error| error.to_string())?;
    let bytes = file.read_all(MAX_DRIVER_BYTES).map_err(|error| error.to_string())?;
    Ok(scan_driver(&bytes, tags))
}

/// Collects the driver files of a folder, sorted by name. Links are not followed.
fn list(folder: &Path, depth: usize, files: &mut Vec<PathBuf>, problems: &mut Vec<String>) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            problems.push(format!("{} cannot be read: {error}.", folder.display()));
            return;
        }
    };
    let mut entries: Vec<(PathBuf, bool)> = entries
        .flatten()
        .filter_map(|entry| {
            let kind = entry.file_type().ok()?;
            (kind.is_dir() || kind.is_file()).then(|| (entry.path(), kind.is_dir()))
        })
        .collect();
    entries.sort();
    for (path, is_folder) in entries {
        let is_driver = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("sys"));
        if is_folder && depth < MAX_DEPTH {
            list(&path, depth + 1, files, problems);
        } else if !is_folder && is_driver {
            files.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_analysis::group::parallel::not_cancelled;

    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("poolscope-drivers-{name}-{}", std::process::id()));
        match std::fs::remove_dir_all(&folder) {
            Ok(()) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
        }
        std::fs::create_dir_all(folder.join("deep").join("er")).unwrap();
        folder
    }

    fn tags() -> TagSet {
        TagSet::new([*b"Leak", *b"Abc "])
    }

    #[test]
    fn drivers_of_a_folder_are_searched() {
        let folder = scratch("found");
        let put = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
        put("myfault.sys", b"\x41\xb8Leak\x90\xb8Leak\x90\xb8Abc \x90");
        put("clean.SYS", b"nothing in here");
        put("empty.sys", b"");
        put("program.exe", b"\xb8Leak");
        put("deep/other.sys", b"\xb8Leak");
        put("deep/er/MyFault.sys", b"\xb8Leak\x90\xb8Leak\x90\xb8Leak\x90");
        let found = scan_folder(&folder, &tags(), &not_cancelled).unwrap();
        let (abc, leak) = (*b"Abc ", *b"Leak");
        let files =
            vec![("MyFault.sys".to_owned(), vec![(abc, 1), (leak, 3)]), ("other.sys".to_owned(), vec![(leak, 1)])];
        assert_eq!(found, DriverScan { drivers: ScannedDrivers { files, scanned_files: 4 }, problems: vec![] });
        assert!(scan_folder(&folder, &tags(), &|| true).unwrap_err().contains("cancelled"));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn other_folders_are_errors() {
        let folder = scratch("none");
        let error = scan_folder(&folder, &tags(), &not_cancelled).unwrap_err();
        assert!(error.ends_with("contains no driver files (.sys)."), "{error}");
        let error = scan_folder(&folder.join("gone"), &tags(), &not_cancelled).unwrap_err();
        assert!(error.contains("cannot be read"), "{error}");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let folder = scratch("links");
        std::fs::write(folder.join("a.sys"), b"\xb8Leak").unwrap();
        std::os::unix::fs::symlink(&folder, folder.join("deep").join("round")).unwrap();
        std::os::unix::fs::symlink(folder.join("gone"), folder.join("b.sys")).unwrap();
        let found = scan_folder(&folder, &tags(), &not_cancelled).unwrap();
        assert_eq!((found.drivers.scanned_files, found.problems.len()), (1, 0));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
