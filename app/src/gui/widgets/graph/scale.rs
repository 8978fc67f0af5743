//! Where a time and a value lie on the screen, and back: the plot's transform in a form that can be compared, and made before
//! there is a plot. Never draws.

use eframe::egui::{Pos2, Rect, pos2};
use egui_plot::PlotTransform;

use super::model::{Point, Range};

/// The frame that the curves are drawn in and what its edges stand for. Its lower edge is zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    pub frame: Rect,
    pub view: Range,
    /// The value at the upper edge.
    pub top: f64,
}

impl From<&PlotTransform> for Scale {
    fn from(transform: &PlotTransform) -> Self {
        let (times, values) = (transform.bounds().range_x(), transform.bounds().range_y());
        let view = Range { from: *times.start(), to: *times.end() };
        Self { frame: *transform.frame(), view, top: *values.end() }
    }
}

impl Scale {
    /// Seconds that one point of the screen stands for.
    pub fn resolution(&self) -> f64 {
        self.view.span().max(f64::MIN_POSITIVE) / f64::from(self.frame.width().max(1.0))
    }

    pub fn x(&self, time: f64) -> f32 {
        self.frame.left() + ((time - self.view.from) / self.resolution()) as f32
    }

    pub fn y(&self, value: f64) -> f32 {
        self.frame.bottom() - (value / self.top) as f32 * self.frame.height()
    }

    pub fn at(&self, point: Point) -> Pos2 {
        pos2(self.x(point.0), self.y(point.1))
    }

    pub fn time(&self, x: f32) -> f64 {
        self.view.from + f64::from(x - self.frame.left()) * self.resolution()
    }
}

#[cfg(test)]
mod tests {
    use egui_plot::{PlotBounds, PlotPoint};

    use super::*;

    #[test]
    fn places_are_those_of_the_plot() {
        let frame = Rect::from_min_max(pos2(100.0, 20.0), pos2(700.0, 320.0));
        let bounds = PlotBounds::from_min_max([12.0, 0.0], [42.0, 24e6]);
        let transform = PlotTransform::new(frame, bounds, false);
        let scale = Scale::from(&transform);
        assert_eq!(scale, Scale { frame, view: Range { from: 12.0, to: 42.0 }, top: 24e6 });
        for point in [(12.0, 0.0), (30.5, 1e6), (42.0, 24e6), (50.0, 30e6)] {
            let place = transform.position_from_point(&PlotPoint::new(point.0, point.1));
            assert!(scale.at(point).distance(place) < 1e-3, "{point:?}");
            assert!((scale.time(place.x) - point.0).abs() < 1e-5, "{point:?}");
        }
    }

    #[test]
    fn a_place_and_its_time_belong_together() {
        let frame = Rect::from_min_max(pos2(100.0, 0.0), pos2(300.0, 50.0));
        let scale = Scale { frame, view: Range { from: 12.0, to: 12.0 + 1e-8 }, top: 10.0 };
        assert_eq!(scale.at((12.0, 10.0)), frame.left_top());
        assert_eq!(scale.x(12.0 + 1e-8).round(), 300.0);
        assert!((scale.time(200.0) - (12.0 + 5e-9)).abs() < 1e-14);
        assert_eq!(scale.y(5.0), 25.0);
    }
}
