//! Who is behind a suspect, in words: processes, the driver that can be named, the rule about a pass-through driver, objects that
//! handles keep, and tags that grow together.

use super::figures::{counted, percent, some_of};
use crate::format;
use poolscope_analysis::leaks::findings::{HeldObjects, LockstepTag};
use poolscope_analysis::leaks::owner::{Hints, claims};
use poolscope_analysis::leaks::{By, Finding, ProcessShare, Reason, Suspect, Verdict};
use poolscope_recording::poolmon::together::note;

/// Processes, tags and names that a list shows before it says how many more there are.
const LISTED: usize = 3;
const TAGS_LISTED: usize = 12;

/// Who can be named in a sentence about the suspect: the process or the driver that it stands for, or the driver that most of
/// what is outstanding comes through. `None` where the tag alone can be named.
#[must_use]
pub fn subject(suspect: &Suspect, by: By) -> Option<&str> {
    match by {
        By::Process => suspect.who.process.as_deref(),
        By::Driver => super::driver(suspect),
        By::Tag | By::Stack => suspect.who.responsible_driver().map(|driver| driver.driver.as_str()),
    }
}

/// A process with its share of what is outstanding and whether it still runs: `app.exe (1234) 87 %, running`.
#[must_use]
pub fn process(share: &ProcessShare, suspect: &Suspect) -> String {
    let of_all = share.blocks.bytes as f64 / suspect.evidence.survivors.bytes.max(1) as f64;
    let state = match share.running {
        Some(true) => ", running",
        Some(false) => ", ended",
        None => "",
    };
    format!("{} {}{state}", share.label(), percent(of_all.min(1.0)))
}

/// The processes with the most outstanding bytes; empty if nothing is outstanding.
#[must_use]
pub fn processes(suspect: &Suspect) -> String {
    let shares = suspect.who.processes.iter().map(|share| process(share, suspect));
    let shown: Vec<String> = shares.clone().take(LISTED).collect();
    let rest = shares.len().saturating_sub(LISTED);
    let more = if rest > 0 { format!("; {} more", format::count(rest as u64)) } else { String::new() };
    format!("{}{more}", shown.join("; "))
}

/// The rule that looked through a pass-through driver on the stack.
#[must_use]
pub fn pass_through(suspect: &Suspect) -> Option<String> {
    let passed = suspect.who.passed_through.as_ref()?;
    let (module, rule) = (&passed.module, passed.rule.name());
    Some(match &passed.next {
        Some(next) => format!("{module} is a pass-through driver ({rule}); the next frame is {next}"),
        None => format!("{module} is a pass-through driver ({rule}); no other driver is on the stack"),
    })
}

/// Objects that handles keep, as a fragment of a sentence.
#[must_use]
pub fn held_objects(held: &HeldObjects) -> String {
    let object = held_objects.object.to_lowercase();
    let all = format::count(held_objects.outstanding);
    let mut parts: Vec<String> = Vec::new();
    if let Some(processes) = held_objects.processes.as_ref().filter(|processes| processes.ended > 0) {
        let names = processes.names.iter().map(|(name, count)| format!("{name} ({})", format::count(*count)));
        let names: Vec<String> = names.collect();
        let names = some_of(names.into_iter(), LISTED);
        let verb = if processes.ended == 1 { "belongs" } else { "belong" };
        let ended = format::count(processes.ended);
        parts.push(format!(
            "{ended} of {all} process objects {verb} to processes that have ended (zombie processes, held by a handle): {names}"
        ));
    }
    if held_objects.by_ended.count > 0 {
        let verb = if held_objects.by_ended.count == 1 { "was" } else { "were" };
        let ended = format::count(held_objects.by_ended.count);
        parts.push(format!("{ended} of {all} {object} objects {verb} allocated by processes that have ended"));
    }
    if parts.is_empty() {
        parts.push(format!("{object} objects stay while a handle or a reference to them is open"));
    }
    parts.join("; ")
}

