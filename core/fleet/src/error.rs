//! Errors of datasets.

use crate::SCHEMA_VERSION;
use parquet::errors::ParquetError;
use poolscope_base::progress::Cancelled;
use std::io;
use std::path::{Path, PathBuf};

/// Failure of reading or writing a dataset.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// A file or folder of the dataset cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The system's error. Part of the message, and therefore not a source.
        reason: io::Error,
    },
    /// A file or folder of the dataset cannot be written.
    #[error("cannot write {}: {reason}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's error. Part of the message, and therefore not a source.
        reason: io::Error,
    },
    /// The dataset was written with other tables.
    #[error(
        "{} was written with version {found} of the schema, and this is version {SCHEMA_VERSION}: write to another folder",
        path.display()
    )]
    OtherVersion {
        /// The dataset.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// A file cannot be encoded.
    #[error("cannot write a Parquet file: {0}")]
    Parquet(#[from] ParquetError),
    /// The rows of a table do not have the columns of its schema: a defect of this program.
    #[error("internal error: {0}. Please report it")]
    Schema(String),
    /// Stopped by its token.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl FleetError {
    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |reason| Self::Read { path: path.to_owned(), reason }
    }

    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |reason| Self::Write { path: path.to_owned(), reason }
    }
}
