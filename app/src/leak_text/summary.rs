//! The summary sentence of a leak analysis.

use super::attribution::subject;
use super::data_quality::gap;
use super::{function, pool, tag};
use crate::format;
use poolscope_analysis::leaks::{LeakAnalysis, Reason, Suspect, SuspectGrouping, Verdict};

/// Confidence below which the summary says "may leak".
const CONFIDENT: f64 = 0.5;
/// Confidence factor of the trace below which its worst gap is named even when nothing leaks.
const COMPLETE: f64 = 0.8;

/// The summary sentence: which driver or tag leaks and how fast, or that nothing leaks.
#[must_use]
pub fn summary(analysis: &LeakAnalysis) -> String {
    let suspects = &analysis.suspects;
    let Some(first) = suspects.first() else { return nothing_to_analyze(analysis) };
    let by = analysis.request.grouping;
    if !analysis.has_times {
        return outstanding(analysis, first);
    }
    // Suspects are sorted by score: those that grow first, then those that grew until their load stopped. Growth in one step
    // has no score.
    let grown = Some(first).filter(|s| s.verdict.has_grown() && s.score > 0.0);
    if let Some(main) = grown.or_else(|| suspects.iter().find(|s| s.verdict == Verdict::Burst)) {
        let more = match suspects.iter().filter(|s| s.verdict == main.verdict).count() {
            0 | 1 => String::new(),
            all => format!(" (and {} more)", format::count(all as u64 - 1)),
        };
        return match main.verdict {
            Verdict::Leak => leaks(main, by) + &more,
            Verdict::Growing => grows(main, by) + &more,
            Verdict::Stopped => stopped(main, by) + &more,
            _ => format!("No ongoing leak. One-time growth: {}{more}", step(main, by)),
        };
    }
    if first.score > 0.0 {
        return borderline(analysis, first);
    }
    if suspects.iter().all(|s| s.verdict == Verdict::TooLittleData) { too_little(analysis) } else { nothing(analysis) }
}

/// The sentence about one suspect: what it does and how fast, or that it does not leak.
#[must_use]
pub(super) fn of_suspect(suspect: &Suspect, by: SuspectGrouping) -> String {
    match suspect.verdict {
        Verdict::Leak => leaks(suspect, by),
        Verdict::Growing => grows(suspect, by),
        Verdict::Stopped => stopped(suspect, by),
        Verdict::Burst => step(suspect, by),
        Verdict::Outstanding => held(suspect, by),
        other => {
            let who = subject(suspect, by).map_or_else(String::new, |who| format!(" of {who}"));
            format!(
                "{}{who} in {} pool does not leak: {}",
                the_tag(suspect),
                pool(suspect.is_paged),
                other.description()
            )
        }
    }
}

/// No suspect grows for certain, but one comes close.
fn borderline(analysis: &LeakAnalysis, suspect: &Suspect) -> String {
    let who = match (subject(suspect, analysis.request.grouping), &suspect.tag) {
        (Some(driver), Some(_)) => format!("{} of {driver}", the_tag(suspect)),
        (Some(driver), None) => driver.to_owned(),
        (None, _) => the_tag(suspect),
    };
    let pool = pool(suspect.is_paged);
    format!("No clear leak in the {} analyzed. Closest candidate: {who} in {pool} pool", analyzed(analysis))
}

/// `myfault.sys leaks 1.90 MB/min of nonpaged pool under tag Leak, from MyfaultDeviceControl`.
fn leaks(suspect: &Suspect, by: SuspectGrouping) -> String {
    let verb = if suspect.confidence < CONFIDENT { "may leak" } else { "leaks" };
    let amount = format!("{} of {} pool", format::growth_rate(suspect.growth_bytes_per_s), pool(suspect.is_paged));
    match subject(suspect, by) {
        Some(who) => format!("{who} {verb} {amount} {}{}", under(suspect), from(suspect, who)),
        None => format!("{} {verb} {amount}", the_tag(suspect)),
    }
}

