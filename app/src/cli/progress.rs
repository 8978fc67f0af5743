//! Progress of a command, for a program that runs it and watches it from another thread: the loads of its traces, then the search for
//! symbols.

use parking_lot::Mutex;
use poolscope_base::progress::{Progress, ProgressReading};
use std::sync::Arc;

/// Progress of one command, written by the command and read by others.
#[derive(Debug, Default)]
pub struct CommandProgress(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    loads_begun: usize,
    load: Option<Arc<Progress>>,
    symbols: Option<SymbolReading>,
}

/// Progress at one moment.
#[derive(Clone, Debug)]
pub struct CommandReading {
    /// Number of loads that were begun. An open trace is not loaded.
    pub loads_begun: usize,
    /// The newest load.
    pub load: Option<ProgressReading>,
    /// The search for symbols, once it was begun.
    pub symbols: Option<SymbolReading>,
}

/// Progress of a search for symbols.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SymbolReading {
    /// Number of modules that are finished.
    pub done: usize,
    /// Number of modules.
    pub modules: usize,
    /// Name and state of the module that changed last.
    pub module: String,
}

impl CommandProgress {
    /// Begins a load and returns its counters.
    #[must_use]
    pub fn begin_load(&self) -> Arc<Progress> {
        let mut state = self.0.lock();
        state.loads_begun += 1;
        Arc::clone(state.load.insert(Arc::default()))
    }

    /// Begins a search for the symbols of this number of modules.
    pub fn begin_symbols(&self, modules: usize) {
        self.0.lock().symbols = Some(SymbolReading { modules, ..SymbolReading::default() });
    }

    /// Counts a module as finished.
    pub fn finish_module(&self) {
        if let Some(symbols) = &mut self.0.lock().symbols {
            symbols.done += 1;
        }
    }

    /// Sets name and state of the module that changed last.
    pub fn set_module(&self, text: &str) {
        if let Some(symbols) = &mut self.0.lock().symbols {
            text.clone_into(&mut symbols.module);
        }
    }

    /// Reads the progress.
    #[must_use]
    pub fn read(&self) -> CommandReading {
        let state = self.0.lock();
        CommandReading {
            loads_begun: state.loads_begun,
            load: state.load.as_ref().map(|load| load.read()),
            symbols: state.symbols.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_and_modules_are_counted() {
        let progress = CommandProgress::default();
        assert!(progress.read().load.is_none() && progress.read().symbols.is_none());
        progress.begin_load().advance(5, 1);
        let second = progress.begin_load();
        second.advance(7, 2);
        progress.finish_module();
        progress.begin_symbols(2);
        progress.set_module("a.sys downloading");
        progress.finish_module();
        let reading = progress.read();
        assert_eq!((reading.loads_begun, reading.load.map(|load| load.bytes_done)), (2, Some(7)));
        let symbols = SymbolReading { done: 1, modules: 2, module: "a.sys downloading".to_owned() };
        assert_eq!(reading.symbols, Some(symbols));
    }
}
