//! Sums up callers and callees of a function or module over the rows in visible range and filter. Groups are kept from one function
//! to the next; a focus that was known by an old name is looked up by the new one. Cancelled work gives no answer.

use std::sync::Arc;

use poolscope_analysis::butterfly::{Butterfly, butterfly, unit_of_text};
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::pivot::translate::Translation;
use poolscope_analysis::pivot::{Key, Pivot, PivotRequest, pivot};
use poolscope_analysis::trace::time::TimeRange;
use poolscope_base::progress::CancelToken;

use super::state::Focus;
use crate::gui::jobs::rows::RowChoice;
use crate::gui::model::filter::RowFilter;

/// Question for callers and callees.
#[derive(Clone)]
pub struct ButterflyQuestion {
    /// The trace and its texts.
    pub names: Arc<ColumnValues>,
    /// The visible range.
    pub range: TimeRange,
    /// Filter of the rows.
    pub filter: Arc<RowFilter>,
    /// Function or module.
    pub focus: Focus,
}

impl ButterflyQuestion {
    /// Returns whether the other is about the same rows by the same names.
    #[must_use]
    pub fn has_rows_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.names, &other.names) && Arc::ptr_eq(&self.filter, &other.filter) && self.range == other.range
    }

    /// Returns whether the other is the same question.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.has_rows_of(other) && self.focus == other.focus
    }
}

/// A question, and the groups that are known so far with the question that they answer.
pub struct ButterflyRequest {
    /// The question.
    pub question: ButterflyQuestion,
    /// The groups.
    pub before: Option<(ButterflyQuestion, Arc<Pivot>)>,
}

/// Callers and callees.
pub struct ButterflyAnswer {
    /// The question as it was asked.
    pub asked: ButterflyQuestion,
    /// The question; the focus by its names.
    pub question: ButterflyQuestion,
    /// The sums.
    pub butterfly: Butterfly,
    /// The groups by stack.
    pub pivot: Arc<Pivot>,
}

/// Sums up; `None` when cancelled.
pub(super) fn run(request: ButterflyRequest, cancel: &CancelToken) -> Option<ButterflyAnswer> {
    let ButterflyRequest { question: asked, before } = request;
    let is_cancelled = || cancel.is_cancelled();
    let mut question = asked.clone();
    let known = before.as_ref().filter(|(before, _)| before.has_rows_of(&question)).map(|(_, pivot)| Arc::clone(pivot));
    let pivot = match known {
        Some(pivot) => pivot,
        None => {
            let choice = RowChoice {
                names: Arc::clone(&question.names),
                range: question.range,
                filter: Arc::clone(&question.filter),
                impacting: false,
                place: None,
            };
            let rows = choice.rows(cancel).ok()?;
            let wanted = PivotRequest { keys: &[Key::Stack], visible_range: question.range, rows: rows.as_deref() };
            Arc::new(pivot(&question.names, &wanted, &is_cancelled).ok()?)
        }
    };
    let mut found = butterfly(&pivot, &question.focus.name, question.focus.unit, &is_cancelled).ok()?;
    if found.aggregate.count() == 0
        && let Some((before, _)) = before.filter(|(before, _)| !Arc::ptr_eq(&before.names, &question.names))
        && let Some(name) = renamed(&before.names, &question)
    {
        question.focus.name = name;
        found = butterfly(&pivot, &question.focus.name, question.focus.unit, &is_cancelled).ok()?;
    }
    (!cancel.is_cancelled()).then_some(ButterflyAnswer { asked, question, butterfly: found, pivot })
}

/// The new name of a function that was known by an old one.
fn renamed(old: &Arc<ColumnValues>, question: &ButterflyQuestion) -> Option<String> {
    let (focus, stacks) = (&question.focus, old.stacks());
    let node = (1..stacks.len() as u32).find(|node| unit_of_text(stacks.text(*node), focus.unit) == focus.name)?;
    let way = Translation::new(Arc::clone(old), Arc::clone(&question.names));
    let new = way.frame_nodes(node).into_iter().next()?;
    Some(unit_of_text(question.names.stacks().text(new), focus.unit).to_owned())
}
