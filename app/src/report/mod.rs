//! The verdict as one HTML file that can be mailed: no script, no network, nothing beside it. It decides nothing and reads no
//! clock: the same judgement gives the same bytes.

mod curves;
mod details;
mod graph;
mod page;
mod quality;
mod scale;
mod charts;
mod table;

pub use curves::curves;

use poolscope_analysis::group::names::Names;
use poolscope_analysis::leaks::owner::Hints;
use poolscope_analysis::leaks::{Judgement, Suspect};
use poolscope_analysis::series::SeriesSet;
use std::fmt::Write as _;
use std::io::{self, Write};

/// What a report is made of.
pub struct ReportInput<'r> {
    /// The trace's name.
    pub name: &'r str,
    /// Whether the machine is named.
    pub names_machine: bool,
    /// The trace, and how its stacks are named.
    pub names: &'r Names,
    /// The judgement.
    pub judgement: &'r Judgement,
    /// The suspects to show, the worst first.
    pub shown: &'r [&'r Suspect],
    /// A sentence about suspects that leak and are not shown, if there are any.
    pub left_out: Option<&'r str>,
    /// What else is known about tags.
    pub hints: Hints<'r>,
    /// What was outstanding; see [`curves()`].
    pub curves: &'r SeriesSet,
    /// The command that makes this report.
    pub command: &'r str,
}

/// Writes the report.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut dyn Write, input: &ReportInput<'_>) -> io::Result<()> {
    page::open(out, input)?;
    graph::write(out, input)?;
    table::write(out, input)?;
    details::write(out, input)?;
    quality::write(out, input)?;
    page::close(out, input)
}

/// A text as HTML shows it, in elements and in attributes. Characters that no page may hold become a mark.
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

/// Points of a line, as SVG wants them.
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
    fn nothing_in_a_text_is_taken_for_markup() {
        assert_eq!(escape("<b a='1'>\"&\u{1}\n"), "&lt;b a=&#39;1&#39;&gt;&quot;&amp;\u{fffd} ");
        assert_eq!(points([(0.0, 1.26), (2.0, 3.0)].into_iter()), "0.0,1.3 2.0,3.0");
    }
}
