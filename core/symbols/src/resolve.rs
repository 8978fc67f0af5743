//! Names for many modules: one after the other in the order given, several at a time, each PDB opened once. It says what it
//! does while it does it. It must never wait for anything after it was cancelled.

use super::identity::{ModuleIdentity, PdbIdentity};
use super::locate::{LookupAttempt, Locator, LookupResult, DownloadProgress};
use super::name_cache::NameCache;
use super::names::ModuleNames;
use super::search;
use poolscope_base::progress::CancelToken;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A module and the addresses in it that are wanted.
#[derive(Clone, Debug)]
pub struct ModuleRequest {
    /// What is known of it.
    pub identity: ModuleIdentity,
    /// Relative virtual addresses, ascending, none twice.
    pub rvas: Vec<u32>,
    /// A PDB that the user chose for it; it is looked at before all other places.
    pub explicit_pdb: Option<PathBuf>,
    /// Names kept from before are not used: its PDB is looked for and read anew.
    pub ignore_cache: bool,
}

/// How a module stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ModuleState {
    /// Not looked at yet.
    Waiting,
    /// Being looked for.
    Searching,
    /// On its way from a server.
    Downloading(DownloadProgress),
    /// Being read.
    Reading,
    /// Its PDB was read, now or at an earlier time.
    Loaded,
    /// No PDB, but the image: named by its exports.
    ExportsOnly,
    /// In none of the places.
    NotFound,
    /// A file of another identity is there, none of the right one.
    WrongIdentity,
    /// Found nowhere, and at least one place refused access.
    Denied,
    /// Found nowhere, and at least one place could not be reached.
    Unreachable,
    /// Found nowhere on this machine, and servers were not to be asked.
    Offline,
    /// The right file is damaged.
    Unreadable,
    /// The trace does not say by what its symbols are found.
    NoIdentity,
    /// Given up.
    Cancelled,
}

/// What became of a module.
#[derive(Clone, Debug)]
pub struct ModuleOutcome {
    /// How it stands at the end.
    pub state: ModuleState,
    /// The identity of the PDB: the trace's, or the one that the image file named.
    pub pdb: Option<PdbIdentity>,
    /// The file that the names are from; `None` where they are from the name cache or part of the program.
    pub file: Option<PathBuf>,
    /// What was tried, in order.
    pub attempts: Vec<LookupAttempt>,
    /// The names; empty where there are none.
    pub names: Arc<ModuleNames>,
    /// Whether the names were known from an earlier time.
    pub from_cache: bool,
    /// Bytes that came over the network.
    pub downloaded_bytes: u64,
}

impl ModuleState {
    /// The word that reports use.
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

    /// Whether names come from the module's own PDB.
    #[must_use]
    pub const fn is_loaded(&self) -> bool {
        matches!(self, Self::Loaded)
    }

    /// How a module stands that was found nowhere: what the user can do something about comes first. A wrong file before a
    /// damaged one, then places that refuse, that do not answer, that were not asked; else it is in none of them.
    #[must_use]
    pub fn from_attempts(attempts: &[LookupAttempt]) -> Self {
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
    /// An end without names.
    #[must_use]
    pub fn without_names(state: ModuleState, pdb: Option<PdbIdentity>, attempts: Vec<LookupAttempt>) -> Self {
        let names = Arc::new(ModuleNames::default());
        Self { state, pdb, file: None, attempts, names, from_cache: false, downloaded_bytes: 0 }
    }
}

/// News of a module, by its position in the requests.
#[derive(Clone, Debug)]
pub enum ProgressEvent {
    /// It goes on.
    State(ModuleState),
    /// It is done.
    Done(ModuleOutcome),
}

/// PDBs that are part of the program, by identity.
pub type BuiltinPdbs = fn(&PdbIdentity) -> Option<&'static [u8]>;

/// Finds names.
pub struct Resolver {
    /// Where files are looked for.
    pub locator: Locator,
    /// Where names are kept.
    pub cache: Option<NameCache>,
    /// PDBs at hand without any file.
    pub builtin_pdbs: Option<BuiltinPdbs>,
    /// Modules at a time; 0: as many as make sense.
    pub max_concurrent: usize,
}

/// Modules at a time unless told otherwise: servers take that many requests well, and each PDB is mapped, not read.
const AT_A_TIME: usize = 8;

impl Resolver {
    /// Finds names for all requests; every request ends with one [`News::Done`], cancelled ones too. `tell` is called from
    /// several threads. What becomes of a module does not depend on how many are worked on at a time.
    pub fn resolve(&self, requests: &[ModuleRequest], tell: &(dyn Fn(usize, ProgressEvent) + Sync), cancel: &CancelToken) {
        let limit = if self.max_concurrent == 0 { AT_A_TIME } else { self.max_concurrent };
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some((at, request)) = {
                let at = next.fetch_add(1, Ordering::Relaxed);
                requests.get(at).map(|request| (at, request))
            } {
                let say = |state| tell(at, ProgressEvent::State(state));
                // A mistake in reading one PDB must not cost the names of the others.
                let module = || search::module(self, request, &say, cancel);
                let outcome = catch_unwind(AssertUnwindSafe(module)).unwrap_or_else(|panic| mistake(request, &*panic));
                tell(at, ProgressEvent::Done(outcome));
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

/// The end of a module on which this program made a mistake.
fn mistake(request: &ModuleRequest, panic: &(dyn std::any::Any + Send)) -> ModuleOutcome {
    let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    let text =
        format!("poolscope made a mistake while reading it ({}); please report it", said.unwrap_or("no message"));
    let attempt = LookupAttempt { location: request.identity.name.clone(), result: LookupResult::Unreadable(text) };
    ModuleOutcome::without_names(ModuleState::Unreadable, request.identity.pdb.clone(), vec![attempt])
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_base::bytes::guid::Guid;
    use crate::locate::LocatorOptions;
    use crate::names::{AddressSymbol, NameSource};
    use crate::path::SymbolPath;
    use parking_lot::Mutex;

    fn request(name: &str, pdb: bool) -> ModuleRequest {
        let pdb = pdb.then(|| PdbIdentity::new(&format!("{name}.pdb"), Guid([1; 16]), 1));
        let identity = ModuleIdentity { name: name.to_owned(), path: String::new(), pdb, image: None };
        ModuleRequest { identity, rvas: vec![8], explicit_pdb: None, ignore_cache: false }
    }

    fn resolver(cache: Option<NameCache>, at_a_time: usize) -> Resolver {
        let locator = Locator::new(SymbolPath::default(), LocatorOptions::default());
        Resolver { locator, cache, builtin_pdbs: None, max_concurrent: at_a_time }
    }

    /// The ends of all requests, each of which must come once.
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
            (rva, Some(AddressSymbol { function: "f".into(), offset_bytes: 0, source, line: None, inlined: Vec::new() }))
        };
        let kept = request("kept", true);
        cache.put(kept.identity.pdb.as_ref().unwrap(), &ModuleNames::new(vec![answer(8)]), None).unwrap();
        let partly = request("partly", true);
        cache.put(partly.identity.pdb.as_ref().unwrap(), &ModuleNames::new(vec![answer(9)]), None).unwrap();
        let requests = [kept, partly, request("bare", false), request("lost", true)];
        for at_a_time in [0, 1, 3] {
            let ends = ends(&resolver(Some(cache.clone()), at_a_time), &requests, &CancelToken::default());
            let shown: Vec<_> = ends.iter().map(|end| (end.state.name(), end.names.named_count(), end.from_cache)).collect();
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
        let ends = ends(&bad, &[request("bad", true), request("good", true)], &CancelToken::default());
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
