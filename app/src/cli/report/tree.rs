//! Text output of `report`: aligned figures on the left, the tree on the right, so that names are never truncated.

use super::Heading;
use crate::cli::io::Io;
use crate::cli::table::{Column, Table};
use crate::format;
use poolscope_analysis::group::key::Key;
use poolscope_analysis::group::parallel::{Cancelled, not_cancelled};
use poolscope_analysis::pivot::{Aggregate, Evaluator, Metric, NodeId, PivotTree, SortOrder, TreeStep, Value};
use poolscope_analysis::trace::time::LifetimeClass;
use std::collections::BTreeMap;
use std::io::Write;

/// Default number of rows per level.
const DEFAULT_TOP: usize = 10;
/// Share of the value in the first column below which frames are folded by default.
const MIN_SHARE: f64 = 0.05;
/// Width of a bar in characters.
const BAR_CELLS: usize = 10;

/// Part of the tree to show.
pub struct TreeOptions<'o> {
    /// The figures.
    pub metrics: &'o [Metric],
    /// The order of the children of a node.
    pub sort: SortOrder,
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
    values: Vec<Value>,
    share: Option<f64>,
    kind: LineKind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum LineKind {
    Total,
    /// AIFO allocations, the leak candidates.
    Impacting,
    Value,
    Frame,
    More,
}

/// A node still to be shown, or the sum of nodes that are not shown.
enum Pending {
    /// `base`: amount of the value in the first column that the node belongs to.
    Node {
        id: NodeId,
        indent: usize,
        values: Vec<Value>,
        base: f64,
    },
    More {
        count: usize,
        cost: Aggregate,
        indent: usize,
    },
}

/// The lines of the tree, bounded by the options.
///
/// # Errors
/// Never: commands are not cancelled here.
pub fn lines(tree: &mut PivotTree, evaluator: &Evaluator, options: &TreeOptions<'_>) -> Result<Vec<Line>, Cancelled> {
    let share_of = options.sort.first().metric.filter(|f| f.is_from_aggregate()).unwrap_or(Metric::Size);
    let whole = tree.value(PivotTree::ROOT, share_of).as_f64().unwrap_or(0.0);
    let share = |value: Value| value.as_f64().filter(|_| whole > 0.0).map(|n| n / whole);
    let root = values_of(tree, evaluator, options.metrics, &[PivotTree::ROOT])?.remove(0);
    let mut lines = Vec::new();
    let mut pending = vec![Pending::Node { id: PivotTree::ROOT, indent: 0, values: root, base: 0.0 }];
    while let Some(next) = pending.pop() {
        let (id, indent, own, base) = match next {
            Pending::More { count, cost, indent } => {
                let scale = *tree.pivot().clock();
                let rest = share_of.of(&cost, &scale);
                let label =
                    format!("… {} more, {}", format::count(count as u64), format::figure(rest, share_of.unit()));
                let own = options.metrics.iter().map(|f| f.of(&cost, &scale)).collect();
                lines.push(Line { indent, label, values: own, share: share(rest), kind: LineKind::More });
                continue;
            }
            Pending::Node { id, indent, values, base } => (id, indent, values, base),
        };
        let kind = match tree.step(id) {
            TreeStep::Total => LineKind::Total,
            TreeStep::Frame { .. } => LineKind::Frame,
            TreeStep::Value { column, id } if is_impacting(tree, column, id) => LineKind::Impacting,
            _ => LineKind::Value,
        };
        let label = tree.label(id).into_owned();
        let label = if label.is_empty() { "(none)".to_owned() } else { label };
        let own_share = share(tree.value(id, share_of));
        lines.push(Line { indent, label, values: own, share: own_share, kind });
        if options.depth.is_none_or(|depth| tree.depth(id) < depth) {
            let parent = Parent { id, indent, base };
            pending.extend(children(tree, evaluator, options, share_of, &parent)?);
        }
    }
    Ok(lines)
}

/// A node whose children are to be shown.
struct Parent {
    id: NodeId,
    indent: usize,
    base: f64,
}

