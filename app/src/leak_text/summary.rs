//! The one sentence on top.

use super::figures::{counted, rate};
use super::data_quality::gap;
use super::attribution::subject;
use super::{function, pool, tag};
use crate::format;
use poolscope_analysis::leaks::{By, Judgement, Reason, Suspect, Verdict};

/// Below this confidence a leak is said to be possible only.
const SURE: f64 = 0.5;
/// Below this factor the trace's gaps are named even when nothing leaks.
const COMPLETE: f64 = 0.8;

/// The one sentence on top: who leaks how much, or that nothing does.
#[must_use]
pub fn summary(judgement: &Judgement) -> String {
    let suspects = &judgement.suspects;
    let Some(first) = suspects.first() else { return nothing_to_analyze(judgement) };
    let by = judgement.request.by;
    // Suspects are in the order of their scores, which begins with what grows, or grew until its load stopped; what came in one
    // step has no score.
    let grown = Some(first).filter(|s| s.verdict.has_grown() && s.score > 0.0);
    if let Some(told) = grown.or_else(|| suspects.iter().find(|s| s.verdict == Verdict::Burst)) {
        let more = match suspects.iter().filter(|s| s.verdict == told.verdict).count() {
            0 | 1 => String::new(),
            all => format!(" (and {} more)", format::count(all as u64 - 1)),
        };
        return match told.verdict {
            Verdict::Leak => leaks(told, by) + &more,
            Verdict::Growing => grows(told, by) + &more,
            Verdict::Stopped => stopped(told, by) + &more,
            _ => format!("No ongoing leak. One-time growth: {}{more}", step(told, by)),
        };
    }
    if first.score > 0.0 {
        return borderline(judgement, first);
    }
    if suspects.iter().all(|s| s.verdict == Verdict::TooLittleData) {
        too_little(judgement)
    } else {
        nothing(judgement)
    }
}

/// Nothing grows for sure, but something may.
fn borderline(judgement: &Judgement, suspect: &Suspect) -> String {
    let who = match (subject(suspect, judgement.request.by), &suspect.tag) {
        (Some(driver), Some(_)) => format!("{} of {driver}", the_tag(suspect)),
        (Some(driver), None) => driver.to_owned(),
        (None, _) => the_tag(suspect),
    };
    let pool = pool(suspect.paged);
    format!("No clear leak in the {} analyzed. Closest candidate: {who} in {pool} pool", analyzed(judgement))
}

/// `myfault.sys leaks 1.90 MB/min of nonpaged pool under tag Leak, from MyfaultDeviceControl`.
fn leaks(suspect: &Suspect, by: By) -> String {
    let verb = if suspect.confidence < SURE { "may leak" } else { "leaks" };
    let amount = format!("{} of {} pool", rate(suspect.growth_bytes_per_s), pool(suspect.paged));
    match subject(suspect, by) {
        Some(who) => format!("{who} {verb} {amount} {}{}", under(suspect), from(suspect, who)),
        None => format!("{} {verb} {amount}", the_tag(suspect)),
    }
}

/// The same for what is a leak or a queue.
fn grows(suspect: &Suspect, by: By) -> String {
    let amount = format!("grows by {} of {} pool", rate(suspect.growth_bytes_per_s), pool(suspect.paged));
    let end = "a slow leak, or a queue that grows";
    match subject(suspect, by) {
        Some(who) => format!("{who} {amount} {}{}: {end}", under(suspect), from(suspect, who)),
        None => format!("{} {amount}: {end}", the_tag(suspect)),
    }
}

/// The same for what grew until its load stopped.
fn stopped(suspect: &Suspect, by: By) -> String {
    let grew = suspect.reasons.iter().find_map(|reason| match reason {
        Reason::GrewUntil { until_s, bytes_per_s, .. } => Some((*until_s, *bytes_per_s)),
        _ => None,
    });
    let (until_s, bytes_per_s) = grew.unwrap_or((0.0, suspect.growth_bytes_per_s));
    let amount = format!("grew by {} of {} pool", rate(bytes_per_s), pool(suspect.paged));
    let end = format!(
        "until {}, and none of it was freed: a leak whose load stopped, or a cache that is full",
        leak_text::reason::moment(until_s)
    );
    match subject(suspect, by) {
        Some(who) => format!("{who} {amount} {}{} {end}", under(suspect), from(suspect, who)),
        None => format!("{} {amount} {end}", the_tag(suspect)),
    }
}

