//! Notes on a plan: consequences of its options for finding a leak, and differences between what was requested and what is recorded.
//! Sentences in order of importance.

use super::estimate::{CPUS_DEFAULT, CPUS_MAX, MEMORY_BYTES_MAX};
use super::plan::{LoggingMode, RecordingPlan, TagScope, WindowsVersion};
use super::tag::TagPattern;

/// The notes of a plan, that on its logging mode first; never empty.
#[must_use]
pub fn notes(plan: &RecordingPlan) -> Vec<String> {
    let mode = plan.logging_mode.meaning().to_owned();
    std::iter::once(mode).chain(notes_besides_mode(plan)).collect()
}

/// The notes of a plan without [`LoggingMode::meaning`], for callers that show it at the choice of the mode.
#[must_use]
pub fn notes_besides_mode(plan: &RecordingPlan) -> Vec<String> {
    let mut notes = Vec::new();
    if plan.logging_mode == LoggingMode::Memory && plan.expected.memory_bytes > MEMORY_BYTES_MAX {
        let most = MEMORY_BYTES_MAX >> 30;
        notes.push(format!("Buffers are limited to {most} GiB of memory, which is less than requested."));
    }
    notes.extend(tag_notes(plan.tags()));
    if plan.scope == TagScope::All {
        notes.push(
            "All tags are recorded, which is a large amount on a busy machine. If the tag is known from poolmon, a filter makes traces of hours possible."
                .to_owned(),
        );
    }
    notes.extend(stack_note(plan).map(str::to_owned));
    notes.extend(big_notes(plan).iter().map(|note| (*note).to_owned()));
    notes.push(
        "The Pool keyword also records a rundown of all tags and of the large allocations at the start and at the end, independent of the filter; \
         the one at the end exists only if the recording is stopped normally."
            .to_owned(),
    );
    notes.push(format!(
        "The buffers are enough for {} logical processors, two for each: with fewer, events are lost, among them those that name the modules.",
        plan.expected.cpus.clamp(CPUS_DEFAULT, CPUS_MAX)
    ));
    if plan.merges_image_ids {
        notes.push(
            "The profile asks for the identities of images when the trace is merged (TraceMergeProperties), for systems such as Windows Server 2025 whose \
             traces lack them. It fits the schema of profiles but has not been tried on Windows."
                .to_owned(),
        );
    }
    if plan.boot {
        let wpr =
            if plan.windows == WindowsVersion::Later { "Boot traces require a wpr of 2017 or later. " } else { "" };
        notes.push(format!("{wpr}No allocations from before the restart remain, so every allocation is recorded."));
    }
    if plan.windows == WindowsVersion::Windows7 {
        notes.push(
            "wpr is not part of Windows 7, and its newer releases do not run there; xperf is part of the Windows Performance Toolkit of \
             Windows 7 to 8.1. For boot traces that toolkit has xbootmgr, which has no tag filter. The script requires PowerShell 3, and \
             Windows 7 includes 2.0."
                .to_owned(),
        );
    }
    notes
}

fn stack_note(plan: &RecordingPlan) -> Option<&'static str> {
    match (plan.stacks.on_allocation, plan.stacks.on_free) {
        (true, true) => None,
        (true, false) => {
            Some("Without stacks on free, the code that frees is unknown; the code that leaks is still named.")
        }
        (false, true) => Some(
            "Without stacks on allocation, no function and no driver can be named for a leak: only tag, size and process.",
        ),
        (false, false) => Some("Without stacks, no function and no driver can be named: only tag, size and process."),
    }
}

fn big_notes(plan: &RecordingPlan) -> &'static [&'static str] {
    if !plan.big_allocations {
        return &[];
    }
    if plan.scope == TagScope::All {
        &[
            "WPR has no filter by size: every allocation is recorded; select the large ones afterwards with the query size>4064.",
        ]
    } else {
        &[
            "WPR has no filter by size. With the Memory keyword the kernel logs every allocation of more than 4,064 bytes whatever its tag. This is known from \
           published analysis of the kernel's code but not confirmed in a trace, so check that other tags are in the trace. The keyword also adds \
           other events of the memory manager, which make the trace larger than estimated.",
        ]
    }
}

/// The three letters of a tag that starts with a space.
fn letters_after_space(pattern: &str) -> Option<&str> {
    let letters = pattern.strip_prefix(' ')?;
    let is_letter = |c: char| c.is_ascii_graphic() && !"?*".contains(c);
    (letters.len() == 3 && letters.chars().all(is_letter)).then_some(letters)
}

