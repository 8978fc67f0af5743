//! Missing free: where allocations of the suspect's tag are freed, if those of the suspect itself are not. The missing free is
//! similar to these.

use super::{DetectorInput, Finding, SuspectUnits};
use crate::group::parallel::until_cancelled;
use crate::leaks::limits::{EXCEPTION_SHARE, MAX_LISTED, MIN_OUTSTANDING};
use crate::leaks::units::RowFigure;
use crate::trace::attributes::Tag;
use crate::trace::ids::{AttributesId, StackId};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

/// Functions that free allocations of one tag in the range, with the number of frees, the most frequent first. The allocations may
/// come from any function.
pub type FreeingFunctions = Vec<(String, u64)>;

/// The main unit of a suspect, if its allocations are practically never freed.
fn unit_without_frees(input: &DetectorInput<'_>, suspect: &SuspectUnits<'_>) -> Option<usize> {
    let unit = suspect.main_unit().filter(|_| suspect.has_grown())?;
    let outcome = input.outcomes[unit];
    (outcome.outstanding >= MIN_OUTSTANDING && outcome.freed_share() <= EXCEPTION_SHARE).then_some(unit)
}

/// Finds the freeing functions of all tags that a suspect without frees has.
pub fn freeing_functions_by_tag(
    input: &DetectorInput<'_>,
    suspects: &[SuspectUnits<'_>],
) -> FxHashMap<(Tag, bool), FreeingFunctions> {
    let tags = suspects.iter().filter_map(|suspect| Some(input.tags[unit_without_frees(input, suspect)?]));
    let mut tags: Vec<(Tag, bool)> = tags.collect();
    tags.sort_unstable();
    tags.dedup();
    tags.into_par_iter().map(|tag| (tag, freeing_functions(input, tag))).collect()
}

fn freeing_functions(input: &DetectorInput<'_>, tag: (Tag, bool)) -> FreeingFunctions {
    let table = &input.trace.allocations;
    let mut by_stack: FxHashMap<StackId, u64> = FxHashMap::default();
    let units = input.units_of_tag.get(&tag).into_iter().flatten();
    let rows = until_cancelled(units.flat_map(|unit| input.units.figures(*unit)), input.cancel);
    for RowFigure { row, free, .. } in rows {
        // An implied free has no attributes and no place.
        let is_recorded = || table.free_attributes[row] != AttributesId::NONE;
        if free >= input.range.from && free <= input.range.to && is_recorded() {
            *by_stack.entry(table.free_stack[row]).or_default() += 1;
        }
    }
    let mut by_stack: Vec<(StackId, u64)> = by_stack.into_iter().collect();
    by_stack.sort_unstable();
    let mut by_function: FxHashMap<String, u64> = FxHashMap::default();
    for (stack, count) in by_stack {
        *by_function.entry(input.names.responsible_function(stack)).or_default() += count;
    }
    let mut functions: FreeingFunctions =
        by_function.into_iter().filter(|(function, _)| !function.is_empty()).collect();
    functions.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    functions
}

/// Finds the functions that free allocations of the tag, if they free more than the few that the suspect itself frees.
pub fn find(
    input: &DetectorInput<'_>,
    suspect: &SuspectUnits<'_>,
    by_tag: &FxHashMap<(Tag, bool), FreeingFunctions>,
) -> Option<Finding> {
    let unit = unit_without_frees(input, suspect)?;
    let functions = by_tag.get(&input.tags[unit])?;
    let frees: u64 = functions.iter().map(|function| function.1).sum();
    let freed_by = functions.iter().take(MAX_LISTED).cloned().collect();
    (frees >= MIN_OUTSTANDING + input.outcomes[unit].freed).then_some(Finding::MissingFree { freed_by })
}

#[cfg(test)]
mod tests {
    use super::super::test_util::{PATH, analyzed, blocks, findings_of_tag};
    use super::*;
    use crate::group::test_util::Block;
    use crate::leaks::SuspectGrouping;

    /// The finding in a trace whose frees were all recorded; test traces have no attributes of frees.
    fn missing(blocks: &[Block]) -> Option<Finding> {
        let seen = |trace: &mut crate::trace::Trace| {
            trace.allocations.free_attributes.clone_from(&trace.allocations.alloc_attributes);
        };
        let found = findings_of_tag(&analyzed(blocks, SuspectGrouping::Tag, &[], seen), "Leak");
        found.into_iter().find(|finding| matches!(finding, Finding::MissingFree { .. }))
    }

    fn freed_at(mut made: Vec<Block>, free_stack: &'static [&'static str]) -> Vec<Block> {
        made.iter_mut().for_each(|block| block.free_stack = free_stack);
        made
    }

    #[test]
    fn frees_of_other_allocations_of_the_tag_are_listed_by_function() {
        let mut all = blocks(b"Leak", 100, PATH, |_| None);
        all.extend(freed_at(blocks(b"Leak", 60, &["nt:20", "other:31"], |_| Some(5)), &["nt:20", "other:50"]));
        all.extend(freed_at(blocks(b"Leak", 40, &["nt:20", "other:31"], |_| Some(5)), &["app:1", "nt:20", "my:51"]));
        // Frees without a stack and of other tags do not count.
        all.extend(blocks(b"Leak", 30, &["nt:20", "other:31"], |_| Some(5)));
        all.extend(freed_at(blocks(b"Else", 90, &["nt:20", "other:31"], |_| Some(5)), &["nt:20", "other:52"]));
        let freed_by = vec![("other.sys+0x50".to_owned(), 60), ("myfault.sys+0x51".to_owned(), 40)];
        assert_eq!(missing(&all), Some(Finding::MissingFree { freed_by }));
    }

    #[test]
    fn a_suspect_with_its_own_frees_misses_none() {
        let free = &["nt:20", "other:50"];
        let mut all = freed_at(blocks(b"Leak", 600, PATH, |k| (k % 5 > 0).then_some(5)), free);
        all.extend(freed_at(blocks(b"Leak", 60, &["nt:20", "other:31"], |_| Some(5)), free));
        assert_eq!(missing(&all), None);
        let mut all = blocks(b"Leak", 100, PATH, |_| None);
        all.extend(freed_at(blocks(b"Leak", 5, &["nt:20", "other:31"], |_| Some(5)), free));
        assert_eq!(missing(&all), None);
    }
}
