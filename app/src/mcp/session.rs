//! What all calls of a server share: the files that may be read, the open traces, the options for symbols.

use super::allowed::{AllowedFolders, PathError};
use super::invocation::Invocation;
use crate::cli::mcp::Args;
use crate::cli::symbol_args::SymbolArgs;
use crate::file_identity::identity;
use crate::open_traces::OpenTraces;
use crate::pool_tags;
use crate::trace_opening::is_named_like_a_trace;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Traces of a named folder that are listed.
const LISTED_MAX: usize = 100;

/// Files, traces and options that all calls share.
#[derive(Debug)]
pub struct Session {
    /// Folders whose files may be read.
    pub allowed: AllowedFolders,
    /// Traces that stay open.
    pub open: Arc<OpenTraces>,
    /// Canonical paths of the traces and folders that were named at the start.
    named: Vec<PathBuf>,
    symbols: SymbolArgs,
    threads: Option<u16>,
}

impl Session {
    /// A session with the options of the command line.
    ///
    /// # Errors
    /// See [`AllowedFolders::new`]; nothing may be read.
    pub fn new(args: &Args) -> anyhow::Result<Self> {
        let allowed = AllowedFolders::new(&args.allow, &args.files)?;
        if allowed.texts().is_empty() {
            let message =
                "there is nothing that the assistant may read: name traces or folders, or give --allow FOLDER";
            return Err(crate::cli::open::UsageError(message.to_owned()).into());
        }
        Ok(Self {
            allowed,
            open: Arc::new(OpenTraces::new(args.memory_limit)),
            named: args.files.iter().map(|file| identity(file)).collect(),
            symbols: args.symbols.clone(),
            threads: args.threads,
        })
    }

    /// Adds the options of all commands that name frames. Without a symbol path, no server is used.
    #[must_use]
    pub fn with_symbols(&self, line: Invocation) -> Invocation {
        line.option("--symbols", self.symbols.path())
            .switch("--no-symbols", self.symbols.is_off())
            .switch("--offline", self.symbols.path().is_some() && self.symbols.is_offline())
    }

    /// Adds the list of tags: the given one, or none if the one beside a file leads out of the folders that may be read.
    ///
    /// # Errors
    /// The given list may not be read, or does not exist.
    pub fn with_pool_tags(
        &self,
        line: Invocation,
        given: Option<&String>,
        files: &[PathBuf],
    ) -> Result<Invocation, PathError> {
        let leads_out = |file: &PathBuf| {
            pool_tags::beside(Some(file)).is_some_and(|list| self.allowed.file(&list.to_string_lossy()).is_err())
        };
        let given = given.map(|path| self.allowed.file(path)).transpose()?;
        let has_none = given.is_none() && files.iter().any(leads_out);
        Ok(line.option("--pooltag", given).switch("--no-pooltag", has_none))
    }

    /// Adds the options of the command that lists symbols.
    #[must_use]
    pub fn with_symbol_path(&self, line: Invocation) -> Invocation {
        line.option("--path", self.symbols.path()).switch("--offline", self.symbols.is_offline())
    }

    /// Adds the number of worker threads, if it was given.
    #[must_use]
    pub fn with_threads(&self, line: Invocation) -> Invocation {
        line.option("--threads", self.threads.map(|threads| threads.to_string()))
    }

    /// Returns `true` if symbol servers may be used.
    #[must_use]
    pub fn uses_network(&self) -> bool {
        !self.symbols.is_offline()
    }

    /// Traces that were named at the start, those of named folders, and open ones.
    #[must_use]
    pub fn known_traces(&self) -> Vec<PathBuf> {
        let mut traces = Vec::new();
        for path in &self.named {
            if path.is_dir() { traces.extend(traces_in(path)) } else { traces.push(path.clone()) }
        }
        for (path, _) in self.open.list() {
            if !traces.contains(&path) {
                traces.push(path);
            }
        }
        traces
    }
}

/// Traces directly in a folder, by name. Links may lead out of it and are left out.
fn traces_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let is_trace = |entry: &std::fs::DirEntry| {
        entry.file_type().is_ok_and(|kind| kind.is_file())
            && is_named_like_a_trace(&entry.file_name().to_string_lossy())
    };
    let mut traces: Vec<PathBuf> = entries.filter(is_trace).map(|entry| entry.path()).collect();
    traces.sort();
    traces.truncate(LISTED_MAX);
    traces
}
