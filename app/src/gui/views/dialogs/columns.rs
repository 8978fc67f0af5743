//! The column chooser: what stands left and right of the bars, and everything else that could, with a search.

use eframe::egui::{Align, Button, CentralPanel, Frame, Id, Label, Layout, Panel, RichText, ScrollArea, TextEdit, Ui};
use poolscope_analysis::pivot::{Metric, Key};

use crate::gui::command::DocumentCommand;
use crate::gui::state::arrangement::Placed;
use crate::gui::state::columns::What;
use crate::gui::state::document::Document;
use crate::gui::state::tips;
use crate::gui::theme::{self, GRID, Palette};
use crate::gui::widgets::pivot_table::Area;

/// Widest that the box gets, and what it leaves of the window beside and below itself, in points.
const WIDTH: f32 = 720.0;
const BESIDE: f32 = 80.0;
const BELOW: f32 = 230.0;
const OFFERED: f32 = 250.0;
/// Least and greatest height of the lists, in points.
const HEIGHT: std::ops::RangeInclusive<f32> = 120.0..=620.0;
/// Room for a column's name, in points.
const NAME: f32 = 130.0;

/// What the user wants of a column.
enum Wish {
    Add(What, Area),
    Move(u32, Area, Option<u32>),
    Remove(u32),
}

/// Draws the box; returns whether to close it.
pub(super) fn show(ui: &mut Ui, document: &mut Document, search: &mut String) -> bool {
    let mut close = false;
    let mut wish = None;
    let window = ui.ctx().content_rect().size();
    let width = WIDTH.min(window.x - BESIDE);
    let height = (window.y - BELOW).clamp(*HEIGHT.start(), *HEIGHT.end());
    ui.set_width(width);
    ui.heading("Columns");
    ui.add_space(GRID);
    let label = ui.weak("Search");
    let field = ui.add(TextEdit::singleline(search).desired_width(f32::INFINITY)).labelled_by(label.id);
    if ui.memory(|memory| memory.focused().is_none()) {
        field.request_focus();
    }
    ui.add_space(GRID);
    ui.allocate_ui(eframe::egui::vec2(width, height), |ui| {
        Panel::left(Id::unique("offered columns"))
            .resizable(false)
            .exact_size(OFFERED)
            .show_separator_line(false)
            .frame(Frame::new())
            .show(ui, |ui| offered(ui, document, search, &mut wish));
        CentralPanel::no_frame()
            .frame(Frame::new().inner_margin(eframe::egui::Margin { left: 24, ..eframe::egui::Margin::ZERO }))
            .show(ui, |ui| standing(ui, document, &mut wish));
    });
    ui.add_space(2.0 * GRID);
    ui.horizontal(|ui| {
        close = ui.button("Done").clicked();
        let reset = DocumentCommand::ResetColumns;
        if ui.add_enabled(document.can(&reset), Button::new(reset.title())).clicked() {
            document.run(&reset);
        }
        if ui.button(DocumentCommand::SavePreset.title()).clicked() {
            document.run(&DocumentCommand::SavePreset);
        }
    });
    match wish {
        Some(Wish::Add(what, area)) => document.add_column(what, area),
        Some(Wish::Move(column, area, before)) => document.move_column(column, area, before),
        Some(Wish::Remove(column)) => document.remove_column(column),
        None => {}
    }
    close
}

fn offered(ui: &mut Ui, document: &Document, search: &str, wish: &mut Option<Wish>) {
    caption(ui, "TO GROUP BY");
    let wanted = search.to_lowercase();
    let fits = |what: What| wanted.is_empty() || what.title().to_lowercase().contains(&wanted);
    ScrollArea::vertical().id_salt("offered").auto_shrink(false).show(ui, |ui| {
        let keys = Key::ALL.iter().map(|key| What::Key(*key)).filter(|what| fits(*what));
        for what in keys {
            offer(ui, document, what, Area::Key, wish);
        }
        ui.add_space(2.0 * GRID);
        caption(ui, "FIGURES");
        let unique = Key::ALL.iter().map(|key| Metric::Unique(*key)).filter(|_| !wanted.is_empty());
        for figure in Metric::named().chain(unique) {
            let what = What::Figure(figure);
            if fits(what) {
                offer(ui, document, what, Area::Data, wish);
            }
        }
        if wanted.is_empty() {
            ui.weak("Search for \"unique\" to count different values.");
        }
    });
}

