//! Every color, size and font of the window, in one file. Views and widgets take them from here and never write a
//! literal color or size of their own; the theme never knows what is shown in it.

use eframe::egui::style::ScrollStyle;
use eframe::egui::text::{LayoutJob, TextFormat, TextWrapping};
use eframe::egui::{self, Color32, CornerRadius, FontFamily, FontId, Stroke, TextStyle, Theme, Vec2};
use poolscope_analysis::export::drawing;

/// The grid that every distance is a multiple of, in points.
pub const GRID: f32 = 4.0;
/// Height of one row of a table, in points.
pub const ROW_HEIGHT: f32 = 22.0;
/// Height of a table's header, in points.
pub const HEADER_HEIGHT: f32 = 24.0;
/// The smallest step of indentation of a tree inside its column, in points.
pub const INDENT: f32 = 3.0;
/// Width of the bars between keys, data and graphed columns, in points.
pub const BAR_WIDTH: f32 = 4.0;
/// Thickness of a scrollbar, in points.
pub const SCROLLBAR: f32 = 10.0;
/// Radius of rounded corners, in points.
pub const RADIUS: u8 = 3;

/// Size of ordinary text, in points.
pub const TEXT: f32 = 13.0;
/// Size of figures and symbol names, set in the monospaced face, in points.
pub const FIGURE: f32 = 12.0;
/// Size of captions, units and axis labels, in points.
pub const SMALL: f32 = 11.0;
/// Size of the one heading of a page, in points.
pub const HEADING: f32 = 20.0;

/// Greatest width of a text at the pointer, in points.
pub const TIP_WIDTH: f32 = 480.0;

/// Number of categorical colors.
pub const SERIES_COLORS: usize = 10;
/// Number of colors of module names before they repeat.
pub const MODULE_COLORS: usize = 6;
/// Opacity of a module's color behind the names of its functions, and of the kernel's.
const MODULE_SHARE: f32 = 0.26;
const KERNEL_SHARE: f32 = 0.2;
/// Opacity of gold behind responsible frames of a graph.
const RESPONSIBLE_SHARE: f32 = 0.42;

/// The colors of one theme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Palette {
    /// Behind tables and graphs.
    pub canvas: Color32,
    /// Behind side panels, bars and headers.
    pub panel: Color32,
    /// Hairlines between areas.
    pub line: Color32,
    /// Lines of a graph's grid.
    pub grid: Color32,
    /// Text that is read.
    pub text: Color32,
    /// Captions and units.
    pub dim: Color32,
    /// Empty marks, disabled text.
    pub faint: Color32,
    /// The one accent: focus, selection, the primary action.
    pub accent: Color32,
    /// Text on the accent.
    pub on_accent: Color32,
    /// Behind selected rows.
    pub selected: Color32,
    /// Behind the row under the pointer.
    pub hovered: Color32,
    /// Behind every other row of a table.
    pub stripe: Color32,
    /// The bar inside a cell that shows its share.
    pub share: Color32,
    /// Behind the responsible frame of a stack.
    pub responsible: Color32,
    /// The bar between keys and data.
    pub gold: Color32,
    /// The bar between data and what is graphed.
    pub blue: Color32,
    /// Good news.
    pub good: Color32,
    /// Something to know before the figures are believed.
    pub warn: Color32,
    /// Something wrong.
    pub bad: Color32,
    /// Everything that is folded into "other".
    pub other: Color32,
    /// Colors that module names are written in: dark or light enough to be read.
    pub module: [Color32; MODULE_COLORS],
    /// Ten colors for data that color-blind people can tell apart (after Okabe and Ito, and Tol).
    pub series: [Color32; SERIES_COLORS],
}

const fn rgb(hex: u32) -> Color32 {
    let [_, r, g, b] = hex.to_be_bytes();
    Color32::from_rgb(r, g, b)
}

/// The colors of curves, the same as in exported pictures.
const fn series_colors(theme: drawing::Theme) -> [Color32; SERIES_COLORS] {
    let mut colors = [Color32::BLACK; SERIES_COLORS];
    let mut at = 0;
    while at < SERIES_COLORS {
        let drawing::Color(red, green, blue, _) = theme.series_color(at);
        colors[at] = Color32::from_rgb(red, green, blue);
        at += 1;
    }
    colors
}

const LIGHT: Palette = Palette {
    canvas: rgb(0x00FF_FFFF),
    panel: rgb(0x00F4_F5F7),
    line: rgb(0x00D9_DDE3),
    grid: rgb(0x00EC_EEF1),
    text: rgb(0x001C_2127),
    dim: rgb(0x0059_6370),
    faint: rgb(0x00A3_ABB6),
    accent: rgb(0x0025_63C9),
    on_accent: rgb(0x00FF_FFFF),
    selected: rgb(0x00D8_E6FB),
    hovered: rgb(0x00EE_F2F8),
    stripe: rgb(0x00FA_FBFC),
    share: rgb(0x00E3_E9F1),
    responsible: rgb(0x00FD_F0D2),
    gold: rgb(0x00D9_A520),
    blue: rgb(0x004A_86D8),
    good: rgb(0x0012_8A5B),
    warn: rgb(0x00A8_6A00),
    bad: rgb(0x00BF_2F2F),
    other: rgb(0x00A9_AFB8),
    module: [
        rgb(0x001F_5FA8),
        rgb(0x008A_3B00),
        rgb(0x0000_684A),
        rgb(0x008A_2F6B),
        rgb(0x005B_4B00),
        rgb(0x004A_3A9E),
    ],
    series: series_colors(drawing::Theme::Light),
};

