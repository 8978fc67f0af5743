//! The icons of the window: painted shapes, because the bundled fonts have no glyphs for most of them. Icons that mark a state
//! differ in shape and not only in color. They do not know what they mark.

use std::f32::consts::{FRAC_PI_2, PI};

use eframe::egui::{
    Color32, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, StrokeKind, Theme, Ui, Vec2, pos2, vec2,
};

use super::theme::Palette;

/// Width and height of an icon with its margin, in points.
pub const SIZE: f32 = 12.0;
/// Half the width of most icons, in points.
const R: f32 = 4.5;
/// Radius of the dot before a sentence about a state, in points.
const STATUS_R: f32 = 4.0;

/// A painted shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    /// A filled triangle.
    Alarm,
    /// An outlined triangle.
    Warning,
    /// An arrow upwards.
    Rising,
    /// A step up.
    Step,
    /// A rise that ends in a level.
    Level,
    /// A rise that ends at a bar.
    Stopped,
    /// A ring.
    Ring,
    /// A ring with a line through it.
    SlashedRing,
    /// A ring whose lower half is filled.
    HalfDisc,
    /// A ring whose right half is filled, larger than the others.
    Contrast,
    /// Three quarters of a ring.
    Arc,
    /// Two bars of the same length.
    Equal,
    /// Two upright bars.
    Pause,
    /// A small dot.
    Dot,
    /// The dot before an item of a list.
    Bullet,
    /// A large dot.
    Status,
    /// A check mark in a disc.
    Check,
    /// A bar in a disc.
    NoEntry,
    /// A diagonal cross.
    Cross,
    /// The diagonal cross of a button that closes something.
    Close,
    /// A filled diamond.
    Diamond,
    /// An outlined square.
    Square,
    /// A magnifying glass.
    Magnifier,
    /// An arrow down onto a line.
    Download,
    /// A small curve.
    Curve,
    /// A filled triangle that points right: what is below a row is hidden.
    Collapsed,
    /// A filled triangle that points down: what is below a row is shown.
    Expanded,
    /// A filled triangle that points up.
    SortAscending,
    /// A filled triangle that points down.
    SortDescending,
    /// An angle that points left.
    ChevronLeft,
    /// An angle that points right.
    ChevronRight,
}

impl Icon {
    /// Draws it in place of the next widget.
    pub fn show(self, ui: &mut Ui, color: Color32) -> Response {
        let (place, response) = ui.allocate_exact_size(Vec2::splat(SIZE), Sense::hover());
        self.paint(ui.painter(), place.center(), color);
        response
    }

    /// Draws it around a place.
    pub fn paint(self, painter: &Painter, at: Pos2, color: Color32) {
        match self {
            Self::Alarm
            | Self::Diamond
            | Self::Collapsed
            | Self::Expanded
            | Self::SortAscending
            | Self::SortDescending => {
                let corners = self.corners().iter().map(|corner| at + *corner).collect();
                painter.add(Shape::convex_polygon(corners, color, Stroke::NONE));
            }
            Self::Warning => {
                let corners = self.corners().iter().map(|corner| at + *corner).collect();
                painter.add(Shape::closed_line(corners, Stroke::new(1.5, color)));
            }
            Self::Dot | Self::Bullet | Self::Status | Self::Check | Self::NoEntry => {
                self.paint_disc(painter, at, color)
            }
            Self::Ring | Self::SlashedRing | Self::HalfDisc | Self::Contrast | Self::Square | Self::Magnifier => {
                self.paint_outline(painter, at, color);
            }
            _ => {
                for line in self.lines() {
                    painter.line(line.iter().map(|point| at + *point).collect(), Stroke::new(1.5, color));
                }
            }
        }
    }

