//! Symbol settings of the program: default symbol path, cache folders of this system, and the resolver built from them. Shared
//! by the command line and the window; the only reader of the environment for symbols.

use crate::sample;
use crate::trace_location::TraceLocation;
use parking_lot::Mutex;
use poolscope_analysis::group::symbols::{ModuleNeed, SymbolTable};
use poolscope_analysis::trace::Trace;
use poolscope_base::progress::CancelToken;
use poolscope_symbols::locate::{Locator, LocatorOptions};
use poolscope_symbols::name_cache::NameCache;
use poolscope_symbols::names::ModuleNames;
use poolscope_symbols::path::{MICROSOFT_SERVER, PathContext, PathPart, SymbolPath};
use poolscope_symbols::resolve::{ModuleOutcome, ModuleRequest, ModuleState, ProgressEvent, Resolver};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// Usual symbol stores of debuggers on Windows.
const USUAL_STORES: [&str; 2] = [r"C:\ProgramData\Dbg\sym", r"C:\symbols"];

/// Folder of WPA's symbol cache if `_NT_SYMCACHE_PATH` is not set.
const USUAL_SYMCACHE: &str = r"C:\SymCache";

/// Existing folders of a `_NT_SYMCACHE_PATH` (`C:\SymCache*\\server\SymCache`), or the usual one on Windows.
fn symcaches(variable: Option<&str>) -> Vec<PathBuf> {
    let usual = if cfg!(windows) { USUAL_SYMCACHE } else { "" };
    let folders = variable.unwrap_or(usual).split(['*', ';']).map(str::trim).filter(|folder| !folder.is_empty());
    folders.map(PathBuf::from).filter(|folder| folder.is_dir()).collect()
}

/// Symbol options that the user can set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SymbolOptions {
    /// Symbol path; `None` for `_NT_SYMBOL_PATH`, or else the default path.
    pub path: Option<String>,
    /// Skip all symbol servers.
    pub offline: bool,
}

/// Environment of the machine that symbol resolution depends on; tests construct their own.
#[derive(Clone, Debug, Default)]
pub struct SymbolEnvironment {
    /// `_NT_SYMBOL_PATH`.
    pub symbol_path: Option<String>,
    /// The user's home folder.
    pub home: Option<PathBuf>,
    /// Cache folder of this program; `None` disables caching.
    pub cache: Option<PathBuf>,
    /// Proxy for symbol servers (`_NT_SYMBOL_PROXY`).
    pub proxy: Option<String>,
    /// Environment variables, names in upper case.
    pub variables: Vec<(String, String)>,
    /// Current time in seconds since 1970.
    pub now_unix_s: u64,
    /// Existing symbol stores of other programs, which are part of the default path.
    pub stores: Vec<PathBuf>,
    /// Existing symbol caches of WPA, which are searched before servers.
    pub symcaches: Vec<PathBuf>,
}

