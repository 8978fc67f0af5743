//! Image events (kernel groups 0x14 and 0x03): load, unload and rundown of modules, and the identities of images that a
//! merge adds.
//!
//! | offset, 64-bit (32-bit) | type | field of versions 2 and 3 |
//! | --- | --- | --- |
//! | 0 | pointer | base address |
//! | 8 (4) | pointer | size in bytes |
//! | 16 (8) | u32 | process; 0 for kernel images |
//! | 20 (12) | u32 | checksum of the PE header |
//! | 24 (16) | u32 | `TimeDateStamp` of the PE header |
//! | 56 (44) | string | NT path, UTF-16 |
//!
//! Version 1 has base, size, process and path; version 0 base, size and path. Sources: Microsoft Learn, `Image_Load`;
//! phnt `ntwmi.h`; TraceEvent. Versions 0 to 3 were measured in real files.
//!
//! A merge (`xperf -d`, `wpr -stop`, `CreateMergedTraceFile`) adds the identities that symbol servers need as events of
//! the provider b3e675d7-2554-4f18-830b-2762732560de, with the process and time of the image event that they belong to.
//! Their fields are packed. Source: TraceEvent; in a real file all 3,590 of them follow this layout.

use poolscope_base::bytes::{bytes16_at, bytez_at, pointer_at, u32_at, utf16z_at};
use poolscope_base::guid::Guid;

/// Image load, unload or rundown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImageEvent {
    /// Base address.
    pub base: u64,
    /// Size in bytes.
    pub size: u64,
    /// Process, 0 for kernel images. `None` for version 0, where it is the process of the record's header.
    pub process: Option<u32>,
    /// Checksum of the PE header; 0 before version 2.
    pub checksum: u32,
    /// `TimeDateStamp` of the PE header; 0 before version 2.
    pub timestamp: u32,
    /// NT path.
    pub path: String,
}

impl ImageEvent {
    /// Newest documented version.
    pub const NEWEST_VERSION: u8 = 3;

    /// Decodes the record; `None` if the payload is too short for its version.
    ///
    /// A 32-bit program that relogs a 64-bit trace marks its records as 32-bit. If the result is not plausible with the
    /// record's own pointer size but is with the other one, the other one is used.
    #[must_use]
    pub fn decode(payload: &[u8], version: u8, pointer_size: u8) -> Option<Self> {
        let own = Self::decode_as(payload, version, pointer_size);
        if pointer_size == 8 || own.as_ref().is_none_or(Self::is_plausible) {
            return own;
        }
        Self::decode_as(payload, version, 8).filter(Self::is_plausible).or(own)
    }

    /// Offset of the path in the payload, by the layout that [`Self::decode`] reads; `None` if that is too short.
    pub(crate) fn path_offset(payload: &[u8], version: u8, pointer_size: u8) -> Option<usize> {
        let event = Self::decode(payload, version, pointer_size)?;
        let offset = |pointer_size: u8| match version {
            0 => 2 * usize::from(pointer_size),
            1 => 2 * usize::from(pointer_size) + 4,
            _ if pointer_size == 8 => 56,
            _ => 44,
        };
        [pointer_size, 8].map(offset).into_iter().find(|at| utf16z_at(payload, *at).0 == event.path)
    }

    /// Returns `true` if the image has a size and its path has plausible characters.
    fn is_plausible(&self) -> bool {
        let is_start = |c: char| c == '\\' || c.is_alphanumeric() || c == '[';
        let has_start = self.path.chars().next().is_some_and(is_start);
        let is_broken = |c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER;
        self.size != 0 && has_start && !self.path.chars().any(is_broken)
    }

    fn decode_as(payload: &[u8], version: u8, pointer_size: u8) -> Option<Self> {
        let p = usize::from(pointer_size);
        let (path_at, process, checksum, timestamp) = match version {
            0 => (2 * p, None, 0, 0),
            1 => (2 * p + 4, Some(u32_at(payload, 2 * p)?), 0, 0),
            _ => (
                if pointer_size == 8 { 56 } else { 44 },
                Some(u32_at(payload, 2 * p)?),
                u32_at(payload, 2 * p + 4)?,
                u32_at(payload, 2 * p + 8)?,
            ),
        };
        if payload.len() < path_at {
            return None;
        }
        Some(Self {
            base: pointer_at(payload, 0, pointer_size)?,
            size: pointer_at(payload, p, pointer_size)?,
            process,
            checksum,
            timestamp,
            path: utf16z_at(payload, path_at).0,
        })
    }
}

/// Image identity (`ImageID`): the key of the image file on symbol servers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImageIdEvent {
    /// Base address.
    pub base: u64,
    /// Process, 0 for kernel images.
    pub process: u32,
    /// Size in bytes.
    pub size: u64,
    /// `TimeDateStamp` of the PE header.
    pub timestamp: u32,
    /// Original file name.
    pub original_name: String,
}

impl ImageIdEvent {
    /// Decodes the record; `None` if the payload is too short.
    #[must_use]
    pub fn decode(payload: &[u8], pointer_size: u8) -> Option<Self> {
        let p = usize::from(pointer_size);
        Some(Self {
            base: pointer_at(payload, 0, pointer_size)?,
            size: pointer_at(payload, p, pointer_size)?,
            process: u32_at(payload, 2 * p)?,
            timestamp: u32_at(payload, 2 * p + 4)?,
            original_name: utf16z_at(payload, 2 * p + 8).0,
        })
    }
}

