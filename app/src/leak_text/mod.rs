//! The words for what the judge found: one place for the window, the command line and reports. It must never decide anything:
//! every figure comes from the judgement.

mod cost;
mod figures;
mod finding;
mod summary;
mod owner;
mod reason;
mod data_quality;
pub mod attribution;

pub use cost::{cost, pool_growth, seconds_to_exhaustion};
pub use figures::{confidence, percent, rate};
pub use finding::finding;
pub use summary::{summary, non_leaking_counts};
pub use owner::{certainty_help, owner_candidate};
pub use reason::{reason, reasons, sentence};
pub use data_quality::{grouping_note, counter_comparison, data_quality_note};

use poolscope_analysis::leaks::Suspect;

/// "paged" or "nonpaged".
#[must_use]
pub const fn pool(paged: bool) -> &'static str {
    if paged { "paged" } else { "nonpaged" }
}

/// The tag, or that there are several.
#[must_use]
pub fn tag(suspect: &Suspect) -> &str {
    suspect.tag.as_deref().map_or("several tags", str::trim_end)
}

/// The function without the name of its driver, which stands beside it; an address that has no name stays as it is. Empty
/// where no stack says it.
#[must_use]
pub fn function(suspect: &Suspect) -> &str {
    let name = suspect.function.as_str();
    name.strip_prefix(suspect.driver.as_str()).and_then(|rest| rest.strip_prefix('!')).unwrap_or(name)
}

/// The driver if the stacks name one.
#[must_use]
pub fn driver(suspect: &Suspect) -> Option<&str> {
    Some(suspect.driver.as_str()).filter(|name| !name.is_empty() && *name != UNKNOWN)
}

/// What the Driver column shows for a frame outside of all modules.
const UNKNOWN: &str = "Unknown";

#[cfg(test)]
mod test_util;
