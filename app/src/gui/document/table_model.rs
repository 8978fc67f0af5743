//! The rows of the pivot table as the table widget wants them: texts, figures, shares and color squares from a
//! [`VisibleRows`] tree and a layout of columns. Reads the tree, never computes a pivot.

use eframe::egui::Color32;
use poolscope_analysis::pivot::{Key, Metric, NodeId, PivotTree, RowPath, SortOrder, TreeStep, Value};
use poolscope_analysis::trace::time::LifetimeClass;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::format::column::number_text;
use crate::gui::model::column_tips;
use crate::gui::model::columns::ColumnRole;
use crate::gui::model::columns::{What, shown};
use crate::gui::model::table_layout::{Placed, SortBy, TableLayout};
use crate::gui::model::visible_rows::VisibleRows;
use crate::gui::widgets::pivot_table as widget;
use crate::gui::widgets::pivot_table::{Area, Cell, Column, Row, RowId, Swatch, TreeModel};

/// Most nodes that one "expand all below" opens.
pub const EXPAND_ALL_LIMIT: usize = 10_000;
/// Most rows that typing looks through.
const FIND_LIMIT: u64 = 100_000;
/// A node of more groups than this is opened in the background: sorting its children would hold up the window.
const HEAVY: u32 = 100_000;
/// Indentation where calls part, in steps of a call chain.
const WHOLE_STEP: u32 = 4;
/// Figures that are computed later at once.
const LATER_LIMIT: usize = 5_000;

/// The color squares of the rows that have their own series.
#[derive(Debug, Default)]
pub struct Swatches {
    /// By which key columns the graph has its curves.
    pub by: Vec<Key>,
    /// The squares, by the values in these columns.
    pub squares: FxHashMap<Vec<String>, Swatch>,
}

/// The table's rows.
#[derive(Debug)]
pub struct Rows {
    flat: VisibleRows,
    placed: Vec<Placed>,
    columns: Vec<Column>,
    swatches: Swatches,
    /// Text of the search, in lower case unless case matters.
    needle: String,
    case_sensitive: bool,
    /// Colors of modules in stacks.
    modules: FxHashMap<String, Color32>,
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

/// Returns whether opening this node, or giving it another order, takes so long that it belongs into the background.
#[must_use]
pub fn is_heavy(flat: &VisibleRows, node: NodeId) -> bool {
    flat.tree().groups(node).len() as u32 > HEAVY
}

impl Rows {
    /// Rows of `flat` in these columns.
    #[must_use]
    pub fn new(flat: VisibleRows, layout: &TableLayout) -> Self {
        let mut rows = Self {
            flat,
            placed: Vec::new(),
            columns: Vec::new(),
            swatches: Swatches::default(),
            needle: String::new(),
            case_sensitive: false,
            modules: FxHashMap::default(),
        };
        rows.arrange(layout);
        rows
    }

    /// Shows the same rows in other columns; their keys must be the same.
    pub fn arrange(&mut self, layout: &TableLayout) {
        self.columns = columns(layout);
        self.placed.clone_from(&layout.columns);
    }

    /// The tree.
    #[must_use]
    pub fn flat(&self) -> &VisibleRows {
        &self.flat
    }

    /// The tree, to open parts of it that are not shown.
    pub fn flat_mut(&mut self) -> &mut VisibleRows {
        &mut self.flat
    }

    /// The columns, as they stand.
    #[must_use]
    pub fn placed(&self) -> &[Placed] {
        &self.placed
    }

    /// Gives rows their color squares.
    pub fn set_swatches(&mut self, swatches: Swatches) {
        self.swatches = swatches;
    }

    /// Gives modules in stacks their colors.
    pub fn set_module_colors(&mut self, modules: FxHashMap<String, Color32>) {
        self.modules = modules;
    }

    /// Marks rows with this text.
    pub fn set_needle(&mut self, text: &str, case_sensitive: bool) {
        self.needle = if case_sensitive { text.to_owned() } else { text.to_lowercase() };
        self.case_sensitive = case_sensitive;
    }

    fn is_found(&self, text: &str) -> bool {
        let found = || {
            if self.case_sensitive { text.contains(&self.needle) } else { text.to_lowercase().contains(&self.needle) }
        };
        !self.needle.is_empty() && found()
    }

    /// Returns whether opening this node, or giving it another order, takes so long that it belongs into the background.
    #[must_use]
    pub fn is_heavy(&self, node: NodeId) -> bool {
        is_heavy(&self.flat, node)
    }

