//! State of the page of modules: filter, order and selection of the list. Draws nothing.

use std::cmp::Ordering;

use poolscope_analysis::group::symbols::ModuleNeed;
use poolscope_symbols::resolve::ModuleState;

use crate::gui::model::symbols::{ModuleRow, Symbols, file, identity, named, pdb_name};

/// A column of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModuleColumn {
    /// State of its symbols.
    State,
    /// Its file name.
    Name,
    /// Bytes that depend on it and were not freed.
    Outstanding,
    /// Blocks that depend on it.
    Allocations,
    /// Distinct frames in it.
    Frames,
    /// Frames that have a name.
    Named,
    /// File name of its PDB.
    Pdb,
    /// GUID and age of its PDB.
    Identity,
    /// Source of its names.
    File,
}

impl ModuleColumn {
    /// All of them, from left to right.
    pub const ALL: [Self; 9] = [
        Self::Name,
        Self::State,
        Self::Outstanding,
        Self::Allocations,
        Self::Frames,
        Self::Named,
        Self::Pdb,
        Self::Identity,
        Self::File,
    ];

    /// The name in the header.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::State => "State",
            Self::Name => "Module",
            Self::Outstanding => "Outstanding",
            Self::Allocations => "Allocations",
            Self::Frames => "Frames",
            Self::Named => "Named",
            Self::Pdb => "PDB",
            Self::Identity => "GUID and age",
            Self::File => "Names from",
        }
    }

    /// Its meaning.
    #[must_use]
    pub fn tip(self) -> &'static str {
        match self {
            Self::State => "Result of the symbol search.",
            Self::Name => "File name of the image.",
            Self::Outstanding => "Outstanding bytes whose allocation stack contains the module.",
            Self::Allocations => "Allocations whose stack contains the module.",
            Self::Frames => "Distinct addresses in the module that are on stacks.",
            Self::Named => "Number of these addresses with a function name.",
            Self::Pdb => "File that contains the symbols.",
            Self::Identity => "Identity of the PDB that matches the image.",
            Self::File => "File that the names were read from.",
        }
    }

    /// Returns whether it holds figures.
    #[must_use]
    pub fn is_figure(self) -> bool {
        matches!(self, Self::Outstanding | Self::Allocations | Self::Frames | Self::Named)
    }

    /// Returns whether its first click puts the largest first.
    #[must_use]
    fn begins_with_largest(self) -> bool {
        self.is_figure()
    }
}

/// State of the page of modules.
#[derive(Debug, Clone)]
pub struct ModulesState {
    /// Shows only modules with this in their names.
    pub filter: String,
    /// By what the modules are ordered.
    pub column: ModuleColumn,
    /// The smallest comes first.
    pub ascending: bool,
    /// The selected module: its place among those that the trace needs.
    pub selected: Option<usize>,
    /// The selected module has to be scrolled to.
    pub reveal: bool,
    /// The page was just opened: its filter has the keys.
    pub wants_focus: bool,
}

impl Default for ModulesState {
    fn default() -> Self {
        Self {
            filter: String::new(),
            column: ModuleColumn::Outstanding,
            ascending: false,
            selected: None,
            reveal: false,
            wants_focus: false,
        }
    }
}

impl ModulesState {
    /// Orders by a column; once more: the other way round.
    pub fn sort_by(&mut self, column: ModuleColumn) {
        self.ascending = if self.column == column { !self.ascending } else { !column.begins_with_largest() };
        self.column = column;
    }

    /// Selects a module, which is then seen: a filter that hides it goes.
    pub fn show(&mut self, symbols: &Symbols, at: usize) {
        if symbols.needs().get(at).is_some_and(|need| !self.fits(need)) {
            self.filter.clear();
        }
        self.selected = Some(at);
        self.reveal = true;
    }

    /// The modules that are listed, in their order: places among those that the trace needs.
    #[must_use]
    pub fn listed(&self, symbols: &Symbols) -> Vec<usize> {
        let (needs, rows) = (symbols.needs(), symbols.rows());
        let mut listed: Vec<usize> = (0..needs.len().min(rows.len())).filter(|at| self.fits(&needs[*at])).collect();
        listed.sort_by(|a, b| {
            let order = self.order((&needs[*a], &rows[*a]), (&needs[*b], &rows[*b]));
            // The order of the needs, the most outstanding bytes first, is the second one.
            (if self.ascending { order } else { order.reverse() }).then(a.cmp(b))
        });
        listed
    }

    fn fits(&self, need: &ModuleNeed) -> bool {
        let wanted = self.filter.trim().to_lowercase();
        let identity = &need.request.identity;
        let pdb = identity.pdb.as_ref().map_or("", |pdb| pdb.file_name.as_str());
        wanted.is_empty() || [identity.name.as_str(), pdb].iter().any(|name| name.to_lowercase().contains(&wanted))
    }

    fn order(&self, a: (&ModuleNeed, &ModuleRow), b: (&ModuleNeed, &ModuleRow)) -> Ordering {
        let text =
            |of: fn(&ModuleNeed, &ModuleRow) -> String| of(a.0, a.1).to_lowercase().cmp(&of(b.0, b.1).to_lowercase());
        match self.column {
            ModuleColumn::State => rank(&a.1.state).cmp(&rank(&b.1.state)),
            ModuleColumn::Name => text(|need, _| need.request.identity.name.clone()),
            ModuleColumn::Outstanding => a.0.outstanding_bytes.cmp(&b.0.outstanding_bytes),
            ModuleColumn::Allocations => a.0.allocations.cmp(&b.0.allocations),
            ModuleColumn::Frames => a.0.frames.cmp(&b.0.frames),
            ModuleColumn::Named => named(a.1).cmp(&named(b.1)),
            ModuleColumn::Pdb => text(pdb_name),
            ModuleColumn::Identity => text(identity),
            ModuleColumn::File => text(|_, row| file(row)),
        }
    }
}

/// The order of the states: those that the user can fix first.
fn rank(state: &ModuleState) -> u8 {
    match state {
        ModuleState::WrongIdentity => 0,
        ModuleState::Denied => 1,
        ModuleState::Unreachable => 2,
        ModuleState::Unreadable => 3,
        ModuleState::NotFound => 4,
        ModuleState::Offline => 5,
        ModuleState::NoIdentity => 6,
        ModuleState::Cancelled => 7,
        ModuleState::Downloading(_) => 8,
        ModuleState::Reading => 9,
        ModuleState::Searching => 10,
        ModuleState::Waiting => 11,
        ModuleState::ExportsOnly => 12,
        ModuleState::Loaded => 13,
    }
}
