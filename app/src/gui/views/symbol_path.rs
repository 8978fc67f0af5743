//! The box with the symbol path: the notation that debuggers have, what each part of it means, and whether it works. The
//! checking is done by others.

use eframe::egui::{
    Button, Frame, Id, Key, KeyboardShortcut, Label, Modal, Modifiers, RichText, ScrollArea, Sense, Spinner, TextEdit,
    Ui, Vec2, vec2,
};
use poolscope_symbols::locate::PathPartCheck;
use poolscope_symbols::path::{PathPart, SymbolPath};

use crate::gui::theme::{self, GRID, Palette};

/// Widest that the box gets, and what it leaves of the window beside and below its lists, in points.
const WIDTH: f32 = 640.0;
const BESIDE: f32 = 64.0;
const BELOW: f32 = 320.0;

/// What is written in the box, and what is known of it.
#[derive(Debug, Default)]
pub struct SymbolPathBox {
    /// What is written.
    pub text: String,
    /// The path that holds while nothing is written.
    pub default: String,
    /// Whether that path is the one of `_NT_SYMBOL_PATH`.
    pub from_environment: bool,
    /// What the path means, and the text that it was read from.
    pub read: Option<(Option<String>, SymbolPath)>,
    /// What the parts were found to be, in their order.
    pub checks: Vec<PathPartCheck>,
    /// Whether the parts are being looked at.
    pub checking: bool,
    /// A word from the window.
    pub note: Option<String>,
    /// The text that was asked about.
    pub asked: Option<Option<String>>,
}

/// What the user wants of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Look whether the parts work.
    Check,
    /// Choose a folder.
    AddFolder,
    /// Take the path and close the box.
    Save,
    /// Close the box.
    Close,
}

impl SymbolPathBox {
    /// A box over the path that the user chose before, and the one that holds without.
    #[must_use]
    pub fn over(chosen: Option<&str>, default: String, from_environment: bool) -> Self {
        Self { text: chosen.unwrap_or_default().to_owned(), default, from_environment, ..Self::default() }
    }

    /// What is written, as it is remembered; `None` when nothing is.
    #[must_use]
    pub fn written(&self) -> Option<String> {
        let parts = self.text.split([';', '\n', '\r']).map(str::trim).filter(|part| !part.is_empty());
        let text = parts.collect::<Vec<_>>().join(";");
        (!text.is_empty()).then_some(text)
    }

    /// Adds a part at the end, unless it is there.
    pub fn add(&mut self, part: &str) {
        let now = self.written().unwrap_or_default();
        let is_there = now.split(';').any(|other| other.eq_ignore_ascii_case(part));
        self.text = match (is_there, now.is_empty()) {
            (true, _) => now,
            (false, true) => part.to_owned(),
            (false, false) => format!("{now};{part}"),
        };
    }
}

/// Draws the box over the window; `microsoft` is the part that asks Microsoft's server.
pub fn show(ui: &Ui, state: &mut SymbolPathBox, microsoft: &str) -> Option<Wish> {
    let frame = Frame::popup(ui.style()).inner_margin(4.0 * GRID);
    let room = ui.ctx().content_rect().size();
    let mut wish = None;
    let shown = Modal::new(Id::unique("symbol path")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(room.x - BESIDE));
        ui.heading("Symbol path");
        ui.add_space(GRID);
        field(ui, state, &mut wish);
        ui.add_space(GRID);
        ui.horizontal_wrapped(|ui| {
            if ui.button("Add folder\u{2026}").clicked() {
                wish = Some(Wish::AddFolder);
            }
            if ui.button("Add Microsoft's server").on_hover_text(microsoft).clicked() {
                state.add(microsoft);
            }
            let can = state.written().is_some();
            let tip = "Leave the field empty: the path below holds";
            if ui.add_enabled(can, Button::new("Use default")).on_hover_text(tip).clicked() {
                state.text.clear();
            }
        });
        if let Some(note) = &state.note {
            ui.colored_label(Palette::of(ui).warn, note);
        }
        ui.add_space(2.0 * GRID);
        in_force(ui, state);
        parts(ui, state, (room.y - BELOW).clamp(60.0, 360.0));
        ui.add_space(3.0 * GRID);
        ui.horizontal(|ui| {
            if ui.button("OK").clicked() {
                wish = Some(Wish::Save);
            }
            if ui.button("Cancel").clicked() {
                wish = Some(Wish::Close);
            }
            ui.add_space(2.0 * GRID);
            let check = ui.add_enabled(!state.checking, Button::new("Check"));
            if check.on_hover_text("Look whether each part can be reached").clicked() {
                wish = Some(Wish::Check);
            }
            if state.checking {
                ui.add(Spinner::new().size(14.0));
                ui.weak("looking at each part");
            }
        });
    });
    wish.or_else(|| shown.should_close().then_some(Wish::Close))
}

