//! One Parquet file: rows are written in groups, and each group column by column in the order of the schema. A column is encoded and
//! compressed as it comes and leaves memory with it, so that memory does not grow with the file.

use crate::error::FleetError;
use crate::{SCHEMA_VERSION, tables};
use parquet::basic::{Compression, Encoding, Type as PhysicalType};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};
use serde_json::{Map, Value};
use std::fs::File;
use std::sync::Arc;

/// Rows of a group at most. Engines read groups in parallel and skip those whose statistics rule them out.
pub const GROUP_ROWS: usize = 1 << 17;

/// A Parquet file that is being written.
pub struct TableFile {
    writer: SerializedFileWriter<File>,
    columns: Arc<[ColumnShape]>,
}

impl TableFile {
    /// Begins a file with a schema in Parquet's language.
    ///
    /// # Errors
    /// The schema is none, or the file cannot be written.
    pub fn new(file: File, schema: &str) -> Result<Self, FleetError> {
        let schema = Arc::new(parse_message_type(schema)?);
        let version = KeyValue::new("poolscope.schema_version".to_owned(), SCHEMA_VERSION.to_string());
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("poolscope ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(vec![version]))
            .set_statistics_enabled(EnabledStatistics::Chunk);
        let descriptor = SchemaDescriptor::new(Arc::clone(&schema));
        for column in descriptor.columns() {
            // Times are nearly sorted: differences take two or three bytes instead of eight.
            if column.name().ends_with(tables::TIME_SUFFIX) {
                properties = properties
                    .set_column_dictionary_enabled(column.path().clone(), false)
                    .set_column_encoding(column.path().clone(), Encoding::DELTA_BINARY_PACKED);
            }
        }
        let columns = descriptor.columns().iter().map(ColumnShape::of).collect();
        Ok(Self { writer: SerializedFileWriter::new(file, schema, Arc::new(properties.build()))?, columns })
    }

    /// Writes a group of rows; `write` gives all columns in the order of the schema.
    ///
    /// # Errors
    /// The columns are not those of the schema, or the file cannot be written.
    pub fn group(
        &mut self,
        rows: usize,
        write: impl FnOnce(&mut RowGroup<'_>) -> Result<(), FleetError>,
    ) -> Result<(), FleetError> {
        let columns = Arc::clone(&self.columns);
        let mut group = RowGroup { inner: self.writer.next_row_group()?, columns, next: 0, rows };
        write(&mut group)?;
        group.finish()
    }

    /// Writes objects as rows: each field to the column of its name. Columns of lists take arrays.
    ///
    /// # Errors
    /// A column has no field, or one of another type; or the file cannot be written.
    pub fn objects(&mut self, rows: &[Map<String, Value>]) -> Result<(), FleetError> {
        rows.chunks(GROUP_ROWS).try_for_each(|rows| self.group(rows.len(), |group| group.objects(rows)))
    }

    /// Ends the file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(self) -> Result<File, FleetError> {
        Ok(self.writer.into_inner()?)
    }
}

/// A column as the schema has it.
#[derive(Clone, Debug)]
struct ColumnShape {
    /// Names from the outermost, joined by dots.
    path: String,
    kind: PhysicalType,
    /// Definition level of a value that is there.
    present: i16,
    is_list: bool,
}

impl ColumnShape {
    fn of(column: &ColumnDescPtr) -> Self {
        Self {
            path: column.path().string(),
            kind: column.physical_type(),
            present: column.max_def_level(),
            is_list: column.max_rep_level() > 0,
        }
    }
}

/// A group of rows that is being written.
pub struct RowGroup<'w> {
    inner: SerializedRowGroupWriter<'w, File>,
    columns: Arc<[ColumnShape]>,
    next: usize,
    rows: usize,
}

/// Values of a column with their levels, as Parquet has them.
struct Levels<T> {
    values: Vec<T>,
    definition: Vec<i16>,
    repetition: Vec<i16>,
}

