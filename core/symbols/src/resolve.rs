//! Resolves the names of many modules in parallel, in the order given, and reports progress per module.
//!
//! Sources of one module, in order: the PDB that the user chose, PDBs built into the program, folders of the symbol path that
//! users fill, the name cache, the whole symbol path, and the exports of the image. A file whose identity differs is never used.

use crate::identity::{ImageIdentity, ModuleIdentity, PdbIdentity, base_name};
use crate::image;
use crate::locate::{
    DownloadProgress, FileLookup, FileMatch, Locator, LocatorOptions, LookupAttempt, LookupControl, LookupResult,
};
use crate::name_cache::{CachedNames, NameCache, PdbStamp};
use crate::names::ModuleNames;
use crate::pdb_file::{self, PdbBytes, PdbError};
use poolscope_base::progress::{CancelToken, Cancelled};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A module and the addresses in it to resolve.
#[derive(Clone, Debug)]
pub struct ModuleRequest {
    /// Identity of the module.
    pub identity: ModuleIdentity,
    /// Relative virtual addresses, ascending, without duplicates.
    pub rvas: Vec<u32>,
    /// PDB file chosen by the user; tried before everything else.
    pub explicit_pdb: Option<PathBuf>,
    /// Ignore cached names: find and read the PDB again.
    pub ignore_cache: bool,
}

/// Progress or result of resolving a module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ModuleState {
    /// Queued.
    Waiting,
    /// Its symbol file is being searched.
    Searching,
    /// Its symbol file is being downloaded.
    Downloading(DownloadProgress),
    /// Its symbol file is being read.
    Reading,
    /// Names come from its PDB, read now or taken from the cache.
    Loaded,
    /// No PDB was found; names come from the exports of its image.
    ExportsOnly,
    /// Found at none of the locations.
    NotFound,
    /// Only files of a different identity were found.
    WrongIdentity,
    /// Not found, and at least one location denied access.
    Denied,
    /// Not found, and at least one location could not be reached.
    Unreachable,
    /// Not found on this machine, and servers were skipped (offline).
    Offline,
    /// The matching file is damaged.
    Unreadable,
    /// The trace does not contain the identity of its PDB.
    NoIdentity,
    /// Cancelled.
    Cancelled,
}

/// Result of resolving one module.
#[derive(Clone, Debug)]
pub struct ModuleOutcome {
    /// Final state.
    pub state: ModuleState,
    /// Identity of the PDB, from the trace or else from the image file.
    pub pdb: Option<PdbIdentity>,
    /// File that the names come from; `None` for the name cache and for built-in PDBs.
    pub file: Option<PathBuf>,
    /// Locations tried, in order.
    pub attempts: Vec<LookupAttempt>,
    /// The names; empty if none were found.
    pub names: Arc<ModuleNames>,
    /// The names come from the name cache, or came along with the trace; the attempts tell which.
    pub from_cache: bool,
    /// Bytes downloaded.
    pub downloaded_bytes: u64,
}

impl ModuleState {
    /// Identifier for reports and JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Searching => "searching",
            Self::Downloading(_) => "downloading",
            Self::Reading => "reading",
            Self::Loaded => "loaded",
            Self::ExportsOnly => "exports_only",
            Self::NotFound => "not_found",
            Self::WrongIdentity => "wrong_identity",
            Self::Denied => "denied",
            Self::Unreachable => "unreachable",
            Self::Offline => "offline",
            Self::Unreadable => "unreadable",
            Self::NoIdentity => "no_identity",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns `true` if names come from the module's PDB.
    #[must_use]
    pub const fn is_loaded(&self) -> bool {
        matches!(self, Self::Loaded)
    }

    /// State of a module that was not found, by the attempt that the user can act on best: a file of another identity, a damaged
    /// file, denied access, an unreachable location, a skipped server; else [`Self::NotFound`].
    fn from_attempts(attempts: &[LookupAttempt]) -> Self {
        let rank = |attempt: &LookupAttempt| match attempt.result {
            LookupResult::Mismatch(_) => 0,
            LookupResult::Unreadable(_) => 1,
            LookupResult::Denied(_) => 2,
            LookupResult::Unreachable(_) => 3,
            LookupResult::Offline => 4,
            LookupResult::NotFound | LookupResult::NotFoundCached | LookupResult::Found => 5,
        };
        match attempts.iter().map(rank).min() {
            Some(0) => Self::WrongIdentity,
            Some(1) => Self::Unreadable,
            Some(2) => Self::Denied,
            Some(3) => Self::Unreachable,
            Some(4) => Self::Offline,
            _ => Self::NotFound,
        }
    }
}

