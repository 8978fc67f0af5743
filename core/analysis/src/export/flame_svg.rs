//! A flame graph as SVG: one box per frame, as wide as its weight, with its name, weight and share as a title that viewers show
//! at the pointer. Colors follow modules.

use super::drawing::{Color, Theme};
use super::xml::escape;
use crate::flame::module_of_text;
use crate::flame::sample_tree::FrameTree;
use std::io::{self, Write};

/// Width of the picture, height of a row, room above and below the rows, all in pixels.
const WIDTH: f64 = 1600.0;
const ROW: f64 = 18.0;
const MARGIN: f64 = 12.0;
const HEAD: f64 = 58.0;
/// Width of a character, and of the narrowest box with a text.
const CHARACTER: f64 = 6.7;
const NARROWEST_TEXT: f64 = 24.0;
/// Narrowest box.
const NARROWEST: f64 = 0.1;
/// Maximum number of rows.
const MAX_ROWS: usize = 512;

/// Fills of modules, light enough for a dark text, or dark enough for a light one. A module has the same one in every picture.
const FILLS: [[u32; 10]; 2] = [
    [
        0x8e_c3_e6, 0xf3_b5_8a, 0x8f_d6_b8, 0xe3_b7_d1, 0xf2_cf_82, 0xb5_de_f7, 0xd3_9a_b6, 0xcf_cf_8f, 0xb9_b3_e0,
        0xf0_a3_a3,
    ],
    [
        0x27_4a_63, 0x6b_40_23, 0x21_57_46, 0x63_3f_55, 0x69_52_1a, 0x2c_5a_6e, 0x5f_2c_45, 0x55_55_1f, 0x44_3f_70,
        0x6e_34_34,
    ],
];
/// Fill of the kernel and of addresses without a module.
const PLAIN: [u32; 2] = [0xd5_d9_df, 0x2e_35_3d];
/// Fill of boxes that are no frames: the root, tags, processes.
const GROUP: [u32; 2] = [0xc3_cf_df, 0x31_42_58];

/// A flame graph to write.
pub struct FlameSvg<'f> {
    /// Title of the picture.
    pub title: &'f str,
    /// Line below it: the metric, the visible range, the filter.
    pub subtitle: &'f str,
    /// The frames.
    pub tree: &'f dyn FrameTree,
    /// The node that has the whole width.
    pub root: u32,
    /// True if the root is at the top, as in an icicle graph.
    pub root_at_top: bool,
    /// A weight as text.
    pub weight_text: &'f dyn Fn(u64) -> String,
    /// Light or dark.
    pub theme: Theme,
    /// Fill of the frames of a module, by its name in lower case, where it differs from that of the picture.
    pub module_fill: &'f dyn Fn(&str) -> Option<Color>,
}

/// A box: node, row, left edge and width.
struct Place {
    node: u32,
    row: usize,
    left: f64,
    width: f64,
}

