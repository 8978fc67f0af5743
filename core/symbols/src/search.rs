//! The way of one module from its identity to its names: a PDB chosen by hand, one that is part of the program, the folders of the
//! symbol path that people fill themselves, names kept from before, all places of the symbol path, and the image's exports at last. It must never believe a file that does
//! not say the identity that was looked for.

use super::identity::{ImageIdentity, PdbIdentity, base_name};
use super::image;
use super::locate::{LookupAttempt, FileMatch, FileLookup, Locator, LocatorOptions, LookupResult, LookupControl};
use super::name_cache::{CachedNames, PdbStamp};
use super::names::ModuleNames;
use super::pdb_file::{self, PdbBytes, PdbError};
use super::resolve::{ModuleOutcome, ModuleRequest, ModuleState, Resolver};
use poolscope_base::progress::{CancelToken, Cancelled};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a PDB that is part of the program is called among the places.
const BUILTIN_PLACE: &str = "built into poolscope";

/// Finds the names of one module.
pub fn module(
    resolver: &Resolver,
    request: &ModuleRequest,
    say: &(dyn Fn(ModuleState) + Sync),
    cancel: &CancelToken,
) -> ModuleOutcome {
    let pdb = request.identity.pdb.clone();
    let mut search = Search { resolver, request, say, cancel, pdb, image: None, attempts: Vec::new(), downloaded: 0 };
    let ended = search.run();
    let Search { pdb, attempts, downloaded, .. } = search;
    let outcome = match ended {
        Ok(End::Named(named)) => {
            let Named { state, file, names, from_cache } = named;
            let names = Arc::new(names);
            ModuleOutcome { state, pdb, file, attempts, names, from_cache, downloaded_bytes: 0 }
        }
        Ok(End::Nameless(state)) => ModuleOutcome::without_names(state, pdb, attempts),
        Err(Cancelled) => ModuleOutcome::without_names(ModuleState::Cancelled, pdb, attempts),
    };
    ModuleOutcome { downloaded_bytes: downloaded, ..outcome }
}

/// A module on its way.
struct Search<'r> {
    resolver: &'r Resolver,
    request: &'r ModuleRequest,
    say: &'r (dyn Fn(ModuleState) + Sync),
    cancel: &'r CancelToken,
    /// The identity of its PDB, once it is known.
    pdb: Option<PdbIdentity>,
    /// Its image file, once it was found.
    image: Option<PathBuf>,
    attempts: Vec<LookupAttempt>,
    downloaded: u64,
}

/// Names, and where they are from.
struct Named {
    state: ModuleState,
    file: Option<PathBuf>,
    names: ModuleNames,
    from_cache: bool,
}

enum End {
    Named(Named),
    Nameless(ModuleState),
}

