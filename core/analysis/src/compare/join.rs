//! The groups of both sides, joined by their keys.

use super::matching::{MatchedColumn, ModuleNames, RenamedModule, match_columns};
use super::normalization::Divisors;
use crate::filter::rowset::RowSet;
use crate::group::aggregate::Aggregate;
use crate::group::column_values::ColumnValues;
use crate::group::group_by::{Buckets, GroupIndex, OUTSIDE, class_of};
use crate::group::key::Key;
use crate::group::parallel::{Cancel, Cancelled};
use crate::pivot::evaluate::Evaluator;
use crate::pivot::metric::Metric;
use crate::pivot::table::{JoinedGroups, Pivot, PivotRequest, pivot};
use crate::trace::time::TimeRange;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// Groups between two checks for cancellation.
const CHECK_GROUPS: usize = 1 << 16;

/// A side of a comparison.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Side {
    /// What the comparison is compared with.
    Baseline,
    /// What may have got worse.
    Comparison,
}

impl Side {
    /// Both sides.
    pub const BOTH: [Self; 2] = [Self::Baseline, Self::Comparison];

    /// The name in files and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Comparison => "comparison",
        }
    }
}

/// The rows of a side.
#[derive(Clone)]
pub struct SideRequest {
    /// The trace and its texts.
    pub names: Arc<ColumnValues>,
    /// The range that figures refer to.
    pub visible_range: TimeRange,
    /// Only these rows.
    pub rows: Option<Arc<RowSet>>,
}

impl SideRequest {
    /// Length of the recorded part of the range that is analyzed, in seconds.
    #[must_use]
    pub fn analyzed_seconds(&self) -> f64 {
        let trace = self.names.trace();
        let range = trace.recorded.analyzed(self.visible_range);
        trace.clock.seconds(range.to) - trace.clock.seconds(range.from)
    }
}

/// Request for a comparison.
pub struct CompareRequest<'r> {
    /// Columns to group by, outermost first.
    pub keys: &'r [Key],
    /// Baseline and comparison.
    pub sides: [SideRequest; 2],
    /// The unit of the figures.
    pub divisors: Divisors,
    /// True if the growth of each group is computed, which takes another pass over the rows.
    pub with_growth: bool,
}

/// The groups of one side, and the joined group of each.
struct SideGroups {
    request: SideRequest,
    pivot: Arc<Pivot>,
    /// The groups of the side by joined group.
    of_joined: Buckets,
    /// Growth of each group of the side in bytes per second, if it was asked for.
    growth: Option<Vec<f64>>,
}

/// Sums of one side over a run of joined groups.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct SideSums {
    /// The aggregate.
    pub aggregate: Aggregate,
    /// Growth in bytes per second; 0 if it was not asked for.
    pub growth_bytes_per_s: f64,
}

/// The groups of two sides, joined by their keys.
pub struct Comparison {
    joined: Arc<Pivot>,
    sides: [SideGroups; 2],
    whole: [SideSums; 2],
    divisors: Divisors,
    renamed: Vec<RenamedModule>,
    with_growth: bool,
}

