//! Decodes the output of a Windows console program in a pipe: UTF-8, UTF-16, or a single-byte code page. Never fails.

/// Bytes count as UTF-16 if at least one in this many is zero; in English text every second one is.
const ZERO_RATIO: usize = 4;

/// The text of `bytes`. Without UTF-8 or UTF-16, characters other than ASCII become `?`, since the code page is unknown.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    let text = match bytes {
        [0xFF, 0xFE, rest @ ..] => utf_16(rest),
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf_8_or_narrow(rest),
        _ if is_wide(bytes) => utf_16(bytes),
        _ => utf_8_or_narrow(bytes),
    };
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "")
}

fn is_wide(bytes: &[u8]) -> bool {
    let zeros = bytes.iter().skip(1).step_by(2).filter(|byte| **byte == 0).count();
    bytes.len() >= 4 && zeros * ZERO_RATIO >= bytes.len()
}

fn utf_16(bytes: &[u8]) -> String {
    // An odd last byte is half a character.
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    char::decode_utf16(units).map(|letter| letter.unwrap_or('?')).collect()
}

fn utf_8_or_narrow(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        // The last character is incomplete.
        Err(error) if error.error_len().is_none() => {
            String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned()
        }
        Err(_) => bytes.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '?' }).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_encodings_give_the_same_text() {
        let said = "WPR is not recording\n";
        let windows = said.replace('\n', "\r\n");
        let wide: Vec<u8> = windows.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(text(windows.as_bytes()), said);
        assert_eq!(text(&wide), said);
        assert_eq!(text(&[&[0xFF, 0xFE], wide.as_slice()].concat()), said);
        assert_eq!(text(&[&[0xEF, 0xBB, 0xBF], windows.as_bytes()].concat()), said);
        assert_eq!(text(&wide[..wide.len() - 1]), "WPR is not recording\n", "half a letter");
    }

    #[test]
    fn ascii_of_a_code_page_is_decoded() {
        // "Es läuft" in code page 850.
        assert_eq!(text(b"Es l\x84uft: 12"), "Es l?uft: 12");
        assert_eq!(text("Es läuft".as_bytes()), "Es läuft");
        assert_eq!(text("Es l\u{e4}".as_bytes().split_last().expect("bytes").1), "Es l", "cut inside a letter");
        assert_eq!(text(b""), "");
    }
}