impl Search<'_> {
    fn run(&mut self) -> Result<End, Cancelled> {
        self.cancel.check()?;
        (self.say)(ModuleState::Searching);
        if self.pdb.is_none() {
            self.identity_from_image()?;
        }
        // What the search for the image says must not hide what becomes of the PDB.
        let before = self.attempts.len();
        let found = match self.pdb.clone() {
            Some(pdb) => self.by_identity(&pdb)?,
            None => {
                self.refuse_by_hand();
                None
            }
        };
        if let Some(named) = found {
            return Ok(End::Named(named));
        }
        let failure = match self.pdb {
            Some(_) => ModuleState::from_attempts(self.attempts.get(before..).unwrap_or_default()),
            None => ModuleState::NoIdentity,
        };
        Ok(self.by_exports()?.map_or(End::Nameless(failure), End::Named))
    }

    fn by_identity(&mut self, pdb: &PdbIdentity) -> Result<Option<Named>, Cancelled> {
        if let Some(named) = self.by_hand(pdb)? {
            return Ok(Some(named));
        }
        if let Some(named) = self.builtin(pdb)? {
            return Ok(Some(named));
        }
        if let Some(named) = self.in_folders(pdb)? {
            return Ok(Some(named));
        }
        if let Some(CachedNames { names, .. }) = self.kept(pdb) {
            return Ok(Some(kept_names(names)));
        }
        self.along_the_path(pdb)
    }

    /// A PDB in a folder that people fill. A private one that was put there later has the identity of the public one whose names
    /// were kept, so that it has to be looked for before them.
    fn in_folders(&mut self, pdb: &PdbIdentity) -> Result<Option<Named>, Cancelled> {
        let check = |path: &Path| check_pdb(path, pdb);
        let located = self.resolver.locator.find_pdb_in_folders(pdb, &check, &self.watch(&|_| {}));
        self.cancel.check()?;
        // Where there is none the same folders are looked at again with all others, and told then.
        let Some(path) = located.file else { return Ok(None) };
        self.attempts.extend(located.attempts);
        let stamp = PdbStamp::of(&path);
        let kept = self.kept(pdb).filter(|kept| stamp.is_some() && kept.source == stamp);
        if let Some(CachedNames { names, .. }) = kept {
            return Ok(Some(kept_names(names)));
        }
        self.open(path, pdb)
    }

    /// The PDB that the user chose.
    fn by_hand(&mut self, pdb: &PdbIdentity) -> Result<Option<Named>, Cancelled> {
        let Some(path) = self.request.explicit_pdb.clone() else { return Ok(None) };
        let outcome = match PdbBytes::open(&path) {
            Ok(bytes) => match check_bytes(&bytes, &path, pdb) {
                FileMatch::Match => return self.read(bytes, Some(path), pdb),
                FileMatch::Mismatch(identity) => LookupResult::Mismatch(identity),
                FileMatch::Unreadable(why) => LookupResult::Unreadable(why),
            },
            Err(error) => refused(&error),
        };
        self.tried(path.display().to_string(), outcome);
        Ok(None)
    }

    /// Says why a PDB chosen by hand is of no use where nothing says which PDB would be right.
    fn refuse_by_hand(&mut self) {
        if let Some(path) = &self.request.explicit_pdb {
            let text = "it cannot be checked: the trace does not say which PDB belongs to the module";
            self.tried(path.display().to_string(), LookupResult::Mismatch(text.to_owned()));
        }
    }

    fn builtin(&mut self, pdb: &PdbIdentity) -> Result<Option<Named>, Cancelled> {
        match self.resolver.builtin_pdbs.and_then(|builtin| builtin(pdb)) {
            Some(bytes) => self.read(PdbBytes::Static(bytes), None, pdb),
            None => Ok(None),
        }
    }

    /// The names kept from before, if they answer everything.
    fn kept(&self, pdb: &PdbIdentity) -> Option<CachedNames> {
        let cache = self.resolver.cache.as_ref().filter(|_| !self.request.ignore_cache)?;
        let kept = cache.get(pdb)?;
        self.request.rvas.iter().all(|rva| kept.names.contains(*rva)).then_some(kept)
    }

    fn along_the_path(&mut self, pdb: &PdbIdentity) -> Result<Option<Named>, Cancelled> {
        let check = |path: &Path| check_pdb(path, pdb);
        let located = self.resolver.locator.find_pdb(pdb, &check, &self.watch(&|t| (self.say)(ModuleState::Downloading(t))));
        let Some(path) = self.located(located)? else { return Ok(None) };
        self.open(path, pdb)
    }

    /// Reads a PDB that was found.
    fn open(&mut self, path: PathBuf, pdb: &PdbIdentity) -> Result<Option<Named>, Cancelled> {
        match PdbBytes::open(&path) {
            Ok(bytes) => self.read(bytes, Some(path), pdb),
            Err(error) => {
                self.tried(path.display().to_string(), refused(&error));
                Ok(None)
            }
        }
    }

    /// Reads a PDB whose identity is right, and keeps what it says.
    fn read(&mut self, bytes: PdbBytes, file: Option<PathBuf>, pdb: &PdbIdentity) -> Result<Option<Named>, Cancelled> {
        self.cancel.check()?;
        (self.say)(ModuleState::Reading);
        let place = file.as_ref().map_or_else(|| BUILTIN_PLACE.to_owned(), |path| path.display().to_string());
        let names = match pdb_file::resolve_names(&bytes, &self.request.rvas, self.cancel) {
            Ok(names) => names,
            Err(PdbError::Cancelled(cancelled)) => return Err(cancelled),
            Err(error) => {
                self.attempts.retain(|attempt| attempt.location != place);
                self.tried(place, LookupResult::Unreadable(error.to_string()));
                return Ok(None);
            }
        };
        if self.attempts.last().is_none_or(|last| last.location != place) {
            self.tried(place, LookupResult::Found);
        }
        if let Some(file) = &file {
            self.keep(pdb, &names, file);
        }
        Ok(Some(Named { state: ModuleState::Loaded, file, names, from_cache: false }))
    }

    /// Keeps names for the next time. Where that fails, the names of this time are as good.
    fn keep(&mut self, pdb: &PdbIdentity, names: &ModuleNames, file: &Path) {
        let Some(cache) = &self.resolver.cache else { return };
        if let Err(error) = cache.put(pdb, names, PdbStamp::of(file)) {
            let text = format!("names cannot be kept there: {error}");
            let is_denied = error.kind() == std::io::ErrorKind::PermissionDenied;
            let outcome = if is_denied { LookupResult::Denied(text) } else { LookupResult::Unreachable(text) };
            self.tried(cache.folder().display().to_string(), outcome);
        }
    }

    /// Reads the PDB's identity out of the image, where only that can be found: traces that were not merged.
    fn identity_from_image(&mut self) -> Result<(), Cancelled> {
        let Some(identity) = self.request.identity.image.clone() else { return Ok(()) };
        let Some(path) = self.find_image(&self.resolver.locator, &identity)? else { return Ok(()) };
        self.pdb = image::read_info(&path).ok().and_then(|facts| facts.pdb);
        self.image = Some(path);
        Ok(())
    }

    /// Names by the exports of the image, if it is at hand: nothing is downloaded for so little.
    fn by_exports(&mut self) -> Result<Option<Named>, Cancelled> {
        if self.image.is_none()
            && self.request.identity.pdb.is_some()
            && let Some(identity) = self.request.identity.image.clone()
        {
            let locator = &self.resolver.locator;
            let options = LocatorOptions { offline: true, ..locator.options().clone() };
            let local = Locator::new(locator.path().clone(), options);
            let before = self.attempts.len();
            self.image = self.find_image(&local, &identity)?;
            // The places were named when the PDB was missing; that the image is not there either is no news.
            let of_image = self.attempts.split_off(before);
            let is_news = |attempt: &LookupAttempt| !matches!(attempt.result, LookupResult::NotFound | LookupResult::NotFoundCached);
            self.attempts.extend(of_image.into_iter().filter(is_news));
        }
        let Some(path) = self.image.clone() else { return Ok(None) };
        (self.say)(ModuleState::Reading);
        let names = match image::export_names(&path, &self.request.rvas) {
            Ok(names) if names.named_count() > 0 => names,
            _ => return Ok(None),
        };
        Ok(Some(Named { state: ModuleState::ExportsOnly, file: Some(path), names, from_cache: false }))
    }

    fn find_image(&mut self, locator: &Locator, identity: &ImageIdentity) -> Result<Option<PathBuf>, Cancelled> {
        let check = |path: &Path| check_image(path, identity);
        let mut located = locator.find_image(identity, &check, &self.watch(&|t| (self.say)(ModuleState::Downloading(t))));
        if !self.resolver.locator.options().offline {
            // Servers that were left out on purpose were not asked in vain.
            located.attempts.retain(|attempt| attempt.result != LookupResult::Offline);
        }
        // The same places are asked for the PDB: say what was looked for, unless a file's name does.
        for attempt in located.attempts.iter_mut().filter(|attempt| !attempt.location.ends_with(&identity.file_name)) {
            attempt.location = format!("{} (for the image {})", attempt.location, identity.file_name);
        }
        self.located(located)
    }

    fn watch<'w>(&'w self, transfer: &'w (dyn Fn(super::locate::DownloadProgress) + Sync)) -> LookupControl<'w> {
        LookupControl { on_download: transfer, cancel: self.cancel }
    }

    /// Takes what a search found into the books.
    fn located(&mut self, located: FileLookup) -> Result<Option<PathBuf>, Cancelled> {
        self.attempts.extend(located.attempts);
        self.downloaded += located.downloaded_bytes;
        self.cancel.check()?;
        Ok(located.file)
    }

    fn tried(&mut self, place: String, outcome: LookupResult) {
        self.attempts.push(LookupAttempt { location: place, result: outcome });
    }
}

