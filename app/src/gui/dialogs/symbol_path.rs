//! The symbol path editor: the path as debuggers write it, the meaning of each part, and whether the part works. A job checks
//! the parts.

use eframe::egui::{Button, Key, KeyboardShortcut, Label, Modifiers, RichText, ScrollArea, Spinner, TextEdit, Ui};
use poolscope_symbols::locate::PathPartCheck;
use poolscope_symbols::path::{PathPart, SymbolPath};

use crate::gui::icons::Icon;
use crate::gui::theme::{self, GRID, Palette};
use crate::gui::widgets::modal::{self, DialogAction, Modal};

/// Greatest width of the dialog, in points.
const WIDTH: f32 = 640.0;
/// Height of the window that the dialog takes without the list of parts, in points.
const BELOW: f32 = 320.0;

/// State of the dialog.
#[derive(Debug, Default)]
pub struct SymbolPathDialog {
    /// The entered path.
    pub text: String,
    /// The path that is used while none is entered.
    pub default: String,
    /// True if that path is the one of `_NT_SYMBOL_PATH`.
    pub from_environment: bool,
    /// The parsed path, and the text that it was parsed from.
    pub read: Option<(Option<String>, SymbolPath)>,
    /// The results of the check, in the order of the parts.
    pub checks: Vec<PathPartCheck>,
    /// True if the parts are being checked.
    pub checking: bool,
    /// The text that was sent to the parser last.
    pub asked: Option<Option<String>>,
}

/// Action requested in the dialog, besides closing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SymbolPathAction {
    /// Check whether each part can be reached.
    Check,
    /// Choose a folder.
    AddFolder,
}

type Action = DialogAction<SymbolPathAction>;

impl SymbolPathDialog {
    /// The dialog for the path of the settings, if any, and the default path.
    #[must_use]
    pub fn over(chosen: Option<&str>, default: String, from_environment: bool) -> Self {
        Self { text: chosen.unwrap_or_default().to_owned(), default, from_environment, ..Self::default() }
    }

    /// The entered path in one line; `None` if none is entered.
    #[must_use]
    pub fn written(&self) -> Option<String> {
        let parts = self.text.split([';', '\n', '\r']).map(str::trim).filter(|part| !part.is_empty());
        let text = parts.collect::<Vec<_>>().join(";");
        (!text.is_empty()).then_some(text)
    }

