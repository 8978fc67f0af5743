//! Tags that keep exactly as many blocks as the suspect: parts of one object that leaks. A common number is no proof where it
//! is small and many tags are compared, so it has to be large for their number.

use super::{Case, Finding};
use crate::leak::limits::{LEAST_SIBLINGS, MOST_SIBLINGS, SIBLINGS_PER_TAG};
use crate::leak::{Suspect, Verdict};

/// Suspects that may be somebody's siblings: what comes and goes has no number of its own.
pub fn candidates<'c>(cases: &[Case<'c>]) -> Vec<&'c Suspect> {
    let keeps = |verdict| matches!(verdict, Verdict::Leak | Verdict::Growing | Verdict::Burst | Verdict::Bounded);
    let suspects = cases.iter().map(|case| case.suspect);
    suspects.filter(|suspect| suspect.tag.is_some() && keeps(suspect.verdict)).collect()
}

/// Other tags of the pool with exactly as many survivors, or with exactly the same course of outstanding blocks.
pub fn find(candidates: &[&Suspect], case: &Case<'_>) -> Option<Finding> {
    let own = case.suspect;
    let tag = own.tag.as_ref()?;
    let others = candidates.iter().filter(|other| other.paged == own.paged && other.tag.as_ref() != Some(tag));
    let others: Vec<&&Suspect> = others.collect();
    let least = LEAST_SIBLINGS.max(SIBLINGS_PER_TAG * others.len() as u64);
    let alive = own.evidence.survivors.count;
    let grown = |curve: &[f64]| curve.last().copied().unwrap_or(0.0);
    let has_course = grown(&own.evidence.count_curve) >= least as f64;
    let mut tags: Vec<String> = others
        .into_iter()
        .filter(|other| {
            let as_many = alive >= least && other.evidence.survivors.count == alive;
            as_many || (has_course && other.evidence.count_curve == own.evidence.count_curve)
        })
        .filter_map(|other| other.tag.clone())
        .collect();
    tags.sort_unstable();
    tags.dedup();
    tags.truncate(MOST_SIBLINGS);
    (!tags.is_empty()).then_some(Finding::Siblings { tags, alive })
}

#[cfg(test)]
mod tests {
    use super::super::kit::{PATH, blocks, found};
    use super::*;
    use crate::column::testkit::Block;

    fn siblings(blocks: &[Block], tag: &str) -> Option<Finding> {
        found(blocks, tag).into_iter().find(|finding| matches!(finding, Finding::Siblings { .. }))
    }

    #[test]
    fn tags_that_keep_equally_many_are_siblings() {
        let mut all = blocks(b"Leak", 60, PATH, |_| None);
        all.extend(blocks(b"Obj1", 60, PATH, |_| None));
        // Frees most, keeps as many.
        all.extend(blocks(b"Obj2", 600, PATH, |k| (k % 10 != 0).then_some(5)));
        all.extend(blocks(b"Near", 61, PATH, |_| None));
        let tags = vec!["Obj1".to_owned(), "Obj2".to_owned()];
        assert_eq!(siblings(&all, "Leak"), Some(Finding::Siblings { tags, alive: 60 }));
        assert_eq!(siblings(&all, "Near"), None);
    }

    #[test]
    fn the_other_pool_and_small_numbers_say_nothing() {
        let mut paged = blocks(b"Obj1", 60, PATH, |_| None);
        paged.iter_mut().for_each(|block| block.pool_type = 1);
        paged.extend(blocks(b"Leak", 60, PATH, |_| None));
        assert_eq!(siblings(&paged, "Leak"), None);
        let mut few = blocks(b"Leak", 14, PATH, |_| None);
        few.extend(blocks(b"Obj1", 14, PATH, |_| None));
        assert_eq!(siblings(&few, "Leak"), None);
        // Sixty are many for a pair, and few where a dozen tags are compared.
        let tags: [&[u8; 4]; 12] = [
            b"Ta00", b"Ta01", b"Ta02", b"Ta03", b"Ta04", b"Ta05", b"Ta06", b"Ta07", b"Ta08", b"Ta09", b"Ta10", b"Ta11",
        ];
        let mut crowd = blocks(b"Leak", 60, PATH, |_| None);
        for (at, tag) in tags.into_iter().enumerate() {
            crowd.extend(blocks(tag, 60 + 7 * at as i64, PATH, |_| None));
        }
        assert_eq!(siblings(&crowd, "Leak"), None);
    }

    #[test]
    fn the_same_course_counts_where_earlier_blocks_went() {
        // Both lose a block from before at the same time; one of them also frees one that it allocated itself.
        let with_earlier = |tag| {
            let mut all = blocks(tag, 60, PATH, |_| None);
            all.push(Block { tag, alloc: None, free: Some(5_000), ..all[0].clone() });
            all
        };
        let mut all = with_earlier(b"Leak");
        let mut other = blocks(b"Obj1", 60, PATH, |_| None);
        other[0].free = Some(5_000);
        all.extend(other);
        let tags = vec!["Obj1".to_owned()];
        assert_eq!(siblings(&all, "Leak"), Some(Finding::Siblings { tags, alive: 60 }));
    }
}