fn offer(ui: &mut Ui, document: &Document, what: What, area: Area, wish: &mut Option<Wish>) {
    let there = document.arrangement.columns.iter().any(|column| column.what == what);
    let can = !(there && area == Area::Key);
    ui.horizontal(|ui| {
        let title = what.title();
        let add = ui.add_enabled(can, Button::new("Add"));
        add.ctx.accesskit_node_builder(add.id, |node| node.set_label(format!("Add {title}")));
        if add.clicked() {
            *wish = Some(Wish::Add(what, area));
        }
        let text = if there { RichText::new(&title).font(theme::strong_font()) } else { RichText::new(&title) };
        ui.label(text).on_hover_text(tips::of(what));
    });
}

fn standing(ui: &mut Ui, document: &Document, wish: &mut Option<Wish>) {
    let columns = &document.arrangement.columns;
    let areas = [
        (Area::Key, "LEFT OF THE GOLD BAR: GROUP THE ROWS"),
        (Area::Data, "BETWEEN THE BARS: ADDED UP"),
        (Area::Graph, "RIGHT OF THE BLUE BAR: DRAWN"),
    ];
    ScrollArea::vertical().id_salt("standing").auto_shrink(false).show(ui, |ui| {
        for (area, words) in areas {
            caption(ui, words);
            let of_area: Vec<&Placed> = columns.iter().filter(|column| column.area == area).collect();
            if of_area.is_empty() {
                ui.weak("nothing");
            }
            for (at, column) in of_area.iter().enumerate() {
                one(ui, &of_area, at, column, wish);
            }
            ui.add_space(2.0 * GRID);
        }
    });
}

fn one(ui: &mut Ui, of_area: &[&Placed], at: usize, column: &Placed, wish: &mut Option<Wish>) {
    let title = column.what.title();
    ui.horizontal(|ui| {
        let name = Label::new(&title).truncate();
        let size = eframe::egui::vec2(NAME, ui.spacing().interact_size.y);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.set_width(NAME);
            ui.add(name).on_hover_text(tips::of(column.what));
        });
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let mut button = |ui: &mut Ui, words: &str, verb: &str, to: Option<Wish>| {
                let response = ui.add_enabled(to.is_some(), Button::new(words));
                response.ctx.accesskit_node_builder(response.id, |node| node.set_label(format!("{verb} {title}")));
                if response.on_hover_text(format!("{verb} {title}")).clicked() {
                    *wish = to;
                }
            };
            button(ui, "Remove", "Remove", Some(Wish::Remove(column.id)));
            let after = of_area.get(at + 2).map(|column| column.id);
            let down = (at + 1 < of_area.len()).then_some(Wish::Move(column.id, column.area, after));
            button(ui, "Down", "Move down", down);
            let before = at.checked_sub(1).and_then(|at| of_area.get(at)).map(|column| column.id);
            let up = before.map(|before| Wish::Move(column.id, column.area, Some(before)));
            button(ui, "Up", "Move up", up);
            for (area, words, verb) in [
                (Area::Graph, "Draw", "Draw"),
                (Area::Data, "To figures", "Add up"),
                (Area::Key, "To keys", "Group by"),
            ] {
                if area != column.area && column.what.in_area(area).is_ok() {
                    button(ui, words, verb, Some(Wish::Move(column.id, area, None)));
                }
            }
        });
    });
}

fn caption(ui: &mut Ui, text: &str) {
    let colour = Palette::of(ui).dim;
    ui.label(RichText::new(text).font(theme::small_font()).color(colour));
}
