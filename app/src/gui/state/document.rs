//! An open trace and everything that is shown of it. It says what has to be computed and takes in what was computed; the
//! computing itself is the background's.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use poolscope_core::anomaly::AnomalyKind;
use poolscope_core::column::frames::FrameNaming;
use poolscope_core::column::names::Names;
use poolscope_core::pivot::{Figure, Key, NodeId, PivotTree, Sort};
use poolscope_core::series::{EventOrder, Kind as MeasureKind, Measure};
use poolscope_core::trace::Trace;
use poolscope_core::trace::time::View;
use rustc_hash::{FxHashMap, FxHashSet};

use super::colours::ColourBook;
use super::details::Details;
use super::history::History;
use super::rows::{LEAK_CANDIDATES, Rows, node_id, row_id};
use crate::gui::command::DocumentCommand;
use crate::gui::jobs::curves::{CurvesAnswer, CurvesRequest};
use crate::gui::jobs::document::{Reply, Request, Topic};
use crate::gui::jobs::load::Source;
use crate::gui::jobs::table::{TableAnswer, TableRequest};
use crate::gui::jobs::totals::{TotalsAnswer, TotalsRequest};
use crate::gui::theme::Palette;
use crate::gui::widgets::graph::{self, GraphData, GraphState, Overview, Range, Series, Unit};
use crate::gui::widgets::pivot_table::{self, Swatch, TableState};

/// Curves at most; the rest is folded into "other".
const MOST_CURVES: usize = 9;
/// Points of a curve: about as many as a wide screen has columns. Peaks between them are kept.
const CURVE_POINTS: usize = 2048;
/// Name of the sum of the curves that have none of their own.
const OTHER: &str = "other";

/// What a document wants of the window around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Put this text on the clipboard.
    Copy(String),
    /// Tell the user this.
    Tell(String),
}

/// An open trace.
pub struct Document {
    /// Where it came from.
    pub source: Source,
    /// The trace.
    pub trace: Arc<Trace>,
    /// The trace's texts.
    pub names: Arc<Names>,
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
    /// What the curves show.
    pub measure: Measure,
    /// Whether blocks from before the trace count as outstanding.
    pub earlier: bool,
    /// The sums of the selected range, once they are there.
    pub totals: Option<TotalsAnswer>,
    /// The selected row in full.
    pub details: Option<Details>,
    /// What the window shall do.
    pub effects: Vec<Effect>,
    /// What has to be computed anew.
    changed: BTreeSet<Topic>,
    /// What is being computed.
    waiting: BTreeSet<Topic>,
    dark: bool,
    keys: Vec<Key>,
    figures: Vec<Figure>,
    sort: Sort,
    curve_key: Key,
    expanded: FxHashSet<u64>,
    selected: FxHashSet<u64>,
    cursor: Option<u64>,
    hidden: BTreeSet<String>,
    colours: ColourBook,
    curves: Option<CurvesAnswer>,
    order: Arc<OnceLock<EventOrder>>,
    /// What the overview shows: measure, and whether blocks from before the trace count.
    overview_of: Option<(Measure, bool)>,
    led: bool,
}

impl Document {
    /// A trace just loaded, in the preset *Leak hunt*.
    #[must_use]
    pub fn new(source: Source, trace: Arc<Trace>) -> Self {
        Self {
            source,
            names: Arc::new(Names::new(Arc::clone(&trace), FrameNaming::Symbol)),
            history: History::new(trace.extent),
            trace,
            rows: None,
            table: TableState::default(),
            graph_data: None,
            overview: Overview::default(),
            graph: GraphState::default(),
            kind: graph::Kind::Lines,
            measure: Measure { kind: MeasureKind::Outstanding, by_count: false },
            earlier: false,
            totals: None,
            details: None,
            effects: Vec::new(),
            changed: BTreeSet::from([Topic::Table, Topic::Curves]),
            waiting: BTreeSet::new(),
            dark: false,
            keys: vec![Key::Type, Key::Paged, Key::Tag, Key::Stack],
            figures: vec![Figure::Count, Figure::Size],
            sort: Sort::default(),
            curve_key: Key::Tag,
            expanded: FxHashSet::default(),
            selected: FxHashSet::default(),
            cursor: None,
            hidden: BTreeSet::new(),
            colours: ColourBook::default(),
            curves: None,
            order: Arc::default(),
            overview_of: None,
            led: false,
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
        self.trace.anomalies.count(AnomalyKind::NoStacks) > 0
    }

    /// By what the graph has its curves.
    #[must_use]
    pub fn graph_grouping(&self) -> String {
        format!("by {}", self.curve_key.title())
    }

    /// A view in seconds.
    #[must_use]
    pub fn seconds(&self, view: View) -> Range {
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
        let changed = std::mem::take(&mut self.changed);
        let ask = |topic| match topic {
            Topic::Table => Some(Request::Table(self.table_request())),
            Topic::Curves => Some(Request::Curves(self.curves_request())),
            Topic::Totals => self.totals_request().map(Request::Totals),
        };
        let requests: Vec<Request> = changed.into_iter().filter_map(ask).collect();
        self.waiting.extend(requests.iter().map(Request::topic));
        requests
    }

    /// Whether something is being computed.
    #[must_use]
    pub fn waits(&self, topic: Topic) -> bool {
        self.waiting.contains(&topic)
    }

    /// Whether anything is being computed.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.waiting.is_empty() || !self.changed.is_empty()
    }

