//! One line of text in a limited width. What says least goes first: of a frame the extension of its module, as debuggers write
//! it, then a module of the kernel, which most frames have; then the middle, since names differ at both ends.

use eframe::egui::{Color32, FontId, Label, Painter, Response, RichText, Ui, pos2};

use crate::gui::theme;

/// In place of what is left out.
const ELLIPSIS: char = '\u{2026}';
/// Images of the kernel, with the names that debuggers have for them.
const KERNEL: [(&str, &str); 6] = [
    ("ntoskrnl.exe", "nt"),
    ("ntkrnlmp.exe", "nt"),
    ("ntkrnlpa.exe", "nt"),
    ("ntkrpamp.exe", "nt"),
    ("hal.dll", "hal"),
    ("ntdll.dll", "ntdll"),
];
/// Extensions of images that debuggers leave out.
const EXTENSIONS: [&str; 3] = [".sys", ".exe", ".dll"];

/// Shorter forms of a text that still say the same to its readers, the longest first.
fn shorter_forms(text: &str) -> Vec<String> {
    let Some((module, function)) = text.split_once('!').filter(|(module, _)| !module.contains(' ')) else {
        return Vec::new();
    };
    let known = KERNEL.iter().find(|(name, _)| name.eq_ignore_ascii_case(module));
    if let Some((_, short)) = known {
        return vec![format!("{short}!{function}"), function.to_owned()];
    }
    let lower = module.to_lowercase();
    let bare = EXTENSIONS.iter().find(|extension| lower.ends_with(*extension)).map(|e| module.len() - e.len());
    let bare = bare.and_then(|at| module.get(..at)).filter(|bare| !bare.is_empty());
    bare.map(|bare| format!("{bare}!{function}")).into_iter().collect()
}

/// The text without its middle, with `kept` characters of it left.
fn without_middle(text: &str, kept: usize) -> String {
    let count = text.chars().count();
    if kept >= count {
        return text.to_owned();
    }
    let head = kept.div_ceil(2);
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(count - (kept - head)).collect();
    format!("{start}{ELLIPSIS}{end}")
}

/// The longest form of a text whose width, as `measure` has it, is at most `width`; and whether it is the whole text.
pub fn fit(text: &str, width: f32, measure: impl Fn(&str) -> f32) -> (String, bool) {
    if measure(text) <= width {
        return (text.to_owned(), true);
    }
    let forms = shorter_forms(text);
    if let Some(form) = forms.iter().find(|form| measure(form) <= width) {
        return (form.clone(), false);
    }
    let shortest = forms.last().map_or(text, String::as_str);
    // The most characters that fit, by halving.
    let (mut fits, mut beyond) = (0, shortest.chars().count());
    while fits + 1 < beyond {
        let middle = usize::midpoint(fits, beyond);
        if measure(&without_middle(shortest, middle)) <= width {
            fits = middle;
        } else {
            beyond = middle;
        }
    }
    (without_middle(shortest, fits), false)
}

/// The same with the widths of a font.
#[must_use]
pub fn fitted(painter: &Painter, text: &str, font: &FontId, width: f32) -> (String, bool) {
    let measure = |text: &str| painter.layout_no_wrap(text.to_owned(), font.clone(), Color32::WHITE).size().x;
    fit(text, width, measure)
}

/// Writes one line from `at`, its middle left, shortened to `width`; returns whether all of it fitted.
pub fn paint(painter: &Painter, at: eframe::egui::Pos2, width: f32, text: &str, font: &FontId, color: Color32) -> bool {
    if width <= 0.0 {
        return false;
    }
    let (shown, is_whole) = fitted(painter, text, font, width);
    let galley = painter.layout_no_wrap(shown, font.clone(), color);
    painter.galley(pos2(at.x, at.y - galley.size().y / 2.0), galley, color);
    is_whole
}

/// A line of text of a font that is shortened to the width that there is; the whole text is on hover and for screen readers.
pub fn label(ui: &mut Ui, text: &str, font: FontId, style: impl FnOnce(RichText) -> RichText) -> Response {
    let (shown, is_whole) = fitted(ui.painter(), text, &font, ui.available_width());
    let label = Label::new(style(RichText::new(shown).font(font))).truncate();
    add(ui, label, (!is_whole).then_some(text))
}

/// Text that goes on in the next line, shortened to a number of times the width that there is, as [`label`] shortens a line.
pub fn paragraph(
    ui: &mut Ui,
    text: &str,
    font: FontId,
    line_count: f32,
    style: impl FnOnce(RichText) -> RichText,
) -> Response {
    let (shown, is_whole) = fitted(ui.painter(), text, &font, ui.available_width() * line_count);
    add(ui, Label::new(style(RichText::new(shown).font(font))).wrap(), (!is_whole).then_some(text))
}

/// Adds a label; `whole` is the text that it was cut from.
fn add(ui: &mut Ui, label: Label, whole: Option<&str>) -> Response {
    let response = ui.add(label.selectable(false).show_tooltip_when_elided(false));
    let Some(text) = whole else {
        return response;
    };
    // The name of a label is its value.
    response.ctx.accesskit_node_builder(response.id, |node| node.set_value(text));
    response.on_hover_ui(|ui| {
        ui.set_max_width(theme::TIP_WIDTH);
        ui.label(text);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text shortened to a number of characters.
    fn to(text: &str, width: usize) -> String {
        let (shown, is_whole) = fit(text, width as f32, |text| text.chars().count() as f32);
        assert_eq!(is_whole, shown == text);
        assert!(shown.chars().count() <= width.max(1), "{shown}");
        shown
    }

    #[test]
    fn the_module_goes_before_the_name() {
        assert_eq!(to("ntoskrnl.exe!ExAllocatePoolWithTag", 40), "ntoskrnl.exe!ExAllocatePoolWithTag");
        assert_eq!(to("ntoskrnl.exe!ExAllocatePoolWithTag", 26), "nt!ExAllocatePoolWithTag");
        assert_eq!(to("NTOSKRNL.EXE!ExAllocatePoolWithTag", 22), "ExAllocatePoolWithTag");
        assert_eq!(to("myfault.sys!MyfaultDeviceControl", 30), "myfault!MyfaultDeviceControl");
        assert_eq!(to("myfault.sys!MyfaultDeviceControl", 15), "myfault\u{2026}Control");
    }

    #[test]
    fn other_texts_lose_their_middle() {
        assert_eq!(to("0xfffff80012345678", 9), "0xff\u{2026}5678");
        assert_eq!(to("svchost.exe (1234)", 18), "svchost.exe (1234)");
        assert_eq!(to("a sentence, with no frame!", 11), "a sen\u{2026}rame!");
        assert_eq!(to("\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}", 3), "\u{e9}\u{2026}\u{e9}");
        assert_eq!(to("abc", 0), "\u{2026}");
        assert_eq!(to("!abcdef", 4), "!a\u{2026}f");
    }
}
