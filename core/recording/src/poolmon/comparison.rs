//! Differences between two snapshots, by tag and pool.

use super::{COUNT_WRAPS, Pool, Snapshot, TagCounts};
use std::collections::BTreeMap;

/// Difference of one tag in one pool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TagDelta {
    /// Tag, four characters.
    pub tag: String,
    /// The pool.
    pub pool: Pool,
    /// Counts in the first snapshot; `None` if the tag is new or not shown.
    pub before: Option<TagCounts>,
    /// Counts in the second snapshot; `None` if the tag is gone or not shown.
    pub after: Option<TagCounts>,
    /// The first snapshot is truncated and does not show the tag: `bytes` is a lower bound of the growth.
    pub before_is_truncated: bool,
    /// The second snapshot is truncated and does not show the tag: its change is unknown.
    pub after_is_truncated: bool,
    /// Change of the bytes.
    pub bytes: i64,
    /// Change of the blocks; 0 if unknown.
    pub blocks: i64,
    /// Allocations between the snapshots, corrected for wrapped 32-bit counters; `None` unless both count them and the tag is not gone.
    pub allocs: Option<i64>,
    /// Frees between the snapshots, as for `allocs`.
    pub frees: Option<i64>,
    /// Driver or description of the tag, if known.
    pub description: Option<String>,
}

/// Comparison of two snapshots.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SnapshotComparison {
    /// All tags of either snapshot, descending by growth in bytes, then by tag and pool.
    pub rows: Vec<TagDelta>,
    /// Change of the bytes of each pool, summed over the rows; nonpaged first.
    pub bytes: [i64; 2],
    /// Allocation counters, which never decrease, are lower in the second snapshot for most tags: the snapshots are in reverse order, or
    /// the system was restarted between them.
    pub is_reversed: bool,
}

