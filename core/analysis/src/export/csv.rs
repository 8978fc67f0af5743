//! CSV fields (RFC 4180). A value that is not there is an empty field.

use crate::group::values::Value;
use crate::pivot::number::Number;
use std::io::{self, Write};

/// A text, in quotes where it needs them.
///
/// # Errors
///
/// What the writer says.
pub fn text(out: &mut dyn Write, text: &str) -> io::Result<()> {
    if text.contains(['"', ',', '\n', '\r']) {
        write!(out, "\"{}\"", text.replace('"', "\"\""))
    } else {
        out.write_all(text.as_bytes())
    }
}

/// A figure.
///
/// # Errors
///
/// What the writer says.
pub fn number(out: &mut dyn Write, value: Number) -> io::Result<()> {
    match value {
        Number::None => Ok(()),
        other => super::json::number(out, other),
    }
}

/// A value of a key column; the frames of a stack are joined by `;`.
///
/// # Errors
///
/// What the writer says.
pub fn value(out: &mut dyn Write, value: &Value<'_>) -> io::Result<()> {
    match value {
        Value::Null => Ok(()),
        Value::Text(words) => text(out, words),
        Value::Frames(frames) => text(out, &frames.join(";")),
        other => super::json::value(out, other),
    }
}
