//! The button at the top of a page that leads back.

use eframe::egui::Ui;

use crate::gui::commands::{Command, DocumentCommand};
use crate::gui::document::Document;
use crate::gui::model::page_id::PageId;
use crate::gui::pages::page;

/// Draws the button at the top of a page that leads back to the page before, as Escape does.
pub fn button(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let to = document.back_page();
    let is_named = to != PageId::ANALYSIS || document.has_allocations();
    let title = page(to).filter(|_| is_named).map_or("", |page| page.title());
    let text = if title.is_empty() { "Back".to_owned() } else { format!("Back to {title}") };
    if ui.button(text).on_hover_text("Escape").clicked() {
        commands.push(DocumentCommand::Back.into());
    }
}
