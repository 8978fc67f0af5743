//! The plot itself: series, axes, selection, hover, and the moves in time. The caller gives the visible range; the
//! plot keeps none of its own.

use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align2, Color32, Painter, Pos2, Rect, Response, Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};
use egui_plot::{
    AxisHints, Bar, BarChart, FilledArea, GridInput, GridMark, Line, Plot, PlotPoint, PlotPoints, PlotTransform, PlotUi,
};

use super::math;
use super::model::{Action, Kind, Range, Stack};
use super::{Graph, GraphState};
use crate::gui::theme::{self, GRID, Palette};

/// Opacity of series that are old.
const OLD: f32 = 0.35;
/// How near a line the pointer must be, in points.
const REACH: f32 = 24.0;
/// Most bars across the graph.
const BARS: usize = 60;
/// How much one wheel step of a point zooms.
const WHEEL_ZOOM: f64 = 0.004;
/// A drag narrower than this selects nothing, in points.
const LEAST_DRAG: f32 = 3.0;
/// Width kept for the labels of the value axis.
const AXIS_WIDTH: f32 = 64.0;

/// Draws the plot into `rect`; returns the frame of its data area.
pub(super) fn show(
    ui: &mut Ui,
    rect: Rect,
    graph: &Graph<'_>,
    state: &mut GraphState,
    actions: &mut Vec<Action>,
) -> Rect {
    let palette = Palette::of(ui);
    let view = graph.view;
    let peak = math::largest(graph.data, graph.kind, view.from, view.to);
    let top = if peak > 0.0 { peak * 1.06 } else { 1.0 };
    let emphasised = state.emphasised;
    let out = ui
        .scope_builder(UiBuilder::new().id_salt("plot").max_rect(rect), |ui| {
            ui.style_mut().visuals.extreme_bg_color = palette.canvas;
            plot(graph, palette, rect, top).show(ui, |plot| {
                plot.set_plot_bounds_x(view.from..=view.to.max(view.from + 1e-9));
                plot.set_plot_bounds_y(0.0..=top);
                draw(plot, graph, emphasised);
            })
        })
        .inner;
    let response = out.response;
    let name = format!(
        "{}, {} to {}, {} series",
        graph.data.title,
        math::time_text(view.from, 0.0),
        math::time_text(view.to, 0.0),
        graph.data.series.len()
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Figure, true, &name));
    select(ui, &response, &out.transform, graph, state, actions);
    wheel(ui, &response, &out.transform, graph, actions);
    let frame = *out.transform.frame();
    let painter = ui.painter().with_clip_rect(frame.intersect(ui.clip_rect()));
    shade(&painter, palette, &out.transform, state.selection);
    if state.drag_from.is_none() {
        hover(ui, &painter, &response, &out.transform, graph);
    }
    frame
}

fn plot<'a>(graph: &Graph<'a>, palette: &Palette, rect: Rect, top: f64) -> Plot<'a> {
    let unit = graph.data.unit;
    let x_marks = f64::from(rect.width() / 96.0);
    let y_marks = f64::from(rect.height() / 36.0).max(2.0);
    let left = graph.view.from;
    let x_step = math::round_step(graph.view.span(), x_marks, None);
    let y_step = math::round_step(top, y_marks, Some(unit));
    let at = move |step: f64| {
        move |input: GridInput| -> Vec<GridMark> {
            let (low, high) = input.bounds;
            math::marks(low, high, step).into_iter().map(|value| GridMark { value, step_size: step }).collect()
        }
    };
    let x_axis = AxisHints::new_x()
        .formatter(move |mark: GridMark, _| {
            // At the very edge it would run into the value axis.
            if mark.value - left < x_step * 0.2 { String::new() } else { math::time_text(mark.value, x_step) }
        })
        .tick_label_color(palette.dim)
        .tick_label_font(theme::small_font());
    let y_axis = AxisHints::new_y()
        .formatter(move |mark: GridMark, _| math::value_text(mark.value, y_step, unit))
        .min_thickness(AXIS_WIDTH)
        .tick_label_color(palette.dim)
        .tick_label_font(theme::small_font());
    Plot::new("time graph")
        .width(rect.width())
        .height(rect.height())
        .custom_x_axes(vec![x_axis])
        .custom_y_axes(vec![y_axis])
        .x_grid_spacer(at(x_step))
        .y_grid_spacer(at(y_step))
        .grid_color(palette.grid)
        .grid_fade(0.0)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .allow_double_click_reset(false)
        .show_x(false)
        .show_y(false)
        .label_formatter(|_| None)
        .set_margin_fraction(vec2(0.0, 0.0))
        .sense(Sense::CLICK | Sense::DRAG)
}

