//! `report` for reading: figures on the left, aligned, the tree on the right, so that no name has to be cut.

use super::io::Io;
use crate::format;
use poolscope_analysis::group::key::Key;
use poolscope_analysis::group::parallel::{Cancelled, never};
use poolscope_analysis::export::Document;
use poolscope_analysis::pivot::{Cost, Evaluator, Figure, NodeId, Number, PivotTree, SortOrder, Step};
use std::collections::BTreeMap;
use std::io::Write;

/// Rows per level unless told otherwise.
const TOP: usize = 10;
/// Frames with a smaller share of the first column's value that they belong to are folded unless told otherwise.
const SMALLEST_SHARE: f64 = 0.05;
/// Cells of the bar.
const BAR_CELLS: usize = 10;

/// What to show of the tree.
pub struct TreeOptions<'o> {
    /// The figures.
    pub figures: &'o [Figure],
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
    figures: Vec<Number>,
    share: Option<f64>,
    kind: LineKind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum LineKind {
    Total,
    Value,
    Frame,
    More,
}

/// What the report is of.
pub struct Heading<'h> {
    /// The trace and the range.
    pub document: &'h Document<'h>,
    /// The key columns.
    pub keys: &'h [Key],
    /// The query.
    pub query: Option<&'h str>,
}

impl Heading<'_> {
    /// One line.
    #[must_use]
    pub fn line(&self) -> String {
        let clock = self.document.clock;
        let (from, to) = (clock.seconds(self.document.view.from), clock.seconds(self.document.view.to));
        let keys: Vec<&str> = self.keys.iter().map(|k| k.name()).collect();
        let by = if keys.is_empty() { String::new() } else { format!(", by {}", keys.join(", ")) };
        let query = self.query.map_or_else(String::new, |q| format!(", where {q}"));
        format!("{}: {from:.3} s to {to:.3} s ({}){by}{query}", self.document.trace, format::duration(to - from))
    }
}

/// A node still to be shown, or what was left out beside it.
enum Pending {
    /// `base`: the amount of the first column's value that it belongs to.
    Node {
        id: NodeId,
        indent: usize,
        figures: Vec<Number>,
        base: f64,
    },
    More {
        count: usize,
        cost: Cost,
        indent: usize,
    },
}

