//! The icon and the color of the state of a module's symbols.

use eframe::egui::{Color32, Ui};
use poolscope_symbols::resolve::ModuleState;

use crate::gui::icons::Icon;
use crate::gui::theme::Palette;

/// Draws the icon of a state in place of the next widget.
pub(super) fn show(ui: &mut Ui, state: &ModuleState) {
    let color = color(state, Palette::of(ui));
    icon(state).show(ui, color);
}

const fn icon(state: &ModuleState) -> Icon {
    match state {
        ModuleState::Loaded => Icon::Check,
        ModuleState::ExportsOnly => Icon::HalfDisc,
        ModuleState::NotFound => Icon::Magnifier,
        ModuleState::WrongIdentity => Icon::Alarm,
        ModuleState::Denied => Icon::NoEntry,
        ModuleState::Unreachable => Icon::Cross,
        ModuleState::Unreadable => Icon::Diamond,
        ModuleState::NoIdentity => Icon::Square,
        ModuleState::Offline => Icon::SlashedRing,
        ModuleState::Downloading(_) => Icon::Download,
        ModuleState::Searching | ModuleState::Reading => Icon::Arc,
        ModuleState::Cancelled => Icon::Pause,
        ModuleState::Waiting => Icon::Dot,
    }
}

const fn color(state: &ModuleState, palette: &Palette) -> Color32 {
    match state {
        ModuleState::Loaded => palette.good,
        ModuleState::ExportsOnly | ModuleState::NotFound | ModuleState::NoIdentity | ModuleState::Offline => {
            palette.warn
        }
        ModuleState::WrongIdentity | ModuleState::Denied | ModuleState::Unreachable | ModuleState::Unreadable => {
            palette.bad
        }
        ModuleState::Searching | ModuleState::Downloading(_) | ModuleState::Reading => palette.accent,
        ModuleState::Waiting | ModuleState::Cancelled => palette.dim,
    }
}
