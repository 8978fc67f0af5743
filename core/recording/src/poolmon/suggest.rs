//! Suggests tags to record: those that grew between snapshots, or the largest of one snapshot.

use super::comparison::compare;
use super::lockstep::{TagGroup, find_groups_of_trends, find_tag_groups};
use super::series::trend::{TagTrend, tag_trends};
use super::{Pool, Snapshot, TagCounts};

/// Criterion by which tags were chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SuggestionBasis {
    /// Growth from the first snapshot to the last.
    Growth,
    /// Change since poolmon's last update, a few seconds only.
    Change,
    /// Size, which does not imply growth.
    Size,
}

impl SuggestionBasis {
    /// Identifier in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Growth => "growth",
            Self::Change => "change",
            Self::Size => "size",
        }
    }

    /// The criterion as a sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Growth => "chosen because they grew most from the first snapshot to the last",
            Self::Change => {
                "chosen because they grew most since poolmon's last update, a few seconds earlier; two snapshots an hour apart are more reliable"
            }
            Self::Size => {
                "chosen because they are the largest, which does not prove that they grow; two snapshots an hour apart are more reliable"
            }
        }
    }
}

/// Suggested tags.
#[derive(Clone, PartialEq, Debug)]
pub struct TagSuggestion {
    /// Distinct tags as shown in the snapshot, most important first; empty if nothing grew.
    pub tags: Vec<String>,
    /// Criterion.
    pub basis: SuggestionBasis,
    /// Groups of tags that grow in lockstep. In `tags`, members that are never freed precede the others of their group.
    pub groups: Vec<TagGroup>,
}

/// Suggests at most `count` tags of one pool or of both. Of two or more snapshots of one scope, in the order of time, the tags that
/// grow steadily come first, then those that grew most.
#[must_use]
pub fn suggest(snapshots: &[Snapshot], pool: Option<Pool>, count: usize) -> TagSuggestion {
    match snapshots {
        [] => TagSuggestion { tags: Vec::new(), basis: SuggestionBasis::Size, groups: Vec::new() },
        [one] => of_one(one, pool, count),
        // Of two, a truncated one gives a lower bound of the growth of tags that it does not show.
        [first, last] => {
            let grown = compare(first, last)
                .rows
                .into_iter()
                .filter(|row| row.bytes > 0 && pool.is_none_or(|pool| pool == row.pool));
            chosen(grown.map(|row| row.tag).collect(), find_tag_groups(snapshots), SuggestionBasis::Growth, count)
        }
        several => suggest_from_trends(&tag_trends(&several.iter().collect::<Vec<_>>(), None), pool, count),
    }
}

/// Suggests at most `count` tags from the trends of a series.
#[must_use]
pub fn suggest_from_trends(trends: &[TagTrend], pool: Option<Pool>, count: usize) -> TagSuggestion {
    let wanted = |of: Pool| pool.is_none_or(|pool| pool == of);
    let grown: Vec<&TagTrend> = trends.iter().filter(|trend| wanted(trend.pool) && lower_growth(trend) > 0).collect();
    let mut ordered: Vec<(bool, i64, &str)> = grown
        .iter()
        .map(|trend| (trend.is_steady_growth && trend.shape.is_some(), lower_growth(trend), trend.tag.as_str()))
        .collect();
    ordered.sort_by(|a, b| (b.0, b.1).cmp(&(a.0, a.1)).then_with(|| a.2.cmp(b.2)));
    let candidates = ordered.into_iter().map(|(_, _, tag)| tag.to_owned()).collect();
    chosen(candidates, find_groups_of_trends(trends), SuggestionBasis::Growth, count)
}

/// Growth in bytes from the first snapshot to the last; 0 if either does not show the tag.
fn lower_growth(trend: &TagTrend) -> i64 {
    let is_shown = |counts: Option<&Option<TagCounts>>| counts.is_some_and(Option::is_some);
    if is_shown(trend.values.first()) && is_shown(trend.values.last()) { trend.growth_bytes } else { 0 }
}

