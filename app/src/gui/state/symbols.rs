//! What is known about the symbols of an open trace: how each module stands, how far the search is, why a frame has no name.

use std::sync::Arc;

use poolscope_core::column::symbols::ModuleNeed;
use poolscope_core::symbol::resolve::{ModuleOutcome, ModuleState};
use poolscope_core::trace::ids::ModuleId;

use crate::gui::jobs::symbols::SymbolsNews;

/// How far the search is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Never asked for.
    #[default]
    Idle,
    /// Under way.
    Running,
    /// Over.
    Done,
    /// Given up.
    Cancelled,
}

/// How a module stands.
#[derive(Debug, Clone)]
pub struct ModuleRow {
    /// Its state.
    pub state: ModuleState,
    /// The end of its last search.
    pub outcome: Option<ModuleOutcome>,
}

/// How the search stands in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Modules that are needed.
    pub modules: usize,
    /// Modules whose search is over.
    pub finished: usize,
    /// Modules with names.
    pub loaded: usize,
    /// Bytes that are coming from servers: so far, and in all as far as known.
    pub downloading: (u64, u64),
}

/// The symbols of an open trace.
#[derive(Debug, Clone, Default)]
pub struct Symbols {
    /// How far the search is.
    pub phase: Phase,
    needs: Arc<Vec<ModuleNeed>>,
    rows: Vec<ModuleRow>,
}

impl Symbols {
    /// What the trace needs; rows stand at the same positions.
    #[must_use]
    pub fn needs(&self) -> &Arc<Vec<ModuleNeed>> {
        &self.needs
    }

    /// How each module stands.
    #[must_use]
    pub fn rows(&self) -> &[ModuleRow] {
        &self.rows
    }

    /// The row of a module of the trace.
    #[must_use]
    pub fn row_of(&self, module: ModuleId) -> Option<usize> {
        self.needs.iter().position(|need| need.modules.contains(&module))
    }

    /// How the search stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing { modules: self.needs.len(), ..Standing::default() }
    }

    /// Takes in news; says whether there are new names.
    pub fn take(&mut self, news: SymbolsNews) -> bool {
        match news {
            SymbolsNews::Needs(needs) => {
                let waiting = || ModuleRow { state: ModuleState::Waiting, outcome: None };
                self.rows.resize_with(needs.len(), waiting);
                self.needs = needs;
            }
            SymbolsNews::State(at, state) => {
                if let Some(row) = self.rows.get_mut(at) {
                    row.state = state;
                }
            }
            SymbolsNews::Done(at, outcome) => {
                if let Some(row) = self.rows.get_mut(at) {
                    row.state = outcome.state.clone();
                    row.outcome = Some(*outcome);
                    return true;
                }
            }
            SymbolsNews::Finished => self.phase = Phase::Done,
        }
        false
    }
}

/// A state in the words of the window.
#[must_use]
pub fn state_words(state: &ModuleState) -> &'static str {
    match state {
        ModuleState::Waiting => "waiting",
        ModuleState::Searching => "searching",
        ModuleState::Downloading(_) => "downloading",
        ModuleState::Reading => "reading",
        ModuleState::Loaded => "loaded",
        ModuleState::ExportsOnly => "exports only",
        ModuleState::NotFound => "not found",
        ModuleState::WrongIdentity => "wrong identity",
        ModuleState::Denied => "denied",
        ModuleState::Unreachable => "unreachable",
        ModuleState::Offline => "not looked for online",
        ModuleState::Unreadable => "unreadable",
        ModuleState::NoIdentity => "no identity in the trace",
        ModuleState::Cancelled => "cancelled",
    }
}
