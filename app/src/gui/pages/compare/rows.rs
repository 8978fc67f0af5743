//! The rows of a comparison as the table widget wants them: the opened tree as a list, texts, figures, changes.

use std::ops::Range;
use std::sync::Arc;

use eframe::egui::Color32;
use poolscope_analysis::compare::{Change, CompareColumn, CompareSort, CompareTree, Comparison, Part, Side};
use poolscope_analysis::pivot::{Key, Metric, NodeId, PivotTree, RowPath, TreeStep};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::compare_text;
use crate::gui::model::column_tips;
use crate::gui::model::columns::{What, shown};
use crate::gui::widgets::pivot_table::{Area, Cell, Column, ExtraCell, ExtraColumn, Row, RowId, Sort, TreeModel};

/// Upper bound on nodes that one "expand below" opens.
pub const EXPAND_LIMIT: usize = 10_000;
/// Upper bound on rows that typing looks through.
const FIND_LIMIT: u64 = 100_000;
/// Indentation where calls part, in steps of a call chain.
const WHOLE_STEP: u32 = 4;
/// Ids of key columns; those of data columns follow from [`FIRST_DATA`].
const FIRST_KEY: u32 = 0;
const FIRST_DATA: u32 = 1000;

/// A data column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataColumn {
    /// The kind of change.
    Change,
    /// A part of a figure.
    Figure(CompareColumn),
}

/// The data columns for a figure: change, both sides, difference, ratio and overweight, then the differences of other figures.
#[must_use]
pub fn data_columns(measure: Metric) -> Vec<DataColumn> {
    let figure = |part, metric| DataColumn::Figure(CompareColumn { part, metric });
    let others = [Metric::ImpactingSize, Metric::Size, Metric::Count].into_iter().filter(|other| *other != measure);
    let of_measure = Part::ALL.into_iter().map(|part| figure(part, measure));
    let others = others.map(|other| figure(Part::Delta, other));
    std::iter::once(DataColumn::Change).chain(of_measure).chain(others).collect()
}

/// Figures of both sides that a wide table shows beside the data columns, the most useful first.
fn extra_figures(measure: Metric) -> Vec<CompareColumn> {
    let others = [Metric::Size, Metric::Count, Metric::ImpactingSize, Metric::ImpactingCount, Metric::NetSize];
    let others = others.into_iter().filter(|other| *other != measure);
    let parts = [Part::Baseline, Part::Comparison, Part::Delta];
    let all = others.flat_map(|metric| parts.map(|part| CompareColumn { part, metric }));
    let shown = data_columns(measure);
    all.filter(|column| !shown.contains(&DataColumn::Figure(*column))).collect()
}

fn extra_column(column: CompareColumn) -> ExtraColumn {
    let CompareColumn { part, metric } = column;
    let help = compare_text::part_help(part);
    ExtraColumn {
        title: format!("{} {}", metric.title(), compare_text::part_title(part).to_lowercase()),
        tip: format!(
            "{}. {} {help} Shown because there is room.",
            metric.title(),
            column_tips::of(What::Figure(metric))
        ),
        width: 152.0,
        max_width: 152.0,
        is_figure: true,
    }
}

/// The id of a key column.
#[must_use]
pub fn key_id(key: Key) -> u32 {
    FIRST_KEY + key as u32
}

/// The key of a column's id.
#[must_use]
pub fn key_of(id: u32) -> Option<Key> {
    Key::ALL.iter().copied().find(|key| key_id(*key) == id)
}

/// The data column with an id.
#[must_use]
pub fn data_of(id: u32, measure: Metric) -> Option<DataColumn> {
    data_columns(measure).get(id.checked_sub(FIRST_DATA)? as usize).copied()
}

/// The opened rows of a comparison.
pub struct CompareRows {
    tree: CompareTree,
    measure: Metric,
    sort: CompareSort,
    columns: Vec<Column>,
    data: Vec<DataColumn>,
    extras: Vec<CompareColumn>,
    extra_columns: Vec<ExtraColumn>,
    /// The rows in their order, and their positions.
    visible: Vec<NodeId>,
    position: FxHashMap<NodeId, u64>,
    open: FxHashSet<NodeId>,
    needle: String,
    /// Colors of modules in stacks.
    modules: FxHashMap<String, Color32>,
}

fn row_id(node: NodeId) -> RowId {
    u64::from(node.0)
}

/// The node that a row shows.
#[must_use]
pub fn node_id(row: RowId) -> NodeId {
    NodeId(row as u32)
}

