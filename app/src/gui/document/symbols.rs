//! The symbols of a document: which search goes on, what the user chose, and why a frame has no name. It searches nothing
//! itself, and never waits for names: until they come, addresses are shown.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::pivot::Key;
use poolscope_analysis::trace::ids::{ModuleId, StackId};
use poolscope_symbols::identity::ModuleIdentity;
use poolscope_symbols::locate::{LookupAttempt, LookupResult};
use poolscope_symbols::resolve::ModuleState;

use super::Document;
use crate::gui::document::table_model::node_id;
use crate::gui::jobs::symbols::{SymbolsNews, SymbolsRequest};
use crate::gui::model::symbols::{Phase, state_text};
use crate::symbols::SymbolOptions;

/// Groups of the selected rows that are looked through for their modules.
const MOST_GROUPS: usize = 100_000;

/// Next action of the symbol search.
pub enum SearchOrder {
    /// Search; a search that is under way ends.
    Begin(SymbolsRequest),
    /// Give up.
    Cancel,
}

impl Document {
    /// Searches for the symbols of these modules (positions in the needs), and after them for what a search under way had
    /// still to do; without a list for all that are not loaded.
    pub fn load_symbols(&mut self, only: Option<Vec<usize>>) {
        self.search_for(only, false);
    }

    /// The same without cached names: PDBs are located and read again.
    pub fn reload_symbols(&mut self, only: Option<Vec<usize>>) {
        self.search_for(only, true);
    }

    fn search_for(&mut self, only: Option<Vec<usize>>, bypass_cache: bool) {
        let order = self.search_order(only);
        self.begin_search(order, self.search.choice.clone(), bypass_cache, false);
    }

    /// Shows the names that are at hand and, if `online`, those that servers have.
    pub fn load_symbols_first(&mut self, online: bool) {
        if self.trace.stacks.node_count() > 1 {
            let offline = self.search.choice.offline || !online;
            let bypass_cache = self.search.bypass_cache;
            let choice = SymbolOptions { offline, ..self.search.choice.clone() };
            self.begin_search(None, choice, bypass_cache, true);
        }
    }

    fn search_order(&self, only: Option<Vec<usize>>) -> Option<Vec<usize>> {
        let rows = self.results.symbols.rows();
        if rows.is_empty() {
            return only;
        }
        let is_running = self.results.symbols.phase == Phase::Running;
        let (mut order, all) = (only.clone().unwrap_or_default(), only.is_none());
        let known: BTreeSet<usize> = order.iter().copied().collect();
        let rest = rows.iter().enumerate().filter(|(at, row)| {
            let is_wanted = (all && row.state != ModuleState::Loaded) || (is_running && row.is_open());
            is_wanted && !known.contains(at)
        });
        order.extend(rest.map(|(at, _)| at));
        Some(order)
    }

    fn begin_search(&mut self, only: Option<Vec<usize>>, choice: SymbolOptions, bypass_cache: bool, is_first: bool) {
        self.results.symbols.begin(only.as_deref());
        let known = !self.results.symbols.rows().is_empty();
        self.search.order = Some(SearchOrder::Begin(SymbolsRequest {
            trace: Arc::clone(&self.trace),
            file: self.source.path().map(Into::into),
            choice,
            needs: known.then(|| Arc::clone(self.results.symbols.needs())),
            only,
            bypass_cache,
            is_first,
            explicit_pdbs: self.search.explicit_pdbs.iter().map(|(at, path)| (*at, path.clone())).collect(),
        }));
    }

    /// Gives up the search; the names that were found stay.
    pub fn cancel_symbols(&mut self) {
        if self.results.symbols.phase == Phase::Running {
            self.results.symbols.cancel();
            self.search.order = Some(SearchOrder::Cancel);
        }
    }

    /// Looks for the names of a module in this PDB before anywhere else.
    pub fn open_pdb(&mut self, at: usize, path: PathBuf) {
        self.search.explicit_pdbs.insert(at, path);
        self.load_symbols(Some(vec![at]));
    }

    /// Changes the symbol path and options of the next search.
    pub fn set_symbol_choice(&mut self, choice: SymbolOptions) {
        self.search.choice = choice;
    }

    /// Takes the next action of the symbol search.
    pub fn search_order_to_carry_out(&mut self) -> Option<SearchOrder> {
        self.search.order.take()
    }

    /// Takes in news of the search.
    pub fn take_symbols(&mut self, news: Vec<SymbolsNews>) {
        for one in news {
            if matches!(one, SymbolsNews::Broken) {
                self.notify("Internal error: the symbol search stopped. Please report it.");
            }
            self.results.symbols.take(one);
        }
    }

    /// Naming of frames.
    #[must_use]
    pub fn frame_naming(&self) -> FrameNaming {
        self.query.naming
    }

    /// Names frames otherwise, and with that groups stacks otherwise.
    pub fn set_frame_naming(&mut self, naming: FrameNaming) {
        if self.query.naming != naming {
            self.query.naming = naming;
        }
    }

    /// The modules on the stacks of the selected rows, as positions in the needs, ascending. Where the rows are not grouped by
    /// stack, those on the heaviest stacks of the row under the cursor.
    #[must_use]
    pub fn modules_of_rows(&self) -> Vec<usize> {
        let trace = &self.trace;
        let mut frames = BTreeSet::new();
        for stack in self.stacks_of_rows() {
            frames.extend(trace.stacks.inner_to_outer(stack));
        }
        let modules: BTreeSet<ModuleId> = frames
            .iter()
            .filter_map(|frame| trace.stacks.frame_rows().get(frame.index()))
            .map(|row| row.module)
            .collect();
        let mut positions: BTreeSet<usize> =
            modules.iter().filter_map(|module| self.results.symbols.row_of(*module)).collect();
        if positions.is_empty() {
            let texts =
                self.results.profile.iter().flat_map(|answer| &answer.profile.stacks).flat_map(|share| &share.frames);
            let names: BTreeSet<&str> = texts.map(|frame| module_of(&frame.text)).collect();
            positions.extend(names.into_iter().flat_map(|name| self.positions_of(name)));
        }
        positions.into_iter().collect()
    }

