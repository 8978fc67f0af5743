//! What the tests of symbol search share: a scratch folder, a file to look for, and a search with a check that compares
//! bytes.

use poolscope_base::bytes::guid::Guid;
use poolscope_base::progress::CancelToken;
use poolscope_symbols::identity::PdbIdentity;
use poolscope_symbols::locate::{Checked, Located, Locator, LocatorOptions, Outcome, Watch};
use poolscope_symbols::path::{Surroundings, SymbolPath};
use std::path::{Path, PathBuf};

/// The file that everybody looks for.
pub const NAME: &str = "drv.pdb";
/// The folder of its right version.
pub const KEY: &str = "112233445566778899AABBCCDDEEFF002a";

/// Its identity.
pub fn identity() -> PdbIdentity {
    named(NAME)
}

/// The same with another name, taken as it is.
pub fn named(name: &str) -> PdbIdentity {
    let guid = Guid::from_parts(0x1122_3344, 0x5566, 0x7788, 0x99aa_bbcc_ddee_ff00);
    PdbIdentity { file_name: name.to_owned(), guid, age: 0x2a }
}

/// The right bytes: more than one piece of any transfer.
pub fn right() -> Vec<u8> {
    let mut bytes = b"PDB right ".to_vec();
    bytes.extend((0..200_000_u32).flat_map(|n| (n.wrapping_mul(2_654_435_761) >> 8).to_le_bytes()));
    bytes
}

/// A file of another version.
pub const WRONG: &[u8] = b"PDB of another version";

/// Right if the bytes are; wrong if it is the same kind of file; unreadable otherwise.
pub fn check(path: &Path) -> Checked {
    match std::fs::read(path) {
        Ok(bytes) if bytes == right() => Checked::Right,
        Ok(bytes) if bytes.starts_with(b"PDB of") => Checked::Wrong("another version".to_owned()),
        Ok(bytes) => Checked::Unreadable(format!("{} bytes that are no PDB", bytes.len())),
        Err(error) => Checked::Unreadable(error.to_string()),
    }
}

/// A scratch folder with a folder to serve, a default store and room for more.
pub struct Room {
    folder: tempfile::TempDir,
}

impl Room {
    /// An empty one.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        std::fs::create_dir(folder.path().join("served")).expect("a folder");
        Self { folder }
    }

    /// A path in it.
    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// What the server serves.
    pub fn served(&self) -> PathBuf {
        self.at("served")
    }

    /// Writes a file with the folders above it.
    pub fn put(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let file = self.at(path);
        std::fs::create_dir_all(file.parent().expect("it lies in a folder")).expect("folders");
        std::fs::write(&file, bytes).expect("a file");
        file
    }

    /// Options that lose no time.
    pub fn options(&self) -> LocatorOptions {
        LocatorOptions {
            default_store: self.at("default"),
            now_unix_s: 1_000_000,
            pause_ms: 1,
            silence_ms: 20_000,
            ..LocatorOptions::default()
        }
    }

    /// A locator over a path in which `{}` stands for this folder.
    pub fn locator(&self, path: &str, options: LocatorOptions) -> Locator {
        let around =
            Surroundings { default_store: self.at("default"), windows: cfg!(windows), ..Surroundings::default() };
        let text = path.replace("{}", &self.folder.path().display().to_string());
        let path = SymbolPath::parse(&text, &around);
        assert!(path.problems.is_empty(), "{:?}", path.problems);
        Locator::new(path, options)
    }

    /// Searches along a path.
    pub fn find(&self, path: &str) -> Located {
        find(&self.locator(path, self.options()))
    }

    /// Everything below a folder but the notes of what is missing, as paths with `/`, in order.
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
pub fn find(locator: &Locator) -> Located {
    find_watched(locator, &CancelToken::default())
}

/// Searches until told to stop.
pub fn find_watched(locator: &Locator, cancel: &CancelToken) -> Located {
    locator.pdb(&identity(), &check, &Watch { transfer: &|_| {}, cancel })
}

/// What became of each place, in order, without the sentences.
pub fn outcomes(located: &Located) -> Vec<&'static str> {
    let word = |outcome: &Outcome| match outcome {
        Outcome::Found => "found",
        Outcome::Missing => "missing",
        Outcome::MissingLately => "missing lately",
        Outcome::Wrong(_) => "wrong",
        Outcome::Denied(_) => "denied",
        Outcome::Unreachable(_) => "unreachable",
        Outcome::Unreadable(_) => "unreadable",
        Outcome::Offline => "offline",
    };
    located.attempts.iter().map(|attempt| word(&attempt.outcome)).collect()
}

/// The sentence of the last attempt.
pub fn last_sentence(located: &Located) -> String {
    match located.attempts.last().map(|attempt| &attempt.outcome) {
        Some(Outcome::Wrong(text) | Outcome::Denied(text) | Outcome::Unreachable(text) | Outcome::Unreadable(text)) => {
            text.clone()
        }
        other => panic!("no sentence in {other:?}"),
    }
}

/// Where the file lies in a store of two tiers.
pub fn stored(store: &str) -> String {
    format!("{store}/{NAME}/{KEY}/{NAME}")
}

/// The search found the right bytes.
pub fn assert_right(located: &Located) -> PathBuf {
    let file = located.file.clone().unwrap_or_else(|| panic!("not found: {:?}", located.attempts));
    assert_eq!(check(&file), Checked::Right, "{}", file.display());
    file
}
