//! Tags of which nothing is ever freed.

use super::{Case, Finding};
use crate::leaks::limits::ENOUGH_ALLOCATIONS;

/// Of enough allocations not one was freed, nor any block from before the view.
pub fn find(case: &Case<'_>) -> Option<Finding> {
    let evidence = &case.suspect.evidence;
    let found = evidence.freed.count == 0 && evidence.allocated.count >= ENOUGH_ALLOCATIONS;
    found.then_some(Finding::ZeroFree { allocated: evidence.allocated.count })
}

#[cfg(test)]
mod tests {
    use super::super::kit::{PATH, blocks, found};
    use super::*;

    #[test]
    fn one_free_is_enough_to_be_innocent() {
        let zero = |blocks: &[_]| found(blocks, "Leak").into_iter().find(|f| matches!(f, Finding::ZeroFree { .. }));
        assert_eq!(zero(&blocks(b"Leak", 40, PATH, |_| None)), Some(Finding::ZeroFree { allocated: 40 }));
        assert_eq!(zero(&blocks(b"Leak", 40, PATH, |k| (k == 7).then_some(5))), None);
        // So few may be freed later.
        assert_eq!(zero(&blocks(b"Leak", 15, PATH, |_| None)), None);
    }
}
