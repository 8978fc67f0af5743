//! From units to suspects: what is asked for is put together from judged units, and ranked: leaks first, then what grows, and
//! within these by the bytes that it costs; then what comes nearest to growing.

use super::evidence::{Blocks, Evidence, Span, look};
use super::findings::{self, Case};
use super::judged::{Judgement, PoolGrowth, Suspect};
use super::limits::{
    ENOUGH_COUNTED, LEAST_SEEN, LEAST_SURVIVORS, LONGEST_TAIL, MANY_STOPPED, MOST_SEEN, SPREAD_UNITS, STOPPED_FEW,
    STOPPED_MANY, THIN,
};
use super::reason::Reason;
use super::reconcile::Reconciliation;
use super::scene::{Scene, Unit};
use super::trust::{Trust, trust};
use super::units::Units;
use super::verdict::{Doubt, Nearly, Ruling, Verdict, judge as rule};
use super::who::Who;
use super::{By, Request, arrange, capacity, reasons_of, units, who};
use crate::group::key::Key;
use crate::group::names::Names;
use crate::group::parallel::{Cancel, Cancelled};
use crate::trace::Trace;
use crate::trace::context::Tag;
use crate::trace::growth::{GrowthScale, GrowthSum};
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
    let view = names.trace().recorded.analyzed(request.view);
    let span = without_tail(Request { view, ..request }.span(names.generations()), names.trace());
    let trust = trust(names.trace(), View { from: request.view.from.max(names.trace().extent.from), ..view });
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
    for suspect in &mut suspects {
        let scale = growth_scale(suspect.tag.as_deref(), suspect.paged, trust.reconciliation.as_ref());
        suspect.growth_scale = scale;
        suspect.growth_bytes_per_s *= scale;
    }
    let pools = [false, true].map(|paged| pool_growth(names, (&suspects, &of_no_suspect), paged, &span, &trust));
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
        let order = b.score.total_cmp(&a.score).then_with(|| a.verdict.cmp(&b.verdict));
        let order = order.then_with(|| b.growth_bytes_per_s.total_cmp(&a.growth_bytes_per_s));
        order.then_with(|| b.evidence.survivors.bytes.cmp(&a.evidence.survivors.bytes))
    });
    arrange::together(&mut suspects);
    let is_whole = !names.trace().recorded.is_partial();
    let seconds = span.seconds(&names.trace().clock);
    let left_out = units.left_out().to_vec();
    Ok(Judgement { request, span, seconds, is_whole, left_out, suspects, pools, trust })
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

/// How a pool as a whole grew. `others`: frees of tags of which nothing was allocated.
fn pool_growth(
    names: &Names,
    (suspects, others): (&[Suspect], &[(bool, Evidence)]),
    paged: bool,
    span: &Span,
    trust: &Trust,
) -> PoolGrowth {
    let trace = names.trace();
    let clock = &trace.clock;
    let of_pool = || suspects.iter().filter(|s| s.paged == paged);
    let others = others.iter().filter(|(of, _)| *of == paged);
    let unattributed: f64 = others.map(|(_, evidence)| evidence.growth_bytes_per_s(span, clock)).sum();
    let growth = |verdict| of_pool().filter(|s| s.verdict == verdict).map(|s| s.growth_bytes_per_s).sum();
    PoolGrowth {
        slope_bytes_per_s: of_pool().map(|s| s.growth_bytes_per_s).sum::<f64>() + unattributed,
        leak_bytes_per_s: growth(Verdict::Leak),
        growing_bytes_per_s: growth(Verdict::Growing),
        unattributed_bytes_per_s: unattributed,
        baseline_bytes: trust.reconciliation.as_ref().and_then(|r| r.pool_bytes_at(trace, paged, span.view.from)),
        limit_bytes: capacity::limit_bytes(&trace.summary, paged),
    }
}