impl CompareRows {
    /// The rows of a comparison, open at the paths in `expanded` whose parents are open, too.
    #[must_use]
    pub fn new(comparison: Arc<Comparison>, measure: Metric, sort: CompareSort, expanded: &FxHashSet<u64>) -> Self {
        let mut rows = Self {
            tree: CompareTree::new(comparison),
            measure,
            sort,
            columns: Vec::new(),
            data: data_columns(measure),
            extras: extra_figures(measure),
            extra_columns: extra_figures(measure).into_iter().map(extra_column).collect(),
            visible: Vec::new(),
            position: FxHashMap::default(),
            open: FxHashSet::default(),
            needle: String::new(),
            modules: FxHashMap::default(),
        };
        rows.columns = rows.headers();
        let mut next = vec![PivotTree::ROOT];
        while let Some(node) = next.pop() {
            for child in rows.tree.children(node, &rows.sort) {
                let tree = rows.tree.tree();
                if tree.has_children(child) && expanded.contains(&tree.path_hash(child)) {
                    rows.open.insert(child);
                    next.push(child);
                }
            }
        }
        rows.lay_out();
        rows
    }

    /// The comparison.
    #[must_use]
    pub fn comparison(&self) -> &Arc<Comparison> {
        self.tree.comparison()
    }

    /// Hash of the path of a row.
    #[must_use]
    pub fn path(&self, row: RowId) -> u64 {
        self.tree.tree().path_hash(node_id(row))
    }

    /// The visible row with a path.
    #[must_use]
    pub fn row_with_path(&self, path: u64) -> Option<RowId> {
        self.visible.iter().find(|node| self.tree.tree().path_hash(**node) == path).map(|node| row_id(*node))
    }

    /// The joined groups of a row, and its name.
    #[must_use]
    pub fn groups(&self, row: RowId) -> (Range<u32>, String) {
        let tree = self.tree.tree();
        let node = node_id(row);
        let mut texts: Vec<(Option<usize>, String)> = Vec::new();
        let mut at = node;
        while at != PivotTree::ROOT {
            // Of a stack, the innermost frame is enough.
            if texts.last().is_none_or(|(column, _)| *column != tree.column(at)) {
                texts.push((tree.column(at), self.text(at)));
            }
            at = tree.parent(at);
        }
        let name = texts.iter().rev().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(", ");
        (tree.groups(node), name)
    }

    /// The places of a row on each side, by the texts of that side.
    #[must_use]
    pub fn places(&self, row: RowId) -> [Vec<RowPath>; 2] {
        Side::BOTH.map(|side| self.tree.side_paths(node_id(row), side))
    }

    /// Frames of a row from the outermost inwards; empty outside of stacks.
    #[must_use]
    pub fn frames(&self, row: RowId) -> Vec<String> {
        self.tree.tree().frames(node_id(row)).into_iter().map(str::to_owned).collect()
    }

    /// Gives modules in stacks their colors.
    pub fn set_module_colors(&mut self, modules: FxHashMap<String, Color32>) {
        self.modules = modules;
    }

    /// Marks rows with this text.
    pub fn set_needle(&mut self, text: &str) {
        self.needle = text.to_lowercase();
    }

    /// The rows in the order of another column.
    pub fn set_sort(&mut self, sort: CompareSort) {
        self.sort = sort;
        self.columns = self.headers();
        self.lay_out();
    }

