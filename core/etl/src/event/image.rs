//! Image load, unload and run-down (etl-format 6.1), versions 0 to 3 and both pointer sizes.

use poolscope_base::bytes::read::{pointer_at, u32_at};
use poolscope_base::bytes::text::utf16z;

/// What an image event says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImageEvent {
    /// Base address.
    pub base: u64,
    /// Size in bytes.
    pub size: u64,
    /// Process; 0 for the kernel. Versions without the field give `None`: the header's process then.
    pub process: Option<u32>,
    /// Checksum of the PE header.
    pub checksum: u32,
    /// `TimeDateStamp` of the PE header.
    pub timestamp: u32,
    /// NT path.
    pub path: String,
}

/// Decodes an image event. `None` if the payload is too short for its version.
///
/// A 32-bit program that relogs a 64-bit trace marks its records as 32-bit: where the name makes no sense by the
/// record's own pointer size and does by the other, that is what the payload holds.
#[must_use]
pub fn image_event(payload: &[u8], version: u8, pointer_size: u8) -> Option<ImageEvent> {
    let own = decode(payload, version, pointer_size);
    if pointer_size == 8 || own.as_ref().is_none_or(is_sensible) {
        return own;
    }
    decode(payload, version, 8).filter(is_sensible).or(own)
}

/// An image has a size, and a name that begins with a path separator, a drive or a letter and has no control characters.
fn is_sensible(event: &ImageEvent) -> bool {
    let begins = event.path.chars().next().is_some_and(|c| c == '\\' || c.is_alphanumeric() || c == '[');
    event.size != 0 && begins && !event.path.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER)
}

fn decode(payload: &[u8], version: u8, pointer_size: u8) -> Option<ImageEvent> {
    let p = usize::from(pointer_size);
    let (name_at, process, checksum, timestamp) = match version {
        0 => (2 * p, None, 0, 0),
        1 => (2 * p + 4, Some(u32_at(payload, 2 * p)?), 0, 0),
        _ => (
            if pointer_size == 8 { 56 } else { 44 },
            Some(u32_at(payload, 2 * p)?),
            u32_at(payload, 2 * p + 4)?,
            u32_at(payload, 2 * p + 8)?,
        ),
    };
    if payload.len() < name_at {
        return None;
    }
    Some(ImageEvent {
        base: pointer_at(payload, 0, pointer_size)?,
        size: pointer_at(payload, p, pointer_size)?,
        process,
        checksum,
        timestamp,
        path: utf16z(payload, name_at).0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> Vec<u8> {
        "a.sys\0".encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn the_name_stands_where_the_version_puts_it() {
        for (version, pointer_size, fixed) in [(0, 8, 16), (0, 4, 8), (1, 8, 20), (1, 4, 12), (2, 8, 56), (3, 4, 44)] {
            let mut payload = vec![1; fixed];
            payload.extend(name());
            let event = image_event(&payload, version, pointer_size).expect("complete");
            assert_eq!(event.path, "a.sys", "version {version}, pointer size {pointer_size}");
            assert_eq!(event.process.is_some(), version > 0);
            assert_eq!(image_event(&payload[..fixed - 1], version, pointer_size), None);
        }
    }

    #[test]
    fn a_64_bit_payload_in_a_32_bit_record_is_recognised() {
        let mut payload = vec![0; 56];
        payload[1..4].copy_from_slice(&[0, 0x16, 1]);
        payload[9] = 0xe0;
        payload[16] = 44;
        payload.extend(name());
        let event = image_event(&payload, 2, 4).expect("complete");
        assert_eq!((event.base, event.size, event.process), (0x0116_0000, 0xe000, Some(44)));
        assert_eq!(event.path, "a.sys");
    }
}
