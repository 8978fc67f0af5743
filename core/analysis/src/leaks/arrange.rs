//! Puts suspects that grow together side by side in the list, the one that never frees first: it is the one to look at.

use super::findings::Finding;
use super::judged::Suspect;
use super::reason::Reason;
use super::verdict::Verdict;

/// Moves the members of each group up to the place of the first of them. All others keep their order, and so do verdicts and
/// scores.
pub(super) fn together(suspects: &mut Vec<Suspect>) {
    let groups: Vec<Option<Vec<(String, bool)>>> = suspects.iter().map(group).collect();
    if groups.iter().all(Option::is_none) {
        return;
    }
    // By the place of the first of its group; of one group by its own order, and what only came in one step or has stopped last.
    let first = |at: usize| match groups.get(at) {
        Some(Some(group)) => groups.iter().position(|other| other.as_ref() == Some(group)).unwrap_or(at),
        _ => at,
    };
    let key = |at: usize| {
        let suspect = suspects.get(at);
        let goes_on = suspect.is_some_and(|s| matches!(s.verdict, Verdict::Leak | Verdict::Growing));
        let own = suspect.and_then(|s| Some((s.tag.clone()?, s.paged)));
        let place = groups.get(at).and_then(Option::as_ref).zip(own);
        let place = place.and_then(|(group, own)| group.iter().position(|member| *member == own)).unwrap_or(0);
        (first(at), !goes_on, place, at)
    };
    let mut order: Vec<(usize, bool, usize, usize)> = (0..suspects.len()).map(key).collect();
    order.sort_unstable();
    let mut taken: Vec<Option<Suspect>> = suspects.drain(..).map(Some).collect();
    suspects.extend(order.into_iter().filter_map(|(.., at)| taken.get_mut(at).and_then(Option::take)));
}

/// The tags and pools that a suspect grows together with, itself among them.
fn group(suspect: &Suspect) -> Option<Vec<(String, bool)>> {
    suspect.reasons.iter().find_map(|reason| match reason {
        Reason::Found(Finding::Lockstep { members, .. }) => {
            Some(members.iter().map(|member| (member.tag.clone(), member.paged)).collect())
        }
        _ => None,
    })
}
