//! From units to suspects: what is asked for is put together from judged units, and ranked: the worst verdict first, then
//! by the bytes that it costs.

use super::evidence::{Blocks, Evidence, Lifetimes, Span, lifetimes, look};
use super::findings::{self, Case};
use super::reason::Reason;
use super::trust::{Trust, trust};
use super::units::Units;
use super::verdict::{Doubt, Ruling, Verdict, judge as rule};
use super::{By, Request, capacity};
use crate::anomaly::AnomalyKind;
use crate::column::key::Key;
use crate::column::names::Names;
use crate::column::parallel::{Cancel, Cancelled};
use crate::column::values::KeyColumn;
use crate::trace::Trace;
use crate::trace::allocation::flag;
use crate::trace::ids::StackId;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// What was judged as one.
#[derive(Clone, PartialEq, Debug)]
pub struct Suspect {
    /// Pool tag as text; `None` for a driver that uses several.
    pub tag: Option<String>,
    /// Paged pool.
    pub paged: bool,
    /// The driver that allocates most of what stays; empty where no stack says so.
    pub driver: String,
    /// Its function; likewise.
    pub function: String,
    /// The stack that most of it comes from; [`StackId::EMPTY`] if none.
    pub stack: StackId,
    /// The verdict.
    pub verdict: Verdict,
    /// How sure it is, 0 to 1.
    pub confidence: f64,
    /// Share of the growth of all suspects that grow, weighed by confidence: 0 to 100.
    pub score: f64,
    /// Bytes per second that it grows by.
    pub growth_bytes_per_s: f64,
    /// Share of the survivors' bytes that come through the driver, 0 to 1.
    pub driver_share: f64,
    /// Share of the survivors' bytes that come from the stack, 0 to 1.
    pub stack_share: f64,
    /// Survivors by the generation of their birth; the first two are those from before the view and from before the first mark.
    pub generations: Vec<Blocks>,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What its blocks did.
    pub evidence: Evidence,
}

/// How one pool as a whole grew.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct PoolGrowth {
    /// Robust slope of the outstanding bytes after the warm-up, bytes per second; negative when it shrinks.
    pub slope_bytes_per_s: f64,
    /// Growth of the suspects judged to leak, bytes per second.
    pub leak_bytes_per_s: f64,
    /// Growth of those judged to grow, bytes per second.
    pub growing_bytes_per_s: f64,
    /// Bytes in use at the start of the view, where a snapshot says so.
    pub baseline_bytes: Option<u64>,
    /// Bytes at which the pool is full, if the machine's memory is known.
    pub limit_bytes: Option<u64>,
}

/// All suspects of a trace.
#[derive(Clone, PartialEq, Debug)]
pub struct Judgement {
    /// What was judged.
    pub request: Request,
    /// The judged time.
    pub span: Span,
    /// Seconds judged.
    pub seconds: f64,
    /// The suspects, the worst first; nothing that was allocated in the view is left out.
    pub suspects: Vec<Suspect>,
    /// The pools as a whole: nonpaged, paged.
    pub pools: [PoolGrowth; 2],
    /// How far the trace can be trusted.
    pub trust: Trust,
}

/// A judged unit.
struct Unit {
    index: usize,
    group: u64,
    evidence: Evidence,
    ruling: Ruling,
}

