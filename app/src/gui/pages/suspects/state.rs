//! State of the suspects page: the last analysis, what is asked of the next one, which suspects are
//! listed and in what order, which ones are selected. It analyzes nothing and draws nothing.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::leaks::{AnalysisRequest, LeakAnalysis, Suspect, SuspectGrouping, Verdict, WarmUp, limits};
use poolscope_analysis::pivot::RowPath;
use poolscope_analysis::trace::ids::StackId;
use poolscope_analysis::trace::time::{Clock, Ticks, TimeRange};

use super::job::{LeaksAnswer, LeaksRequest};
use crate::gui::model::recording_setup::SuggestedTag;
use crate::gui::pages::suspects::columns::SuspectColumn;
use crate::leak_text;

/// Upper bound on the tags that are suggested to record.
const SUGGESTED: usize = 8;

/// Warm-up that the user has chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum WarmUpChoice {
    /// Up to the first mark, or the usual share where there is none.
    #[default]
    Usual,
    /// The usual share, whatever marks there are.
    Share,
    /// Nothing.
    None,
    /// This many seconds.
    Seconds(f64),
}

impl WarmUpChoice {
    /// The warm-up in a time range.
    #[must_use]
    pub fn of(self, range: TimeRange, clock: &Clock) -> WarmUp {
        match self {
            Self::Usual => WarmUp::Automatic,
            Self::None => WarmUp::None,
            Self::Share => {
                let length = range.to.0.saturating_sub(range.from.0).max(0);
                WarmUp::Until(Ticks(range.from.0.saturating_add((length as f64 * limits::WARM_UP_SHARE) as i64)))
            }
            Self::Seconds(seconds) => {
                let until = clock.ticks(clock.seconds(range.from) + seconds.max(0.0));
                WarmUp::Until(Ticks(until.0.clamp(range.from.0, range.to.0)))
            }
        }
    }
}

/// The analysis that is shown.
pub struct ShownAnalysis {
    /// Goes up with every analysis of the trace.
    pub number: u64,
    /// The names that it was made with.
    pub names: Arc<ColumnValues>,
    /// The suspects.
    pub analysis: LeakAnalysis,
}

/// A row of the table that is to be shown as soon as the rows lead to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    /// The way to the row and below it, as far as it is to be opened.
    pub place: RowPath,
    /// Steps of the way that lead to the row.
    pub steps: usize,
    /// The range that the row is surely found in.
    pub range: TimeRange,
    /// The responsible frame below the row is selected, not the row.
    pub to_responsible: bool,
}

impl Goal {
    /// The way to the row.
    #[must_use]
    pub fn row(&self) -> RowPath {
        RowPath(self.place.0.iter().take(self.steps).cloned().collect())
    }
}

/// Inputs that the listed suspects depend on.
#[derive(Debug, Clone, PartialEq)]
struct Listing {
    number: u64,
    filter: String,
    column: SuspectColumn,
    ascending: bool,
    shows_non_leaking: bool,
}

/// State of the suspects page.
#[derive(Clone)]
pub struct SuspectsState {
    /// Change the unit of analysis.
    pub by: SuspectGrouping,
    /// Warm-up at the beginning of the range.
    pub warm_up: WarmUpChoice,
    /// The visible range is analyzed, not the whole trace.
    pub follows_visible_range: bool,
    /// The analysis that is shown, once there is one.
    pub shown: Option<Arc<ShownAnalysis>>,
    /// The last question.
    pub asked: Option<LeaksRequest>,
    /// The analysis failed through an internal error.
    pub broken: bool,
    /// The sentence above graph and table is not wanted.
    pub dismissed: bool,
    /// The row of the table that is to be shown.
    pub goal: Option<Goal>,
    /// The suspect that the table was opened at: tag, pool and stack.
    pub landed: Option<(Option<String>, bool, StackId)>,
    /// Shows only suspects with this in their tags, drivers or functions.
    pub filter: String,
    /// Column that the suspects are sorted by.
    pub column: SuspectColumn,
    /// The smallest comes first.
    pub ascending: bool,
    /// Those that do not leak are listed, too.
    pub shows_non_leaking: bool,
    /// The selected suspects: their indexes in the analysis.
    pub selected: BTreeSet<usize>,
    /// The suspect whose details are shown, and where the keys act.
    pub cursor: Option<usize>,
    /// Suspect where a selection of many began.
    pub anchor: Option<usize>,
    /// The cursor has to be scrolled to.
    pub reveal: bool,
    /// The list takes the keys.
    pub wants_focus: bool,
    /// The filter takes the keys.
    pub wants_filter: bool,
    listed: Arc<Vec<usize>>,
    listing: Option<Listing>,
}

