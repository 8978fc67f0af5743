//! State of a trace that is kept from one use to the next: columns, visible range, filter, marks, open and selected rows. Figures are
//! not saved: they are computed again.

use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use poolscope_analysis::pivot::{Key, Metric};
use poolscope_analysis::series::SeriesKind as MeasureKind;
use poolscope_analysis::trace::time::{Ticks, TimeRange};
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::renaming::waits_for_names;
use super::{Document, Layout, Topic};
use crate::gui::model::filter::Step;
use crate::gui::model::table_layout::TableLayout;
use crate::gui::pages::PAGES;
use crate::gui::widgets::graph;
use crate::package::{PackageView, ViewSelection};

/// Open rows that are remembered at most.
const MAX_OPEN_ROWS: usize = 2000;

/// State of a trace that is kept from one use to the next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    preset: String,
    columns: TableLayout,
    layout: Layout,
    #[serde(default = "graph_share")]
    graph_share: f32,
    kind: String,
    measure: String,
    earlier: bool,
    most_curves: usize,
    /// The visible range in ticks; nothing for the whole trace.
    view: Option<(i64, i64)>,
    marks: Vec<i64>,
    filter: Vec<Step>,
    /// Naming of frames.
    #[serde(default)]
    frames: String,
    open: Vec<u64>,
    selected: Vec<u64>,
    cursor: Option<u64>,
    /// Settings of pages, by their names.
    #[serde(default)]
    pages: BTreeMap<String, Value>,
    /// The legend's width, and whether it is hidden.
    #[serde(default)]
    legend: (Option<f32>, bool),
    /// The user's note.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    note: String,
}

const KINDS: [(&str, graph::Kind); 3] =
    [("lines", graph::Kind::Lines), ("areas", graph::Kind::Areas), ("bars", graph::Kind::Bars)];
const MEASURES: [(&str, MeasureKind); 3] =
    [("outstanding", MeasureKind::Outstanding), ("cumulative", MeasureKind::Cumulative), ("rate", MeasureKind::Rate)];

fn graph_share() -> f32 {
    crate::gui::document::GRAPH_SHARE
}

/// The `most` smallest of the `wanted` numbers, ascending.
fn least(of: &FxHashSet<u64>, wanted: impl Fn(&u64) -> bool, most: usize) -> Vec<u64> {
    let mut heap = BinaryHeap::with_capacity(most + 1);
    of.iter().copied().filter(wanted).for_each(|number| {
        heap.push(number);
        if heap.len() > most {
            heap.pop();
        }
    });
    heap.into_sorted_vec()
}

impl Document {
    /// The state to keep.
    #[must_use]
    pub fn remember(&self) -> Remembered {
        let now = self.query.range;
        let mut open = self.results.rows.as_ref().map_or_else(Vec::new, |rows| rows.flat().open_paths(MAX_OPEN_ROWS));
        if open.len() < MAX_OPEN_ROWS {
            let known: FxHashSet<u64> = open.iter().copied().collect();
            open.extend(least(&self.ui.expanded, |path| !known.contains(path), MAX_OPEN_ROWS - open.len()));
        }
        let selected = least(&self.ui.selected, |_| true, MAX_OPEN_ROWS);
        Remembered {
            preset: self.ui.preset.clone(),
            columns: self.columns_to_save(),
            layout: self.ui.layout,
            graph_share: self.ui.graph_share,
            kind: KINDS.iter().find(|(_, kind)| *kind == self.ui.curve_style).map_or("", |(name, _)| name).to_owned(),
            measure: MEASURES
                .iter()
                .find(|(_, m)| *m == self.query.measure_kind)
                .map_or("", |(name, _)| name)
                .to_owned(),
            earlier: self.query.include_preexisting,
            most_curves: self.query.max_curves,
            view: (now != self.trace.extent).then_some((now.from.0, now.to.0)),
            marks: self.query.marks.iter().map(|mark| mark.0).collect(),
            filter: self.query.filter.steps().iter().chain(&self.ui.awaited_steps).cloned().collect(),
            frames: self.query.naming.name().to_owned(),
            open,
            selected,
            cursor: self.ui.cursor,
            pages: self.remember_pages(),
            legend: self.ui.graph.legend(),
            note: self.ui.note.clone(),
        }
    }

    fn remember_pages(&self) -> BTreeMap<String, Value> {
        PAGES.iter().filter_map(|page| Some((page.id().0.to_owned(), page.remember(self)?))).collect()
    }

