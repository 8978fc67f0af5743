//! What the time graph shows: series on one grid of times, already reduced to what a screen can show. Holds no view
//! state and draws nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use eframe::egui::Color32;

use super::stack::{self, Stack};

/// The shortest view, in seconds: the clock of a trace ticks ten million times a second.
pub(super) const LEAST_SPAN: f64 = 1e-8;

/// Numbers the graph data, so that what was made ready for one is never taken for another.
static MADE: AtomicU64 = AtomicU64::new(1);

/// A range of time in seconds from the trace's start, `from <= to`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
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

    /// Whether `time` lies in it.
    #[must_use]
    pub fn contains(self, time: f64) -> bool {
        (self.from..=self.to).contains(&time)
    }

    /// Its middle.
    #[must_use]
    pub fn middle(self) -> f64 {
        f64::midpoint(self.from, self.to)
    }

    /// Scaled by `factor` around `centre`, kept inside `whole` and never shorter than ten nanoseconds.
    #[must_use]
    pub fn zoomed(self, factor: f64, centre: f64, whole: Self) -> Self {
        let factor = factor.max(LEAST_SPAN.min(self.span()) / self.span().max(f64::MIN_POSITIVE));
        let at = |time: f64| centre + (time - centre) * factor;
        Self { from: at(self.from).max(whole.from), to: at(self.to).min(whole.to) }
    }

    /// Moved by `seconds`, stopped at the ends of `whole`, with its length kept.
    #[must_use]
    pub fn moved(self, seconds: f64, whole: Self) -> Self {
        let lowest = whole.from - self.from;
        let highest = (whole.to - self.to).max(lowest);
        let by = seconds.clamp(lowest, highest);
        Self { from: self.from + by, to: self.to + by }
    }
}

/// What the values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes, shown in binary units.
    Bytes,
    /// A number of things.
    Count,
    /// Bytes per second.
    BytesPerSecond,
    /// Things per second.
    CountPerSecond,
}

/// How the series are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One line each.
    Lines,
    /// Areas on top of each other; their edge is the sum.
    Areas,
    /// Bars on top of each other, one per stretch of time.
    Bars,
}

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Identity, for the legend's actions.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its colour.
    pub colour: Color32,
    /// How it differs from others of the same colour: 0 is plain, each higher number another dash or hatch.
    pub pattern: u8,
    /// Whether it is drawn.
    pub on: bool,
    /// Whether it belongs to a row that can be found.
    pub has_row: bool,
    /// Whether its row is selected: drawn thicker and above the others.
    pub marked: bool,
    /// One value for each time of the graph.
    pub values: Vec<f64>,
    /// Smallest and greatest value between each time and the next; empty where the values say all.
    pub extremes: Vec<(f64, f64)>,
}

impl Series {
    /// What the values at both ends of the interval after time `at` do not show: how low and how high it went between.
    #[must_use]
    pub fn beyond(&self, at: usize) -> (Option<f64>, Option<f64>) {
        let ends = self.values.get(at).copied().zip(self.values.get(at + 1).copied());
        let (Some((a, b)), Some((low, high))) = (ends, self.extremes.get(at)) else { return (None, None) };
        ((*low < a.min(b)).then_some(*low), (*high > a.max(b)).then_some(*high))
    }
}

/// All series, on the same times, with all that is drawn of them made ready.
#[derive(Debug, Clone)]
pub struct GraphData {
    /// What the graph shows, for its accessible name: "Outstanding size by Pool Tag".
    pub title: String,
    /// The times, ascending, in seconds from the trace's start.
    pub times: Vec<f64>,
    /// The series, largest first.
    pub series: Vec<Series>,
    /// What the values are.
    pub unit: Unit,
    /// Smallest and greatest sum of all series between each time and the next, where known.
    pub total_extremes: Option<Vec<(f64, f64)>>,
    pub(super) lines: Vec<Vec<Point>>,
    pub(super) stack: Stack,
    pub(super) stamp: u64,
}

impl GraphData {
    /// Makes series ready to be drawn, once for all the frames that show them.
    #[must_use]
    pub fn new(title: String, times: Vec<f64>, series: Vec<Series>, unit: Unit) -> Self {
        let lines = series.iter().map(|s| stack::line(&times, s)).collect();
        let stack = stack::stack(&times, &series, None);
        let stamp = MADE.fetch_add(1, Ordering::Relaxed);
        Self { title, times, series, unit, total_extremes: None, lines, stack, stamp }
    }

    /// Says how low and how high the sum of all series (hidden ones too) went between each time and the next. Without it
    /// the sum of peaks between the same two times can only be said to be "at most" so much.
    #[must_use]
    pub fn with_total_extremes(mut self, extremes: Vec<(f64, f64)>) -> Self {
        self.stack = stack::stack(&self.times, &self.series, Some(&extremes));
        self.total_extremes = Some(extremes);
        self
    }
}

/// A time in seconds and a value.
pub(super) type Point = (f64, f64);

/// A moment that someone marked; the stretches between marks are generations.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// When, in seconds from the trace's start.
    pub time: f64,
    /// What it is called: "Mark 1".
    pub name: String,
}

/// The whole trace in one curve, for the strip below the graph.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overview {
    /// Times, ascending, in seconds from the trace's start.
    pub times: Vec<f64>,
    /// One value for each time.
    pub values: Vec<f64>,
}

/// What the user asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// A range was selected, or the selection was cleared.
    Select(Option<Range>),
    /// Show this range. `smooth`: one of many small steps (wheel, drag), not worth a place of its own in the history.
    Zoom {
        /// The range to show.
        to: Range,
        /// One of many small steps.
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
    /// Put this text on the clipboard.
    Copy(String),
    /// Mark this time, in seconds from the trace's start.
    AddMark(f64),
    /// Move a mark.
    MoveMark {
        /// Its place in [`super::Graph::marks`].
        index: usize,
        /// Where to, in seconds from the trace's start.
        to: f64,
    },
    /// Remove the mark at this place in [`super::Graph::marks`].
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
