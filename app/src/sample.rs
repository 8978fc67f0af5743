//! The built-in sample trace. It must never touch the disk: it is part of the program.

/// The bytes of the sample trace.
pub const TRACE: &[u8] = &[];

/// Its name in titles and reports.
pub const NAME: &str = "sample.etl";
