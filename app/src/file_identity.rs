//! Canonical path of a file: absolute, without `.` and `..`, links resolved, in the case of the file system. Identifies the file in
//! tabs, recent files and saved state. It accesses the file system, so it is called in the background only.

use crate::trace_location::{self, TraceLocation};
use std::path::{Component, Path, PathBuf};

/// Longest path that Windows accepts without the prefix `\\?\`.
const MAX_PATH_WITHOUT_PREFIX: usize = 259;
/// Device names of Windows, reserved with any extension in paths without the prefix.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// Canonical path of a file. If the file does not exist, its name in the canonical folder; else the normalized path. The canonical
/// path of a member of an archive is that of the archive, and the member as written.
#[must_use]
pub fn identity(path: &Path) -> PathBuf {
    let parts = trace_location::parts_of(path);
    if parts.len() > 1 {
        let parts: Vec<PathBuf> = parts.iter().map(|part| identity(part)).collect();
        return trace_location::join_parts(&parts).unwrap_or_else(|| path.to_path_buf());
    }
    let TraceLocation { file, member } = TraceLocation::of(path);
    TraceLocation { file: file_identity(&file), member }.into_path()
}

fn file_identity(path: &Path) -> PathBuf {
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

/// A path without `.` and `..`, without file system access.
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

/// A path without the prefix `\\?\` of Windows, which many programs do not accept.
fn plain(path: &Path) -> PathBuf {
    match path.to_str().and_then(without_prefix) {
        Some(text) => PathBuf::from(text),
        None => path.to_path_buf(),
    }
}

/// The path without its prefix; `None` if it would mean another file.
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
    (whole.chars().count() <= MAX_PATH_WITHOUT_PREFIX && !names.split('\\').any(needs_prefix)).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_has_one_identity() {
        let folder = std::env::temp_dir().join(format!("poolscope-identity-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("inner")).expect("a folder");
        let file = folder.join("a.etl");
        std::fs::write(&file, b"x").expect("a file");
        let name = identity(&file);
        assert!(name.is_absolute() && name.ends_with("a.etl"), "{}", name.display());
        let around = folder.join("inner").join("..").join(".").join("a.etl");
        assert_eq!(identity(&around), name);
        // A missing file has the same identity after its creation.
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
    fn the_prefix_of_windows_is_removed_if_possible() {
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
