//! Texts about the origin of a suspect: processes, responsible driver, wrapper driver, objects kept by handles, tags that grow in
//! lockstep.

use super::some_of;
use crate::format;
use poolscope_analysis::leaks::findings::{HeldObjects, LockstepTag};
use poolscope_analysis::leaks::owner::{TagOwnerData, owner_candidates};
use poolscope_analysis::leaks::{Finding, ProcessShare, Reason, Suspect, SuspectGrouping, Verdict};
use poolscope_recording::poolmon::tag_notes::group_note;

/// Processes and names that a list shows before "and N more".
const LISTED: usize = 3;
/// Tags that a list shows before "and N more".
const TAGS_LISTED: usize = 12;

/// Subject of a sentence about the suspect: its process or driver if it is grouped by one, else the driver of most outstanding
/// bytes. `None` if only the tag can be named.
#[must_use]
pub fn subject(suspect: &Suspect, by: SuspectGrouping) -> Option<&str> {
    match by {
        SuspectGrouping::Process => suspect.attribution.process.as_deref(),
        SuspectGrouping::Driver => super::driver(suspect),
        SuspectGrouping::Tag | SuspectGrouping::Stack => {
            suspect.attribution.responsible_driver().map(|driver| driver.driver.as_str())
        }
    }
}

/// A process with its share of the outstanding bytes and its state: `app.exe (1234) 87 %, running`.
#[must_use]
pub fn process(share: &ProcessShare, suspect: &Suspect) -> String {
    let of_all = share.allocations.bytes as f64 / suspect.evidence.outstanding.bytes.max(1) as f64;
    let state = match &share.process {
        Some(process) if process.is_running => ", running",
        Some(_) => ", exited",
        None => "",
    };
    format!("{} {}{state}", share.label(), format::percent(of_all.min(1.0)))
}

/// The processes with the most outstanding bytes; empty without outstanding allocations.
#[must_use]
pub fn processes(suspect: &Suspect) -> String {
    let shares = suspect.attribution.processes.iter().map(|share| process(share, suspect));
    let shown: Vec<String> = shares.clone().take(LISTED).collect();
    let rest = shares.len().saturating_sub(LISTED);
    let more = if rest > 0 { format!("; {} more", format::count(rest as u64)) } else { String::new() };
    format!("{}{more}", shown.join("; "))
}

/// Sentence about the wrapper driver that was skipped on the stack, with the rule that skipped it.
#[must_use]
pub fn wrapper_driver(suspect: &Suspect) -> Option<String> {
    let passed = suspect.attribution.wrapper_driver.as_ref()?;
    let (module, rule) = (&passed.module, passed.rule.name());
    Some(match &passed.responsible_function {
        Some(next) => format!("{module} is a wrapper ({rule}); the responsible frame is {next}"),
        None => format!("{module} is a wrapper ({rule}); no other driver is on the stack"),
    })
}

/// Objects kept by handles, as a fragment of a sentence.
#[must_use]
pub fn held_objects(held: &HeldObjects) -> String {
    let object = held.object_type.to_lowercase();
    let all = format::count(held.outstanding);
    let mut parts: Vec<String> = Vec::new();
    if let Some(processes) = held.process_objects.as_ref().filter(|processes| processes.of_ended_processes > 0) {
        let names =
            processes.ended_process_names.iter().map(|(name, count)| format!("{name} ({})", format::count(*count)));
        let names: Vec<String> = names.collect();
        let names = some_of(names.into_iter(), LISTED);
        let verb = if processes.of_ended_processes == 1 { "belongs" } else { "belong" };
        let ended = format::count(processes.of_ended_processes);
        parts.push(format!(
            "{ended} of {all} process objects {verb} to processes that have exited (zombie processes, kept by a handle): {names}"
        ));
    }
    if held.by_ended_processes.count > 0 {
        let verb = if held.by_ended_processes.count == 1 { "was" } else { "were" };
        let ended = format::count(held.by_ended_processes.count);
        parts.push(format!("{ended} of {all} {object} objects {verb} allocated by processes that have exited"));
    }
    if parts.is_empty() {
        parts.push(format!("{object} objects remain allocated while a handle or reference to them is open"));
    }
    parts.join("; ")
}

