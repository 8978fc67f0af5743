//! The legend at the right of the graph: a switch, the name and the value at the end of the visible range of each series. Its left
//! edge can be dragged, and it can be hidden.

use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align2, CursorIcon, EventFilter, Id, Key, Modifiers, Painter, Rect, Response, ScrollArea, Sense, Stroke,
    StrokeKind, Ui, UiBuilder, Vec2, WidgetInfo, pos2, vec2,
};

use super::model::{Action, Series};
use super::{Graph, GraphState, menu as plot_menu, pattern};
use crate::format::axis::value_text;
use crate::gui::icons::Icon;
use crate::gui::theme::{self, GRID, Palette};
use crate::gui::widgets::fitted_text;
use crate::gui::widgets::menu_by_keys::{self, KeyedMenu};

const LINE: f32 = 20.0;
/// Width of a hidden legend, in points.
pub(super) const FOLDED_WIDTH: f32 = 14.0;
/// Least width of the legend, in points.
pub(super) const LEAST_WIDTH: f32 = 96.0;
/// Distance that a key moves the edge by, in points.
const KEY_STEP: f32 = 16.0;
/// Controls that can be clicked and reached by Tab.
const CONTROL: Sense = Sense::CLICK.union(Sense::FOCUSABLE);

/// Draws the legend into `rect`; returns the series under the pointer.
pub(super) fn show(
    ui: &mut Ui,
    rect: Rect,
    graph: &Graph<'_>,
    state: &mut GraphState,
    actions: &mut Vec<Action>,
) -> Option<usize> {
    let (head, list) = rect.split_top_bottom_at_y(rect.top() + LINE);
    let fold = Rect::from_min_max(pos2(head.right() - LINE, head.top()), head.max);
    if chevron(ui, fold, Icon::ChevronRight, "Hide legend") {
        state.legend_hidden = true;
    }
    let drawn = graph.data.series.iter().filter(|s| s.on).count();
    let text = format!("{drawn} of {} shown", graph.data.series.len());
    let start = pos2(head.left() + GRID, head.center().y);
    theme::clipped_text(ui.painter(), start, fold.left() - start.x, &text, theme::small_font(), Palette::of(ui).dim);
    let mut hovered = None;
    ui.scope_builder(UiBuilder::new().id_salt("legend").max_rect(list), |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing = Vec2::ZERO;
            for (at, series) in graph.data.series.iter().enumerate() {
                if line(ui, series, graph, &mut state.keyed, actions) {
                    hovered = Some(at);
                }
            }
        });
    });
    hovered
}

/// Draws the button that shows a hidden legend.
pub(super) fn folded(ui: &Ui, rect: Rect, state: &mut GraphState) {
    let place = Rect::from_min_size(rect.min, vec2(FOLDED_WIDTH, LINE));
    if chevron(ui, place, Icon::ChevronLeft, "Show legend") {
        state.legend_hidden = false;
    }
}

/// A small arrow that can be pressed.
fn chevron(ui: &Ui, place: Rect, icon: Icon, name: &str) -> bool {
    let button = ui.interact(place, ui.make_persistent_id(name), CONTROL);
    button.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    let palette = Palette::of(ui);
    icon.paint(ui.painter(), place.center(), if button.hovered() { palette.text } else { palette.dim });
    focus_ring(ui, ui.painter(), &button, place);
    let clicked = button.clicked();
    button.on_hover_text(name);
    clicked
}

/// Draws the edge between graph and legend, which can be dragged.
pub(super) fn edge(ui: &Ui, place: Rect, width: f32, most: f32, state: &mut GraphState) {
    let id = ui.make_persistent_id("legend edge");
    let edge = ui.interact(place, id, Sense::DRAG | Sense::FOCUSABLE);
    edge.widget_info(|| WidgetInfo::labeled(Role::Splitter, true, "Width of the legend"));
    let mut wanted = width;
    if let (true, Some(pointer)) = (edge.dragged(), edge.interact_pointer_pos()) {
        wanted += place.center().x - pointer.x;
    }
    if edge.has_focus() {
        let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
        for (key, by) in [(Key::ArrowLeft, KEY_STEP), (Key::ArrowRight, -KEY_STEP)] {
            if ui.input_mut(|input| input.consume_key(Modifiers::NONE, key)) {
                wanted += by;
            }
        }
    }
    if wanted != width {
        state.legend_width = Some(wanted.clamp(LEAST_WIDTH, most.max(LEAST_WIDTH)));
    }
    let lit = edge.hovered() || edge.dragged() || edge.has_focus();
    if lit {
        ui.set_cursor_icon(CursorIcon::ResizeHorizontal);
        ui.painter().vline(place.center().x, place.y_range(), Stroke::new(2.0, Palette::of(ui).accent));
    }
}

