//! Input of the classification: the units of a trace with the evidence about each, and what a unit has to be compared with: other
//! units of its tag and pool, frees of preexisting allocations, and lost events.

use super::SuspectGrouping;
use super::attribution::allocating_process;
use super::classification::{Classification, OtherAllocations, Uncertainty, classify};
use super::evidence::{AgeHistogram, AnalysisRange, Evidence, EvidenceScratch, collect_evidence, count_older_than};
use super::findings::UnitOutcome;
use super::limits::{MIN_EVENTS_FOR_SHARE, MIN_TAGS_FOR_LOSS};
use super::units::{RowFigure, Units};
use super::verdict::Verdict;
use crate::group::column::{KeyColumn, KeySource};
use crate::group::column_values::ColumnValues;
use crate::group::key::Key;
use crate::group::parallel::{CHUNK_ROWS, Cancel, Cancelled, until_cancelled, worker_chunks};
use crate::trace::Trace;
use crate::trace::allocation::flag;
use crate::trace::time::TimeRange;
use poolscope_etl::diagnostics::DiagnosticKind;
use rayon::prelude::*;
use std::sync::Arc;

/// A classified unit.
pub(super) struct AnalyzedUnit {
    pub index: usize,
    pub evidence: Evidence,
    pub uncertainty: Uncertainty,
    pub classification: Classification,
}

/// All units with events in the active range.
pub(super) struct AnalyzedUnits {
    /// Units in which something was allocated.
    pub units: Vec<AnalyzedUnit>,
    /// Index and evidence of units that only have frees of preexisting allocations.
    pub freed_only: Vec<(usize, Evidence)>,
}

/// The units of a trace and their keys.
pub(super) struct AnalysisInput<'n> {
    /// Ends loops over rows early; their results are then of no use.
    pub cancel: Cancel<'n>,
    pub trace: &'n Trace,
    pub units: &'n Units,
    pub range: AnalysisRange,
    pub tag: Arc<KeyColumn>,
    pub paged: Arc<KeyColumn>,
    pub driver: Arc<KeyColumn>,
    pub function: Arc<KeyColumn>,
    tag_units: Vec<TagUnits>,
    /// For each unit, the index into `tag_units`.
    tag_units_of: Vec<u32>,
}

/// Facts about the rows of one unit, all from one look at them: the rows of all units are more than a processor's cache holds.
pub(super) struct UnitFacts {
    pub evidence: Evidence,
    pub outcome: UnitOutcome,
    /// Positions among the rows of the unit of those that are not freed by the end of the active range.
    pub unfreed: Vec<u32>,
    /// Minimum ages of the preexisting allocations that were freed after the warm-up, in ticks, in any order.
    preexisting_free_ages: Vec<i64>,
    /// All frees after the warm-up.
    frees: u64,
}

impl UnitFacts {
    /// The facts about each unit.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn of_units(units: &Units, range: &AnalysisRange, cancel: Cancel<'_>) -> Result<Vec<Self>, Cancelled> {
        let facts = (0..units.len()).into_par_iter().map_init(EvidenceScratch::default, |scratch, unit| {
            if cancel() {
                return Err(Cancelled);
            }
            Ok(Self::new(until_cancelled(units.figures(unit), cancel), range, scratch))
        });
        facts.collect()
    }

    fn new(
        rows: impl Iterator<Item = RowFigure> + Clone,
        range: &AnalysisRange,
        scratch: &mut EvidenceScratch,
    ) -> Self {
        let mut facts = Self {
            evidence: collect_evidence(rows.clone(), range, scratch),
            outcome: UnitOutcome::default(),
            unfreed: Vec::new(),
            preexisting_free_ages: Vec::new(),
            frees: 0,
        };
        let TimeRange { from, to } = range.active;
        rows.enumerate().for_each(|(at, figure)| {
            facts.outcome.add_row(&figure, range.analyzed);
            let RowFigure { alloc, free, .. } = figure;
            if free > to {
                facts.unfreed.push(at as u32);
            } else if free >= range.warm_up_end {
                facts.frees += 1;
                if alloc < from {
                    facts.preexisting_free_ages.push(free.0.saturating_sub(from.0.max(alloc.0)));
                }
            }
        });
        facts
    }
}

