//! The two sides that a user chooses: a trace, and a range of it. What was not chosen follows from the open traces.

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::trace::time::{Ticks, TimeRange};

use crate::format;
use crate::gui::model::open_traces::OpenTrace;

/// A range of a trace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RangeChoice {
    /// The visible range of its pages.
    Visible,
    /// All of it.
    Whole,
    /// The range that is selected in its graph.
    Selection,
    /// From its start to the selected range.
    BeforeSelection,
    /// Before the first marker (0), or from a marker to the next one.
    Interval(usize),
    /// The first half of the visible range.
    FirstHalf,
    /// The second half of the visible range.
    SecondHalf,
    /// From one time to another, in seconds.
    Custom(f64, f64),
}

impl RangeChoice {
    /// The ranges that a trace offers.
    #[must_use]
    pub fn of(trace: &OpenTrace) -> Vec<Self> {
        let mut ranges = vec![Self::Visible, Self::Whole];
        if trace.selection.is_some() {
            ranges.extend([Self::Selection, Self::BeforeSelection]);
        }
        if !trace.marks.is_empty() {
            ranges.extend((0..=trace.marks.len()).map(Self::Interval));
        }
        ranges.extend([Self::FirstHalf, Self::SecondHalf]);
        ranges
    }

    /// The title in lists.
    #[must_use]
    pub fn title(self, marks: usize) -> String {
        match self {
            Self::Visible => "Visible range".to_owned(),
            Self::Whole => "Whole trace".to_owned(),
            Self::Selection => "Selected range".to_owned(),
            Self::BeforeSelection => "Before the selected range".to_owned(),
            Self::Interval(0) => "Before marker 1".to_owned(),
            Self::Interval(at) if at >= marks => format!("After marker {at}"),
            Self::Interval(at) => format!("Between markers {at} and {}", at + 1),
            Self::FirstHalf => "First half of the visible range".to_owned(),
            Self::SecondHalf => "Second half of the visible range".to_owned(),
            Self::Custom(from, to) => format!("{} to {}", format::seconds(from, 3), format::seconds(to, 3)),
        }
    }

    /// The range in a trace; `None` if it has no such range any more.
    #[must_use]
    pub fn range(self, trace: &OpenTrace) -> Option<TimeRange> {
        let (whole, visible) = (trace.whole(), trace.visible_range);
        let middle = Ticks(visible.from.0.midpoint(visible.to.0));
        let before = |time: Ticks| Ticks(time.0.saturating_sub(1));
        let range = match self {
            Self::Visible => visible,
            Self::Whole => whole,
            Self::Selection => trace.selection?,
            Self::BeforeSelection => TimeRange { from: whole.from, to: before(trace.selection?.from) },
            // Both ends of a range belong to it: a marker's own tick belongs to what is behind it.
            Self::Interval(at) if at <= trace.marks.len() && !trace.marks.is_empty() => TimeRange {
                from: at.checked_sub(1).and_then(|at| trace.marks.get(at)).copied().unwrap_or(whole.from),
                to: trace.marks.get(at).map_or(whole.to, |mark| before(*mark)),
            },
            Self::Interval(_) => return None,
            Self::FirstHalf => TimeRange { from: visible.from, to: before(middle) },
            Self::SecondHalf => TimeRange { from: middle, to: visible.to },
            Self::Custom(from, to) => {
                let clock = trace.names.trace().clock;
                TimeRange { from: clock.ticks(from.min(to)), to: clock.ticks(to.max(from)) }
            }
        };
        (range.from <= range.to).then_some(range)
    }
}

/// A side as it was chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SideChoice {
    /// Tab of the trace.
    pub tab: u64,
    /// The range of it.
    pub range: RangeChoice,
}

/// The sides to compare as long as the user has not chosen any: another open trace with this one, else two ranges of this one as
/// selection or markers divide it. `None` if nothing suggests itself.
#[must_use]
pub fn suggested(own: &ColumnValues, open: &[OpenTrace]) -> Option<[SideChoice; 2]> {
    let this = open.iter().find(|trace| trace.is_of(own))?;
    let side = |trace: &OpenTrace, range| SideChoice { tab: trace.tab, range };
    if let Some(other) = open.iter().find(|trace| trace.tab != this.tab) {
        return Some([side(other, RangeChoice::Visible), side(this, RangeChoice::Visible)]);
    }
    let has_before = RangeChoice::BeforeSelection.range(this).is_some();
    if this.selection.is_some() && has_before {
        return Some([side(this, RangeChoice::BeforeSelection), side(this, RangeChoice::Selection)]);
    }
    let first = [RangeChoice::Interval(0), RangeChoice::Interval(1)];
    first.iter().all(|range| range.range(this).is_some()).then(|| first.map(|range| side(this, range)))
}

/// A side with its trace and range; `None` if the trace was closed or has no such range any more.
#[must_use]
pub fn resolved(choice: SideChoice, open: &[OpenTrace]) -> Option<(&OpenTrace, TimeRange)> {
    let trace = open.iter().find(|trace| trace.tab == choice.tab)?;
    Some((trace, choice.range.range(trace)?))
}
