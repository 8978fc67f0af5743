//! The plot: frame, background, grid, axes and transform of `egui_plot`, with the curves as an item of it and selection, marks and
//! crosshair painted over it. The caller passes the visible range in every frame; wheel and drags become actions.

use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align, CursorIcon, Layout, Painter, Pos2, Rect, Response, Sense, Stroke, StrokeKind, Ui, UiBuilder, Vec2,
    WidgetInfo, pos2,
};
use egui_plot::{Plot, PlotResponse};

use super::axes::{Axes, Scale};
use super::draw::SeriesItem;
use super::menu::{self, Extra};
use super::model::{Action, LEAST_SPAN};
use super::{Graph, GraphState, hover, intervals, keys, marks, pattern, select};
use crate::format::axis::exact_time_text;
use crate::gui::theme::Palette;

/// Exponent of the zoom per point of the wheel.
const WHEEL_ZOOM: f64 = 0.004;
const SENSE: Sense = Sense::CLICK.union(Sense::DRAG).union(Sense::FOCUSABLE);

/// The graph, its transform and its colors, shared by everything that is drawn on the plot.
pub(super) struct PlotContext<'a, 'g> {
    pub graph: &'a Graph<'g>,
    pub scale: Scale,
    pub palette: &'static Palette,
}

impl PlotContext<'_, '_> {
    /// The time at a place, limited to the trace.
    pub fn time(&self, x: f32) -> f64 {
        self.scale.time(x).clamp(self.graph.whole.from, self.graph.whole.to)
    }

    /// The time under the pointer, if it is over the plot.
    pub fn hovered(&self, ui: &Ui, response: &Response) -> Option<f64> {
        pointer_over(ui, response).map(|pointer| self.time(pointer.x))
    }
}

/// The place of the pointer over the plot, or over a mark or an edge on it.
fn pointer_over(ui: &Ui, response: &Response) -> Option<Pos2> {
    let pointer = ui.ctx().pointer_latest_pos()?;
    (response.contains_pointer() && response.rect.contains(pointer)).then_some(pointer)
}

/// Draws the plot into `rect`; returns the frame of its data area.
pub(super) fn show(
    ui: &mut Ui,
    rect: Rect,
    graph: &Graph<'_>,
    state: &mut GraphState,
    extra: Extra<'_>,
    actions: &mut Vec<Action>,
) -> Rect {
    let palette = Palette::of(ui);
    let peak = state.drawn.peak(graph.data, graph.kind, graph.view);
    let top = if peak > 0.0 { peak * 1.06 } else { 1.0 };
    let axes = Axes::new(ui.painter(), rect, graph, top);
    let PlotResponse { response, transform, .. } = draw(ui, rect, graph, &axes, state);
    let stage = PlotContext { graph, scale: Scale::from(&transform), palette };
    let name = name(graph);
    response.widget_info(|| WidgetInfo::labeled(Role::Figure, true, &name));
    keys::keys(ui, &response, &stage, state, actions);
    select::pointer(ui, &response, &stage, state, actions);
    wheel(ui, &response, &stage, actions);
    time_axis(ui, rect, &stage, actions);

    let frame = stage.scale.frame;
    let whole = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let inner = ui.painter().with_clip_rect(frame.intersect(ui.clip_rect()));
    axes.paint(&whole, palette, &stage.scale);
    for missing in graph.unrecorded.iter().filter(|part| part.to >= graph.view.from && part.from <= graph.view.to) {
        pattern::hatch_unrecorded(
            &inner,
            frame,
            (stage.scale.x(missing.from), stage.scale.x(missing.to)),
            Some(graph.unrecorded_title),
            palette,
        );
    }
    intervals::paint(&inner, graph.intervals, &stage.scale, palette);
    if let Some(range) = state.selection {
        select::paint(ui, &inner, &stage, range);
    }
    select::edges(ui, &stage, state, actions);
    marks::show(ui, &inner, &stage, state, actions);
    crosshair(ui, &inner, &response, &stage, state);
    let edge = if response.has_focus() { palette.accent } else { palette.line };
    whole.rect_stroke(frame, 0.0, Stroke::new(1.0, edge), StrokeKind::Inside);
    menu::show(ui, &response, &stage, state, extra, actions);
    frame
}

