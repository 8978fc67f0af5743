//! A finished picture as shapes, and its SVG. The shapes are few and simple, so that other writers (PNG) draw the same picture.

use super::xml::escape;
use std::fmt::Write as _;
use std::io::{self, Write};

/// A color: red, green, blue, and opacity from 0 to 255.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Color(pub u8, pub u8, pub u8, pub u8);

impl Color {
    /// An opaque color from its number `0xrrggbb`.
    #[must_use]
    pub const fn rgb(number: u32) -> Self {
        Self((number >> 16) as u8, (number >> 8) as u8, number as u8, 255)
    }

    /// The color without its opacity, as `#rrggbb`.
    #[must_use]
    pub fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }

    /// The same color with another opacity.
    #[must_use]
    pub const fn with_opacity(self, opacity: u8) -> Self {
        Self(self.0, self.1, self.2, opacity)
    }
}

/// Light or dark colors of a picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Theme {
    /// Dark on white, for documents.
    #[default]
    Light,
    /// Light on near black.
    Dark,
}

/// Colors of a picture apart from those of its data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThemeColors {
    /// Behind all shapes.
    pub background: Color,
    /// Titles and labels.
    pub text: Color,
    /// Figures at the axes, subtitles.
    pub dim: Color,
    /// Lines of the grid.
    pub grid: Color,
    /// Lines of the axes.
    pub axis: Color,
    /// What is combined into one.
    pub other: Color,
    /// Behind times that were not recorded.
    pub not_recorded: Color,
}

impl Theme {
    /// The colors.
    #[must_use]
    pub const fn colors(self) -> ThemeColors {
        match self {
            Self::Light => ThemeColors {
                background: Color::rgb(0x00ff_ffff),
                text: Color::rgb(0x001c_2127),
                dim: Color::rgb(0x0059_6370),
                grid: Color::rgb(0x00e3_e6ea),
                axis: Color::rgb(0x00b4_bbc4),
                other: Color::rgb(0x00a9_afb8),
                not_recorded: Color::rgb(0x00f0_f1f3),
            },
            Self::Dark => ThemeColors {
                background: Color::rgb(0x0014_171b),
                text: Color::rgb(0x00e1_e5ea),
                dim: Color::rgb(0x009a_a4b0),
                grid: Color::rgb(0x002a_3037),
                axis: Color::rgb(0x004a_535e),
                other: Color::rgb(0x006b_7480),
                not_recorded: Color::rgb(0x001f_242a),
            },
        }
    }
}

/// Ten colors for curves that color-blind people can tell apart (after Okabe and Ito, and Tol), for each theme.
pub const SERIES_COLORS: [[u32; 10]; 2] = [
    [
        0x0000_72b2,
        0x00d5_5e00,
        0x0000_9e73,
        0x00cc_79a7,
        0x00e6_9f00,
        0x0056_b4e9,
        0x0088_2255,
        0x0099_9933,
        0x0033_2288,
        0x00aa_4499,
    ],
    [
        0x004f_a3e0,
        0x00f0_813a,
        0x002f_bf95,
        0x00e0_9ac0,
        0x00f2_b632,
        0x008c_cff2,
        0x00d0_6a90,
        0x00c2_c25a,
        0x008f_83e6,
        0x00c7_7bc7,
    ],
];

impl Theme {
    /// The color of the curve with a number; numbers beyond the last color start again.
    #[must_use]
    pub const fn series_color(self, number: usize) -> Color {
        let colors = &SERIES_COLORS[self as usize];
        Color::rgb(colors[number % colors.len()])
    }
}

/// The part of a text that lies at its position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Anchor {
    /// Its left end.
    Start,
    /// Its middle.
    Middle,
    /// Its right end.
    End,
}

/// Part of a picture. Lengths are in pixels from the upper left corner.
#[derive(Clone, PartialEq, Debug)]
pub enum Shape {
    /// A filled rectangle.
    Rect {
        /// Left and upper edge.
        at: (f64, f64),
        /// Width and height.
        size: (f64, f64),
        /// Its color.
        fill: Color,
    },
    /// A filled polygon.
    Area {
        /// Its corners.
        points: Vec<(f64, f64)>,
        /// Its color.
        fill: Color,
    },
    /// A line through points.
    Line {
        /// Its points.
        points: Vec<(f64, f64)>,
        /// Its width.
        width: f64,
        /// Its color.
        color: Color,
        /// True if it is dashed.
        is_dashed: bool,
    },
    /// A text in one line.
    Text {
        /// Position of the anchor on the baseline.
        at: (f64, f64),
        /// Size of the font.
        size: f64,
        /// The part of the text at the position.
        anchor: Anchor,
        /// Its color.
        color: Color,
        /// True for a title.
        is_strong: bool,
        /// The text.
        text: String,
    },
}

