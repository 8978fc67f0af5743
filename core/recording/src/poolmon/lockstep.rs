//! Groups of tags that grow in lockstep between snapshots, or have equal numbers of blocks in one snapshot: probably parts of one
//! kind of object. Marks tags that are never freed, and adds known explanations.

use super::series::trend::{TagTrend, tag_trends};
use super::tag_notes::group_note;
use super::{Pool, Snapshot, TagCounts};
use poolscope_base::lockstep::{CountSeries, find_groups};
/// Maximum number of tags that a sentence names.
const NAMED: usize = 12;

/// One tag of a group.
#[derive(Clone, PartialEq, Debug)]
pub struct TagGroupMember {
    /// Tag, four characters.
    pub tag: String,
    /// The pool.
    pub pool: Pool,
    /// Growth in blocks; for one snapshot, the allocated blocks.
    pub blocks: u64,
    /// Growth in bytes; for one snapshot, the allocated bytes.
    pub bytes: i64,
    /// Number of its blocks per object.
    pub blocks_per_object: u32,
    /// The tag has no frees.
    pub never_freed: bool,
}

/// Tags that grow in lockstep.
#[derive(Clone, PartialEq, Debug)]
pub struct TagGroup {
    /// At least two tags; those that are never freed come first.
    pub members: Vec<TagGroupMember>,
    /// Growth in objects.
    pub objects: u64,
    /// True for the growth between snapshots, false for the blocks of one snapshot.
    pub is_growth: bool,
}

impl TagGroup {
    /// Tags without any free: they probably hold the others.
    pub fn holders(&self) -> impl Iterator<Item = &TagGroupMember> {
        self.members.iter().filter(|tag| tag.never_freed)
    }

    /// Built-in explanation of the group, if any.
    #[must_use]
    pub fn note(&self) -> Option<&'static str> {
        let tags: Vec<&str> = self.members.iter().map(|tag| tag.tag.trim_end()).collect();
        group_note(&tags)
    }

    /// One sentence that describes the group.
    #[must_use]
    pub fn sentence(&self) -> String {
        let name = |tag: &TagGroupMember| match tag.blocks_per_object {
            1 => tag.tag.trim_end().to_owned(),
            parts => format!("{} ({parts}:1)", tag.tag.trim_end()),
        };
        let shown: Vec<String> = self.members.iter().take(NAMED).map(name).collect();
        let rest = self.members.len().saturating_sub(NAMED);
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        let verb = if self.is_growth { "grow in lockstep" } else { "have equal numbers of blocks" };
        let count = with_separators(self.objects);
        let amount = if self.is_growth { format!("{count} more blocks each") } else { format!("{count} each") };
        let holders: Vec<&str> = self.holders().map(|tag| tag.tag.trim_end()).collect();
        let holding = match holders.as_slice() {
            [] => String::new(),
            [one] => format!("; {one} is never freed and probably holds the others"),
            all => format!("; {} are never freed and probably hold the others", all.join(", ")),
        };
        let note = self.note().map_or_else(String::new, |note| format!("; {note}"));
        format!("{}{more} {verb} ({amount}), probably parts of one object{holding}{note}", shown.join(", "))
    }
}

/// Finds groups of tags, largest first: by the growth from the first snapshot to the last, and between all of them where all show
/// the tag; for one snapshot, by the allocated blocks.
#[must_use]
pub fn find_tag_groups(snapshots: &[Snapshot]) -> Vec<TagGroup> {
    match snapshots {
        [] => Vec::new(),
        [one] => of_one(one),
        several => find_groups_of_trends(&tag_trends(&several.iter().collect::<Vec<_>>(), None)),
    }
}

fn of_one(snapshot: &Snapshot) -> Vec<TagGroup> {
    let rows = snapshot.rows.iter().map(|row| {
        let figures = row.counts;
        let series = CountSeries { gained: vec![figures.blocks as f64], allocs: figures.allocs, frees: figures.frees };
        let tag = TagGroupMember {
            tag: row.tag.clone(),
            pool: row.pool,
            blocks: figures.blocks,
            bytes: i64::try_from(figures.bytes).unwrap_or(i64::MAX),
            blocks_per_object: 1,
            never_freed: false,
        };
        (series, tag)
    });
    grouped_rows(rows.collect(), false)
}

