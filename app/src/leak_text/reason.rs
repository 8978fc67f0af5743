//! Reasons of a verdict as fragments of a sentence.

use super::{attribution, finding, pool};
use crate::format;
use poolscope_analysis::leaks::{Finding, Reason, Suspect, Total};

/// Lowest linearity (share of the variance that a line explains) of a straight and of a nearly straight curve.
const STRAIGHT: f64 = 0.98;
const NEARLY_STRAIGHT: f64 = 0.9;
/// Share from which the text says "all".
const ALL: f64 = 0.9995;
/// End of the sentences on the usual age at a free.
const USUALLY_FREED: &str = "allocations of this kind are usually freed";

/// A reason as a fragment of a sentence: no capital at the beginning, no full stop at the end.
#[must_use]
pub fn reason(reason: &Reason, suspect: &Suspect) -> String {
    match reason {
        Reason::AllocationsAndFrees { allocated, freed } => {
            let allocated = format::counted(*allocated, "allocation", "allocations");
            format!("{allocated}, {}", format::counted(*freed, "free", "frees"))
        }
        Reason::Growth { bytes_per_s, linearity } => growth(*bytes_per_s, *linearity) + &estimated(suspect),
        Reason::TopStack { share } if *share >= ALL => "all from one stack".to_owned(),
        Reason::TopStack { share } => format!("{} from one stack", format::percent(*share)),
        Reason::DistinctSizes { count } => sizes(*count, suspect),
        Reason::OlderThanUsual { allocations, usual_lifetime_s, late_frees } => {
            older_than_usual(*allocations, *usual_lifetime_s, *late_frees)
        }
        Reason::ShareOfPoolGrowth(share) => {
            format!("{} of the growth of {} pool", format::percent(*share), pool(suspect.is_paged))
        }
        Reason::SingleStep { at_s, share } => {
            let all = if *share >= ALL { "all".to_owned() } else { format::percent(*share) };
            format!("{all} of the outstanding allocations were made in one step at {}", moment(*at_s))
        }
        Reason::GrewUntil { from_s, until_s, bytes_per_s } => {
            let (from, until) = (moment(*from_s), moment(*until_s));
            let rate = format::growth_rate(*bytes_per_s);
            format!(
                "+{rate} from {from} to {until}, then its allocations ended while others continued: a leak whose load stopped \
                 or a full cache; when the load returns, a leak grows again, a cache does not"
            )
        }
        Reason::LevelSince { since_s } => format!("no growth since {}", moment(*since_s)),
        Reason::LoadIncrease { share } => {
            let share = format::percent(share.min(1.0));
            format!("the allocation rate rose as well, which explains {share} of the growth")
        }
        Reason::WithinUsualLifetime { share, usual_lifetime_s } => {
            let (share, life) = (format::percent(*share), format::duration(*usual_lifetime_s));
            format!("{share} of the outstanding allocations are younger than {life}, the age by which {USUALLY_FREED}")
        }
        Reason::TooFewAllocations { outstanding: 0 } => "no outstanding allocations".to_owned(),
        Reason::TooFewAllocations { outstanding: count } => format!("only {}", outstanding(*count)),
        Reason::ExplainedByOtherCauses { older_than_usual, explained_by_others: 0 } => {
            format!("{}, too few to call it growth", outstanding(*older_than_usual))
        }
        Reason::ExplainedByOtherCauses { older_than_usual, explained_by_others } => {
            let (all, explained) = (outstanding(*older_than_usual), format::count(*explained_by_others));
            format!(
                "{all}, of which about {explained} replace freed older ones or result from lost frees: too close to call it growth"
            )
        }
        Reason::Finding(Finding::LockstepTags { members }) => attribution::lockstep(members, suspect),
        Reason::Finding(found) => finding(found),
    }
}

/// All reasons of a suspect, without those that repeat another one.
#[must_use]
pub fn reasons(suspect: &Suspect) -> Vec<String> {
    shown(suspect).map(|r| reason(r, suspect)).collect()
}

