//! Payloads of image records and of the symbol identities that a merge injects for them.

use super::{Guid, Sink, Width};

/// Image loaded.
pub const HOOK_LOAD: u16 = 0x030A;
/// Image unloaded.
pub const HOOK_UNLOAD: u16 = 0x1402;
/// Image already loaded at the start.
pub const HOOK_DC_START: u16 = 0x1403;
/// Image still loaded at the end.
pub const HOOK_DC_END: u16 = 0x1404;
/// Opcode of the RSDS record (version 2).
pub const OPCODE_RSDS: u8 = 36;
/// Opcode of the image-id record (version 2).
pub const OPCODE_IMAGE_ID: u8 = 0;
/// Opcode of the file-version record (version 0).
pub const OPCODE_FILE_VERSION: u8 = 64;

/// A loaded image.
#[derive(Debug, Clone, Copy)]
pub struct Image<'a> {
    /// Base address.
    pub base: u64,
    /// Size in bytes.
    pub size: u64,
    /// Process, 0 for drivers.
    pub pid: u32,
    /// Checksum of the PE header.
    pub checksum: u32,
    /// Time stamp of the PE header.
    pub timestamp: u32,
    /// NT path.
    pub path: &'a str,
}

/// Payload of an image record of version 0 to 3.
pub fn image(out: &mut Vec<u8>, width: Width, version: u8, image: &Image<'_>) {
    out.ptr(width, image.base);
    out.ptr(width, image.size);
    if version >= 1 {
        out.u32(image.pid);
    }
    if version >= 2 {
        out.u32(image.checksum);
        out.u32(image.timestamp);
        out.u32(if version >= 3 { 0x0106 } else { 0 });
        out.ptr(width, image.base);
        out.zeros(16);
    }
    out.utf16z(image.path);
}

/// Payload of the RSDS record: which PDB belongs to the image.
pub fn rsds(out: &mut Vec<u8>, width: Width, base: u64, pid: u32, identity: (&Guid, u32), pdb: &str) {
    out.ptr(width, base);
    out.u32(pid);
    out.guid(identity.0);
    out.u32(identity.1);
    out.ansiz(pdb);
}

/// Payload of the image-id record: the PE file's own identity.
pub fn image_id(out: &mut Vec<u8>, width: Width, image: &Image<'_>, original_name: &str) {
    out.ptr(width, image.base);
    out.ptr(width, image.size);
    out.u32(image.pid);
    out.u32(image.timestamp);
    out.utf16z(original_name);
}

/// Payload of the file-version record, `texts` in the format's order (name, description, file version, …).
pub fn file_version(out: &mut Vec<u8>, size: u32, timestamp: u32, texts: &[&str; 10]) {
    out.u32(size);
    out.u32(timestamp);
    for text in texts {
        out.utf16z(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::writer::guids;

    #[test]
    fn names_stand_at_the_documented_offsets() {
        let of = Image { base: 1, size: 2, pid: 3, checksum: 4, timestamp: 5, path: "n" };
        let name_at = |width, version| {
            let mut out = Vec::new();
            image(&mut out, width, version, &of);
            assert_eq!(out[out.len() - 4..], [b'n', 0, 0, 0]);
            out.len() - 4
        };
        assert_eq!([0, 1, 2, 3].map(|version| name_at(Width::Bits64, version)), [16, 20, 56, 56]);
        assert_eq!([0, 1, 2, 3].map(|version| name_at(Width::Bits32, version)), [8, 12, 44, 44]);
    }

    #[test]
    fn identities_are_packed() {
        let mut out = Vec::new();
        rsds(&mut out, Width::Bits64, 1, 2, (&guids::POOL, 3), "a.pdb");
        assert_eq!((out[8], out[28], out[32]), (2, 3, b'a'));
        assert_eq!(out[12..28], guids::POOL.to_bytes());
        let of = Image { base: 1, size: 2, pid: 3, checksum: 4, timestamp: 5, path: "n" };
        let mut out = Vec::new();
        image_id(&mut out, Width::Bits32, &of, "n");
        assert_eq!((out[4], out[8], out[12], out[16]), (2, 3, 5, b'n'));
    }
}
