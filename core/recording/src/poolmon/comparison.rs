//! What changed between two listings, tag by tag and pool by pool.

use super::{TagCounts, Snapshot, Pool};
use std::collections::BTreeMap;

/// Where the kernel's counts of allocations and frees begin again at zero (`SYSTEM_POOLTAG` holds them in 32 bits).
const COUNT_WRAPS: u64 = 1 << 32;

/// One tag in one pool, before and after.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TagDelta {
    /// The tag, four characters.
    pub tag: String,
    /// The pool.
    pub pool: Pool,
    /// In the first listing; nothing if the tag is new, or not listed there.
    pub before: Option<TagCounts>,
    /// In the second listing; nothing if the tag is gone, or not listed there.
    pub after: Option<TagCounts>,
    /// The first listing is cut and does not show the tag: it grew by `bytes` at least.
    pub before_is_truncated: bool,
    /// The second listing is cut and does not show the tag: whether it changed is not known.
    pub after_is_truncated: bool,
    /// Bytes more than before.
    pub bytes: i64,
    /// Blocks more than before; none where that is not known.
    pub blocks: i64,
    /// Allocations between the two, where both count them and the tag is not gone. The counts have 32 bits and begin again at zero.
    pub allocs: Option<i64>,
    /// Frees between the two, likewise.
    pub frees: Option<i64>,
    /// What a tool knows about the tag.
    pub description: Option<String>,
}

/// Two listings, compared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SnapshotComparison {
    /// Every tag that is in one of them, the largest growth in bytes first; ties by tag and pool.
    pub rows: Vec<TagDelta>,
    /// Bytes more in each pool, of the tags listed; nonpaged first.
    pub bytes: [i64; 2],
    /// Counts of allocations went down for most tags, and they only ever grow: the second listing is the older one, or the system was
    /// started again between them.
    pub is_reversed: bool,
}

/// Compares them.
#[must_use]
pub fn compare(before: &Snapshot, after: &Snapshot) -> SnapshotComparison {
    let mut pairs: BTreeMap<(&str, Pool), TagDelta> = BTreeMap::new();
    for (listing, is_after) in [(before, false), (after, true)] {
        for row in &listing.rows {
            let growth = pairs.entry((row.tag.as_str(), row.pool)).or_insert_with(|| TagDelta {
                tag: row.tag.clone(),
                pool: row.pool,
                before: None,
                after: None,
                before_is_truncated: false,
                after_is_truncated: false,
                bytes: 0,
                blocks: 0,
                allocs: None,
                frees: None,
                description: None,
            });
            *(if is_after { &mut growth.after } else { &mut growth.before }) = Some(row.counts);
            growth.description = row.description.clone().or_else(|| growth.description.take());
        }
    }
    let unseen = Pool::ALL.map(|pool| (pool, before.unseen_bytes(pool), after.unseen_bytes(pool)));
    let finished = pairs.into_values().map(|growth| {
        let of_pool = unseen.iter().find(|(pool, ..)| *pool == growth.pool);
        let (unseen_before, unseen_after) = of_pool.map_or((None, None), |(_, before, after)| (*before, *after));
        finish(growth, unseen_before, unseen_after)
    });
    let mut rows: Vec<TagDelta> = finished.collect();
    rows.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| (&a.tag, a.pool).cmp(&(&b.tag, b.pool))));
    let bytes = Pool::ALL.map(|pool| {
        let rows = rows.iter().filter(|row| row.pool == pool);
        rows.fold(0_i64, |sum, row| sum.saturating_add(row.bytes))
    });
    let both = || rows.iter().filter(|row| row.before.is_some() && row.after.is_some()).filter_map(|row| row.allocs);
    let (down, up) = (both().filter(|allocs| *allocs < 0).count(), both().filter(|allocs| *allocs > 0).count());
    SnapshotComparison { rows, bytes, is_reversed: down > up }
}

/// Works out the differences. `unseen_before` and `unseen_after` are what a tag may hold that the listing does not show, if it is cut.
fn finish(mut growth: TagDelta, unseen_before: Option<u64>, unseen_after: Option<u64>) -> TagDelta {
    let (before, after) = (growth.before, growth.after);
    if let (None, Some(after), Some(unseen)) = (before, after, unseen_before) {
        // It may have been there before. What was more than the smallest row would have been listed.
        growth.before_is_truncated = true;
        growth.bytes = minus(after.bytes.saturating_sub(unseen), 0);
        return growth;
    }
    if before.is_some() && after.is_none() && unseen_after.is_some() {
        growth.after_is_truncated = true;
        return growth;
    }
    let known = |figures: Option<TagCounts>| figures.unwrap_or_default();
    growth.bytes = minus(known(after).bytes, known(before).bytes);
    growth.blocks = minus(known(after).blocks, known(before).blocks);
    // A tag that is new was never allocated before, so its counts began at zero. One that is gone is only not listed: counts don't go down.
    let count = |of: fn(&TagCounts) -> Option<u64>| {
        let before = growth.before.map_or(Some(0), |figures| of(&figures))?;
        Some(counted(before, growth.after.and_then(|figures| of(&figures))?))
    };
    (growth.allocs, growth.frees) = (count(|figures| figures.allocs), count(|figures| figures.frees));
    growth
}

