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
                background: Color::rgb(0xff_ff_ff),
                text: Color::rgb(0x1c_21_27),
                dim: Color::rgb(0x59_63_70),
                grid: Color::rgb(0xe3_e6_ea),
                axis: Color::rgb(0xb4_bb_c4),
                other: Color::rgb(0xa9_af_b8),
                not_recorded: Color::rgb(0xf0_f1_f3),
            },
            Self::Dark => ThemeColors {
                background: Color::rgb(0x14_17_1b),
                text: Color::rgb(0xe1_e5_ea),
                dim: Color::rgb(0x9a_a4_b0),
                grid: Color::rgb(0x2a_30_37),
                axis: Color::rgb(0x4a_53_5e),
                other: Color::rgb(0x6b_74_80),
                not_recorded: Color::rgb(0x1f_24_2a),
            },
        }
    }
}

/// Ten colors for curves that color-blind people can tell apart (after Okabe and Ito, and Tol), for each theme.
pub const SERIES_COLORS: [[u32; 10]; 2] = [
    [
        0x00_72_b2, 0xd5_5e_00, 0x00_9e_73, 0xcc_79_a7, 0xe6_9f_00, 0x56_b4_e9, 0x88_22_55, 0x99_99_33, 0x33_22_88,
        0xaa_44_99,
    ],
    [
        0x4f_a3_e0, 0xf0_81_3a, 0x2f_bf_95, 0xe0_9a_c0, 0xf2_b6_32, 0x8c_cf_f2, 0xd0_6a_90, 0xc2_c2_5a, 0x8f_83_e6,
        0xc7_7b_c7,
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
                color: Color::rgb(0x00_72_b2),
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
            Drawing { width: 10, height: 20, background: Color::rgb(0xff_ff_ff), title: "a & b".to_owned(), shapes };
        let mut out = Vec::new();
        drawing.write_svg(&mut out).expect("memory");
        let text = String::from_utf8(out).expect("UTF-8");
        assert!(text.contains("viewBox=\"0 0 10 20\" role=\"img\" aria-label=\"a &amp; b\""), "{text}");
        assert!(text.contains("points=\"0.0,1.3 2.0,3.0\"") && text.contains("stroke=\"#0072b2\""), "{text}");
        assert!(text.contains("text-anchor=\"end\" fill=\"#000000\" fill-opacity=\"0.20\">&lt;1 MB</text>"), "{text}");
    }
}