/// By how much the recorded growth of a tag is scaled up for events that were lost, as the pool's own counters show it.
fn growth_scale(tag: Option<&str>, paged: bool, reconciliation: Option<&Reconciliation>) -> f64 {
    let Some(both) = reconciliation.filter(|both| both.is_compared()) else { return 1.0 };
    let of_tag = tag.and_then(Tag::from_text).and_then(|tag| {
        let rows = both.tags.iter().filter(|row| row.tag == tag && row.paged == paged && row.is_counted);
        let (counted, seen) = rows.fold((0, 0), |sum, row| (sum.0 + row.counted(), sum.1 + row.accounted()));
        (counted >= ENOUGH_COUNTED).then(|| seen as f64 / counted as f64)
    });
    let seen_share = of_tag.unwrap_or(both.seen_share).clamp(0.0, 1.0);
    if (LEAST_SEEN..MOST_SEEN).contains(&seen_share) { 1.0 / seen_share } else { 1.0 }
}

/// A suspect from its units. It is what the unit that costs most is, if that grows; else what all of them look like together.
fn suspect(
    scene: &Scene<'_>,
    names: &Names,
    mut units: Vec<Unit>,
    earlier: &[Evidence],
) -> (Suspect, Vec<usize>, Ruling) {
    let clock = &scene.trace.clock;
    let cost = |unit: &Unit| unit.evidence.growth_bytes_per_s(&scene.span, clock) * unit.ruling.confidence;
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
    let alike_basis = || {
        let mut basis = worst.evidence.clone();
        alike.iter().skip(1).for_each(|unit| basis.merge(&unit.evidence));
        basis.measure(&scene.span);
        (worst.ruling, basis)
    };
    let (ruling, basis) = match worst.ruling.verdict {
        Verdict::Leak => alike_basis(),
        // A leak may be spread thin over many functions, of which a few kept enough to be told by themselves.
        Verdict::Growing | Verdict::Stopped => match together(scene, &units) {
            Ok(all) if all.0.verdict == Verdict::Leak => all,
            _ => alike_basis(),
        },
        _ => match together(scene, &units) {
            Ok(all) => all,
            Err(nearly) => {
                let all = units.iter().filter_map(|unit| unit.ruling.nearly).chain(nearly);
                let nearly = all.reduce(|best, other| if other.share > best.share { other } else { best });
                (Ruling { nearly, ..worst.ruling }, worst.evidence.clone())
            }
        },
    };
    let row = scene.units.sample(worst.index);
    let driver = scene.id(&scene.driver, row);
    let of_driver = units.iter().filter(|unit| scene.id(&scene.driver, scene.units.sample(unit.index)) == driver);
    let driver_bytes: u64 = of_driver.map(|unit| unit.evidence.survivors.bytes).fold(0, u64::saturating_add);
    let one_tag = units.iter().all(|unit| scene.tag_group(unit.index) == scene.tag_group(worst.index));
    let (stack, stack_share) = heaviest_stack(scene, worst.index, evidence.survivors.bytes);
    let growth_bytes_per_s = evidence.growth_bytes_per_s(&scene.span, clock);
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
        growth_scale: 1.0,
        driver_share: driver_bytes as f64 / evidence.survivors.bytes.max(1) as f64,
        stack_share,
        generations: generations(scene, names, &units),
        who: Who::default(),
        reasons: Vec::new(),
        evidence,
    };
    suspect.reasons = reasons_of::reasons(&suspect, &basis, &scene.span, clock);
    if ruling.verdict == Verdict::Stopped {
        suspect.reasons.push(while_it_grew(scene, &units, &basis));
    }
    if !ruling.verdict.is_growing() {
        suspect.reasons.extend(ruling.nearly.map(reasons_of::nearly));
    }
    (suspect, members, ruling)
}

/// When a kind whose load stopped grew, and how fast.
fn while_it_grew(scene: &Scene<'_>, units: &[Unit], basis: &Evidence) -> Reason {
    let clock = &scene.trace.clock;
    let (from, to) = (Ticks(basis.stayed.first_birth), Ticks(basis.stayed.last_birth));
    let scale = GrowthScale::new(View { from, to });
    let mut sum = GrowthSum::default();
    units.iter().for_each(|unit| sum.add(scale.rows(&scene.trace.allocations, scene.units.rows(unit.index))));
    let bytes_per_s = scale.bytes_per_s(sum, clock);
    Reason::GrewUntil { from_s: clock.seconds(from), until_s: clock.seconds(to), bytes_per_s }
}

