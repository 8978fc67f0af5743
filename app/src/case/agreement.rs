//! Conclusions from several pieces of evidence: tags that more than one of them names, the share of a pool's growth that they
//! explain, and what none of them supports.

use super::evidence::{Evidence, EvidenceKind, NamedGrowth, UNKNOWN_POOL};
use crate::format;
use crate::snapshot_text::per_hour;

/// Tags that are named before "and N more".
const TAGS_SHOWN: usize = 3;
/// Share of a pool's growth from which on a tag explains it.
const EXPLAINS: f64 = 0.5;
/// Distance in milliseconds from which a trace is of another time than the other evidence: two days.
pub(crate) const APART_MS: i64 = 2 * 86_400_000;
/// Share of a pool's growth above which times or counters do not fit together.
const TOO_MUCH: f64 = 2.0;

/// Sentences about all evidence together, the most important first. Evidence of one kind only agrees with nothing.
#[must_use]
pub fn conclusions(evidence: &[Evidence]) -> Vec<String> {
    let growth_of = |kind: EvidenceKind| {
        evidence.iter().filter(move |evidence| evidence.kind == kind).flat_map(|evidence| &evidence.growth)
    };
    let has = |kind: EvidenceKind| evidence.iter().any(|evidence| evidence.kind == kind);
    let mut sentences = Vec::new();
    if has(EvidenceKind::Snapshots) && has(EvidenceKind::Trace) {
        let in_trace = |listed: &NamedGrowth| growth_of(EvidenceKind::Trace).find(|traced| is_same(traced, listed));
        let (both, only): (Vec<&NamedGrowth>, Vec<&NamedGrowth>) =
            growth_of(EvidenceKind::Snapshots).partition(|listed| in_trace(listed).is_some());
        sentences.extend(both.iter().take(TAGS_SHOWN).filter_map(|listed| Some(supported(listed, in_trace(listed)?))));
        if both.len() > TAGS_SHOWN {
            sentences.push(format!("{} more tags grow in both", both.len() - TAGS_SHOWN));
        }
        if !only.is_empty() {
            let verb = if only.len() == 1 { "grows" } else { "grow" };
            let advice = "was its leak active while the trace was recorded, and did the recording include the tag?";
            sentences.push(format!("{} {verb} in the pool snapshots only: {advice}", names(&only)));
        }
        let unlisted: Vec<&NamedGrowth> = growth_of(EvidenceKind::Trace)
            .filter(|traced| {
                traced.tag.is_some() && !growth_of(EvidenceKind::Snapshots).any(|listed| is_same(traced, listed))
            })
            .collect();
        if !unlisted.is_empty() {
            let (verb, them) = if unlisted.len() == 1 { ("grows", "it") } else { ("grow", "them") };
            let span = |kind: EvidenceKind| {
                let periods = evidence.iter().filter(|one| one.kind == kind).filter_map(|one| one.period_ms);
                periods.map(|(from, to)| to - from).max()
            };
            let is_longer = span(EvidenceKind::Trace).is_some_and(|trace| span(EvidenceKind::Snapshots) > Some(trace));
            let when = if is_longer { "over a longer time " } else { "" };
            sentences.push(format!(
                "{} {verb} in the trace only: {when}the snapshots show no steady growth of {them}",
                names(&unlisted)
            ));
        }
    }
    let growing = growth_of(EvidenceKind::Snapshots).chain(growth_of(EvidenceKind::Trace));
    let logged = |grown: &NamedGrowth| growth_of(EvidenceKind::DebuggerLog).find(|held| is_same(held, grown));
    let mut named: Vec<&str> = Vec::new();
    for (grown, held) in growing.filter_map(|grown| Some((grown, logged(grown)?))) {
        let tag = grown.tag.as_deref().unwrap_or_default();
        if !named.contains(&tag) && named.len() < TAGS_SHOWN {
            sentences.push(allocated_by(tag, grown, held));
            named.push(tag);
        }
    }
    for pool in growth_of(EvidenceKind::Counters) {
        // Snapshots cover hours as the log does; a trace covers seconds.
        let kind = if has(EvidenceKind::Snapshots) { EvidenceKind::Snapshots } else { EvidenceKind::Trace };
        let explained: f64 =
            growth_of(kind).filter(|growth| growth.pool == pool.pool).filter_map(|growth| growth.bytes_per_hour).sum();
        if let Some(whole) = pool.bytes_per_hour.filter(|whole| *whole > 0.0 && has(kind)) {
            sentences.push(share(pool.pool, explained, whole, kind));
        }
    }
    sentences.extend(shared_processes(evidence));
    sentences.extend(evidence.iter().filter_map(|one| far_apart(one, evidence)).take(1));
    if sentences.is_empty() && evidence.len() > 1 {
        sentences.push("No two pieces of evidence name the same growth".to_owned());
    }
    sentences
}

