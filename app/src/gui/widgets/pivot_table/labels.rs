//! The table as text: the accessible names of rows, cells and headers, and rows for the clipboard. Pure functions of the model.

use super::model::{Area, Cell, Column, Row, Sort};

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

/// The accessible name of a cell: "Size 23.1 MB", or "Size computing".
#[must_use]
pub fn cell_label(column: &Column, cell: &Cell) -> String {
    if cell.pending {
        return format!("{} computing", column.title);
    }
    let gap = if cell.unit.is_empty() { "" } else { " " };
    format!("{} {}{gap}{}", column.title, cell.text, cell.unit)
}

/// The accessible name of a header: "Size, sorted descending", and its rank when `several` columns are sorted by.
#[must_use]
pub fn header_label(column: &Column, several: bool) -> String {
    let direction = match column.sort {
        Some(Sort::Ascending) => "ascending",
        Some(Sort::Descending) => "descending",
        None => return column.title.clone(),
    };
    let rank = match (several, column.sort_rank) {
        (false, _) => String::new(),
        (true, 0 | 1) => ", first".to_owned(),
        (true, 2) => ", second".to_owned(),
        (true, 3) => ", third".to_owned(),
        (true, rank) => format!(", number {rank}"),
    };
    format!("{}, sorted {direction}{rank}", column.title)
}

/// Returns `true` if the rows are sorted by more than one column.
#[must_use]
pub fn several_sorted(columns: &[Column]) -> bool {
    columns.iter().filter(|c| c.sort.is_some()).count() > 1
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
            if cell.pending { String::new() } else { format!("{}{gap}{}", cell.text, cell.unit) }
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
            ..Column::default()
        };
        vec![
            column(0, "Type", Area::Key, None),
            column(1, "Pool Tag", Area::Key, None),
            column(2, "Count", Area::Data, None),
            column(3, "Size", Area::Data, Some(Sort::Descending)),
        ]
    }

    fn row() -> Row {
        let cell = |text: &str, unit| Cell { text: text.into(), unit, ..Cell::default() };
        Row {
            id: 7,
            level: 1,
            key_column: 1,
            text: "Le\tak".into(),
            expandable: true,
            cells: vec![cell("12,431", ""), cell("23.1", "MB")],
            ..Row::default()
        }
    }

    #[test]
    fn rows_and_headers_say_what_they_show() {
        let columns = columns();
        assert_eq!(row_label(&columns, &row()), "Pool Tag Le\tak, Count 12,431, Size 23.1 MB");
        assert_eq!(header_label(&columns[3], false), "Size, sorted descending");
        assert_eq!(header_label(&columns[0], true), "Type");
        let second = Column { sort_rank: 2, ..columns[3].clone() };
        assert_eq!(header_label(&second, true), "Size, sorted descending, second");
        let fourth = Column { sort_rank: 4, ..columns[3].clone() };
        assert_eq!(header_label(&fourth, true), "Size, sorted descending, number 4");
        let mut waiting = row();
        waiting.cells[1].pending = true;
        assert_eq!(row_label(&columns, &waiting), "Pool Tag Le\tak, Count 12,431, Size computing");
        assert!(!several_sorted(&columns));
    }

    #[test]
    fn copied_rows_keep_their_columns() {
        let text = tab_separated(&columns(), std::iter::once(row()));
        assert_eq!(text, "Type\tPool Tag\tCount\tSize\n\tLe ak\t12,431\t23.1 MB\n");
    }
}
