//! Stores of settings. The window is given a store, so that tests never touch the user's.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Result, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// One of the texts that are kept, each in a file of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Everything but presets.
    Settings,
    /// The user's own presets.
    Presets,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Settings, Self::Presets];

    /// The name of its file.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Settings => "settings.json",
            Self::Presets => "presets.json",
        }
    }
}

/// Keeps other windows from writing until it is dropped.
pub type Lock = Box<dyn Send>;

/// A place for texts.
pub trait Store: Send + Sync {
    /// The text; `None` when nothing was written yet.
    ///
    /// # Errors
    /// The file exists and cannot be read.
    fn read(&self, part: Part) -> Result<Option<Vec<u8>>>;

    /// Replaces the text, as a whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written; the previous text is then still there.
    fn write(&self, part: Part, text: &str) -> Result<()>;

    /// Puts a damaged text aside, so that it is not written over. Says where it is.
    ///
    /// # Errors
    /// The file cannot be moved.
    fn put_aside(&self, part: Part) -> Result<String>;

    /// Waits until no other window is writing.
    ///
    /// # Errors
    /// Another window holds the lock for too long.
    fn lock(&self) -> Result<Lock>;
}

/// Name of the file that is locked while settings are written.
const LOCK: &str = "settings.lock";
/// For so long another window is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Damaged texts that are kept at most.
const ASIDE: u32 = 100;

/// Files in a folder.
#[derive(Debug, Clone)]
pub struct FileStore {
    folder: PathBuf,
}

impl FileStore {
    /// The files in this folder, which is made when something is written.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn path(&self, part: Part) -> PathBuf {
        self.folder.join(part.file_name())
    }
}

impl Store for FileStore {
    fn read(&self, part: Part) -> Result<Option<Vec<u8>>> {
        match std::fs::read(self.path(part)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&self, part: Part, text: &str) -> Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        // Where locks are not to be had two windows may write at once: each has a file of its own until it is whole.
        let new = self.folder.join(format!("{}.{}.new", part.file_name(), std::process::id()));
        let mut file = File::create(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        drop(file);
        let placed = replace(&new, &self.path(part));
        if placed.is_err() {
            // The old text still exists; the working file is useless.
            drop(std::fs::remove_file(&new));
        }
        placed
    }

    fn put_aside(&self, part: Part) -> Result<String> {
        // What was put aside before is not written over.
        let name = part.file_name();
        let names = std::iter::once(format!("{name}.bak")).chain((2..ASIDE).map(|n| format!("{name}.bak{n}")));
        let free = names.map(|name| self.folder.join(name)).find(|aside| !aside.exists());
        let aside = free.ok_or_else(|| std::io::Error::other("there are too many copies of damaged files already"))?;
        std::fs::rename(self.path(part), &aside)?;
        Ok(aside.display().to_string())
    }

    fn lock(&self) -> Result<Lock> {
        std::fs::create_dir_all(&self.folder)?;
        let file = File::options().create(true).truncate(false).write(true).open(self.folder.join(LOCK))?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Box::new(file)),
                Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(TryLockError::WouldBlock) => {
                    let why = "another poolscope window is writing them and does not finish";
                    return Err(std::io::Error::new(ErrorKind::TimedOut, why));
                }
                // Some network file systems have no locks: a write is still whole or not at all.
                Err(TryLockError::Error(_)) => return Ok(Box::new(file)),
            }
        }
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
    fn read(&self, _part: Part) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn write(&self, _part: Part, _text: &str) -> Result<()> {
        Ok(())
    }

    fn put_aside(&self, _part: Part) -> Result<String> {
        Ok(String::new())
    }

    fn lock(&self) -> Result<Lock> {
        Ok(Box::new(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_replaces_the_one_before_while_somebody_reads_it() {
        let folder = std::env::temp_dir().join(format!("poolscope-store-{}", std::process::id()));
        let path = folder.join("settings.json");
        let store = FileStore::new(&folder);
        store.write(Part::Settings, "one").expect("written");
        // Where an open file cannot be replaced, it is tried again until the reader has closed it.
        let reader = std::fs::File::open(&path).expect("open");
        let reading = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            drop(reader);
        });
        store.write(Part::Settings, "two").expect("written over");
        reading.join().expect("no panic");
        assert_eq!(store.read(Part::Settings).expect("read"), Some(b"two".to_vec()));
        let names: Vec<_> = std::fs::read_dir(&folder).expect("a folder").flatten().map(|f| f.file_name()).collect();
        assert_eq!(names, ["settings.json"], "nothing else is left");
        std::fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn what_cannot_be_replaced_leaves_no_working_file() {
        let folder = std::env::temp_dir().join(format!("poolscope-store-folder-{}", std::process::id()));
        let path = folder.join("settings.json");
        std::fs::create_dir_all(path.join("in the way")).expect("a folder of that name");
        assert!(FileStore::new(&folder).write(Part::Settings, "text").is_err());
        let names: Vec<_> = std::fs::read_dir(&folder).expect("a folder").flatten().map(|f| f.file_name()).collect();
        assert_eq!(names, ["settings.json"]);
        std::fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn every_damaged_text_is_kept() {
        let folder = std::env::temp_dir().join(format!("poolscope-store-aside-{}", std::process::id()));
        let store = FileStore::new(&folder);
        for text in ["one", "two", "three"] {
            store.write(Part::Presets, text).expect("written");
            store.put_aside(Part::Presets).expect("moved");
        }
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("kept");
        assert_eq!(["presets.json.bak", "presets.json.bak2", "presets.json.bak3"].map(read), ["one", "two", "three"]);
        assert!(store.put_aside(Part::Presets).is_err(), "there is none");
        std::fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn one_window_writes_at_a_time() {
        let folder = std::env::temp_dir().join(format!("poolscope-store-lock-{}", std::process::id()));
        let store = FileStore::new(&folder);
        let first = store.lock().expect("nobody else");
        let other = store.clone();
        let (send, receive) = std::sync::mpsc::channel();
        let waiting = std::thread::spawn(move || {
            let second = other.lock();
            send.send(()).expect("somebody waits");
            drop(second.expect("its turn"));
        });
        assert!(receive.recv_timeout(Duration::from_millis(100)).is_err(), "it waits");
        drop(first);
        receive.recv_timeout(Duration::from_secs(60)).expect("its turn");
        waiting.join().expect("no panic");
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