/// Compares two sides.
///
/// # Errors
/// [`Cancelled`] if `cancel` returns `true`.
pub fn compare(request: CompareRequest<'_>, cancel: Cancel<'_>) -> Result<Comparison, Cancelled> {
    let CompareRequest { keys, sides, divisors, with_growth } = request;
    let of_side = |side: &SideRequest| {
        let request = PivotRequest { keys, visible_range: side.visible_range, rows: side.rows.as_deref() };
        pivot(&side.names, &request, cancel).map(Arc::new)
    };
    let [first, second] = &sides;
    let pivots = [of_side(first)?, of_side(second)?];
    let is_one_trace = Arc::ptr_eq(first.names.trace(), second.names.trace());
    let modules =
        if is_one_trace { ModuleNames::default() } else { ModuleNames::new(first.names.trace(), second.names.trace()) };
    let columns = (0..keys.len()).map(|at| {
        let of_side = |side: usize| pivots.get(side).and_then(|pivot: &Arc<Pivot>| pivot.columns().get(at));
        of_side(0).zip(of_side(1)).map(|(a, b)| match_columns(keys[at], [a, b], &modules))
    });
    let columns: Vec<MatchedColumn> = columns.flatten().collect();
    let Joined { ids, joined_of } = join(&pivots, &columns, cancel)?;
    let count = ids.len().checked_div(keys.len()).unwrap_or_else(|| usize::from(pivots.iter().any(|p| !p.is_empty())));
    let growth = |pivot: &Arc<Pivot>, side: &SideRequest| -> Result<Option<Vec<f64>>, Cancelled> {
        if !with_growth {
            return Ok(None);
        }
        let evaluator = Evaluator::new(Arc::clone(&side.names), pivot, side.rows.clone(), Arc::default());
        let (groups, _) = evaluator.group_values(Metric::Growth, cancel)?;
        Ok(Some(groups.into_iter().map(|value| value.as_f64().unwrap_or(0.0)).collect()))
    };
    let growth = [growth(&pivots[0], first)?, growth(&pivots[1], second)?];
    let visible_range = first.visible_range;
    let clock = first.names.trace().clock;
    let parts = sides.into_iter().zip(pivots).zip(joined_of).zip(growth);
    let parts = parts.map(|(((request, pivot), joined_of), growth)| SideGroups {
        request,
        pivot,
        of_joined: Buckets::new(&joined_of, count),
        growth,
    });
    let parts: Vec<SideGroups> = parts.collect();
    let Ok(sides) = <[SideGroups; 2]>::try_from(parts) else { return Err(Cancelled) };
    let columns = columns.into_iter().map(|matched| matched.column).collect();
    let all = 0..count as u32;
    let whole = [sides[0].sums(&all), sides[1].sums(&all)];
    let aggregate = |group: u32| {
        let run = group..group + 1;
        let mut both = sides[0].sums(&run).aggregate;
        both.merge(&sides[1].sums(&run).aggregate);
        both
    };
    let aggregates = all.into_par_iter().map(aggregate).collect();
    let groups = JoinedGroups { keys: keys.to_vec(), columns, ids, aggregates };
    let joined = Arc::new(Pivot::of_groups(groups, visible_range, clock));
    Ok(Comparison { joined, sides, whole, divisors, renamed: modules.renamed().to_vec(), with_growth })
}

/// The joined groups in ascending order of their ids, and the joined group of each group of a side.
struct Joined {
    ids: Vec<u32>,
    joined_of: [Vec<u32>; 2],
}

fn join(pivots: &[Arc<Pivot>; 2], columns: &[MatchedColumn], cancel: Cancel<'_>) -> Result<Joined, Cancelled> {
    let width = columns.len();
    let counts = [pivots[0].len(), pivots[1].len()];
    // The groups of the baseline, then those of the comparison.
    let mut all = vec![0u32; (counts[0] + counts[1]) * width];
    if width > 0 {
        all.par_chunks_mut(width).enumerate().for_each(|(at, ids)| {
            let (side, group) = if at < counts[0] { (0, at) } else { (1, at - counts[0]) };
            let own = pivots.get(side).map_or(&[][..], |pivot| pivot.ids(group));
            for ((id, own), column) in ids.iter_mut().zip(own).zip(columns) {
                let ids = column.ids.get(side).and_then(|ids| ids.get(*own as usize));
                *id = ids.copied().unwrap_or(0);
            }
        });
    }
    let ids_of = |group: u32| all.get(group as usize * width..(group as usize + 1) * width).unwrap_or(&[]);
    let mut order: Vec<u32> = (0..(counts[0] + counts[1]) as u32).collect();
    order.par_sort_unstable_by(|a, b| ids_of(*a).cmp(ids_of(*b)).then(a.cmp(b)));
    let mut joined_of = [vec![0u32; counts[0]], vec![0u32; counts[1]]];
    let mut ids: Vec<u32> = Vec::new();
    let mut last: Option<u32> = None;
    let mut joined = 0;
    for (at, group) in order.into_iter().enumerate() {
        if at.is_multiple_of(CHECK_GROUPS) && cancel() {
            return Err(Cancelled);
        }
        match last {
            Some(last) if ids_of(last) == ids_of(group) => {}
            before => {
                joined += u32::from(before.is_some());
                ids.extend_from_slice(ids_of(group));
            }
        }
        last = Some(group);
        let (side, own) = match (group as usize).checked_sub(counts[0]) {
            None => (0, group as usize),
            Some(own) => (1, own),
        };
        if let Some(place) = joined_of.get_mut(side).and_then(|groups: &mut Vec<u32>| groups.get_mut(own)) {
            *place = joined;
        }
    }
    Ok(Joined { ids, joined_of })
}

impl SideGroups {
    /// Sums over a run of joined groups.
    fn sums(&self, groups: &Range<u32>) -> SideSums {
        let own = self.of_joined.run(groups.clone());
        let aggregates = own.iter().filter_map(|group| self.pivot.aggregates().get(*group as usize));
        let growth = self.growth.as_ref();
        let growth = growth.map_or(0.0, |growth| own.iter().filter_map(|group| growth.get(*group as usize)).sum());
        SideSums { aggregate: Aggregate::sum(aggregates), growth_bytes_per_s: growth }
    }
}

