//! Details of the selected row: its keys, its values, and the stack with the most bytes.

use poolscope_analysis::pivot::{Key, Metric, NodeId};

use super::table_model::Rows;
use crate::format::column::{ColumnUnit, number_text};

/// The figures that are listed.
const FIGURES: [Metric; 6] =
    [Metric::Count, Metric::Size, Metric::ImpactingSize, Metric::NetSize, Metric::Average, Metric::LifetimeAverage];

/// Details of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Details {
    /// Column titles and values, outermost first.
    pub keys: Vec<(&'static str, String)>,
    /// Titles and figures.
    pub figures: Vec<(String, String)>,
    /// Frames of the heaviest stack, the innermost first.
    pub stack: Vec<String>,
    /// Blocks with exactly that stack.
    pub stack_blocks: u64,
}

impl Details {
    /// The row of `node`.
    #[must_use]
    pub fn of(rows: &Rows, node: NodeId) -> Self {
        let tree = rows.flat().tree();
        let figures = FIGURES.iter().map(|metric| {
            let (text, unit) = number_text(tree.value(node, *metric), *metric, ColumnUnit::Automatic);
            (metric.title(), format!("{text} {unit}").trim_end().to_owned())
        });
        let pivot = tree.pivot();
        let column = pivot.keys().iter().position(|k| *k == Key::Stack);
        let costs = pivot.aggregates();
        let heaviest = tree.groups(node).max_by_key(|g| {
            // Of equal ones the first in the order of the keys.
            (costs.get(*g as usize).map_or(0, poolscope_analysis::pivot::Aggregate::size), std::cmp::Reverse(*g))
        });
        let mut stack = Vec::new();
        let mut stack_blocks = 0;
        if let (Some(column), Some(group)) = (column, heaviest)
            && let Some(stacks) = pivot.columns().get(column).and_then(|c| c.stacks())
            && let Some(id) = pivot.ids(group as usize).get(column)
        {
            stack = stacks.frames(*id).into_iter().rev().map(str::to_owned).collect();
            stack_blocks = costs.get(group as usize).map_or(0, poolscope_analysis::pivot::Aggregate::count);
        }
        Self { keys: rows.path_texts(node), figures: figures.collect(), stack, stack_blocks }
    }
}
