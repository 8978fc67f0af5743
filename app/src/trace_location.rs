//! Locations of traces: a file, or a member of an archive, written `ARCHIVE#MEMBER` (a member of an archive in an archive:
//! `ARCHIVE#MEMBER#MEMBER`), or several files of one recording, written `FILE|FILE`. A location is a path everywhere: in arguments,
//! tabs, recent files and saved state.

use poolscope_archive::kind::is_named_like_an_archive;
use std::path::{Path, PathBuf};

/// Character between an archive and its member.
const SEPARATOR: char = '#';
/// Character between files of one recording. Windows allows it in no name; elsewhere only an absolute path may follow it.
const PART_SEPARATOR: char = '|';

/// A location, taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceLocation {
    /// The file on disk: the trace, or the archive.
    pub file: PathBuf,
    /// The member, and the member in it, as written; `None` for the file itself.
    pub member: Option<String>,
}

impl TraceLocation {
    /// Takes a location apart; of several files the first one. A file of exactly this name comes first, since `#` is allowed in names; else the longest part before
    /// a `#` that is a file is the archive. Asks the file system.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let path = if path.exists() { path } else { first_part(path) };
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

/// The location of several files of one recording; `None` if a name has the character that separates them, or is no Unicode.
#[must_use]
pub fn join_parts(files: &[PathBuf]) -> Option<PathBuf> {
    let absolute = files.iter().map(|file| std::path::absolute(file).ok()?.to_str().map(str::to_owned));
    let names: Vec<String> = absolute.collect::<Option<_>>()?;
    let is_plain = names.iter().all(|name| !name.contains(PART_SEPARATOR));
    is_plain.then(|| names.join(&PART_SEPARATOR.to_string()).into())
}

/// The files of a location: several, or the location itself. A file of exactly this name comes first. Asks the file system.
#[must_use]
pub fn parts_of(path: &Path) -> Vec<PathBuf> {
    let parts = parts_by_name(path);
    if parts.len() < 2 || path.exists() {
        return vec![path.to_path_buf()];
    }
    parts.into_iter().map(Path::to_path_buf).collect()
}

/// The files of a location by its text alone.
#[must_use]
pub fn parts_by_name(path: &Path) -> Vec<&Path> {
    let parts: Vec<&Path> =
        path.to_str().map_or_else(Vec::new, |text| text.split(PART_SEPARATOR).map(Path::new).collect());
    let are_parts = parts.len() > 1 && parts.iter().all(|part| part.is_absolute());
    if are_parts { parts } else { vec![path] }
}

fn first_part(path: &Path) -> &Path {
    parts_by_name(path).first().copied().unwrap_or(path)
}

/// The location of a member.
#[must_use]
pub fn join(archive: &Path, member: &str) -> PathBuf {
    let mut path = archive.as_os_str().to_owned();
    path.push(format!("{SEPARATOR}{member}"));
    path.into()
}

/// The file on disk and the member of a location, by the ending of the archive's name alone; of several files those of the first one.
/// Does not ask the file system.
#[must_use]
pub fn split_by_name(path: &Path) -> (&Path, Option<&str>) {
    let path = first_part(path);
    let Some(text) = path.to_str() else { return (path, None) };
    let cuts = text.match_indices(SEPARATOR).map(|(at, _)| (&text[..at], &text[at + 1..]));
    let found = cuts.into_iter().find(|(file, member)| !member.is_empty() && is_named_like_an_archive(file));
    found.map_or((path, None), |(file, member)| (Path::new(file), Some(member)))
}

/// The name to show: that of the file, or `MEMBER (ARCHIVE)`; of several files that of the first one and their number.
#[must_use]
pub fn shown_name(path: &Path) -> String {
    match parts_by_name(path).as_slice() {
        [first, second] => return format!("{} + {}", shown_name(first), shown_name(second)),
        [first, rest @ ..] if !rest.is_empty() => return format!("{} + {} parts", shown_name(first), rest.len()),
        _ => {}
    }
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
    fn several_files_are_one_location() {
        let folder = if cfg!(windows) { r"C:\x" } else { "/x" };
        let files = ["a_1.etl", "a_2.etl", "a_3.etl"].map(|name| Path::new(folder).join(name));
        let both = join_parts(&files[..2]).expect("ordinary names");
        assert_eq!(parts_of(&both), files[..2]);
        assert_eq!(shown_name(&both), "a_1.etl + a_2.etl");
        assert_eq!(shown_name(&join_parts(&files).expect("ordinary names")), "a_1.etl + 2 parts");
        assert_eq!(TraceLocation::of(&both).file, files[0]);
        assert_eq!(split_by_name(&both), (files[0].as_path(), None));
        let odd = Path::new(folder).join("a|b.etl");
        assert_eq!(parts_of(&odd), std::slice::from_ref(&odd), "a name with the character is no list");
        assert_eq!(join_parts(&[odd, files[0].clone()]), None);
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
