//! What units are judged against: the lifetimes of their kind, blocks from before the view, and how many frees were lost. It
//! judges units one by one and puts nothing together.

use super::By;
use super::evidence::{Evidence, Lifetimes, Span, lifetimes, look, older_than};
use super::limits::{ENOUGH_ALLOCATIONS, LEAST_TAGS_FOR_LOSS};
use super::stopped::Others;
use super::units::Units;
use super::verdict::{Doubt, Ruling, Verdict, judge as rule};
use super::who::allocator;
use poolscope_etl::diagnostics::AnomalyKind;
use crate::group::key::Key;
use crate::group::names::Names;
use crate::group::parallel::{Cancel, Cancelled};
use crate::group::values::{KeyColumn, Source};
use crate::trace::Trace;
use crate::trace::allocation::flag;
use crate::trace::time::View;
use rayon::prelude::*;
use std::sync::Arc;

/// A judged unit.
pub(super) struct Unit {
    pub index: usize,
    pub evidence: Evidence,
    pub doubt: Doubt,
    pub ruling: Ruling,
}

/// All units in which something happened in the view.
pub(super) struct JudgedUnits {
    /// Those in which something was allocated.
    pub units: Vec<Unit>,
    /// By their index, those in which blocks from before the view were freed and nothing else happened.
    pub freed_only: Vec<(usize, Evidence)>,
}

/// What units are judged against.
pub(super) struct Scene<'n> {
    pub trace: &'n Trace,
    pub units: &'n Units,
    pub span: Span,
    pub tag: Arc<KeyColumn>,
    pub paged: Arc<KeyColumn>,
    pub driver: Arc<KeyColumn>,
    pub function: Arc<KeyColumn>,
    /// Of each unit.
    lifetimes: Vec<Lifetimes>,
    /// Units of the same tag and pool.
    kins: Vec<Kin>,
    /// The kin of each unit.
    kin_of: Vec<u32>,
}

/// Units of the same tag and pool.
struct Kin {
    units: Vec<usize>,
    /// Least ages at which blocks from before the view were freed in the judged time, in ticks, ascending.
    earlier: Vec<i64>,
    /// Frees in the judged time.
    frees: u64,
}

/// The units of a kin that grow by themselves, put together.
#[derive(Default)]
struct GrowingKin {
    /// In ascending order.
    units: Vec<usize>,
    /// Of all their blocks, the longest first.
    lifetimes: Lifetimes,
    /// Their survivors by age, in eighths of the view.
    ages: [u64; 8],
    survivors: u64,
}

fn grows(alone: &[Verdict], unit: usize) -> bool {
    let verdict = alone.get(unit).copied().unwrap_or(Verdict::TooLittleData);
    matches!(verdict, Verdict::Leak | Verdict::Growing | Verdict::InFlight)
}

impl<'n> Scene<'n> {
    pub fn new(names: &'n Names, units: &'n Units, span: Span, cancel: Cancel<'_>) -> Result<Self, Cancelled> {
        let trace = names.trace().as_ref();
        let mut scene = Self {
            trace,
            units,
            span,
            tag: names.column(Key::Tag),
            paged: names.column(Key::Paged),
            driver: names.column(Key::Driver),
            function: names.column(Key::Function),
            lifetimes: Vec::new(),
            kins: Vec::new(),
            kin_of: vec![0; units.len()],
        };
        let own = (0..units.len()).into_par_iter().map(|unit| {
            if cancel() { Err(Cancelled) } else { Ok(lifetimes(&trace.allocations, units.rows(unit), &span.view)) }
        });
        scene.lifetimes = own.collect::<Result<_, Cancelled>>()?;
        let mut of_tag: Vec<(u64, usize)> = (0..units.len()).map(|unit| (scene.tag_group(unit), unit)).collect();
        of_tag.sort_unstable();
        let groups: Vec<&[(u64, usize)]> = of_tag.chunk_by(|a, b| a.0 == b.0).collect();
        for (kin, group) in groups.iter().enumerate() {
            group.iter().for_each(|(_, unit)| scene.kin_of[*unit] = kin as u32);
        }
        let kins = groups.into_par_iter().map(|group| {
            if cancel() { Err(Cancelled) } else { Ok(scene.kin(group.iter().map(|(_, unit)| *unit).collect())) }
        });
        scene.kins = kins.collect::<Result<_, Cancelled>>()?;
        Ok(scene)
    }

    fn kin(&self, units: Vec<usize>) -> Kin {
        let table = &self.trace.allocations;
        let view = self.span.view;
        let (mut earlier, mut frees) = (Vec::new(), 0);
        for row in units.iter().flat_map(|unit| self.units.rows(*unit)).map(|row| *row as usize) {
            let (alloc, free) = (table.alloc_time[row], table.free_time[row]);
            if free < self.span.from || free > view.to {
                continue;
            }
            frees += 1;
            if alloc < view.from {
                earlier.push(free.0.saturating_sub(view.from.0.max(alloc.0)));
            }
        }
        earlier.sort_unstable();
        Kin { units, earlier, frees }
    }

