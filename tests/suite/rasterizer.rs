//! Draws a frame of the window without a graphics card: the triangles that egui makes, by arithmetic alone, so that the same picture
//! comes out on every machine. The window itself is drawn by wgpu; what is compared here is layout, text and colors.

use poolscope::gui::egui::epaint::{ColorImage, Mesh, Primitive, TextureId, Vertex};
use poolscope::gui::egui::{Color32, Context, FullOutput, Rect};

/// A picture: rows of red, green, blue, alpha.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pub rgba: Vec<u8>,
}

impl Picture {
    /// Pixels of a frame.
    pub fn of(ctx: &Context, output: &FullOutput, width: usize, height: usize) -> Self {
        let mut picture = Self { width, height, rgba: [0, 0, 0, 255].repeat(width * height) };
        let font = ctx.fonts(|fonts| fonts.image());
        for clipped in ctx.tessellate(output.shapes.clone(), 1.0) {
            if let Primitive::Mesh(mesh) = &clipped.primitive {
                assert_eq!(mesh.texture_id, TextureId::Managed(0), "only text and shapes are drawn");
                picture.mesh(mesh, clipped.clip_rect, &font);
            }
        }
        picture
    }

    fn mesh(&mut self, mesh: &Mesh, clip: Rect, font: &ColorImage) {
        for corners in mesh.indices.chunks_exact(3) {
            let corner = |at: usize| mesh.vertices[corners[at] as usize];
            self.triangle([corner(0), corner(1), corner(2)], clip, font);
        }
    }

    fn triangle(&mut self, corners: [Vertex; 3], clip: Rect, font: &ColorImage) {
        let [a, b, c] = corners;
        let area = edge(&a, &b, c.pos.x, c.pos.y);
        if area == 0.0 {
            return;
        }
        // One turn only.
        let [a, b, c] = if area < 0.0 { [a, c, b] } else { [a, b, c] };
        let area = area.abs();
        let bounds = Rect::from_points(&[a.pos, b.pos, c.pos]).intersect(clip);
        let within = |from: f32, to: f32, most: usize| {
            let pixel = |at: f32| (at.max(0.0) as usize).min(most);
            pixel((from - 0.5).ceil())..pixel((to - 0.5).ceil())
        };
        for y in within(bounds.top(), bounds.bottom(), self.height) {
            for x in within(bounds.left(), bounds.right(), self.width) {
                let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
                let weights = [edge(&b, &c, px, py), edge(&c, &a, px, py), edge(&a, &b, px, py)];
                let sides = [(&b, &c), (&c, &a), (&a, &b)];
                // A pixel on an edge belongs to one of the two triangles there.
                let covered = weights.iter().zip(sides).all(|(weight, (from, to))| {
                    *weight > 0.0
                        || (*weight == 0.0
                            && (to.pos.y < from.pos.y || (to.pos.y == from.pos.y && to.pos.x > from.pos.x)))
                });
                if covered {
                    let mixed = |of: &dyn Fn(&Vertex) -> f32| {
                        (weights[0] * of(&a) + weights[1] * of(&b) + weights[2] * of(&c)) / area
                    };
                    let texel = sample(font, mixed(&|v| v.uv.x), mixed(&|v| v.uv.y));
                    let color =
                        [0, 1, 2, 3].map(|at| mixed(&|v| f32::from(v.color.to_array()[at])) * texel[at] / 255.0);
                    self.blend(x, y, color);
                }
            }
        }
    }

    /// Colors have their alpha in them already, and are mixed as they are shown.
    fn blend(&mut self, x: usize, y: usize, color: [f32; 4]) {
        let at = (y * self.width + x) * 4;
        for (channel, new) in color.into_iter().enumerate() {
            let old = f32::from(self.rgba[at + channel]);
            self.rgba[at + channel] = (new + old * (1.0 - color[3] / 255.0)).round().clamp(0.0, 255.0) as u8;
        }
    }

    /// Pixels that differ by more than a shade, and the first of them.
    pub fn differing(&self, other: &Self, shade: u8) -> (usize, Option<(usize, usize)>) {
        assert_eq!((self.width, self.height), (other.width, other.height), "another size");
        let pixels = self.rgba.chunks_exact(4).zip(other.rgba.chunks_exact(4)).enumerate();
        let differs =
            |pair: &(usize, (&[u8], &[u8]))| pair.1.0.iter().zip(pair.1.1).any(|(a, b)| a.abs_diff(*b) > shade);
        let mut differing = pixels.filter(differs).map(|(at, _)| (at % self.width, at / self.width));
        let first = differing.next();
        (usize::from(first.is_some()) + differing.count(), first)
    }
}

/// Twice the area on one side of an edge.
fn edge(from: &Vertex, to: &Vertex, x: f32, y: f32) -> f32 {
    (to.pos.x - from.pos.x) * (y - from.pos.y) - (to.pos.y - from.pos.y) * (x - from.pos.x)
}

/// The texture at a place, between its four nearest points.
fn sample(image: &ColorImage, u: f32, v: f32) -> [f32; 4] {
    let [width, height] = image.size;
    let (x, y) = (u * width as f32 - 0.5, v * height as f32 - 0.5);
    let (left, top) = (x.floor(), y.floor());
    let texel = |x: f32, y: f32| -> Color32 {
        let (x, y) = ((x.max(0.0) as usize).min(width - 1), (y.max(0.0) as usize).min(height - 1));
        image.pixels[y * width + x]
    };
    let mut color = [0.0; 4];
    for (dx, dy) in [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)] {
        let share = (1.0 - (x - left - dx).abs()) * (1.0 - (y - top - dy).abs());
        let here = texel(left + dx, top + dy).to_array();
        color.iter_mut().zip(here).for_each(|(sum, channel)| *sum += share * f32::from(channel));
    }
    color
}
