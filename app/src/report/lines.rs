//! Curves over time as SVG, with axes, markers and a legend.

use super::{ReportInput, escape, points};
use crate::format;
use crate::format::axis::{AxisUnit, time_ticks, value_ticks};
use poolscope_analysis::series::SeriesSet;
use std::io::{self, Write};

pub(super) const WIDTH: f64 = 1040.0;
pub(super) const HEIGHT: f64 = 300.0;
/// Room for the axes.
const LEFT: f64 = 70.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = 12.0;
const BOTTOM: f64 = 28.0;

/// Scales of the axes.
pub(super) struct Plot {
    /// Time at the left end, in seconds.
    pub from_s: f64,
    /// Time at the right end, in seconds.
    pub to_s: f64,
    /// Value at the upper end.
    pub highest: f64,
}

impl Plot {
    /// Horizontal place of a time.
    pub(super) fn x(&self, seconds: f64) -> f64 {
        let share = (seconds - self.from_s) / (self.to_s - self.from_s).max(f64::MIN_POSITIVE);
        LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    /// Vertical place of a value.
    pub(super) fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - (value / self.highest).clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM)
    }
}

/// A curve and its legend entry.
pub struct Line {
    /// Its label.
    pub label: String,
    /// CSS class of its color.
    pub class: String,
    /// Its values, one per point.
    pub values: Vec<f64>,
    /// False if it is in the legend only.
    pub is_drawn: bool,
}

/// Writes a section with a graph and its legend; nothing if all values are 0.
///
/// # Errors
/// If the output cannot be written.
pub fn write_graph(
    out: &mut dyn Write,
    input: &ReportInput<'_>,
    title: &str,
    set: &SeriesSet,
    lines: &[Line],
) -> io::Result<()> {
    let highest = lines.iter().filter(|l| l.is_drawn).flat_map(|l| l.values.iter().copied()).fold(0.0, f64::max);
    if highest <= 0.0 {
        return Ok(());
    }
    let clock = &input.names.trace().clock;
    let (visible_range, span) = (input.analysis.request.visible_range, &input.analysis.range);
    let (from_s, to_s) = (clock.seconds(visible_range.from), clock.seconds(visible_range.to));
    let plot = Plot { from_s, to_s, highest: highest * 1.04 };
    writeln!(out, "<section>\n<h2>{title}</h2>")?;
    writeln!(
        out,
        "<svg class=\"graph\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title} over time\">"
    )?;
    let analyzed_from_s = clock.seconds(span.warm_up_end);
    if analyzed_from_s > from_s {
        let (x, width) = (plot.x(from_s), plot.x(analyzed_from_s) - plot.x(from_s));
        let height = HEIGHT - TOP - BOTTOM;
        writeln!(out, "<rect class=\"warm\" x=\"{x:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{height}\"/>")?;
        let middle = x + 4.0;
        writeln!(out, "<text class=\"note\" x=\"{middle:.1}\" y=\"{:.1}\">warm-up</text>", TOP + 12.0)?;
    }
    axes(out, &plot)?;
    for mark in input.names.generations().markers() {
        let seconds = clock.seconds(*mark);
        if seconds > from_s && seconds < to_s {
            let (x, bottom) = (plot.x(seconds), HEIGHT - BOTTOM);
            writeln!(out, "<line class=\"mark\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>")?;
        }
    }
    // The worst suspect is drawn last, above the others.
    for line in lines.iter().rev().filter(|line| line.is_drawn) {
        let values = line.values.iter().enumerate();
        let places = values.map(|(at, value)| (plot.x(set.seconds(at)), plot.y(*value)));
        writeln!(out, "<polyline class=\"line {}\" points=\"{}\"/>", line.class, points(places))?;
    }
    writeln!(out, "</svg>\n<ul class=\"legend\">")?;
    for line in lines {
        let end = format::bytes(line.values.last().copied().unwrap_or(0.0).max(0.0).round() as u64);
        let off = if line.is_drawn { "" } else { ", beyond this scale" };
        let label = escape(&line.label);
        writeln!(out, "<li><i class=\"{}\"></i>{label} <span>{end} at the end{off}</span></li>", line.class)?;
    }
    writeln!(out, "</ul>\n</section>")
}

/// Writes grid and axes.
///
/// # Errors
/// If the output cannot be written.
pub(super) fn axes(out: &mut dyn Write, plot: &Plot) -> io::Result<()> {
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    for (value, text) in value_ticks(plot.highest, 5.0, AxisUnit::Bytes) {
        let y = plot.y(value);
        let class = if value > 0.0 { "grid" } else { "axis" };
        writeln!(out, "<line class=\"{class}\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\"/>")?;
        let (x, y) = (LEFT - 8.0, y + 4.0);
        writeln!(out, "<text class=\"tick\" text-anchor=\"end\" x=\"{x}\" y=\"{y:.1}\">{text}</text>")?;
    }
    for (seconds, text) in time_ticks(plot.from_s, plot.to_s, 10.0) {
        let x = plot.x(seconds);
        let (ends, low) = (bottom + 4.0, bottom + 18.0);
        writeln!(out, "<line class=\"axis\" x1=\"{x:.1}\" y1=\"{bottom}\" x2=\"{x:.1}\" y2=\"{ends}\"/>")?;
        writeln!(out, "<text class=\"tick\" text-anchor=\"middle\" x=\"{x:.1}\" y=\"{low}\">{text}</text>")?;
    }
    Ok(())
}