/// Compares two snapshots.
#[must_use]
pub fn compare(before: &Snapshot, after: &Snapshot) -> SnapshotComparison {
    let mut pairs: BTreeMap<(&str, Pool), TagDelta> = BTreeMap::new();
    for (snapshot, is_after) in [(before, false), (after, true)] {
        for row in &snapshot.rows {
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
        with_differences(growth, unseen_before, unseen_after)
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

/// Fills in the differences. `unseen_before` and `unseen_after`: upper bounds on the bytes of a tag that a truncated snapshot does not
/// show.
fn with_differences(mut growth: TagDelta, unseen_before: Option<u64>, unseen_after: Option<u64>) -> TagDelta {
    let (before, after) = (growth.before, growth.after);
    if let (None, Some(after), Some(unseen)) = (before, after, unseen_before) {
        // The tag may have existed before with at most the bytes of the smallest row.
        growth.before_is_truncated = true;
        growth.bytes = saturating_difference(after.bytes.saturating_sub(unseen), 0);
        return growth;
    }
    if before.is_some() && after.is_none() && unseen_after.is_some() {
        growth.after_is_truncated = true;
        return growth;
    }
    let known = |figures: Option<TagCounts>| figures.unwrap_or_default();
    growth.bytes = saturating_difference(known(after).bytes, known(before).bytes);
    growth.blocks = saturating_difference(known(after).blocks, known(before).blocks);
    // The counters of a new tag started at zero. A tag that is gone is only not shown: its counters do not decrease.
    let count = |of: fn(&TagCounts) -> Option<u64>| {
        let before = growth.before.map_or(Some(0), |figures| of(&figures))?;
        Some(counter_increase(before, growth.after.and_then(|figures| of(&figures))?))
    };
    (growth.allocs, growth.frees) = (count(|figures| figures.allocs), count(|figures| figures.frees));
    growth
}

/// Increase of a counter. A 32-bit counter that is much lower than before has wrapped.
pub(super) fn counter_increase(before: u64, after: u64) -> i64 {
    if after < before && before < COUNT_WRAPS {
        let wrapped = after + COUNT_WRAPS - before;
        if wrapped < COUNT_WRAPS / 2 {
            return saturating_difference(wrapped, 0);
        }
    }
    saturating_difference(after, before)
}

fn saturating_difference(a: u64, b: u64) -> i64 {
    let difference = i128::from(a) - i128::from(b);
    i64::try_from(difference).unwrap_or(if difference < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn snapshot(text: &str) -> Snapshot {
        parse(text.as_bytes()).expect("a snapshot").snapshots.remove(0)
    }

    #[test]
    fn growth_is_the_later_minus_the_earlier() {
        let before = snapshot(" Leak Nonp 100 50 50 5000 100\n Gone Paged 9 8 1 64 64\n Same Nonp 7 6 1 10 10\n");
        let after =
            snapshot(" Leak Nonp 400 60 340 34000 100 [x.sys]\n Same Nonp 9 8 1 10 10\n New  Nonp 3 1 2 200 100\n");
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
    fn hidden_tags_of_truncated_snapshots_are_neither_new_nor_gone() {
        // Rows of 1,000 bytes with a total of 100 KB: only the largest tags are shown.
        let sums = " Commit: 1K Limit: 1K Peak: 1K            Pool N: 100K P: 0K\n";
        let cut = snapshot(&format!("{sums} Leak Nonp 9 1 8 800 100\n Fell Nonp 2 0 2 200 100\n"));
        let later = snapshot(&format!(
            "{sums} Leak Nonp 99 1 98 9800 100\n Rose Nonp 9 6 3 300 100\n Same Nonp 1 0 1 150 150\n"
        ));
        let comparison = compare(&cut, &later);
        let found: Vec<_> = comparison
            .rows
            .iter()
            .map(|row| {
                (row.tag.as_str(), row.bytes, row.blocks, row.allocs, (row.before_is_truncated, row.after_is_truncated))
            })
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
        // Nothing is known about a pool without rows.
        let one_pool =
            snapshot(" Commit: 1K Limit: 1K Peak: 1K            Pool N: 1K P: 9K\n Leak Nonp 9 1 8 800 100\n");
        let both = snapshot(" Leak Nonp 9 1 8 800 100\n Page Paged 9 1 8 800 100\n");
        let row = &compare(&one_pool, &both).rows[1];
        assert_eq!((row.tag.as_str(), row.bytes, row.before_is_truncated), ("Page", 0, true));
        assert_eq!(compare(&both, &one_pool).bytes, [0, 0]);
    }

    #[test]
    fn wrapped_counters_are_corrected() {
        let wrap = 1_u64 << 32;
        assert_eq!(counter_increase(wrap - 10, 5), 15);
        assert_eq!(counter_increase(wrap - 1, wrap / 2 - 2), (wrap / 2 - 1).cast_signed());
        assert_eq!(counter_increase(wrap - 1, wrap / 2 - 1), -(wrap / 2).cast_signed(), "ambiguous, so taken as lower");
        assert_eq!(counter_increase(wrap, 5), 5 - wrap.cast_signed(), "a wider counter");
        assert_eq!(counter_increase(400, 100), -300);
        let before = snapshot(" Busy Nonp 4294967290 4294967200 90 900 10\n");
        let after = snapshot(" Busy Nonp 94 4 90 900 10\n");
        let row = &compare(&before, &after).rows[0];
        assert_eq!((row.allocs, row.frees), (Some(100), Some(100)));
        assert!(!compare(&before, &after).is_reversed);
    }

    #[test]
    fn missing_counters_stay_unknown() {
        let heading = " Tag Allocs Used Allocs Used\n";
        let before = snapshot(&format!("{heading} Leak 10 1000 0 0\n"));
        let after = snapshot(" Leak Nonp 100 50 50 5000 100\n");
        let row = &compare(&before, &after).rows[0];
        assert_eq!((row.bytes, row.blocks, row.allocs, row.frees), (4000, 40, None, None));
        assert_eq!(saturating_difference(0, u64::MAX), i64::MIN);
        assert_eq!(saturating_difference(u64::MAX, 0), i64::MAX);
    }
}
