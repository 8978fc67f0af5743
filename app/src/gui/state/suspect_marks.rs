//! The shape and the colour of each verdict: the same above the graph, in the list and wherever else a verdict stands. The word
//! always stands beside them.

use eframe::egui::Color32;
use poolscope_analysis::leaks::{Suspect, Verdict};

use crate::gui::theme::Palette;
use crate::gui::widgets::badge::Badge;

/// The shape.
#[must_use]
pub fn badge(verdict: Verdict) -> Badge {
    match verdict {
        Verdict::Leak => Badge::Alarm,
        Verdict::Growing => Badge::Rising,
        Verdict::Stopped => Badge::Stopped,
        Verdict::Burst => Badge::Step,
        Verdict::Bounded => Badge::Level,
        Verdict::InFlight => Badge::Ring,
        Verdict::Churn => Badge::Equal,
        Verdict::TooLittleData => Badge::Dot,
    }
}

/// The colour: only what leaks or may leak has one.
#[must_use]
pub fn colour(verdict: Verdict, palette: &Palette) -> Color32 {
    match verdict {
        Verdict::Leak => palette.bad,
        Verdict::Growing | Verdict::Stopped => palette.warn,
        Verdict::Burst | Verdict::Bounded | Verdict::InFlight | Verdict::Churn | Verdict::TooLittleData => palette.dim,
    }
}

/// The worst verdict, if it accuses somebody.
#[must_use]
pub fn alarming(suspects: &[Suspect]) -> Option<Verdict> {
    suspects
        .first()
        .map(|suspect| suspect.verdict)
        .filter(|verdict| matches!(verdict, Verdict::Leak | Verdict::Growing | Verdict::Stopped))
}
