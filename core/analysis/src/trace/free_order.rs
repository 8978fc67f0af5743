//! The order in which allocations were freed, as the records of a trace have it.

/// Rows with a known free time in the order of that time.
#[derive(Debug, Default)]
pub struct FreeOrder {
    /// Rows that a free event ended; those of one tick are in the order of the file.
    pub recorded: Vec<u32>,
    /// Rows with an implied free; those of one tick are in ascending order.
    pub implied: Vec<u32>,
}

impl FreeOrder {
    /// Bytes of memory of the rows.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        size_of_val(self.recorded.as_slice()) + size_of_val(self.implied.as_slice())
    }
}
