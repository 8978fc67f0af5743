//! The images of the trace: their addresses, and the identities of their PDBs.

use std::cmp::Ordering;

use eframe::egui::Ui;
use poolscope_analysis::trace::module::Module;

use crate::format;
use crate::gui::commands::{Command, DocumentCommand};
use crate::gui::document::Document;
use crate::gui::model::page_id::PageId;
use crate::gui::theme::GRID;
use crate::gui::widgets::list_table::{Column, Width};
use crate::gui::widgets::sorted_list::{Records, SortedList};

/// Greatest height of the list, in points.
const HEIGHT: f32 = 260.0;

/// Draws the list.
pub(super) fn show(ui: &mut Ui, document: &Document, filter: &str, commands: &mut Vec<Command>) {
    let modules = document.trace.modules.modules();
    if modules.is_empty() {
        ui.weak("The trace has no image records, so frames are shown as addresses. Record with the Loader keyword.");
        return;
    }
    if document.has_allocations() {
        ui.horizontal(|ui| {
            ui.weak("Images on stacks and the state of their symbols:");
            if ui.button("Modules").clicked() {
                commands.push(DocumentCommand::Page(PageId::MODULES).into());
            }
        });
        ui.add_space(GRID);
    }
    let columns = vec![
        Column::text("Module", Width::Initial(160.0)),
        Column::text("Base", Width::Initial(150.0)),
        Column::figure("Size", Width::Initial(80.0)),
        Column::text("PDB", Width::Initial(330.0)),
        Column::text("Path", Width::Rest(160.0)),
    ];
    let stamp = super::stamp(document);
    SortedList { name: "Images", columns, height: HEIGHT, stamp, filter }.show(ui, &mut Images(modules));
}

struct Images<'t>(&'t [Module]);

impl Records for Images<'_> {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn text(&self, record: usize, column: usize) -> String {
        let Some(module) = self.0.get(record) else { return String::new() };
        match column {
            0 => module.name.clone(),
            1 => format!("{:#018x}", module.base),
            2 => format::bytes(module.size_bytes),
            3 => module.rsds.as_ref().map_or_else(
                || "no identity in the trace".to_owned(),
                |rsds| format!("{} {} age {}", rsds.pdb_name, rsds.guid, rsds.age),
            ),
            _ => module.path.clone(),
        }
    }

    fn compare(&self, a: usize, b: usize, column: usize) -> Ordering {
        let (Some(x), Some(y)) = (self.0.get(a), self.0.get(b)) else { return Ordering::Equal };
        match column {
            1 => x.base.cmp(&y.base),
            2 => x.size_bytes.cmp(&y.size_bytes),
            _ => self.text(a, column).to_lowercase().cmp(&self.text(b, column).to_lowercase()),
        }
    }
}
