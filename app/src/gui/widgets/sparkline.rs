//! A curve as small as a word, without axes. The part before a given time can be drawn faintly.

use eframe::egui::accesskit::Role;
use eframe::egui::{Color32, Mesh, Pos2, Rect, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, pos2};

use crate::gui::theme::Palette;

/// A curve, ready to be shown.
pub struct Sparkline<'a> {
    /// Its accessible name.
    pub name: &'a str,
    /// The values at equal distances.
    pub values: &'a [f64],
    /// The share of its width that is drawn faintly, 0 to 1.
    pub faint: f32,
    /// Its color.
    pub color: Color32,
}

impl Sparkline<'_> {
    /// Draws the curve in a place of this size.
    pub fn show(&self, ui: &mut Ui, size: Vec2) {
        let (place, response) = ui.allocate_exact_size(size, Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::GraphicsObject, true, self.name));
        if ui.is_rect_visible(place) {
            self.paint(ui, place);
        }
    }

    fn paint(&self, ui: &Ui, place: Rect) {
        let palette = Palette::of(ui);
        let painter = ui.painter();
        let split = place.left() + place.width() * self.faint.clamp(0.0, 1.0);
        painter.hline(place.x_range(), place.bottom(), Stroke::new(1.0, palette.line));
        let points = points(self.values, place);
        let Some(first) = points.first().copied() else { return };
        let mut before: Vec<Pos2> = points.iter().copied().take_while(|point| point.x < split).collect();
        let mut after: Vec<Pos2> = points.iter().copied().skip(before.len()).collect();
        match (before.last().copied(), after.first().copied()) {
            (Some(left), Some(right)) => {
                let middle = between(left, right, split);
                before.push(middle);
                after.insert(0, middle);
            }
            (None, None) => after.push(first),
            _ => {}
        }
        for (points, strength) in [(&before, 0.06), (&after, 0.16)] {
            painter.add(Shape::mesh(area(points, place.bottom(), self.color.gamma_multiply(strength))));
        }
        painter.line(before, Stroke::new(1.0, palette.faint));
        painter.line(after, Stroke::new(1.5, self.color));
        if self.faint > 0.0 && self.faint < 1.0 {
            painter.vline(split, place.y_range(), Stroke::new(1.0, palette.line));
        }
    }
}

/// The values as places: the largest at the top, 0, or the smallest if it is negative, at the bottom.
fn points(values: &[f64], place: Rect) -> Vec<Pos2> {
    let finite = |value: &f64| if value.is_finite() { *value } else { 0.0 };
    let most = values.iter().map(finite).fold(0.0, f64::max);
    let least = values.iter().map(finite).fold(0.0, f64::min);
    let height = if most > least { most - least } else { 1.0 };
    let step = place.width() / (values.len().saturating_sub(1).max(1)) as f32;
    let point = |(at, value): (usize, &f64)| {
        let share = ((finite(value) - least) / height) as f32;
        pos2(place.left() + at as f32 * step, place.bottom() - share * (place.height() - 2.0))
    };
    values.iter().enumerate().map(point).collect()
}

fn between(left: Pos2, right: Pos2, x: f32) -> Pos2 {
    let share = if right.x > left.x { (x - left.x) / (right.x - left.x) } else { 0.0 };
    left + (right - left) * share
}

/// The area between a line and the ground.
fn area(points: &[Pos2], ground: f32, color: Color32) -> Mesh {
    let mut mesh = Mesh::default();
    for point in points {
        mesh.colored_vertex(*point, color);
        mesh.colored_vertex(pos2(point.x, ground), color);
    }
    for at in 0..points.len().saturating_sub(1) as u32 {
        mesh.add_triangle(2 * at, 2 * at + 1, 2 * at + 2);
        mesh.add_triangle(2 * at + 1, 2 * at + 2, 2 * at + 3);
    }
    mesh
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_is_at_the_top_and_nothing_at_the_bottom() {
        let place = Rect::from_min_max(pos2(10.0, 20.0), pos2(40.0, 42.0));
        let found = points(&[0.0, 50.0, 100.0, f64::NAN], place);
        assert_eq!(found, [pos2(10.0, 42.0), pos2(20.0, 32.0), pos2(30.0, 22.0), pos2(40.0, 42.0)]);
        assert_eq!(points(&[], place), []);
        assert_eq!(points(&[5.0], place), [pos2(10.0, 22.0)]);
        let below = points(&[-10.0, 10.0], place);
        assert_eq!(below, [pos2(10.0, 42.0), pos2(40.0, 22.0)]);
        assert_eq!(between(pos2(0.0, 0.0), pos2(10.0, 20.0), 5.0), pos2(5.0, 10.0));
        assert_eq!(area(&found, 42.0, Color32::RED).indices.len(), 18);
    }
}
