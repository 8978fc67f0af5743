//! Details of the selected module: meaning of its state and the next step, identity of its symbols, where
//! it lay, and what was tried.

use eframe::egui::{Align, Button, Label, Layout, RichText, ScrollArea, Ui, vec2};
use poolscope_analysis::group::symbols::ModuleNeed;
use poolscope_analysis::trace::Trace;
use poolscope_symbols::locate::{LookupAttempt, LookupResult};
use poolscope_symbols::resolve::ModuleState;

use super::mark;
use crate::gui::commands::{Command, DocumentCommand, SymbolsCommand};
use crate::gui::document::Document;
use crate::gui::model::symbol_texts;
use crate::gui::model::symbols::{ModuleRow, state_text};
use crate::gui::theme::{self, GRID};
use crate::gui::widgets::progress_bar;
use crate::gui::widgets::section::{self, caption};

/// Below this width the two columns stand one above the other, in points.
const TWO_COLUMNS: f32 = 640.0;
/// Room for a fact's name, in points.
const NAME: f32 = 92.0;
/// Lives that are written out.
const MOST_LIVES: usize = 20;

/// Draws what is known of the selected module.
pub(super) fn show(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let symbols = &document.results.symbols;
    let Some(at) = document.modules().selected else { return };
    let (Some(need), Some(row)) = (symbols.needs().get(at), symbols.rows().get(at)) else { return };
    head(ui, document, at, need, row, commands);
    ui.add(Label::new(symbol_texts::advice(need, row)).wrap());
    if let ModuleState::Downloading(now) = &row.state
        && let Some(share) = symbol_texts::share(now)
    {
        progress_bar::show(ui, "Download", share, 240.0);
    }
    ui.add_space(GRID);
    ScrollArea::vertical().id_salt(("module", at)).auto_shrink(false).show(ui, |ui| {
        let width = ui.available_width();
        if width < TWO_COLUMNS {
            identity(ui, &document.trace, need, row);
            ui.add_space(2.0 * GRID);
            tried(ui, row);
            return;
        }
        let half = ((width - 6.0 * GRID) / 2.0).floor();
        ui.horizontal_top(|ui| {
            ui.allocate_ui_with_layout(vec2(half, 0.0), Layout::top_down(Align::Min), |ui| {
                ui.set_width(half);
                identity(ui, &document.trace, need, row);
            });
            ui.add_space(4.0 * GRID);
            ui.allocate_ui_with_layout(vec2(half, 0.0), Layout::top_down(Align::Min), |ui| {
                ui.set_width(half);
                tried(ui, row);
            });
        });
    });
}

/// Name, state, and what can be done.
fn head(ui: &mut Ui, document: &Document, at: usize, need: &ModuleNeed, row: &ModuleRow, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        mark::show(ui, &row.state);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let copy = ui.button("Copy");
            copy.ctx.accesskit_node_builder(copy.id, |node| node.set_label("Copy details"));
            if copy.on_hover_text("Copy all details of the module as text").clicked() {
                ui.ctx().copy_text(symbol_texts::report(&document.trace, need, row));
            }
            let ways = [SymbolsCommand::ShowRows(at), SymbolsCommand::OpenPdbOf(at), SymbolsCommand::SearchAgain(at)];
            for command in ways {
                let blocked = document.symbols_blocked(command);
                let button = ui.add_enabled(blocked.is_none(), Button::new(command.title()));
                if button.on_disabled_hover_text(blocked.unwrap_or_default()).clicked() {
                    commands.push(DocumentCommand::Symbols(command).into());
                }
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let title = format!("{}: {}", need.request.identity.name, state_text(&row.state));
                ui.add(Label::new(RichText::new(title).font(theme::strong_font())).truncate());
            });
        });
    });
}

fn identity(ui: &mut Ui, trace: &Trace, need: &ModuleNeed, row: &ModuleRow) {
    caption(ui, "IDENTITY");
    ui.spacing_mut().item_spacing.y = GRID / 2.0;
    for (name, value) in symbol_texts::facts(need, row) {
        section::fact(ui, name, NAME, RichText::new(value).font(theme::figure_font()));
    }
    ui.add_space(2.0 * GRID);
    caption(ui, "LOAD ADDRESSES");
    let lives = symbol_texts::lives(trace, &need.modules);
    if lives.is_empty() {
        ui.weak("Not recorded in the trace.");
    }
    for life in lives.iter().take(MOST_LIVES) {
        ui.add(Label::new(RichText::new(life).font(theme::figure_font())).wrap());
    }
    if lives.len() > MOST_LIVES {
        ui.weak(format!("and {} more", lives.len() - MOST_LIVES));
    }
}

fn tried(ui: &mut Ui, row: &ModuleRow) {
    caption(ui, "SEARCH LOG");
    let attempts = row.outcome.as_ref().map_or(&[][..], |done| &done.attempts);
    if attempts.is_empty() {
        ui.weak(match &row.outcome {
            None => "Nothing was searched yet.",
            Some(done) if done.from_cache => "No search was needed: the names are cached.",
            Some(_) => "No location was searched.",
        });
    }
    for LookupAttempt { location: place, result: outcome } in attempts {
        ui.horizontal_top(|ui| {
            mark::show(ui, &like(outcome));
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                ui.add(Label::new(RichText::new(place).font(theme::figure_font())).wrap());
                ui.add(Label::new(RichText::new(symbol_texts::outcome(outcome)).weak()).wrap());
            });
        });
    }
}

/// The state of a module after this lookup alone; its mark is shown before the location.
fn like(outcome: &LookupResult) -> ModuleState {
    match outcome {
        LookupResult::Found => ModuleState::Loaded,
        LookupResult::NotFound | LookupResult::NotFoundCached => ModuleState::NotFound,
        LookupResult::Mismatch(_) => ModuleState::WrongIdentity,
        LookupResult::Denied(_) => ModuleState::Denied,
        LookupResult::Unreachable(_) => ModuleState::Unreachable,
        LookupResult::Unreadable(_) => ModuleState::Unreadable,
        LookupResult::Offline => ModuleState::Offline,
    }
}
