//! Symbols as the program uses them: the symbol path that holds without any setting, where things are kept on this system,
//! and a resolver over both. For the command line and the window alike; the only place that asks the environment for it.

use poolscope_core::symbol::locate::{Locator, LocatorOptions};
use poolscope_core::symbol::path::{Surroundings, SymbolPath};
use poolscope_core::symbol::resolve::Resolver;
use std::path::PathBuf;

/// Microsoft's public symbol server.
pub const MICROSOFT: &str = "https://msdl.microsoft.com/download/symbols";

/// What the user can choose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// A symbol path; `None`: what `_NT_SYMBOL_PATH` says, else the usual one.
    pub path: Option<String>,
    /// No server is asked.
    pub offline: bool,
}

/// What the machine says; tests make their own.
#[derive(Clone, Debug, Default)]
pub struct Machine {
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
}

impl Machine {
    /// This machine, now.
    #[must_use]
    pub fn this() -> Self {
        Self::default()
    }

    /// The symbol path that holds if the user chooses none.
    #[must_use]
    pub fn default_path(&self) -> String {
        self.symbol_path.clone().unwrap_or_else(|| format!("srv**{MICROSOFT}"))
    }

    /// A choice of the user as a resolver.
    #[must_use]
    pub fn resolver(&self, choice: &Choice) -> Resolver {
        let store = self.cache.clone().unwrap_or_default().join("symbols");
        let around = Surroundings {
            home: self.home.clone(),
            default_store: store.clone(),
            variables: self.variables.clone(),
            windows: cfg!(windows),
        };
        let path = SymbolPath::parse(&choice.path.clone().unwrap_or_else(|| self.default_path()), &around);
        let options = LocatorOptions { offline: choice.offline, default_store: store, ..LocatorOptions::default() };
        Resolver { locator: Locator::new(path, options), cache: None, builtin: None, at_a_time: 0 }
    }
}
