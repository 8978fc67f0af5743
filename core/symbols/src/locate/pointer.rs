//! `file.ptr`: a store's word that a file lies somewhere else, or that it is not to be had.

use std::io::Read;
use std::path::{Path, PathBuf};

/// A pointer holds one path; anything longer is none.
const BYTES_MAX: u64 = 64 * 1024;

/// What a pointer says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Pointer {
    /// The file is there.
    Path(PathBuf),
    /// A sentence for people.
    Message(String),
    /// It cannot be followed here, for this reason.
    Useless(String),
}

/// Reads a pointer file. `windows`: whether paths of Windows can be followed.
pub(super) fn read(file: &Path, windows: bool) -> Pointer {
    let mut bytes = Vec::new();
    match std::fs::File::open(file).and_then(|file| file.take(BYTES_MAX).read_to_end(&mut bytes)) {
        Ok(_) => parse(&bytes, windows),
        Err(error) => Pointer::Useless(format!("file.ptr cannot be read: {error}")),
    }
}

/// Understands what is in a pointer file: `PATH:` and a path, `MSG:` and a sentence, or a bare path.
pub(super) fn parse(bytes: &[u8], windows: bool) -> Pointer {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}').trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let upper: String = text.chars().take(5).collect::<String>().to_ascii_uppercase();
    if upper.starts_with("MSG:") {
        return Pointer::Message(text[4..].trim().to_owned());
    }
    let path = if upper.starts_with("PATH:") { text[5..].trim() } else { text };
    let path = path.trim_matches('"');
    if path.is_empty() || path.contains(|c: char| c.is_control()) || path.chars().count() > 2_000 {
        return Pointer::Useless("file.ptr names no file".to_owned());
    }
    let drive = path.as_bytes().get(1) == Some(&b':') && path.starts_with(|c: char| c.is_ascii_alphabetic());
    let of_windows = drive || path.starts_with("\\\\");
    if of_windows && !windows {
        return Pointer::Useless(format!("file.ptr leads to {path}, which only Windows can open; copy that file here"));
    }
    if !of_windows && !path.starts_with('/') {
        return Pointer::Useless(format!("file.ptr leads to {path}, which is no whole path"));
    }
    Pointer::Path(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_followed_told_or_refused() {
        let path = |text: &str| Pointer::Path(PathBuf::from(text));
        assert_eq!(parse(b"PATH:\\\\build\\drop\\a.pdb\r\n", true), path("\\\\build\\drop\\a.pdb"));
        assert_eq!(parse(b"\\\\build\\drop\\a.pdb", true), path("\\\\build\\drop\\a.pdb"));
        assert_eq!(parse(b"path: /mnt/a.pdb\n", false), path("/mnt/a.pdb"));
        assert_eq!(parse(b"MSG: Not kept any more\n", false), Pointer::Message("Not kept any more".to_owned()));
        for (text, says) in [("PATH:C:\\a.pdb", "only Windows"), ("a.pdb", "no whole path"), ("PATH:", "no file")] {
            assert!(matches!(parse(text.as_bytes(), false), Pointer::Useless(why) if why.contains(says)), "{text}");
        }
    }
}