impl ModuleOutcome {
    /// A result without names.
    #[must_use]
    pub fn without_names(state: ModuleState, pdb: Option<PdbIdentity>, attempts: Vec<LookupAttempt>) -> Self {
        let names = Arc::new(ModuleNames::default());
        Self { state, pdb, file: None, attempts, names, from_cache: false, downloaded_bytes: 0 }
    }
}

/// Progress of one module, reported with its position in the requests.
#[derive(Clone, Debug)]
pub enum ProgressEvent {
    /// Its state changed.
    State(ModuleState),
    /// It is finished.
    Done(ModuleOutcome),
}

/// Looks up PDBs that are built into the program.
pub type BuiltinPdbs = fn(&PdbIdentity) -> Option<&'static [u8]>;

/// Names that came along with a trace, resolved on another machine.
pub trait SuppliedNames: Send + Sync {
    /// Names of a module for its addresses; `None` if there are none.
    fn names(&self, module: &ModuleIdentity) -> Option<SuppliedModule>;
}

/// Names of one module that came along with a trace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SuppliedModule {
    /// The names.
    pub names: ModuleNames,
    /// True if they are exports of the image, not names of its PDB.
    pub are_exports: bool,
}

/// Resolves names of modules.
pub struct Resolver {
    /// Finds symbol files.
    pub locator: Locator,
    /// Cache of resolved names, if any.
    pub cache: Option<NameCache>,
    /// PDBs built into the program.
    pub builtin_pdbs: Option<BuiltinPdbs>,
    /// Maximum number of modules resolved at the same time; 0 for the default.
    pub max_concurrent: usize,
    /// Names that came along with the trace. They are used before all sources but a PDB that the user chose, unless cached names are
    /// ignored.
    pub supplied: Option<Arc<dyn SuppliedNames>>,
    /// Resolve nothing else than what is supplied: no file is searched for, and the cache is not touched.
    pub is_only_supplied: bool,
}

/// Default number of modules resolved at the same time: few enough for servers, and PDBs are mapped, not read into memory.
const DEFAULT_CONCURRENCY: usize = 8;

impl Resolver {
    /// Resolves all requests. Every request ends with exactly one [`ProgressEvent::Done`], also when cancelled. `on_event` is
    /// called from several threads. Results do not depend on the number of threads.
    pub fn resolve(
        &self,
        requests: &[ModuleRequest],
        on_event: &(dyn Fn(usize, ProgressEvent) + Sync),
        cancel: &CancelToken,
    ) {
        let limit = if self.max_concurrent == 0 { DEFAULT_CONCURRENCY } else { self.max_concurrent };
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some((at, request)) = {
                let at = next.fetch_add(1, Ordering::Relaxed);
                requests.get(at).map(|request| (at, request))
            } {
                let say = |state| on_event(at, ProgressEvent::State(state));
                // A panic while reading one PDB must not lose the names of the others.
                let module = || resolve_module(self, request, &say, cancel);
                let outcome =
                    catch_unwind(AssertUnwindSafe(module)).unwrap_or_else(|panic| internal_error(request, &*panic));
                on_event(at, ProgressEvent::Done(outcome));
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..limit.min(requests.len()) {
                scope.spawn(work);
            }
            work();
        });
    }
}

/// Result of a module whose resolution panicked.
fn internal_error(request: &ModuleRequest, panic: &(dyn std::any::Any + Send)) -> ModuleOutcome {
    let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    let text = format!("internal error while reading the PDB ({}); please report it", said.unwrap_or("no message"));
    let attempt = LookupAttempt { location: request.identity.name.clone(), result: LookupResult::Unreadable(text) };
    ModuleOutcome::without_names(ModuleState::Unreadable, request.identity.pdb.clone(), vec![attempt])
}