    fn headers(&self) -> Vec<Column> {
        let level = |column: Option<CompareColumn>| self.sort.levels.iter().position(|level| level.0 == column);
        let sort = |at: Option<usize>| at.and_then(|at| self.sort.levels.get(at)).map(|level| Sort::of(level.1));
        let keys = self.comparison().groups().keys();
        let key_columns = keys.iter().enumerate().map(|(at, key)| Column {
            id: key_id(*key),
            title: key.title().to_owned(),
            tip: column_tips::of(What::Key(*key)).to_owned(),
            area: Area::Key,
            width: match key {
                key if key.is_stack() => 232.0,
                Key::Driver | Key::Function | Key::Process | Key::TagDescription | Key::PoolTagModule => 112.0,
                _ => 72.0,
            },
            sort: sort(level(None).filter(|_| at == 0)),
            sort_rank: 1,
            allowed: [true, false, false],
            refusal: "A key column of a comparison groups rows of both sides.".to_owned(),
        });
        let data = self.data.iter().zip(FIRST_DATA..).map(|(data, id)| {
            let (title, tip, sorted) = match data {
                DataColumn::Change => {
                    ("Change".to_owned(), "New, grown, shrunk or gone in the comparison.".to_owned(), None)
                }
                DataColumn::Figure(column) => {
                    let title = compare_text::part_title(column.part);
                    let own = column.metric.title();
                    let is_measure = column.metric == self.measure;
                    let title = if is_measure { title.to_owned() } else { format!("{own} {}", title.to_lowercase()) };
                    let help = compare_text::part_help(column.part);
                    let tip = format!("{own}. {} {help}", column_tips::of(What::Figure(column.metric)));
                    (title, tip, level(Some(*column)))
                }
            };
            let width = match data {
                DataColumn::Change => 64.0,
                DataColumn::Figure(CompareColumn { part: Part::Ratio, .. }) => 72.0,
                DataColumn::Figure(column) if column.metric == self.measure => 96.0,
                DataColumn::Figure(_) => 128.0,
            };
            let refusal = "A figure of a comparison cannot group rows or be graphed.".to_owned();
            Column {
                id,
                title,
                tip,
                area: Area::Data,
                width,
                sort: sort(sorted.filter(|at| *at == 0)),
                sort_rank: 1,
                allowed: [false, true, false],
                refusal,
            }
        });
        key_columns.chain(data).collect()
    }

    /// Lists the opened rows.
    fn lay_out(&mut self) {
        self.visible.clear();
        let mut next = vec![PivotTree::ROOT];
        while let Some(node) = next.pop() {
            if node != PivotTree::ROOT {
                self.visible.push(node);
            }
            if node == PivotTree::ROOT || self.open.contains(&node) {
                next.extend(self.tree.children(node, &self.sort).into_iter().rev());
            }
        }
        self.position = self.visible.iter().zip(0..).map(|(node, at)| (*node, at)).collect();
    }

    /// Opens a row and its only-child chain; remembers the paths.
    pub fn expand(&mut self, row: RowId, expanded: &mut FxHashSet<u64>) {
        for node in self.tree.open_chain(node_id(row)) {
            self.open.insert(node);
            expanded.insert(self.tree.tree().path_hash(node));
        }
        self.lay_out();
    }

    /// Closes a row.
    pub fn collapse(&mut self, row: RowId, expanded: &mut FxHashSet<u64>) {
        self.open.remove(&node_id(row));
        expanded.remove(&self.path(row));
        self.lay_out();
    }

    /// Opens everything below a row, at most [`EXPAND_LIMIT`] nodes; returns the number of opened nodes.
    pub fn expand_all(&mut self, row: RowId, expanded: &mut FxHashSet<u64>) -> usize {
        let mut level = vec![node_id(row)];
        let mut count = 0;
        while !level.is_empty() && count < EXPAND_LIMIT {
            let mut below = Vec::new();
            for node in level {
                if count < EXPAND_LIMIT && self.tree.tree().has_children(node) {
                    self.open.insert(node);
                    expanded.insert(self.tree.tree().path_hash(node));
                    below.extend(self.tree.children(node, &self.sort));
                    count += 1;
                }
            }
            level = below;
        }
        self.lay_out();
        count
    }

    /// Opens the largest row, in it the largest, down to the first row with several large parts or to a call stack.
    pub fn follow_growth(&mut self, expanded: &mut FxHashSet<u64>) -> Option<RowId> {
        let mut at = PivotTree::ROOT;
        while let Some(first) = self.tree.children(at, &self.sort).first().copied() {
            at = first;
            let tree = self.tree.tree();
            let is_leaf = !tree.has_children(at) || matches!(tree.step(at), TreeStep::Frame { .. });
            if is_leaf {
                break;
            }
            self.open.insert(at);
            expanded.insert(self.tree.tree().path_hash(at));
        }
        self.lay_out();
        (at != PivotTree::ROOT).then(|| row_id(at))
    }

    /// Opens along the steps to a match and returns its row.
    pub fn reveal(&mut self, steps: &[TreeStep], expanded: &mut FxHashSet<u64>) -> Option<RowId> {
        let mut at = PivotTree::ROOT;
        for step in steps {
            if at != PivotTree::ROOT {
                self.open.insert(at);
                expanded.insert(self.tree.tree().path_hash(at));
            }
            let children = self.tree.children(at, &self.sort);
            at = children.into_iter().find(|child| self.tree.tree().step(*child) == *step)?;
        }
        self.lay_out();
        Some(row_id(at))
    }

