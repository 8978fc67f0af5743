//! Reads snapshots of files and of standard input into one series, and says what is odd about them.

use super::SnapshotChoice;
use crate::case::evidence::ListingFile;
use crate::case::files::read_listing;
use crate::cli::io::Io;
use crate::{format, snapshot_text};
use poolscope_recording::poolmon::series::SeriesOptions;
use poolscope_recording::poolmon::{Pool, Snapshot, SnapshotComparison, SnapshotInput, SnapshotSeries, compare};
use std::io::Write;
use std::path::PathBuf;

/// The snapshots of files.
#[derive(Default)]
pub struct Snapshots {
    /// All snapshots of one scope, in the order of time; `None` without files.
    pub series: Option<SnapshotSeries>,
    /// The difference between the first and the last, if there are several.
    pub comparison: Option<SnapshotComparison>,
    /// Warnings about unparsed lines, truncation, order and scopes.
    pub warnings: Vec<String>,
}

impl Snapshots {
    /// The snapshots in the order of time.
    pub fn all(&self) -> impl Iterator<Item = &Snapshot> {
        self.series.iter().flat_map(SnapshotSeries::snapshots)
    }
}

/// Reads the snapshots of files or of standard input.
///
/// # Errors
/// A file cannot be read, or contains no snapshot.
pub fn read_snapshots(paths: &[&PathBuf], choice: &SnapshotChoice) -> anyhow::Result<Snapshots> {
    let mut snapshots = Snapshots::default();
    let mut inputs = Vec::with_capacity(paths.len());
    for path in paths {
        let ListingFile { modified_ms, file, .. } = read_listing(path)?;
        snapshots.warnings.extend(snapshot_text::file_warnings(&path.display().to_string(), &file));
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        inputs.push(SnapshotInput::new(name, modified_ms, file));
    }
    if inputs.is_empty() {
        return Ok(snapshots);
    }
    let options = SeriesOptions {
        scope: choice.scope,
        interval_ms: choice.every.map(|seconds| (seconds * 1000).min(i64::MAX as u64) as i64),
    };
    let Some(mut series) = SnapshotSeries::new(inputs, &options) else {
        let scope = choice.scope.unwrap_or_default();
        anyhow::bail!("no snapshot of {scope} was found: leave --scope out to see which there are");
    };
    if choice.only_last {
        series.points.drain(..series.points.len() - 1);
    }
    snapshots.warnings.extend(snapshot_text::left_out(&series));
    let all: Vec<&Snapshot> = series.snapshots().collect();
    match all.as_slice() {
        [first, .., last] => {
            let comparison = compare(first, last);
            if comparison.is_reversed || series.is_reversed {
                let warning = "most allocation counts went down: the snapshots are in the wrong order, or Windows was restarted \
                               between them";
                snapshots.warnings.push(warning.to_owned());
            }
            let unknown = ", and the growth of tags that it lacks is not known";
            snapshots.warnings.extend(truncation_warnings(first, "of the first snapshot ", unknown));
            snapshots.warnings.extend(truncation_warnings(last, "of the last snapshot ", unknown));
            snapshots.comparison = Some(comparison);
        }
        [.., last] => snapshots.warnings.extend(truncation_warnings(last, "", "")),
        [] => {}
    }
    snapshots.series = Some(series);
    Ok(snapshots)
}

/// Prints warnings.
///
/// # Errors
/// If the output cannot be written.
pub fn warn(warnings: &[String], io: &mut Io<'_>) -> std::io::Result<()> {
    warnings.iter().try_for_each(|warning| writeln!(io.err, "poolscope: warning: {warning}"))
}

/// A warning for each pool whose rows add up to less than the total that the tool printed.
fn truncation_warnings(snapshot: &Snapshot, which: &str, consequence: &str) -> Vec<String> {
    let warning = |pool: Pool| {
        let total = format::bytes(snapshot.truncated_total(pool)?);
        let (rows, pool) = (format::bytes(snapshot.bytes_in(pool)), pool.name());
        Some(format!(
            "the rows {which}contain {rows} of {total} of {pool} pool: the snapshot is truncated{consequence}"
        ))
    };
    Pool::ALL.into_iter().filter_map(warning).collect()
}