/// The children of a node in reverse, so that the first is taken first.
fn children(
    tree: &mut PivotTree,
    evaluator: &Evaluator,
    options: &TreeOptions<'_>,
    share_of: Metric,
    parent: &Parent,
) -> Result<Vec<Pending>, Cancelled> {
    let mut nodes = tree.children(parent.id, options.sort);
    let mut from_rows: BTreeMap<Metric, Vec<Value>> = BTreeMap::new();
    for metric in options.sort.metrics().filter(|f| !f.is_from_aggregate()) {
        from_rows.insert(metric, evaluator.node_values(metric, tree, &nodes, &not_cancelled)?);
    }
    if !from_rows.is_empty() {
        let value = |at: usize, metric: Metric| match from_rows.get(&metric) {
            Some(numbers) => numbers.get(at).copied().unwrap_or(Value::None),
            None => tree.value(nodes[at], metric),
        };
        let mut places: Vec<usize> = (0..nodes.len()).collect();
        places.sort_by(|a, b| options.sort.order(|f| (value(*a, f), value(*b, f)), nodes[*a].cmp(&nodes[*b])));
        nodes = places.into_iter().map(|at| nodes[at]).collect();
    }
    let below_frame = is_frame(tree, parent.id);
    let amounts: Vec<f64> = nodes.iter().map(|n| tree.value(*n, share_of).as_f64().unwrap_or(0.0).abs()).collect();
    let frames = nodes.iter().all(|n| is_frame(tree, *n));
    let mut shown = options.top.unwrap_or(DEFAULT_TOP).min(nodes.len());
    if frames && options.top.is_none() && options.depth.is_none() {
        shown = shown.min(amounts.iter().take_while(|a| **a >= parent.base * MIN_SHARE).count());
        // Stacks without a large branch are not shown at all.
        let begun = below_frame || shown > 0 && nodes.iter().all(|n| has_large_branch(tree, *n, parent, share_of));
        if !begun {
            return Ok(Vec::new());
        }
    }
    // Frames that are only children are not indented further.
    let straight = frames && nodes.len() == 1 && below_frame;
    let below = match (tree.step(parent.id), straight) {
        (_, true) => parent.indent,
        (TreeStep::Total, _) => 0,
        _ => parent.indent + 1,
    };
    let rest = nodes.split_off(shown);
    let mut values = values_of(tree, evaluator, options.metrics, &nodes)?;
    let mut pending = Vec::with_capacity(nodes.len() + 1);
    if !rest.is_empty() {
        let mut cost = Aggregate::default();
        rest.iter().for_each(|n| cost.merge(tree.aggregate(*n)));
        pending.push(Pending::More { count: rest.len(), cost, indent: below });
    }
    for (id, amount) in nodes.into_iter().zip(amounts).rev() {
        let own = values.pop().unwrap_or_default();
        let base = if parent.id == PivotTree::ROOT { amount } else { parent.base };
        pending.push(Pending::Node { id, indent: below, values: own, base });
    }
    Ok(pending)
}

fn is_impacting(tree: &PivotTree, column: usize, id: u32) -> bool {
    tree.pivot().keys().get(column) == Some(&Key::Type) && id == LifetimeClass::Aifo as u32
}

fn is_frame(tree: &PivotTree, node: NodeId) -> bool {
    matches!(tree.step(node), TreeStep::Frame { .. })
}

/// Returns `true` if the root of stacks has a branch that is shown, or has no branches.
fn has_large_branch(tree: &mut PivotTree, root: NodeId, parent: &Parent, share_of: Metric) -> bool {
    let branches = tree.open(root).to_vec();
    let amount = |node: &NodeId| tree.value(*node, share_of).as_f64().unwrap_or(0.0).abs();
    branches.is_empty() || branches.iter().any(|b| amount(b) >= parent.base * MIN_SHARE)
}

