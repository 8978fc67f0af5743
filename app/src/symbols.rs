//! Symbols as the program uses them: the symbol path that holds without any setting, where things are kept on this system,
//! and a resolver over both. For the command line and the window alike; the only place that asks the environment for it.

use crate::sample;
use parking_lot::Mutex;
use poolscope_analysis::group::symbols::{ModuleNeed, SymbolTable};
use poolscope_base::progress::CancelToken;
use poolscope_symbols::locate::{Locator, LocatorOptions};
use poolscope_symbols::name_cache::NameCache;
use poolscope_symbols::names::ModuleNames;
use poolscope_symbols::path::{MICROSOFT_SERVER, PathPart, PathContext, SymbolPath};
use poolscope_symbols::resolve::{ModuleOutcome, ModuleRequest, ModuleState, ProgressEvent, Resolver};
use poolscope_analysis::trace::Trace;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// Where debuggers keep their symbols on Windows, more often than not.
const USUAL_STORES: [&str; 2] = [r"C:\ProgramData\Dbg\sym", r"C:\symbols"];

/// What the user can choose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SymbolOptions {
    /// A symbol path; `None`: what `_NT_SYMBOL_PATH` says, else the usual one.
    pub path: Option<String>,
    /// No server is asked.
    pub offline: bool,
}

/// What the machine says; tests make their own.
#[derive(Clone, Debug, Default)]
pub struct SymbolEnvironment {
    /// `_NT_SYMBOL_PATH`.
    pub symbol_path: Option<String>,
    /// The user's folder.
    pub home: Option<PathBuf>,
    /// Where this program keeps what it can fetch again; `None`: nothing is kept.
    pub cache: Option<PathBuf>,
    /// A proxy for symbol servers (`_NT_SYMBOL_PROXY`).
    pub proxy: Option<String>,
    /// Environment variables, names in upper case.
    pub variables: Vec<(String, String)>,
    /// Seconds since 1970.
    pub now_unix_s: u64,
    /// Symbol stores of other programs that are there: part of the path that holds without any setting.
    pub stores: Vec<PathBuf>,
}

impl SymbolEnvironment {
    /// This machine, now.
    #[must_use]
    pub fn from_system() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.trim().is_empty());
        let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?.to_uppercase(), value.into_string().ok()?))
        };
        let mut variables: Vec<(String, String)> = std::env::vars_os().filter_map(text).collect();
        variables.sort();
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let usual = USUAL_STORES.iter().map(PathBuf::from).filter(|store| cfg!(windows) && store.is_dir());
        Self {
            symbol_path: variable("_NT_SYMBOL_PATH"),
            cache: cache_folder(home.as_deref()),
            home,
            proxy: variable("_NT_SYMBOL_PROXY"),
            variables,
            now_unix_s: since_1970.map_or(0, |time| time.as_secs()),
            stores: usual.collect(),
        }
    }

    /// The symbol path that holds if the user chooses none.
    #[must_use]
    pub fn default_path(&self) -> String {
        let usual = || {
            let stores = self.stores.iter().map(|store| store.display().to_string());
            let server = format!("srv*{}*{MICROSOFT_SERVER}", self.store().display());
            stores.chain([server]).collect::<Vec<_>>().join(";")
        };
        self.symbol_path.clone().unwrap_or_else(usual)
    }

    /// A choice of the user as text: the symbol path that it means.
    #[must_use]
    pub fn effective_path(&self, choice: &SymbolOptions) -> String {
        choice.path.clone().unwrap_or_else(|| self.default_path())
    }

    /// A choice of the user as a resolver.
    #[must_use]
    pub fn resolver(&self, choice: &SymbolOptions) -> Resolver {
        self.resolver_for_trace(choice, None)
    }

    /// A choice of the user as a resolver for a trace file. Its own folder is looked at first: people put PDBs beside it.
    #[must_use]
    pub fn resolver_for_trace(&self, choice: &SymbolOptions, trace: Option<&Path>) -> Resolver {
        let around = PathContext {
            home: self.home.clone(),
            default_store: self.store(),
            variables: self.variables.clone(),
            windows: cfg!(windows),
        };
        let mut path = SymbolPath::parse(&self.effective_path(choice), &around);
        let folder = trace.and_then(Path::parent);
        if let Some(folder) = folder {
            let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            path.parts.insert(0, (here.display().to_string(), PathPart::Folder(here.to_owned())));
        }
        let options = LocatorOptions {
            offline: choice.offline,
            default_store: self.store(),
            now_unix_s: self.now_unix_s,
            proxy: self.proxy.clone(),
            ..LocatorOptions::default()
        };
        let names = self.cache.as_ref().map(|cache| NameCache::new(cache.join("names")));
        Resolver { locator: Locator::new(path, options), cache: names, builtin_pdbs: Some(sample::pdb), max_concurrent: 0 }
    }

    /// The store that this program fills.
    fn store(&self) -> PathBuf {
        self.cache.clone().unwrap_or_else(|| std::env::temp_dir().join("poolscope")).join("symbols")
    }
}

