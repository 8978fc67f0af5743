//! One search for one file along the symbol path, from left to right. Every file found is checked before it is accepted, a
//! file from the right is copied into the caches to its left, and every location tried is recorded.

use super::cabinet;
use super::server::{FetchResult, NotFoundCache};
use super::store::{FilePtr, FolderError, SYMCACHE_ENDING, StoreEntry, StorePath, find_candidates, read_file_ptr};
use super::store_writer::{StoreWriteError, SymbolStoreWriter, TempFile};
use super::{FileLookup, FileMatch, Locator, LookupAttempt, LookupControl, LookupResult};
use crate::path::PathPart;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Maximum wait for the lock of another program; after that the file is downloaded twice.
const LOCK_WAIT_MS: u64 = 300_000;

/// Search for one file in progress.
pub(super) struct PathSearch<'a> {
    pub(super) locator: &'a Locator,
    pub(super) wanted: &'a StorePath,
    pub(super) check: &'a dyn Fn(&Path) -> FileMatch,
    pub(super) control: &'a LookupControl<'a>,
    pub(super) lookup: FileLookup,
    /// Folders already searched.
    visited: Vec<PathBuf>,
}

impl<'a> PathSearch<'a> {
    /// A search that has not started.
    pub fn new(
        locator: &'a Locator,
        wanted: &'a StorePath,
        check: &'a dyn Fn(&Path) -> FileMatch,
        watch: &'a LookupControl<'a>,
    ) -> Self {
        Self { locator, wanted, check, control: watch, lookup: FileLookup::default(), visited: Vec::new() }
    }

    /// Runs the search; `only_folders` skips caches and stores that servers fill.
    pub fn run(mut self, only_folders: bool) -> FileLookup {
        let locator = self.locator;
        let mut caches: Vec<PathBuf> = Vec::new();
        for (_, part) in &locator.path.parts {
            let found = match part {
                PathPart::Folder(folder) => self.search_folder(folder, &caches, true),
                PathPart::Cache(folder) => {
                    let found = if only_folders { None } else { self.search_folder(folder, &caches, false) };
                    caches.push(folder.clone());
                    found
                }
                PathPart::Chain { servers, .. } if only_folders && !servers.is_empty() => None,
                PathPart::Chain { stores, servers } => self.search_chain(stores, servers, &caches),
            };
            if found.is_some() {
                self.lookup.file = found;
                break;
            }
            if self.is_cancelled() {
                break;
            }
        }
        self.lookup
    }

    fn search_chain(&mut self, stores: &[PathBuf], servers: &[String], caches: &[PathBuf]) -> Option<PathBuf> {
        let mut targets = caches.to_vec();
        for (index, store) in stores.iter().enumerate() {
            // A store into which nothing is copied is expected to exist.
            let is_source = servers.is_empty() && index + 1 == stores.len();
            if let Some(file) = self.search_folder(store, &targets, is_source) {
                return Some(file);
            }
            targets.push(store.clone());
        }
        // If a store could not be written, earlier downloads are in the default store.
        let default_store = &self.locator.options.default_store;
        let fetched_before = !servers.is_empty() && !default_store.as_os_str().is_empty();
        if fetched_before && let Some(file) = self.search_folder(default_store, &[], false) {
            return Some(file);
        }
        for server in servers {
            if self.is_cancelled() {
                return None;
            }
            if let Some(file) = self.search_server(server, &targets) {
                return Some(file);
            }
        }
        None
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.control.cancel.is_cancelled()
    }

    pub(super) fn record(&mut self, place: impl Into<String>, outcome: LookupResult) {
        self.lookup.attempts.push(LookupAttempt { location: place.into(), result: outcome });
    }

