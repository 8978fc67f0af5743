//! The data of the time graph: series on one grid of times, marks, and the actions of the user.

use std::sync::atomic::{AtomicU64, Ordering};

use eframe::egui::Color32;

use super::stack::{self, Stack};
pub use crate::format::axis::AxisUnit;

/// Least length of the visible range, in seconds: a tenth of a tick of most trace clocks.
pub(super) const LEAST_SPAN: f64 = 1e-8;

/// Source of the numbers that tell graph data apart in caches.
static MADE: AtomicU64 = AtomicU64::new(1);

/// A range of time in seconds from the start of the trace, `from <= to`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The start.
    pub from: f64,
    /// The end.
    pub to: f64,
}

impl Range {
    /// The range between two times, in either order.
    #[must_use]
    pub fn between(a: f64, b: f64) -> Self {
        Self { from: a.min(b), to: a.max(b) }
    }

    /// Length in seconds.
    #[must_use]
    pub fn span(self) -> f64 {
        self.to - self.from
    }

    /// Returns `true` if the range contains `time`.
    #[must_use]
    pub fn contains(self, time: f64) -> bool {
        (self.from..=self.to).contains(&time)
    }

    /// The middle.
    #[must_use]
    pub fn middle(self) -> f64 {
        f64::midpoint(self.from, self.to)
    }

    /// The range scaled by `factor` around `center`, inside `whole` and at least ten nanoseconds long.
    #[must_use]
    pub fn zoomed(self, factor: f64, center: f64, whole: Self) -> Self {
        let factor = factor.max(LEAST_SPAN.min(self.span()) / self.span().max(f64::MIN_POSITIVE));
        let at = |time: f64| center + (time - center) * factor;
        Self { from: at(self.from).max(whole.from), to: at(self.to).min(whole.to) }
    }

    /// The range moved by `seconds`, at most to the ends of `whole`, with the same length.
    #[must_use]
    pub fn moved(self, seconds: f64, whole: Self) -> Self {
        let lowest = whole.from - self.from;
        let highest = (whole.to - self.to).max(lowest);
        let by = seconds.clamp(lowest, highest);
        Self { from: self.from + by, to: self.to + by }
    }
}

/// The kind of graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A line for each series.
    Lines,
    /// Stacked areas; the upper edge is the sum.
    Areas,
    /// Stacked bars, one for each interval of time.
    Bars,
}

/// A series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Identity, for the legend's actions.
    pub id: u64,
    /// The name.
    pub name: String,
    /// The color.
    pub color: Color32,
    /// Number of the dash or hatch pattern that tells it from others of the same color; 0 is plain.
    pub pattern: u8,
    /// True if the series is shown.
    pub on: bool,
    /// True if a row of the table belongs to the series.
    pub has_row: bool,
    /// True if its row is selected; it is drawn thicker and on top of the others.
    pub marked: bool,
    /// One value for each time of the graph.
    pub values: Vec<f64>,
    /// Smallest and largest value between each time and the next; empty where the values are complete.
    pub extremes: Vec<(f64, f64)>,
}

impl Series {
    /// The smallest and the largest value between time `at` and the next, where they are beyond the values at both times.
    #[must_use]
    pub fn beyond(&self, at: usize) -> (Option<f64>, Option<f64>) {
        let ends = self.values.get(at).copied().zip(self.values.get(at + 1).copied());
        let (Some((a, b)), Some((low, high))) = (ends, self.extremes.get(at)) else { return (None, None) };
        ((*low < a.min(b)).then_some(*low), (*high > a.max(b)).then_some(*high))
    }
}

/// All series on the same times, prepared for drawing.
#[derive(Debug, Clone)]
pub struct GraphData {
    /// The accessible name of the graph, such as "Outstanding size by Pool Tag".
    pub title: String,
    /// The times, ascending, in seconds from the trace's start.
    pub times: Vec<f64>,
    /// The series, largest first.
    pub series: Vec<Series>,
    /// The unit of the values.
    pub unit: AxisUnit,
    /// Smallest and largest sum of all series between each time and the next, where known.
    pub total_extremes: Option<Vec<(f64, f64)>>,
    pub(super) lines: Vec<Vec<Point>>,
    pub(super) stack: Stack,
    pub(super) stamp: u64,
}

