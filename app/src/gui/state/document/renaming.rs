//! Names that take the place of others: new ones are made and all rows grouped by them in the background; then everything
//! that a document knows by old names is known by new ones at once. Figures and what is on the screen stay as they are.

use std::sync::Arc;

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::pivot::translate::is_named_by_frames;
use poolscope_analysis::pivot::{Metric, Key, PivotTree, RowPath};
use rustc_hash::FxHashSet;

use super::curves::hidden_name;
use super::{Document, Topic};
use crate::gui::jobs::discard::discard;
use crate::gui::jobs::names::{NamesRequest, Rename, Renamed};
use crate::gui::state::columns::What;
use crate::gui::state::flat::Flat;
use crate::gui::state::symbols::Phase;

impl Document {
    /// New names are asked for once the ones before are taken in everywhere.
    pub(super) fn ask_for_names(&mut self) {
        let is_old = self.names_are_old || self.naming != self.names.naming();
        let busy = [Topic::Names, Topic::Table, Topic::Curves];
        let is_busy = busy.iter().any(|topic| self.waiting.contains(topic) || self.changed.contains(topic));
        if is_old && !is_busy && self.rows.is_some() && self.new_names.is_none() {
            self.changed.insert(Topic::Names);
        }
        if !is_old && !is_busy && self.rows.is_some() && self.symbols.phase != Phase::Running {
            self.give_up_awaited();
        }
    }

    pub(super) fn names_request(&mut self) -> NamesRequest {
        let is_old = std::mem::take(&mut self.names_are_old);
        let mut keys = self.arrangement.keys();
        keys.extend(&self.arrangement.graph_by);
        NamesRequest {
            names: Arc::clone(&self.names),
            found: is_old.then(|| (Arc::clone(self.symbols.needs()), self.symbols.found())),
            naming: self.naming,
            keys,
        }
    }

    /// Whether the names of frames are anywhere in rows or curves, or in what they are narrowed by.
    fn shows_frames(&self) -> bool {
        let counted = |figure: Metric| matches!(figure, Metric::Unique(key) if is_named_by_frames(key));
        self.arrangement.columns.iter().any(|column| match column.what {
            What::Key(key) => is_named_by_frames(key),
            What::Figure(figure) => counted(figure),
        }) || self.curves_name_frames()
            || self.filter.names_frames()
            || !self.awaited.is_empty()
            || self.pinned.iter().any(|place| place.0.iter().any(|step| is_named_by_frames(step.key())))
    }

    fn curves_name_frames(&self) -> bool {
        self.arrangement.graph_by.iter().any(|key| is_named_by_frames(*key))
    }

    /// New names are there. They are shown when the rows are grouped by them.
    pub(super) fn take_names(&mut self, names: Arc<ColumnValues>) {
        let marked = names.generations() == self.names.generations();
        let names = if marked { names } else { Arc::new(names.with_marks(&self.marks)) };
        // A list of tags may have come since they were asked for.
        let tags = self.tag_sources.pool_tags.as_ref().map(|found| Arc::clone(&found.tags));
        let names = if tags.is_some() { Arc::new(names.with_tag_descriptions(tags)) } else { names };
        if self.shows_frames() {
            self.new_names = Some(names);
            self.ask_quietly(Topic::Table);
        } else {
            self.put_names(names);
            self.cursor_moved();
            self.quiet.insert(Topic::Profile);
        }
    }

    fn put_names(&mut self, names: Arc<ColumnValues>) {
        discard(std::mem::replace(&mut self.names, names));
        self.new_names = None;
        if self.query.asked {
            self.query.is_prepared = false;
            self.changed.insert(Topic::Completion);
        }
    }

    /// Asks for what will look like what is there: nothing has to be drawn as old meanwhile.
    fn ask_quietly(&mut self, topic: Topic) {
        let is_asked = self.changed.contains(&topic) || self.waiting.contains(&topic);
        if !is_asked || self.quiet.contains(&topic) {
            self.quiet.insert(topic);
        }
        self.changed.insert(topic);
    }

    /// What is known by old names, if there are new ones.
    pub(super) fn rename_request(&self) -> Option<Rename> {
        self.new_names.as_ref()?;
        let keys = self.arrangement.graph_by.clone();
        let curves = self.curves.iter().flat_map(|answer| &answer.curves).map(|curve| curve.keys.clone());
        let all = curves.chain(self.hidden.iter().cloned()).filter(|texts| texts.len() == keys.len());
        let mut texts: Vec<Vec<String>> =
            all.filter(|texts| texts.first().is_none_or(|text| !text.is_empty())).collect();
        texts.dedup();
        Some(Rename {
            old: Arc::clone(&self.names),
            pivot: self.rows.as_ref().map(|rows| Arc::clone(rows.flat().tree().pivot())),
            filter: self.filter.clone(),
            keys: if self.curves_name_frames() { keys } else { Vec::new() },
            texts: if self.curves_name_frames() { texts } else { Vec::new() },
        })
    }

