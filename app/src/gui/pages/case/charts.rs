//! The curves of a case: one graph for each unit and piece of evidence, those of one time axis below each other. They share visible
//! range, selection, cursor and marks.

use std::collections::BTreeMap;

use eframe::egui::{Align, Label, Layout, RichText, ScrollArea, Sense, Ui, UiBuilder, vec2};

use crate::case::text::with_full_stop;
use crate::gui::model::case::{AxisState, CaseView};
use crate::gui::model::case_timeline::{Panel, TimeAxis};
use crate::gui::theme::{self, GRID, Palette};
use crate::gui::widgets::graph::{Action, Graph, GraphData, GraphState, Interval, Kind, Mark, Overview, Range, Series};

/// Least and greatest height of a graph, in points.
const HEIGHT: (f32, f32) = (124.0, 420.0);
/// Height of the strip with the whole time range below the last graph of an axis, in points.
const STRIP: f32 = 32.0;
/// Height of the title of a graph with the distances around it, in points.
const TITLE: f32 = 22.0;
/// Width of the axis of values of all graphs, so that their times are below each other, in points.
const AXIS_WIDTH: f32 = 72.0;

/// Inputs of a drawn graph: a change of one draws it anew.
#[derive(Clone, PartialEq)]
struct Basis {
    is_dark: bool,
    hidden: Vec<String>,
}

/// A graph between two frames.
#[derive(Default)]
struct Drawn {
    basis: Option<Basis>,
    data: Option<GraphData>,
    overview: Overview,
    state: GraphState,
}

/// The graphs between two frames, by axis and panel.
type DrawnGraphs = BTreeMap<(usize, usize), Drawn>;

/// Draws all time axes.
pub(super) fn show(ui: &mut Ui, view: &mut CaseView) {
    let timeline = std::sync::Arc::clone(&view.timeline);
    let palette = Palette::of(ui);
    let kept = view.drawn.take().and_then(|kept| kept.downcast::<DrawnGraphs>().ok());
    let mut drawn = kept.unwrap_or_default();
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for remark in &timeline.remarks {
            let text = RichText::new(with_full_stop(remark)).font(theme::small_font()).color(palette.warn);
            ui.add(Label::new(text).wrap());
        }
        if timeline.axes.is_empty() {
            ui.weak("No curve can be drawn from this evidence.");
        }
        let count: usize = timeline.axes.iter().map(|axis| axis.panels.len()).sum();
        let room = ui.available_height() - timeline.axes.len() as f32 * (STRIP + TITLE) - count as f32 * TITLE;
        let height = (room / count.max(1) as f32).floor().clamp(HEIGHT.0, HEIGHT.1);
        for (at, axis) in timeline.axes.iter().enumerate() {
            let title = RichText::new(&axis.title).font(theme::strong_font());
            ui.add(Label::new(title).truncate());
            for number in 0..axis.panels.len() {
                graph(ui, view, (at, axis), number, height, &mut drawn);
            }
            ui.add_space(GRID);
        }
    });
    view.drawn = Some(drawn);
}

