//! Headings of pieces of evidence, and sentences as they are written below each other.

use super::evidence::Evidence;
use crate::format;
use poolscope_recording::poolmon::time;

/// A sentence with its full stop, unless it ends with one or asks something.
#[must_use]
pub fn with_full_stop(sentence: &str) -> String {
    match sentence.as_bytes().last() {
        Some(b'.' | b'?') => sentence.to_owned(),
        _ => format!("{sentence}."),
    }
}

/// Names of the files of a piece of evidence: `perf.csv`, or `a.txt to z.txt (26 files)`.
#[must_use]
pub fn file_names(evidence: &Evidence) -> String {
    match evidence.files.as_slice() {
        [one] => one.clone(),
        [first, .., last] => format!("{first} to {last} ({} files)", evidence.files.len()),
        [] => String::new(),
    }
}

/// The period of evidence, on the machine's clock where its difference from UTC is known: `2026-07-24 00:00:00 to 2026-07-24
/// 11:59:00, 11 h 59 min`, or `without times`.
#[must_use]
pub fn period(evidence: &Evidence, bias_ms: Option<i64>) -> String {
    let Some((from, to)) = evidence.period_ms else { return "without times".to_owned() };
    let (bias, zone) = match (evidence.is_utc, bias_ms) {
        (true, Some(bias)) => (bias, ""),
        (true, None) => (0, " UTC"),
        (false, _) => (0, ""),
    };
    let length = format::long_duration((to - from) as f64 / 1000.0);
    format!("{} to {}{zone}, {length}", time::text(from - bias), time::text(to - bias))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::EvidenceKind;

    #[test]
    fn headings_name_files_and_times() {
        let evidence = |files: &[&str], is_utc| Evidence {
            kind: EvidenceKind::Snapshots,
            files: files.iter().map(|name| (*name).to_owned()).collect(),
            period_ms: Some((1_784_880_000_000, 1_784_883_600_000)),
            is_utc,
            bias_ms: None,
            summary: Vec::new(),
            growth: Vec::new(),
            processes: Vec::new(),
            remarks: Vec::new(),
        };
        assert_eq!(file_names(&evidence(&["a.txt"], true)), "a.txt");
        assert_eq!(file_names(&evidence(&["a.txt", "b.txt", "c.txt"], true)), "a.txt to c.txt (3 files)");
        let utc = "2026-07-24 08:00:00 to 2026-07-24 09:00:00 UTC, 60 min 0 s";
        assert_eq!(period(&evidence(&[], true), None), utc);
        let local = "2026-07-24 10:00:00 to 2026-07-24 11:00:00, 60 min 0 s";
        assert_eq!(period(&evidence(&[], true), Some(-7_200_000)), local);
        assert_eq!(period(&evidence(&[], false), Some(-7_200_000)), utc.replace(" UTC", ""));
        assert_eq!(period(&Evidence { period_ms: None, ..evidence(&[], true) }, None), "without times");
    }

    #[test]
    fn sentences_end_once() {
        for (sentence, wanted) in [("A grows", "A grows."), ("A grows.", "A grows."), ("Does it?", "Does it?")] {
            assert_eq!(with_full_stop(sentence), wanted);
        }
    }
}
