//! The rows of the pivot table as the table widget wants them: texts, figures, shares and colour squares from a
//! [`Flat`] tree. Reads the tree, never computes a pivot.

use poolscope_core::pivot::{Figure, NodeId, Number, PivotTree, Sort, Step};
use rustc_hash::{FxHashMap, FxHashSet};

use super::flat::Flat;
use crate::format;
use crate::gui::widgets::pivot_table as widget;
use crate::gui::widgets::pivot_table::{Area, Cell, Column, Row, RowId, Swatch, TreeModel};

/// Most nodes that one "expand all below" opens.
pub const EXPAND_ALL_LIMIT: usize = 10_000;
/// Most rows that typing looks through.
const FIND_LIMIT: u64 = 100_000;
/// The top row whose blocks may be leaks.
pub const LEAK_CANDIDATES: &str = "AIFO";
/// Ids of figure columns begin here; key columns have their position.
const FIGURE_IDS: u32 = 1000;

/// The table's rows.
#[derive(Debug)]
pub struct Rows {
    flat: Flat,
    figures: Vec<Figure>,
    columns: Vec<Column>,
    /// Position of the key column whose values have their own series, and their colour squares by text.
    swatches: Option<(usize, FxHashMap<String, Swatch>)>,
}

/// A row's identity as the widget knows it.
#[must_use]
pub fn row_id(node: NodeId) -> RowId {
    u64::from(node.0)
}

/// The node that a row shows.
#[must_use]
pub fn node_id(row: RowId) -> NodeId {
    NodeId(row as u32)
}

impl Rows {
    /// Rows of `flat` with these figures.
    #[must_use]
    pub fn new(flat: Flat, figures: &[Figure]) -> Self {
        let mut rows = Self { flat, figures: figures.to_vec(), columns: Vec::new(), swatches: None };
        rows.columns = rows.make_columns();
        rows
    }

    /// The tree.
    #[must_use]
    pub fn flat(&self) -> &Flat {
        &self.flat
    }

    /// Gives the values of the key column at `column` their colour squares.
    pub fn set_swatches(&mut self, column: usize, swatches: FxHashMap<String, Swatch>) {
        self.swatches = Some((column, swatches));
    }

    /// The texts on the way from the top to a node, with their column titles.
    #[must_use]
    pub fn path_texts(&self, node: NodeId) -> Vec<(&'static str, String)> {
        let tree = self.flat.tree();
        let mut texts = Vec::new();
        let mut at = node;
        while at != PivotTree::ROOT {
            if let Step::Value { column, .. } = tree.step(at)
                && let Some(key) = tree.pivot().keys().get(column)
            {
                texts.push((key.title(), tree.label(at).into_owned()));
            }
            at = tree.parent(at);
        }
        texts.reverse();
        texts
    }

    /// Opens a row and its only-child chain; remembers their paths in `expanded`.
    pub fn expand(&mut self, id: RowId, expanded: &mut FxHashSet<u64>) {
        let node = node_id(id);
        for link in self.flat.chain_below(node) {
            expanded.insert(self.flat.tree().path(link));
        }
        self.flat.open(node, expanded);
    }

    /// Closes a row. What was open below it opens again with it.
    pub fn collapse(&mut self, id: RowId, expanded: &mut FxHashSet<u64>) {
        expanded.remove(&self.flat.tree().path(node_id(id)));
        self.flat.close(node_id(id));
    }

    /// Opens everything below a row, at most [`EXPAND_ALL_LIMIT`] nodes; returns how many were opened.
    pub fn expand_all(&mut self, id: RowId, expanded: &mut FxHashSet<u64>) -> usize {
        let node = node_id(id);
        let opened = self.flat.expand_below(node, EXPAND_ALL_LIMIT, expanded);
        self.flat.close(node);
        self.flat.open(node, expanded);
        opened
    }

    /// Sorts by the column with this id, or turns its order round if it is the one already.
    pub fn sort_by(&mut self, column: u32, expanded: &FxHashSet<u64>) {
        let now = self.flat.sort();
        let figure = column.checked_sub(FIGURE_IDS).and_then(|i| self.figures.get(i as usize)).copied();
        // Figures read from the largest down, names from A to Z.
        let ascending = if now.figure == figure { !now.ascending } else { figure.is_none() };
        self.set_sort(Sort { figure, ascending }, expanded);
    }

    /// Puts the rows into another order.
    pub fn set_sort(&mut self, sort: Sort, expanded: &FxHashSet<u64>) {
        self.flat.set_sort(sort, expanded);
        self.columns = self.make_columns();
    }

    /// The row of a value in a key column: the first visible one, or else the one among the leak candidates (AIFO), or the
    /// largest; it is made visible.
    pub fn find(&mut self, column: usize, text: &str, expanded: &mut FxHashSet<u64>) -> Option<NodeId> {
        let tree = self.flat.tree();
        let visible = self.flat.visible(|node| tree.column(node) == Some(column) && tree.label(node) == text);
        if visible.is_some() {
            return visible;
        }
        let found = self.flat.nodes_with(column, text);
        let weight = |node: &NodeId| (self.top_text(*node) == LEAK_CANDIDATES, self.flat.tree().cost(*node).size());
        // Of equal ones the first.
        let best = found.into_iter().rev().max_by_key(weight)?;
        self.flat.show(best, expanded);
        Some(best)
    }

