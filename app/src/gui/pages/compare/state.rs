//! State of the compare page: the chosen sides, unit, figure and rows, and the last answer. Compares nothing and draws nothing.

use std::sync::Arc;

use parking_lot::Mutex;
use poolscope_analysis::compare::{Change, CompareSort, Normalization};
use poolscope_analysis::filter::Query;
use poolscope_analysis::pivot::{Key, Metric};
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

use super::edits::CompareEdits;
use super::job::{Alignment, CompareAnswer, CompareQuestion, CurvesOfSides, CurvesQuestion};
use super::rows::CompareRows;
use super::sides::{SideChoice, resolved, suggested};
use crate::gui::document::Document;
use crate::gui::model::open_traces::OpenTrace;
use crate::gui::model::page_id::PageId;
use crate::gui::pages::compare::job::{QuestionSide, SideStep};
use crate::gui::widgets::graph::{GraphData, GraphState, Range};
use crate::gui::widgets::pivot_table::TableState;

/// Key columns at first.
const KEYS: [Key; 4] = [Key::Paged, Key::Tag, Key::Driver, Key::Stack];

/// Unit of the figures as it is chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitChoice {
    /// As they are.
    #[default]
    Raw,
    /// Per second of the range.
    Second,
    /// Per allocation of a tag.
    Allocation,
}

/// What the page shows; kept from one use of a trace to the next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CompareLook {
    /// Unit of the figures.
    pub unit: UnitChoice,
    /// The tag of figures per allocation.
    pub tag: String,
    /// Names of the key columns, outermost first.
    keys: Vec<String>,
    /// Name of the figure that changes refer to.
    measure: String,
    /// The graph's part of the height.
    pub graph_share: f32,
}

impl Default for CompareLook {
    fn default() -> Self {
        Self {
            unit: UnitChoice::default(),
            tag: String::new(),
            keys: KEYS.map(|key| key.name().to_owned()).into(),
            measure: Metric::ImpactingSize.name(),
            graph_share: 0.34,
        }
    }
}

impl CompareLook {
    /// The key columns, outermost first; never empty.
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        let keys: Vec<Key> = self.keys.iter().filter_map(|name| name.parse().ok()).collect();
        if keys.is_empty() { KEYS.into() } else { keys }
    }

    /// Changes the key columns; an empty list changes nothing.
    pub fn set_keys(&mut self, keys: &[Key]) {
        if !keys.is_empty() {
            self.keys = keys.iter().map(|key| key.name().to_owned()).collect();
        }
    }

    /// The figure that changes refer to.
    #[must_use]
    pub fn measure(&self) -> Metric {
        self.measure.parse().unwrap_or(Metric::ImpactingSize)
    }

    /// Changes the figure that changes refer to.
    pub fn set_measure(&mut self, measure: Metric) {
        self.measure = measure.name();
    }
}

/// Figures that changes can refer to.
pub const MEASURES: [Metric; 6] =
    [Metric::ImpactingSize, Metric::ImpactingCount, Metric::Size, Metric::Count, Metric::NetSize, Metric::Growth];

/// Rows that are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RowsShown {
    /// All.
    #[default]
    All,
    /// Those with a change.
    With(Change),
    /// Those that grew more than the whole.
    Overweight,
}

impl RowsShown {
    /// All choices, in the order of the list.
    pub const ALL: [Self; 6] = [
        Self::All,
        Self::With(Change::New),
        Self::With(Change::Grown),
        Self::With(Change::Shrunk),
        Self::With(Change::Gone),
        Self::Overweight,
    ];

    /// The title in lists.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::All => "All rows",
            Self::With(Change::New) => "New",
            Self::With(Change::Grown) => "Grown",
            Self::With(Change::Shrunk) => "Shrunk",
            Self::With(Change::Gone) => "Gone",
            Self::With(Change::Same) => "Same",
            Self::Overweight => "Overweight",
        }
    }
}

/// The curves of both sides as they are drawn.
pub struct DrawnCurves {
    /// The curves.
    pub curves: CurvesOfSides,
    /// The same for the graph, in the light and the dark theme.
    pub data: [GraphData; 2],
}

/// An answer that is given up, with its rows.
pub type Forgotten = (Arc<CompareAnswer>, Option<Arc<Mutex<CompareRows>>>);

