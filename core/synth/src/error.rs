//! Errors while a trace is written.

/// Reason why a trace could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SynthError {
    /// The output failed to write or seek.
    #[error("cannot write the trace: {0}")]
    Io(#[from] std::io::Error),
    /// A record does not fit the 16-bit size field or an empty buffer.
    #[error("a record of {size} bytes does not fit (at most {limit})")]
    RecordTooLarge {
        /// Header and payload, in bytes.
        size: usize,
        /// The largest record that fits, in bytes.
        limit: usize,
    },
    /// A CPU index at or above the number of CPUs.
    #[error("CPU {cpu} does not exist, the trace has {cpus}")]
    NoSuchCpu {
        /// The requested index.
        cpu: u16,
        /// The number of CPUs.
        cpus: u16,
    },
    /// Invalid parameters.
    #[error("{0}")]
    Params(String),
    /// The simulated address space of a 32-bit trace is full.
    #[error("the kernel address space of a 32-bit trace is full; ask for fewer live blocks")]
    AddressSpace,
}
