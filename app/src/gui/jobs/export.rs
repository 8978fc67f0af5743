//! Writes an export in the background. A file is complete or not there at all; an existing one is replaced only if that was asked
//! for.

use poolscope_analysis::export::csv::{self, BYTE_ORDER_MARK};
use poolscope_analysis::pivot::Value;
use poolscope_archive::Control;
use poolscope_base::progress::{CancelToken, Progress};
use std::io::Write;
use std::path::PathBuf;

use super::rows::RowChoice;
use crate::export::{ExportRequest, FileFormat, WatchedWriter, WriteProgress, write};
use crate::gui::model::export::ExportKind;
use crate::output_file::{self, FileExists};
use crate::package::{self, PackageContent};

/// Rows of the table as they are shown, with exact figures.
pub struct VisibleTable {
    /// Titles of the columns.
    pub titles: Vec<String>,
    /// The texts of the key columns of each row, and its figures.
    pub rows: Vec<(Vec<String>, Vec<Value>)>,
}

/// Request to write a file.
pub struct ExportOrder {
    /// Content of the file.
    pub kind: ExportKind,
    /// The file.
    pub path: PathBuf,
    /// The format of its ending; `None` for a package.
    pub format: Option<FileFormat>,
    /// True if an existing file is replaced.
    pub may_replace: bool,
    /// The rows.
    pub choice: RowChoice,
    /// Columns and look; its rows come from `choice`.
    pub request: ExportRequest,
    /// The rows of the table, if these are written.
    pub visible: Option<VisibleTable>,
    /// The package, if one is written.
    pub package: Option<PackageContent>,
    /// Bytes written so far.
    pub progress: WriteProgress,
}

/// Result of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportAnswer {
    /// The file was written: its path and size in bytes.
    Written(PathBuf, u64),
    /// The file exists and was kept.
    Exists(ExportKind, PathBuf),
    /// Error, and the next step, in sentences.
    Failed(String),
}

/// Writes the file; `None` when cancelled.
pub(super) fn run(order: ExportOrder, cancel: &CancelToken) -> Option<ExportAnswer> {
    let ExportOrder { kind, path, format, may_replace, choice, mut request, visible, package, progress } = order;
    request.rows = choice.rows(cancel).ok()?;
    let result = output_file::write(&path, may_replace, |out| {
        let mut out = WatchedWriter::new(out, progress.clone(), cancel.clone());
        match (&visible, kind.content().zip(format), &package) {
            (Some(table), ..) => Ok(write_visible(&mut out, table)?),
            (None, Some((content, format)), _) => write(&request, content, format, &mut out, cancel),
            (None, None, Some(package)) => {
                let reading = Progress::default();
                package::write(package, out, Control { progress: &reading, cancel }).map(|_| ())
            }
            (None, None, None) => anyhow::bail!("nothing was chosen to be written"),
        }
    });
    match result {
        _ if cancel.is_cancelled() => None,
        Ok(()) => {
            let bytes = std::fs::metadata(&path).map_or(0, |found| found.len());
            Some(ExportAnswer::Written(path, bytes))
        }
        Err(error) if error.is::<FileExists>() => Some(ExportAnswer::Exists(kind, path)),
        Err(error) => Some(ExportAnswer::Failed(format!(
            "Export failed: {error:#}. Choose a folder in which you can create files."
        ))),
    }
}

fn write_visible(out: &mut dyn Write, table: &VisibleTable) -> std::io::Result<()> {
    let texts = || table.titles.iter().chain(table.rows.iter().flat_map(|(keys, _)| keys));
    if !texts().all(|text| text.is_ascii()) {
        out.write_all(BYTE_ORDER_MARK)?;
    }
    csv::line(out, &table.titles)?;
    for (keys, figures) in &table.rows {
        let mut comma: &[u8] = b"";
        for key in keys {
            out.write_all(comma)?;
            csv::spreadsheet_text(out, key)?;
            comma = b",";
        }
        for figure in figures {
            out.write_all(comma)?;
            csv::number(out, *figure)?;
            comma = b",";
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}
