//! From units to suspects: what is asked for is put together from judged units, and ranked: leaks first, then what grows, and
//! within these by the bytes that it costs; then what comes nearest to growing.

use super::evidence::{Blocks, Evidence, Span, look};
use super::findings::{self, Case};
use super::judged::{Judgement, PoolGrowth, Suspect};
use super::limits::{LEAST_SURVIVORS, LONGEST_TAIL, THIN};
use super::reason::Reason;
use super::scene::{Scene, Unit};
use super::trust::{Trust, first_pool_event, trust};
use super::units::Units;
use super::verdict::{Doubt, Nearly, Ruling, Verdict, judge as rule};
use super::who::Who;
use super::{By, Request, arrange, capacity, reasons_of, units, who};
use crate::anomaly::AnomalyKind;
use crate::column::key::Key;
use crate::column::names::Names;
use crate::column::parallel::{Cancel, Cancelled};
use crate::trace::Trace;
use crate::trace::ids::StackId;
use crate::trace::time::{Ticks, View};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

/// Judges a trace.
///
/// # Errors
///
/// [`Cancelled`] once `cancel` says so.
pub fn judge(names: &Names, request: Request, cancel: Cancel<'_>) -> Result<Judgement, Cancelled> {
    let view = recorded(request.view, names.trace());
    let span = without_tail(Request { view, ..request }.span(names.generations()), names.trace());
    let wanted: &[Key] = match request.by {
        By::Stack => &[Key::Tag, Key::Paged, Key::Stack],
        By::Tag | By::Driver => &[Key::Tag, Key::Paged, Key::Function],
        By::Process => units::BY_PROCESS,
    };
    let units = Units::new(names, wanted, cancel)?;
    let scene = Scene::new(names, &units, span, cancel)?;
    let mut groups: Vec<(u64, Vec<Unit>)> = Vec::new();
    let mut place: FxHashMap<u64, usize> = FxHashMap::default();
    let judged = scene.judge_units(cancel)?;
    for unit in judged.units {
        let group = scene.group(unit.index, request.by);
        let at = *place.entry(group).or_insert_with(|| {
            groups.push((group, Vec::new()));
            groups.len() - 1
        });
        groups[at].1.push(unit);
    }
    // Frees of blocks from before the view, whose stacks nobody knows, belong to whatever their tag belongs to.
    let mut earlier: Vec<Vec<Evidence>> = vec![Vec::new(); groups.len()];
    let mut of_no_suspect: Vec<(bool, Evidence)> = Vec::new();
    for (index, evidence) in judged.freed_only {
        match place.get(&scene.group(index, request.by)) {
            Some(at) => earlier[*at].push(evidence),
            None => of_no_suspect.push((scene.is_paged(index), evidence)),
        }
    }
    let judged = groups.into_par_iter().zip(earlier).map(|((_, group), earlier)| {
        if cancel() { Err(Cancelled) } else { Ok(suspect(&scene, names, group, &earlier)) }
    });
    let judged: Vec<(Suspect, Vec<usize>, Ruling)> = judged.collect::<Result<_, Cancelled>>()?;
    let rulings: Vec<Ruling> = judged.iter().map(|(_, _, ruling)| *ruling).collect();
    let (mut suspects, members): (Vec<Suspect>, Vec<Vec<usize>>) = judged.into_iter().map(|(s, m, _)| (s, m)).unzip();
    let trust = trust(names.trace(), View { from: request.view.from.max(names.trace().extent.from), ..view });
    let pools =
        [false, true].map(|paged| pool_growth(names.trace(), (&suspects, &of_no_suspect), paged, &span, &trust));
    reasons_of::add_shares(&mut suspects, &pools);
    who::add(&mut suspects, &members, (names, &units), (view, request.by), cancel)?;
    let cases: Vec<Case<'_>> = suspects.iter().zip(&members).map(|(suspect, units)| Case { suspect, units }).collect();
    let found = findings::find(names, &units, &cases, view, cancel)?;
    for (suspect, found) in suspects.iter_mut().zip(found) {
        suspect.confidence *= trust.factor();
        suspect.reasons.extend(found.into_iter().map(Reason::Found));
    }
    score(&mut suspects, &rulings, trust.factor());
    // What is equal stays in the order of the rows, so that no name decides.
    suspects.sort_by(|a, b| {
        let order = a.verdict.min(Verdict::Burst).cmp(&b.verdict.min(Verdict::Burst));
        let order = order.then_with(|| b.score.total_cmp(&a.score)).then_with(|| a.verdict.cmp(&b.verdict));
        let order = order.then_with(|| b.growth_bytes_per_s.total_cmp(&a.growth_bytes_per_s));
        order.then_with(|| b.evidence.survivors.bytes.cmp(&a.evidence.survivors.bytes))
    });
    arrange::together(&mut suspects);
    Ok(Judgement { request, span, seconds: span.seconds(&names.trace().clock), suspects, pools, trust })
}

