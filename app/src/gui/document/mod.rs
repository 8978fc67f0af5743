//! An open trace and everything that is shown of it. It asks for computations and applies their results; background jobs
//! compute.

mod commands;
mod curves;
pub mod details;
mod edits;
pub mod exporting;
mod finding;
mod frame_texts;
mod page_states;
mod record_again;
mod remember;
mod renaming;
mod results;
mod rows;
mod shape;
mod symbol_commands;
mod symbols;
pub mod table_model;
mod tag_sources;
mod ui_state;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::RwLock;
use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::time::TimeRange;
use poolscope_etl::diagnostics::DiagnosticKind;

use crate::gui::jobs::dialog::Asked;
use crate::gui::jobs::document::{Reply, Request, Topic};
use crate::gui::jobs::export::ExportOrder;
use crate::gui::jobs::files::FileRequest;
use crate::gui::jobs::load::Source;
use crate::gui::jobs::tag_sources::TagChoice;
use crate::gui::jobs::totals::TotalsRequest;
use crate::gui::model::export::ExportKind;
use crate::gui::model::filter::Step;
use crate::gui::model::open_traces::OpenTrace;
use crate::gui::model::presets::{BuiltIn, Preset, Presets};
use crate::gui::model::query::Query;
use crate::gui::pages::{self, PAGES};
use crate::gui::widgets::graph::Range;
use crate::leak_text::RichText;
use crate::symbols::SymbolOptions;

pub use finding::FindState;
pub use page_states::PageState;
use page_states::PageStates;
pub use results::Results;
pub use ui_state::{GRAPH_SHARE, Layout, UiState, Widgets};

pub use curves::{CURVE_COUNTS, measure_title};
pub use remember::Remembered;
pub use symbols::SearchOrder;

/// Request of a document to the window around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Put this text on the clipboard.
    Copy(String),
    /// Put this text on the clipboard, for programs that take HTML as such.
    CopyRich(RichText),
    /// Ask the user for the file of an export, with the proposed name.
    Export(ExportKind, String),
    /// Give up a question.
    Cancel(Topic),
    /// Tell the user this.
    Notify(String),
    /// Say this in passing: it was done.
    Status(String),
    /// Ask the user for a file.
    Pick(Asked),
    /// The user's presets differ from those in the settings.
    PresetsChanged,
}

/// The presets that all open traces share.
pub type SharedPresets = Arc<RwLock<Presets>>;

/// An open trace: the query, its results, and the state of its pages.
pub struct Document {
    /// Source of the trace.
    pub source: Source,
    /// The trace.
    pub trace: Arc<Trace>,
    /// Parts of its archive that were not opened: one sentence each.
    pub opening_notes: Vec<String>,
    /// The presets that all open traces share.
    pub presets: SharedPresets,
    /// All open traces, this one among them.
    pub open_traces: Arc<Vec<OpenTrace>>,
    /// The present question.
    pub query: Query,
    /// Results of background work.
    pub results: Results,
    /// Selection, scroll positions, open dialogs, layout.
    pub ui: UiState,
    /// The search for symbols: its options, and the next request to the background.
    pub search: SymbolSearch,
    /// Requests to the window.
    pub effects: Vec<Effect>,
    /// Questions to the background.
    pub(in crate::gui) work: Work,
    /// States of the pages.
    pub(in crate::gui) pages: PageStates,
}

/// Questions to the background: which are to be asked, and which are under way.
pub(in crate::gui) struct Work {
    /// To be asked in this frame.
    pub(in crate::gui) asked: BTreeSet<Topic>,
    /// Being answered.
    pub(in crate::gui) running: BTreeSet<Topic>,
    /// Of those the ones whose answers will look like what is shown.
    pub(in crate::gui) unnoticed: BTreeSet<Topic>,
    /// Tag sources that are still to be read.
    pub(in crate::gui) tag_choice: Option<TagChoice>,
    /// A file that is to be read or written.
    pub(in crate::gui) file: Option<FileRequest>,
    /// An export that is to be written.
    pub(in crate::gui) export: Option<ExportOrder>,
}

/// Settings of the search for the symbols of a trace, and its next action.
#[derive(Default)]
pub struct SymbolSearch {
    /// Symbol path and options.
    pub choice: SymbolOptions,
    /// True if cached names are left aside: the trace was loaded again because something changed.
    pub bypass_cache: bool,
    /// Next action of the background.
    pub(in crate::gui) order: Option<SearchOrder>,
    /// PDBs that the user chose, by position in the needs.
    pub(in crate::gui) explicit_pdbs: BTreeMap<usize, PathBuf>,
}