/// The lines of the tree, bounded by the options.
///
/// # Errors
/// Never in a command, which nobody cancels.
pub fn lines(tree: &mut PivotTree, figures: &Evaluator<'_>, options: &TreeOptions<'_>) -> Result<Vec<Line>, Cancelled> {
    let share_of = options.sort.first().figure.filter(|f| f.is_from_sums()).unwrap_or(Figure::Size);
    let whole = tree.figure(PivotTree::ROOT, share_of).as_f64().unwrap_or(0.0);
    let share = |number: Number| number.as_f64().filter(|_| whole > 0.0).map(|n| n / whole);
    let root = figures_of(tree, figures, options.figures, &[PivotTree::ROOT])?.remove(0);
    let mut lines = Vec::new();
    let mut pending = vec![Pending::Node { id: PivotTree::ROOT, indent: 0, figures: root, base: 0.0 }];
    while let Some(next) = pending.pop() {
        let (id, indent, own, base) = match next {
            Pending::More { count, cost, indent } => {
                let scale = *tree.pivot().scale();
                let rest = share_of.of(&cost, &scale);
                let label =
                    format!("… {} more, {}", format::count(count as u64), format::figure(rest, share_of.unit()));
                let own = options.figures.iter().map(|f| f.of(&cost, &scale)).collect();
                lines.push(Line { indent, label, figures: own, share: share(rest), kind: LineKind::More });
                continue;
            }
            Pending::Node { id, indent, figures, base } => (id, indent, figures, base),
        };
        let kind = match tree.step(id) {
            Step::Total => LineKind::Total,
            Step::Frame { .. } => LineKind::Frame,
            _ => LineKind::Value,
        };
        let label = tree.label(id).into_owned();
        let label = if label.is_empty() { "(none)".to_owned() } else { label };
        let own_share = share(tree.figure(id, share_of));
        lines.push(Line { indent, label, figures: own, share: own_share, kind });
        if options.depth.is_none_or(|depth| tree.depth(id) < depth) {
            let parent = Parent { id, indent, base };
            pending.extend(children(tree, figures, options, share_of, &parent)?);
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
    evaluator: &Evaluator<'_>,
    options: &TreeOptions<'_>,
    share_of: Figure,
    parent: &Parent,
) -> Result<Vec<Pending>, Cancelled> {
    let mut nodes = tree.children(parent.id, options.sort);
    let mut from_rows: BTreeMap<Figure, Vec<Number>> = BTreeMap::new();
    for figure in options.sort.figures().filter(|f| !f.is_from_sums()) {
        from_rows.insert(figure, evaluator.nodes(figure, tree, &nodes, &never)?);
    }
    if !from_rows.is_empty() {
        let number = |at: usize, figure: Figure| match from_rows.get(&figure) {
            Some(numbers) => numbers.get(at).copied().unwrap_or(Number::None),
            None => tree.figure(nodes[at], figure),
        };
        let mut places: Vec<usize> = (0..nodes.len()).collect();
        places.sort_by(|a, b| options.sort.order(|f| (number(*a, f), number(*b, f)), nodes[*a].cmp(&nodes[*b])));
        nodes = places.into_iter().map(|at| nodes[at]).collect();
    }
    let below_frame = is_frame(tree, parent.id);
    let amounts: Vec<f64> = nodes.iter().map(|n| tree.figure(*n, share_of).as_f64().unwrap_or(0.0).abs()).collect();
    let frames = nodes.iter().all(|n| is_frame(tree, *n));
    let mut shown = options.top.unwrap_or(TOP).min(nodes.len());
    if frames && options.top.is_none() && options.depth.is_none() {
        shown = shown.min(amounts.iter().take_while(|a| **a >= parent.base * SMALLEST_SHARE).count());
        // Stacks of which no branch is large are not even begun.
        let begun = below_frame || shown > 0 && nodes.iter().all(|n| has_large_branch(tree, *n, parent, share_of));
        if !begun {
            return Ok(Vec::new());
        }
    }
    // Frames that are the only ones called from there stand below each other, not ever further to the right.
    let straight = frames && nodes.len() == 1 && below_frame;
    let below = match (tree.step(parent.id), straight) {
        (_, true) => parent.indent,
        (Step::Total, _) => 0,
        _ => parent.indent + 1,
    };
    let rest = nodes.split_off(shown);
    let mut numbers = figures_of(tree, evaluator, options.figures, &nodes)?;
    let mut pending = Vec::with_capacity(nodes.len() + 1);
    if !rest.is_empty() {
        let mut cost = Cost::default();
        rest.iter().for_each(|n| cost.add(tree.cost(*n)));
        pending.push(Pending::More { count: rest.len(), cost, indent: below });
    }
    for (id, amount) in nodes.into_iter().zip(amounts).rev() {
        let figures = numbers.pop().unwrap_or_default();
        let base = if parent.id == PivotTree::ROOT { amount } else { parent.base };
        pending.push(Pending::Node { id, indent: below, figures, base });
    }
    Ok(pending)
}

fn is_frame(tree: &PivotTree, node: NodeId) -> bool {
    matches!(tree.step(node), Step::Frame { .. })
}

/// Whether the root of stacks has a branch that is shown, or none at all.
fn has_large_branch(tree: &mut PivotTree, root: NodeId, parent: &Parent, share_of: Figure) -> bool {
    let branches = tree.open(root).to_vec();
    let amount = |node: &NodeId| tree.figure(*node, share_of).as_f64().unwrap_or(0.0).abs();
    branches.is_empty() || branches.iter().any(|b| amount(b) >= parent.base * SMALLEST_SHARE)
}

/// All figures of each node.
fn figures_of(
    tree: &PivotTree,
    evaluator: &Evaluator<'_>,
    figures: &[Figure],
    nodes: &[NodeId],
) -> Result<Vec<Vec<Number>>, Cancelled> {
    let mut rows = vec![Vec::with_capacity(figures.len()); nodes.len()];
    for figure in figures {
        let column = evaluator.nodes(*figure, tree, nodes, &never)?;
        rows.iter_mut().zip(column).for_each(|(row, number)| row.push(number));
    }
    Ok(rows)
}

/// Colours of a terminal, or none.
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
/// What the writer says.
pub fn write(io: &mut Io<'_>, heading: &Heading<'_>, options: &TreeOptions<'_>, lines: &[Line]) -> std::io::Result<()> {
    let paint = Paint { on: io.color };
    writeln!(io.out, "{}\n", paint.paint("1", &heading.line()))?;
    let titles: Vec<String> = options.figures.iter().map(|f| f.title()).collect();
    let texts: Vec<Vec<String>> = lines
        .iter()
        .map(|line| line.figures.iter().zip(options.figures).map(|(n, f)| format::figure(*n, f.unit())).collect())
        .collect();
    let width = |column: usize| {
        let cells = texts.iter().filter_map(|row| row.get(column));
        cells.chain(titles.get(column)).map(|t| t.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..titles.len()).map(width).collect();
    let header: Vec<String> = titles.iter().zip(&widths).map(|(t, w)| format!("{t:>w$}", w = *w)).collect();
    let share_title = format!("{:>width$}", "Share", width = BAR_CELLS + 7);
    writeln!(io.out, "{}", paint.paint("2", &format!("{}  {share_title}", header.join("  "))))?;
    for (line, texts) in lines.iter().zip(&texts) {
        let cells: Vec<String> = texts.iter().zip(&widths).map(|(t, w)| format!("{t:>w$}", w = *w)).collect();
        let label = match line.kind {
            LineKind::Total => paint.paint("1", &line.label),
            LineKind::More => paint.paint("2", &line.label),
            LineKind::Value if line.label == "AIFO" => paint.paint("1;33", &line.label),
            LineKind::Value => paint.paint("36", &line.label),
            LineKind::Frame => line.label.clone(),
        };
        let indent = "  ".repeat(line.indent);
        writeln!(io.out, "{}  {}  {indent}{label}", cells.join("  "), bar(line.share, &paint))?;
    }
    let is_empty = lines.iter().all(|line| matches!(line.kind, LineKind::Total));
    if !is_empty && options.top.is_none() && options.depth.is_none() && heading.keys.iter().any(|k| k.is_stack()) {
        let share = SMALLEST_SHARE * 100.0;
        let hint = format!(
            "Stacks below {share:.0}% of the first column's value are folded: --top N or --depth N shows them."
        );
        writeln!(io.out, "\n{}", paint.paint("2", &hint))?;
    }
    Ok(())
}

/// Writes what is to be known about the figures above, if there is anything.
///
/// # Errors
/// What the writer says.
pub fn write_notes(io: &mut Io<'_>, notes: &[String]) -> std::io::Result<()> {
    let paint = Paint { on: io.color };
    notes.iter().try_for_each(|note| writeln!(io.out, "\n{}", paint.paint("33", note)))
}

/// A share as a bar and a number.
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
