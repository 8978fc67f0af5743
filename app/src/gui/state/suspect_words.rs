//! The words and figures about a suspect that only the window has: labels, cells, facts, what is copied. The sentences that
//! command line and reports say too stand elsewhere. Draws nothing.

use poolscope_core::leak::owner::{Claim, Source};
use poolscope_core::leak::{By, Judgement, Suspect, capacity};
use poolscope_core::trace::time::Clock;

use crate::format;

/// Seconds of a minute and of an hour.
const MINUTE_S: f64 = 60.0;
const HOUR_S: f64 = 3600.0;

/// Bytes that grow by so much a second, in so many seconds, with a unit; nothing where it does not grow.
fn grown(bytes_per_s: f64, seconds: f64) -> String {
    if bytes_per_s > 0.0 { format::bytes((bytes_per_s * seconds) as u64) } else { "0 B".to_owned() }
}

/// Growth in a minute.
#[must_use]
pub fn per_minute(suspect: &Suspect) -> String {
    grown(suspect.growth_bytes_per_s, MINUTE_S)
}

/// The pool.
#[must_use]
pub fn pool(paged: bool) -> &'static str {
    if paged { "Paged" } else { "NonPaged" }
}

/// The tag, or that there are several.
#[must_use]
pub fn tag(suspect: &Suspect) -> &str {
    suspect.tag.as_deref().unwrap_or("several tags")
}

/// Who allocates: `myfault.sys!Function`, the driver alone, or that nobody knows.
#[must_use]
pub fn source(suspect: &Suspect, by: By) -> String {
    let (driver, function) = (suspect.driver.as_str(), suspect.function.as_str());
    match (driver, function) {
        ("", "") => "unknown: no stack".to_owned(),
        (_, "") => driver.to_owned(),
        // A driver stands for all of its functions.
        _ if by == By::Driver => driver.to_owned(),
        _ if function.contains(['!', '+']) || function.starts_with("0x") => function.to_owned(),
        _ => format!("{driver}!{function}"),
    }
}

/// A share in percent.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

/// What the row says to whoever does not see it.
#[must_use]
pub fn row_label(rank: usize, suspect: &Suspect, by: By) -> String {
    format!(
        "{rank}. {} {}, {} pool, {}, {} per minute, {} in {} blocks, {} freed, confidence {}",
        tag(suspect),
        suspect.verdict.name(),
        pool(suspect.paged).to_lowercase(),
        source(suspect, by),
        per_minute(suspect),
        format::bytes(suspect.evidence.survivors.bytes),
        format::count(suspect.evidence.survivors.count),
        format::count(suspect.evidence.freed.count),
        percent(suspect.confidence),
    )
}

/// What it costs and how its blocks are: names and values.
#[must_use]
pub fn facts(judgement: &Judgement, suspect: &Suspect) -> Vec<(&'static str, String)> {
    let evidence = &suspect.evidence;
    let rate = suspect.growth_bytes_per_s;
    let mut facts = Vec::new();
    if rate > 0.0 {
        facts.push(("Costs", format!("{} an hour, {} a day", grown(rate, HOUR_S), grown(rate, 24.0 * HOUR_S))));
        facts.extend(full(judgement, suspect).map(|words| ("Pool full", words)));
    }
    let stayed = &evidence.survivors;
    facts.push(("Stayed", format!("{} in {} blocks", format::bytes(stayed.bytes), format::count(stayed.count))));
    let (made, freed) = (&evidence.allocated, &evidence.freed);
    facts.push(("Traffic", format!("{} allocated, {} freed", format::count(made.count), format::count(freed.count))));
    if let Some(average) = stayed.bytes.checked_div(stayed.count).map(format::bytes) {
        facts.push((
            "Sizes",
            match evidence.sizes {
                0 | 1 => format!("all {average}"),
                64.. => format!("64 or more, {average} on average"),
                sizes => format!("{sizes} different, {average} on average"),
            },
        ));
    }
    if suspect.growth_bytes_per_s > 0.0 {
        facts.push(("Share", format!("{:.0} of 100 points of all growth", suspect.score)));
    }
    facts
}