impl Document {
    /// A trace that was just loaded, in the first preset.
    #[must_use]
    pub fn new(source: Source, trace: Arc<Trace>, presets: SharedPresets) -> Self {
        let Preset { name: preset, layout } = BuiltIn::LeakHunt.preset();
        Self {
            source,
            opening_notes: Vec::new(),
            presets,
            open_traces: Arc::default(),
            query: Query::new(trace.extent, layout),
            results: Results::new(&trace),
            ui: UiState::new(trace.extent, preset),
            search: SymbolSearch::default(),
            effects: Vec::new(),
            work: Work {
                asked: BTreeSet::from([Topic::Table, Topic::Curves]),
                running: BTreeSet::new(),
                unnoticed: BTreeSet::new(),
                tag_choice: None,
                file: None,
                export: None,
            },
            pages: PageStates::new(),
            trace,
        }
    }

    /// Returns whether the trace holds any pool event that makes a row.
    #[must_use]
    pub fn has_allocations(&self) -> bool {
        !self.trace.allocations.is_empty()
    }

    /// Returns whether all allocations were recorded without stacks.
    #[must_use]
    pub fn lacks_stacks(&self) -> bool {
        self.trace.diagnostics.count(DiagnosticKind::NoStacks) > 0
    }

    /// A time range in seconds.
    #[must_use]
    pub fn seconds(&self, range: TimeRange) -> Range {
        let clock = &self.trace.clock;
        Range::between(clock.seconds(range.from), clock.seconds(range.to))
    }

    /// The visible range in seconds.
    #[must_use]
    pub fn visible_range(&self) -> Range {
        self.seconds(self.query.range)
    }

    /// The whole trace in seconds.
    #[must_use]
    pub fn whole(&self) -> Range {
        self.seconds(self.trace.extent)
    }

    /// The questions that came up since the last call.
    pub fn requests(&mut self) -> Vec<Request> {
        self.ask_for_names();
        self.ask_for_tag_sources();
        PAGES.iter().for_each(|page| page.update(self));
        let changed = std::mem::take(&mut self.work.asked);
        let requests: Vec<Request> = changed.into_iter().filter_map(|topic| self.request(topic)).collect();
        self.work.running.extend(requests.iter().map(Request::topic));
        requests
    }

    fn request(&mut self, topic: Topic) -> Option<Request> {
        match topic {
            Topic::Names => Some(Request::Names(self.names_request())),
            Topic::Table => Some(Request::Table(self.table_request())),
            Topic::Curves => self.curves_request(),
            Topic::PinnedCurves => self.pinned_curves_request(),
            Topic::Totals => self.totals_request().map(Request::Totals),
            Topic::Deferred => self.deferred_request().map(Request::Deferred),
            Topic::Profile => self.profile_request().map(Request::Profile),
            Topic::Find => self.find_request().map(Request::Find),
            Topic::Completion => Some(Request::Completion(Arc::clone(&self.results.names))),
            Topic::File => self.file_request().map(Request::File),
            Topic::Export => self.work.export.take().map(|order| Request::Export(Box::new(order))),
            Topic::Page(job) => {
                let work = pages::page(job.page)?.work(self, job.job)?;
                Some(Request::Page(job, work))
            }
            Topic::TagSources => self.tag_sources_request().map(Request::TagSources),
            Topic::RangeSums => self.results.range_sums_request.clone().map(Request::RangeSums),
        }
    }

    /// Returns whether a result is being computed that will differ from the one shown.
    #[must_use]
    pub fn waits(&self, topic: Topic) -> bool {
        self.work.running.contains(&topic) && !self.work.unnoticed.contains(&topic)
    }

