//! Tags of both pools that grow together: as many allocations of each stay, made at the same times, or a small whole multiple.
//! They are parts of one object, and one of them that never frees is what holds it.

use super::{SuspectUnits, Finding, DetectorInput};
use crate::group::parallel::{Cancel, Cancelled};
use crate::leaks::Verdict;
use crate::leaks::limits::LOCKSTEP_INTERVALS;
use poolscope_base::lockstep::{self, CountSeries, LockstepGroup};
use rustc_hash::FxHashMap;

/// A tag of a group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LockstepTag {
    /// The tag as text.
    pub tag: String,
    /// Paged pool.
    pub paged: bool,
    /// Its allocations in one object.
    pub parts: u32,
    /// Allocations in the view that are outstanding at its end.
    pub outstanding: u64,
    /// Not one allocation of it was freed in the view.
    pub never_freed: bool,
}

/// The groups that tags belong to, by tag and pool.
pub type LockstepGroups = FxHashMap<(String, bool), Vec<LockstepTag>>;

/// The groups among all cases. What comes and goes has no number of its own, so that only what stays counts.
///
/// # Errors
///
/// [`Cancelled`] once `cancel` says so.
pub fn find_groups(scene: &DetectorInput<'_>, cases: &[SuspectUnits<'_>], cancel: Cancel<'_>) -> Result<LockstepGroups, Cancelled> {
    let keeps = |verdict| matches!(verdict, Verdict::Leak | Verdict::Growing | Verdict::Burst | Verdict::Bounded);
    // A tag may be several cases, one for each stack.
    let mut place: FxHashMap<(String, bool), usize> = FxHashMap::default();
    let mut tags: Vec<(String, bool)> = Vec::new();
    let mut series: Vec<CountSeries> = Vec::new();
    for case in cases.iter().filter(|case| keeps(case.suspect.verdict)) {
        let Some(tag) = &case.suspect.tag else { continue };
        if cancel() {
            return Err(Cancelled);
        }
        let key = (tag.clone(), case.suspect.paged);
        let at = *place.entry(key.clone()).or_insert_with(|| {
            tags.push(key);
            series.push(CountSeries { gained: vec![0.0; LOCKSTEP_INTERVALS], allocs: Some(0), frees: Some(0) });
            series.len() - 1
        });
        if let Some(series) = series.get_mut(at) {
            count(scene, case, series);
        }
    }
    let member = |group: &LockstepGroup| -> Vec<LockstepTag> {
        let tag = |member: &poolscope_base::lockstep::LockstepMember| {
            let (tag, paged) = tags.get(member.series)?.clone();
            let outstanding = series.get(member.series).map_or(0, |series| series.total() as u64);
            Some(LockstepTag { tag, paged, parts: member.parts, outstanding, never_freed: member.never_freed })
        };
        group.members.iter().filter_map(tag).collect()
    };
    let mut found = LockstepGroups::default();
    for members in lockstep::find_groups(&series).iter().map(member) {
        for own in &members {
            found.insert((own.tag.clone(), own.paged), members.clone());
        }
    }
    Ok(found)
}

/// Adds a case's births of outstanding allocations by interval, its allocations and its frees.
fn count(scene: &DetectorInput<'_>, case: &SuspectUnits<'_>, series: &mut CountSeries) {
    let view = scene.view;
    let length = i128::from(view.to.0.saturating_sub(view.from.0).max(0)) + 1;
    for row in scene.outstanding_rows(case) {
        let since = i128::from(scene.trace.allocations.alloc_time[row].0.saturating_sub(view.from.0));
        let at = since * LOCKSTEP_INTERVALS as i128 / length;
        if let Some(gained) = usize::try_from(at).ok().and_then(|at| series.gained.get_mut(at)) {
            *gained += 1.0;
        }
    }
    let evidence = &case.suspect.evidence;
    let plus = |sum: Option<u64>, more: u64| sum.map(|sum| sum.saturating_add(more));
    series.allocs = plus(series.allocs, evidence.allocated.count);
    series.frees = plus(series.frees, evidence.freed.count);
}

/// The group of a case.
pub fn find(groups: &LockstepGroups, case: &SuspectUnits<'_>) -> Option<Finding> {
    let tag = case.suspect.tag.clone()?;
    let members = groups.get(&(tag, case.suspect.paged))?;
    Some(Finding::LockstepTags { members: members.clone() })
}