    /// Stacks of the selected rows, of at most [`MOST_GROUPS`] groups.
    fn stacks_of_rows(&self) -> BTreeSet<StackId> {
        let mut stacks = BTreeSet::new();
        let Some(rows) = &self.results.rows else { return stacks };
        let tree = rows.flat().tree();
        let pivot = tree.pivot();
        let Some(column) = pivot.keys().iter().position(|key| matches!(key, Key::Stack | Key::FreeStack)) else {
            return stacks;
        };
        let selected = self.ui.table.selected().iter().map(|id| tree.groups(node_id(*id)));
        let groups = selected.flatten().take(MOST_GROUPS);
        let shown: BTreeSet<u32> = groups.filter_map(|group| pivot.ids(group as usize).get(column).copied()).collect();
        let Some(of_stacks) = pivot.columns().get(column).and_then(|column| column.stacks()) else { return stacks };
        stacks.extend(shown.into_iter().flat_map(|node| of_stacks.stacks_at(node)));
        stacks
    }

    fn positions_of<'d>(&'d self, module: &'d str) -> impl Iterator<Item = usize> + 'd {
        let needs = self.results.symbols.needs().iter().enumerate();
        needs.filter(move |(_, need)| need.request.identity.name.eq_ignore_ascii_case(module)).map(|(at, _)| at)
    }

    /// Returns whether names are on their way from the search into the rows.
    #[must_use]
    pub fn is_naming(&self) -> bool {
        self.is_symbol_table_outdated()
            || self.results.pending_names.is_some()
            || self.query.naming != self.results.names.naming()
    }

    /// One sentence on why a frame with this text has no function name; `None` where it has one.
    #[must_use]
    pub fn why_unnamed(&self, frame: &str) -> Option<String> {
        if frame.contains('!') || frame.starts_with('[') {
            return None;
        }
        if frame.starts_with("0x") {
            return Some(format!("{frame} belongs to no module of the trace."));
        }
        let module = module_of(frame);
        match self.positions_of(module).next() {
            Some(at) => self
                .why_module_unnamed(at)
                .or_else(|| Some(format!("{module}: the symbols have no name for this address."))),
            None => Some(format!("{module}: the symbols were not searched.")),
        }
    }

    /// One sentence on why a module has no names, by its position in the needs; `None` where it has some.
    #[must_use]
    pub fn why_module_unnamed(&self, at: usize) -> Option<String> {
        let (row, need) = (self.results.symbols.rows().get(at)?, self.results.symbols.needs().get(at)?);
        if row.has_names() {
            return None;
        }
        let identity = &need.request.identity;
        let name = &identity.name;
        let attempts = row.outcome.as_ref().map_or(&[][..], |outcome| &outcome.attempts);
        Some(match &row.state {
            ModuleState::NoIdentity => format!(
                "{name}: the trace does not identify its PDB. Merge the trace on the machine that recorded it (xperf \
                 -merge, or wpr -stop)."
            ),
            ModuleState::Waiting | ModuleState::Searching | ModuleState::Downloading(_) | ModuleState::Reading
                if self.results.symbols.phase == Phase::Running =>
            {
                format!("{name}: the symbols are being loaded ({}).", state_text(&row.state))
            }
            ModuleState::Loaded | ModuleState::ExportsOnly => {
                format!("{name}: the symbols have no name for the addresses on the stacks.")
            }
            ModuleState::Cancelled => format!("{name}: the search for {} was canceled.", wanted(identity)),
            ModuleState::Offline => {
                format!("{name}: {} is not on this machine, and no server is queried while offline.", wanted(identity))
            }
            ModuleState::Unreadable => format!("{name}: {} cannot be read{}.", wanted(identity), last(attempts)),
            _ => format!("{name}: {} was not found in {}{}.", wanted(identity), places(attempts.len()), last(attempts)),
        })
    }
}

/// The file that has the names of a module.
fn wanted(identity: &ModuleIdentity) -> String {
    match &identity.pdb {
        Some(pdb) => format!("its PDB {} {{{}}} age {}", pdb.file_name, pdb.guid, pdb.age),
        None => "its PDB".to_owned(),
    }
}

fn places(count: usize) -> String {
    match count {
        0 => "any location".to_owned(),
        1 => "1 location".to_owned(),
        _ => format!("{count} locations"),
    }
}

/// The most telling failure: that of the last place that was not just empty.
fn last(attempts: &[LookupAttempt]) -> String {
    let telling = attempts.iter().rev().find_map(|attempt| {
        let message = match &attempt.result {
            LookupResult::Mismatch(what) => format!("has a different file: {what}"),
            LookupResult::Denied(what) | LookupResult::Unreachable(what) | LookupResult::Unreadable(what) => {
                format!("returned: {what}")
            }
            LookupResult::NotFoundCached => "did not have it (cached result)".to_owned(),
            LookupResult::Found | LookupResult::NotFound | LookupResult::Offline => return None,
        };
        Some(format!("; {} {message}", attempt.location))
    });
    telling.unwrap_or_default()
}

/// The module in the text of a frame.
fn module_of(frame: &str) -> &str {
    frame.split_once('!').or_else(|| frame.rsplit_once('+')).map_or(frame, |(module, _)| module)
}
