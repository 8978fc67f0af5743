//! The table of a document: asks for rows, applies them while expansion and selection stay, and carries out the user's
//! actions in it.

use std::sync::Arc;

use poolscope_analysis::pivot::{Key, NodeId, PivotTree, RowPath, SortLevel, SortOrder};

use rustc_hash::{FxHashMap, FxHashSet};

use super::ui_state::Landing;
use super::{Document, Effect, Topic};
use crate::format;
use crate::gui::document::details::Details;
use crate::gui::document::table_model::{EXPAND_ALL_LIMIT, Rows, is_heavy, node_id, role_of, row_id};
use crate::gui::jobs::deferred::{DeferredAnswer, DeferredRequest};
use crate::gui::jobs::discard::discard;
use crate::gui::jobs::profile::ProfileRequest;
use crate::gui::jobs::range_sums::{MIN_ALLOCATIONS, RangeSumsRequest};
use crate::gui::jobs::table::{TableAnswer, TableRequest};
use crate::gui::model::columns::What;
use crate::gui::model::edit_log::Edit;
use crate::gui::pages::PAGES;
use crate::gui::theme::Palette;
use crate::gui::widgets::pivot_table;
use crate::gui::widgets::pivot_table::{RowId, TreeModel};

/// Images that are in every stack: their names stay in the background.
const KERNEL: [&str; 8] =
    ["nt", "ntoskrnl.exe", "ntkrnlmp.exe", "ntkrnlpa.exe", "ntkrpamp.exe", "hal", "hal.dll", "ntdll.dll"];

/// Rows that a screen may show.
const SCREEN: u64 = 60;
/// Rows above one that is put near the top: the pool and the type of a tag.
const ROWS_ABOVE: u64 = 2;

impl Document {
    /// The order of the rows as the engine knows it.
    pub(in crate::gui) fn order(&self) -> SortOrder {
        let level = |by: &crate::gui::model::table_layout::SortBy| {
            let metric = match self.query.columns.column(by.column)?.what {
                What::Figure(metric) => Some(metric),
                What::Key(_) => None,
            };
            Some(SortLevel { metric, ascending: by.ascending })
        };
        let levels: Vec<SortLevel> = self.query.columns.sort.iter().filter_map(level).collect();
        SortOrder::new(&levels)
    }

    pub(in crate::gui) fn table_request(&self) -> TableRequest {
        let rename = self.rename_request();
        let known = self.results.rows.as_ref().filter(|_| rename.is_none() && !self.are_groups_outdated());
        TableRequest {
            names: Arc::clone(self.results.pending_names.as_ref().unwrap_or(&self.results.names)),
            pivot: known.map(|rows| Arc::clone(rows.flat().tree().pivot())),
            range_sums: self.results.range_sums.clone(),
            deferred: known.map(|rows| rows.flat().deferred().clone()).unwrap_or_default(),
            query: self.query.groups(),
            sort: self.order(),
            expanded: self.ui.expanded.clone(),
            wanted: self
                .ui
                .selected
                .iter()
                .copied()
                .chain(self.ui.cursor)
                .chain(self.top_path())
                .chain(self.ui.pending_anchor.map(|(path, _)| path))
                .collect(),
            awaited: self.ui.awaited_steps.clone(),
            rename,
            follow: self.opens_the_way().then(|| self.query.columns.initial_row.clone()),
        }
    }

    /// Returns whether the way to the answer is opened with the next rows; a row that was selected before leads on by itself.
    fn opens_the_way(&self) -> bool {
        !self.ui.initial_reveal_done && self.ui.carried.is_none()
    }

    /// The first row on the screen.
    fn top_path(&self) -> Option<u64> {
        let rows = self.results.rows.as_ref()?;
        let top = rows.flat().node_at(self.ui.table.position().row)?;
        Some(rows.flat().tree().path_hash(top))
    }

