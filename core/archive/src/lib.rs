//! Lists and unpacks archives: gzip, xz, Zstandard, ZIP, cabinet and 7-Zip. Writes ZIP archives. Knows no trace.
//!
//! Archives are recognized by their content and are untrusted: sizes in them are claims, members with names that lead out of a
//! folder are refused, and what they unpack to is bounded by [`UnpackLimits`]. Nothing is ever written under the name of a
//! member: content goes to memory or to a temporary file without a name, which the system removes when it is closed.
//!
//! Damage is not an error as long as something can be unpacked: [`Unpacked::damage`] says what is missing.
//!
//! | module | content |
//! | --- | --- |
//! | [`kind`] | formats and their recognition |
//! | [`archive`] | entry point: members of an archive, the beginning of one, the whole of one |
//! | [`member`] | one file in an archive, and the reasons to refuse one |
//! | [`content`] | bytes of a file on disk or of something unpacked |
//! | [`limits`] | bounds on what is unpacked |
//! | [`cabinet`] | cabinets; also used for compressed symbol files |
//! | `streams` | decoders of single streams |
//! | `zip_table`, `seven_zip` | members of these formats |
//! | `sink` | memory or temporary file under limits |
//! | `packing` | writing of ZIP archives |
//!
//! Not read: bzip2, RAR, LZ4, tar, WIM; AES (7-Zip, ZIP) and ZIP encryption; ZIP members packed with bzip2, PPMd or older
//! methods, 7-Zip members packed with anything but LZMA, LZMA2, Copy and the branch filters; cabinets of several parts.

pub mod archive;
pub mod cabinet;
pub mod content;
mod error;
pub mod kind;
pub mod limits;
pub mod member;
mod packing;
mod seven_zip;
mod sink;
mod streams;
mod zip_table;

pub use archive::{Archive, Control, Unpacked};
pub use content::Content;
pub use error::ArchiveError;
pub use kind::ArchiveKind;
pub use limits::UnpackLimits;
pub use member::{Member, MemberProblem};
pub use packing::ZipPacker;