fn step(suspect: &Suspect, by: By) -> String {
    let amount = format::bytes(suspect.evidence.survivors.bytes);
    let pool = pool(suspect.paged);
    match subject(suspect, by) {
        Some(who) => {
            format!("{who} took {amount} of {pool} pool in one step {}{}", under(suspect), from(suspect, who))
        }
        None => format!("{amount} of {pool} pool were taken in one step {}", under(suspect)),
    }
}

fn under(suspect: &Suspect) -> String {
    if suspect.tag.is_some() { format!("under tag {}", tag(suspect)) } else { "under several tags".to_owned() }
}

fn the_tag(suspect: &Suspect) -> String {
    match (&suspect.tag, suspect.driver.is_empty()) {
        (Some(_), _) => format!("Tag {}", tag(suspect)),
        (None, true) => "Code that no stack names".to_owned(),
        (None, false) => "Code outside of all known modules".to_owned(),
    }
}

/// The function, where it is one of the driver that is named.
fn from(suspect: &Suspect, named: &str) -> String {
    let function = function(suspect);
    if function.is_empty() || suspect.driver != named { String::new() } else { format!(", from {function}") }
}

fn analyzed(judgement: &Judgement) -> String {
    format::duration(judgement.seconds)
}

/// That nothing leaks is said only of a trace whose gaps could not hide a leak.
fn nothing(judgement: &Judgement) -> String {
    let seconds = analyzed(judgement);
    let all = format!("no tag keeps allocations that it should have freed in the {seconds} analyzed");
    let hides = judgement.trust.notes.first().filter(|_| judgement.trust.factor() < COMPLETE);
    match (hides, judgement.is_whole) {
        (Some(note), _) => format!("No leak found, but this trace could hide one ({}): {all}.", gap(&note.kind)),
        (None, false) => format!("No leak found in the part of the recording that is there: {all}."),
        (None, true) => format!("Nothing leaks: {all}."),
    }
}

fn too_little(judgement: &Judgement) -> String {
    let blocks: u64 = judgement.suspects.iter().map(|s| s.evidence.allocated.count).sum();
    let blocks = counted(blocks, "allocation", "allocations");
    format!("Too little data: {blocks} in {}.", analyzed(judgement))
}

fn nothing_to_analyze(judgement: &Judgement) -> String {
    format!("Nothing to analyze: not one pool allocation was recorded in these {}.", analyzed(judgement))
}