    /// The row that stays where it is on the screen when the rows are others, and how many rows it is below the first: the
    /// cursor's if it is about there, else the first.
    pub(super) fn scroll_anchor(&self) -> Option<(u64, u64)> {
        let rows = self.results.rows.as_ref()?;
        // A table that is not scrolled stays at the top.
        let first = Some(self.ui.table.position().row).filter(|row| *row > 0)?;
        let at = self.ui.table.cursor().and_then(|id| rows.index_of(id));
        let below = at.and_then(|at| at.checked_sub(first)).filter(|below| *below < SCREEN);
        match (below, self.ui.cursor) {
            (Some(below), Some(path)) => Some((path, below)),
            _ => Some((self.top_path()?, 0)),
        }
    }

    /// The rows that are open and selected now.
    fn landing(&self) -> Landing {
        Landing {
            expanded: self.ui.expanded.clone(),
            selected: self.ui.selected.clone(),
            cursor: self.ui.cursor,
            first_row: self.ui.table.position().row,
        }
    }

    /// Returns whether the rows are as they were opened for the user, who has neither moved in them nor asked for others.
    #[must_use]
    pub(in crate::gui) fn is_landing_untouched(&self) -> bool {
        let is_whole = self.query.range == self.trace.extent && self.query.filter.steps().is_empty();
        is_whole && self.ui.landing.as_ref() == Some(&self.landing())
    }

    /// Remembers the rows that were opened for the user.
    pub(in crate::gui) fn note_landing(&mut self) {
        self.ui.landing = Some(self.landing());
    }

    /// Closes all rows, to open others for the user instead.
    pub(in crate::gui) fn close_all_rows(&mut self) {
        self.ui.expanded.clear();
        if let Some(rows) = &mut self.results.rows {
            rows.set_sort(rows.flat().sort(), &self.ui.expanded);
        }
    }

    /// Selects a row and puts it `near_top` of the table, or else scrolls no further than is needed. The responsible frame around
    /// `innermost`, a frame below it, is in view as well if the screen has room for both.
    pub(in crate::gui) fn show_row(&mut self, node: NodeId, innermost: Option<NodeId>, near_top: bool) {
        self.ui.table.select(row_id(node));
        let Some(rows) = &self.results.rows else { return };
        if let Some(index) = rows.index_of(row_id(node)) {
            let frame = innermost.and_then(|inner| rows.responsible_around(inner, node));
            let last = frame.and_then(|frame| rows.index_of(row_id(frame))).unwrap_or(index);
            // The last row on the screen may be cut.
            let room = self.ui.table.shown_rows().saturating_sub(2);
            let first = if near_top || index > room { index.saturating_sub(ROWS_ABOVE) } else { 0 };
            let lower = last.saturating_sub(room).min(index);
            self.ui.table.scroll_to(if room > 0 { first.max(lower) } else { first });
        }
        self.remember_selection();
    }

    /// Goes to the responsible frame of the selected row: the one around it, or the one that the most of it comes from.
    pub fn go_to_responsible(&mut self) {
        self.show_table();
        let (Some(rows), Some(id)) = (&mut self.results.rows, self.ui.table.cursor()) else { return };
        let Some(node) = rows.responsible_near(node_id(id)) else {
            let has_stacks = self.query.columns.keys().iter().any(|key| key.is_stack());
            return self.notify(if has_stacks {
                "No stack of this row has a responsible frame"
            } else {
                "The responsible frame is in the Stack column, which is not shown"
            });
        };
        rows.flat_mut().show(node, &mut self.ui.expanded);
        self.ui.table.select(row_id(node));
        self.ui.table.request_focus();
        self.remember_selection();
        self.ask_for_unknown();
    }

