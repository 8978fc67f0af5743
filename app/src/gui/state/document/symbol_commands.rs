//! Carries out the commands about the symbols of a trace, and says why one cannot be carried out. The search is elsewhere.

use super::{Document, Page};
use crate::gui::command::SymbolsCommand as C;
use crate::gui::state::symbols::Phase;

impl Document {
    /// Carries out a command. The file of [`C::OpenPdb`] is the window's to ask for.
    pub(super) fn run_symbols(&mut self, command: C) {
        match command {
            C::Load => self.load_symbols(None),
            C::LoadForRows => {
                let modules = self.modules_of_rows();
                self.load_symbols(Some(modules));
            }
            C::Stop => self.cancel_symbols(),
            C::OpenPdb | C::OpenPdbOf(_) => {}
            C::SearchAgain(at) => self.reload_symbols(Some(vec![at])),
            C::Reload => {
                let all = (0..self.symbols.rows().len()).collect::<Vec<_>>();
                self.reload_symbols((!all.is_empty()).then_some(all));
            }
            C::Show(at) => {
                self.page = Page::Modules;
                self.modules.wants_focus = true;
                self.modules.show(&self.symbols, at);
            }
            C::ShowRows(at) => self.show_rows_of(at),
            C::GroupBy(naming) => self.set_frame_naming(naming),
        }
    }

    /// Leaves only the rows with stacks through a module.
    fn show_rows_of(&mut self, at: usize) {
        let Some(need) = self.symbols.needs().get(at) else { return };
        // In the texts of frames a module's name ends with one of these, or with the text itself.
        let name = regex_text(&need.request.identity.name);
        let pattern = format!("^{name}([!+]|$)");
        self.show_table();
        self.push_query(&format!("stack:~{}", poolscope_analysis::filter::query::quoted(&pattern)));
    }

    /// The module whose PDB [`C::OpenPdb`] is about: its place among those that the trace needs.
    #[must_use]
    pub fn module_in_hand(&self) -> Option<usize> {
        let of_page = || self.modules.selected.filter(|_| self.page == Page::Modules);
        of_page().or_else(|| self.page_of_rows().then(|| self.modules_of_rows().first().copied()).flatten())
    }

    /// The module that a command asks a PDB for: its place among those that the trace needs, and its name.
    #[must_use]
    pub fn asks_pdb(&self, command: C) -> Option<(usize, String)> {
        let at = match command {
            C::OpenPdbOf(at) => at,
            C::OpenPdb => self.module_in_hand()?,
            _ => return None,
        };
        Some((at, self.symbols.needs().get(at)?.request.identity.name.clone()))
    }

    fn page_of_rows(&self) -> bool {
        self.page == Page::Analysis && !self.table.selected().is_empty()
    }

    /// Why a command cannot be carried out; `None` when it can.
    #[must_use]
    pub fn symbols_blocked(&self, command: C) -> Option<&'static str> {
        let no_stacks = "The trace has no stacks";
        if !self.has_allocations() {
            return Some("The trace has no pool events");
        }
        if self.lacks_stacks() {
            return Some(no_stacks);
        }
        let running = self.symbols.phase == Phase::Running;
        match command {
            C::Load | C::Reload => running.then_some("They are being loaded"),
            C::LoadForRows if self.table.selected().is_empty() => Some("No row is selected"),
            C::Stop => (!running).then_some("They are not being loaded"),
            C::OpenPdb => {
                let none = match self.page {
                    Page::Modules => self.modules.selected.is_none(),
                    _ => !self.page_of_rows(),
                };
                none.then_some("Select a module on the page of modules, or a row with a stack")
            }
            _ => None,
        }
    }

    /// Whether what a command switches on is on.
    pub(super) fn symbols_on(&self, command: C) -> Option<bool> {
        match command {
            C::GroupBy(naming) => Some(self.frame_naming() == naming),
            _ => None,
        }
    }
}

/// A text as a regular expression that fits it alone.
fn regex_text(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 4);
    for letter in text.chars() {
        if letter.is_ascii_punctuation() {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}