impl SymbolEnvironment {
    /// Reads the environment of this machine.
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
            symcaches: symcaches(variable("_NT_SYMCACHE_PATH").as_deref()),
        }
    }

    /// Symbol path if the user sets none.
    #[must_use]
    pub fn default_path(&self) -> String {
        let usual = || {
            let stores = self.stores.iter().map(|store| store.display().to_string());
            let server = format!("srv*{}*{MICROSOFT_SERVER}", self.store().display());
            stores.chain([server]).collect::<Vec<_>>().join(";")
        };
        self.symbol_path.clone().unwrap_or_else(usual)
    }

    /// Symbol path that the options mean, as text.
    #[must_use]
    pub fn effective_path(&self, options: &SymbolOptions) -> String {
        options.path.clone().unwrap_or_else(|| self.default_path())
    }

    /// A resolver for the options.
    #[must_use]
    pub fn resolver(&self, options: &SymbolOptions) -> Resolver {
        self.resolver_for_trace(options, None)
    }

    /// A resolver for a trace file. The trace's folder is searched first, because PDBs are often stored next to the trace.
    #[must_use]
    pub fn resolver_for_trace(&self, options: &SymbolOptions, trace: Option<&Path>) -> Resolver {
        let context = PathContext {
            home: self.home.clone(),
            default_store: self.store(),
            variables: self.variables.clone(),
            windows: cfg!(windows),
        };
        let mut path = SymbolPath::parse(&self.effective_path(options), &context);
        // Names of WPA's caches spare a download; what is named before servers may have lines, too.
        let has_server =
            |part: &(String, PathPart)| matches!(&part.1, PathPart::Chain { servers, .. } if !servers.is_empty());
        let first_server = path.parts.iter().position(has_server).unwrap_or(path.parts.len());
        let caches = self.symcaches.iter().map(|cache| (cache.display().to_string(), PathPart::Folder(cache.clone())));
        path.parts.splice(first_server..first_server, caches);
        let file = trace.map(|trace| TraceLocation::of(trace).file);
        if let Some(folder) = file.as_deref().and_then(Path::parent) {
            let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            path.parts.insert(0, (here.display().to_string(), PathPart::Folder(here.to_owned())));
        }
        let locator_options = LocatorOptions {
            offline: options.offline,
            default_store: self.store(),
            now_unix_s: self.now_unix_s,
            proxy: self.proxy.clone(),
            ..LocatorOptions::default()
        };
        let names = self.cache.as_ref().map(|cache| NameCache::new(cache.join("names")));
        Resolver {
            locator: Locator::new(path, locator_options),
            cache: names,
            builtin_pdbs: Some(sample::pdb),
            max_concurrent: 0,
            supplied: None,
            is_only_supplied: false,
        }
    }

    /// Default store for downloads.
    fn store(&self) -> PathBuf {
        self.cache.clone().unwrap_or_else(|| std::env::temp_dir().join("poolscope")).join("symbols")
    }
}

/// Cache folder of this program in the system's location for caches.
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

/// Results for all modules that a trace needs.
pub struct ResolvedSymbols {
    /// Modules and addresses needed.
    pub needs: Vec<ModuleNeed>,
    /// Result of each module.
    pub outcomes: Vec<ModuleOutcome>,
}

impl ResolvedSymbols {
    /// Resolves all modules and returns when finished. `on_event` is called from several threads.
    #[must_use]
    pub fn resolve(
        resolver: &Resolver,
        needs: Vec<ModuleNeed>,
        on_event: &(dyn Fn(usize, &ProgressEvent) + Sync),
        cancel: &CancelToken,
    ) -> Self {
        let requests: Vec<ModuleRequest> = needs.iter().map(|need| need.request.clone()).collect();
        let waiting = |request: &ModuleRequest| {
            let pdb = request.identity.pdb.clone();
            ModuleOutcome::without_names(ModuleState::Waiting, pdb, Vec::new())
        };
        let outcomes = Mutex::new(requests.iter().map(waiting).collect::<Vec<_>>());
        let take = |at: usize, event: ProgressEvent| {
            on_event(at, &event);
            if let ProgressEvent::Done(outcome) = event
                && let Some(place) = outcomes.lock().get_mut(at)
            {
                *place = outcome;
            }
        };
        resolver.resolve(&requests, &take, cancel);
        Self { needs, outcomes: outcomes.into_inner() }
    }

    /// Names by position in `needs`.
    #[must_use]
    pub fn names(&self) -> Vec<Option<Arc<ModuleNames>>> {
        self.outcomes.iter().map(|outcome| Some(Arc::clone(&outcome.names))).collect()
    }

    /// Names by frame.
    #[must_use]
    pub fn table(&self, trace: &Trace) -> SymbolTable {
        SymbolTable::new(trace, &self.needs, &self.names())
    }

    /// Number of modules without names from a PDB or exports.
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
