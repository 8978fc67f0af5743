//! Code that frees all of its blocks but those of one size: one kind of object among several is forgotten.

use super::{Case, Fate, Finding, Scene, outcome};
use crate::leaks::limits::{ENOUGH_ALLOCATIONS, LEAST_SURVIVORS, OTHERS_FREED, SIZE_KEPT};
use crate::trace::ids::StackId;
use rustc_hash::FxHashMap;

/// In the function, or in the one stack that most survivors come from.
pub fn find(scene: &Scene<'_>, case: &Case<'_>) -> Option<Finding> {
    let lead = case.lead()?;
    let stack = Some(case.suspect.stack).filter(|stack| *stack != StackId::EMPTY);
    in_rows(scene, lead, None).or_else(|| stack.and_then(|stack| in_rows(scene, lead, Some(stack))))
}

fn in_rows(scene: &Scene<'_>, unit: usize, stack: Option<StackId>) -> Option<Finding> {
    let table = &scene.trace.allocations;
    let mut sizes: FxHashMap<u64, Fate> = FxHashMap::default();
    for row in scene.units.rows(unit).iter().map(|row| *row as usize) {
        if stack.is_some_and(|stack| table.alloc_stack[row] != stack) {
            continue;
        }
        let Some(is_freed) = outcome(scene.trace, row, scene.view) else { continue };
        let fate = sizes.entry(table.size[row]).or_default();
        *(if is_freed { &mut fate.freed } else { &mut fate.kept }) += 1;
    }
    let kept = sizes.iter().max_by_key(|(size, fate)| (fate.kept, **size));
    let (size_bytes, fate) = kept.map(|(size, fate)| (*size, *fate))?;
    let others = sizes.iter().filter(|(size, _)| **size != size_bytes).map(|(_, fate)| *fate);
    let others =
        others.fold(Fate::default(), |sum, fate| Fate { freed: sum.freed + fate.freed, kept: sum.kept + fate.kept });
    let found = fate.kept >= LEAST_SURVIVORS
        && 1.0 - fate.freed_share() >= SIZE_KEPT
        && others.freed >= ENOUGH_ALLOCATIONS
        && others.freed_share() >= OTHERS_FREED;
    found.then_some(Finding::AllButOneSize { size_bytes, kept: fate.kept, others_freed: others.freed })
}

#[cfg(test)]
mod tests {
    use super::super::kit::{PATH, blocks, found};
    use super::*;
    use crate::group::testkit::Block;

    fn sizes(blocks: &[Block]) -> Option<Finding> {
        found(blocks, "Leak").into_iter().find(|finding| matches!(finding, Finding::AllButOneSize { .. }))
    }

    /// Every fourth block has the forgotten size.
    fn sized(mut made: Vec<Block>) -> Vec<Block> {
        made.iter_mut().enumerate().for_each(|(k, block)| block.size = if k % 4 == 0 { 96 } else { 32 + k as u64 % 3 });
        made
    }

    #[test]
    fn the_forgotten_size_is_named() {
        let all = sized(blocks(b"Leak", 200, PATH, |k| (k % 4 > 0).then_some(9)));
        assert_eq!(sizes(&all), Some(Finding::AllButOneSize { size_bytes: 96, kept: 50, others_freed: 150 }));
        // Half of the size freed, or some of the others kept: sizes do not tell.
        assert_eq!(sizes(&sized(blocks(b"Leak", 200, PATH, |k| (k % 8 > 0).then_some(9)))), None);
        assert_eq!(sizes(&sized(blocks(b"Leak", 200, PATH, |k| (k % 4 > 1).then_some(9)))), None);
        assert_eq!(sizes(&blocks(b"Leak", 200, PATH, |_| None)), None);
    }

    #[test]
    fn one_stack_of_a_function_will_do() {
        let mut all = sized(blocks(b"Leak", 200, PATH, |k| (k % 4 > 0).then_some(9)));
        // The same function called from elsewhere keeps other sizes, though fewer bytes.
        let mut other = blocks(b"Leak", 60, &["nt:20", "nt:21", "my:30"], |_| None);
        other.iter_mut().for_each(|block| block.size = 8);
        all.extend(other);
        assert_eq!(sizes(&all), Some(Finding::AllButOneSize { size_bytes: 96, kept: 50, others_freed: 150 }));
    }
}