/// Judges a trace.
///
/// # Errors
///
/// [`Cancelled`] once `cancel` says so.
pub fn judge(names: &Names, request: Request, cancel: Cancel<'_>) -> Result<Judgement, Cancelled> {
    let span = request.span(names.generations());
    let wanted: &[Key] = match request.by {
        By::Stack => &[Key::Tag, Key::Paged, Key::Stack],
        By::Tag | By::Driver => &[Key::Tag, Key::Paged, Key::Function],
    };
    let units = Units::new(names, wanted, cancel)?;
    let scene = Scene::new(names, &units, span, cancel)?;
    let judged: Vec<Unit> = (0..units.len())
        .into_par_iter()
        .filter_map(|index| if cancel() { Some(Err(Cancelled)) } else { scene.unit(index, request.by).map(Ok) })
        .collect::<Result<_, Cancelled>>()?;
    let mut groups: Vec<(u64, Vec<Unit>)> = Vec::new();
    let mut place: FxHashMap<u64, usize> = FxHashMap::default();
    for unit in judged {
        let at = *place.entry(unit.group).or_insert_with(|| {
            groups.push((unit.group, Vec::new()));
            groups.len() - 1
        });
        groups[at].1.push(unit);
    }
    let judged: Vec<(Suspect, Vec<usize>)> = groups.into_par_iter().map(|(_, group)| scene.suspect(group)).collect();
    let (mut suspects, members): (Vec<Suspect>, Vec<Vec<usize>>) = judged.into_iter().unzip();
    let trust = trust(names.trace(), request.view);
    let pools = [false, true].map(|paged| pool_growth(names.trace(), &suspects, paged, &span, &trust));
    let cases: Vec<Case<'_>> = suspects.iter().zip(&members).map(|(suspect, units)| Case { suspect, units }).collect();
    let found = findings::find(names, &units, &cases, request.view, cancel)?;
    for (suspect, found) in suspects.iter_mut().zip(found) {
        suspect.confidence *= trust.factor();
        suspect.reasons.extend(found.into_iter().map(Reason::Found));
    }
    score(&mut suspects);
    suspects.sort_by(|a, b| {
        let cost = |s: &Suspect| s.growth_bytes_per_s * s.confidence;
        let order = a.verdict.cmp(&b.verdict).then_with(|| cost(b).total_cmp(&cost(a)));
        let order = order.then_with(|| b.evidence.survivors.bytes.cmp(&a.evidence.survivors.bytes));
        order.then_with(|| (&a.tag, a.paged, &a.driver, a.stack).cmp(&(&b.tag, b.paged, &b.driver, b.stack)))
    });
    Ok(Judgement { request, span, seconds: span.seconds(&names.trace().clock), suspects, pools, trust })
}

/// How a pool as a whole grew.
fn pool_growth(trace: &Trace, suspects: &[Suspect], paged: bool, span: &Span, trust: &Trust) -> PoolGrowth {
    let mut all = Evidence::default();
    let of_pool = || suspects.iter().filter(|s| s.paged == paged);
    of_pool().for_each(|s| all.merge(&s.evidence, span));
    let growth = |verdict| of_pool().filter(|s| s.verdict == verdict).map(|s| s.growth_bytes_per_s).sum();
    let intervals = all.settled(span).len().max(1) as f64;
    PoolGrowth {
        slope_bytes_per_s: all.slope.median * intervals / span.seconds(&trace.clock),
        leak_bytes_per_s: growth(Verdict::Leak),
        growing_bytes_per_s: growth(Verdict::Growing),
        baseline_bytes: trust.reconciliation.as_ref().and_then(|r| r.pool_bytes_at(trace, paged, span.view.from)),
        limit_bytes: capacity::limit_bytes(&trace.summary, paged),
    }
}

/// What units are judged against.
struct Scene<'n> {
    trace: &'n Trace,
    units: &'n Units,
    span: Span,
    tag: Arc<KeyColumn>,
    paged: Arc<KeyColumn>,
    driver: Arc<KeyColumn>,
    function: Arc<KeyColumn>,
    /// By tag and pool: lifetimes of all its blocks, and late frees of blocks from before the view.
    tags: FxHashMap<u64, TagFacts>,
    /// Frees that were lost for each that was recorded, about.
    lost_share: f64,
}

#[derive(Default)]
struct TagFacts {
    lifetimes: Lifetimes,
    /// Least ages at which blocks from before the view were freed, in ticks, ascending.
    earlier: Vec<i64>,
}

