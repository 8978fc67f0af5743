//! Looks whether each part of a symbol path works, one after the other, and says what a symbol path means. A newer path
//! gives the check before it up. Knows no window.

use std::sync::Arc;

use poolscope_symbols::locate::PathPartCheck;
use poolscope_symbols::path::SymbolPath;

use super::symbols::SymbolService;
use super::{Answer, Jobs};
use crate::symbols::SymbolOptions;

/// News about a symbol path.
#[derive(Debug, Clone)]
pub enum PathNews {
    /// Its meaning.
    Read(SymbolOptions, SymbolPath),
    /// True if one place of it works.
    Checked(PathPartCheck),
    /// All places were looked at.
    Finished,
}

impl Jobs {
    /// Who finds names.
    #[must_use]
    pub fn symbols(&self) -> Arc<dyn SymbolService> {
        Arc::clone(&self.symbols)
    }

    /// Says what a symbol path means; a check that is under way is given up.
    pub fn read_path(&mut self, choice: SymbolOptions) {
        let service = self.symbols();
        let (generation, _) = self.path.next();
        self.spawn("symbol path", move || {
            let path = service.read_path(&choice);
            Answer::Path { generation, news: PathNews::Read(choice, path) }
        });
    }

    /// Looks whether a symbol path works; a check that is under way is given up.
    pub fn check_path(&mut self, choice: SymbolOptions) {
        let service = self.symbols();
        let (generation, cancel) = self.path.next();
        let (send, wake) = (self.send.clone(), Arc::clone(&self.wake));
        self.spawn("symbol path", move || {
            let mut tell = |check: PathPartCheck| {
                if send.send(Answer::Path { generation, news: PathNews::Checked(check) }).is_ok() {
                    wake();
                }
            };
            service.check(&choice, &mut tell, &cancel);
            Answer::Path { generation, news: PathNews::Finished }
        });
    }

    /// Gives the check up that is under way.
    pub fn stop_path(&mut self) {
        self.path.stop();
    }
}