/// Location of names that came along with the trace, in search logs.
const SUPPLIED_LOCATION: &str = "names in the package";

/// Location shown for built-in PDBs.
const BUILTIN_LOCATION: &str = "built into poolscope";

/// Resolves one module.
fn resolve_module(
    resolver: &Resolver,
    request: &ModuleRequest,
    report: &(dyn Fn(ModuleState) + Sync),
    cancel: &CancelToken,
) -> ModuleOutcome {
    let pdb = request.identity.pdb.clone();
    let mut search =
        ModuleSearch { resolver, request, say: report, cancel, pdb, image: None, attempts: Vec::new(), downloaded: 0 };
    let ended = search.run();
    let ModuleSearch { pdb, attempts, downloaded, .. } = search;
    let outcome = match ended {
        Ok(SearchEnd::Named(named)) => {
            let FoundNames { state, file, names, from_cache } = named;
            let names = Arc::new(names);
            ModuleOutcome { state, pdb, file, attempts, names, from_cache, downloaded_bytes: 0 }
        }
        Ok(SearchEnd::Nameless(state)) => ModuleOutcome::without_names(state, pdb, attempts),
        Err(Cancelled) => ModuleOutcome::without_names(ModuleState::Cancelled, pdb, attempts),
    };
    ModuleOutcome { downloaded_bytes: downloaded, ..outcome }
}

/// Resolution of one module in progress.
struct ModuleSearch<'r> {
    resolver: &'r Resolver,
    request: &'r ModuleRequest,
    say: &'r (dyn Fn(ModuleState) + Sync),
    cancel: &'r CancelToken,
    /// Identity of its PDB, once known.
    pdb: Option<PdbIdentity>,
    /// Its image file, once found.
    image: Option<PathBuf>,
    attempts: Vec<LookupAttempt>,
    downloaded: u64,
}

/// Names and their source.
struct FoundNames {
    state: ModuleState,
    file: Option<PathBuf>,
    names: ModuleNames,
    from_cache: bool,
}

enum SearchEnd {
    Named(FoundNames),
    Nameless(ModuleState),
}