    pub(super) fn not_found_cache(&self) -> NotFoundCache<'a> {
        let options = &self.locator.options;
        NotFoundCache { store: &options.default_store, now_unix_s: options.now_unix_s, ttl_s: options.not_found_ttl_s }
    }

    /// Searches a folder. `is_source`: nothing is copied into it, so it is expected to exist.
    fn search_folder(&mut self, folder: &Path, targets: &[PathBuf], is_source: bool) -> Option<PathBuf> {
        if self.visited.iter().any(|looked| looked == folder) {
            return None;
        }
        self.visited.push(folder.to_path_buf());
        let place = folder.display().to_string();
        let hits = match find_candidates(folder, self.wanted, &self.locator.listings) {
            Ok(hits) => hits,
            Err(problem) => {
                self.record(
                    place,
                    match problem {
                        FolderError::Missing if is_source => LookupResult::Unreachable(
                            "the folder does not exist; check the spelling, or connect the drive".to_owned(),
                        ),
                        FolderError::Missing => LookupResult::NotFound,
                        FolderError::Denied(why) => LookupResult::Denied(why),
                        FolderError::Unreachable(why) => LookupResult::Unreachable(why),
                    },
                );
                return None;
            }
        };
        if hits.is_empty() {
            self.record(place, LookupResult::NotFound);
        }
        for hit in hits {
            if self.is_cancelled() {
                return None;
            }
            let found = match hit {
                StoreEntry::File(file) | StoreEntry::Compressed(file) => self.accept_file(&file, targets),
                StoreEntry::Pointer(file) => self.follow_pointer(&file, targets),
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Checks a candidate, compressed or not, and copies it into the target stores.
    fn accept_file(&mut self, file: &Path, targets: &[PathBuf]) -> Option<PathBuf> {
        let place = file.display().to_string();
        // In a store a symbol cache of WPA would be taken for the PDB.
        let targets = if place.ends_with(SYMCACHE_ENDING) { &[] } else { targets };
        if cabinet::is_cabinet(file) {
            return self.accept_compressed(file, targets);
        }
        match (self.check)(file) {
            FileMatch::Match => {
                self.record(place, LookupResult::Found);
                Some(self.copy_to_each(file, targets))
            }
            FileMatch::Mismatch(what) => {
                self.record(place, LookupResult::Mismatch(what));
                None
            }
            FileMatch::Unreadable(why) => {
                self.record(place, LookupResult::Unreadable(why));
                None
            }
        }
    }

    /// Follows a `file.ptr` in a store.
    fn follow_pointer(&mut self, file: &Path, targets: &[PathBuf]) -> Option<PathBuf> {
        let place = file.display().to_string();
        self.follow(place, read_file_ptr(file, cfg!(windows)), targets)
    }

    pub(super) fn follow(&mut self, place: String, pointer: FilePtr, targets: &[PathBuf]) -> Option<PathBuf> {
        match pointer {
            FilePtr::Path(file) => match std::fs::metadata(&file) {
                Ok(found) if found.is_file() => self.accept_file(&file, targets),
                _ => {
                    let why = format!("file.ptr points to {}, which cannot be opened", file.display());
                    self.record(place, LookupResult::Unreachable(why));
                    None
                }
            },
            FilePtr::Message(text) => {
                self.record(place, LookupResult::Unreachable(format!("file.ptr contains the message: {text}")));
                None
            }
            FilePtr::Invalid(why) => {
                self.record(place, LookupResult::Unreachable(why));
                None
            }
        }
    }

    /// Unpacks into the rightmost writable target store, or the default store.
    fn accept_compressed(&mut self, file: &Path, targets: &[PathBuf]) -> Option<PathBuf> {
        let place = file.display().to_string();
        let (writer, left) = self.open_store(targets)?;
        let mut found = self.already_stored(&writer);
        if found.is_none() {
            let temp_file = self.create_temp_file(&writer, &place)?.0;
            let unpacked = self.unpack(file, &temp_file);
            found = self.store_if_match(place, unpacked, &writer, &temp_file);
        }
        // Released first: holding one lock while waiting for another could deadlock.
        drop(writer);
        found.map(|found| self.copy_to_each(&found, left))
    }

    /// Locks the rightmost writable store for the file; returns it with the stores to its left.
    pub(super) fn open_store<'t>(&mut self, targets: &'t [PathBuf]) -> Option<(SymbolStoreWriter, &'t [PathBuf])> {
        for (index, store) in targets.iter().enumerate().rev() {
            if let Some(writer) = self.open(store) {
                return Some((writer, &targets[..index]));
            }
            if self.is_cancelled() {
                return None;
            }
        }
        let default_store = self.locator.options.default_store.clone();
        if default_store.as_os_str().is_empty() {
            self.record("the default store", LookupResult::Denied("no folder is configured for downloads".to_owned()));
            return None;
        }
        if targets.contains(&default_store) {
            return None;
        }
        self.open(&default_store).map(|writer| (writer, &targets[..0]))
    }

    fn open(&mut self, store: &Path) -> Option<SymbolStoreWriter> {
        match SymbolStoreWriter::open(store, self.wanted, LOCK_WAIT_MS, self.control.cancel) {
            Ok(writer) => Some(writer),
            Err(StoreWriteError::Cancelled) => None,
            Err(StoreWriteError::Io(error)) => {
                self.record_write_error(store, &error);
                None
            }
        }
    }

    pub(super) fn record_write_error(&mut self, place: &Path, error: &io::Error) {
        let text = format!("cannot write here ({error}); check the permissions and the free disk space");
        let outcome = match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => LookupResult::Denied(text),
            _ => LookupResult::Unreachable(text),
        };
        self.record(place.display().to_string(), outcome);
    }

    /// The file, if another program has stored it meanwhile.
    pub(super) fn already_stored(&mut self, writer: &SymbolStoreWriter) -> Option<PathBuf> {
        let target = writer.target();
        let right = target.is_file() && (self.check)(target) == FileMatch::Match;
        right.then(|| {
            self.record(target.display().to_string(), LookupResult::Found);
            target.to_path_buf()
        })
    }

    pub(super) fn create_temp_file(&mut self, writer: &SymbolStoreWriter, place: &str) -> Option<(TempFile, File)> {
        match writer.create_temp_file() {
            Ok(temp_file) => Some(temp_file),
            Err(error) => {
                self.record(place, LookupResult::Denied(format!("cannot create a temporary file: {error}")));
                None
            }
        }
    }

    pub(super) fn unpack(&self, file: &Path, into: &TempFile) -> FileMatch {
        match cabinet::unpack(file, &self.wanted.name, into, self.control.cancel) {
            Ok(()) => (self.check)(&into.path),
            Err(error) => FileMatch::Unreadable(format!("cannot unpack the compressed file: {error}")),
        }
    }

    /// Moves a matching temporary file into the store, or records why it is rejected.
    pub(super) fn store_if_match(
        &mut self,
        place: String,
        checked: FileMatch,
        writer: &SymbolStoreWriter,
        temp_file: &TempFile,
    ) -> Option<PathBuf> {
        if self.is_cancelled() {
            return None;
        }
        match checked {
            FileMatch::Mismatch(what) => self.record(place, LookupResult::Mismatch(what)),
            FileMatch::Unreadable(why) => self.record(place, LookupResult::Unreadable(why)),
            FileMatch::Match => match writer.commit(temp_file) {
                Ok(file) => {
                    self.record(place, LookupResult::Found);
                    return Some(file);
                }
                Err(error) => self.record_write_error(writer.target(), &error),
            },
        }
        None
    }

    /// Copies a file into the target stores; returns the leftmost copy, or the file itself.
    pub(super) fn copy_to_each(&mut self, file: &Path, targets: &[PathBuf]) -> PathBuf {
        self.copy_to(file, targets).unwrap_or_else(|| file.to_path_buf())
    }

    /// Copies a file into stores from right to left; returns the leftmost copy.
    fn copy_to(&mut self, file: &Path, targets: &[PathBuf]) -> Option<PathBuf> {
        let mut copy = None;
        for store in targets.iter().rev() {
            if self.is_cancelled() || file.starts_with(store) {
                continue;
            }
            let Some(writer) = self.open(store) else { continue };
            if writer.target().is_file() && (self.check)(writer.target()) == FileMatch::Match {
                copy = Some(writer.target().to_path_buf());
                continue;
            }
            let from = copy.as_deref().unwrap_or(file);
            let placed = writer.create_temp_file().and_then(|(temp_file, _)| {
                std::fs::copy(from, &temp_file.path)?;
                writer.commit(&temp_file)
            });
            match placed {
                Ok(placed) => copy = Some(placed),
                Err(error) => self.record_write_error(writer.target(), &error),
            }
        }
        copy
    }
}

