//! The option that names a folder of driver files, and what they say about the tags of a trace. For commands that name who owns
//! a tag.

use super::io::Io;
use super::open::Workers;
use crate::drivers::{scan_folder, tags_of};
use poolscope_analysis::leaks::owner::ScannedDrivers;
use poolscope_analysis::trace::Trace;
use std::io::Write as _;
use std::path::PathBuf;

/// Where driver files lie.
#[derive(clap::Args, Debug, Clone, Default)]
pub struct DriverArgs {
    /// Looks for the tags in the driver files (.sys) of this folder, such as a copy of the machine's
    /// C:\Windows\System32\drivers
    #[arg(long, value_name = "FOLDER")]
    drivers: Option<PathBuf>,
}

impl DriverArgs {
    /// The tags of a trace in the files of the folder; `None` without one.
    ///
    /// # Errors
    /// The folder cannot be used, or a warning cannot be written.
    pub fn scan(&self, trace: &Trace, workers: &Workers, io: &mut Io<'_>) -> anyhow::Result<Option<ScannedDrivers>> {
        let Some(folder) = &self.drivers else { return Ok(None) };
        let scan = workers
            .run(|| scan_folder(folder, &tags_of(trace), &|| workers.cancelled()))
            .map_err(anyhow::Error::msg)?;
        for problem in &scan.problems {
            writeln!(io.err, "poolscope: warning: drivers: {problem}")?;
        }
        Ok(Some(scan.drivers))
    }
}