impl<'n> Scene<'n> {
    fn new(names: &'n Names, units: &'n Units, span: Span, cancel: Cancel<'_>) -> Result<Self, Cancelled> {
        let trace = names.trace().as_ref();
        let mut scene = Self {
            trace,
            units,
            span,
            tag: names.column(Key::Tag),
            paged: names.column(Key::Paged),
            driver: names.column(Key::Driver),
            function: names.column(Key::Function),
            tags: FxHashMap::default(),
            lost_share: lost_share(trace),
        };
        let mut of_tag: Vec<(u64, usize)> = (0..units.len()).map(|unit| (scene.tag_group(unit), unit)).collect();
        of_tag.sort_unstable();
        let groups: Vec<&[(u64, usize)]> = of_tag.chunk_by(|a, b| a.0 == b.0).collect();
        let facts = groups.into_par_iter().map(|group| {
            if cancel() {
                return Err(Cancelled);
            }
            let rows = || group.iter().flat_map(|(_, unit)| units.rows(*unit)).copied();
            let table = &trace.allocations;
            let all: Vec<u32> = rows().collect();
            let earlier = rows().filter_map(|row| {
                let (alloc, free) = (table.alloc_time[row as usize], table.free_time[row as usize]);
                let is_earlier = alloc < span.view.from && free >= span.from && free <= span.view.to;
                is_earlier.then(|| free.0.saturating_sub(alloc.0.max(span.view.from.0)))
            });
            let mut earlier: Vec<i64> = earlier.collect();
            earlier.sort_unstable();
            Ok((group[0].0, TagFacts { lifetimes: lifetimes(table, &all, &span.view), earlier }))
        });
        scene.tags = facts.collect::<Result<_, Cancelled>>()?;
        Ok(scene)
    }

    /// Number of the value that a row has in a column.
    fn id(&self, column: &KeyColumn, row: usize) -> u32 {
        use crate::column::values::Source;
        let table = &self.trace.allocations;
        let of = |ids: &[u32], at: usize| ids.get(at).copied().unwrap_or(0);
        match &column.source {
            Source::Context(ids) => of(ids, table.alloc_context[row].index()),
            Source::AllocStack(ids) => of(ids, table.alloc_stack[row].index()),
            _ => 0,
        }
    }

    fn tag_group(&self, unit: usize) -> u64 {
        let row = self.units.sample(unit);
        u64::from(self.id(&self.tag, row)) << 1 | u64::from(self.id(&self.paged, row))
    }

    fn unit(&self, index: usize, by: By) -> Option<Unit> {
        let rows = self.units.rows(index);
        let tag = self.tag_group(index);
        let facts = self.tags.get(&tag);
        let evidence = look(&self.trace.allocations, rows, &self.span, facts.map(|f| &f.lifetimes));
        if evidence.allocated.count == 0 {
            return None;
        }
        let late =
            facts.map_or(0, |f| f.earlier.len() - f.earlier.partition_point(|age| *age <= evidence.stayed.usual_life));
        let doubt =
            Doubt { earlier_late_frees: late as f64, lost_frees: self.lost_share * evidence.freed.count as f64 };
        let ruling = rule(&evidence, &self.span, &doubt);
        let row = self.units.sample(index);
        let group = match by {
            By::Tag => tag,
            By::Stack => index as u64,
            By::Driver => u64::from(self.id(&self.driver, row)) << 1 | u64::from(self.id(&self.paged, row)),
        };
        Some(Unit { index, group, evidence, ruling })
    }

