//! The shell of every dialog: a box over the window with a title and a limited width, and its row of buttons. Escape and a
//! click beside the box close it; Enter presses the button that has the keyboard, which is the harmless one at first.

use eframe::egui::{
    Align2, Button, Color32, Frame, Id, Key, Label, Memory, Modal as Overlay, Response, RichText, Ui, WidgetText, vec2,
};

use crate::gui::theme::{self, GRID};

/// Room between a dialog and the sides of the window, in points.
const BESIDE: f32 = 64.0;
/// Size of the title of a question, in points.
const QUESTION: f32 = 16.0;
/// Distance between a dialog at the top of the window and its edge, in points.
const TOP: f32 = 32.0;

/// Action requested in a dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialogAction<A> {
    /// Accept the input and close the dialog.
    Accept,
    /// Close the dialog without effect.
    Close,
    /// Something that this dialog alone offers; it stays open.
    Other(A),
}

/// The part of the window that a dialog is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Center,
    Top,
}

/// A dialog, ready to be shown.
#[derive(Debug, Clone, Copy)]
pub struct Modal<'m> {
    id: &'static str,
    title: Option<&'m str>,
    is_question: bool,
    width: f32,
    place: Place,
}

impl<'m> Modal<'m> {
    /// A dialog with a heading, at most `width` points wide.
    #[must_use]
    pub fn new(id: &'static str, title: &'m str, width: f32) -> Self {
        Self { id, title: Some(title), is_question: false, width, place: Place::Center }
    }

    /// A question before something that cannot be undone.
    #[must_use]
    pub fn question(id: &'static str, title: &'m str, width: f32) -> Self {
        Self { is_question: true, ..Self::new(id, title, width) }
    }

    /// A dialog whose body draws its own heading.
    #[must_use]
    pub fn untitled(id: &'static str, width: f32) -> Self {
        Self { id, title: None, is_question: false, width, place: Place::Center }
    }

    /// Puts the dialog at the top of the window, which is less darkened behind it.
    #[must_use]
    pub fn at_top(self) -> Self {
        Self { place: Place::Top, ..self }
    }

    /// Draws the dialog over the window; returns what `body` returned, or `Close` if the user left the dialog.
    pub fn show<A>(self, ui: &Ui, body: impl FnOnce(&mut Ui) -> Option<DialogAction<A>>) -> Option<DialogAction<A>> {
        let id = Id::unique(self.id);
        let (overlay, margin) = match self.place {
            Place::Center => (Overlay::new(id), 4.0 * GRID),
            Place::Top => {
                let area = Overlay::default_area(id).anchor(Align2::CENTER_TOP, vec2(0.0, TOP));
                (Overlay::new(id).area(area).backdrop_color(Color32::from_black_alpha(40)), 2.0 * GRID)
            }
        };
        let frame = Frame::popup(ui.style()).inner_margin(margin);
        let width = self.width.min(ui.ctx().content_rect().width() - BESIDE);
        let shown = overlay.frame(frame).show(ui.ctx(), |ui| {
            ui.set_width(width);
            match self.title {
                Some(title) if self.is_question => {
                    ui.label(RichText::new(title).font(theme::strong_font()).size(QUESTION));
                    ui.add_space(GRID);
                }
                Some(title) => {
                    ui.heading(title);
                    ui.add_space(GRID);
                }
                None => {}
            }
            body(ui)
        });
        let is_left = shown.should_close();
        shown.inner.or_else(|| is_left.then_some(DialogAction::Close))
    }
}

/// Draws the row of buttons at the end of a dialog; `row` draws the buttons.
pub fn buttons<R>(ui: &mut Ui, row: impl FnOnce(&mut Ui) -> R) -> R {
    ui.add_space(3.0 * GRID);
    ui.horizontal(row).inner
}

/// Draws the buttons `accept`, unless `blocked` says why not, and Cancel.
pub fn accept_or_cancel<A>(ui: &mut Ui, accept: &str, blocked: Option<&str>) -> Option<DialogAction<A>> {
    buttons(ui, |ui| {
        let accept = ui.add_enabled(blocked.is_none(), Button::new(accept));
        let accepted = match blocked {
            Some(why) if !why.is_empty() => accept.on_disabled_hover_text(why).clicked(),
            _ => accept.clicked(),
        };
        let canceled = ui.button("Cancel").clicked();
        if accepted { Some(DialogAction::Accept) } else { canceled.then_some(DialogAction::Close) }
    })
}

/// Draws the buttons of a question: `yes`, and `no`, which has the keyboard at first because it is harmless.
pub fn yes_or_no<A>(ui: &mut Ui, yes: impl Into<WidgetText>, no: &str) -> Option<DialogAction<A>> {
    buttons(ui, |ui| {
        let accepted = ui.add(Button::new(yes.into())).clicked();
        let no = ui.button(no);
        focus_at_first(ui, &no);
        if accepted { Some(DialogAction::Accept) } else { no.clicked().then_some(DialogAction::Close) }
    })
}

/// Gives a control of the uppermost dialog the keyboard while nothing has it.
pub fn focus_at_first(ui: &Ui, control: &Response) {
    let is_leaving = control.lost_focus() || ui.input(|input| input.key_pressed(Key::Tab));
    let is_free = |memory: &Memory| memory.focused().is_none() && memory.is_above_modal_layer(ui.layer_id());
    if !is_leaving && ui.memory(is_free) {
        control.request_focus();
    }
}

/// Returns `true` if Enter was pressed in a field of one line.
#[must_use]
pub fn is_entered(ui: &Ui, field: &Response) -> bool {
    field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
}

/// Draws a paragraph that is wrapped at the width of the dialog.
pub fn paragraph(ui: &mut Ui, text: impl Into<WidgetText>) {
    ui.add(Label::new(text).wrap());
}
