//! The table of a document: asks for rows, takes them in without losing what was open and selected, and carries out what the
//! user does in it.

use std::sync::Arc;

use poolscope_analysis::pivot::{Key, NodeId, PivotTree, RowPath, SortLevel, SortOrder};

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Document, Effect, Topic};
use crate::format;
use crate::gui::jobs::discard::discard;
use crate::gui::jobs::later::{LaterAnswer, LaterRequest};
use crate::gui::jobs::profile::ProfileRequest;
use crate::gui::jobs::table::{TableAnswer, TableRequest};
use crate::gui::state::columns::What;
use crate::gui::state::details::Details;
use crate::gui::state::rows::{EXPAND_ALL_LIMIT, Rows, is_heavy, node_id, row_id};
use crate::gui::theme::Palette;
use crate::gui::widgets::pivot_table::{self, RowId, TreeModel};

/// Images that are in every stack: their names stay in the background.
const KERNEL: [&str; 8] =
    ["nt", "ntoskrnl.exe", "ntkrnlmp.exe", "ntkrnlpa.exe", "ntkrpamp.exe", "hal", "hal.dll", "ntdll.dll"];

/// Rows that a screen may show.
const SCREEN: u64 = 60;

impl Document {
    /// The order of the rows as the engine knows it.
    pub(super) fn order(&self) -> SortOrder {
        let level = |by: &crate::gui::state::arrangement::SortBy| {
            let figure = match self.arrangement.column(by.column)?.what {
                What::Figure(figure) => Some(figure),
                What::Key(_) => None,
            };
            Some(SortLevel { metric: figure, ascending: by.ascending })
        };
        let levels: Vec<SortLevel> = self.arrangement.sort.iter().filter_map(level).collect();
        SortOrder::new(&levels)
    }

    pub(super) fn table_request(&self) -> TableRequest {
        let keys = self.arrangement.keys();
        let same = |rows: &&Rows| {
            let pivot = rows.flat().tree().pivot();
            !self.groups_are_old && pivot.keys() == keys && pivot.view() == self.history.now()
        };
        let rename = self.rename_request();
        let named = |rows: &&Rows| rename.is_none() && same(rows);
        TableRequest {
            names: Arc::clone(self.new_names.as_ref().unwrap_or(&self.names)),
            pivot: self.rows.as_ref().filter(named).map(|rows| Arc::clone(rows.flat().tree().pivot())),
            keys,
            view: self.history.now(),
            filter: Arc::clone(self.filter.narrowing()),
            sort: self.order(),
            expanded: self.expanded.clone(),
            wanted: self.selected.iter().copied().chain(self.cursor).chain(self.top_path()).collect(),
            awaited: self.awaited.clone(),
            rename,
            follow: (!self.led).then(|| self.arrangement.lead.clone()),
        }
    }

    /// The first row on the screen.
    fn top_path(&self) -> Option<u64> {
        let rows = self.rows.as_ref()?;
        let top = rows.flat().node_at(self.table.position().row)?;
        Some(rows.flat().tree().path_hash(top))
    }

    /// The row that stays where it is on the screen when the rows are others, and how many rows it is below the first: the
    /// cursor's if it is about there, else the first.
    fn held_row(&self) -> Option<(u64, u64)> {
        let rows = self.rows.as_ref()?;
        // Whoever has not scrolled wants to see the top.
        let first = Some(self.table.position().row).filter(|row| *row > 0)?;
        let at = self.table.cursor().and_then(|id| rows.index_of(id));
        let below = at.and_then(|at| at.checked_sub(first)).filter(|below| *below < SCREEN);
        match (below, self.cursor) {
            (Some(below), Some(path)) => Some((path, below)),
            _ => Some((self.top_path()?, 0)),
        }
    }

