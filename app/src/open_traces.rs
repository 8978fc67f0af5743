//! Traces that stay open between commands. Under a memory limit the least recently used one is closed; a file that changed is loaded
//! again.

use crate::memory;
use crate::trace_location::TraceLocation;
use crate::trace_opening::LoadedTrace;
use parking_lot::{Mutex, MutexGuard};
use poolscope_analysis::load::LoadError;
use poolscope_analysis::trace::Trace;
use poolscope_base::progress::{CancelToken, Cancelled};
use poolscope_etl::diagnostics::DiagnosticKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Open traces by path.
#[derive(Debug)]
pub struct OpenTraces {
    /// Bytes that all traces together may use; `None` for what the system has available.
    limit_bytes: Option<u64>,
    /// The open traces, the most recently used last.
    entries: Mutex<Vec<Entry>>,
    /// Held by the one load that runs, so that loads do not count the same memory as free.
    loading: Mutex<()>,
}

#[derive(Debug)]
struct Entry {
    path: PathBuf,
    file: FileState,
    loaded: LoadedTrace,
}

/// Length and time of change of a file, by which a change is noticed; `None` where they are not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileState(Option<(u64, SystemTime)>);

impl FileState {
    fn of(path: &Path) -> Self {
        let found = std::fs::metadata(TraceLocation::of(path).file);
        Self(found.and_then(|found| Ok((found.len(), found.modified()?))).ok())
    }
}

impl Entry {
    fn bytes(&self) -> u64 {
        self.loaded.trace.memory_bytes()
    }
}

/// Parts of a trace that commands need and that a memory limit can cost.
const LEFT_OUT: [DiagnosticKind; 2] = [DiagnosticKind::FreeStacksLeftOut, DiagnosticKind::AddressesLeftOut];

/// Pause between two looks at a load of another command that is waited for.
const WAIT: Duration = Duration::from_millis(50);

impl OpenTraces {
    /// No traces yet, and room for `limit_bytes` of them; without a limit, for what the system has available.
    #[must_use]
    pub const fn new(limit_bytes: Option<u64>) -> Self {
        Self { limit_bytes, entries: Mutex::new(Vec::new()), loading: Mutex::new(()) }
    }

    /// The trace at a path, which `load` loads within a memory limit if it is not open. Others are closed if it does not fit beside
    /// them, before anything of it is left out.
    ///
    /// # Errors
    /// Errors of `load`; canceled while another load ran.
    pub fn get(
        &self,
        path: &Path,
        cancel: &CancelToken,
        load: &dyn Fn(Option<u64>) -> anyhow::Result<LoadedTrace>,
    ) -> anyhow::Result<LoadedTrace> {
        if let Some(loaded) = self.find(path) {
            return Ok(loaded);
        }
        let _turn = self.wait_for_turn(cancel)?;
        if let Some(loaded) = self.find(path) {
            return Ok(loaded);
        }
        let file = FileState::of(path);
        loop {
            let result = load(self.free_bytes());
            let is_short = match &result {
                Ok(loaded) => LEFT_OUT.iter().any(|kind| loaded.trace.diagnostics.count(*kind) > 0),
                Err(error) => exceeds_memory(error),
            };
            if is_short && self.close_oldest(0) {
                continue;
            }
            let loaded = result?;
            self.keep(Entry { path: path.to_owned(), file, loaded: loaded.clone() });
            return Ok(loaded);
        }
    }

    /// The open trace at a path, which does not count as a use.
    #[must_use]
    pub fn peek(&self, path: &Path) -> Option<Arc<Trace>> {
        let entries = self.entries.lock();
        entries.iter().find(|entry| entry.path == path).map(|entry| Arc::clone(&entry.loaded.trace))
    }

    /// Paths and bytes of memory of the open traces, the most recently used first.
    #[must_use]
    pub fn list(&self) -> Vec<(PathBuf, u64)> {
        self.entries.lock().iter().rev().map(|entry| (entry.path.clone(), entry.bytes())).collect()
    }