/// Meaning of a server's answer to one request for the search.
enum ServerAnswer {
    Found(PathBuf),
    /// The file is elsewhere.
    Pointer(FilePtr),
    /// No file of this name.
    NotFound,
    /// A file of this name that does not match.
    Rejected,
    /// Further requests are pointless.
    Stop,
}

impl PathSearch<'_> {
    /// Searches a server and stores the file in the target stores or the default store. Requests `name`, `name.pd_` and
    /// `file.ptr`, in the two-tier and then the three-tier layout.
    pub(super) fn search_server(&mut self, server: &str, targets: &[PathBuf]) -> Option<PathBuf> {
        let locator = self.locator;
        let place = self.wanted.url(server, false, &self.wanted.name);
        if locator.options.offline {
            self.record(place, LookupResult::Offline);
            return None;
        }
        if self.has_known_answer(server, &place) {
            return None;
        }
        let (writer, left) = self.open_store(targets)?;
        // Another program may have stored it while this one waited for the lock.
        if let Some(found) = self.already_stored(&writer) {
            drop(writer);
            return Some(self.copy_to_each(&found, left));
        }
        if self.has_known_answer(server, &place) {
            return None;
        }
        let mut not_there = true;
        for prefixed in [false, true] {
            match self.should_try_layout(server, prefixed, &writer) {
                Some(true) => {}
                Some(false) => continue,
                None => return None,
            }
            for leaf in [self.wanted.name.clone(), self.wanted.compressed(), "file.ptr".to_owned()] {
                let url = self.wanted.url(server, prefixed, &leaf);
                match self.request_file(server, &url, leaf == "file.ptr", &writer) {
                    // Released first: holding one lock while waiting for another could deadlock.
                    ServerAnswer::Found(file) => {
                        drop(writer);
                        return Some(self.copy_to_each(&file, left));
                    }
                    ServerAnswer::Pointer(pointer) => {
                        drop(writer);
                        return self.follow(url, pointer, targets);
                    }
                    ServerAnswer::NotFound => {}
                    ServerAnswer::Rejected => not_there = false,
                    ServerAnswer::Stop => return None,
                }
            }
        }
        if not_there {
            self.not_found_cache().insert(server, &self.wanted.stem());
            self.record(place, LookupResult::NotFound);
        }
        None
    }

    /// Returns `true` if the server is unavailable or recently answered "not found"; the attempt is recorded.
    fn has_known_answer(&mut self, server: &str, place: &str) -> bool {
        if let Some(why) = self.locator.servers.unavailable_reason(server) {
            self.record(place, LookupResult::Unreachable(why));
            return true;
        }
        let lately = self.not_found_cache().contains(server, &self.wanted.stem());
        if lately {
            self.record(place, LookupResult::NotFoundCached);
        }
        lately
    }

    /// Returns `true` if this layout of the server's store should be tried. Most stores have two tiers, so `index2.txt` is requested only
    /// after a file was not found there, and the answer is remembered. `None`: stop.
    fn should_try_layout(&mut self, server: &str, prefixed: bool, writer: &SymbolStoreWriter) -> Option<bool> {
        let servers = &self.locator.servers;
        let index = "index2.txt";
        let known =
            servers.is_three_tier(server).or_else(|| self.not_found_cache().contains(server, index).then_some(false));
        match (known, prefixed) {
            (Some(known), asked) => return Some(known == asked),
            (None, false) => return Some(true),
            (None, true) => {}
        }
        let url = format!("{server}/{index}");
        let (_temp_file, mut file) = self.create_temp_file(writer, &url)?;
        let fetched = servers.fetch(
            &self.locator.options,
            (server, &url),
            &mut file,
            self.control,
            &mut self.lookup.downloaded_bytes,
        );
        match fetched {
            FetchResult::Cancelled => return None,
            // A web page is not an index, whatever its status.
            FetchResult::Complete { is_html: false } => servers.set_three_tier(server, true),
            FetchResult::NotFound => {
                servers.set_three_tier(server, false);
                self.not_found_cache().insert(server, index);
            }
            _ => servers.set_three_tier(server, false),
        }
        Some(servers.is_three_tier(server) == Some(true))
    }

    /// Requests one file name.
    fn request_file(&mut self, server: &str, url: &str, is_pointer: bool, writer: &SymbolStoreWriter) -> ServerAnswer {
        let Some((temp_file, mut file)) = self.create_temp_file(writer, url) else { return ServerAnswer::Stop };
        let fetched = self.locator.servers.fetch(
            &self.locator.options,
            (server, url),
            &mut file,
            self.control,
            &mut self.lookup.downloaded_bytes,
        );
        // Windows requires that a file is closed before it is moved.
        drop(file);
        match fetched {
            FetchResult::Complete { is_html } if is_pointer && (is_html || is_web_page(&temp_file.path)) => {
                ServerAnswer::NotFound
            }
            FetchResult::Complete { .. } if is_pointer => {
                ServerAnswer::Pointer(read_file_ptr(&temp_file.path, cfg!(windows)))
            }
            FetchResult::Complete { is_html } => self.accept_download(url, is_html, writer, &temp_file),
            FetchResult::NotFound => ServerAnswer::NotFound,
            FetchResult::Denied(why) | FetchResult::WriteFailed(why) => self.stop(url, LookupResult::Denied(why)),
            FetchResult::Unreachable(why) => self.stop(url, LookupResult::Unreachable(why)),
            FetchResult::Cancelled => ServerAnswer::Stop,
        }
    }

    fn stop(&mut self, place: &str, outcome: LookupResult) -> ServerAnswer {
        self.record(place, outcome);
        ServerAnswer::Stop
    }

    /// Checks a complete download and stores it.
    fn accept_download(
        &mut self,
        url: &str,
        is_html: bool,
        writer: &SymbolStoreWriter,
        temp_file: &TempFile,
    ) -> ServerAnswer {
        let found = if cabinet::is_cabinet(&temp_file.path) {
            let Some((unpacked, made)) = self.create_temp_file(writer, url) else { return ServerAnswer::Stop };
            drop(made);
            let checked = self.unpack(&temp_file.path, &unpacked);
            self.store_if_match(url.to_owned(), checked, writer, &unpacked)
        } else {
            let checked = match (self.check)(&temp_file.path) {
                FileMatch::Unreadable(why) => FileMatch::Unreadable(explain_web_page(why, is_html, &temp_file.path)),
                checked => checked,
            };
            self.store_if_match(url.to_owned(), checked, writer, temp_file)
        };
        match found {
            Some(file) => ServerAnswer::Found(file),
            None if self.is_cancelled() => ServerAnswer::Stop,
            None => ServerAnswer::Rejected,
        }
    }
}

/// Adds the usual reasons when a server sent a web page instead of a file.
fn explain_web_page(why: String, is_html: bool, file: &Path) -> String {
    if is_html || is_web_page(file) {
        format!(
            "the server sent a web page instead of the file: a sign-in page, a proxy, or not a symbol server ({why})"
        )
    } else {
        why
    }
}

fn is_web_page(file: &Path) -> bool {
    let mut start = [0; 64];
    let read = File::open(file).and_then(|mut file| std::io::Read::read(&mut file, &mut start)).unwrap_or(0);
    let start = String::from_utf8_lossy(&start[..read]).trim_start().to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}