    /// A suspect from its units. It is what the unit that costs most is, if that carries the growth; else what all of them
    /// look like together.
    fn suspect(&self, mut units: Vec<Unit>) -> (Suspect, Vec<usize>) {
        let cost = |unit: &Unit| unit.ruling.growth_per_interval * unit.ruling.confidence;
        units.sort_by(|a, b| {
            let order = a.ruling.verdict.cmp(&b.ruling.verdict).then_with(|| cost(b).total_cmp(&cost(a)));
            order.then_with(|| b.evidence.survivors.bytes.cmp(&a.evidence.survivors.bytes)).then(a.index.cmp(&b.index))
        });
        let mut evidence = Evidence::default();
        units.iter().for_each(|unit| evidence.merge(&unit.evidence, &self.span));
        let worst = &units[0];
        let growing = |unit: &&Unit| unit.ruling.verdict == worst.ruling.verdict;
        let growth: f64 = units.iter().filter(growing).map(|u| u.ruling.growth_per_interval).sum();
        let ruling = match worst.ruling.verdict {
            Verdict::Leak | Verdict::Growing => Ruling { growth_per_interval: growth, ..worst.ruling },
            _ if units.len() > 1 => rule(&evidence, &self.span, &Doubt::default()),
            _ => worst.ruling,
        };
        let interval_s = self.interval_s(&evidence);
        let row = self.units.sample(worst.index);
        let text = |column: &KeyColumn| column.text(self.id(column, row)).into_owned();
        let one_tag = units.iter().all(|unit| self.tag_group(unit.index) == self.tag_group(worst.index));
        let (stack, stack_share) = self.heaviest_stack(worst.index, evidence.survivors.bytes);
        let members = units.iter().map(|unit| unit.index).collect();
        let suspect = Suspect {
            tag: one_tag.then(|| text(&self.tag)),
            paged: self.id(&self.paged, row) == 1,
            driver: text(&self.driver),
            function: text(&self.function),
            stack,
            verdict: ruling.verdict,
            confidence: ruling.confidence,
            score: 0.0,
            growth_bytes_per_s: ruling.growth_per_interval / interval_s,
            driver_share: 0.0,
            stack_share,
            generations: Vec::new(),
            reasons: vec![Reason::Traffic { allocated: evidence.allocated.count, freed: evidence.freed.count }],
            evidence,
        };
        (suspect, members)
    }

    fn interval_s(&self, evidence: &Evidence) -> f64 {
        let intervals = evidence.settled(&self.span).len().max(1);
        self.span.seconds(&self.trace.clock) / intervals as f64
    }

    /// The stack that most survivors of a unit come from, by bytes, and its share of `all` bytes.
    fn heaviest_stack(&self, unit: usize, all: u64) -> (StackId, f64) {
        let table = &self.trace.allocations;
        let mut bytes: FxHashMap<StackId, u64> = FxHashMap::default();
        for row in self.units.rows(unit).iter().map(|row| *row as usize) {
            if table.free_time[row] > self.span.view.to && table.alloc_time[row] >= self.span.view.from {
                *bytes.entry(table.alloc_stack[row]).or_default() += table.size[row];
            }
        }
        let mut bytes: Vec<(StackId, u64)> = bytes.into_iter().collect();
        bytes.sort_unstable_by_key(|(stack, bytes)| (std::cmp::Reverse(*bytes), *stack));
        bytes.first().map_or((StackId::EMPTY, 0.0), |first| (first.0, first.1 as f64 / all.max(1) as f64))
    }
}

/// Frees that were lost for each that was recorded: what the header says, and what pairing found missing, which is only the
/// part whose addresses were used again.
fn lost_share(trace: &Trace) -> f64 {
    let table = &trace.allocations;
    let implied = table.flags.par_iter().filter(|f| **f & flag::IMPLIED_FREE != 0).count() as f64;
    let frees = trace.census.pool_frees.max(1) as f64;
    let lost = trace.anomalies.count(AnomalyKind::EventsLost) as f64;
    let told = lost / (lost + trace.census.records as f64).max(1.0);
    (implied / frees).max(told)
}

fn score(suspects: &mut [Suspect]) {
    let all: f64 = suspects.iter().map(|s| s.growth_bytes_per_s).sum();
    for suspect in suspects {
        let share = if all > 0.0 { suspect.growth_bytes_per_s / all } else { 0.0 };
        suspect.score = 100.0 * share * suspect.confidence;
    }
}