/// The part of a view in which events were recorded: within the trace, and behind the gap where a circular log has lost its
/// beginning. Neither is a time in which nothing grew.
fn recorded(view: View, trace: &Trace) -> View {
    let mut view = View { from: view.from.max(trace.extent.from), to: view.to.min(trace.extent.to) };
    if trace.anomalies.count(AnomalyKind::WrappedCircular) > 0 {
        view.from = view.from.max(first_pool_event(trace).unwrap_or(view.from));
    }
    View { from: view.from.min(view.to), ..view }
}

/// The judged time without a short end in which the trace has no pool event at all: what writes the file runs longer than what
/// it records, and that everything ends there at once says nothing about any tag.
fn without_tail(span: Span, trace: &Trace) -> Span {
    let (table, View { from, to }) = (&trace.allocations, span.view);
    let inside = |time: &Ticks| *time >= from && *time <= to;
    let last = |times: &[Ticks]| times.par_iter().copied().filter(inside).max();
    let tail = last(&table.alloc_time).max(last(&table.free_time)).unwrap_or(to);
    let is_short = to.0.saturating_sub(tail.0) as f64 <= LONGEST_TAIL * span.ticks() as f64;
    if is_short && tail > span.from { Span { view: View { from, to: tail }, ..span } } else { span }
}

/// How a pool as a whole grew.
fn pool_growth(
    trace: &Trace,
    (suspects, others): (&[Suspect], &[(bool, Evidence)]),
    paged: bool,
    span: &Span,
    trust: &Trust,
) -> PoolGrowth {
    let mut all = Evidence::default();
    let of_pool = || suspects.iter().filter(|s| s.paged == paged);
    of_pool().for_each(|s| all.merge(&s.evidence));
    others.iter().filter(|(of, _)| *of == paged).for_each(|(_, evidence)| all.merge_freed(evidence));
    all.measure(span);
    let growth = |verdict| of_pool().filter(|s| s.verdict == verdict).map(|s| s.growth_bytes_per_s).sum();
    PoolGrowth {
        slope_bytes_per_s: all.slope.median / interval_s(trace, &all, span),
        leak_bytes_per_s: growth(Verdict::Leak),
        growing_bytes_per_s: growth(Verdict::Growing),
        baseline_bytes: trust.reconciliation.as_ref().and_then(|r| r.pool_bytes_at(trace, paged, span.view.from)),
        limit_bytes: capacity::limit_bytes(&trace.summary, paged),
    }
}

/// Seconds between two points of the curve.
fn interval_s(trace: &Trace, evidence: &Evidence, span: &Span) -> f64 {
    span.seconds(&trace.clock) / evidence.settled(span).len().max(1) as f64
}

