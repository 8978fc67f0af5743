//! Reasons as fragments of a sentence, made of figures.

use super::figures::{counted, percent, rate};
use super::{finding, pool, attribution};
use crate::format;
use poolscope_analysis::leaks::{Blocks, Finding, Reason, Suspect};

/// From these shares of its variance on, a line explains a curve.
const STRAIGHT: f64 = 0.98;
const NEARLY_STRAIGHT: f64 = 0.9;
/// From this share on, something is said to be all of it.
const ALL: f64 = 0.9995;

/// A reason as a fragment made of figures: no capital at the beginning, no full stop at the end.
#[must_use]
pub fn reason(reason: &Reason, suspect: &Suspect) -> String {
    match reason {
        Reason::Traffic { allocated, freed } => {
            let allocated = counted(*allocated, "allocation", "allocations");
            format!("{allocated}, {}", counted(*freed, "free", "frees"))
        }
        Reason::Growth { bytes_per_s, straightness } => growth(*bytes_per_s, *straightness) + &estimated(suspect),
        Reason::OneStack { share } if *share >= ALL => "all from one stack".to_owned(),
        Reason::OneStack { share } => format!("{} from one stack", percent(*share)),
        Reason::Sizes { distinct } => sizes(*distinct, suspect),
        Reason::Overdue { blocks, usual_life_s, late_frees } => older_than_usual(*blocks, *usual_life_s, *late_frees),
        Reason::ShareOfGrowth(share) => {
            format!("{} of what leaks or grows in {} pool", percent(*share), pool(suspect.paged))
        }
        Reason::Step { at_s, share } => {
            let all = if *share >= ALL { "all".to_owned() } else { percent(*share) };
            format!("{all} of what stays came in one step at {}", moment(*at_s))
        }
        Reason::GrewUntil { from_s, until_s, bytes_per_s } => {
            let (from, until) = (moment(*from_s), moment(*until_s));
            let rate = rate(*bytes_per_s);
            format!(
                "+{rate} from {from} to {until}, then its allocations ended while others went on: a leak whose load stopped, \
                 or a cache that is full; with the load on again a leak grows again, a cache does not"
            )
        }
        Reason::Level { since_s } => format!("no growth since {}", moment(*since_s)),
        Reason::Load { share } => {
            let share = percent(share.min(1.0));
            format!("allocations became more frequent too, which explains {share} of the growth")
        }
        Reason::Young { share, usual_life_s } => {
            let (share, life) = (percent(*share), format::duration(*usual_life_s));
            format!("{share} of what is alive is younger than {life}, the age by which blocks of this kind are freed")
        }
        Reason::Few { survivors: 0 } => "no block stayed".to_owned(),
        Reason::Few { survivors } => format!("only {} stayed", counted(*survivors, "block", "blocks")),
        Reason::Explained { stayed, others: 0 } => {
            format!("{}, too few to say that it grows", counted(*stayed, "block stays", "blocks stay"))
        }
        Reason::Explained { stayed, others } => {
            let (stay, others) = (counted(*stayed, "block stays", "blocks stay"), format::count(*others));
            format!("{stay}, about {others} for older ones that went or by lost frees: too close to say that it grows")
        }
        Reason::Found(Finding::Lockstep { members }) => attribution::lockstep(members, suspect),
        Reason::Found(found) => finding(found),
    }
}

/// All reasons of a suspect. What another one says already is left out.
#[must_use]
pub fn reasons(suspect: &Suspect) -> Vec<String> {
    shown(suspect).map(|r| reason(r, suspect)).collect()
}

