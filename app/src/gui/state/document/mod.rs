//! An open trace and everything that is shown of it. It says what has to be computed and takes in what was computed; the
//! computing itself is the background's.

mod commands;
mod curves;
mod finding;
mod flame;
mod frame_words;
mod leaks;
mod record_again;
mod remember;
mod renaming;
mod rows;
mod shape;
mod suspects;
mod symbol_commands;
mod symbols;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;
use poolscope_etl::diagnostics::DiagnosticKind;
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::pivot::{RowPath, Evaluator};
use poolscope_analysis::series::{EventOrder, SeriesKind as MeasureKind, SeriesMetric};
use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::time::{Ticks, TimeRange};
use rustc_hash::FxHashSet;

use super::arrangement::Arrangement;
use super::colours::ColourBook;
use super::details::Details;
use super::dialogs::Dialog;
use super::filter::{Filter, Step};
use super::finder::Finder;
use super::flame_page::FlamePage;
use super::history::History;
use super::modules_page::ModulesPage;
use super::presets::{Preset, Presets, leak_hunt};
use super::query_box::QueryBox;
use super::rows::Rows;
use super::suspects_page::SuspectsPage;
use super::symbols::Symbols;
use crate::gui::jobs::curves::{Curve, CurvesAnswer};
use crate::gui::jobs::document::{Reply, Request, Topic};
use crate::gui::jobs::files::FileRequest;
use crate::gui::jobs::load::Source;
use crate::gui::jobs::profile::ProfileAnswer;
use crate::gui::jobs::tag_sources::{TagChoice, TagSources};
use crate::gui::jobs::totals::{TotalsAnswer, TotalsRequest};
use crate::gui::widgets::graph::{self, GraphData, GraphState, Overview, Range};
use crate::gui::widgets::pivot_table::TableState;
use crate::symbols::SymbolOptions;

pub use curves::{CURVE_COUNTS, measure_title};
pub use remember::Remembered;
pub use symbols::SearchOrder;

/// What a document wants of the window around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Put this text on the clipboard.
    Copy(String),
    /// Tell the user this.
    Tell(String),
    /// Say this in passing: it was done.
    Note(String),
    /// The user's presets are no longer what was saved.
    PresetsChanged,
}

/// What the middle of the window shows of a trace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Page {
    /// Graph and table.
    #[default]
    Analysis,
    /// What the trace is, and how far it can be trusted.
    Trace,
    /// The modules that stacks lead through, and their symbols.
    Modules,
    /// What leaks, the worst first.
    Suspects,
    /// Stacks as a flame graph.
    Flame,
}

/// Which of graph and table are shown.
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

/// The presets that all open traces share.
pub type SharedPresets = Arc<RwLock<Presets>>;

