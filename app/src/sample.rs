//! The built-in sample trace: the classic story of a pool leak, made up, with look-alike modules whose PDBs are ours. It
//! must never touch the disk: it is part of the program.

/// The bytes of the sample trace, written by `poolscope synth --sample`.
pub const TRACE: &[u8] = include_bytes!("../../assets/sample/sample.etl");

/// The look-alike modules of the sample, described by `assets/sample/build.sh`.
pub const MODULES: &str = include_str!("../../assets/sample/modules.json");

/// Its name in titles and reports.
pub const NAME: &str = "sample.etl";