/// The main reasons as one sentence.
#[must_use]
pub fn sentence(suspect: &Suspect) -> String {
    let is_short = |r: &&Reason| {
        matches!(r, Reason::Traffic { .. } | Reason::Growth { .. } | Reason::OneStack { .. } | Reason::Sizes { .. })
    };
    let words = |r: &Reason| reason(r, suspect);
    let short: Vec<String> = shown(suspect).filter(is_short).map(words).collect();
    let long: Vec<String> = shown(suspect).filter(|r| !is_short(r)).take(2).map(words).collect();
    let parts: Vec<String> = std::iter::once(short.join(", ")).filter(|s| !s.is_empty()).chain(long).collect();
    let mut text = parts.join("; ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    if text.is_empty() { text } else { text + "." }
}

fn shown(suspect: &Suspect) -> impl Iterator<Item = &Reason> {
    let says_zero = suspect.reasons.iter().any(|r| matches!(r, Reason::Traffic { freed: 0, .. }));
    let is_told = move |r: &Reason| says_zero && matches!(r, Reason::Found(Finding::ZeroFree { .. }));
    suspect.reasons.iter().filter(move |r| !is_told(r))
}

fn growth(bytes_per_s: f64, straightness: f64) -> String {
    let sign = if bytes_per_s > 0.0 { "+" } else { "" };
    let gain = format!("{sign}{}", rate(bytes_per_s));
    match straightness {
        s if s >= STRAIGHT => format!("{gain} in a straight line"),
        s if s >= NEARLY_STRAIGHT => format!("{gain} in a nearly straight line"),
        _ => format!("{gain}, unevenly"),
    }
}

/// That the growth is scaled up for lost events, and what was recorded.
fn estimated(suspect: &Suspect) -> String {
    let scale = suspect.growth_scale;
    if scale <= 1.0 {
        return String::new();
    }
    let (lost, recorded) = (percent(1.0 - 1.0 / scale), rate(suspect.growth_bytes_per_s / scale));
    format!(
        " (estimated: by the pool's own counters {lost} of its events were lost; what was recorded grows by {recorded})"
    )
}

fn sizes(distinct: u64, suspect: &Suspect) -> String {
    let survivors = suspect.evidence.survivors;
    match distinct {
        1 if survivors.count > 0 => format!("all of one size, {}", format::bytes(survivors.bytes / survivors.count)),
        1 => "all of one size".to_owned(),
        64.. => "of 64 sizes or more".to_owned(),
        _ => format!("of {distinct} sizes"),
    }
}

fn older_than_usual(blocks: Blocks, usual_life_s: f64, late_frees: u64) -> String {
    let all = format!("{} ({})", counted(blocks.count, "block", "blocks"), format::bytes(blocks.bytes));
    let (stay, are, their) = if blocks.count == 1 { ("stays", "is", "its") } else { ("stay", "are", "their") };
    if usual_life_s <= 0.0 {
        return format!("{all} {stay}, and nothing of {their} kind was freed");
    }
    let life = format::duration(usual_life_s);
    let all = format!("{all} {are} older than {life}, the age by which blocks of this kind are freed");
    match late_frees {
        0 => all,
        1 => format!("{all}; only 1 was freed later than that"),
        late => format!("{all}; only {} were freed later than that", format::count(late)),
    }
}

/// A moment of the trace.
pub(super) fn moment(seconds: f64) -> String {
    format!("{seconds:.1} s")
}

#[cfg(test)]
mod tests {
    use super::super::test_util::suspect;
    use super::*;
    use poolscope_analysis::leaks::Verdict;

    fn said(reason_of: &Reason) -> String {
        reason(reason_of, &suspect(Verdict::Leak))
    }

    #[test]
    fn traffic_and_growth_are_figures() {
        assert_eq!(said(&Reason::Traffic { allocated: 12_431, freed: 0 }), "12,431 allocations, 0 frees");
        assert_eq!(said(&Reason::Traffic { allocated: 1, freed: 1 }), "1 allocation, 1 free");
        let growth = |bytes_per_s, straightness| said(&Reason::Growth { bytes_per_s, straightness });
        assert_eq!(growth(36_700.0, 0.999), "+2.10 MB/min in a straight line");
        assert_eq!(growth(36_700.0, 0.95), "+2.10 MB/min in a nearly straight line");
        assert_eq!(growth(36_700.0, 0.5), "+2.10 MB/min, unevenly");
        let mut scaled = suspect(Verdict::Leak);
        scaled.growth_scale = 1.25;
        let words = "+1.90 MB/min, unevenly (estimated: by the pool's own counters 20 % of its events were lost; what was \
                     recorded grows by 1.52 MB/min)";
        let growth = Reason::Growth { bytes_per_s: scaled.growth_bytes_per_s, straightness: 0.5 };
        assert_eq!(reason(&growth, &scaled), words);
        let until = Reason::GrewUntil { from_s: 6.0, until_s: 36.6, bytes_per_s: 36_700.0 };
        let words = "+2.10 MB/min from 6.0 s to 36.6 s, then its allocations ended while others went on: a leak whose load \
                     stopped, or a cache that is full; with the load on again a leak grows again, a cache does not";
        assert_eq!(said(&until), words);
    }

    #[test]
    fn where_it_comes_from_and_how_large_it_is() {
        assert_eq!(said(&Reason::OneStack { share: 1.0 }), "all from one stack");
        assert_eq!(said(&Reason::OneStack { share: 0.934 }), "93 % from one stack");
        assert_eq!(said(&Reason::Sizes { distinct: 1 }), "all of one size, 2.00 KB");
        assert_eq!(said(&Reason::Sizes { distinct: 3 }), "of 3 sizes");
        assert_eq!(said(&Reason::Sizes { distinct: 64 }), "of 64 sizes or more");
        assert_eq!(said(&Reason::ShareOfGrowth(0.98)), "98 % of what leaks or grows in nonpaged pool");
    }

    #[test]
    fn ages_say_what_is_overdue_and_what_is_young() {
        let blocks = Blocks { count: 10_201, bytes: 4_299_161 };
        let overdue = |usual_life_s, late_frees| said(&Reason::Overdue { blocks, usual_life_s, late_frees });
        let words = "10,201 blocks (4.10 MB) are older than 1.20 s, the age by which blocks of this kind are freed";
        assert_eq!(overdue(1.2, 0), words);
        assert_eq!(overdue(1.2, 3), format!("{words}; only 3 were freed later than that"));
        assert_eq!(overdue(0.0, 0), "10,201 blocks (4.10 MB) stay, and nothing of their kind was freed");
        let blocks = Blocks { count: 1, bytes: 416 };
        let overdue = |usual_life_s| said(&Reason::Overdue { blocks, usual_life_s, late_frees: 0 });
        let words = "1 block (416 B) is older than 1.20 s, the age by which blocks of this kind are freed";
        assert_eq!(overdue(1.2), words);
        assert_eq!(overdue(0.0), "1 block (416 B) stays, and nothing of its kind was freed");
        let young = said(&Reason::Young { share: 0.96, usual_life_s: 1.2 });
        assert_eq!(
            young,
            "96 % of what is alive is younger than 1.20 s, the age by which blocks of this kind are freed"
        );
        assert_eq!(said(&Reason::Few { survivors: 0 }), "no block stayed");
        assert_eq!(said(&Reason::Few { survivors: 1 }), "only 1 block stayed");
        let close =
            "23 blocks stay, about 12 for older ones that went or by lost frees: too close to say that it grows";
        assert_eq!(said(&Reason::Explained { stayed: 23, others: 12 }), close);
        let few = "9 blocks stay, too few to say that it grows";
        assert_eq!(said(&Reason::Explained { stayed: 9, others: 0 }), few);
        let one = "1 block stays, too few to say that it grows";
        assert_eq!(said(&Reason::Explained { stayed: 1, others: 0 }), one);
    }

    #[test]
    fn the_course_of_innocents_is_told() {
        assert_eq!(said(&Reason::Step { at_s: 12.44, share: 0.94 }), "94 % of what stays came in one step at 12.4 s");
        assert_eq!(said(&Reason::Level { since_s: 34.0 }), "no growth since 34.0 s");
        let load = said(&Reason::Load { share: 0.8 });
        assert_eq!(load, "allocations became more frequent too, which explains 80 % of the growth");
    }

    #[test]
    fn a_sentence_joins_the_main_reasons_and_says_nothing_twice() {
        let mut leak = suspect(Verdict::Leak);
        leak.reasons = vec![
            Reason::Traffic { allocated: 12_431, freed: 0 },
            Reason::Growth { bytes_per_s: 36_700.0, straightness: 1.0 },
            Reason::Found(Finding::ZeroFree { allocated: 12_431 }),
            Reason::OneStack { share: 1.0 },
            Reason::ShareOfGrowth(0.98),
        ];
        let all = ["12,431 allocations, 0 frees", "+2.10 MB/min in a straight line", "all from one stack"];
        let growth = "98 % of what leaks or grows in nonpaged pool";
        assert_eq!(reasons(&leak), [&all[..], &[growth]].concat());
        assert_eq!(sentence(&leak), format!("{}; {growth}.", all.join(", ")));
        leak.reasons = vec![Reason::Few { survivors: 2 }];
        assert_eq!(sentence(&leak), "Only 2 blocks stayed.");
        leak.reasons.clear();
        assert_eq!(sentence(&leak), "");
    }
}
