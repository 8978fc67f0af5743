//! Whose tag it is, and how we know.

use super::figures::{counted, percent};
use poolscope_analysis::leaks::owner::{TagOwnerCandidate, OwnerSource};

/// A driver that may own a tag, how sure that is, and why.
#[must_use]
pub fn owner_candidate(claim: &TagOwnerCandidate) -> String {
    let why = match &owner_candidate.source {
        OwnerSource::Stack { share } => format!("on the stacks of {} of what stays", percent(*share)),
        OwnerSource::PoolTagFile { description } if description.is_empty() => "named in pooltag.txt".to_owned(),
        OwnerSource::PoolTagFile { description } => format!("named in pooltag.txt: {description}"),
        OwnerSource::DriverFile { occurrences: places, files_with_tag: of_files } => {
            let places = counted(*places, "place", "places");
            let others = of_files.saturating_sub(1);
            match others {
                0 => format!("the tag stands at {places} in its file, and in no other"),
                _ => format!("the tag stands at {places} in its file, and in {}", counted(others, "other", "others")),
            }
        }
    };
    format!("{} ({}): {why}", claim.driver, certainty(claim.confidence))
}

/// How sure an owner is, in a word: the confidence of the verdict is the only figure of that kind.
#[must_use]
pub fn certainty(confidence: f64) -> &'static str {
    match confidence {
        sure if sure >= 0.8 => "very likely",
        sure if sure >= 0.5 => "likely",
        sure if sure >= 0.2 => "possible",
        _ => "a weak hint",
    }
}

/// What the word means.
#[must_use]
pub fn certainty_help(claim: &TagOwnerCandidate) -> String {
    let source = match &owner_candidate.source {
        OwnerSource::Stack { .. } => "a driver on the stack of all of it counts 90 %, the kernel 25 %, both by their share",
        OwnerSource::PoolTagFile { .. } => {
            "a line of pooltag.txt counts 60 %, one about a family of tags 40 %: other makers use the same letters"
        }
        OwnerSource::DriverFile { .. } => {
            "the only one of many files that has the tag counts 80 %, less for each other one and for short tags"
        }
    };
    format!(
        "Certainty {} that the tag is of {}: {source}; sources that agree add up",
        percent(claim.confidence),
        claim.driver
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_says_how_sure_it_is_and_why() {
        let said = |source| owner_candidate(&TagOwnerCandidate { driver: "a.sys".to_owned(), source, confidence: 0.9 });
        assert_eq!(said(OwnerSource::Stack { share: 1.0 }), "a.sys (very likely): on the stacks of 100 % of what stays");
        let named = |description: &str| said(OwnerSource::PoolTagFile { description: description.to_owned() });
        assert_eq!(named("I/O packets"), "a.sys (very likely): named in pooltag.txt: I/O packets");
        assert_eq!(named(""), "a.sys (very likely): named in pooltag.txt");
        let file = |of_files| said(OwnerSource::DriverFile { occurrences: 3, files_with_tag: of_files });
        assert_eq!(file(1), "a.sys (very likely): the tag stands at 3 places in its file, and in no other");
        assert_eq!([0.79, 0.5, 0.2, 0.1].map(certainty), ["likely", "likely", "possible", "a weak hint"]);
        assert_eq!(file(3), "a.sys (very likely): the tag stands at 3 places in its file, and in 2 others");
    }
}