    /// Applies new rows; expansion, selection and scroll position stay.
    pub(in crate::gui) fn apply_table(&mut self, answer: TableAnswer) {
        if self.is_rename_late(&answer) {
            // To translate the rows that were opened meanwhile would block the window: they are requested again.
            self.work.unnoticed.insert(Topic::Table);
            self.work.asked.insert(Topic::Table);
            return discard(answer);
        }
        let was_untouched = self.is_landing_untouched();
        let TableAnswer { query, mut flat, mut expanded, wanted, mut found, led, renamed, known, .. } = answer;
        let mut held = self.ui.pending_anchor.take().or_else(|| self.scroll_anchor());
        let is_renamed = renamed.is_some();
        if let Some(renamed) = renamed {
            held = self.rename(*renamed, &mut flat, &mut found, &expanded, held);
            expanded.clone_from(&self.ui.expanded);
        }
        let leads = !self.ui.initial_reveal_done && !led.is_empty();
        let heavy = is_heavy(&flat, PivotTree::ROOT);
        let mut is_late = false;
        if leads {
            self.ui.expanded.extend(expanded);
        } else if expanded != self.ui.expanded {
            // Rows were opened or closed since the question was asked.
            is_late = heavy;
            if !heavy {
                flat.set_sort(flat.sort(), &self.ui.expanded);
            }
        }
        let held_path = held.map(|(path, _)| path);
        let now: FxHashSet<u64> = self.ui.selected.iter().copied().chain(self.ui.cursor).chain(held_path).collect();
        if !leads && !now.is_subset(&wanted) {
            is_late |= heavy;
            if !heavy {
                found = flat.find_paths(&now);
            }
        }
        self.results.groups_query = Some(query);
        let mut rows = Rows::new(flat, &self.query.columns);
        if let Some(old) = &self.results.rows
            && Arc::ptr_eq(old.flat().tree().pivot(), rows.flat().tree().pivot())
        {
            rows.set_trends(Arc::clone(old.trends()));
        }
        let order = self.order();
        if rows.flat().sort() != order {
            is_late |= heavy;
            if !heavy {
                rows.set_sort(order, &self.ui.expanded);
            }
        }
        // Work of more than a frame is requested from the background; until its answer these rows are shown.
        if is_late {
            self.work.asked.insert(Topic::Table);
        }
        if let Some(old) = self.results.rows.replace(rows) {
            discard(old);
        }
        if leads {
            self.reveal_initial(&led);
        } else {
            let at = |path: &u64| found.get(path).map(|node| row_id(*node));
            let selected = self.ui.selected.iter().filter_map(at).collect();
            self.ui.table.restore(selected, self.ui.cursor.as_ref().and_then(at));
            let index = held.and_then(|(path, below)| Some((self.results.rows.as_ref()?.index_of(at(&path)?)?, below)));
            if let Some((index, below)) = index {
                self.ui.table.scroll_to(index.saturating_sub(below));
            }
        }
        self.select_carried();
        self.recolor_rows();
        self.ask_for_unknown();
        self.search_again();
        self.cursor_moved();
        if is_renamed {
            self.work.unnoticed.insert(Topic::Profile);
            self.rename_cursor_curve();
            self.recolor();
        }
        self.apply_known_steps(known);
        if leads || was_untouched {
            self.note_landing();
        }
        self.prepare_for_other_ranges();
        PAGES.iter().for_each(|page| page.rows_changed(self));
    }

    /// Selects the row of the values that were selected before, if the rows have other keys now; without one the way to the answer
    /// is opened.
    fn select_carried(&mut self) {
        let Some(carried) = self.ui.carried.take() else { return };
        let is_selected = self.ui.table.cursor().is_some() || self.apply_carried(&carried);
        if is_selected {
            self.ui.initial_reveal_done = true;
        } else if !self.ui.initial_reveal_done {
            self.work.asked.insert(Topic::Table);
        }
    }

