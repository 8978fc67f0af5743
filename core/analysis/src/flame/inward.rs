//! Merging from the innermost frame outwards: each stack has a place that goes one frame out with every level, and a run is
//! sorted by the frames at these places.

use super::merge::{Merging, Part, Parts, heaviest};
use crate::group::stacks::DisplayStacks;
use rayon::prelude::*;
use std::ops::Range;

/// Runs of so many stacks are sorted by all workers.
const MANY: usize = 1 << 15;

/// A stack, and where in it.
#[derive(Clone, Copy)]
struct Place {
    /// Number of the frame's text plus one; 0 beyond the outermost frame.
    text: u32,
    /// Node of the shown stacks whose innermost frame that is.
    shown: u32,
    group: u32,
}

/// Groups by callees.
pub(super) struct ByCallees<'p> {
    stacks: &'p DisplayStacks,
    places: Vec<Place>,
    /// Node of the shown stacks of each group.
    ends: Vec<u32>,
    weights: &'p [u64],
}

impl<'p> ByCallees<'p> {
    pub(super) fn new(stacks: &'p DisplayStacks, shown: Vec<u32>, weights: &'p [u64]) -> Self {
        let place = |(group, shown): (usize, &u32)| Place {
            text: stacks.text_id(*shown).map_or(0, |text| text + 1),
            shown: *shown,
            group: group as u32,
        };
        let places = shown.iter().enumerate().map(place).collect();
        Self { stacks, places, ends: shown, weights }
    }
}

impl Merging for ByCallees<'_> {
    fn part(&mut self, run: Range<usize>, _shown: u32) -> Parts {
        let Some(places) = self.places.get_mut(run.clone()) else {
            return Parts { own: run, parts: Vec::new() };
        };
        let key = |place: &Place| (place.text, place.group);
        if places.len() < MANY {
            places.sort_unstable_by_key(key);
        } else {
            places.par_sort_unstable_by_key(key);
        }
        let own = places.partition_point(|place| place.text == 0);
        let mut parts = Vec::new();
        let mut from = own;
        while let Some(first) = places.get(from) {
            let text = first.text;
            let rest = places.get(from..).unwrap_or_default();
            let inner = from..from + rest.partition_point(|place| place.text == text);
            let weight = |at: usize| {
                places.get(at).and_then(|place| self.weights.get(place.group as usize)).copied().unwrap_or(0)
            };
            let (at, weight) = heaviest(inner.clone(), weight);
            let best = places.get(at).copied().unwrap_or(*first);
            parts.push(Part {
                text: text - 1,
                run: run.start + inner.start..run.start + inner.end,
                shown: best.shown,
                stack: self.ends.get(best.group as usize).copied().unwrap_or(0),
                weight,
            });
            from = inner.end;
        }
        // The next time each stands one frame further out.
        let stacks = self.stacks;
        for place in places.iter_mut().skip(own) {
            place.shown = stacks.parent(place.shown);
            place.text = stacks.text_id(place.shown).map_or(0, |text| text + 1);
        }
        Parts { own: run.start..run.start + own, parts }
    }

    fn group(&self, at: usize) -> usize {
        self.places.get(at).map_or(0, |place| place.group as usize)
    }
}
