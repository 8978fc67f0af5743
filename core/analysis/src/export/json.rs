//! JSON of the exports. Numbers are exact: integers as integers, other numbers with the digits that restore the same value.

use crate::group::column::KeyValue;
use crate::pivot::metric::Value;
use serde::{Serialize, Serializer};
use std::io::{self, Write};

/// Writes one JSON object: the fields of `head`, then a field `rows` with one row per line.
///
/// # Errors
/// If the output cannot be written.
pub fn write_document<R: Serialize>(
    out: &mut dyn Write,
    head: &impl Serialize,
    rows: impl IntoIterator<Item = R>,
) -> io::Result<()> {
    let head = serde_json::to_vec(head)?;
    out.write_all(head.strip_suffix(b"}").unwrap_or(&head))?;
    out.write_all(b",\"rows\":[")?;
    let mut separator: &[u8] = b"\n";
    let mut end: &[u8] = b"]}\n";
    for row in rows {
        out.write_all(separator)?;
        serde_json::to_writer(&mut *out, &row)?;
        (separator, end) = (b",\n", b"\n]}\n");
    }
    out.write_all(end)
}

/// A figure: `null` if there is none, an integer, or a floating-point number.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_none(),
            Self::Int(int) => serializer.serialize_i128(*int),
            Self::Float(float) => serializer.serialize_f64(*float),
        }
    }
}

/// A value of a key column; a stack is an array of frames.
impl Serialize for KeyValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Seconds(seconds) => serializer.serialize_f64(*seconds),
            Self::Frames(frames) => frames.serialize(serializer),
        }
    }
}
