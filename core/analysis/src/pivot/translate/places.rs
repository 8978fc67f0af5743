//! Places under other names: the rows of an old place as places of the new names, as few as possible. One place may become
//! several; rows are never lost by it.

use super::Translation;
use super::cover::{cover, totals};
use crate::group::key::Key;
use crate::group::values::{KeyColumn, Labels};
use crate::pivot::place::{Place, PlaceStep};
use crate::trace::ids::StackId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Steps that take the places of old ones, each with its position.
type Instead = Vec<(usize, PlaceStep)>;

impl Translation {
    /// The places of the new names that show the rows of an old place: those with most stacks first. Nothing where the old
    /// names do not have it, or no row is in it.
    #[must_use]
    pub fn places(&self, place: &Place) -> Vec<Place> {
        let mut ways = vec![place.clone()];
        for of in [[Key::Driver, Key::Function, Key::Stack].as_slice(), &[Key::FreeStack]] {
            let changed = |step: &PlaceStep| of.contains(&step.key()) && !matches!(step, PlaceStep::NoStack { .. });
            let steps: Vec<usize> = (0..place.0.len()).filter(|at| changed(&place.0[*at])).collect();
            if steps.is_empty() {
                continue;
            }
            let Some(instead) = self.instead(place, &steps) else { return Vec::new() };
            let with = |way: &Place, instead: &Instead| {
                let mut way = way.clone();
                for (at, step) in instead {
                    if let Some(place) = way.0.get_mut(*at) {
                        place.clone_from(step);
                    }
                }
                way
            };
            ways = ways.iter().flat_map(|way| instead.iter().map(|one| with(way, one))).collect();
        }
        ways
    }

    /// What stands instead of some steps that all follow from one stack.
    fn instead(&self, place: &Place, steps: &[usize]) -> Option<Vec<Instead>> {
        let key = place.0.get(*steps.first()?)?.key();
        let used = self.used(key);
        let is_used = |stack: &u32| used.get(*stack as usize).copied().unwrap_or(false);
        let (mut taken, mut values, mut frames_at) = (None, Vec::new(), None);
        for at in steps {
            match place.0.get(*at)? {
                PlaceStep::Frames { frames, .. } => {
                    let stacks = self.old.stacks();
                    let node = stacks.find(frames)?;
                    // What follows a frame is the next column of the stacks that end there.
                    let is_last = *at + 1 == place.0.len();
                    let run = if is_last { stacks.subtree(node) } else { node..node + 1 };
                    taken = Some(self.shown_at().at(run).iter().copied().filter(is_used).collect::<Vec<u32>>());
                    frames_at = Some((*at, is_last, self.frame_nodes(node)));
                }
                PlaceStep::Value { key, text } => {
                    let (old, new) = (Self::by_stack(&self.old, *key)?, Self::by_stack(&self.new, *key)?);
                    values.push((*at, *key, id_of(&self.old.column(*key), text)?, old, new));
                }
                PlaceStep::NoStack { .. } => {}
            }
        }
        let taken = taken.unwrap_or_else(|| (0..used.len() as u32).filter(is_used).collect());
        let fits = |stack: &u32| values.iter().all(|(.., id, old, _)| old.get(*stack as usize) == Some(id));
        let new_values = |stack: u32| -> Vec<u32> {
            values.iter().map(|(.., new)| new.get(stack as usize).copied().unwrap_or(0)).collect()
        };
        let mut groups: BTreeMap<Vec<u32>, Vec<u32>> = BTreeMap::new();
        for stack in taken.into_iter().filter(fits) {
            groups.entry(new_values(stack)).or_default().push(stack);
        }
        let mut groups: Vec<(Vec<u32>, Vec<u32>)> = groups.into_iter().collect();
        groups.sort_by_key(|(_, stacks)| std::cmp::Reverse(stacks.len()));
        let mut instead = Vec::new();
        for (ids, stacks) in groups {
            let texts = values.iter().zip(&ids).map(|((at, key, ..), id)| {
                (*at, PlaceStep::Value { key: *key, text: self.new.column(*key).text(*id).into_owned() })
            });
            let texts: Instead = texts.collect();
            let Some((at, is_last, nearest)) = &frames_at else {
                instead.push(texts);
                continue;
            };
            let all = (0..used.len() as u32).filter(|stack| is_used(stack) && new_values(*stack) == ids);
            for frames in self.frames(&stacks, is_last.then_some(nearest), all) {
                let frames = PlaceStep::Frames { key: place.0.get(*at)?.key(), frames };
                instead.push(texts.iter().cloned().chain([(*at, frames)]).collect());
            }
        }
        (!instead.is_empty()).then_some(instead)
    }

    /// The new frames of some stacks: if subtrees are wanted, those that hold no more of `all` than they must, and of those
    /// that hold the same the ones among `nearest`.
    fn frames(&self, taken: &[u32], nearest: Option<&Vec<u32>>, all: impl Iterator<Item = u32>) -> Vec<Vec<String>> {
        let shown = self.new.stacks();
        let mut nodes: Vec<u32> = taken.iter().map(|stack| shown.node_of(StackId(*stack))).collect();
        nodes.sort_unstable();
        let held = |node: u32| {
            let run = if nearest.is_some() { shown.subtree(node) } else { node..node + 1 };
            let before = |limit: u32| nodes.partition_point(|node| *node < limit);
            before(run.end) - before(run.start)
        };
        let mut weighed: Vec<(u32, usize)> = match nearest {
            Some(nearest) => {
                let totals = totals(all.map(|stack| shown.node_of(StackId(stack))), shown.len());
                let chosen = cover(shown, &nodes, &totals).into_iter().map(|node| {
                    let inside = shown.subtree(node);
                    let same =
                        nearest.iter().copied().filter(|near| inside.contains(near) && held(*near) == held(node));
                    same.min_by_key(|near| (shown.depth(*near), *near)).unwrap_or(node)
                });
                chosen.map(|node| (node, held(node))).collect()
            }
            None => {
                let mut distinct = nodes.clone();
                distinct.dedup();
                distinct.into_iter().map(|node| (node, held(node))).collect()
            }
        };
        weighed.sort_by_key(|(_, stacks)| std::cmp::Reverse(*stacks));
        weighed.into_iter().map(|(node, _)| shown.frames(node).into_iter().map(str::to_owned).collect()).collect()
    }
}

/// The number of a text, which the texts of drivers and functions are in the order of.
fn id_of(column: &Arc<KeyColumn>, text: &str) -> Option<u32> {
    match &column.labels {
        Labels::Texts(texts) => texts.binary_search_by(|t| t.as_str().cmp(text)).ok().map(|at| at as u32),
        _ => None,
    }
}
