//! The menu above, the status bar below, and the panels at the sides of the tabs; all of them follow the tab in front.

use eframe::egui::{Frame, Margin, Panel, Ui};

use super::App;
use crate::gui::commands::Command;
use crate::gui::commands::table::Entry;
use crate::gui::document::Document;
use crate::gui::model::case::CaseView;
use crate::gui::pages::page;
use crate::gui::shell::details;
use crate::gui::shell::loading::LoadingState;
use crate::gui::shell::{menu, status, trace_panel};
use crate::gui::theme::Palette;
use crate::gui::widgets::side_handle;
use crate::gui::widgets::side_handle::Side;

/// Below this width the details are not shown unless asked for, so that graph and table breathe.
const LEAST_WIDTH_FOR_DETAILS: f32 = 1000.0;
/// Below this width the summary is not shown either.
const LEAST_WIDTH_FOR_SUMMARY: f32 = 820.0;
/// A width that changed by less was not changed by anyone, in points.
const SAME_WIDTH: f32 = 0.5;

/// Side panels that a narrow window shows nevertheless; not remembered.
#[derive(Debug, Clone, Copy, Default)]
pub struct CompactPanels {
    summary: bool,
    details: bool,
}

impl App {
    pub(super) fn frame_panels(&mut self, ui: &mut Ui, entries: &[Entry], commands: &mut Vec<Command>) {
        let palette = Palette::of(ui);
        let bar = Frame::new().fill(palette.panel).inner_margin(Margin::symmetric(8, 2));
        let is_modal_open = self.is_modal_open();
        Panel::top("menu").frame(bar).show(ui, |ui| menu::show(ui, entries, is_modal_open, commands));
        let now = ui.input(|input| input.time);
        // An expired note must go: it would ask for the next frame at once, and that one for the next.
        self.note.take_if(|(_, until)| *until <= now);
        if let Some((_, until)) = &self.note {
            ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64(until - now));
        }
        let document = self.tabs.document();
        let note = self.note.as_ref().map(|(text, _)| text.as_str());
        let busy = document.is_some_and(Document::is_visibly_busy).then_some("computing").or(note);
        let busy =
            busy.or(self.tabs.is_recording_in_front().then_some("Set up a recording that shows which code leaks"));
        let recorder = Some(&self.recorder);
        let of_case = self.case().map(CaseView::summary);
        let busy = busy.or(of_case.as_deref());
        let draw = |ui: &mut Ui| status::show(ui, document, busy, recorder, commands);
        Panel::bottom("status").exact_size(26.0).frame(bar).show(ui, draw);
        self.toasts.show(ui, commands);
        self.sides(ui, commands);
    }

    fn sides(&mut self, ui: &mut Ui, commands: &mut Vec<Command>) {
        let (summary, details) = (self.shows_summary(ui), self.shows_details(ui));
        let Some(document) = self.tabs.document() else { return };
        let side = Frame::new().fill(Palette::of(ui).panel).inner_margin(Margin::same(8));
        let panels = &self.settings.get().panels;
        let (left, right) = (panels.summary_width, panels.details_width);
        let mut widths = [None, None];
        if summary {
            let panel = Panel::left(("summary", self.layout)).default_size(left).size_range(140.0..=360.0).frame(side);
            let shown = panel.show(ui, |ui| trace_panel::show(ui, document, commands));
            widths[0] = Some(shown.response.rect.width());
        }
        if side_handle::show(ui, Side::Left, "trace summary", summary) {
            commands.push(Command::ToggleSummary);
        }
        // These pages have details of their own, and need the room.
        if document.has_allocations() && page(document.ui.page).is_some_and(|page| page.has_details()) {
            if details {
                let panel =
                    Panel::right(("details", self.layout)).default_size(right).size_range(180.0..=560.0).frame(side);
                let shown = panel.show(ui, |ui| details::show(ui, document, commands));
                widths[1] = Some(shown.response.rect.width());
            }
            if side_handle::show(ui, Side::Right, "row details", details) {
                commands.push(Command::ToggleDetails);
            }
        }
        self.remember_widths(widths);
    }

    fn remember_widths(&mut self, widths: [Option<f32>; 2]) {
        let panels = &self.settings.get().panels;
        let known = [panels.summary_width, panels.details_width];
        for (at, (width, known)) in widths.into_iter().zip(known).enumerate() {
            if let Some(width) = width.filter(|width| (width - known).abs() > SAME_WIDTH) {
                let panels = &mut self.settings.edit().panels;
                *(if at == 0 { &mut panels.summary_width } else { &mut panels.details_width }) = width;
            }
        }
    }

    /// Returns whether the summary is seen in a window as wide as this one.
    pub(super) fn shows_summary(&self, ui: &Ui) -> bool {
        let narrow = ui.ctx().content_rect().width() < LEAST_WIDTH_FOR_SUMMARY;
        if narrow { self.narrow.summary } else { self.settings.get().panels.summary }
    }

    /// Returns whether the details are seen in a window as wide as this one.
    pub(super) fn shows_details(&self, ui: &Ui) -> bool {
        let narrow = ui.ctx().content_rect().width() < LEAST_WIDTH_FOR_DETAILS;
        if narrow { self.narrow.details } else { self.settings.get().panels.details }
    }

    pub(super) fn toggle_summary(&mut self, ui: &Ui) {
        if ui.ctx().content_rect().width() < LEAST_WIDTH_FOR_SUMMARY {
            self.narrow.summary = !self.narrow.summary;
        } else {
            let panels = &mut self.settings.edit().panels;
            panels.summary = !panels.summary;
        }
    }

    pub(super) fn toggle_details(&mut self, ui: &Ui) {
        if ui.ctx().content_rect().width() < LEAST_WIDTH_FOR_DETAILS {
            self.narrow.details = !self.narrow.details;
        } else {
            let panels = &mut self.settings.edit().panels;
            panels.details = !panels.details;
        }
    }

    /// Loads that the tab in front does not show.
    pub(super) fn loads_behind(&self) -> Vec<LoadingState> {
        let seen = self.tabs.active();
        let behind = self.tabs.iter().filter(|(id, _)| Some(*id) != seen);
        behind.filter_map(|(id, tab)| tab.loading().map(|load| load.state(id, tab.source.name()))).collect()
    }
}
