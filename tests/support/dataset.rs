//! Datasets read back with the record reader of the crate `parquet`, which shares no code with what wrote them.

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::path::{Path, PathBuf};

/// A row by the names of its columns.
pub type Record = Map<String, Value>;

/// All files below a folder, hidden ones included, in order.
#[must_use]
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).expect("a folder can be listed").flatten() {
            let path = entry.path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// The files of a table, in order.
#[must_use]
pub fn files_of(dataset: &Path, table: &str) -> Vec<PathBuf> {
    let folder = dataset.join(table);
    if !folder.is_dir() {
        return Vec::new();
    }
    files_below(&folder).into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "parquet")).collect()
}

/// All rows of a table.
#[must_use]
pub fn rows_of(dataset: &Path, table: &str) -> Vec<Record> {
    files_of(dataset, table).iter().flat_map(|path| rows_in(path)).collect()
}

/// All rows of a file.
///
/// # Panics
/// If it is no Parquet file.
#[must_use]
pub fn rows_in(path: &Path) -> Vec<Record> {
    let reader = SerializedFileReader::new(File::open(path).expect("a file")).expect("a Parquet file");
    let rows = reader.get_row_iter(None).expect("rows");
    rows.map(|row| record(&row.expect("a row can be read"))).collect()
}

fn record(row: &Row) -> Record {
    row.get_column_iter().map(|(name, field)| (name.clone(), value(field))).collect()
}

fn value(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(flag) => json!(flag),
        Field::Long(number) => json!(number),
        Field::Double(number) => json!(number),
        Field::Str(text) => json!(text),
        Field::Group(row) => Value::Object(record(row)),
        Field::ListInternal(list) => Value::Array(list.elements().iter().map(value).collect()),
        other => panic!("no column has such a type: {other}"),
    }
}

/// A text of a row.
///
/// # Panics
/// If the column has no text.
#[must_use]
pub fn text<'r>(row: &'r Record, column: &str) -> &'r str {
    row[column].as_str().unwrap_or_else(|| panic!("{column} is {}", row[column]))
}

/// An integer of a row.
///
/// # Panics
/// If the column has no integer.
#[must_use]
pub fn integer(row: &Record, column: &str) -> i64 {
    row[column].as_i64().unwrap_or_else(|| panic!("{column} is {}", row[column]))
}