impl Comparison {
    /// The joined groups as a pivot: keys, texts and tree. Its aggregates are the sums of both sides.
    #[must_use]
    pub fn groups(&self) -> &Arc<Pivot> {
        &self.joined
    }

    /// The pivot of a side.
    #[must_use]
    pub fn pivot(&self, side: Side) -> &Arc<Pivot> {
        &self.side(side).pivot
    }

    /// The rows of a side.
    #[must_use]
    pub fn request(&self, side: Side) -> &SideRequest {
        &self.side(side).request
    }

    fn side(&self, side: Side) -> &SideGroups {
        match side {
            Side::Baseline => &self.sides[0],
            Side::Comparison => &self.sides[1],
        }
    }

    /// The unit of the figures.
    #[must_use]
    pub fn divisors(&self) -> &Divisors {
        &self.divisors
    }

    /// Returns `true` if the growth of the groups is known.
    #[must_use]
    pub fn has_growth(&self) -> bool {
        self.with_growth
    }

    /// Modules that have another file name in the comparison and are shown with that of the baseline.
    #[must_use]
    pub fn renamed_modules(&self) -> &[RenamedModule] {
        &self.renamed
    }

    /// Sums of both sides over all their rows.
    #[must_use]
    pub fn whole(&self) -> &[SideSums; 2] {
        &self.whole
    }

    /// Sums of both sides over a run of joined groups.
    #[must_use]
    pub fn sums(&self, groups: &Range<u32>) -> [SideSums; 2] {
        [self.sides[0].sums(groups), self.sides[1].sums(groups)]
    }

    /// The groups of a side in a run of joined groups.
    pub(super) fn groups_of(&self, side: Side, groups: &Range<u32>) -> &[u32] {
        self.side(side).of_joined.run(groups.clone())
    }

    /// The rows of a side in a run of joined groups.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn rows(&self, side: Side, groups: &Range<u32>, cancel: Cancel<'_>) -> Result<RowSet, Cancelled> {
        let SideGroups { request, pivot, of_joined, .. } = self.side(side);
        let table = &request.names.trace().allocations;
        let keys = of_joined.run(groups.clone()).iter().filter_map(|group| pivot.group_keys().get(*group as usize));
        let index = GroupIndex::new(pivot.group_by().key_count(), keys.map(|key| (*key, 0)));
        RowSet::from_par_fn(table.len(), cancel, |row| {
            let class = class_of(request.visible_range, table, row);
            class != OUTSIDE
                && request.rows.as_ref().is_none_or(|rows| rows.contains(row))
                && index.get(pivot.group_by().group_key(table, row, class)).is_some()
        })
    }

    /// The comparison with only the groups for which `keep` is true. The figures of the whole stay.
    #[must_use]
    pub fn retained(&self, keep: impl Fn(&Range<u32>) -> bool) -> Self {
        let kept: Vec<u32> = (0..self.joined.len() as u32).filter(|group| keep(&(*group..group + 1))).collect();
        let ids = kept.iter().flat_map(|group| self.joined.ids(*group as usize)).copied().collect();
        let aggregates = kept.iter().filter_map(|group| self.joined.aggregates().get(*group as usize)).copied();
        let groups = JoinedGroups {
            keys: self.joined.keys().to_vec(),
            columns: self.joined.columns().to_vec(),
            ids,
            aggregates: aggregates.collect(),
        };
        let side = |side: &SideGroups| {
            let mut joined_of = vec![u32::MAX; side.pivot.len()];
            for (at, group) in kept.iter().enumerate() {
                for own in side.of_joined.run(*group..group + 1) {
                    if let Some(place) = joined_of.get_mut(*own as usize) {
                        *place = at as u32;
                    }
                }
            }
            SideGroups {
                request: side.request.clone(),
                pivot: Arc::clone(&side.pivot),
                of_joined: Buckets::new(&joined_of, kept.len()),
                growth: side.growth.clone(),
            }
        };
        Self {
            joined: Arc::new(Pivot::of_groups(groups, self.joined.visible_range(), *self.joined.clock())),
            sides: [side(&self.sides[0]), side(&self.sides[1])],
            whole: self.whole,
            divisors: self.divisors.clone(),
            renamed: self.renamed.clone(),
            with_growth: self.with_growth,
        }
    }
}