/// What a count has gone up by. Windows counts in 32 bits, so one that has become much smaller has begun again at zero.
fn counted(before: u64, after: u64) -> i64 {
    if after < before && before < COUNT_WRAPS {
        let wrapped = after + COUNT_WRAPS - before;
        if wrapped < COUNT_WRAPS / 2 {
            return minus(wrapped, 0);
        }
    }
    minus(after, before)
}

fn minus(a: u64, b: u64) -> i64 {
    let difference = i128::from(a) - i128::from(b);
    i64::try_from(difference).unwrap_or(if difference < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn listing(text: &str) -> Snapshot {
        parse(text.as_bytes()).expect("a listing").snapshots.remove(0)
    }

    #[test]
    fn growth_is_the_later_minus_the_earlier() {
        let before = listing(" Leak Nonp 100 50 50 5000 100\n Gone Paged 9 8 1 64 64\n Same Nonp 7 6 1 10 10\n");
        let after =
            listing(" Leak Nonp 400 60 340 34000 100 [x.sys]\n Same Nonp 9 8 1 10 10\n New  Nonp 3 1 2 200 100\n");
        let comparison = compare(&before, &after);
        let found: Vec<_> = comparison
            .rows
            .iter()
            .map(|row| (row.tag.as_str(), row.bytes, row.blocks, row.allocs, row.frees))
            .collect();
        assert_eq!(
            found,
            [
                ("Leak", 29_000, 290, Some(300), Some(10)),
                ("New ", 200, 2, Some(3), Some(1)),
                ("Same", 0, 0, Some(2), Some(2)),
                ("Gone", -64, -1, None, None),
            ]
        );
        assert_eq!((comparison.bytes, comparison.is_reversed), ([29_200, -64], false));
        assert_eq!(comparison.rows[0].description.as_deref(), Some("x.sys"));
        assert!(comparison.rows[1].before.is_none() && comparison.rows[3].after.is_none());
        assert!(compare(&after, &before).is_reversed);
    }

    #[test]
    fn what_a_cut_listing_does_not_show_is_not_new_and_not_gone() {
        // Rows of 1,000 bytes, of 100 KB in all: only the largest are shown.
        let sums = " Commit: 1K Limit: 1K Peak: 1K            Pool N: 100K P: 0K\n";
        let cut = listing(&format!("{sums} Leak Nonp 9 1 8 800 100\n Fell Nonp 2 0 2 200 100\n"));
        let later = listing(&format!(
            "{sums} Leak Nonp 99 1 98 9800 100\n Rose Nonp 9 6 3 300 100\n Same Nonp 1 0 1 150 150\n"
        ));
        let comparison = compare(&cut, &later);
        let found: Vec<_> = comparison
            .rows
            .iter()
            .map(|row| (row.tag.as_str(), row.bytes, row.blocks, row.allocs, (row.before_is_truncated, row.after_is_truncated)))
            .collect();
        assert_eq!(
            found,
            [
                ("Leak", 9000, 90, Some(90), (false, false)),
                ("Rose", 100, 0, None, (true, false)),
                ("Fell", 0, 0, None, (false, true)),
                ("Same", 0, 0, None, (true, false)),
            ]
        );
        assert_eq!(comparison.bytes, [9100, 0]);
        // Of a pool that is left out nothing is known.
        let one_pool =
            listing(" Commit: 1K Limit: 1K Peak: 1K            Pool N: 1K P: 9K\n Leak Nonp 9 1 8 800 100\n");
        let both = listing(" Leak Nonp 9 1 8 800 100\n Page Paged 9 1 8 800 100\n");
        let row = &compare(&one_pool, &both).rows[1];
        assert_eq!((row.tag.as_str(), row.bytes, row.before_is_truncated), ("Page", 0, true));
        assert_eq!(compare(&both, &one_pool).bytes, [0, 0]);
    }

    #[test]
    fn counts_that_began_again_at_zero_still_go_up() {
        let wrap = 1_u64 << 32;
        assert_eq!(counted(wrap - 10, 5), 15);
        assert_eq!(counted(wrap - 1, wrap / 2 - 2), (wrap / 2 - 1).cast_signed());
        assert_eq!(counted(wrap - 1, wrap / 2 - 1), -(wrap / 2).cast_signed(), "as likely it went down");
        assert_eq!(counted(wrap, 5), 5 - wrap.cast_signed(), "a count that has more bits");
        assert_eq!(counted(400, 100), -300);
        let before = listing(" Busy Nonp 4294967290 4294967200 90 900 10\n");
        let after = listing(" Busy Nonp 94 4 90 900 10\n");
        let row = &compare(&before, &after).rows[0];
        assert_eq!((row.allocs, row.frees), (Some(100), Some(100)));
        assert!(!compare(&before, &after).is_reversed);
    }

    #[test]
    fn what_one_tool_does_not_count_stays_unknown() {
        let heading = " Tag Allocs Used Allocs Used\n";
        let before = listing(&format!("{heading} Leak 10 1000 0 0\n"));
        let after = listing(" Leak Nonp 100 50 50 5000 100\n");
        let row = &compare(&before, &after).rows[0];
        assert_eq!((row.bytes, row.blocks, row.allocs, row.frees), (4000, 40, None, None));
        assert_eq!(minus(0, u64::MAX), i64::MIN);
        assert_eq!(minus(u64::MAX, 0), i64::MAX);
    }
}
