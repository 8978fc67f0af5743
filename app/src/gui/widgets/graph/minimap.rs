//! The strip below the graph: the whole trace in one curve, with the visible range, the selection and the marks. The visible range
//! and its edges can be dragged; a drag elsewhere selects a new one.

use eframe::egui::accesskit::Role;
use eframe::egui::{
    Color32, CursorIcon, EventFilter, Key, Mesh, Modifiers, Rect, Response, Sense, Shape, Stroke, StrokeKind, Ui,
    WidgetInfo, pos2,
};

use super::model::{Action, Overview, Range};
use super::{Graph, GraphState, pattern};
use crate::gui::theme::Palette;

/// Height of the strip, in points.
pub(super) const HEIGHT: f32 = 28.0;
/// Distance from an edge of the visible range within which it can be dragged, in points.
const EDGE: f32 = 5.0;
/// Least width of a drag that selects a visible range, in points.
const LEAST_DRAG: f32 = 3.0;
const SENSE: Sense = Sense::CLICK.union(Sense::DRAG).union(Sense::FOCUSABLE);

/// A drag over the strip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum MinimapDrag {
    /// Of the visible range.
    Move,
    /// Of one edge of the visible range; the value is the time of the other.
    Edge(f64),
    /// Of a new visible range from the first time to the second.
    Draw(f64, f64),
}

/// The strip with the transform between times and places.
struct Strip<'a, 'g> {
    rect: Rect,
    graph: &'a Graph<'g>,
}

impl Strip<'_, '_> {
    fn per_point(&self) -> f64 {
        self.graph.whole.span().max(f64::MIN_POSITIVE) / f64::from(self.rect.width().max(1.0))
    }

    fn x(&self, time: f64) -> f32 {
        self.rect.left() + ((time - self.graph.whole.from) / self.per_point()) as f32
    }

    fn time(&self, x: f32) -> f64 {
        let whole = self.graph.whole;
        (whole.from + f64::from(x - self.rect.left()) * self.per_point()).clamp(whole.from, whole.to)
    }

    fn place(&self, range: Range) -> Rect {
        let left = self.x(range.from);
        Rect::from_x_y_ranges(left..=self.x(range.to).max(left + 2.0), self.rect.y_range())
    }

    /// The drag that begins at `x`.
    fn hold(&self, x: f32) -> MinimapDrag {
        let (view, time) = (self.graph.view, self.time(x));
        let window = self.place(view);
        match () {
            () if view == self.graph.whole => MinimapDrag::Draw(time, time),
            () if (x - window.left()).abs() <= EDGE => MinimapDrag::Edge(view.to),
            () if (x - window.right()).abs() <= EDGE => MinimapDrag::Edge(view.from),
            () if window.x_range().contains(x) => MinimapDrag::Move,
            () => MinimapDrag::Draw(time, time),
        }
    }
}

/// Draws the strip into `rect`.
pub(super) fn show(ui: &Ui, rect: Rect, graph: &Graph<'_>, state: &mut GraphState, actions: &mut Vec<Action>) {
    let strip = Strip { rect, graph };
    let response = ui.interact(rect, ui.make_persistent_id("minimap"), SENSE);
    response.widget_info(|| WidgetInfo::labeled(Role::ScrollBar, true, "Overview of the whole trace"));
    paint(ui, &strip, &response, state);
    drag(ui, &strip, &response, state, actions);
    keys(ui, &strip, &response, actions);
    if response.double_clicked() {
        actions.push(Action::ZoomAll);
    } else if response.clicked()
        && let Some(pointer) = response.interact_pointer_pos()
    {
        let view = graph.view;
        go(&strip, view.moved(strip.time(pointer.x) - view.middle(), graph.whole), false, actions);
    }
}

fn go(strip: &Strip<'_, '_>, to: Range, smooth: bool, actions: &mut Vec<Action>) {
    if to != strip.graph.view && to.span() > 0.0 {
        actions.push(Action::Zoom { to, smooth });
    }
}

