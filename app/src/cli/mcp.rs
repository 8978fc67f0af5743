//! Options of `mcp`. The server itself runs commands, so that it is outside of the command line (`crate::mcp`).

use super::symbol_args::SymbolArgs;
use super::units::parse_bytes;
use clap::ValueHint;
use std::path::PathBuf;

/// Options of `mcp`.
#[derive(clap::Args, Debug, Clone, Default, PartialEq, Eq)]
pub struct Args {
    /// Traces, and folders with traces, for the assistant to work with
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// Folder whose files, and those below, may be read; no others are. Can be given more than once (default: the given folders, and
    /// the folders of the given traces)
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub allow: Vec<PathBuf>,
    /// Source of function names.
    #[command(flatten)]
    pub symbols: SymbolArgs,
    /// Memory that open traces may use together, such as 4GB: the least recently used are closed [default: what the system has
    /// available, where it tells]
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    pub memory_limit: Option<u64>,
    /// Number of worker threads (default: RAYON_NUM_THREADS, else one per processor)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}