    /// Everything is known by the new names from now on. `held` is the row that stays where it is on the screen: a path, and
    /// how far below the first row.
    pub(super) fn rename(
        &mut self,
        mut renamed: Renamed,
        flat: &mut Flat,
        built: &FxHashSet<u64>,
        held: Option<(u64, u64)>,
    ) -> Option<(u64, u64)> {
        let held_path = held.map(|(path, _)| path);
        let wanted: FxHashSet<u64> = self.selected.iter().copied().chain(self.cursor).chain(held_path).collect();
        if self.expanded == renamed.open && wanted.is_subset(&renamed.wanted) {
            self.expanded.clone_from(built);
        } else {
            // Rows were opened, closed or selected since the question was asked.
            if let Some(pivot) = &renamed.pivot {
                let mut tree = PivotTree::new(Arc::clone(pivot));
                renamed.paths = renamed.translation.paths(&mut tree, &self.expanded, &wanted);
            }
            self.expanded = renamed.new_open(&self.expanded);
            flat.set_sort(flat.sort(), &self.expanded);
        }
        let heaviest = |path: u64| -> u64 {
            let ways = renamed.paths.of.get(&path).cloned().unwrap_or_else(|| vec![path]);
            let found = flat.find_paths(&ways.iter().copied().collect());
            let weight =
                |way: &u64| found.get(way).map(|node| (flat.tree().aggregate(*node).size(), std::cmp::Reverse(*node)));
            ways.iter().copied().max_by_key(weight).unwrap_or(path)
        };
        let held = held.map(|(path, below)| (heaviest(path), below));
        let cursor = self.cursor.map(heaviest);
        let mut selected = renamed.new_paths(&self.selected);
        let found = flat.find_paths(&selected);
        let is_awaited = |path: &u64| self.selected.contains(path) && !renamed.paths.of.contains_key(path);
        selected.retain(|path| found.contains_key(path) || is_awaited(path));
        self.selected = selected;
        if self.table.cursor().is_none() && self.cursor.is_some() {
            // What was remembered by names that were not known until now.
            self.table.reveal_cursor();
        }
        self.cursor = cursor;
        self.rename_curves(&renamed);
        let depends = self.filter.narrowing().names_frames();
        self.filter = renamed.filter;
        self.put_names(Arc::clone(renamed.translation.new_names()));
        self.overview_is_old |= depends;
        if depends || self.curves_name_frames() {
            self.ask_quietly(Topic::Curves);
        }
        if depends && self.graph.selection().is_some() {
            self.changed.insert(Topic::Totals);
        }
        held
    }

    /// Curves keep their colours, and stay hidden or pinned.
    fn rename_curves(&mut self, renamed: &Renamed) {
        for (old, new) in &renamed.texts {
            self.colours.rename(&old.join(", "), &new.join(", "));
            if self.hidden.remove(old) {
                self.hidden.insert(new.clone());
            }
        }
        for curve in self.curves.iter_mut().flat_map(|answer| &mut answer.curves) {
            if let Some((_, new)) = renamed.texts.iter().find(|(old, _)| *old == curve.keys) {
                curve.keys.clone_from(new);
                curve.name = Some(new.join(", "));
            }
        }
        for (at, place) in self.pinned.iter_mut().enumerate() {
            let Some(new) = renamed.translation.row_path(place) else { continue };
            let title = new.title();
            self.colours.rename(&place.title(), &title);
            *place = new;
            if let Some(curve) = self.picked.get_mut(at) {
                let hidden = self.hidden.remove(&hidden_name(curve));
                curve.name = Some(title);
                if hidden {
                    self.hidden.insert(hidden_name(curve));
                }
            }
        }
    }

    /// The curve of the row under the cursor is called what the row is called now.
    pub(super) fn rename_cursor_curve(&mut self) {
        let (Some(rows), Some(id)) = (&self.rows, self.table.cursor()) else { return };
        let title = RowPath::of(rows.flat().tree(), crate::gui::state::rows::node_id(id)).title();
        if self.picked.len() > self.pinned.len()
            && let Some(curve) = self.picked.last_mut()
        {
            curve.name = Some(title);
        }
    }

    /// Narrows by what was remembered, as far as it is known by now.
    pub(super) fn take_known(&mut self, known: Vec<super::Step>) {
        let known: Vec<_> = known.into_iter().filter(|step| self.awaited.contains(step)).collect();
        if known.is_empty() {
            return;
        }
        self.awaited.retain(|step| !known.contains(step));
        let mut steps = self.filter.steps().to_vec();
        steps.extend(known);
        self.filter.set(steps);
        self.filter_changed();
    }

    /// Nobody will ever call frames what these steps call them.
    fn give_up_awaited(&mut self) {
        for step in std::mem::take(&mut self.awaited) {
            self.tell(format!("A remembered filter is left out, since no row is called that: {}", step.title()));
        }
    }
}

/// Whether a remembered step can only be used once frames have the names that they had.
pub(super) fn waits_for_names(step: &super::Step) -> bool {
    !matches!(step, super::Step::Query(_)) && step.asks(|key: Key| is_named_by_frames(key))
}
