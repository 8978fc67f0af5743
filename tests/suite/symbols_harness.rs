//! Shared by the tests of symbol lookup: a scratch folder, a wanted file, and a search with a check that compares bytes.

use poolscope_base::guid::Guid;
use poolscope_base::progress::CancelToken;
use poolscope_symbols::identity::PdbIdentity;
use poolscope_symbols::locate::{FileLookup, FileMatch, Locator, LocatorOptions, LookupControl, LookupResult};
use poolscope_symbols::path::{PathContext, SymbolPath};
use std::path::{Path, PathBuf};

/// Name of the wanted file.
pub const NAME: &str = "drv.pdb";
/// Key of its matching version.
pub const KEY: &str = "112233445566778899AABBCCDDEEFF002a";

/// Identity of the wanted file.
pub fn identity() -> PdbIdentity {
    named(NAME)
}

/// The same identity with another, unchecked name.
pub fn named(name: &str) -> PdbIdentity {
    let guid = Guid::from_parts(0x1122_3344, 0x5566, 0x7788, 0x99aa_bbcc_ddee_ff00);
    PdbIdentity { file_name: name.to_owned(), guid, age: 0x2a }
}

/// Content of the matching file: larger than one chunk of a transfer.
pub fn right() -> Vec<u8> {
    let mut bytes = b"PDB right ".to_vec();
    bytes.extend((0..200_000_u32).flat_map(|n| (n.wrapping_mul(2_654_435_761) >> 8).to_le_bytes()));
    bytes
}

/// Content of a file of another version.
pub const WRONG: &[u8] = b"PDB of another version";

/// Compares the content: matching, another version, or unreadable.
pub fn check(path: &Path) -> FileMatch {
    match std::fs::read(path) {
        Ok(bytes) if bytes == right() => FileMatch::Match,
        Ok(bytes) if bytes.starts_with(b"PDB of") => FileMatch::Mismatch("another version".to_owned()),
        Ok(bytes) => FileMatch::Unreadable(format!("{} bytes that are no PDB", bytes.len())),
        Err(error) => FileMatch::Unreadable(error.to_string()),
    }
}

/// A scratch folder with a folder for the server and a default store.
pub struct Room {
    folder: tempfile::TempDir,
}

impl Room {
    /// Creates an empty one.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        std::fs::create_dir(folder.path().join("served")).expect("a folder");
        Self { folder }
    }

    /// A path in it.
    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Folder that the server serves.
    pub fn served(&self) -> PathBuf {
        self.at("served")
    }

    /// Writes a file and creates its folders.
    pub fn put(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let file = self.at(path);
        std::fs::create_dir_all(file.parent().expect("it lies in a folder")).expect("folders");
        std::fs::write(&file, bytes).expect("a file");
        file
    }

    /// Options with short delays.
    pub fn options(&self) -> LocatorOptions {
        LocatorOptions {
            default_store: self.at("default"),
            now_unix_s: 1_000_000,
            retry_delay_ms: 1,
            timeout_ms: 20_000,
            ..LocatorOptions::default()
        }
    }

    /// A locator for a path in which `{}` is this folder.
    pub fn locator(&self, path: &str, options: LocatorOptions) -> Locator {
        let around =
            PathContext { default_store: self.at("default"), windows: cfg!(windows), ..PathContext::default() };
        let text = path.replace("{}", &self.folder.path().display().to_string());
        let path = SymbolPath::parse(&text, &around);
        assert!(path.problems.is_empty(), "{:?}", path.problems);
        Locator::new(path, options)
    }

    /// Searches along a path.
    pub fn find(&self, path: &str) -> FileLookup {
        find(&self.locator(path, self.options()))
    }

    /// Sorted files below a folder, as paths with `/`, without the "not found" cache.
    pub fn files(&self, below: &str) -> Vec<String> {
        let mut found = Vec::new();
        collect(&self.at(below), "", &mut found);
        found.retain(|path| !path.contains("/missing"));
        found.sort();
        found
    }
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{path}/"), found);
        } else {
            found.push(path);
        }
    }
}

/// Searches.
pub fn find(locator: &Locator) -> FileLookup {
    find_watched(locator, &CancelToken::none())
}

/// Searches with a cancel token.
pub fn find_watched(locator: &Locator, cancel: &CancelToken) -> FileLookup {
    locator.find_pdb(&identity(), &check, &LookupControl { on_download: &|_| {}, cancel })
}

/// Results of the attempts in order, without their messages.
pub fn outcomes(located: &FileLookup) -> Vec<&'static str> {
    let word = |outcome: &LookupResult| match outcome {
        LookupResult::Found => "found",
        LookupResult::NotFound => "not found",
        LookupResult::NotFoundCached => "not found (cached)",
        LookupResult::Mismatch(_) => "mismatch",
        LookupResult::Denied(_) => "denied",
        LookupResult::Unreachable(_) => "unreachable",
        LookupResult::Unreadable(_) => "unreadable",
        LookupResult::Offline => "offline",
    };
    located.attempts.iter().map(|attempt| word(&attempt.result)).collect()
}

/// Message of the last attempt.
pub fn last_sentence(located: &FileLookup) -> String {
    match located.attempts.last().map(|attempt| &attempt.result) {
        Some(
            LookupResult::Mismatch(text)
            | LookupResult::Denied(text)
            | LookupResult::Unreachable(text)
            | LookupResult::Unreadable(text),
        ) => text.clone(),
        other => panic!("no sentence in {other:?}"),
    }
}

/// Path of the file in a two-tier store.
pub fn stored(store: &str) -> String {
    format!("{store}/{NAME}/{KEY}/{NAME}")
}

/// Asserts that the search found the matching file.
pub fn assert_right(located: &FileLookup) -> PathBuf {
    let file = located.file.clone().unwrap_or_else(|| panic!("not found: {:?}", located.attempts));
    assert_eq!(check(&file), FileMatch::Match, "{}", file.display());
    file
}
