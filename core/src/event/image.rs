//! Image load, unload and run-down (etl-format 6.1), versions 0 to 3 and both pointer sizes.

use crate::bytes::read::{pointer_at, u32_at};
use crate::bytes::text::utf16z;

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
#[must_use]
pub fn image_event(payload: &[u8], version: u8, pointer_size: u8) -> Option<ImageEvent> {
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
}
