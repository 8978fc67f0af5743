//! Image identities that a merge injects (etl-format 6.2). Their fields are packed.

use poolscope_base::bytes::guid::Guid;
use poolscope_base::bytes::read::{bytes16_at, pointer_at, u32_at};
use poolscope_base::bytes::text::{bytez, utf16z};

/// ImageID: what a symbol server needs to find the image file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImageIdEvent {
    /// Base address.
    pub base: u64,
    /// Process.
    pub process: u32,
    /// Size in bytes.
    pub size: u64,
    /// `TimeDateStamp`.
    pub timestamp: u32,
    /// Original file name.
    pub original_name: String,
}

/// DbgID_RSDS: what a symbol server needs to find the PDB.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RsdsEvent {
    /// Base address.
    pub base: u64,
    /// Process.
    pub process: u32,
    /// GUID of the PDB.
    pub guid: Guid,
    /// Age of the PDB.
    pub age: u32,
    /// Name of the PDB.
    pub pdb_name: String,
}

/// Decodes an ImageID record.
#[must_use]
pub fn image_id(payload: &[u8], pointer_size: u8) -> Option<ImageIdEvent> {
    let p = usize::from(pointer_size);
    Some(ImageIdEvent {
        base: pointer_at(payload, 0, pointer_size)?,
        size: pointer_at(payload, p, pointer_size)?,
        process: u32_at(payload, 2 * p)?,
        timestamp: u32_at(payload, 2 * p + 4)?,
        original_name: utf16z(payload, 2 * p + 8).0,
    })
}

/// Decodes a DbgID_RSDS record.
#[must_use]
pub fn rsds(payload: &[u8], pointer_size: u8) -> Option<RsdsEvent> {
    let p = usize::from(pointer_size);
    Some(RsdsEvent {
        base: pointer_at(payload, 0, pointer_size)?,
        process: u32_at(payload, p)?,
        guid: Guid(bytes16_at(payload, p + 4)?),
        age: u32_at(payload, p + 20)?,
        pdb_name: bytez(payload, p + 24).0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_packed() {
        let mut payload = 0xffff_f800_0000_0000_u64.to_le_bytes().to_vec();
        payload.extend(0_u32.to_le_bytes());
        payload.extend([0xab; 16]);
        payload.extend(2_u32.to_le_bytes());
        payload.extend(b"ntkrnlmp.pdb\0");
        let event = rsds(&payload, 8).expect("complete");
        assert_eq!((event.age, event.pdb_name.as_str(), event.guid), (2, "ntkrnlmp.pdb", Guid([0xab; 16])));
        assert_eq!(rsds(&payload[..30], 8), None);
    }
}
