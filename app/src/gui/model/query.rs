//! Question to an open trace. Rows, curves and sums carry the part of it that they answer, so that a result is outdated exactly
//! when its part differs from that of the present query.

use std::sync::Arc;

use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::pivot::translate::is_named_by_frames;
use poolscope_analysis::pivot::{Key, Metric};
use poolscope_analysis::series::{SeriesKind as MeasureKind, SeriesMetric};
use poolscope_analysis::trace::time::{Ticks, TimeRange};

use super::filter::RowFilter;
use super::table_layout::TableLayout;

/// Curves at most, until the user wants more or fewer; the rest is folded into "other".
pub const MAX_CURVES: usize = 9;

/// Everything that rows and curves follow from.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The visible range.
    pub range: TimeRange,
    /// Columns of the table, their order and their roles.
    pub columns: TableLayout,
    /// The filter of the rows.
    pub filter: Arc<RowFilter>,
    /// Naming of frames.
    pub naming: FrameNaming,
    /// Marks on the time axis, ascending: bounds of the generations.
    pub marks: Vec<Ticks>,
    /// Number of times that descriptions of tags have changed.
    pub tag_revision: u64,
    /// Number of times that frames were renamed.
    pub names_revision: u64,
    /// Kind of values that curves show.
    pub measure_kind: MeasureKind,
    /// True if allocations from before the trace count as outstanding.
    pub include_preexisting: bool,
    /// Upper bound on curves; the rest is folded into "other".
    pub max_curves: usize,
}

/// The part of a query that the groups of the table answer.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupsQuery {
    range: TimeRange,
    keys: Vec<Key>,
    filter: Arc<RowFilter>,
    /// Marks, where a column or the filter asks for generations.
    marks: Vec<Ticks>,
    /// Revision of the tag descriptions, where a column shows them.
    tag_revision: u64,
}

/// The part of a query that the curve of the whole trace answers.
#[derive(Debug, Clone, PartialEq)]
pub struct OverviewQuery {
    measure: SeriesMetric,
    impacting: bool,
    include_preexisting: bool,
    filter: Arc<RowFilter>,
    marks: Vec<Ticks>,
    /// Revision of the names of frames, where the filter depends on them.
    names_revision: u64,
    /// The visible range, where the rows that count depend on it.
    range: Option<TimeRange>,
}

/// The part of a query that the curves answer.
#[derive(Debug, Clone, PartialEq)]
pub struct CurvesQuery {
    range: TimeRange,
    keys: Vec<Key>,
    max_curves: usize,
    /// Marks, revisions of tag descriptions and names, where a key depends on them.
    marks: Vec<Ticks>,
    tag_revision: u64,
    names_revision: u64,
    overview: OverviewQuery,
}

impl Query {
    /// The whole trace in these columns.
    #[must_use]
    pub fn new(range: TimeRange, columns: TableLayout) -> Self {
        Self {
            range,
            columns,
            filter: Arc::default(),
            naming: FrameNaming::Function,
            marks: Vec::new(),
            tag_revision: 0,
            names_revision: 0,
            measure_kind: MeasureKind::Outstanding,
            include_preexisting: false,
            max_curves: MAX_CURVES,
        }
    }

    /// Measure of the curves.
    #[must_use]
    pub fn measure(&self) -> SeriesMetric {
        let by_count = self.columns.graphed().is_some_and(|graphed| graphed.by_count);
        SeriesMetric { kind: self.measure_kind, by_count }
    }

    /// The part that the groups of the table answer.
    #[must_use]
    pub fn groups(&self) -> GroupsQuery {
        let (keys, figures) = (self.columns.keys(), self.columns.figures());
        let shows = |key: Key| keys.contains(&key) || figures.contains(&Metric::Unique(key));
        let by_generation = shows(Key::Generation) || self.filter.asks_generation();
        let by_description = Key::FROM_POOL_TAGS.into_iter().any(shows) || shows(Key::StackTag);
        GroupsQuery {
            range: self.range,
            filter: Arc::clone(&self.filter),
            marks: if by_generation { self.marks.clone() } else { Vec::new() },
            tag_revision: if by_description { self.tag_revision } else { 0 },
            keys,
        }
    }

    /// The part that the curve of the whole trace answers.
    #[must_use]
    pub fn overview(&self) -> OverviewQuery {
        let impacting = self.columns.graphed().is_some_and(|graphed| graphed.impacting);
        // Which allocations are AIFO, and which a filter by type takes, changes with the range.
        let by_range = impacting || self.filter.depends_on_view();
        OverviewQuery {
            measure: self.measure(),
            impacting,
            include_preexisting: self.include_preexisting,
            filter: Arc::clone(&self.filter),
            marks: if self.filter.asks_generation() { self.marks.clone() } else { Vec::new() },
            names_revision: if self.filter.names_frames() { self.names_revision } else { 0 },
            range: by_range.then_some(self.range),
        }
    }

    /// The part that the curves answer; `None` while no column is graphed.
    #[must_use]
    pub fn curves(&self) -> Option<CurvesQuery> {
        self.columns.graphed()?;
        let keys = self.columns.graph_by.clone();
        let has = |key: Key| keys.contains(&key);
        Some(CurvesQuery {
            range: self.range,
            max_curves: self.max_curves,
            marks: if has(Key::Generation) { self.marks.clone() } else { Vec::new() },
            tag_revision: if Key::FROM_POOL_TAGS.into_iter().any(has) || has(Key::StackTag) {
                self.tag_revision
            } else {
                0
            },
            names_revision: if keys.iter().any(|key| is_named_by_frames(*key)) { self.names_revision } else { 0 },
            overview: self.overview(),
            keys,
        })
    }
}

impl OverviewQuery {
    /// Returns whether the visible range decides which allocations count.
    #[must_use]
    pub fn depends_on_range(&self) -> bool {
        self.range.is_some()
    }
}

impl CurvesQuery {
    /// The part that the curve of the whole trace answers.
    #[must_use]
    pub fn overview(&self) -> &OverviewQuery {
        &self.overview
    }
}

impl GroupsQuery {
    /// The visible range.
    #[must_use]
    pub fn range(&self) -> TimeRange {
        self.range
    }

    /// Key columns, outermost first.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The filter of the rows.
    #[must_use]
    pub fn filter(&self) -> &Arc<RowFilter> {
        &self.filter
    }

    /// The same with another filter: its texts were translated to other names.
    #[must_use]
    pub fn with_filter(self, filter: Arc<RowFilter>) -> Self {
        Self { filter, ..self }
    }
}