    /// Drops the sums for other visible ranges if they are about other rows than those shown, and asks for new ones.
    fn prepare_for_other_ranges(&mut self) {
        let (names, query) = (&self.results.names, self.query.groups());
        let is_asked = self.results.range_sums_request.as_ref().is_some_and(|request| request.serves(names, &query));
        if is_asked || self.trace.allocations.len() < MIN_ALLOCATIONS || !self.trace.has_room_for_indices() {
            return;
        }
        let request = RangeSumsRequest {
            names: Arc::clone(names),
            keys: query.keys().to_vec(),
            filter: Arc::clone(query.filter()),
            order: self.results.event_order(),
        };
        if let Some(old) = self.results.range_sums.take() {
            discard(old);
        }
        self.results.range_sums_request = None;
        if !query.filter().depends_on_view() {
            self.results.range_sums_request = Some(request);
            self.work.asked.insert(Topic::RangeSums);
        }
    }

    /// The first time: the cursor goes to the row of the largest tag, or what comes nearest to it.
    fn reveal_initial(&mut self, led: &[NodeId]) {
        self.ui.initial_reveal_done = true;
        let Some(rows) = &self.results.rows else { return };
        let keys = self.query.columns.keys();
        let goal_column = keys.iter().position(|key| *key == Key::Tag);
        let tree = rows.flat().tree();
        let goal = led.iter().find(|n| tree.column(**n) == goal_column).or(led.first());
        if let Some(goal) = goal {
            self.ui.table.select(row_id(*goal));
            self.ui.table.request_focus();
            self.remember_selection();
        }
    }

    /// Colors, highlights.
    pub(in crate::gui) fn recolor_rows(&mut self) {
        let palette = Palette::for_dark(self.ui.is_dark);
        let numbers = self.module_numbers();
        let colors = numbers.into_iter().map(|(name, number)| (name, palette.module_color(number))).collect();
        let needle = self.ui.finder.needle().to_owned();
        if let Some(rows) = &mut self.results.rows {
            rows.set_module_colors(colors);
            rows.set_needle(&needle, self.ui.finder.case_sensitive);
        }
        self.set_swatches();
    }

    /// Number of each module's color; modules of the kernel have none.
    pub(in crate::gui) fn module_numbers(&mut self) -> FxHashMap<String, Option<usize>> {
        let mut numbers = FxHashMap::default();
        for name in self.trace.modules.modules().iter().map(|module| &module.name) {
            let is_kernel = KERNEL.iter().any(|kernel| name.eq_ignore_ascii_case(kernel));
            numbers.insert(name.clone(), (!is_kernel).then(|| self.ui.module_colors.number(name)));
        }
        numbers
    }

    /// Figures that are no sums are computed for the rows that are open.
    pub(in crate::gui) fn ask_for_unknown(&mut self) {
        if self.results.rows.as_ref().is_some_and(|rows| !rows.unknown().is_empty()) {
            self.work.asked.insert(Topic::Deferred);
        }
    }

    pub(in crate::gui) fn deferred_request(&self) -> Option<DeferredRequest> {
        let rows = self.results.rows.as_ref()?;
        let tree = rows.flat().tree();
        let runs = |nodes: Vec<NodeId>| nodes.into_iter().map(|node| (node, tree.groups(node))).collect();
        let wanted = rows.unknown().into_iter().map(|(metric, nodes)| (metric, runs(nodes))).collect();
        let known = self.results.row_figures.as_ref().filter(|known| Arc::ptr_eq(known.pivot(), tree.pivot()));
        Some(DeferredRequest {
            names: Arc::clone(&self.results.names),
            pivot: Arc::clone(tree.pivot()),
            filter: Arc::clone(&self.query.filter),
            order: self.results.event_order(),
            known: known.cloned(),
            wanted,
        })
    }

