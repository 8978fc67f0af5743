//! The search for names in the background: it sends news while it goes on, and can be given up at once. Knows no window.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use poolscope_analysis::group::symbols::{ModuleNeed, module_needs};
use poolscope_analysis::trace::Trace;
use poolscope_base::progress::CancelToken;
use poolscope_symbols::locate::{LookupResult, PathPartCheck};
use poolscope_symbols::path::SymbolPath;
use poolscope_symbols::resolve::{ModuleOutcome, ModuleRequest, ModuleState, ProgressEvent, Resolver};

use crate::package;
use crate::symbols::{SymbolEnvironment, SymbolOptions};

/// Time between two bundles of news.
const BUNDLE_EVERY: Duration = Duration::from_millis(50);

/// Gives resolvers; tests give their own.
pub trait SymbolService: Send + Sync {
    /// A resolver for what the user chose.
    fn resolver(&self, choice: &SymbolOptions) -> Resolver;
    /// The same for a trace file: its own folder is looked at first.
    fn resolver_beside(&self, choice: &SymbolOptions, _trace: Option<&Path>) -> Resolver {
        self.resolver(choice)
    }
    /// The symbol path that holds if the user chooses none.
    fn default_path(&self) -> String;
    /// The machine that a `pooltag.txt` is looked for on.
    fn machine(&self) -> SymbolEnvironment {
        SymbolEnvironment::default()
    }
    /// Returns whether that path is the one of `_NT_SYMBOL_PATH`.
    fn is_from_environment(&self) -> bool {
        false
    }
    /// Parts of the symbol path.
    fn read_path(&self, choice: &SymbolOptions) -> SymbolPath {
        self.resolver(choice).locator.path().clone()
    }
    /// Looks whether each part of the symbol path works.
    fn check(&self, choice: &SymbolOptions, tell: &mut dyn FnMut(PathPartCheck), cancel: &CancelToken) {
        self.resolver(choice).locator.check_path(tell, cancel);
    }
}

/// The symbols of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct MachineSymbols;

impl SymbolService for MachineSymbols {
    fn resolver(&self, choice: &SymbolOptions) -> Resolver {
        SymbolEnvironment::from_system().resolver(choice)
    }

    fn machine(&self) -> SymbolEnvironment {
        SymbolEnvironment::from_system()
    }

    fn resolver_beside(&self, choice: &SymbolOptions, trace: Option<&Path>) -> Resolver {
        SymbolEnvironment::from_system().resolver_for_trace(choice, trace)
    }

    fn default_path(&self) -> String {
        SymbolEnvironment::from_system().default_path()
    }

    fn is_from_environment(&self) -> bool {
        SymbolEnvironment::from_system().symbol_path.is_some()
    }
}

/// Request to search for symbols.
pub struct SymbolsRequest {
    /// The trace.
    pub trace: Arc<Trace>,
    /// Its file, if it is from one.
    pub file: Option<PathBuf>,
    /// Symbol path and options.
    pub choice: SymbolOptions,
    /// Modules that the trace needs, if they are known already.
    pub needs: Option<Arc<Vec<ModuleNeed>>>,
    /// Positions in the needs that are to be looked for, in this order; `None`: all, in their order.
    pub only: Option<Vec<usize>>,
    /// PDBs that the user chose, by position in the needs.
    pub explicit_pdbs: Vec<(usize, PathBuf)>,
    /// True if names kept from before are left aside.
    pub bypass_cache: bool,
    /// True for the search after opening, which uses nothing but the names of a package if the trace is in one.
    pub is_first: bool,
}

/// News of a search. Positions are positions in the needs.
#[derive(Debug, Clone)]
pub enum SymbolsNews {
    /// Modules that the trace needs.
    Needs(Arc<Vec<ModuleNeed>>),
    /// A module goes on.
    State(usize, ModuleState),
    /// A module is done.
    Done(usize, Box<ModuleOutcome>),
    /// The search is over.
    Finished,
    /// The program made a mistake while it searched: the search is over.
    Broken,
}

