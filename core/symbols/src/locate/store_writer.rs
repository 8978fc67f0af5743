//! Adds files to symbol stores: lock file, temporary file, rename. Other programs never see a partial file, and files left by
//! a crashed process do not block.

use super::store::StorePath;
use poolscope_base::progress::CancelToken;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Folder for lock and temporary files at the root of a store; removed when empty.
pub(super) const WORK_FOLDER: &str = ".poolscope";
/// Interval between attempts to lock, in milliseconds.
const POLL_MS: u64 = 20;

/// Number for unique names of temporary files of this process.
static COUNTER: AtomicU64 = AtomicU64::new(0);

/// Reason why a file cannot be added to a store.
#[derive(Debug)]
pub(super) enum StoreWriteError {
    /// Cancelled while waiting for the lock.
    Cancelled,
    /// The store cannot be written.
    Io(io::Error),
}

/// Exclusive right to add one file to a store, until dropped.
#[derive(Debug)]
pub(super) struct SymbolStoreWriter {
    work_folder: PathBuf,
    stem: String,
    target: PathBuf,
    lock_file: PathBuf,
    /// `None` if the file system has no locks or the holder of the lock seems to hang: then both programs may download the
    /// file, which costs time but is safe.
    lock: Option<File>,
}

impl SymbolStoreWriter {
    /// Locks a file of a store, waiting for at most `wait_ms`.
    pub fn open(store: &Path, wanted: &StorePath, wait_ms: u64, cancel: &CancelToken) -> Result<Self, StoreWriteError> {
        let work = store.join(WORK_FOLDER);
        let lock_file = work.join(format!("{}.lock", wanted.stem()));
        let file = open_lock(&work, &lock_file).map_err(StoreWriteError::Io)?;
        let lock = lock(file, wait_ms, cancel)?;
        let prefixed = store.join("index2.txt").is_file();
        let target = store.join(wanted.folder(prefixed)).join(&wanted.name);
        let writer = Self { work_folder: work, stem: wanted.stem(), target, lock_file, lock };
        writer.remove_stale_files();
        Ok(writer)
    }

    /// Final path of the file.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Creates an empty temporary file, deleted when dropped.
    pub fn create_temp_file(&self) -> io::Result<(TempFile, File)> {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = self.work_folder.join(format!("{}.{}-{number}.part", self.stem, std::process::id()));
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
        Ok((TempFile { path }, file))
    }

    /// Renames a finished temporary file to its final path, atomically.
    pub fn commit(&self, temp_file: &TempFile) -> io::Result<PathBuf> {
        if let Some(folder) = self.target.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::rename(&temp_file.path, &self.target)?;
        Ok(self.target.clone())
    }

    /// Deletes temporary files of crashed processes; requires the lock.
    fn remove_stale_files(&self) {
        if self.lock.is_none() {
            return;
        }
        let Ok(entries) = std::fs::read_dir(&self.work_folder) else { return };
        let start = format!("{}.", self.stem);
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(&start) && name.ends_with(".part") {
                drop(std::fs::remove_file(entry.path()));
            }
        }
    }
}

impl Drop for SymbolStoreWriter {
    fn drop(&mut self) {
        // A waiting process has the same file open and gets its lock even after the removal; a later process creates a new
        // one. Both first check whether the file has been stored meanwhile.
        if let Some(lock) = self.lock.take() {
            drop(std::fs::remove_file(&self.lock_file));
            // On Windows the folder can only be removed after the file is closed.
            drop(lock);
        }
        drop(std::fs::remove_dir(&self.work_folder));
    }
}

/// A temporary file; deleted when dropped, unless committed.
#[derive(Debug)]
pub(super) struct TempFile {
    /// Path of the temporary file.
    pub path: PathBuf,
}

impl Drop for TempFile {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

/// Opens the lock file. Another process may remove the folder between two steps.
fn open_lock(work: &Path, lock_file: &Path) -> io::Result<File> {
    let mut result = Err(io::Error::from(io::ErrorKind::NotFound));
    for _ in 0..10 {
        std::fs::create_dir_all(work)?;
        result = File::options().read(true).write(true).create(true).truncate(false).open(lock_file);
        match &result {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // The error of Windows for a file that was removed while open.
            Err(error) if cfg!(windows) && error.kind() == io::ErrorKind::PermissionDenied => {
                std::thread::sleep(Duration::from_millis(POLL_MS));
            }
            _ => break,
        }
    }
    result
}

fn lock(file: File, wait_ms: u64, cancel: &CancelToken) -> Result<Option<File>, StoreWriteError> {
    let mut waited_ms = 0;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) if waited_ms < wait_ms => {}
            Err(_) => return Ok(None),
        }
        if cancel.is_cancelled() {
            return Err(StoreWriteError::Cancelled);
        }
        std::thread::sleep(Duration::from_millis(POLL_MS));
        waited_ms += POLL_MS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_committed_atomically_and_leave_no_temporary_files() {
        let store = std::env::temp_dir().join(format!("poolscope-deposit-{}", std::process::id()));
        let wanted = StorePath::new("A.pdb", "K1".to_owned()).unwrap();
        let work = store.join(WORK_FOLDER);
        std::fs::create_dir_all(&work).unwrap();
        // Files left by a crashed process.
        std::fs::write(work.join("a.pdb-K1.77-0.part"), b"half").unwrap();
        std::fs::write(work.join("a.pdb-K1.lock"), b"").unwrap();
        let cancel = CancelToken::default();
        let writer = SymbolStoreWriter::open(&store, &wanted, 1_000, &cancel).unwrap();
        let (temp_file, file) = writer.create_temp_file().unwrap();
        std::fs::write(&temp_file.path, b"whole").unwrap();
        drop(file);
        assert!(!writer.target().exists());
        assert_eq!(writer.commit(&temp_file).unwrap(), store.join("A.pdb").join("K1").join("A.pdb"));
        drop((temp_file, writer));
        assert_eq!(std::fs::read(store.join("A.pdb").join("K1").join("A.pdb")).unwrap(), b"whole");
        assert!(!work.exists(), "locks and temp_file files are gone");
        std::fs::remove_dir_all(&store).unwrap();
    }

    #[test]
    fn waiting_for_a_lock_can_be_cancelled() {
        let store = std::env::temp_dir().join(format!("poolscope-lock-{}", std::process::id()));
        let wanted = StorePath::new("a.pdb", "K1".to_owned()).unwrap();
        let cancel = CancelToken::default();
        let held = SymbolStoreWriter::open(&store, &wanted, 1_000, &cancel).unwrap();
        let past = SymbolStoreWriter::open(&store, &wanted, 0, &cancel).unwrap();
        assert!(past.lock.is_none(), "a lock that is held too long is ignored");
        drop(past);
        assert!(held.lock_file.exists(), "only its holder removes a lock");
        cancel.cancel();
        assert!(matches!(
            SymbolStoreWriter::open(&store, &wanted, 1_000_000, &cancel),
            Err(StoreWriteError::Cancelled)
        ));
        drop(held);
        std::fs::remove_dir_all(&store).unwrap();
    }
}