/// Sentence about a suspect that is a slow leak or a growing queue.
fn grows(suspect: &Suspect, by: SuspectGrouping) -> String {
    let amount =
        format!("grows by {} of {} pool", format::growth_rate(suspect.growth_bytes_per_s), pool(suspect.is_paged));
    let end = "a slow leak or a growing queue";
    match subject(suspect, by) {
        Some(who) => format!("{who} {amount} {}{}: {end}", under(suspect), from(suspect, who)),
        None => format!("{} {amount}: {end}", the_tag(suspect)),
    }
}

/// Sentence about a suspect that grew until its load stopped.
fn stopped(suspect: &Suspect, by: SuspectGrouping) -> String {
    let grew = suspect.reasons.iter().find_map(|reason| match reason {
        Reason::GrewUntil { until_s, bytes_per_s, .. } => Some((*until_s, *bytes_per_s)),
        _ => None,
    });
    let (until_s, bytes_per_s) = grew.unwrap_or((0.0, suspect.growth_bytes_per_s));
    let amount = format!("grew by {} of {} pool", format::growth_rate(bytes_per_s), pool(suspect.is_paged));
    let end = format!(
        "until {} and none of it was freed: a leak whose load stopped or a full cache",
        super::reason::moment(until_s)
    );
    match subject(suspect, by) {
        Some(who) => format!("{who} {amount} {}{} {end}", under(suspect), from(suspect, who)),
        None => format!("{} {amount} {end}", the_tag(suspect)),
    }
}

fn step(suspect: &Suspect, by: SuspectGrouping) -> String {
    let amount = format::bytes(suspect.evidence.outstanding.bytes);
    let pool = pool(suspect.is_paged);
    match subject(suspect, by) {
        Some(who) => {
            format!("{who} allocated {amount} of {pool} pool in one step {}{}", under(suspect), from(suspect, who))
        }
        None => format!("{amount} of {pool} pool were allocated in one step {}", under(suspect)),
    }
}

/// Sentence on the outstanding allocations at the end of a debugger log, which has no times.
fn outstanding(analysis: &LeakAnalysis, first: &Suspect) -> String {
    let others = analysis.suspects.iter().filter(|suspect| suspect.verdict == Verdict::Outstanding).count();
    match others {
        0 => "Everything that was allocated in the debugger log is freed in it.".to_owned(),
        1 => format!("{}. Growth is not known: a debugger log has no times", held(first, analysis.request.grouping)),
        _ => format!(
            "{} (and {} more). Growth is not known: a debugger log has no times",
            held(first, analysis.request.grouping),
            format::count(others as u64 - 1)
        ),
    }
}

/// `Tag Leak: 2,048 allocations (4.00 MB) of nonpaged pool outstanding, allocated by myfault.sys, from MyfaultDeviceControl`.
fn held(suspect: &Suspect, by: SuspectGrouping) -> String {
    let held = suspect.evidence.outstanding;
    let count = format::counted(held.count, "allocation", "allocations");
    let bytes = if held.bytes > 0 { format!(" ({})", format::bytes(held.bytes)) } else { String::new() };
    let pool = if suspect.is_pool_known { format!(" of {} pool", pool(suspect.is_paged)) } else { String::new() };
    let source =
        subject(suspect, by).map_or_else(String::new, |who| format!(", allocated by {who}{}", from(suspect, who)));
    format!("{}: {count}{bytes}{pool} outstanding{source}", the_tag(suspect))
}

fn under(suspect: &Suspect) -> String {
    if suspect.tag.is_some() { format!("under tag {}", tag(suspect)) } else { "under several tags".to_owned() }
}

fn the_tag(suspect: &Suspect) -> String {
    match (&suspect.tag, suspect.driver.is_empty()) {
        (Some(_), _) => format!("Tag {}", tag(suspect)),
        (None, true) => "Code without a stack".to_owned(),
        (None, false) => "Code outside all known modules".to_owned(),
    }
}

/// `, from FUNCTION` if the function is one of the named driver; else empty.
fn from(suspect: &Suspect, named: &str) -> String {
    let function = function(suspect);
    if function.is_empty() || suspect.driver != named { String::new() } else { format!(", from {function}") }
}

fn analyzed(analysis: &LeakAnalysis) -> String {
    format::duration(analysis.seconds)
}

/// Returns whether the trace lacks so much that a leak in it may not be seen.
#[must_use]
pub fn could_hide_a_leak(analysis: &LeakAnalysis) -> bool {
    !analysis.is_complete_recording || analysis.data_quality.confidence_factor() < COMPLETE
}