/// The units of one tag and pool.
struct TagUnits {
    units: Vec<usize>,
    /// Minimum ages of the preexisting allocations that were freed after the warm-up, in ticks, ascending.
    preexisting_free_ages: Vec<i64>,
    /// All frees after the warm-up.
    frees: u64,
}

impl TagUnits {
    fn new(units: Vec<usize>, facts: &[UnitFacts]) -> Self {
        let of_units = || units.iter().filter_map(|unit| facts.get(*unit));
        let mut preexisting_free_ages =
            of_units().map(|facts| facts.preexisting_free_ages.as_slice()).collect::<Vec<_>>().concat();
        preexisting_free_ages.par_sort_unstable();
        let frees = of_units().map(|facts| facts.frees).sum();
        Self { units, preexisting_free_ages, frees }
    }
}

/// The units of one tag and pool that grow by themselves, together. Empty where the tag has no frees of preexisting allocations.
#[derive(Default)]
struct GrowingTagUnits {
    /// Indices of the units, ascending.
    units: Vec<usize>,
    /// The usual lifetimes of all units of the tag, ascending, and for each the number of longer lifetimes of the growing units.
    usual_lifetimes: Vec<i64>,
    longer: Vec<u64>,
    age_histogram: AgeHistogram,
    outstanding: u64,
}

impl GrowingTagUnits {
    /// Counts the lifetimes of the units that are longer than each usual lifetime.
    fn count_longer(&self, input: &AnalysisInput<'_>) -> Vec<u64> {
        // By the number of usual lifetimes that are shorter; then those that are longer than the next one are longer than each.
        let count = |units: &[usize]| {
            let mut longer = vec![0_u64; self.usual_lifetimes.len() + 1];
            let figures = units.iter().flat_map(|unit| input.figures(*unit));
            for lifetime in figures.filter_map(|figure| figure.lifetime(input.range.active)) {
                longer[self.usual_lifetimes.partition_point(|usual| *usual < lifetime)] += 1;
            }
            longer
        };
        // One tag may have nearly all units.
        let units_at_a_time = self.units.len().div_ceil(worker_chunks()).max(1);
        let counts: Vec<Vec<u64>> = self.units.par_chunks(units_at_a_time).map(count).collect();
        let mut longer = vec![0; self.usual_lifetimes.len() + 1];
        for counts in counts {
            longer.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        for at in (1..longer.len()).rev() {
            longer[at - 1] += longer[at];
        }
        longer.split_off(1)
    }

    /// Number of lifetimes that are longer than the usual lifetime of one of the tag's units.
    fn late_frees(&self, usual_lifetime: i64) -> u64 {
        let at = self.usual_lifetimes.binary_search(&usual_lifetime);
        at.ok().and_then(|at| self.longer.get(at)).copied().unwrap_or(0)
    }
}

/// Applies `f` to `0..count` in parallel.
fn map_parallel<T: Send>(count: usize, cancel: Cancel<'_>, f: impl Fn(usize) -> T + Sync) -> Result<Vec<T>, Cancelled> {
    (0..count).into_par_iter().map(|at| if cancel() { Err(Cancelled) } else { Ok(f(at)) }).collect()
}

impl<'n> AnalysisInput<'n> {
    pub fn new(
        names: &'n ColumnValues,
        (units, facts): (&'n Units, &[UnitFacts]),
        range: AnalysisRange,
        cancel: Cancel<'n>,
    ) -> Result<Self, Cancelled> {
        let trace = names.trace().as_ref();
        let mut input = Self {
            cancel,
            trace,
            units,
            range,
            tag: names.column(Key::Tag),
            paged: names.column(Key::Paged),
            driver: names.column(Key::Driver),
            function: names.column(Key::Function),
            tag_units: Vec::new(),
            tag_units_of: vec![0; units.len()],
        };
        let mut by_tag: Vec<(u64, usize)> = (0..units.len()).map(|unit| (input.tag_pool_key(unit), unit)).collect();
        by_tag.sort_unstable();
        let tags: Vec<&[(u64, usize)]> = by_tag.chunk_by(|a, b| a.0 == b.0).collect();
        for (at, of_tag) in tags.iter().enumerate() {
            of_tag.iter().for_each(|(_, unit)| input.tag_units_of[*unit] = at as u32);
        }
        input.tag_units = map_parallel(tags.len(), cancel, |at| {
            TagUnits::new(tags[at].iter().map(|(_, unit)| *unit).collect(), facts)
        })?;
        Ok(input)
    }

    /// The figures of the rows of several units, in the order of the table, until the analysis is cancelled.
    pub fn figures_of(&self, units: impl Iterator<Item = usize> + Clone) -> Vec<RowFigure> {
        let mut figures = Vec::with_capacity(units.clone().map(|unit| self.units.row_count(unit)).sum());
        units.for_each(|unit| figures.extend(self.figures(unit)));
        // Those of each unit are sorted: a stable sort merges them.
        figures.sort_by_key(|figure| figure.row);
        figures
    }

    /// The figures of the rows of a unit, until the analysis is cancelled.
    pub fn figures(&self, unit: usize) -> impl Iterator<Item = RowFigure> + Clone + '_ {
        until_cancelled(self.units.figures(unit), self.cancel)
    }

