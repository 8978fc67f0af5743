//! An open case, or one piece of its evidence: what is shown of it, and the state of its graphs. It reads nothing and draws nothing.

use std::any::Any;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use poolscope_recording::poolmon::time;

use super::case_timeline::Timeline;
use crate::case::Case;
use crate::format;
use crate::gui::jobs::TabId;
use crate::gui::jobs::watch::Stamp;

/// State of the graphs on one time axis. Times are seconds on the axis.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AxisState {
    /// Visible range; `None` for all.
    pub visible: Option<(f64, f64)>,
    /// Selected range.
    pub selection: Option<(f64, f64)>,
    /// The time cursor.
    pub cursor: Option<f64>,
    /// Marks.
    pub marks: Vec<f64>,
    /// Curves that are not drawn: panel, and name.
    pub hidden: BTreeSet<(usize, String)>,
}

/// An open case.
pub struct CaseView {
    /// Its tab.
    pub tab: TabId,
    /// The evidence.
    pub case: Arc<Case>,
    /// The piece of evidence that is shown alone; `None` for all.
    pub only: Option<usize>,
    /// State of the file of each trace just before it was read, by location.
    pub stamps: Arc<Vec<(PathBuf, Option<Stamp>)>>,
    /// Curves of what is shown.
    pub timeline: Arc<Timeline>,
    /// State of each time axis.
    pub axes: Vec<AxisState>,
    /// State of the page from one frame to the next.
    pub drawn: Option<Box<dyn Any + Send>>,
}

impl CaseView {
    /// A case that was just opened.
    #[must_use]
    pub fn new(tab: TabId, case: Case, timeline: Timeline, stamps: Vec<(PathBuf, Option<Stamp>)>) -> Self {
        let axes = vec![AxisState::default(); timeline.axes.len()];
        let (case, stamps, timeline) = (Arc::new(case), Arc::new(stamps), Arc::new(timeline));
        Self { tab, case, only: None, stamps, timeline, axes, drawn: None }
    }

    /// One piece of its evidence, for a tab of its own.
    #[must_use]
    pub fn of_piece(&self, piece: usize) -> Self {
        let timeline = self.timeline.of_piece(piece);
        let axes = vec![AxisState::default(); timeline.axes.len()];
        let (case, stamps) = (Arc::clone(&self.case), Arc::clone(&self.stamps));
        Self { tab: self.tab, case, only: Some(piece), stamps, timeline: Arc::new(timeline), axes, drawn: None }
    }

    /// State of the file of a trace just before it was read.
    #[must_use]
    pub fn stamp(&self, path: &Path) -> Option<Stamp> {
        self.stamps.iter().find(|(stamped, _)| stamped == path).and_then(|(_, stamp)| *stamp)
    }

    /// Content in a few words: `3 pieces of evidence, 1 file not used`.
    #[must_use]
    pub fn summary(&self) -> String {
        let pieces = format::counted(self.shown().count() as u64, "piece of evidence", "pieces of evidence");
        match self.case.unused.len() {
            0 => pieces,
            _ if self.only.is_some() => pieces,
            count => format!("{pieces}, {} not used", format::counted(count as u64, "file", "files")),
        }
    }

    /// Indices of the pieces that are shown.
    pub fn shown(&self) -> impl Iterator<Item = usize> + use<> {
        let only = self.only;
        (0..self.case.pieces.len()).filter(move |at| only.is_none_or(|only| only == *at))
    }

    /// The time of day at a time of an axis, if it is known.
    #[must_use]
    pub fn wall_clock(&self, axis: usize, seconds: f64) -> Option<String> {
        let zero = self.timeline.axes.get(axis)?.zero_ms?;
        Some(time::text(zero.saturating_add((seconds * 1000.0).round() as i64)))
    }
}

impl std::fmt::Debug for CaseView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CaseView").field("tab", &self.tab).field("only", &self.only).finish_non_exhaustive()
    }
}