/// What to do next about a suspect whose objects are kept by handles.
#[must_use]
pub fn recording_advice(suspect: &Suspect) -> Option<String> {
    let held = held_objects_of(suspect)?;
    if !matches!(suspect.verdict, Verdict::Leak | Verdict::Growing | Verdict::Burst) {
        return None;
    }
    let object = held_objects.object;
    Some(format!(
        "to see which process keeps the {object} handles open: wpr -start Handle, wait while it grows, wpr -stop handles.etl; then in \
         WPA the graph \"Handles\", preset \"Outstanding Count by Process\", with the column \"Create Stack\""
    ))
}

/// What is known of the objects of a suspect that handles keep.
#[must_use]
pub fn held_objects_of(suspect: &Suspect) -> Option<&HeldObjects> {
    suspect.reasons.iter().find_map(|reason| match reason {
        Reason::Found(Finding::HeldObjects(held)) => Some(held_objects),
        _ => None,
    })
}

/// Tags that grow together with a suspect, as a fragment of a sentence.
#[must_use]
pub fn lockstep(members: &[LockstepTag], suspect: &Suspect) -> String {
    let is_own =
        |member: &&LockstepTag| suspect.tag.as_deref() == Some(member.tag.as_str()) && suspect.paged == member.paged;
    let name = |member: &LockstepTag| {
        let twice = members.iter().filter(|other| other.tag == member.tag).count() > 1;
        let pool = if twice { format!(" in {} pool", leak_text::pool(member.paged)) } else { String::new() };
        match member.parts {
            1 => format!("{}{pool}", member.tag.trim_end()),
            parts => format!("{} ({parts}:1){pool}", member.tag.trim_end()),
        }
    };
    let others: Vec<String> = members.iter().filter(|member| !is_own(member)).map(name).collect();
    let holders: Vec<&str> = members.iter().filter(|m| m.never_freed).map(|m| m.tag.trim_end()).collect();
    let holding = match holders.as_slice() {
        [] => String::new(),
        [one] if Some(*one) == suspect.tag.as_deref().map(str::trim_end) => {
            "; it never frees: the likely holder".to_owned()
        }
        [one] => format!("; {one} never frees: the likely holder"),
        all => format!("; {} never free: the likely holders", all.join(", ")),
    };
    let tags: Vec<&str> = members.iter().map(|member| member.tag.trim_end()).collect();
    let note = note(&tags).map_or_else(String::new, |note| format!("; {note}"));
    let count = counted(others.len() as u64, "tag", "tags");
    let named = some_of(others.into_iter(), TAGS_LISTED);
    format!("moves together with {count} ({named}), probably one object{holding}{note}")
}

/// All that is said about who is behind a suspect, one line each: processes, the rule about a pass-through driver, owners, what to
/// record next.
#[must_use]
pub fn lines(suspect: &Suspect, hints: Hints<'_>) -> Vec<String> {
    let processes = Some(processes(suspect)).filter(|words| !words.is_empty());
    let mut lines: Vec<String> = processes.map(|words| format!("processes: {words}")).into_iter().collect();
    lines.extend(pass_through(suspect));
    lines.extend(claims(suspect, hints).iter().map(|claim| format!("owner: {}", leak_text::claim(claim))));
    lines.extend(recording_advice(suspect));
    lines
}

/// What the score of a suspect means.
#[must_use]
pub fn score_help(suspect: &Suspect) -> String {
    let class = match suspect.verdict {
        Verdict::Leak => "leaks have 60 to 100, by their share of the growth of all leaks and by confidence",
        Verdict::Growing => "what grows has 20 to 60, by confidence",
        _ => "what does not grow has 0 to 20, by how near it comes to growing",
    };
    format!("Score {:.0} of 100, the order of the list: {class}", suspect.score)
}

#[cfg(test)]
mod tests {
    use super::super::test_util::suspect;
    use super::*;
    use poolscope_analysis::group::look_through::RuleOrigin;
    use poolscope_analysis::leaks::Blocks;
    use poolscope_analysis::leaks::who::{PassThrough, ProcessObjects, UNKNOWN_ALLOCATOR};

    fn share(name: &str, pid: Option<u32>, bytes: u64, running: Option<bool>) -> ProcessShare {
        ProcessShare { name: name.to_owned(), pid, blocks: Blocks { count: 1, bytes }, running }
    }

