//! The words and figures about a suspect that only the window has: labels, cells, facts, what is copied. The sentences that
//! command line and reports say too stand elsewhere. Draws nothing.

use poolscope_analysis::leaks::{LeakAnalysis, Suspect, SuspectGrouping};
use poolscope_analysis::trace::time::Clock;

use crate::gui::model::columns::paged_text;
use crate::{format, leak_text};

/// Seconds of a minute.
const MINUTE_S: f64 = 60.0;

/// Allocating function: `myfault.sys!Function`, the driver alone, or `unknown`.
#[must_use]
pub fn source(suspect: &Suspect, by: SuspectGrouping) -> String {
    if let Some(process) = suspect.attribution.process.as_ref().filter(|_| by == SuspectGrouping::Process) {
        return process.clone();
    }
    let function = leak_text::function(suspect);
    // The driver of the sentence, where the largest of many functions is one of another driver.
    let named = leak_text::attribution::subject(suspect, by).filter(|named| *named != suspect.driver);
    if let Some(named) = named {
        return named.to_owned();
    }
    match leak_text::driver(suspect) {
        None if function.is_empty() => "unknown".to_owned(),
        None => function.to_owned(),
        // Grouped by driver, a suspect is all functions of the driver.
        Some(driver) if by == SuspectGrouping::Driver || function.is_empty() => driver.to_owned(),
        // An offset in place of a name begins with the driver already.
        Some(driver) if function.starts_with(driver) => function.to_owned(),
        Some(driver) => format!("{driver}!{function}"),
    }
}

/// Growth per minute; `-` for a debugger log, which has no times.
#[must_use]
pub fn growth(suspect: &Suspect) -> String {
    if suspect.has_growth { format::growth_per_minute(suspect.growth_bytes_per_s) } else { "-".to_owned() }
}

/// The pool, if it is known.
#[must_use]
pub fn pool(suspect: &Suspect) -> &'static str {
    if suspect.is_pool_known { paged_text(suspect.is_paged) } else { "Unknown" }
}

/// Accessible name of the row.
#[must_use]
pub fn row_label(rank: usize, suspect: &Suspect, by: SuspectGrouping) -> String {
    format!(
        "{rank}. {} {}, {} pool, {}, {} per minute, {} in {}, {} freed, confidence {}",
        leak_text::tag(suspect),
        suspect.verdict.name(),
        pool(suspect).to_lowercase(),
        source(suspect, by),
        growth(suspect),
        format::bytes(suspect.evidence.outstanding.bytes),
        format::counted(suspect.evidence.outstanding.count, "allocation", "allocations"),
        format::count(suspect.evidence.freed.count),
        format::confidence(suspect.confidence),
    )
}

/// Names and values on its growth and its allocations.
#[must_use]
pub fn facts(analysis: &LeakAnalysis, suspect: &Suspect) -> Vec<(&'static str, String)> {
    let evidence = &suspect.evidence;
    let mut facts: Vec<(&'static str, String)> = Vec::new();
    facts.extend(leak_text::cost(suspect, analysis).map(|message| ("Growth", message)));
    let stayed = &evidence.outstanding;
    let allocations = format::counted(stayed.count, "allocation", "allocations");
    facts.push(("Outstanding", format!("{} in {allocations}", format::bytes(stayed.bytes))));
    let (made, freed) = (&evidence.allocated, &evidence.freed);
    facts.push((
        "Allocations and frees",
        format!("{} allocated, {} freed", format::count(made.count), format::count(freed.count)),
    ));
    if let Some(average) = stayed.bytes.checked_div(stayed.count).map(format::bytes) {
        facts.push((
            "Sizes",
            match evidence.distinct_sizes {
                0 | 1 => format!("all {average}"),
                64.. => format!("64 or more, {average} on average"),
                sizes => format!("{sizes} distinct, {average} on average"),
            },
        ));
    }
    facts
}

/// The analyzed range in seconds: `5.6 s to 61.0 s`.
#[must_use]
pub fn analyzed_time(analysis: &LeakAnalysis, clock: &Clock) -> String {
    let (from, to) = (clock.seconds(analysis.range.warm_up_end), clock.seconds(analysis.range.active.to));
    format!("{} to {}", format::seconds(from, 1), format::seconds(to, 1))
}

/// The part of the analyzed range that is warm-up, 0 to 1.
#[must_use]
pub fn warm_up_share(analysis: &LeakAnalysis) -> f32 {
    let range = analysis.range.active;
    let length = range.to.0.saturating_sub(range.from.0).max(1) as f64;
    (analysis.range.warm_up_end.0.saturating_sub(range.from.0) as f64 / length) as f32
}

/// Suspects as tab-separated text with exact figures, in the order of their ranks.
#[must_use]
pub fn tab_separated(analysis: &LeakAnalysis, chosen: impl Iterator<Item = usize>) -> String {
    let head = [
        "Rank",
        "Verdict",
        "Pool Tag",
        "Pool",
        "Driver",
        "Function",
        "Growth (bytes/min)",
        "Impacting (bytes)",
        "Count",
        "Frees",
        "Confidence",
    ];
    let mut text = head.join("\t") + "\n";
    for at in chosen {
        let Some(suspect) = analysis.suspects.get(at) else { continue };
        let evidence = &suspect.evidence;
        let cells = [
            (at + 1).to_string(),
            suspect.verdict.name().to_owned(),
            suspect.tag.clone().unwrap_or_default(),
            paged_text(suspect.is_paged).to_owned(),
            suspect.driver.clone(),
            suspect.function.clone(),
            format!("{:.0}", suspect.growth_bytes_per_s * MINUTE_S),
            evidence.outstanding.bytes.to_string(),
            evidence.outstanding.count.to_string(),
            evidence.freed.count.to_string(),
            format::confidence(suspect.confidence),
        ];
        text.push_str(&cells.map(|cell| cell.replace(['\t', '\n'], " ")).join("\t"));
        text.push('\n');
    }
    text
}
