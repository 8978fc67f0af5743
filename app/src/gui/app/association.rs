//! The box that asks whether poolscope is to open `.etl` files, and what the user answered. The system is asked in the background.

use eframe::egui::Ui;
use std::sync::Arc;

use super::App;
use crate::association::{AssociationError, AssociationState};
use crate::gui::jobs::association::Wanted;
use crate::gui::views::association::{self, AssociationBox, Wish};

impl App {
    pub(super) fn open_association(&mut self) {
        self.boxes.association = Some(AssociationBox::default());
        self.associate(Wanted::Look);
    }

    fn associate(&self, wanted: Wanted) {
        self.jobs.associate(Arc::clone(&self.association), wanted);
    }

    /// How it stands now; of no interest once the box is closed.
    pub(super) fn take_association(&mut self, standing: Result<AssociationState, AssociationError>) {
        if let Some(state) = &mut self.boxes.association {
            state.standing = Some(standing.map_err(|error| error.to_string()));
        }
    }

    /// Draws the box, and carries out what is wanted of it.
    pub(super) fn show_association(&mut self, ui: &Ui) {
        let Some(state) = &mut self.boxes.association else { return };
        let wanted = match association::show(ui, state) {
            Some(Wish::Offer) => Wanted::Offer,
            Some(Wish::Withdraw) => Wanted::Withdraw,
            Some(Wish::Close) => {
                self.boxes.association = None;
                return;
            }
            None => return,
        };
        state.standing = None;
        self.associate(wanted);
    }
}
