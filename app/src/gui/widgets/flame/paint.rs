//! Painting of the visible bars: all fills as one shape, then the names that fit.

use eframe::egui::{Align2, Color32, FontId, Mesh, Painter, Rect, Shape, Stroke, StrokeKind, Ui, pos2, vec2};

use super::FlameState;
use super::frames::FlameView;
use super::layout::{FlameItem, PlacedFrame};
use crate::gui::theme::{self, GRID, Palette};

/// Least width of a bar with a gap beside it, in points.
const LEAST_WITH_GAP: f32 = 3.0;
/// Least width of a bar with a name, in points.
const LEAST_WITH_NAME: f32 = 30.0;
/// Opacity of an outdated graph.
const OLD: f32 = 0.45;
/// Opacity of the ancestors of the zoomed frame, and of frames that a search does not find.
const BACK: f32 = 0.5;

/// State of the graph that changes its colors.
pub(super) struct PaintOptions {
    pub(super) dimmed: bool,
    pub(super) searching: bool,
    pub(super) focused: bool,
}

/// Paints everything.
pub(super) fn show(ui: &Ui, stage: &FlameView<'_>, state: &FlameState, look: &PaintOptions) {
    let palette = Palette::of(ui);
    let mut painter = ui.painter().with_clip_rect(stage.body.intersect(ui.clip_rect()));
    if look.dimmed {
        painter.multiply_opacity(OLD);
    }
    let opacity = if look.dimmed { OLD } else { 1.0 };
    let mut fills = Mesh::default();
    for placed in stage.seen() {
        let fill = color(palette, stage, placed, look).gamma_multiply(opacity);
        fills.add_colored_rect(bar(stage.rect(placed)), fill);
    }
    painter.add(Shape::mesh(fills));
    let font = theme::figure_font();
    let letter = ui.fonts_mut(|fonts| fonts.glyph_width(&font, '0')).max(1.0);
    for placed in stage.seen().filter(|placed| placed.right - placed.left >= LEAST_WITH_NAME) {
        name(&painter, palette, stage, placed, (&font, letter), look);
    }
    let place = |node: u32| stage.layout.of(node).map(|placed| bar(stage.rect(placed)));
    if let Some(under) = ui.input(|input| input.pointer.hover_pos()).and_then(|at| stage.at(at))
        && ui.rect_contains_pointer(stage.body)
    {
        let stroke = Stroke::new(1.0, palette.text);
        painter.rect_stroke(bar(stage.rect(under)), 0.0, stroke, StrokeKind::Inside);
    }
    if let Some(place) = state.cursor.and_then(place) {
        let stroke = Stroke::new(2.0, if look.focused { palette.accent } else { palette.dim });
        painter.rect_stroke(
            place.expand2(vec2((3.0 - place.width()).max(0.0) / 2.0, 0.0)),
            0.0,
            stroke,
            StrokeKind::Inside,
        );
    } else if look.focused {
        let stroke = Stroke::new(1.0, palette.accent);
        painter.rect_stroke(stage.body, 0.0, stroke, StrokeKind::Inside);
    }
}

/// The bar of a place, one point narrower where it is wide enough.
fn bar(place: Rect) -> Rect {
    let gap = if place.width() >= LEAST_WITH_GAP { 1.0 } else { 0.0 };
    Rect::from_min_max(place.min, place.max - vec2(gap, 1.0))
}

/// Returns `true` if the frame is an ancestor of the zoomed frame, or not found by the search.
fn is_back(stage: &FlameView<'_>, placed: &PlacedFrame, look: &PaintOptions) -> bool {
    placed.level < stage.layout.zoomed || look.searching && !placed.is_match
}

fn color(palette: &Palette, stage: &FlameView<'_>, placed: &PlacedFrame, look: &PaintOptions) -> Color32 {
    match placed.item {
        _ if placed.is_match => palette.match_fill(),
        FlameItem::Narrow { .. } => palette.grid,
        FlameItem::Frame(node) => {
            let own = stage.model.fill(node);
            if is_back(stage, placed, look) { palette.canvas.lerp_to_gamma(own, BACK) } else { own }
        }
    }
}

/// Draws the name where it fits, else the function without its module, shortened.
fn name(
    painter: &Painter,
    palette: &Palette,
    stage: &FlameView<'_>,
    placed: &PlacedFrame,
    (font, letter): (&FontId, f32),
    look: &PaintOptions,
) {
    let place = bar(stage.rect(placed)).intersect(stage.body);
    let room = place.width() - 2.0 * GRID;
    let message;
    let text = match placed.item {
        FlameItem::Frame(node) => stage.model.text(node),
        FlameItem::Narrow { count, weight, .. } => {
            message = stage.model.rest_label(count, weight);
            &message
        }
    };
    let color = match placed.item {
        _ if placed.is_match => palette.on_match(),
        FlameItem::Narrow { .. } => palette.dim,
        FlameItem::Frame(_) if is_back(stage, placed, look) => palette.dim,
        FlameItem::Frame(_) => palette.text,
    };
    let at = pos2(place.left() + GRID, stage.rect(placed).center().y - 0.5);
    let fits = |text: &str| text.chars().count() as f32 * letter <= room;
    if fits(text) {
        painter.text(at, Align2::LEFT_CENTER, text, font.clone(), color);
        return;
    }
    let short = text.split_once('!').map_or(text, |(_, function)| function);
    if room >= 2.5 * letter {
        theme::clipped_text(painter, at, room, short, font.clone(), color);
    }
}
