//! The conclusions of a case, its pieces of evidence with the way to the page of each, and the files that were not used.

use eframe::egui::{Align, Color32, Label, Layout, RichText, ScrollArea, Ui};

use crate::case::text::{file_names, period, with_full_stop};
use crate::case::{EvidenceKind, Piece, UnusedFile};
use crate::format;
use crate::gui::commands::Command;
use crate::gui::model::case::CaseView;
use crate::gui::theme::{self, GRID, Palette};
use crate::gui::widgets::section;
use crate::trace_location::shown_name;

/// Sentences about one piece, at most.
const SENTENCES: usize = 8;
/// Remarks on one piece, at most.
const REMARKS: usize = 6;
/// Files that are named as not used, at most.
const UNUSED: usize = 50;

/// Draws the sentences.
pub(super) fn show(ui: &mut Ui, view: &CaseView, commands: &mut Vec<Command>) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let case = &view.case;
        let palette = Palette::of(ui);
        if view.only.is_none() && !case.conclusions.is_empty() {
            section::caption(ui, "TOGETHER");
            for (at, sentence) in case.conclusions.iter().enumerate() {
                let text = RichText::new(with_full_stop(sentence));
                ui.add(Label::new(if at == 0 { text.font(theme::strong_font()) } else { text }).wrap());
            }
            ui.add_space(2.0 * GRID);
        }
        section::caption(ui, "EVIDENCE");
        let bias_ms = case.bias_ms();
        for (nth, at) in view.shown().enumerate() {
            let Some(piece) = case.pieces.get(at) else { continue };
            if nth > 0 {
                ui.separator();
            }
            // A piece that is shown alone is on its own page already, unless that is another page.
            let own_page = view.only.is_none().then_some(Command::OpenEvidence(view.tab, at));
            let is_alone = case.pieces.len() == 1 && piece.evidence.kind == EvidenceKind::Counters;
            card(ui, piece, bias_ms, own_page.filter(|_| !is_alone), commands);
        }
        if view.only.is_none() && !case.unused.is_empty() {
            ui.add_space(2.0 * GRID);
            section::caption(ui, "FILES NOT USED");
            case.unused.iter().take(UNUSED).for_each(|file| unused(ui, file, palette.dim));
            more(ui, case.unused.len(), UNUSED);
        }
        ui.add_space(2.0 * GRID);
    });
}

/// Verb of the button that shows a piece of evidence on its own page.
const fn verb(kind: EvidenceKind) -> &'static str {
    match kind {
        EvidenceKind::Counters => "Show counters",
        EvidenceKind::Snapshots => "Show snapshots",
        EvidenceKind::DebuggerLog | EvidenceKind::Trace => "Show in Analysis",
    }
}

fn card(ui: &mut Ui, piece: &Piece, bias_ms: Option<i64>, own_page: Option<Command>, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let evidence = &piece.evidence;
    let files = file_names(evidence);
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if let Some(command) = own_page {
                let verb = verb(evidence.kind);
                let button = ui.button(verb);
                button.ctx.accesskit_node_builder(button.id, |node| node.set_label(format!("{verb}: {files}")));
                if button.clicked() {
                    commands.push(command);
                }
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let title = RichText::new(format::sentence_case(evidence.kind.name())).font(theme::strong_font());
                ui.add(Label::new(title).truncate());
            });
        });
    });
    let all = evidence.files.join("\n");
    ui.add(Label::new(RichText::new(&files).font(theme::figure_font())).truncate()).on_hover_text(all);
    let times = format::sentence_case(&period(evidence, bias_ms));
    ui.add(Label::new(RichText::new(times).font(theme::small_font()).color(palette.dim)).wrap());
    for sentence in evidence.summary.iter().take(SENTENCES) {
        ui.add(Label::new(with_full_stop(sentence)).wrap());
    }
    more(ui, evidence.summary.len(), SENTENCES);
    for remark in evidence.remarks.iter().take(REMARKS) {
        let text = RichText::new(with_full_stop(remark)).font(theme::small_font()).color(palette.dim);
        ui.add(Label::new(text).wrap());
    }
    more(ui, evidence.remarks.len(), REMARKS);
}

fn unused(ui: &mut Ui, file: &UnusedFile, color: Color32) {
    let name = shown_name(&file.path);
    let label = ui.add(Label::new(RichText::new(&name).font(theme::figure_font())).truncate());
    label.on_hover_text(file.path.display().to_string());
    let reason = with_full_stop(&format::sentence_case(&file.reason));
    ui.add(Label::new(RichText::new(reason).font(theme::small_font()).color(color)).wrap());
}

/// The number of what is not shown.
fn more(ui: &mut Ui, count: usize, shown: usize) {
    if count > shown {
        ui.weak(format!("and {} more", format::count((count - shown) as u64)));
    }
}
