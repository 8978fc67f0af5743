//! State of the window for an open trace that no figure depends on: selection, scroll positions, open dialogs, layout.

use std::any::Any;
use std::collections::BTreeSet;

use poolscope_analysis::pivot::RowPath;
use poolscope_analysis::trace::time::TimeRange;
use rustc_hash::FxHashSet;

use super::edits::{CarriedRow, Snapshot, ViewBackup};
use super::exporting::Exporting;
use super::page_states::PageState;
use crate::gui::model::colors::ColorBook;
use crate::gui::model::dialogs::Dialog;
use crate::gui::model::edit_log::EditLog;
use crate::gui::model::filter::{FilterHistory, Step};
use crate::gui::model::finder::Finder;
use crate::gui::model::history::RangeHistory;
use crate::gui::model::page_id::PageId;
use crate::gui::model::query_box::QueryField;
use crate::gui::widgets::graph;
use crate::gui::widgets::graph::GraphState;
use crate::gui::widgets::pivot_table::TableState;

/// Visible parts of the analysis page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Both, the graph above.
    #[default]
    Both,
    /// The graph alone.
    Graph,
    /// The table alone.
    Table,
}

/// The graph's part of the height at first.
pub const GRAPH_SHARE: f32 = 0.42;

/// State of the widgets of a page and its dialog while they are drawn: selection, scroll positions, texts being typed. It is a
/// copy that [`Document::set_widgets`](super::Document::set_widgets) takes back, so that drawing cannot change anything else.
pub struct Widgets {
    /// State of the pivot table.
    pub table: TableState,
    /// State of the graph.
    pub graph: GraphState,
    /// The graph's part of the height that it shares with the table.
    pub graph_share: f32,
    /// The query being written.
    pub query_box: QueryField,
    /// The search through the rows.
    pub finder: Finder,
    /// The open dialog of the trace.
    pub dialog: Option<Dialog>,
    pub(super) page: Option<(PageId, Box<dyn PageState>)>,
}

impl Widgets {
    /// State of the page.
    ///
    /// # Panics
    /// Panics if the page has no state of this type, which is an error in the program.
    #[must_use]
    pub fn page_state<T: 'static>(&mut self) -> &mut T {
        let state = self.page.as_mut().and_then(|(_, state)| (&mut **state as &mut dyn Any).downcast_mut());
        state.expect("a page asks for its own state")
    }
}

/// Rows that were opened and selected without an action of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::gui) struct Landing {
    /// Paths of open rows.
    pub expanded: FxHashSet<u64>,
    /// Paths of selected rows.
    pub selected: FxHashSet<u64>,
    /// Path of the row under the cursor.
    pub cursor: Option<u64>,
    /// First row on the screen.
    pub first_row: u64,
}

/// Selection, scroll positions, open dialogs, layout.
pub struct UiState {
    /// The page in front.
    pub page: PageId,
    /// The pages that Back leads to, the next one last.
    pub(in crate::gui) pages_before: Vec<PageId>,
    /// Visible parts of the analysis page.
    pub layout: Layout,
    /// The graph's part of the height that it shares with the table.
    pub graph_share: f32,
    /// True if the theme is dark.
    pub(in crate::gui) is_dark: bool,
    /// The open dialog of the trace.
    pub dialog: Option<Dialog>,
    /// State of the table widget.
    pub table: TableState,
    /// State of the graph widget.
    pub graph: GraphState,
    /// Style of the curves.
    pub curve_style: graph::Kind,
    /// The preset that the columns came from.
    pub preset: String,
    /// Visible ranges before this one.
    pub range_history: RangeHistory,
    /// Filters before this one.
    pub filter_history: FilterHistory,
    /// The query being written.
    pub query_box: QueryField,
    /// Changes of filter, columns and order that can be undone.
    pub(in crate::gui) edits: EditLog<Snapshot>,
    /// The table before the view editor changed it, while that is open.
    pub(in crate::gui) view_backup: Option<ViewBackup>,
    /// First row on the screen when trends of rows were last asked for.
    pub(in crate::gui) trends_first_row: Option<u64>,
    /// The row on the screen that the next rows are scrolled to: its path, and how far it is below the first one.
    pub(in crate::gui) pending_anchor: Option<(u64, u64)>,
    /// The selected row, until there are rows of other keys.
    pub(in crate::gui) carried: Option<CarriedRow>,
    /// The search through the rows.
    pub finder: Finder,
    /// A step to the next match, or to the one before, that waits for the matches.
    pub(in crate::gui) pending_find_step: Option<bool>,
    /// Paths of open rows.
    pub(in crate::gui) expanded: FxHashSet<u64>,
    /// Paths of selected rows.
    pub(in crate::gui) selected: FxHashSet<u64>,
    /// Path of the row under the cursor.
    pub(in crate::gui) cursor: Option<u64>,
    /// True if the way to the answer was opened.
    pub(in crate::gui) initial_reveal_done: bool,
    /// The rows as they were opened for the user, who has not touched them since if they still are like this.
    pub(in crate::gui) landing: Option<Landing>,
    /// Remembered steps of the filter on frames whose names are not known yet.
    pub(in crate::gui) awaited_steps: Vec<Step>,
    /// Rows that the user gave curves of their own.
    pub(in crate::gui) pinned: Vec<RowPath>,
    /// Keys of curves that are not drawn; the sum of the others has none.
    pub(in crate::gui) hidden: BTreeSet<Vec<String>>,
    /// Colors of curves.
    pub(in crate::gui) colors: ColorBook,
    /// Colors of modules.
    pub(in crate::gui) module_colors: ColorBook,
    /// The user's note on the trace.
    pub note: String,
    /// The export that is being written.
    pub exporting: Option<Exporting>,
}

impl UiState {
    /// State of a trace that was just opened and covers `whole`, with the columns of a preset.
    #[must_use]
    pub(super) fn new(whole: TimeRange, preset: String) -> Self {
        Self {
            page: PageId::default(),
            pages_before: Vec::new(),
            layout: Layout::default(),
            graph_share: GRAPH_SHARE,
            is_dark: false,
            dialog: None,
            table: TableState::default(),
            graph: GraphState::default(),
            curve_style: graph::Kind::Lines,
            preset,
            range_history: RangeHistory::new(whole),
            filter_history: FilterHistory::default(),
            edits: EditLog::default(),
            view_backup: None,
            trends_first_row: None,
            pending_anchor: None,
            carried: None,
            query_box: QueryField::default(),
            finder: Finder::default(),
            pending_find_step: None,
            expanded: FxHashSet::default(),
            selected: FxHashSet::default(),
            cursor: None,
            initial_reveal_done: false,
            landing: None,
            awaited_steps: Vec::new(),
            pinned: Vec::new(),
            hidden: BTreeSet::new(),
            colors: ColorBook::default(),
            module_colors: ColorBook::default(),
            note: String::new(),
            exporting: None,
        }
    }
}
