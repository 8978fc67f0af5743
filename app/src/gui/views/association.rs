//! The box that asks whether poolscope is to be offered for `.etl` files, and takes that back. It changes nothing by itself.

use eframe::egui::{Frame, Id, Key, Label, Modal, RichText, Ui};

use crate::association::AssociationState;
use crate::gui::theme::{GRID, Palette};

/// Widest that the box gets, and what it leaves of the window beside it, in points.
const WIDTH: f32 = 480.0;
const BESIDE: f32 = 64.0;

/// What the box knows.
#[derive(Debug, Default)]
pub struct AssociationBox {
    /// How it stands, or why that is not known; `None` until the system has answered.
    pub standing: Option<Result<AssociationState, String>>,
}

/// What the user wants of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Offer poolscope for `.etl` files.
    Offer,
    /// Take the offer back.
    Withdraw,
    /// Close the box.
    Close,
}

/// Draws the box over the window.
pub fn show(ui: &Ui, state: &AssociationBox) -> Option<Wish> {
    let frame = Frame::popup(ui.style()).inner_margin(4.0 * GRID);
    let room = ui.ctx().content_rect().size();
    let shown = Modal::new(Id::unique("association")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(room.x - BESIDE));
        ui.heading("Open .etl files with poolscope");
        ui.add_space(2.0 * GRID);
        let action = words(ui, state.standing.as_ref());
        ui.add_space(3.0 * GRID);
        buttons(ui, action)
    });
    shown.inner.or_else(|| shown.should_close().then_some(Wish::Close))
}

/// Says how it stands; returns what can be done about it.
fn words(ui: &mut Ui, standing: Option<&Result<AssociationState, String>>) -> Option<(&'static str, Wish)> {
    let mut text = |words: &str| drop(ui.add(Label::new(words).wrap()));
    match standing {
        None => {
            text("Asking the system\u{2026}");
            None
        }
        Some(Ok(AssociationState::NotRegistered)) => {
            text(
                "poolscope can be offered for .etl files: in Explorer under Open with, and in the settings of default apps. \
                  It is for you alone and can be taken back here.",
            );
            ui.add_space(GRID);
            ui.add(Label::new(RichText::new(DEFAULT).weak()).wrap());
            Some(("Offer poolscope", Wish::Offer))
        }
        Some(Ok(AssociationState::Registered(program))) => {
            text("This program is offered for .etl files:");
            ui.add(Label::new(RichText::new(program).monospace()).wrap());
            ui.add_space(GRID);
            ui.add(Label::new(RichText::new(DEFAULT).weak()).wrap());
            Some(("Take the offer back", Wish::Withdraw))
        }
        Some(Ok(AssociationState::Unsupported(how))) => {
            text("On this system the desktop decides what opens a file.");
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

/// Who chooses the default.
const DEFAULT: &str = "What opens a trace by a double click stays as it is: Windows lets only you change that. \
    Right-click a trace, choose Open with, Choose another app, poolscope, Always.";

fn buttons(ui: &mut Ui, action: Option<(&'static str, Wish)>) -> Option<Wish> {
    let mut wish = None;
    ui.horizontal(|ui| {
        if let Some((title, wanted)) = action
            && ui.button(title).clicked()
        {
            wish = Some(wanted);
        }
        let close = ui.button(if action.is_some_and(|(_, wanted)| wanted == Wish::Offer) { "Cancel" } else { "Close" });
        // The harmless way has the keys.
        if ui.memory(|memory| memory.focused().is_none()) && !ui.input(|input| input.key_pressed(Key::Tab)) {
            close.request_focus();
        }
        if close.clicked() {
            wish = Some(Wish::Close);
        }
    });
    wish
}
