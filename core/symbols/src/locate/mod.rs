//! Finds symbol files along a symbol path: stores, caches, servers. What is found is checked before it is believed, and
//! everything that was tried is told. It must never leave a half-written file where another program looks for a whole one.

mod ask;
mod cabinet;
mod check;
mod deposit;
mod http;
mod missing;
mod name;
mod pointer;
mod search;
mod server;
mod store;

use super::identity::{ImageIdentity, PdbIdentity};
use super::path::SymbolPath;
use poolscope_base::progress::CancelToken;
use name::Wanted;
use search::Search;
use server::Servers;
use std::path::{Path, PathBuf};
use store::Listings;

/// How files are looked for.
#[derive(Clone, Debug)]
pub struct LocatorOptions {
    /// No server is asked.
    pub offline: bool,
    /// Where downloads go if no part of the path before the server takes them, and where answers "not found" are noted.
    pub default_store: PathBuf,
    /// The time now, in seconds since 1970: for how long "not found" is believed.
    pub now_unix_s: u64,
    /// For how long a server's "not found" is believed, in seconds.
    pub not_found_ttl_s: u64,
    /// A proxy (`host:port` or a URL); `None`: what the usual environment variables say.
    pub proxy: Option<String>,
    /// For how long a server may be silent, in milliseconds.
    pub timeout_ms: u64,
    /// How often a request is repeated after an error that may pass.
    pub retries: u32,
    /// Pause before the first repetition, in milliseconds; it doubles each time.
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

/// Whether a file is what was looked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FileMatch {
    /// It is.
    Match,
    /// It is the same kind of file with this identity.
    Mismatch(String),
    /// It is no such file at all, for this reason.
    Unreadable(String),
}

/// What became of one place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LookupResult {
    /// The file is there and right.
    Found,
    /// It is not there.
    NotFound,
    /// The server said lately that it has no such file, and was not asked again.
    NotFoundCached,
    /// A file of another identity is there.
    Mismatch(String),
    /// Not allowed: no rights to the folder, or 401, 403, 407 from the server.
    Denied(String),
    /// The folder, share or server cannot be reached, or the transfer broke off.
    Unreachable(String),
    /// A file is there that cannot be read as what it should be.
    Unreadable(String),
    /// Not asked: offline.
    Offline,
}

/// One place that was looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LookupAttempt {
    /// The file or address.
    pub location: String,
    /// What became of it.
    pub result: LookupResult,
}

/// The result of a search.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FileLookup {
    /// The file, ready to read.
    pub file: Option<PathBuf>,
    /// What was tried, in order.
    pub attempts: Vec<LookupAttempt>,
    /// Bytes that came over the network.
    pub downloaded_bytes: u64,
}

/// How far a download is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DownloadProgress {
    /// The server's address.
    pub server: String,
    /// Bytes so far.
    pub bytes: u64,
    /// Bytes in all, where the server says so.
    pub total_bytes: Option<u64>,
}

/// What a search asks back.
pub struct LookupControl<'a> {
    /// Tells how far a download is.
    pub on_download: &'a (dyn Fn(DownloadProgress) + Sync),
    /// Stops the search.
    pub cancel: &'a CancelToken,
}

/// Whether a part of a symbol path works.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PathPartCheck {
    /// The part as written.
    pub part: String,
    /// The place in it that was checked.
    pub location: String,
    /// `Ok`: what it is ("three-tier store, 1,204 files"); `Err`: what is wrong and what to do.
    pub result: Result<String, String>,
}

/// Looks for files. Shared by all threads.
#[derive(Debug)]
pub struct Locator {
    path: SymbolPath,
    options: LocatorOptions,
    listings: Listings,
    servers: Servers,
}

impl Locator {
    /// A locator over a path. It remembers which servers are down; a new one asks them again.
    #[must_use]
    pub fn new(path: SymbolPath, options: LocatorOptions) -> Self {
        Self { path, options, listings: Listings::default(), servers: Servers::default() }
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &SymbolPath {
        &self.path
    }

    /// The options.
    #[must_use]
    pub fn options(&self) -> &LocatorOptions {
        &self.options
    }

    /// Looks for a PDB. `check` decides whether a file is the right one.
    #[must_use]
    pub fn find_pdb(&self, identity: &PdbIdentity, check: &dyn Fn(&Path) -> FileMatch, watch: &LookupControl<'_>) -> FileLookup {
        self.find(&identity.file_name, identity.store_key(), false, check, watch)
    }

    /// Looks for a PDB only where people put files themselves: in folders, and in stores that no server fills.
    #[must_use]
    pub fn find_pdb_in_folders(
        &self,
        identity: &PdbIdentity,
        check: &dyn Fn(&Path) -> FileMatch,
        watch: &LookupControl<'_>,
    ) -> FileLookup {
        self.find(&identity.file_name, identity.store_key(), true, check, watch)
    }

    /// Looks for an image file.
    #[must_use]
    pub fn find_image(&self, identity: &ImageIdentity, check: &dyn Fn(&Path) -> FileMatch, watch: &LookupControl<'_>) -> FileLookup {
        self.find(&identity.file_name, identity.store_key(), false, check, watch)
    }

    fn find(
        &self,
        name: &str,
        key: String,
        only_folders: bool,
        check: &dyn Fn(&Path) -> FileMatch,
        watch: &LookupControl<'_>,
    ) -> FileLookup {
        match Wanted::new(name, key) {
            Ok(wanted) => Search::new(self, &wanted, check, watch).run(only_folders),
            Err(place) => {
                FileLookup { attempts: vec![LookupAttempt { location: place, result: LookupResult::NotFound }], ..FileLookup::default() }
            }
        }
    }

    /// Looks whether each part of the path works: folders are listed, servers are asked for something that they answer
    /// quickly. Results come one by one, in order.
    pub fn check_path(&self, tell: &mut dyn FnMut(PathPartCheck), cancel: &CancelToken) {
        check::check_parts(self, tell, cancel);
    }
}
