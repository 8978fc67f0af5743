//! The graph of a series of snapshots: tags as curves over time, with marks; above it what grows, and where the times come from.

use std::sync::{Arc, Mutex};

use eframe::egui::{Align, DragValue, Id, Label, Layout, RichText, Sense, Ui, UiBuilder, vec2};

use crate::gui::model::snapshot_list::SnapshotList;
use crate::gui::model::snapshot_series::{SeriesState, SeriesView};
use crate::gui::theme::{self, GRID, Palette};
use crate::gui::widgets::graph::{Action, AxisUnit, Graph, GraphData, GraphState, Kind, Mark, Overview, Range, Series};

/// Share of the height that the graph has.
const HEIGHT_SHARE: f32 = 0.42;
/// Least and greatest height of the graph, in points.
const HEIGHT: (f32, f32) = (150.0, 900.0);
/// Most minutes between two snapshots.
const MINUTES_MAX: u64 = 7 * 24 * 60;

/// What the drawn graph follows from.
#[derive(Clone, PartialEq)]
struct Basis {
    number: u64,
    is_dark: bool,
    hidden: Vec<String>,
    marked: Option<String>,
}

/// The graph between two frames.
#[derive(Default)]
struct Drawn {
    basis: Option<Basis>,
    data: Option<GraphData>,
    overview: Overview,
    state: GraphState,
}

/// Draws what grows and the graph.
pub(super) fn show(ui: &mut Ui, page: &mut SnapshotList) {
    let Some(view) = page.series.view.clone() else { return };
    summary(ui, &view);
    if view.times.is_empty() {
        return apart(ui, page);
    }
    let height = (ui.available_height() * HEIGHT_SHARE).clamp(HEIGHT.0, HEIGHT.1);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let mut inside =
        ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::top_down(Align::Min)).id_salt("snapshot graph"));
    let drawn: Arc<Mutex<Drawn>> =
        ui.data_mut(|data| Arc::clone(data.get_temp_mut_or_default(Id::unique("snapshot graph"))));
    // The thread of the window alone draws it.
    if let Ok(mut drawn) = drawn.lock() {
        let actions = graph(&mut inside, page, &view, &mut drawn);
        actions.into_iter().for_each(|action| apply(ui, page, &view, action));
    }
    ui.add_space(GRID);
}

fn summary(ui: &mut Ui, view: &SeriesView) {
    let palette = Palette::of(ui);
    for (at, sentence) in view.sentences.iter().enumerate() {
        let text = RichText::new(format!("{sentence}."));
        let text = if at == 0 { text.font(theme::strong_font()) } else { text };
        ui.add(Label::new(if at == 0 && view.is_growing { text.color(palette.bad) } else { text }).wrap());
    }
    for remark in &view.remarks {
        ui.add(Label::new(RichText::new(format!("{remark}.")).font(theme::small_font()).color(palette.dim)).wrap());
    }
    ui.add_space(GRID);
}

/// The interval between snapshots that have no times.
fn apart(ui: &mut Ui, page: &mut SnapshotList) {
    ui.horizontal_wrapped(|ui| {
        ui.label("These snapshots have no times. Time between two of them:");
        let value = DragValue::new(&mut page.series.minutes_apart).range(0..=MINUTES_MAX).speed(1.0).suffix(" min");
        let field = ui.add(value).on_hover_text("Gives growth per hour, and the graph");
        field.ctx.accesskit_node_builder(field.id, |node| node.set_label("Minutes between snapshots"));
    });
}

fn graph(ui: &mut Ui, page: &SnapshotList, view: &SeriesView, drawn: &mut Drawn) -> Vec<Action> {
    let state = &page.series;
    let Some(length) = state.length() else { return Vec::new() };
    let basis = Basis {
        number: view.number,
        is_dark: ui.visuals().dark_mode,
        hidden: state.hidden.iter().cloned().collect(),
        marked: page.cursor.and_then(|row| page.rows().get(row)).map(|row| row.tag.clone()),
    };
    if drawn.basis.as_ref() != Some(&basis) {
        drawn.data = Some(data(view, state, &basis));
        drawn.overview = Overview { times: view.times.clone(), values: view.total.clone() };
        drawn.basis = Some(basis);
    }
    let Some(data) = &drawn.data else { return Vec::new() };
    let whole = Range { from: 0.0, to: length };
    let visible = state.visible.map_or(whole, |(from, to)| Range { from, to });
    let mark = |(at, time): (usize, &f64)| Mark { time: *time, name: format!("Mark {}", at + 1) };
    let marks: Vec<Mark> = state.marks.iter().enumerate().map(mark).collect();
    let wall_clock = |seconds: f64| state.wall_clock(seconds);
    let graph = Graph {
        view: visible,
        marks: &marks,
        wall_clock: Some(&wall_clock),
        ..Graph::new(data, &drawn.overview, Kind::Lines, whole)
    };
    graph.show(ui, &mut drawn.state)
}

fn data(view: &SeriesView, state: &SeriesState, basis: &Basis) -> GraphData {
    let palette = Palette::for_dark(basis.is_dark);
    let series = view.curves.iter().enumerate().map(|(at, curve)| Series {
        id: at as u64,
        name: curve.name.clone(),
        color: palette.series_color(Some(at)),
        pattern: u8::try_from(at / theme::SERIES_COLORS).unwrap_or(0),
        on: !state.hidden.contains(&curve.name),
        has_row: true,
        marked: basis.marked.as_ref() == Some(&curve.tag),
        values: curve.bytes.clone(),
        extremes: Vec::new(),
    });
    GraphData::new("Allocated bytes by Pool Tag".to_owned(), view.times.clone(), series.collect(), AxisUnit::Bytes)
}

fn apply(ui: &Ui, page: &mut SnapshotList, view: &SeriesView, action: Action) {
    let name = |id: u64| usize::try_from(id).ok().and_then(|at| view.curves.get(at)).map(|curve| curve.name.clone());
    let state = &mut page.series;
    match action {
        // All curves that there are have a legend entry.
        Action::Select(_) | Action::More => {}
        Action::Zoom { to, .. } => state.visible = Some((to.from, to.to)),
        Action::ZoomAll => state.visible = None,
        Action::Toggle(id) => {
            if let Some(name) = name(id)
                && !state.hidden.remove(&name)
            {
                state.hidden.insert(name);
            }
        }
        Action::Solo(id) => {
            let own = name(id);
            state.hidden =
                view.curves.iter().map(|curve| curve.name.clone()).filter(|name| Some(name) != own.as_ref()).collect();
        }
        Action::ShowAll => state.hidden.clear(),
        Action::Reveal(id) => {
            let curve = usize::try_from(id).ok().and_then(|at| view.curves.get(at));
            let row = curve
                .and_then(|curve| page.rows().iter().position(|row| row.tag == curve.tag && row.pool == curve.pool));
            (page.cursor, page.reveal) = (row.or(page.cursor), row.is_some());
        }
        Action::Copy(text) => ui.ctx().copy_text(text),
        Action::AddMark(time) => state.marks.push(time),
        Action::MoveMark { index, to } => state.marks.get_mut(index).into_iter().for_each(|mark| *mark = to),
        Action::RemoveMark(index) if index < state.marks.len() => drop(state.marks.remove(index)),
        Action::RemoveMark(_) => {}
        Action::ClearMarks => state.marks.clear(),
    }
    ui.ctx().request_repaint();
}