    /// Returns whether anything is being computed that will be shown.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let is_shown = |topic: &Topic| *topic != Topic::RangeSums;
        self.work.running.iter().chain(&self.work.asked).any(is_shown)
    }

    /// Returns whether a result is being computed that will change what is shown.
    #[must_use]
    pub fn is_visibly_busy(&self) -> bool {
        self.work.running.iter().any(|topic| !self.work.unnoticed.contains(topic))
    }

    /// Takes in an answer.
    pub fn take(&mut self, reply: Reply) {
        self.work.running.remove(&reply.topic());
        self.work.unnoticed.remove(&reply.topic());
        match reply {
            Reply::Names(names) => self.apply_names(names),
            Reply::Table(answer) => self.apply_table(*answer),
            Reply::Curves(Ok(answer)) => {
                self.results.curves_error = None;
                self.apply_curves(answer);
            }
            Reply::Curves(Err(why)) => self.results.curves_error = Some(why),
            Reply::PinnedCurves(answer) => self.apply_pinned_curves(answer),
            Reply::Totals(answer) => self.results.totals = Some(answer),
            Reply::Deferred(answer) => self.apply_deferred(answer),
            Reply::Profile(answer) => self.results.profile = Some(*answer),
            Reply::Find(found) => self.apply_found(found),
            Reply::Completion => {
                self.ui.query_box.is_prepared = true;
                self.ui.query_box.is_late = std::mem::take(&mut self.ui.query_box.awaited);
            }
            Reply::File(answer) => self.apply_file(answer),
            Reply::Export(answer) => self.apply_export(answer),
            Reply::Page(job, answer) => {
                if let Some(page) = pages::page(job.page) {
                    page.apply(self, job.job, answer);
                }
            }
            Reply::TagSources(sources) => self.apply_tag_sources(sources),
            Reply::RangeSums(sums) => self.results.range_sums = Some(sums),
            Reply::Broken(topic) => self.apply_failure(topic),
        }
    }

    /// Reports an internal error of a job: the results before stay.
    fn apply_failure(&mut self, topic: Topic) {
        let what = match topic {
            Topic::Names => "the frame names",
            Topic::Table => "the rows",
            Topic::Curves | Topic::PinnedCurves => "the graph",
            Topic::Totals => "the totals of the selected range",
            Topic::Deferred => "some values",
            Topic::Profile => "the row details",
            Topic::Find => "the search",
            Topic::Completion => "the query completions",
            Topic::File => "the file",
            Topic::Export => {
                self.ui.exporting = None;
                "the export"
            }
            Topic::Page(job) => pages::page(job.page).map_or("a result", |page| page.job_failed(self, job.job)),
            Topic::TagSources => "the tag sources",
            Topic::RangeSums => "the index of the rows",
        };
        if matches!(topic, Topic::Names | Topic::Table) {
            // The names before are shown.
            self.results.pending_names = None;
            self.query.naming = self.results.names.naming();
        }
        self.notify(format!("Internal error: {what} could not be computed. Please report it."));
    }

    /// Follows the window's theme.
    pub fn set_dark(&mut self, dark: bool) {
        if self.ui.is_dark != dark {
            self.ui.is_dark = dark;
            self.recolor();
            self.recolor_rows();
        }
    }

    /// Request for the sums of the selected range; `None` while no range is selected.
    fn totals_request(&self) -> Option<TotalsRequest> {
        let selection = self.ui.graph.selection()?;
        let clock = &self.trace.clock;
        let range = TimeRange { from: clock.ticks(selection.from), to: clock.ticks(selection.to) };
        Some(TotalsRequest { names: Arc::clone(&self.results.names), range, steps: self.query.filter.steps().to_vec() })
    }

    /// Changes the visible range. Returns whether it differs from the one before.
    pub(in crate::gui) fn go_to(&mut self, to: TimeRange, is_smooth: bool) -> bool {
        self.ui.range_history.go(&mut self.query.range, to, is_smooth)
    }

    /// Shows a range.
    pub fn zoom(&mut self, to: Range, smooth: bool) {
        let clock = &self.trace.clock;
        let to = TimeRange { from: clock.ticks(to.from), to: clock.ticks(to.to) };
        if self.go_to(to, smooth) {
            self.range_changed();
        }
    }

    /// Shows the whole trace.
    pub fn zoom_all(&mut self) {
        let whole = self.trace.extent;
        if self.go_to(whole, false) {
            self.range_changed();
        }
    }

    /// Shows the range before, or the one after that again.
    pub fn zoom_step(&mut self, back: bool) {
        let (history, range) = (&mut self.ui.range_history, &mut self.query.range);
        let moved = if back { history.back(range) } else { history.forward(range) };
        if moved {
            self.range_changed();
        }
    }

    pub(in crate::gui) fn range_changed(&mut self) {
        self.work.unnoticed.clear();
        self.ask_outdated();
    }

    /// Returns whether the rows answer another question than the present one.
    #[must_use]
    pub fn are_groups_outdated(&self) -> bool {
        self.results.groups_query.as_ref() != Some(&self.query.groups())
    }

    /// Returns whether the curves answer another question than the present one.
    #[must_use]
    pub fn are_curves_outdated(&self) -> bool {
        self.results.curves.as_ref().map(|answer| &answer.query) != self.query.curves().as_ref()
    }

    /// Asks for rows and curves that answer the present question, unless they are there. An answer that is under way is for
    /// another one.
    pub(in crate::gui) fn ask_outdated(&mut self) {
        if self.are_groups_outdated() || self.work.running.contains(&Topic::Table) {
            self.work.asked.insert(Topic::Table);
        }
        if self.are_curves_outdated() || self.work.running.contains(&Topic::Curves) {
            self.work.asked.insert(Topic::Curves);
        }
    }

    /// Selects a range of time, or none.
    pub fn select_range(&mut self, range: Option<Range>) {
        self.ui.graph.select(range);
        self.results.totals = None;
        if range.is_some() {
            self.work.asked.insert(Topic::Totals);
        }
    }

    /// Tells the user something.
    pub(in crate::gui) fn notify(&mut self, message: impl Into<String>) {
        self.effects.push(Effect::Notify(message.into()));
    }
}
