//! Filter of the rows that graph and table show: steps one after the other, each narrowing what the one before left, with undo and
//! redo. A step is a query, or "only" or "all but" some rows of the tree, kept as texts so that it holds in any visible range.

use std::sync::Arc;

use parking_lot::Mutex;
use poolscope_analysis::filter::query::Field;
use poolscope_analysis::filter::{CompiledQuery, Query, RowSet};
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::parallel::{Cancel, Cancelled};
use poolscope_analysis::pivot::translate::is_named_by_frames;
use poolscope_analysis::pivot::{Key, RowPath, rows_of_paths};
use poolscope_analysis::trace::time::TimeRange;
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

/// One narrowing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The rows that a query takes.
    Query(Query),
    /// The rows in these places.
    To(Vec<RowPath>),
    /// The rows in none of these places.
    Out(Vec<RowPath>),
}

impl Step {
    /// Returns whether it is about any such column.
    #[must_use]
    pub fn asks(&self, about: impl Fn(Key) -> bool) -> bool {
        match self {
            Self::Query(query) => Key::ALL.iter().any(|key| about(*key) && query.asks(Field::Key(*key))),
            Self::To(places) | Self::Out(places) => {
                places.iter().any(|place| place.0.iter().any(|step| about(step.key())))
            }
        }
    }

    /// The words in the trail: `type:AIFO`, `Leak`, `not Leak`, `3 rows`.
    #[must_use]
    pub fn title(&self) -> String {
        let places = |places: &[RowPath]| match places {
            [place] => place.title(),
            _ => format!("{} rows", places.len()),
        };
        match self {
            Self::Query(query) => query.to_string(),
            Self::To(rows) => places(rows),
            Self::Out(rows) => format!("not {}", places(rows)),
        }
    }

    /// Everything it says, for a tip.
    #[must_use]
    pub fn explanation(&self) -> String {
        let list = |places: &[RowPath]| {
            let mut lines: Vec<String> = places.iter().take(12).map(RowPath::title).collect();
            if places.len() > lines.len() {
                lines.push(format!("and {} more", places.len() - lines.len()));
            }
            lines.join("\n")
        };
        match self {
            Self::Query(query) => format!("Only rows that match the query:\n{query}"),
            Self::To(rows) => format!("Only the rows in\n{}", list(rows)),
            Self::Out(rows) => format!("All rows except those in\n{}", list(rows)),
        }
    }
}

/// The rows that the last use found: for which view, and which.
type Found = Option<(TimeRange, Arc<RowSet>)>;

/// Steps that belong together, with the rows that the last use found: table, curves and sums share them.
#[derive(Debug, Default)]
pub struct RowFilter {
    steps: Vec<Step>,
    found: Mutex<Found>,
}

impl RowFilter {
    /// These steps.
    #[must_use]
    pub fn new(steps: Vec<Step>) -> Self {
        Self { steps, found: Mutex::default() }
    }

    /// The steps.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Returns whether zooming changes which rows are left, beyond those that are outside the view.
    #[must_use]
    pub fn depends_on_view(&self) -> bool {
        self.asks(Key::depends_on_range)
    }

    /// Returns whether marks on the time axis change which rows are left.
    #[must_use]
    pub fn asks_generation(&self) -> bool {
        self.asks(|key| key == Key::Generation)
    }

    /// Returns whether it depends on the names of frames which rows are left.
    #[must_use]
    pub fn names_frames(&self) -> bool {
        self.asks(is_named_by_frames)
    }

    fn asks(&self, about: impl Fn(Key) -> bool) -> bool {
        self.steps.iter().any(|step| step.asks(&about))
    }

    /// The rows that all steps leave in a time range; `None` for all rows. Concurrent calls wait for the first one.
    ///
    /// # Errors
    /// [`Cancelled`] once `cancel` says so.
    pub fn rows(
        &self,
        names: &ColumnValues,
        range: TimeRange,
        cancel: Cancel<'_>,
    ) -> Result<Option<Arc<RowSet>>, Cancelled> {
        if self.steps.is_empty() {
            return Ok(None);
        }
        let mut found = self.found.lock();
        if let Some((of, rows)) = found.as_ref()
            && *of == range
        {
            return Ok(Some(Arc::clone(rows)));
        }
        let mut left: Option<RowSet> = None;
        for step in &self.steps {
            let rows = match step {
                Step::Query(query) => CompiledQuery::new(query, names, range).rows(names.trace(), cancel)?,
                Step::To(places) => rows_of_paths(places, names, range, cancel)?,
                Step::Out(places) => rows_of_paths(places, names, range, cancel)?.not(),
            };
            left = Some(match left {
                Some(left) => left.and(&rows),
                None => rows,
            });
        }
        let rows = left.map(Arc::new);
        *found = rows.clone().map(|rows| (range, rows));
        Ok(rows)
    }
}

