//! Reads image files: their identity, the identity of their PDB, and their exports as names of last resort. The only place
//! that knows the `object` crate.

use super::identity::{ImageIdentity, PdbIdentity};
use super::names::ModuleNames;
use std::path::Path;

/// What an image file says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImageFacts {
    /// Its identity.
    pub identity: ImageIdentity,
    /// The identity of its PDB, where it has one.
    pub pdb: Option<PdbIdentity>,
}

/// Why an image cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The file cannot be opened.
    #[error("cannot open it: {0}")]
    Open(#[from] std::io::Error),
    /// It is no PE image, or a damaged one.
    #[error("cannot read it as an image: {0}")]
    Format(String),
}

/// Reads the identities.
///
/// # Errors
/// It is no PE image.
pub fn facts(path: &Path) -> Result<ImageFacts, ImageError> {
    Err(ImageError::Format(path.display().to_string()))
}

/// Names addresses by the export before them. `rvas`: ascending.
///
/// # Errors
/// It is no PE image.
pub fn export_names(path: &Path, rvas: &[u32]) -> Result<ModuleNames, ImageError> {
    Err(ImageError::Format(format!("{}: {} addresses", path.display(), rvas.len())))
}
