//! Findings of the detectors as fragments of a sentence.

use super::attribution;
use super::reason::moment;
use super::some_of;
use crate::format;
use poolscope_analysis::leaks::{Finding, Total};

/// Names that a list shows before it says how many more there are.
const LISTED: usize = 4;

/// A finding as a fragment of a sentence: no capital at the beginning, no full stop at the end.
#[must_use]
pub fn finding(finding: &Finding) -> String {
    match finding {
        Finding::NeverFreed { allocated: 1 } => "its only allocation was not freed".to_owned(),
        Finding::NeverFreed { allocated } => format!("none of its {} allocations was freed", format::count(*allocated)),
        Finding::LockstepTags { members } => {
            let names = some_of(members.iter().map(|member| member.tag.trim_end().to_owned()), LISTED);
            format!("{names} grow in lockstep, probably parts of one object")
        }
        Finding::HeldObjects(held) => attribution::held_objects(held),
        Finding::PairedTag { tag, freed_share } => {
            format!(
                "{} of the allocations with tag {} on the same path are freed",
                format::percent(*freed_share),
                tag.trim_end()
            )
        }
        Finding::AllButOneSize { size_bytes, outstanding, others_freed } => {
            let count = |count: u64| format::counted(count, "allocation", "allocations");
            let (are, were) = (plural(*outstanding, "is", "are"), plural(*others_freed, "was", "were"));
            format!(
                "{} of exactly {} {are} outstanding, while {} of other sizes {were} freed",
                count(*outstanding),
                in_bytes(*size_bytes),
                count(*others_freed)
            )
        }
        Finding::MissingFree { freed_by } => {
            let functions = freed_by
                .iter()
                .map(|(function, frees)| format!("{function} ({})", format::counted(*frees, "free", "frees")));
            format!("other allocations with this tag are freed in {}; these never are", some_of(functions, LISTED))
        }
        Finding::ExitedProcesses { allocations, processes } => {
            let each = processes.iter().map(|(process, left)| format!("{process} ({})", format::bytes(left.bytes)));
            let verb = plural(allocations.count, "belongs", "belong");
            format!("{} {verb} to processes that have exited: {}", amount(*allocations), some_of(each, LISTED))
        }
        Finding::RateChangeAtMarker { marker_s, before_bytes_per_s, after_bytes_per_s } => {
            let verb = if after_bytes_per_s > before_bytes_per_s { "begins" } else { "ends" };
            let (before, after) = (format::growth_rate(*before_bytes_per_s), format::growth_rate(*after_bytes_per_s));
            format!("growth {verb} at the marker at {}: {before} before, {after} after", moment(*marker_s))
        }
    }
}

fn plural<'w>(count: u64, one: &'w str, many: &'w str) -> &'w str {
    if count == 1 { one } else { many }
}

fn amount(allocations: Total) -> String {
    format!(
        "{} ({})",
        format::counted(allocations.count, "allocation", "allocations"),
        format::bytes(allocations.bytes)
    )
}

/// An exact size, as in the source of the driver.
fn in_bytes(size: u64) -> String {
    format::counted(size, "byte", "bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_analysis::leaks::findings::LockstepTag;

    #[test]
    fn lockstep_and_paired_tags_are_named() {
        let member = |tag: &str| LockstepTag {
            tag: tag.to_owned(),
            is_paged: false,
            parts: 1,
            outstanding: 9,
            is_never_freed: false,
        };
        let pair = Finding::LockstepTags { members: vec![member("Ab  "), member("Cd  ")] };
        assert_eq!(finding(&pair), "Ab, Cd grow in lockstep, probably parts of one object");
        let partner = Finding::PairedTag { tag: "Irp ".to_owned(), freed_share: 0.997 };
        assert_eq!(finding(&partner), "99.7 % of the allocations with tag Irp on the same path are freed");
    }

    #[test]
    fn missing_frees_are_contrasted_with_frees() {
        assert_eq!(finding(&Finding::NeverFreed { allocated: 2000 }), "none of its 2,000 allocations was freed");
        let size = Finding::AllButOneSize { size_bytes: 2064, outstanding: 1024, others_freed: 10_201 };
        let words = "1,024 allocations of exactly 2,064 bytes are outstanding, while 10,201 allocations of other sizes were freed";
        assert_eq!(finding(&size), words);
        let free =
            Finding::MissingFree { freed_by: vec![("a.sys!Close".to_owned(), 1204), ("a.sys!Stop".to_owned(), 1)] };
        let words = "other allocations with this tag are freed in a.sys!Close (1,204 frees), a.sys!Stop (1 free); these never are";
        assert_eq!(finding(&free), words);
    }

    #[test]
    fn processes_and_markers_have_their_figures() {
        let allocations = Total { count: 412, bytes: 1 << 20 };
        let left =
            Finding::ExitedProcesses { allocations, processes: vec![("app.exe (1234)".to_owned(), allocations)] };
        let words = "412 allocations (1.00 MB) belong to processes that have exited: app.exe (1234) (1.00 MB)";
        assert_eq!(finding(&left), words);
        let mark = |before_bytes_per_s, after_bytes_per_s| {
            finding(&Finding::RateChangeAtMarker { marker_s: 12.4, before_bytes_per_s, after_bytes_per_s })
        };
        assert_eq!(mark(0.0, 1024.0), "growth begins at the marker at 12.4 s: 0 B/min before, 60.0 KB/min after");
        assert_eq!(mark(1024.0, 0.0), "growth ends at the marker at 12.4 s: 60.0 KB/min before, 0 B/min after");
    }
}