/// A suspect from its units. It is what the unit that costs most is, if that grows; else what all of them look like together.
fn suspect(
    scene: &Scene<'_>,
    names: &Names,
    mut units: Vec<Unit>,
    earlier: &[Evidence],
) -> (Suspect, Vec<usize>, Ruling) {
    let cost = |unit: &Unit| unit.ruling.growth_per_interval * unit.ruling.confidence;
    units.sort_by(|a, b| {
        let order = a.ruling.verdict.cmp(&b.ruling.verdict).then_with(|| cost(b).total_cmp(&cost(a)));
        order.then_with(|| b.evidence.survivors.bytes.cmp(&a.evidence.survivors.bytes)).then(a.index.cmp(&b.index))
    });
    let mut evidence = units[0].evidence.clone();
    units.iter().skip(1).for_each(|unit| evidence.merge(&unit.evidence));
    earlier.iter().for_each(|freed| evidence.merge_freed(freed));
    evidence.measure(&scene.span);
    let worst = &units[0];
    let alike: Vec<&Unit> = units.iter().filter(|unit| unit.ruling.verdict == worst.ruling.verdict).collect();
    let (ruling, basis) = match worst.ruling.verdict {
        Verdict::Leak | Verdict::Growing => {
            let growth = alike.iter().map(|unit| unit.ruling.growth_per_interval).sum();
            let mut basis = worst.evidence.clone();
            alike.iter().skip(1).for_each(|unit| basis.merge(&unit.evidence));
            basis.measure(&scene.span);
            (Ruling { growth_per_interval: growth, ..worst.ruling }, basis)
        }
        _ => together(scene, &units).unwrap_or_else(|nearly| {
            let all = units.iter().filter_map(|unit| unit.ruling.nearly).chain(nearly);
            let nearly = all.reduce(|best, other| if other.share > best.share { other } else { best });
            (Ruling { nearly, ..worst.ruling }, worst.evidence.clone())
        }),
    };
    let row = scene.units.sample(worst.index);
    let driver = scene.id(&scene.driver, row);
    let of_driver = units.iter().filter(|unit| scene.id(&scene.driver, scene.units.sample(unit.index)) == driver);
    let driver_bytes: u64 = of_driver.map(|unit| unit.evidence.survivors.bytes).fold(0, u64::saturating_add);
    let one_tag = units.iter().all(|unit| scene.tag_group(unit.index) == scene.tag_group(worst.index));
    let (stack, stack_share) = heaviest_stack(scene, worst.index, evidence.survivors.bytes);
    let growth_bytes_per_s = ruling.growth_per_interval / interval_s(scene.trace, &evidence, &scene.span);
    let members = units.iter().map(|unit| unit.index).collect();
    let mut suspect = Suspect {
        tag: one_tag.then(|| scene.text(&scene.tag, row)),
        paged: scene.id(&scene.paged, row) == 1,
        driver: scene.text(&scene.driver, row),
        function: scene.text(&scene.function, row),
        stack,
        verdict: ruling.verdict,
        confidence: ruling.confidence,
        score: 0.0,
        growth_bytes_per_s,
        driver_share: driver_bytes as f64 / evidence.survivors.bytes.max(1) as f64,
        stack_share,
        generations: generations(scene, names, &units),
        who: Who::default(),
        reasons: Vec::new(),
        evidence,
    };
    suspect.reasons = reasons_of::reasons(&suspect, &basis, &scene.span, &scene.trace.clock);
    if !matches!(ruling.verdict, Verdict::Leak | Verdict::Growing) {
        suspect.reasons.extend(ruling.nearly.map(reasons_of::nearly));
    }
    (suspect, members, ruling)
}

/// What units that kept too little to say anything for sure say together: a leak may be spread thin over many functions. Those
/// that kept nearly nothing may leak together; with others, whose courses may differ, they are only said to grow. An error
/// says how near they come to that.
fn together(scene: &Scene<'_>, units: &[Unit]) -> Result<(Ruling, Evidence), Option<Nearly>> {
    let kept = |unit: &Unit| unit.evidence.survivors.count;
    let grows = |(ruling, _): &(Ruling, Evidence)| matches!(ruling.verdict, Verdict::Leak | Verdict::Growing);
    let few = judged_together(scene, units.iter().filter(|unit| (1..LEAST_SURVIVORS).contains(&kept(unit))).collect());
    if let Some(few) = few.filter(grows) {
        return Ok(few);
    }
    let is_thin = |unit: &&Unit| kept(unit) > 0 && (kept(unit) < THIN || !unit.ruling.by_age);
    match judged_together(scene, units.iter().filter(is_thin).collect()) {
        Some(thin) if grows(&thin) => Ok((Ruling { verdict: Verdict::Growing, ..thin.0 }, thin.1)),
        Some((ruling, _)) => Err(ruling.nearly),
        None => Err(None),
    }
}