    fn top_text(&self, mut node: NodeId) -> String {
        let tree = self.flat.tree();
        while tree.depth(node) > 1 {
            node = tree.parent(node);
        }
        tree.label(node).into_owned()
    }

    fn make_columns(&self) -> Vec<Column> {
        let sort = self.flat.sort();
        let direction = if sort.ascending { widget::Sort::Ascending } else { widget::Sort::Descending };
        let keys = self.flat.tree().pivot().keys();
        let key_columns = keys.iter().enumerate().map(|(i, key)| Column {
            id: i as u32,
            title: key.title().to_owned(),
            tip: String::new(),
            area: Area::Key,
            width: if key.is_stack() { 240.0 } else { 76.0 },
            sort: (sort.figure.is_none() && i == 0).then_some(direction),
        });
        let figures = self.figures.iter().enumerate().map(|(i, figure)| Column {
            id: FIGURE_IDS + i as u32,
            title: figure.title(),
            tip: tip(*figure).to_owned(),
            area: Area::Data,
            width: 96.0,
            sort: (sort.figure == Some(*figure)).then_some(direction),
        });
        key_columns.chain(figures).collect()
    }

    fn cell(&self, node: NodeId, figure: Figure) -> Cell {
        let tree = self.flat.tree();
        let value = tree.figure(node, figure);
        let whole = tree.figure(PivotTree::ROOT, figure).as_f64().filter(|w| *w > 0.0);
        let additive = matches!(figure, Figure::Count | Figure::Size | Figure::ImpactingSize | Figure::ImpactingCount);
        let share = value.as_f64().zip(whole.filter(|_| additive)).map(|(v, w)| (v / w) as f32);
        let (text, unit) = number_text(value, figure);
        Cell { text, unit, share }
    }

    fn row_of(&self, node: NodeId) -> Row {
        let tree = self.flat.tree();
        let key_column = tree.column(node).unwrap_or(0);
        let text = tree.label(node).into_owned();
        let indent = match tree.step(node) {
            Step::Frame { column, frame } => {
                let stacks = tree.pivot().columns().get(column).and_then(|c| c.stacks());
                stacks.map_or(0, |s| s.depth(frame) as u32)
            }
            _ => 0,
        };
        let swatch = self.swatches.as_ref().filter(|(column, _)| *column == key_column);
        Row {
            id: row_id(node),
            level: tree.depth(node).saturating_sub(1) as u32,
            key_column,
            indent,
            swatch: swatch.and_then(|(_, by_text)| by_text.get(&text)).copied(),
            text,
            expandable: tree.has_children(node),
            expanded: self.flat.is_open(node),
            cells: self.figures.iter().map(|figure| self.cell(node, *figure)).collect(),
        }
    }
}

/// A figure as text, its unit apart.
#[must_use]
pub fn number_text(value: Number, figure: Figure) -> (String, &'static str) {
    use poolscope_core::pivot::figure::Unit;
    let number = value.as_f64().unwrap_or_default();
    let sign = if number < 0.0 { "-" } else { "" };
    match (value, figure.unit()) {
        (Number::None, _) => (String::new(), ""),
        (_, Unit::Count) => (format!("{sign}{}", format::count(number.abs() as u64)), ""),
        (_, Unit::Bytes) => {
            let (text, unit) = format::bytes_parts(number.abs() as u64);
            (format!("{sign}{text}"), unit)
        }
        (_, Unit::BytesPerSecond) => (format!("{sign}{}/s", format::bytes(number.abs() as u64)), ""),
        (_, Unit::Seconds) => (format::duration(number), ""),
        (_, Unit::Ratio) => (format!("{number:.2}"), ""),
    }
}

/// The sentence that says what a figure means.
fn tip(figure: Figure) -> &'static str {
    match figure {
        Figure::Count => "Number of allocations that live in the view, for some of it at least.",
        Figure::Size => "Bytes of all allocations that live in the view, for some of it at least.",
        Figure::ImpactingSize => "Bytes allocated in the view and not freed in it (AIFO).",
        Figure::NetSize => {
            "Bytes allocated and kept (AIFO) minus bytes from before that were freed (AOFI): what the view added."
        }
        _ => "",
    }
}

impl TreeModel for Rows {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn row_count(&self) -> u64 {
        self.flat.len()
    }

    fn row(&self, index: u64) -> Option<Row> {
        self.flat.node_at(index).map(|node| self.row_of(node))
    }

    fn id_at(&self, index: u64) -> Option<RowId> {
        self.flat.node_at(index).map(row_id)
    }

    fn index_of(&self, id: RowId) -> Option<u64> {
        self.flat.index_of(node_id(id))
    }

    fn parent(&self, index: u64) -> Option<u64> {
        let parent = self.flat.tree().parent(self.flat.node_at(index)?);
        (parent != PivotTree::ROOT).then(|| self.flat.index_of(parent)).flatten()
    }

    fn largest_child(&self, index: u64) -> Option<u64> {
        let child = self.flat.largest_child(self.flat.node_at(index)?)?;
        self.flat.index_of(child)
    }

    fn find_prefix(&self, from: u64, prefix: &str) -> Option<u64> {
        let count = self.flat.len();
        let tree = self.flat.tree();
        let starts = |index: &u64| {
            let node = self.flat.node_at(*index);
            node.is_some_and(|n| tree.label(n).to_lowercase().starts_with(prefix))
        };
        (from..count).chain(0..from.min(count)).take(FIND_LIMIT as usize).find(starts)
    }
}
