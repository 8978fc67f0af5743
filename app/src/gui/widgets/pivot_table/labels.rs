//! The table as text: the accessible names of rows, cells and headers, and rows for the clipboard. Pure functions of the model.

use super::model::{Area, Cell, Column, Row, Sort, TreeModel};

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

/// Rows as tab-separated text with a header line. A row has its whole path: the keys of the rows above it in their columns, and in
/// a column that is a tree the texts from its top, separated by `;`. Tabs and line ends inside a key become spaces.
pub fn tab_separated(model: &dyn TreeModel, rows: impl Iterator<Item = u64>) -> String {
    let clean = |text: &str| text.replace(['\t', '\n', '\r'], " ");
    let columns = model.columns();
    let keys = columns.iter().filter(|c| c.area == Area::Key).count();
    let mut out = columns.iter().map(|c| clean(&c.title)).collect::<Vec<_>>().join("\t");
    out.push('\n');
    for index in rows {
        let mut path: Vec<Vec<String>> = vec![Vec::new(); keys];
        let mut above = Vec::new();
        let mut at = model.parent(index);
        while let Some(parent) = at {
            above.push(parent);
            at = model.parent(parent);
        }
        // A folded run of rows has all of them.
        let put = |row: &Row, path: &mut Vec<Vec<String>>| {
            path.get_mut(row.key_column).into_iter().for_each(|texts| texts.push(clean(&row.text)));
        };
        above.iter().rev().flat_map(|parent| model.copied(*parent)).for_each(|row| put(&row, &mut path));
        for row in model.copied(index) {
            put(&row, &mut path);
            let mut fields: Vec<String> = path.iter().map(|texts| texts.join(";")).collect();
            fields.extend(row.cells.iter().map(|cell| {
                let gap = if cell.unit.is_empty() { "" } else { " " };
                if cell.pending { String::new() } else { format!("{}{gap}{}", cell.text, cell.unit) }
            }));
            out.push_str(&fields.join("\t"));
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::model::RowId;
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

    /// Two rows: `AIFO`, and the row of these tests below it.
    struct TwoRows(Vec<Column>);

    impl TreeModel for TwoRows {
        fn columns(&self) -> &[Column] {
            &self.0
        }

        fn row_count(&self) -> u64 {
            2
        }

        fn row(&self, index: u64) -> Option<Row> {
            let above = Row { text: "AIFO".to_owned(), cells: vec![Cell::default(); 2], ..Row::default() };
            [above, row()].get(index as usize).cloned()
        }

        fn id_at(&self, index: u64) -> Option<RowId> {
            (index < 2).then_some(index)
        }

        fn index_of(&self, id: RowId) -> Option<u64> {
            (id < 2).then_some(id)
        }

        fn parent(&self, index: u64) -> Option<u64> {
            (index == 1).then_some(0)
        }

        fn largest_child(&self, index: u64) -> Option<u64> {
            (index == 0).then_some(1)
        }

        fn find_prefix(&self, _from: u64, _prefix: &str) -> Option<u64> {
            None
        }
    }

    #[test]
    fn copied_rows_carry_their_path() {
        let text = tab_separated(&TwoRows(columns()), [1].into_iter());
        assert_eq!(text, "Type\tPool Tag\tCount\tSize\nAIFO\tLe ak\t12,431\t23.1 MB\n");
    }
}
