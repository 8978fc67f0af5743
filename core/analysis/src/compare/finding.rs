//! The tags that got worse, with the driver and the function that most of it comes from.

use super::figures::FigurePair;
use super::join::{CompareRequest, Comparison, SideRequest, SideSums, compare};
use super::normalization::Divisors;
use crate::group::key::Key;
use crate::group::parallel::{Cancel, Cancelled};
use crate::pivot::metric::Metric;
use std::cmp::Reverse;
use std::ops::Range;

/// Least share of a tag's growth that comes from the driver, and of the driver's from the function, that are named.
const MIN_SHARE: f64 = 0.6;
/// Least share of the larger side's outstanding bytes that a change has to have to count.
const MIN_SHARE_OF_WHOLE: f64 = 0.01;
/// Standard deviations by which numbers of allocations have to differ to count: two recordings of one load differ, too.
const MIN_DEVIATIONS: f64 = 4.0;

/// Request for findings.
pub struct FindingRequest {
    /// Baseline and comparison.
    pub sides: [SideRequest; 2],
    /// The unit of the figures.
    pub divisors: Divisors,
}

/// A tag in a pool whose outstanding allocations (AIFO) changed.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    /// True for paged pool.
    pub is_paged: bool,
    /// The tag.
    pub tag: String,
    /// The driver that at least three fifths of the change come from.
    pub driver: Option<String>,
    /// The function in the driver that at least three fifths of the driver's change come from.
    pub function: Option<String>,
    /// Impacting size of both sides, in the unit of the comparison.
    pub impacting_size: FigurePair,
    /// Number of AIFO allocations on both sides, as they are.
    pub impacting_counts: [u64; 2],
    /// True if the change is more than the chance of two recordings of one load, and not too small to matter.
    pub is_significant: bool,
}

impl Finding {
    /// The difference in bytes, in the unit of the comparison.
    #[must_use]
    pub fn delta_bytes(&self) -> f64 {
        self.impacting_size.delta().as_f64().unwrap_or(0.0)
    }
}

/// The tags that changed, the one that grew most first.
///
/// # Errors
/// [`Cancelled`] if `cancel` returns `true`.
pub fn findings(request: FindingRequest, cancel: Cancel<'_>) -> Result<Vec<Finding>, Cancelled> {
    let FindingRequest { sides, divisors } = request;
    let keys = &[Key::Paged, Key::Tag, Key::Driver, Key::Function];
    let comparison = compare(CompareRequest { keys, sides, divisors, with_growth: false }, cancel)?;
    let mut findings: Vec<Finding> = runs(&comparison, &(0..comparison.groups().len() as u32), 2)
        .into_iter()
        .map(|run| finding(&comparison, &run))
        .filter(|finding| finding.delta_bytes() != 0.0)
        .collect();
    findings.sort_by(|a, b| b.delta_bytes().total_cmp(&a.delta_bytes()));
    Ok(findings)
}

/// The runs of groups with the same first `columns` ids.
fn runs(comparison: &Comparison, groups: &Range<u32>, columns: usize) -> Vec<Range<u32>> {
    let ids = |group: u32| comparison.groups().ids(group as usize).get(..columns).unwrap_or(&[]);
    let mut runs: Vec<Range<u32>> = Vec::new();
    for group in groups.clone() {
        match runs.last_mut() {
            Some(run) if ids(run.start) == ids(group) => run.end = group + 1,
            _ => runs.push(group..group + 1),
        }
    }
    runs
}

fn impacting(comparison: &Comparison, sums: &[SideSums; 2]) -> FigurePair {
    comparison.figures_of(sums, Metric::ImpactingSize)
}

fn finding(comparison: &Comparison, run: &Range<u32>) -> Finding {
    let sums = comparison.sums(run);
    let delta = |run: &Range<u32>| impacting(comparison, &comparison.sums(run)).delta().as_f64().unwrap_or(0.0);
    let text = |column: usize| {
        let pivot = comparison.groups();
        let id = pivot.ids(run.start as usize).get(column).copied().unwrap_or(0);
        pivot.columns().get(column).map_or_else(String::new, |column| column.text(id).into_owned())
    };
    // The part of a run that most of its change comes from, with its text in the column that divides the run.
    let main_part = |run: &Range<u32>, column: usize| {
        let whole = delta(run);
        let parts = runs(comparison, run, column + 1);
        let share = |part: &Range<u32>| delta(part) / whole;
        let best = parts.into_iter().min_by(|a, b| share(b).total_cmp(&share(a)))?;
        let pivot = comparison.groups();
        let id = pivot.ids(best.start as usize).get(column).copied()?;
        let text = pivot.columns().get(column)?.text(id).into_owned();
        (share(&best) >= MIN_SHARE && !text.is_empty()).then_some((best, text))
    };
    let driver = main_part(run, 2).filter(|(_, name)| name != "Unknown");
    let function = driver.as_ref().and_then(|(run, _)| main_part(run, 3));
    let impacting_counts = [0, 1].map(|side: usize| sums[side].aggregate.impacting_count());
    Finding {
        is_paged: text(0) == "Paged",
        tag: text(1),
        driver: driver.map(|(_, name)| name),
        function: function.map(|(_, name)| name),
        impacting_size: impacting(comparison, &sums),
        impacting_counts,
        is_significant: is_significant(comparison, &sums, impacting_counts),
    }
}

/// Returns `true` if a change is too large for chance (numbers of allocations as of a Poisson process) and for a trifle.
fn is_significant(comparison: &Comparison, sums: &[SideSums; 2], counts: [u64; 2]) -> bool {
    let units = comparison.divisors().units;
    let rates = [0, 1].map(|side: usize| counts[side] as f64 / units[side]);
    let variance: f64 = [0, 1].map(|side: usize| counts[side] as f64 / (units[side] * units[side])).iter().sum();
    let is_chance = (rates[1] - rates[0]).abs() <= MIN_DEVIATIONS * variance.sqrt();
    let whole = impacting(comparison, comparison.whole());
    let largest = [whole.baseline, whole.comparison].map(|value| value.as_f64().unwrap_or(0.0));
    let largest = largest.into_iter().fold(0.0, f64::max);
    let delta = impacting(comparison, sums).delta().as_f64().unwrap_or(0.0).abs();
    !is_chance && delta >= MIN_SHARE_OF_WHOLE * largest
}

/// The findings that got worse for certain, the worst first.
pub fn worse(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    findings.iter().filter(|finding| finding.is_significant && finding.delta_bytes() > 0.0)
}

/// The findings that got better for certain, the best first.
#[must_use]
pub fn better(findings: &[Finding]) -> Vec<&Finding> {
    let mut better: Vec<&Finding> =
        findings.iter().filter(|finding| finding.is_significant && finding.delta_bytes() < 0.0).collect();
    better.sort_by_key(|finding| Reverse(ordered(finding.delta_bytes().abs())));
    better
}

/// A number that sorts like a positive amount.
fn ordered(amount: f64) -> u64 {
    amount.max(0.0).to_bits()
}