/// Handles the keys of a line before its controls do: Space toggles the series, Enter selects its row, Shift+Enter shows it alone.
fn keys(ui: &Ui, controls: [Id; 2], series: &Series, actions: &mut Vec<Action>) {
    if !ui.memory(|memory| controls.into_iter().any(|id| memory.has_focus(id))) {
        return;
    }
    let pressed = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
    if pressed(Modifiers::SHIFT, Key::Enter) {
        actions.push(Action::Solo(series.id));
    } else if pressed(Modifiers::NONE, Key::Enter) && series.has_row {
        actions.push(Action::Reveal(series.id));
    }
    if pressed(Modifiers::NONE, Key::Space) {
        actions.push(Action::Toggle(series.id));
    }
}

fn line(
    ui: &mut Ui,
    series: &Series,
    graph: &Graph<'_>,
    keyed: &mut Option<KeyedMenu>,
    actions: &mut Vec<Action>,
) -> bool {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), LINE), Sense::HOVER);
    let (id, label) = (series.id, series.name.as_str());
    let ids = [ui.make_persistent_id(("switch", id)), ui.make_persistent_id(("name", id))];
    let focused = ui.memory(|memory| ids.into_iter().any(|id| memory.has_focus(id)));
    // A line with the keyboard is handled even where it is scrolled away.
    if !ui.is_rect_visible(rect) && !focused {
        return false;
    }
    keys(ui, ids, series, actions);
    let (box_rect, name_rect) = rect.split_left_right_at_x(rect.left() + LINE);
    let switch = ui.interact(box_rect, ids[0], CONTROL);
    switch.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, series.on, format!("Show {label}")));
    let name = ui.interact(name_rect, ids[1], CONTROL);
    // The sum of the others has no row.
    let label_of_name = if series.has_row { format!("Select row of {label}") } else { format!("Show more of {label}") };
    name.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label_of_name));
    for control in [&switch, &name] {
        if control.gained_focus() {
            control.scroll_to_me(None);
        }
    }
    let lit = switch.hovered() || name.hovered();
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let palette = Palette::of(ui);
    if series.marked || lit {
        painter.rect_filled(rect, 2.0, if series.marked { palette.selected } else { palette.hovered });
    }
    let last = series.values.last().map(|value| value_text(*value, graph.data.unit)).unwrap_or_default();
    let whole = paint(ui, &painter, [box_rect, name_rect], series, graph, &last);
    for (control, place) in [(&switch, box_rect), (&name, name_rect)] {
        focus_ring(ui, &painter, control, place);
        let by_keys = menu_by_keys::is_asked_by_keys(ui, control);
        let below = (by_keys, place.left_bottom());
        menu_by_keys::show(ui, control, keyed, below, |ui| menu(ui, series, graph, actions));
    }
    if switch.double_clicked() || (switch.clicked() && ui.input(|i| i.modifiers.alt)) {
        actions.push(Action::Solo(id));
    } else if switch.clicked() {
        actions.push(Action::Toggle(id));
    }
    if name.clicked() {
        actions.push(if series.has_row { Action::Reveal(id) } else { Action::More });
    }
    let tip = if series.has_row {
        "Click to select its row."
    } else {
        "All other groups combined. Click to draw more of them."
    };
    let cut = if whole { "" } else { "\n" };
    name.on_hover_text(format!("{label}{cut}: {last} at the end of the visible range. {tip}"));
    switch.on_hover_text("Click to show or hide it; double-click or Alt+click to show only this.");
    lit
}

fn menu(ui: &mut Ui, series: &Series, graph: &Graph<'_>, actions: &mut Vec<Action>) {
    let mut entry = |ui: &mut Ui, text: &str, action: &dyn Fn() -> Action| {
        if ui.button(text).clicked() {
            actions.push(action());
        }
    };
    entry(ui, "Show only this", &|| Action::Solo(series.id));
    entry(ui, "Show all", &|| Action::ShowAll);
    entry(ui, if series.on { "Hide" } else { "Show" }, &|| Action::Toggle(series.id));
    if series.has_row {
        entry(ui, "Select row", &|| Action::Reveal(series.id));
    } else {
        entry(ui, "Show more series", &|| Action::More);
    }
    entry(ui, "Copy values", &|| Action::Copy(plot_menu::series_as_text(graph.data, series)));
}

/// Draws a line of the legend; returns whether all of the name fitted.
fn paint(
    ui: &Ui,
    painter: &Painter,
    [box_rect, name_rect]: [Rect; 2],
    series: &Series,
    graph: &Graph<'_>,
    last: &str,
) -> bool {
    let palette = Palette::of(ui);
    pattern::sample(painter, box_rect.center(), series, graph.kind);
    let color = if series.on { palette.text } else { palette.dim };
    let middle = name_rect.center().y;
    let place = pos2(name_rect.right() - GRID, middle);
    let figures = eframe::egui::FontId::monospace(theme::SMALL);
    let value = painter.text(place, Align2::RIGHT_CENTER, last, figures, palette.dim);
    let start = pos2(name_rect.left() + GRID / 2.0, middle);
    let room = value.left() - GRID - start.x;
    fitted_text::paint(painter, start, room, &series.name, &theme::small_font(), color)
}

fn focus_ring(ui: &Ui, painter: &Painter, control: &Response, rect: Rect) {
    if control.has_focus() {
        painter.rect_stroke(rect, 2.0, Stroke::new(1.0, Palette::of(ui).accent), StrokeKind::Inside);
    }
}
