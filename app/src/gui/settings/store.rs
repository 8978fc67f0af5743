//! Where settings lie. The window is given one, so that tests never touch the user's.

use std::io::{ErrorKind, Result, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A place for one text.
pub trait Store: Send + Sync {
    /// The text; `None` when nothing was written yet.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    fn read(&self) -> Result<Option<Vec<u8>>>;

    /// Replaces the text, as a whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written; the text before is still there then.
    fn write(&self, text: &str) -> Result<()>;

    /// Puts a damaged text aside, so that it is not written over. Says where it is.
    ///
    /// # Errors
    /// When it cannot be moved.
    fn put_aside(&self) -> Result<String>;
}

/// A file.
#[derive(Debug, Clone)]
pub struct FileStore {
    path: PathBuf,
}

impl FileStore {
    /// The file with this path; its folder is made when it is written.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(ending);
        self.path.with_file_name(name)
    }
}

impl Store for FileStore {
    fn read(&self) -> Result<Option<Vec<u8>>> {
        match std::fs::read(&self.path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&self, text: &str) -> Result<()> {
        if let Some(folder) = self.path.parent().filter(|folder| *folder != Path::new("")) {
            std::fs::create_dir_all(folder)?;
        }
        // Two windows may write at once: each has a file of its own until it is whole.
        let new = self.beside(&format!(".{}.new", std::process::id()));
        let mut file = std::fs::File::create(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        drop(file);
        let placed = replace(&new, &self.path);
        if placed.is_err() {
            // The text before is still there; a working file helps nobody.
            drop(std::fs::remove_file(&new));
        }
        placed
    }

    fn put_aside(&self) -> Result<String> {
        let aside = self.beside(".bak");
        std::fs::rename(&self.path, &aside)?;
        Ok(aside.display().to_string())
    }
}

/// Puts a file in the place of another. On Windows that fails while a scanner or another program looks into the old one: they are
/// soon done.
fn replace(new: &Path, old: &Path) -> Result<()> {
    let mut tries = if cfg!(windows) { 10 } else { 1 };
    loop {
        tries -= 1;
        match std::fs::rename(new, old) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied && tries > 0 => {
                std::thread::sleep(Duration::from_millis(20));
            }
            result => return result,
        }
    }
}

/// Remembers nothing; for a system that says no folder for it.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoStore;

impl Store for NoStore {
    fn read(&self) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn write(&self, _text: &str) -> Result<()> {
        Ok(())
    }

    fn put_aside(&self) -> Result<String> {
        Ok(String::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_replaces_the_one_before_while_somebody_reads_it() {
        let folder = std::env::temp_dir().join(format!("poolscope-store-{}", std::process::id()));
        let path = folder.join("settings.json");
        let store = FileStore::new(&path);
        store.write("one").expect("written");
        // Where nobody may replace an open file, it is tried again until the reader is done.
        let reader = std::fs::File::open(&path).expect("open");
        let reading = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            drop(reader);
        });
        store.write("two").expect("written over");
        reading.join().expect("no panic");
        assert_eq!(store.read().expect("read"), Some(b"two".to_vec()));
        let names: Vec<_> = std::fs::read_dir(&folder).expect("a folder").flatten().map(|f| f.file_name()).collect();
        assert_eq!(names, ["settings.json"], "nothing else is left");
        std::fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn what_cannot_be_replaced_leaves_no_working_file() {
        let folder = std::env::temp_dir().join(format!("poolscope-store-folder-{}", std::process::id()));
        let path = folder.join("settings.json");
        std::fs::create_dir_all(path.join("in the way")).expect("a folder of that name");
        assert!(FileStore::new(&path).write("text").is_err());
        let names: Vec<_> = std::fs::read_dir(&folder).expect("a folder").flatten().map(|f| f.file_name()).collect();
        assert_eq!(names, ["settings.json"]);
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
