//! Text of a file in any encoding that tools and consoles write: UTF-8 and UTF-16 with or without a byte order mark, else a local
//! code page. Digits of other scripts become ASCII digits.

/// Decodes a file. Invalid sequences of UTF-16 become replacement characters. Text that is not UTF-8 is read as Windows-1252: tags,
/// figures and separators of other local code pages are the same bytes, and headings are also found by the shape of their columns.
#[must_use]
pub fn decode(bytes: &[u8]) -> String {
    let text = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => local(rest),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => match mostly_zero(bytes) {
            (false, true) => utf16(bytes, u16::from_le_bytes),
            (true, false) => utf16(bytes, u16::from_be_bytes),
            _ => local(bytes),
        },
    };
    with_ascii_digits(text)
}

fn local(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        // A text of UTF-8 that was cut inside a character is no code page.
        Err(error) if error.error_len().is_none() => String::from_utf8_lossy(bytes).into_owned(),
        Err(_) => bytes.iter().map(|byte| windows_1252(*byte)).collect(),
    }
}

/// The character of a byte in Windows-1252; its five unassigned bytes become replacement characters.
fn windows_1252(byte: u8) -> char {
    const UPPER: [char; 32] = [
        '\u{20ac}', '\u{fffd}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{2c6}',
        '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{fffd}', '\u{17d}', '\u{fffd}', '\u{fffd}', '\u{2018}',
        '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}',
        '\u{203a}', '\u{153}', '\u{fffd}', '\u{17e}', '\u{178}',
    ];
    match byte {
        0x80..=0x9F => UPPER.get(usize::from(byte - 0x80)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
        _ => char::from(byte),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair)).collect();
    String::from_utf16_lossy(&units)
}

/// Returns whether most bytes at even and at odd offsets are zero, as in UTF-16 of mostly ASCII text without a byte order mark.
fn mostly_zero(bytes: &[u8]) -> (bool, bool) {
    let head = bytes.get(..4096).unwrap_or(bytes);
    let count = |offset: usize| head.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let most = head.len() / 4;
    (head.len() > 3 && count(0) > most, head.len() > 3 && count(1) > most)
}

/// First digits of scripts in which Windows may format numbers: Arabic-Indic, Persian, Devanagari, Bengali, Thai, full width.
const ZEROS: [char; 6] = ['\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{e50}', '\u{ff10}'];

fn with_ascii_digits(text: String) -> String {
    if text.is_ascii() {
        return text;
    }
    let ascii = |c: char| {
        let value =
            ZEROS.iter().filter_map(|zero| u32::from(c).checked_sub(u32::from(*zero))).find(|value| *value < 10);
        value.and_then(|value| char::from_digit(value, 10)).unwrap_or(c)
    };
    text.chars().map(ascii).collect()
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
        assert_eq!(decode(b" Tag  Type \xE9\r\n"), text, "a local code page");
    }

    #[test]
    fn broken_text_is_no_error() {
        assert_eq!(decode(b""), "");
        assert_eq!(decode(b"a\xE9b\x80\x81\x9F"), "a\u{e9}b\u{20ac}\u{fffd}\u{178}");
        assert_eq!(decode(b"\xFF\xFEa\0b"), "a");
        assert_eq!(
            decode("caf\u{e9}".as_bytes().get(..4).unwrap_or_default()),
            "caf\u{fffd}",
            "cut inside a character"
        );
    }

    #[test]
    fn digits_of_other_scripts_are_digits() {
        assert_eq!(decode("\u{661}\u{662}\u{663} \u{6f4}\u{6f5} \u{96f} \u{ff17}".as_bytes()), "123 45 9 7");
    }
}
