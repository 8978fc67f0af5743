//! The rows of the pivot table as the table widget wants them: texts, figures, shares and color squares from a
//! [`VisibleRows`] tree and a layout of columns. Reads the tree, never computes a pivot.

use std::ops::Range;
use std::sync::Arc;

use eframe::egui::Color32;
use poolscope_analysis::pivot::{Key, Metric, NodeId, PivotTree, RowPath, SortOrder, TreeStep, Value};
use poolscope_analysis::trace::time::LifetimeClass;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::format;
use crate::format::column::{ColumnUnit, number_text};
use crate::gui::model::column_tips;
use crate::gui::model::columns::ColumnRole;
use crate::gui::model::columns::{What, shown};
use crate::gui::model::table_layout::{Placed, SortBy, TableLayout};
use crate::gui::model::visible_rows::{VisibleRow, VisibleRows};
use crate::gui::widgets::pivot_table as widget;
use crate::gui::widgets::pivot_table::{
    Area, Cell, Column, ExtraCell, ExtraColumn, Row, RowId, RowKind, Swatch, TreeModel,
};

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
    extras: Vec<Extra>,
    extra_columns: Vec<ExtraColumn>,
    /// Cells of extra columns by the path of their row.
    trends: Arc<FxHashMap<u64, ShownTrend>>,
}

/// Content of a column that is shown where there is room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extra {
    Trend,
    Growth,
    Process,
    Figure(Metric),
}

/// End of the tip of each extra column.
const WHY: &str = "Shown because there is room. To sort by such a column, add it in the view editor (Ctrl+E).";

impl Extra {
    /// All of them, the most useful first.
    const ALL: [Self; 9] = [
        Self::Trend,
        Self::Growth,
        Self::Process,
        Self::Figure(Metric::ImpactingSize),
        Self::Figure(Metric::NetSize),
        Self::Figure(Metric::Average),
        Self::Figure(Metric::FreesPerAlloc),
        Self::Figure(Metric::ImpactingCount),
        Self::Figure(Metric::LifetimeAverage),
    ];

    /// The column that was chosen if it shows the same.
    fn chosen(self) -> Option<What> {
        match self {
            Self::Trend => None,
            Self::Growth => Some(What::Figure(Metric::Growth)),
            Self::Process => Some(What::Key(Key::Process)),
            Self::Figure(metric) => Some(What::Figure(metric)),
        }
    }

    fn column(self) -> ExtraColumn {
        let column = |title: String, tip: &str, [width, max_width]: [f32; 2], is_figure| ExtraColumn {
            title,
            tip: format!("{tip} {WHY}"),
            width,
            max_width,
            is_figure,
        };
        let figure =
            |metric: Metric| column(metric.title(), column_tips::of(What::Figure(metric)), [112.0, 112.0], true);
        match self {
            Self::Trend => {
                let tip = "Outstanding bytes of the row over the visible range, each row by its own scale.";
                column("Trend".to_owned(), tip, [120.0, 640.0], false)
            }
            Self::Process => {
                let tip = "Process with the most bytes of the row, and the number of others.";
                column("Largest process".to_owned(), tip, [160.0, 280.0], false)
            }
            Self::Growth => figure(Metric::Growth),
            Self::Figure(metric) => figure(metric),
        }
    }
}

/// Cells of extra columns in a row.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownTrend {
    /// Outstanding bytes at equal distances over the visible range.
    pub points: Vec<f32>,
    /// Growth.
    pub growth: Value,
    /// The process with the most bytes, and the number of others.
    pub process: String,
}