    /// Appends a part, unless the path has it.
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

/// Draws the dialog over the window; `microsoft` is the part for Microsoft's server.
pub fn show(ui: &Ui, state: &mut SymbolPathDialog, microsoft: &str) -> Option<Action> {
    let height = ui.ctx().content_rect().height();
    Modal::new("symbol path", "Symbol path", WIDTH).show(ui, |ui| {
        let entered = field(ui, state);
        ui.add_space(GRID);
        let added = additions(ui, state, microsoft);
        ui.add_space(2.0 * GRID);
        in_force(ui, state);
        parts(ui, state, (height - BELOW).clamp(60.0, 360.0));
        let clicked = modal::buttons(ui, |ui| {
            let accepted = ui.button("OK").clicked();
            let closed = ui.button("Cancel").clicked();
            ui.add_space(2.0 * GRID);
            let check = ui.add_enabled(!state.checking, Button::new("Check"));
            let checks = check.on_hover_text("Check whether each location can be reached").clicked();
            if state.checking {
                ui.add(Spinner::new().size(14.0));
                ui.weak("Checking the locations");
            }
            match (accepted, closed) {
                (true, _) => Some(Action::Accept),
                (_, true) => Some(Action::Close),
                _ => checks.then_some(Action::Other(SymbolPathAction::Check)),
            }
        });
        clicked.or(added).or(entered)
    })
}

/// The buttons that change the path.
fn additions(ui: &mut Ui, state: &mut SymbolPathDialog, microsoft: &str) -> Option<Action> {
    let row = ui.horizontal_wrapped(|ui| {
        let adds = ui.button("Add folder\u{2026}").clicked();
        if ui.button("Add Microsoft symbol server").on_hover_text(microsoft).clicked() {
            state.add(microsoft);
        }
        let tip = "Clear the field to use the path below";
        if ui.add_enabled(state.written().is_some(), Button::new("Use default")).on_hover_text(tip).clicked() {
            state.text.clear();
        }
        adds.then_some(Action::Other(SymbolPathAction::AddFolder))
    });
    row.inner
}

/// The field with the path; Enter accepts it.
fn field(ui: &mut Ui, state: &mut SymbolPathDialog) -> Option<Action> {
    ui.weak("Folders, stores and servers, separated by semicolons, as in _NT_SYMBOL_PATH.");
    let hint = "srv*C:\\symbols*https://msdl.microsoft.com/download/symbols;D:\\pdbs";
    // Enter closes the dialog; Shift+Enter begins a line, which ends a part like a semicolon.
    let line = KeyboardShortcut::new(Modifiers::SHIFT, Key::Enter);
    let field = TextEdit::multiline(&mut state.text).font(theme::figure_font()).desired_rows(3).hint_text(hint);
    let field = ui.add(field.return_key(line).desired_width(f32::INFINITY));
    field.ctx.accesskit_node_builder(field.id, |node| node.set_label("Symbol path"));
    modal::focus_at_first(ui, &field);
    let is_entered = field.has_focus() && ui.input(|input| input.modifiers.is_none() && input.key_pressed(Key::Enter));
    is_entered.then_some(Action::Accept)
}

/// The source of the path that is used while the field is empty.
fn in_force(ui: &mut Ui, state: &SymbolPathDialog) {
    if state.written().is_some() {
        return;
    }
    let from = if state.from_environment { "Path from _NT_SYMBOL_PATH:" } else { "Default path:" };
    ui.weak(from);
    ui.add_space(GRID);
}

/// Each part with its meaning, its problems, and the result of the check.
fn parts(ui: &mut Ui, state: &SymbolPathDialog, height: f32) {
    let Some((_, path)) = &state.read else { return };
    let palette = Palette::of(ui);
    ScrollArea::vertical().max_height(height).auto_shrink([false, true]).show(ui, |ui| {
        if path.parts.is_empty() && path.problems.is_empty() {
            ui.weak("No location is searched.");
        }
        for (part, meaning) in &path.parts {
            ui.horizontal_top(|ui| {
                ui.add(Label::new(RichText::new(part).font(theme::figure_font())).wrap());
            });
            under(ui, |ui| {
                ui.add(Label::new(RichText::new(meaning_text(part, meaning)).weak()).wrap());
            });
            for problem in path.problems.iter().filter(|problem| problem.part == *part) {
                line(ui, Icon::Warning, &problem.text);
            }
            for check in state.checks.iter().filter(|check| check.part == *part) {
                result(ui, check);
            }
            ui.add_space(GRID);
        }
        let left_out = |part: &str| path.parts.iter().all(|(other, _)| other != part);
        for problem in path.problems.iter().filter(|problem| left_out(&problem.part)) {
            ui.add(Label::new(RichText::new(&problem.part).font(theme::figure_font()).color(palette.dim)).wrap());
            line(ui, Icon::Warning, &problem.text);
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
    let (icon, result) = match &check.result {
        Ok(found) => (Icon::Check, found),
        Err(why) => (Icon::Cross, why),
    };
    line(ui, icon, &format!("{}: {result}", check.location));
}

/// A line behind an icon: its shape tells good from bad without the color.
fn line(ui: &mut Ui, icon: Icon, text: &str) {
    let palette = Palette::of(ui);
    let color = match icon {
        Icon::Check => palette.good,
        Icon::Warning => palette.warn,
        _ => palette.bad,
    };
    ui.horizontal_top(|ui| {
        ui.add_space(3.0 * GRID);
        icon.show(ui, color);
        ui.add(Label::new(text).wrap());
    });
}

/// The meaning of a part in a few words, without the places that the part itself names.
fn meaning_text(part: &str, meaning: &PathPart) -> String {
    let more = |places: &mut dyn Iterator<Item = String>| {
        let unsaid: Vec<String> = places.filter(|place| !part.contains(place.as_str())).collect();
        if unsaid.is_empty() { String::new() } else { format!(": {}", unsaid.join(", then ")) }
    };
    let shown = |folder: &std::path::PathBuf| folder.display().to_string();
    match meaning {
        PathPart::Folder(folder) => format!("folder or store{}", more(&mut std::iter::once(shown(folder)))),
        PathPart::Cache(folder) => {
            format!("cache for later locations{}", more(&mut std::iter::once(shown(folder))))
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
        assert_eq!(meaning_text("srv*/cache*https://a.example", &chain), "a store, then a server");
        assert_eq!(meaning_text("srv**https://a.example", &chain), "a store, then a server: /cache");
        assert_eq!(meaning_text("~/pdbs", &PathPart::Folder("/me/pdbs".into())), "folder or store: /me/pdbs");
        assert_eq!(meaning_text("/pdbs", &PathPart::Folder("/pdbs".into())), "folder or store");
    }

    #[test]
    fn what_is_written_becomes_one_line_of_parts() {
        let mut state = SymbolPathDialog::over(Some("D:\\pdbs"), "srv*".to_owned(), false);
        state.add("d:\\PDBS");
        assert_eq!(state.written().as_deref(), Some("D:\\pdbs"), "it is there already");
        state.add("srv**https://symbols.example");
        state.text.push_str(";;\n E:\\more \n");
        assert_eq!(state.written().as_deref(), Some("D:\\pdbs;srv**https://symbols.example;E:\\more"));
        state.text = " ; \n".to_owned();
        assert_eq!(state.written(), None);
    }
}