/// Searches; every request ends with [`SymbolsNews::Finished`]. What is at hand comes first, from all modules: only then are
/// servers asked for the rest.
fn search(
    service: &dyn SymbolService,
    request: SymbolsRequest,
    tell: &(dyn Fn(SymbolsNews) + Sync),
    cancel: &CancelToken,
) {
    let needs = request.needs.unwrap_or_else(|| Arc::new(module_needs(&request.trace)));
    tell(SymbolsNews::Needs(Arc::clone(&needs)));
    let wanted = request.only.unwrap_or_else(|| (0..needs.len()).collect());
    let bypass_cache = request.bypass_cache;
    let explicit_pdbs =
        |at: usize| request.explicit_pdbs.iter().find(|(module, _)| *module == at).map(|(_, path)| path.clone());
    let wanted: Vec<(usize, ModuleRequest)> = wanted
        .into_iter()
        .filter_map(|at| {
            Some((
                at,
                ModuleRequest {
                    explicit_pdb: explicit_pdbs(at),
                    ignore_cache: bypass_cache,
                    ..needs.get(at)?.request.clone()
                },
            ))
        })
        .collect();
    let left = Mutex::new(BTreeSet::new());
    let supplied = request.file.as_deref().and_then(package::supplied_names);
    let at_hand = SymbolOptions { offline: true, ..request.choice.clone() };
    let pass = |choice: &SymbolOptions, goes_on: bool, wanted: &[(usize, ModuleRequest)]| {
        let requests: Vec<ModuleRequest> = wanted.iter().map(|one| one.1.clone()).collect();
        let pass_on = |at: usize, news: ProgressEvent| {
            let Some(at) = wanted.get(at).map(|one| one.0) else { return };
            tell(match news {
                ProgressEvent::State(state) => SymbolsNews::State(at, state),
                ProgressEvent::Done(outcome) if goes_on && is_left(&outcome) => {
                    left.lock().insert(at);
                    // Names by exports are better than none until there are others.
                    if outcome.names.named_count() > 0 {
                        tell(SymbolsNews::Done(at, Box::new(outcome)));
                    }
                    SymbolsNews::State(at, ModuleState::Waiting)
                }
                ProgressEvent::Done(outcome) => SymbolsNews::Done(at, Box::new(outcome)),
            });
        };
        let mut resolver = service.resolver_beside(choice, request.file.as_deref());
        resolver.is_only_supplied = request.is_first && supplied.is_some();
        resolver.supplied.clone_from(&supplied);
        resolver.resolve(&requests, &pass_on, cancel);
    };
    pass(&at_hand, !request.choice.offline, &wanted);
    let left = std::mem::take(&mut *left.lock());
    if !left.is_empty() && !cancel.is_cancelled() {
        let rest: Vec<_> = wanted.into_iter().filter(|one| left.contains(&one.0)).collect();
        pass(&request.choice, false, &rest);
    }
    tell(SymbolsNews::Finished);
}

/// Returns whether servers that were not asked may have the missing symbols.
fn is_left(outcome: &ModuleOutcome) -> bool {
    let skipped = || outcome.attempts.iter().any(|attempt| attempt.result == LookupResult::Offline);
    outcome.state != ModuleState::Loaded && (outcome.state == ModuleState::Offline || skipped())
}

/// Searches in a thread of its own and passes the news on in bundles, so that many modules at a time do not keep the window
/// busy. Ends with the search; a search that was cancelled is not waited for.
pub(super) fn run(
    service: Arc<dyn SymbolService>,
    request: SymbolsRequest,
    tell: &dyn Fn(Vec<SymbolsNews>),
    cancel: &CancelToken,
) {
    let (send, receive) = channel();
    let stop = cancel.clone();
    let work = move || {
        let pass_on = |news| drop(send.send(news));
        let done = catch_unwind(AssertUnwindSafe(|| search(service.as_ref(), request, &pass_on, &stop)));
        if done.is_err() {
            pass_on(SymbolsNews::Broken);
        }
    };
    if thread::Builder::new().name("symbols".to_owned()).spawn(work).is_err() {
        tell(vec![SymbolsNews::Broken]);
    }
    while let Ok(first) = receive.recv() {
        let bundle = bundled(std::iter::once(first).chain(receive.try_iter()));
        let over = bundle.iter().any(|news| matches!(news, SymbolsNews::Finished | SymbolsNews::Broken));
        tell(bundle);
        if over || cancel.is_cancelled() {
            return;
        }
        thread::sleep(BUNDLE_EVERY);
    }
}

/// Of several states of a module only the last counts, and none before its end.
fn bundled(news: impl Iterator<Item = SymbolsNews>) -> Vec<SymbolsNews> {
    let mut bundle: Vec<SymbolsNews> = Vec::new();
    let mut places: BTreeMap<usize, usize> = BTreeMap::new();
    for one in news {
        if let SymbolsNews::State(at, _) = &one {
            if let Some(place) = places.get(at).and_then(|place| bundle.get_mut(*place)) {
                *place = one;
                continue;
            }
            places.insert(*at, bundle.len());
        } else if let SymbolsNews::Done(at, _) = &one {
            // Later news of the module come after this.
            places.remove(at);
        }
        bundle.push(one);
    }
    bundle
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_state_of_a_module_is_told() {
        let state = SymbolsNews::State;
        let news = [
            state(0, ModuleState::Searching),
            state(1, ModuleState::Searching),
            state(0, ModuleState::Reading),
            state(1, ModuleState::Waiting),
            SymbolsNews::Finished,
        ];
        let bundle = bundled(news.into_iter());
        let bundled: Vec<String> = bundle.iter().map(|one| format!("{one:?}")).collect();
        assert_eq!(bundled, ["State(0, Reading)", "State(1, Waiting)", "Finished"]);
    }
}
