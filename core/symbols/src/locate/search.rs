//! One search along the path: from left to right, each find checked, kept in the caches to its left, and everything that
//! was tried written down. It must never return a file that the check did not call right.

use super::deposit::{Slot, SlotError, WorkingFile};
use super::missing::Missing;
use super::name::Wanted;
use super::pointer::{self, Pointer};
use super::store::{FolderProblem, Hit, look};
use super::{LookupAttempt, FileMatch, FileLookup, Locator, LookupResult, LookupControl, cabinet};
use crate::path::PathPart;
use std::io;
use std::path::{Path, PathBuf};

/// So long the lock of another program is waited for; then the file is fetched twice.
const LOCK_WAIT_MS: u64 = 300_000;

/// A search under way.
pub(super) struct Search<'a> {
    pub(super) locator: &'a Locator,
    pub(super) wanted: &'a Wanted,
    pub(super) check: &'a dyn Fn(&Path) -> FileMatch,
    pub(super) watch: &'a LookupControl<'a>,
    pub(super) located: FileLookup,
    /// Folders that were looked into.
    looked: Vec<PathBuf>,
}

impl<'a> Search<'a> {
    /// A search that has not begun.
    pub fn new(
        locator: &'a Locator,
        wanted: &'a Wanted,
        check: &'a dyn Fn(&Path) -> FileMatch,
        watch: &'a LookupControl<'a>,
    ) -> Self {
        Self { locator, wanted, check, watch, located: FileLookup::default(), looked: Vec::new() }
    }

    /// Searches; `only_folders` leaves out what servers fill.
    pub fn run(mut self, only_folders: bool) -> FileLookup {
        let locator = self.locator;
        let mut caches: Vec<PathBuf> = Vec::new();
        for (_, part) in &locator.path.parts {
            let found = match part {
                PathPart::Folder(folder) => self.folder(folder, &caches, true),
                PathPart::Cache(folder) => {
                    let found = if only_folders { None } else { self.folder(folder, &caches, false) };
                    caches.push(folder.clone());
                    found
                }
                PathPart::Chain { servers, .. } if only_folders && !servers.is_empty() => None,
                PathPart::Chain { stores, servers } => self.chain(stores, servers, &caches),
            };
            if found.is_some() {
                self.located.file = found;
                break;
            }
            if self.cancelled() {
                break;
            }
        }
        self.located
    }

    fn chain(&mut self, stores: &[PathBuf], servers: &[String], caches: &[PathBuf]) -> Option<PathBuf> {
        let mut targets = caches.to_vec();
        for (index, store) in stores.iter().enumerate() {
            // What nothing can ever be put into has to be there.
            let source = servers.is_empty() && index + 1 == stores.len();
            if let Some(file) = self.folder(store, &targets, source) {
                return Some(file);
            }
            targets.push(store.clone());
        }
        // Where a store could not be written, the default store has what was fetched.
        let default_store = &self.locator.options.default_store;
        let fetched_before = !servers.is_empty() && !default_store.as_os_str().is_empty();
        if fetched_before && let Some(file) = self.folder(default_store, &[], false) {
            return Some(file);
        }
        for server in servers {
            if self.cancelled() {
                return None;
            }
            if let Some(file) = self.server(server, &targets) {
                return Some(file);
            }
        }
        None
    }

    pub(super) fn cancelled(&self) -> bool {
        self.watch.cancel.is_cancelled()
    }

    pub(super) fn attempt(&mut self, place: impl Into<String>, outcome: LookupResult) {
        self.located.attempts.push(LookupAttempt { location: place.into(), result: outcome });
    }