    /// Takes in new rows; what was open, selected and scrolled to stays.
    pub(super) fn take_table(&mut self, answer: TableAnswer) {
        let TableAnswer { mut flat, mut expanded, wanted, mut found, led, renamed, known, .. } = answer;
        let mut held = self.held_row();
        let is_renamed = renamed.is_some();
        if let Some(renamed) = renamed {
            held = self.rename(*renamed, &mut flat, &expanded, held);
            expanded.clone_from(&self.expanded);
        }
        let leads = !self.led && !led.is_empty();
        let heavy = is_heavy(&flat, PivotTree::ROOT);
        let mut is_late = false;
        if leads {
            self.expanded.extend(expanded);
        } else if expanded != self.expanded {
            // Rows were opened or closed since the question was asked.
            is_late = heavy;
            if !heavy {
                flat.set_sort(flat.sort(), &self.expanded);
            }
        }
        let held_path = held.map(|(path, _)| path);
        let now: FxHashSet<u64> = self.selected.iter().copied().chain(self.cursor).chain(held_path).collect();
        if !leads && !now.is_subset(&wanted) {
            is_late |= heavy;
            if !heavy {
                found = flat.find_paths(&now);
            }
        }
        self.groups_are_old = false;
        let mut rows = Rows::new(flat, &self.arrangement);
        let order = self.order();
        if rows.flat().sort() != order {
            is_late |= heavy;
            if !heavy {
                rows.set_sort(order, &self.expanded);
            }
        }
        // What would take longer than a frame is asked for again, by what is known now; until then these rows are shown.
        if is_late {
            self.changed.insert(Topic::Table);
        }
        if let Some(old) = self.rows.replace(rows) {
            discard(old);
        }
        if leads {
            self.lead(&led);
        } else {
            let at = |path: &u64| found.get(path).map(|node| row_id(*node));
            let selected = self.selected.iter().filter_map(at).collect();
            self.table.restore(selected, self.cursor.as_ref().and_then(at));
            let index = held.and_then(|(path, below)| Some((self.rows.as_ref()?.index_of(at(&path)?)?, below)));
            if let Some((index, below)) = index {
                self.table.scroll_to(index.saturating_sub(below));
            }
        }
        self.dress_rows();
        self.ask_for_unknown();
        self.search_again();
        self.cursor_moved();
        if is_renamed {
            self.quiet.insert(Topic::Profile);
            self.rename_cursor_curve();
            self.recolour();
        }
        self.take_known(known);
        self.reach_goal();
        self.reach_frame();
    }

    /// The first time: the cursor goes to the row of the largest tag, or what comes nearest to it.
    fn lead(&mut self, led: &[NodeId]) {
        self.led = true;
        let Some(rows) = &self.rows else { return };
        let keys = self.arrangement.keys();
        let goal_column = keys.iter().position(|key| *key == Key::Tag);
        let tree = rows.flat().tree();
        let goal = led.iter().find(|n| tree.column(**n) == goal_column).or(led.first());
        if let Some(goal) = goal {
            self.table.select(row_id(*goal));
            self.table.request_focus();
            self.remember_selection();
        }
    }

    /// Colours, highlights.
    pub(super) fn dress_rows(&mut self) {
        let palette = Palette::for_dark(self.dark);
        let numbers = self.module_numbers();
        let colours = numbers.into_iter().map(|(name, number)| (name, palette.module_colour(number))).collect();
        let needle = self.finder.needle().to_owned();
        if let Some(rows) = &mut self.rows {
            rows.set_module_colours(colours);
            rows.set_needle(&needle, self.finder.case_sensitive);
        }
        self.set_swatches();
    }

    /// Which colour each module has; those of the kernel have none.
    pub(super) fn module_numbers(&mut self) -> FxHashMap<String, Option<usize>> {
        let mut numbers = FxHashMap::default();
        for name in self.trace.modules.modules().iter().map(|module| &module.name) {
            let is_kernel = KERNEL.iter().any(|kernel| name.eq_ignore_ascii_case(kernel));
            numbers.insert(name.clone(), (!is_kernel).then(|| self.module_colours.number(name)));
        }
        numbers
    }

    /// Figures that are no sums are computed for the rows that are open.
    pub(super) fn ask_for_unknown(&mut self) {
        if self.rows.as_ref().is_some_and(|rows| !rows.unknown().is_empty()) {
            self.changed.insert(Topic::Later);
        }
    }