/// Version resource of an image (`FileVersion`). A merge writes it before the [`ImageIdEvent`] of the same image, which has the same
/// size and time stamp; it has no address and no process itself.
///
/// | offset | type | field |
/// | --- | --- | --- |
/// | 0 | u32 | size of the image in bytes |
/// | 4 | u32 | `TimeDateStamp` of the PE header |
/// | 8 | strings, UTF-16 | original name, description, file version, binary file version, language, product, company, … |
///
/// Source: TraceEvent (`FileVersionTraceData`); measured in a real merged file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileVersionEvent {
    /// Size in bytes, its lower 32 bits.
    pub size: u32,
    /// `TimeDateStamp` of the PE header.
    pub timestamp: u32,
    /// File version: the numbers (`10.0.19041.1`), or the text of the resource where those are empty.
    pub version: String,
}

impl FileVersionEvent {
    /// Decodes the record; `None` if the payload is too short.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let (size, timestamp) = (u32_at(payload, 0)?, u32_at(payload, 4)?);
        let mut at = 8;
        let mut next = || {
            let (text, end) = utf16z_at(payload, at);
            at = end;
            text
        };
        let [_name, _description, text, numbers] = [(); 4].map(|()| next());
        Some(Self { size, timestamp, version: if numbers.is_empty() { text } else { numbers } })
    }
}

/// PDB identity (`DbgID_RSDS`): the key of the PDB on symbol servers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RsdsEvent {
    /// Base address of the image.
    pub base: u64,
    /// Process, 0 for kernel images.
    pub process: u32,
    /// GUID of the PDB.
    pub guid: Guid,
    /// Age of the PDB.
    pub age: u32,
    /// Name of the PDB.
    pub pdb_name: String,
}

impl RsdsEvent {
    /// Decodes the record; `None` if the payload is too short.
    #[must_use]
    pub fn decode(payload: &[u8], pointer_size: u8) -> Option<Self> {
        let p = usize::from(pointer_size);
        Some(Self {
            base: pointer_at(payload, 0, pointer_size)?,
            process: u32_at(payload, p)?,
            guid: Guid(bytes16_at(payload, p + 4)?),
            age: u32_at(payload, p + 20)?,
            pdb_name: bytez_at(payload, p + 24).0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> Vec<u8> {
        "a.sys\0".encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn the_path_is_at_the_offset_of_its_version() {
        for (version, pointer_size, fixed) in [(0, 8, 16), (0, 4, 8), (1, 8, 20), (1, 4, 12), (2, 8, 56), (3, 4, 44)] {
            let mut payload = vec![1; fixed];
            payload.extend(name());
            let event = ImageEvent::decode(&payload, version, pointer_size).expect("complete");
            assert_eq!(event.path, "a.sys", "version {version}, pointer size {pointer_size}");
            assert_eq!(event.process.is_some(), version > 0);
            assert_eq!(ImageEvent::decode(&payload[..fixed - 1], version, pointer_size), None);
        }
    }

    #[test]
    fn a_64_bit_payload_in_a_32_bit_record_is_recognized() {
        let mut payload = vec![0; 56];
        payload[1..4].copy_from_slice(&[0, 0x16, 1]);
        payload[9] = 0xe0;
        payload[16] = 44;
        payload.extend(name());
        let event = ImageEvent::decode(&payload, 2, 4).expect("complete");
        assert_eq!((event.base, event.size, event.process), (0x0116_0000, 0xe000, Some(44)));
        assert_eq!(event.path, "a.sys");
    }

    #[test]
    fn the_version_is_the_fourth_text() {
        let payload = |texts: &[&str]| {
            let mut payload = [0x2_4000_u32.to_le_bytes(), 7_u32.to_le_bytes()].concat();
            payload.extend(texts.iter().flat_map(|text| text.encode_utf16().chain([0])).flat_map(u16::to_le_bytes));
            payload
        };
        let event = FileVersionEvent::decode(&payload(&["a.sys", "A", "1.2 (lab)", "1.2.0.4", "English"]));
        assert_eq!(event, Some(FileVersionEvent { size: 0x2_4000, timestamp: 7, version: "1.2.0.4".to_owned() }));
        let event = FileVersionEvent::decode(&payload(&["a.sys", "", "1.2 (lab)", ""])).expect("complete");
        assert_eq!(event.version, "1.2 (lab)");
        let cut = FileVersionEvent::decode(&payload(&["a.sys"])).expect("what is there is read");
        assert_eq!(cut.version, "");
        assert_eq!(FileVersionEvent::decode(&payload(&[])[..7]), None);
    }

    #[test]
    fn identity_fields_are_packed() {
        let mut payload = 0xffff_f800_0000_0000_u64.to_le_bytes().to_vec();
        payload.extend(0_u32.to_le_bytes());
        payload.extend([0xab; 16]);
        payload.extend(2_u32.to_le_bytes());
        payload.extend(b"ntkrnlmp.pdb\0");
        let event = RsdsEvent::decode(&payload, 8).expect("complete");
        assert_eq!((event.age, event.pdb_name.as_str(), event.guid), (2, "ntkrnlmp.pdb", Guid([0xab; 16])));
        assert_eq!(RsdsEvent::decode(&payload[..30], 8), None);
    }
}
