//! What a console program of Windows writes into a pipe, as text: UTF-8, UTF-16, or one byte a letter in the code page of the
//! console. It fails on nothing.

/// Share of zero bytes from which on bytes are taken for UTF-16, as one in so many. Half of them are zero in plain English.
const ZEROS: usize = 4;

/// The text of `bytes`. Letters of an unknown code page that are not ASCII stand as `?`: which one it is, only the console
/// knows; all that is looked for in the text is ASCII.
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
    bytes.len() >= 4 && zeros * ZEROS >= bytes.len()
}

fn utf_16(bytes: &[u8]) -> String {
    // An odd byte at the end is half of what is still to come.
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    char::decode_utf16(units).map(|letter| letter.unwrap_or('?')).collect()
}

fn utf_8_or_narrow(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        // Cut inside a letter: the rest of it is still to come.
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
    fn all_ways_to_write_the_same_give_the_same() {
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
    fn a_code_page_is_read_where_it_is_ascii() {
        // "Es läuft" in code page 850.
        assert_eq!(text(b"Es l\x84uft: 12"), "Es l?uft: 12");
        assert_eq!(text("Es läuft".as_bytes()), "Es läuft");
        assert_eq!(text("Es l\u{e4}".as_bytes().split_last().expect("bytes").1), "Es l", "cut inside a letter");
        assert_eq!(text(b""), "");
    }
}