/// Rows whose trends are kept at most.
const MAX_TRENDS: usize = 20_000;
/// Groups of a table with trends at most.
const MAX_TREND_GROUPS: usize = 1_000_000;

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
            extras: Vec::new(),
            extra_columns: Vec::new(),
            trends: Arc::default(),
        };
        rows.arrange(layout);
        rows
    }

    /// Shows the same rows in other columns; their keys must be the same.
    pub fn arrange(&mut self, layout: &TableLayout) {
        self.columns = columns(layout);
        self.placed.clone_from(&layout.columns);
        let is_chosen = |extra: &Extra| layout.columns.iter().any(|column| Some(column.what) == extra.chosen());
        // With very many groups a look at every allocation for a few rows takes too long.
        let is_large = self.flat.tree().pivot().len() > MAX_TREND_GROUPS;
        let is_slow = |extra: &Extra| is_large && !matches!(extra, Extra::Figure(_));
        self.extras = Extra::ALL.into_iter().filter(|extra| !is_chosen(extra) && !is_slow(extra)).collect();
        self.extra_columns = self.extras.iter().map(|extra| extra.column()).collect();
    }

    /// Cells of extra columns of the rows that are known so far.
    #[must_use]
    pub fn trends(&self) -> &Arc<FxHashMap<u64, ShownTrend>> {
        &self.trends
    }

    /// Keeps what extra columns show of the rows of the same groups.
    pub fn set_trends(&mut self, trends: Arc<FxHashMap<u64, ShownTrend>>) {
        self.trends = trends;
    }

    /// Adds what extra columns show of some rows.
    pub fn add_trends(&mut self, trends: impl IntoIterator<Item = (NodeId, ShownTrend)>) {
        let known = Arc::make_mut(&mut self.trends);
        if known.len() > MAX_TRENDS {
            known.clear();
        }
        let tree = self.flat.tree();
        known.extend(trends.into_iter().map(|(node, trend)| (tree.path_hash(node), trend)));
    }

    /// The nodes of these rows whose trends are not known; none where no column shows trends.
    #[must_use]
    pub fn without_trend(&self, rows: Range<u64>) -> Vec<NodeId> {
        if self.extras.iter().all(|extra| matches!(extra, Extra::Figure(_))) {
            return Vec::new();
        }
        let nodes = rows.map_while(|index| self.flat.node_at(index));
        nodes.filter(|node| !self.trends.contains_key(&self.flat.tree().path_hash(*node))).collect()
    }

    fn extra_cell(&self, node: NodeId, extra: Extra) -> ExtraCell {
        let trend = self.trends.get(&self.flat.tree().path_hash(node));
        let figure = |value: Option<Value>, metric: Metric| {
            let Some(value) = value else { return Cell { pending: true, ..Cell::default() } };
            let (text, unit) = number_text(value, metric, ColumnUnit::Automatic);
            Cell { text, unit, share: None, pending: false }
        };
        match extra {
            Extra::Trend => ExtraCell::Curve(trend.map_or_else(Vec::new, |trend| trend.points.clone())),
            Extra::Process => ExtraCell::Text(trend.map_or_else(String::new, |trend| trend.process.clone())),
            Extra::Growth => ExtraCell::Figure(figure(trend.map(|trend| trend.growth), Metric::Growth)),
            Extra::Figure(metric) => ExtraCell::Figure(figure(self.flat.value(node, metric), metric)),
        }
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

    /// Opens a row and its only-child chain, or shows the frames that are folded into it; remembers that in `expanded`.
    pub fn expand(&mut self, id: RowId, expanded: &mut FxHashSet<u64>) {
        let node = node_id(id);
        if !self.flat.fold_of(node).is_empty() {
            return self.flat.unfold(node, expanded);
        }
        for link in self.flat.chain_below(node) {
            expanded.insert(self.flat.tree().path_hash(link));
        }
        // A frame that the user opens stays where it is seen.
        self.flat.mark_unfolded(node, expanded);
        self.flat.open(node, expanded);
    }

    /// Closes a row, or folds the frames of a run that begins there again. What was open below it opens again with it.
    pub fn collapse(&mut self, id: RowId, expanded: &mut FxHashSet<u64>) {
        let node = node_id(id);
        if !self.flat.fold(node, expanded) {
            expanded.remove(&self.flat.tree().path_hash(node));
            self.flat.close(node, expanded);
        }
    }

    /// Opens everything below a row, at most [`EXPAND_ALL_LIMIT`] nodes; returns how many were opened.
    pub fn expand_all(&mut self, id: RowId, expanded: &mut FxHashSet<u64>) -> usize {
        self.flat.expand_below(node_id(id), EXPAND_ALL_LIMIT, expanded)
    }

    /// The texts of the frames that are folded into a row, the outermost first; empty if it stands for itself alone.
    #[must_use]
    pub fn folded_texts(&self, id: RowId) -> Vec<String> {
        let tree = self.flat.tree();
        self.flat.fold_of(node_id(id)).iter().map(|node| tree.label(*node).into_owned()).collect()
    }

    /// The innermost responsible frame from a frame up to a row around it.
    #[must_use]
    pub fn responsible_around(&self, frame: NodeId, row: NodeId) -> Option<NodeId> {
        let mut at = frame;
        while at != row && at != PivotTree::ROOT {
            if self.flat.is_responsible(at) {
                return Some(at);
            }
            at = self.flat.tree().parent(at);
        }
        None
    }

    /// The responsible frame nearest to a row: the row itself, the innermost one around it, or the one that the largest rows
    /// below it lead to.
    #[must_use]
    pub fn responsible_near(&mut self, node: NodeId) -> Option<NodeId> {
        let mut at = node;
        while at != PivotTree::ROOT {
            if self.flat.is_responsible(at) {
                return Some(at);
            }
            at = self.flat.tree().parent(at);
        }
        self.flat.largest_below(node).into_iter().find(|below| self.flat.is_responsible(*below))
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

    /// Indentation of a row inside its column, below these rows. Only where calls part does it grow by a whole step: the frames
    /// of one long call chain stay where they can be read.
    fn indent(&self, above: &[NodeId], column: usize) -> u32 {
        let tree = self.flat.tree();
        let around = above.iter().rev().take_while(|outer| tree.column(**outer) == Some(column));
        let parts = |outer: &NodeId| tree.opened(*outer).is_some_and(|children| children.len() > 1);
        around.map(|outer| if parts(outer) { WHOLE_STEP } else { 1 }).sum()
    }

    fn row_of(&self, row: &VisibleRow<'_>) -> Row {
        let node = row.node;
        let tree = self.flat.tree();
        let key_column = tree.column(node).unwrap_or(0);
        let swatch = self.series_of(node).and_then(|values| self.swatches.squares.get(&values)).copied();
        let cell = |column: &Placed| match column.what {
            What::Figure(metric) => Some(self.cell(node, column, metric)),
            What::Key(_) => None,
        };
        let (text, kind) = match row.fold {
            [] if self.flat.is_responsible(node) => (self.text_of(node), RowKind::Responsible),
            [] => (self.text_of(node), RowKind::Plain),
            frames => (folded_text(frames.len()), RowKind::Folded),
        };
        let is_found = match row.fold {
            [] => self.is_found(&text),
            frames => frames.iter().any(|frame| self.is_found(&tree.label(*frame))),
        };
        Row {
            id: row_id(node),
            level: row.above.len() as u32,
            key_column,
            indent: self.indent(&row.above, key_column),
            swatch,
            lead: if row.fold.is_empty() { self.lead(node, &text) } else { None },
            found: is_found,
            dimmed: false,
            kind,
            text,
            expandable: tree.has_children(node),
            expanded: row.fold.is_empty() && self.flat.is_open(node),
            cells: self.placed.iter().filter_map(cell).collect(),
        }
    }

    /// The key of a node as it is shown.
    fn text_of(&self, node: NodeId) -> String {
        let tree = self.flat.tree();
        let label = tree.label(node);
        let key = tree.column(node).and_then(|column| tree.pivot().keys().get(column));
        key.map_or_else(|| label.clone(), |key| shown(*key, &label)).into_owned()
    }

    /// Length and color of the module at the start of a frame's text.
    fn lead(&self, node: NodeId, text: &str) -> Option<(usize, Color32)> {
        if !matches!(self.flat.tree().step(node), TreeStep::Frame { .. }) {
            return None;
        }
        let module = text.split(['!', '+']).next().unwrap_or_default();
        self.modules.get(module).map(|color| (module.len(), *color))
    }
}

/// The text of a row that stands for several frames.
fn folded_text(frames: usize) -> String {
    format::counted(frames as u64, "frame", "frames")
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
            width: placed.width.unwrap_or_else(|| natural_width(placed.what)),
            sort: level.map(direction),
            sort_rank: if several { rank.map_or(0, |rank| rank as u8 + 1) } else { u8::from(rank.is_some()) },
            allowed: [0, 1, 2].map(|area: usize| refusal[area].is_none()),
            refusal: refusal.into_iter().flatten().collect::<Vec<_>>().join(" "),
        }
    };
    layout.columns.iter().map(header).collect()
}

