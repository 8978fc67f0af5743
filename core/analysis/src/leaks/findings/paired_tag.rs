//! Paired tag: another tag that is allocated on the same call path and is freed. The code that frees it is where the free of the
//! suspect is missing.

use super::{DetectorInput, Finding, SuspectUnits, UnitOutcome};
use crate::group::column_values::ColumnValues;
use crate::group::responsible::driver_label;
use crate::group::wrapper_rules::{FrameRole, WrapperRules};
use crate::leaks::limits::{CLEAR_RATIO, MIN_EVENTS_FOR_SHARE, MIN_PAIR_FREED_SHARE};
use crate::leaks::units::Units;
use crate::trace::attributes::Tag;
use crate::trace::ids::{FrameId, StackId};
use rustc_hash::FxHashMap;

/// Call paths of the allocations of all units.
pub struct AllocationPaths {
    of_unit: Vec<Option<AllocationPath>>,
    /// Units by responsible function.
    by_function: FxHashMap<u32, Vec<usize>>,
    /// Units by responsible driver and the stack that calls it.
    by_caller: FxHashMap<(u32, StackId), Vec<usize>>,
}

/// Call path of an allocation. Functions and drivers are ids of their names.
#[derive(Clone, Copy)]
struct AllocationPath {
    function: u32,
    driver: u32,
    /// The function is in a driver. Functions of the kernel allocate for many drivers, so that sharing one means nothing.
    is_in_driver: bool,
    /// The stack that calls the responsible frame. Work of the same driver for the same caller belongs together.
    caller: StackId,
}

impl AllocationPaths {
    /// Collects the paths of all units, each by its sample row.
    pub fn new(names: &ColumnValues, units: &Units) -> Self {
        let mut paths =
            Self { of_unit: Vec::new(), by_function: FxHashMap::default(), by_caller: FxHashMap::default() };
        let (mut ids, mut known) = (FxHashMap::default(), FxHashMap::default());
        for unit in 0..units.len() {
            let path = allocation_path(names, units.sample_row(unit), &mut ids, &mut known);
            if let Some(path) = path {
                paths.by_function.entry(path.function).or_default().push(unit);
                paths.by_caller.entry((path.driver, path.caller)).or_default().push(unit);
            }
            paths.of_unit.push(path);
        }
        paths
    }
}

/// The ids of function and driver of a frame, and whether it is in a driver.
type ResponsibleFrame = (u32, u32, bool);

/// The path of a row; `None` without a responsible frame or without a caller of it. `ids`: ids of the names so far; `known`: the
/// frames so far.
fn allocation_path(
    names: &ColumnValues,
    row: usize,
    ids: &mut FxHashMap<String, u32>,
    known: &mut FxHashMap<FrameId, ResponsibleFrame>,
) -> Option<AllocationPath> {
    let trace = names.trace();
    let stack = *trace.allocations.alloc_stack.get(row)?;
    let responsible = names.responsible_frame(stack);
    if responsible == FrameId::NONE {
        return None;
    }
    let mut at = stack;
    while trace.stacks.frame(at)? != responsible {
        at = trace.stacks.parent(at)?;
    }
    let caller = trace.stacks.parent(at)?;
    // The root of the stack tree is no caller.
    trace.stacks.frame(caller)?;
    let (function, driver, is_in_driver) = *known.entry(responsible).or_insert_with(|| {
        let driver = driver_label(trace, responsible);
        let is_in_driver = WrapperRules::built_in().of_module(&driver).role() == FrameRole::Driver;
        let mut id_of = |name: String| {
            let next = ids.len() as u32;
            *ids.entry(name).or_insert(next)
        };
        (id_of(names.responsible_function(stack)), id_of(driver), is_in_driver)
    });
    Some(AllocationPath { function, driver, is_in_driver, caller })
}

/// Finds another tag, nearly all of whose allocations are freed, that the same function allocates about as often, or the same driver
/// for the same caller.
pub fn find(input: &DetectorInput<'_>, suspect: &SuspectUnits<'_>) -> Option<Finding> {
    let unit = suspect.main_unit()?;
    let path = (*input.paths.of_unit.get(unit)?)?;
    let by_function = input.paths.by_function.get(&path.function).filter(|_| path.is_in_driver);
    let by_caller = input.paths.by_caller.get(&(path.driver, path.caller));
    by_function.and_then(|units| find_in_units(input, unit, units)).or_else(|| find_in_units(input, unit, by_caller?))
}