/// Draws one graph and carries out what the user asked for.
fn graph(
    ui: &mut Ui,
    view: &mut CaseView,
    (at, axis): (usize, &TimeAxis),
    number: usize,
    height: f32,
    drawn: &mut DrawnGraphs,
) {
    let Some((panel, state)) = axis.panels.get(number).zip(view.axes.get(at).cloned()) else { return };
    let small = RichText::new(&panel.title).font(theme::small_font()).color(Palette::of(ui).dim);
    ui.add(Label::new(small).truncate());
    let has_overview = number + 1 == axis.panels.len();
    let height = if has_overview { height + STRIP } else { height };
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let salt = ("case graph", at, number);
    let mut inside = ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::top_down(Align::Min)).id_salt(salt));
    let drawn = drawn.entry((at, number)).or_default();
    let hidden = state.hidden.iter().filter(|(of, _)| *of == number).map(|(_, name)| name.clone());
    let basis = Basis { is_dark: ui.visuals().dark_mode, hidden: hidden.collect() };
    if drawn.basis.as_ref() != Some(&basis) {
        drawn.data = Some(data(panel, &basis));
        // The strip is about all graphs above it: it has the curves of the first.
        drawn.overview = axis.panels.first().map(|first| overview(first)).unwrap_or_default();
        drawn.basis = Some(basis);
    }
    let Some(data) = &drawn.data else { return };
    let range = |(from, to)| Range { from, to };
    let whole = range(axis.range);
    let mark = |(at, time): (usize, &f64)| Mark { time: *time, name: format!("Mark {}", at + 1) };
    let marks: Vec<Mark> = state.marks.iter().enumerate().map(mark).collect();
    // A trace shades its part in the graphs of the other evidence; its own graph is that part.
    let intervals: Vec<Interval> = axis
        .recorded
        .iter()
        .filter(|part| part.piece != panel.piece)
        .map(|part| Interval { range: range(part.range), name: part.name.clone() })
        .collect();
    let before_restart = panel.restart.map(|restart| Range { from: axis.range.0, to: restart });
    let wall_clock = |seconds: f64| view.wall_clock(at, seconds);
    drawn.state.select(state.selection.map(range));
    drawn.state.set_cursor(state.cursor);
    let graph = Graph {
        view: state.visible.map_or(whole, range),
        marks: &marks,
        intervals: &intervals,
        unrecorded: before_restart.as_slice(),
        unrecorded_title: "Before the restart of Windows",
        wall_clock: Some(&wall_clock),
        has_overview,
        least_axis_width: AXIS_WIDTH,
        ..Graph::new(data, &drawn.overview, Kind::Lines, whole)
    };
    let actions = graph.show(&mut inside, &mut drawn.state);
    let selection = drawn.state.selection().map(|range| (range.from, range.to));
    let cursor = drawn.state.cursor();
    let Some(own) = view.axes.get_mut(at) else { return };
    if (own.selection, own.cursor) != (selection, cursor) {
        (own.selection, own.cursor) = (selection, cursor);
        ui.ctx().request_repaint();
    }
    actions.into_iter().for_each(|action| apply(ui, own, (number, panel), action));
}

fn data(panel: &Panel, basis: &Basis) -> GraphData {
    let palette = Palette::for_dark(basis.is_dark);
    let series = panel.curves.iter().enumerate().map(|(at, curve)| Series {
        id: at as u64,
        name: curve.name.clone(),
        color: palette.series_color(Some(at)),
        pattern: u8::try_from(at / theme::SERIES_COLORS).unwrap_or(0),
        on: !basis.hidden.contains(&curve.name),
        has_row: true,
        marked: false,
        values: curve.values.clone(),
        extremes: curve.extremes.clone(),
    });
    GraphData::new(panel.title.clone(), panel.times.clone(), series.collect(), panel.unit)
}

/// The sum of all curves.
fn overview(panel: &Panel) -> Overview {
    let sum = |at: usize| panel.curves.iter().filter_map(|curve| curve.values.get(at)).sum();
    Overview { times: panel.times.clone(), values: (0..panel.times.len()).map(sum).collect() }
}

fn apply(ui: &Ui, state: &mut AxisState, (number, panel): (usize, &Panel), action: Action) {
    let name = |id: u64| usize::try_from(id).ok().and_then(|at| panel.curves.get(at)).map(|curve| curve.name.clone());
    match action {
        // All curves that there are have a legend entry, and no row.
        Action::More | Action::Reveal(_) => {}
        Action::Select(range) => state.selection = range.map(|range| (range.from, range.to)),
        Action::Zoom { to, .. } => state.visible = Some((to.from, to.to)),
        Action::ZoomAll => state.visible = None,
        Action::Toggle(id) => {
            if let Some(name) = name(id)
                && !state.hidden.remove(&(number, name.clone()))
            {
                state.hidden.insert((number, name));
            }
        }
        Action::Solo(id) => {
            let own = name(id);
            state.hidden.retain(|(of, _)| *of != number);
            let others = panel.curves.iter().map(|curve| curve.name.clone()).filter(|name| Some(name) != own.as_ref());
            state.hidden.extend(others.map(|name| (number, name)));
        }
        Action::ShowAll => state.hidden.retain(|(of, _)| *of != number),
        Action::Copy(text) => ui.ctx().copy_text(text),
        Action::AddMark(time) => state.marks.push(time),
        Action::MoveMark { index, to } => state.marks.get_mut(index).into_iter().for_each(|mark| *mark = to),
        Action::RemoveMark(index) if index < state.marks.len() => drop(state.marks.remove(index)),
        Action::RemoveMark(_) => {}
        Action::ClearMarks => state.marks.clear(),
    }
    ui.ctx().request_repaint();
}