    /// Classifies the units in which something was allocated, by the evidence about each of all units.
    pub fn analyze_units(&self, evidence: Vec<Evidence>, cancel: Cancel<'_>) -> Result<AnalyzedUnits, Cancelled> {
        let lost_ratio = self.lost_frees_per_free(&evidence);
        // First each unit by itself: which of them grow decides how frees of preexisting allocations are divided.
        let alone: Vec<Verdict> = map_parallel(evidence.len(), cancel, |unit| {
            let evidence = &evidence[unit];
            let uncertainty = Uncertainty {
                lost_frees: lost_ratio * evidence.freed.count as f64,
                other_allocations: self.other_allocations(evidence),
                ..Uncertainty::default()
            };
            classify(evidence, &self.range, &uncertainty).verdict
        })?;
        let growing: Vec<GrowingTagUnits> = map_parallel(self.tag_units.len(), cancel, |at| {
            self.growing_units_of(&self.tag_units[at], &evidence, &alone)
        })?;
        let uncertainties: Vec<Uncertainty> =
            map_parallel(evidence.len(), cancel, |unit| self.uncertainty(unit, &evidence, &growing, lost_ratio))?;
        let (mut allocating, mut freed_only) = (Vec::new(), Vec::new());
        for (index, (evidence, uncertainty)) in evidence.into_iter().zip(uncertainties).enumerate() {
            match (evidence.allocated.count, evidence.freed.count) {
                (0, 0) => {}
                (0, _) => freed_only.push((index, evidence)),
                _ => allocating.push((index, evidence, uncertainty)),
            }
        }
        let units = allocating.into_par_iter().map(|(index, evidence, uncertainty)| {
            let classification = classify(&evidence, &self.range, &uncertainty);
            AnalyzedUnit { index, evidence, uncertainty, classification }
        });
        Ok(AnalyzedUnits { units: units.collect(), freed_only })
    }

    /// Allocations of all other units before and after the unit's allocations ended.
    pub fn other_allocations(&self, evidence: &Evidence) -> OtherAllocations {
        let times = &self.trace.allocations.alloc_time;
        let allocated_until = |time: i64| times.partition_point(|t| t.0 <= time);
        let TimeRange { from, to } = self.range.active;
        let until_end_of_unit = allocated_until(evidence.activity.last);
        let before = until_end_of_unit.saturating_sub(allocated_until(from.0)) as u64;
        OtherAllocations {
            // All allocations of the unit itself are before its end.
            before: before.saturating_sub(evidence.allocated.count),
            after: allocated_until(to.0).saturating_sub(until_end_of_unit) as u64,
        }
    }

