//! The pages of the window, a folder and a line in one list each. Those of an open trace implement [`Page`], those that need no
//! trace [`WindowPage`]. Pages do not know each other: they lead to another page by its name, with a command; and nothing but this
//! file names them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use eframe::egui::{KeyboardShortcut, Ui};
use poolscope_analysis::pivot::RowPath;
use serde_json::Value;

use crate::gui::commands::table::{CommandSpec, MenuPlace};
use crate::gui::commands::{Command, DocumentCommand};
use crate::gui::document::exporting::ShownFlameChoice;
use crate::gui::document::{Document, PageState, Widgets};
use crate::gui::jobs::document::{PageAnswer, PageWork};
use crate::gui::model::case::CaseView;
use crate::gui::model::page_id::PageId;
use crate::gui::model::recorder::RecorderState;
use crate::gui::model::recording_setup::{RecordingSetup, SuggestedTag};
use crate::gui::settings::Recent;
use crate::gui::shell::tabs::Mark;

/// Declares the modules of the pages and lists them in the order of the menu. Each module has a `PAGE`.
macro_rules! pages {
    (of_trace { $($of_trace:ident,)* } of_window { $($of_window:ident,)* }) => {
        $(pub mod $of_trace;)*
        $(pub mod $of_window;)*

        /// The pages of an open trace, in the order of the menu.
        pub static PAGES: &[&dyn Page] = &[$(&$of_trace::PAGE),*];

        /// The pages that need no trace.
        pub static WINDOW_PAGES: &[&dyn WindowPage] = &[$(&$of_window::PAGE),*];
    };
}

pages! {
    of_trace {
        analysis,
        suspects,
        flame,
        butterfly,
        compare,
        trace_info,
        modules,
    }
    of_window {
        start,
        recording,
        case,
    }
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
    fn new_state(&self) -> Box<dyn PageState>;

    /// Draws the page. What is shown of the trace changes through commands; only the state of widgets changes at once.
    fn show(&self, ui: &mut Ui, document: &Document, widgets: &mut Widgets, commands: &mut Vec<Command>);

    /// Returns whether the details of the selected row are beside the page.
    fn has_details(&self) -> bool {
        false
    }

    /// Returns whether the banners of pages are above the page.
    fn has_banners(&self) -> bool {
        false
    }

    /// Draws a line above other pages, such as the summary of what leaks.
    fn show_banner(&self, _ui: &mut Ui, _document: &Document, _commands: &mut Vec<Command>) {}

    /// Tags that the page suggests to record.
    fn suggested_tags(&self, _document: &Document) -> Vec<SuggestedTag> {
        Vec::new()
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

    /// The text of the frame that is selected on the page: a row of a stack, a box of a flame graph, the function of a suspect.
    fn selected_frame(&self, _document: &Document) -> Option<String> {
        None
    }

    /// The flame graph that the page shows, for an export.
    fn shown_flame(&self, _document: &Document) -> Option<ShownFlameChoice> {
        None
    }

    /// Settings of the page that are kept from one use of the trace to the next.
    fn remember(&self, _document: &Document) -> Option<Value> {
        None
    }

    /// Shows the page as it was remembered; a value of another version is ignored.
    fn restore(&self, _document: &mut Document, _value: Value) {}
}

/// State of the window that pages without a trace draw from.
pub struct WindowState<'a> {
    /// Files that were opened before, the newest first.
    pub recent: &'a [Recent],
    /// Those of them that no longer exist.
    pub missing: &'a BTreeSet<PathBuf>,
    /// Settings of the recording page.
    pub setup: &'a mut RecordingSetup,
    /// The recording on this machine.
    pub recorder: &'a mut RecorderState,
    /// Tags that the pages of open traces suggest to record.
    pub suggested: &'a [SuggestedTag],
    /// The open case of the tab, if it has one.
    pub case: Option<&'a mut CaseView>,
}

/// A page that needs no trace: it is shown in a tab of its own, or while no tab is open.
pub trait WindowPage: Sync {
    /// The page's name.
    fn id(&self) -> PageId;

    /// Title of its tab.
    fn title(&self) -> &'static str;

    /// Text at the pointer over its tab.
    fn tip(&self) -> &'static str {
        ""
    }

    /// Row of the command that shows the page; `None` if no command does.
    fn command(&self) -> Option<CommandSpec> {
        None
    }

    /// Mark beside the title of its tab.
    fn mark(&self, _window: &WindowState<'_>) -> Option<Mark> {
        None
    }

    /// Draws the page.
    fn show(&self, ui: &mut Ui, window: &mut WindowState<'_>, commands: &mut Vec<Command>);
}

/// The page without a trace of a name.
#[must_use]
pub fn window_page(id: PageId) -> Option<&'static dyn WindowPage> {
    WINDOW_PAGES.iter().copied().find(|page| page.id() == id)
}

/// The page of a name.
#[must_use]
pub fn page(id: PageId) -> Option<&'static dyn Page> {
    PAGES.iter().copied().find(|page| page.id() == id)
}