/// A picture.
#[derive(Clone, PartialEq, Debug)]
pub struct Drawing {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Color behind the shapes.
    pub background: Color,
    /// Description for those who do not see the picture.
    pub title: String,
    /// The shapes, the lowest first.
    pub shapes: Vec<Shape>,
}

/// Fonts of all pictures, the bundled one first.
pub(super) const FONTS: &str = "Inter, 'Segoe UI', system-ui, sans-serif";

impl Drawing {
    /// Writes the picture as SVG 1.1.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn write_svg(&self, out: &mut dyn Write) -> io::Result<()> {
        let (width, height, title) = (self.width, self.height, escape(&self.title));
        writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\" font-family=\"{FONTS}\">\n\
             <title>{title}</title>"
        )?;
        writeln!(out, "<rect width=\"{width}\" height=\"{height}\" {}/>", paint("fill", self.background))?;
        self.shapes.iter().try_for_each(|shape| write_shape(out, shape))?;
        writeln!(out, "</svg>")
    }
}

fn write_shape(out: &mut dyn Write, shape: &Shape) -> io::Result<()> {
    match shape {
        Shape::Rect { at: (x, y), size: (width, height), fill } => {
            let fill = paint("fill", *fill);
            writeln!(out, "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" {fill}/>")
        }
        Shape::Area { points: corners, fill } => {
            writeln!(out, "<polygon points=\"{}\" {}/>", points(corners), paint("fill", *fill))
        }
        Shape::Line { points: line, width, color, is_dashed } => {
            let dashes = if *is_dashed { " stroke-dasharray=\"4 3\"" } else { "" };
            let (line, stroke) = (points(line), paint("stroke", *color));
            writeln!(
                out,
                "<polyline points=\"{line}\" fill=\"none\" stroke-width=\"{width}\" stroke-linejoin=\"round\"{dashes} \
                 {stroke}/>"
            )
        }
        Shape::Text { at: (x, y), size, anchor, color, is_strong, text } => {
            let anchor = match anchor {
                Anchor::Start => "",
                Anchor::Middle => " text-anchor=\"middle\"",
                Anchor::End => " text-anchor=\"end\"",
            };
            let weight = if *is_strong { " font-weight=\"600\"" } else { "" };
            let (fill, text) = (paint("fill", *color), escape(text));
            writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\"{anchor}{weight} {fill}>{text}</text>")
        }
    }
}

/// The attributes of a color.
fn paint(what: &str, Color(red, green, blue, opacity): Color) -> String {
    let color = format!("{what}=\"#{red:02x}{green:02x}{blue:02x}\"");
    if opacity == 255 { color } else { format!("{color} {what}-opacity=\"{:.2}\"", f64::from(opacity) / 255.0) }
}

fn points(line: &[(f64, f64)]) -> String {
    let mut text = String::new();
    for (x, y) in line {
        // Writing to a string cannot fail.
        let written = write!(text, "{}{x:.1},{y:.1}", if text.is_empty() { "" } else { " " });
        debug_assert!(written.is_ok());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_have_their_places_and_colors() {
        let shapes = vec![
            Shape::Line {
                points: vec![(0.0, 1.26), (2.0, 3.0)],
                width: 1.5,
                color: Color::rgb(0x0000_72b2),
                is_dashed: true,
            },
            Shape::Text {
                at: (5.0, 6.0),
                size: 12.0,
                anchor: Anchor::End,
                color: Color::rgb(0).with_opacity(51),
                is_strong: false,
                text: "<1 MB".to_owned(),
            },
        ];
        let drawing =
            Drawing { width: 10, height: 20, background: Color::rgb(0x00ff_ffff), title: "a & b".to_owned(), shapes };
        let mut out = Vec::new();
        drawing.write_svg(&mut out).expect("memory");
        let text = String::from_utf8(out).expect("UTF-8");
        assert!(text.contains("viewBox=\"0 0 10 20\" role=\"img\" aria-label=\"a &amp; b\""), "{text}");
        assert!(text.contains("points=\"0.0,1.3 2.0,3.0\"") && text.contains("stroke=\"#0072b2\""), "{text}");
        assert!(text.contains("text-anchor=\"end\" fill=\"#000000\" fill-opacity=\"0.20\">&lt;1 MB</text>"), "{text}");
    }
}