fn field(ui: &mut Ui, state: &mut SymbolPathBox, wish: &mut Option<Wish>) {
    ui.weak("Folders, stores and servers, separated by semicolons, as in _NT_SYMBOL_PATH.");
    let hint = "srv*C:\\symbols*https://msdl.microsoft.com/download/symbols;D:\\pdbs";
    // Enter closes the box; Shift+Enter makes a line, which ends a part like a semicolon.
    let line = KeyboardShortcut::new(Modifiers::SHIFT, Key::Enter);
    let field = TextEdit::multiline(&mut state.text).font(theme::figure_font()).desired_rows(3).hint_text(hint);
    let field = ui.add(field.return_key(line).desired_width(f32::INFINITY));
    field.ctx.accesskit_node_builder(field.id, |node| node.set_label("Symbol path"));
    if ui.memory(|memory| memory.focused().is_none()) && !ui.input(|input| input.key_pressed(Key::Tab)) {
        field.request_focus();
    }
    if field.changed() {
        state.note = None;
    }
    if field.has_focus() && ui.input(|input| input.modifiers.is_none() && input.key_pressed(Key::Enter)) {
        *wish = Some(Wish::Save);
    }
}

/// Which path holds while the field is empty.
fn in_force(ui: &mut Ui, state: &SymbolPathBox) {
    if state.written().is_some() {
        return;
    }
    let from = if state.from_environment { "The path of _NT_SYMBOL_PATH holds:" } else { "The default path holds:" };
    ui.weak(from);
    ui.add_space(GRID);
}

/// Each part with what it means, what is wrong with it, and what was found there.
fn parts(ui: &mut Ui, state: &SymbolPathBox, height: f32) {
    let Some((_, path)) = &state.read else { return };
    let palette = Palette::of(ui);
    ScrollArea::vertical().max_height(height).auto_shrink([false, true]).show(ui, |ui| {
        if path.parts.is_empty() && path.problems.is_empty() {
            ui.weak("No place is searched.");
        }
        for (part, meaning) in &path.parts {
            ui.horizontal_top(|ui| {
                ui.add(Label::new(RichText::new(part).font(theme::figure_font())).wrap());
            });
            under(ui, |ui| {
                ui.add(Label::new(RichText::new(words(part, meaning)).weak()).wrap());
            });
            for problem in path.problems.iter().filter(|problem| problem.part == *part) {
                line(ui, Mark::Warning, &problem.text);
            }
            for check in state.checks.iter().filter(|check| check.part == *part) {
                result(ui, check);
            }
            ui.add_space(GRID);
        }
        let left_out = |part: &str| path.parts.iter().all(|(other, _)| other != part);
        for problem in path.problems.iter().filter(|problem| left_out(&problem.part)) {
            ui.add(Label::new(RichText::new(&problem.part).font(theme::figure_font()).color(palette.dim)).wrap());
            line(ui, Mark::Warning, &problem.text);
            ui.add_space(GRID);
        }
    });
}

fn under(ui: &mut Ui, draw: impl FnOnce(&mut Ui)) {
    ui.horizontal_top(|ui| {
        ui.add_space(3.0 * GRID);
        draw(ui);
    });
}

fn result(ui: &mut Ui, check: &PathPartCheck) {
    let (mark, what) = match &check.result {
        Ok(what) => (Mark::Good, what),
        Err(why) => (Mark::Bad, why),
    };
    line(ui, mark, &format!("{}: {what}", check.location));
}

