//! What the detectors found, as fragments of a sentence.

use super::figures::{counted, percent, rate, some_of};
use super::reason::moment;
use super::attribution;
use crate::format;
use poolscope_analysis::leaks::{Blocks, Finding};

/// Names that a list shows before it says how many more there are.
const LISTED: usize = 4;

/// What a detector found, as a fragment made of figures.
#[must_use]
pub fn finding(finding: &Finding) -> String {
    match finding {
        Finding::ZeroFree { allocated: 1 } => "its only block was not freed".to_owned(),
        Finding::ZeroFree { allocated } => format!("not one of its {} blocks was freed", format::count(*allocated)),
        Finding::Lockstep { members } => {
            let names = some_of(members.iter().map(|member| member.tag.trim_end().to_owned()), LISTED);
            format!("{names} move together, probably one object")
        }
        Finding::HeldObjects(held) => attribution::held_objects(held),
        Finding::Partner { tag, freed_share } => {
            format!("tag {}, allocated on the same path, frees {} of its blocks", tag.trim_end(), percent(*freed_share))
        }
        Finding::AllButOneSize { size_bytes, kept, others_freed } => {
            let size_kept = kept;
            let (kept, others) = (counted(*kept, "block", "blocks"), counted(*others_freed, "block", "blocks"));
            let (stay, were) = (plural(*size_kept, "stays", "stay"), plural(*others_freed, "was", "were"));
            format!("{kept} of exactly {} {stay}, while {others} of other sizes {were} freed", in_bytes(*size_bytes))
        }
        Finding::MissingFree { freed_by } => {
            let places =
                freed_by.iter().map(|(place, frees)| format!("{place} ({})", counted(*frees, "free", "frees")));
            format!("other blocks of the tag are freed in {}; these never are", some_of(places, LISTED))
        }
        Finding::ExitedProcesses { blocks, processes } => {
            let each = processes.iter().map(|(process, left)| format!("{process} ({})", format::bytes(left.bytes)));
            let verb = plural(blocks.count, "belongs", "belong");
            format!("{} {verb} to processes that have exited: {}", amount(*blocks), some_of(each, LISTED))
        }
        Finding::AtMark { mark_s, before_bytes_per_s, after_bytes_per_s } => {
            let verb = if after_bytes_per_s > before_bytes_per_s { "begins" } else { "ends" };
            let (before, after) = (rate(*before_bytes_per_s), rate(*after_bytes_per_s));
            format!("growth {verb} at the mark at {}: {before} before, {after} after", moment(*mark_s))
        }
    }
}

fn plural<'w>(count: u64, one: &'w str, many: &'w str) -> &'w str {
    if count == 1 { one } else { many }
}

fn amount(blocks: Blocks) -> String {
    format!("{} ({})", counted(blocks.count, "block", "blocks"), format::bytes(blocks.bytes))
}

/// An exact size, as it stands in the driver's source.
fn in_bytes(size: u64) -> String {
    counted(size, "byte", "bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_analysis::leaks::findings::LockstepTag;

    #[test]
    fn tags_that_belong_together_are_named() {
        let member =
            |tag: &str| LockstepTag { tag: tag.to_owned(), paged: false, parts: 1, outstanding: 9, never_freed: false };
        let pair = Finding::Lockstep { members: vec![member("Ab  "), member("Cd  ")] };
        assert_eq!(finding(&pair), "Ab, Cd move together, probably one object");
        let partner = Finding::Partner { tag: "Irp ".to_owned(), freed_share: 0.997 };
        assert_eq!(finding(&partner), "tag Irp, allocated on the same path, frees 99.7 % of its blocks");
    }

    #[test]
    fn what_is_not_freed_is_told_by_what_is() {
        assert_eq!(finding(&Finding::ZeroFree { allocated: 2000 }), "not one of its 2,000 blocks was freed");
        let size = Finding::AllButOneSize { size_bytes: 2064, kept: 1024, others_freed: 10_201 };
        let words = "1,024 blocks of exactly 2,064 bytes stay, while 10,201 blocks of other sizes were freed";
        assert_eq!(finding(&size), words);
        let free =
            Finding::MissingFree { freed_by: vec![("a.sys!Close".to_owned(), 1204), ("a.sys!Stop".to_owned(), 1)] };
        let words =
            "other blocks of the tag are freed in a.sys!Close (1,204 frees), a.sys!Stop (1 free); these never are";
        assert_eq!(finding(&free), words);
    }

    #[test]
    fn processes_and_marks_are_told_with_their_figures() {
        let blocks = Blocks { count: 412, bytes: 1 << 20 };
        let left = Finding::ExitedProcesses { blocks, processes: vec![("app.exe (1234)".to_owned(), blocks)] };
        let words = "412 blocks (1.00 MB) belong to processes that have exited: app.exe (1234) (1.00 MB)";
        assert_eq!(finding(&left), words);
        let mark = |before_bytes_per_s, after_bytes_per_s| {
            finding(&Finding::AtMark { mark_s: 12.4, before_bytes_per_s, after_bytes_per_s })
        };
        assert_eq!(mark(0.0, 1024.0), "growth begins at the mark at 12.4 s: 0 B/min before, 60.0 KB/min after");
        assert_eq!(mark(1024.0, 0.0), "growth ends at the mark at 12.4 s: 60.0 KB/min before, 0 B/min after");
    }
}
