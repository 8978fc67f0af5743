//! Carries out the commands about the symbols of a trace, and says why one cannot be carried out. The search is elsewhere.

use super::Document;
use crate::gui::commands::SymbolsCommand as C;
use crate::gui::model::page_id::PageId;
use crate::gui::model::symbols::Phase;
use crate::gui::pages::page;

impl Document {
    /// Carries out a command. The file of [`C::OpenPdb`] is the window's to ask for.
    pub(in crate::gui) fn run_symbols(&mut self, command: C) {
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
                let all = (0..self.results.symbols.rows().len()).collect::<Vec<_>>();
                self.reload_symbols((!all.is_empty()).then_some(all));
            }
            C::Show(at) => {
                if let Some(page) = page(PageId::MODULES) {
                    page.show_module(self, at);
                }
            }
            C::ShowRows(at) => self.show_rows_of(at),
            C::GroupBy(naming) => self.set_frame_naming(naming),
        }
    }

    /// Leaves only the rows with stacks through a module.
    fn show_rows_of(&mut self, at: usize) {
        let Some(need) = self.results.symbols.needs().get(at) else { return };
        // In the texts of frames a module's name ends with one of these, or with the text itself.
        let name = regex_text(&need.request.identity.name);
        let pattern = format!("^{name}([!+]|$)");
        self.show_table();
        self.push_query(&format!("stack:~{}", poolscope_analysis::filter::query::quoted(&pattern)));
    }

    /// The module whose PDB [`C::OpenPdb`] is about: its place among those that the trace needs.
    #[must_use]
    pub fn current_module(&self) -> Option<usize> {
        let of_page = || page(self.ui.page)?.selected_module(self);
        of_page().or_else(|| self.page_of_rows().then(|| self.modules_of_rows().first().copied()).flatten())
    }

    /// The module that a command asks a PDB for: its place among those that the trace needs, and its name.
    #[must_use]
    pub fn asks_pdb(&self, command: C) -> Option<(usize, String)> {
        let at = match command {
            C::OpenPdbOf(at) => at,
            C::OpenPdb => self.current_module()?,
            _ => return None,
        };
        Some((at, self.results.symbols.needs().get(at)?.request.identity.name.clone()))
    }

    fn page_of_rows(&self) -> bool {
        self.ui.page == PageId::ANALYSIS && !self.ui.table.selected().is_empty()
    }

    /// Reason why a command cannot be carried out; `None` when it can.
    #[must_use]
    pub fn symbols_blocked(&self, command: C) -> Option<&'static str> {
        let no_stacks = "The trace has no stacks";
        if !self.has_allocations() {
            return Some("The trace has no pool events");
        }
        if self.lacks_stacks() {
            return Some(no_stacks);
        }
        let running = self.results.symbols.phase == Phase::Running;
        match command {
            C::Load | C::Reload => running.then_some("Symbols are being loaded"),
            C::LoadForRows if self.ui.table.selected().is_empty() => Some("No row is selected"),
            C::Stop => (!running).then_some("Symbols are not being loaded"),
            C::OpenPdb => {
                // The modules of the rows are not looked up for this: it is asked in every frame.
                let is_selected = self.page_of_rows() || self.current_module().is_some();
                (!is_selected).then_some("Select a module on the Modules page, or a row with a stack")
            }
            _ => None,
        }
    }

    /// Returns whether what a command switches on is on.
    pub(in crate::gui) fn symbols_on(&self, command: C) -> Option<bool> {
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
