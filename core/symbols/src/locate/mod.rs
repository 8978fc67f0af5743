//! Finds symbol files along a symbol path: stores, caches, servers.
//!
//! Every file is checked by the caller's function before it is accepted, every location tried is recorded, and stores are
//! written so that other programs never see a partial file.
//!
//! `search` walks the path, `store` knows the layout of stores, `store_writer` adds files to them, `server` downloads with
//! retries over `http`, `cabinet` unpacks compressed files, `check` tests whether the parts of a path work.

mod cabinet;
mod check;
mod http;
mod search;
mod server;
mod store;
mod store_writer;

use crate::identity::{ImageIdentity, PdbIdentity};
use crate::path::SymbolPath;
use poolscope_base::progress::CancelToken;
use search::PathSearch;
use server::SymbolServers;
use std::path::{Path, PathBuf};
use store::{FolderListings, StorePath};

/// Options of a [`Locator`].
#[derive(Clone, Debug)]
pub struct LocatorOptions {
    /// Skip all servers.
    pub offline: bool,
    /// Store for downloads when no part of the path to the left of the server can be written; also holds the "not found" cache.
    pub default_store: PathBuf,
    /// Current time in seconds since 1970, for the age of "not found" answers.
    pub now_unix_s: u64,
    /// Time in seconds for which a server's "not found" answer is cached.
    pub not_found_ttl_s: u64,
    /// Proxy as `host:port` or URL; `None` for the usual environment variables.
    pub proxy: Option<String>,
    /// Time in milliseconds without any data after which a request fails.
    pub timeout_ms: u64,
    /// Number of retries after a transient error.
    pub retries: u32,
    /// Delay before the first retry in milliseconds; doubles with each retry.
    pub retry_delay_ms: u64,
}

impl Default for LocatorOptions {
    fn default() -> Self {
        Self {
            offline: false,
            default_store: PathBuf::new(),
            now_unix_s: 0,
            not_found_ttl_s: 24 * 60 * 60,
            proxy: None,
            timeout_ms: 30_000,
            retries: 2,
            retry_delay_ms: 500,
        }
    }
}

/// Comparison of a file with the wanted identity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FileMatch {
    /// The identity matches.
    Match,
    /// The file has this different identity.
    Mismatch(String),
    /// The file is not of this kind or is damaged; the reason.
    Unreadable(String),
}

/// Result of looking at one location.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LookupResult {
    /// The file exists and matches.
    Found,
    /// The file does not exist.
    NotFound,
    /// The server recently answered "not found" and was not asked again.
    NotFoundCached,
    /// The file has a different identity.
    Mismatch(String),
    /// Access denied: no rights to the folder, or 401, 403, 407 from the server.
    Denied(String),
    /// The folder, share or server cannot be reached, or the transfer was interrupted.
    Unreachable(String),
    /// The file is damaged or of another kind.
    Unreadable(String),
    /// Skipped: offline.
    Offline,
}

/// One location tried.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LookupAttempt {
    /// File path or URL.
    pub location: String,
    /// Result at this location.
    pub result: LookupResult,
}

/// Result of a search for one file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FileLookup {
    /// Local path of the file, if found.
    pub file: Option<PathBuf>,
    /// Locations tried, in order.
    pub attempts: Vec<LookupAttempt>,
    /// Bytes downloaded.
    pub downloaded_bytes: u64,
}

/// Progress of a download.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DownloadProgress {
    /// URL of the server.
    pub server: String,
    /// Bytes received.
    pub bytes: u64,
    /// Size of the file, if the server announced it.
    pub total_bytes: Option<u64>,
}

/// Progress callback and cancellation of a search.
pub struct LookupControl<'a> {
    /// Receives the progress of downloads.
    pub on_download: &'a (dyn Fn(DownloadProgress) + Sync),
    /// Cancels the search.
    pub cancel: &'a CancelToken,
}

/// Test result of one location of a symbol path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PathPartCheck {
    /// The part of the path as written.
    pub part: String,
    /// Folder or server that was tested.
    pub location: String,
    /// `Ok`: a description ("three-tier store, 1204 entries"); `Err`: the problem and what to do.
    pub result: Result<String, String>,
}

/// Finds files along a symbol path. Shared by all threads.
#[derive(Debug)]
pub struct Locator {
    path: SymbolPath,
    options: LocatorOptions,
    listings: FolderListings,
    servers: SymbolServers,
}

impl Locator {
    /// A locator for a path. It remembers which servers are unavailable for as long as it lives.
    #[must_use]
    pub fn new(path: SymbolPath, options: LocatorOptions) -> Self {
        Self { path, options, listings: FolderListings::default(), servers: SymbolServers::default() }
    }

    /// The symbol path.
    #[must_use]
    pub fn path(&self) -> &SymbolPath {
        &self.path
    }

    /// The options.
    #[must_use]
    pub fn options(&self) -> &LocatorOptions {
        &self.options
    }

    /// Finds a PDB. `check` compares the identity of a candidate.
    #[must_use]
    pub fn find_pdb(
        &self,
        identity: &PdbIdentity,
        check: &dyn Fn(&Path) -> FileMatch,
        control: &LookupControl<'_>,
    ) -> FileLookup {
        self.find(&identity.file_name, identity.store_key(), false, check, control)
    }

    /// Finds a PDB only in folders and in stores without a server, which users fill themselves.
    #[must_use]
    pub fn find_pdb_in_folders(
        &self,
        identity: &PdbIdentity,
        check: &dyn Fn(&Path) -> FileMatch,
        control: &LookupControl<'_>,
    ) -> FileLookup {
        self.find(&identity.file_name, identity.store_key(), true, check, control)
    }

    /// Finds an image file. `check` compares the identity of a candidate.
    #[must_use]
    pub fn find_image(
        &self,
        identity: &ImageIdentity,
        check: &dyn Fn(&Path) -> FileMatch,
        control: &LookupControl<'_>,
    ) -> FileLookup {
        self.find(&identity.file_name, identity.store_key(), false, check, control)
    }

    fn find(
        &self,
        name: &str,
        key: String,
        only_folders: bool,
        check: &dyn Fn(&Path) -> FileMatch,
        control: &LookupControl<'_>,
    ) -> FileLookup {
        match StorePath::new(name, key) {
            Ok(wanted) => PathSearch::new(self, &wanted, check, control).run(only_folders),
            Err(place) => FileLookup {
                attempts: vec![LookupAttempt { location: place, result: LookupResult::NotFound }],
                ..FileLookup::default()
            },
        }
    }

    /// Tests each part of the path: folders are listed, servers receive one small request. Results are reported in order.
    pub fn check_path(&self, on_result: &mut dyn FnMut(PathPartCheck), cancel: &CancelToken) {
        check::check_parts(self, on_result, cancel);
    }
}
