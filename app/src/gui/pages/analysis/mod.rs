//! The graph above the table, each with its bar. The splitter between them can be dragged.

mod filter_bar;
mod find_bar;
mod graph_bar;
mod header_menu;
mod no_events;
mod query_field;
mod row_menu;
mod table_bar;
mod trends;

use eframe::egui::{Align, CursorIcon, Frame, Label, Layout as UiLayout, Margin, Rect, Sense, Stroke, Ui, UiBuilder};

use crate::format;
use crate::gui::commands::table::MenuPlace;
use crate::gui::commands::{Command, DocumentCommand, Menu, WidgetAction};
use crate::gui::document::{Document, Layout, PageState, Widgets};
use crate::gui::icons;
use crate::gui::jobs::document::{PageAnswer, PageWork, Topic};
use crate::gui::model::page_id::PageId;
use crate::gui::model::recording_fix::Fix;
use crate::gui::pages::Page;
use crate::gui::theme::{GRID, Palette};
use crate::gui::widgets::graph::{Graph, GraphState, Mark, Range};
use crate::gui::widgets::pivot_table::{PivotTable, RowId, TableState};
use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::time::LifetimeClass;

/// Least height of graph and table, in points.
const LEAST_HEIGHT: f32 = 140.0;

/// Height of the line in place of the graph, in points.
const NO_GRAPH_HEIGHT: f32 = 44.0;

/// The page.
pub static PAGE: AnalysisPage = AnalysisPage;

/// Graph above table.
pub struct AnalysisPage;

impl Page for AnalysisPage {
    fn id(&self) -> PageId {
        PageId::ANALYSIS
    }

    fn title(&self) -> &'static str {
        "Analysis"
    }

    fn place(&self) -> MenuPlace {
        MenuPlace::new(Menu::View, 0)
    }

    fn selected_frame(&self, document: &Document) -> Option<String> {
        document.cursor_frame()
    }

    fn new_state(&self) -> Box<dyn PageState> {
        Box::new(())
    }

    fn has_details(&self) -> bool {
        true
    }

    fn has_banners(&self) -> bool {
        true
    }

    fn update(&self, document: &mut Document) {
        document.ask_for_trends();
    }

    fn work(&self, document: &mut Document, _job: &'static str) -> Option<PageWork> {
        let request = document.trends_request()?;
        Some(Box::new(move |cancel| Some(Box::new(trends::run(&request, cancel)?))))
    }

    fn apply(&self, document: &mut Document, _job: &'static str, answer: PageAnswer) {
        if let Ok(answer) = answer.downcast::<trends::TrendsAnswer>() {
            document.apply_trends(*answer);
        }
    }

    fn job_failed(&self, _document: &mut Document, _job: &'static str) -> &'static str {
        "the trends of the rows"
    }

    fn show(&self, ui: &mut Ui, document: &Document, widgets: &mut Widgets, commands: &mut Vec<Command>) {
        if document.has_allocations() {
            show(ui, document, widgets, commands);
        } else {
            no_events::show(ui, document, commands);
        }
    }
}

/// Draws graph and table.
fn show(ui: &mut Ui, document: &Document, widgets: &mut Widgets, commands: &mut Vec<Command>) {
    match document.ui.layout {
        Layout::Graph => graph_panel(ui, document, &mut widgets.graph, commands),
        Layout::Table => table(ui, document, widgets, commands),
        Layout::Both => both(ui, document, widgets, commands),
    }
}

/// The graph has its share of the height, whatever the window's size; without times, a line says why there is none.
fn both(ui: &mut Ui, document: &Document, widgets: &mut Widgets, commands: &mut Vec<Command>) {
    let whole = ui.available_rect_before_wrap();
    if !document.trace.has_times() {
        let (above, below) = whole.split_top_bottom_at_y(whole.top() + NO_GRAPH_HEIGHT);
        part(ui, "graph", above, |ui| graph_panel(ui, document, &mut widgets.graph, commands));
        part(ui, "table", below, |ui| table(ui, document, widgets, commands));
        ui.advance_cursor_after_rect(whole);
        return;
    }
    let most = (whole.height() - LEAST_HEIGHT).max(LEAST_HEIGHT);
    let height = (whole.height() * widgets.graph_share).clamp(LEAST_HEIGHT, most);
    let (above, below) = whole.split_top_bottom_at_y(whole.top() + height);
    part(ui, "graph", above, |ui| graph_panel(ui, document, &mut widgets.graph, commands));
    part(ui, "table", below, |ui| table(ui, document, widgets, commands));
    let line = above.bottom();
    let grip = Rect::from_x_y_ranges(whole.x_range(), line - 3.0..=line + 3.0);
    let response = ui.interact(grip, ui.scope_id().with("splitter"), Sense::DRAG);
    let palette = Palette::of(ui);
    let lit = response.hovered() || response.dragged();
    let color = if lit { palette.accent } else { palette.line };
    ui.painter().hline(whole.x_range(), line, Stroke::new(if lit { 2.0 } else { 1.0 }, color));
    if lit {
        ui.ctx().set_cursor_icon(CursorIcon::ResizeVertical);
    }
    if response.dragged() {
        widgets.graph_share = ((height + response.drag_delta().y) / whole.height().max(1.0)).clamp(0.1, 0.9);
    }
    ui.advance_cursor_after_rect(whole);
}

