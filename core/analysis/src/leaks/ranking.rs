//! From units to suspects: runs the analysis, combines classified units into the suspects that are asked for, and ranks them.

use super::attribution::{Attribution, add_attribution};
use super::capacity;
use super::classification::{Borderline, Classification, Uncertainty, classify};
use super::data_quality::DataQuality;
use super::evidence::{AnalysisRange, Evidence, EvidenceScratch, collect_evidence};
use super::findings::{Finding, SuspectUnits, detect};
use super::input::{AnalysisInput, AnalyzedUnit, AnalyzedUnits, UnitFacts};
use super::limits::{
    MAX_IDLE_END, MAX_RECORDED_SHARE, MIN_COUNTED_EVENTS, MIN_OUTSTANDING, MIN_OUTSTANDING_ALONE, MIN_RECORDED_SHARE,
    MIN_SPREAD_UNITS, STOPPED_MANY, STOPPED_RANK_FEW, STOPPED_RANK_MANY,
};
use super::reason::{Reason, add_shares_of_pool_growth, borderline_reason, reasons};
use super::reconcile::Reconciliation;
use super::suspect::{LeakAnalysis, PoolGrowth, Suspect};
use super::units::{PROCESS_UNIT_KEYS, RowFigure, Units};
use super::verdict::Verdict;
use super::{AnalysisRequest, SuspectGrouping};
use crate::group::aggregate::Total;
use crate::group::column_values::ColumnValues;
use crate::group::key::Key;
use crate::group::parallel::{CHUNK_ROWS, Cancel, Cancelled, until_cancelled};
use crate::trace::Trace;
use crate::trace::attributes::Tag;
use crate::trace::growth::{GrowthScale, GrowthSum};
use crate::trace::ids::StackId;
use crate::trace::time::{Ticks, TimeRange};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

/// Analyzes a trace.
///
/// # Errors
/// [`Cancelled`] if `cancel` returns `true`.
pub fn analyze(names: &ColumnValues, request: AnalysisRequest, cancel: Cancel<'_>) -> Result<LeakAnalysis, Cancelled> {
    let trace = names.trace();
    let visible = request.visible_range;
    let analyzed = trace.recorded.analyzed(visible);
    let range = AnalysisRequest { visible_range: analyzed, ..request }.analysis_range(names.generations());
    let range = without_idle_end(range, trace, cancel);
    let from = visible.from.max(trace.extent.from);
    let data_quality = if trace.has_times() {
        DataQuality::assess(trace, TimeRange { from, ..analyzed }, cancel)?
    } else {
        DataQuality::default()
    };
    let keys: &[Key] = match request.grouping {
        SuspectGrouping::Stack => &[Key::Tag, Key::Paged, Key::Stack],
        SuspectGrouping::Tag | SuspectGrouping::Driver => &[Key::Tag, Key::Paged, Key::Function],
        SuspectGrouping::Process => PROCESS_UNIT_KEYS,
    };
    let mut units = Units::new(names, keys, cancel)?;
    let facts = UnitFacts::of_units(&units, &range, cancel)?;
    units.set_unfreed(facts.iter().map(|facts| facts.unfreed.as_slice()));
    let input = AnalysisInput::new(names, (&units, &facts), range, cancel)?;
    let (evidence, outcomes) = facts.into_iter().map(|facts| (facts.evidence, facts.outcome)).unzip();
    let Groups { groups, unattributed } = group_units(&input, input.analyze_units(evidence, cancel)?, request.grouping);
    let built = groups
        .into_par_iter()
        .map(|group| if cancel() { Err(Cancelled) } else { Ok(build_suspect(&input, names, group)) });
    let built: Vec<BuiltSuspect> = built.collect::<Result<_, Cancelled>>()?;
    let classifications: Vec<Classification> = built.iter().map(|built| built.classification).collect();
    let (mut suspects, units_of): (Vec<Suspect>, Vec<Vec<usize>>) =
        built.into_iter().map(|built| (built.suspect, built.units)).unzip();
    for suspect in &mut suspects {
        let reconciliation = data_quality.reconciliation.as_ref();
        suspect.loss_correction = loss_correction(suspect.tag.as_deref(), suspect.is_paged, reconciliation);
        suspect.growth_bytes_per_s *= suspect.loss_correction;
    }
    let pools = [false, true]
        .map(|paged| pool_growth((names, cancel), (&suspects, &unattributed), paged, &range, &data_quality));
    add_shares_of_pool_growth(&mut suspects, &pools);
    add_attribution(&mut suspects, &units_of, (names, &units), (analyzed, request.grouping), cancel)?;
    let cases: Vec<SuspectUnits<'_>> =
        suspects.iter().zip(&units_of).map(|(suspect, units)| SuspectUnits { suspect, units }).collect();
    let findings = detect(names, (&units, outcomes), &cases, analyzed, cancel)?;
    for (suspect, findings) in suspects.iter_mut().zip(findings) {
        suspect.confidence *= data_quality.confidence_factor();
        suspect.reasons.extend(findings.into_iter().map(Reason::Finding));
    }
    if trace.has_times() {
        assign_scores(&mut suspects, &classifications, data_quality.confidence_factor());
    } else {
        suspects.iter_mut().for_each(without_times);
        score_outstanding(&mut suspects);
    }
    sort(&mut suspects);
    // Loops that were cut short leave figures of no use.
    if cancel() {
        return Err(Cancelled);
    }
    Ok(LeakAnalysis {
        request,
        range,
        seconds: range.seconds_after_warm_up(&trace.clock),
        has_times: trace.has_times(),
        is_complete_recording: !trace.recorded.is_partial(),
        dropped_keys: units.dropped_keys().to_vec(),
        suspects,
        pools,
        data_quality,
    })
}