/// A column's width in points until the user gives it another.
#[must_use]
pub fn natural_width(what: What) -> f32 {
    match what {
        What::Key(key) if key.is_stack() => 240.0,
        What::Key(
            Key::Driver
            | Key::Function
            | Key::StackTag
            | Key::Process
            | Key::TagDescription
            | Key::PoolTagModule
            | Key::Address,
        ) => 140.0,
        What::Key(_) => 76.0,
        What::Figure(_) => 96.0,
    }
}

impl TreeModel for Rows {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn extra_columns(&self) -> &[ExtraColumn] {
        &self.extra_columns
    }

    fn extra_cells(&self, id: RowId, count: usize) -> Vec<ExtraCell> {
        self.extras.iter().take(count).map(|extra| self.extra_cell(node_id(id), *extra)).collect()
    }

    fn row_count(&self) -> u64 {
        self.flat.len()
    }

    fn row(&self, index: u64) -> Option<Row> {
        self.flat.row_at(index).map(|row| self.row_of(&row))
    }

    /// The frames that are folded into a row are copied one by one.
    fn copied(&self, index: u64) -> Vec<Row> {
        let Some(row) = self.flat.row_at(index) else { return Vec::new() };
        let whole = self.row_of(&row);
        if row.fold.is_empty() {
            return vec![whole];
        }
        let frame = |frame: &NodeId| Row { text: self.text_of(*frame), kind: RowKind::Plain, ..whole.clone() };
        row.fold.iter().map(frame).collect()
    }

    fn id_at(&self, index: u64) -> Option<RowId> {
        self.flat.node_at(index).map(row_id)
    }

    fn index_of(&self, id: RowId) -> Option<u64> {
        self.flat.index_of(node_id(id))
    }

    fn parent(&self, index: u64) -> Option<u64> {
        self.flat.index_of(*self.flat.row_at(index)?.above.last()?)
    }

    fn largest_child(&self, index: u64) -> Option<u64> {
        let child = self.flat.largest_child(self.flat.node_at(index)?)?;
        self.flat.index_of(child)
    }

    fn find_prefix(&self, from: u64, prefix: &str) -> Option<u64> {
        let count = self.flat.len();
        let tree = self.flat.tree();
        let begins = |node: NodeId| tree.label(node).to_lowercase().starts_with(prefix);
        let starts = |index: &u64| {
            let Some(row) = self.flat.row_at(*index) else { return false };
            match row.fold {
                [] => begins(row.node),
                frames => folded_text(frames.len()).starts_with(prefix) || frames.iter().any(|node| begins(*node)),
            }
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
