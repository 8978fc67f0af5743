//! The box that asks whether poolscope is to open `.etl` files, and what the user answered. The system is asked in the background.

use eframe::egui::Ui;
use std::sync::Arc;

use super::App;
use crate::association::{AssociationError, AssociationState};
use crate::gui::dialogs::association::{self, AssociationAction, AssociationDialog};
use crate::gui::jobs::association::Wanted;
use crate::gui::widgets::modal::DialogAction;

impl App {
    pub(super) fn open_association(&mut self) {
        self.dialogs.association = Some(AssociationDialog::default());
        self.associate(Wanted::Look);
    }

    fn associate(&self, wanted: Wanted) {
        self.jobs.associate(Arc::clone(&self.association), wanted);
    }

    /// Applies the state of the association; it is dropped once the dialog is closed.
    pub(super) fn take_association(&mut self, registration: Result<AssociationState, AssociationError>) {
        if let Some(state) = &mut self.dialogs.association {
            state.registration = Some(registration.map_err(|error| error.to_string()));
        }
    }

    /// Draws the box, and carries out what is wanted of it.
    pub(super) fn show_association(&mut self, ui: &Ui) {
        let Some(state) = &mut self.dialogs.association else { return };
        let wanted = match association::show(ui, state) {
            Some(DialogAction::Other(AssociationAction::Register)) => Wanted::Offer,
            Some(DialogAction::Other(AssociationAction::Unregister)) => Wanted::Withdraw,
            Some(DialogAction::Accept | DialogAction::Close) => {
                self.dialogs.association = None;
                return;
            }
            None => return,
        };
        state.registration = None;
        self.associate(wanted);
    }
}
