//! The interface between the pivot table and the owner of its rows: columns, rows, and the actions of the user.

use eframe::egui::Color32;

/// Identity of a row within one model. When the rows are computed again, their owner translates the selection
/// ([`TableState::restore`](super::TableState::restore)).
pub type RowId = u64;

/// A part of the table, as divided by the gold and the blue bar.
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
    /// All areas from left to right; the index of an area is `area as usize`.
    pub const ALL: [Self; 3] = [Self::Key, Self::Data, Self::Graph];
}

/// Order of the rows by a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

impl Sort {
    /// The order after a click on a header: the reverse of the present one, or at first the largest figures or the first texts.
    #[must_use]
    pub const fn after_click(now: Option<Self>, is_figure: bool) -> Self {
        match now {
            Some(Self::Ascending) => Self::Descending,
            Some(Self::Descending) => Self::Ascending,
            None if is_figure => Self::Descending,
            None => Self::Ascending,
        }
    }

    /// The order with the smallest first, or with the largest first.
    #[must_use]
    pub const fn of(is_ascending: bool) -> Self {
        if is_ascending { Self::Ascending } else { Self::Descending }
    }
}

/// A column.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Column {
    /// Identity, stable while the column is in the table; its width is remembered by it.
    pub id: u32,
    /// The name in the header.
    pub title: String,
    /// The tooltip.
    pub tip: String,
    /// The area; columns have to be ordered by it.
    pub area: Area,
    /// Width in points until the user changes it.
    pub width: f32,
    /// The order of the rows, if they are sorted by this column.
    pub sort: Option<Sort>,
    /// Rank among the columns that the rows are sorted by, 1 for the first; without meaning if `sort` is `None`.
    pub sort_rank: u8,
    /// True if the column is allowed in each area, in the order of [`Area::ALL`].
    pub allowed: [bool; 3],
    /// Why the column is not allowed in the other areas, such as "Count cannot group rows".
    pub refusal: String,
}

impl Column {
    /// Returns `true` if the column is allowed in `area`.
    #[must_use]
    pub fn may_stand(&self, area: Area) -> bool {
        self.allowed[area as usize]
    }
}

/// A figure of a row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cell {
    /// The figure as text, without its unit.
    pub text: String,
    /// The unit, drawn dimmed; may be empty.
    pub unit: &'static str,
    /// Share of the parent row's figure, 0 to 1, drawn as a bar behind the figure.
    pub share: Option<f32>,
    /// True if the figure is still being computed; an ellipsis is drawn in its place.
    pub pending: bool,
}

/// A column that is shown where there is room beside the chosen ones.
#[derive(Debug, Clone, PartialEq)]
pub struct ExtraColumn {
    /// The name in the header.
    pub title: String,
    /// The tooltip: a sentence.
    pub tip: String,
    /// Least width, in points.
    pub width: f32,
    /// Greatest width where there is more room than for all extra columns, in points.
    pub max_width: f32,
    /// True if it holds figures, which are aligned to the right.
    pub is_figure: bool,
}

/// A cell of an extra column.
#[derive(Debug, Clone, PartialEq)]
pub enum ExtraCell {
    /// A figure.
    Figure(Cell),
    /// A text.
    Text(String),
    /// Values at equal distances, none of them negative.
    Curve(Vec<f32>),
}

impl ExtraCell {
    /// The accessible name: "Growth 12.3 MB/min", "Trend, rising".
    #[must_use]
    pub fn label(&self, column: &ExtraColumn) -> String {
        match self {
            Self::Figure(cell) if cell.pending => format!("{} computing", column.title),
            Self::Figure(cell) => {
                let gap = if cell.unit.is_empty() { "" } else { " " };
                format!("{} {}{gap}{}", column.title, cell.text, cell.unit)
            }
            Self::Text(text) => format!("{} {text}", column.title),
            Self::Curve(values) => {
                let highest = values.iter().copied().fold(0.0_f32, f32::max);
                let word = match (values.first(), values.last()) {
                    (Some(first), Some(last)) if last - first > 0.5 * highest => "rising",
                    (Some(first), Some(last)) if first - last > 0.5 * highest => "falling",
                    (Some(_), Some(_)) => "level",
                    _ => "computing",
                };
                format!("{}, {word}", column.title)
            }
        }
    }
}