    /// Finds an open trace and makes it the most recently used. One whose file changed is closed.
    fn find(&self, path: &Path) -> Option<LoadedTrace> {
        let mut entries = self.entries.lock();
        let at = entries.iter().position(|entry| entry.path == path)?;
        let entry = entries.remove(at);
        if entry.file != FileState::of(path) {
            return None;
        }
        let loaded = entry.loaded.clone();
        entries.push(entry);
        Some(loaded)
    }

    fn wait_for_turn(&self, cancel: &CancelToken) -> Result<MutexGuard<'_, ()>, Cancelled> {
        loop {
            cancel.check()?;
            if let Some(turn) = self.loading.try_lock_for(WAIT) {
                return Ok(turn);
            }
        }
    }

    /// Bytes that one more trace may use.
    fn free_bytes(&self) -> Option<u64> {
        match self.limit_bytes {
            Some(limit) => Some(limit.saturating_sub(self.entries.lock().iter().map(Entry::bytes).sum())),
            None => memory::available_bytes(),
        }
    }

    /// Closes the least recently used trace if more than `kept` are open. Its memory is free once no command uses it.
    fn close_oldest(&self, kept: usize) -> bool {
        let mut entries = self.entries.lock();
        if entries.len() <= kept {
            return false;
        }
        entries.remove(0);
        true
    }

    /// Adds a trace as the most recently used, and closes others until the limit is kept.
    fn keep(&self, entry: Entry) {
        self.entries.lock().push(entry);
        while self.limit_bytes.is_some() && self.free_bytes() == Some(0) && self.close_oldest(1) {}
    }
}

fn exceeds_memory(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| matches!(cause.downcast_ref::<LoadError>(), Some(LoadError::MemoryLimit { .. })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use poolscope_analysis::load::{LoadOptions, load};
    use poolscope_base::progress::Progress;
    use poolscope_etl::file::TraceFile;
    use std::cell::Cell;

    fn sample_within(memory_limit_bytes: Option<u64>) -> anyhow::Result<LoadedTrace> {
        let file = TraceFile::from_bytes(sample::TRACE.to_vec(), sample::NAME)?;
        let options = LoadOptions { memory_limit_bytes, ..LoadOptions::default() };
        let trace = load(file, options, &Progress::default(), &CancelToken::none())?;
        Ok(LoadedTrace { trace, notes: Vec::new() })
    }

    fn paths(open: &OpenTraces) -> Vec<String> {
        open.list().into_iter().map(|(path, _)| path.display().to_string()).collect()
    }

    #[test]
    fn an_open_trace_is_not_loaded_again_unless_its_file_changed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.etl");
        std::fs::write(&path, b"one").expect("a file");
        let (open, loads) = (OpenTraces::new(None), Cell::new(0));
        let get = || {
            let counted = |_| {
                loads.set(loads.get() + 1);
                sample_within(None)
            };
            open.get(&path, &CancelToken::none(), &counted).expect("it loads").trace
        };
        assert!(Arc::ptr_eq(&get(), &get()) && loads.get() == 1);
        std::fs::write(&path, b"another length").expect("a file");
        get();
        assert_eq!(loads.get(), 2);
    }

    #[test]
    fn the_least_recently_used_trace_is_closed() {
        let one = sample_within(None).expect("it loads").trace.memory_bytes();
        // A load needs more memory than the trace that it makes.
        let open = OpenTraces::new(Some(one * 4));
        let get = |name: &str| open.get(Path::new(name), &CancelToken::none(), &sample_within).map(drop);
        for name in ["a", "b", "a"] {
            get(name).expect("both fit");
        }
        assert_eq!(paths(&open), ["a", "b"]);
        for name in ["c", "d", "e"] {
            get(name).expect("others are closed for it");
        }
        assert_eq!(paths(&open)[0], "e");
        assert!(!paths(&open).contains(&"b".to_owned()), "b was used first: {:?}", paths(&open));
        let used: u64 = open.list().iter().map(|(_, bytes)| bytes).sum();
        assert!(used <= one * 4, "{used}");
        let open = OpenTraces::new(Some(one / 100));
        let error = open.get(Path::new("a"), &CancelToken::none(), &sample_within).expect_err("too large alone");
        assert!(exceeds_memory(&error) && open.list().is_empty(), "{error:#}");
    }
}