    pub(super) fn missing(&self) -> Missing<'a> {
        let options = &self.locator.options;
        Missing { store: &options.default_store, now_unix_s: options.now_unix_s, missing_s: options.not_found_ttl_s }
    }

    /// Looks into a folder. `source`: nothing is ever put there, so it should be there.
    fn folder(&mut self, folder: &Path, targets: &[PathBuf], source: bool) -> Option<PathBuf> {
        if self.looked.iter().any(|looked| looked == folder) {
            return None;
        }
        self.looked.push(folder.to_path_buf());
        let place = folder.display().to_string();
        let hits = match look(folder, self.wanted, &self.locator.listings) {
            Ok(hits) => hits,
            Err(problem) => {
                self.attempt(
                    place,
                    match problem {
                        FolderProblem::Missing if source => LookupResult::Unreachable(
                            "there is no such folder; check its spelling, or connect the drive".to_owned(),
                        ),
                        FolderProblem::Missing => LookupResult::NotFound,
                        FolderProblem::Denied(why) => LookupResult::Denied(why),
                        FolderProblem::Unreachable(why) => LookupResult::Unreachable(why),
                    },
                );
                return None;
            }
        };
        if hits.is_empty() {
            self.attempt(place, LookupResult::NotFound);
        }
        for hit in hits {
            if self.cancelled() {
                return None;
            }
            let found = match hit {
                Hit::File(file) | Hit::Compressed(file) => self.file(&file, targets),
                Hit::Pointer(file) => self.pointer(&file, targets),
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// A file that somebody else put there, compressed or not.
    fn file(&mut self, file: &Path, targets: &[PathBuf]) -> Option<PathBuf> {
        let place = file.display().to_string();
        if cabinet::is_cabinet(file) {
            return self.compressed(file, targets);
        }
        match (self.check)(file) {
            FileMatch::Match => {
                self.attempt(place, LookupResult::Found);
                Some(self.copy(file, targets))
            }
            FileMatch::Mismatch(what) => {
                self.attempt(place, LookupResult::Mismatch(what));
                None
            }
            FileMatch::Unreadable(why) => {
                self.attempt(place, LookupResult::Unreadable(why));
                None
            }
        }
    }

    /// What a pointer in a store leads to.
    fn pointer(&mut self, file: &Path, targets: &[PathBuf]) -> Option<PathBuf> {
        let place = file.display().to_string();
        self.follow(place, pointer::read(file, cfg!(windows)), targets)
    }

    pub(super) fn follow(&mut self, place: String, pointer: Pointer, targets: &[PathBuf]) -> Option<PathBuf> {
        match pointer {
            Pointer::Path(file) => match std::fs::metadata(&file) {
                Ok(found) if found.is_file() => self.file(&file, targets),
                _ => {
                    let why = format!("file.ptr leads to {}, which cannot be opened", file.display());
                    self.attempt(place, LookupResult::Unreachable(why));
                    None
                }
            },
            Pointer::Message(text) => {
                self.attempt(place, LookupResult::Unreachable(format!("the store says: {text}")));
                None
            }
            Pointer::Useless(why) => {
                self.attempt(place, LookupResult::Unreachable(why));
                None
            }
        }
    }

    /// Unpacks into the cache nearest to it, or the default store.
    fn compressed(&mut self, file: &Path, targets: &[PathBuf]) -> Option<PathBuf> {
        let place = file.display().to_string();
        let (slot, left) = self.slot(targets)?;
        let mut found = self.there(&slot);
        if found.is_none() {
            let working = self.working(&slot, &place)?.0;
            let unpacked = self.unpack(file, &working);
            found = self.judge(place, unpacked, &slot, &working);
        }
        // No lock is held while another one is waited for.
        drop(slot);
        found.map(|found| self.copy(&found, left))
    }

    /// Opens the lock of the rightmost store that takes the file; the stores left of it.
    pub(super) fn slot<'t>(&mut self, targets: &'t [PathBuf]) -> Option<(Slot, &'t [PathBuf])> {
        for (index, store) in targets.iter().enumerate().rev() {
            if let Some(slot) = self.open(store) {
                return Some((slot, &targets[..index]));
            }
            if self.cancelled() {
                return None;
            }
        }
        let default_store = self.locator.options.default_store.clone();
        if default_store.as_os_str().is_empty() {
            self.attempt("the default store", LookupResult::Denied("there is no folder to keep the file in".to_owned()));
            return None;
        }
        if targets.contains(&default_store) {
            return None;
        }
        self.open(&default_store).map(|slot| (slot, &targets[..0]))
    }

    fn open(&mut self, store: &Path) -> Option<Slot> {
        match Slot::open(store, self.wanted, LOCK_WAIT_MS, self.watch.cancel) {
            Ok(slot) => Some(slot),
            Err(SlotError::Cancelled) => None,
            Err(SlotError::Io(error)) => {
                self.cannot_keep(store, &error);
                None
            }
        }
    }

    pub(super) fn cannot_keep(&mut self, place: &Path, error: &io::Error) {
        let text = format!("nothing can be kept here ({error}); check the rights, and whether the disk is full");
        let outcome = match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => LookupResult::Denied(text),
            _ => LookupResult::Unreachable(text),
        };
        self.attempt(place.display().to_string(), outcome);
    }

    /// The file, if somebody else put it there by now.
    pub(super) fn there(&mut self, slot: &Slot) -> Option<PathBuf> {
        let target = slot.target();
        let right = target.is_file() && (self.check)(target) == FileMatch::Match;
        right.then(|| {
            self.attempt(target.display().to_string(), LookupResult::Found);
            target.to_path_buf()
        })
    }

    pub(super) fn working(&mut self, slot: &Slot, place: &str) -> Option<(WorkingFile, std::fs::File)> {
        match slot.working_file() {
            Ok(working) => Some(working),
            Err(error) => {
                self.attempt(place, LookupResult::Denied(format!("no working file can be made: {error}")));
                None
            }
        }
    }

    pub(super) fn unpack(&self, file: &Path, into: &WorkingFile) -> FileMatch {
        match cabinet::unpack(file, &self.wanted.name, into, self.watch.cancel) {
            Ok(()) => (self.check)(&into.path),
            Err(error) => FileMatch::Unreadable(format!("the compressed file cannot be unpacked: {error}")),
        }
    }

    /// Puts a checked working file into its place, or says what is wrong with it.
    pub(super) fn judge(
        &mut self,
        place: String,
        checked: FileMatch,
        slot: &Slot,
        working: &WorkingFile,
    ) -> Option<PathBuf> {
        if self.cancelled() {
            return None;
        }
        match checked {
            FileMatch::Mismatch(what) => self.attempt(place, LookupResult::Mismatch(what)),
            FileMatch::Unreadable(why) => self.attempt(place, LookupResult::Unreadable(why)),
            FileMatch::Match => match slot.place(working) {
                Ok(file) => {
                    self.attempt(place, LookupResult::Found);
                    return Some(file);
                }
                Err(error) => self.cannot_keep(slot.target(), &error),
            },
        }
        None
    }

    /// A right file, or its copy in the leftmost of these stores that takes one.
    pub(super) fn copy(&mut self, file: &Path, targets: &[PathBuf]) -> PathBuf {
        self.copy_to(file, targets).unwrap_or_else(|| file.to_path_buf())
    }

    /// Copies a right file into stores, the rightmost first; the leftmost copy.
    fn copy_to(&mut self, file: &Path, targets: &[PathBuf]) -> Option<PathBuf> {
        let mut copy = None;
        for store in targets.iter().rev() {
            if self.cancelled() || file.starts_with(store) {
                continue;
            }
            let Some(slot) = self.open(store) else { continue };
            if slot.target().is_file() && (self.check)(slot.target()) == FileMatch::Match {
                copy = Some(slot.target().to_path_buf());
                continue;
            }
            let from = copy.as_deref().unwrap_or(file);
            let placed = slot.working_file().and_then(|(working, _)| {
                std::fs::copy(from, &working.path)?;
                slot.place(&working)
            });
            match placed {
                Ok(placed) => copy = Some(placed),
                Err(error) => self.cannot_keep(slot.target(), &error),
            }
        }
        copy
    }
}
