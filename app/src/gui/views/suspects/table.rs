//! The list of suspects. Only the rows on the screen are drawn, however many there are.

use eframe::egui::{
    Align, Button, Label, Layout, Rect, Response, RichText, Role, ScrollArea, Sense, Ui, WidgetInfo, vec2,
};
use egui_extras::{Column, TableBuilder, TableRow};
use poolscope_analysis::leaks::{SuspectGrouping, Suspect};

use crate::format;
use crate::gui::command::{Command, DocumentCommand, SuspectsCommand};
use crate::gui::state::document::Document;
use crate::gui::state::suspect_columns::SuspectColumn;
use crate::gui::state::suspect_marks as marks;
use crate::gui::state::suspect_words as words;
use crate::gui::state::suspects_page::SuspectsPage;
use crate::gui::theme::{self, GRID, HEADER_HEIGHT, Palette, ROW_HEIGHT};
use crate::gui::widgets::sort_header::SortHeader;
use crate::gui::widgets::sparkline::Sparkline;
use crate::leak_text;

/// Least width of the column that takes what is left, in points.
const SOURCE: f32 = 168.0;
/// From this width on the curves have more room, in points.
const WIDE: f32 = 1280.0;

/// Width of a column, in points; nothing for the one that takes what is left.
fn width(column: SuspectColumn, wide: bool) -> Option<f32> {
    Some(match column {
        SuspectColumn::Rank => 36.0,
        SuspectColumn::Verdict => 108.0,
        SuspectColumn::Tag => 60.0,
        SuspectColumn::Pool => 70.0,
        SuspectColumn::Source => return None,
        SuspectColumn::Growth => 80.0,
        SuspectColumn::Size => 72.0,
        SuspectColumn::Count | SuspectColumn::Frees => 60.0,
        SuspectColumn::Confidence => 80.0,
        SuspectColumn::Curve => {
            if wide {
                240.0
            } else {
                96.0
            }
        }
    })
}

/// What a row is drawn from.
struct Line<'s> {
    at: usize,
    suspect: &'s Suspect,
    by: SuspectGrouping,
    faint: f32,
}

/// What was clicked.
struct Clicked {
    at: usize,
    extend: bool,
    add: bool,
    menu: bool,
}

/// Draws the list.
pub(super) fn show(ui: &mut Ui, document: &mut Document, listed: &[usize], commands: &mut Vec<Command>) {
    let reveal = std::mem::take(&mut document.suspects.reveal);
    let page = &document.suspects;
    let Some(judged) = &page.judged else { return };
    let judgement = &judged.judgement;
    let (by, faint) = (judgement.request.grouping, words::warm_up_share(judgement));
    let to = page.cursor.filter(|_| reveal).and_then(|cursor| listed.iter().position(|at| *at == cursor));
    let wide = ui.available_width() >= WIDE;
    let (mut sort, mut clicked) = (None, None);
    ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let mut table = TableBuilder::new(ui)
            .striped(true)
            .sense(Sense::click())
            .auto_shrink(false)
            // Else the last rows would lie under what is known of the selected one.
            .min_scrolled_height(0.0)
            .cell_layout(Layout::left_to_right(Align::Center));
        for column in SuspectColumn::ALL {
            table = table.column(match width(column, wide) {
                Some(width) => Column::exact(width).clip(true),
                None => Column::remainder().at_least(SOURCE).clip(true),
            });
        }
        if let Some(to) = to {
            table = table.scroll_to_row(to, None);
        }
        let header = |mut row: TableRow<'_, '_>| {
            for column in SuspectColumn::ALL {
                row.col(|ui| {
                    if header(ui, (page.column, page.ascending), column).clicked() {
                        sort = Some(column);
                    }
                });
            }
        };
        table.header(HEADER_HEIGHT, header).body(|body| {
            body.rows(ROW_HEIGHT, listed.len(), |mut row| {
                let Some(&at) = listed.get(row.index()) else { return };
                let Some(suspect) = judgement.suspects.get(at) else { return };
                let line = Line { at, suspect, by, faint };
                let selected = page.selected.contains(&at);
                row.set_selected(selected);
                for column in SuspectColumn::ALL {
                    row.col(|ui| cell(ui, column, &line));
                }
                let response = row.response();
                let label = || words::row_label(at + 1, suspect, by);
                response.widget_info(|| WidgetInfo::selected(Role::Row, true, selected, label()));
                let modifiers = response.ctx.input(|input| input.modifiers);
                if response.double_clicked() {
                    commands.push(DocumentCommand::Suspects(SuspectsCommand::Show).into());
                }
                if response.clicked() || response.secondary_clicked() {
                    let menu = response.secondary_clicked();
                    clicked = Some(Clicked { at, extend: modifiers.shift, add: modifiers.command, menu });
                }
                response.context_menu(|ui| row_menu(ui, commands));
            });
        });
    });
    take_in(&mut document.suspects, sort, clicked);
}

