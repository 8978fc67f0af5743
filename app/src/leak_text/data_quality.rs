//! Texts about the data quality of a trace: missing data, their effect, and by how much they lower the confidence.

use crate::format;
use poolscope_analysis::group::group_by::MAX_GROUPS;
use poolscope_analysis::leaks::data_quality::DataQualityKind;
use poolscope_analysis::leaks::reconcile::{Reconciliation, TagBalance};
use poolscope_analysis::leaks::{DataQuality, DataQualityIssue, LeakAnalysis};

/// Sentence about an issue: the missing data, their effect, and by how much they lower every confidence.
#[must_use]
pub fn data_quality_note(note: &DataQualityIssue) -> String {
    let lowered = 1.0 - note.confidence_factor;
    let end = if lowered > 0.0 {
        format!("every confidence is lowered by {}", format::percent(lowered))
    } else {
        "too little to change a verdict".to_owned()
    };
    format!("{}; {end}.", missing(&note.kind))
}

/// Sentence about keys that the analysis could not group by; `None` if it used all of them.
#[must_use]
pub fn grouping_note(analysis: &LeakAnalysis) -> Option<String> {
    let names: Vec<&str> = analysis.dropped_keys.iter().map(|key| key.title()).collect();
    let most = format::count(MAX_GROUPS as u64);
    (!names.is_empty()).then(|| {
        format!(
            "Not grouped by {}: with the other keys there are more than {most} combinations. Analyze a shorter range to \
             include them.",
            names.join(" and ")
        )
    })
}

/// Short form of an issue, for the summary.
pub(super) fn gap(kind: &DataQualityKind) -> String {
    match kind {
        DataQualityKind::LostEvents { share, .. } => format!("{} of the events were lost", format::percent(*share)),
        DataQualityKind::LostBuffers { share, .. } => format!("{} of the buffers are missing", format::percent(*share)),
        DataQualityKind::CircularLogWrapped { .. } => "its beginning was overwritten".to_owned(),
        DataQualityKind::EndMissing { missing_s } => match missing_s {
            Some(s) => format!("its last {} are missing", format::duration(*s)),
            None => "its end is missing".to_owned(),
        },
        DataQualityKind::TagFilter { .. } => "a tag filter was active".to_owned(),
        DataQualityKind::ShortRange { seconds } => format!("only {}", format::duration(*seconds)),
        DataQualityKind::MissingStacks { .. } => "stacks are missing".to_owned(),
        DataQualityKind::ImpliedEvents { share, .. } => {
            format!("{} of the allocations lack their allocation or free event", format::percent(*share))
        }
        DataQualityKind::PoolRundownDiffers { share } => {
            format!("{} of the events are missing", format::percent(*share))
        }
    }
}

/// The missing data and their effect, without a full stop.
fn missing(kind: &DataQualityKind) -> String {
    match kind {
        DataQualityKind::LostEvents { events, share } => format!(
            "Windows lost {} while recording ({} of all): an allocation whose free was lost looks like a leak",
            format::counted(*events, "event", "events"),
            format::percent(*share)
        ),
        DataQualityKind::LostBuffers { buffers, share } => format!(
            "{} of events {} missing ({} of all): allocations that were freed in the gaps look like leaks",
            format::counted(*buffers, "buffer", "buffers"),
            if *buffers == 1 { "is" } else { "are" },
            format::percent(*share)
        ),
        DataQualityKind::CircularLogWrapped { missing_s } => {
            let what = missing_s.map_or_else(
                || "the beginning of the recording was".to_owned(),
                |s| format!("the first {} of the recording were", format::duration(s)),
            );
            format!("The log was circular and {what} overwritten: earlier growth and its start are not visible")
        }
        DataQualityKind::EndMissing { missing_s } => {
            let what = missing_s.map_or_else(
                || "The end of the recording is".to_owned(),
                |s| format!("The last {} of the recording are", format::duration(s)),
            );
            format!("{what} missing: a cache that was still filling at the end of the file looks like a leak")
        }
        DataQualityKind::TagFilter { tags } => format!(
            "A tag filter was active, only {} recorded: the rest of the pool is not visible",
            if *tags == 1 { "1 tag is".to_owned() } else { format!("{} tags are", format::count(*tags)) }
        ),
        DataQualityKind::ShortRange { seconds } => {
            format!(
                "Only {} are in the range: a cache that is still filling looks like a leak",
                format::duration(*seconds)
            )
        }
        DataQualityKind::MissingStacks { share } => format!(
            "{} of the allocations have no stack: they cannot be grouped by function, and drivers may be missed",
            format::percent(*share)
        ),
        DataQualityKind::ImpliedEvents { events: pairs, share } => format!(
            "The allocation or free event of {} is missing ({} of all): other lost frees leave no sign",
            format::counted(*pairs, "allocation", "allocations"),
            format::percent(*share)
        ),
        DataQualityKind::PoolRundownDiffers { share } => format!(
            "The pool counters count more allocations and frees than the trace holds ({} are missing)",
            format::percent(*share)
        ),
    }
}

