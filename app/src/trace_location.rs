//! Locations of traces: a file, or a member of an archive, written `ARCHIVE#MEMBER` (a member of an archive in an archive:
//! `ARCHIVE#MEMBER#MEMBER`). A location is a path everywhere: in arguments, tabs, recent files and saved state.

use poolscope_archive::kind::is_named_like_an_archive;
use std::path::{Path, PathBuf};

/// Character between an archive and its member.
const SEPARATOR: char = '#';

/// A location, taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceLocation {
    /// The file on disk: the trace, or the archive.
    pub file: PathBuf,
    /// The member, and the member in it, as written; `None` for the file itself.
    pub member: Option<String>,
}

impl TraceLocation {
    /// Takes a location apart. A file of exactly this name comes first, since `#` is allowed in names; else the longest part before
    /// a `#` that is a file is the archive. Asks the file system.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let whole = || Self { file: path.to_path_buf(), member: None };
        let Some(text) = path.to_str().filter(|_| !path.exists()) else { return whole() };
        let mut cuts = text.match_indices(SEPARATOR).map(|(at, _)| (&text[..at], &text[at + 1..]));
        let found = cuts.rfind(|(file, member)| !member.is_empty() && Path::new(file).is_file());
        found.map_or_else(whole, |(file, member)| Self { file: file.into(), member: Some(member.to_owned()) })
    }

    /// The same as one path.
    #[must_use]
    pub fn into_path(self) -> PathBuf {
        match self.member {
            None => self.file,
            Some(member) => join(&self.file, &member),
        }
    }
}

/// The location of a member.
#[must_use]
pub fn join(archive: &Path, member: &str) -> PathBuf {
    let mut path = archive.as_os_str().to_owned();
    path.push(format!("{SEPARATOR}{member}"));
    path.into()
}

/// The file on disk and the member of a location, by the ending of the archive's name alone. Does not ask the file system.
#[must_use]
pub fn split_by_name(path: &Path) -> (&Path, Option<&str>) {
    let Some(text) = path.to_str() else { return (path, None) };
    let cuts = text.match_indices(SEPARATOR).map(|(at, _)| (&text[..at], &text[at + 1..]));
    let found = cuts.into_iter().find(|(file, member)| !member.is_empty() && is_named_like_an_archive(file));
    found.map_or((path, None), |(file, member)| (Path::new(file), Some(member)))
}

/// The name to show: that of the file, or `MEMBER (ARCHIVE)`.
#[must_use]
pub fn shown_name(path: &Path) -> String {
    let (file, member) = split_by_name(path);
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    match member {
        None => name.into_owned(),
        Some(member) => format!("{} ({name})", member.rsplit(['/', SEPARATOR]).next().unwrap_or(member)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_told_from_a_name_with_the_character() {
        let folder = std::env::temp_dir().join(format!("poolscope-location-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = |name: &str| {
            let path = folder.join(name);
            std::fs::write(&path, b"x").expect("a file");
            path
        };
        let (archive, odd) = (file("a.zip"), file("C#.etl"));
        let of = |path: PathBuf| {
            let location = TraceLocation::of(&path);
            assert_eq!(location.clone().into_path(), path);
            (location.file, location.member)
        };
        assert_eq!(of(archive.clone()), (archive.clone(), None));
        assert_eq!(of(odd.clone()), (odd, None));
        assert_eq!(of(join(&archive, "b/c.etl")), (archive.clone(), Some("b/c.etl".to_owned())));
        assert_eq!(of(join(&archive, "b.zip#c.etl")), (archive, Some("b.zip#c.etl".to_owned())));
        let missing = folder.join("no.zip#c.etl");
        assert_eq!(of(missing.clone()), (missing, None));
        std::fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn names_are_shown_with_their_archive() {
        let shown = |path: &str| shown_name(Path::new(path));
        assert_eq!(shown("/x/a.etl"), "a.etl");
        assert_eq!(shown("/x/a.zip#b/c.etl"), "c.etl (a.zip)");
        assert_eq!(shown("/x/a.zip#b.zip#c.etl"), "c.etl (a.zip)");
        assert_eq!(shown("/x/C#trace.etl"), "C#trace.etl");
        assert_eq!(split_by_name(Path::new("/x/a.zip#b/c.etl")), (Path::new("/x/a.zip"), Some("b/c.etl")));
    }
}
