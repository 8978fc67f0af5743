//! JSON, piece by piece. Numbers are written exactly: integers as integers, quotients with as many digits as bring the
//! same number back.

use crate::group::values::Value;
use crate::pivot::number::Number;
use std::io::{self, Write};

/// A text.
///
/// # Errors
///
/// What the writer says.
pub fn text(out: &mut dyn Write, text: &str) -> io::Result<()> {
    serde_json::to_writer(out, text).map_err(io::Error::from)
}

/// A floating-point number; `null` if it is none.
///
/// # Errors
///
/// What the writer says.
pub fn float(out: &mut dyn Write, number: f64) -> io::Result<()> {
    serde_json::to_writer(out, &number).map_err(io::Error::from)
}

/// A figure.
///
/// # Errors
///
/// What the writer says.
pub fn number(out: &mut dyn Write, value: Number) -> io::Result<()> {
    match value {
        Number::None => out.write_all(b"null"),
        Number::Int(int) => write!(out, "{int}"),
        Number::Float(value) => float(out, value),
    }
}

/// A value of a key column.
///
/// # Errors
///
/// What the writer says.
pub fn value(out: &mut dyn Write, value: &Value<'_>) -> io::Result<()> {
    match value {
        Value::Null => out.write_all(b"null"),
        Value::Text(words) => text(out, words),
        Value::Number(number) => write!(out, "{number}"),
        Value::Seconds(seconds) => float(out, *seconds),
        Value::Frames(frames) => list(out, frames.iter().copied()),
    }
}

/// A list of texts.
///
/// # Errors
///
/// What the writer says.
pub fn list<'t>(out: &mut dyn Write, texts: impl Iterator<Item = &'t str>) -> io::Result<()> {
    out.write_all(b"[")?;
    for (at, item) in texts.enumerate() {
        if at > 0 {
            out.write_all(b",")?;
        }
        text(out, item)?;
    }
    out.write_all(b"]")
}