impl ModuleSearch<'_> {
    fn run(&mut self) -> Result<SearchEnd, Cancelled> {
        self.cancel.check()?;
        (self.say)(ModuleState::Searching);
        if let Some(named) = self.supplied_names() {
            return Ok(SearchEnd::Named(named));
        }
        if self.resolver.is_only_supplied && self.request.explicit_pdb.is_none() {
            self.record(SUPPLIED_LOCATION.to_owned(), LookupResult::NotFound);
            return Ok(SearchEnd::Nameless(ModuleState::NotFound));
        }
        if self.pdb.is_none() {
            self.identity_from_image()?;
        }
        // Attempts for the image must not decide the state of the PDB.
        let before = self.attempts.len();
        let found = match self.pdb.clone() {
            Some(pdb) => self.resolve_by_pdb(&pdb)?,
            None => {
                self.reject_explicit_pdb();
                None
            }
        };
        if let Some(named) = found {
            return Ok(SearchEnd::Named(named));
        }
        let failure = match self.pdb {
            Some(_) => ModuleState::from_attempts(self.attempts.get(before..).unwrap_or_default()),
            None => ModuleState::NoIdentity,
        };
        Ok(self.resolve_by_exports()?.map_or(SearchEnd::Nameless(failure), SearchEnd::Named))
    }

    /// Names that came along with the trace, if they cover all requested addresses.
    fn supplied_names(&mut self) -> Option<FoundNames> {
        let supplied = self.resolver.supplied.as_ref();
        let is_wanted = self.request.explicit_pdb.is_none() && !self.request.ignore_cache;
        let SuppliedModule { names, are_exports } = supplied.filter(|_| is_wanted)?.names(&self.request.identity)?;
        if !self.request.rvas.iter().all(|rva| names.contains(*rva)) {
            return None;
        }
        self.record(SUPPLIED_LOCATION.to_owned(), LookupResult::Found);
        let state = if are_exports { ModuleState::ExportsOnly } else { ModuleState::Loaded };
        Some(FoundNames { state, file: None, names, from_cache: true })
    }

    fn resolve_by_pdb(&mut self, pdb: &PdbIdentity) -> Result<Option<FoundNames>, Cancelled> {
        if let Some(named) = self.try_explicit_pdb(pdb)? {
            return Ok(Some(named));
        }
        if let Some(named) = self.try_builtin_pdb(pdb)? {
            return Ok(Some(named));
        }
        if let Some(named) = self.search_folders(pdb)? {
            return Ok(Some(named));
        }
        if let Some(CachedNames { names, .. }) = self.cached_names(pdb) {
            return Ok(Some(from_cache(names)));
        }
        self.search_path(pdb)
    }

    /// Searches folders that users fill. It precedes the name cache, because a private PDB placed there later has the same
    /// identity as the public one whose names are cached.
    fn search_folders(&mut self, pdb: &PdbIdentity) -> Result<Option<FoundNames>, Cancelled> {
        let check = |path: &Path| check_pdb(path, pdb);
        let located = self.resolver.locator.find_pdb_in_folders(pdb, &check, &self.control(&|_| {}));
        self.cancel.check()?;
        // Without a match the same folders are searched again with all others, and their attempts are recorded then.
        let Some(path) = located.file else { return Ok(None) };
        self.attempts.extend(located.attempts);
        let stamp = PdbStamp::of(&path);
        let kept = self.cached_names(pdb).filter(|kept| stamp.is_some() && kept.source == stamp);
        if let Some(CachedNames { names, .. }) = kept {
            return Ok(Some(from_cache(names)));
        }
        self.read_pdb(path, pdb)
    }

    /// Tries the PDB file that the user chose.
    fn try_explicit_pdb(&mut self, pdb: &PdbIdentity) -> Result<Option<FoundNames>, Cancelled> {
        let Some(path) = self.request.explicit_pdb.clone() else { return Ok(None) };
        let outcome = match PdbBytes::open(&path) {
            Ok(bytes) => match check_bytes(&bytes, &path, pdb) {
                FileMatch::Match => return self.read(bytes, Some(path), pdb),
                FileMatch::Mismatch(identity) => LookupResult::Mismatch(identity),
                FileMatch::Unreadable(why) => LookupResult::Unreadable(why),
            },
            Err(error) => open_failure(&error),
        };
        self.record(path.display().to_string(), outcome);
        Ok(None)
    }

    /// Records that a chosen PDB cannot be verified, because the identity of the module's PDB is unknown.
    fn reject_explicit_pdb(&mut self) {
        if let Some(path) = &self.request.explicit_pdb {
            let text = "cannot be verified: the trace does not contain the identity of the module's PDB";
            self.record(path.display().to_string(), LookupResult::Mismatch(text.to_owned()));
        }
    }

    fn try_builtin_pdb(&mut self, pdb: &PdbIdentity) -> Result<Option<FoundNames>, Cancelled> {
        match self.resolver.builtin_pdbs.and_then(|builtin| builtin(pdb)) {
            Some(bytes) => self.read(PdbBytes::from_bytes(bytes), None, pdb),
            None => Ok(None),
        }
    }

    /// Cached names, if they cover all requested addresses.
    fn cached_names(&self, pdb: &PdbIdentity) -> Option<CachedNames> {
        let cache = self.resolver.cache.as_ref().filter(|_| !self.request.ignore_cache)?;
        let kept = cache.get(pdb)?;
        self.request.rvas.iter().all(|rva| kept.names.contains(*rva)).then_some(kept)
    }

    fn search_path(&mut self, pdb: &PdbIdentity) -> Result<Option<FoundNames>, Cancelled> {
        let check = |path: &Path| check_pdb(path, pdb);
        let located =
            self.resolver.locator.find_pdb(pdb, &check, &self.control(&|t| (self.say)(ModuleState::Downloading(t))));
        let Some(path) = self.absorb(located)? else { return Ok(None) };
        self.read_pdb(path, pdb)
    }

    /// Opens and reads a PDB file.
    fn read_pdb(&mut self, path: PathBuf, pdb: &PdbIdentity) -> Result<Option<FoundNames>, Cancelled> {
        match PdbBytes::open(&path) {
            Ok(bytes) => self.read(bytes, Some(path), pdb),
            Err(error) => {
                self.record(path.display().to_string(), open_failure(&error));
                Ok(None)
            }
        }
    }

    /// Reads a PDB of matching identity and stores its names in the cache.
    fn read(
        &mut self,
        bytes: PdbBytes,
        file: Option<PathBuf>,
        pdb: &PdbIdentity,
    ) -> Result<Option<FoundNames>, Cancelled> {
        self.cancel.check()?;
        (self.say)(ModuleState::Reading);
        let place = file.as_ref().map_or_else(|| BUILTIN_LOCATION.to_owned(), |path| path.display().to_string());
        let names = match pdb_file::resolve_names(&bytes, &self.request.rvas, self.cancel) {
            Ok(names) => names,
            Err(PdbError::Cancelled(cancelled)) => return Err(cancelled),
            Err(error) => {
                self.attempts.retain(|attempt| attempt.location != place);
                self.record(place, LookupResult::Unreadable(error.to_string()));
                return Ok(None);
            }
        };
        if self.attempts.last().is_none_or(|last| last.location != place) {
            self.record(place, LookupResult::Found);
        }
        if let Some(file) = &file {
            self.store_in_cache(pdb, &names, file);
        }
        Ok(Some(FoundNames { state: ModuleState::Loaded, file, names, from_cache: false }))
    }

    /// Stores names in the cache. A failure is recorded and otherwise ignored.
    fn store_in_cache(&mut self, pdb: &PdbIdentity, names: &ModuleNames, file: &Path) {
        let Some(cache) = &self.resolver.cache else { return };
        if let Err(error) = cache.put(pdb, names, PdbStamp::of(file)) {
            let text = format!("the name cache cannot be written: {error}");
            let is_denied = error.kind() == std::io::ErrorKind::PermissionDenied;
            let outcome = if is_denied { LookupResult::Denied(text) } else { LookupResult::Unreachable(text) };
            self.record(cache.folder().display().to_string(), outcome);
        }
    }

    /// Reads the PDB's identity from the image file, for traces that were not merged.
    fn identity_from_image(&mut self) -> Result<(), Cancelled> {
        let Some(identity) = self.request.identity.image.clone() else { return Ok(()) };
        let Some(path) = self.find_image(&self.resolver.locator, &identity)? else { return Ok(()) };
        self.pdb = image::read_info(&path).ok().and_then(|facts| facts.pdb);
        self.image = Some(path);
        Ok(())
    }

    /// Resolves names by the exports of the image, if it is on this machine: an image is not downloaded for exports alone.
    fn resolve_by_exports(&mut self) -> Result<Option<FoundNames>, Cancelled> {
        if self.image.is_none()
            && self.request.identity.pdb.is_some()
            && let Some(identity) = self.request.identity.image.clone()
        {
            let locator = &self.resolver.locator;
            let options = LocatorOptions { offline: true, ..locator.options().clone() };
            let local = Locator::new(locator.path().clone(), options);
            let before = self.attempts.len();
            self.image = self.find_image(&local, &identity)?;
            // The locations are listed for the PDB already; that the image is missing as well adds nothing.
            let of_image = self.attempts.split_off(before);
            let is_news = |attempt: &LookupAttempt| {
                !matches!(attempt.result, LookupResult::NotFound | LookupResult::NotFoundCached)
            };
            self.attempts.extend(of_image.into_iter().filter(is_news));
        }
        let Some(path) = self.image.clone() else { return Ok(None) };
        (self.say)(ModuleState::Reading);
        let names = match image::export_names(&path, &self.request.rvas) {
            Ok(names) if names.named_count() > 0 => names,
            _ => return Ok(None),
        };
        Ok(Some(FoundNames { state: ModuleState::ExportsOnly, file: Some(path), names, from_cache: false }))
    }

    fn find_image(&mut self, locator: &Locator, identity: &ImageIdentity) -> Result<Option<PathBuf>, Cancelled> {
        let check = |path: &Path| check_image(path, identity);
        let mut located =
            locator.find_image(identity, &check, &self.control(&|t| (self.say)(ModuleState::Downloading(t))));
        if !self.resolver.locator.options().offline {
            // Servers skipped on purpose are not failed attempts.
            located.attempts.retain(|attempt| attempt.result != LookupResult::Offline);
        }
        // The same locations are searched for the PDB: name the image, unless the path does.
        for attempt in located.attempts.iter_mut().filter(|attempt| !attempt.location.ends_with(&identity.file_name)) {
            attempt.location = format!("{} (for the image {})", attempt.location, identity.file_name);
        }
        self.absorb(located)
    }

    fn control<'w>(&'w self, transfer: &'w (dyn Fn(DownloadProgress) + Sync)) -> LookupControl<'w> {
        LookupControl { on_download: transfer, cancel: self.cancel }
    }

    /// Adds the attempts and bytes of a search.
    fn absorb(&mut self, located: FileLookup) -> Result<Option<PathBuf>, Cancelled> {
        self.attempts.extend(located.attempts);
        self.downloaded += located.downloaded_bytes;
        self.cancel.check()?;
        Ok(located.file)
    }

    fn record(&mut self, place: String, outcome: LookupResult) {
        self.attempts.push(LookupAttempt { location: place, result: outcome });
    }
}

