//! The tags of a trace in the driver files of a folder, as `findstr` is used for today. For the command line and the window
//! alike. It must never open anything but regular files whose name ends in `.sys`.

use poolscope_base::bytes::FileMap;
use poolscope_analysis::group::parallel::Cancel;
use poolscope_analysis::leaks::owner::{ScannedDrivers, TagSet, scan_driver};
use poolscope_analysis::trace::Trace;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Folders within folders are followed this far down: the system's store of drivers has two levels.
const DEEPEST: usize = 8;

/// What a folder of drivers gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DriverScan {
    /// The tags by file. Files of one name in several folders are one.
    pub drivers: ScannedDrivers,
    /// Files and folders that could not be read, a sentence each.
    pub problems: Vec<String>,
}

/// The tags of a trace, to be looked for.
#[must_use]
pub fn tags_of(trace: &Trace) -> TagSet {
    TagSet::new(trace.attributes.rows().iter().map(|context| context.tag.0))
}

/// Looks through the `.sys` files of a folder and those below it, on the current rayon pool.
///
/// # Errors
/// A sentence: the folder cannot be read, it holds no driver, or `cancel` said so.
pub fn scan_folder(folder: &Path, tags: &TagSet, cancel: Cancel<'_>) -> Result<DriverScan, String> {
    let mut problems = Vec::new();
    let mut files = Vec::new();
    let shown = folder.display();
    std::fs::read_dir(folder).map_err(|error| format!("The folder of drivers {shown} cannot be read: {error}."))?;
    list(folder, 0, &mut files, &mut problems);
    if files.is_empty() {
        return Err(format!("The folder {shown} holds no driver file (.sys)."));
    }
    let look = |path: &PathBuf| {
        if cancel() {
            return None;
        }
        let found = FileMap::open(path).map(|map| map.map_or_else(Vec::new, |map| scan_driver(map.bytes(), tags)));
        Some(found.map_err(|error| format!("{} cannot be read: {error}.", path.display())))
    };
    let looked: Option<Vec<_>> = files.par_iter().map(look).collect();
    let Some(looked) = looked else { return Err("The search through the drivers was cancelled.".to_owned()) };
    // By name in small letters: its first spelling, and the tags with the most places in any file of the name.
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

/// Adds the driver files of a folder, in the order of their names. Links are not followed.
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
        if is_folder && depth < DEEPEST {
            list(&path, depth + 1, files, problems);
        } else if !is_folder && is_driver {
            files.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_analysis::group::parallel::never;

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
    fn drivers_of_a_folder_are_looked_through() {
        let folder = scratch("found");
        let put = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
        put("myfault.sys", b"\x41\xb8Leak\x90\xb8Leak\x90\xb8Abc \x90");
        put("clean.SYS", b"nothing in here");
        put("empty.sys", b"");
        put("program.exe", b"\xb8Leak");
        put("deep/other.sys", b"\xb8Leak");
        put("deep/er/MyFault.sys", b"\xb8Leak\x90\xb8Leak\x90\xb8Leak\x90");
        let found = scan_folder(&folder, &tags(), &never).unwrap();
        let (abc, leak) = (*b"Abc ", *b"Leak");
        let files =
            vec![("MyFault.sys".to_owned(), vec![(abc, 1), (leak, 3)]), ("other.sys".to_owned(), vec![(leak, 1)])];
        assert_eq!(found, DriverScan { drivers: ScannedDrivers { files, scanned_files: 4 }, problems: vec![] });
        assert!(scan_folder(&folder, &tags(), &|| true).unwrap_err().contains("cancelled"));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_no_folder_of_drivers_is_told() {
        let folder = scratch("none");
        let error = scan_folder(&folder, &tags(), &never).unwrap_err();
        assert!(error.ends_with("holds no driver file (.sys)."), "{error}");
        let error = scan_folder(&folder.join("gone"), &tags(), &never).unwrap_err();
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
        let found = scan_folder(&folder, &tags(), &never).unwrap();
        assert_eq!((found.drivers.scanned_files, found.problems.len()), (1, 0));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
