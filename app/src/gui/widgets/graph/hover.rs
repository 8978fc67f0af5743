//! The crosshair: a line at a time and a box with all values of that moment, beside the pointer and inside the plot.

use std::sync::Arc;

use eframe::egui::accesskit::Role;
use eframe::egui::text::{LayoutJob, TextFormat, TextWrapping};
use eframe::egui::{
    Color32, FontId, Galley, Painter, Pos2, Rect, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::axes::Scale;
use super::decimation::{self, MinMaxDecimation};
use super::model::{GraphData, Kind};
use super::{Graph, pattern, stack};
use crate::format::axis::{exact_time_text, full_value_text, value_text};
use crate::gui::theme::{self, GRID, Palette};

/// Greatest distance of the pointer from the line that it emphasizes, in points.
const REACH: f32 = 24.0;
/// Upper bound on the series that are listed.
const MOST: usize = 12;
/// Greatest width of a name, in points.
const NAME_WIDTH: f32 = 144.0;
/// Distance between the pointer and the box, in points.
const BESIDE: f32 = 14.0;
const LINE: f32 = 17.0;

/// A line of the box.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// The number of the series; `None` for sums and notes.
    pub series: Option<usize>,
    pub name: String,
    pub value: String,
    pub strong: bool,
}

/// The lines of the box for the time with index `at`: at most `most` series, the largest first.
pub(super) fn entries(data: &GraphData, kind: Kind, at: usize, emphasized: Option<usize>, most: usize) -> Vec<Entry> {
    let value_at = |series: usize| data.series[series].values.get(at).copied().unwrap_or_default();
    let mut order: Vec<usize> = (0..data.series.len()).filter(|i| data.series[*i].on).collect();
    // Stable: equal values stay in the order of the legend.
    order.sort_by(|a, b| value_at(*b).total_cmp(&value_at(*a)));
    let total: f64 = order.iter().map(|i| value_at(*i).max(0.0)).sum();
    let more = order.len().saturating_sub(most.max(1));
    let hidden = emphasized.filter(|e| order.iter().skip(most.max(1)).any(|i| i == e));
    let drawn = order.len();
    order.truncate(most.max(1));
    if let (Some(hidden), Some(last)) = (hidden, order.last_mut()) {
        *last = hidden;
    }
    let note = |name: String, value: String| Entry { series: None, name, value, strong: false };
    let mut out = Vec::new();
    for i in order {
        let strong = emphasized == Some(i);
        let (name, value) = (data.series[i].name.clone(), value_at(i));
        let text = if strong { full_value_text(value, data.unit) } else { value_text(value, data.unit) };
        out.push(Entry { series: Some(i), name, value: text, strong });
        if strong && let (_, Some(peak)) = data.series[i].beyond(at) {
            out.push(note("just after, up to".to_owned(), value_text(peak, data.unit)));
        }
    }
    if more > 0 {
        out.push(note(format!("and {more} more"), String::new()));
    }
    if kind != Kind::Lines && drawn > 1 {
        out.push(note("Sum".to_owned(), value_text(total, data.unit)));
        if let Some(peak) = peak_after(data, at, total) {
            out.push(peak);
        }
    }
    out
}

/// The largest sum before the next time, where it is more than at both ends.
fn peak_after(data: &GraphData, at: usize, total: f64) -> Option<Entry> {
    let middles = data.stack.times.len() > data.times.len();
    let peak = *data.stack.top().get(2 * at + 1).filter(|_| middles)?;
    let next = *data.stack.top().get(2 * at + 2)?;
    let at_most = data.stack.at_most.get(2 * at + 1).copied().unwrap_or(false);
    let name = if at_most { "just after, at most" } else { "just after, up to" };
    let value = value_text(peak, data.unit);
    (peak > total.max(next) * (1.0 + 1e-9)).then(|| Entry { series: None, name: name.to_owned(), value, strong: false })
}

/// Draws the crosshair at a time, and the box beside the pointer, or beside the line without one.
pub(super) fn show(
    ui: &Ui,
    painter: &Painter,
    graph: &Graph<'_>,
    scale: &Scale,
    reduced: &MinMaxDecimation,
    time: f64,
    pointer: Option<Pos2>,
) {
    let data = graph.data;
    let palette = Palette::of(ui);
    let Some(at) = stack::nearest(&data.times, time) else { return };
    let moment = Some(data.times[at]).filter(|t| scale.view.contains(*t));
    let x = scale.x(moment.unwrap_or(time));
    painter.vline(x, scale.frame.y_range(), Stroke::new(1.0, palette.dim));
    let emphasized = pointer.and_then(|pointer| decimation::series_at(reduced, graph.kind, pointer, REACH));
    if graph.kind == Kind::Lines && moment.is_some() {
        for (i, series) in data.series.iter().enumerate().filter(|(_, s)| s.on) {
            let value = series.values.get(at).copied().unwrap_or_default();
            let radius = if emphasized == Some(i) { 4.0 } else { 2.0 };
            let stroke = Stroke::new(if emphasized == Some(i) { 1.5 } else { 0.0 }, palette.canvas);
            painter.circle(pos2(x, scale.y(value)), radius, series.color, stroke);
        }
    }
    let header = exact_time_text(data.times[at], scale.resolution());
    let clock = graph.wall_clock.and_then(|clock| clock(data.times[at]));
    let room = ((scale.frame.height() - 4.0 * GRID) / LINE) as usize;
    // Lines without a series: the time, the time of day, a peak, the number of further series, the sum and its peak.
    let others = 1 + usize::from(clock.is_some()) + 2 + if graph.kind == Kind::Lines { 0 } else { 2 };
    let entries = entries(data, graph.kind, at, emphasized, room.saturating_sub(others).clamp(1, MOST));
    let card = Card::new(painter, palette, header, clock, entries);
    let anchor = pointer.unwrap_or(pos2(x, scale.frame.top()));
    let Some(place) = beside(anchor, card.size, scale.frame.shrink(GRID)) else { return };
    card.paint(painter, palette, graph, place);
    let response = ui.interact(place, ui.make_persistent_id("crosshair"), Sense::empty());
    response.widget_info(|| WidgetInfo::labeled(Role::Tooltip, true, card.spoken()));
}