fn drag(ui: &Ui, strip: &Strip<'_, '_>, response: &Response, state: &mut GraphState, actions: &mut Vec<Action>) {
    if let Some(pointer) = response.hover_pos() {
        match state.strip_drag.unwrap_or(strip.hold(pointer.x)) {
            MinimapDrag::Edge(_) => ui.set_cursor_icon(CursorIcon::ResizeHorizontal),
            MinimapDrag::Move => ui.set_cursor_icon(CursorIcon::Grab),
            MinimapDrag::Draw(..) => {}
        }
    }
    if response.drag_started() {
        state.strip_drag = ui.input(|i| i.pointer.press_origin()).map(|origin| strip.hold(origin.x));
    }
    if (response.dragged() || response.drag_stopped())
        && let Some(pointer) = response.interact_pointer_pos()
    {
        let time = strip.time(pointer.x);
        match &mut state.strip_drag {
            Some(MinimapDrag::Move) => {
                let by = f64::from(response.drag_delta().x) * strip.per_point();
                go(strip, strip.graph.view.moved(by, strip.graph.whole), true, actions);
            }
            Some(MinimapDrag::Edge(other)) => go(strip, Range::between(*other, time), true, actions),
            Some(MinimapDrag::Draw(_, to)) => *to = time,
            None => {}
        }
    }
    if response.drag_stopped()
        && let Some(MinimapDrag::Draw(from, to)) = state.strip_drag.take()
    {
        let drawn = Range::between(from, to);
        if drawn.span() >= f64::from(LEAST_DRAG) * strip.per_point() {
            go(strip, drawn, false, actions);
        }
    }
}

fn keys(ui: &Ui, strip: &Strip<'_, '_>, response: &Response, actions: &mut Vec<Action>) {
    if !response.has_focus() {
        return;
    }
    let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let (view, whole) = (strip.graph.view, strip.graph.whole);
    let step = view.span() / 10.0;
    let moves = [
        (Key::ArrowLeft, -step),
        (Key::ArrowRight, step),
        (Key::Home, whole.from - view.from),
        (Key::End, whole.to - view.to),
    ];
    for (key, by) in moves {
        if ui.input_mut(|input| input.consume_key(Modifiers::NONE, key)) {
            go(strip, view.moved(by, whole), true, actions);
        }
    }
}

fn paint(ui: &Ui, strip: &Strip<'_, '_>, response: &Response, state: &GraphState) {
    let palette = Palette::of(ui);
    let (rect, graph) = (strip.rect, strip.graph);
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    painter.rect_filled(rect, 2.0, palette.canvas);
    painter.add(curve(strip, graph.overview, palette.other.gamma_multiply(0.6)));
    for missing in graph.unrecorded {
        pattern::hatch_unrecorded(&painter, rect, (strip.x(missing.from), strip.x(missing.to)), None, palette);
    }
    if let Some(range) = state.selection {
        painter.rect_filled(strip.place(range), 0.0, palette.accent.gamma_multiply(0.3));
    }
    for mark in graph.marks {
        let x = strip.x(mark.time);
        painter.extend(Shape::dashed_line(
            &[pos2(x, rect.top()), pos2(x, rect.bottom())],
            Stroke::new(1.0, palette.accent),
            3.0,
            2.0,
        ));
    }
    if graph.view != graph.whole {
        let window = strip.place(graph.view);
        let shade = palette.panel.gamma_multiply(0.7);
        painter.rect_filled(Rect::from_min_max(rect.min, window.left_bottom()), 0.0, shade);
        painter.rect_filled(Rect::from_min_max(window.right_top(), rect.max), 0.0, shade);
        painter.rect_stroke(window, 2.0, Stroke::new(1.5, palette.accent), StrokeKind::Inside);
    }
    if let Some(MinimapDrag::Draw(from, to)) = state.strip_drag {
        let drawn = strip.place(Range::between(from, to));
        painter.rect_filled(drawn, 0.0, palette.accent.gamma_multiply(0.2));
        painter.rect_stroke(drawn, 0.0, Stroke::new(1.0, palette.accent), StrokeKind::Inside);
    }
    let edge = if response.has_focus() { palette.accent } else { palette.line };
    painter.rect_stroke(rect, 2.0, Stroke::new(1.0, edge), StrokeKind::Inside);
}

/// The area under the curve.
fn curve(strip: &Strip<'_, '_>, overview: &Overview, color: Color32) -> Shape {
    let rect = strip.rect;
    let peak = overview.values.iter().copied().fold(0.0, f64::max);
    if peak <= 0.0 || strip.graph.whole.span() <= 0.0 {
        return Shape::Noop;
    }
    let mut mesh = Mesh::default();
    for (time, value) in overview.times.iter().zip(&overview.values) {
        let x = strip.x(*time);
        let y = rect.bottom() - (value.max(0.0) / peak) as f32 * (rect.height() - 4.0);
        mesh.colored_vertex(pos2(x, rect.bottom()), color);
        mesh.colored_vertex(pos2(x, y), color);
    }
    for pair in 1..mesh.vertices.len() as u32 / 2 {
        let at = 2 * pair;
        mesh.add_triangle(at - 2, at - 1, at);
        mesh.add_triangle(at - 1, at, at + 1);
    }
    Shape::mesh(mesh)
}