/// How many suspects are none, by verdict: `12 churn, 3 bounded`. Empty if there are none.
#[must_use]
pub fn non_leaking_counts(suspects: &[Suspect]) -> String {
    const INNOCENT: [Verdict; 4] = [Verdict::Bounded, Verdict::InFlight, Verdict::Churn, Verdict::TooLittleData];
    let counts = INNOCENT.map(|verdict| (verdict, suspects.iter().filter(|s| s.verdict == verdict).count() as u64));
    let shown = counts.iter().filter(|(_, count)| *count > 0);
    shown.map(|(verdict, count)| format!("{} {verdict}", format::count(*count))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::test_util::{judgement, suspect};
    use super::*;
    use poolscope_analysis::leaks::TrustNote;
    use poolscope_analysis::leaks::trust::TrustKind;

    fn said(suspects: Vec<Suspect>) -> String {
        summary(&judgement(suspects))
    }

    #[test]
    fn a_leak_is_told_by_who_how_much_and_from_where() {
        let leak = suspect(Verdict::Leak);
        let full = "myfault.sys leaks 1.90 MB/min of nonpaged pool under tag Leak, from MyfaultDeviceControl";
        assert_eq!(said(vec![leak.clone()]), full);
        assert_eq!(said(vec![leak.clone(), leak.clone(), suspect(Verdict::Growing)]), format!("{full} (and 1 more)"));
        let mut unknown = leak.clone();
        (unknown.driver, unknown.function, unknown.paged) = (String::new(), String::new(), true);
        unknown.who.drivers.clear();
        assert_eq!(said(vec![unknown.clone()]), "Tag Leak leaks 1.90 MB/min of paged pool");
        (unknown.driver, unknown.function) = ("Unknown".to_owned(), "0xfffff80012345678".to_owned());
        assert_eq!(said(vec![unknown]), "Tag Leak leaks 1.90 MB/min of paged pool");
        // With less than three fifths in one driver the tag is all that can be named.
        let mut spread = leak.clone();
        spread.who.drivers[0].share = 0.5;
        assert_eq!(said(vec![spread]), "Tag Leak leaks 1.90 MB/min of nonpaged pool");
        let mut unsure = leak.clone();
        unsure.confidence = 0.3;
        assert!(said(vec![unsure]).starts_with("myfault.sys may leak 1.90 MB/min"));
        let mut several = leak;
        several.tag = None;
        assert!(said(vec![several]).ends_with("nonpaged pool under several tags, from MyfaultDeviceControl"));
    }

    #[test]
    fn growth_and_steps_are_not_called_leaks() {
        let growing = said(vec![suspect(Verdict::Growing), suspect(Verdict::Churn)]);
        let words = "myfault.sys grows by 1.90 MB/min of nonpaged pool under tag Leak, from MyfaultDeviceControl: ";
        assert_eq!(growing, format!("{words}a slow leak, or a queue that grows"));
        let burst = said(vec![suspect(Verdict::Burst)]);
        let words =
            "No ongoing leak. One-time growth: myfault.sys took 4.00 MB of nonpaged pool in one step under tag Leak";
        assert_eq!(burst, format!("{words}, from MyfaultDeviceControl"));
    }

    #[test]
    fn that_nothing_leaks_is_said_with_what_was_looked_at() {
        let clean = said(vec![suspect(Verdict::Bounded), suspect(Verdict::Churn)]);
        assert_eq!(clean, "Nothing leaks: no tag keeps allocations that it should have freed in the 61.00 s analyzed.");
        assert_eq!(said(vec![suspect(Verdict::TooLittleData)]), "Too little data: 12,431 allocations in 61.00 s.");
        assert_eq!(said(Vec::new()), "Nothing to analyze: not one pool allocation was recorded in these 61.00 s.");
        let mut close = suspect(Verdict::InFlight);
        close.score = 9.0;
        let words =
            "No clear leak in the 61.00 s analyzed. Closest candidate: Tag Leak of myfault.sys in nonpaged pool";
        assert_eq!(said(vec![close.clone(), suspect(Verdict::Churn)]), words);
        assert!(said(vec![close, suspect(Verdict::Burst)]).starts_with("No ongoing leak. One-time growth: "));
        let little = said(vec![suspect(Verdict::TooLittleData), suspect(Verdict::Churn)]);
        assert!(little.starts_with("Nothing leaks: no tag"), "{little}");
        let mut gaps = judgement(vec![suspect(Verdict::Churn)]);
        gaps.trust.notes.push(TrustNote { kind: TrustKind::Short { seconds: 1.0 }, factor: 0.5 });
        assert!(
            summary(&gaps).starts_with("No leak found, but this trace could hide one (only 1.00 s): no tag keeps")
        );
        let mut part = judgement(vec![suspect(Verdict::Churn)]);
        part.is_whole = false;
        assert!(summary(&part).starts_with("No leak found in the part of the recording that is there: no tag keeps"));
    }

    #[test]
    fn a_stopped_leak_is_told_with_its_rate_while_it_grew() {
        let mut stopped = suspect(Verdict::Stopped);
        stopped.score = 35.0;
        stopped.reasons = vec![Reason::GrewUntil { from_s: 6.0, until_s: 36.6, bytes_per_s: 36_700.0 }];
        let words = "myfault.sys grew by 2.10 MB/min of nonpaged pool under tag Leak, from MyfaultDeviceControl until 36.6 s, \
                     and none of it was freed: a leak whose load stopped, or a cache that is full";
        assert_eq!(said(vec![stopped, suspect(Verdict::Burst)]), words);
    }

    #[test]
    fn the_others_are_counted_by_verdict() {
        let verdicts = [Verdict::Leak, Verdict::Churn, Verdict::Bounded, Verdict::Churn];
        assert_eq!(non_leaking_counts(&verdicts.map(suspect)), "1 bounded, 2 churn");
        assert_eq!(non_leaking_counts(&[suspect(Verdict::Leak)]), "");
    }
}
