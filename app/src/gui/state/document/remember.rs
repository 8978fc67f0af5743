//! What is remembered of a trace from one use to the next: columns, view, filter, marks, what was open and selected. Figures are
//! not: they are computed anew.

use std::collections::BinaryHeap;
use std::sync::Arc;

use poolscope_analysis::series::SeriesKind as MeasureKind;
use poolscope_analysis::trace::time::{Ticks, TimeRange};
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

use super::renaming::waits_for_names;
use super::{Document, Layout, Topic};
use crate::gui::state::arrangement::Arrangement;
use crate::gui::state::filter::Step;
use crate::gui::state::flame_page::FlameLook;
use crate::gui::widgets::graph;

/// Open rows that are remembered at most.
const MOST_OPEN: usize = 2000;

/// What is remembered of a trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    preset: String,
    arrangement: Arrangement,
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
    /// How frames are named.
    #[serde(default)]
    frames: String,
    open: Vec<u64>,
    selected: Vec<u64>,
    cursor: Option<u64>,
    /// How the flame graph is drawn.
    #[serde(default)]
    flame: FlameLook,
    /// The legend's width, and whether it is hidden.
    #[serde(default)]
    legend: (Option<f32>, bool),
}

const KINDS: [(&str, graph::Kind); 3] =
    [("lines", graph::Kind::Lines), ("areas", graph::Kind::Areas), ("bars", graph::Kind::Bars)];
const MEASURES: [(&str, MeasureKind); 3] =
    [("outstanding", MeasureKind::Outstanding), ("cumulative", MeasureKind::Cumulative), ("rate", MeasureKind::Rate)];

fn graph_share() -> f32 {
    super::GRAPH_SHARE
}

/// The smallest of some numbers, ascending, as many as are wanted.
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
    /// What to remember of this trace.
    #[must_use]
    pub fn remember(&self) -> Remembered {
        let now = self.history.now();
        let mut open = self.rows.as_ref().map_or_else(Vec::new, |rows| rows.flat().open_paths(MOST_OPEN));
        if open.len() < MOST_OPEN {
            let known: FxHashSet<u64> = open.iter().copied().collect();
            open.extend(least(&self.expanded, |path| !known.contains(path), MOST_OPEN - open.len()));
        }
        let selected = least(&self.selected, |_| true, MOST_OPEN);
        Remembered {
            preset: self.preset.clone(),
            arrangement: self.arrangement_to_save(),
            layout: self.layout,
            graph_share: self.graph_share,
            kind: KINDS.iter().find(|(_, kind)| *kind == self.kind).map_or("", |(name, _)| name).to_owned(),
            measure: MEASURES.iter().find(|(_, m)| *m == self.measure_kind).map_or("", |(name, _)| name).to_owned(),
            earlier: self.earlier,
            most_curves: self.most_curves,
            view: (now != self.history.whole()).then_some((now.from.0, now.to.0)),
            marks: self.marks.iter().map(|mark| mark.0).collect(),
            filter: self.filter.steps().iter().chain(&self.awaited).cloned().collect(),
            frames: self.naming.name().to_owned(),
            open,
            selected,
            cursor: self.cursor,
            flame: self.flame.look,
            legend: self.graph.legend(),
        }
    }

    /// Shows the trace as it was remembered, as far as it still has it.
    pub fn recall(&mut self, remembered: Remembered) {
        let Ok(arrangement) = remembered.arrangement.checked() else { return };
        self.preset = remembered.preset;
        self.arrangement = arrangement;
        self.table.set_widths(self.arrangement.widths());
        self.layout = remembered.layout;
        self.graph_share = remembered.graph_share.clamp(0.1, 0.9);
        let named = |name: &str| KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
        self.kind = named(&remembered.kind).unwrap_or(self.kind);
        let measure = MEASURES.iter().find(|(known, _)| *known == remembered.measure).map(|(_, kind)| *kind);
        self.measure_kind = measure.unwrap_or(self.measure_kind);
        self.earlier = remembered.earlier;
        self.most_curves = remembered.most_curves.clamp(1, 50);
        if let Some((from, to)) = remembered.view {
            self.history.go(TimeRange { from: Ticks(from), to: Ticks(to.max(from)) }, false);
        }
        let whole = self.history.whole();
        let inside = remembered.marks.into_iter().filter(|mark| (whole.from.0..=whole.to.0).contains(mark));
        self.marks = inside.map(Ticks).collect();
        self.marks_changed();
        if let Ok(naming) = remembered.frames.parse() {
            self.naming = naming;
            self.names = Arc::new(self.names.with_naming(naming));
        }
        // Without rows of these names nothing would be left.
        let (awaited, steps) = remembered.filter.into_iter().partition(waits_for_names);
        self.awaited = awaited;
        let steps: Vec<Step> = steps;
        if !steps.is_empty() {
            self.filter.set(steps);
        }
        self.led = !remembered.open.is_empty();
        self.expanded = remembered.open.into_iter().collect();
        self.selected = remembered.selected.into_iter().collect();
        self.cursor = remembered.cursor;
        self.flame.look = remembered.flame;
        self.graph.set_legend(remembered.legend.0, remembered.legend.1);
        self.table.reveal_cursor();
        self.changed.extend([Topic::Table, Topic::Curves]);
    }
}