const DARK: Palette = Palette {
    canvas: rgb(0x0014_171B),
    panel: rgb(0x001B_1F24),
    line: rgb(0x002E_343C),
    grid: rgb(0x0022_272D),
    text: rgb(0x00E1_E5EA),
    dim: rgb(0x009A_A4B0),
    faint: rgb(0x005F_6975),
    accent: rgb(0x0062_9DF2),
    on_accent: rgb(0x000C_1118),
    selected: rgb(0x0022_3A5C),
    hovered: rgb(0x001F_252C),
    stripe: rgb(0x0017_1B20),
    share: rgb(0x0026_2F3A),
    responsible: rgb(0x003B_2F16),
    gold: rgb(0x00C9_9A2B),
    blue: rgb(0x003F_78C4),
    good: rgb(0x003F_BF8D),
    warn: rgb(0x00E0_A83A),
    bad: rgb(0x00F0_7272),
    other: rgb(0x006B_7480),
    module: [
        rgb(0x008F_C1F5),
        rgb(0x00F5_B083),
        rgb(0x007F_DDBD),
        rgb(0x00EB_B4D2),
        rgb(0x00E0_D27A),
        rgb(0x00B9_B0F5),
    ],
    series: series_colors(drawing::Theme::Dark),
};

impl Palette {
    /// The colors of the theme that `ui` is drawn in.
    #[must_use]
    pub fn of(ui: &egui::Ui) -> &'static Self {
        Self::for_dark(ui.visuals().dark_mode)
    }

    /// The dark colors, or the light ones.
    #[must_use]
    pub fn for_dark(dark: bool) -> &'static Self {
        if dark { &DARK } else { &LIGHT }
    }

    /// The categorical color with this number; `None` is "other". Numbers beyond the last color start again.
    #[must_use]
    pub fn series_color(&self, number: Option<usize>) -> Color32 {
        number.map_or(self.other, |n| self.series[n % SERIES_COLORS])
    }

    /// The color that a module's name is written in; `None` for the kernel itself, which is in every stack.
    #[must_use]
    pub fn module_color(&self, number: Option<usize>) -> Color32 {
        number.map_or(self.dim, |n| self.module[n % MODULE_COLORS])
    }

    /// The color behind the name of a module's function; `None` for the kernel itself. Ordinary text can be read on it.
    #[must_use]
    pub fn module_fill(&self, number: Option<usize>) -> Color32 {
        let (color, share) = (self.module_color(number), if number.is_some() { MODULE_SHARE } else { KERNEL_SHARE });
        self.canvas.lerp_to_gamma(color, share)
    }

    /// Behind the name of a responsible frame in a graph, stronger than in a table. Ordinary text can be read on it.
    #[must_use]
    pub fn responsible_fill(&self) -> Color32 {
        self.canvas.lerp_to_gamma(self.gold, RESPONSIBLE_SHARE)
    }

    /// Behind what a search found in a graph.
    #[must_use]
    pub fn match_fill(&self) -> Color32 {
        self.gold
    }

    /// Text on what a search found.
    #[must_use]
    pub fn on_match(&self) -> Color32 {
        LIGHT.text
    }
}

/// The semi-bold face.
#[must_use]
pub fn strong_family() -> FontFamily {
    FontFamily::Name("strong".into())
}

/// Ordinary text.
#[must_use]
pub fn text_font() -> FontId {
    FontId::proportional(TEXT)
}

/// Ordinary text, emphasised.
#[must_use]
pub fn strong_font() -> FontId {
    FontId::new(TEXT, strong_family())
}

/// Captions and units.
#[must_use]
pub fn small_font() -> FontId {
    FontId::proportional(SMALL)
}

/// Figures (tabular) and symbol names.
#[must_use]
pub fn figure_font() -> FontId {
    FontId::monospace(FIGURE)
}

/// Writes one line from `at`, its middle left, shortened with an ellipsis to `width`; returns whether all of it fitted.
pub fn clipped_text(
    painter: &egui::Painter,
    at: egui::Pos2,
    width: f32,
    text: &str,
    font: FontId,
    color: Color32,
) -> bool {
    if width <= 0.0 {
        return false;
    }
    let format = TextFormat::simple(font, color);
    let mut job = LayoutJob::single_section(text.to_owned(), format);
    job.break_on_newline = false;
    job.wrap = TextWrapping { max_width: width, max_rows: 1, break_anywhere: true, ..TextWrapping::default() };
    let galley = painter.layout_job(job);
    let whole = !galley.elided;
    painter.galley(egui::pos2(at.x, at.y - galley.size().y / 2.0), galley, color);
    whole
}

