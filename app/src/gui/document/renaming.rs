//! Names that take the place of others: new ones are made and all rows grouped by them in the background; then everything
//! that a document knows by old names is known by new ones at once. Figures and what is on the screen stay as they are.

use std::sync::Arc;

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::pivot::translate::is_named_by_frames;
use poolscope_analysis::pivot::{Key, Metric, NodeId, PivotTree, RowPath};
use rustc_hash::{FxHashMap, FxHashSet};

use super::curves::hidden_name;
use super::{Document, Topic};
use crate::gui::document::table_model::is_heavy;
use crate::gui::jobs::discard::discard;
use crate::gui::jobs::names::{NamesRequest, Rename, Renamed};
use crate::gui::jobs::table::TableAnswer;
use crate::gui::model::columns::What;
use crate::gui::model::symbols::Phase;
use crate::gui::model::visible_rows::VisibleRows;

impl Document {
    /// New names are asked for once the ones before are taken in everywhere.
    pub(in crate::gui) fn ask_for_names(&mut self) {
        let is_old = self.is_symbol_table_outdated() || self.query.naming != self.results.names.naming();
        let busy = [Topic::Names, Topic::Table, Topic::Curves];
        let is_busy = busy.iter().any(|topic| self.work.running.contains(topic) || self.work.asked.contains(topic));
        if is_old && !is_busy && self.results.rows.is_some() && self.results.pending_names.is_none() {
            self.work.asked.insert(Topic::Names);
        }
        if !is_old && !is_busy && self.results.rows.is_some() && self.results.symbols.phase != Phase::Running {
            self.give_up_awaited();
        }
    }

    /// Returns whether symbols have come that the names do not show.
    pub(in crate::gui) fn is_symbol_table_outdated(&self) -> bool {
        self.results.symbols.revision() != self.results.named_revision
    }

    pub(in crate::gui) fn names_request(&mut self) -> NamesRequest {
        let is_old = self.is_symbol_table_outdated();
        self.results.named_revision = self.results.symbols.revision();
        let mut keys = self.query.columns.keys();
        keys.extend(&self.query.columns.graph_by);
        NamesRequest {
            names: Arc::clone(&self.results.names),
            found: is_old.then(|| (Arc::clone(self.results.symbols.needs()), self.results.symbols.found())),
            naming: self.query.naming,
            keys,
        }
    }

    /// Returns whether the names of frames are anywhere in rows or curves, or in what they are narrowed by.
    fn shows_frames(&self) -> bool {
        let counted = |metric: Metric| matches!(metric, Metric::Unique(key) if is_named_by_frames(key));
        self.query.columns.columns.iter().any(|column| match column.what {
            What::Key(key) => is_named_by_frames(key),
            What::Figure(metric) => counted(metric),
        }) || self.curves_name_frames()
            || self.query.filter.names_frames()
            || self.ui.filter_history.names_frames()
            || !self.ui.awaited_steps.is_empty()
            || self.ui.pinned.iter().any(|place| place.0.iter().any(|step| is_named_by_frames(step.key())))
    }

    fn curves_name_frames(&self) -> bool {
        self.query.columns.graph_by.iter().any(|key| is_named_by_frames(*key))
    }

    /// New names are there. They are shown when the rows are grouped by them.
    pub(in crate::gui) fn apply_names(&mut self, names: Arc<ColumnValues>) {
        let marked = names.generations() == self.results.names.generations();
        let names = if marked { names } else { Arc::new(names.with_markers(&self.query.marks)) };
        // A list of tags may have come since they were asked for.
        let tags = self.results.tag_sources.pool_tags.as_ref().map(|found| Arc::clone(&found.tags));
        let names = if tags.is_some() { Arc::new(names.with_tag_descriptions(tags)) } else { names };
        if self.shows_frames() {
            self.results.pending_names = Some(names);
            self.ask_quietly(Topic::Table);
        } else {
            self.put_names(names);
            self.cursor_moved();
            self.work.unnoticed.insert(Topic::Profile);
        }
    }

