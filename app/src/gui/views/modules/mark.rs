//! The mark of a state: its shape tells it from the others, so that colour is never all there is.

use std::f32::consts::{FRAC_PI_2, PI};

use eframe::egui::{Color32, Painter, Pos2, Rect, Sense, Stroke, StrokeKind, Ui, Vec2, pos2, vec2};
use poolscope_symbols::resolve::ModuleState;

use crate::gui::theme::Palette;

/// Room for a mark, in points.
const SIZE: f32 = 12.0;
/// Half of a mark's width, in points.
const R: f32 = 4.5;

/// Draws the mark of a state where the next widget would stand.
pub(super) fn show(ui: &mut Ui, state: &ModuleState) {
    let (place, _) = ui.allocate_exact_size(Vec2::splat(SIZE), Sense::hover());
    paint(ui.painter(), place.center(), state, Palette::of(ui));
}

fn colour(state: &ModuleState, palette: &Palette) -> Color32 {
    match state {
        ModuleState::Loaded => palette.good,
        ModuleState::ExportsOnly | ModuleState::NotFound | ModuleState::NoIdentity | ModuleState::Offline => {
            palette.warn
        }
        ModuleState::WrongIdentity | ModuleState::Denied | ModuleState::Unreachable | ModuleState::Unreadable => {
            palette.bad
        }
        ModuleState::Searching | ModuleState::Downloading(_) | ModuleState::Reading => palette.accent,
        ModuleState::Waiting | ModuleState::Cancelled => palette.dim,
    }
}

fn paint(painter: &Painter, at: Pos2, state: &ModuleState, palette: &Palette) {
    let colour = colour(state, palette);
    let stroke = Stroke::new(1.5, colour);
    let line = |from: Vec2, to: Vec2| painter.line_segment([at + from, at + to], stroke);
    match state {
        ModuleState::Loaded => {
            painter.circle_filled(at, R + 0.5, colour);
            let tick = vec![at + vec2(-2.3, 0.2), at + vec2(-0.7, 1.9), at + vec2(2.4, -1.7)];
            painter.line(tick, Stroke::new(1.5, palette.canvas));
        }
        ModuleState::ExportsOnly => {
            painter.circle_stroke(at, R, stroke);
            let half = Rect::from_min_max(pos2(at.x - R, at.y), at + Vec2::splat(R));
            painter.with_clip_rect(half.intersect(painter.clip_rect())).circle_filled(at, R, colour);
        }
        ModuleState::NotFound => {
            painter.circle_stroke(at - vec2(1.0, 1.0), R - 1.5, stroke);
            line(vec2(1.5, 1.5), vec2(R, R));
        }
        ModuleState::WrongIdentity => {
            let corners = [vec2(0.0, -R), vec2(R, R - 0.5), vec2(-R, R - 0.5)].map(|corner| at + corner);
            painter.add(eframe::egui::Shape::convex_polygon(corners.to_vec(), colour, Stroke::NONE));
        }
        ModuleState::Denied => {
            painter.circle_filled(at, R + 0.5, colour);
            painter.rect_filled(Rect::from_center_size(at, vec2(6.0, 2.0)), 0.0, palette.canvas);
        }
        ModuleState::Unreachable => {
            line(vec2(-3.5, -3.5), vec2(3.5, 3.5));
            line(vec2(-3.5, 3.5), vec2(3.5, -3.5));
        }
        ModuleState::Unreadable => {
            let corners = [vec2(0.0, -R), vec2(R, 0.0), vec2(0.0, R), vec2(-R, 0.0)].map(|corner| at + corner);
            painter.add(eframe::egui::Shape::convex_polygon(corners.to_vec(), colour, Stroke::NONE));
        }
        ModuleState::NoIdentity => {
            let square = Rect::from_center_size(at, Vec2::splat(2.0 * R - 1.0));
            painter.rect_stroke(square, 0.0, stroke, StrokeKind::Middle);
        }
        ModuleState::Offline => {
            painter.circle_stroke(at, R - 0.5, stroke);
            line(vec2(-3.5, 3.5), vec2(3.5, -3.5));
        }
        ModuleState::Downloading(_) => {
            line(vec2(0.0, -R), vec2(0.0, 2.0));
            painter.line(vec![at + vec2(-3.0, -0.5), at + vec2(0.0, 2.5), at + vec2(3.0, -0.5)], stroke);
            line(vec2(-R, R), vec2(R, R));
        }
        ModuleState::Searching | ModuleState::Reading => {
            let point = |step: i32| at + Vec2::angled(-FRAC_PI_2 + PI * 1.5 * step as f32 / 12.0) * (R - 0.5);
            painter.line((0..=12).map(point).collect(), stroke);
        }
        ModuleState::Cancelled => {
            line(vec2(-1.8, -3.5), vec2(-1.8, 3.5));
            line(vec2(1.8, -3.5), vec2(1.8, 3.5));
        }
        ModuleState::Waiting => {
            painter.circle_filled(at, 2.0, colour);
        }
    }
}