impl PartialEq for RowFilter {
    fn eq(&self, other: &Self) -> bool {
        self.steps == other.steps
    }
}

impl RowFilter {
    /// The same steps without the rows that were found: what rows show has changed.
    #[must_use]
    pub fn without_found_rows(&self) -> Self {
        Self::new(self.steps.clone())
    }

    /// The same steps with other places instead of each. A step that would be left without places keeps those that it has.
    #[must_use]
    pub fn map_places(&self, instead: &dyn Fn(&RowPath) -> Vec<RowPath>) -> Self {
        let places = |places: &[RowPath]| {
            let mut all: Vec<RowPath> = Vec::with_capacity(places.len());
            let mut known: FxHashSet<RowPath> = FxHashSet::default();
            for place in places.iter().flat_map(instead) {
                if known.insert(place.clone()) {
                    all.push(place);
                }
            }
            if all.is_empty() { places.to_vec() } else { all }
        };
        let step = |step: &Step| match step {
            Step::Query(query) => Step::Query(query.clone()),
            Step::To(old) => Step::To(places(old)),
            Step::Out(old) => Step::Out(places(old)),
        };
        Self::new(self.steps.iter().map(step).collect())
    }
}

/// Filters before the present one, and those that were undone.
#[derive(Debug, Clone, Default)]
pub struct FilterHistory {
    past: Vec<Arc<RowFilter>>,
    future: Vec<Arc<RowFilter>>,
}

impl FilterHistory {
    /// The same history with other places instead of each.
    #[must_use]
    pub fn map_places(&self, instead: &dyn Fn(&RowPath) -> Vec<RowPath>) -> Self {
        let all = |filters: &[Arc<RowFilter>]| filters.iter().map(|old| Arc::new(old.map_places(instead))).collect();
        Self { past: all(&self.past), future: all(&self.future) }
    }

    /// Returns whether any of the filters says anything about frames.
    #[must_use]
    pub fn names_frames(&self) -> bool {
        self.past.iter().chain(&self.future).any(|filter| filter.names_frames())
    }

    /// Returns whether there is something to undo.
    #[must_use]
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Returns whether there is something to redo.
    #[must_use]
    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }

    /// Changes `filter` to these steps.
    pub fn set(&mut self, filter: &mut Arc<RowFilter>, steps: Vec<Step>) {
        let before = std::mem::replace(filter, Arc::new(RowFilter::new(steps)));
        self.past.push(before);
        self.future.clear();
    }

    /// Changes `filter` to the one before. Returns whether there was one.
    pub fn undo(&mut self, filter: &mut Arc<RowFilter>) -> bool {
        let Some(before) = self.past.pop() else { return false };
        self.future.push(std::mem::replace(filter, before));
        true
    }

    /// Takes back an undo. Returns whether there was one.
    pub fn redo(&mut self, filter: &mut Arc<RowFilter>) -> bool {
        let Some(after) = self.future.pop() else { return false };
        self.past.push(std::mem::replace(filter, after));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Step {
        Step::Query(text.parse().unwrap())
    }

    #[test]
    fn steps_can_be_undone_and_redone() {
        let (mut history, mut filter) = (FilterHistory::default(), Arc::<RowFilter>::default());
        assert!(!history.undo(&mut filter));
        history.set(&mut filter, vec![query("type:AIFO")]);
        history.set(&mut filter, vec![query("type:AIFO"), query("tag:Leak")]);
        history.set(&mut filter, vec![query("tag:Leak")]);
        history.set(&mut filter, Vec::new());
        assert!(history.undo(&mut filter) && history.undo(&mut filter));
        assert_eq!(filter.steps(), [query("type:AIFO"), query("tag:Leak")]);
        assert!(history.redo(&mut filter));
        history.set(&mut filter, vec![query("tag:Leak"), query("paged:Paged")]);
        assert!(!history.can_redo(), "a new step ends what could be redone");
        assert_eq!(filter.steps().iter().map(Step::title).collect::<Vec<_>>(), ["tag:Leak", "paged:Paged"]);
    }
}
