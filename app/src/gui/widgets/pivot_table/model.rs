//! What the tree table shows: the contract between it and whoever owns the rows. Holds no state and draws nothing.

use eframe::egui::Color32;

/// Identity of a row, as long as its model lives. Whoever computes the rows anew translates the selection
/// ([`TableState::restore`](super::TableState::restore)).
pub type RowId = u64;

/// Which side of the gold and blue bars a column stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// Left of the gold bar: rows are grouped by it.
    Key,
    /// Between the bars: aggregated.
    Data,
    /// Right of the blue bar: aggregated and graphed.
    Graph,
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
#[derive(Debug, Clone, PartialEq)]
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
}

/// One figure of a row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cell {
    /// The figure as text, without its unit.
    pub text: String,
    /// The unit, drawn dimmed; may be empty.
    pub unit: &'static str,
    /// Share of the whole, 0 to 1, drawn as a bar behind the figure.
    pub share: Option<f32>,
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
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Identity.
    pub id: RowId,
    /// Depth in the whole tree, 0 for the top rows.
    pub level: u32,
    /// Index of the key column that the row's text stands in.
    pub key_column: usize,
    /// Depth inside that column, for columns that are trees themselves.
    pub indent: u32,
    /// The key.
    pub text: String,
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
    /// Sort by the column with this id, or turn its order round.
    Sort(u32),
    /// The selection changed.
    Select,
    /// Put this text on the clipboard.
    Copy(String),
    /// Show or hide the series of the row.
    ToggleSeries(RowId),
}

/// The accessible name of a row: "Pool Tag Leak, Count 12,431, Size 23.1 MB".
#[must_use]
pub fn row_label(columns: &[Column], row: &Row) -> String {
    let title = columns.get(row.key_column).map_or("", |c| c.title.as_str());
    let mut label = format!("{title} {}", row.text);
    for (column, cell) in columns.iter().filter(|c| c.area != Area::Key).zip(&row.cells) {
        label.push_str(", ");
        label.push_str(&cell_label(column, cell));
    }
    label
}

/// The accessible name of a cell: "Size 23.1 MB".
#[must_use]
pub fn cell_label(column: &Column, cell: &Cell) -> String {
    let gap = if cell.unit.is_empty() { "" } else { " " };
    format!("{} {}{gap}{}", column.title, cell.text, cell.unit)
}

/// The accessible name of a header: "Size, sorted descending".
#[must_use]
pub fn header_label(column: &Column) -> String {
    match column.sort {
        Some(Sort::Ascending) => format!("{}, sorted ascending", column.title),
        Some(Sort::Descending) => format!("{}, sorted descending", column.title),
        None => column.title.clone(),
    }
}

/// Rows as tab-separated text with a header line; tabs and line ends inside a key become spaces.
pub fn tab_separated(columns: &[Column], rows: impl Iterator<Item = Row>) -> String {
    let clean = |text: &str| text.replace(['\t', '\n', '\r'], " ");
    let keys = columns.iter().filter(|c| c.area == Area::Key).count();
    let mut out = columns.iter().map(|c| clean(&c.title)).collect::<Vec<_>>().join("\t");
    out.push('\n');
    for row in rows {
        let mut fields = vec![String::new(); keys];
        if let Some(field) = fields.get_mut(row.key_column) {
            *field = clean(&row.text);
        }
        fields.extend(row.cells.iter().map(|cell| {
            let gap = if cell.unit.is_empty() { "" } else { " " };
            format!("{}{gap}{}", cell.text, cell.unit)
        }));
        out.push_str(&fields.join("\t"));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<Column> {
        let column = |id, title: &str, area, sort| Column {
            id,
            title: title.into(),
            tip: String::new(),
            area,
            width: 80.0,
            sort,
        };
        vec![
            column(0, "Type", Area::Key, None),
            column(1, "Pool Tag", Area::Key, None),
            column(2, "Count", Area::Data, None),
            column(3, "Size", Area::Data, Some(Sort::Descending)),
        ]
    }

    fn row() -> Row {
        let cell = |text: &str, unit| Cell { text: text.into(), unit, share: None };
        Row {
            id: 7,
            level: 1,
            key_column: 1,
            indent: 0,
            text: "Le\tak".into(),
            expandable: true,
            expanded: false,
            cells: vec![cell("12,431", ""), cell("23.1", "MB")],
            swatch: None,
        }
    }

    #[test]
    fn rows_and_headers_say_what_they_show() {
        let columns = columns();
        assert_eq!(row_label(&columns, &row()), "Pool Tag Le\tak, Count 12,431, Size 23.1 MB");
        assert_eq!(header_label(&columns[3]), "Size, sorted descending");
        assert_eq!(header_label(&columns[0]), "Type");
    }

    #[test]
    fn copied_rows_keep_their_columns() {
        let text = tab_separated(&columns(), std::iter::once(row()));
        assert_eq!(text, "Type\tPool Tag\tCount\tSize\n\tLe ak\t12,431\t23.1 MB\n");
    }
}