#[derive(Clone, Copy)]
enum Mark {
    Good,
    Warning,
    Bad,
}

/// A line with a mark: its shape tells good from bad without the colour.
fn line(ui: &mut Ui, mark: Mark, text: &str) {
    let palette = Palette::of(ui);
    ui.horizontal_top(|ui| {
        ui.add_space(3.0 * GRID);
        let (place, _) = ui.allocate_exact_size(Vec2::splat(14.0), Sense::hover());
        let (at, painter) = (place.center(), ui.painter());
        let colour = match mark {
            Mark::Good => palette.good,
            Mark::Warning => palette.warn,
            Mark::Bad => palette.bad,
        };
        let stroke = eframe::egui::Stroke::new(1.5, colour);
        let stroked = |from: Vec2, to: Vec2| {
            painter.line_segment([at + from, at + to], stroke);
        };
        match mark {
            Mark::Good => {
                stroked(vec2(-4.0, 0.5), vec2(-1.0, 3.5));
                stroked(vec2(-1.0, 3.5), vec2(4.5, -3.0));
            }
            Mark::Warning => {
                let corners = [vec2(0.0, -4.5), vec2(5.0, 4.0), vec2(-5.0, 4.0)].map(|corner| at + corner);
                painter.add(eframe::egui::Shape::closed_line(corners.to_vec(), stroke));
            }
            Mark::Bad => {
                stroked(vec2(-3.5, -3.5), vec2(3.5, 3.5));
                stroked(vec2(-3.5, 3.5), vec2(3.5, -3.5));
            }
        }
        ui.add(Label::new(text).wrap());
    });
}

/// What a part means, in a few words; places that it names itself are not said twice.
fn words(part: &str, meaning: &PathPart) -> String {
    let more = |places: &mut dyn Iterator<Item = String>| {
        let unsaid: Vec<String> = places.filter(|place| !part.contains(place.as_str())).collect();
        if unsaid.is_empty() { String::new() } else { format!(": {}", unsaid.join(", then ")) }
    };
    let shown = |folder: &std::path::PathBuf| folder.display().to_string();
    match meaning {
        PathPart::Folder(folder) => format!("folder or store{}", more(&mut std::iter::once(shown(folder)))),
        PathPart::Cache(folder) => {
            format!("keeps what later parts find{}", more(&mut std::iter::once(shown(folder))))
        }
        PathPart::Chain { stores, servers } => {
            let counted = |count: usize, what: &str| match count {
                0 => None,
                1 => Some(format!("a {what}")),
                count => Some(format!("{count} {what}s")),
            };
            let kinds = [counted(stores.len(), "store"), counted(servers.len(), "server")];
            let kinds: Vec<String> = kinds.into_iter().flatten().collect();
            kinds.join(", then ") + &more(&mut stores.iter().map(shown).chain(servers.iter().cloned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_says_what_it_is_and_what_it_leaves_out() {
        let chain = PathPart::Chain { stores: vec!["/cache".into()], servers: vec!["https://a.example".to_owned()] };
        assert_eq!(words("srv*/cache*https://a.example", &chain), "a store, then a server");
        assert_eq!(words("srv**https://a.example", &chain), "a store, then a server: /cache");
        assert_eq!(words("~/pdbs", &PathPart::Folder("/me/pdbs".into())), "folder or store: /me/pdbs");
        assert_eq!(words("/pdbs", &PathPart::Folder("/pdbs".into())), "folder or store");
    }

    #[test]
    fn what_is_written_becomes_one_line_of_parts() {
        let mut state = SymbolPathBox::over(Some("D:\\pdbs"), "srv*".to_owned(), false);
        state.add("d:\\PDBS");
        assert_eq!(state.written().as_deref(), Some("D:\\pdbs"), "it is there already");
        state.add("srv**https://symbols.example");
        state.text.push_str(";;\n E:\\more \n");
        assert_eq!(state.written().as_deref(), Some("D:\\pdbs;srv**https://symbols.example;E:\\more"));
        state.text = " ; \n".to_owned();
        assert_eq!(state.written(), None);
    }
}