/// Names from the cache.
fn from_cache(names: ModuleNames) -> FoundNames {
    FoundNames { state: ModuleState::Loaded, file: None, names, from_cache: true }
}

/// Compares the identity of a PDB file.
fn check_pdb(path: &Path, wanted: &PdbIdentity) -> FileMatch {
    match PdbBytes::open(path) {
        Ok(bytes) => check_bytes(&bytes, path, wanted),
        Err(error) => FileMatch::Unreadable(error.to_string()),
    }
}

/// Compares GUID and age; the file name is ignored, since a PDB may have been renamed.
fn check_bytes(bytes: &PdbBytes, path: &Path, wanted: &PdbIdentity) -> FileMatch {
    let name = path.to_string_lossy();
    match pdb_file::read_identity(bytes, base_name(&name)) {
        Ok(found) if (found.guid, found.age) == (wanted.guid, wanted.age) => FileMatch::Match,
        Ok(found) => FileMatch::Mismatch(format!("GUID {} age {}", found.guid, found.age)),
        Err(error) => FileMatch::Unreadable(error.to_string()),
    }
}

/// Compares the identity of an image file.
fn check_image(path: &Path, wanted: &ImageIdentity) -> FileMatch {
    match image::read_info(path) {
        Ok(facts) if (facts.identity.timestamp, facts.identity.size_bytes) == (wanted.timestamp, wanted.size_bytes) => {
            FileMatch::Match
        }
        Ok(facts) => {
            let ImageIdentity { timestamp, size_bytes, .. } = facts.identity;
            FileMatch::Mismatch(format!("time stamp {timestamp:08X}, {size_bytes:#x} bytes"))
        }
        Err(error) => FileMatch::Unreadable(error.to_string()),
    }
}