    /// The figures that have still to be computed, with the nodes that lack them.
    #[must_use]
    pub fn unknown(&self) -> Vec<(Metric, Vec<NodeId>)> {
        let later = self.figures().filter(|metric| !self.flat.tree().pivot().knows(*metric));
        let missing = later.map(|metric| (metric, self.flat.unknown(metric, LATER_LIMIT)));
        missing.filter(|(_, nodes)| !nodes.is_empty()).collect()
    }

    fn figures(&self) -> impl Iterator<Item = Metric> + '_ {
        self.placed.iter().filter_map(|column| match column.what {
            What::Figure(metric) => Some(metric),
            What::Key(_) => None,
        })
    }

    /// The texts on the way from the top to a node, with their column titles.
    #[must_use]
    pub fn path_texts(&self, node: NodeId) -> Vec<(&'static str, String)> {
        let tree = self.flat.tree();
        let mut texts = Vec::new();
        let mut at = node;
        while at != PivotTree::ROOT {
            if let TreeStep::Value { column, .. } = tree.step(at)
                && let Some(key) = tree.pivot().keys().get(column)
            {
                texts.push((key.title(), shown(*key, &tree.label(at)).into_owned()));
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
            expanded.insert(self.flat.tree().path_hash(link));
        }
        self.flat.open(node, expanded);
    }

    /// Closes a row. What was open below it opens again with it.
    pub fn collapse(&mut self, id: RowId, expanded: &mut FxHashSet<u64>) {
        expanded.remove(&self.flat.tree().path_hash(node_id(id)));
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

    /// Puts the rows into another order.
    pub fn set_sort(&mut self, sort: SortOrder, expanded: &FxHashSet<u64>) {
        self.flat.set_sort(sort, expanded);
    }

    /// The row of these values in these key columns: the first visible one, or else the one among the leak candidates (AIFO),
    /// or the largest; it is made visible.
    pub fn find(&mut self, by: &[Key], values: &[String], expanded: &mut FxHashSet<u64>) -> Option<NodeId> {
        let keys = self.flat.tree().pivot().keys().to_vec();
        let column = keys.iter().rposition(|key| by.contains(key))?;
        let fits = |rows: &Self, node| rows.values_in(node, by).is_some_and(|own| own == values);
        let visible = self.flat.visible(|node| self.flat.tree().column(node) == Some(column) && fits(self, node));
        if visible.is_some() {
            return visible;
        }
        let place = by.iter().position(|key| keys.get(column) == Some(key))?;
        let mut found = self.flat.nodes_with(column, values.get(place)?);
        found.retain(|node| fits(self, *node));
        let weight = |node: &NodeId| {
            (self.top_text(*node) == LifetimeClass::Aifo.name(), self.flat.tree().aggregate(*node).size())
        };
        // Of equal ones the first.
        let best = found.into_iter().rev().max_by_key(weight)?;
        self.flat.show(best, expanded);
        Some(best)
    }

    /// The row of a place, made visible; nothing where the columns do not lead to it.
    pub fn find_place(&mut self, place: &RowPath, expanded: &mut FxHashSet<u64>) -> Option<NodeId> {
        let node = self.flat.walk_to_place(place)?;
        self.flat.show(node, expanded);
        Some(node)
    }

    fn top_text(&self, mut node: NodeId) -> String {
        let tree = self.flat.tree();
        while tree.depth(node) > 1 {
            node = tree.parent(node);
        }
        tree.label(node).into_owned()
    }

    fn cell(&self, node: NodeId, column: &Placed, metric: Metric) -> Cell {
        let Some(value) = self.flat.value(node, metric) else {
            return Cell { pending: true, ..Cell::default() };
        };
        let (text, unit) = number_text(value, metric, column.unit);
        Cell { text, unit, share: self.share(node, metric, value), pending: false }
    }

    /// The part of the row above, for figures that add up.
    fn share(&self, node: NodeId, metric: Metric, value: Value) -> Option<f32> {
        let additive = matches!(metric, Metric::Count | Metric::Size | Metric::ImpactingSize | Metric::ImpactingCount);
        if !additive {
            return None;
        }
        let tree = self.flat.tree();
        let whole = tree.value(tree.parent(node), metric).as_f64().filter(|whole| *whole > 0.0)?;
        Some((value.as_f64()? / whole) as f32)
    }

    /// The values of a node's way in some key columns; `None` unless the last of these columns is the node's own.
    fn values_in(&self, node: NodeId, by: &[Key]) -> Option<Vec<String>> {
        let tree = self.flat.tree();
        let keys = tree.pivot().keys();
        let own = keys.get(tree.column(node)?)?;
        let deepest = keys.iter().rev().find(|key| by.contains(key))?;
        if own != deepest {
            return None;
        }
        let mut texts = vec![None; by.len()];
        let mut at = node;
        while at != PivotTree::ROOT {
            let key = tree.column(at).and_then(|column| keys.get(column));
            let place = by.iter().position(|wanted| Some(wanted) == key);
            if let Some(text) = place.and_then(|place| texts.get_mut(place))
                && text.is_none()
            {
                *text = Some(tree.label(at).into_owned());
            }
            at = tree.parent(at);
        }
        texts.into_iter().collect()
    }

    /// The values by which a row has its curve, if it can have one.
    #[must_use]
    pub fn series_of(&self, node: NodeId) -> Option<Vec<String>> {
        self.values_in(node, &self.swatches.by)
    }

    /// Indentation of a row inside its column. Only where calls part does it grow by a whole step: the frames
    /// of one long call chain stay where they can be read.
    fn indent(&self, node: NodeId, column: usize) -> u32 {
        let tree = self.flat.tree();
        let mut indent = 0;
        let mut at = tree.parent(node);
        while tree.column(at) == Some(column) {
            let parts = tree.opened(at).is_some_and(|children| children.len() > 1);
            indent += if parts { WHOLE_STEP } else { 1 };
            at = tree.parent(at);
        }
        indent
    }

    fn row_of(&self, node: NodeId) -> Row {
        let tree = self.flat.tree();
        let key_column = tree.column(node).unwrap_or(0);
        let key = tree.pivot().keys().get(key_column);
        let label = tree.label(node);
        let text = key.map_or_else(|| label.clone(), |key| shown(*key, &label)).into_owned();
        let mut lead = None;
        if matches!(tree.step(node), TreeStep::Frame { .. }) {
            let module = text.split(['!', '+']).next().unwrap_or_default();
            lead = self.modules.get(module).map(|color| (module.len(), *color));
        }
        let swatch = self.series_of(node).and_then(|values| self.swatches.squares.get(&values)).copied();
        let cell = |column: &Placed| match column.what {
            What::Figure(metric) => Some(self.cell(node, column, metric)),
            What::Key(_) => None,
        };
        Row {
            id: row_id(node),
            level: tree.depth(node).saturating_sub(1) as u32,
            key_column,
            indent: self.indent(node, key_column),
            swatch,
            lead,
            found: self.is_found(&text),
            dimmed: false,
            text,
            expandable: tree.has_children(node),
            expanded: self.flat.is_open(node),
            cells: self.placed.iter().filter_map(cell).collect(),
        }
    }
}

/// The headers of a layout.
fn columns(layout: &TableLayout) -> Vec<Column> {
    let several = layout.sort.len() > 1;
    let header = |placed: &Placed| {
        let rank = layout.sort.iter().position(|level| level.column == placed.id);
        let level = rank.and_then(|rank| layout.sort.get(rank));
        let direction =
            |level: &SortBy| if level.ascending { widget::Sort::Ascending } else { widget::Sort::Descending };
        let refusal = [Area::Key, Area::Data, Area::Graph].map(|area| placed.what.in_area(role_of(area)).err());
        Column {
            id: placed.id,
            title: placed.what.title(),
            tip: column_tips::of(placed.what).to_owned(),
            area: area_of(placed.area),
            width: placed.width.unwrap_or_else(|| width(placed.what)),
            sort: level.map(direction),
            sort_rank: if several { rank.map_or(0, |rank| rank as u8 + 1) } else { u8::from(rank.is_some()) },
            allowed: [0, 1, 2].map(|area: usize| refusal[area].is_none()),
            refusal: refusal.into_iter().flatten().collect::<Vec<_>>().join(" "),
        }
    };
    layout.columns.iter().map(header).collect()
}

/// A column's width in points until the user gives it another.
fn width(what: What) -> f32 {
    match what {
        What::Key(key) if key.is_stack() => 240.0,
        What::Key(Key::Driver | Key::Function | Key::Process | Key::TagDescription | Key::Address) => 140.0,
        What::Key(_) => 76.0,
        What::Figure(_) => 96.0,
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

/// The area of the table widget that columns of a role are in.
#[must_use]
pub fn area_of(role: ColumnRole) -> Area {
    match role {
        ColumnRole::Key => Area::Key,
        ColumnRole::Data => Area::Data,
        ColumnRole::Graph => Area::Graph,
    }
}

/// The role that an area of the table widget gives a column.
#[must_use]
pub fn role_of(area: Area) -> ColumnRole {
    match area {
        Area::Key => ColumnRole::Key,
        Area::Data => ColumnRole::Data,
        Area::Graph => ColumnRole::Graph,
    }
}
