//! Puts files into stores: lock, working file, rename. At no moment may another program find half a file in its place, and
//! nothing that a crashed program left may block.

use super::name::Wanted;
use poolscope_base::progress::CancelToken;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The folder for locks and working files at the root of a store; it goes when nothing is in it.
pub(super) const WORK_FOLDER: &str = ".poolscope";
/// How often the lock of another program is tried, in milliseconds.
const POLL_MS: u64 = 20;

/// Working files of one process have different names.
static COUNTER: AtomicU64 = AtomicU64::new(0);

/// Why a store does not take a file.
#[derive(Debug)]
pub(super) enum SlotError {
    /// The search was given up while another program was at work.
    Cancelled,
    /// The store cannot be written.
    Io(io::Error),
}

/// The right to put one file into a store, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    work: PathBuf,
    stem: String,
    target: PathBuf,
    lock_file: PathBuf,
    /// `None` where the file system knows no locks, or the holder of the lock seems to hang: then two programs may both fetch
    /// the file, which costs time, but never mixes them up.
    lock: Option<File>,
}

impl Slot {
    /// Waits for the right to put a file into a store, for at most `wait_ms`.
    pub fn open(store: &Path, wanted: &Wanted, wait_ms: u64, cancel: &CancelToken) -> Result<Self, SlotError> {
        let work = store.join(WORK_FOLDER);
        let lock_file = work.join(format!("{}.lock", wanted.stem()));
        let file = open_lock(&work, &lock_file).map_err(SlotError::Io)?;
        let lock = lock(file, wait_ms, cancel)?;
        let prefixed = store.join("index2.txt").is_file();
        let target = store.join(wanted.folder(prefixed)).join(&wanted.name);
        let slot = Self { work, stem: wanted.stem(), target, lock_file, lock };
        slot.clear_leftovers();
        Ok(slot)
    }

    /// Where the file will be.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// An empty working file, gone when dropped.
    pub fn working_file(&self) -> io::Result<(WorkingFile, File)> {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = self.work.join(format!("{}.{}-{number}.part", self.stem, std::process::id()));
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
        Ok((WorkingFile { path }, file))
    }

    /// Makes a finished working file the file that others find, in one step.
    pub fn place(&self, working: &WorkingFile) -> io::Result<PathBuf> {
        if let Some(folder) = self.target.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::rename(&working.path, &self.target)?;
        Ok(self.target.clone())
    }

    /// Working files for the same file belong to programs that are no more, as long as the lock is ours.
    fn clear_leftovers(&self) {
        if self.lock.is_none() {
            return;
        }
        let Ok(entries) = std::fs::read_dir(&self.work) else { return };
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

impl Drop for Slot {
    fn drop(&mut self) {
        // Whoever waits holds the same file open and gets its lock, gone from the folder or not; whoever comes later makes a
        // new one. Both look first whether the file is there by now.
        if let Some(lock) = self.lock.take() {
            drop(std::fs::remove_file(&self.lock_file));
            // Where a file stays in its folder for as long as somebody has it open, the folder could not go.
            drop(lock);
        }
        drop(std::fs::remove_dir(&self.work));
    }
}

/// A file that is not yet one; deleted when dropped, unless it was placed.
#[derive(Debug)]
pub(super) struct WorkingFile {
    /// Where it lies for the time being.
    pub path: PathBuf,
}

impl Drop for WorkingFile {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

/// Opens the lock file. The folder may go between two steps, when another program is done with it.
fn open_lock(work: &Path, lock_file: &Path) -> io::Result<File> {
    let mut result = Err(io::Error::from(io::ErrorKind::NotFound));
    for _ in 0..10 {
        std::fs::create_dir_all(work)?;
        result = File::options().read(true).write(true).create(true).truncate(false).open(lock_file);
        match &result {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // What Windows says of a file that was removed while somebody has it open.
            Err(error) if cfg!(windows) && error.kind() == io::ErrorKind::PermissionDenied => {
                std::thread::sleep(Duration::from_millis(POLL_MS));
            }
            _ => break,
        }
    }
    result
}

fn lock(file: File, wait_ms: u64, cancel: &CancelToken) -> Result<Option<File>, SlotError> {
    let mut waited_ms = 0;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) if waited_ms < wait_ms => {}
            Err(_) => return Ok(None),
        }
        if cancel.is_cancelled() {
            return Err(SlotError::Cancelled);
        }
        std::thread::sleep(Duration::from_millis(POLL_MS));
        waited_ms += POLL_MS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_and_leaves_nothing_behind() {
        let store = std::env::temp_dir().join(format!("poolscope-deposit-{}", std::process::id()));
        let wanted = Wanted::new("A.pdb", "K1".to_owned()).unwrap();
        let work = store.join(WORK_FOLDER);
        std::fs::create_dir_all(&work).unwrap();
        // What a crashed program leaves.
        std::fs::write(work.join("a.pdb-K1.77-0.part"), b"half").unwrap();
        std::fs::write(work.join("a.pdb-K1.lock"), b"").unwrap();
        let cancel = CancelToken::default();
        let slot = Slot::open(&store, &wanted, 1_000, &cancel).unwrap();
        let (working, file) = slot.working_file().unwrap();
        std::fs::write(&working.path, b"whole").unwrap();
        drop(file);
        assert!(!slot.target().exists());
        assert_eq!(slot.place(&working).unwrap(), store.join("A.pdb").join("K1").join("A.pdb"));
        drop((working, slot));
        assert_eq!(std::fs::read(store.join("A.pdb").join("K1").join("A.pdb")).unwrap(), b"whole");
        assert!(!work.exists(), "locks and working files are gone");
        std::fs::remove_dir_all(&store).unwrap();
    }

    #[test]
    fn who_waits_for_a_lock_can_give_up() {
        let store = std::env::temp_dir().join(format!("poolscope-lock-{}", std::process::id()));
        let wanted = Wanted::new("a.pdb", "K1".to_owned()).unwrap();
        let cancel = CancelToken::default();
        let held = Slot::open(&store, &wanted, 1_000, &cancel).unwrap();
        let past = Slot::open(&store, &wanted, 0, &cancel).unwrap();
        assert!(past.lock.is_none(), "a lock that is held too long is passed by");
        drop(past);
        assert!(held.lock_file.exists(), "only its holder removes a lock");
        cancel.cancel();
        assert!(matches!(Slot::open(&store, &wanted, 1_000_000, &cancel), Err(SlotError::Cancelled)));
        drop(held);
        std::fs::remove_dir_all(&store).unwrap();
    }
}