    #[test]
    fn processes_have_their_share_and_whether_they_run() {
        let mut of = suspect(Verdict::Leak);
        of.evidence.survivors.bytes = 100;
        let (app, svc) = (share("app.exe", Some(1234), 80, Some(true)), share("svc.exe", Some(8), 10, Some(false)));
        of.who.processes = vec![app, svc, share(UNKNOWN_ALLOCATOR, None, 6, None)];
        let words = "app.exe (1234) 80 %, running; svc.exe (8) 10 %, ended; (unknown allocator) 6.0 %";
        assert_eq!(processes(&of), words);
        of.who.processes.push(share("x.exe", Some(9), 4, Some(true)));
        assert_eq!(processes(&of), format!("{words}; 1 more"));
        of.who.processes.clear();
        assert_eq!(processes(&of), "");
    }

    #[test]
    fn sixty_percent_of_all_bytes_name_a_driver() {
        let mut of = suspect(Verdict::Leak);
        assert_eq!(subject(&of, By::Tag), Some("myfault.sys"));
        of.who.drivers[0].share = 0.59;
        assert_eq!((subject(&of, By::Tag), subject(&of, By::Driver)), (None, Some("myfault.sys")));
        of.who.process = Some("app.exe (8)".to_owned());
        assert_eq!(subject(&of, By::Process), Some("app.exe (8)"));
    }

    #[test]
    fn objects_are_told_with_zombies_and_how_to_find_the_handles() {
        let processes =
            ProcessObjects { ended: 380, running: 8, names: vec![("sh.exe".into(), 300), ("git.exe".into(), 80)] };
        let mut objects = HeldObjects {
            object: "Process",
            outstanding: 400,
            by_ended: Blocks::default(),
            processes: Some(processes),
        };
        let words =
            "380 of 400 process objects belong to processes that have ended (zombie processes, held by a handle): ";
        assert_eq!(held_objects(&objects), format!("{words}sh.exe (300), git.exe (80)"));
        (held_objects_of.object, held_objects_of.processes, held_objects_of.by_ended.count) = ("Token", None, 12);
        assert_eq!(held_objects(&objects), "12 of 400 token objects were allocated by processes that have ended");
        held_objects_of.by_ended.count = 0;
        assert_eq!(held_objects(&objects), "token objects stay while a handle or a reference to them is open");
        let mut of = suspect(Verdict::Leak);
        assert_eq!(recording_advice(&of), None);
        of.reasons.push(Reason::Found(Finding::HeldObjects(held_objects_of)));
        assert!(recording_advice(&of).is_some_and(|words| words.contains("keeps the Token handles open: wpr -start Handle, ")));
        of.verdict = Verdict::Bounded;
        assert_eq!(recording_advice(&of), None);
    }

    #[test]
    fn tags_that_move_together_name_the_holder() {
        let member = |tag: &str, paged, parts, never_freed| LockstepTag {
            tag: tag.to_owned(),
            paged,
            parts,
            outstanding: 9,
            never_freed,
        };
        let of = suspect(Verdict::Leak);
        let pair = [member("Leak", false, 1, true), member("IoFE", true, 2, false)];
        let words = "moves together with 1 tag (IoFE (2:1)), probably one object; it never frees: the likely holder";
        assert_eq!(lockstep(&pair, &of), words);
        let many = [member("Ab  ", false, 1, true), member("Leak", true, 1, true), member("Leak", false, 1, false)];
        let words = "moves together with 2 tags (Ab, Leak in paged pool), probably one object; Ab, Leak never free: the likely \
                     holders";
        assert_eq!(lockstep(&many, &of), words);
    }

    #[test]
    fn the_rule_that_spoke_is_named() {
        let mut of = suspect(Verdict::Leak);
        assert_eq!(pass_through(&of), None);
        let next = Some("ntfs.sys!NtfsCreate".to_owned());
        of.who.passed_through = Some(PassThrough { module: "fltmgr.sys".to_owned(), rule: RuleOrigin::BuiltIn, next });
        let words = "fltmgr.sys is a pass-through driver (built-in rule); the next frame is ntfs.sys!NtfsCreate";
        assert_eq!(pass_through(&of).as_deref(), Some(words));
        assert!(score_help(&of).starts_with("Score 90 of 100, the order of the list: leaks have 60 to 100"));
    }
}