    /// The units of a tag whose growth replaced preexisting allocations may explain, together. `alone`: the verdict about each unit
    /// by itself.
    fn growing_units_of(&self, tag: &TagUnits, evidence: &[Evidence], alone: &[Verdict]) -> GrowingTagUnits {
        let mut growing = GrowingTagUnits::default();
        if tag.preexisting_free_ages.is_empty() {
            return growing;
        }
        let grows_alone =
            |unit: &usize| matches!(alone.get(*unit), Some(Verdict::Leak | Verdict::Growing | Verdict::InFlight));
        growing.units = tag.units.iter().copied().filter(grows_alone).collect();
        let of_tag = tag.units.iter().filter_map(|unit| evidence.get(*unit));
        growing.usual_lifetimes = of_tag.map(|evidence| evidence.older_than_usual.usual_lifetime).collect();
        growing.usual_lifetimes.sort_unstable();
        growing.usual_lifetimes.dedup();
        growing.longer = growing.count_longer(self);
        for evidence in growing.units.iter().filter_map(|unit| evidence.get(*unit)) {
            growing.outstanding += evidence.outstanding.count;
            growing.age_histogram.iter_mut().zip(&evidence.age_histogram).for_each(|(sum, count)| *sum += count);
        }
        growing
    }

    /// Causes other than growth that leave allocations of a unit outstanding. The unit of a preexisting allocation is not known: such
    /// allocations are divided among the units whose growth they may explain, in proportion to the late frees of each plus, with the
    /// weight of one late free in all, to its outstanding allocations.
    fn uncertainty(
        &self,
        unit: usize,
        evidence: &[Evidence],
        growing: &[GrowingTagUnits],
        lost_ratio: f64,
    ) -> Uncertainty {
        let at = self.tag_units_of.get(unit).map_or(0, |at| *at as usize);
        let Some(((evidence, tag), growing)) = evidence.get(unit).zip(self.tag_units.get(at)).zip(growing.get(at))
        else {
            return Uncertainty::default();
        };
        let lost_frees = lost_ratio * evidence.freed.count as f64;
        let other_allocations = self.other_allocations(evidence);
        let ages = &tag.preexisting_free_ages;
        if ages.is_empty() {
            return Uncertainty { lost_frees, other_allocations, ..Uncertainty::default() };
        }
        let usual_lifetime = evidence.older_than_usual.usual_lifetime;
        let own_older = count_older_than(&evidence.age_histogram, usual_lifetime, &self.range);
        let own_late = evidence.older_than_usual.late_frees as f64;
        let mut all_older = count_older_than(&growing.age_histogram, usual_lifetime, &self.range);
        let mut all_late = growing.late_frees(usual_lifetime) as f64;
        let mut all_outstanding = growing.outstanding;
        if growing.units.binary_search(&unit).is_err() {
            all_older += own_older;
            all_late += own_late;
            all_outstanding += evidence.outstanding.count;
        }
        // A free whose allocation was lost looks like the free of a preexisting allocation.
        let by_lost_allocations = lost_ratio * tag.frees as f64;
        let freed_later = (ages.len() - ages.partition_point(|age| *age <= usual_lifetime)) as f64;
        let freed_later = (freed_later - by_lost_allocations).max(0.0);
        let replaced = freed_later * (own_late + own_older / all_older.max(1.0)) / (all_late + 1.0);
        let outstanding_share = evidence.outstanding.count as f64 / all_outstanding.max(1) as f64;
        Uncertainty {
            replaced,
            replaced_max: replaced.max(freed_later.min(own_older)),
            replaced_any_age: (ages.len() as f64 - by_lost_allocations).max(0.0) * outstanding_share,
            lost_frees,
            other_allocations,
        }
    }

