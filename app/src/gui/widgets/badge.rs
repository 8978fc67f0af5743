//! Marks that are told from each other by their shapes, so that colour is never all there is. They do not know what they stand
//! for.

use eframe::egui::{Color32, Painter, Pos2, Sense, Shape, Stroke, Ui, Vec2, vec2};

/// Room for a mark, in points.
const SIZE: f32 = 12.0;
/// Half of a mark's width, in points.
const R: f32 = 4.5;

/// The shape of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Badge {
    /// A filled triangle.
    Alarm,
    /// An arrow upwards.
    Rising,
    /// A step.
    Step,
    /// A rise that ends in a level.
    Level,
    /// A rise that ends at a bar.
    Stopped,
    /// A ring.
    Ring,
    /// Two bars of the same length.
    Equal,
    /// A dot.
    Dot,
    /// A tick in a disc.
    Tick,
}

impl Badge {
    /// Draws it where the next widget would stand; `ground` is the colour behind it.
    pub fn show(self, ui: &mut Ui, colour: Color32, ground: Color32) {
        let (place, _) = ui.allocate_exact_size(Vec2::splat(SIZE), Sense::hover());
        self.paint(ui.painter(), place.center(), colour, ground);
    }

    /// Draws it around a place.
    pub fn paint(self, painter: &Painter, at: Pos2, colour: Color32, ground: Color32) {
        let stroke = Stroke::new(1.5, colour);
        let line = |points: &[Vec2]| {
            painter.line(points.iter().map(|point| at + *point).collect(), stroke);
        };
        match self {
            Self::Alarm => {
                let corners = [vec2(0.0, -R - 0.5), vec2(R + 0.5, R - 0.5), vec2(-R - 0.5, R - 0.5)];
                painter.add(Shape::convex_polygon(corners.map(|c| at + c).to_vec(), colour, Stroke::NONE));
            }
            Self::Rising => {
                line(&[vec2(-R, R), vec2(R, -R)]);
                line(&[vec2(-0.5, -R), vec2(R, -R), vec2(R, 0.5)]);
            }
            Self::Step => line(&[vec2(-R, R - 1.0), vec2(0.0, R - 1.0), vec2(0.0, 1.0 - R), vec2(R, 1.0 - R)]),
            Self::Level => line(&[vec2(-R, R - 0.5), vec2(-1.0, 1.5 - R), vec2(R, 1.5 - R)]),
            Self::Stopped => {
                line(&[vec2(-R, R - 0.5), vec2(1.0, 1.5 - R)]);
                line(&[vec2(3.0, 1.0 - R), vec2(3.0, R)]);
            }
            Self::Ring => {
                painter.circle_stroke(at, R - 0.5, stroke);
            }
            Self::Equal => {
                line(&[vec2(-R, -2.0), vec2(R, -2.0)]);
                line(&[vec2(-R, 2.0), vec2(R, 2.0)]);
            }
            Self::Dot => {
                painter.circle_filled(at, 2.0, colour);
            }
            Self::Tick => {
                painter.circle_filled(at, R + 0.5, colour);
                let tick = [vec2(-2.3, 0.2), vec2(-0.7, 1.9), vec2(2.4, -1.7)];
                painter.line(tick.map(|point| at + point).to_vec(), Stroke::new(1.5, ground));
            }
        }
    }
}