fn tag_notes(tags: &[TagPattern]) -> Vec<String> {
    let mut notes = Vec::new();
    for (at, tag) in tags.iter().enumerate() {
        let (given, pattern) = (tag.given(), tag.text());
        if tag.is_padded() {
            notes.push(format!(
                "Tag '{given}' has fewer than four characters. Windows pads such a tag with spaces or zeros, so it is recorded as {pattern}, \
                 which matches both, and also longer tags that start with it."
            ));
        }
        if let Some(letters) = letters_after_space(&pattern) {
            notes.push(format!(
                "Tag '{given}' starts with a space. poolmon shows a tag of three letters that ends with a zero in the same way: if nothing is \
                 recorded, use {letters}."
            ));
        }
        if tag.has_replaced_bytes() {
            notes.push(format!(
                "Tag '{given}' contains a byte that a profile cannot express; ? is used instead and matches any character."
            ));
        }
        if tag.is_truncated() {
            notes.push(format!(
                "Tag '{given}': the filter ignores characters after the first *, so {pattern} is recorded."
            ));
        }
        if tag.is_altered_for_shell() {
            notes.push(format!(
                "Tag '{given}' is written as {} in xperf's command, because a shell would change it; the profile has {pattern}.",
                tag.shell_text()
            ));
        }
        let takes =
            |other: usize, wider: &TagPattern| other != at && wider.covers(tag) && (other < at || !tag.covers(wider));
        let wider = tags.iter().enumerate().find(|(other, wider)| takes(*other, wider));
        if let Some((_, wider)) = wider {
            notes.push(format!("Tag '{given}' is already matched by {wider}; remove it to make room for another."));
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::super::plan::StackOptions;
    use super::super::tag::TagPatterns;
    use super::*;

    fn of(tags: &[&str], change: impl FnOnce(&mut RecordingPlan)) -> String {
        let mut plan = RecordingPlan {
            scope: TagScope::Tags(TagPatterns::parse(tags).expect("tags")),
            ..RecordingPlan::default()
        };
        change(&mut plan);
        notes(&plan).join("\n")
    }

    #[test]
    fn differences_from_the_request_are_noted() {
        let plain = of(&["Leak"], |_| {});
        assert!(plain.starts_with(LoggingMode::File.meaning()) && !plain.contains("Tag 'Leak'"), "{plain}");
        assert!(of(&["Fil"], |_| {}).contains("it is recorded as Fil?, which matches both"));
        assert!(of(&["Le*k"], |_| {}).contains("ignores characters after the first *, so Le* is recorded"));
        assert!(of(&["a%bc"], |_| {}).contains("is written as a?bc in xperf's command"));
        assert!(of(&["ab\\x00d"], |_| {}).contains("contains a byte that a profile cannot express"));
        let blank = of(&[" lif"], |_| {});
        assert!(blank.contains("Tag ' lif' starts with a space.") && blank.contains("use lif."), "{blank}");
        for other in [" li", "  lf", " l?f", "Leak"] {
            assert!(!of(&[other], |_| {}).contains("starts with a space"), "{other}");
        }
        let covered = of(&["Leak", "Le*"], |_| {});
        assert!(
            covered.contains("Tag 'Leak' is already matched by Le*") && !covered.contains("Tag 'Le*' is"),
            "{covered}"
        );
        let same = of(&["ab*", "ab??"], |_| {});
        assert_eq!(same.matches("already").count(), 1, "{same}");
    }

    #[test]
    fn consequences_of_options_are_noted() {
        assert!(of(&["Leak"], |plan| plan.logging_mode = LoggingMode::Memory).contains("not suitable for a slow leak"));
        assert!(
            of(&["Leak"], |plan| plan.stacks = StackOptions::NONE).contains("no function and no driver can be named")
        );
        assert!(of(&["Leak"], |plan| plan.big_allocations = true).contains("With the Memory keyword"));
        assert!(
            of(&["Leak"], |plan| (plan.scope, plan.big_allocations) = (TagScope::All, true))
                .contains("the query size>4064")
        );
        assert!(of(&["Leak"], |plan| plan.boot = true).contains("wpr of 2017"));
        let old = of(&["Leak"], |plan| plan.windows = WindowsVersion::Windows7);
        assert!(old.contains("xbootmgr") && old.contains("PowerShell 3"), "{old}");
        assert!(of(&["Leak"], |plan| plan.expected.cpus = 80).contains("enough for 80 logical processors"));
        assert!(of(&["Leak"], |plan| plan.merges_image_ids = true).contains("has not been tried on Windows"));
        let buffers = |memory_bytes| {
            of(&["Leak"], |plan| (plan.logging_mode, plan.expected.memory_bytes) = (LoggingMode::Memory, memory_bytes))
        };
        assert!(buffers(MEMORY_BYTES_MAX + 1).contains("limited to 4 GiB of memory"));
        assert!(!buffers(MEMORY_BYTES_MAX).contains("GiB"));
    }
}