/// Reduces a suspect of a log without times to what it shows: what is outstanding at its end.
fn without_times(suspect: &mut Suspect) {
    suspect.verdict = if suspect.evidence.outstanding.count > 0 { Verdict::Outstanding } else { Verdict::Churn };
    (suspect.confidence, suspect.growth_bytes_per_s) = (1.0, 0.0);
    suspect.reasons.clear();
    // A log names no processes.
    suspect.attribution.processes.clear();
    suspect.attribution.process = None;
    let outstanding = suspect.evidence.outstanding;
    if outstanding.bytes == 0 && outstanding.count > 0 {
        // Sizes are not known: shares are of the number of allocations.
        let share = |count: u64| count as f64 / outstanding.count as f64;
        suspect.attribution.drivers.iter_mut().for_each(|driver| driver.share = share(driver.allocations.count));
        let own = suspect.attribution.drivers.iter().find(|driver| driver.driver == suspect.driver);
        suspect.driver_share = own.map_or(0.0, |driver| driver.share);
    }
}

/// Scores of suspects by their share of what is outstanding: of the bytes, or of the number where sizes are not known.
fn score_outstanding(suspects: &mut [Suspect]) {
    let sum = |figure: fn(&Total) -> u64| -> f64 {
        suspects.iter().map(|suspect| figure(&suspect.evidence.outstanding) as f64).sum()
    };
    let (bytes, count) = (sum(|total| total.bytes), sum(|total| total.count));
    for suspect in suspects {
        let outstanding = suspect.evidence.outstanding;
        let share =
            if bytes > 0.0 { outstanding.bytes as f64 / bytes } else { outstanding.count as f64 / count.max(1.0) };
        suspect.score = 100.0 * share;
    }
}

/// Cuts off a short end of the range without any pool event: the recorder runs longer than what it records, and an end of
/// everything at once says nothing about a tag.
fn without_idle_end(range: AnalysisRange, trace: &Trace, cancel: Cancel<'_>) -> AnalysisRange {
    let (table, TimeRange { from, to }) = (&trace.allocations, range.active);
    let is_inside = |time: &Ticks| *time >= from && *time <= to;
    let last_alloc = table.alloc_time.get(table.rows_allocated_by(to).wrapping_sub(1)).filter(is_inside);
    let chunks = table.free_time.par_chunks(CHUNK_ROWS).filter(|_| !cancel());
    let last_free = chunks.filter_map(|times| times.iter().copied().filter(is_inside).max()).max();
    let last_event = last_alloc.max(last_free).unwrap_or(to);
    let idle = to.0.saturating_sub(last_event.0) as f64;
    let is_short = idle <= MAX_IDLE_END * range.ticks_after_warm_up() as f64;
    if is_short && last_event > range.warm_up_end {
        AnalysisRange { active: TimeRange { from, to: last_event }, ..range }
    } else {
        range
    }
}