    fn put_names(&mut self, names: Arc<ColumnValues>) {
        discard(std::mem::replace(&mut self.results.names, names));
        self.results.pending_names = None;
        self.query.names_revision += 1;
        if self.ui.query_box.asked {
            self.ui.query_box.is_prepared = false;
            self.work.asked.insert(Topic::Completion);
        }
    }

    /// Asks for results that will look the same: those shown are not drawn as outdated meanwhile.
    fn ask_quietly(&mut self, topic: Topic) {
        let is_asked = self.work.asked.contains(&topic) || self.work.running.contains(&topic);
        if !is_asked || self.work.unnoticed.contains(&topic) {
            self.work.unnoticed.insert(topic);
        }
        self.work.asked.insert(topic);
    }

    /// Request to translate everything that is kept by old names; `None` while there are no new ones.
    pub(in crate::gui) fn rename_request(&self) -> Option<Rename> {
        self.results.pending_names.as_ref()?;
        let keys = self.query.columns.graph_by.clone();
        let curves = self.results.curves.iter().flat_map(|answer| &answer.curves).map(|curve| curve.keys.clone());
        let all = curves.chain(self.ui.hidden.iter().cloned()).filter(|texts| texts.len() == keys.len());
        let mut texts: Vec<Vec<String>> =
            all.filter(|texts| texts.first().is_none_or(|text| !text.is_empty())).collect();
        texts.dedup();
        Some(Rename {
            old: Arc::clone(&self.results.names),
            pivot: self.results.rows.as_ref().map(|rows| Arc::clone(rows.flat().tree().pivot())),
            filter: Arc::clone(&self.query.filter),
            history: self.ui.filter_history.clone(),
            keys: if self.curves_name_frames() { keys } else { Vec::new() },
            texts: if self.curves_name_frames() { texts } else { Vec::new() },
        })
    }

    /// Returns whether rows were opened, closed or selected since a translation was asked for, and translating them now would
    /// hold up the window.
    pub(in crate::gui) fn is_rename_late(&self, answer: &TableAnswer) -> bool {
        let Some(renamed) = &answer.renamed else { return false };
        let is_covered =
            self.ui.expanded == renamed.open && self.chosen_paths().all(|path| renamed.wanted.contains(&path));
        is_heavy(&answer.flat, PivotTree::ROOT) && !is_covered
    }