#[cfg(test)]
mod tests {
    use super::super::kit::{PATH, blocks, found, judged};
    use super::*;
    use crate::group::testkit::{Block, Dice};
    use crate::leaks::SuspectGrouping;

    fn group(blocks: &[Block], tag: &str) -> Vec<(String, bool, u32, bool)> {
        let lockstep = found(blocks, tag).into_iter().find_map(|finding| match finding {
            Finding::LockstepTags { members } => Some(members),
            _ => None,
        });
        let members = lockstep.into_iter().flatten();
        members.map(|m| (m.tag, m.paged, m.parts, m.never_freed)).collect()
    }

    /// So many blocks of a tag at these times, all of which stay.
    fn at(tag: &'static [u8; 4], times: &[i64]) -> Vec<Block> {
        let mut made = blocks(tag, times.len() as i64, PATH, |_| None);
        made.iter_mut().zip(times).for_each(|(block, time)| block.alloc = Some(*time));
        made
    }

    fn random_times(count: usize, seed: u64) -> Vec<i64> {
        let mut dice = Dice(seed);
        let mut times: Vec<i64> = (0..count).map(|_| dice.roll(9_990) as i64).collect();
        times.sort_unstable();
        times
    }

    #[test]
    fn parts_of_one_object_are_a_group_across_the_pools() {
        let times = random_times(120, 4);
        let mut all = at(b"Head", &times);
        let mut body = at(b"Body", &times);
        body.iter_mut().for_each(|block| block.pool_type = 1);
        all.extend(body);
        let twice: Vec<i64> = times.iter().flat_map(|time| [*time, *time]).collect();
        all.extend(at(b"Pair", &twice));
        // Body also frees some that are no part of it, and somebody else keeps as many, at other times.
        let mut traffic = blocks(b"Body", 80, PATH, |_| Some(40));
        traffic.iter_mut().for_each(|block| block.pool_type = 1);
        all.extend(traffic);
        all.extend(at(b"Else", &random_times(120, 5)));
        let tag = |tag: &str, paged, parts, never| (tag.to_owned(), paged, parts, never);
        let wanted = vec![tag("Head", false, 1, true), tag("Pair", false, 2, true), tag("Body", true, 1, false)];
        assert_eq!(group(&all, "Head"), wanted);
        assert_eq!(group(&all, "Body"), wanted);
        assert_eq!(group(&all, "Else"), []);
        // They stand together, the one that never frees first, though another has more bytes.
        let mut heavy = all;
        heavy.iter_mut().filter(|block| block.tag == b"Body").for_each(|block| block.size = 4_096);
        heavy.iter_mut().filter(|block| block.tag == b"Else").for_each(|block| block.size = 1_024);
        let judgement = judged(&heavy, SuspectGrouping::Tag, &[], |_| {});
        let order: Vec<&str> = judgement.suspects.iter().filter_map(|suspect| suspect.tag.as_deref()).collect();
        assert_eq!(order, ["Head", "Pair", "Body", "Else"]);
    }

    #[test]
    fn strangers_that_keep_equally_many_are_no_group() {
        let all = [at(b"Leak", &random_times(90, 1)), at(b"Obj1", &random_times(90, 2))].concat();
        assert_eq!(group(&all, "Leak"), []);
        // Evenly spaced ones at other moments, one of them as many: they look the same in few intervals only.
        let tags: [&[u8; 4]; 12] = [
            b"Ta00", b"Ta01", b"Ta02", b"Ta03", b"Ta04", b"Ta05", b"Ta06", b"Ta07", b"Ta08", b"Ta09", b"Ta10", b"Ta11",
        ];
        let mut crowd = blocks(b"Leak", 60, PATH, |_| None);
        for (at, tag) in tags.into_iter().enumerate() {
            let mut made = blocks(tag, 60 + 7 * at as i64, PATH, |_| None);
            made.iter_mut().for_each(|block| block.alloc = block.alloc.map(|time| (time + 80).min(9_999)));
            crowd.extend(made);
        }
        assert_eq!(group(&crowd, "Leak"), []);
        let few = [blocks(b"Leak", 14, PATH, |_| None), blocks(b"Obj1", 14, PATH, |_| None)].concat();
        assert_eq!(group(&few, "Leak"), []);
    }
}