/// The units of one suspect.
#[derive(Default)]
struct UnitGroup {
    units: Vec<AnalyzedUnit>,
    /// Evidence of units in which nothing was allocated: frees of preexisting allocations, whose stacks are not known. They belong
    /// to the suspect of their tag.
    preexisting_frees: Vec<Evidence>,
}

/// Units by suspect.
struct Groups {
    groups: Vec<UnitGroup>,
    /// Frees of preexisting allocations that belong to no suspect; true for paged pool.
    unattributed: Vec<(bool, Evidence)>,
}

/// Combines units by suspect, in the order of the first unit of each.
fn group_units(input: &AnalysisInput<'_>, analyzed: AnalyzedUnits, grouping: SuspectGrouping) -> Groups {
    let mut groups: Vec<UnitGroup> = Vec::new();
    let mut index_of: FxHashMap<u64, usize> = FxHashMap::default();
    for unit in analyzed.units {
        let at = *index_of.entry(input.suspect_key(unit.index, grouping)).or_insert_with(|| {
            groups.push(UnitGroup::default());
            groups.len() - 1
        });
        groups[at].units.push(unit);
    }
    let mut unattributed: Vec<(bool, Evidence)> = Vec::new();
    for (unit, evidence) in analyzed.freed_only {
        match index_of.get(&input.suspect_key(unit, grouping)) {
            Some(at) => groups[*at].preexisting_frees.push(evidence),
            None => unattributed.push((input.is_paged(unit), evidence)),
        }
    }
    Groups { groups, unattributed }
}

