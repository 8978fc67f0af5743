//! Code that frees all of its allocations except those of one size: one of several kinds of object is not freed.

use super::{DetectorInput, Finding, SuspectUnits, UnitOutcome, is_freed_in_range};
use crate::group::parallel::until_cancelled;
use crate::leaks::limits::{
    MIN_EVENTS_FOR_SHARE, MIN_OTHER_SIZES_FREED_SHARE, MIN_OUTSTANDING, MIN_SIZE_OUTSTANDING_SHARE,
};
use crate::trace::ids::StackId;
use rustc_hash::FxHashMap;

/// Finds such a size in the main unit of a suspect, or in the suspect's stack alone.
pub fn find(input: &DetectorInput<'_>, suspect: &SuspectUnits<'_>) -> Option<Finding> {
    let unit = suspect.main_unit()?;
    let stack = Some(suspect.suspect.stack).filter(|stack| *stack != StackId::EMPTY);
    find_in_rows(input, unit, None).or_else(|| find_in_rows(input, unit, Some(stack?)))
}

fn find_in_rows(input: &DetectorInput<'_>, unit: usize, stack: Option<StackId>) -> Option<Finding> {
    let table = &input.trace.allocations;
    let mut by_size: FxHashMap<u64, UnitOutcome> = FxHashMap::default();
    for figure in until_cancelled(input.units.figures(unit), input.cancel) {
        if stack.is_some_and(|stack| table.alloc_stack[figure.row] != stack) {
            continue;
        }
        if let Some(is_freed) = is_freed_in_range(&figure, input.range) {
            by_size.entry(figure.size).or_default().add(is_freed);
        }
    }
    let most_outstanding = by_size.iter().max_by_key(|(size, outcome)| (outcome.outstanding, **size));
    let (size_bytes, outcome) = most_outstanding.map(|(size, outcome)| (*size, *outcome))?;
    let mut others = UnitOutcome::default();
    by_size.iter().filter(|(size, _)| **size != size_bytes).for_each(|(_, outcome)| others.merge(*outcome));
    let is_found = outcome.outstanding >= MIN_OUTSTANDING
        && 1.0 - outcome.freed_share() >= MIN_SIZE_OUTSTANDING_SHARE
        && others.freed >= MIN_EVENTS_FOR_SHARE
        && others.freed_share() >= MIN_OTHER_SIZES_FREED_SHARE;
    let (outstanding, others_freed) = (outcome.outstanding, others.freed);
    is_found.then_some(Finding::AllButOneSize { size_bytes, outstanding, others_freed })
}

#[cfg(test)]
mod tests {
    use super::super::test_util::{PATH, blocks, findings};
    use super::*;
    use crate::group::test_util::Block;

    fn sizes(blocks: &[Block]) -> Option<Finding> {
        findings(blocks, "Leak").into_iter().find(|finding| matches!(finding, Finding::AllButOneSize { .. }))
    }

    /// Gives every fourth allocation the size that is not freed.
    fn sized(mut made: Vec<Block>) -> Vec<Block> {
        made.iter_mut().enumerate().for_each(|(k, block)| block.size = if k % 4 == 0 { 96 } else { 32 + k as u64 % 3 });
        made
    }

    #[test]
    fn the_size_that_is_not_freed_is_named() {
        let all = sized(blocks(b"Leak", 200, PATH, |k| (k % 4 > 0).then_some(9)));
        assert_eq!(sizes(&all), Some(Finding::AllButOneSize { size_bytes: 96, outstanding: 50, others_freed: 150 }));
        // Half of the size is freed, or some of the others are outstanding, or there is one size.
        assert_eq!(sizes(&sized(blocks(b"Leak", 200, PATH, |k| (k % 8 > 0).then_some(9)))), None);
        assert_eq!(sizes(&sized(blocks(b"Leak", 200, PATH, |k| (k % 4 > 1).then_some(9)))), None);
        assert_eq!(sizes(&blocks(b"Leak", 200, PATH, |_| None)), None);
    }

    #[test]
    fn one_stack_of_a_function_is_enough() {
        let mut all = sized(blocks(b"Leak", 200, PATH, |k| (k % 4 > 0).then_some(9)));
        // The same function called from elsewhere has outstanding allocations of another size, with fewer bytes.
        let mut other = blocks(b"Leak", 60, &["nt:20", "nt:21", "my:30"], |_| None);
        other.iter_mut().for_each(|block| block.size = 8);
        all.extend(other);
        assert_eq!(sizes(&all), Some(Finding::AllButOneSize { size_bytes: 96, outstanding: 50, others_freed: 150 }));
    }
}
