//! Formats of archives and their recognition by the first bytes of a file.

/// Format of an archive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArchiveKind {
    /// gzip (RFC 1952): one stream.
    Gzip,
    /// xz: one stream.
    Xz,
    /// Zstandard (RFC 8878): one stream.
    Zstd,
    /// ZIP (APPNOTE.TXT), also `.wpapk`.
    Zip,
    /// Microsoft cabinet (MS-CAB).
    Cabinet,
    /// 7-Zip.
    SevenZip,
}

impl ArchiveKind {
    /// Bytes of a file that [`Self::recognize`] looks at.
    pub const HEAD_BYTES: usize = 8;

    /// Usual endings of file names, in lower case.
    pub const ENDINGS: [&str; 7] = ["gz", "xz", "zst", "zip", "wpapk", "cab", "7z"];

    /// Recognizes an archive by its first bytes; `None` for anything else.
    #[must_use]
    pub fn recognize(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            // A frame, or a frame to skip, which may precede it.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            // A member, the end of an empty archive, and the mark of one that was to be split.
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, ..] => Some(Self::Zip),
            [b'M', b'S', b'C', b'F', 0, 0, 0, 0, ..] => Some(Self::Cabinet),
            [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Some(Self::SevenZip),
            _ => None,
        }
    }

    /// Name with its article.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "a gzip file",
            Self::Xz => "an xz file",
            Self::Zstd => "a Zstandard file",
            Self::Zip => "a ZIP archive",
            Self::Cabinet => "a cabinet",
            Self::SevenZip => "a 7-Zip archive",
        }
    }

    /// Returns `true` if the format holds one file without a name of its own.
    #[must_use]
    pub const fn is_single_stream(self) -> bool {
        matches!(self, Self::Gzip | Self::Xz | Self::Zstd)
    }

    /// Returns `true` if each member can be read without those before it.
    #[must_use]
    pub(crate) const fn has_direct_access(self) -> bool {
        matches!(self, Self::Gzip | Self::Xz | Self::Zstd | Self::Zip)
    }
}

/// Returns `true` if a file name ends like that of an archive.
#[must_use]
pub fn is_named_like_an_archive(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    ArchiveKind::ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_recognized_by_their_content() {
        let cases: [(&[u8], Option<ArchiveKind>); 9] = [
            (b"\x1f\x8b\x08\0\0", Some(ArchiveKind::Gzip)),
            (b"\xfd7zXZ\0\0\x04", Some(ArchiveKind::Xz)),
            (b"\x28\xb5\x2f\xfd\x04", Some(ArchiveKind::Zstd)),
            (b"\x51\x2a\x4d\x18\x04", Some(ArchiveKind::Zstd)),
            (b"PK\x03\x04\x14\0", Some(ArchiveKind::Zip)),
            (b"MSCF\0\0\0\0\x2c", Some(ArchiveKind::Cabinet)),
            (b"7z\xbc\xaf\x27\x1c\0\x04", Some(ArchiveKind::SevenZip)),
            (b"\0\0\x01\0\0\0\x01\0", None),
            (b"", None),
        ];
        for (head, kind) in cases {
            assert_eq!(ArchiveKind::recognize(head), kind, "{head:02x?}");
        }
        assert!(is_named_like_an_archive("a.etl.ZIP") && !is_named_like_an_archive("zip"));
    }
}
