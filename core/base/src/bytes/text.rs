//! Text in records: zero-terminated UTF-16 and 8-bit strings of unknown length. Broken text becomes replacement
//! characters, never an error: names are for people.

use super::read::u16_at;

/// A zero-terminated UTF-16 string at `offset`, and the offset behind it. A missing terminator ends it at the end of
/// the data.
#[must_use]
pub fn utf16z(data: &[u8], offset: usize) -> (String, usize) {
    let mut units = Vec::new();
    let mut at = offset;
    while let Some(unit) = u16_at(data, at) {
        at += 2;
        if unit == 0 {
            break;
        }
        units.push(unit);
    }
    (String::from_utf16_lossy(&units), at)
}

/// A zero-terminated string of bytes (UTF-8 or ANSI) at `offset`, and the offset behind it.
#[must_use]
pub fn bytez(data: &[u8], offset: usize) -> (String, usize) {
    let rest = data.get(offset..).unwrap_or_default();
    let len = rest.iter().position(|&b| b == 0).unwrap_or(rest.len());
    let text = rest.get(..len).unwrap_or_default();
    (String::from_utf8_lossy(text).into_owned(), offset.saturating_add(len + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_end_at_zero_or_at_the_end() {
        assert_eq!(utf16z(b"a\0b\0\0\0c\0", 0), ("ab".to_owned(), 6));
        assert_eq!(utf16z(b"a\0b\0c", 0), ("ab".to_owned(), 4));
        assert_eq!(bytez(b"xy\0z", 0), ("xy".to_owned(), 3));
        assert_eq!(bytez(b"xy", 0), ("xy".to_owned(), 3));
        assert_eq!(bytez(b"xy", 9), (String::new(), 10));
    }
}