    /// Lifetimes of a unit.
    fn own(&self, unit: usize) -> &[i64] {
        self.lifetimes.get(unit).map_or(&[], Vec::as_slice)
    }

    /// Lifetimes of the blocks of several units, the longest first.
    pub fn lifetimes_of(&self, units: impl Iterator<Item = usize>) -> Lifetimes {
        let mut all: Lifetimes = units.flat_map(|unit| self.own(unit)).copied().collect();
        all.par_sort_unstable_by_key(|life| std::cmp::Reverse(*life));
        all
    }

    /// Judges all units in which something was allocated in the view.
    pub fn judge_units(&self, cancel: Cancel<'_>) -> Result<JudgedUnits, Cancelled> {
        let looked = (0..self.units.len())
            .into_par_iter()
            .map(|unit| if cancel() { Err(Cancelled) } else { Ok(self.look(unit)) });
        let looked: Vec<Evidence> = looked.collect::<Result<_, Cancelled>>()?;
        let lost_share = self.lost_share(&looked);
        let lost = |evidence: &Evidence| lost_share * evidence.freed.count as f64;
        let alone = looked.par_iter().map(|evidence| {
            if cancel() {
                return Err(Cancelled);
            }
            let doubt = Doubt { lost: lost(evidence), others: self.others(evidence), ..Doubt::default() };
            Ok(rule(evidence, &self.span, &doubt).verdict)
        });
        let alone: Vec<Verdict> = alone.collect::<Result<_, Cancelled>>()?;
        let growing = self
            .kins
            .par_iter()
            .map(|kin| if cancel() { Err(Cancelled) } else { Ok(self.growing_kin(kin, &looked, &alone)) });
        let growing: Vec<GrowingKin> = growing.collect::<Result<_, Cancelled>>()?;
        let doubts = (0..looked.len())
            .into_par_iter()
            .map(|unit| if cancel() { Err(Cancelled) } else { Ok(self.doubt(unit, &looked, &growing, lost_share)) });
        let doubts: Vec<Doubt> = doubts.collect::<Result<_, Cancelled>>()?;
        let (mut wanted, mut freed_only) = (Vec::new(), Vec::new());
        for (index, (evidence, doubt)) in looked.into_iter().zip(doubts).enumerate() {
            match (evidence.allocated.count, evidence.freed.count) {
                (0, 0) => {}
                (0, _) => freed_only.push((index, evidence)),
                _ => wanted.push((index, evidence, doubt)),
            }
        }
        let judged = wanted.into_par_iter().map(|(index, evidence, doubt)| {
            let ruling = rule(&evidence, &self.span, &doubt);
            Unit { index, evidence, doubt, ruling }
        });
        Ok(JudgedUnits { units: judged.collect(), freed_only })
    }

    fn look(&self, unit: usize) -> Evidence {
        let own = self.own(unit);
        let mut evidence = look(&self.trace.allocations, self.units.rows(unit), &self.span, own);
        evidence.median_life = own.get(own.len() / 2).copied();
        evidence
    }

    /// What all other units allocated before and after a unit's allocations ended.
    pub fn others(&self, evidence: &Evidence) -> Others {
        let times = &self.trace.allocations.alloc_time;
        let until = |time: i64| times.partition_point(|t| t.0 <= time);
        let View { from, to } = self.span.view;
        let (begin, stop, end) = (until(from.0), until(evidence.activity.last), until(to.0));
        // All of the unit's own allocations lie before its end.
        let before = stop.saturating_sub(begin) as u64;
        Others { before: before.saturating_sub(evidence.allocated.count), after: end.saturating_sub(stop) as u64 }
    }

    /// The units of a kin whose growth blocks from before the view may explain, together: what [`Self::doubt`] needs of them.
    fn growing_kin(&self, kin: &Kin, looked: &[Evidence], alone: &[Verdict]) -> GrowingKin {
        let mut growing = GrowingKin::default();
        if kin.earlier.is_empty() {
            return growing;
        }
        growing.units = kin.units.iter().copied().filter(|unit| grows(alone, *unit)).collect();
        growing.lifetimes = self.lifetimes_of(growing.units.iter().copied());
        for evidence in growing.units.iter().filter_map(|unit| looked.get(*unit)) {
            growing.survivors += evidence.survivors.count;
            growing.ages.iter_mut().zip(&evidence.pyramid).for_each(|(sum, count)| *sum += count);
        }
        growing
    }

