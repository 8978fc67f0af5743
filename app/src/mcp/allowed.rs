//! Folders whose files may be read. Paths are compared in their canonical form, so that neither links nor `..` lead out of them.

use crate::file_identity::identity;
use crate::trace_location::TraceLocation;
use std::path::{Path, PathBuf};

/// Folders whose files may be read, with those below.
#[derive(Debug)]
pub struct AllowedFolders {
    /// Canonical paths.
    folders: Vec<PathBuf>,
}

/// Reason why a path is not used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It leads out of the folders.
    #[error("{path} is outside of the folders that may be read: {}. The server was started without --allow for it", .folders.join(", "))]
    Outside {
        /// The path as given.
        path: String,
        /// The folders.
        folders: Vec<String>,
    },
    /// There is no such file or folder.
    #[error("{path} does not exist, or is no {kind}")]
    Missing {
        /// The path as given.
        path: String,
        /// Expected kind of file.
        kind: &'static str,
    },
}

impl AllowedFolders {
    /// The folders of `allow`; without any, the named folders, and the folders of the named files.
    ///
    /// # Errors
    /// A folder does not exist, there is none, or a named file is outside of `allow`.
    pub fn new(allow: &[PathBuf], named: &[PathBuf]) -> anyhow::Result<Self> {
        let folder_of = |path: &PathBuf| {
            let path = identity(path);
            if path.is_dir() { path } else { TraceLocation::of(&path).file.parent().map_or(path, Path::to_path_buf) }
        };
        let mut folders: Vec<PathBuf> = match allow {
            [] => named.iter().map(folder_of).collect(),
            folders => folders.iter().map(|folder| identity(folder)).collect(),
        };
        folders.sort();
        folders.dedup();
        if let Some(missing) = folders.iter().find(|folder| !folder.is_dir()) {
            anyhow::bail!("{} is no folder, so nothing in it may be read", missing.display());
        }
        let allowed = Self { folders };
        for path in named.iter().map(|path| identity(path)) {
            anyhow::ensure!(
                path.exists() || TraceLocation::of(&path).member.is_some(),
                "{} does not exist",
                path.display()
            );
            anyhow::ensure!(allowed.contains(&path), "{} is outside of the folders of --allow", path.display());
        }
        Ok(allowed)
    }

