//! Which combinations of keys have a curve of their own, in which order, and which share one. It never draws more than it
//! needs to compare them.

use super::curve::{SeriesError, SeriesRequest, amounts, series};
use super::envelope::highest_envelope;
use super::measure::Kind;
use super::points::Points;
use super::tally::{CurveOf, Tally};
use crate::group::names::Names;
use crate::group::order::EventOrder;
use crate::group::parallel::Cancel;
use rustc_hash::FxHashMap;

/// Moments at which outstanding curves are compared, and comparisons that are worth their memory.
const RANKING_POINTS: usize = 17;
const RANKING_VALUES: usize = 1 << 22;
/// Most combinations of keys of which the curves are compared by the greatest of their values; of more, those that add up to most
/// have one of their own.
pub const MOST_COMPARED: usize = RANKING_VALUES / RANKING_POINTS;
/// Most combinations that are compared by their exact peaks, the heaviest; a damaged trace may have millions.
pub const MOST_PEAKS: usize = 4096;
/// Stretches of the view that are looked through side by side for peaks, and whose rates are compared.
const PEAK_POINTS: usize = 65;
/// The cell of a combination that no row has.
const NOWHERE: u64 = u64::MAX;

/// A combination of keys: its cell, and the numbers of the keys.
type Combination = (u64, Vec<u32>);

/// The combinations of keys in the order of their curves.
pub(super) struct Lineup {
    /// Cell and numbers of each combination; those without a curve of their own come last.
    pub combinations: Vec<(u64, Vec<u32>)>,
    /// How many have a curve of their own.
    pub own: usize,
    /// They are too many to be compared by their values, and not all have a curve.
    pub chosen_by_sum: bool,
}

impl Lineup {
    pub(super) fn new(tally: &Tally<'_>, cancel: Cancel<'_>) -> Result<Self, SeriesError> {
        if let Some(chosen) = tally.request.chosen {
            return Ok(Self::chosen(tally.ranked(cancel)?, chosen));
        }
        let (combinations, by_sum) = ranked(tally, cancel)?;
        let own = tally.request.top.unwrap_or(usize::MAX).min(combinations.len());
        let chosen_by_sum = by_sum && own < combinations.len();
        Ok(Self { combinations, own, chosen_by_sum })
    }

    /// The heaviest have a curve of their own, at most `top`.
    pub(super) fn heaviest(tally: &Tally<'_>, top: usize, cancel: Cancel<'_>) -> Result<Self, SeriesError> {
        let combinations = tally.ranked(cancel)?;
        let own = top.min(combinations.len());
        let chosen_by_sum = own < combinations.len();
        Ok(Self { combinations, own, chosen_by_sum })
    }

    /// Puts the combinations with a curve into the order of `places`, of which the first `own` keep one; returns the new
    /// number of each former curve. An empty `places` leaves the order as it is.
    pub(super) fn reorder(&mut self, places: &[usize], own: usize) -> Vec<u32> {
        let mut number = vec![own as u32; self.curves()];
        let mut first = Vec::with_capacity(own);
        for (at, place) in places.iter().take(own).enumerate() {
            number[*place] = at as u32;
            first.push(std::mem::take(&mut self.combinations[*place]));
        }
        let left = std::mem::take(&mut self.combinations).into_iter().enumerate();
        let others = left.filter(|(at, _)| number.get(*at).is_none_or(|n| *n == own as u32)).map(|(_, c)| c);
        self.combinations = first.into_iter().chain(others.collect::<Vec<_>>()).collect();
        self.own = own;
        number
    }

    fn chosen(found: Vec<(u64, Vec<u32>)>, chosen: &[Vec<u32>]) -> Self {
        let mut place: FxHashMap<&[u32], usize> = FxHashMap::default();
        for (at, ids) in chosen.iter().enumerate() {
            place.entry(ids).or_insert(at);
        }
        let mut combinations: Vec<_> = chosen.iter().map(|ids| (NOWHERE, ids.clone())).collect();
        let mut others = Vec::new();
        for (cell, ids) in found {
            match place.get(ids.as_slice()).and_then(|at| combinations.get_mut(*at)) {
                Some(own) => own.0 = cell,
                None => others.push((cell, ids)),
            }
        }
        combinations.extend(others);
        Self { combinations, own: chosen.len(), chosen_by_sum: false }
    }

    /// How many curves there are.
    pub(super) fn curves(&self) -> usize {
        self.own + usize::from(self.others() > 0)
    }

    /// How many combinations share the last curve.
    pub(super) fn others(&self) -> usize {
        self.combinations.len() - self.own
    }

    pub(super) fn curve_of(&self, tally: &Tally<'_>) -> CurveOf {
        CurveOf::new(tally.cells.count(), &self.combinations, self.own)
    }
}

/// The combinations of keys, heaviest first. Outstanding curves weigh what the greatest of their values at a few moments
/// spread over the view is, whatever the number of points: what is freed at once is large in sum and small in the graph.
/// The others weigh what they add up to, as do outstanding ones that are too many to be compared (then `true`), and equal ones.
fn ranked(tally: &Tally<'_>, cancel: Cancel<'_>) -> Result<(Vec<Combination>, bool), SeriesError> {
    let ranked = tally.ranked(cancel)?;
    if tally.request.measure.kind != Kind::Outstanding {
        return Ok((ranked, false));
    }
    if ranked.len() > MOST_COMPARED {
        return Ok((ranked, true));
    }
    let points = Points::new(tally.request.view, RANKING_POINTS);
    let curve_of = CurveOf::new(tally.cells.count(), &ranked, ranked.len());
    let amounts = amounts(tally, &curve_of, &points, ranked.len(), cancel)?;
    let greatest = amounts.chunks(RANKING_POINTS).map(|own| own.iter().copied().max());
    let mut weighed: Vec<_> = greatest.zip(ranked).collect();
    weighed.sort_by_key(|w| std::cmp::Reverse(w.0));
    Ok((weighed.into_iter().map(|w| w.1).collect(), false))
}

/// The combinations of keys whose curves rise highest at any moment of the view, the highest first, equal ones the heavier
/// first; at most `request.top`, to be drawn as [`SeriesRequest::chosen`]. Of more than a few thousand combinations only
/// the heaviest are compared. `order` is asked for only where the measure needs it.
///
/// # Errors
///
/// When cancelled.
pub fn highest<'o>(
    names: &Names,
    request: &SeriesRequest<'_>,
    order: impl FnOnce() -> &'o EventOrder,
    cancel: Cancel<'_>,
) -> Result<Vec<Vec<u32>>, SeriesError> {
    if request.measure.kind == Kind::Outstanding {
        let drawn = highest_envelope(names, &SeriesRequest { points: 2, ..*request }, order(), cancel)?;
        return Ok(drawn.set.curves.into_iter().filter_map(|c| c.ids).collect());
    }
    let coarse = SeriesRequest { points: PEAK_POINTS, top: Some(MOST_PEAKS), chosen: None, ..*request };
    let set = series(names, &coarse, cancel)?;
    let peak = |at: usize| set.curves.get(at).and_then(|c| c.amounts.iter().max());
    let mut peaks: Vec<(usize, Option<&i128>)> = (0..set.curves.len()).map(|at| (at, peak(at))).collect();
    peaks.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let ids = peaks.iter().filter_map(|(at, _)| set.curves.get(*at)?.ids.clone());
    Ok(ids.take(request.top.unwrap_or(usize::MAX)).collect())
}