/// Advice to record handles, for a growing suspect whose objects are kept by handles.
#[must_use]
pub fn recording_advice(suspect: &Suspect) -> Option<String> {
    let held = held_objects_of(suspect)?;
    if !matches!(suspect.verdict, Verdict::Leak | Verdict::Growing | Verdict::Burst) {
        return None;
    }
    let object = held.object_type;
    Some(format!(
        "to find the process that keeps the {object} handles open: run wpr -start Handle, wait while the pool grows, run wpr -stop \
         handles.etl; then open the graph \"Handles\" in WPA with the preset \"Outstanding Count by Process\" and the column \
         \"Create Stack\""
    ))
}

/// The finding about objects kept by handles, if the suspect has one.
#[must_use]
pub fn held_objects_of(suspect: &Suspect) -> Option<&HeldObjects> {
    suspect.reasons.iter().find_map(|reason| match reason {
        Reason::Finding(Finding::HeldObjects(held)) => Some(held),
        _ => None,
    })
}

/// Tags that grow in lockstep with the suspect, as a fragment of a sentence.
#[must_use]
pub fn lockstep(members: &[LockstepTag], suspect: &Suspect) -> String {
    let is_own = |member: &&LockstepTag| {
        suspect.tag.as_deref() == Some(member.tag.as_str()) && suspect.is_paged == member.is_paged
    };
    let name = |member: &LockstepTag| {
        let twice = members.iter().filter(|other| other.tag == member.tag).count() > 1;
        let pool = if twice { format!(" in {} pool", super::pool(member.is_paged)) } else { String::new() };
        match member.parts {
            1 => format!("{}{pool}", member.tag.trim_end()),
            parts => format!("{} ({parts}:1){pool}", member.tag.trim_end()),
        }
    };
    let others: Vec<String> = members.iter().filter(|member| !is_own(member)).map(name).collect();
    let holders: Vec<&str> = members.iter().filter(|m| m.is_never_freed).map(|m| m.tag.trim_end()).collect();
    let holding = match holders.as_slice() {
        [] => String::new(),
        [one] if Some(*one) == suspect.tag.as_deref().map(str::trim_end) => {
            "; it is never freed and probably holds the others".to_owned()
        }
        [one] => format!("; {one} is never freed and probably holds the others"),
        all => format!("; {} are never freed and probably hold the others", all.join(", ")),
    };
    let tags: Vec<&str> = members.iter().map(|member| member.tag.trim_end()).collect();
    let note = group_note(&tags).map_or_else(String::new, |note| format!("; {note}"));
    let count = format::counted(others.len() as u64, "tag", "tags");
    let named = some_of(others.into_iter(), TAGS_LISTED);
    format!("grows in lockstep with {count} ({named}), probably parts of one object{holding}{note}")
}

/// Lines about the origin of a suspect: processes, wrapper driver, owner candidates, what to record next.
#[must_use]
pub fn lines(suspect: &Suspect, owner_data: TagOwnerData<'_>) -> Vec<String> {
    let processes = Some(processes(suspect)).filter(|text| !text.is_empty());
    let mut lines: Vec<String> = processes.map(|text| format!("processes: {text}")).into_iter().collect();
    lines.extend(wrapper_driver(suspect));
    lines.extend(
        owner_candidates(suspect, owner_data)
            .iter()
            .map(|candidate| format!("owner: {}", super::owner_candidate(candidate))),
    );
    lines.extend(recording_advice(suspect));
    lines
}

/// Help text on the score of a suspect.
#[must_use]
pub fn score_help(suspect: &Suspect) -> String {
    let class = match suspect.verdict {
        Verdict::Leak => "leaks score 60 to 100, by their share of the growth of all leaks and by confidence",
        Verdict::Growing | Verdict::Stopped => "growing and stopped suspects score 20 to 60, by confidence",
        _ => "others score 0 to 20, by how close they are to growing",
    };
    format!("Score {:.0} of 100, sorts the list: {class}", suspect.score)
}

#[cfg(test)]
mod tests {
    use super::super::test_util::suspect;
    use super::*;
    use poolscope_analysis::group::wrapper_rules::RuleOrigin;
    use poolscope_analysis::leaks::attribution::{ProcessObjects, WrapperDriver};
    use poolscope_analysis::leaks::{AllocatingProcess, Total};

    fn share(process: Option<AllocatingProcess>, bytes: u64) -> ProcessShare {
        ProcessShare { process, allocations: Total { count: 1, bytes } }
    }

    fn process_of(name: &str, pid: u32, is_running: bool) -> Option<AllocatingProcess> {
        Some(AllocatingProcess { name: name.to_owned(), pid, is_running })
    }