/// Sentence for a trace without a leak. "Nothing leaks" is reserved for traces whose gaps could not hide a leak.
fn nothing(analysis: &LeakAnalysis) -> String {
    let seconds = analyzed(analysis);
    let all = format!("no tag has outstanding allocations that should have been freed in the {seconds} analyzed");
    let gap_note =
        analysis.data_quality.issues.first().filter(|_| analysis.data_quality.confidence_factor() < COMPLETE);
    match (gap_note, analysis.is_complete_recording) {
        (Some(note), _) => format!("No leak found, but this trace could hide one ({}): {all}.", gap(&note.kind)),
        (None, false) => format!("No leak found in the part of the recording that the file holds: {all}."),
        (None, true) => format!("Nothing leaks: {all}."),
    }
}

fn too_little(analysis: &LeakAnalysis) -> String {
    let count: u64 = analysis.suspects.iter().map(|s| s.evidence.allocated.count).sum();
    let allocations = format::counted(count, "allocation", "allocations");
    format!("Too little data: {allocations} in {}.", analyzed(analysis))
}

fn nothing_to_analyze(analysis: &LeakAnalysis) -> String {
    format!("Nothing to analyze: no pool allocation was recorded in these {}.", analyzed(analysis))
}

/// Numbers of analyzed tags that do not leak, by verdict: `12 churn, 3 bounded`. Empty if there are none.
#[must_use]
pub fn non_leaking_counts(suspects: &[Suspect]) -> String {
    const NOT_LEAKING: [Verdict; 4] = [Verdict::Bounded, Verdict::InFlight, Verdict::Churn, Verdict::TooLittleData];
    let counts = NOT_LEAKING.map(|verdict| (verdict, suspects.iter().filter(|s| s.verdict == verdict).count() as u64));
    let shown = counts.iter().filter(|(_, count)| *count > 0);
    shown.map(|(verdict, count)| format!("{} {verdict}", format::count(*count))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::test_util::{analysis, suspect};
    use super::*;
    use poolscope_analysis::leaks::DataQualityIssue;
    use poolscope_analysis::leaks::data_quality::DataQualityKind;

    fn summary_of(suspects: Vec<Suspect>) -> String {
        summary(&analysis(suspects))
    }

    #[test]
    fn a_leak_has_its_driver_rate_tag_and_function() {
        let leak = suspect(Verdict::Leak);
        let full = "myfault.sys leaks 1.90 MB/min of nonpaged pool under tag Leak, from MyfaultDeviceControl";
        assert_eq!(summary_of(vec![leak.clone()]), full);
        assert_eq!(
            summary_of(vec![leak.clone(), leak.clone(), suspect(Verdict::Growing)]),
            format!("{full} (and 1 more)")
        );
        let mut unknown = leak.clone();
        (unknown.driver, unknown.function, unknown.is_paged) = (String::new(), String::new(), true);
        unknown.is_driver_known = false;
        unknown.attribution.drivers.clear();
        assert_eq!(summary_of(vec![unknown.clone()]), "Tag Leak leaks 1.90 MB/min of paged pool");
        (unknown.driver, unknown.function) = ("Unknown".to_owned(), "0xfffff80012345678".to_owned());
        assert_eq!(summary_of(vec![unknown]), "Tag Leak leaks 1.90 MB/min of paged pool");
        // With less than three fifths in one driver the tag is all that can be named.
        let mut spread = leak.clone();
        spread.attribution.drivers[0].share = 0.5;
        assert_eq!(summary_of(vec![spread]), "Tag Leak leaks 1.90 MB/min of nonpaged pool");
        let mut unsure = leak.clone();
        unsure.confidence = 0.3;
        assert!(summary_of(vec![unsure]).starts_with("myfault.sys may leak 1.90 MB/min"));
        let mut several = leak;
        several.tag = None;
        assert!(summary_of(vec![several]).ends_with("nonpaged pool under several tags, from MyfaultDeviceControl"));
    }

    #[test]
    fn a_debugger_log_has_no_growth() {
        let mut log = analysis(vec![suspect(Verdict::Outstanding), suspect(Verdict::Churn)]);
        log.has_times = false;
        let words = "Tag Leak: 2,048 allocations (4.00 MB) of nonpaged pool outstanding, allocated by myfault.sys, from MyfaultDeviceControl";
        assert_eq!(summary(&log), format!("{words}. Growth is not known: a debugger log has no times"));
        log.suspects[0].is_pool_known = false;
        log.suspects[0].evidence.outstanding.bytes = 0;
        assert!(
            summary(&log).starts_with("Tag Leak: 2,048 allocations outstanding, allocated by"),
            "{}",
            summary(&log)
        );
        log.suspects.remove(0);
        assert_eq!(summary(&log), "Everything that was allocated in the debugger log is freed in it.");
    }

    #[test]
    fn growth_and_steps_are_not_called_leaks() {
        let growing = summary_of(vec![suspect(Verdict::Growing), suspect(Verdict::Churn)]);
        let words = "myfault.sys grows by 1.90 MB/min of nonpaged pool under tag Leak, from MyfaultDeviceControl: ";
        assert_eq!(growing, format!("{words}a slow leak or a growing queue"));
        let burst = summary_of(vec![suspect(Verdict::Burst)]);
        let words = "No ongoing leak. One-time growth: myfault.sys allocated 4.00 MB of nonpaged pool in one step under tag Leak";
        assert_eq!(burst, format!("{words}, from MyfaultDeviceControl"));
    }

    #[test]
    fn no_leak_is_qualified_by_what_was_analyzed() {
        let clean = summary_of(vec![suspect(Verdict::Bounded), suspect(Verdict::Churn)]);
        assert_eq!(
            clean,
            "Nothing leaks: no tag has outstanding allocations that should have been freed in the 61.00 s analyzed."
        );
        assert_eq!(
            summary_of(vec![suspect(Verdict::TooLittleData)]),
            "Too little data: 12,431 allocations in 61.00 s."
        );
        assert_eq!(summary_of(Vec::new()), "Nothing to analyze: no pool allocation was recorded in these 61.00 s.");
        let mut close = suspect(Verdict::InFlight);
        close.score = 9.0;
        let words =
            "No clear leak in the 61.00 s analyzed. Closest candidate: Tag Leak of myfault.sys in nonpaged pool";
        assert_eq!(summary_of(vec![close.clone(), suspect(Verdict::Churn)]), words);
        assert!(summary_of(vec![close, suspect(Verdict::Burst)]).starts_with("No ongoing leak. One-time growth: "));
        let little = summary_of(vec![suspect(Verdict::TooLittleData), suspect(Verdict::Churn)]);
        assert!(little.starts_with("Nothing leaks: no tag"), "{little}");
        let mut gaps = analysis(vec![suspect(Verdict::Churn)]);
        gaps.data_quality
            .issues
            .push(DataQualityIssue { kind: DataQualityKind::ShortRange { seconds: 1.0 }, confidence_factor: 0.5 });
        assert!(summary(&gaps).starts_with("No leak found, but this trace could hide one (only 1.00 s): no tag has"));
        let mut part = analysis(vec![suspect(Verdict::Churn)]);
        part.is_complete_recording = false;
        assert!(
            summary(&part).starts_with("No leak found in the part of the recording that the file holds: no tag has")
        );
    }

    #[test]
    fn a_stopped_leak_has_its_rate_while_it_grew() {
        let mut stopped = suspect(Verdict::Stopped);
        stopped.score = 35.0;
        stopped.reasons = vec![Reason::GrewUntil { from_s: 6.0, until_s: 36.6, bytes_per_s: 36_700.0 }];
        let words = "myfault.sys grew by 2.10 MB/min of nonpaged pool under tag Leak, from MyfaultDeviceControl until 36.6 s \
                     and none of it was freed: a leak whose load stopped or a full cache";
        assert_eq!(summary_of(vec![stopped, suspect(Verdict::Burst)]), words);
    }

    #[test]
    fn tags_that_do_not_leak_are_counted_by_verdict() {
        let verdicts = [Verdict::Leak, Verdict::Churn, Verdict::Bounded, Verdict::Churn];
        assert_eq!(non_leaking_counts(&verdicts.map(suspect)), "1 bounded, 2 churn");
        assert_eq!(non_leaking_counts(&[suspect(Verdict::Leak)]), "");
    }
}