fn of_one(one: &Snapshot, pool: Option<Pool>, count: usize) -> TagSuggestion {
    let rows = || one.rows.iter().filter(|row| pool.is_none_or(|pool| pool == row.pool));
    let changed = rows().filter_map(|row| Some((i128::from(row.change?.bytes), row.tag.clone())));
    let mut candidates: Vec<(i128, String)> = changed.filter(|(bytes, _)| *bytes > 0).collect();
    let mut basis = SuggestionBasis::Change;
    if candidates.is_empty() {
        basis = SuggestionBasis::Size;
        candidates =
            rows().map(|row| (i128::from(row.counts.bytes), row.tag.clone())).filter(|(bytes, _)| *bytes > 0).collect();
    }
    candidates.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    chosen(
        candidates.into_iter().map(|(_, tag)| tag).collect(),
        find_tag_groups(std::slice::from_ref(one)),
        basis,
        count,
    )
}

/// The first of the candidates, with the holders of its group before each.
fn chosen(candidates: Vec<String>, groups: Vec<TagGroup>, basis: SuggestionBasis, count: usize) -> TagSuggestion {
    let mut tags: Vec<String> = Vec::new();
    for tag in &candidates {
        // A member that is never freed probably holds the rest of its group, so its stacks show who leaks.
        let of_group = groups.iter().filter(|group| group.members.iter().any(|member| member.tag == *tag));
        let holders = of_group.flat_map(TagGroup::holders).map(|holder| &holder.tag);
        for tag in holders.filter(|tag| candidates.contains(tag)).chain([tag]) {
            if tags.len() < count && !tags.contains(tag) {
                tags.push(tag.clone());
            }
        }
    }
    TagSuggestion { tags, basis, groups }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn snapshots(text: &str) -> Vec<Snapshot> {
        parse(text.as_bytes()).expect("snapshots").snapshots
    }

    fn found(text: &str, pool: Option<Pool>) -> (Vec<String>, SuggestionBasis) {
        let suggestion = suggest(&snapshots(text), pool, 2);
        (suggestion.tags, suggestion.basis)
    }

    #[test]
    fn growth_takes_precedence_over_size() {
        let one = " Big  Nonp 9 0 9 900 100\n Leak Nonp 1 0 1 100 100\n Pag  Paged 1 0 1 300 300\n";
        assert_eq!(found(one, None), (vec!["Big ".to_owned(), "Pag ".to_owned()], SuggestionBasis::Size));
        let later = " Big  Nonp 9 0 9 900 100\n Leak Nonp 5 0 5 500 100\n Pag  Paged 2 0 2 310 155\n";
        assert_eq!(
            found(&format!("{one}{later}"), None),
            (vec!["Leak".to_owned(), "Pag ".to_owned()], SuggestionBasis::Growth)
        );
        assert_eq!(
            found(&format!("{one}{later}"), Some(Pool::Paged)),
            (vec!["Pag ".to_owned()], SuggestionBasis::Growth)
        );
        assert_eq!(found(&format!("{later}{one}"), None), (vec![], SuggestionBasis::Growth));
        let moving = " Big  Nonp 9 (0) 0 (0) 9 900 (-8) 100\n Leak Nonp 1 (1) 0 (0) 1 100 (64) 100\n";
        assert_eq!(found(moving, None), (vec!["Leak".to_owned()], SuggestionBasis::Change));
    }

    #[test]
    fn tags_in_both_pools_are_suggested_once() {
        let both = " Leak Nonp 9 0 9 900 100\n Leak Paged 8 0 8 800 100\n Big  Nonp 1 0 1 100 100\n";
        assert_eq!(found(both, None).0, ["Leak", "Big "]);
        assert_eq!(suggest(&[], None, 4), TagSuggestion { tags: vec![], basis: SuggestionBasis::Size, groups: vec![] });
    }

    #[test]
    fn members_that_are_never_freed_come_first() {
        let before =
            " Big  Nonp 10 0 10 9000000 900000\n Held Nonp 900 100 800 80000 100\n Hold Nonp 500 0 500 5000 10\n";
        let after = " Big  Nonp 20 0 20 18000000 900000\n Held Nonp 41900 1100 40800 4080000 100\n Hold Nonp 40500 0 40500 405000 10\n";
        let suggestion = suggest(&snapshots(&format!("{before}{after}")), None, 3);
        assert_eq!((suggestion.tags, suggestion.groups.len()), (vec!["Big ".into(), "Hold".into(), "Held".into()], 1));
    }
}