/// A sentence about a trace that was recorded long before or after all other evidence. Clocks of different zones differ by less.
fn far_apart(trace: &Evidence, evidence: &[Evidence]) -> Option<String> {
    let (from, to) = trace.period_ms.filter(|_| trace.kind == EvidenceKind::Trace)?;
    let others = evidence.iter().filter(|other| other.kind != EvidenceKind::Trace).filter_map(|other| other.period_ms);
    let gap = |(first, last): (i64, i64)| first.saturating_sub(to).max(from.saturating_sub(last));
    let nearest = others.min_by_key(|period| gap(*period))?;
    if gap(nearest) < APART_MS {
        return None;
    }
    let when = if from > nearest.1 { "after" } else { "before" };
    let time = format::long_duration(gap(nearest) as f64 / 1000.0);
    let file = trace.files.first().map_or("", String::as_str);
    Some(format!("{file} was recorded {time} {when} the other evidence: they may be about different problems"))
}

/// Same tag in the same pool, as far as both are known.
fn is_same(a: &NamedGrowth, b: &NamedGrowth) -> bool {
    let is_pool_open = [a.pool, b.pool].contains(&UNKNOWN_POOL);
    (a.pool == b.pool || is_pool_open) && a.tag.is_some() && a.tag == b.tag
}

/// `Tag Leak grows (29.0 MB/h), and the debugger log shows outstanding allocations of it by myfault`.
fn allocated_by(tag: &str, grown: &NamedGrowth, held: &NamedGrowth) -> String {
    let rate = grown.bytes_per_hour.map_or_else(String::new, |rate| format!(" ({})", per_hour(rate)));
    let driver = held.driver.as_ref().map_or_else(String::new, |driver| format!(" by {driver}"));
    format!("Tag {} grows{rate}, and the debugger log shows outstanding allocations of it{driver}", tag.trim_end())
}

fn names(growth: &[&NamedGrowth]) -> String {
    let tags: Vec<&str> = growth.iter().filter_map(|growth| growth.tag.as_deref()).map(str::trim_end).collect();
    let rest = tags.len().saturating_sub(TAGS_SHOWN);
    let shown = tags.get(..TAGS_SHOWN).unwrap_or(&tags).join(", ");
    let tag = if tags.len() == 1 { "Tag" } else { "Tags" };
    if rest > 0 { format!("{tag} {shown} and {rest} more") } else { format!("{tag} {shown}") }
}

fn supported(listed: &NamedGrowth, traced: &NamedGrowth) -> String {
    let tag = listed.tag.as_deref().unwrap_or_default().trim_end();
    let rate =
        |growth: &NamedGrowth| growth.bytes_per_hour.map_or_else(String::new, |rate| format!(" ({})", per_hour(rate)));
    let driver = traced.driver.as_ref().map_or_else(String::new, |driver| format!(", allocated by {driver}"));
    let pool = if listed.pool == "Paged" { "paged" } else { "nonpaged" };
    format!(
        "Tag {tag} of {pool} pool grows in the pool snapshots{} and in the trace{}{driver}",
        rate(listed),
        rate(traced)
    )
}

fn share(pool: &str, explained: f64, whole: f64, kind: EvidenceKind) -> String {
    let name = if pool == "Paged" { "paged" } else { "nonpaged" };
    let (whole_text, part_text) = (per_hour(whole), per_hour(explained));
    match explained / whole {
        share if share >= TOO_MUCH => {
            format!(
                "The {} shows {part_text} of growth in {name} pool and the performance log {whole_text}: they do not cover the same time or load",
                kind.name()
            )
        }
        share if share >= EXPLAINS => {
            format!(
                "What grows in the {} explains {} of the growth of {name} pool in the performance log ({whole_text})",
                kind.name(),
                format::percent(share.min(1.0))
            )
        }
        share => format!(
            "The performance log counts {whole_text} of growth in {name} pool, of which the {} explains {}: another tag grows, or another time was recorded",
            kind.name(),
            format::percent(share.max(0.0))
        ),
    }
}