/// State of the compare page.
#[derive(Clone, Default)]
pub struct ComparePageState {
    /// What is shown.
    pub look: CompareLook,
    /// The sides, once the user chose any.
    pub sides: Option<[SideChoice; 2]>,
    /// Rows that are shown.
    pub rows_shown: RowsShown,
    /// The filter as it is written.
    pub query: String,
    /// Steps of the filter beside it: rows of the table that were chosen or left out.
    pub steps: Vec<SideStep>,
    /// The page that Escape leads back to.
    pub from: PageId,
    /// The order of the rows, if the user chose one.
    pub sort: Option<CompareSort>,
    /// Paths of the opened rows.
    pub expanded: FxHashSet<u64>,
    /// The last question.
    pub asked: Option<CompareQuestion>,
    /// The last answer.
    pub answer: Option<Arc<CompareAnswer>>,
    /// Its rows; the document and its copy for drawing share them.
    pub rows: Option<Arc<Mutex<CompareRows>>>,
    /// True if the program made a mistake while it compared.
    pub broken: bool,
    /// State of the table.
    pub table: TableState,
    /// State of the graph.
    pub graph: GraphState,
    /// The part of the graph's axis that is shown; all of it if none.
    pub view: Option<Range>,
    /// The time at which the curves of both sides are aligned.
    pub alignment: Alignment,
    /// The last question for curves.
    pub curves_asked: Option<CurvesQuestion>,
    /// The curves.
    pub curves: Option<Arc<DrawnCurves>>,
    /// The text that is looked for; the search is open if there is one.
    pub search: Option<String>,
    /// The text of the last search that was asked for.
    pub searched: String,
    /// The matches.
    pub found: Option<Arc<super::job::CompareFound>>,
    /// Position of the match under the cursor.
    pub match_at: Option<usize>,
    /// The field of the search takes the keys.
    pub wants_search: bool,
    /// The field of the filter takes the keys.
    pub wants_query: bool,
    /// Changes that can be undone and redone.
    pub(super) edits: CompareEdits,
}

impl ComparePageState {
    /// The sides: those that the user chose, as far as they still exist, else those that suggest themselves.
    #[must_use]
    pub fn sides(&self, document: &Document) -> Option<[SideChoice; 2]> {
        let open = &document.open_traces;
        let chosen = self.sides.filter(|sides| sides.iter().all(|side| resolved(*side, open).is_some()));
        chosen.or_else(|| suggested(&document.results.names, open))
    }

    /// The filter, or a message on the error in it.
    ///
    /// # Errors
    /// The text is no query.
    pub fn filter(&self) -> Result<Option<Query>, String> {
        match self.query.trim() {
            "" => Ok(None),
            text => text.parse::<Query>().map(Some).map_err(|error| error.to_string()),
        }
    }

    /// Shows all rows of both sides again.
    pub fn clear_filter(&mut self) {
        self.query.clear();
        self.steps.clear();
    }

    /// The unit of the figures; `None` while the tag is missing.
    #[must_use]
    pub fn unit(&self) -> Option<Normalization> {
        match self.look.unit {
            UnitChoice::Raw => Some(Normalization::Raw),
            UnitChoice::Second => Some(Normalization::PerSecond),
            UnitChoice::Allocation if self.look.tag.trim().is_empty() => None,
            UnitChoice::Allocation => Some(Normalization::PerAllocation(self.look.tag.clone())),
        }
    }

    /// The order of the rows.
    #[must_use]
    pub fn order(&self) -> CompareSort {
        self.sort.clone().unwrap_or_else(|| CompareSort::by_growth(self.look.measure()))
    }

    /// The present question; `None` while anything for it is missing.
    #[must_use]
    pub fn question(&self, document: &Document) -> Option<CompareQuestion> {
        let open = &document.open_traces;
        let [first, second] = self.sides(document)?.map(|side| resolved(side, open));
        let side = |(trace, range): (&OpenTrace, _)| QuestionSide {
            tab: trace.tab,
            name: trace.name.clone(),
            names: Arc::clone(&trace.names),
            range,
            marks: trace.marks.clone(),
        };
        Some(CompareQuestion {
            sides: [side(first?), side(second?)],
            keys: self.look.keys(),
            unit: self.unit()?,
            query: self.filter().ok()?,
            steps: self.steps.clone(),
            measure: self.look.measure(),
            only: match self.rows_shown {
                RowsShown::With(change) => Some(change),
                RowsShown::All | RowsShown::Overweight => None,
            },
            only_overweight: self.rows_shown == RowsShown::Overweight,
        })
    }

    /// The question for the curves of the row under the cursor, or of all rows.
    #[must_use]
    pub fn curves_question(&self) -> Option<CurvesQuestion> {
        let answer = self.answer.as_ref().filter(|answer| answer.shown.is_some())?;
        let rows = self.rows.as_ref()?.lock();
        let all = 0..rows.comparison().groups().len() as u32;
        let (groups, title) = match self.table.cursor() {
            Some(row) => rows.groups(row),
            None => (all, "All rows".to_owned()),
        };
        let by_count = matches!(answer.question.measure, Metric::Count | Metric::ImpactingCount);
        let alignment = self.alignment;
        Some(CurvesQuestion { answer: Arc::clone(answer), groups, title, alignment, by_count })
    }

    /// Gives up everything that was asked and answered; returns the last answer with its rows.
    pub fn forget(&mut self) -> Option<Forgotten> {
        (self.asked, self.curves_asked, self.curves, self.found) = (None, None, None, None);
        (self.match_at, self.view) = (None, None);
        let rows = self.rows.take();
        Some((self.answer.take()?, rows))
    }

    /// Number of markers that the curves of both sides can be aligned at.
    #[must_use]
    pub fn common_marks(&self) -> usize {
        let question = self.answer.as_ref().map(|answer| &answer.question);
        question.map_or(0, |question| question.sides.iter().map(|side| side.marks.len()).min().unwrap_or(0))
    }
}
