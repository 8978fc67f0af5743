//! The one sentence on top.

use super::figures::{counted, rate};
use super::who::subject;
use super::{function, pool, tag};
use crate::format;
use poolscope_core::leak::{By, Judgement, Suspect, Verdict};

/// Below this confidence a leak is said to be possible only.
const SURE: f64 = 0.5;
/// Below this factor the trace's gaps are named even when nothing leaks.
const COMPLETE: f64 = 0.8;

/// The one sentence on top: who leaks how much, or that nothing does.
#[must_use]
pub fn headline(judgement: &Judgement) -> String {
    // The list begins with what comes nearest to a leak, which need not be the worst verdict where nothing grows.
    let worst = judgement.suspects.iter().min_by_key(|suspect| suspect.verdict);
    let Some(worst) = worst else { return nothing_to_judge(judgement) };
    let more = match judgement.suspects.iter().filter(|s| s.verdict == worst.verdict).count() {
        0 | 1 => String::new(),
        all => format!(" (and {} more)", format::count(all as u64 - 1)),
    };
    match worst.verdict {
        Verdict::Leak => leaks(worst, judgement.request.by) + &more,
        Verdict::Growing => grows(worst, judgement.request.by) + &more,
        Verdict::Burst => format!("Nothing goes on leaking, but {}{more}", step(worst, judgement.request.by)),
        Verdict::TooLittleData => too_little(judgement),
        Verdict::Bounded | Verdict::InFlight | Verdict::Churn => match judgement.suspects.first() {
            Some(first) if first.score > 0.0 => nearly(judgement, first),
            _ => nothing(judgement),
        },
    }
}

/// Nothing grows for sure, but something may.
fn nearly(judgement: &Judgement, suspect: &Suspect) -> String {
    let who = match (subject(suspect, judgement.request.by), &suspect.tag) {
        (Some(driver), Some(_)) => format!("{} of {driver}", the_tag(suspect)),
        (Some(driver), None) => driver.to_owned(),
        (None, _) => the_tag(suspect),
    };
    let pool = pool(suspect.paged);
    format!(
        "Nothing clearly leaks in the {} judged; {who} in {pool} pool comes nearest to it, too close to say",
        judged(judgement)
    )
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

fn judged(judgement: &Judgement) -> String {
    format::duration(judgement.seconds)
}

fn nothing(judgement: &Judgement) -> String {
    let all = format!("no tag keeps blocks that it should have freed in the {} judged.", judged(judgement));
    if judgement.trust.factor() < COMPLETE {
        return format!("Nothing leaks as far as this trace shows, which has gaps: {all}");
    }
    format!("Nothing leaks: {all}")
}

fn too_little(judgement: &Judgement) -> String {
    let blocks: u64 = judgement.suspects.iter().map(|s| s.evidence.allocated.count).sum();
    let blocks = counted(blocks, "allocation", "allocations");
    format!("Too little to judge: {blocks} in {}.", judged(judgement))
}

fn nothing_to_judge(judgement: &Judgement) -> String {
    format!("Nothing to judge: not one pool allocation was recorded in these {}.", judged(judgement))
}

/// How many suspects are none, by verdict: `12 churn, 3 bounded`. Empty if there are none.
#[must_use]
pub fn innocents(suspects: &[Suspect]) -> String {
    const INNOCENT: [Verdict; 4] = [Verdict::Bounded, Verdict::InFlight, Verdict::Churn, Verdict::TooLittleData];
    let counts = INNOCENT.map(|verdict| (verdict, suspects.iter().filter(|s| s.verdict == verdict).count() as u64));
    let shown = counts.iter().filter(|(_, count)| *count > 0);
    shown.map(|(verdict, count)| format!("{} {verdict}", format::count(*count))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::testkit::{judgement, suspect};
    use super::*;
    use poolscope_core::leak::TrustNote;
    use poolscope_core::leak::trust::TrustKind;

    fn said(suspects: Vec<Suspect>) -> String {
        headline(&judgement(suspects))
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
        let words = "Nothing goes on leaking, but myfault.sys took 4.00 MB of nonpaged pool in one step under tag Leak";
        assert_eq!(burst, format!("{words}, from MyfaultDeviceControl"));
    }

    #[test]
    fn that_nothing_leaks_is_said_with_what_was_looked_at() {
        let clean = said(vec![suspect(Verdict::Bounded), suspect(Verdict::Churn)]);
        assert_eq!(clean, "Nothing leaks: no tag keeps blocks that it should have freed in the 61.00 s judged.");
        assert_eq!(said(vec![suspect(Verdict::TooLittleData)]), "Too little to judge: 12,431 allocations in 61.00 s.");
        assert_eq!(said(Vec::new()), "Nothing to judge: not one pool allocation was recorded in these 61.00 s.");
        let mut close = suspect(Verdict::InFlight);
        close.score = 9.0;
        let words = "Nothing clearly leaks in the 61.00 s judged; ";
        let expected = format!("{words}Tag Leak of myfault.sys in nonpaged pool comes nearest to it, too close to say");
        assert_eq!(said(vec![close.clone(), suspect(Verdict::Churn)]), expected);
        assert!(said(vec![close, suspect(Verdict::Burst)]).starts_with("Nothing goes on leaking, but "));
        let little = said(vec![suspect(Verdict::TooLittleData), suspect(Verdict::Churn)]);
        assert!(little.starts_with("Nothing leaks: no tag"), "{little}");
        let mut gaps = judgement(vec![suspect(Verdict::Churn)]);
        gaps.trust.notes.push(TrustNote { kind: TrustKind::Short { seconds: 1.0 }, factor: 0.5 });
        assert!(headline(&gaps).starts_with("Nothing leaks as far as this trace shows, which has gaps: no tag"));
    }

    #[test]
    fn the_others_are_counted_by_verdict() {
        let verdicts = [Verdict::Leak, Verdict::Churn, Verdict::Bounded, Verdict::Churn];
        assert_eq!(innocents(&verdicts.map(suspect)), "1 bounded, 2 churn");
        assert_eq!(innocents(&[suspect(Verdict::Leak)]), "");
    }
}