/// Sentence that compares the counters of the pool rundown with the events; `None` if the rundown has nothing to compare.
#[must_use]
pub fn counter_comparison(data_quality: &DataQuality) -> Option<String> {
    data_quality.reconciliation.as_ref().and_then(counters)
}

fn counters(both: &Reconciliation) -> Option<String> {
    let is_filtered = both.is_filtered();
    // The share covers these tags only: events that a filter excluded are not missing.
    let is_compared = |row: &&TagBalance| !is_filtered || row.recorded_allocs > 0 || row.recorded_frees > 0;
    let all = both.tags.iter().filter(is_compared).map(TagBalance::counted_events).fold(0, u64::saturating_add);
    let share = format::percent(both.recorded_share);
    if all > 0 {
        let all = format::counted(all, "allocation or free", "allocations and frees");
        let of_tags = if is_filtered { " of the tags that were recorded" } else { "" };
        return Some(format!(
            "The pool counters at both ends of the recording count {all}{of_tags}; the trace holds {share} of them."
        ));
    }
    // Without counters the share is that of the big allocations of all tags.
    let big = both.big_pool.filter(|big| !is_filtered && big.allocated + big.freed > 0)?;
    let changes =
        format::counted(big.allocated + big.freed, "big allocation made or freed", "big allocations made or freed");
    Some(format!("The big-pool tables at both ends of the recording show {changes}; the trace holds {share} of them."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_analysis::leaks::reconcile::BigPoolBalance;
    use poolscope_analysis::trace::attributes::Tag;

    fn text(kind: DataQualityKind) -> String {
        data_quality_note(&DataQualityIssue { kind, confidence_factor: 0.9 })
    }

    #[test]
    fn an_issue_has_what_is_missing_why_and_how_much() {
        let kinds = [
            (DataQualityKind::LostEvents { events: 1204, share: 0.003 }, "1,204 events while recording (0.3 % of all)"),
            (DataQualityKind::LostBuffers { buffers: 1, share: 0.02 }, "1 buffer of events is missing (2.0 % of all)"),
            (
                DataQualityKind::LostBuffers { buffers: 2, share: 0.04 },
                "2 buffers of events are missing (4.0 % of all)",
            ),
            (
                DataQualityKind::CircularLogWrapped { missing_s: Some(90.0) },
                "the first 90.00 s of the recording were overwritten",
            ),
            (DataQualityKind::CircularLogWrapped { missing_s: None }, "the beginning of the recording was overwritten"),
            (DataQualityKind::EndMissing { missing_s: Some(36.0) }, "The last 36.00 s of the recording are missing"),
            (DataQualityKind::EndMissing { missing_s: None }, "The end of the recording is missing"),
            (DataQualityKind::TagFilter { tags: 1 }, "only 1 tag is recorded"),
            (DataQualityKind::TagFilter { tags: 4 }, "only 4 tags are recorded"),
            (DataQualityKind::ShortRange { seconds: 4.5 }, "Only 4.50 s are in the range"),
            (DataQualityKind::MissingStacks { share: 0.4 }, "40 % of the allocations have no stack"),
            (DataQualityKind::ImpliedEvents { events: 12, share: 0.01 }, "of 12 allocations is missing (1.0 % of all)"),
            (DataQualityKind::PoolRundownDiffers { share: 0.12 }, "(12 % are missing)"),
        ];
        for (kind, words) in kinds {
            let text = text(kind);
            assert!(text.contains(words), "{text}");
            assert!(text.ends_with("; every confidence is lowered by 10 %."), "{text}");
            assert!(text.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit()), "{text}");
        }
        let harmless = data_quality_note(&DataQualityIssue {
            kind: DataQualityKind::ShortRange { seconds: 1.0 },
            confidence_factor: 1.0,
        });
        assert!(harmless.ends_with("; too little to change a verdict."));
    }

    /// The sentence about a comparison.
    fn compared(both: Reconciliation) -> Option<String> {
        counter_comparison(&DataQuality { reconciliation: Some(both), ..DataQuality::default() })
    }

    /// A tag with these numbers of allocations by the counters and by the events.
    fn tag(name: &[u8; 4], counted_allocs: u64, seen_allocs: u64) -> TagBalance {
        TagBalance {
            tag: Tag(*name),
            is_paged: false,
            session: None,
            start_bytes: 0,
            stop_bytes: 0,
            is_counted: true,
            counted_allocs,
            counted_frees: 0,
            recorded_allocs: seen_allocs,
            recorded_frees: 0,
            recorded_growth_bytes: 0,
        }
    }

    #[test]
    fn counters_and_events_are_compared_in_a_sentence() {
        let tags = vec![tag(b"Leak", 5_000, 4_990), tag(b"Free", 300, 300)];
        let whole = Reconciliation { tags, recorded_share: 0.998, ..Reconciliation::default() };
        let words = "count 5,300 allocations and frees; the trace holds 99.8 % of them.";
        let text = compared(whole.clone()).expect("two tags are compared");
        assert!(text.ends_with(words), "{text}");
        // With a tag filter, a tag without events is not among those that the events can show.
        let mut filtered = Reconciliation { busy_tags: 3, tags_without_events: 2, recorded_share: 1.0, ..whole };
        filtered.tags = vec![tag(b"Leak", 5_300, 5_300), tag(b"Aaaa", 180_000, 0), tag(b"Bbbb", 826, 0)];
        let words = "count 5,300 allocations and frees of the tags that were recorded; the trace holds 100 % of them.";
        let text = compared(filtered.clone()).expect("one tag is compared");
        assert!(text.ends_with(words), "{text}");
        filtered.tags.remove(0);
        filtered.big_pool = Some(BigPoolBalance { allocated: 3, allocated_recorded: 0, freed: 1, freed_recorded: 0 });
        assert_eq!(compared(filtered), None, "nothing of what was recorded is compared");
    }

    #[test]
    fn without_counters_big_allocations_are_compared() {
        let mut both = Reconciliation { recorded_share: 0.5, ..Reconciliation::default() };
        both.big_pool = Some(BigPoolBalance { allocated: 3, allocated_recorded: 1, freed: 1, freed_recorded: 1 });
        let words =
            "big-pool tables at both ends of the recording show 4 big allocations made or freed; the trace holds 50 %";
        let text = compared(both.clone()).expect("big allocations are compared");
        assert!(text.contains(words), "{text}");
        (both.big_pool, both.recorded_share) = (Some(BigPoolBalance::default()), 1.0);
        assert_eq!(compared(both.clone()), None, "no big allocation was made or freed");
        both.tags = vec![TagBalance { is_counted: false, ..tag(b"Leak", 0, 4) }];
        assert_eq!(compared(both), None, "where the counters stood is not known");
        assert_eq!((compared(Reconciliation::default()), counter_comparison(&DataQuality::default())), (None, None));
    }
}
