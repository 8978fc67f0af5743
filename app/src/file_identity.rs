//! One name for one file, however it was written: absolute, without `.` and `..`, links followed, in the case that the system
//! has. Tabs, recent files and what is remembered of a trace go by it. It asks the file system, so it belongs in the background.

use std::path::{Component, Path, PathBuf};

/// Longest path that Windows takes without the prefix that says it may be longer.
const LONGEST_PLAIN: usize = 259;
/// Names that Windows takes for devices, with any ending and without the prefix.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// The name of a file. Of one that is not there, as much as is known: its folder's, or else the path alone.
#[must_use]
pub fn identity(path: &Path) -> PathBuf {
    if let Ok(found) = path.canonicalize() {
        return plain(&found);
    }
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let whole = absolute.parent().zip(absolute.file_name());
    match whole.and_then(|(folder, name)| Some(plain(&folder.canonicalize().ok()?).join(name))) {
        Some(found) => found,
        None => normalized(&absolute),
    }
}

/// A path without `.` and `..`, by its words alone.
fn normalized(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            // Above the root is the root.
            Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    plain
}

/// A path as people write it: Windows answers with a prefix (`\\?\`) that other programs do not take.
fn plain(path: &Path) -> PathBuf {
    match path.to_str().and_then(without_prefix) {
        Some(text) => PathBuf::from(text),
        None => path.to_path_buf(),
    }
}

/// The text of a path without its prefix, if it means the same without.
fn without_prefix(text: &str) -> Option<String> {
    let rest = text.strip_prefix(r"\\?\")?;
    let (start, names) = match rest.strip_prefix(r"UNC\") {
        Some(share) => (r"\\", share),
        None if rest.get(1..3) == Some(r":\") => ("", rest.get(3..)?),
        None => return None,
    };
    let needs_prefix = |name: &str| {
        let stem = name.split('.').next().unwrap_or_default().trim_end_matches(|c: char| c.is_ascii_digit());
        name.ends_with(['.', ' ']) || DEVICES.iter().any(|device| stem.eq_ignore_ascii_case(device))
    };
    let whole = if start.is_empty() { rest.to_owned() } else { format!("{start}{names}") };
    (whole.chars().count() <= LONGEST_PLAIN && !names.split('\\').any(needs_prefix)).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_has_one_name() {
        let folder = std::env::temp_dir().join(format!("poolscope-identity-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("inner")).expect("a folder");
        let file = folder.join("a.etl");
        std::fs::write(&file, b"x").expect("a file");
        let name = identity(&file);
        assert!(name.is_absolute() && name.ends_with("a.etl"), "{}", name.display());
        let around = folder.join("inner").join("..").join(".").join("a.etl");
        assert_eq!(identity(&around), name);
        // One that is not there has the same name as once it is.
        let missing = folder.join("inner").join("..").join("late.etl");
        let before = identity(&missing);
        std::fs::write(&missing, b"x").expect("a file");
        assert_eq!(identity(&missing), before);
        assert_eq!(identity(Path::new("nowhere/x/../y.etl")), std::path::absolute("nowhere/y.etl").expect("a path"));
        #[cfg(unix)]
        {
            let link = folder.join("link.etl");
            std::os::unix::fs::symlink(&file, &link).expect("a link");
            assert_eq!(identity(&link), name);
        }
        #[cfg(any(windows, target_os = "macos"))]
        assert_eq!(identity(&folder.join("A.ETL")), name, "as the system has it");
        std::fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn the_prefix_of_windows_goes_where_it_may() {
        let without = |text: &str| without_prefix(text);
        assert_eq!(without(r"\\?\C:\a\b.etl").as_deref(), Some(r"C:\a\b.etl"));
        assert_eq!(without(r"\\?\UNC\server\share\b.etl").as_deref(), Some(r"\\server\share\b.etl"));
        for kept in [r"\\?\Volume{1}\b.etl", r"\\?\C:\nul.etl", r"\\?\C:\com1\b.etl", r"\\?\C:\a.\b.etl", r"C:\b.etl"] {
            assert_eq!(without(kept), None, "{kept}");
        }
        assert_eq!(without(&format!(r"\\?\C:\{}", "x".repeat(300))), None, "too long without it");
        assert_eq!(without(r"\\?\C:\comments\b.etl").as_deref(), Some(r"C:\comments\b.etl"));
    }
}