/// Sets fonts and both themes in `ctx`; to be called once, before the first frame.
pub fn install(ctx: &egui::Context) {
    ctx.set_fonts(super::fonts::definitions());
    for theme in [Theme::Light, Theme::Dark] {
        let palette = Palette::for_dark(theme == Theme::Dark);
        ctx.style_mut_of(theme, |style| {
            set_spacing(style);
            set_visuals(&mut style.visuals, palette);
        });
    }
}

fn set_spacing(style: &mut egui::Style) {
    style.text_styles = [
        (TextStyle::Small, small_font()),
        (TextStyle::Body, text_font()),
        (TextStyle::Button, text_font()),
        (TextStyle::Monospace, figure_font()),
        (TextStyle::Heading, FontId::new(HEADING, strong_family())),
    ]
    .into();
    style.spacing.item_spacing = Vec2::new(2.0 * GRID, GRID);
    style.spacing.button_padding = Vec2::new(2.0 * GRID, 3.0);
    style.spacing.interact_size.y = ROW_HEIGHT;
    // Scroll bars have room of their own: over a list they would cover its figures.
    style.spacing.scroll = ScrollStyle {
        bar_width: SCROLLBAR - 2.0,
        bar_inner_margin: 2.0,
        dormant_handle_opacity: 0.5,
        ..ScrollStyle::solid()
    };
    style.spacing.window_margin = egui::Margin::same(12);
}

fn set_visuals(visuals: &mut egui::Visuals, p: &Palette) {
    visuals.panel_fill = p.panel;
    visuals.window_fill = p.panel;
    visuals.window_stroke = Stroke::new(1.0, p.line);
    visuals.extreme_bg_color = p.canvas;
    visuals.faint_bg_color = p.hovered;
    visuals.code_bg_color = p.canvas;
    visuals.override_text_color = None;
    visuals.weak_text_color = Some(p.dim);
    visuals.hyperlink_color = p.accent;
    visuals.warn_fg_color = p.warn;
    visuals.error_fg_color = p.bad;
    visuals.selection.bg_fill = p.selected;
    visuals.selection.stroke = Stroke::new(1.0, p.accent);
    visuals.window_corner_radius = CornerRadius::same(2 * RADIUS);
    visuals.menu_corner_radius = CornerRadius::same(2 * RADIUS);
    let widgets = &mut visuals.widgets;
    let states = [
        (&mut widgets.noninteractive, p.panel, p.line, p.text),
        (&mut widgets.inactive, p.canvas, p.line, p.text),
        (&mut widgets.hovered, p.hovered, p.faint, p.text),
        (&mut widgets.active, p.selected, p.accent, p.text),
        (&mut widgets.open, p.hovered, p.line, p.text),
    ];
    for (state, fill, edge, text) in states {
        state.bg_fill = fill;
        state.weak_bg_fill = fill;
        state.bg_stroke = Stroke::new(1.0, edge);
        state.fg_stroke = Stroke::new(1.0, text);
        state.corner_radius = CornerRadius::same(RADIUS);
        state.expansion = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contrast ratio after WCAG 2.1.
    fn contrast(a: Color32, b: Color32) -> f64 {
        let luminance = |c: Color32| {
            let channel = |v: u8| {
                let v = f64::from(v) / 255.0;
                if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * channel(c.r()) + 0.7152 * channel(c.g()) + 0.0722 * channel(c.b())
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_can_be_read_on_every_ground() {
        for p in [&LIGHT, &DARK] {
            for ground in [p.canvas, p.panel, p.selected, p.hovered, p.stripe, p.share, p.responsible] {
                assert!(contrast(p.text, ground) >= 7.0);
                assert!(contrast(p.dim, ground) >= 4.5);
                assert!(p.module.iter().all(|color| contrast(*color, ground) >= 4.5));
            }
            for number in (0..MODULE_COLORS).map(Some).chain([None]) {
                assert!(contrast(p.text, p.module_fill(number)) >= 7.0, "{number:?}");
            }
            assert!(contrast(p.on_match(), p.match_fill()) >= 4.5);
            assert!(contrast(p.text, p.responsible_fill()) >= 5.0);
            assert!(contrast(p.on_accent, p.accent) >= 4.5);
            for mark in [p.good, p.warn, p.bad] {
                assert!(contrast(mark, p.panel) >= 4.0);
            }
        }
    }

    #[test]
    fn series_colors_differ_and_start_again() {
        for p in [&LIGHT, &DARK] {
            for (i, a) in p.series.iter().enumerate() {
                assert!(p.series[..i].iter().all(|b| a != b));
                assert_ne!(*a, p.other);
            }
            assert_eq!(p.series_color(Some(12)), p.series[2]);
            assert_eq!(p.series_color(None), p.other);
        }
    }
}