    pub(in crate::gui) fn apply_deferred(&mut self, answer: DeferredAnswer) {
        let Some(rows) = &mut self.results.rows else { return };
        // Node numbers mean nothing in another tree.
        if !Arc::ptr_eq(rows.flat().tree().pivot(), &answer.pivot) {
            return;
        }
        if let Some(old) = self.results.row_figures.replace(answer.row_figures) {
            discard(old);
        }
        let mut is_unsorted = false;
        for (metric, values) in answer.figures {
            is_unsorted |= rows.flat_mut().learn(metric, values);
        }
        if is_unsorted && rows.is_heavy(PivotTree::ROOT) {
            // Sorting takes longer than a frame: the background does it.
            self.work.asked.insert(Topic::Table);
        } else if is_unsorted {
            rows.set_sort(rows.flat().sort(), &self.ui.expanded);
        }
        self.ask_for_unknown();
    }

    /// Carries out what the user asked of the table.
    pub fn table_action(&mut self, action: pivot_table::Action) {
        let Some(rows) = self.results.rows.as_mut() else { return };
        match action {
            pivot_table::Action::Expand(id) => self.expand(id),
            pivot_table::Action::Collapse(id) => rows.collapse(id, &mut self.ui.expanded),
            pivot_table::Action::ExpandAll(id) => self.expand_all(id),
            pivot_table::Action::Sort { column, add } => self.sort_by(column, add),
            pivot_table::Action::MoveColumn { column, area, before } => self.move_column(column, role_of(area), before),
            pivot_table::Action::Select => self.remember_selection(),
            pivot_table::Action::Cut { selected, wanted } => self.notify(format!(
                "{} of {} rows are selected, which is the maximum. poolscope report writes all rows.",
                format::count(selected),
                format::count(wanted)
            )),
            pivot_table::Action::Copy(text) => self.copy(text),
            pivot_table::Action::ToggleSeries(id) => self.toggle_row(node_id(id)),
            pivot_table::Action::SoloSeries(id) => self.solo_row(node_id(id)),
        }
    }

    /// Sorts by a column, or with `add` by it after the others.
    fn sort_by(&mut self, column: u32, add: bool) {
        self.note_edit(Edit::Columns);
        self.query.columns.sort_by(column, add);
        self.order_changed();
    }

    pub(in crate::gui) fn copy(&mut self, text: String) {
        let rows = text.lines().count().saturating_sub(1) as u64;
        self.effects.push(Effect::Copy(text));
        let message = format!("Copied {}", format::counted(rows, "row", "rows"));
        self.effects.push(Effect::Status(message));
    }

    /// Opens a row and its only-child chain; a very large one in the background.
    fn expand(&mut self, id: RowId) {
        let Some(rows) = &mut self.results.rows else { return };
        if rows.is_heavy(node_id(id)) {
            self.ui.expanded.insert(rows.flat().tree().path_hash(node_id(id)));
            self.work.asked.insert(Topic::Table);
            return;
        }
        rows.expand(id, &mut self.ui.expanded);
        self.ask_for_unknown();
    }

    fn expand_all(&mut self, id: RowId) {
        let Some(rows) = &mut self.results.rows else { return };
        if rows.is_heavy(node_id(id)) {
            let groups = format::count(rows.flat().tree().groups(node_id(id)).len() as u64);
            return self.notify(format!(
                "{groups} rows below this row are too many to expand at once. Expand them level by \
                                 level"
            ));
        }
        let opened = rows.expand_all(id, &mut self.ui.expanded);
        self.ask_for_unknown();
        if opened >= EXPAND_ALL_LIMIT {
            self.notify(format!("Expanded the first {} rows below; there are more", format::count(opened as u64)));
        }
    }

    /// Opens everything below the row under the cursor.
    pub fn expand_below(&mut self) {
        if let Some(id) = self.ui.table.cursor() {
            self.expand_all(id);
        }
    }