    /// Shows the trace as the sender of its package saw it.
    pub fn apply_package(&mut self, view: PackageView) {
        match (view.window.and_then(|state| serde_json::from_value(state).ok()), view.selection) {
            (Some(state), _) => self.restore(state),
            (None, Some(selection)) => self.apply_selection(selection),
            (None, None) => {}
        }
        if self.ui.note.is_empty() {
            self.ui.note = view.note;
        }
    }

    /// Shows what options of the command line chose.
    fn apply_selection(&mut self, selection: ViewSelection) {
        let keys: Vec<Key> = selection.by.iter().filter_map(|name| name.parse().ok()).collect();
        if !keys.is_empty() {
            let data = self.query.columns.figures();
            let metric = data.first().copied().unwrap_or(Metric::Size);
            let layout = TableLayout::new(&keys, &data, metric, metric, &keys[..1]);
            if let Ok(columns) = layout.checked() {
                self.query.columns = columns;
                self.ui.table.set_widths(self.query.columns.widths());
            }
        }
        let whole = self.trace.extent;
        let ticks = |seconds: Option<f64>| seconds.map(|seconds| self.trace.clock.ticks(seconds));
        let from = ticks(selection.range.0).unwrap_or(whole.from);
        let to = ticks(selection.range.1).unwrap_or(whole.to).max(from);
        if (from, to) != (whole.from, whole.to) {
            self.go_to(TimeRange { from, to }, false);
        }
        let marks = selection.marks.into_iter().map(|seconds| self.trace.clock.ticks(seconds));
        self.query.marks = marks.filter(|mark| (whole.from..=whole.to).contains(mark)).collect();
        self.marks_changed();
        let query = selection.query.and_then(|text| text.parse().ok());
        let (awaited, steps): (Vec<Step>, Vec<Step>) = query.map(Step::Query).into_iter().partition(waits_for_names);
        self.ui.awaited_steps = awaited;
        if !steps.is_empty() {
            self.set_steps(steps);
        }
        self.work.asked.extend([Topic::Table, Topic::Curves]);
    }

    /// Shows the trace as it was remembered, as far as it still has it.
    pub fn restore(&mut self, remembered: Remembered) {
        let Ok(columns) = remembered.columns.checked() else { return };
        self.ui.preset = remembered.preset;
        self.query.columns = columns;
        self.ui.table.set_widths(self.query.columns.widths());
        self.ui.layout = remembered.layout;
        self.ui.graph_share = remembered.graph_share.clamp(0.1, 0.9);
        let named = |name: &str| KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
        self.ui.curve_style = named(&remembered.kind).unwrap_or(self.ui.curve_style);
        let measure = MEASURES.iter().find(|(known, _)| *known == remembered.measure).map(|(_, kind)| *kind);
        self.query.measure_kind = measure.unwrap_or(self.query.measure_kind);
        self.query.include_preexisting = remembered.earlier;
        self.query.max_curves = remembered.most_curves.clamp(1, 50);
        if let Some((from, to)) = remembered.view {
            self.go_to(TimeRange { from: Ticks(from), to: Ticks(to.max(from)) }, false);
        }
        let whole = self.trace.extent;
        let inside = remembered.marks.into_iter().filter(|mark| (whole.from.0..=whole.to.0).contains(mark));
        self.query.marks = inside.map(Ticks).collect();
        self.marks_changed();
        if let Ok(naming) = remembered.frames.parse() {
            self.query.naming = naming;
            self.results.names = Arc::new(self.results.names.with_naming(naming));
        }
        // Without rows of these names nothing would be left.
        let (awaited, steps) = remembered.filter.into_iter().partition(waits_for_names);
        self.ui.awaited_steps = awaited;
        let steps: Vec<Step> = steps;
        if !steps.is_empty() {
            self.set_steps(steps);
        }
        self.ui.initial_reveal_done = !remembered.open.is_empty();
        self.ui.expanded = remembered.open.into_iter().collect();
        self.ui.selected = remembered.selected.into_iter().collect();
        self.ui.cursor = remembered.cursor;
        for page in PAGES {
            if let Some(value) = remembered.pages.get(page.id().0) {
                page.restore(self, value.clone());
            }
        }
        self.ui.graph.set_legend(remembered.legend.0, remembered.legend.1);
        self.ui.note = remembered.note;
        self.ui.table.reveal_cursor();
        self.work.asked.extend([Topic::Table, Topic::Curves]);
    }
}
