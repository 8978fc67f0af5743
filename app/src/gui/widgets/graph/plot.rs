//! The plot itself: frame, axes, curves, and the order in which all that lies on it is asked and drawn. The caller gives the
//! visible range; the plot keeps none of its own.

use eframe::egui::accesskit::Role;
use eframe::egui::{CursorIcon, Painter, Pos2, Rect, Response, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2};

use super::menu::{self, Extra};
use super::model::Action;
use super::scale::Scale;
use super::{Graph, GraphState, axes, hover, keys, marks, select, words};
use crate::gui::theme::Palette;

/// How much one wheel step of a point zooms.
const WHEEL_ZOOM: f64 = 0.004;
const SENSE: Sense = Sense::CLICK.union(Sense::DRAG).union(Sense::FOCUSABLE);

/// What everything on the plot has to know.
pub(super) struct Stage<'a, 'g> {
    pub graph: &'a Graph<'g>,
    pub scale: Scale,
    pub palette: &'static Palette,
}

impl Stage<'_, '_> {
    /// The time at a place, inside the trace.
    pub fn time(&self, x: f32) -> f64 {
        self.scale.time(x).clamp(self.graph.whole.from, self.graph.whole.to)
    }

    /// The time under the pointer, if that is over the plot.
    pub fn hovered(&self, ui: &Ui, response: &Response) -> Option<f64> {
        pointer_over(ui, response).map(|pointer| self.time(pointer.x))
    }
}

/// Where the pointer is over the plot, or over a mark or an edge that lies on it.
fn pointer_over(ui: &Ui, response: &Response) -> Option<Pos2> {
    let pointer = ui.ctx().pointer_latest_pos()?;
    (response.contains_pointer() && response.rect.contains(pointer)).then_some(pointer)
}

/// Draws the plot into `rect`; returns the frame of its data area.
pub(super) fn show(
    ui: &Ui,
    rect: Rect,
    graph: &Graph<'_>,
    state: &mut GraphState,
    extra: Extra<'_>,
    actions: &mut Vec<Action>,
) -> Rect {
    let palette = Palette::of(ui);
    let peak = state.drawn.peak(graph.data, graph.kind, graph.view);
    let top = if peak > 0.0 { peak * 1.06 } else { 1.0 };
    let bottom = (rect.bottom() - axes::HEIGHT).max(rect.top() + 1.0);
    let values = axes::Values::new(ui, bottom - rect.top(), top, graph.data.unit);
    let left = (rect.left() + values.width).min(rect.right() - 1.0);
    let frame = Rect::from_min_max(pos2(left, rect.top()), pos2(rect.right(), bottom));
    let stage = Stage { graph, scale: Scale { frame, view: graph.view, top }, palette };
    let response = ui.interact(frame, ui.make_persistent_id("plot"), SENSE);
    let name = name(graph);
    response.widget_info(|| WidgetInfo::labeled(Role::Figure, true, &name));
    keys::keys(ui, &response, &stage, state, actions);
    select::pointer(ui, &response, &stage, state, actions);
    wheel(ui, &response, &stage, actions);
    time_axis(ui, rect, &stage, actions);

    let whole = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let inner = ui.painter().with_clip_rect(frame.intersect(ui.clip_rect()));
    inner.rect_filled(frame, 0.0, palette.canvas);
    axes::paint_times(&whole, palette, &stage.scale, rect);
    values.paint(&whole, palette, &stage.scale);
    inner.extend(state.drawn.shapes(ui.ctx(), graph, &stage.scale, state.emphasised));
    if let Some(range) = state.selection {
        select::paint(ui, &inner, &stage, range);
    }
    select::edges(ui, &stage, state, actions);
    marks::show(ui, &inner, &stage, state, actions);
    crosshair(ui, &inner, &response, &stage, state);
    let edge = if response.has_focus() { palette.accent } else { palette.line };
    whole.rect_stroke(frame, 0.0, Stroke::new(1.0, edge), StrokeKind::Inside);
    menu::show(&response, &stage, state, extra, actions);
    frame
}

fn name(graph: &Graph<'_>) -> String {
    let resolution = graph.view.span() / 1000.0;
    format!(
        "{}, {} to {}, {} series",
        graph.data.title,
        words::exact_time_text(graph.view.from, resolution),
        words::exact_time_text(graph.view.to, resolution),
        graph.data.series.len()
    )
}

/// The crosshair at the pointer, or at the time cursor while the pointer is elsewhere.
fn crosshair(ui: &Ui, painter: &Painter, response: &Response, stage: &Stage<'_, '_>, state: &mut GraphState) {
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

/// The wheel zooms at the pointer; with Shift, or sideways, it pans.
fn wheel(ui: &Ui, response: &Response, stage: &Stage<'_, '_>, actions: &mut Vec<Action>) {
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

/// Dragging along the time axis pans.
fn time_axis(ui: &Ui, rect: Rect, stage: &Stage<'_, '_>, actions: &mut Vec<Action>) {
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