/// Does what was clicked.
fn take_in(page: &mut SuspectsPage, sort: Option<SuspectColumn>, clicked: Option<Clicked>) {
    if let Some(column) = sort {
        page.sort_by(column);
    }
    match clicked {
        Some(Clicked { at, menu: true, .. }) if page.selected.contains(&at) => page.cursor = Some(at),
        Some(Clicked { at, extend: true, .. }) => page.select_to(at),
        Some(Clicked { at, add: true, .. }) => page.toggle(at),
        Some(Clicked { at, .. }) => page.select(Some(at)),
        None => return,
    }
    page.wants_focus = true;
}

fn row_menu(ui: &mut Ui, commands: &mut Vec<Command>) {
    let of_suspect = [SuspectsCommand::Show, SuspectsCommand::FilterTo, SuspectsCommand::Flame];
    let of_suspect = of_suspect.map(DocumentCommand::Suspects);
    for command in of_suspect.into_iter().chain([DocumentCommand::CopyRows, DocumentCommand::CopyStack]) {
        if ui.add(Button::new(command.title())).clicked() {
            ui.close();
            commands.push(command.into());
        }
    }
}

fn header(ui: &mut Ui, order: (SuspectColumn, bool), column: SuspectColumn) -> Response {
    let sorted = (order.0 == column).then_some(order.1);
    let header = SortHeader { title: column.title(), sorted, is_figure: column.is_figure() };
    header.show(ui).on_hover_text(column.tip())
}

fn cell(ui: &mut Ui, column: SuspectColumn, line: &Line<'_>) {
    let Line { at, suspect, by, faint } = line;
    let palette = Palette::of(ui);
    match column {
        SuspectColumn::Rank => {
            figure(ui, (at + 1).to_string()).on_hover_text(leak_text::attribution::score_help(suspect));
        }
        SuspectColumn::Verdict => {
            let colour = marks::colour(suspect.verdict, palette);
            marks::badge(suspect.verdict).show(ui, colour, palette.canvas);
            let word = RichText::new(suspect.verdict.name()).color(colour);
            ui.add(Label::new(word).truncate().selectable(false)).on_hover_text(suspect.verdict.description());
        }
        SuspectColumn::Tag => {
            let colour = if suspect.tag.is_some() { palette.text } else { palette.dim };
            let tag = leak_text::tag(suspect);
            let text = RichText::new(tag).font(theme::figure_font()).color(colour);
            ui.add(Label::new(text).truncate().selectable(false));
        }
        SuspectColumn::Pool => {
            ui.add(
                Label::new(RichText::new(words::pool(suspect.paged)).color(palette.text)).truncate().selectable(false),
            );
        }
        SuspectColumn::Source => {
            let text = RichText::new(words::source(suspect, *by)).color(palette.text);
            ui.add(Label::new(text).truncate().selectable(false));
        }
        SuspectColumn::Growth => drop(figure(ui, words::per_minute(suspect))),
        SuspectColumn::Size => drop(figure(ui, format::bytes(suspect.evidence.outstanding.bytes))),
        SuspectColumn::Count => drop(figure(ui, format::count(suspect.evidence.outstanding.count))),
        SuspectColumn::Frees => drop(figure(ui, format::count(suspect.evidence.freed.count))),
        SuspectColumn::Confidence => confidence(ui, suspect),
        SuspectColumn::Curve => {
            let size = vec2(ui.available_width() - GRID, ROW_HEIGHT - 2.0 * GRID);
            let name = format!("Outstanding bytes of {} over time", leak_text::tag(suspect));
            let colour =
                if marks::alarming(std::slice::from_ref(suspect)).is_some() { palette.accent } else { palette.dim };
            Sparkline { name: &name, values: &suspect.evidence.bytes_curve, faint: *faint, colour }.show(ui, size);
        }
    }
}

fn figure(ui: &mut Ui, text: String) -> Response {
    let place = ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.add_space(GRID);
        let text = RichText::new(text).font(theme::figure_font()).color(Palette::of(ui).text);
        ui.add(Label::new(text).truncate().selectable(false))
    });
    place.inner
}

/// The share as a bar with its figure on it.
fn confidence(ui: &mut Ui, suspect: &Suspect) {
    let palette = Palette::of(ui);
    let place = ui.available_rect_before_wrap().shrink2(vec2(GRID, 3.0));
    let share = suspect.confidence.clamp(0.0, 1.0) as f32;
    let bar = Rect::from_min_size(place.min, vec2(place.width() * share, place.height()));
    ui.painter().rect_filled(bar, f32::from(theme::RADIUS), palette.share);
    figure(ui, leak_text::confidence(suspect.confidence));
}