    /// The folders, for messages.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        self.folders.iter().map(|folder| folder.display().to_string()).collect()
    }

    /// The canonical path of a file, or of a member of an archive. A relative path is looked for in the working folder, then in the
    /// folders that may be read.
    ///
    /// # Errors
    /// See [`PathError`].
    pub fn file(&self, given: &str) -> Result<PathBuf, PathError> {
        let path = self.find(given)?;
        let is_file = TraceLocation::of(&path).file.is_file();
        if is_file { Ok(path) } else { Err(PathError::Missing { path: given.to_owned(), kind: "file" }) }
    }

    /// The canonical path of a folder.
    ///
    /// # Errors
    /// See [`PathError`].
    pub fn folder(&self, given: &str) -> Result<PathBuf, PathError> {
        let path = self.find(given)?;
        if path.is_dir() { Ok(path) } else { Err(PathError::Missing { path: given.to_owned(), kind: "folder" }) }
    }

    fn find(&self, given: &str) -> Result<PathBuf, PathError> {
        let plain = Path::new(given);
        let here = identity(plain);
        let below = self.folders.iter().map(|folder| identity(&folder.join(plain)));
        let candidates = std::iter::once(here).chain(below).filter(|path| !given.is_empty() && self.contains(path));
        let mut candidates: Vec<PathBuf> = candidates.collect();
        let exists = |path: &PathBuf| path.exists() || TraceLocation::of(path).member.is_some();
        let at = candidates.iter().position(exists).unwrap_or(0);
        if at < candidates.len() {
            return Ok(candidates.swap_remove(at));
        }
        Err(PathError::Outside { path: given.to_owned(), folders: self.texts() })
    }

    /// Returns `true` if a canonical path is in one of the folders or below. Of a member, the archive counts.
    fn contains(&self, path: &Path) -> bool {
        let file = TraceLocation::of(path).file;
        self.folders.iter().any(|folder| file.starts_with(folder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folders {
        root: tempfile::TempDir,
    }

    impl Folders {
        fn new() -> Self {
            let root = tempfile::tempdir().expect("a folder");
            for folder in ["in/below", "in2"] {
                std::fs::create_dir_all(root.path().join(folder)).expect("a folder");
            }
            for file in ["in/a.etl", "in/below/b.etl", "in2/c.etl", "secret.etl"] {
                std::fs::write(root.path().join(file), b"x").expect("a file");
            }
            Self { root }
        }

        fn path(&self, name: &str) -> String {
            self.root.path().join(name).display().to_string()
        }

        fn identity(&self, name: &str) -> PathBuf {
            identity(&self.root.path().join(name))
        }
    }

    #[test]
    fn only_files_below_the_folders_are_found() {
        let at = Folders::new();
        let allowed = AllowedFolders::new(&[at.root.path().join("in")], &[]).expect("it exists");
        for (given, name) in [
            (at.path("in/a.etl"), "in/a.etl"),
            (at.path("in/below/../a.etl"), "in/a.etl"),
            ("below/b.etl".to_owned(), "in/below/b.etl"),
            ("./a.etl".to_owned(), "in/a.etl"),
        ] {
            assert_eq!(allowed.file(&given), Ok(at.identity(name)), "{given}");
        }
        let outside =
            |given: String| assert!(matches!(allowed.file(&given), Err(PathError::Outside { .. })), "{given}");
        for name in ["secret.etl", "in/../secret.etl", "in2/c.etl", "in/missing/../../secret.etl", "nowhere/x.etl"] {
            outside(at.path(name));
        }
        for given in ["../secret.etl", "/etc/passwd", ""] {
            outside(given.to_owned());
        }
        for name in ["in/missing.etl", "in/below", "in"] {
            assert!(matches!(allowed.file(&at.path(name)), Err(PathError::Missing { .. })), "{name}");
        }
        assert_eq!(allowed.folder(&at.path("in/below")), Ok(at.identity("in/below")));
        assert!(matches!(allowed.folder(&at.path("in2")), Err(PathError::Outside { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn links_do_not_lead_out() {
        let at = Folders::new();
        let link = |to: &str, name: &str| {
            std::os::unix::fs::symlink(at.root.path().join(to), at.root.path().join(name)).expect("a link");
        };
        link("secret.etl", "in/link.etl");
        link("in2", "in/linked");
        link("in/a.etl", "in/inner.etl");
        let allowed = AllowedFolders::new(&[at.root.path().join("in")], &[]).expect("it exists");
        for name in ["in/link.etl", "in/linked/c.etl", "in/linked/../secret.etl"] {
            assert!(matches!(allowed.file(&at.path(name)), Err(PathError::Outside { .. })), "{name}");
        }
        assert_eq!(allowed.file(&at.path("in/inner.etl")), Ok(at.identity("in/a.etl")));
    }

    #[test]
    fn the_folders_are_those_of_what_was_named() {
        let at = Folders::new();
        let path = |name: &str| at.root.path().join(name);
        let allowed = AllowedFolders::new(&[], &[path("in/a.etl"), path("in2")]).expect("both exist");
        assert_eq!(allowed.folders, [at.identity("in"), at.identity("in2")]);
        for (allow, named) in [(&["in"][..], "secret.etl"), (&["none"], "in/a.etl"), (&[], "in/missing.etl")] {
            let allow: Vec<PathBuf> = allow.iter().map(|name| path(name)).collect();
            assert!(AllowedFolders::new(&allow, &[path(named)]).is_err(), "{allow:?} {named}");
        }
    }
}