/// Processes that counters and a trace both name; an instance such as `agent#2` is a process `agent.exe`.
fn shared_processes(evidence: &[Evidence]) -> Option<String> {
    let of = |kind: EvidenceKind| {
        evidence.iter().filter(move |evidence| evidence.kind == kind).flat_map(|evidence| &evidence.processes)
    };
    let plain = |name: &str| {
        let name = name.to_lowercase();
        let name = name.split(['#', ':']).next().unwrap_or_default().to_owned();
        name.strip_suffix(".exe").map_or_else(|| name.clone(), str::to_owned)
    };
    let shared = of(EvidenceKind::Counters)
        .find(|counted| of(EvidenceKind::Trace).any(|traced| plain(traced) == plain(counted)))?;
    Some(format!(
        "Handles of {shared} rise in the performance log, and it makes most of the outstanding allocations in the trace"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(
        kind: EvidenceKind,
        growth: &[(&'static str, Option<&str>, Option<&str>, f64)],
        processes: &[&str],
    ) -> Evidence {
        let growth = growth.iter().map(|(pool, tag, driver, rate)| NamedGrowth {
            pool,
            tag: tag.map(str::to_owned),
            driver: driver.map(str::to_owned),
            bytes_per_hour: Some(rate * 1_048_576.0),
        });
        Evidence {
            kind,
            files: Vec::new(),
            period_ms: None,
            is_utc: false,
            bias_ms: None,
            summary: Vec::new(),
            growth: growth.collect(),
            processes: processes.iter().map(|name| (*name).to_owned()).collect(),
            remarks: Vec::new(),
        }
    }

    #[test]
    fn evidence_that_agrees_is_one_story() {
        let mut all = [
            evidence(EvidenceKind::Counters, &[("NonPaged", None, None, 30.0)], &["agent#1"]),
            evidence(
                EvidenceKind::Snapshots,
                &[("NonPaged", Some("Leak"), None, 29.0), ("Paged", Some("Leak"), None, 1.0)],
                &[],
            ),
            evidence(
                EvidenceKind::Trace,
                &[("NonPaged", Some("Leak"), Some("myfault.sys"), 498.0), ("NonPaged", Some("CcSc"), None, 5.0)],
                &["Agent.exe"],
            ),
        ];
        all[1].period_ms = Some((0, 86_400_000));
        all[2].period_ms = Some((0, 60_000));
        assert_eq!(
            conclusions(&all),
            [
                "Tag Leak of nonpaged pool grows in the pool snapshots (29.0 MB/h) and in the trace (498.0 MB/h), allocated by myfault.sys",
                "Tag Leak grows in the pool snapshots only: was its leak active while the trace was recorded, and did the recording include the tag?",
                "Tag CcSc grows in the trace only: over a longer time the snapshots show no steady growth of it",
                "What grows in the pool snapshots explains 97 % of the growth of nonpaged pool in the performance log (30.0 MB/h)",
                "Handles of agent#1 rise in the performance log, and it makes most of the outstanding allocations in the trace",
            ]
        );
        all[1].period_ms = None;
        all[2].growth.push(NamedGrowth { tag: Some("Proc".to_owned()), ..all[2].growth[1].clone() });
        let untimed = "Tags CcSc, Proc grow in the trace only: the snapshots show no steady growth of them";
        assert_eq!(conclusions(&all)[2], untimed);
    }

    #[test]
    fn a_trace_of_another_time_is_named() {
        let day = 86_400_000;
        let of = |kind: EvidenceKind, from: i64| Evidence {
            period_ms: Some((from, from + day)),
            ..evidence(kind, &[], &[])
        };
        let said =
            |trace: i64| conclusions(&[of(EvidenceKind::Snapshots, 100 * day), of(EvidenceKind::Trace, trace * day)]);
        assert_eq!(said(90), [" was recorded 9 days before the other evidence: they may be about different problems"]);
        assert_eq!(said(110), [" was recorded 9 days after the other evidence: they may be about different problems"]);
        assert!(!said(101)[0].contains("was recorded"), "one day after the other");
    }

    #[test]
    fn evidence_that_does_not_agree_says_so() {
        let counters = evidence(EvidenceKind::Counters, &[("NonPaged", None, None, 300.0)], &[]);
        let snapshots = evidence(EvidenceKind::Snapshots, &[("NonPaged", Some("Leak"), None, 3.0)], &[]);
        assert!(conclusions(&[counters.clone(), snapshots])[0].contains("explains 1.0 %"));
        let trace = evidence(EvidenceKind::Trace, &[("NonPaged", Some("Leak"), None, 3000.0)], &[]);
        assert!(conclusions(&[counters.clone(), trace])[0].contains("do not cover the same time"));
        assert_eq!(conclusions(std::slice::from_ref(&counters)), [] as [&str; 0]);
        let empty = evidence(EvidenceKind::Trace, &[], &[]);
        assert_eq!(conclusions(&[empty.clone(), empty]), ["No two pieces of evidence name the same growth"]);
    }
}