impl Default for SuspectsState {
    fn default() -> Self {
        Self {
            by: SuspectGrouping::default(),
            warm_up: WarmUpChoice::default(),
            follows_visible_range: false,
            shown: None,
            asked: None,
            broken: false,
            dismissed: false,
            goal: None,
            landed: None,
            filter: String::new(),
            column: SuspectColumn::Rank,
            ascending: true,
            shows_non_leaking: false,
            selected: BTreeSet::new(),
            cursor: None,
            anchor: None,
            reveal: false,
            wants_focus: false,
            wants_filter: false,
            listed: Arc::default(),
            listing: None,
        }
    }
}

/// Identity of a suspect across analyses of the same kind.
type Identity = (Option<String>, bool, String, StackId);

impl SuspectsState {
    /// The suspects, the worst first; none before the first analysis.
    #[must_use]
    pub fn suspects(&self) -> &[Suspect] {
        self.shown.as_ref().map_or(&[], |shown| &shown.analysis.suspects)
    }

    /// The suspect whose details are shown.
    #[must_use]
    pub fn current(&self) -> Option<&Suspect> {
        self.suspects().get(self.cursor?)
    }

    /// Returns whether the analysis that is shown answers another request than this one.
    #[must_use]
    pub fn is_old(&self, request: &AnalysisRequest) -> bool {
        self.shown.as_ref().is_some_and(|shown| shown.analysis.request != *request)
    }

    /// Tags that leak, the worst first, as suggestions for a recording.
    #[must_use]
    pub fn suggested_tags(&self) -> Vec<SuggestedTag> {
        let leaking = self.suspects().iter().filter(|suspect| !is_non_leaking(suspect.verdict));
        let tagged = leaking.filter_map(|suspect| {
            let tag = suspect.tag.clone()?;
            let description = format!("{}, {}", suspect.verdict.name(), leak_text::pool(suspect.is_paged));
            Some(SuggestedTag { tag, description })
        });
        tagged.take(SUGGESTED).collect()
    }

    /// Number of suspects that do not leak.
    #[must_use]
    pub fn non_leaking_count(&self) -> usize {
        self.suspects().iter().filter(|suspect| is_non_leaking(suspect.verdict)).count()
    }

    /// Applies an analysis; suspects stay selected if they still exist.
    pub fn take(&mut self, answer: LeaksAnswer) {
        let LeaksAnswer { names, analysis } = answer;
        let before = self.shown.as_ref().filter(|shown| shown.analysis.request.grouping == analysis.request.grouping);
        let by = analysis.request.grouping;
        let known = |at: usize| before.and_then(|shown| Some(identity(by, shown.analysis.suspects.get(at)?)));
        let now: BTreeMap<Identity, usize> =
            analysis.suspects.iter().enumerate().map(|(at, suspect)| (identity(by, suspect), at)).collect();
        let place = |at: usize| known(at).and_then(|identity| now.get(&identity).copied());
        self.selected = self.selected.iter().filter_map(|at| place(*at)).collect();
        self.cursor = self.cursor.and_then(place);
        self.anchor = self.anchor.and_then(place);
        let number = self.shown.as_ref().map_or(0, |shown| shown.number + 1);
        self.shown = Some(Arc::new(ShownAnalysis { number, names, analysis }));
        self.broken = false;
        self.begin();
    }

    /// Selects the first suspect if none is.
    pub fn begin(&mut self) {
        if self.cursor.is_none() {
            let first = self.listed().first().copied();
            self.select(first);
        }
    }