    /// Lost frees for each recorded free: the maximum of what the header says, what pairing found missing (only frees of addresses
    /// that were used again) and, if events are known to be lost, the median over the tags of outstanding allocations older than
    /// usual for each free.
    fn lost_frees_per_free(&self, evidence: &[Evidence]) -> f64 {
        let trace = self.trace;
        let flags = &trace.allocations.flags;
        let implied = flags.par_chunks(CHUNK_ROWS).map(|flags| {
            let is_implied = |flags: &&u8| **flags & flag::IMPLIED_FREE != 0;
            if (self.cancel)() { 0 } else { flags.iter().filter(is_implied).count() }
        });
        let implied = implied.sum::<usize>() as f64;
        let frees = trace.statistics.pool_frees.max(1) as f64;
        let lost = trace.diagnostics.count(DiagnosticKind::EventsLost) as f64;
        let lost_share = lost / (lost + trace.statistics.records as f64).max(1.0);
        let known = (implied / frees).max(lost_share);
        if known == 0.0 {
            return 0.0;
        }
        let older_per_free = |tag: &TagUnits| {
            let sum = |part: fn(&Evidence) -> u64| -> u64 {
                tag.units.iter().filter_map(|unit| evidence.get(*unit)).map(part).sum()
            };
            let freed = sum(|evidence| evidence.freed.count);
            let older = sum(|evidence| evidence.older_than_usual.allocations.count);
            (freed >= MIN_EVENTS_FOR_SHARE).then(|| older as f64 / freed as f64)
        };
        let mut ratios: Vec<f64> = self.tag_units.iter().filter_map(older_per_free).collect();
        if ratios.len() < MIN_TAGS_FOR_LOSS {
            return known;
        }
        ratios.sort_unstable_by(f64::total_cmp);
        known.max(ratios.get(ratios.len() / 2).copied().unwrap_or(0.0))
    }

    /// Rows of a unit that were allocated in the active range and are outstanding at its end, with their figures.
    pub fn outstanding_rows(&self, unit: usize) -> impl Iterator<Item = RowFigure> + '_ {
        let TimeRange { from, to } = self.range.active;
        let rows = until_cancelled(self.units.unfreed_rows(unit), self.cancel);
        let is_outstanding = move |figure: &RowFigure| figure.alloc >= from && figure.alloc <= to && figure.free > to;
        rows.filter(is_outstanding)
    }

    /// Id of the value of a row in a key column.
    pub fn value_id(&self, column: &KeyColumn, row: usize) -> u32 {
        let table = &self.trace.allocations;
        let of = |ids: &[u32], at: usize| ids.get(at).copied().unwrap_or(0);
        match &column.source {
            KeySource::Attributes(ids) => {
                table.alloc_attributes.get(row).map_or(0, |attributes| of(ids, attributes.index()))
            }
            KeySource::AllocStack(ids) => table.alloc_stack.get(row).map_or(0, |stack| of(ids, stack.index())),
            _ => 0,
        }
    }

    /// Text of the value of a row in a key column.
    pub fn value_text(&self, column: &KeyColumn, row: usize) -> String {
        column.text(self.value_id(column, row)).into_owned()
    }

    pub fn is_paged(&self, unit: usize) -> bool {
        self.value_id(&self.paged, self.units.sample_row(unit)) == 1
    }

    /// Key of the tag and pool of a unit.
    pub fn tag_pool_key(&self, unit: usize) -> u64 {
        self.with_pool(unit, self.value_id(&self.tag, self.units.sample_row(unit)))
    }

    /// Key of the suspect that a unit is part of.
    pub fn suspect_key(&self, unit: usize, grouping: SuspectGrouping) -> u64 {
        let row = self.units.sample_row(unit);
        match grouping {
            SuspectGrouping::Tag => self.tag_pool_key(unit),
            SuspectGrouping::Stack => unit as u64,
            SuspectGrouping::Driver => self.with_pool(unit, self.value_id(&self.driver, row)),
            SuspectGrouping::Process => self.with_pool(unit, allocating_process(self.trace, row).0),
        }
    }

