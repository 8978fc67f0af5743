//! Text output of `diff`: aligned figures on the left, the tree on the right, so that names are never truncated.

use super::{DiffReport, short_columns};
use crate::cli::io::Io;
use crate::cli::table::{Column, Table};
use crate::{compare_text, format};
use poolscope_analysis::compare::{Change, CompareColumn, CompareSort, CompareTree, Comparison, Part};
use poolscope_analysis::pivot::{Metric, NodeId, PivotTree, TreeStep, Value};
use std::io::Write;
use std::sync::Arc;

/// Default number of rows per level.
const DEFAULT_TOP: usize = 10;
/// Share of the change of the outermost row below which frames are folded by default.
const MIN_SHARE: f64 = 0.05;

/// Part of the tree to show.
pub struct TreeOptions<'o> {
    /// The figures.
    pub metrics: &'o [Metric],
    /// The figure that change, ratio and overweight refer to.
    pub measure: Metric,
    /// The order of the children of a node.
    pub sort: &'o CompareSort,
    /// Rows per level.
    pub top: Option<usize>,
    /// Levels.
    pub depth: Option<usize>,
}

/// A line of the tree.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    indent: usize,
    label: String,
    /// No change for the sum of rows that are not shown.
    change: Option<Change>,
    values: Vec<Value>,
}

/// A node still to be shown, or a number of nodes that are not shown.
enum Pending {
    /// `base`: amount of change of the top row that the node belongs to.
    Node {
        id: NodeId,
        indent: usize,
        base: f64,
    },
    More {
        count: usize,
        indent: usize,
    },
}

/// The lines of the tree, bounded by the options.
#[must_use]
pub fn lines(comparison: Arc<Comparison>, options: &TreeOptions<'_>) -> Vec<Line> {
    let columns = short_columns(options.metrics, options.measure);
    let mut tree = CompareTree::new(comparison);
    let mut lines = Vec::new();
    let mut pending = vec![Pending::Node { id: PivotTree::ROOT, indent: 0, base: 0.0 }];
    while let Some(next) = pending.pop() {
        let (id, indent, base) = match next {
            Pending::More { count, indent } => {
                let label = format!("\u{2026} {} more", format::count(count as u64));
                lines.push(Line { indent, label, change: None, values: Vec::new() });
                continue;
            }
            Pending::Node { id, indent, base } => (id, indent, base),
        };
        let label = tree.tree().label(id).into_owned();
        let label = if label.is_empty() { "(none)".to_owned() } else { label };
        let values = if id == PivotTree::ROOT {
            let whole = *tree.comparison().whole();
            columns.iter().map(|(column, _)| tree.comparison().value_of(&whole, *column)).collect()
        } else {
            columns.iter().map(|(column, _)| tree.value(id, *column)).collect()
        };
        lines.push(Line { indent, label, change: Some(tree.change(id, options.measure)), values });
        if options.depth.is_none_or(|depth| tree.tree().depth(id) < depth) {
            pending.extend(children(&mut tree, options, id, indent, base));
        }
    }
    lines
}

/// The children of a node in reverse, so that the first is taken first.
fn children(tree: &mut CompareTree, options: &TreeOptions<'_>, id: NodeId, indent: usize, base: f64) -> Vec<Pending> {
    let mut nodes = tree.children(id, options.sort);
    let column = CompareColumn { part: Part::Delta, metric: options.measure };
    let amount = |tree: &CompareTree, node: NodeId| tree.value(node, column).as_f64().unwrap_or(0.0).abs();
    let is_frame = |tree: &CompareTree, node: NodeId| matches!(tree.tree().step(node), TreeStep::Frame { .. });
    let are_frames = nodes.iter().all(|node| is_frame(tree, *node));
    let mut shown = options.top.unwrap_or(DEFAULT_TOP).min(nodes.len());
    if are_frames && options.top.is_none() && options.depth.is_none() {
        // Frames of little change are folded, on both ends of the order.
        nodes.sort_by(|a, b| amount(tree, *b).total_cmp(&amount(tree, *a)).then(a.cmp(b)));
        let large = nodes.iter().take_while(|node| amount(tree, **node) >= base * MIN_SHARE && base > 0.0).count();
        shown = shown.min(large);
    }
    // Frames that are only children are not indented further.
    let below_frame = is_frame(tree, id);
    let below = match tree.tree().step(id) {
        _ if are_frames && nodes.len() == 1 && below_frame => indent,
        TreeStep::Total => 0,
        _ => indent + 1,
    };
    let rest = nodes.split_off(shown);
    let mut pending = Vec::with_capacity(nodes.len() + 1);
    let are_folded = are_frames && nodes.is_empty();
    if !rest.is_empty() && !are_folded {
        pending.push(Pending::More { count: rest.len(), indent: below });
    }
    for node in nodes.into_iter().rev() {
        let base = if id == PivotTree::ROOT { amount(tree, node) } else { base };
        pending.push(Pending::Node { id: node, indent: below, base });
    }
    pending
}

/// Writes the summary, both sides and the lines below their headers.
///
/// # Errors
/// If the output cannot be written.
pub(super) fn write(
    io: &mut Io<'_>,
    report: &DiffReport<'_>,
    options: &TreeOptions<'_>,
    lines: &[Line],
) -> std::io::Result<()> {
    let paint = |code: &str, text: &str| if io.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() };
    let [baseline, comparison] = report.sides();
    let columns = short_columns(options.metrics, options.measure);
    let titles = columns.iter().map(|(_, title)| Column::number(title.clone()));
    let titles = std::iter::once(Column::text("Change")).chain(titles).collect();
    let cells = |line: &Line| {
        let change = line.change.map_or("", Change::name).to_owned();
        let figure = |(at, (column, _)): (usize, &(CompareColumn, String))| {
            let value = line.values.get(at).copied();
            value.map_or_else(String::new, |value| compare_text::figure(value, column.part, column.metric.unit()))
        };
        std::iter::once(change).chain(columns.iter().enumerate().map(figure)).collect::<Vec<String>>()
    };
    let table = Table::new(titles, lines.iter().map(cells).collect());
    let width = table.header().chars().count();
    let mut text = format!("{}\n\n", paint("1", &report.summary));
    text.push_str(&format!("Baseline:   {baseline}\nComparison: {comparison}\n{}\n\n", report.heading()));
    text.push_str(&format!("{}\n", paint("2", &table.header())));
    for (at, line) in lines.iter().enumerate() {
        let code = match line.change {
            _ if at == 0 => "1",
            None | Some(Change::Gone | Change::Same) => "2",
            Some(Change::New) => "1;33",
            Some(Change::Grown) => "33",
            Some(Change::Shrunk) => "32",
        };
        let figures = table.row(at);
        let indent = "  ".repeat(line.indent);
        text.push_str(&format!("{figures:<width$}  {indent}{}\n", paint(code, &line.label)));
    }
    for note in report.notes() {
        text.push_str(&format!("\n{}\n", paint("33", &note)));
    }
    io.out.write_all(text.as_bytes())
}
