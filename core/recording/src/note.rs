//! What somebody has to know about a plan before they rely on it: what its choices mean for a leak, and where what is recorded differs
//! from what was asked for. Sentences, in the order in which they matter.

use super::estimate::MEMORY_BYTES_MAX;
use super::plan::{LoggingMode, RecordingPlan, TagScope, WindowsVersion};
use super::tag::TagPattern;

/// The sentences; never empty.
#[must_use]
pub fn notes(plan: &RecordingPlan) -> Vec<String> {
    let mut notes = vec![plan.logging_mode.meaning().to_owned()];
    if plan.logging_mode == LoggingMode::Memory && plan.expected.memory_bytes > MEMORY_BYTES_MAX {
        let most = MEMORY_BYTES_MAX >> 30;
        notes.push(format!(
            "{most} GiB is the most memory that is taken for buffers, so it is not as much as was asked for."
        ));
    }
    notes.extend(tag_notes(plan.tags()));
    if plan.scope == TagScope::All {
        notes.push(
            "Every tag is recorded. That is a lot on a busy machine: if the tag is known from poolmon, a filter makes traces of hours possible."
                .to_owned(),
        );
    }
    notes.extend(stack_note(plan).map(str::to_owned));
    notes.extend(big_notes(plan).iter().map(|note| (*note).to_owned()));
    notes.push(
        "The Pool keyword also brings lists of all tags and of the big allocations at the start and at the end, whatever the filter; \
         the end's are only there if the recording is stopped in the regular way."
            .to_owned(),
    );
    if plan.boot {
        let wpr = if plan.windows == WindowsVersion::Later { "Boot traces need a wpr of 2017 or later. " } else { "" };
        notes.push(format!(
            "{wpr}What is left from before the restart is gone, so every block is seen from its allocation on."
        ));
    }
    if plan.windows == WindowsVersion::Windows7 {
        notes.push(
            "wpr is not part of Windows 7, and its newer releases don't run there; xperf comes with the Windows Performance Toolkit of \
             Windows 7 to 8.1. For a start of Windows that toolkit has xbootmgr, which takes no tag filter. The script needs PowerShell 3, and \
             Windows 7 brings 2.0."
                .to_owned(),
        );
    }
    notes
}

fn stack_note(plan: &RecordingPlan) -> Option<&'static str> {
    match (plan.stacks.on_allocation, plan.stacks.on_free) {
        (true, true) => None,
        (true, false) => {
            Some("Without stacks on free, who frees the blocks that are freed stays unknown; who leaks is still named.")
        }
        (false, true) => Some(
            "Without stacks on allocation, no function and no driver can be named for what leaks: only tag, size and process.",
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
            "WPR has no filter by size: every allocation is recorded, and the big ones are picked afterwards with the query size>4064.",
        ]
    } else {
        &[
            "WPR has no filter by size. With the Memory keyword the kernel logs every allocation of more than 4,064 bytes whatever its tag; that was read in \
           the kernel's code by others and seen in no trace by us, so check that other tags are in the trace. The keyword brings other \
           events of the memory manager too, which make the trace larger than estimated.",
        ]
    }
}

/// The three letters of a tag that begins with a blank.
fn letters_after_blank(pattern: &str) -> Option<&str> {
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
                "Tag '{given}' has fewer than four characters. Windows fills such a tag up with blanks or zeros, so it is recorded as {pattern}, \
                 which takes both, and longer tags that begin like it too."
            ));
        }
        if let Some(letters) = letters_after_blank(&pattern) {
            notes.push(format!(
                "Tag '{given}' begins with a blank. poolmon shows a tag of three letters that ends with a zero in the same way: if nothing of \
                 it is recorded, record {letters}."
            ));
        }
        if tag.has_replaced_bytes() {
            notes.push(format!(
                "Tag '{given}' holds a byte that no profile can name; ? stands in its place and takes any one."
            ));
        }
        if tag.is_truncated() {
            notes.push(format!("Tag '{given}': the filter doesn't look beyond the first *, so {pattern} is recorded."));
        }
        if tag.is_altered_for_shell() {
            notes.push(format!(
                "Tag '{given}' stands as {} in xperf's command, where a shell would change it; the profile has {pattern}.",
                tag.shell_text()
            ));
        }
        let takes =
            |other: usize, wider: &TagPattern| other != at && wider.covers(tag) && (other < at || !tag.covers(wider));
        let wider = tags.iter().enumerate().find(|(other, wider)| takes(*other, wider));
        if let Some((_, wider)) = wider {
            notes.push(format!("Tag '{given}' is taken by {wider} already; without it there is room for another."));
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
        let mut plan = RecordingPlan { scope: TagScope::Tags(TagPatterns::parse(tags).expect("tags")), ..RecordingPlan::default() };
        change(&mut plan);
        notes(&plan).join("\n")
    }

    #[test]
    fn what_differs_from_what_was_asked_for_is_said() {
        let plain = of(&["Leak"], |_| {});
        assert!(plain.starts_with(LoggingMode::File.meaning()) && !plain.contains("Tag 'Leak'"), "{plain}");
        assert!(of(&["Fil"], |_| {}).contains("it is recorded as Fil?, which takes both"));
        assert!(of(&["Le*k"], |_| {}).contains("doesn't look beyond the first *, so Le* is recorded"));
        assert!(of(&["a%bc"], |_| {}).contains("stands as a?bc in xperf's command"));
        assert!(of(&["ab\\x00d"], |_| {}).contains("holds a byte that no profile can name"));
        let blank = of(&[" lif"], |_| {});
        assert!(blank.contains("Tag ' lif' begins with a blank.") && blank.contains("record lif."), "{blank}");
        for other in [" li", "  lf", " l?f", "Leak"] {
            assert!(!of(&[other], |_| {}).contains("begins with a blank"), "{other}");
        }
        let covered = of(&["Leak", "Le*"], |_| {});
        assert!(
            covered.contains("Tag 'Leak' is taken by Le* already") && !covered.contains("Tag 'Le*' is"),
            "{covered}"
        );
        let same = of(&["ab*", "ab??"], |_| {});
        assert_eq!(same.matches("already").count(), 1, "{same}");
    }

    #[test]
    fn what_choices_mean_is_said() {
        assert!(of(&["Leak"], |plan| plan.logging_mode = LoggingMode::Memory).contains("wrong for a slow leak"));
        assert!(of(&["Leak"], |plan| plan.stacks = StackOptions::NONE).contains("no function and no driver can be named"));
        assert!(of(&["Leak"], |plan| plan.big_allocations = true).contains("With the Memory keyword"));
        assert!(
            of(&["Leak"], |plan| (plan.scope, plan.big_allocations) = (TagScope::All, true))
                .contains("the query size>4064")
        );
        assert!(of(&["Leak"], |plan| plan.boot = true).contains("wpr of 2017"));
        let old = of(&["Leak"], |plan| plan.windows = WindowsVersion::Windows7);
        assert!(old.contains("xbootmgr") && old.contains("PowerShell 3"), "{old}");
        let buffers =
            |memory_bytes| of(&["Leak"], |plan| (plan.logging_mode, plan.expected.memory_bytes) = (LoggingMode::Memory, memory_bytes));
        assert!(buffers(MEMORY_BYTES_MAX + 1).contains("4 GiB is the most memory"));
        assert!(!buffers(MEMORY_BYTES_MAX).contains("GiB"));
    }
}
