//! Whose tag it is, and how we know.

use super::figures::{confidence, counted, percent};
use poolscope_core::leak::owner::{Claim, Source};

/// A driver that may own a tag, how sure that is, and why.
#[must_use]
pub fn claim(claim: &Claim) -> String {
    let why = match &claim.source {
        Source::Stack { share } => format!("on the stacks of {} of what stays", percent(*share)),
        Source::PoolTag { description } if description.is_empty() => "named in pooltag.txt".to_owned(),
        Source::PoolTag { description } => format!("named in pooltag.txt: {description}"),
        Source::File { places, of_files } => {
            let places = counted(*places, "place", "places");
            let others = of_files.saturating_sub(1);
            match others {
                0 => format!("the tag stands at {places} in its file, and in no other"),
                _ => format!("the tag stands at {places} in its file, and in {}", counted(others, "other", "others")),
            }
        }
    };
    format!("{} ({}): {why}", claim.driver, confidence(claim.confidence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_says_how_sure_it_is_and_why() {
        let said = |source| claim(&Claim { driver: "a.sys".to_owned(), source, confidence: 0.9 });
        assert_eq!(said(Source::Stack { share: 1.0 }), "a.sys (90 %): on the stacks of 100 % of what stays");
        let named = |description: &str| said(Source::PoolTag { description: description.to_owned() });
        assert_eq!(named("I/O packets"), "a.sys (90 %): named in pooltag.txt: I/O packets");
        assert_eq!(named(""), "a.sys (90 %): named in pooltag.txt");
        let file = |of_files| said(Source::File { places: 3, of_files });
        assert_eq!(file(1), "a.sys (90 %): the tag stands at 3 places in its file, and in no other");
        assert_eq!(file(3), "a.sys (90 %): the tag stands at 3 places in its file, and in 2 others");
    }
}
