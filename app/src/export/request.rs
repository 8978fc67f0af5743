//! Input of an export: the rows, and for each content its columns, metrics and look.

use poolscope_analysis::export::drawing::{Color, Theme};
use poolscope_analysis::filter::RowSet;
use poolscope_analysis::flame::{FlameDirection, FlameMetric};
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::key::Key;
use poolscope_analysis::leaks::AnalysisRequest;
use poolscope_analysis::leaks::owner::ScannedDrivers;
use poolscope_analysis::pivot::{Metric, SortOrder};
use poolscope_analysis::series::SeriesMetric;
use poolscope_analysis::trace::time::TimeRange;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Input of an export.
#[derive(Clone)]
pub struct ExportRequest {
    /// The trace's name.
    pub name: String,
    /// True if a report shows the computer name.
    pub shows_computer_name: bool,
    /// The trace with the names of its stacks.
    pub names: Arc<ColumnValues>,
    /// The visible range.
    pub visible_range: TimeRange,
    /// Only these rows.
    pub rows: Option<Arc<RowSet>>,
    /// The filter that left these rows, as text.
    pub query: Option<String>,
    /// Columns of a table.
    pub table: TableChoice,
    /// Curves of a graph.
    pub graph: GraphChoice,
    /// Look of a flame graph.
    pub flame: FlameChoice,
    /// Extent of a report.
    pub report: ReportChoice,
}

/// Columns and order of a table.
#[derive(Clone)]
pub struct TableChoice {
    /// Columns to group by, outermost first.
    pub keys: Vec<Key>,
    /// The metrics.
    pub metrics: Vec<Metric>,
    /// The order of the rows.
    pub sort: SortOrder,
    /// Number of rows at most.
    pub top: Option<usize>,
}

/// Curves of a graph.
#[derive(Clone)]
pub struct GraphChoice {
    /// One curve per group by these columns.
    pub keys: Vec<Key>,
    /// The metric.
    pub metric: SeriesMetric,
    /// Number of points of a curve in CSV and JSON.
    pub points: usize,
    /// Number of curves at most; all without one, in pictures [`USUAL_CURVES`](super::chart::USUAL_CURVES).
    pub top: Option<usize>,
    /// Outstanding values include allocations from before the trace.
    pub include_preexisting: bool,
    /// Style of the curves in pictures.
    pub style: GraphStyle,
    /// Light or dark pictures.
    pub theme: Theme,
    /// Numbers of the colors of curves by the values in their key columns; curves that are not named get the numbers that are left.
    pub colors: BTreeMap<Vec<String>, usize>,
    /// Curves that pictures leave out, by the values in their key columns; the combined curve has none.
    pub hidden: BTreeSet<Vec<String>>,
}

/// Style of the curves in a graph.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum GraphStyle {
    /// A line for each curve.
    #[default]
    Lines,
    /// Areas, stacked.
    Areas,
    /// Bars, stacked, one for each interval of time.
    Bars,
}

/// Look of a flame graph.
#[derive(Clone)]
pub struct FlameChoice {
    /// The stack column, after columns whose values become frames outside of the stacks.
    pub keys: Vec<Key>,
    /// The weight of frames.
    pub metric: FlameMetric,
    /// The end from which stacks are merged; for pictures of one stack column.
    pub direction: FlameDirection,
    /// True if the root is at the top.
    pub root_at_top: bool,
    /// Frames from the root to the one that has the whole width; for pictures of one stack column.
    pub zoom: Vec<String>,
    /// Light or dark pictures.
    pub theme: Theme,
    /// Fills of the frames of modules, by names in lower case; the others have one that follows from the name.
    pub module_fills: BTreeMap<String, Color>,
}

/// Extent of a report.
#[derive(Clone)]
pub struct ReportChoice {
    /// The analysis.
    pub analysis: AnalysisRequest,
    /// Number of suspects at most.
    pub top: usize,
    /// Number of table rows at most.
    pub table_top: usize,
    /// Modules on the stacks with the state of their symbols.
    pub modules: Vec<ModuleLine>,
    /// Scanned driver files.
    pub scanned_drivers: Option<Arc<ScannedDrivers>>,
    /// The command line or command that creates the report.
    pub command: String,
}

/// A module on the stacks and the state of its symbols.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModuleLine {
    /// File name of the module.
    pub name: String,
    /// State of its symbols.
    pub state: String,
    /// Outstanding bytes of the stacks with it.
    pub outstanding_bytes: u64,
    /// Distinct frames in it.
    pub frames: u64,
    /// Distinct frames in it that have a name.
    pub named: u64,
    /// File name and identity of its PDB, if known.
    pub pdb: String,
}
