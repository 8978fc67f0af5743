//! From the bytes of a file or of a paste to text: UTF-8 and UTF-16 with or without a mark, and whatever is neither with replacement
//! characters. It never fails: what is no listing is said later, by whoever reads the lines.

/// The text.
#[must_use]
pub fn decode(bytes: &[u8]) -> String {
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => match zeros(bytes) {
            (false, true) => utf16(bytes, u16::from_le_bytes),
            (true, false) => utf16(bytes, u16::from_be_bytes),
            _ => String::from_utf8_lossy(bytes).into_owned(),
        },
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair)).collect();
    String::from_utf16_lossy(&units)
}

/// Whether most bytes at even places and most at odd ones are zero, at the beginning: UTF-16 of ASCII without a mark.
fn zeros(bytes: &[u8]) -> (bool, bool) {
    let head = bytes.get(..bytes.len().min(256)).unwrap_or_default();
    let count = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let most = head.len() / 4;
    (head.len() > 3 && count(0) > most, head.len() > 3 && count(1) > most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = " Tag  Type \u{e9}\r\n";
        assert_eq!(decode(text.as_bytes()), text);
        assert_eq!(decode(format!("\u{feff}{text}").as_bytes()), text);
        for bytes in [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes] {
            assert_eq!(decode(&wide(&format!("\u{feff}{text}"), bytes)), text);
            assert_eq!(decode(&wide(text, bytes)), text);
        }
    }

    #[test]
    fn broken_text_is_no_error() {
        assert_eq!(decode(b""), "");
        assert_eq!(decode(b"a\xE9b"), "a\u{fffd}b");
        assert_eq!(decode(b"\xFF\xFEa\0b"), "a");
    }
}
