//! HTML report of a leak analysis: one self-contained file without scripts or network access. The same analysis gives the same
//! bytes: no clock is read.

mod charts;
mod compare;
mod curves;
mod details;
mod graph;
mod page;
mod quality;
mod table;

pub use compare::{CompareReport, write_comparison};
pub use curves::curves;

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::leaks::owner::TagOwnerData;
use poolscope_analysis::leaks::{LeakAnalysis, Suspect};
use poolscope_analysis::series::SeriesSet;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Input of a report.
pub struct ReportInput<'r> {
    /// The trace's name.
    pub name: &'r str,
    /// True if the computer name is shown.
    pub shows_computer_name: bool,
    /// The trace with the names of its stacks.
    pub names: &'r ColumnValues,
    /// The analysis.
    pub analysis: &'r LeakAnalysis,
    /// The suspects to show, the worst first.
    pub shown: &'r [&'r Suspect],
    /// Sentence about leaking suspects that are not shown, if there are any.
    pub hidden_suspects_note: Option<&'r str>,
    /// Further sources of tag owners.
    pub owner_data: TagOwnerData<'r>,
    /// Outstanding bytes over time; see [`curves()`].
    pub curves: &'r SeriesSet,
    /// The command line that creates this report.
    pub command: &'r str,
}

/// Writes the report.
///
/// # Errors
/// If the output cannot be written.
pub fn write(out: &mut dyn Write, input: &ReportInput<'_>) -> io::Result<()> {
    page::open(out, input)?;
    graph::write(out, input)?;
    table::write(out, input)?;
    details::write(out, input)?;
    quality::write(out, input)?;
    page::close(out, input)
}

/// A text escaped for HTML elements and attributes. Control characters become U+FFFD.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(' '),
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// The `points` attribute of an SVG line.
fn points(line: impl Iterator<Item = (f64, f64)>) -> String {
    let mut text = String::new();
    for (x, y) in line {
        // Writing to a string cannot fail.
        let written = write!(text, "{}{x:.1},{y:.1}", if text.is_empty() { "" } else { " " });
        debug_assert!(written.is_ok());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_texts_is_escaped() {
        assert_eq!(escape("<b a='1'>\"&\u{1}\n"), "&lt;b a=&#39;1&#39;&gt;&quot;&amp;\u{fffd} ");
        assert_eq!(points([(0.0, 1.26), (2.0, 3.0)].into_iter()), "0.0,1.3 2.0,3.0");
    }
}
