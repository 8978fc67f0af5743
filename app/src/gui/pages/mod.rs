//! The pages of the window, a folder each. Those of an open trace are in one list and implement [`Page`]; the start page is
//! shown while no trace is open, and the recording page has a tab of its own. Pages do not know each other: they lead to another
//! page by its name, with a command.

use std::any::Any;

use eframe::egui::{KeyboardShortcut, Ui};
use poolscope_analysis::pivot::RowPath;
use serde_json::Value;

use crate::gui::commands::table::{CommandSpec, MenuPlace};
use crate::gui::commands::{Command, DocumentCommand};
use crate::gui::document::Document;
use crate::gui::jobs::document::{PageAnswer, PageWork};
use crate::gui::model::page_id::PageId;

pub mod recording;
pub mod start;

/// Declares the modules of the pages of an open trace and lists them in the order of the menu. Each module has a `PAGE`.
macro_rules! pages {
    ($($(#[$about:meta])* $name:ident,)*) => {
        $($(#[$about])* pub mod $name;)*

        /// The pages of an open trace, in the order of the menu.
        pub static PAGES: &[&dyn Page] = &[$(&$name::PAGE),*];
    };
}

pages! {
    analysis,
    suspects,
    flame,
    trace_info,
    modules,
}

/// A page of an open trace. What the window keeps of it (state, background work, commands, remembered settings) hangs on this
/// trait, so that the rest of the window names no page.
pub trait Page: Sync {
    /// The page's name.
    fn id(&self) -> PageId;

    /// Title in menus and on the page.
    fn title(&self) -> &'static str;

    /// Place in the menus of the command that shows the page.
    fn place(&self) -> MenuPlace;

    /// Keys of the command that shows the page.
    fn keys(&self) -> Vec<KeyboardShortcut> {
        Vec::new()
    }

    /// State of the page for a trace that was just opened. [`Document::page_state`] gives it back.
    fn new_state(&self) -> Box<dyn Any + Send>;

    /// Draws the page.
    fn show(&self, ui: &mut Ui, document: &mut Document, commands: &mut Vec<Command>);

    /// Returns whether the details of the selected row are beside the page.
    fn has_details(&self) -> bool {
        false
    }

    /// Returns whether the sentence on what leaks is above the page.
    fn has_summary_banner(&self) -> bool {
        false
    }

    /// Called when the page comes to the front; `from` was there before.
    fn opened(&self, _document: &mut Document, _from: PageId) {}

    /// Rows of the command table that belong to the page.
    fn commands(&self) -> Vec<CommandSpec> {
        Vec::new()
    }

    /// Carries out one of the page's commands.
    fn run(&self, _document: &mut Document, _command: &'static str) {}

    /// Returns whether one of the page's commands would do anything now.
    fn can(&self, _document: &Document, _command: &'static str) -> bool {
        true
    }

    /// Returns whether what one of the page's commands switches on is on; `None` for commands that switch nothing.
    fn is_on(&self, _document: &Document, _command: &'static str) -> Option<bool> {
        None
    }

    /// Carries out a command of the document in the page's own way while the page is in front, such as Copy. Returns whether it
    /// did.
    fn run_shared(&self, _document: &mut Document, _command: &DocumentCommand) -> bool {
        false
    }

    /// Returns whether such a command would do anything now; `None` where the page has no own way.
    fn can_shared(&self, _document: &Document, _command: &DocumentCommand) -> Option<bool> {
        None
    }

    /// Called before the document's questions are collected: asks for the page's background work with [`Document::ask_page`].
    fn update(&self, _document: &mut Document) {}

    /// The background work behind one of the page's jobs, as things stand; `None` when there is nothing to do any more.
    fn work(&self, _document: &mut Document, _job: &'static str) -> Option<PageWork> {
        None
    }

    /// Applies the answer of one of the page's jobs.
    fn apply(&self, _document: &mut Document, _job: &'static str, _answer: PageAnswer) {}

    /// One of the page's jobs failed through an error in the program. Returns what could not be computed, for a message.
    fn job_failed(&self, _document: &mut Document, _job: &'static str) -> &'static str {
        "a result"
    }

    /// Called when other rows are in the table: a row that could not be reached before may be there now.
    fn rows_changed(&self, _document: &mut Document) {}

    /// Brings the page to the front for the rows at a place, named `title` where the place does not say it all.
    fn show_rows(&self, document: &mut Document, _place: RowPath, _title: Option<String>) {
        document.show_page(self.id());
    }

    /// The module that is selected on the page: its position among those that the trace needs.
    fn selected_module(&self, _document: &Document) -> Option<usize> {
        None
    }

    /// Brings the page to the front with a module selected: its position among those that the trace needs.
    fn show_module(&self, document: &mut Document, _module: usize) {
        document.show_page(self.id());
    }

    /// Settings of the page that are kept from one use of the trace to the next.
    fn remember(&self, _document: &Document) -> Option<Value> {
        None
    }

    /// Shows the page as it was remembered; a value of another version is ignored.
    fn restore(&self, _document: &mut Document, _value: Value) {}
}

/// The page of a name.
#[must_use]
pub fn page(id: PageId) -> Option<&'static dyn Page> {
    PAGES.iter().copied().find(|page| page.id() == id)
}
