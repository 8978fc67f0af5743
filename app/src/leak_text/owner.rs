//! Candidates for the owner of a tag, with their source and certainty.

use crate::format;
use poolscope_analysis::leaks::owner::{OwnerSource, TagOwnerCandidate};

/// A candidate with its certainty and source: `a.sys (very likely): named in pooltag.txt`.
#[must_use]
pub fn owner_candidate(candidate: &TagOwnerCandidate) -> String {
    let why = match &candidate.source {
        OwnerSource::Stack { share } => {
            format!("on the stacks of {} of the outstanding bytes", format::percent(*share))
        }
        OwnerSource::PoolTagFile { description } if description.is_empty() => "named in pooltag.txt".to_owned(),
        OwnerSource::PoolTagFile { description } => format!("named in pooltag.txt: {description}"),
        OwnerSource::DriverFile { occurrences, files_with_tag } => {
            let times = format::counted(*occurrences, "time", "times");
            let others = files_with_tag.saturating_sub(1);
            match others {
                0 => format!("its file contains the tag {times}, no other file does"),
                _ => format!(
                    "its file contains the tag {times}, as {} {}",
                    format::counted(others, "other file", "other files"),
                    if others == 1 { "does" } else { "do" }
                ),
            }
        }
    };
    format!("{} ({}): {why}", candidate.driver, certainty(candidate.confidence))
}

/// Certainty of an owner as a word. A figure would be mistaken for the confidence of the verdict.
#[must_use]
pub fn certainty(confidence: f64) -> &'static str {
    match confidence {
        share if share >= 0.8 => "very likely",
        share if share >= 0.5 => "likely",
        share if share >= 0.2 => "possible",
        _ => "a weak hint",
    }
}

/// Help text on the certainty of a candidate.
#[must_use]
pub fn certainty_help(candidate: &TagOwnerCandidate) -> String {
    let source = match &candidate.source {
        OwnerSource::Stack { .. } => "a driver on all stacks counts 90 %, the kernel 25 %, both scaled by their share",
        OwnerSource::PoolTagFile { .. } => {
            "a line of pooltag.txt counts 60 %, one for a family of tags 40 %, since vendors reuse tags"
        }
        OwnerSource::DriverFile { .. } => {
            "the only scanned file with the tag counts 80 %, less for each other file and for short tags"
        }
    };
    format!(
        "Certainty {} that {} owns the tag: {source}; sources that agree add up",
        format::percent(candidate.confidence),
        candidate.driver
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_has_its_certainty_and_source() {
        let text_of =
            |source| owner_candidate(&TagOwnerCandidate { driver: "a.sys".to_owned(), source, confidence: 0.9 });
        assert_eq!(
            text_of(OwnerSource::Stack { share: 1.0 }),
            "a.sys (very likely): on the stacks of 100 % of the outstanding bytes"
        );
        let named = |description: &str| text_of(OwnerSource::PoolTagFile { description: description.to_owned() });
        assert_eq!(named("I/O packets"), "a.sys (very likely): named in pooltag.txt: I/O packets");
        assert_eq!(named(""), "a.sys (very likely): named in pooltag.txt");
        let file = |of_files| text_of(OwnerSource::DriverFile { occurrences: 3, files_with_tag: of_files });
        assert_eq!(file(1), "a.sys (very likely): its file contains the tag 3 times, no other file does");
        assert_eq!([0.79, 0.5, 0.2, 0.1].map(certainty), ["likely", "likely", "possible", "a weak hint"]);
        assert_eq!(file(3), "a.sys (very likely): its file contains the tag 3 times, as 2 other files do");
    }
}