/// Growth of one pool. `unattributed`: frees that belong to no suspect.
fn pool_growth(
    (names, cancel): (&ColumnValues, Cancel<'_>),
    (suspects, unattributed): (&[Suspect], &[(bool, Evidence)]),
    is_paged: bool,
    range: &AnalysisRange,
    data_quality: &DataQuality,
) -> PoolGrowth {
    let trace = names.trace();
    let of_pool = || suspects.iter().filter(|suspect| suspect.is_paged == is_paged);
    let unattributed = unattributed.iter().filter(|frees| frees.0 == is_paged);
    let unattributed: f64 = unattributed.map(|(_, evidence)| evidence.growth_bytes_per_s(range, &trace.clock)).sum();
    let growth = |verdict| of_pool().filter(|s| s.verdict == verdict).map(|s| s.growth_bytes_per_s).sum();
    let reconciliation = data_quality.reconciliation.as_ref();
    PoolGrowth {
        net_growth_bytes_per_s: of_pool().map(|s| s.growth_bytes_per_s).sum::<f64>() + unattributed,
        leak_bytes_per_s: growth(Verdict::Leak),
        growing_bytes_per_s: growth(Verdict::Growing),
        unattributed_bytes_per_s: unattributed,
        start_bytes: reconciliation.and_then(|r| r.pool_bytes_at(trace, is_paged, range.active.from, cancel)),
        limit_bytes: capacity::limit_bytes(&trace.summary, is_paged),
    }
}

/// Factor by which the recorded growth of a tag is scaled up for lost events, by the pool's counters.
fn loss_correction(tag: Option<&str>, paged: bool, reconciliation: Option<&Reconciliation>) -> f64 {
    let Some(reconciliation) = reconciliation.filter(|r| r.is_compared()) else { return 1.0 };
    let share_of_tag = tag.and_then(Tag::from_text).and_then(|tag| {
        let rows = reconciliation.tags.iter().filter(|row| row.tag == tag && row.is_paged == paged && row.is_counted);
        let (counted, recorded) =
            rows.fold((0, 0), |sum, row| (sum.0 + row.counted_events(), sum.1 + row.recorded_events()));
        (counted >= MIN_COUNTED_EVENTS).then(|| recorded as f64 / counted as f64)
    });
    let recorded_share = share_of_tag.unwrap_or(reconciliation.recorded_share).clamp(0.0, 1.0);
    if (MIN_RECORDED_SHARE..MAX_RECORDED_SHARE).contains(&recorded_share) { 1.0 / recorded_share } else { 1.0 }
}

/// A suspect, the indices of its units and the classification that it has its verdict from.
struct BuiltSuspect {
    suspect: Suspect,
    units: Vec<usize>,
    classification: Classification,
}

/// Builds a suspect from its units.
fn build_suspect(input: &AnalysisInput<'_>, names: &ColumnValues, group: UnitGroup) -> BuiltSuspect {
    let UnitGroup { mut units, preexisting_frees } = group;
    let clock = &input.trace.clock;
    sort_units(input, &mut units);
    let mut evidence = units[0].evidence.clone();
    units.iter().skip(1).for_each(|unit| evidence.merge(&unit.evidence));
    preexisting_frees.iter().for_each(|freed| evidence.merge_freed(freed));
    if units.len() > 1 || !preexisting_frees.is_empty() {
        evidence.update_curve_statistics(&input.range);
    }
    let (classification, basis) = classify_suspect(input, &units);
    let main = units[0].index;
    let row = input.units.sample_row(main);
    let driver = input.value_id(&input.driver, row);
    let of_driver =
        units.iter().filter(|unit| input.value_id(&input.driver, input.units.sample_row(unit.index)) == driver);
    let driver_bytes: u64 = of_driver.map(|unit| unit.evidence.outstanding.bytes).fold(0, u64::saturating_add);
    let has_one_tag = units.iter().all(|unit| input.tag_pool_key(unit.index) == input.tag_pool_key(main));
    let (stack, stack_share) = top_stack(input, main, evidence.outstanding.bytes);
    let mut suspect = Suspect {
        tag: has_one_tag.then(|| input.value_text(&input.tag, row)),
        is_paged: input.value_id(&input.paged, row) == 1,
        is_pool_known: input.value_id(&input.paged, row) < 2,
        driver: input.value_text(&input.driver, row),
        is_driver_known: names.responsible_module(input.trace.allocations.alloc_stack[row]).is_some(),
        function: input.value_text(&input.function, row),
        stack,
        verdict: classification.verdict,
        confidence: classification.confidence,
        score: 0.0,
        has_growth: input.trace.has_times(),
        growth_bytes_per_s: evidence.growth_bytes_per_s(&input.range, clock),
        loss_correction: 1.0,
        driver_share: driver_bytes as f64 / evidence.outstanding.bytes.max(1) as f64,
        stack_share,
        outstanding_by_generation: outstanding_by_generation(input, names, &units),
        attribution: Attribution::default(),
        reasons: Vec::new(),
        evidence,
    };
    suspect.reasons = reasons(&suspect, &basis, &input.range, clock);
    if classification.verdict == Verdict::Stopped {
        suspect.reasons.push(growth_before_stop(input, &units, &basis));
    }
    if !classification.verdict.is_growing() {
        suspect.reasons.extend(classification.borderline.map(borderline_reason));
    }
    BuiltSuspect { suspect, units: units.iter().map(|unit| unit.index).collect(), classification }
}

/// Sorts units by severity, then by growth weighted by confidence.
fn sort_units(input: &AnalysisInput<'_>, units: &mut [AnalyzedUnit]) {
    let growth = |unit: &AnalyzedUnit| {
        unit.evidence.growth_bytes_per_s(&input.range, &input.trace.clock) * unit.classification.confidence
    };
    units.sort_by(|a, b| {
        let order = a.classification.verdict.cmp(&b.classification.verdict);
        let order = order.then_with(|| growth(b).total_cmp(&growth(a)));
        order.then_with(|| b.evidence.outstanding.bytes.cmp(&a.evidence.outstanding.bytes)).then(a.index.cmp(&b.index))
    });
}

/// Classifies a suspect by its units, the most severe first, with the evidence that the verdict is based on: that of all units with
/// the most severe verdict if they grow, otherwise that of all units together.
fn classify_suspect(input: &AnalysisInput<'_>, units: &[AnalyzedUnit]) -> (Classification, Evidence) {
    let worst = &units[0];
    let by_worst = || {
        let mut basis = worst.evidence.clone();
        let alike = units.iter().skip(1);
        let mut alike = alike.filter(|unit| unit.classification.verdict == worst.classification.verdict).peekable();
        if alike.peek().is_some() {
            alike.for_each(|unit| basis.merge(&unit.evidence));
            basis.update_curve_statistics(&input.range);
        }
        (worst.classification, basis)
    };
    match worst.classification.verdict {
        Verdict::Leak => by_worst(),
        // A leak may be spread over many functions, of which a few have enough outstanding allocations for their own verdict.
        Verdict::Growing | Verdict::Stopped => match classify_thin_units(input, units) {
            Ok(all) if all.0.verdict == Verdict::Leak => all,
            _ => by_worst(),
        },
        _ => classify_thin_units(input, units).unwrap_or_else(|combined| {
            let borderlines = units.iter().filter_map(|unit| unit.classification.borderline).chain(combined);
            let borderline =
                borderlines.reduce(|best, other| if other.closeness > best.closeness { other } else { best });
            (Classification { borderline, ..worst.classification }, worst.evidence.clone())
        }),
    }
}

/// Time and rate of the growth of a suspect whose load ended.
fn growth_before_stop(input: &AnalysisInput<'_>, units: &[AnalyzedUnit], basis: &Evidence) -> Reason {
    let clock = &input.trace.clock;
    let (from, to) = (Ticks(basis.older_than_usual.first_birth), Ticks(basis.older_than_usual.last_birth));
    let scale = GrowthScale::new(TimeRange { from, to });
    let mut sum = GrowthSum::default();
    for figure in units.iter().flat_map(|unit| input.figures(unit.index)) {
        sum.add(scale.weigh(figure.alloc, figure.free, figure.size));
    }
    let bytes_per_s = scale.bytes_per_s(sum, clock);
    Reason::GrewUntil { from_s: clock.seconds(from), until_s: clock.seconds(to), bytes_per_s }
}

/// Classifies the units with too few outstanding allocations for a verdict of their own as one, since a leak may be spread over many
/// functions.
///
/// The combined verdict may be a leak where there are enough units and none of them stopped growing by itself. Otherwise their
/// trends differ, and the verdict is at most growing.
///
/// # Errors
/// The closest borderline, where they do not grow together.
fn classify_thin_units(
    input: &AnalysisInput<'_>,
    units: &[AnalyzedUnit],
) -> Result<(Classification, Evidence), Option<Borderline>> {
    let outstanding = |unit: &AnalyzedUnit| unit.evidence.outstanding.count;
    let is_growing = |(classification, _): &(Classification, Evidence)| classification.verdict.is_growing();
    let fewest: Vec<&AnalyzedUnit> =
        units.iter().filter(|unit| (1..MIN_OUTSTANDING).contains(&outstanding(unit))).collect();
    let of_fewest = classify_combined(input, &fewest);
    if of_fewest.as_ref().is_some_and(is_growing) {
        return of_fewest.ok_or(None);
    }
    let has_stopped = |unit: &&AnalyzedUnit| {
        matches!(unit.classification.verdict, Verdict::Stopped | Verdict::Burst | Verdict::Bounded)
    };
    let is_thin = |unit: &&AnalyzedUnit| {
        outstanding(unit) > 0 && (outstanding(unit) < MIN_OUTSTANDING_ALONE || !unit.classification.is_by_age)
    };
    let thin: Vec<&AnalyzedUnit> = units.iter().filter(is_thin).collect();
    let is_spread = thin.len() >= MIN_SPREAD_UNITS;
    let have_different_trends =
        !is_spread || thin.iter().any(|unit| outstanding(unit) >= MIN_OUTSTANDING && has_stopped(unit));
    // The units with the fewest are thin, too, and often all that are.
    let combined = if thin.len() == fewest.len() { of_fewest } else { classify_combined(input, &thin) };
    match combined {
        Some(combined) if is_growing(&combined) && !have_different_trends => Ok(combined),
        Some(combined) if is_growing(&combined) => {
            Ok((Classification { verdict: Verdict::Growing, ..combined.0 }, combined.1))
        }
        Some((classification, _)) => Err(classification.borderline),
        None => Err(None),
    }
}

const _: () = assert!(MIN_OUTSTANDING <= MIN_OUTSTANDING_ALONE);

/// Classifies several units as one; `None` for fewer than two.
fn classify_combined(input: &AnalysisInput<'_>, units: &[&AnalyzedUnit]) -> Option<(Classification, Evidence)> {
    if units.len() < 2 {
        return None;
    }
    let figures = input.figures_of(units.iter().map(|unit| unit.index));
    let figures = until_cancelled(figures.iter().copied(), input.cancel);
    let evidence = collect_evidence(figures, &input.range, &mut EvidenceScratch::default());
    let sum = |part: fn(&Uncertainty) -> f64| units.iter().map(|unit| part(&unit.uncertainty)).sum();
    let uncertainty = Uncertainty {
        replaced: sum(|uncertainty| uncertainty.replaced),
        replaced_max: sum(|uncertainty| uncertainty.replaced_max),
        replaced_any_age: sum(|uncertainty| uncertainty.replaced_any_age),
        lost_frees: sum(|uncertainty| uncertainty.lost_frees),
        other_allocations: input.other_allocations(&evidence),
    };
    Some((classify(&evidence, &input.range, &uncertainty), evidence))
}

/// Outstanding allocations by the generation of their birth.
fn outstanding_by_generation(input: &AnalysisInput<'_>, names: &ColumnValues, units: &[AnalyzedUnit]) -> Vec<Total> {
    let generations = names.generations();
    let mut totals = vec![Total::default(); generations.count() as usize];
    for figure in units.iter().flat_map(|unit| input.outstanding_rows(unit.index)) {
        if let Some(total) = totals.get_mut(generations.of(figure.alloc) as usize) {
            total.add(figure.size);
        }
    }
    totals
}

/// The stack with most of the outstanding bytes of a unit, and its share of `all_bytes`; allocations without a stack do not count.
fn top_stack(input: &AnalysisInput<'_>, unit: usize, all_bytes: u64) -> (StackId, f64) {
    let table = &input.trace.allocations;
    // Bytes and the first row, which decides between equal stacks.
    let mut bytes_of: FxHashMap<StackId, (u64, usize)> = FxHashMap::default();
    // The latest allocations, which have one stack: neighbors often do.
    let mut run: Option<(StackId, (u64, usize))> = None;
    let mut end_run = |run: Option<(StackId, (u64, usize))>| {
        if let Some((stack, (bytes, row))) = run.filter(|(stack, _)| *stack != StackId::EMPTY) {
            let sum = &mut bytes_of.entry(stack).or_insert((0, row)).0;
            *sum = sum.saturating_add(bytes);
        }
    };
    for RowFigure { row, size, .. } in input.outstanding_rows(unit) {
        match &mut run {
            Some((stack, (bytes, _))) if *stack == table.alloc_stack[row] => *bytes = bytes.saturating_add(size),
            _ => end_run(run.replace((table.alloc_stack[row], (size, row)))),
        }
    }
    end_run(run);
    let top = bytes_of.into_iter().max_by_key(|(_, (bytes, row))| (*bytes, std::cmp::Reverse(*row)));
    top.map_or((StackId::EMPTY, 0.0), |(stack, (bytes, _))| (stack, bytes as f64 / all_bytes.max(1) as f64))
}

/// Sets [`Suspect::score`]. `classifications`: of each suspect, before `confidence_factor` was applied.
fn assign_scores(suspects: &mut [Suspect], classifications: &[Classification], confidence_factor: f64) {
    let leaks = suspects.iter().filter(|suspect| suspect.verdict == Verdict::Leak);
    let leak_growth = leaks.map(|suspect| suspect.growth_bytes_per_s.max(0.0)).sum::<f64>();
    for (suspect, classification) in suspects.iter_mut().zip(classifications) {
        suspect.score = match (suspect.verdict, classification.is_by_age) {
            (Verdict::Leak, _) => {
                let share = if leak_growth > 0.0 { suspect.growth_bytes_per_s.max(0.0) / leak_growth } else { 0.0 };
                60.0 + 40.0 * share * suspect.confidence
            }
            (Verdict::Growing, true) => 40.0 + 20.0 * suspect.confidence,
            (Verdict::Stopped, _) => {
                let size = (suspect.evidence.older_than_usual.allocations.count as f64 / STOPPED_MANY).min(1.0);
                let confidence = STOPPED_RANK_FEW + (STOPPED_RANK_MANY - STOPPED_RANK_FEW) * size;
                40.0 + 20.0 * confidence * confidence_factor
            }
            (Verdict::Growing, false) => 20.0 + 20.0 * suspect.confidence,
            _ => 20.0 * classification.borderline.map_or(0.0, |borderline| borderline.closeness) * confidence_factor,
        };
    }
}

/// Sorts suspects by score. Equal ones stay in the order of the rows, so that no name decides.
fn sort(suspects: &mut Vec<Suspect>) {
    suspects.sort_by(|a, b| {
        let order = b.score.total_cmp(&a.score).then_with(|| a.verdict.cmp(&b.verdict));
        let order = order.then_with(|| b.growth_bytes_per_s.total_cmp(&a.growth_bytes_per_s));
        order.then_with(|| b.evidence.outstanding.bytes.cmp(&a.evidence.outstanding.bytes))
    });
    group_lockstep_suspects(suspects);
}

/// Moves suspects that grow in lockstep up to the first of them, the one that never frees first: it is the one to look at. All
/// others keep their order, and so do verdicts and scores.
fn group_lockstep_suspects(suspects: &mut Vec<Suspect>) {
    let groups: Vec<Option<Vec<(String, bool)>>> = suspects.iter().map(lockstep_group).collect();
    if groups.iter().all(Option::is_none) {
        return;
    }
    let mut first_of: FxHashMap<&[(String, bool)], usize> = FxHashMap::default();
    for (at, group) in groups.iter().enumerate() {
        if let Some(group) = group {
            first_of.entry(group).or_insert(at);
        }
    }
    let sort_key = |at: usize| {
        let suspect = &suspects[at];
        let Some(group) = &groups[at] else { return (at, !suspect.verdict.is_growing(), 0, at) };
        let first_of_group = first_of.get(group.as_slice()).copied().unwrap_or(at);
        let own = suspect.tag.clone().map(|tag| (tag, suspect.is_paged));
        let place_in_group = own.and_then(|own| group.iter().position(|member| *member == own)).unwrap_or(0);
        // Within a group, suspects that no longer grow are last.
        (first_of_group, !suspect.verdict.is_growing(), place_in_group, at)
    };
    let mut order: Vec<(usize, bool, usize, usize)> = (0..suspects.len()).map(sort_key).collect();
    order.sort_unstable();
    let mut taken: Vec<Option<Suspect>> = suspects.drain(..).map(Some).collect();
    suspects.extend(order.into_iter().filter_map(|(.., at)| taken.get_mut(at).and_then(Option::take)));
}

/// The tags and pools that a suspect grows in lockstep with, including its own.
fn lockstep_group(suspect: &Suspect) -> Option<Vec<(String, bool)>> {
    suspect.reasons.iter().find_map(|reason| match reason {
        Reason::Finding(Finding::LockstepTags { members }) => {
            Some(members.iter().map(|member| (member.tag.clone(), member.is_paged)).collect())
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaks::reconcile::TagBalance;

    /// Counters of tag `Leak` in nonpaged pool, and how many of the counted allocations were recorded.
    fn counted(counted_allocs: u64, recorded_allocs: u64) -> Reconciliation {
        let balance = TagBalance {
            tag: Tag(*b"Leak"),
            is_paged: false,
            session: None,
            start_bytes: 0,
            stop_bytes: 0,
            is_counted: true,
            counted_allocs,
            counted_frees: 0,
            recorded_allocs,
            recorded_frees: 0,
            recorded_growth_bytes: 0,
        };
        Reconciliation { tags: vec![balance], recorded_share: 0.9, ..Reconciliation::default() }
    }

    #[test]
    fn growth_is_corrected_by_the_pool_counters() {
        let factor = |tag, counters: &Reconciliation| loss_correction(Some(tag), false, Some(counters));
        assert!((factor("Leak", &counted(1_000, 800)) - 1.25).abs() < 1e-9);
        assert!((factor("Else", &counted(1_000, 800)) - 1.0 / 0.9).abs() < 1e-9, "that of the whole pool");
        assert!((factor("Leak", &counted(50, 40)) - 1.0 / 0.9).abs() < 1e-9, "too few for a share of its own");
        assert_eq!(factor("Leak", &counted(1_000, 998)), 1.0, "next to nothing is missing");
        assert_eq!(factor("Leak", &counted(1_000, 300)), 1.0, "the rest is no sample");
        assert_eq!(loss_correction(Some("Leak"), false, None), 1.0, "there are no counters");
    }
}
