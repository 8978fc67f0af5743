//! The box with the places where more is known about tags: the user's `pooltag.txt` and a folder with driver files. It reads
//! neither.

use eframe::egui::{Frame, Id, Label, Modal, RichText, TextEdit, Ui};

use crate::format;
use crate::gui::theme::{GRID, Palette};

/// Widest that the box gets, and what it leaves of the window beside it, in points.
const WIDTH: f32 = 600.0;
const BESIDE: f32 = 64.0;
/// Room for a button beside a field, in points.
const BUTTON: f32 = 88.0;

/// What is written in the box.
#[derive(Debug, Default)]
pub struct TagSourcesBox {
    /// The list of tags: a path, `none`, or nothing.
    pub pool_tags: String,
    /// The folder with driver files, or nothing.
    pub drivers: String,
    /// The list that is in use.
    pub used: Option<String>,
    /// Driver files that were looked through.
    pub scanned: Option<u64>,
    /// A word from the window.
    pub note: Option<String>,
}

/// What the user wants of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Choose a list.
    ChoosePoolTags,
    /// Choose a folder.
    ChooseDrivers,
    /// Take what is written and close the box.
    Save,
    /// Close the box.
    Close,
}

/// Draws the box over the window.
pub fn show(ui: &Ui, state: &mut TagSourcesBox) -> Option<Wish> {
    let frame = Frame::popup(ui.style()).inner_margin(4.0 * GRID);
    let room = ui.ctx().content_rect().size();
    let mut wish = None;
    let shown = Modal::new(Id::unique("tag sources")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(room.x - BESIDE));
        ui.heading("Pool tags and drivers");
        ui.add_space(GRID);
        let words = "Who owns a tag is said by the stacks. These say it too, where they are there.";
        ui.add(Label::new(words).wrap());
        ui.add_space(2.0 * GRID);
        let used = state.used.as_ref().map_or_else(|| "none found".to_owned(), |path| format!("in use: {path}"));
        let hint = "empty: beside the trace, or of a Windows kit; or: none";
        field(ui, "List of tags (pooltag.txt)", &used, &mut state.pool_tags, hint, Wish::ChoosePoolTags, &mut wish);
        ui.add_space(2.0 * GRID);
        let scanned = state.scanned.map(|files| {
            format!("looked through {} {}", format::count(files), if files == 1 { "file" } else { "files" })
        });
        let hint = "C:\\Windows\\System32\\drivers of the machine that was recorded";
        let standing = scanned.unwrap_or_default();
        field(
            ui,
            "Folder with driver files (.sys)",
            &standing,
            &mut state.drivers,
            hint,
            Wish::ChooseDrivers,
            &mut wish,
        );
        if let Some(note) = &state.note {
            ui.colored_label(Palette::of(ui).warn, note);
        }
        ui.add_space(3.0 * GRID);
        ui.horizontal(|ui| {
            if ui.button("OK").clicked() {
                wish = Some(Wish::Save);
            }
            if ui.button("Cancel").clicked() {
                wish = Some(Wish::Close);
            }
        });
    });
    wish.or_else(|| shown.should_close().then_some(Wish::Close))
}

fn field(
    ui: &mut Ui,
    name: &str,
    standing: &str,
    text: &mut String,
    hint: &str,
    choose: Wish,
    wish: &mut Option<Wish>,
) {
    ui.horizontal(|ui| {
        ui.label(name);
        ui.add(Label::new(RichText::new(standing).weak()).truncate());
    });
    ui.horizontal(|ui| {
        let width = (ui.available_width() - BUTTON).max(80.0);
        let field = ui.add(TextEdit::singleline(text).hint_text(hint).desired_width(width));
        field.ctx.accesskit_node_builder(field.id, |node| node.set_label(name));
        if choose == Wish::ChoosePoolTags && ui.memory(|memory| memory.focused().is_none()) {
            field.request_focus();
        }
        let button = ui.button("Choose\u{2026}");
        button.ctx.accesskit_node_builder(button.id, |node| node.set_label(format!("Choose: {name}")));
        if button.clicked() {
            *wish = Some(choose);
        }
    });
}
