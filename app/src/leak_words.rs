//! The words for what the judge found: one place for the window, the command line and reports. It must never decide anything:
//! every figure comes from the judgement.

use poolscope_core::leak::{Judgement, Reason, Suspect, TrustNote};

use crate::format;

/// The one sentence on top: who leaks how much, or that nothing does.
#[must_use]
pub fn headline(judgement: &Judgement) -> String {
    let Some(worst) = judgement.suspects.first().filter(|s| s.growth_bytes_per_s > 0.0) else {
        return "Nothing leaks.".to_owned();
    };
    let rate = format::bytes((worst.growth_bytes_per_s * 60.0) as u64);
    format!("{} leaks {rate}/min", worst.driver)
}

/// A reason as a sentence made of figures.
#[must_use]
pub fn reason(reason: &Reason, _suspect: &Suspect) -> String {
    match reason {
        Reason::Traffic { allocated, freed } => {
            format!("{} allocations, {} frees", format::count(*allocated), format::count(*freed))
        }
        other => format!("{other:?}"),
    }
}

/// What lowers every confidence, by how much, and why.
#[must_use]
pub fn trust_note(note: &TrustNote) -> String {
    format!("{:?}", note.kind)
}