impl GraphData {
    /// Prepares series for drawing, once for all frames that show them.
    #[must_use]
    pub fn new(title: String, times: Vec<f64>, series: Vec<Series>, unit: AxisUnit) -> Self {
        let lines = series.iter().map(|s| stack::line(&times, s)).collect();
        let stack = stack::stack(&times, &series, None);
        let stamp = MADE.fetch_add(1, Ordering::Relaxed);
        Self { title, times, series, unit, total_extremes: None, lines, stack, stamp }
    }

    /// Adds the smallest and the largest sum of all series, including hidden ones, between each time and the next. Without them
    /// the sum of peaks between two times is only an upper bound.
    #[must_use]
    pub fn with_total_extremes(mut self, extremes: Vec<(f64, f64)>) -> Self {
        self.stack = stack::stack(&self.times, &self.series, Some(&extremes));
        self.total_extremes = Some(extremes);
        self
    }
}

/// A time in seconds and a value.
pub(super) type Point = (f64, f64);

/// A mark in time; the intervals between marks are generations.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// The time, in seconds from the start of the trace.
    pub time: f64,
    /// The name, such as "Mark 1".
    pub name: String,
}

/// A named part of the time axis, such as what another recording covers.
#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    /// The part.
    pub range: Range,
    /// The name.
    pub name: String,
}

/// The curve of the whole trace for the strip below the graph.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overview {
    /// Times, ascending, in seconds from the trace's start.
    pub times: Vec<f64>,
    /// One value for each time.
    pub values: Vec<f64>,
}

/// An action of the user; the owner of the graph carries it out.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// A range was selected, or the selection was cleared.
    Select(Option<Range>),
    /// Show this range.
    Zoom {
        /// The range to show.
        to: Range,
        /// True if it is one of many small steps (wheel, drag), which the history keeps as one.
        smooth: bool,
    },
    /// Show the whole trace.
    ZoomAll,
    /// Show or hide a series.
    Toggle(u64),
    /// Select the row that a series belongs to.
    Reveal(u64),
    /// Show this series only.
    Solo(u64),
    /// Show every series.
    ShowAll,
    /// Draw more of the groups that are combined in the series without a row.
    More,
    /// Put this text on the clipboard.
    Copy(String),
    /// Mark this time, in seconds from the trace's start.
    AddMark(f64),
    /// Move a mark.
    MoveMark {
        /// The index in [`super::Graph::marks`].
        index: usize,
        /// The new time, in seconds from the start of the trace.
        to: f64,
    },
    /// Remove the mark with this index in [`super::Graph::marks`].
    RemoveMark(usize),
    /// Remove every mark.
    ClearMarks,
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Range = Range { from: 0.0, to: 60.0 };

    #[test]
    fn zoom_keeps_the_time_under_the_pointer() {
        let near = Range { from: 10.0, to: 30.0 }.zoomed(0.5, 20.0, WHOLE);
        assert_eq!(near, Range { from: 15.0, to: 25.0 });
        let far = near.zoomed(100.0, 20.0, WHOLE);
        assert_eq!(far, WHOLE);
        let least = near.zoomed(1e-30, 20.0, WHOLE);
        assert!((least.span() - LEAST_SPAN).abs() < 1e-12, "{least:?}");
    }

    #[test]
    fn moving_stops_at_the_ends_and_keeps_the_length() {
        let view = Range::between(30.0, 10.0);
        assert_eq!(view.moved(5.0, WHOLE), Range { from: 15.0, to: 35.0 });
        assert_eq!(view.moved(-50.0, WHOLE), Range { from: 0.0, to: 20.0 });
        assert_eq!(view.moved(50.0, WHOLE), Range { from: 40.0, to: 60.0 });
        assert_eq!(WHOLE.moved(9.0, WHOLE), WHOLE);
    }
}