/// An open trace.
pub struct Document {
    /// Where it came from.
    pub source: Source,
    /// The trace.
    pub trace: Arc<Trace>,
    /// The trace's texts.
    pub names: Arc<ColumnValues>,
    /// The visible range.
    pub history: History,
    /// The rows, once they are there.
    pub rows: Option<Rows>,
    /// View state of the table.
    pub table: TableState,
    /// The curves, once they are there.
    pub graph_data: Option<GraphData>,
    /// The curve of the whole trace.
    pub overview: Overview,
    /// View state of the graph.
    pub graph: GraphState,
    /// How the curves are drawn.
    pub kind: graph::Kind,
    /// How blocks become values of curves.
    pub measure_kind: MeasureKind,
    /// Whether blocks from before the trace count as outstanding.
    pub earlier: bool,
    /// The sums of the selected range, once they are there.
    pub totals: Option<TotalsAnswer>,
    /// The selected row in full.
    pub details: Option<Details>,
    /// What its blocks are like, once that is known.
    pub profile: Option<ProfileAnswer>,
    /// The columns.
    pub arrangement: Arrangement,
    /// The preset that the columns came from.
    pub preset: String,
    /// All presets.
    pub presets: SharedPresets,
    /// Which rows are shown.
    pub filter: Filter,
    /// The query being written.
    pub query: QueryBox,
    /// The search through the rows.
    pub finder: Finder,
    /// The box that is open over the page.
    pub dialog: Option<Dialog>,
    /// What the middle shows.
    pub page: Page,
    /// What the page of modules remembers.
    pub modules: ModulesPage,
    /// What leaks, and what the page of suspects remembers.
    pub suspects: SuspectsPage,
    /// What the page of the flame graph remembers.
    pub flame: FlamePage,
    /// What is known of tags beside the trace.
    pub tag_sources: TagSources,
    /// Where that is still to be looked for.
    tag_choice: Option<TagChoice>,
    /// Which of graph and table are shown.
    pub layout: Layout,
    /// The graph's part of the height that it shares with the table.
    pub graph_share: f32,
    /// Marks on the time axis, ascending.
    pub marks: Vec<Ticks>,
    /// Curves at most, before the rest is folded together.
    pub most_curves: usize,
    /// What is known of the trace's symbols.
    pub symbols: Symbols,
    /// By what they are searched.
    pub symbol_choice: SymbolOptions,
    /// Whether names kept from before are left aside: the trace was loaded again because something changed.
    pub reads_symbols_anew: bool,
    /// What the window shall do.
    pub effects: Vec<Effect>,
    /// Why the last figures could not be computed.
    pub trouble: Option<String>,
    changed: BTreeSet<Topic>,
    waiting: BTreeSet<Topic>,
    dark: bool,
    expanded: FxHashSet<u64>,
    selected: FxHashSet<u64>,
    cursor: Option<u64>,
    /// Blocks and bytes of the selected rows.
    selected_sums: Option<(u64, u64)>,
    /// Rows with a curve of their own because the user wants it.
    pinned: Vec<RowPath>,
    /// Curves that are not drawn, by their keys; the sum of the others has none.
    hidden: BTreeSet<Vec<String>>,
    colours: ColourBook,
    module_colours: ColourBook,
    curves: Option<CurvesAnswer>,
    /// The curves of pinned rows, and of the row under the cursor.
    picked: Vec<Curve>,
    /// The groups do not show what they should: the filter, or what the columns say, has changed.
    groups_are_old: bool,
    order: Arc<OnceLock<EventOrder>>,
    /// What figures that are no sums follow from.
    row_figures: Option<Arc<Evaluator>>,
    /// The overview shows an older measure or filter.
    overview_is_old: bool,
    /// A file that is to be read or written.
    file: Option<FileRequest>,
    /// The cursor goes to the next match, or to the one before, once they are known.
    find_goes_on: Option<bool>,
    /// The way to the answer was opened.
    led: bool,
    /// What the background shall do about symbols.
    search: Option<SearchOrder>,
    /// PDBs that the user chose, by position in the needs.
    pdbs_by_hand: BTreeMap<usize, PathBuf>,
    /// How frames are to be named.
    naming: FrameNaming,
    /// There are names that frames are not shown with.
    names_are_old: bool,
    /// Names that take the place of the others with the next rows.
    new_names: Option<Arc<ColumnValues>>,
    /// Questions whose answers look like what is there.
    quiet: BTreeSet<Topic>,
    /// Remembered steps of the filter that are about frames whose names are not known yet.
    awaited: Vec<Step>,
}

