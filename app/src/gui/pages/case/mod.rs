//! The page of a case: at the left what the evidence supports together, each piece of it with the way to its own page, and the files
//! that were not used; at the right its curves on common time axes. A piece of evidence that is shown alone has the same page. It reads
//! nothing.

mod charts;
mod pieces;

use eframe::egui::{Frame, Margin, Panel, Ui};

use crate::gui::commands::Command;
use crate::gui::model::page_id::PageId;
use crate::gui::pages::{WindowPage, WindowState};
use crate::gui::theme::Palette;

/// Share of the width that the sentences have.
const SHARE: f32 = 0.36;
/// Least and greatest width of the sentences, in points.
const WIDTH: (f32, f32) = (280.0, 560.0);

/// The page.
pub static PAGE: CasePage = CasePage;

/// Page of a case: traces, pool snapshots and logs of one machine together.
pub struct CasePage;

impl WindowPage for CasePage {
    fn id(&self) -> PageId {
        PageId::CASE
    }

    fn title(&self) -> &'static str {
        "Case"
    }

    fn show(&self, ui: &mut Ui, window: &mut WindowState<'_>, commands: &mut Vec<Command>) {
        let Some(view) = window.case.as_deref_mut() else { return };
        let palette = Palette::of(ui);
        let width = (ui.available_width() * SHARE).clamp(WIDTH.0, WIDTH.1);
        let side = Frame::new().fill(palette.canvas).inner_margin(Margin { left: 12, right: 4, top: 8, bottom: 4 });
        Panel::left("evidence").resizable(false).exact_size(width).frame(side).show(ui, |ui| {
            pieces::show(ui, view, commands);
        });
        let inner = Frame::new().inner_margin(Margin { left: 12, right: 4, top: 8, bottom: 4 });
        inner.show(ui, |ui| charts::show(ui, view));
    }
}
