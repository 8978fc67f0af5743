//! What the page of modules remembers: which modules are listed, in what order, and which one is selected. Draws nothing.

use std::cmp::Ordering;

use poolscope_analysis::group::symbols::ModuleNeed;
use poolscope_symbols::resolve::ModuleState;

use super::symbols::{ModuleRow, Symbols};

/// A column of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModuleColumn {
    /// How it stands.
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
    /// Where its names are from.
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

    /// What it means.
    #[must_use]
    pub fn tip(self) -> &'static str {
        match self {
            Self::State => "Whether its symbols were found.",
            Self::Name => "File name of the image.",
            Self::Outstanding => "Bytes that were allocated through it and that the trace does not show freed.",
            Self::Allocations => "Blocks with an allocation stack through it.",
            Self::Frames => "Different places in it that stacks lead through.",
            Self::Named => "How many of these places have a function's name.",
            Self::Pdb => "The file that holds its symbols.",
            Self::Identity => "By these the right PDB is told from those of other builds.",
            Self::File => "The file that the names were read from.",
        }
    }

    /// Whether it holds figures.
    #[must_use]
    pub fn is_figure(self) -> bool {
        matches!(self, Self::Outstanding | Self::Allocations | Self::Frames | Self::Named)
    }

    /// Whether its first click puts the largest first.
    #[must_use]
    fn begins_with_largest(self) -> bool {
        self.is_figure()
    }
}

/// What the page of modules remembers.
#[derive(Debug, Clone)]
pub struct ModulesPage {
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

impl Default for ModulesPage {
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

impl ModulesPage {
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

    /// Goes so many modules down the list, or up.
    pub fn step(&mut self, listed: &[usize], by: isize) {
        let Some(last) = listed.len().checked_sub(1) else { return };
        let now = self.selected.and_then(|selected| listed.iter().position(|at| *at == selected));
        let to = now.map_or(0, |now| now.saturating_add_signed(by).min(last));
        self.selected = listed.get(to).copied();
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

/// Where a module's names are from, in a few words; empty where it has none.
#[must_use]
pub fn file(row: &ModuleRow) -> String {
    let Some(outcome) = &row.outcome else { return String::new() };
    match &outcome.file {
        Some(file) => file.display().to_string(),
        None if outcome.from_cache => "the cache of names".to_owned(),
        None if outcome.state == ModuleState::Loaded => "poolscope itself".to_owned(),
        None => String::new(),
    }
}

/// The order of the states: what is wrong first, as far as somebody can mend it.
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
