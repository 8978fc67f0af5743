//! The dialog that registers poolscope for `.etl` files, and unregisters it. It changes nothing by itself.

use eframe::egui::{Label, RichText, Ui};

use crate::association::AssociationState;
use crate::gui::theme::{GRID, Palette};
use crate::gui::widgets::modal::{self, DialogAction, Modal};

/// Greatest width of the dialog, in points.
const WIDTH: f32 = 480.0;
/// Note on the choice of the default program on Windows.
const DEFAULT: &str = "The default app for .etl files does not change; Windows lets only you change it. To do so, \
                       right-click a trace, select Open with, Choose another app, poolscope, and then Always.";

/// State of the dialog.
#[derive(Debug, Default)]
pub struct AssociationDialog {
    /// The registration, or why it is not known; `None` until the system has answered.
    pub registration: Option<Result<AssociationState, String>>,
}

/// Action requested in the dialog, besides closing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssociationAction {
    /// Register poolscope for `.etl` files.
    Register,
    /// Undo the registration.
    Unregister,
}

/// Draws the dialog over the window.
pub fn show(ui: &Ui, state: &AssociationDialog) -> Option<DialogAction<AssociationAction>> {
    Modal::new("association", "Open .etl files with poolscope", WIDTH).show(ui, |ui| {
        ui.add_space(GRID);
        let offered = description(ui, state.registration.as_ref());
        let cancel = if offered == Some(AssociationAction::Register) { "Cancel" } else { "Close" };
        modal::buttons(ui, |ui| {
            let title = match offered {
                Some(AssociationAction::Register) => "Register",
                _ => "Unregister",
            };
            let clicked = offered.filter(|_| ui.button(title).clicked());
            let close = ui.button(cancel);
            modal::focus_at_first(ui, &close);
            clicked.map(DialogAction::Other).or_else(|| close.clicked().then_some(DialogAction::Close))
        })
    })
}

/// Draws the state of the registration; returns what can be done about it.
fn description(ui: &mut Ui, registration: Option<&Result<AssociationState, String>>) -> Option<AssociationAction> {
    match registration {
        None => {
            modal::paragraph(ui, "Checking the registration\u{2026}");
            None
        }
        Some(Ok(AssociationState::NotRegistered)) => {
            modal::paragraph(
                ui,
                "Registers poolscope for .etl files of the current user. It then appears in Explorer under Open with, \
                 and in the settings of default apps.",
            );
            ui.add_space(GRID);
            modal::paragraph(ui, RichText::new(DEFAULT).weak());
            Some(AssociationAction::Register)
        }
        Some(Ok(AssociationState::Registered(program))) => {
            modal::paragraph(ui, "This program is registered for .etl files:");
            modal::paragraph(ui, RichText::new(program).monospace());
            ui.add_space(GRID);
            modal::paragraph(ui, RichText::new(DEFAULT).weak());
            Some(AssociationAction::Unregister)
        }
        Some(Ok(AssociationState::Unsupported(how))) => {
            modal::paragraph(ui, "On this system the desktop environment manages file associations.");
            ui.add_space(GRID);
            ui.add(Label::new(*how).wrap().selectable(true));
            None
        }
        Some(Err(why)) => {
            let bad = Palette::of(ui).bad;
            ui.add(Label::new(RichText::new(why).color(bad)).wrap().selectable(true));
            None
        }
    }
}
