//! What the tree table shows: the contract between it and whoever owns the rows. Holds no state and draws nothing.

use eframe::egui::Color32;

/// Identity of a row, as long as its model lives. Whoever computes the rows anew translates the selection
/// ([`TableState::restore`](super::TableState::restore)).
pub type RowId = u64;

/// Which side of the gold and blue bars a column stands on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// Left of the gold bar: rows are grouped by it.
    #[default]
    Key,
    /// Between the bars: aggregated.
    Data,
    /// Right of the blue bar: aggregated and graphed.
    Graph,
}

impl Area {
    /// All of them, from left to right; an area's place in it is `area as usize`.
    pub const ALL: [Self; 3] = [Self::Key, Self::Data, Self::Graph];
}

/// Direction in which a column is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// One column.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Column {
    /// Identity, stable while the column stands in the table; its width is remembered under it.
    pub id: u32,
    /// The name in the header.
    pub title: String,
    /// The sentence that says what the figure means.
    pub tip: String,
    /// Its side of the bars; columns must be ordered by it.
    pub area: Area,
    /// Width in points until the user changes it.
    pub width: f32,
    /// How the rows are sorted by this column, if they are.
    pub sort: Option<Sort>,
    /// Its place among the columns that are sorted by, 1 for the first; without meaning when `sort` is `None`.
    pub sort_rank: u8,
    /// Where it may stand, in the order of [`Area::ALL`].
    pub allowed: [bool; 3],
    /// The sentence that says why it may not stand elsewhere: "Count cannot group rows".
    pub refusal: String,
}

impl Column {
    /// Whether the column may stand in `area`.
    #[must_use]
    pub fn may_stand(&self, area: Area) -> bool {
        self.allowed[area as usize]
    }
}

/// One figure of a row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cell {
    /// The figure as text, without its unit.
    pub text: String,
    /// The unit, drawn dimmed; may be empty.
    pub unit: &'static str,
    /// Share of the parent row's figure, 0 to 1, drawn as a bar behind the figure; the owner of the rows computes it.
    pub share: Option<f32>,
    /// Whether the figure is still being computed; an ellipsis stands in its place.
    pub pending: bool,
}

/// The colour square of a row that has its own series in the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swatch {
    /// The colour of the series.
    pub colour: Color32,
    /// Whether the series is drawn.
    pub on: bool,
}

/// One visible row of the flattened tree.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// Identity.
    pub id: RowId,
    /// Depth in the whole tree, 0 for the top rows.
    pub level: u32,
    /// Index of the key column that the row's text stands in.
    pub key_column: usize,
    /// How far it stands to the right inside that column, in small steps, for columns that are trees themselves.
    pub indent: u32,
    /// The key.
    pub text: String,
    /// How many bytes at the start of the text stand in a colour of their own (a frame's module), and which.
    pub lead: Option<(usize, Color32)>,
    /// Whether the row is among those that were looked for; its text is marked.
    pub found: bool,
    /// Whether the row is drawn dimmed.
    pub dimmed: bool,
    /// Whether there is something below.
    pub expandable: bool,
    /// Whether what is below is shown.
    pub expanded: bool,
    /// One cell for each column right of the gold bar, in their order.
    pub cells: Vec<Cell>,
    /// Its colour square, if it has its own series.
    pub swatch: Option<Swatch>,
}

/// The flattened visible rows of a tree, and the moves in it. Every call must be quick: the table asks while it draws.
pub trait TreeModel {
    /// The columns, keys first.
    fn columns(&self) -> &[Column];
    /// How many rows are visible in the flattened tree.
    fn row_count(&self) -> u64;
    /// The row at `index`; `None` beyond the last one.
    fn row(&self, index: u64) -> Option<Row>;
    /// The identity of the row at `index`.
    fn id_at(&self, index: u64) -> Option<RowId>;
    /// Where the row is; `None` while it is not visible.
    fn index_of(&self, id: RowId) -> Option<u64>;
    /// The row that holds the row at `index`.
    fn parent(&self, index: u64) -> Option<u64>;
    /// The child that weighs most of the expanded row at `index`.
    fn largest_child(&self, index: u64) -> Option<u64>;
    /// The first row at or after `from`, going round at the end, whose text starts with `prefix` (in lower case).
    fn find_prefix(&self, from: u64, prefix: &str) -> Option<u64>;
}

/// What the user asks for; the owner of the rows carries it out.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Show what is below the row.
    Expand(RowId),
    /// Hide what is below the row.
    Collapse(RowId),
    /// Show everything below the row.
    ExpandAll(RowId),
    /// Sort by the column, or turn its order round.
    Sort {
        /// Id of the column.
        column: u32,
        /// Whether it comes after the columns that are sorted by already, instead of replacing them.
        add: bool,
    },
    /// Put a column elsewhere; it may stand there.
    MoveColumn {
        /// Id of the column.
        column: u32,
        /// Where it goes.
        area: Area,
        /// Id of the column in that area that it goes in front of; `None` is the end of the area.
        before: Option<u32>,
    },
    /// The selection changed.
    Select,
    /// More rows were to be selected than can be.
    Cut {
        /// Rows that are selected.
        selected: u64,
        /// Rows that were to be.
        wanted: u64,
    },
    /// Put this text on the clipboard.
    Copy(String),
    /// Show or hide the series of the row.
    ToggleSeries(RowId),
    /// Show the series of this row alone.
    SoloSeries(RowId),
}