/// Finds groups among the trends of a series: by growth in blocks, and by its course where all snapshots show the tag.
#[must_use]
pub(super) fn find_groups_of_trends(trends: &[TagTrend]) -> Vec<TagGroup> {
    let is_known = |trend: &&TagTrend| {
        let is_shown = |counts: Option<&Option<TagCounts>>| counts.is_some_and(Option::is_some);
        is_shown(trend.values.first()) && is_shown(trend.values.last()) && trend.growth_blocks > 0
    };
    let mut known: Vec<&TagTrend> = trends.iter().filter(is_known).collect();
    known.sort_by(|a, b| b.growth_bytes.cmp(&a.growth_bytes).then_with(|| (&a.tag, a.pool).cmp(&(&b.tag, b.pool))));
    let rows = known.into_iter().map(|trend| {
        let count = |count: Option<i64>| count.and_then(|count| u64::try_from(count).ok());
        let blocks: Option<Vec<f64>> =
            trend.values.iter().map(|counts| counts.map(|counts| counts.blocks as f64)).collect();
        let gained = match blocks.filter(|blocks| blocks.len() > 2) {
            Some(blocks) => blocks.windows(2).map(|pair| pair[1] - pair[0]).collect(),
            None => vec![trend.growth_blocks as f64],
        };
        let series = CountSeries { gained, allocs: count(trend.allocs), frees: count(trend.frees) };
        let tag = TagGroupMember {
            tag: trend.tag.clone(),
            pool: trend.pool,
            blocks: u64::try_from(trend.growth_blocks).unwrap_or(0),
            bytes: trend.growth_bytes,
            blocks_per_object: 1,
            never_freed: false,
        };
        (series, tag)
    });
    grouped_rows(rows.collect(), true)
}

fn grouped_rows(rows: Vec<(CountSeries, TagGroupMember)>, is_growth: bool) -> Vec<TagGroup> {
    let (series, tags): (Vec<CountSeries>, Vec<TagGroupMember>) = rows.into_iter().unzip();
    let group = |group: poolscope_base::lockstep::LockstepGroup| TagGroup {
        members: group
            .members
            .iter()
            .filter_map(|member| {
                let tag = tags.get(member.series)?.clone();
                Some(TagGroupMember { blocks_per_object: member.parts, never_freed: member.never_freed, ..tag })
            })
            .collect(),
        objects: group.objects as u64,
        is_growth,
    };
    find_groups(&series).into_iter().map(group).collect()
}

/// A number with thousands separators.
fn with_separators(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn snapshots(text: &str) -> Vec<Snapshot> {
        parse(text.as_bytes()).expect("snapshots").snapshots
    }

    fn sentences(text: &str) -> Vec<String> {
        find_tag_groups(&snapshots(text)).iter().map(TagGroup::sentence).collect()
    }

    const BEFORE: &str = " Obj1 Nonp 1000 0 1000 96000 96\n Obj2 Paged 90000 80000 10000 640000 64\n \
                          Twin Nonp 5000 1000 4000 64000 16\n Else Nonp 70 10 60 600 10\n";
    const AFTER: &str = " Obj1 Nonp 61000 0 61000 5856000 96\n Obj2 Paged 190000 120010 69990 4479360 64\n \
                         Twin Nonp 165000 41003 123997 1983952 16\n Else Nonp 7000 900 6100 61000 10\n";

    #[test]
    fn lockstep_growth_across_pools_is_one_sentence() {
        let both = format!("{BEFORE}{AFTER}");
        let words = "Obj1, Twin (2:1), Obj2 grow in lockstep (59,990 more blocks each), probably parts of one object; \
                     Obj1 is never freed and probably holds the others";
        assert_eq!(sentences(&both), [words]);
        assert_eq!(sentences(&format!("{BEFORE}{BEFORE}")), [] as [String; 0]);
    }

    #[test]
    fn one_snapshots_holds_equal_numbers_and_events_nobody_reads_have_a_note() {
        let one = " Etwr Nonp 31000000 1613331 29386669 2350933520 80\n EtwD Paged 31000100 1613557 29386543 2287618336 77\n \
                   Ntff Paged 900 100 800 64000 80\n";
        let found = sentences(one);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with(
                "Etwr, EtwD have equal numbers of blocks (29,386,543 each), probably parts of one object; "
            )
        );
        assert!(found[0].contains("a trace session that has no consumer; `logman query -ets`"), "{found:?}");
        assert_eq!(group_note(&["EtwD"]), None);
    }

    #[test]
    fn with_several_snapshots_the_course_counts() {
        let tag = |tag: &str, blocks: [u64; 12], at: usize| {
            format!(" {tag} Nonp {} 10 {} {} 100\n", blocks[at] + 10, blocks[at], blocks[at] * 100)
        };
        let one = [10, 900, 1_000, 4_000, 4_100, 4_200, 9_000, 9_100, 12_000, 12_100, 19_000, 20_010];
        let other = [10, 2_000, 4_000, 6_000, 8_000, 10_000, 11_000, 12_000, 14_000, 16_000, 18_000, 20_010];
        let text =
            |second: [u64; 12]| (0..12).map(|at| tag("Aaaa", one, at) + &tag("Bbbb", second, at)).collect::<String>();
        assert_eq!(find_tag_groups(&snapshots(&text(one))).len(), 1);
        assert_eq!(find_tag_groups(&snapshots(&text(other))), []);
    }

    #[test]
    fn numbers_have_thousands_separators() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(with_separators), ["0", "999", "1,000", "1,234,567"]);
    }
}