/// Finds the tag among `units` that is allocated most nearly as often as that of `own`.
fn find_in_units(input: &DetectorInput<'_>, own: usize, units: &[usize]) -> Option<Finding> {
    let mut by_tag: FxHashMap<Tag, UnitOutcome> = FxHashMap::default();
    for &unit in units.iter().filter(|unit| input.tags[**unit].0 != input.tags[own].0) {
        by_tag.entry(input.tags[unit].0).or_default().merge(input.outcomes[unit]);
    }
    // Ratio of the numbers of allocations, at least 1.
    let ratio = |outcome: UnitOutcome| {
        let ratio = outcome.allocated() as f64 / input.outcomes[own].allocated().max(1) as f64;
        ratio.max(1.0 / ratio)
    };
    let candidates = by_tag.into_iter().filter(|(_, outcome)| {
        outcome.allocated() >= MIN_EVENTS_FOR_SHARE
            && outcome.freed_share() >= MIN_PAIR_FREED_SHARE
            && ratio(*outcome) <= CLEAR_RATIO
    });
    let nearest = candidates.min_by(|a, b| ratio(a.1).total_cmp(&ratio(b.1)).then_with(|| a.0.cmp(&b.0)));
    nearest.map(|(tag, outcome)| Finding::PairedTag { tag: tag.text(), freed_share: outcome.freed_share() })
}

#[cfg(test)]
mod tests {
    use super::super::test_util::{PATH, blocks, findings};
    use super::*;
    use crate::group::test_util::Block;

    fn partner(blocks: &[Block]) -> Option<Finding> {
        findings(blocks, "Leak").into_iter().find(|finding| matches!(finding, Finding::PairedTag { .. }))
    }

    #[test]
    fn a_tag_that_the_same_function_frees_is_the_pair() {
        let mut all = blocks(b"Leak", 100, PATH, |_| None);
        all.extend(blocks(b"Pair", 110, PATH, |k| (k != 50).then_some(3)));
        // Closer in number, but elsewhere; on the path, but rare; on the path, but not freed.
        all.extend(blocks(b"Else", 100, &["nt:20", "other:31"], |_| Some(3)));
        all.extend(blocks(b"Rare", 8, PATH, |_| Some(3)));
        all.extend(blocks(b"Kept", 100, PATH, |k| (k % 10 > 0).then_some(3)));
        assert_eq!(partner(&all), Some(Finding::PairedTag { tag: "Pair".to_owned(), freed_share: 109.0 / 110.0 }));
        all.retain(|block| block.tag != b"Pair");
        assert_eq!(partner(&all), None);
    }

    #[test]
    fn a_kernel_function_is_shared_by_unrelated_tags() {
        let mut all = blocks(b"Leak", 100, &["app:10", "nt:20", "nt:30"], |_| None);
        all.extend(blocks(b"Pair", 100, &["app:11", "nt:21", "nt:30"], |_| Some(3)));
        assert_eq!(partner(&all), None);
        // Called from the same place, they are one piece of work.
        all.extend(blocks(b"Here", 100, &["app:10", "nt:20", "nt:30"], |_| Some(3)));
        assert_eq!(partner(&all), Some(Finding::PairedTag { tag: "Here".to_owned(), freed_share: 1.0 }));
    }

    #[test]
    fn without_symbols_the_same_caller_is_enough() {
        let mut all = blocks(b"Leak", 100, PATH, |_| None);
        all.extend(blocks(b"Pair", 100, &["app:10", "nt:20", "my:38"], |_| Some(3)));
        assert_eq!(partner(&all), Some(Finding::PairedTag { tag: "Pair".to_owned(), freed_share: 1.0 }));
        // Another driver called from the same place is no pair, nor the same driver called from elsewhere.
        let mut all = blocks(b"Leak", 100, PATH, |_| None);
        all.extend(blocks(b"Oth1", 100, &["app:10", "nt:20", "other:38"], |_| Some(3)));
        all.extend(blocks(b"Oth2", 100, &["app:10", "nt:21", "my:38"], |_| Some(3)));
        assert_eq!(partner(&all), None);
        let mut bare = blocks(b"Leak", 100, &["my:30"], |_| None);
        bare.extend(blocks(b"Pair", 100, &["my:38"], |_| Some(3)));
        assert_eq!(partner(&bare), None);
    }
}