/// When the pool is full if nothing else changes; nothing where the trace does not say how large it can get.
fn full(judgement: &Judgement, suspect: &Suspect) -> Option<String> {
    let pool = judgement.pools.get(usize::from(suspect.paged))?;
    let limit = pool.limit_bytes?;
    let grown = |bytes: &mut i128, other: &Suspect| {
        *bytes += i128::from(other.evidence.survivors.bytes) - i128::from(other.evidence.freed_earlier.bytes);
    };
    let mut used = i128::from(pool.baseline_bytes.unwrap_or(0));
    let of_pool = judgement.suspects.iter().filter(|other| other.paged == suspect.paged);
    of_pool.for_each(|other| grown(&mut used, other));
    let used = u64::try_from(used.max(0)).unwrap_or(u64::MAX);
    let seconds = capacity::seconds_to_full(limit, used, suspect.growth_bytes_per_s)?;
    // Without the pool's own counters what was in use before is not known: it can only be sooner.
    let at_most = if pool.baseline_bytes.is_some() { "" } else { "at most " };
    Some(format!("in {at_most}{} at this rate (limit {})", long_time(seconds), format::bytes(limit)))
}

/// A long time in one unit that says enough.
fn long_time(seconds: f64) -> String {
    let days = seconds / (24.0 * HOUR_S);
    match seconds {
        _ if days >= 730.0 => format!("{:.0} years", days / 365.0),
        _ if days >= 3.0 => format!("{days:.0} days"),
        s if s >= 2.0 * HOUR_S => format!("{:.0} hours", s / HOUR_S),
        s => format!("{:.0} minutes", (s / MINUTE_S).max(1.0)),
    }
}

/// The judged time in seconds: `5.6 s to 61.0 s`.
#[must_use]
pub fn judged_time(judgement: &Judgement, clock: &Clock) -> String {
    let (from, to) = (clock.seconds(judgement.span.from), clock.seconds(judgement.span.view.to));
    format!("{from:.1} s to {to:.1} s")
}

/// The part of the judged view that is warm-up, 0 to 1.
#[must_use]
pub fn warm_up_share(judgement: &Judgement) -> f32 {
    let view = judgement.span.view;
    let length = view.to.0.saturating_sub(view.from.0).max(1) as f64;
    (judgement.span.from.0.saturating_sub(view.from.0) as f64 / length) as f32
}

/// Where a claim comes from.
#[must_use]
pub fn claim(claim: &Claim) -> String {
    let (sure, driver) = (percent(claim.confidence), &claim.driver);
    match &claim.source {
        Source::Stack { share } => {
            format!("{driver}: {} of what stayed comes from its stack ({sure})", percent(*share))
        }
        Source::PoolTag { description } => format!("{driver}: pooltag.txt says {description} ({sure})"),
        Source::File { places, of_files } => {
            let files = if *of_files == 1 {
                "only this file has the tag".to_owned()
            } else {
                format!("{of_files} files have the tag")
            };
            format!("{driver}: the tag stands in it {places} times; {files} ({sure})")
        }
    }
}

/// Suspects as tab-separated text with exact figures, in the order of their ranks.
#[must_use]
pub fn tab_separated(judgement: &Judgement, chosen: impl Iterator<Item = usize>) -> String {
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
        let Some(suspect) = judgement.suspects.get(at) else { continue };
        let evidence = &suspect.evidence;
        let cells = [
            (at + 1).to_string(),
            suspect.verdict.name().to_owned(),
            suspect.tag.clone().unwrap_or_default(),
            pool(suspect.paged).to_owned(),
            suspect.driver.clone(),
            suspect.function.clone(),
            format!("{:.0}", suspect.growth_bytes_per_s * MINUTE_S),
            evidence.survivors.bytes.to_string(),
            evidence.survivors.count.to_string(),
            evidence.freed.count.to_string(),
            percent(suspect.confidence),
        ];
        text.push_str(&cells.map(|cell| cell.replace(['\t', '\n'], " ")).join("\t"));
        text.push('\n');
    }
    text
}