    /// Selects one suspect, or none.
    pub fn select(&mut self, at: Option<usize>) {
        self.selected = at.into_iter().collect();
        self.cursor = at;
        self.anchor = at;
        self.reveal = true;
    }

    /// Takes a suspect into the selection, or out of it.
    pub fn toggle(&mut self, at: usize) {
        if !self.selected.remove(&at) {
            self.selected.insert(at);
        }
        self.cursor = Some(at);
        self.anchor = Some(at);
    }

    /// Selects all listed suspects from where the selection began to this one.
    pub fn select_to(&mut self, at: usize) {
        let listed = self.listed();
        let place = |wanted: usize| listed.iter().position(|other| *other == wanted);
        let Some(here) = place(at) else { return };
        let from = self.anchor.and_then(place).unwrap_or(here);
        let range = from.min(here)..=from.max(here);
        self.selected = listed.get(range).unwrap_or_default().iter().copied().collect();
        self.anchor = listed.get(from).copied();
        self.cursor = Some(at);
        self.reveal = true;
    }

    /// Orders by a column; once more: the other way round.
    pub fn sort_by(&mut self, column: SuspectColumn) {
        self.ascending = if self.column == column { !self.ascending } else { !column.begins_with_largest() };
        self.column = column;
    }

    /// The suspects that are listed, in their order: indexes in the analysis.
    pub fn listed(&mut self) -> Arc<Vec<usize>> {
        let Some(shown) = &self.shown else { return Arc::default() };
        let listing = Listing {
            number: shown.number,
            filter: self.filter.trim().to_lowercase(),
            column: self.column,
            ascending: self.ascending,
            shows_non_leaking: self.shows_non_leaking,
        };
        if self.listing.as_ref() != Some(&listing) {
            let suspects = &shown.analysis.suspects;
            let fits = |suspect: &Suspect| {
                (listing.shows_non_leaking || !is_non_leaking(suspect.verdict)) && has(suspect, &listing.filter)
            };
            let mut listed: Vec<usize> = (0..suspects.len()).filter(|at| suspects.get(*at).is_some_and(fits)).collect();
            let order = |a: &usize, b: &usize| {
                let order = suspects.get(*a).zip(suspects.get(*b)).map_or(Ordering::Equal, |(x, y)| {
                    if listing.column == SuspectColumn::Rank { a.cmp(b) } else { listing.column.compare(x, y) }
                });
                (if listing.ascending { order } else { order.reverse() }).then(a.cmp(b))
            };
            listed.sort_by(order);
            self.listed = Arc::new(listed);
            self.listing = Some(listing);
        }
        Arc::clone(&self.listed)
    }
}

/// Returns whether a verdict means that nothing leaks.
#[must_use]
fn is_non_leaking(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Leak | Verdict::Growing | Verdict::Stopped | Verdict::Burst | Verdict::Outstanding => false,
        Verdict::Bounded | Verdict::InFlight | Verdict::Churn | Verdict::TooLittleData => true,
    }
}

fn identity(by: SuspectGrouping, suspect: &Suspect) -> Identity {
    let whose = match by {
        SuspectGrouping::Driver => suspect.driver.clone(),
        SuspectGrouping::Process => suspect.attribution.process.clone().unwrap_or_default(),
        SuspectGrouping::Tag | SuspectGrouping::Stack => String::new(),
    };
    let tag = suspect.tag.clone().filter(|_| matches!(by, SuspectGrouping::Tag | SuspectGrouping::Stack));
    let stack = if by == SuspectGrouping::Stack { suspect.stack } else { StackId::EMPTY };
    (tag, suspect.is_paged, whose, stack)
}

fn has(suspect: &Suspect, wanted: &str) -> bool {
    let tag = suspect.tag.as_deref().unwrap_or_default();
    let source = format!("{}!{}", suspect.driver, suspect.function);
    let process = suspect.attribution.process.as_deref().unwrap_or_default();
    wanted.is_empty() || [tag, &source, process].iter().any(|text| text.to_lowercase().contains(wanted))
}
