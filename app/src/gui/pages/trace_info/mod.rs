//! The page about the trace: its data quality, its properties, its images and its processes.

pub mod diagnostics;
mod modules;
mod processes;
mod summary;

use eframe::egui::{Frame, Margin, RichText, ScrollArea, Ui};

use crate::gui::commands::table::MenuPlace;
use crate::gui::commands::{Command, DocumentCommand, Menu};
use crate::gui::document::{Document, PageState, Widgets};
use crate::gui::model::page_id::PageId;
use crate::gui::pages::Page;
use crate::gui::theme::{GRID, Palette};

/// The page.
pub static PAGE: TraceInfoPage = TraceInfoPage;

/// Facts about the trace and its data quality.
pub struct TraceInfoPage;

impl Page for TraceInfoPage {
    fn id(&self) -> PageId {
        PageId::TRACE_INFO
    }

    fn title(&self) -> &'static str {
        "Trace and data quality"
    }

    fn place(&self) -> MenuPlace {
        MenuPlace::new(Menu::View, 0)
    }

    fn new_state(&self) -> Box<dyn PageState> {
        Box::new(())
    }

    fn has_details(&self) -> bool {
        true
    }

    fn show(&self, ui: &mut Ui, document: &Document, _widgets: &mut Widgets, commands: &mut Vec<Command>) {
        show(ui, document, commands);
    }
}

/// Draws the page.
fn show(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    Frame::new().fill(palette.canvas).inner_margin(Margin::same(12)).show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        ui.horizontal(|ui| {
            ui.heading(document.source.name());
            let back = if document.has_allocations() { "Back to Analysis" } else { "Back" };
            if ui.button(back).clicked() {
                commands.push(DocumentCommand::Page(PageId::ANALYSIS).into());
            }
        });
        ui.add_space(2.0 * GRID);
        ScrollArea::vertical().id_salt("trace page").auto_shrink(false).show(ui, |ui| {
            section(ui, "Data quality");
            diagnostics::show(ui, document, commands);
            section(ui, "Trace");
            summary::show(ui, document);
            section(ui, "Images");
            modules::show(ui, document, commands);
            section(ui, "Processes");
            processes::show(ui, document);
        });
    });
}

fn section(ui: &mut Ui, title: &str) {
    ui.add_space(3.0 * GRID);
    ui.label(RichText::new(title).font(crate::gui::theme::strong_font()).size(15.0));
    ui.add_space(GRID);
}

/// Number of the trace, which tells its lists from those of another.
fn stamp(document: &Document) -> usize {
    std::sync::Arc::as_ptr(&document.trace).addr()
}
