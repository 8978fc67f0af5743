//! The list of modules.

use eframe::egui::{Button, RichText, Ui};
use poolscope_analysis::group::symbols::ModuleNeed;
use poolscope_symbols::resolve::ModuleState;

use super::state::{ModuleColumn, ModulesState};
use super::{is_under_way, mark};
use crate::format;
use crate::gui::commands::{Command, DocumentCommand, SymbolsCommand};
use crate::gui::document::Document;
use crate::gui::model::symbol_texts as texts;
use crate::gui::model::symbols::ModuleRow;
use crate::gui::theme::{self, GRID, Palette};
use crate::gui::widgets::list_table::{self, Action, Column, Keyboard, ListTable, Rows, Width};
use crate::gui::widgets::pivot_table::Sort;

/// Initial widths of the columns but the last, in points, and how much wider they may be where there is room.
const WIDTHS: [(f32, f32); 8] =
    [(168.0, 112.0), (168.0, 0.0), (92.0, 0.0), (88.0, 0.0), (56.0, 8.0), (56.0, 8.0), (112.0, 104.0), (120.0, 192.0)];
/// Least width of the last column, in points.
const LAST: f32 = 96.0;

/// Draws the list.
pub(super) fn show(
    ui: &mut Ui,
    document: &Document,
    state: &mut ModulesState,
    listed: &[usize],
    commands: &mut Vec<Command>,
) {
    if listed.is_empty() {
        ui.add_space(4.0 * GRID);
        ui.vertical_centered(|ui| ui.weak(format!("No module name contains \"{}\".", state.filter.trim())));
        return;
    }
    let wants_reveal = std::mem::take(&mut state.reveal);
    let columns = columns(ui, state);
    let cursor = row_of(state, listed);
    let list = ListTable::new("Modules", &columns).cursor(cursor, wants_reveal).keyboard(Keyboard::Field, false);
    let actions = list.show(ui, &mut ModuleRows { document, selected: state.selected, listed, commands });
    apply(state, listed, &actions);
}

fn columns(ui: &Ui, page: &ModulesState) -> Vec<Column> {
    let (least, more) = WIDTHS.iter().fold((LAST, 0.0), |(least, more), width| (least + width.0, more + width.1));
    let gaps = ui.spacing().item_spacing.x * WIDTHS.len() as f32;
    let share = ((ui.available_width() - least - gaps) / (2.0 * more)).clamp(0.0, 1.0);
    let widths = WIDTHS.map(|(least, more)| Width::Initial(least + more * share)).into_iter();
    let column = |(which, width): (ModuleColumn, Width)| {
        let sort = (page.column == which).then_some(Sort::of(page.ascending));
        Column { title: which.title(), tip: which.tip(), width, is_figure: which.is_figure(), sort, wraps: false }
    };
    ModuleColumn::ALL.into_iter().zip(widths.chain([Width::Rest(LAST)])).map(column).collect()
}

/// The row of the selected module in the list.
pub(super) fn row_of(page: &ModulesState, listed: &[usize]) -> Option<usize> {
    page.selected.and_then(|selected| listed.iter().position(|at| *at == selected))
}

/// Carries out what the list, or the field above it, asks for.
pub(super) fn apply(page: &mut ModulesState, listed: &[usize], actions: &[Action]) {
    for action in actions {
        match *action {
            Action::Sort(column) => ModuleColumn::ALL.get(column).into_iter().for_each(|column| page.sort_by(*column)),
            Action::Move { row, .. } | Action::Click { row, .. } => {
                page.selected = listed.get(row).copied();
                page.reveal |= matches!(action, Action::Move { .. });
            }
            Action::Open(_) | Action::SelectAll => {}
        }
    }
}

/// The listed modules.
struct ModuleRows<'d> {
    document: &'d Document,
    selected: Option<usize>,
    listed: &'d [usize],
    commands: &'d mut Vec<Command>,
}

impl ModuleRows<'_> {
    fn module(&self, row: usize) -> Option<(&ModuleNeed, &ModuleRow)> {
        let at = *self.listed.get(row)?;
        Some((self.document.results.symbols.needs().get(at)?, self.document.results.symbols.rows().get(at)?))
    }
}

impl Rows for ModuleRows<'_> {
    fn count(&self) -> usize {
        self.listed.len()
    }

    fn label(&self, row: usize) -> String {
        let Some((need, state)) = self.module(row) else { return String::new() };
        format!(
            "{}, {}, {} outstanding in {}, {} of {} named",
            need.request.identity.name,
            texts::state(&state.state),
            format::bytes(need.outstanding_bytes),
            format::counted(need.allocations, "allocation", "allocations"),
            format::count(crate::gui::model::symbols::named(state) as u64),
            format::counted(need.frames as u64, "frame", "frames"),
        )
    }

    fn is_selected(&self, row: usize) -> bool {
        self.selected.is_some() && self.listed.get(row).copied() == self.selected
    }

    fn has_menu(&self) -> bool {
        true
    }

    fn menu(&mut self, ui: &mut Ui, row: usize) {
        let Some(at) = self.listed.get(row).copied() else { return };
        for command in [SymbolsCommand::SearchAgain(at), SymbolsCommand::OpenPdbOf(at), SymbolsCommand::ShowRows(at)] {
            let blocked = self.document.symbols_blocked(command);
            let entry = ui.add_enabled(blocked.is_none(), Button::new(command.title()));
            if entry.on_disabled_hover_text(blocked.unwrap_or_default()).clicked() {
                ui.close();
                self.commands.push(DocumentCommand::Symbols(command).into());
            }
        }
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let Some((need, module)) = self.module(row) else { return };
        let mono = |text: String| RichText::new(text).font(theme::figure_font());
        match ModuleColumn::ALL[column] {
            ModuleColumn::State => state_cell(ui, module),
            ModuleColumn::Name => drop(list_table::text_cell(ui, &need.request.identity.name)),
            ModuleColumn::Outstanding => drop(list_table::figure_cell(ui, format::bytes(need.outstanding_bytes))),
            ModuleColumn::Allocations => drop(list_table::figure_cell(ui, format::count(need.allocations))),
            ModuleColumn::Frames => drop(list_table::figure_cell(ui, format::count(need.frames as u64))),
            ModuleColumn::Named => {
                drop(list_table::figure_cell(ui, format::count(crate::gui::model::symbols::named(module) as u64)))
            }
            ModuleColumn::Pdb => drop(list_table::text_cell(ui, crate::gui::model::symbols::pdb_name(need, module))),
            ModuleColumn::Identity => {
                drop(list_table::text_cell(ui, mono(crate::gui::model::symbols::identity(need, module))))
            }
            ModuleColumn::File => drop(list_table::text_cell(ui, crate::gui::model::symbols::file(module))),
        }
    }
}

/// Draws icon and name of a state; a download has a bar behind its figures.
fn state_cell(ui: &mut Ui, row: &ModuleRow) {
    let palette = Palette::of(ui);
    if let ModuleState::Downloading(now) = &row.state {
        list_table::share_bar(ui, texts::share(now).unwrap_or_default());
    }
    mark::show(ui, &row.state);
    let color = if is_under_way(&row.state) { palette.accent } else { palette.text };
    list_table::colored_cell(ui, RichText::new(texts::state(&row.state)).color(color));
}
