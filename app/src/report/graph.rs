//! Graph of the outstanding bytes of the suspects over time.

use super::ReportInput;
use super::lines::{Line, write_graph};
use crate::format;
use std::io::{self, Write};

/// Multiple of the highest suspect above which the curve of all others is left out, since it would flatten the suspects.
const MAX_OTHERS_RATIO: f64 = 4.0;

/// Writes the graph and its legend.
///
/// # Errors
/// If the output cannot be written.
pub fn write(out: &mut dyn Write, input: &ReportInput<'_>) -> io::Result<()> {
    write_graph(out, input, "Outstanding bytes", input.curves, &lines(input))
}

fn lines(input: &ReportInput<'_>) -> Vec<Line> {
    let set = input.curves;
    let of = |(at, curve): (usize, &poolscope_analysis::series::Curve)| {
        let values: Vec<f64> = curve.amounts.iter().map(|amount| *amount as f64).collect();
        let (label, class) = match set.texts(at) {
            Some(texts) => (texts.iter().map(|t| t.trim_end()).collect::<Vec<_>>().join(", "), format!("c{}", at % 8)),
            None => (format!("{} others", format::count(set.others as u64)), "other".to_owned()),
        };
        Line { label, class, values, is_drawn: true }
    };
    let mut lines: Vec<Line> = set.curves.iter().enumerate().map(of).collect();
    let peak = |line: &Line| line.values.iter().copied().fold(0.0, f64::max);
    let own = lines.iter().filter(|l| l.class != "other").map(peak).fold(0.0, f64::max);
    for line in lines.iter_mut().filter(|l| l.class == "other") {
        line.is_drawn = own <= 0.0 || peak(line) <= MAX_OTHERS_RATIO * own;
    }
    lines
}