/// Where programs keep what they can fetch again.
fn cache_folder(home: Option<&Path>) -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) {
        absolute("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        home.map(|home| home.join("Library/Caches"))
    } else {
        absolute("XDG_CACHE_HOME").or_else(|| home.map(|home| home.join(".cache")))
    };
    base.map(|base| base.join("poolscope"))
}

/// What became of everything that a trace needs.
pub struct ResolvedSymbols {
    /// What it needs.
    pub needs: Vec<ModuleNeed>,
    /// What became of each.
    pub outcomes: Vec<ModuleOutcome>,
}

impl ResolvedSymbols {
    /// Finds names for all needs and returns when all is done. `tell` is called from several threads.
    #[must_use]
    pub fn resolve(
        resolver: &Resolver,
        needs: Vec<ModuleNeed>,
        tell: &(dyn Fn(usize, &ProgressEvent) + Sync),
        cancel: &CancelToken,
    ) -> Self {
        let requests: Vec<ModuleRequest> = needs.iter().map(|need| need.request.clone()).collect();
        let waiting = |request: &ModuleRequest| {
            let pdb = request.identity.pdb.clone();
            ModuleOutcome::without_names(ModuleState::Waiting, pdb, Vec::new())
        };
        let outcomes = Mutex::new(requests.iter().map(waiting).collect::<Vec<_>>());
        let take = |at: usize, news: ProgressEvent| {
            tell(at, &news);
            if let ProgressEvent::Done(outcome) = news
                && let Some(place) = outcomes.lock().get_mut(at)
            {
                *place = outcome;
            }
        };
        resolver.resolve(&requests, &take, cancel);
        Self { needs, outcomes: outcomes.into_inner() }
    }

    /// The names found, by position in the needs.
    #[must_use]
    pub fn names(&self) -> Vec<Option<Arc<ModuleNames>>> {
        self.outcomes.iter().map(|outcome| Some(Arc::clone(&outcome.names))).collect()
    }

    /// The names by frame.
    #[must_use]
    pub fn table(&self, trace: &Trace) -> SymbolTable {
        SymbolTable::new(trace, &self.needs, &self.names())
    }

    /// Number of modules that have neither a PDB nor exports.
    #[must_use]
    pub fn unresolved_count(&self) -> usize {
        let is_named = |state: &ModuleState| matches!(state, ModuleState::Loaded | ModuleState::ExportsOnly);
        self.outcomes.iter().filter(|outcome| !is_named(&outcome.state)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_setting_stores_at_hand_come_before_the_server() {
        let machine = SymbolEnvironment {
            cache: Some(PathBuf::from("/cache")),
            stores: vec![PathBuf::from("/dbg/sym")],
            ..SymbolEnvironment::default()
        };
        let path = machine.default_path().replace('\\', "/");
        assert_eq!(path, format!("/dbg/sym;srv*/cache/symbols*{MICROSOFT_SERVER}"));
        let set = SymbolEnvironment { symbol_path: Some("srv*/mine".to_owned()), ..machine };
        assert_eq!(set.default_path(), "srv*/mine");
        assert_eq!(set.effective_path(&SymbolOptions { path: Some("/x".to_owned()), offline: true }), "/x");
    }

    #[test]
    fn the_folder_of_the_trace_is_looked_at_first() {
        let choice = SymbolOptions { path: Some("/x".to_owned()), offline: true };
        let first = |trace: &str| {
            let resolver = SymbolEnvironment::default().resolver_for_trace(&choice, Some(Path::new(trace)));
            assert!(resolver.locator.options().offline && resolver.cache.is_none());
            (resolver.locator.path().parts.len(), resolver.locator.path().parts[0].1.clone())
        };
        assert_eq!(first("/cases/4711/leak.etl"), (2, PathPart::Folder(PathBuf::from("/cases/4711"))));
        assert_eq!(first("leak.etl"), (2, PathPart::Folder(PathBuf::from("."))));
        assert_eq!(SymbolEnvironment::default().resolver(&choice).locator.path().parts.len(), 1);
    }
}