/// Judges units as one, if there are several.
fn judged_together(scene: &Scene<'_>, thin: Vec<&Unit>) -> Option<(Ruling, Evidence)> {
    if thin.len() < 2 {
        return None;
    }
    let mut rows: Vec<u32> = thin.iter().flat_map(|unit| scene.units.rows(unit.index)).copied().collect();
    rows.sort_unstable();
    let lifetimes = scene.lifetimes_of(thin.iter().map(|unit| unit.index));
    let evidence = look(&scene.trace.allocations, &rows, &scene.span, &lifetimes);
    let sum = |part: fn(&Doubt) -> f64| thin.iter().map(|unit| part(&unit.doubt)).sum();
    let doubt = Doubt {
        replaced: sum(|d| d.replaced),
        replaced_at_most: sum(|d| d.replaced_at_most),
        replaced_young: sum(|d| d.replaced_young),
        lost: sum(|d| d.lost),
    };
    Some((rule(&evidence, &scene.span, &doubt), evidence))
}

/// Survivors by the generation of their birth.
fn generations(scene: &Scene<'_>, names: &Names, units: &[Unit]) -> Vec<Blocks> {
    let generations = names.generations();
    let mut found = vec![Blocks::default(); generations.count() as usize];
    for row in units.iter().flat_map(|unit| scene.survivors(unit.index)) {
        let table = &scene.trace.allocations;
        if let Some(blocks) = found.get_mut(generations.of(table.alloc_time[row]) as usize) {
            blocks.add(table.size[row]);
        }
    }
    found
}

/// The stack that most survivors of a unit come from, by bytes, and its share of `all` bytes. What has no stack is no stack.
fn heaviest_stack(scene: &Scene<'_>, unit: usize, all: u64) -> (StackId, f64) {
    let table = &scene.trace.allocations;
    // By bytes; what is equal in the order of the rows.
    let mut bytes: FxHashMap<StackId, (u64, usize)> = FxHashMap::default();
    for row in scene.survivors(unit).filter(|row| table.alloc_stack[*row] != StackId::EMPTY) {
        let of_stack = bytes.entry(table.alloc_stack[row]).or_insert((0, row));
        of_stack.0 = of_stack.0.saturating_add(table.size[row]);
    }
    let heaviest = bytes.into_iter().max_by_key(|(_, (bytes, row))| (*bytes, std::cmp::Reverse(*row)));
    heaviest.map_or((StackId::EMPTY, 0.0), |(stack, (bytes, _))| (stack, bytes as f64 / all.max(1) as f64))
}

/// See [`Suspect::score`]. `rulings`: of each; `trusted`: what the trace leaves of the confidence.
fn score(suspects: &mut [Suspect], rulings: &[Ruling], trusted: f64) {
    let class = |(suspect, ruling): (&Suspect, &Ruling)| match (suspect.verdict, ruling.by_age) {
        (Verdict::Leak, _) => 0,
        (Verdict::Growing, true) => 1,
        (Verdict::Growing, false) => 2,
        _ => 3,
    };
    let classes: Vec<usize> = suspects.iter().zip(rulings).map(class).collect();
    let mut sums = [0.0_f64; 4];
    suspects.iter().zip(&classes).for_each(|(suspect, class)| sums[*class] += suspect.growth_bytes_per_s.max(0.0));
    for ((suspect, class), ruling) in suspects.iter_mut().zip(classes).zip(rulings) {
        if class == 3 {
            suspect.score = 20.0 * ruling.nearly.map_or(0.0, |nearly| nearly.share) * trusted;
            continue;
        }
        let (base, width) = [(60.0, 40.0), (40.0, 20.0), (20.0, 20.0)][class];
        let share = if sums[class] > 0.0 { suspect.growth_bytes_per_s.max(0.0) / sums[class] } else { 0.0 };
        let weight = if class == 0 { share } else { 1.0 };
        suspect.score = base + width * weight * suspect.confidence;
    }
}
