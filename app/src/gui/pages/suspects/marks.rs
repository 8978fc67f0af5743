//! The icon and the color of each verdict, everywhere in the window. The name of the verdict is always beside them.

use eframe::egui::Color32;
use poolscope_analysis::leaks::{Suspect, Verdict};

use crate::gui::icons::Icon;
use crate::gui::theme::Palette;

/// The icon of a verdict.
#[must_use]
pub fn icon(verdict: Verdict) -> Icon {
    match verdict {
        Verdict::Leak => Icon::Alarm,
        Verdict::Growing => Icon::Rising,
        Verdict::Stopped => Icon::Stopped,
        Verdict::Burst => Icon::Step,
        Verdict::Outstanding => Icon::Rising,
        Verdict::Bounded => Icon::Level,
        Verdict::InFlight => Icon::Ring,
        Verdict::Churn => Icon::Equal,
        Verdict::TooLittleData => Icon::Dot,
    }
}

/// The color of a verdict: only verdicts that accuse have one.
#[must_use]
pub fn color(verdict: Verdict, palette: &Palette) -> Color32 {
    match verdict {
        Verdict::Leak => palette.bad,
        Verdict::Growing | Verdict::Stopped | Verdict::Outstanding => palette.warn,
        Verdict::Burst | Verdict::Bounded | Verdict::InFlight | Verdict::Churn | Verdict::TooLittleData => palette.dim,
    }
}

/// The worst verdict, if it is a leak or may be one.
#[must_use]
pub fn alarming(suspects: &[Suspect]) -> Option<Verdict> {
    suspects
        .first()
        .map(|suspect| suspect.verdict)
        .filter(|verdict| matches!(verdict, Verdict::Leak | Verdict::Growing | Verdict::Stopped | Verdict::Outstanding))
}
