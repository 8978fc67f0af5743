//! The menu above, the status bar below, and the panels at the sides of the tabs; all of them follow the tab in front.

use eframe::egui::{Frame, Margin, Panel, Ui};

use super::App;
use crate::gui::command::Command;
use crate::gui::command::catalogue::Entry;
use crate::gui::state::document::Document;
use crate::gui::theme::Palette;
use crate::gui::views::loading::LoadingState;
use crate::gui::views::{details, menu, status, summary};

/// Below this width the details are not shown, so that graph and table breathe.
const LEAST_WIDTH_FOR_DETAILS: f32 = 1000.0;
/// Below this width the summary is not shown either.
const LEAST_WIDTH_FOR_SUMMARY: f32 = 820.0;

impl App {
    pub(super) fn frame_panels(&mut self, ui: &mut Ui, entries: &[Entry], commands: &mut Vec<Command>) {
        let palette = Palette::of(ui);
        let bar = Frame::new().fill(palette.panel).inner_margin(Margin::symmetric(8, 2));
        Panel::top("menu").frame(bar).show(ui, |ui| menu::show(ui, entries, commands));
        let document = self.tabs.document();
        let busy = document.is_some_and(Document::is_busy).then_some("computing");
        Panel::bottom("status").exact_size(26.0).frame(bar).show(ui, |ui| status::show(ui, document, busy, commands));
        let side = Frame::new().fill(palette.panel).inner_margin(Margin::same(8));
        if let Some(document) = document {
            let width = ui.ctx().content_rect().width();
            if self.summary && width >= LEAST_WIDTH_FOR_SUMMARY {
                Panel::left("summary").default_size(208.0).size_range(140.0..=360.0).frame(side).show(ui, |ui| {
                    summary::show(ui, document);
                });
            }
            if self.details && document.has_allocations() && width >= LEAST_WIDTH_FOR_DETAILS {
                Panel::right("details").default_size(264.0).size_range(180.0..=560.0).frame(side).show(ui, |ui| {
                    details::show(ui, document, commands);
                });
            }
        }
    }

    /// Loads that the tab in front does not show.
    pub(super) fn loads_behind(&self) -> Vec<LoadingState> {
        let seen = self.tabs.active();
        let behind = self.tabs.iter().filter(|(id, _)| Some(*id) != seen);
        behind.filter_map(|(id, tab)| tab.loading().map(|load| load.state(id, tab.source.name()))).collect()
    }
}
