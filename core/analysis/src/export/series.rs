//! Curves as a flat table: one row per curve and point, curve after curve.

use super::report::{DocumentHeader, HeaderFields};
use super::{csv, json, schema};
use crate::group::column::KeyValue;
use crate::series::SeriesSet;
use schemars::JsonSchema;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::io::{self, Write};
use std::rc::Rc;

/// Value of the key columns in the row of all groups that have no curve of their own.
pub const OTHER: &str = "(other)";

/// A series document without its rows.
#[derive(JsonSchema, Serialize)]
struct SeriesHead<'s> {
    #[serde(flatten)]
    header: HeaderFields<'s>,
    measure: &'s str,
    /// Number of groups, with those that are combined in one curve.
    group_count: usize,
}

/// A point of a curve, with the key values of the curve.
struct PointRow<'s> {
    set: &'s SeriesSet,
    keys: Rc<Vec<KeyValue<'s>>>,
    curve: usize,
    point: usize,
}

impl Serialize for PointRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("time_s", &self.set.seconds(self.point))?;
        for (key, value) in self.set.keys.iter().zip(&*self.keys) {
            map.serialize_entry(key.name(), value)?;
        }
        map.serialize_entry("value", &self.set.value(self.curve, self.point))?;
        map.end()
    }
}

impl JsonSchema for PointRow<'_> {
    fn schema_name() -> Cow<'static, str> {
        "PointRow".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let own =
            [("time_s", "number"), ("value", "number")].map(|(name, kind)| (name.to_owned(), schema::typed(kind)));
        schema::of_row(own.into_iter().chain(schema::keys()), &["time_s", "value"])
    }
}

/// JSON Schema of the document that [`write_json`] writes.
#[must_use]
pub fn json_schema() -> schemars::Schema {
    schema::of_document::<SeriesHead<'_>, PointRow<'_>>()
}

/// Writes one JSON object, one row per line.
///
/// # Errors
/// If the output cannot be written.
pub fn write_json(out: &mut dyn Write, header: &DocumentHeader<'_>, set: &SeriesSet) -> io::Result<()> {
    let header = header.fields(set.keys.iter().map(|k| k.name()));
    let own = set.curves.iter().filter(|curve| curve.ids.is_some()).count();
    let head = SeriesHead { header, measure: set.metric.name(), group_count: own + set.others };
    let rows = (0..set.curves.len()).flat_map(|curve| {
        let keys = Rc::new((0..set.keys.len()).map(|column| key_value(set, curve, column)).collect::<Vec<_>>());
        (0..set.times.len()).map(move |point| PointRow { set, keys: Rc::clone(&keys), curve, point })
    });
    json::write_document(out, &head, rows)
}

/// Writes a header and one line per row.
///
/// # Errors
/// If the output cannot be written.
pub fn write_csv(out: &mut dyn Write, set: &SeriesSet) -> io::Result<()> {
    out.write_all(b"time_s,")?;
    for key in &set.keys {
        write!(out, "{},", key.name())?;
    }
    out.write_all(b"value\n")?;
    for curve in 0..set.curves.len() {
        let mut keys = Vec::new();
        for column in 0..set.keys.len() {
            csv::value(&mut keys, &key_value(set, curve, column))?;
            keys.push(b',');
        }
        for point in 0..set.times.len() {
            csv::value(out, &KeyValue::Seconds(set.seconds(point)))?;
            out.write_all(b",")?;
            out.write_all(&keys)?;
            csv::number(out, set.value(curve, point))?;
            out.write_all(b"\n")?;
        }
    }
    Ok(())
}

fn key_value(set: &SeriesSet, curve: usize, column: usize) -> KeyValue<'_> {
    let ids = set.curves.get(curve).and_then(|c| c.ids.as_ref());
    match (ids.and_then(|ids| ids.get(column)), set.columns.get(column)) {
        (Some(id), Some(column)) => column.value(*id),
        (None, Some(column)) if column.key.is_stack() => KeyValue::Frames(vec![OTHER]),
        _ => KeyValue::Text(Cow::Borrowed(OTHER)),
    }
}
