//! Which rows graph and table show: steps one after the other, each narrowing what the one before left, with undo and redo.
//! A step is a query, or "only" or "all but" some rows of the tree, kept as texts so that it holds in any view.

use std::sync::Arc;

use parking_lot::Mutex;
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::parallel::{Cancel, Cancelled};
use poolscope_analysis::pivot::translate::is_named_by_frames;
use poolscope_analysis::pivot::{Key, RowPath, rows_of_paths};
use poolscope_analysis::filter::query::Field;
use poolscope_analysis::filter::{CompiledQuery, Query, RowSet};
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
    /// Whether it is about any such column.
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
            Self::Query(query) => format!("Only rows that the query takes:\n{query}"),
            Self::To(rows) => format!("Only the rows in\n{}", list(rows)),
            Self::Out(rows) => format!("All rows but those in\n{}", list(rows)),
        }
    }
}

/// The rows that the last use found: for which view, and which.
type Found = Option<(TimeRange, Arc<RowSet>)>;

/// Steps that belong together, with the rows that the last use found: table, curves and sums share them.
#[derive(Debug, Default)]
pub struct Narrowing {
    steps: Vec<Step>,
    found: Mutex<Found>,
}

impl Narrowing {
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

    /// Whether zooming changes which rows are left, beyond those that are outside the view.
    #[must_use]
    pub fn depends_on_view(&self) -> bool {
        self.asks(Key::depends_on_view)
    }

    /// Whether marks on the time axis change which rows are left.
    #[must_use]
    pub fn asks_generation(&self) -> bool {
        self.asks(|key| key == Key::Generation)
    }

    /// Whether it depends on the names of frames which rows are left.
    #[must_use]
    pub fn names_frames(&self) -> bool {
        self.asks(is_named_by_frames)
    }

    fn asks(&self, about: impl Fn(Key) -> bool) -> bool {
        self.steps.iter().any(|step| step.asks(&about))
    }

    /// The rows that all steps leave in a view; `None` for all rows. Whoever asks second waits for the first.
    ///
    /// # Errors
    /// [`Cancelled`] once `cancel` says so.
    pub fn rows(&self, names: &ColumnValues, view: TimeRange, cancel: Cancel<'_>) -> Result<Option<Arc<RowSet>>, Cancelled> {
        if self.steps.is_empty() {
            return Ok(None);
        }
        let mut found = self.found.lock();
        if let Some((of, rows)) = found.as_ref()
            && *of == view
        {
            return Ok(Some(Arc::clone(rows)));
        }
        let mut left: Option<RowSet> = None;
        for step in &self.steps {
            let rows = match step {
                Step::Query(query) => CompiledQuery::new(query, names, view).rows(names.trace(), cancel)?,
                Step::To(places) => rows_of_paths(places, names, view, cancel)?,
                Step::Out(places) => rows_of_paths(places, names, view, cancel)?.not(),
            };
            left = Some(match left {
                Some(left) => left.and(&rows),
                None => rows,
            });
        }
        let rows = left.map(Arc::new);
        *found = rows.clone().map(|rows| (view, rows));
        Ok(rows)
    }
}

/// The steps and their history.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    now: Arc<Narrowing>,
    past: Vec<Arc<Narrowing>>,
    future: Vec<Arc<Narrowing>>,
}

impl Filter {
    /// The steps in their order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.now.steps
    }

    /// The steps, for the background.
    #[must_use]
    pub fn narrowing(&self) -> &Arc<Narrowing> {
        &self.now
    }

    /// What a row shows has changed: the rows that were found are no longer right.
    pub fn forget_rows(&mut self) {
        self.now = Arc::new(Narrowing::new(self.steps().to_vec()));
    }

    /// The same steps, and the same history, with other places instead of each. A step that would be left without places keeps
    /// those that it has.
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
        let narrowing = |old: &Arc<Narrowing>| Arc::new(Narrowing::new(old.steps.iter().map(step).collect()));
        Self {
            now: narrowing(&self.now),
            past: self.past.iter().map(narrowing).collect(),
            future: self.future.iter().map(narrowing).collect(),
        }
    }

    /// Whether the steps, or those before or after them, say anything about frames.
    #[must_use]
    pub fn names_frames(&self) -> bool {
        let all = std::iter::once(&self.now).chain(&self.past).chain(&self.future);
        all.into_iter().any(|narrowing| narrowing.names_frames())
    }

    /// Whether there is something to undo.
    #[must_use]
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Whether there is something to redo.
    #[must_use]
    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }

    /// Narrows further.
    pub fn push(&mut self, step: Step) {
        let mut steps = self.steps().to_vec();
        steps.push(step);
        self.set(steps);
    }

    /// Takes one step away.
    pub fn remove(&mut self, at: usize) {
        let mut steps = self.steps().to_vec();
        if at < steps.len() {
            steps.remove(at);
            self.set(steps);
        }
    }

    /// Puts another step in the place of one.
    pub fn replace(&mut self, at: usize, step: Step) {
        let mut steps = self.steps().to_vec();
        if let Some(place) = steps.get_mut(at) {
            *place = step;
            self.set(steps);
        }
    }

    /// Shows everything again.
    pub fn clear(&mut self) {
        if !self.steps().is_empty() {
            self.set(Vec::new());
        }
    }

    /// These steps from now on.
    pub fn set(&mut self, steps: Vec<Step>) {
        let before = std::mem::replace(&mut self.now, Arc::new(Narrowing::new(steps)));
        self.past.push(before);
        self.future.clear();
    }

    /// Goes back to the steps before; returns whether there were any.
    pub fn undo(&mut self) -> bool {
        let Some(before) = self.past.pop() else { return false };
        self.future.push(std::mem::replace(&mut self.now, before));
        true
    }

    /// Takes back an undo; returns whether there was one.
    pub fn redo(&mut self) -> bool {
        let Some(after) = self.future.pop() else { return false };
        self.past.push(std::mem::replace(&mut self.now, after));
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
        let mut filter = Filter::default();
        assert!(!filter.undo());
        filter.push(query("type:AIFO"));
        filter.push(query("tag:Leak"));
        filter.remove(0);
        assert_eq!(filter.steps(), [query("tag:Leak")]);
        filter.clear();
        filter.clear();
        assert!(filter.undo() && filter.undo());
        assert_eq!(filter.steps(), [query("type:AIFO"), query("tag:Leak")]);
        assert!(filter.redo());
        filter.push(query("paged:Paged"));
        assert!(!filter.can_redo(), "a new step ends what could be redone");
        assert_eq!(filter.steps().iter().map(Step::title).collect::<Vec<_>>(), ["tag:Leak", "paged:Paged"]);
    }
}