/// The place of a box of this size beside `anchor` and inside `frame`.
fn beside(anchor: Pos2, size: Vec2, frame: Rect) -> Option<Rect> {
    let left = [anchor.x + BESIDE, anchor.x - BESIDE - size.x]
        .into_iter()
        .find(|left| *left >= frame.left() && left + size.x <= frame.right())?;
    let top = (anchor.y - size.y / 2.0).min(frame.bottom() - size.y).max(frame.top());
    Some(Rect::from_min_size(pos2(left, top), size))
}

/// The box, laid out.
struct Card {
    header: String,
    clock: Option<String>,
    entries: Vec<Entry>,
    texts: Vec<(Arc<Galley>, Arc<Galley>)>,
    heads: Vec<Arc<Galley>>,
    size: Vec2,
}

impl Card {
    fn new(painter: &Painter, palette: &Palette, header: String, clock: Option<String>, entries: Vec<Entry>) -> Self {
        let plain = |text: &str, font: FontId, color: Color32| painter.layout_no_wrap(text.to_owned(), font, color);
        let mut heads = vec![plain(&header, theme::figure_font(), palette.text)];
        heads.extend(clock.as_ref().map(|clock| plain(clock, theme::small_font(), palette.dim)));
        let texts: Vec<(Arc<Galley>, Arc<Galley>)> = entries
            .iter()
            .map(|entry| {
                let (font, color) = match entry {
                    Entry { strong: true, .. } => (FontId::new(theme::SMALL, theme::strong_family()), palette.text),
                    Entry { series: None, .. } => (theme::small_font(), palette.dim),
                    _ => (theme::small_font(), palette.text),
                };
                let mut job = LayoutJob::single_section(entry.name.clone(), TextFormat::simple(font, color));
                job.break_on_newline = false;
                job.wrap = TextWrapping {
                    max_width: NAME_WIDTH,
                    max_rows: 1,
                    break_anywhere: true,
                    ..TextWrapping::default()
                };
                let figures = FontId::monospace(theme::SMALL);
                (painter.layout_job(job), plain(&entry.value, figures, color))
            })
            .collect();
        let names = texts.iter().map(|(name, _)| name.size().x).fold(0.0, f32::max);
        let values = texts.iter().map(|(_, value)| value.size().x).fold(0.0, f32::max);
        let columns = 4.0 * GRID + names + if values > 0.0 { 4.0 * GRID + values } else { 0.0 };
        let width = heads.iter().map(|head| head.size().x).fold(columns, f32::max) + 4.0 * GRID;
        let height = (heads.len() + texts.len()) as f32 * LINE + 2.0 * GRID;
        Self { header, clock, entries, texts, heads, size: vec2(width, height) }
    }

    fn paint(&self, painter: &Painter, palette: &Palette, graph: &Graph<'_>, place: Rect) {
        painter.rect(
            place,
            f32::from(theme::RADIUS),
            palette.panel.gamma_multiply(0.96),
            Stroke::new(1.0, palette.line),
            StrokeKind::Outside,
        );
        let (left, right) = (place.left() + 2.0 * GRID, place.right() - 2.0 * GRID);
        let mut y = place.top() + GRID + LINE / 2.0;
        let middle = |galley: &Arc<Galley>, y: f32| y - galley.size().y / 2.0;
        for head in &self.heads {
            painter.galley(pos2(left, middle(head, y)), Arc::clone(head), palette.text);
            y += LINE;
        }
        for (entry, (name, value)) in self.entries.iter().zip(&self.texts) {
            if entry.strong {
                let line =
                    Rect::from_x_y_ranges(place.left() + 2.0..=place.right() - 2.0, y - LINE / 2.0..=y + LINE / 2.0);
                painter.rect_filled(line, 2.0, palette.selected);
            }
            if let Some(series) = entry.series.and_then(|i| graph.data.series.get(i)) {
                pattern::sample(painter, pos2(left + 5.0, y), series, graph.kind);
            }
            painter.galley(pos2(left + 4.0 * GRID, middle(name, y)), Arc::clone(name), palette.text);
            painter.galley(pos2(right - value.size().x, middle(value, y)), Arc::clone(value), palette.text);
            y += LINE;
        }
    }

    /// The accessible name.
    fn spoken(&self) -> String {
        let clock = self.clock.as_ref().map(|clock| format!(" ({clock})")).unwrap_or_default();
        let entries: Vec<String> =
            self.entries.iter().map(|e| format!("{} {}", e.name, e.value).trim_end().to_owned()).collect();
        format!("At {}{clock}: {}", self.header, entries.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_box_stays_inside_and_off_the_pointer() {
        let frame = Rect::from_min_max(pos2(0.0, 0.0), pos2(400.0, 200.0));
        let size = vec2(120.0, 80.0);
        for (x, y) in [(5.0, 5.0), (200.0, 100.0), (395.0, 195.0), (130.0, 0.0)] {
            let place = beside(pos2(x, y), size, frame).expect("there is room");
            assert!(frame.contains_rect(place), "{place:?}");
            assert!(!place.contains(pos2(x, y)), "{place:?}");
        }
        assert_eq!(beside(pos2(60.0, 5.0), size, Rect::from_min_max(pos2(0.0, 0.0), pos2(130.0, 90.0))), None);
    }
}