    /// What else would leave the survivors of a unit. Nobody knows from which unit of a tag a block from before the view
    /// came: it is shared out among those whose growth it may explain, by their late frees and, as if there was one more of
    /// these, by their survivors.
    fn doubt(&self, unit: usize, looked: &[Evidence], growing: &[GrowingKin], lost_share: f64) -> Doubt {
        let at = self.kin_of.get(unit).map_or(0, |kin| *kin as usize);
        let Some(((evidence, kin), growing)) = looked.get(unit).zip(self.kins.get(at)).zip(growing.get(at)) else {
            return Doubt::default();
        };
        let lost = lost_share * evidence.freed.count as f64;
        let others = self.others(evidence);
        if kin.earlier.is_empty() {
            return Doubt { lost, others, ..Doubt::default() };
        }
        let life = evidence.stayed.usual_life;
        // A free whose allocation was lost looks like one of a block from before the view.
        let from_loss = lost_share * kin.frees as f64;
        let older = (kin.earlier.len() - kin.earlier.partition_point(|age| *age <= life)) as f64;
        let late = |lives: &[i64]| lives.partition_point(|l| *l > life) as f64;
        let (own_alive, own_late) = (evidence.survivors_older(life, &self.span), late(self.own(unit)));
        let mut all_alive = older_than(&growing.ages, life, &self.span);
        let mut all_late = late(&growing.lifetimes);
        let mut all_survivors = growing.survivors;
        if growing.units.binary_search(&unit).is_err() {
            all_alive += own_alive;
            all_late += own_late;
            all_survivors += evidence.survivors.count;
        }
        let survivors = own_alive / all_alive.max(1.0);
        let of_all = evidence.survivors.count as f64 / all_survivors.max(1) as f64;
        let older = (older - from_loss).max(0.0);
        let replaced = older * (own_late + survivors) / (all_late + 1.0);
        Doubt {
            replaced,
            replaced_at_most: replaced.max(older.min(own_alive)),
            replaced_young: (kin.earlier.len() as f64 - from_loss).max(0.0) * of_all,
            lost,
            others,
        }
    }

    /// Frees that were lost for each that was recorded: the most of what the header says, what pairing found missing (only
    /// the part whose addresses were used again), and, if events are known to be lost, what most tags have in common.
    fn lost_share(&self, looked: &[Evidence]) -> f64 {
        let trace = self.trace;
        let implied = trace.allocations.flags.par_iter().filter(|f| **f & flag::IMPLIED_FREE != 0).count() as f64;
        let frees = trace.census.pool_frees.max(1) as f64;
        let lost = trace.anomalies.count(AnomalyKind::EventsLost) as f64;
        let told = lost / (lost + trace.census.records as f64).max(1.0);
        let known = (implied / frees).max(told);
        if known == 0.0 {
            return 0.0;
        }
        let of_kin = |kin: &Kin| {
            let sum = |part: fn(&Evidence) -> u64| -> u64 {
                kin.units.iter().filter_map(|unit| looked.get(*unit)).map(part).sum()
            };
            let freed = sum(|e| e.freed.count);
            (freed >= ENOUGH_ALLOCATIONS).then(|| sum(|e| e.stayed.blocks.count) as f64 / freed as f64)
        };
        let mut shares: Vec<f64> = self.kins.iter().filter_map(of_kin).collect();
        if shares.len() < LEAST_TAGS_FOR_LOSS {
            return known;
        }
        shares.sort_unstable_by(f64::total_cmp);
        known.max(shares.get(shares.len() / 2).copied().unwrap_or(0.0))
    }

    /// Rows of a unit that were allocated in the view and are alive at its end.
    pub fn survivors(&self, unit: usize) -> impl Iterator<Item = usize> + '_ {
        let (table, view) = (&self.trace.allocations, self.span.view);
        let rows = self.units.rows(unit).iter().map(|row| *row as usize);
        rows.filter(move |row| {
            let alloc = table.alloc_time[*row];
            alloc >= view.from && alloc <= view.to && table.free_time[*row] > view.to
        })
    }

    /// Number of the value that a row has in a column.
    pub fn id(&self, column: &KeyColumn, row: usize) -> u32 {
        let table = &self.trace.allocations;
        let of = |ids: &[u32], at: usize| ids.get(at).copied().unwrap_or(0);
        match &column.source {
            Source::Context(ids) => table.alloc_context.get(row).map_or(0, |context| of(ids, context.index())),
            Source::AllocStack(ids) => table.alloc_stack.get(row).map_or(0, |stack| of(ids, stack.index())),
            _ => 0,
        }
    }

    pub fn text(&self, column: &KeyColumn, row: usize) -> String {
        column.text(self.id(column, row)).into_owned()
    }

    /// Whether a unit is of paged pool.
    pub fn is_paged(&self, unit: usize) -> bool {
        self.id(&self.paged, self.units.sample(unit)) == 1
    }

    pub fn tag_group(&self, unit: usize) -> u64 {
        let row = self.units.sample(unit);
        u64::from(self.id(&self.tag, row)) << 1 | u64::from(self.id(&self.paged, row))
    }

    /// What a unit is a part of.
    pub fn group(&self, unit: usize, by: By) -> u64 {
        let row = self.units.sample(unit);
        match by {
            By::Tag => self.tag_group(unit),
            By::Stack => unit as u64,
            By::Driver => u64::from(self.id(&self.driver, row)) << 1 | u64::from(self.id(&self.paged, row)),
            By::Process => u64::from(allocator(self.trace, row).0) << 1 | u64::from(self.id(&self.paged, row)),
        }
    }
}