fn part(ui: &mut Ui, name: &str, rect: Rect, draw: impl FnOnce(&mut Ui)) {
    ui.scope_builder(UiBuilder::new().id_salt(name).max_rect(rect), |ui| {
        ui.set_clip_rect(rect.intersect(ui.clip_rect()));
        draw(ui);
    });
}

fn graph_panel(ui: &mut Ui, document: &Document, state: &mut GraphState, commands: &mut Vec<Command>) {
    let margin = Margin { left: 8, right: 8, top: 4, bottom: 8 };
    Frame::new().fill(Palette::of(ui).panel).inner_margin(margin).show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        graph(ui, document, state, commands);
    });
}

fn graph(ui: &mut Ui, document: &Document, state: &mut GraphState, commands: &mut Vec<Command>) {
    if !document.trace.has_times() {
        let message =
            "No times in a debugger log: there are no curves. The table shows what has no free in the log (AIFO).";
        ui.centered_and_justified(|ui| ui.weak(message));
        return;
    }
    graph_bar::show(ui, document, commands);
    if let Some(why) = &document.results.curves_error {
        ui.colored_label(Palette::of(ui).bad, format!("The graph cannot be drawn: {why}"));
        return;
    }
    let whole = document.whole();
    let Some(data) = &document.results.graph_data else {
        let message = match document.query.columns.graphed() {
            Some(_) => "Computing the graph",
            None => "Drag Size, Count or an impacting column across the blue bar to graph it",
        };
        ui.centered_and_justified(|ui| ui.weak(message));
        return;
    };
    let clock = document.trace.clock;
    let wall_clock = |seconds: f64| format::wall_clock(&clock, clock.ticks(seconds));
    let mark = |(at, time): (usize, &poolscope_analysis::trace::time::Ticks)| Mark {
        time: clock.seconds(*time),
        name: format!("generation {}", at + 2),
    };
    let marks: Vec<Mark> = document.query.marks.iter().enumerate().map(mark).collect();
    let note = selection_note(document);
    let unrecorded = unrecorded(&document.trace);
    let graph = Graph {
        view: document.visible_range(),
        dimmed: document.waits(Topic::Curves),
        marks: &marks,
        unrecorded: &unrecorded,
        wall_clock: Some(&wall_clock),
        selection_note: note.as_deref(),
        ..Graph::new(data, &document.results.overview, document.ui.curve_style, whole)
    };
    let actions = graph.show(ui, state);
    commands.extend(actions.into_iter().map(|action| WidgetAction::Graph(action).into()));
}

/// Parts of a trace's time that were not recorded, or not wholly.
fn unrecorded(trace: &Trace) -> Vec<Range> {
    let recorded = &trace.recorded;
    let range = |from, to| Range { from: trace.clock.seconds(from), to: trace.clock.seconds(to) };
    let (whole, there) = (trace.extent, recorded.range);
    // The time before the first record of a complete recording was not a part of it.
    let before = recorded.start_missing.then(|| range(whole.from, there.from));
    let behind = recorded.end_missing.then(|| range(there.to, whole.to));
    let holes = recorded
        .holes
        .iter()
        .filter(|hole| hole.is_gap())
        .take(MOST_HOLES)
        .map(|hole| range(hole.range.from, hole.range.to));
    before.into_iter().chain(holes).chain(behind).filter(|part| part.to > part.from).collect()
}

/// Upper bound on the holes of a recording that are hatched.
const MOST_HOLES: usize = 64;

