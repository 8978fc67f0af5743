//! The list of modules. Only the rows on the screen are drawn, however many there are.

use eframe::egui::{Align, Button, Label, Layout, Rect, Response, RichText, Role, Sense, Ui, WidgetInfo, vec2};
use egui_extras::{Column, TableBuilder, TableRow};
use poolscope_analysis::group::symbols::ModuleNeed;
use poolscope_symbols::resolve::ModuleState;

use super::{is_under_way, mark};
use crate::format;
use crate::gui::command::{Command, DocumentCommand, SymbolsCommand};
use crate::gui::state::document::Document;
use crate::gui::state::modules_page::{self, ModuleColumn};
use crate::gui::state::symbol_words as words;
use crate::gui::state::symbols::ModuleRow;
use crate::gui::theme::{self, GRID, HEADER_HEIGHT, Palette, ROW_HEIGHT};
use crate::gui::widgets::sort_header::SortHeader;

/// Widths of the columns at first, in points, and how much wider they may be where there is room; the last takes the rest.
const WIDTHS: [(f32, f32); 8] =
    [(168.0, 112.0), (168.0, 0.0), (92.0, 0.0), (88.0, 0.0), (56.0, 8.0), (56.0, 8.0), (112.0, 104.0), (120.0, 192.0)];
/// Least width of the last column, in points.
const LAST: f32 = 96.0;

/// Draws the list.
pub(super) fn show(ui: &mut Ui, document: &mut Document, listed: &[usize], commands: &mut Vec<Command>) {
    if listed.is_empty() {
        ui.add_space(4.0 * GRID);
        ui.vertical_centered(|ui| {
            ui.weak(format!("No module has \"{}\" in its name.", document.modules.filter.trim()))
        });
        return;
    }
    let selected = document.modules.selected;
    let reveal = std::mem::take(&mut document.modules.reveal);
    let to = selected.filter(|_| reveal).and_then(|selected| listed.iter().position(|at| *at == selected));
    let mut sort = None;
    let mut chosen = None;
    let (least, more) = WIDTHS.iter().fold((LAST, 0.0), |(least, more), width| (least + width.0, more + width.1));
    let gaps = ui.spacing().item_spacing.x * WIDTHS.len() as f32;
    let share = ((ui.available_width() - least - gaps) / (2.0 * more)).clamp(0.0, 1.0);
    eframe::egui::ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let mut table = TableBuilder::new(ui)
            .striped(true)
            .resizable(true)
            .sense(Sense::click())
            .auto_shrink(false)
            .cell_layout(Layout::left_to_right(Align::Center));
        for (least, more) in WIDTHS {
            table = table.column(Column::initial(least + more * share).at_least(48.0).clip(true));
        }
        table = table.column(Column::remainder().at_least(LAST).clip(true));
        if let Some(to) = to {
            table = table.scroll_to_row(to, None);
        }
        let header = |mut row: TableRow<'_, '_>| {
            for column in ModuleColumn::ALL {
                row.col(|ui| {
                    if header(ui, document, column).clicked() {
                        sort = Some(column);
                    }
                });
            }
        };
        table.header(HEADER_HEIGHT, header).body(|body| {
            body.rows(ROW_HEIGHT, listed.len(), |mut row| {
                let Some(&at) = listed.get(row.index()) else { return };
                let (Some(need), Some(state)) = (document.symbols.needs().get(at), document.symbols.rows().get(at))
                else {
                    return;
                };
                row.set_selected(selected == Some(at));
                for column in ModuleColumn::ALL {
                    row.col(|ui| cell(ui, column, need, state));
                }
                let response = row.response();
                response.widget_info(|| {
                    WidgetInfo::selected(Role::Row, true, selected == Some(at), row_label(need, state))
                });
                if response.clicked() || response.secondary_clicked() {
                    chosen = Some(at);
                }
                response.context_menu(|ui| row_menu(ui, document, at, commands));
            });
        });
    });
    if let Some(column) = sort {
        document.modules.sort_by(column);
    }
    if chosen.is_some() {
        document.modules.selected = chosen;
    }
}

/// What the row says to whoever does not see it.
fn row_label(need: &ModuleNeed, row: &ModuleRow) -> String {
    format!(
        "{}, {}, {} outstanding in {} allocations, {} of {} frames named",
        need.request.identity.name,
        words::state(&row.state),
        format::bytes(need.outstanding_bytes),
        format::count(need.allocations),
        format::count(modules_page::named(row) as u64),
        format::count(need.frames as u64),
    )
}

fn row_menu(ui: &mut Ui, document: &Document, at: usize, commands: &mut Vec<Command>) {
    for command in [SymbolsCommand::SearchAgain(at), SymbolsCommand::OpenPdbOf(at), SymbolsCommand::ShowRows(at)] {
        let blocked = document.symbols_blocked(command);
        let entry = ui.add_enabled(blocked.is_none(), Button::new(command.title()));
        if entry.on_disabled_hover_text(blocked.unwrap_or_default()).clicked() {
            ui.close();
            commands.push(DocumentCommand::Symbols(command).into());
        }
    }
}

fn header(ui: &mut Ui, document: &Document, column: ModuleColumn) -> Response {
    let page = &document.modules;
    let sorted = (page.column == column).then_some(page.ascending);
    let header = SortHeader { title: column.title(), sorted, is_figure: column.is_figure() };
    header.show(ui).on_hover_text(column.tip())
}

fn cell(ui: &mut Ui, column: ModuleColumn, need: &ModuleNeed, row: &ModuleRow) {
    // What is clicked is the row; a selected row is told by its ground.
    let text = |ui: &mut Ui, text: String, font| {
        let text = RichText::new(text).font(font).color(Palette::of(ui).text);
        ui.add(Label::new(text).truncate().selectable(false));
    };
    match column {
        ModuleColumn::State => state(ui, row),
        ModuleColumn::Name => text(ui, need.request.identity.name.clone(), theme::text_font()),
        ModuleColumn::Outstanding => figure(ui, format::bytes(need.outstanding_bytes)),
        ModuleColumn::Allocations => figure(ui, format::count(need.allocations)),
        ModuleColumn::Frames => figure(ui, format::count(need.frames as u64)),
        ModuleColumn::Named => figure(ui, format::count(modules_page::named(row) as u64)),
        ModuleColumn::Pdb => text(ui, modules_page::pdb_name(need, row), theme::text_font()),
        ModuleColumn::Identity => text(ui, modules_page::identity(need, row), theme::figure_font()),
        ModuleColumn::File => text(ui, modules_page::file(row), theme::text_font()),
    }
}

fn figure(ui: &mut Ui, text: String) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.add_space(GRID);
        let text = RichText::new(text).font(theme::figure_font()).color(Palette::of(ui).text);
        ui.add(Label::new(text).truncate().selectable(false));
    });
}

/// Mark and word; a download has a bar behind its figures.
fn state(ui: &mut Ui, row: &ModuleRow) {
    let palette = Palette::of(ui);
    if let ModuleState::Downloading(now) = &row.state {
        let place = ui.available_rect_before_wrap().shrink2(vec2(0.0, 3.0));
        let share = words::share(now).unwrap_or_default();
        let bar = Rect::from_min_size(place.min, vec2(place.width() * share, place.height()));
        ui.painter().rect_filled(bar, f32::from(theme::RADIUS), palette.share);
    }
    mark::show(ui, &row.state);
    let colour = if is_under_way(&row.state) { palette.accent } else { palette.text };
    let text = RichText::new(words::state(&row.state)).color(colour);
    ui.add(Label::new(text).truncate().selectable(false));
}
