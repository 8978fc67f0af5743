//! The symbols of a document: which search goes on, what the user chose, and why a frame has no name. It searches nothing
//! itself, and never waits for names: until they come, addresses are shown.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::pivot::Key;
use poolscope_symbols::identity::ModuleIdentity;
use poolscope_symbols::locate::{LookupAttempt, LookupResult};
use poolscope_symbols::resolve::ModuleState;
use poolscope_analysis::trace::ids::{ModuleId, StackId};

use super::Document;
use crate::gui::jobs::symbols::{SymbolsNews, SymbolsRequest};
use crate::gui::state::rows::node_id;
use crate::gui::state::symbols::{Phase, state_words};
use crate::symbols::SymbolOptions;

/// Groups of the selected rows that are looked through for their modules.
const MOST_GROUPS: usize = 100_000;

/// What the background shall do about symbols.
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

    /// The same, without the names that were kept from before: PDBs are looked for and read anew.
    pub fn reload_symbols(&mut self, only: Option<Vec<usize>>) {
        self.search_for(only, true);
    }

    fn search_for(&mut self, only: Option<Vec<usize>>, anew: bool) {
        let order = self.search_order(only);
        self.begin_search(order, self.symbol_choice.clone(), anew);
    }

    /// Shows the names that are at hand and, if `online`, those that servers have.
    pub fn load_symbols_first(&mut self, online: bool) {
        if self.trace.stacks.node_count() > 1 {
            let offline = self.symbol_choice.offline || !online;
            let anew = self.reads_symbols_anew;
            self.begin_search(None, SymbolOptions { offline, ..self.symbol_choice.clone() }, anew);
        }
    }

    fn search_order(&self, only: Option<Vec<usize>>) -> Option<Vec<usize>> {
        let rows = self.symbols.rows();
        if rows.is_empty() {
            return only;
        }
        let is_running = self.symbols.phase == Phase::Running;
        let (mut order, all) = (only.clone().unwrap_or_default(), only.is_none());
        let known: BTreeSet<usize> = order.iter().copied().collect();
        let rest = rows.iter().enumerate().filter(|(at, row)| {
            let is_wanted = (all && row.state != ModuleState::Loaded) || (is_running && row.is_open());
            is_wanted && !known.contains(at)
        });
        order.extend(rest.map(|(at, _)| at));
        Some(order)
    }

    fn begin_search(&mut self, only: Option<Vec<usize>>, choice: SymbolOptions, anew: bool) {
        self.symbols.begin(only.as_deref());
        let known = !self.symbols.rows().is_empty();
        self.search = Some(SearchOrder::Begin(SymbolsRequest {
            trace: Arc::clone(&self.trace),
            file: self.source.path().map(Into::into),
            choice,
            needs: known.then(|| Arc::clone(self.symbols.needs())),
            only,
            anew,
            by_hand: self.pdbs_by_hand.iter().map(|(at, path)| (*at, path.clone())).collect(),
        }));
    }

    /// Gives up the search; the names that were found stay.
    pub fn cancel_symbols(&mut self) {
        if self.symbols.phase == Phase::Running {
            self.symbols.cancel();
            self.search = Some(SearchOrder::Cancel);
        }
    }

    /// Looks for the names of a module in this PDB before anywhere else.
    pub fn open_pdb(&mut self, at: usize, path: PathBuf) {
        self.pdbs_by_hand.insert(at, path);
        self.load_symbols(Some(vec![at]));
    }

    /// What the next search goes by.
    pub fn set_symbol_choice(&mut self, choice: SymbolOptions) {
        self.symbol_choice = choice;
    }

    /// What the background shall do about symbols, once.
    pub fn search_order_to_carry_out(&mut self) -> Option<SearchOrder> {
        self.search.take()
    }

    /// Takes in news of the search.
    pub fn take_symbols(&mut self, news: Vec<SymbolsNews>) {
        for one in news {
            if matches!(one, SymbolsNews::Broken) {
                self.tell(
                    "The search for symbols broke off: poolscope made a mistake. Please report it with the trace.",
                );
            }
            self.names_are_old |= self.symbols.take(one);
        }
    }

    /// How frames are named.
    #[must_use]
    pub fn frame_naming(&self) -> FrameNaming {
        self.naming
    }

    /// Names frames otherwise, and with that groups stacks otherwise.
    pub fn set_frame_naming(&mut self, naming: FrameNaming) {
        if self.naming != naming {
            self.naming = naming;
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
        let mut positions: BTreeSet<usize> = modules.iter().filter_map(|module| self.symbols.row_of(*module)).collect();
        if positions.is_empty() {
            let texts = self.profile.iter().flat_map(|answer| &answer.profile.stacks).flat_map(|share| &share.frames);
            let names: BTreeSet<&str> = texts.map(|frame| module_of(&frame.text)).collect();
            positions.extend(names.into_iter().flat_map(|name| self.positions_of(name)));
        }
        positions.into_iter().collect()
    }

    /// Stacks that the selected rows add up, as many as matter.
    fn stacks_of_rows(&self) -> BTreeSet<StackId> {
        let mut stacks = BTreeSet::new();
        let Some(rows) = &self.rows else { return stacks };
        let tree = rows.flat().tree();
        let pivot = tree.pivot();
        let Some(column) = pivot.keys().iter().position(|key| matches!(key, Key::Stack | Key::FreeStack)) else {
            return stacks;
        };
        let selected = self.table.selected().iter().map(|id| tree.groups(node_id(*id)));
        let groups = selected.flatten().take(MOST_GROUPS);
        let shown: BTreeSet<u32> = groups.filter_map(|group| pivot.ids(group as usize).get(column).copied()).collect();
        let Some(of_stacks) = pivot.columns().get(column).and_then(|column| column.stacks()) else { return stacks };
        let all = of_stacks.of_stacks().iter().enumerate();
        stacks.extend(all.filter(|(_, node)| shown.contains(node)).map(|(stack, _)| StackId(stack as u32)));
        stacks
    }

    fn positions_of<'d>(&'d self, module: &'d str) -> impl Iterator<Item = usize> + 'd {
        let needs = self.symbols.needs().iter().enumerate();
        needs.filter(move |(_, need)| need.request.identity.name.eq_ignore_ascii_case(module)).map(|(at, _)| at)
    }

    /// Whether names are on their way from the search into the rows.
    #[must_use]
    pub fn is_naming(&self) -> bool {
        self.names_are_old || self.new_names.is_some() || self.naming != self.names.naming()
    }

    /// One sentence on why a frame with this text has no function name; `None` where it has one.
    #[must_use]
    pub fn why_unnamed(&self, frame: &str) -> Option<String> {
        if frame.contains('!') || frame.starts_with('[') {
            return None;
        }
        if frame.starts_with("0x") {
            return Some(format!("{frame} lies in no image that the trace names."));
        }
        let module = module_of(frame);
        match self.positions_of(module).next() {
            Some(at) => self
                .why_module_unnamed(at)
                .or_else(|| Some(format!("{module}: its symbols have no name for this address."))),
            None => Some(format!("{module}: its symbols were not looked for.")),
        }
    }

    /// One sentence on why a module has no names, by its position in the needs; `None` where it has some.
    #[must_use]
    pub fn why_module_unnamed(&self, at: usize) -> Option<String> {
        let (row, need) = (self.symbols.rows().get(at)?, self.symbols.needs().get(at)?);
        if row.has_names() {
            return None;
        }
        let identity = &need.request.identity;
        let name = &identity.name;
        let attempts = row.outcome.as_ref().map_or(&[][..], |outcome| &outcome.attempts);
        Some(match &row.state {
            ModuleState::NoIdentity => format!(
                "{name}: the trace does not say which PDB belongs to it. Merge the trace on the machine that recorded it \
                 (xperf -merge, or wpr -stop)."
            ),
            ModuleState::Waiting | ModuleState::Searching | ModuleState::Downloading(_) | ModuleState::Reading
                if self.symbols.phase == Phase::Running =>
            {
                format!("{name}: its symbols are being looked for ({}).", state_words(&row.state))
            }
            ModuleState::Loaded | ModuleState::ExportsOnly => {
                format!("{name}: its symbols have no name for the addresses on the stacks.")
            }
            ModuleState::Cancelled => format!("{name}: the search for {} was cancelled.", wanted(identity)),
            ModuleState::Offline => {
                format!("{name}: {} is not on this machine, and servers are not asked while offline.", wanted(identity))
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
        0 => "any place".to_owned(),
        1 => "1 place".to_owned(),
        _ => format!("{count} places"),
    }
}

/// What says most about a failure: the last place that was not just empty.
fn last(attempts: &[LookupAttempt]) -> String {
    let telling = attempts.iter().rev().find_map(|attempt| {
        let words = match &attempt.result {
            LookupResult::Mismatch(what) => format!("has another file: {what}"),
            LookupResult::Denied(what) | LookupResult::Unreachable(what) | LookupResult::Unreadable(what) => format!("said: {what}"),
            LookupResult::NotFoundCached => "said lately that it does not have it".to_owned(),
            LookupResult::Found | LookupResult::NotFound | LookupResult::Offline => return None,
        };
        Some(format!("; {} {words}", attempt.location))
    });
    telling.unwrap_or_default()
}

/// The module in the text of a frame.
fn module_of(frame: &str) -> &str {
    frame.split_once('!').or_else(|| frame.rsplit_once('+')).map_or(frame, |(module, _)| module)
}
