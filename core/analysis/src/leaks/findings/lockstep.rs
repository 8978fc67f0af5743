//! Tags of both pools that grow in lockstep: equally many allocations of each, or a small multiple, are outstanding and were made at
//! the same times. They are parts of one object; the tag that never frees is the one to investigate.

use super::{DetectorInput, Finding, SuspectUnits};
use crate::group::parallel::{Cancel, Cancelled, worker_chunks};
use crate::leaks::Verdict;
use crate::leaks::limits::LOCKSTEP_INTERVALS;
use crate::leaks::statistics::bin_of;
use poolscope_base::lockstep::{self, CountSeries, LockstepGroup, LockstepMember};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

/// A tag of a lockstep group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LockstepTag {
    /// The tag as text.
    pub tag: String,
    /// Paged pool.
    pub is_paged: bool,
    /// Number of its allocations in one object.
    pub parts: u32,
    /// Allocations made in the range and outstanding at its end.
    pub outstanding: u64,
    /// Nothing of it was freed in the range.
    pub is_never_freed: bool,
}

/// The group of each tag and pool that is in one.
pub type LockstepGroups = FxHashMap<(String, bool), Vec<LockstepTag>>;

/// Finds the groups among all suspects with outstanding growth; counts of traffic are similar by chance.
///
/// # Errors
/// [`Cancelled`] if `cancel` returns `true`.
pub fn find_groups(
    input: &DetectorInput<'_>,
    suspects: &[SuspectUnits<'_>],
    cancel: Cancel<'_>,
) -> Result<LockstepGroups, Cancelled> {
    let has_grown = |verdict| matches!(verdict, Verdict::Leak | Verdict::Growing | Verdict::Burst | Verdict::Bounded);
    // A tag may be several suspects, one for each stack.
    let mut index_of: FxHashMap<(String, bool), usize> = FxHashMap::default();
    let mut tags: Vec<(String, bool)> = Vec::new();
    let mut series: Vec<CountSeries> = Vec::new();
    let mut units_of: Vec<Vec<usize>> = Vec::new();
    for suspect in suspects.iter().filter(|suspect| has_grown(suspect.suspect.verdict)) {
        let Some(tag) = &suspect.suspect.tag else { continue };
        if cancel() {
            return Err(Cancelled);
        }
        let key = (tag.clone(), suspect.suspect.is_paged);
        let at = *index_of.entry(key.clone()).or_insert_with(|| {
            tags.push(key);
            series.push(CountSeries { gained: vec![0.0; LOCKSTEP_INTERVALS], allocs: Some(0), frees: Some(0) });
            units_of.push(Vec::new());
            series.len() - 1
        });
        if let Some(series) = series.get_mut(at) {
            let evidence = &suspect.suspect.evidence;
            let plus = |sum: Option<u64>, more: u64| sum.map(|sum| sum.saturating_add(more));
            series.allocs = plus(series.allocs, evidence.allocated.count);
            series.frees = plus(series.frees, evidence.freed.count);
        }
        if let Some(units) = units_of.get_mut(at) {
            units.extend_from_slice(suspect.units);
        }
    }
    add_births(input, &units_of, &mut series);
    let tag_of = |member: &LockstepMember| {
        let (tag, paged) = tags.get(member.series)?.clone();
        let outstanding = series.get(member.series).map_or(0, |series| series.total() as u64);
        Some(LockstepTag { tag, is_paged: paged, parts: member.parts, outstanding, is_never_freed: member.never_freed })
    };
    let tags_of = |group: &LockstepGroup| -> Vec<LockstepTag> { group.members.iter().filter_map(tag_of).collect() };
    let mut found = LockstepGroups::default();
    for members in lockstep::find_groups(&series).iter().map(tags_of) {
        for own in &members {
            found.insert((own.tag.clone(), own.is_paged), members.clone());
        }
    }
    Ok(found)
}

/// Adds the births of outstanding allocations by interval to each series. `units_of`: the units of each.
fn add_births(input: &DetectorInput<'_>, units_of: &[Vec<usize>], series: &mut [CountSeries]) {
    let (from, to) = (input.range.from.0, input.range.to.0);
    let length = to.saturating_sub(from).max(0);
    let count = |units: &[usize]| {
        let mut births = vec![0_u64; LOCKSTEP_INTERVALS];
        for figure in input.outstanding_rows(units) {
            births[bin_of(figure.alloc.0.saturating_sub(from), length, LOCKSTEP_INTERVALS)] += 1;
        }
        births
    };
    // One tag may have nearly all units.
    let units_at_a_time = units_of.iter().map(Vec::len).sum::<usize>().div_ceil(worker_chunks()).max(1);
    series.par_iter_mut().zip(units_of).for_each(|(series, units)| {
        for births in units.par_chunks(units_at_a_time).map(count).collect::<Vec<_>>() {
            series.gained.iter_mut().zip(births).for_each(|(gained, births)| *gained += births as f64);
        }
    });
}

/// Returns the group of a suspect's tag.
pub fn find(groups: &LockstepGroups, suspect: &SuspectUnits<'_>) -> Option<Finding> {
    let tag = suspect.suspect.tag.clone()?;
    let members = groups.get(&(tag, suspect.suspect.is_paged))?;
    Some(Finding::LockstepTags { members: members.clone() })
}

#[cfg(test)]
mod tests {
    use super::super::test_util::{PATH, analyzed, blocks, findings};
    use super::*;
    use crate::group::test_util::{Block, Rng};
    use crate::leaks::SuspectGrouping;

    fn group(blocks: &[Block], tag: &str) -> Vec<(String, bool, u32, bool)> {
        let lockstep = findings(blocks, tag).into_iter().find_map(|finding| match finding {
            Finding::LockstepTags { members } => Some(members),
            _ => None,
        });
        let members = lockstep.into_iter().flatten();
        members.map(|m| (m.tag, m.is_paged, m.parts, m.is_never_freed)).collect()
    }

    /// Outstanding allocations of a tag at these times.
    fn at(tag: &'static [u8; 4], times: &[i64]) -> Vec<Block> {
        let mut made = blocks(tag, times.len() as i64, PATH, |_| None);
        made.iter_mut().zip(times).for_each(|(block, time)| block.alloc = Some(*time));
        made
    }

    fn random_times(count: usize, seed: u64) -> Vec<i64> {
        let mut dice = Rng(seed);
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
        // Body also has traffic, and Else has as many outstanding allocations at other times.
        let mut traffic = blocks(b"Body", 80, PATH, |_| Some(40));
        traffic.iter_mut().for_each(|block| block.pool_type = 1);
        all.extend(traffic);
        all.extend(at(b"Else", &random_times(120, 5)));
        let tag = |tag: &str, paged, parts, never| (tag.to_owned(), paged, parts, never);
        let wanted = vec![tag("Head", false, 1, true), tag("Pair", false, 2, true), tag("Body", true, 1, false)];
        assert_eq!(group(&all, "Head"), wanted);
        assert_eq!(group(&all, "Body"), wanted);
        assert_eq!(group(&all, "Else"), []);
        // They are listed together, the one that never frees first, though another one has more bytes.
        let mut heavy = all;
        heavy.iter_mut().filter(|block| block.tag == b"Body").for_each(|block| block.size = 4_096);
        heavy.iter_mut().filter(|block| block.tag == b"Else").for_each(|block| block.size = 1_024);
        let analysis = analyzed(&heavy, SuspectGrouping::Tag, &[], |_| {});
        let order: Vec<&str> = analysis.suspects.iter().filter_map(|suspect| suspect.tag.as_deref()).collect();
        assert_eq!(order, ["Head", "Pair", "Body", "Else"]);
    }

    #[test]
    fn unrelated_tags_with_equal_counts_are_no_group() {
        let all = [at(b"Leak", &random_times(90, 1)), at(b"Obj1", &random_times(90, 2))].concat();
        assert_eq!(group(&all, "Leak"), []);
        // Evenly spaced allocations at other times, one tag with as many: equal in few intervals only.
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