    /// Paths of the selected rows and of the one under the cursor.
    fn chosen_paths(&self) -> impl Iterator<Item = u64> + '_ {
        self.ui.selected.iter().copied().chain(self.ui.cursor)
    }

    /// Replaces all old names by the new ones. `found` are the nodes of the translated paths, `held` is the row that stays where it
    /// is on the screen: a path, and how far below the first row.
    pub(in crate::gui) fn rename(
        &mut self,
        mut renamed: Renamed,
        flat: &mut VisibleRows,
        found: &mut FxHashMap<u64, NodeId>,
        built: &FxHashSet<u64>,
        held: Option<(u64, u64)>,
    ) -> Option<(u64, u64)> {
        // In a large tree the row that is held may be lost: the table then stays at its position.
        let held_path = held.map(|(path, _)| path).filter(|_| !is_heavy(flat, PivotTree::ROOT));
        let wanted: FxHashSet<u64> = self.chosen_paths().chain(held_path).collect();
        if self.ui.expanded == renamed.open && wanted.is_subset(&renamed.wanted) {
            self.ui.expanded.clone_from(built);
        } else {
            // Rows were opened, closed or selected since the question was asked.
            if let Some(pivot) = &renamed.pivot {
                let mut tree = PivotTree::new(Arc::clone(pivot));
                renamed.paths = renamed.translation.paths(&mut tree, &self.ui.expanded, &wanted);
            }
            self.ui.expanded = renamed.new_open(&self.ui.expanded);
            flat.set_sort(flat.sort(), &self.ui.expanded);
            *found = flat.find_paths(&renamed.new_paths(&wanted));
        }
        let heaviest = |path: u64| -> u64 {
            let ways = renamed.paths.of.get(&path).cloned().unwrap_or_else(|| vec![path]);
            let weight =
                |way: &u64| found.get(way).map(|node| (flat.tree().aggregate(*node).size(), std::cmp::Reverse(*node)));
            ways.iter().copied().max_by_key(weight).unwrap_or(path)
        };
        let held = held.map(|(path, below)| (heaviest(path), below));
        let cursor = self.ui.cursor.map(heaviest);
        let mut selected = renamed.new_paths(&self.ui.selected);
        let is_awaited = |path: &u64| self.ui.selected.contains(path) && !renamed.paths.of.contains_key(path);
        selected.retain(|path| found.contains_key(path) || is_awaited(path));
        self.ui.selected = selected;
        if self.ui.table.cursor().is_none() && self.ui.cursor.is_some() {
            // The remembered cursor is at a row whose name was not known until now.
            self.ui.table.reveal_cursor();
        }
        self.ui.cursor = cursor;
        self.rename_curves(&renamed);
        let depends = self.query.filter.names_frames();
        self.query.filter = renamed.filter;
        self.ui.filter_history = renamed.history;
        self.put_names(Arc::clone(renamed.translation.new_names()));
        if depends || self.curves_name_frames() {
            self.ask_quietly(Topic::Curves);
        }
        if depends && self.ui.graph.selection().is_some() {
            self.work.asked.insert(Topic::Totals);
        }
        held
    }

    /// Curves keep their colors, and stay hidden or pinned.
    fn rename_curves(&mut self, renamed: &Renamed) {
        for (old, new) in &renamed.texts {
            self.ui.colors.rename(&old.join(", "), &new.join(", "));
            if self.ui.hidden.remove(old) {
                self.ui.hidden.insert(new.clone());
            }
        }
        for curve in self.results.curves.iter_mut().flat_map(|answer| &mut answer.curves) {
            if let Some((_, new)) = renamed.texts.iter().find(|(old, _)| *old == curve.keys) {
                curve.keys.clone_from(new);
                curve.name = Some(new.join(", "));
            }
        }
        for (at, place) in self.ui.pinned.iter_mut().enumerate() {
            let Some(new) = renamed.translation.row_path(place) else { continue };
            let title = new.title();
            self.ui.colors.rename(&place.title(), &title);
            *place = new;
            if let Some(curve) = self.results.pinned_curves.get_mut(at) {
                let hidden = self.ui.hidden.remove(&hidden_name(curve));
                curve.name = Some(title);
                if hidden {
                    self.ui.hidden.insert(hidden_name(curve));
                }
            }
        }
    }

    /// The curve of the row under the cursor is called what the row is called now.
    pub(in crate::gui) fn rename_cursor_curve(&mut self) {
        let (Some(rows), Some(id)) = (&self.results.rows, self.ui.table.cursor()) else { return };
        let title = RowPath::of(rows.flat().tree(), crate::gui::document::table_model::node_id(id)).title();
        if self.results.pinned_curves.len() > self.ui.pinned.len()
            && let Some(curve) = self.results.pinned_curves.last_mut()
        {
            curve.name = Some(title);
        }
    }

    /// Applies the remembered steps of the filter whose names are known now.
    pub(in crate::gui) fn apply_known_steps(&mut self, known: Vec<crate::gui::document::Step>) {
        let known: Vec<_> = known.into_iter().filter(|step| self.ui.awaited_steps.contains(step)).collect();
        if known.is_empty() {
            return;
        }
        self.ui.awaited_steps.retain(|step| !known.contains(step));
        let mut steps = self.query.filter.steps().to_vec();
        steps.extend(known);
        self.set_steps(steps);
        self.filter_changed();
    }

    /// Drops remembered steps of the filter whose frame names did not come with the symbols.
    fn give_up_awaited(&mut self) {
        for step in std::mem::take(&mut self.ui.awaited_steps) {
            self.notify(format!("A saved filter was dropped because no row has this name: {}", step.title()));
        }
    }
}

/// Returns whether a remembered step can only be used once frames have the names that they had.
pub(in crate::gui) fn waits_for_names(step: &crate::gui::document::Step) -> bool {
    !matches!(step, crate::gui::document::Step::Query(_)) && step.asks(|key: Key| is_named_by_frames(key))
}