    /// The text of a row's key.
    fn text(&self, node: NodeId) -> String {
        let tree = self.tree.tree();
        let label = tree.label(node);
        let key = tree.column(node).and_then(|column| tree.pivot().keys().get(column));
        key.map_or_else(|| label.clone(), |key| shown(*key, &label)).into_owned()
    }

    fn indent(&self, node: NodeId, column: usize) -> u32 {
        let tree = self.tree.tree();
        let mut indent = 0;
        let mut at = tree.parent(node);
        while tree.column(at) == Some(column) {
            let parts = tree.opened(at).is_some_and(|children| children.len() > 1);
            indent += if parts { WHOLE_STEP } else { 1 };
            at = tree.parent(at);
        }
        indent
    }

    fn cell(&self, node: NodeId, column: DataColumn) -> Cell {
        match column {
            DataColumn::Change => {
                let change = crate::format::sentence_case(self.tree.change(node, self.measure).name());
                Cell { text: change, ..Cell::default() }
            }
            DataColumn::Figure(column) => {
                let value = self.tree.value(node, column);
                let (text, unit) = compare_text::figure_parts(value, column.part, column.metric.unit());
                let share = (column.part == Part::Delta && column.metric == self.measure)
                    .then(|| self.share(node, column))
                    .flatten();
                Cell { text, unit, share, pending: false }
            }
        }
    }

    /// The part of the difference of the row above, if both grew.
    fn share(&self, node: NodeId, column: CompareColumn) -> Option<f32> {
        let whole = self.tree.value(self.tree.tree().parent(node), column).as_f64().filter(|whole| *whole > 0.0)?;
        let own = self.tree.value(node, column).as_f64().filter(|own| *own > 0.0)?;
        Some((own / whole).min(1.0) as f32)
    }

    fn row_of(&self, node: NodeId) -> Row {
        let tree = self.tree.tree();
        let key_column = tree.column(node).unwrap_or(0);
        let text = self.text(node);
        let mut lead = None;
        if matches!(tree.step(node), TreeStep::Frame { .. }) {
            let module = text.split(['!', '+']).next().unwrap_or_default();
            lead = self.modules.get(module).map(|color| (module.len(), *color));
        }
        Row {
            id: row_id(node),
            level: tree.depth(node).saturating_sub(1) as u32,
            key_column,
            indent: self.indent(node, key_column),
            lead,
            found: !self.needle.is_empty() && text.to_lowercase().contains(&self.needle),
            dimmed: self.tree.change(node, self.measure) == Change::Gone,
            text,
            expandable: tree.has_children(node),
            expanded: self.open.contains(&node),
            cells: self.data.iter().map(|column| self.cell(node, *column)).collect(),
            ..Row::default()
        }
    }
}

impl TreeModel for CompareRows {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn extra_columns(&self) -> &[ExtraColumn] {
        &self.extra_columns
    }

    fn extra_cells(&self, id: RowId, count: usize) -> Vec<ExtraCell> {
        let cell = |column: &CompareColumn| ExtraCell::Figure(self.cell(node_id(id), DataColumn::Figure(*column)));
        self.extras.iter().take(count).map(cell).collect()
    }

    fn row_count(&self) -> u64 {
        self.visible.len() as u64
    }

    fn row(&self, index: u64) -> Option<Row> {
        self.visible.get(usize::try_from(index).ok()?).map(|node| self.row_of(*node))
    }

    fn id_at(&self, index: u64) -> Option<RowId> {
        self.visible.get(usize::try_from(index).ok()?).map(|node| row_id(*node))
    }

    fn index_of(&self, id: RowId) -> Option<u64> {
        self.position.get(&node_id(id)).copied()
    }

    fn parent(&self, index: u64) -> Option<u64> {
        let node = node_id(self.id_at(index)?);
        self.position.get(&self.tree.tree().parent(node)).copied()
    }

    fn largest_child(&self, index: u64) -> Option<u64> {
        let node = node_id(self.id_at(index)?);
        // The first child follows its parent, and the order is by growth or as the user chose it.
        self.open.contains(&node).then_some(index + 1).filter(|next| *next < self.row_count())
    }

    fn find_prefix(&self, from: u64, prefix: &str) -> Option<u64> {
        let count = self.row_count();
        let starts = |index: &u64| {
            self.id_at(*index).is_some_and(|id| self.text(node_id(id)).to_lowercase().starts_with(prefix))
        };
        (from..count).chain(0..from.min(count)).take(FIND_LIMIT as usize).find(starts)
    }
}