    /// Closes every row that does not lead to the cursor.
    pub fn collapse_others(&mut self) {
        let (Some(rows), Some(id)) = (&mut self.results.rows, self.ui.table.cursor()) else { return };
        self.ui.expanded.clear();
        let node = node_id(id);
        let (was_open, was_folded) = (rows.flat().is_open(node), !rows.flat().fold_of(node).is_empty());
        let tree = rows.flat().tree();
        let mut at = if was_open { node } else { tree.parent(node) };
        while at != PivotTree::ROOT {
            self.ui.expanded.insert(tree.path_hash(at));
            at = tree.parent(at);
        }
        if !was_folded {
            rows.flat_mut().mark_unfolded(node, &mut self.ui.expanded);
        }
        let order = self.order();
        match &mut self.results.rows {
            Some(rows) if rows.is_heavy(PivotTree::ROOT) => drop(self.work.asked.insert(Topic::Table)),
            Some(rows) => rows.set_sort(order, &self.ui.expanded),
            None => {}
        }
        self.ui.table.select(id);
        self.remember_selection();
    }

    /// The rows' order is another: at once if that is quick, else in the background.
    pub(in crate::gui) fn order_changed(&mut self) {
        let order = self.order();
        let Some(rows) = &mut self.results.rows else { return };
        if rows.flat().tree().pivot().keys() != self.query.columns.keys() {
            // Rows of other keys are on their way: the old ones cannot stand under these columns.
            self.work.asked.insert(Topic::Table);
            return;
        }
        rows.arrange(&self.query.columns);
        if rows.is_heavy(PivotTree::ROOT) {
            self.work.asked.insert(Topic::Table);
        } else {
            rows.set_sort(order, &self.ui.expanded);
            self.ask_for_unknown();
        }
        self.search_again();
    }

    pub(in crate::gui) fn remember_selection(&mut self) {
        let Some(rows) = &self.results.rows else { return };
        let tree = rows.flat().tree();
        self.ui.selected = self.ui.table.selected().iter().map(|id| tree.path_hash(node_id(*id))).collect();
        self.ui.cursor = self.ui.table.cursor().map(|id| tree.path_hash(node_id(id)));
        self.cursor_moved();
    }

    /// Details, profile and the emphasised curve follow the cursor.
    pub(in crate::gui) fn cursor_moved(&mut self) {
        self.results.selected_sums = self.add_up_selection();
        self.work.unnoticed.remove(&Topic::Profile);
        let Some(rows) = &self.results.rows else { return };
        let node = self.ui.table.cursor().map(node_id);
        self.results.details = node.map(|node| Details::of(rows, node));
        if node.is_some() {
            self.work.asked.insert(Topic::Profile);
        } else {
            self.results.profile = None;
        }
        self.mark_curve();
    }

    pub(in crate::gui) fn profile_request(&self) -> Option<ProfileRequest> {
        let tree = self.results.rows.as_ref()?.flat().tree();
        let node = node_id(self.ui.table.cursor()?);
        Some(ProfileRequest {
            names: Arc::clone(&self.results.names),
            place: RowPath::of(tree, node),
            range: tree.pivot().visible_range(),
            filter: Arc::clone(&self.query.filter),
        })
    }

    /// Places of the selected rows in the tree, without rows inside selected rows.
    #[must_use]
    pub fn selected_places(&self) -> Vec<RowPath> {
        let Some(rows) = &self.results.rows else { return Vec::new() };
        let tree = rows.flat().tree();
        self.outermost_selected().into_iter().map(|node| RowPath::of(tree, node)).collect()
    }

    fn outermost_selected(&self) -> Vec<NodeId> {
        let Some(rows) = &self.results.rows else { return Vec::new() };
        let tree = rows.flat().tree();
        let selected = self.ui.table.selected();
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
        self.results.selected_sums
    }

    /// There may be thousands of selected rows: they are added up when they change, not in every frame.
    fn add_up_selection(&self) -> Option<(u64, u64)> {
        let tree = self.results.rows.as_ref()?.flat().tree();
        let nodes = self.outermost_selected();
        let add = |sum: (u64, u64), node: &NodeId| {
            let cost = tree.aggregate(*node);
            (sum.0.saturating_add(cost.count()), sum.1.saturating_add(cost.size()))
        };
        (!nodes.is_empty()).then(|| nodes.iter().fold((0, 0), add))
    }
}