impl Document {
    /// A trace just loaded, in the first preset.
    #[must_use]
    pub fn new(source: Source, trace: Arc<Trace>, presets: SharedPresets) -> Self {
        let Preset { name: preset, arrangement } = leak_hunt();
        Self {
            source,
            names: Arc::new(ColumnValues::new(Arc::clone(&trace), FrameNaming::Function)),
            history: History::new(trace.extent),
            trace,
            rows: None,
            table: TableState::default(),
            graph_data: None,
            overview: Overview::default(),
            graph: GraphState::default(),
            kind: graph::Kind::Lines,
            measure_kind: MeasureKind::Outstanding,
            earlier: false,
            totals: None,
            details: None,
            profile: None,
            arrangement,
            preset,
            presets,
            filter: Filter::default(),
            query: QueryBox::default(),
            finder: Finder::default(),
            dialog: None,
            page: Page::default(),
            modules: ModulesPage::default(),
            suspects: SuspectsPage::default(),
            flame: FlamePage::default(),
            tag_sources: TagSources::default(),
            tag_choice: None,
            layout: Layout::default(),
            graph_share: GRAPH_SHARE,
            marks: Vec::new(),
            most_curves: curves::MOST_CURVES,
            effects: Vec::new(),
            trouble: None,
            changed: BTreeSet::from([Topic::Table, Topic::Curves]),
            waiting: BTreeSet::new(),
            dark: false,
            expanded: FxHashSet::default(),
            selected: FxHashSet::default(),
            cursor: None,
            selected_sums: None,
            pinned: Vec::new(),
            hidden: BTreeSet::new(),
            colours: ColourBook::default(),
            module_colours: ColourBook::default(),
            curves: None,
            picked: Vec::new(),
            groups_are_old: false,
            order: Arc::default(),
            row_figures: None,
            overview_is_old: true,
            file: None,
            find_goes_on: None,
            led: false,
            symbols: Symbols::default(),
            symbol_choice: SymbolOptions::default(),
            reads_symbols_anew: false,
            search: None,
            pdbs_by_hand: BTreeMap::new(),
            naming: FrameNaming::Function,
            names_are_old: false,
            new_names: None,
            quiet: BTreeSet::new(),
            awaited: Vec::new(),
        }
    }

    /// Whether the trace holds any pool event that makes a row.
    #[must_use]
    pub fn has_allocations(&self) -> bool {
        !self.trace.allocations.is_empty()
    }

    /// Whether all allocations were recorded without stacks.
    #[must_use]
    pub fn lacks_stacks(&self) -> bool {
        self.trace.diagnostics.count(DiagnosticKind::NoStacks) > 0
    }

    /// What the curves show.
    #[must_use]
    pub fn measure(&self) -> SeriesMetric {
        let by_count = self.arrangement.graphed().is_some_and(|graphed| graphed.by_count);
        SeriesMetric { kind: self.measure_kind, by_count }
    }

    /// A view in seconds.
    #[must_use]
    pub fn seconds(&self, view: TimeRange) -> Range {
        let clock = &self.trace.clock;
        Range::between(clock.seconds(view.from), clock.seconds(view.to))
    }

    /// The visible range in seconds.
    #[must_use]
    pub fn view(&self) -> Range {
        self.seconds(self.history.now())
    }

    /// The whole trace in seconds.
    #[must_use]
    pub fn whole(&self) -> Range {
        self.seconds(self.history.whole())
    }

    /// The questions that came up since the last call.
    pub fn requests(&mut self) -> Vec<Request> {
        self.ask_for_names();
        self.ask_for_flame();
        self.ask_for_leaks();
        let changed = std::mem::take(&mut self.changed);
        let requests: Vec<Request> = changed.into_iter().filter_map(|topic| self.request(topic)).collect();
        self.waiting.extend(requests.iter().map(Request::topic));
        requests
    }

    fn request(&mut self, topic: Topic) -> Option<Request> {
        match topic {
            Topic::Names => Some(Request::Names(self.names_request())),
            Topic::Table => Some(Request::Table(self.table_request())),
            Topic::Curves => self.curves_request(),
            Topic::Extra => self.extra_request(),
            Topic::Totals => self.totals_request().map(Request::Totals),
            Topic::Later => self.later_request().map(Request::Later),
            Topic::Profile => self.profile_request().map(Request::Profile),
            Topic::Find => self.find_request().map(Request::Find),
            Topic::Flame => Some(Request::Flame(self.flame_request())),
            Topic::FlameFind => self.flame_find_request().map(Request::FlameFind),
            Topic::Completion => Some(Request::Completion(Arc::clone(&self.names))),
            Topic::File => self.file_request().map(Request::File),
            Topic::Leaks => Some(Request::Leaks(self.leaks_request())),
            Topic::TagSources => self.tag_sources_request().map(Request::TagSources),
        }
    }

    /// Whether something is being computed that will not look like what is there.
    #[must_use]
    pub fn waits(&self, topic: Topic) -> bool {
        self.waiting.contains(&topic) && !self.quiet.contains(&topic)
    }

