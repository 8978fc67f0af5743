//! Callers and callees of a function or module, from the displayed stacks of a set of rows, and the paths through it: those whose
//! allocations are freed beside those whose allocations are not.
//!
//! Recursion counts once: a stack adds its allocations once to the function, once to each of its callers, and once to each of its
//! callees, no matter how often these are on it. Consecutive frames of one function or module are one. So the figures of callers
//! add up to those of the function unless it is called by several functions on one stack (mutual recursion).

#[cfg(test)]
mod tests;

use crate::flame::module_of_text;
use crate::group::aggregate::Aggregate;
use crate::group::display_stacks::DisplayStacks;
use crate::group::parallel::{Cancel, Cancelled};
use crate::pivot::table::Pivot;
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::sync::Arc;

/// Number of stacks between two checks for cancellation.
const CHECK_STACKS: usize = 1 << 14;

/// What frames are joined by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum ButterflyUnit {
    /// Functions: frames without the offset in them.
    #[default]
    Function,
    /// Modules.
    Module,
}

/// The function or module of a frame's text: without the offset in a function, and without the mark of inlined code. A frame
/// without a name is its own function.
#[must_use]
pub fn unit_of_text(text: &str, unit: ButterflyUnit) -> &str {
    match unit {
        ButterflyUnit::Module => module_of_text(text).unwrap_or(text),
        ButterflyUnit::Function => {
            let text = text.strip_suffix(" [inlined]").unwrap_or(text);
            let Some((_, function)) = text.split_once('!') else { return text };
            let is_offset =
                |offset: &str| offset.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
            match function.rsplit_once('+') {
                Some((name, offset)) if !name.is_empty() && is_offset(offset) => {
                    text.get(..text.len() - offset.len() - 1).unwrap_or(text)
                }
                _ => text,
            }
        }
    }
}

/// A caller or callee.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Neighbor {
    /// Function or module; `None` for stacks that begin (caller) or end (callee) with the function itself.
    pub name: Option<String>,
    /// Sums over the stacks with it.
    pub aggregate: Aggregate,
}

/// The stacks through the function that are the same by function or module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StackPath {
    /// Functions or modules, outermost first.
    pub frames: Vec<String>,
    /// The displayed stack with the largest impacting size.
    pub stack: u32,
    /// Sums over the stacks.
    pub aggregate: Aggregate,
}

impl StackPath {
    /// Returns `true` if allocations of the path are freed in the visible range.
    #[must_use]
    pub fn frees(&self) -> bool {
        self.aggregate.freed_inside() > 0
    }
}

/// Callers, callees and paths of a function or module. Lists are sorted by impacting size, size and count, largest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Butterfly {
    /// Function or module.
    pub focus: String,
    /// What frames were joined by.
    pub unit: ButterflyUnit,
    /// Sums over the stacks with the function.
    pub aggregate: Aggregate,
    /// Sums over all stacks.
    pub total: Aggregate,
    /// The functions that call it.
    pub callers: Vec<Neighbor>,
    /// The functions that it calls.
    pub callees: Vec<Neighbor>,
    /// The paths through it.
    pub paths: Vec<StackPath>,
}

/// Number of a unit that stands for no neighbor.
const NONE: u32 = u32::MAX;

/// Computes the butterfly of a function or module over the groups of a pivot by a stack column alone. A function that no stack has
/// has no callers, callees and paths.
///
/// # Errors
/// [`Cancelled`] if `cancel` returns `true`.
pub fn butterfly(
    pivot: &Arc<Pivot>,
    focus: &str,
    unit: ButterflyUnit,
    cancel: Cancel<'_>,
) -> Result<Butterfly, Cancelled> {
    let empty = Butterfly {
        focus: focus.to_owned(),
        unit,
        aggregate: Aggregate::default(),
        total: *pivot.total(),
        callers: Vec::new(),
        callees: Vec::new(),
        paths: Vec::new(),
    };
    let Some(stacks) = pivot.columns().first().and_then(|column| column.stacks()) else { return Ok(empty) };
    let units = Units::new(stacks, unit);
    let Some(wanted) = units.find(focus) else { return Ok(empty) };
    let has_focus = units.nodes_with(stacks, wanted);
    let mut sums = Sums::default();
    for group in 0..pivot.len() {
        if group % CHECK_STACKS == 0 && cancel() {
            return Err(Cancelled);
        }
        let node = pivot.ids(group).first().copied().unwrap_or(0);
        if !has_focus.get(node as usize).copied().unwrap_or(false) {
            continue;
        }
        let aggregate = pivot.aggregates().get(group).copied().unwrap_or_default();
        sums.add(&units.path(stacks, node), wanted, node, &aggregate);
    }
    Ok(Butterfly {
        aggregate: sums.all,
        callers: neighbors(sums.callers, &units),
        callees: neighbors(sums.callees, &units),
        paths: paths(sums.paths, &units),
        ..empty
    })
}

/// The functions or modules of the frame texts of displayed stacks, numbered in the order of their names.
struct Units<'s> {
    names: Vec<&'s str>,
    of_text: Vec<u32>,
}

