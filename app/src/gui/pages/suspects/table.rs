//! The list of suspects.

use eframe::egui::{Button, RichText, Ui, vec2};
use poolscope_analysis::leaks::{LeakAnalysis, SuspectGrouping};

use super::columns::SuspectColumn;
use super::commands::SuspectsCommand;
use super::state::SuspectsState;
use super::{marks, texts};
use crate::format;
use crate::gui::commands::{Command, DocumentCommand};
use crate::gui::theme::{self, GRID, Palette, ROW_HEIGHT};
use crate::gui::widgets::fitted_text;
use crate::gui::widgets::list_table::{self, Action, Column, Keyboard, ListTable, Pick, Rows, Width};
use crate::gui::widgets::pivot_table::Sort;
use crate::gui::widgets::sparkline::Sparkline;
use crate::leak_text;

/// Least width of the column that takes the remaining width, in points.
const SOURCE: f32 = 168.0;
/// Greatest width of that column in a list with wide curves: the figures stay near the names.
const MAX_SOURCE: f32 = 560.0;
/// Least width of the list with wide curves, in points.
const WIDE: f32 = 1180.0;
/// Width of the column of processes, in points.
const PROCESS: f32 = 220.0;

/// A column of a list of this width, beside columns that have `fixed` points.
fn column(column: SuspectColumn, page: &SuspectsState, width: f32, fixed: f32) -> Column {
    let is_wide = width >= WIDE;
    let width = match column {
        SuspectColumn::Source if is_wide => Width::Exact(((width - fixed) * 0.6).clamp(SOURCE, MAX_SOURCE)),
        SuspectColumn::Source => Width::Rest(SOURCE),
        SuspectColumn::Curve if is_wide => Width::Rest(CURVE),
        column => Width::Exact(exact_width(column)),
    };
    let sort = (page.column == column).then_some(Sort::of(page.ascending));
    Column { title: column.title(), tip: column.tip(), width, is_figure: column.is_figure(), sort, wraps: false }
}

/// Width of a curve in a narrow list, in points.
const CURVE: f32 = 96.0;

/// The width of a column that has the same width in every list.
const fn exact_width(column: SuspectColumn) -> f32 {
    match column {
        SuspectColumn::Rank => 36.0,
        SuspectColumn::Verdict => 108.0,
        SuspectColumn::Tag | SuspectColumn::Count | SuspectColumn::Frees => 60.0,
        SuspectColumn::Pool => 70.0,
        SuspectColumn::Growth | SuspectColumn::Confidence => 80.0,
        SuspectColumn::Size => 72.0,
        SuspectColumn::Process => PROCESS,
        SuspectColumn::Curve => CURVE,
        SuspectColumn::Source => 0.0,
    }
}

/// Draws the list.
pub(super) fn show(ui: &mut Ui, state: &mut SuspectsState, listed: &[usize], commands: &mut Vec<Command>) {
    let wants_reveal = std::mem::take(&mut state.reveal);
    let wants_focus = std::mem::take(&mut state.wants_focus);
    let page = &*state;
    let Some(shown) = &page.shown else { return };
    let width = ui.available_width();
    let shown_columns = SuspectColumn::shown(width);
    let gaps = ui.spacing().item_spacing.x * shown_columns.len() as f32;
    let fixed = shown_columns.iter().map(|column| exact_width(*column)).sum::<f32>() + gaps;
    let columns: Vec<Column> = shown_columns.iter().map(|which| column(*which, page, width, fixed)).collect();
    let mut rows = SuspectRows {
        page,
        columns: &shown_columns,
        analysis: &shown.analysis,
        listed,
        by: shown.analysis.request.grouping,
        faint: texts::warm_up_share(&shown.analysis),
        commands,
    };
    let actions = ListTable::new("Suspects, worst first", &columns)
        .cursor(row_of(page, listed), wants_reveal)
        .keyboard(Keyboard::Idle, wants_focus)
        .show(ui, &mut rows);
    apply(state, &shown_columns, listed, &actions, commands);
}

/// The row of the cursor in the list.
pub(super) fn row_of(page: &SuspectsState, listed: &[usize]) -> Option<usize> {
    page.cursor.and_then(|cursor| listed.iter().position(|at| *at == cursor))
}

/// Carries out what the list, or the field above it, asks for.
pub(super) fn apply(
    page: &mut SuspectsState,
    columns: &[SuspectColumn],
    listed: &[usize],
    actions: &[Action],
    commands: &mut Vec<Command>,
) {
    for action in actions {
        match *action {
            Action::Sort(column) => columns.get(column).into_iter().for_each(|column| page.sort_by(*column)),
            Action::Move { row, pick } | Action::Click { row, pick } => {
                let Some(at) = listed.get(row).copied() else { continue };
                match pick {
                    Pick::Only => page.select(Some(at)),
                    Pick::Extend => page.select_to(at),
                    Pick::Toggle => page.toggle(at),
                    Pick::Menu => page.cursor = Some(at),
                }
            }
            Action::SelectAll => page.selected = listed.iter().copied().collect(),
            Action::Open(_) => commands.push(SuspectsCommand::Show.into()),
        }
    }
}