    /// Takes in an answer.
    pub fn take(&mut self, reply: Reply) {
        self.waiting.remove(&reply.topic());
        match reply {
            Reply::Table(answer) => self.take_table(*answer),
            Reply::Curves(answer) => self.take_curves(answer),
            Reply::Totals(answer) => self.totals = Some(answer),
        }
    }

    /// Follows the window's theme.
    pub fn set_dark(&mut self, dark: bool) {
        if self.dark != dark {
            self.dark = dark;
            self.recolour();
        }
    }

    /// Carries out a command.
    pub fn run(&mut self, command: &DocumentCommand) {
        let (view, whole) = (self.view(), self.whole());
        let middle = (view.from + view.to) / 2.0;
        match command {
            DocumentCommand::ZoomToSelection => {
                if let Some(to) = self.graph.selection() {
                    self.graph.select(None);
                    self.zoom(to, false);
                }
            }
            DocumentCommand::ZoomIn => self.zoom(view.zoomed(0.5, middle, whole), false),
            DocumentCommand::ZoomOut => self.zoom(view.zoomed(2.0, middle, whole), false),
            DocumentCommand::ZoomBack => self.zoom_back(),
            DocumentCommand::ZoomAll => self.zoom_all(),
            DocumentCommand::Measure(measure) => {
                self.measure = *measure;
                self.changed.insert(Topic::Curves);
            }
            DocumentCommand::CountEarlier => {
                self.earlier = !self.earlier;
                self.changed.insert(Topic::Curves);
            }
            DocumentCommand::Draw(kind) => self.kind = *kind,
            DocumentCommand::CopyStack => {
                self.effects.extend(self.details.as_ref().map(|details| Effect::Copy(details.stack_text())));
            }
        }
    }

    /// Whether a command would do anything now.
    #[must_use]
    pub fn can(&self, command: &DocumentCommand) -> bool {
        match command {
            DocumentCommand::ZoomToSelection => self.graph.selection().is_some(),
            DocumentCommand::ZoomBack => self.history.can_go_back(),
            DocumentCommand::CopyStack => self.details.as_ref().is_some_and(|details| !details.stack.is_empty()),
            _ => self.has_allocations(),
        }
    }

    /// Whether what a command switches on is on; `None` for commands that switch nothing.
    #[must_use]
    pub fn is_on(&self, command: &DocumentCommand) -> Option<bool> {
        match command {
            DocumentCommand::Measure(measure) => Some(self.measure == *measure),
            DocumentCommand::Draw(kind) => Some(self.kind == *kind),
            DocumentCommand::CountEarlier => Some(self.earlier),
            _ => None,
        }
    }

    /// What to group for the table.
    #[must_use]
    pub fn table_request(&self) -> TableRequest {
        TableRequest {
            names: Arc::clone(&self.names),
            keys: self.keys.clone(),
            view: self.history.now(),
            sort: self.sort,
            expanded: self.expanded.clone(),
            wanted: self.selected.iter().copied().chain(self.cursor).collect(),
            follow: (!self.led).then_some(LEAK_CANDIDATES),
        }
    }

    /// What to compute for the graph.
    #[must_use]
    pub fn curves_request(&self) -> CurvesRequest {
        CurvesRequest {
            names: Arc::clone(&self.names),
            key: self.curve_key,
            measure: self.measure,
            earlier: self.earlier,
            order: Arc::clone(&self.order),
            view: self.history.now(),
            whole: (self.overview_of != Some((self.measure, self.earlier))).then(|| self.history.whole()),
            points: CURVE_POINTS,
            most: MOST_CURVES,
        }
    }

