//! Where blocks of the suspect's tag are freed, if those of the suspect never are: the free that is missing looks like these.

use super::{Case, Finding, Scene};
use crate::leaks::limits::{EXCEPTIONS, LEAST_SURVIVORS, MOST_PLACES};
use crate::trace::context::Tag;
use crate::trace::ids::{ContextId, StackId};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

/// Functions that free blocks of one tag in the view, whoever allocated them, the most frequent first, and how often.
pub type Places = Vec<(String, u64)>;

/// Whether the unit that the verdict rests on keeps its blocks.
fn keeps(scene: &Scene<'_>, case: &Case<'_>) -> Option<usize> {
    let lead = case.lead().filter(|_| case.has_grown())?;
    let own = scene.fates[lead];
    (own.kept >= LEAST_SURVIVORS && own.freed_share() <= EXCEPTIONS).then_some(lead)
}

/// Where blocks of the tags are freed that some case may miss a free of: each tag is looked at once.
pub fn places(scene: &Scene<'_>, cases: &[Case<'_>]) -> FxHashMap<(Tag, bool), Places> {
    let mut tags: Vec<(Tag, bool)> = cases.iter().filter_map(|case| Some(scene.tags[keeps(scene, case)?])).collect();
    tags.sort_unstable();
    tags.dedup();
    tags.into_par_iter().map(|tag| (tag, of_tag(scene, tag))).collect()
}

fn of_tag(scene: &Scene<'_>, tag: (Tag, bool)) -> Places {
    let table = &scene.trace.allocations;
    let mut stacks: FxHashMap<StackId, u64> = FxHashMap::default();
    let units = scene.of_tag.get(&tag).into_iter().flatten();
    for row in units.flat_map(|unit| scene.units.rows(*unit)).map(|row| *row as usize) {
        let free = table.free_time[row];
        // An implied free happened nowhere.
        if free >= scene.view.from && free <= scene.view.to && table.free_context[row] != ContextId::NONE {
            *stacks.entry(table.free_stack[row]).or_default() += 1;
        }
    }
    let mut functions: FxHashMap<String, u64> = FxHashMap::default();
    let mut stacks: Vec<(StackId, u64)> = stacks.into_iter().collect();
    stacks.sort_unstable();
    for (stack, count) in stacks {
        *functions.entry(scene.names.blamed_function(stack)).or_default() += count;
    }
    let mut places: Places = functions.into_iter().filter(|(function, _)| !function.is_empty()).collect();
    places.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    places
}

/// The functions that free blocks of the tag, if they are more than the few that the suspect itself frees.
pub fn find(scene: &Scene<'_>, case: &Case<'_>, places: &FxHashMap<(Tag, bool), Places>) -> Option<Finding> {
    let lead = keeps(scene, case)?;
    let places = places.get(&scene.tags[lead])?;
    let frees: u64 = places.iter().map(|place| place.1).sum();
    let freed_by = places.iter().take(MOST_PLACES).cloned().collect();
    (frees >= LEAST_SURVIVORS + scene.fates[lead].freed).then_some(Finding::MissingFree { freed_by })
}

#[cfg(test)]
mod tests {
    use super::super::kit::{PATH, blocks, judged, of_tag};
    use super::*;
    use crate::group::testkit::Block;
    use crate::leaks::By;

    /// The testkit leaves the context of frees out; here every free was seen.
    fn missing(blocks: &[Block]) -> Option<Finding> {
        let seen = |trace: &mut crate::trace::Trace| {
            trace.allocations.free_context.clone_from(&trace.allocations.alloc_context);
        };
        let found = of_tag(&judged(blocks, By::Tag, &[], seen), "Leak");
        found.into_iter().find(|finding| matches!(finding, Finding::MissingFree { .. }))
    }

    fn freed_at(mut made: Vec<Block>, free_stack: &'static [&'static str]) -> Vec<Block> {
        made.iter_mut().for_each(|block| block.free_stack = free_stack);
        made
    }

    #[test]
    fn the_frees_of_other_blocks_of_the_tag_are_told_by_function() {
        let mut all = blocks(b"Leak", 100, PATH, |_| None);
        all.extend(freed_at(blocks(b"Leak", 60, &["nt:20", "other:31"], |_| Some(5)), &["nt:20", "other:50"]));
        all.extend(freed_at(blocks(b"Leak", 40, &["nt:20", "other:31"], |_| Some(5)), &["app:1", "nt:20", "my:51"]));
        // No stack says nothing, and other tags do not matter.
        all.extend(blocks(b"Leak", 30, &["nt:20", "other:31"], |_| Some(5)));
        all.extend(freed_at(blocks(b"Else", 90, &["nt:20", "other:31"], |_| Some(5)), &["nt:20", "other:52"]));
        let freed_by = vec![("other.sys+0x50".to_owned(), 60), ("myfault.sys+0x51".to_owned(), 40)];
        assert_eq!(missing(&all), Some(Finding::MissingFree { freed_by }));
    }

    #[test]
    fn one_that_frees_itself_misses_nothing() {
        let free = &["nt:20", "other:50"];
        let mut all = freed_at(blocks(b"Leak", 600, PATH, |k| (k % 5 > 0).then_some(5)), free);
        all.extend(freed_at(blocks(b"Leak", 60, &["nt:20", "other:31"], |_| Some(5)), free));
        assert_eq!(missing(&all), None);
        let mut all = blocks(b"Leak", 100, PATH, |_| None);
        all.extend(freed_at(blocks(b"Leak", 5, &["nt:20", "other:31"], |_| Some(5)), free));
        assert_eq!(missing(&all), None);
    }
}
