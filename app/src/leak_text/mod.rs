//! Texts about leak suspects, shared by the window, the command line and the HTML report. Figures and decisions come from
//! [`poolscope_analysis::leaks`]; nothing is decided here.

pub mod attribution;
mod cost;
mod data_quality;
mod finding;
mod owner;
mod reason;
mod report_text;
mod summary;

pub use cost::{cost, pool_growth, seconds_to_exhaustion};
pub use data_quality::{counter_comparison, data_quality_note, grouping_note};
pub use finding::finding;
pub use owner::{certainty_help, owner_candidate};
pub use reason::{reason, reasons, sentence};
pub use report_text::{RichText, SuspectEvidence};
pub use summary::{could_hide_a_leak, non_leaking_counts, summary};

use poolscope_analysis::leaks::Suspect;

/// "paged" or "nonpaged".
#[must_use]
pub const fn pool(paged: bool) -> &'static str {
    if paged { "paged" } else { "nonpaged" }
}

/// The tag, or `several tags` for a suspect by driver or process.
#[must_use]
pub fn tag(suspect: &Suspect) -> &str {
    suspect.tag.as_deref().map_or("several tags", str::trim_end)
}

/// The function without the module prefix, since the driver has a column of its own; an unnamed address is unchanged. Empty
/// without a stack.
#[must_use]
pub fn function(suspect: &Suspect) -> &str {
    let name = suspect.function.as_str();
    name.strip_prefix(suspect.driver.as_str()).and_then(|rest| rest.strip_prefix('!')).unwrap_or(name)
}

/// The driver, if the stacks lead through a known module.
#[must_use]
pub fn driver(suspect: &Suspect) -> Option<&str> {
    suspect.is_driver_known.then_some(suspect.driver.as_str())
}

/// The first `most` of a list, and the number of the others.
fn some_of(items: impl ExactSizeIterator<Item = String>, most: usize) -> String {
    let rest = items.len().saturating_sub(most);
    let shown: Vec<String> = items.take(most).collect();
    let shown = shown.join(", ");
    if rest > 0 { format!("{shown} and {rest} more") } else { shown }
}

#[cfg(test)]
mod test_util;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_cut() {
        let items = || ["a", "b", "c"].map(str::to_owned).into_iter();
        assert_eq!((some_of(items(), 2), some_of(items(), 3)), ("a, b and 1 more".to_owned(), "a, b, c".to_owned()));
    }
}