    #[test]
    fn processes_have_their_share_and_state() {
        let mut of = suspect(Verdict::Leak);
        of.evidence.outstanding.bytes = 100;
        let app = share(process_of("app.exe", 1234, true), 80);
        let svc = share(process_of("svc.exe", 8, false), 10);
        of.attribution.processes = vec![app, svc, share(None, 6)];
        let words = "app.exe (1234) 80 %, running; svc.exe (8) 10 %, exited; (unknown allocator) 6.0 %";
        assert_eq!(processes(&of), words);
        of.attribution.processes.push(share(process_of("x.exe", 9, true), 4));
        assert_eq!(processes(&of), format!("{words}; 1 more"));
        of.attribution.processes.clear();
        assert_eq!(processes(&of), "");
    }

    #[test]
    fn sixty_percent_of_all_bytes_name_a_driver() {
        let mut of = suspect(Verdict::Leak);
        assert_eq!(subject(&of, SuspectGrouping::Tag), Some("myfault.sys"));
        of.attribution.drivers[0].share = 0.59;
        assert_eq!(
            (subject(&of, SuspectGrouping::Tag), subject(&of, SuspectGrouping::Driver)),
            (None, Some("myfault.sys"))
        );
        of.attribution.process = Some("app.exe (8)".to_owned());
        assert_eq!(subject(&of, SuspectGrouping::Process), Some("app.exe (8)"));
    }

    #[test]
    fn kept_objects_come_with_zombies_and_advice() {
        let processes = ProcessObjects {
            of_ended_processes: 380,
            of_running_processes: 8,
            ended_process_names: vec![("sh.exe".into(), 300), ("git.exe".into(), 80)],
        };
        let mut objects = HeldObjects {
            object_type: "Process",
            outstanding: 400,
            by_ended_processes: Total::default(),
            process_objects: Some(processes),
        };
        let words =
            "380 of 400 process objects belong to processes that have exited (zombie processes, kept by a handle): ";
        assert_eq!(held_objects(&objects), format!("{words}sh.exe (300), git.exe (80)"));
        (objects.object_type, objects.process_objects, objects.by_ended_processes.count) = ("Token", None, 12);
        assert_eq!(held_objects(&objects), "12 of 400 token objects were allocated by processes that have exited");
        objects.by_ended_processes.count = 0;
        assert_eq!(
            held_objects(&objects),
            "token objects remain allocated while a handle or reference to them is open"
        );
        let mut of = suspect(Verdict::Leak);
        assert_eq!(recording_advice(&of), None);
        of.reasons.push(Reason::Finding(Finding::HeldObjects(objects)));
        assert!(
            recording_advice(&of)
                .is_some_and(|words| words.contains("keeps the Token handles open: run wpr -start Handle, "))
        );
        of.verdict = Verdict::Bounded;
        assert_eq!(recording_advice(&of), None);
    }

    #[test]
    fn lockstep_tags_name_the_holder() {
        let member = |tag: &str, paged, parts, never_freed| LockstepTag {
            tag: tag.to_owned(),
            is_paged: paged,
            parts,
            outstanding: 9,
            is_never_freed: never_freed,
        };
        let of = suspect(Verdict::Leak);
        let pair = [member("Leak", false, 1, true), member("IoFE", true, 2, false)];
        let words = "grows in lockstep with 1 tag (IoFE (2:1)), probably parts of one object; it is never freed and probably holds the others";
        assert_eq!(lockstep(&pair, &of), words);
        let many = [member("Ab  ", false, 1, true), member("Leak", true, 1, true), member("Leak", false, 1, false)];
        let words = "grows in lockstep with 2 tags (Ab, Leak in paged pool), probably parts of one object; Ab, Leak are never \
                     freed and probably hold the others";
        assert_eq!(lockstep(&many, &of), words);
    }

    #[test]
    fn the_wrapper_rule_is_named() {
        let mut of = suspect(Verdict::Leak);
        assert_eq!(wrapper_driver(&of), None);
        let next = Some("ntfs.sys!NtfsCreate".to_owned());
        of.attribution.wrapper_driver = Some(WrapperDriver {
            module: "fltmgr.sys".to_owned(),
            rule: RuleOrigin::BuiltIn,
            responsible_function: next,
        });
        let words = "fltmgr.sys is a wrapper (built-in rule); the responsible frame is ntfs.sys!NtfsCreate";
        assert_eq!(wrapper_driver(&of).as_deref(), Some(words));
        assert!(score_help(&of).starts_with("Score 90 of 100, sorts the list: leaks score 60 to 100"));
    }
}