fn colour_of(graph: &Graph<'_>, at: usize, emphasised: Option<usize>) -> Color32 {
    let colour = graph.data.series.get(at).map_or(Color32::GRAY, |s| s.colour);
    let back = emphasised.is_some_and(|e| e != at);
    colour.gamma_multiply(if graph.dimmed || back { OLD } else { 1.0 })
}

fn draw<'a>(plot: &mut PlotUi<'a>, graph: &Graph<'a>, emphasised: Option<usize>) {
    let data = graph.data;
    match graph.kind {
        Kind::Areas => {
            for (at, low, high) in &data.stack.layers {
                let colour = colour_of(graph, *at, emphasised);
                let area = FilledArea::new(data.series[*at].name.clone(), &data.stack.times, low, high)
                    .id(data.series[*at].id)
                    .allow_hover(false)
                    .fill_color(colour.gamma_multiply(0.75))
                    .stroke(Stroke::new(1.0, colour));
                plot.add(area);
            }
        }
        Kind::Bars => bars(plot, graph, emphasised),
        Kind::Lines => {
            // Smallest first, so that the largest lies on top.
            for (at, (series, line)) in data.series.iter().zip(&data.lines).enumerate().rev().filter(|(_, l)| l.0.on) {
                let wide = emphasised == Some(at);
                let line = Line::new(series.name.clone(), PlotPoints::Borrowed(line))
                    .id(series.id)
                    .allow_hover(false)
                    .stroke(Stroke::new(if wide { 2.5 } else { 1.5 }, colour_of(graph, at, emphasised)));
                plot.line(line);
            }
        }
    }
}

/// Bars: the time cut into stretches, each showing the moment of its greatest sum.
fn bars(plot: &mut PlotUi<'_>, graph: &Graph<'_>, emphasised: Option<usize>) {
    let Stack { times, layers } = &graph.data.stack;
    let (Some(first), Some(last), Some((.., top))) = (times.first(), times.last(), layers.last()) else {
        return;
    };
    let count = BARS.min(times.len());
    let width = (last - first) / count as f64;
    let highest = |n: usize| {
        let stretch = n * times.len() / count..(n + 1) * times.len() / count;
        stretch.max_by(|a, b| top[*a].total_cmp(&top[*b])).unwrap_or(0)
    };
    let moments: Vec<usize> = (0..count).map(highest).collect();
    for (at, low, high) in layers {
        let colour = colour_of(graph, *at, emphasised);
        let bars = moments.iter().enumerate().map(|(n, moment)| {
            let middle = first + width * (n as f64 + 0.5);
            let (low, high) = (low[*moment], high[*moment]);
            Bar::new(middle, high - low).base_offset(low).width(width * 0.84).fill(colour).stroke(Stroke::NONE)
        });
        let chart = BarChart::new(graph.data.series[*at].name.clone(), bars.collect())
            .id(graph.data.series[*at].id)
            .allow_hover(false)
            .color(colour);
        plot.bar_chart(chart);
    }
}

fn select(
    ui: &Ui,
    response: &Response,
    transform: &PlotTransform,
    graph: &Graph<'_>,
    state: &mut GraphState,
    actions: &mut Vec<Action>,
) {
    let time = |pos: Pos2| transform.value_from_position(pos).x.clamp(graph.whole.from, graph.whole.to);
    let pointer = response.interact_pointer_pos();
    if response.drag_started()
        && let Some(origin) = ui.input(|i| i.pointer.press_origin())
    {
        state.drag_from = Some(time(origin));
    }
    if let (Some(from), Some(pos)) = (state.drag_from, pointer)
        && (response.dragged() || response.drag_stopped())
    {
        let range = Range::between(from, time(pos));
        let least = f64::from(LEAST_DRAG) / transform.dpos_dvalue_x().abs();
        state.selection = (range.span() >= least).then_some(range);
    }
    if response.drag_stopped() {
        state.drag_from = None;
        actions.push(Action::Select(state.selection));
    }
    let inside = pointer.is_some_and(|pos| state.selection.is_some_and(|s| s.contains(time(pos))));
    if response.double_clicked() {
        match state.selection.filter(|_| inside) {
            Some(to) => actions.push(Action::Zoom { to, smooth: false }),
            None => actions.push(Action::ZoomAll),
        }
        state.selection = None;
        actions.push(Action::Select(None));
    } else if response.clicked() && !inside && state.selection.take().is_some() {
        actions.push(Action::Select(None));
    }
}

