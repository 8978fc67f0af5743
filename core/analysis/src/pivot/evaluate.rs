//! Any figure of any part of a pivot: from its sums where that is enough, else from its rows.

use super::cost::Cost;
use super::figure::Figure;
use super::number::Number;
use super::rows::GroupRows;
use super::table::Pivot;
use super::tree::{NodeId, PivotTree};
use crate::group::names::Names;
use crate::group::order::EventOrder;
use crate::group::parallel::{Cancel, Cancelled};
use crate::filter::rowset::RowSet;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// What figures of a pivot follow from.
pub struct Evaluator<'n> {
    names: &'n Names,
    pivot: Arc<Pivot>,
    rows: Option<(GroupRows, EventOrder)>,
}

impl<'n> Evaluator<'n> {
    /// Prepares these figures. Rows are looked at only if one of the figures needs them; `rows` is the filter that the
    /// pivot was made with.
    #[must_use]
    pub fn new(names: &'n Names, pivot: &Arc<Pivot>, rows: Option<&RowSet>, figures: &[Figure]) -> Self {
        let needs_rows = figures.iter().any(|f| !f.is_from_sums());
        let order = || EventOrder::new(names.trace());
        let rows = needs_rows.then(|| (GroupRows::new(names, pivot, rows), order()));
        Self { names, pivot: Arc::clone(pivot), rows }
    }

    /// A figure of every group, and of all together.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] once `cancel` says so.
    pub fn groups(&self, figure: Figure, cancel: Cancel<'_>) -> Result<(Vec<Number>, Number), Cancelled> {
        if figure.is_from_sums() {
            let scale = self.pivot.scale();
            let groups = self.pivot.costs().iter().map(|c| figure.of(c, scale)).collect();
            return Ok((groups, figure.of(self.pivot.total(), scale)));
        }
        let count = self.pivot.len() as u32;
        let single: Vec<Range<u32>> = (0..count).map(|g| g..g + 1).collect();
        let everything = std::iter::once(0..count).collect::<Vec<_>>();
        let total = self.through_rows(figure, &everything, cancel)?;
        let total = total.first().copied().unwrap_or(Number::None);
        Ok((self.through_rows(figure, &single, cancel)?, total))
    }

    /// A figure of several nodes of a tree.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] once `cancel` says so.
    pub fn nodes(
        &self,
        figure: Figure,
        tree: &PivotTree,
        nodes: &[NodeId],
        cancel: Cancel<'_>,
    ) -> Result<Vec<Number>, Cancelled> {
        if figure.is_from_sums() {
            return Ok(nodes.iter().map(|n| tree.figure(*n, figure)).collect());
        }
        let runs: Vec<Range<u32>> = nodes.iter().map(|n| tree.groups(*n)).collect();
        self.through_rows(figure, &runs, cancel)
    }

    /// A figure of several runs of groups, of which any two are apart or one lies within the other.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] once `cancel` says so.
    pub fn any_nodes(&self, figure: Figure, runs: &[Range<u32>], cancel: Cancel<'_>) -> Result<Vec<Number>, Cancelled> {
        if figure.is_from_sums() {
            return Ok(from_sums(&self.pivot, figure, runs));
        }
        self.through_rows(figure, runs, cancel)
    }

    fn through_rows(&self, figure: Figure, runs: &[Range<u32>], cancel: Cancel<'_>) -> Result<Vec<Number>, Cancelled> {
        match &self.rows {
            Some((rows, order)) => rows.figures(figure, runs, self.names, order, cancel),
            None => Ok(vec![Number::None; runs.len()]),
        }
    }
}

/// A figure that follows from sums, for runs of groups.
fn from_sums(pivot: &Pivot, figure: Figure, runs: &[Range<u32>]) -> Vec<Number> {
    let of_run = |run: &Range<u32>| {
        let mut sum = Cost::default();
        let costs = pivot.costs().get(run.start as usize..run.end as usize).unwrap_or(&[]);
        costs.iter().for_each(|cost| sum.add(cost));
        figure.of(&sum, pivot.scale())
    };
    runs.iter().map(of_run).collect()
}

/// The figures of a pivot's parts for whoever asks for them again and again: it owns what they follow from, so that it
/// can be kept as long as the pivot. Four bytes per row, and the order of events, which all pivots of a trace share.
pub struct RowFigures {
    names: Arc<Names>,
    pivot: Arc<Pivot>,
    groups: GroupRows,
    order: Arc<OnceLock<EventOrder>>,
}

impl RowFigures {
    /// Finds the group of every row. `rows`: the filter that the pivot was made with; `order`: filled at the first need.
    #[must_use]
    pub fn new(names: Arc<Names>, pivot: &Arc<Pivot>, rows: Option<&RowSet>, order: Arc<OnceLock<EventOrder>>) -> Self {
        let groups = GroupRows::new(&names, pivot, rows);
        Self { names, pivot: Arc::clone(pivot), groups, order }
    }

    /// The groups of the rows.
    #[must_use]
    pub fn groups(&self) -> &GroupRows {
        &self.groups
    }

    /// A figure of several runs of groups ([`PivotTree::groups`]), of which any two are apart or one lies within the
    /// other, as those of the nodes of one tree are.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] once `cancel` says so.
    pub fn any_nodes(&self, figure: Figure, runs: &[Range<u32>], cancel: Cancel<'_>) -> Result<Vec<Number>, Cancelled> {
        if figure.is_from_sums() {
            return Ok(from_sums(&self.pivot, figure, runs));
        }
        let order = self.order.get_or_init(|| EventOrder::new(self.names.trace()));
        self.groups.figures(figure, runs, &self.names, order, cancel)
    }
}