impl FlameSvg<'_> {
    /// Writes the picture.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let places = self.places();
        let rows = places.iter().map(|place| place.row + 1).max().unwrap_or(1);
        let height = HEAD + rows as f64 * ROW + MARGIN;
        let (title, subtitle) = (escape(self.title), escape(self.subtitle));
        let colors = self.theme.colors();
        writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">\n<title>{title}</title>\n\
             <style>text {{ font: 11px 'JetBrains Mono', Consolas, Menlo, monospace; fill: {text}; }} \
             .head {{ font: 600 15px {fonts}; }} .sub {{ font: 12px {fonts}; fill: {dim}; }} \
             rect.f {{ stroke: {ground}; stroke-width: 0.5; }} g:hover rect.f {{ stroke: {text}; stroke-width: 1; }}</style>\n\
             <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"{ground}\"/>\n\
             <text class=\"head\" x=\"{MARGIN}\" y=\"24\">{title}</text>\n\
             <text class=\"sub\" x=\"{MARGIN}\" y=\"43\">{subtitle}</text>",
            fonts = super::drawing::FONTS,
            text = colors.text.hex(),
            dim = colors.dim.hex(),
            ground = colors.background.hex(),
        )?;
        for place in &places {
            let row = if self.root_at_top { place.row } else { rows - 1 - place.row };
            self.write_box(out, place, HEAD + row as f64 * ROW)?;
        }
        writeln!(out, "</svg>")
    }

    /// The boxes that are wide enough, row by row.
    fn places(&self) -> Vec<Place> {
        let whole = self.tree.weight(self.root);
        let mut places = vec![Place { node: self.root, row: 0, left: MARGIN, width: WIDTH - 2.0 * MARGIN }];
        let mut next = 0;
        while let Some(Place { node, row, left, .. }) = places.get(next) {
            let (row, mut left) = (row + 1, *left);
            for child in self.tree.children(*node) {
                let share = self.tree.weight(child) as f64 / whole.max(1) as f64;
                let width = share * (WIDTH - 2.0 * MARGIN);
                if width >= NARROWEST && row < MAX_ROWS {
                    places.push(Place { node: child, row, left, width });
                }
                left += width;
            }
            next += 1;
        }
        places
    }

    fn write_box(&self, out: &mut dyn Write, place: &Place, top: f64) -> io::Result<()> {
        let Place { node, left, width, .. } = *place;
        let (text, weight) = (self.tree.text(node), self.tree.weight(node));
        let share = 100.0 * weight as f64 / self.tree.weight(self.root).max(1) as f64;
        let tip = format!("{text}: {}, {share:.2} %", (self.weight_text)(weight));
        let (fill, height) = (self.fill(node, &text).hex(), ROW - 1.0);
        write!(
            out,
            "<g><title>{}</title><rect class=\"f\" x=\"{left:.2}\" y=\"{top:.1}\" width=\"{width:.2}\" \
             height=\"{height}\" fill=\"{fill}\"/>",
            escape(&tip)
        )?;
        if width >= NARROWEST_TEXT {
            let room = ((width - 6.0) / CHARACTER) as usize;
            let (x, y) = (left + 3.0, top + 12.5);
            write!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escape(&shortened(&text, room)))?;
        }
        writeln!(out, "</g>")
    }

    fn fill(&self, node: u32, text: &str) -> Color {
        let of = |fills: [u32; 2]| Color::rgb(fills[self.theme as usize]);
        if !self.tree.is_frame(node) {
            return of(GROUP);
        }
        let Some(module) = module_of_text(text).map(str::to_ascii_lowercase) else { return of(PLAIN) };
        if ["ntoskrnl.exe", "ntkrnlmp.exe", "ntkrnlpa.exe", "nt", "hal.dll"].contains(&module.as_str()) {
            return of(PLAIN);
        }
        if let Some(fill) = (self.module_fill)(&module) {
            return fill;
        }
        // FNV-1a: spreads names evenly and never changes.
        let hash =
            module.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let fills = &FILLS[self.theme as usize];
        Color::rgb(fills[hash as usize % fills.len()])
    }
}

/// A text that has room: a function without its module first, then its beginning.
fn shortened(text: &str, room: usize) -> String {
    let fits = |text: &str| text.chars().count() <= room;
    if fits(text) {
        return text.to_owned();
    }
    let function = text.split_once('!').map_or(text, |(_, function)| function);
    if fits(function) {
        return function.to_owned();
    }
    let kept: String = function.chars().take(room.saturating_sub(1)).collect();
    format!("{kept}\u{2026}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_module_before_their_end() {
        assert_eq!(shortened("a.sys!Grow", 10), "a.sys!Grow");
        assert_eq!(shortened("a.sys!Grow", 9), "Grow");
        assert_eq!(shortened("a.sys!Grow", 3), "Gr\u{2026}");
    }
}
