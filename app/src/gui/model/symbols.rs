//! Symbols of an open trace: state of each module, progress of the search, reasons why frames have no names.

use std::sync::Arc;

use poolscope_analysis::group::symbols::ModuleNeed;
use poolscope_analysis::trace::ids::ModuleId;
use poolscope_symbols::names::ModuleNames;
use poolscope_symbols::resolve::{ModuleOutcome, ModuleState};

use crate::gui::jobs::symbols::SymbolsNews;

/// Phase of the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Never asked for.
    #[default]
    Idle,
    /// Being answered.
    Running,
    /// Over.
    Done,
    /// Given up.
    Cancelled,
}

/// State of a module's symbols.
#[derive(Debug, Clone)]
pub struct ModuleRow {
    /// Its state.
    pub state: ModuleState,
    /// The end of its last search.
    pub outcome: Option<ModuleOutcome>,
}

impl ModuleRow {
    /// Returns whether its search goes on.
    #[must_use]
    pub fn is_open(&self) -> bool {
        use ModuleState as S;
        matches!(self.state, S::Waiting | S::Searching | S::Downloading(_) | S::Reading)
    }

    /// Returns whether any address in it has a name.
    #[must_use]
    pub fn has_names(&self) -> bool {
        self.outcome.as_ref().is_some_and(|outcome| outcome.names.named_count() > 0)
    }
}

/// Progress of the search over all modules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SymbolStatus {
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
    /// Phase of the search.
    pub phase: Phase,
    needs: Arc<Vec<ModuleNeed>>,
    rows: Vec<ModuleRow>,
    revision: u64,
}

impl Symbols {
    /// Modules that the trace needs; rows are at the same positions.
    #[must_use]
    pub fn needs(&self) -> &Arc<Vec<ModuleNeed>> {
        &self.needs
    }

    /// Number of times that new names were found.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// State of each module.
    #[must_use]
    pub fn rows(&self) -> &[ModuleRow] {
        &self.rows
    }

    /// The row of a module of the trace.
    #[must_use]
    pub fn row_of(&self, module: ModuleId) -> Option<usize> {
        self.needs.iter().position(|need| need.modules.contains(&module))
    }

    /// Progress of the search.
    #[must_use]
    pub fn status(&self) -> SymbolStatus {
        let mut status = SymbolStatus { modules: self.needs.len(), ..SymbolStatus::default() };
        for row in &self.rows {
            match &row.state {
                ModuleState::Waiting | ModuleState::Searching | ModuleState::Reading => {}
                ModuleState::Downloading(transfer) => {
                    status.downloading.0 += transfer.bytes;
                    status.downloading.1 += transfer.total_bytes.unwrap_or(transfer.bytes);
                }
                _ => status.finished += 1,
            }
            status.loaded += usize::from(row.has_names());
        }
        status
    }

    /// The names found so far, by position in the needs.
    #[must_use]
    pub fn found(&self) -> Vec<Option<Arc<ModuleNames>>> {
        let names = |row: &ModuleRow| row.outcome.as_ref().map(|outcome| Arc::clone(&outcome.names));
        self.rows.iter().map(|row| names(row).filter(|_| row.has_names())).collect()
    }

    /// A search begins for these modules; `None`: for all.
    pub fn begin(&mut self, only: Option<&[usize]>) {
        self.phase = Phase::Running;
        for (at, row) in self.rows.iter_mut().enumerate() {
            if only.is_none_or(|only| only.contains(&at)) {
                row.state = ModuleState::Waiting;
            }
        }
    }

    /// The search is cancelled: the names found so far stay.
    pub fn cancel(&mut self) {
        self.phase = Phase::Cancelled;
        self.close(&ModuleState::Cancelled);
    }

    /// Modules whose search did not come to an end stand as they were found before, or so.
    fn close(&mut self, state: &ModuleState) {
        for row in self.rows.iter_mut().filter(|row| row.is_open()) {
            row.state = row.outcome.as_ref().map_or(state, |outcome| &outcome.state).clone();
        }
    }

    /// Takes in news; says whether there are new names.
    pub fn take(&mut self, news: SymbolsNews) {
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
            SymbolsNews::Done(at, outcome) => self.revision += u64::from(self.take_outcome(at, *outcome)),
            SymbolsNews::Finished | SymbolsNews::Broken => {
                self.phase = Phase::Done;
                self.close(&ModuleState::Cancelled);
            }
        }
    }

    /// Applies the end of a module's search. Names that were found before are kept if it finds none.
    fn take_outcome(&mut self, at: usize, mut outcome: ModuleOutcome) -> bool {
        let Some(row) = self.rows.get_mut(at) else { return false };
        row.state = outcome.state.clone();
        let before = row.outcome.as_ref().map(|before| Arc::clone(&before.names)).unwrap_or_default();
        if outcome.names.named_count() == 0 && before.named_count() > 0 {
            outcome.names = before;
            row.outcome = Some(outcome);
            return false;
        }
        let is_new = outcome.names != before;
        row.outcome = Some(outcome);
        is_new
    }
}

/// A state in the words of the window.
#[must_use]
pub fn state_text(state: &ModuleState) -> &'static str {
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
        ModuleState::Offline => "offline",
        ModuleState::Unreadable => "unreadable",
        ModuleState::NoIdentity => "no identity in the trace",
        ModuleState::Cancelled => "canceled",
    }
}

/// Frames of a module that have a name.
#[must_use]
pub fn named(row: &ModuleRow) -> usize {
    row.outcome.as_ref().map_or(0, |outcome| outcome.names.named_count())
}

/// File name of a module's PDB, by the trace or the image file; empty where neither says.
#[must_use]
pub fn pdb_name(need: &ModuleNeed, row: &ModuleRow) -> String {
    pdb(need, row).map(|pdb| pdb.file_name.clone()).unwrap_or_default()
}

/// GUID and age of a module's PDB; empty where they are not known.
#[must_use]
pub fn identity(need: &ModuleNeed, row: &ModuleRow) -> String {
    pdb(need, row).map(|pdb| format!("{} age {}", pdb.guid, pdb.age)).unwrap_or_default()
}

/// The identity of a module's PDB, by the trace or the image file.
#[must_use]
pub fn pdb<'a>(need: &'a ModuleNeed, row: &'a ModuleRow) -> Option<&'a poolscope_symbols::identity::PdbIdentity> {
    row.outcome.as_ref().and_then(|outcome| outcome.pdb.as_ref()).or(need.request.identity.pdb.as_ref())
}

/// Source of a module's names, in a few words; empty where it has none.
#[must_use]
pub fn file(row: &ModuleRow) -> String {
    let Some(outcome) = &row.outcome else { return String::new() };
    match &outcome.file {
        Some(file) => file.display().to_string(),
        None if outcome.from_cache => "the name cache".to_owned(),
        None if outcome.state == ModuleState::Loaded => "poolscope (built in)".to_owned(),
        None => String::new(),
    }
}