impl RowGroup<'_> {
    /// Writes a column of texts.
    ///
    /// # Errors
    /// It is not the next column of the schema, or the file cannot be written.
    pub fn texts(&mut self, path: &str, values: impl Iterator<Item = Option<ByteArray>>) -> Result<(), FleetError> {
        self.scalars::<ByteArrayType>(path, values)
    }

    /// Writes a column with the same text in each row.
    ///
    /// # Errors
    /// As [`Self::texts`].
    pub fn text(&mut self, path: &str, value: &str) -> Result<(), FleetError> {
        let value = ByteArray::from(value);
        let rows = self.rows;
        self.texts(path, std::iter::repeat_n(Some(value), rows))
    }

    /// Writes a column of integers.
    ///
    /// # Errors
    /// As [`Self::texts`].
    pub fn integers(&mut self, path: &str, values: impl Iterator<Item = Option<i64>>) -> Result<(), FleetError> {
        self.scalars::<Int64Type>(path, values)
    }

    /// Writes a column of floating-point numbers.
    ///
    /// # Errors
    /// As [`Self::texts`].
    pub fn numbers(&mut self, path: &str, values: impl Iterator<Item = Option<f64>>) -> Result<(), FleetError> {
        self.scalars::<DoubleType>(path, values)
    }

    /// Writes a column of truth values.
    ///
    /// # Errors
    /// As [`Self::texts`].
    pub fn flags(&mut self, path: &str, values: impl Iterator<Item = bool>) -> Result<(), FleetError> {
        self.scalars::<BoolType>(path, values.map(Some))
    }

    /// Writes a column of lists of texts.
    ///
    /// # Errors
    /// As [`Self::texts`].
    pub fn text_lists<L>(&mut self, path: &str, lists: impl Iterator<Item = L>) -> Result<(), FleetError>
    where
        L: IntoIterator<Item = Option<ByteArray>>,
    {
        self.lists::<ByteArrayType, L>(path, lists)
    }

    /// Writes a column of lists of integers.
    ///
    /// # Errors
    /// As [`Self::texts`].
    pub fn integer_lists<L>(&mut self, path: &str, lists: impl Iterator<Item = L>) -> Result<(), FleetError>
    where
        L: IntoIterator<Item = Option<i64>>,
    {
        self.lists::<Int64Type, L>(path, lists)
    }

    fn scalars<T: DataType>(
        &mut self,
        path: &str,
        items: impl Iterator<Item = Option<T::T>>,
    ) -> Result<(), FleetError> {
        let column = self.column::<T>(path, false)?;
        let mut levels =
            Levels { values: Vec::with_capacity(self.rows), definition: Vec::new(), repetition: Vec::new() };
        for item in items {
            match (item, column.present) {
                (Some(value), 0) => levels.values.push(value),
                (Some(value), present) => {
                    levels.values.push(value);
                    levels.definition.push(present);
                }
                (None, 0) => return Err(FleetError::Schema(format!("column {path} has no value in a row"))),
                (None, present) => levels.definition.push(present - 1),
            }
        }
        self.put::<T>(&levels)
    }

    fn lists<T: DataType, L>(&mut self, path: &str, lists: impl Iterator<Item = L>) -> Result<(), FleetError>
    where
        L: IntoIterator<Item = Option<T::T>>,
    {
        let column = self.column::<T>(path, true)?;
        let mut levels = Levels { values: Vec::new(), definition: Vec::new(), repetition: Vec::new() };
        for list in lists {
            let before = levels.definition.len();
            for item in list {
                levels.repetition.push(i16::from(levels.definition.len() > before));
                // Level 1: the element is there, and its value is not.
                levels.definition.push(if item.is_some() { column.present } else { 1 });
                if item.is_none() && column.present == 1 {
                    return Err(FleetError::Schema(format!("column {path} has no value in a list")));
                }
                levels.values.extend(item);
            }
            if levels.definition.len() == before {
                // An empty list.
                levels.repetition.push(0);
                levels.definition.push(0);
            }
        }
        self.put::<T>(&levels)
    }

    /// The next column, which must have this path and type.
    fn column<T: DataType>(&self, path: &str, is_list: bool) -> Result<ColumnShape, FleetError> {
        let column = self.columns.get(self.next);
        let fits = |column: &&ColumnShape| {
            column.path == path && column.kind == T::get_physical_type() && column.is_list == is_list
        };
        let wrong = || FleetError::Schema(format!("column {path} was written, and the schema has {column:?}"));
        column.filter(fits).cloned().ok_or_else(wrong)
    }

    fn put<T: DataType>(&mut self, levels: &Levels<T::T>) -> Result<(), FleetError> {
        self.next += 1;
        let Some(mut column) = self.inner.next_column()? else {
            return Err(FleetError::Schema("the schema has no more columns".to_owned()));
        };
        // Columns whose values are all required and no lists have no levels.
        let definition = Some(levels.definition.as_slice()).filter(|levels| !levels.is_empty());
        let repetition = Some(levels.repetition.as_slice()).filter(|levels| !levels.is_empty());
        column.typed::<T>().write_batch(&levels.values, definition, repetition)?;
        Ok(column.close()?)
    }

    fn objects(&mut self, rows: &[Map<String, Value>]) -> Result<(), FleetError> {
        for column in &*Arc::clone(&self.columns) {
            let name = column.path.split('.').next().unwrap_or_default();
            let mut fields = Vec::with_capacity(rows.len());
            for row in rows {
                let field = row.get(name).filter(|value| fits(value, column));
                let wrong = || FleetError::Schema(format!("column {name} cannot hold {:?}", row.get(name)));
                fields.push(field.ok_or_else(wrong)?);
            }
            let path = column.path.as_str();
            let items = |value: &&Value| value.as_array().cloned().unwrap_or_default();
            match (column.is_list, column.kind) {
                (false, PhysicalType::BYTE_ARRAY) => self.texts(path, fields.iter().map(|v| text(v)))?,
                (false, PhysicalType::INT64) => self.integers(path, fields.iter().map(|v| integer(v)))?,
                (false, PhysicalType::DOUBLE) => self.numbers(path, fields.iter().map(|v| v.as_f64()))?,
                (false, _) => self.flags(path, fields.iter().map(|v| v.as_bool().unwrap_or_default()))?,
                (true, PhysicalType::INT64) => {
                    let list = |value| items(value).into_iter().map(|item| integer(&item)).collect::<Vec<_>>();
                    self.integer_lists(path, fields.iter().map(list))?;
                }
                (true, _) => {
                    let list = |value| items(value).into_iter().map(|item| text(&item)).collect::<Vec<_>>();
                    self.text_lists(path, fields.iter().map(list))?;
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<(), FleetError> {
        if let Some(column) = self.columns.get(self.next) {
            return Err(FleetError::Schema(format!("column {} was not written", column.path)));
        }
        self.inner.close()?;
        Ok(())
    }
}

fn text(value: &Value) -> Option<ByteArray> {
    value.as_str().map(ByteArray::from)
}

/// An integer; one above the largest that a column can hold becomes that.
fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_u64().map(|_| i64::MAX))
}

/// Returns `true` if a column can hold a value of an object.
fn fits(value: &Value, column: &ColumnShape) -> bool {
    let of_kind = |value: &Value| match column.kind {
        PhysicalType::BYTE_ARRAY => value.is_string(),
        PhysicalType::INT64 => value.is_i64() || value.is_u64(),
        PhysicalType::DOUBLE => value.is_number(),
        PhysicalType::BOOLEAN => value.is_boolean(),
        _ => false,
    };
    match value {
        Value::Array(items) => column.is_list && items.iter().all(of_kind),
        Value::Null => !column.is_list && column.present > 0,
        value => !column.is_list && of_kind(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use serde_json::json;

    const SCHEMA: &str = "message t {
        REQUIRED BINARY name (STRING);
        OPTIONAL INT64 at_utc_ns;
        OPTIONAL DOUBLE share;
        REQUIRED BOOLEAN is_good;
        REQUIRED group words (LIST) { REPEATED group list { REQUIRED BINARY element (STRING); } }
    }";

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().expect("an object").clone()
    }

    fn written(rows: &[Map<String, Value>]) -> Result<Vec<String>, FleetError> {
        let file = tempfile::tempfile().expect("a file");
        let mut table = TableFile::new(file.try_clone().expect("a handle"), SCHEMA)?;
        table.objects(rows)?;
        table.finish()?;
        let reader = SerializedFileReader::new(file).expect("a Parquet file");
        let rows = reader.get_row_iter(None).expect("rows");
        Ok(rows.map(|row| row.expect("a row").to_string()).collect())
    }

    #[test]
    fn objects_are_read_back() {
        let rows = [
            object(json!({"name": "a", "at_utc_ns": 5, "share": 0.5, "is_good": true, "words": ["x", "y"]})),
            object(json!({"name": "", "at_utc_ns": null, "share": null, "is_good": false, "words": []})),
            object(json!({"name": "c", "at_utc_ns": u64::MAX, "share": 1, "is_good": true, "words": ["z"], "more": 1})),
        ];
        let expected = [
            r#"{name: "a", at_utc_ns: 5, share: 0.5, is_good: true, words: ["x", "y"]}"#,
            r#"{name: "", at_utc_ns: null, share: null, is_good: false, words: []}"#,
            r#"{name: "c", at_utc_ns: 9223372036854775807, share: 1.0, is_good: true, words: ["z"]}"#,
        ];
        assert_eq!(written(&rows).expect("they fit"), expected);
        assert_eq!(written(&[]).expect("no rows"), Vec::<String>::new());
    }

    #[test]
    fn rows_that_do_not_fit_the_schema_are_refused() {
        let good = json!({"name": "a", "at_utc_ns": 5, "share": 0.5, "is_good": true, "words": []});
        for (field, value) in [
            ("name", json!(null)),
            ("name", json!(1)),
            ("at_utc_ns", json!("x")),
            ("is_good", json!(null)),
            ("words", json!(null)),
            ("words", json!([1])),
        ] {
            let mut row = object(good.clone());
            row.insert(field.to_owned(), value);
            let error = written(&[row]).expect_err("it does not fit").to_string();
            assert!(error.contains(field), "{error}");
        }
        let mut missing = object(good);
        missing.remove("share");
        assert!(written(&[missing]).is_err());
    }

    #[test]
    fn columns_come_in_the_order_of_the_schema() {
        let table = || TableFile::new(tempfile::tempfile().expect("a file"), SCHEMA).expect("a schema");
        let wrong = table().group(1, |group| group.integers("at_utc_ns", std::iter::once(Some(1))));
        assert!(wrong.is_err());
        assert!(table().group(1, |group| group.text("name", "a")).is_err(), "columns are missing");
        let none = table().group(1, |group| group.texts("name", std::iter::once(None)));
        assert!(none.is_err(), "a value is required");
    }
}