/// What units that kept too little to say anything for sure say together: a leak may be spread thin over many functions. They
/// may leak together where no unit among them stopped growing by itself; else, as their courses differ, they are only said
/// to grow. An error says how near they come to that.
fn together(scene: &Scene<'_>, units: &[Unit]) -> Result<(Ruling, Evidence), Option<Nearly>> {
    let kept = |unit: &Unit| unit.evidence.survivors.count;
    let is_growing = |(ruling, _): &(Ruling, Evidence)| ruling.verdict.is_growing();
    let few = judged_together(scene, units.iter().filter(|unit| (1..LEAST_SURVIVORS).contains(&kept(unit))).collect());
    if let Some(few) = few.filter(is_growing) {
        return Ok(few);
    }
    let has_stopped =
        |unit: &&Unit| matches!(unit.ruling.verdict, Verdict::Stopped | Verdict::Burst | Verdict::Bounded);
    let is_thin = |unit: &&Unit| kept(unit) > 0 && (kept(unit) < THIN || !unit.ruling.by_age);
    let thin: Vec<&Unit> = units.iter().filter(is_thin).collect();
    let is_spread = thin.len() >= SPREAD_UNITS;
    let differ = !is_spread || thin.iter().any(|unit| kept(unit) >= LEAST_SURVIVORS && has_stopped(unit));
    match judged_together(scene, thin) {
        Some(thin) if is_growing(&thin) && !differ => Ok(thin),
        Some(thin) if is_growing(&thin) => Ok((Ruling { verdict: Verdict::Growing, ..thin.0 }, thin.1)),
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
        others: scene.others(&evidence),
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
    let leaking =
        suspects.iter().filter(|s| s.verdict == Verdict::Leak).map(|s| s.growth_bytes_per_s.max(0.0)).sum::<f64>();
    for (suspect, ruling) in suspects.iter_mut().zip(rulings) {
        suspect.score = match (suspect.verdict, ruling.by_age) {
            (Verdict::Leak, _) => {
                let share = if leaking > 0.0 { suspect.growth_bytes_per_s.max(0.0) / leaking } else { 0.0 };
                60.0 + 40.0 * share * suspect.confidence
            }
            (Verdict::Growing, true) => 40.0 + 20.0 * suspect.confidence,
            (Verdict::Stopped, _) => {
                let size = (suspect.evidence.stayed.blocks.count as f64 / MANY_STOPPED).min(1.0);
                40.0 + 20.0 * (STOPPED_FEW + (STOPPED_MANY - STOPPED_FEW) * size) * trusted
            }
            (Verdict::Growing, false) => 20.0 + 20.0 * suspect.confidence,
            _ => 20.0 * ruling.nearly.map_or(0.0, |nearly| nearly.share) * trusted,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaks::reconcile::TagBalance;

    /// Counters of tag `Leak` in nonpaged pool, and how many of what they counted the events show.
    fn counted(counted_allocs: u64, seen_allocs: u64) -> Reconciliation {
        let balance = TagBalance {
            tag: Tag(*b"Leak"),
            paged: false,
            session: None,
            start_bytes: 0,
            stop_bytes: 0,
            is_counted: true,
            counted_allocs,
            counted_frees: 0,
            seen_allocs,
            seen_frees: 0,
            seen_growth_bytes: 0,
        };
        Reconciliation { tags: vec![balance], seen_share: 0.9, ..Reconciliation::default() }
    }

    #[test]
    fn growth_is_scaled_by_what_the_counters_count() {
        let scale = |tag, both: &Reconciliation| growth_scale(Some(tag), false, Some(both));
        assert!((scale("Leak", &counted(1_000, 800)) - 1.25).abs() < 1e-9);
        assert!((scale("Else", &counted(1_000, 800)) - 1.0 / 0.9).abs() < 1e-9, "that of the whole pool");
        assert!((scale("Leak", &counted(50, 40)) - 1.0 / 0.9).abs() < 1e-9, "too few to know its own");
        assert_eq!(scale("Leak", &counted(1_000, 998)), 1.0, "nothing to speak of is missing");
        assert_eq!(scale("Leak", &counted(1_000, 300)), 1.0, "what is left is no sample");
        assert_eq!(growth_scale(Some("Leak"), false, None), 1.0, "without counters nothing is known");
    }
}
