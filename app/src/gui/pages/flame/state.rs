//! State of the flame graph page: the way of merging, the stacks that were merged last, and where in them the user
//! is. Merges nothing and draws nothing.

use std::sync::Arc;

use poolscope_analysis::flame::{FlameDirection, FlameMetric, FlameTree};
use poolscope_analysis::pivot::RowPath;
use poolscope_analysis::pivot::translate::Translation;
use serde::{Deserialize, Serialize};

use super::job::{FlameQuestion, PendingFrame, moved};
use crate::gui::jobs::discard::discard;
use crate::gui::pages::flame::model::FlameColors;
use crate::gui::widgets::flame::FlameState;

/// Zooms that can be taken back at most.
const MOST_ZOOMS: usize = 64;

/// The rows that the flame graph is narrowed to beside view and filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlameScope {
    /// Path of the rows.
    pub place: RowPath,
    /// Their title; `None` where the place says it all.
    pub label: Option<String>,
}

impl FlameScope {
    /// Title of the rows.
    #[must_use]
    pub fn title(&self) -> String {
        self.label.clone().unwrap_or_else(|| self.place.title())
    }
}

/// Look of the flame graph; kept from one use to the next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FlameLook {
    /// Metric that makes a frame wide: a position in [`FlameMetric::ALL`].
    weight: u8,
    /// Who allocates comes first.
    inverted: bool,
    /// The root is at the top.
    pub root_at_top: bool,
}

impl FlameLook {
    /// Change the metric that makes a frame wide.
    #[must_use]
    pub fn weight(self) -> FlameMetric {
        FlameMetric::ALL.get(usize::from(self.weight)).copied().unwrap_or_default()
    }

    /// Changes what a frame's width is.
    pub fn set_weight(&mut self, weight: FlameMetric) {
        self.weight = FlameMetric::ALL.iter().position(|known| *known == weight).unwrap_or(0) as u8;
    }

    /// Merge stacks from the other end.
    #[must_use]
    pub fn merge(self) -> FlameDirection {
        if self.inverted { FlameDirection::BottomUp } else { FlameDirection::TopDown }
    }

    /// Changes from which end stacks are merged.
    pub fn set_merge(&mut self, merge: FlameDirection) {
        self.inverted = merge == FlameDirection::BottomUp;
    }
}

/// Merged stacks that are shown.
pub struct ShownFlame {
    /// Goes up with every answer.
    pub number: u64,
    /// Question that they answer.
    pub question: FlameQuestion,
    /// The stacks.
    pub tree: Arc<FlameTree>,
    /// The colors of their frames.
    pub colors: FlameColors,
    /// A flag for each node of the displayed stacks, true for responsible frames.
    pub responsible: Arc<Vec<bool>>,
}

/// State of the flame graph page.
#[derive(Clone, Default)]
pub struct FlamePageState {
    /// Look of the flame graph.
    pub look: FlameLook,
    /// The rows that it is narrowed to.
    pub scope: Option<FlameScope>,
    /// Merged stacks that are shown, once they are there.
    pub shown: Option<Arc<ShownFlame>>,
    /// The last question.
    pub asked: Option<FlameQuestion>,
    /// The program made a mistake while it merged.
    pub broken: bool,
    /// The text that is looked for.
    pub search: String,
    /// The text of the last search that was asked for.
    pub searched: String,
    /// The text that was looked for last, and the weight of the stacks that have it.
    pub found: Option<(String, u64)>,
    /// The frame that has the whole width, the selected one, and where it is scrolled to.
    pub view: FlameState,
    /// The field of the search takes the keys.
    pub wants_search: bool,
    /// The row of the table that is to be shown.
    pub goal: Option<PendingFrame>,
    /// The frames that were zoomed to before.
    zooms: Vec<u32>,
}

impl FlamePageState {
    /// The frames to the one that is zoomed to.
    #[must_use]
    pub fn zoom_path(&self) -> Vec<String> {
        self.shown.as_ref().map_or_else(Vec::new, |shown| owned(shown.tree.path(self.view.zoom())))
    }

    /// Gives a frame the whole width.
    pub fn zoom_to(&mut self, node: u32) {
        if node != self.view.zoom() {
            self.zooms.push(self.view.zoom());
            if self.zooms.len() > MOST_ZOOMS {
                self.zooms.remove(0);
            }
            self.view.set_zoom(node);
        }
    }

    /// Goes back to the width before; returns whether there was one.
    pub fn zoom_back(&mut self) -> bool {
        if self.view.zoom() == FlameTree::ROOT {
            self.zooms.clear();
            return false;
        }
        self.view.set_zoom(self.zooms.pop().unwrap_or(FlameTree::ROOT));
        true
    }

    /// Applies merged stacks; zoom and selection stay if their frames still exist.
    pub fn take(&mut self, mut shown: ShownFlame, translation: Option<&Translation>) {
        let before = self.shown.take().filter(|before| before.tree.direction() == shown.tree.direction());
        let place = |node: u32| -> (u32, bool) {
            let Some(before) = &before else { return (FlameTree::ROOT, false) };
            let paths = match translation {
                Some(translation) => moved(&before.tree, node, translation),
                None => vec![owned(before.tree.path(node))],
            };
            let found = paths.iter().map(|path| {
                let (node, known) = shown.tree.find(path);
                (known == path.len(), shown.tree.weight(node), node)
            });
            // Of those that are all there the heaviest, else the one that comes nearest.
            let best = found.max_by_key(|(whole, weight, node)| (*whole, *weight, std::cmp::Reverse(*node)));
            best.map_or((FlameTree::ROOT, false), |(whole, _, node)| (node, whole))
        };
        let zoom = place(self.view.zoom()).0;
        let cursor = self.view.cursor().map(place).filter(|(_, whole)| *whole).map(|(node, _)| node);
        self.zooms = self.zooms.iter().map(|node| place(*node)).filter(|(_, whole)| *whole).map(|(at, _)| at).collect();
        shown.number = before.as_ref().map_or(shown.number, |before| before.number + 1);
        before.into_iter().for_each(discard);
        self.view.restore(zoom, cursor);
        self.shown = Some(Arc::new(shown));
        self.broken = false;
    }
}

fn owned(path: Vec<&str>) -> Vec<String> {
    path.into_iter().map(str::to_owned).collect()
}
