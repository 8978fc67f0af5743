//! A plain table in the four formats: for people with units, for machines exact.

use super::io::Io;
use super::report_markdown::escape;
use crate::format;
use poolscope_recording::poolmon::{TagSuggestion, TagGroup};
use serde_json::{Map, Value, json};
use std::io::Write;

/// A column.
pub struct Column {
    name: &'static str,
    title: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Bytes,
    Count,
}

impl Column {
    /// Words.
    pub const fn text(name: &'static str, title: &'static str) -> Self {
        Self { name, title, kind: Kind::Text }
    }

    /// Bytes.
    pub const fn bytes(name: &'static str, title: &'static str) -> Self {
        Self { name, title, kind: Kind::Bytes }
    }

    /// A number.
    pub const fn count(name: &'static str, title: &'static str) -> Self {
        Self { name, title, kind: Kind::Count }
    }
}

/// A cell.
pub enum Cell {
    /// Not known.
    None,
    /// Words.
    Text(String),
    /// A figure.
    Number(i128),
}

impl From<Option<u64>> for Cell {
    fn from(value: Option<u64>) -> Self {
        value.map_or(Self::None, |value| Self::Number(value.into()))
    }
}

/// A table; every row has as many cells as there are columns.
pub struct Table {
    /// The line on top.
    pub heading: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    fn shown(&self, top: usize) -> &[Vec<Cell>] {
        self.rows.get(..top).unwrap_or(&self.rows)
    }

    /// The cells as people read them.
    fn words(&self, top: usize) -> Vec<Vec<String>> {
        let cell = |(cell, column): (&Cell, &Column)| match cell {
            Cell::None => "-".to_owned(),
            // What does something to a terminal was left out when the text was read.
            Cell::Text(text) => text.clone(),
            Cell::Number(value) => {
                let magnitude = u64::try_from(value.unsigned_abs()).unwrap_or(u64::MAX);
                let show = if column.kind == Kind::Bytes { format::bytes } else { format::count };
                format!("{}{}", if *value < 0 { "-" } else { "" }, show(magnitude))
            }
        };
        self.shown(top).iter().map(|row| row.iter().zip(&self.columns).map(cell).collect()).collect()
    }

    fn rest(&self, top: usize) -> usize {
        self.rows.len().saturating_sub(top)
    }

    /// Writes it for reading.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_text(&self, io: &mut Io<'_>, top: usize) -> std::io::Result<()> {
        let (bold, end) = if io.color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        writeln!(io.out, "{bold}{}{end}\n", self.heading)?;
        let words = self.words(top);
        let width = |at: usize, column: &Column| {
            let cells = words.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
            cells.chain([column.title.chars().count()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = self.columns.iter().enumerate().map(|(at, column)| width(at, column)).collect();
        let line = |cells: &[String]| {
            let padded =
                cells.iter().zip(&self.columns).zip(&widths).map(|((cell, column), width)| match column.kind {
                    Kind::Text => format!("{cell:<width$}"),
                    Kind::Bytes | Kind::Count => format!("{cell:>width$}"),
                });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let titles: Vec<String> = self.columns.iter().map(|column| column.title.to_owned()).collect();
        writeln!(io.out, "{}", line(&titles))?;
        for row in &words {
            writeln!(io.out, "{}", line(row))?;
        }
        if self.rest(top) > 0 {
            writeln!(io.out, "{} more rows are not shown; --top shows more.", format::count(self.rest(top) as u64))?;
        }
        Ok(())
    }

    /// Writes it for a ticket or a mail.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_markdown(&self, out: &mut dyn Write, top: usize) -> std::io::Result<()> {
        writeln!(out, "**{}**\n", escape(&self.heading))?;
        let titles: Vec<&str> = self.columns.iter().map(|column| column.title).collect();
        writeln!(out, "| {} |", titles.join(" | "))?;
        let rules = self.columns.iter().map(|column| if column.kind == Kind::Text { "---" } else { "---:" });
        writeln!(out, "| {} |", rules.collect::<Vec<_>>().join(" | "))?;
        for row in self.words(top) {
            writeln!(out, "| {} |", row.iter().map(|cell| escape(cell)).collect::<Vec<_>>().join(" | "))?;
        }
        if self.rest(top) > 0 {
            writeln!(out, "\n{} more rows are not shown.", format::count(self.rest(top) as u64))?;
        }
        Ok(())
    }

    /// Writes exact figures, one row per line.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_csv(&self, out: &mut dyn Write, top: usize) -> std::io::Result<()> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(self.columns.iter().map(|column| column.name))?;
        for row in self.shown(top) {
            writer.write_record(row.iter().map(|cell| match cell {
                Cell::None => String::new(),
                Cell::Text(text) => text.clone(),
                Cell::Number(value) => value.to_string(),
            }))?;
        }
        writer.flush()
    }

    /// Writes one object, with the tags worth recording.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_json(&self, out: &mut dyn Write, top: usize, suggestion: &TagSuggestion) -> std::io::Result<()> {
        let cell = |cell: &Cell| match cell {
            Cell::None => Value::Null,
            Cell::Text(text) => Value::from(text.as_str()),
            Cell::Number(value) => {
                i64::try_from(*value).map_or_else(|_| Value::from(u64::try_from(*value).ok()), Value::from)
            }
        };
        let row = |row: &Vec<Cell>| {
            let fields = row.iter().zip(&self.columns).map(|(value, column)| (column.name.to_owned(), cell(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        };
        let document = json!({
            "heading": self.heading,
            "record": { "tags": suggestion.tags, "basis": suggestion.basis.name() },
            "lockstep": suggestion.groups.iter().map(lockstep).collect::<Vec<_>>(),
            "rows": self.shown(top).iter().map(row).collect::<Vec<_>>(),
        });
        serde_json::to_writer_pretty(&mut *out, &document).map_err(std::io::Error::from)?;
        writeln!(out)
    }
}

/// Tags that grow together.
pub fn lockstep(group: &TagGroup) -> Value {
    let tag = |tag: &poolscope_recording::poolmon::lockstep::TagGroupMember| {
        json!({
            "tag": tag.tag,
            "pool": tag.pool.name(),
            "blocks": tag.blocks,
            "bytes": tag.bytes,
            "parts": tag.blocks_per_object,
            "never_freed": tag.never_freed,
        })
    };
    json!({
        "sentence": group.sentence(),
        "objects": group.objects,
        "tags": group.members.iter().map(tag).collect::<Vec<_>>(),
    })
}
