//! Report of a leak analysis, with graphs of suspects and pools, the table of the page, markers and module states: one self-contained
//! HTML file without scripts or network access, [`markdown`], or test results ([`junit`]); and of a series of snapshots ([`snapshots`]). The same input gives the
//! same bytes: no clock is read.

mod charts;
mod compare;
mod curves;
mod details;
mod graph;
pub mod junit;
mod lines;
pub mod markdown;
mod markers;
mod modules;
mod page;
mod pools;
mod quality;
mod rows;
pub mod snapshots;
mod table;

pub use compare::{CompareReport, write_comparison};
pub use curves::{curves, pool_curves};

use crate::export::ModuleLine;
use poolscope_analysis::export::MetricTable;
use poolscope_analysis::export::xml::escape;
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
    /// Outstanding bytes of both pools over time; see [`pool_curves()`].
    pub pools: &'r SeriesSet,
    /// The table of the page, if there is one.
    pub table: Option<PageTable<'r>>,
    /// Modules on the stacks and the states of their symbols; empty if they are not known.
    pub modules: &'r [ModuleLine],
    /// The command line that creates this report.
    pub command: &'r str,
}

/// The rows of a table that a report contains.
#[derive(Clone, Copy)]
pub struct PageTable<'t> {
    /// The rows to show.
    pub rows: &'t MetricTable<'t>,
    /// Number of all rows.
    pub all: usize,
    /// The filter that left these rows.
    pub query: Option<&'t str>,
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
    pools::write(out, input)?;
    markers::write(out, input)?;
    rows::write(out, input)?;
    modules::write(out, input)?;
    quality::write(out, input)?;
    page::close(out, input)
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
    fn points_have_one_decimal() {
        assert_eq!(points([(0.0, 1.26), (2.0, 3.0)].into_iter()), "0.0,1.3 2.0,3.0");
    }
}
