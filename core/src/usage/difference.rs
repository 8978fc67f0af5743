//! What changed between two listings, tag by tag and pool by pool.

use super::{Figures, Listing, Pool};
use std::collections::BTreeMap;

/// One tag in one pool, before and after.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Growth {
    /// The tag, four characters.
    pub tag: String,
    /// The pool.
    pub pool: Pool,
    /// In the first listing; nothing if the tag is new.
    pub before: Option<Figures>,
    /// In the second listing; nothing if the tag is gone.
    pub after: Option<Figures>,
    /// Bytes more than before.
    pub bytes: i64,
    /// Blocks more than before.
    pub blocks: i64,
    /// Allocations between the two, where both count them.
    pub allocs: Option<i64>,
    /// Frees between the two, where both count them.
    pub frees: Option<i64>,
    /// What a tool knows about the tag.
    pub description: Option<String>,
}

/// Two listings, compared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Comparison {
    /// Every tag that is in one of them, the largest growth in bytes first; ties by tag and pool.
    pub rows: Vec<Growth>,
    /// Bytes more in each pool, of the tags listed; nonpaged first.
    pub bytes: [i64; 2],
    /// Counts of allocations went down for most tags, and they only ever grow: the second listing is the older one, or the system was
    /// started again between them.
    pub backwards: bool,
}

/// Compares them.
#[must_use]
pub fn compare(before: &Listing, after: &Listing) -> Comparison {
    let mut pairs: BTreeMap<(&str, Pool), Growth> = BTreeMap::new();
    for (listing, is_after) in [(before, false), (after, true)] {
        for row in &listing.rows {
            let growth = pairs.entry((row.tag.as_str(), row.pool)).or_insert_with(|| Growth {
                tag: row.tag.clone(),
                pool: row.pool,
                before: None,
                after: None,
                bytes: 0,
                blocks: 0,
                allocs: None,
                frees: None,
                description: None,
            });
            *(if is_after { &mut growth.after } else { &mut growth.before }) = Some(row.figures);
            growth.description = row.description.clone().or_else(|| growth.description.take());
        }
    }
    let mut rows: Vec<Growth> = pairs.into_values().map(finish).collect();
    rows.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| (&a.tag, a.pool).cmp(&(&b.tag, b.pool))));
    let bytes = Pool::ALL.map(|pool| {
        let rows = rows.iter().filter(|row| row.pool == pool);
        rows.fold(0_i64, |sum, row| sum.saturating_add(row.bytes))
    });
    let both = || rows.iter().filter(|row| row.before.is_some() && row.after.is_some()).filter_map(|row| row.allocs);
    let (down, up) = (both().filter(|allocs| *allocs < 0).count(), both().filter(|allocs| *allocs > 0).count());
    Comparison { rows, bytes, backwards: down > up }
}

fn finish(mut growth: Growth) -> Growth {
    let (before, after) = (growth.before, growth.after);
    let known = |figures: Option<Figures>| figures.unwrap_or_default();
    growth.bytes = minus(known(after).bytes, known(before).bytes);
    growth.blocks = minus(known(after).blocks, known(before).blocks);
    // A tag that is missing was never allocated: its counts are zero, if the other listing counts at all.
    let count = |of: fn(&Figures) -> Option<u64>| {
        let side = |figures: Option<Figures>| figures.map_or(Some(0), |figures| of(&figures));
        Some(minus(side(after)?, side(before)?))
    };
    growth.allocs = count(|figures| figures.allocs);
    growth.frees = count(|figures| figures.frees);
    growth
}

fn minus(a: u64, b: u64) -> i64 {
    let difference = i128::from(a) - i128::from(b);
    i64::try_from(difference).unwrap_or(if difference < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn listing(text: &str) -> Listing {
        parse(text.as_bytes()).expect("a listing").listings.remove(0)
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
                ("Gone", -64, -1, Some(-9), Some(-8)),
            ]
        );
        assert_eq!((comparison.bytes, comparison.backwards), ([29_200, -64], false));
        assert_eq!(comparison.rows[0].description.as_deref(), Some("x.sys"));
        assert!(comparison.rows[1].before.is_none() && comparison.rows[3].after.is_none());
        assert!(compare(&after, &before).backwards);
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
