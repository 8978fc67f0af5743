//! Converts a target file size to a number of allocations, by the bytes per allocation of two short pilot traces.

use std::io::{Seek, SeekFrom, Write};

use super::{SynthParams, write_trace};
use crate::SynthError;
use crate::writer::FileMode;

/// An output that discards bytes and only tracks its position.
#[derive(Default)]
struct NullOutput {
    position: u64,
}

impl Write for NullOutput {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.position += bytes.len() as u64;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Seek for NullOutput {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        if let SeekFrom::Start(position) = to {
            self.position = position;
        }
        Ok(self.position)
    }
}

/// The parameters with the target size turned into allocations.
pub(super) fn resolve(params: &SynthParams) -> Result<SynthParams, SynthError> {
    let Some(target) = params.target_bytes else {
        return Ok(params.clone());
    };
    let pilot = |allocations: u64| {
        let small = SynthParams { allocations, target_bytes: None, mode: FileMode::Sequential, ..params.clone() };
        write_trace(NullOutput::default(), &small, None).map(|summary| summary.written.bytes)
    };
    let (few, many) = (20_000, 60_000);
    let (small, large) = (pilot(few)?, pilot(many)?);
    let per_allocation = (large.saturating_sub(small) as f64 / (many - few) as f64).max(1.0);
    let fixed = small as f64 - per_allocation * few as f64;
    let allocations = ((target as f64 - fixed) / per_allocation).max(1.0) as u64;
    Ok(SynthParams { allocations, target_bytes: None, ..params.clone() })
}