/// Lookup result of a PDB that cannot be opened.
fn open_failure(error: &PdbError) -> LookupResult {
    match error {
        PdbError::Open(io) if io.kind() == std::io::ErrorKind::NotFound => LookupResult::NotFound,
        PdbError::Open(io) if io.kind() == std::io::ErrorKind::PermissionDenied => LookupResult::Denied(io.to_string()),
        other => LookupResult::Unreadable(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locate::LocatorOptions;
    use crate::names::{AddressSymbol, NameSource};
    use crate::path::SymbolPath;
    use parking_lot::Mutex;
    use poolscope_base::guid::Guid;

    fn request(name: &str, pdb: bool) -> ModuleRequest {
        let pdb = pdb.then(|| PdbIdentity::new(&format!("{name}.pdb"), Guid([1; 16]), 1));
        let identity = ModuleIdentity { name: name.to_owned(), path: String::new(), pdb, image: None };
        ModuleRequest { identity, rvas: vec![8], explicit_pdb: None, ignore_cache: false }
    }

    fn resolver(cache: Option<NameCache>, at_a_time: usize) -> Resolver {
        let locator = Locator::new(SymbolPath::default(), LocatorOptions::default());
        Resolver {
            locator,
            cache,
            builtin_pdbs: None,
            max_concurrent: at_a_time,
            supplied: None,
            is_only_supplied: false,
        }
    }

    /// The results of all requests; each must be reported once.
    fn ends(resolver: &Resolver, requests: &[ModuleRequest], cancel: &CancelToken) -> Vec<ModuleOutcome> {
        let done: Vec<Mutex<Vec<ModuleOutcome>>> = requests.iter().map(|_| Mutex::default()).collect();
        let tell = |at: usize, news| {
            if let ProgressEvent::Done(outcome) = news {
                done[at].lock().push(outcome);
            }
        };
        resolver.resolve(requests, &tell, cancel);
        let one = |ends: Mutex<Vec<ModuleOutcome>>| {
            let mut ends = ends.into_inner();
            assert_eq!(ends.len(), 1);
            ends.remove(0)
        };
        done.into_iter().map(one).collect()
    }

    #[test]
    fn every_request_ends_once_in_its_own_way() {
        let folder = std::env::temp_dir().join(format!("poolscope-resolve-{}", std::process::id()));
        let cache = NameCache::new(&folder);
        let answer = |rva| {
            let source = NameSource::Public;
            (
                rva,
                Some(AddressSymbol { function: "f".into(), offset_bytes: 0, source, line: None, inlined: Vec::new() }),
            )
        };
        let kept = request("kept", true);
        cache.put(kept.identity.pdb.as_ref().unwrap(), &ModuleNames::new(vec![answer(8)]), None).unwrap();
        let partly = request("partly", true);
        cache.put(partly.identity.pdb.as_ref().unwrap(), &ModuleNames::new(vec![answer(9)]), None).unwrap();
        let requests = [kept, partly, request("bare", false), request("lost", true)];
        for at_a_time in [0, 1, 3] {
            let ends = ends(&resolver(Some(cache.clone()), at_a_time), &requests, &CancelToken::none());
            let shown: Vec<_> =
                ends.iter().map(|end| (end.state.name(), end.names.named_count(), end.from_cache)).collect();
            let expected =
                [("loaded", 1, true), ("not_found", 0, false), ("no_identity", 0, false), ("not_found", 0, false)];
            assert_eq!(shown, expected);
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_cancelled_ends_too() {
        let cancel = CancelToken::default();
        cancel.cancel();
        let requests: Vec<ModuleRequest> = (0..20).map(|n| request(&n.to_string(), true)).collect();
        let ends = ends(&resolver(None, 0), &requests, &cancel);
        assert!(ends.iter().all(|end| end.state == ModuleState::Cancelled && end.pdb.is_some()));
        resolver(None, 0).resolve(&[], &|_, _| panic!("there is nothing to tell"), &cancel);
    }

    #[test]
    fn a_mistake_in_one_module_leaves_the_others() {
        let mut bad = resolver(None, 2);
        bad.builtin_pdbs = Some(|pdb| if pdb.file_name == "bad.pdb" { panic!("a hole in the file") } else { None });
        let ends = ends(&bad, &[request("bad", true), request("good", true)], &CancelToken::none());
        assert_eq!((ends[0].state.name(), ends[1].state.name()), ("unreadable", "not_found"));
        let LookupResult::Unreadable(text) = &ends[0].attempts[0].result else { panic!("{:?}", ends[0].attempts) };
        assert!(text.contains("a hole in the file"), "{text}");
    }

    #[test]
    fn of_several_failures_the_one_to_act_on_is_told() {
        let text = || "x".to_owned();
        let mut outcomes = vec![
            (LookupResult::NotFound, "not_found"),
            (LookupResult::Offline, "offline"),
            (LookupResult::Unreachable(text()), "unreachable"),
            (LookupResult::Denied(text()), "denied"),
            (LookupResult::Unreadable(text()), "unreadable"),
            (LookupResult::Mismatch(text()), "wrong_identity"),
        ];
        while let Some((_, expected)) = outcomes.last() {
            let attempts =
                outcomes.iter().map(|(o, _)| LookupAttempt { location: text(), result: o.clone() }).collect::<Vec<_>>();
            assert_eq!(ModuleState::from_attempts(&attempts).name(), *expected);
            outcomes.pop();
        }
        assert_eq!(ModuleState::from_attempts(&[]), ModuleState::NotFound);
    }
}
