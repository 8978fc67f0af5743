//! Tables as text: aligned for a terminal, and Markdown.

use std::io::{self, Write};

/// Alignment of a column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Align {
    /// Texts.
    Left,
    /// Numbers.
    Right,
}

/// A column.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    title: String,
    align: Align,
}

impl Column {
    /// A column of texts.
    pub fn text(title: impl Into<String>) -> Self {
        Self { title: title.into(), align: Align::Left }
    }

    /// A column of numbers.
    pub fn number(title: impl Into<String>) -> Self {
        Self { title: title.into(), align: Align::Right }
    }
}

/// Rows of texts below titles. Every row has as many cells as there are columns.
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
    /// Width of each column in characters.
    widths: Vec<usize>,
}

impl Table {
    /// A table of these rows.
    #[must_use]
    pub fn new(columns: Vec<Column>, rows: Vec<Vec<String>>) -> Self {
        let width = |(at, column): (usize, &Column)| {
            let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
            cells.chain([column.title.chars().count()]).max().unwrap_or(0)
        };
        let widths = columns.iter().enumerate().map(width).collect();
        Self { columns, rows, widths }
    }

    /// The titles as one aligned line, without trailing blanks.
    #[must_use]
    pub fn header(&self) -> String {
        self.aligned(self.columns.iter().map(|column| column.title.as_str()))
    }

    /// A row as one aligned line, without trailing blanks.
    #[must_use]
    pub fn row(&self, at: usize) -> String {
        self.aligned(self.rows.get(at).into_iter().flatten().map(String::as_str))
    }

    fn aligned<'c>(&self, cells: impl Iterator<Item = &'c str>) -> String {
        let padded = cells.zip(&self.columns).zip(&self.widths).map(|((cell, column), width)| match column.align {
            Align::Left => format!("{cell:<width$}"),
            Align::Right => format!("{cell:>width$}"),
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    }

    /// Writes the table as Markdown. Cells must be escaped already; see [`escape_markdown`].
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn write_markdown(&self, out: &mut dyn Write) -> io::Result<()> {
        let titles: Vec<&str> = self.columns.iter().map(|column| column.title.as_str()).collect();
        writeln!(out, "| {} |", titles.join(" | "))?;
        let rule = |column: &Column| if column.align == Align::Left { "---" } else { "---:" };
        writeln!(out, "| {} |", self.columns.iter().map(rule).collect::<Vec<_>>().join(" | "))?;
        self.rows.iter().try_for_each(|row| writeln!(out, "| {} |", row.join(" | ")))
    }
}

/// A text without characters that Markdown interprets. Trailing blanks, as tags have them, are not preserved by Markdown.
#[must_use]
pub fn escape_markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '*' | '_' | '`' | '\\' | '[' | ']' | '#' => {
                out.push('\\');
                out.push(c);
            }
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["Leak", "1,204"], ["Irp", "7"]].map(|row| row.map(str::to_owned).to_vec()).to_vec();
        let table = Table::new(vec![Column::text("Tag"), Column::number("Frees")], rows);
        assert_eq!([table.header(), table.row(0), table.row(1)], ["Tag   Frees", "Leak  1,204", "Irp       7"]);
        let mut out = Vec::new();
        table.write_markdown(&mut out).unwrap();
        let markdown = "| Tag | Frees |\n| --- | ---: |\n| Leak | 1,204 |\n| Irp | 7 |\n";
        assert_eq!(String::from_utf8(out).unwrap(), markdown);
    }

    #[test]
    fn markdown_characters_are_escaped() {
        assert_eq!(escape_markdown("a|b_<c>"), "a\\|b\\_&lt;c&gt;");
    }
}