/// The listed suspects.
struct SuspectRows<'s> {
    page: &'s SuspectsState,
    columns: &'s [SuspectColumn],
    analysis: &'s LeakAnalysis,
    listed: &'s [usize],
    by: SuspectGrouping,
    /// Share of the curves that is warm-up.
    faint: f32,
    commands: &'s mut Vec<Command>,
}

impl Rows for SuspectRows<'_> {
    fn count(&self) -> usize {
        self.listed.len()
    }

    fn label(&self, row: usize) -> String {
        let at = self.listed.get(row).copied().unwrap_or_default();
        self.analysis.suspects.get(at).map_or_else(String::new, |suspect| texts::row_label(at + 1, suspect, self.by))
    }

    fn is_selected(&self, row: usize) -> bool {
        self.listed.get(row).is_some_and(|at| self.page.selected.contains(at))
    }

    fn has_menu(&self) -> bool {
        true
    }

    fn menu(&mut self, ui: &mut Ui, _row: usize) {
        let of_suspect = [SuspectsCommand::Show, SuspectsCommand::FilterTo, SuspectsCommand::Flame];
        let of_suspect = of_suspect.map(DocumentCommand::from);
        for command in of_suspect.into_iter().chain([DocumentCommand::CopyRows, DocumentCommand::CopyStack]) {
            let title = command.title();
            let mut entry = Button::new(&title);
            if let Some(key) = Command::from(command.clone()).shortcut_text(ui) {
                entry = entry.shortcut_text(key);
            }
            let response = ui.add(entry);
            response.ctx.accesskit_node_builder(response.id, |node| node.set_label(title));
            if response.clicked() {
                ui.close();
                self.commands.push(command.into());
            }
        }
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let Some(at) = self.listed.get(row).copied() else { return };
        let Some(suspect) = self.analysis.suspects.get(at) else { return };
        let palette = Palette::of(ui);
        let survivors = &suspect.evidence.outstanding;
        let Some(column) = self.columns.get(column) else { return };
        match *column {
            SuspectColumn::Rank => {
                list_table::figure_cell(ui, (at + 1).to_string())
                    .on_hover_text(leak_text::attribution::score_help(suspect));
            }
            SuspectColumn::Verdict => {
                let color = marks::color(suspect.verdict, palette);
                marks::icon(suspect.verdict).show(ui, color);
                let word = RichText::new(suspect.verdict.name()).color(color);
                list_table::colored_cell(ui, word).on_hover_text(suspect.verdict.description());
            }
            SuspectColumn::Tag => {
                let color = if suspect.tag.is_some() { palette.text } else { palette.dim };
                let tag = RichText::new(leak_text::tag(suspect)).font(theme::figure_font()).color(color);
                list_table::colored_cell(ui, tag);
            }
            SuspectColumn::Pool => drop(list_table::text_cell(ui, texts::pool(suspect))),
            SuspectColumn::Source => {
                let source = texts::source(suspect, self.by);
                fitted_text::label(ui, &source, theme::text_font(), |text| text.color(palette.text));
            }
            SuspectColumn::Process => {
                let share = suspect.attribution.processes.first();
                let process = share.map(|share| leak_text::attribution::process(share, suspect)).unwrap_or_default();
                fitted_text::label(ui, &process, theme::text_font(), |text| text.color(palette.text));
            }
            SuspectColumn::Growth => {
                list_table::figure_cell(ui, texts::growth(suspect));
            }
            SuspectColumn::Size => drop(list_table::figure_cell(ui, format::bytes(survivors.bytes))),
            SuspectColumn::Count => drop(list_table::figure_cell(ui, format::count(survivors.count))),
            SuspectColumn::Frees => drop(list_table::figure_cell(ui, format::count(suspect.evidence.freed.count))),
            SuspectColumn::Confidence if !suspect.has_growth => drop(list_table::figure_cell(ui, "-".to_owned())),
            SuspectColumn::Confidence => {
                list_table::share_bar(ui, suspect.confidence as f32);
                list_table::figure_cell(ui, format::confidence(suspect.confidence));
            }
            SuspectColumn::Curve if !self.analysis.has_times => {}
            SuspectColumn::Curve => {
                let size = vec2(ui.available_width() - GRID, ROW_HEIGHT - 2.0 * GRID);
                let name = format!("Outstanding bytes of {} over time", leak_text::tag(suspect));
                let is_alarming = marks::alarming(std::slice::from_ref(suspect)).is_some();
                let color = if is_alarming { palette.accent } else { palette.dim };
                Sparkline { name: &name, values: &suspect.evidence.bytes_curve, faint: self.faint, color }
                    .show(ui, size);
            }
        }
    }
}