/// The main reasons as one sentence.
#[must_use]
pub fn sentence(suspect: &Suspect) -> String {
    let is_short = |r: &&Reason| {
        matches!(
            r,
            Reason::AllocationsAndFrees { .. }
                | Reason::Growth { .. }
                | Reason::TopStack { .. }
                | Reason::DistinctSizes { .. }
        )
    };
    let text_of = |r: &Reason| reason(r, suspect);
    let short: Vec<String> = shown(suspect).filter(is_short).map(text_of).collect();
    let long: Vec<String> = shown(suspect).filter(|r| !is_short(r)).take(2).map(text_of).collect();
    let parts: Vec<String> = std::iter::once(short.join(", ")).filter(|s| !s.is_empty()).chain(long).collect();
    let mut text = parts.join("; ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    if text.is_empty() { text } else { text + "." }
}

fn shown(suspect: &Suspect) -> impl Iterator<Item = &Reason> {
    let has_no_frees = suspect.reasons.iter().any(|r| matches!(r, Reason::AllocationsAndFrees { freed: 0, .. }));
    let is_repeated = move |r: &Reason| has_no_frees && matches!(r, Reason::Finding(Finding::NeverFreed { .. }));
    suspect.reasons.iter().filter(move |r| !is_repeated(r))
}

fn growth(bytes_per_s: f64, linearity: f64) -> String {
    let sign = if bytes_per_s > 0.0 { "+" } else { "" };
    let gain = format!("{sign}{}", format::growth_rate(bytes_per_s));
    match linearity {
        s if s >= STRAIGHT => format!("{gain} in a straight line"),
        s if s >= NEARLY_STRAIGHT => format!("{gain} in a nearly straight line"),
        _ => format!("{gain}, unevenly"),
    }
}

/// Remark that the growth is corrected for lost events, with the recorded growth; empty without a correction.
fn estimated(suspect: &Suspect) -> String {
    let scale = suspect.loss_correction;
    if scale <= 1.0 {
        return String::new();
    }
    let (lost, recorded) =
        (format::percent(1.0 - 1.0 / scale), format::growth_rate(suspect.growth_bytes_per_s / scale));
    format!(
        " (estimated: according to the pool counters {lost} of its events were lost; the recorded growth is {recorded})"
    )
}

fn sizes(count: u64, suspect: &Suspect) -> String {
    let outstanding = suspect.evidence.outstanding;
    match count {
        1 if outstanding.count > 0 => {
            format!("all of one size, {}", format::bytes(outstanding.bytes / outstanding.count))
        }
        1 => "all of one size".to_owned(),
        64.. => "64 or more distinct sizes".to_owned(),
        _ => format!("{count} distinct sizes"),
    }
}

fn outstanding(count: u64) -> String {
    format::counted(count, "outstanding allocation", "outstanding allocations")
}

fn older_than_usual(allocations: Total, usual_lifetime_s: f64, late_frees: u64) -> String {
    let all = format!(
        "{} ({})",
        format::counted(allocations.count, "allocation", "allocations"),
        format::bytes(allocations.bytes)
    );
    let are = if allocations.count == 1 { "is" } else { "are" };
    if usual_lifetime_s <= 0.0 {
        return format!("{all} {are} outstanding, and none of this kind was freed");
    }
    let life = format::duration(usual_lifetime_s);
    let all = format!("{all} {are} older than {life}, the age by which {USUALLY_FREED}");
    match late_frees {
        0 => all,
        1 => format!("{all}; only 1 was freed at a greater age"),
        late => format!("{all}; only {} were freed at a greater age", format::count(late)),
    }
}

/// A time of the trace: `12.4 s`.
pub(super) fn moment(seconds: f64) -> String {
    format!("{seconds:.1} s")
}

#[cfg(test)]
mod tests {
    use super::super::test_util::suspect;
    use super::*;
    use poolscope_analysis::leaks::Verdict;

    fn text_of(reason_of: &Reason) -> String {
        reason(reason_of, &suspect(Verdict::Leak))
    }

    #[test]
    fn traffic_and_growth_are_figures() {
        assert_eq!(
            text_of(&Reason::AllocationsAndFrees { allocated: 12_431, freed: 0 }),
            "12,431 allocations, 0 frees"
        );
        assert_eq!(text_of(&Reason::AllocationsAndFrees { allocated: 1, freed: 1 }), "1 allocation, 1 free");
        let growth = |bytes_per_s, linearity| text_of(&Reason::Growth { bytes_per_s, linearity });
        assert_eq!(growth(36_700.0, 0.999), "+2.10 MB/min in a straight line");
        assert_eq!(growth(36_700.0, 0.95), "+2.10 MB/min in a nearly straight line");
        assert_eq!(growth(36_700.0, 0.5), "+2.10 MB/min, unevenly");
        let mut scaled = suspect(Verdict::Leak);
        scaled.loss_correction = 1.25;
        let words = "+1.90 MB/min, unevenly (estimated: according to the pool counters 20 % of its events were lost; the \
                     recorded growth is 1.52 MB/min)";
        let growth = Reason::Growth { bytes_per_s: scaled.growth_bytes_per_s, linearity: 0.5 };
        assert_eq!(reason(&growth, &scaled), words);
        let until = Reason::GrewUntil { from_s: 6.0, until_s: 36.6, bytes_per_s: 36_700.0 };
        let words = "+2.10 MB/min from 6.0 s to 36.6 s, then its allocations ended while others continued: a leak whose load \
                     stopped or a full cache; when the load returns, a leak grows again, a cache does not";
        assert_eq!(text_of(&until), words);
    }

    #[test]
    fn where_it_comes_from_and_how_large_it_is() {
        assert_eq!(text_of(&Reason::TopStack { share: 1.0 }), "all from one stack");
        assert_eq!(text_of(&Reason::TopStack { share: 0.934 }), "93 % from one stack");
        assert_eq!(text_of(&Reason::DistinctSizes { count: 1 }), "all of one size, 2.00 KB");
        assert_eq!(text_of(&Reason::DistinctSizes { count: 3 }), "3 distinct sizes");
        assert_eq!(text_of(&Reason::DistinctSizes { count: 64 }), "64 or more distinct sizes");
        assert_eq!(text_of(&Reason::ShareOfPoolGrowth(0.98)), "98 % of the growth of nonpaged pool");
    }

    #[test]
    fn ages_are_compared_with_the_usual_one() {
        let blocks = Total { count: 10_201, bytes: 4_299_161 };
        let overdue = |usual_life_s, late_frees| {
            text_of(&Reason::OlderThanUsual { allocations: blocks, usual_lifetime_s: usual_life_s, late_frees })
        };
        let words = "10,201 allocations (4.10 MB) are older than 1.20 s, the age by which allocations of this kind are usually freed";
        assert_eq!(overdue(1.2, 0), words);
        assert_eq!(overdue(1.2, 3), format!("{words}; only 3 were freed at a greater age"));
        assert_eq!(overdue(0.0, 0), "10,201 allocations (4.10 MB) are outstanding, and none of this kind was freed");
        let blocks = Total { count: 1, bytes: 416 };
        let overdue = |usual_life_s| {
            text_of(&Reason::OlderThanUsual { allocations: blocks, usual_lifetime_s: usual_life_s, late_frees: 0 })
        };
        let words =
            "1 allocation (416 B) is older than 1.20 s, the age by which allocations of this kind are usually freed";
        assert_eq!(overdue(1.2), words);
        assert_eq!(overdue(0.0), "1 allocation (416 B) is outstanding, and none of this kind was freed");
        let young = text_of(&Reason::WithinUsualLifetime { share: 0.96, usual_lifetime_s: 1.2 });
        assert_eq!(
            young,
            "96 % of the outstanding allocations are younger than 1.20 s, the age by which allocations of this kind are usually freed"
        );
        assert_eq!(text_of(&Reason::TooFewAllocations { outstanding: 0 }), "no outstanding allocations");
        assert_eq!(text_of(&Reason::TooFewAllocations { outstanding: 1 }), "only 1 outstanding allocation");
        let close = "23 outstanding allocations, of which about 12 replace freed older ones or result from lost frees: too close to call it growth";
        assert_eq!(text_of(&Reason::ExplainedByOtherCauses { older_than_usual: 23, explained_by_others: 12 }), close);
        let few = "9 outstanding allocations, too few to call it growth";
        assert_eq!(text_of(&Reason::ExplainedByOtherCauses { older_than_usual: 9, explained_by_others: 0 }), few);
        let one = "1 outstanding allocation, too few to call it growth";
        assert_eq!(text_of(&Reason::ExplainedByOtherCauses { older_than_usual: 1, explained_by_others: 0 }), one);
    }

    #[test]
    fn steps_levels_and_load_have_their_figures() {
        assert_eq!(
            text_of(&Reason::SingleStep { at_s: 12.44, share: 0.94 }),
            "94 % of the outstanding allocations were made in one step at 12.4 s"
        );
        assert_eq!(text_of(&Reason::LevelSince { since_s: 34.0 }), "no growth since 34.0 s");
        let load = text_of(&Reason::LoadIncrease { share: 0.8 });
        assert_eq!(load, "the allocation rate rose as well, which explains 80 % of the growth");
    }

    #[test]
    fn a_sentence_joins_the_main_reasons_and_says_nothing_twice() {
        let mut leak = suspect(Verdict::Leak);
        leak.reasons = vec![
            Reason::AllocationsAndFrees { allocated: 12_431, freed: 0 },
            Reason::Growth { bytes_per_s: 36_700.0, linearity: 1.0 },
            Reason::Finding(Finding::NeverFreed { allocated: 12_431 }),
            Reason::TopStack { share: 1.0 },
            Reason::ShareOfPoolGrowth(0.98),
        ];
        let all = ["12,431 allocations, 0 frees", "+2.10 MB/min in a straight line", "all from one stack"];
        let growth = "98 % of the growth of nonpaged pool";
        assert_eq!(reasons(&leak), [&all[..], &[growth]].concat());
        assert_eq!(sentence(&leak), format!("{}; {growth}.", all.join(", ")));
        leak.reasons = vec![Reason::TooFewAllocations { outstanding: 2 }];
        assert_eq!(sentence(&leak), "Only 2 outstanding allocations.");
        leak.reasons.clear();
        assert_eq!(sentence(&leak), "");
    }
}