impl<'s> Units<'s> {
    fn new(stacks: &'s DisplayStacks, unit: ButterflyUnit) -> Self {
        let of_text: Vec<&str> = stacks.texts().iter().map(|text| unit_of_text(text, unit)).collect();
        let mut names = of_text.clone();
        names.sort_unstable();
        names.dedup();
        let number = |name: &&str| names.binary_search(name).map_or(NONE, |at| at as u32);
        let of_text = of_text.iter().map(number).collect();
        Self { names, of_text }
    }

    fn find(&self, name: &str) -> Option<u32> {
        self.names.binary_search(&name).ok().map(|at| at as u32)
    }

    fn name(&self, unit: u32) -> &'s str {
        self.names.get(unit as usize).copied().unwrap_or("")
    }

    fn of_node(&self, stacks: &DisplayStacks, node: u32) -> u32 {
        stacks.text_id(node).and_then(|text| self.of_text.get(text as usize)).copied().unwrap_or(NONE)
    }

    /// For each displayed stack whether it has a frame of the unit.
    fn nodes_with(&self, stacks: &DisplayStacks, unit: u32) -> Vec<bool> {
        let mut has = vec![false; stacks.len()];
        // Parents come before their children.
        for node in 1..stacks.len() as u32 {
            let outer = has.get(stacks.parent(node) as usize).copied().unwrap_or(false);
            if let Some(place) = has.get_mut(node as usize) {
                *place = outer || self.of_node(stacks, node) == unit;
            }
        }
        has
    }

    /// The units of a stack, outermost first; runs of one unit are one.
    fn path(&self, stacks: &DisplayStacks, node: u32) -> Vec<u32> {
        let mut path = Vec::with_capacity(stacks.depth(node));
        let mut at = node;
        while stacks.text_id(at).is_some() {
            let unit = self.of_node(stacks, at);
            if path.last() != Some(&unit) {
                path.push(unit);
            }
            at = stacks.parent(at);
        }
        path.reverse();
        path
    }
}

/// The stacks of a path so far: their sums, and the one with the largest impacting size.
struct PathSum {
    aggregate: Aggregate,
    stack: u32,
    heaviest: u64,
}

#[derive(Default)]
struct Sums {
    all: Aggregate,
    callers: FxHashMap<u32, Aggregate>,
    callees: FxHashMap<u32, Aggregate>,
    paths: FxHashMap<Vec<u32>, PathSum>,
}

impl Sums {
    fn add(&mut self, path: &[u32], focus: u32, node: u32, aggregate: &Aggregate) {
        self.all.merge(aggregate);
        let places: Vec<usize> = (0..path.len()).filter(|at| path.get(*at) == Some(&focus)).collect();
        let neighbor = |at: Option<usize>| at.and_then(|at| path.get(at)).copied().unwrap_or(NONE);
        let callers = places.iter().map(|at| neighbor(at.checked_sub(1)));
        let callees = places.iter().map(|at| neighbor(Some(at + 1)));
        for (units, sums) in
            [(callers.collect::<Vec<_>>(), &mut self.callers), (callees.collect::<Vec<_>>(), &mut self.callees)]
        {
            for unit in distinct(units) {
                sums.entry(unit).or_default().merge(aggregate);
            }
        }
        let own = aggregate.impacting_size();
        let known = self.paths.entry(path.to_vec());
        let sum = known.or_insert_with(|| PathSum { aggregate: Aggregate::default(), stack: node, heaviest: own });
        sum.aggregate.merge(aggregate);
        if own > sum.heaviest {
            (sum.stack, sum.heaviest) = (node, own);
        }
    }
}

fn distinct(mut units: Vec<u32>) -> Vec<u32> {
    units.sort_unstable();
    units.dedup();
    units
}

/// Order of lists: by impacting size, size and count, largest first.
fn weight(aggregate: &Aggregate) -> Reverse<(u64, u64, u64)> {
    Reverse((aggregate.impacting_size(), aggregate.size(), aggregate.count()))
}

fn neighbors(sums: FxHashMap<u32, Aggregate>, units: &Units<'_>) -> Vec<Neighbor> {
    let mut sums: Vec<(u32, Aggregate)> = sums.into_iter().collect();
    sums.sort_unstable_by_key(|(unit, aggregate)| (weight(aggregate), *unit));
    let name = |unit: u32| (unit != NONE).then(|| units.name(unit).to_owned());
    sums.into_iter().map(|(unit, aggregate)| Neighbor { name: name(unit), aggregate }).collect()
}

fn paths(sums: FxHashMap<Vec<u32>, PathSum>, units: &Units<'_>) -> Vec<StackPath> {
    let mut sums: Vec<(Vec<u32>, PathSum)> = sums.into_iter().collect();
    sums.sort_unstable_by(|a, b| (weight(&a.1.aggregate), &a.0).cmp(&(weight(&b.1.aggregate), &b.0)));
    let path = |(path, sum): (Vec<u32>, PathSum)| StackPath {
        frames: path.into_iter().map(|unit| units.name(unit).to_owned()).collect(),
        stack: sum.stack,
        aggregate: sum.aggregate,
    };
    sums.into_iter().map(path).collect()
}