    /// The corners of a polygon, around its center.
    const fn corners(self) -> &'static [Vec2] {
        const ALARM: [Vec2; 3] = [vec2(0.0, -R - 0.5), vec2(R + 0.5, R - 0.5), vec2(-R - 0.5, R - 0.5)];
        const DIAMOND: [Vec2; 4] = [vec2(0.0, -R), vec2(R, 0.0), vec2(0.0, R), vec2(-R, 0.0)];
        const WARNING: [Vec2; 3] = [vec2(0.0, -4.5), vec2(5.0, 4.0), vec2(-5.0, 4.0)];
        const COLLAPSED: [Vec2; 3] = [vec2(-2.0, -4.0), vec2(3.0, 0.0), vec2(-2.0, 4.0)];
        const DOWN: [Vec2; 3] = [vec2(-4.0, -2.0), vec2(4.0, -2.0), vec2(0.0, 3.0)];
        const UP: [Vec2; 3] = [vec2(-4.0, 2.0), vec2(0.0, -3.0), vec2(4.0, 2.0)];
        match self {
            Self::Alarm => &ALARM,
            Self::Warning => &WARNING,
            Self::Diamond => &DIAMOND,
            Self::Collapsed => &COLLAPSED,
            Self::Expanded | Self::SortDescending => &DOWN,
            Self::SortAscending => &UP,
            _ => &[],
        }
    }

    /// The points of its lines, around its center.
    fn lines(self) -> Vec<Vec<Vec2>> {
        match self {
            Self::Rising => {
                vec![vec![vec2(-R, R), vec2(R, -R)], vec![vec2(-0.5, -R), vec2(R, -R), vec2(R, 0.5)]]
            }
            Self::Step => vec![vec![vec2(-R, R - 1.0), vec2(0.0, R - 1.0), vec2(0.0, 1.0 - R), vec2(R, 1.0 - R)]],
            Self::Level => vec![vec![vec2(-R, R - 0.5), vec2(-1.0, 1.5 - R), vec2(R, 1.5 - R)]],
            Self::Stopped => {
                vec![vec![vec2(-R, R - 0.5), vec2(1.0, 1.5 - R)], vec![vec2(3.0, 1.0 - R), vec2(3.0, R)]]
            }
            Self::Equal => vec![vec![vec2(-R, -2.0), vec2(R, -2.0)], vec![vec2(-R, 2.0), vec2(R, 2.0)]],
            Self::Pause => vec![vec![vec2(-1.8, -3.5), vec2(-1.8, 3.5)], vec![vec2(1.8, -3.5), vec2(1.8, 3.5)]],
            Self::Cross | Self::Close => {
                vec![vec![vec2(-3.5, -3.5), vec2(3.5, 3.5)], vec![vec2(-3.5, 3.5), vec2(3.5, -3.5)]]
            }
            Self::Download => vec![
                vec![vec2(0.0, -R), vec2(0.0, 2.0)],
                vec![vec2(-3.0, -0.5), vec2(0.0, 2.5), vec2(3.0, -0.5)],
                vec![vec2(-R, R), vec2(R, R)],
            ],
            Self::Curve => vec![vec![vec2(-5.0, 3.0), vec2(-1.5, -1.0), vec2(1.5, 1.0), vec2(5.0, -4.0)]],
            Self::ChevronLeft => vec![vec![vec2(2.0, -4.0), vec2(-2.0, 0.0), vec2(2.0, 4.0)]],
            Self::ChevronRight => vec![vec![vec2(-2.0, -4.0), vec2(2.0, 0.0), vec2(-2.0, 4.0)]],
            Self::Arc => {
                let point = |step: i32| Vec2::angled(-FRAC_PI_2 + PI * 1.5 * step as f32 / 12.0) * (R - 0.5);
                vec![(0..=12).map(point).collect()]
            }
            _ => Vec::new(),
        }
    }

    fn paint_disc(self, painter: &Painter, at: Pos2, color: Color32) {
        let radius = match self {
            Self::Bullet => 1.5,
            Self::Dot => 2.0,
            Self::Status => STATUS_R,
            _ => R + 0.5,
        };
        painter.circle_filled(at, radius, color);
        // What is cut out of a disc has the color of the ground behind tables.
        let ground = Palette::for_dark(painter.ctx().theme() == Theme::Dark).canvas;
        match self {
            Self::Check => {
                let check = [vec2(-2.3, 0.2), vec2(-0.7, 1.9), vec2(2.4, -1.7)];
                painter.line(check.map(|point| at + point).to_vec(), Stroke::new(1.5, ground));
            }
            Self::NoEntry => {
                painter.rect_filled(Rect::from_center_size(at, vec2(6.0, 2.0)), 0.0, ground);
            }
            _ => {}
        }
    }

    fn paint_outline(self, painter: &Painter, at: Pos2, color: Color32) {
        let stroke = Stroke::new(1.5, color);
        let line = |from: Vec2, to: Vec2| painter.line_segment([at + from, at + to], stroke);
        let half = |half: Rect, radius: f32| {
            painter.circle_stroke(at, radius, stroke);
            painter.with_clip_rect(half.intersect(painter.clip_rect())).circle_filled(at, radius, color);
        };
        match self {
            Self::SlashedRing => {
                painter.circle_stroke(at, R - 0.5, stroke);
                line(vec2(-3.5, 3.5), vec2(3.5, -3.5));
            }
            Self::HalfDisc => half(Rect::from_min_max(pos2(at.x - R, at.y), at + Vec2::splat(R)), R),
            Self::Contrast => half(Rect::from_min_max(pos2(at.x, at.y - 7.0), at + vec2(6.0, 7.0)), 6.0),
            Self::Square => {
                let square = Rect::from_center_size(at, Vec2::splat(2.0 * R - 1.0));
                painter.rect_stroke(square, 0.0, stroke, StrokeKind::Middle);
            }
            Self::Magnifier => {
                painter.circle_stroke(at - vec2(1.0, 1.0), R - 1.5, stroke);
                line(vec2(1.5, 1.5), vec2(R, R));
            }
            _ => {
                painter.circle_stroke(at, R - 0.5, stroke);
            }
        }
    }
}

/// Draws the dot before a sentence about a state, in a place as high as a line of the sentence, in points.
pub fn status_dot(ui: &mut Ui, height: f32, color: Color32) {
    let (place, _) = ui.allocate_exact_size(vec2(2.0 * STATUS_R, height), Sense::hover());
    Icon::Status.paint(ui.painter(), place.center(), color);
}
