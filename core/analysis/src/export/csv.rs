//! CSV fields (RFC 4180). A missing value is an empty field; numbers have the same digits as in JSON.

use crate::group::column::KeyValue;
use crate::pivot::metric::Value;
use serde::Serialize;
use std::io::{self, Write};

/// Writes a text, in quotes where the format needs them.
///
/// # Errors
/// If the output cannot be written.
pub fn text(out: &mut dyn Write, text: &str) -> io::Result<()> {
    if text.contains(['"', ',', '\n', '\r']) {
        write!(out, "\"{}\"", text.replace('"', "\"\""))
    } else {
        out.write_all(text.as_bytes())
    }
}

/// Writes texts as one line.
///
/// # Errors
/// If the output cannot be written.
pub fn line<T: AsRef<str>>(out: &mut dyn Write, fields: impl IntoIterator<Item = T>) -> io::Result<()> {
    for (at, field) in fields.into_iter().enumerate() {
        out.write_all(if at > 0 { b"," } else { b"" })?;
        text(out, field.as_ref())?;
    }
    out.write_all(b"\n")
}

/// Bytes at the beginning of a file by which spreadsheets recognize UTF-8.
pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Writes a value of a key column for spreadsheets: a text that they would run as a formula begins with an apostrophe
/// (<https://owasp.org/www-community/attacks/CSV_Injection>), and a text with a sign that may separate fields is in quotes.
/// Numbers are the same as in [`value`].
///
/// # Errors
/// If the output cannot be written.
pub fn spreadsheet_value(out: &mut dyn Write, value: &KeyValue<'_>) -> io::Result<()> {
    match value {
        KeyValue::Text(words) => spreadsheet_text(out, words),
        KeyValue::Frames(frames) => spreadsheet_text(out, &frames.join(";")),
        other => self::value(out, other),
    }
}

/// Writes a text for spreadsheets; see [`spreadsheet_value`].
///
/// # Errors
/// If the output cannot be written.
pub fn spreadsheet_text(out: &mut dyn Write, words: &str) -> io::Result<()> {
    let signs = ['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
    let guard = if words.starts_with(signs) { "'" } else { "" };
    if words.contains(['"', ',', ';', '\t', '\n', '\r']) {
        write!(out, "\"{guard}{}\"", words.replace('"', "\"\""))
    } else {
        write!(out, "{guard}{words}")
    }
}

/// A number, or a text without quotes, as in JSON; a missing one is empty.
pub(super) fn plain(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::Null) | Err(_) => String::new(),
        Ok(serde_json::Value::String(text)) => text,
        Ok(other) => other.to_string(),
    }
}

/// Writes a figure.
///
/// # Errors
/// If the output cannot be written.
pub fn number(out: &mut dyn Write, value: Value) -> io::Result<()> {
    match value {
        Value::None => Ok(()),
        other => serde_json::to_writer(out, &other).map_err(io::Error::from),
    }
}

/// Writes a value of a key column; the frames of a stack are joined by `;`.
///
/// # Errors
/// If the output cannot be written.
pub fn value(out: &mut dyn Write, value: &KeyValue<'_>) -> io::Result<()> {
    match value {
        KeyValue::Null => Ok(()),
        KeyValue::Text(words) => text(out, words),
        KeyValue::Frames(frames) => text(out, &frames.join(";")),
        other => serde_json::to_writer(out, other).map_err(io::Error::from),
    }
}