    pub(super) fn later_request(&self) -> Option<LaterRequest> {
        let rows = self.rows.as_ref()?;
        let tree = rows.flat().tree();
        let runs = |nodes: Vec<NodeId>| nodes.into_iter().map(|node| (node, tree.groups(node))).collect();
        let wanted = rows.unknown().into_iter().map(|(figure, nodes)| (figure, runs(nodes))).collect();
        let known = self.row_figures.as_ref().filter(|known| Arc::ptr_eq(known.groups().pivot(), tree.pivot()));
        Some(LaterRequest {
            names: Arc::clone(&self.names),
            pivot: Arc::clone(tree.pivot()),
            filter: Arc::clone(self.filter.narrowing()),
            order: Arc::clone(&self.order),
            known: known.cloned(),
            wanted,
        })
    }

    pub(super) fn take_later(&mut self, answer: LaterAnswer) {
        let Some(rows) = &mut self.rows else { return };
        // Node numbers mean nothing in another tree.
        if !Arc::ptr_eq(rows.flat().tree().pivot(), &answer.pivot) {
            return;
        }
        if let Some(old) = self.row_figures.replace(answer.row_figures) {
            discard(old);
        }
        for (figure, numbers) in answer.figures {
            rows.flat_mut().learn(figure, numbers, &self.expanded);
        }
        self.ask_for_unknown();
    }

    /// Carries out what the user asked of the table.
    pub fn table_action(&mut self, action: pivot_table::Action) {
        let Some(rows) = self.rows.as_mut() else { return };
        match action {
            pivot_table::Action::Expand(id) => self.expand(id),
            pivot_table::Action::Collapse(id) => rows.collapse(id, &mut self.expanded),
            pivot_table::Action::ExpandAll(id) => self.expand_all(id),
            pivot_table::Action::Sort { column, add } => {
                self.arrangement.sort_by(column, add);
                self.order_changed();
            }
            pivot_table::Action::MoveColumn { column, area, before } => self.move_column(column, area, before),
            pivot_table::Action::Select => self.remember_selection(),
            pivot_table::Action::Cut { selected, wanted } => self.tell(format!(
                "{} of {} rows are selected: no more can be at once. poolscope report writes all of them.",
                format::count(selected),
                format::count(wanted)
            )),
            pivot_table::Action::Copy(text) => self.copy(text),
            pivot_table::Action::ToggleSeries(id) => self.toggle_row(node_id(id)),
            pivot_table::Action::SoloSeries(id) => self.solo_row(node_id(id)),
        }
    }

    fn copy(&mut self, text: String) {
        let rows = text.lines().count().saturating_sub(1) as u64;
        self.effects.push(Effect::Copy(text));
        let words = format!("Copied {} {}", format::count(rows), if rows == 1 { "row" } else { "rows" });
        self.effects.push(Effect::Note(words));
    }

    /// Opens a row and its only-child chain; a very large one in the background.
    fn expand(&mut self, id: RowId) {
        let Some(rows) = &mut self.rows else { return };
        if rows.is_heavy(node_id(id)) {
            self.expanded.insert(rows.flat().tree().path_hash(node_id(id)));
            self.changed.insert(Topic::Table);
            return;
        }
        rows.expand(id, &mut self.expanded);
        self.ask_for_unknown();
    }

    fn expand_all(&mut self, id: RowId) {
        let Some(rows) = &mut self.rows else { return };
        if rows.is_heavy(node_id(id)) {
            let groups = format::count(rows.flat().tree().groups(node_id(id)).len() as u64);
            return self
                .tell(format!("{groups} rows are below this one: too many to open at once. Open it level by level"));
        }
        let opened = rows.expand_all(id, &mut self.expanded);
        self.ask_for_unknown();
        if opened >= EXPAND_ALL_LIMIT {
            self.tell(format!("Opened the first {} rows below; there are more", format::count(opened as u64)));
        }
    }

    /// Opens everything below the row under the cursor.
    pub fn expand_below(&mut self) {
        if let Some(id) = self.table.cursor() {
            self.expand_all(id);
        }
    }

