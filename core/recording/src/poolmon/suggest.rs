//! Suggests tags to record: those that grew between snapshots, or the largest of one snapshot.

use super::comparison::compare;
use super::lockstep::{TagGroup, find_tag_groups};
use super::{Pool, Snapshot};

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

/// Suggests at most `count` tags of one pool or of both. Of two or more snapshots the first and the last are compared.
#[must_use]
pub fn suggest(snapshots: &[Snapshot], pool: Option<Pool>, count: usize) -> TagSuggestion {
    let wanted = |of: Pool| pool.is_none_or(|pool| pool == of);
    let (basis, mut candidates): (SuggestionBasis, Vec<(i128, String)>) = match snapshots {
        [] => (SuggestionBasis::Size, Vec::new()),
        [one] => {
            let rows = || one.rows.iter().filter(|row| wanted(row.pool));
            let changed: Vec<(i128, String)> = rows()
                .filter_map(|row| Some((i128::from(row.change?.bytes), row.tag.clone())))
                .filter(|(bytes, _)| *bytes > 0)
                .collect();
            if changed.is_empty() {
                (SuggestionBasis::Size, rows().map(|row| (i128::from(row.counts.bytes), row.tag.clone())).collect())
            } else {
                (SuggestionBasis::Change, changed)
            }
        }
        [first, .., last] => {
            let comparison = compare(first, last);
            let grown = comparison.rows.into_iter().filter(|row| wanted(row.pool));
            (SuggestionBasis::Growth, grown.map(|row| (i128::from(row.bytes), row.tag)).collect())
        }
    };
    candidates.retain(|(bytes, _)| *bytes > 0);
    candidates.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let groups = find_tag_groups(snapshots);
    let mut tags: Vec<String> = Vec::new();
    let is_candidate = |wanted: &str| candidates.iter().any(|(_, tag)| tag == wanted);
    for (_, tag) in &candidates {
        // A member that is never freed probably holds the rest of its group, so its stacks show who leaks.
        let of_group = groups.iter().filter(|group| group.members.iter().any(|member| member.tag == *tag));
        let holders = of_group.flat_map(TagGroup::holders).map(|holder| &holder.tag);
        for tag in holders.filter(|tag| is_candidate(tag)).chain([tag]) {
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
