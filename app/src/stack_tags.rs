//! Reads the user's files of stack tags. Shared by the command line and the window.

use poolscope_analysis::group::stack_tags::StackTags;
use std::path::Path;

/// Largest file that is read: WPA's own files have less than 1 MB.
const MAX_BYTES: u64 = 64 << 20;

/// Reads a `.stacktags` file.
///
/// # Errors
/// A sentence about the file that cannot be read, and the line of an error in it.
pub fn read(path: &Path) -> Result<StackTags, String> {
    let shown = path.display();
    let found = std::fs::metadata(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    if found.len() > MAX_BYTES {
        return Err(format!("cannot read {shown}: it is larger than {} MB, which stack tags are not", MAX_BYTES >> 20));
    }
    let bytes = std::fs::read(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    StackTags::parse(&text_of(&bytes)).map_err(|error| format!("{shown}: {error}"))
}

/// The text of a file in UTF-8, or in UTF-16 with a byte order mark, as editors on Windows write it.
fn text_of(bytes: &[u8]) -> String {
    let units = |from: fn([u8; 2]) -> u16| -> Vec<u16> {
        bytes.get(2..).unwrap_or_default().chunks_exact(2).map(|pair| from([pair[0], pair[1]])).collect()
    };
    match bytes {
        [0xff, 0xfe, ..] => String::from_utf16_lossy(&units(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => String::from_utf16_lossy(&units(u16::from_be_bytes)),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_windows_editors_are_read() {
        let text = "<Tag Name=\"a\"><Entrypoint Module=\"b.sys\" Method=\"*\"/></Tag>";
        let wide = |order: fn(u16) -> [u8; 2], mark: [u8; 2]| -> Vec<u8> {
            mark.into_iter().chain(text.encode_utf16().flat_map(order)).collect()
        };
        assert_eq!(text_of(&wide(u16::to_le_bytes, [0xff, 0xfe])), text);
        assert_eq!(text_of(&wide(u16::to_be_bytes, [0xfe, 0xff])), text);
        assert_eq!(text_of(text.as_bytes()), text);
        let error = read(Path::new("/nowhere/a.stacktags")).expect_err("no file");
        assert!(error.starts_with("cannot read /nowhere/a.stacktags"), "{error}");
    }
}