/// All figures of each node.
fn values_of(
    tree: &PivotTree,
    evaluator: &Evaluator,
    metrics: &[Metric],
    nodes: &[NodeId],
) -> Result<Vec<Vec<Value>>, Cancelled> {
    let mut rows = vec![Vec::with_capacity(metrics.len()); nodes.len()];
    for metric in metrics {
        let column = evaluator.node_values(*metric, tree, nodes, &not_cancelled)?;
        rows.iter_mut().zip(column).for_each(|(row, value)| row.push(value));
    }
    Ok(rows)
}

/// Colors of a terminal, or none.
struct Paint {
    on: bool,
}

impl Paint {
    fn paint(&self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Writes the lines below their headers.
///
/// # Errors
/// If the output cannot be written.
pub fn write(io: &mut Io<'_>, heading: &Heading<'_>, options: &TreeOptions<'_>, lines: &[Line]) -> std::io::Result<()> {
    let paint = Paint { on: io.color };
    writeln!(io.out, "{}\n", paint.paint("1", &heading.line()))?;
    let texts = |line: &Line| {
        line.values.iter().zip(options.metrics).map(|(n, f)| format::figure(*n, f.unit())).collect::<Vec<_>>()
    };
    let columns = options.metrics.iter().map(|metric| Column::number(metric.title())).collect();
    let table = Table::new(columns, lines.iter().map(texts).collect());
    let share_title = format!("{:>width$}", "Share", width = BAR_CELLS + 7);
    writeln!(io.out, "{}", paint.paint("2", &format!("{}  {share_title}", table.header())))?;
    for (at, line) in lines.iter().enumerate() {
        let label = match line.kind {
            LineKind::Total => paint.paint("1", &line.label),
            LineKind::More => paint.paint("2", &line.label),
            LineKind::Impacting => paint.paint("1;33", &line.label),
            LineKind::Value => paint.paint("36", &line.label),
            LineKind::Frame => line.label.clone(),
        };
        let indent = "  ".repeat(line.indent);
        writeln!(io.out, "{}  {}  {indent}{label}", table.row(at), bar(line.share, &paint))?;
    }
    let is_empty = lines.iter().all(|line| matches!(line.kind, LineKind::Total));
    if !is_empty && options.top.is_none() && options.depth.is_none() && heading.keys.iter().any(|k| k.is_stack()) {
        let share = MIN_SHARE * 100.0;
        let hint = format!(
            "Stacks below {share:.0}% of the value in the first column are folded: --top N or --depth N shows them."
        );
        writeln!(io.out, "\n{}", paint.paint("2", &hint))?;
    }
    Ok(())
}

/// Writes notes on the figures.
///
/// # Errors
/// If the output cannot be written.
pub fn write_notes(io: &mut Io<'_>, notes: &[String]) -> std::io::Result<()> {
    let paint = Paint { on: io.color };
    notes.iter().try_for_each(|note| writeln!(io.out, "\n{}", paint.paint("33", note)))
}

/// A share as a bar and a percentage.
fn bar(share: Option<f64>, paint: &Paint) -> String {
    let Some(share) = share else { return " ".repeat(BAR_CELLS + 7) };
    let eighths = (share.clamp(0.0, 1.0) * (BAR_CELLS * 8) as f64).round() as usize;
    let mut cells = String::new();
    if paint.on {
        const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
        cells.push_str(&"█".repeat(eighths / 8));
        cells.push_str(PARTS[eighths % 8]);
    } else {
        cells.push_str(&"#".repeat((eighths + 4) / 8));
    }
    let blank = " ".repeat(BAR_CELLS - cells.chars().count().min(BAR_CELLS));
    format!("{}{blank} {:>5.1}%", paint.paint("34", &cells), share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_share() {
        let plain = Paint { on: false };
        assert_eq!(bar(Some(0.5), &plain), "#####       50.0%");
        assert_eq!(bar(Some(1.0), &plain), "########## 100.0%");
        assert_eq!(bar(Some(-0.5), &plain), "           -50.0%");
        assert_eq!(bar(None, &plain).chars().count(), 17);
        assert_eq!(bar(Some(0.25), &Paint { on: true }), "\x1b[34m██▌\x1b[0m         25.0%");
    }
}