    /// What to sum up for the selected range.
    #[must_use]
    pub fn totals_request(&self) -> Option<TotalsRequest> {
        let range = self.graph.selection()?;
        let clock = &self.trace.clock;
        let view = View { from: clock.ticks(range.from), to: clock.ticks(range.to) };
        Some(TotalsRequest { names: Arc::clone(&self.names), view })
    }

    /// Shows a range.
    pub fn zoom(&mut self, to: Range, smooth: bool) {
        let clock = &self.trace.clock;
        let to = View { from: clock.ticks(to.from), to: clock.ticks(to.to) };
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

    /// Shows the range before.
    pub fn zoom_back(&mut self) {
        if self.history.back() {
            self.view_changed();
        }
    }

    fn view_changed(&mut self) {
        self.changed.extend([Topic::Table, Topic::Curves]);
    }

    /// Takes in new rows; what was open, selected and scrolled to stays.
    fn take_table(&mut self, answer: TableAnswer) {
        let TableAnswer { flat, expanded, found, led, .. } = answer;
        // Rows that this view does not have may come back in the next: nothing is forgotten here.
        self.expanded.extend(expanded);
        let mut rows = Rows::new(flat, &self.figures);
        if rows.flat().sort() != self.sort {
            rows.set_sort(self.sort, &self.expanded);
        }
        self.rows = Some(rows);
        if !self.led && !led.is_empty() {
            self.lead(&led);
        } else {
            let at = |path: &u64| found.get(path).map(|node| row_id(*node));
            let selected = self.selected.iter().filter_map(at).collect();
            self.table.restore(selected, self.cursor.as_ref().and_then(at));
        }
        self.set_swatches();
        self.find_details();
    }

    /// The first time: the cursor goes to the row of the largest tag.
    fn lead(&mut self, led: &[NodeId]) {
        self.led = true;
        let Some(rows) = &self.rows else { return };
        let tag_column = self.keys.iter().position(|k| *k == Key::Tag);
        let tree = rows.flat().tree();
        let goal = led.iter().find(|n| tree.column(**n) == tag_column).or(led.last());
        if let Some(goal) = goal {
            self.table.select(row_id(*goal));
            self.table.request_focus();
            self.remember_selection();
        }
    }

    /// Takes in new curves.
    fn take_curves(&mut self, mut answer: CurvesAnswer) {
        if let Some((times, values)) = answer.overview.take() {
            self.overview = Overview { times, values };
            self.overview_of = Some((answer.measure, answer.earlier));
        }
        self.curves = Some(answer);
        self.recolour();
    }

    /// Gives curves and rows the colours of the theme.
    fn recolour(&mut self) {
        let palette = Palette::for_dark(self.dark);
        let Some(answer) = &self.curves else { return };
        let mut series = Vec::with_capacity(answer.curves.len());
        for (at, curve) in answer.curves.iter().enumerate() {
            let number = curve.name.as_deref().map(|name| self.colours.number(name));
            let name = match &curve.name {
                Some(name) => name.clone(),
                None => format!("{OTHER} ({})", answer.others),
            };
            series.push(Series {
                id: at as u64,
                on: !self.hidden.contains(curve.name.as_deref().unwrap_or(OTHER)),
                has_row: curve.name.is_some(),
                name,
                colour: palette.series_colour(number),
                values: curve.values.clone(),
                extremes: curve.extremes.clone(),
            });
        }
        let title = format!("{} by {}", measure_title(answer.measure), self.curve_key.title());
        let unit = unit_of(answer.measure);
        self.graph_data = Some(GraphData::new(title, answer.times.clone(), series, unit));
        self.set_swatches();
    }

    fn set_swatches(&mut self) {
        let palette = Palette::for_dark(self.dark);
        let column = self.keys.iter().position(|k| *k == self.curve_key);
        let (Some(rows), Some(column), Some(answer)) = (&mut self.rows, column, &self.curves) else { return };
        let mut swatches = FxHashMap::default();
        for name in answer.curves.iter().filter_map(|c| c.name.as_ref()) {
            let colour = palette.series_colour(Some(self.colours.number(name)));
            swatches.insert(name.clone(), Swatch { colour, on: !self.hidden.contains(name) });
        }
        rows.set_swatches(column, swatches);
    }

    /// Shows or hides the curve of a name.
    pub fn toggle_curve(&mut self, name: Option<&str>) {
        let name = name.unwrap_or(OTHER).to_owned();
        if !self.hidden.remove(&name) {
            self.hidden.insert(name);
        }
        self.recolour();
    }

    /// Carries out what the user asked of the graph.
    pub fn graph_action(&mut self, action: graph::Action) {
        let name_of = |document: &Self, id: u64| {
            document.curves.as_ref().and_then(|c| c.curves.get(id as usize)).map(|c| c.name.clone())
        };
        match action {
            graph::Action::Zoom { to, smooth } => self.zoom(to, smooth),
            graph::Action::ZoomAll => self.zoom_all(),
            graph::Action::Select(range) => {
                self.graph.select(range);
                self.totals = None;
                if range.is_some() {
                    self.changed.insert(Topic::Totals);
                }
            }
            graph::Action::Toggle(id) => {
                if let Some(name) = name_of(self, id) {
                    self.toggle_curve(name.as_deref());
                }
            }
            graph::Action::Reveal(id) => {
                if let Some(name) = name_of(self, id).flatten() {
                    self.reveal(&name);
                }
            }
        }
    }

    /// Selects the row that shows a value of the graph's column: the first visible one, or else the one that matters most,
    /// with all that has to be opened for it.
    fn reveal(&mut self, name: &str) {
        let column = self.keys.iter().position(|k| *k == self.curve_key);
        let (Some(rows), Some(column)) = (&mut self.rows, column) else { return };
        if let Some(node) = rows.find(column, name, &mut self.expanded) {
            self.table.select(row_id(node));
            self.table.request_focus();
            self.remember_selection();
        }
    }

    /// Carries out what the user asked of the table.
    pub fn table_action(&mut self, action: pivot_table::Action) {
        let Some(rows) = self.rows.as_mut() else { return };
        match action {
            pivot_table::Action::Expand(id) => rows.expand(id, &mut self.expanded),
            pivot_table::Action::Collapse(id) => rows.collapse(id, &mut self.expanded),
            pivot_table::Action::ExpandAll(id) => {
                rows.expand_all(id, &mut self.expanded);
            }
            pivot_table::Action::Sort(column) => {
                rows.sort_by(column, &self.expanded);
                self.sort = rows.flat().sort();
            }
            pivot_table::Action::Select => self.remember_selection(),
            pivot_table::Action::Copy(text) => self.effects.push(Effect::Copy(text)),
            pivot_table::Action::ToggleSeries(id) => {
                let name = rows.flat().tree().label(node_id(id)).into_owned();
                self.toggle_curve(Some(&name));
            }
        }
    }

    fn remember_selection(&mut self) {
        let Some(rows) = &self.rows else { return };
        let tree = rows.flat().tree();
        self.selected = self.table.selected().iter().map(|id| tree.path(node_id(*id))).collect();
        self.cursor = self.table.cursor().map(|id| tree.path(node_id(id)));
        self.find_details();
    }

    fn find_details(&mut self) {
        let Some(rows) = &self.rows else { return };
        let node = self.table.cursor().map(node_id);
        self.details = node.map(|node| Details::of(rows, node));
    }

    /// Blocks and bytes of the selected rows; rows inside selected rows do not count twice.
    #[must_use]
    pub fn selection_totals(&self) -> Option<(u64, u64)> {
        let tree = self.rows.as_ref()?.flat().tree();
        let selected = self.table.selected();
        let inside = |mut node: NodeId| {
            while node != PivotTree::ROOT {
                node = tree.parent(node);
                if selected.contains(&row_id(node)) {
                    return true;
                }
            }
            false
        };
        let nodes = selected.iter().map(|id| node_id(*id)).filter(|node| !inside(*node));
        let add = |sum: (u64, u64), node: NodeId| {
            let cost = tree.cost(node);
            (sum.0.saturating_add(cost.count()), sum.1.saturating_add(cost.size()))
        };
        (!selected.is_empty()).then(|| nodes.fold((0, 0), add))
    }
}

/// What a measure is called.
#[must_use]
pub fn measure_title(measure: Measure) -> &'static str {
    match (measure.kind, measure.by_count) {
        (MeasureKind::Outstanding, false) => "Outstanding size",
        (MeasureKind::Outstanding, true) => "Outstanding count",
        (MeasureKind::Cumulative, false) => "Cumulative size",
        (MeasureKind::Cumulative, true) => "Cumulative count",
        (MeasureKind::Rate, false) => "Allocated bytes per second",
        (MeasureKind::Rate, true) => "Allocations per second",
    }
}

fn unit_of(measure: Measure) -> Unit {
    match (measure.kind, measure.by_count) {
        (MeasureKind::Rate, false) => Unit::BytesPerSecond,
        (MeasureKind::Rate, true) => Unit::CountPerSecond,
        (_, false) => Unit::Bytes,
        (_, true) => Unit::Count,
    }
}