/// Sums of the selected range, by type.
fn selection_note(document: &Document) -> Option<Vec<String>> {
    document.ui.graph.selection()?;
    let totals = document.results.totals.as_ref()?;
    let line = |(kind, cost): &(String, poolscope_analysis::pivot::Aggregate)| {
        format!(
            "{kind} {} in {}",
            format::bytes(cost.size()),
            format::counted(cost.count(), "allocation", "allocations")
        )
    };
    let mut lines: Vec<String> = totals.by_type.iter().map(line).collect();
    let of = |kinds: [LifetimeClass; 2]| {
        let sizes = totals.by_type.iter().filter(|(kind, _)| kinds.iter().any(|one| one.name() == kind));
        sizes.map(|(_, cost)| cost.size()).fold(0_u64, u64::saturating_add)
    };
    let net = totals.total.net_size();
    let sign = if net < 0 { "-" } else { "+" };
    let net = format::bytes(u64::try_from(net.unsigned_abs()).unwrap_or(u64::MAX));
    lines.push(format!(
        "allocated {}, freed {}, net {sign}{net}",
        format::bytes(of([LifetimeClass::Aifi, LifetimeClass::Aifo])),
        format::bytes(of([LifetimeClass::Aifi, LifetimeClass::Aofi])),
    ));
    Some(lines)
}

fn table(ui: &mut Ui, document: &Document, widgets: &mut Widgets, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let margin = Margin { left: 8, right: 8, top: 4, bottom: 4 };
    Frame::new().fill(palette.panel).inner_margin(margin).show(ui, |ui| {
        ui.set_width(ui.available_width());
        table_bar::show(ui, document, &mut widgets.query_box, commands);
        filter_bar::show(ui, document, commands);
        if widgets.finder.open {
            find_bar::show(ui, document, &mut widgets.finder, commands);
        }
        if document.lacks_stacks() {
            no_stacks(ui, document, commands);
        }
    });
    let is_empty = document.results.rows.as_ref().map(|rows| rows.flat().is_empty());
    match is_empty {
        Some(true) if document.query.filter.steps().is_empty() => nothing_in_view(ui, document, commands),
        Some(true) => nothing_left(ui, document, commands),
        Some(false) => rows(ui, document, &mut widgets.table, commands),
        None => {
            ui.centered_and_justified(|ui| ui.weak("Grouping allocations"));
        }
    }
}

fn rows(ui: &mut Ui, document: &Document, state: &mut TableState, commands: &mut Vec<Command>) {
    let dimmed = document.waits(Topic::Table);
    let frozen = document.query.columns.frozen;
    let mut changes = Vec::new();
    let menus = header_menu::Choices::of(document);
    let offers = row_menu::Offers::of(document);
    let mut of_header = |ui: &mut Ui, column: Option<u32>| header_menu::show(ui, &menus, column, &mut changes);
    let mut of_row = |ui: &mut Ui, _: RowId| row_menu::show(ui, &offers, commands);
    let tip = state.hovered().and_then(|row| Some((row, document.frame_tip(row)?)));
    let Some(rows) = &document.results.rows else { return };
    let actions = PivotTable::new("Allocations", rows, state)
        .dimmed(dimmed)
        .frozen(frozen)
        .tip(tip.as_ref().map(|(row, text)| (*row, text.as_str())))
        .header_menu(&mut of_header)
        .row_menu(&mut of_row)
        .show(ui);
    commands.extend(actions.into_iter().map(|action| WidgetAction::Table(action).into()));
    commands.extend(changes);
}

/// A view in which nothing lives.
fn nothing_in_view(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    way_out(
        ui,
        document,
        "No allocations in the visible range.",
        &[DocumentCommand::ZoomBack, DocumentCommand::ZoomAll],
        commands,
    );
}

/// A filter that leaves nothing.
fn nothing_left(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let ways = [DocumentCommand::Undo, DocumentCommand::FilterClear, DocumentCommand::ZoomAll];
    way_out(ui, document, "No allocations in the visible range match the filter.", &ways, commands);
}

fn way_out(ui: &mut Ui, document: &Document, message: &str, ways: &[DocumentCommand], commands: &mut Vec<Command>) {
    ui.with_layout(UiLayout::top_down(Align::Center), |ui| {
        ui.add_space((ui.available_height() * 0.3).max(GRID));
        ui.label(message);
        ui.add_space(2.0 * GRID);
        for command in ways.iter().filter(|command| document.can(command)) {
            if ui.button(command.title()).clicked() {
                commands.push(command.clone().into());
            }
        }
    });
}

/// A line above a table whose stacks are all empty: why, and how to get them.
fn no_stacks(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    ui.horizontal(|ui| {
        icons::status_dot(ui, 8.0, palette.warn);
        ui.with_layout(UiLayout::right_to_left(Align::Center), |ui| {
            if ui.button(Fix::NoStacks.title()).clicked() {
                commands.push(document.record_again(Fix::NoStacks));
            }
            ui.with_layout(UiLayout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new("Recorded without stacks: the allocating code is unknown.").truncate());
            });
        });
    });
}