/// Names that were kept from before.
fn kept_names(names: ModuleNames) -> Named {
    Named { state: ModuleState::Loaded, file: None, names, from_cache: true }
}

/// Whether a file is the PDB that is looked for.
fn check_pdb(path: &Path, wanted: &PdbIdentity) -> FileMatch {
    match PdbBytes::open(path) {
        Ok(bytes) => check_bytes(&bytes, path, wanted),
        Err(error) => FileMatch::Unreadable(error.to_string()),
    }
}

/// A PDB may have been renamed: GUID and age count, the file's name does not.
fn check_bytes(bytes: &PdbBytes, path: &Path, wanted: &PdbIdentity) -> FileMatch {
    let name = path.to_string_lossy();
    match pdb_file::read_identity(bytes, base_name(&name)) {
        Ok(found) if (found.guid, found.age) == (wanted.guid, wanted.age) => FileMatch::Match,
        Ok(found) => FileMatch::Mismatch(format!("GUID {} age {}", found.guid, found.age)),
        Err(error) => FileMatch::Unreadable(error.to_string()),
    }
}

/// Whether a file is the image that is looked for.
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

/// What became of a file that cannot be used.
fn refused(error: &PdbError) -> LookupResult {
    match error {
        PdbError::Open(io) if io.kind() == std::io::ErrorKind::NotFound => LookupResult::NotFound,
        PdbError::Open(io) if io.kind() == std::io::ErrorKind::PermissionDenied => LookupResult::Denied(io.to_string()),
        other => LookupResult::Unreadable(other.to_string()),
    }
}