fn wheel(ui: &Ui, response: &Response, transform: &PlotTransform, graph: &Graph<'_>, actions: &mut Vec<Action>) {
    let Some(pointer) = response.hover_pos() else {
        return;
    };
    let (delta, pinch) = ui.input(|i| (i.smooth_scroll_delta(), f64::from(i.zoom_delta())));
    let centre = transform.value_from_position(pointer).x;
    let mut to = graph.view;
    if delta.x != 0.0 {
        to = to.moved(-f64::from(delta.x) / transform.dpos_dvalue_x(), graph.whole);
    }
    let factor = (-f64::from(delta.y) * WHEEL_ZOOM).exp() / pinch;
    if (factor - 1.0).abs() > 1e-9 {
        to = to.zoomed(factor, centre, graph.whole);
    }
    if to != graph.view && to.span() > 0.0 {
        actions.push(Action::Zoom { to, smooth: true });
    }
    ui.input_mut(|i| i.smooth_scroll_delta = eframe::egui::Vec2::ZERO);
}

fn shade(painter: &Painter, palette: &Palette, transform: &PlotTransform, selection: Option<Range>) {
    let Some(range) = selection else { return };
    let frame = transform.frame();
    let x = |time: f64| transform.position_from_point_x(time);
    let rect = Rect::from_x_y_ranges(x(range.from)..=x(range.to), frame.y_range());
    painter.rect_filled(rect, 0.0, palette.accent.gamma_multiply(0.14));
    for edge in [rect.left(), rect.right()] {
        painter.vline(edge, frame.y_range(), Stroke::new(1.0, palette.accent));
    }
    let text = format!(
        "{} to {} ({})",
        math::time_text(range.from, 0.0),
        math::time_text(range.to, 0.0),
        math::time_text(range.span(), 0.0)
    );
    let galley = painter.layout_no_wrap(text, theme::small_font(), palette.text);
    let size = galley.size() + vec2(2.0 * GRID, GRID);
    let left = (rect.center().x - size.x / 2.0).clamp(frame.left(), (frame.right() - size.x).max(frame.left()));
    let label = Rect::from_min_size(pos2(left, frame.top() + GRID), size);
    painter.rect_filled(label, 3.0, palette.panel);
    painter.galley(label.min + vec2(GRID, GRID / 2.0), galley, palette.text);
}

fn hover(ui: &Ui, painter: &Painter, response: &Response, transform: &PlotTransform, graph: &Graph<'_>) {
    let Some(pointer) = response.hover_pos() else {
        return;
    };
    let palette = Palette::of(ui);
    let frame = transform.frame();
    let point = transform.value_from_position(pointer);
    painter.vline(pointer.x, frame.y_range(), Stroke::new(1.0, palette.faint));
    let data = graph.data;
    let reach = f64::from(REACH) / transform.dpos_dvalue_y().abs();
    let found = math::hit(data, graph.kind, point.x, point.y, reach).and_then(|i| data.series.get(i));
    let (Some(series), Some(at)) = (found, math::nearest(&data.times, point.x)) else {
        let time = math::time_text(point.x, 0.0);
        let place = pos2(pointer.x + GRID, frame.top() + GRID);
        painter.text(place, Align2::LEFT_TOP, time, theme::small_font(), palette.dim);
        return;
    };
    let value = series.values.get(at).copied().unwrap_or_default();
    if graph.kind == Kind::Lines {
        let dot = transform.position_from_point(&PlotPoint::new(data.times[at], value));
        painter.circle(dot, 3.5, series.colour, Stroke::new(1.5, palette.canvas));
    }
    response.clone().on_hover_ui_at_pointer(|ui| {
        ui.horizontal(|ui| {
            let (square, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::HOVER);
            ui.painter().rect_filled(square, 2.0, series.colour);
            ui.label(&series.name);
        });
        ui.label(math::value_text(value, 0.0, data.unit));
        if let (_, Some(peak)) = series.beyond(at) {
            ui.label(format!("up to {} just after", math::value_text(peak, 0.0, data.unit)));
        }
        ui.weak(format!("at {}", math::time_text(data.times[at], 0.0)));
    });
}
