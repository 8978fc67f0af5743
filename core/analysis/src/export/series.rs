//! Curves as a flat file: one row per curve and point, curve after curve.

use super::report::Document;
use super::{csv, json};
use crate::group::values::Value;
use crate::series::SeriesSet;
use std::borrow::Cow;
use std::io::{self, Write};

/// What stands in the key columns of the sum of all combinations that have no curve of their own.
pub const OTHER: &str = "(other)";

/// Writes one JSON object, one row per line.
///
/// # Errors
///
/// What the writer says.
pub fn write_json(out: &mut dyn Write, document: &Document<'_>, set: &SeriesSet) -> io::Result<()> {
    document.open(out, set.keys.iter().map(|k| k.name()))?;
    write!(out, ",\"measure\":\"{}\",\"rows\":[", set.measure.name())?;
    let mut comma = "";
    for curve in 0..set.curves.len() {
        let mut keys = Vec::new();
        for (column, key) in set.keys.iter().enumerate() {
            write!(keys, "\"{}\":", key.name())?;
            json::value(&mut keys, &value(set, curve, column))?;
            keys.push(b',');
        }
        for point in 0..set.times.len() {
            write!(out, "{comma}\n{{\"time_s\":")?;
            json::float(out, set.seconds(point))?;
            out.write_all(b",")?;
            out.write_all(&keys)?;
            out.write_all(b"\"value\":")?;
            json::number(out, set.value(curve, point))?;
            out.write_all(b"}")?;
            comma = ",";
        }
    }
    out.write_all(if set.curves.is_empty() { b"]}\n" } else { b"\n]}\n" })
}

/// Writes a header and one line per row.
///
/// # Errors
///
/// What the writer says.
pub fn write_csv(out: &mut dyn Write, set: &SeriesSet) -> io::Result<()> {
    out.write_all(b"time_s,")?;
    for key in &set.keys {
        write!(out, "{},", key.name())?;
    }
    out.write_all(b"value\n")?;
    for curve in 0..set.curves.len() {
        let mut keys = Vec::new();
        for column in 0..set.keys.len() {
            csv::value(&mut keys, &value(set, curve, column))?;
            keys.push(b',');
        }
        for point in 0..set.times.len() {
            json::float(out, set.seconds(point))?;
            out.write_all(b",")?;
            out.write_all(&keys)?;
            csv::number(out, set.value(curve, point))?;
            out.write_all(b"\n")?;
        }
    }
    Ok(())
}

fn value(set: &SeriesSet, curve: usize, column: usize) -> Value<'_> {
    let ids = set.curves.get(curve).and_then(|c| c.ids.as_ref());
    match (ids.and_then(|ids| ids.get(column)), set.columns.get(column)) {
        (Some(id), Some(column)) => column.value(*id),
        (None, Some(column)) if column.key.is_stack() => Value::Frames(vec![OTHER]),
        _ => Value::Text(Cow::Borrowed(OTHER)),
    }
}