    fn with_pool(&self, unit: usize, id: u32) -> u64 {
        u64::from(id) << 1 | u64::from(self.is_paged(unit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::parallel::not_cancelled;
    use crate::group::test_util::{names, random_blocks};
    use crate::leaks::{AnalysisRequest, SuspectGrouping, WarmUp};
    use crate::trace::time::Ticks;

    fn range(names: &ColumnValues) -> AnalysisRange {
        let visible_range = TimeRange { from: Ticks(1_000), to: Ticks(9_000) };
        let request = AnalysisRequest { visible_range, grouping: SuspectGrouping::Tag, warm_up: WarmUp::Automatic };
        request.analysis_range(names.generations())
    }

    #[test]
    fn facts_are_those_of_the_rows_of_each_unit() {
        for (seed, keys) in [&[Key::Tag, Key::Stack][..], &[Key::Tag, Key::Process], &[Key::Paged]].iter().enumerate() {
            let mut blocks = random_blocks(seed as u64 + 30, 3_000);
            blocks.iter_mut().step_by(7).for_each(|block| block.flags = flag::IMPLIED_FREE);
            let names = names(&blocks);
            let range = range(&names);
            let mut units = Units::new(&names, keys, &not_cancelled).unwrap();
            let facts = UnitFacts::of_units(&units, &range, &not_cancelled).unwrap();
            units.set_unfreed(facts.iter().map(|facts| facts.unfreed.as_slice()));
            let (table, TimeRange { from, to }) = (&names.trace().allocations, range.active);
            let mut rows_of_all = Vec::new();
            for (unit, facts) in facts.iter().enumerate() {
                let rows: Vec<usize> = units.figures(unit).map(|figure| figure.row).collect();
                assert!(rows.is_sorted() && rows.contains(&units.sample_row(unit)));
                assert!(units.figures(unit).all(|figure| figure == RowFigure::of(table, figure.row)));
                let count = |is_counted: &dyn Fn(Ticks, Ticks, usize) -> bool| {
                    let is_counted =
                        |row: &&usize| is_counted(table.alloc_time.at(**row), table.free_time[**row], **row);
                    rows.iter().filter(is_counted).count() as u64
                };
                let unfreed: Vec<usize> = rows.iter().copied().filter(|row| table.free_time[*row] > to).collect();
                assert_eq!(units.unfreed_rows(unit).map(|figure| figure.row).collect::<Vec<_>>(), unfreed);
                assert_eq!(facts.frees, count(&|_, free, _| free >= range.warm_up_end && free <= to));
                let preexisting = count(&|alloc, free, _| alloc < from && free >= range.warm_up_end && free <= to);
                assert_eq!(facts.preexisting_free_ages.len() as u64, preexisting);
                let freed = count(&|alloc, free, _| alloc >= from && alloc <= to && free <= to);
                let outstanding = count(&|alloc, free, _| alloc >= from && alloc <= to && free > to);
                assert_eq!(facts.outcome, UnitOutcome::of_counts(freed, outstanding));
                // Late frees are the lifetimes longer than the usual one.
                let usual = facts.evidence.older_than_usual.usual_lifetime;
                let late = |alloc: Ticks, free: Ticks, row: usize| {
                    alloc >= from && free <= to && table.flags[row] & flag::IMPLIED == 0 && free.0 - alloc.0 > usual
                };
                assert_eq!(facts.evidence.older_than_usual.late_frees, count(&late));
                rows_of_all.extend(rows);
            }
            let input = AnalysisInput::new(&names, (&units, &facts), range, &not_cancelled).unwrap();
            let figures = input.figures_of(0..units.len());
            assert!(figures.iter().map(|figure| figure.row).eq(0..table.len()));
            rows_of_all.sort_unstable();
            assert!(rows_of_all.into_iter().eq(0..table.len()));
        }
    }

    #[test]
    fn longer_lifetimes_are_counted_for_each_usual_lifetime() {
        let names = names(&random_blocks(9, 2_000));
        let range = range(&names);
        let units = Units::new(&names, &[Key::Tag, Key::Stack], &not_cancelled).unwrap();
        let facts = UnitFacts::of_units(&units, &range, &not_cancelled).unwrap();
        let input = AnalysisInput::new(&names, (&units, &facts), range, &not_cancelled).unwrap();
        let growing = GrowingTagUnits {
            units: (0..units.len()).step_by(2).collect(),
            usual_lifetimes: vec![-1, 0, 300, 301, 2_500, 9_000],
            ..GrowingTagUnits::default()
        };
        let lifetimes: Vec<i64> = growing
            .units
            .iter()
            .flat_map(|unit| units.figures(*unit))
            .filter_map(|figure| figure.lifetime(range.active))
            .collect();
        let longer = |usual: &i64| lifetimes.iter().filter(|lifetime| *lifetime > usual).count() as u64;
        assert_eq!(growing.count_longer(&input), growing.usual_lifetimes.iter().map(longer).collect::<Vec<_>>());
        assert!(lifetimes.len() > 100);
    }
}
