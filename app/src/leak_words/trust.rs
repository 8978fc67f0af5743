//! What is missing from a trace, by how much that lowers the confidence, and why.

use super::figures::{counted, percent};
use crate::format;
use poolscope_core::leak::reconcile::Reconciliation;
use poolscope_core::leak::trust::TrustKind;
use poolscope_core::leak::{Trust, TrustNote};

/// What lowers every confidence, why, and by how much: a sentence.
#[must_use]
pub fn trust_note(note: &TrustNote) -> String {
    let lowered = 1.0 - note.factor;
    let end = if lowered > 0.0 {
        format!("every confidence is lowered by {}", percent(lowered))
    } else {
        "this is too little to change a verdict".to_owned()
    };
    format!("{}; {end}.", missing(&note.kind))
}

/// What is missing and why it matters, without the full stop.
fn missing(kind: &TrustKind) -> String {
    match kind {
        TrustKind::LostEvents { events, share } => format!(
            "Windows lost {} while recording ({} of all): a block whose free was lost looks like a leak",
            counted(*events, "event", "events"),
            percent(*share)
        ),
        TrustKind::LostBuffers { buffers, share } => format!(
            "{} of events are missing ({} of all): blocks that were freed in the gaps look like leaks",
            counted(*buffers, "buffer", "buffers"),
            percent(*share)
        ),
        TrustKind::Wrapped { missing_s } => {
            let what = missing_s.map_or_else(
                || "the beginning of the recording is".to_owned(),
                |s| format!("the first {} of the recording are", format::duration(s)),
            );
            format!("The log was circular and {what} overwritten: growth before that is not seen, nor where it began")
        }
        TrustKind::TagFilter { tags } => format!(
            "A tag filter was on, only {} recorded: what the rest of the pool does is not seen",
            if *tags == 1 { "1 tag is".to_owned() } else { format!("{} tags are", format::count(*tags)) }
        ),
        TrustKind::Short { seconds } => {
            format!(
                "Only {} are in the range: a cache that is still filling looks like a leak",
                format::duration(*seconds)
            )
        }
        TrustKind::MissingStacks { share } => format!(
            "{} of the allocations have no stack: they cannot be told apart by function, and drivers may be missed",
            percent(*share)
        ),
        TrustKind::ImpliedPairs { pairs, share } => format!(
            "The free or the allocation of {} is missing ({} of all): other frees are lost without a sign of it",
            counted(*pairs, "block", "blocks"),
            percent(*share)
        ),
        TrustKind::SnapshotsDiffer { share } => format!(
            "The pool's own counters count more allocations and frees than the events show ({} are missing)",
            percent(*share)
        ),
    }
}

/// How the pool's own counters and the events agree: a sentence; `None` where the trace has not both snapshots.
#[must_use]
pub fn reconciliation(trust: &Trust) -> Option<String> {
    trust.reconciliation.as_ref().filter(|both| both.is_compared()).map(counters)
}

fn counters(both: &Reconciliation) -> String {
    let counted = |b: &poolscope_core::leak::reconcile::TagBalance| b.counted_allocs.saturating_add(b.counted_frees);
    let all: u64 = both.tags.iter().map(counted).fold(0, u64::saturating_add);
    format!(
        "The pool's own counters at both ends of the recording count {} allocations and frees; the events show {} of them.",
        format::count(all),
        percent(both.seen_share)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: TrustKind) -> String {
        trust_note(&TrustNote { kind, factor: 0.9 })
    }

    #[test]
    fn each_gap_says_what_is_missing_why_it_matters_and_by_how_much() {
        let kinds = [
            (TrustKind::LostEvents { events: 1204, share: 0.003 }, "1,204 events while recording (0.3 % of all)"),
            (TrustKind::LostBuffers { buffers: 1, share: 0.02 }, "1 buffer of events are missing (2.0 % of all)"),
            (TrustKind::Wrapped { missing_s: Some(90.0) }, "the first 90.00 s of the recording are overwritten"),
            (TrustKind::Wrapped { missing_s: None }, "the beginning of the recording is overwritten"),
            (TrustKind::TagFilter { tags: 1 }, "only 1 tag is recorded"),
            (TrustKind::TagFilter { tags: 4 }, "only 4 tags are recorded"),
            (TrustKind::Short { seconds: 4.5 }, "Only 4.50 s are in the range"),
            (TrustKind::MissingStacks { share: 0.4 }, "40 % of the allocations have no stack"),
            (TrustKind::ImpliedPairs { pairs: 12, share: 0.01 }, "of 12 blocks is missing (1.0 % of all)"),
            (TrustKind::SnapshotsDiffer { share: 0.12 }, "(12 % are missing)"),
        ];
        for (kind, words) in kinds {
            let text = said(kind);
            assert!(text.contains(words), "{text}");
            assert!(text.ends_with("; every confidence is lowered by 10 %."), "{text}");
            assert!(text.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit()), "{text}");
        }
        let harmless = trust_note(&TrustNote { kind: TrustKind::Short { seconds: 1.0 }, factor: 1.0 });
        assert!(harmless.ends_with("; this is too little to change a verdict."));
    }

    #[test]
    fn counters_and_events_are_compared_in_a_sentence() {
        let both = Reconciliation { seen_share: 0.998, ..Reconciliation::default() };
        let words = "count 0 allocations and frees; the events show 99.8 % of them.";
        assert!(counters(&both).ends_with(words));
        let alone = Trust { reconciliation: Some(both), ..Trust::default() };
        assert_eq!((reconciliation(&alone), reconciliation(&Trust::default())), (None, None), "nothing to compare");
    }
}
