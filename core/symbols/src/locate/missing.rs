//! Remembers for a while that a server does not have a file, in small files in the default store. What cannot be read or
//! written there is as good as not remembered.

use super::deposit::WORK_FOLDER;
use std::path::{Path, PathBuf};

/// The memory.
#[derive(Clone, Debug)]
pub(super) struct Missing<'a> {
    /// The default store.
    pub store: &'a Path,
    /// Seconds since 1970.
    pub now_unix_s: u64,
    /// For how long it is believed, in seconds.
    pub missing_s: u64,
}

impl Missing<'_> {
    /// Whether the server said lately that it does not have the file. A note from the future is not believed.
    pub fn lately(&self, server: &str, stem: &str) -> bool {
        if self.store.as_os_str().is_empty() {
            return false;
        }
        let Ok(text) = std::fs::read_to_string(self.file(server, stem)) else { return false };
        let mut lines = text.lines();
        let noted = lines.next().and_then(|line| line.parse::<u64>().ok());
        // Two servers may share a file name here, since some characters cannot stand in one.
        let same = lines.next() == Some(server) && lines.next() == Some(stem);
        let age_s = noted.and_then(|noted| self.now_unix_s.checked_sub(noted));
        same && age_s.is_some_and(|age_s| age_s < self.missing_s)
    }

    /// Notes that the server does not have the file.
    pub fn note(&self, server: &str, stem: &str) {
        if self.store.as_os_str().is_empty() {
            return;
        }
        let file = self.file(server, stem);
        let text = format!("{}\n{server}\n{stem}\n", self.now_unix_s);
        if let Some(folder) = file.parent() {
            // Nothing depends on it: the server is asked again where this fails.
            drop(std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, text)));
        }
    }

    fn file(&self, server: &str, stem: &str) -> PathBuf {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
        let host: String = server.split("://").last().unwrap_or(server).chars().take(100).map(plain).collect();
        self.store.join(WORK_FOLDER).join("missing").join(format!("at-{host}")).join(stem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_holds_for_its_time_and_its_server() {
        let folder = std::env::temp_dir().join(format!("poolscope-missing-{}", std::process::id()));
        let at = |now_unix_s| Missing { store: &folder, now_unix_s, missing_s: 100 };
        at(1_000).note("https://a/x", "n.pdb-K1");
        assert!(at(1_000).lately("https://a/x", "n.pdb-K1") && at(1_099).lately("https://a/x", "n.pdb-K1"));
        assert!(!at(1_100).lately("https://a/x", "n.pdb-K1"), "too old");
        assert!(!at(999).lately("https://a/x", "n.pdb-K1"), "from the future");
        assert!(!at(1_000).lately("http://a/x", "n.pdb-K1") && !at(1_000).lately("https://a/x", "n.pdb-K2"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