    /// Whether anything is being computed.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.waiting.is_empty() || !self.changed.is_empty()
    }

    /// Takes in an answer.
    pub fn take(&mut self, reply: Reply) {
        self.waiting.remove(&reply.topic());
        self.quiet.remove(&reply.topic());
        match reply {
            Reply::Names(names) => self.take_names(names),
            Reply::Table(answer) => self.take_table(*answer),
            Reply::Curves(Ok(answer)) => {
                self.trouble = None;
                self.take_curves(answer);
            }
            Reply::Curves(Err(why)) => self.trouble = Some(why),
            Reply::Extra(answer) => self.take_extra(answer),
            Reply::Totals(answer) => self.totals = Some(answer),
            Reply::Later(answer) => self.take_later(answer),
            Reply::Profile(answer) => self.profile = Some(*answer),
            Reply::Find(found) => self.take_found(found),
            Reply::Flame(answer) => self.take_flame(*answer),
            Reply::FlameFind(found) => self.take_flame_found(found),
            Reply::Completion => {
                self.query.is_prepared = true;
                self.query.is_late = std::mem::take(&mut self.query.awaited);
            }
            Reply::File(answer) => self.take_file(answer),
            Reply::Leaks(answer) => self.take_leaks(*answer),
            Reply::TagSources(sources) => self.take_tag_sources(sources),
            Reply::Broken(topic) => self.take_broken(topic),
        }
    }

    /// A mistake of the program: the figures before stay, and the user is told.
    fn take_broken(&mut self, topic: Topic) {
        let what = match topic {
            Topic::Names => "The names of frames",
            Topic::Table => "The rows",
            Topic::Curves | Topic::Extra => "The curves",
            Topic::Totals => "The sums of the selected range",
            Topic::Later => "Some figures",
            Topic::Profile => "The details of the row",
            Topic::Find | Topic::FlameFind => "The search",
            Topic::Flame => "The flame graph",
            Topic::Completion => "The words for queries",
            Topic::File => "The file",
            Topic::Leaks => "The suspects",
            Topic::TagSources => "What is known of tags",
        };
        self.suspects.broken |= topic == Topic::Leaks;
        self.flame.broken |= topic == Topic::Flame;
        if matches!(topic, Topic::Names | Topic::Table) {
            // The names before are shown.
            self.new_names = None;
            self.naming = self.names.naming();
        }
        self.tell(format!("{what} could not be computed: poolscope made a mistake. Please report it with the trace."));
    }

    /// Follows the window's theme.
    pub fn set_dark(&mut self, dark: bool) {
        if self.dark != dark {
            self.dark = dark;
            self.recolour();
        }
    }

    /// What to sum up for the selected range.
    fn totals_request(&self) -> Option<TotalsRequest> {
        let range = self.graph.selection()?;
        let clock = &self.trace.clock;
        let view = TimeRange { from: clock.ticks(range.from), to: clock.ticks(range.to) };
        Some(TotalsRequest { names: Arc::clone(&self.names), view, steps: self.filter.steps().to_vec() })
    }

    /// Shows a range.
    pub fn zoom(&mut self, to: Range, smooth: bool) {
        let clock = &self.trace.clock;
        let to = TimeRange { from: clock.ticks(to.from), to: clock.ticks(to.to) };
        if self.history.go(to, smooth) {
            self.view_changed();
        }
    }

    /// Shows the whole trace.
    pub fn zoom_all(&mut self) {
        let whole = self.history.whole();
        if self.history.go(whole, false) {
            self.view_changed();
        }
    }

    /// Shows the range before, or the one after that again.
    pub fn zoom_step(&mut self, back: bool) {
        let moved = if back { self.history.back() } else { self.history.forward() };
        if moved {
            self.view_changed();
        }
    }

    fn view_changed(&mut self) {
        self.quiet.clear();
        self.changed.extend([Topic::Table, Topic::Curves]);
    }

    /// Selects a range of time, or none.
    pub fn select_range(&mut self, range: Option<Range>) {
        self.graph.select(range);
        self.totals = None;
        if range.is_some() {
            self.changed.insert(Topic::Totals);
        }
    }

    /// Tells the user something.
    fn tell(&mut self, words: impl Into<String>) {
        self.effects.push(Effect::Tell(words.into()));
    }
}
