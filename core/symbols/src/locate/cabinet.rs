//! Unpacks `.pd_` files: cabinets with one file, as symbol stores compress them.

use super::store_writer::TempFile;
use poolscope_archive::cabinet;
use poolscope_base::progress::CancelToken;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// Returns `true` if a file starts with the signature of a cabinet.
pub(super) fn is_cabinet(path: &Path) -> bool {
    let mut head = [0; 4];
    File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok() && cabinet::is_cabinet(&head)
}

/// Unpacks the file of the given name, or else the first one, into a temporary file.
pub(super) fn unpack(from: &Path, name: &str, into: &TempFile, cancel: &CancelToken) -> io::Result<()> {
    cabinet::unpack_named(File::open(from)?, name, File::create(&into.path)?, cancel)
}