/// Draws the plot with its grid, axes and curves, without input or tooltips of its own.
fn draw(ui: &mut Ui, rect: Rect, graph: &Graph<'_>, axes: &Axes, state: &mut GraphState) -> PlotResponse<()> {
    let palette = Palette::of(ui);
    let id = ui.make_persistent_id("plot");
    let place = UiBuilder::new().scope_id(id).max_rect(rect).layout(Layout::top_down(Align::Min));
    let mut place = ui.new_child(place);
    let visuals = place.visuals_mut();
    visuals.extreme_bg_color = palette.canvas;
    visuals.widgets.noninteractive.bg_stroke = Stroke::NONE;
    let Scale { frame, view, top } = axes.scale;
    // A plot keeps the width of its axes for a frame: each width has an id of its own.
    let plot = Plot::new(("frame", frame.left().to_bits()))
        .width(rect.width())
        .height(rect.height())
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .allow_double_click_reset(false)
        .show_x(false)
        .show_y(false)
        .show_crosshair(false)
        .sense(SENSE);
    let plot = axes.onto(plot, rect, palette);
    let emphasized = state.emphasized;
    let curves = SeriesItem::new(graph, &mut state.drawn, emphasized);
    plot.show(&mut place, move |plot| {
        plot.set_plot_bounds_x(view.from..=if view.span() > 0.0 { view.to } else { view.from + LEAST_SPAN });
        plot.set_plot_bounds_y(0.0..=top);
        plot.add(curves);
    })
}

fn name(graph: &Graph<'_>) -> String {
    let resolution = graph.view.span() / 1000.0;
    let time = |seconds| exact_time_text(seconds, resolution);
    let mut name = format!(
        "{}, {} to {}, {} series",
        graph.data.title,
        time(graph.view.from),
        time(graph.view.to),
        graph.data.series.len()
    );
    for (at, missing) in graph.unrecorded.iter().enumerate() {
        let text = if at == 0 { format!("; {}: ", graph.unrecorded_title.to_lowercase()) } else { ", ".to_owned() };
        name += &format!("{text}{} to {}", time(missing.from), time(missing.to));
    }
    for part in graph.intervals {
        name += &format!("; {}: {} to {}", part.name, time(part.range.from), time(part.range.to));
    }
    name
}

/// Draws the crosshair at the pointer, or at the time cursor while the pointer is elsewhere.
fn crosshair(ui: &Ui, painter: &Painter, response: &Response, stage: &PlotContext<'_, '_>, state: &mut GraphState) {
    if let Some(time) = state.cursor {
        painter.vline(stage.scale.x(time), stage.scale.frame.y_range(), Stroke::new(1.0, stage.palette.accent));
    }
    if state.drag.is_some() || state.held.is_some() || state.mark_drag.is_some() || response.context_menu_opened() {
        return;
    }
    let pointer = pointer_over(ui, response);
    let cursor = state.cursor.filter(|time| stage.scale.view.contains(*time));
    let Some(time) = pointer.map(|pointer| stage.scale.time(pointer.x)).or(cursor) else { return };
    let reduced = state.drawn.reduced(stage.graph.data, stage.graph.kind, &stage.scale);
    hover::show(ui, painter, stage.graph, &stage.scale, reduced, time, pointer);
}

/// Handles the wheel: it zooms at the pointer; with Shift, or sideways, it pans.
fn wheel(ui: &Ui, response: &Response, stage: &PlotContext<'_, '_>, actions: &mut Vec<Action>) {
    let Some(pointer) = pointer_over(ui, response) else {
        return;
    };
    let (delta, pinch) = ui.input(|i| (i.smooth_scroll_delta(), f64::from(i.zoom_delta())));
    let (view, whole) = (stage.graph.view, stage.graph.whole);
    let mut to = view;
    if delta.x != 0.0 {
        to = to.moved(-f64::from(delta.x) * stage.scale.resolution(), whole);
    }
    let factor = (-f64::from(delta.y) * WHEEL_ZOOM).exp() / pinch;
    if (factor - 1.0).abs() > 1e-9 {
        to = to.zoomed(factor, stage.scale.time(pointer.x), whole);
    }
    if to != view && to.span() > 0.0 {
        actions.push(Action::Zoom { to, smooth: true });
    }
    ui.input_mut(|i| i.smooth_scroll_delta = Vec2::ZERO);
}

/// Handles a drag along the time axis, which pans.
fn time_axis(ui: &Ui, rect: Rect, stage: &PlotContext<'_, '_>, actions: &mut Vec<Action>) {
    let frame = stage.scale.frame;
    let strip = Rect::from_min_max(frame.left_bottom(), pos2(frame.right(), rect.bottom()));
    let response = ui.interact(strip, ui.make_persistent_id("time axis"), Sense::DRAG);
    response.widget_info(|| WidgetInfo::labeled(Role::Splitter, true, "Time axis"));
    if response.dragged() {
        select::pan(stage, response.drag_delta().x, actions);
    }
    if response.dragged() || (response.hovered() && stage.graph.view != stage.graph.whole) {
        ui.set_cursor_icon(if response.dragged() { CursorIcon::Grabbing } else { CursorIcon::Grab });
    }
}