    /// Closes every row that does not lead to the cursor.
    pub fn collapse_others(&mut self) {
        let (Some(rows), Some(id)) = (&mut self.rows, self.table.cursor()) else { return };
        self.expanded.clear();
        let node = node_id(id);
        let was_open = rows.flat().is_open(node);
        let tree = rows.flat().tree();
        let mut at = if was_open { node } else { tree.parent(node) };
        while at != PivotTree::ROOT {
            self.expanded.insert(tree.path_hash(at));
            at = tree.parent(at);
        }
        let order = self.order();
        match &mut self.rows {
            Some(rows) if rows.is_heavy(PivotTree::ROOT) => drop(self.changed.insert(Topic::Table)),
            Some(rows) => rows.set_sort(order, &self.expanded),
            None => {}
        }
        self.table.select(id);
        self.remember_selection();
    }

    /// The rows' order is another: at once if that is quick, else in the background.
    pub(super) fn order_changed(&mut self) {
        let order = self.order();
        let Some(rows) = &mut self.rows else { return };
        if rows.flat().tree().pivot().keys() != self.arrangement.keys() {
            // Rows of other keys are on their way: the old ones cannot stand under these columns.
            self.changed.insert(Topic::Table);
            return;
        }
        rows.arrange(&self.arrangement);
        if rows.is_heavy(PivotTree::ROOT) {
            self.changed.insert(Topic::Table);
        } else {
            rows.set_sort(order, &self.expanded);
            self.ask_for_unknown();
        }
        self.search_again();
    }

    pub(super) fn remember_selection(&mut self) {
        let Some(rows) = &self.rows else { return };
        let tree = rows.flat().tree();
        self.selected = self.table.selected().iter().map(|id| tree.path_hash(node_id(*id))).collect();
        self.cursor = self.table.cursor().map(|id| tree.path_hash(node_id(id)));
        self.cursor_moved();
    }

    /// Details, profile and the emphasised curve follow the cursor.
    pub(super) fn cursor_moved(&mut self) {
        self.selected_sums = self.add_up_selection();
        self.quiet.remove(&Topic::Profile);
        let Some(rows) = &self.rows else { return };
        let node = self.table.cursor().map(node_id);
        self.details = node.map(|node| Details::of(rows, node));
        if node.is_some() {
            self.changed.insert(Topic::Profile);
        } else {
            self.profile = None;
        }
        self.mark_curve();
    }

    pub(super) fn profile_request(&self) -> Option<ProfileRequest> {
        let tree = self.rows.as_ref()?.flat().tree();
        let node = node_id(self.table.cursor()?);
        Some(ProfileRequest {
            names: Arc::clone(&self.names),
            place: RowPath::of(tree, node),
            view: tree.pivot().view(),
            filter: Arc::clone(self.filter.narrowing()),
        })
    }

    /// Where the selected rows are in the tree; rows inside selected rows are left out.
    #[must_use]
    pub fn selected_places(&self) -> Vec<RowPath> {
        let Some(rows) = &self.rows else { return Vec::new() };
        let tree = rows.flat().tree();
        self.outermost_selected().into_iter().map(|node| RowPath::of(tree, node)).collect()
    }

    fn outermost_selected(&self) -> Vec<NodeId> {
        let Some(rows) = &self.rows else { return Vec::new() };
        let tree = rows.flat().tree();
        let selected = self.table.selected();
        let inside = |mut node: NodeId| {
            while node != PivotTree::ROOT {
                node = tree.parent(node);
                if selected.contains(&row_id(node)) {
                    return true;
                }
            }
            false
        };
        selected.iter().map(|id| node_id(*id)).filter(|node| !inside(*node)).collect()
    }

    /// Blocks and bytes of the selected rows; rows inside selected rows do not count twice.
    #[must_use]
    pub fn selection_totals(&self) -> Option<(u64, u64)> {
        self.selected_sums
    }

    /// There may be thousands of selected rows: they are added up when they change, not in every frame.
    fn add_up_selection(&self) -> Option<(u64, u64)> {
        let tree = self.rows.as_ref()?.flat().tree();
        let nodes = self.outermost_selected();
        let add = |sum: (u64, u64), node: &NodeId| {
            let cost = tree.aggregate(*node);
            (sum.0.saturating_add(cost.count()), sum.1.saturating_add(cost.size()))
        };
        (!nodes.is_empty()).then(|| nodes.iter().fold((0, 0), add))
    }
}