/// The color square of a row that has its own series in the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swatch {
    /// The color of the series.
    pub color: Color32,
    /// True if the series is shown.
    pub on: bool,
}

/// Kind of a row, which decides how its key is drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RowKind {
    /// A row like most.
    #[default]
    Plain,
    /// A row that stands for several; expanding it shows them.
    Folded,
    /// The row of a responsible frame, which is tinted.
    Responsible,
}

/// A row of the flattened tree.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// Identity.
    pub id: RowId,
    /// Depth in the whole tree, 0 for the top rows.
    pub level: u32,
    /// Index of the key column of the text.
    pub key_column: usize,
    /// Indentation in that column, in small steps, for columns that are trees themselves.
    pub indent: u32,
    /// The key.
    pub text: String,
    /// Number of bytes at the start of the text that have a color of their own (the module of a frame), and the color.
    pub lead: Option<(usize, Color32)>,
    /// True if a search found the row; its text is marked.
    pub found: bool,
    /// True if the row is drawn dimmed.
    pub dimmed: bool,
    /// Its kind.
    pub kind: RowKind,
    /// True if the row has children.
    pub expandable: bool,
    /// True if the children are shown.
    pub expanded: bool,
    /// One cell for each column right of the gold bar, in their order.
    pub cells: Vec<Cell>,
    /// The color square, if the row has its own series.
    pub swatch: Option<Swatch>,
}

/// The rows of a flattened tree, and steps between them. Every call must be quick: the table asks while it draws.
pub trait TreeModel {
    /// The columns, keys first.
    fn columns(&self) -> &[Column];
    /// The columns that are shown where there is room, the most useful first.
    fn extra_columns(&self) -> &[ExtraColumn] {
        &[]
    }
    /// The first `count` extra cells of a row.
    fn extra_cells(&self, _id: RowId, _count: usize) -> Vec<ExtraCell> {
        Vec::new()
    }
    /// Number of rows of the flattened tree.
    fn row_count(&self) -> u64;
    /// The row at `index`; `None` beyond the last one.
    fn row(&self, index: u64) -> Option<Row>;
    /// The rows that the row at `index` stands for on the clipboard.
    fn copied(&self, index: u64) -> Vec<Row> {
        self.row(index).into_iter().collect()
    }
    /// The identity of the row at `index`.
    fn id_at(&self, index: u64) -> Option<RowId>;
    /// Index of the row; `None` while it is not in the flattened tree.
    fn index_of(&self, id: RowId) -> Option<u64>;
    /// Index of the parent of the row at `index`.
    fn parent(&self, index: u64) -> Option<u64>;
    /// Index of the largest child of the expanded row at `index`.
    fn largest_child(&self, index: u64) -> Option<u64>;
    /// Index of the first row at or after `from`, wrapping around, whose text starts with `prefix` (in lower case).
    fn find_prefix(&self, from: u64, prefix: &str) -> Option<u64>;
}

/// An action of the user; the owner of the rows carries it out.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Show the children of the row.
    Expand(RowId),
    /// Hide the children of the row.
    Collapse(RowId),
    /// Show everything below the row.
    ExpandAll(RowId),
    /// Sort by the column, or reverse its order.
    Sort {
        /// Id of the column.
        column: u32,
        /// True if to sort by it after the present columns, instead of replacing them.
        add: bool,
    },
    /// Move a column to a place where it is allowed.
    MoveColumn {
        /// Id of the column.
        column: u32,
        /// The new area.
        area: Area,
        /// Id of the column in that area before which it goes; `None` for the end of the area.
        before: Option<u32>,
    },
    /// The selection changed.
    Select,
    /// More rows were selected than `MAX_SELECTED`.
    Cut {
        /// Number of rows that are selected.
        selected: u64,
        /// Number of rows that were meant.
        wanted: u64,
    },
    /// Put this text on the clipboard.
    Copy(String),
    /// Show or hide the series of the row.
    ToggleSeries(RowId),
    /// Show the series of this row alone.
    SoloSeries(RowId),
}
