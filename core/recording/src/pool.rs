//! The two pools, as snapshots of poolmon list them and as the script polls them.

/// Nonpaged or paged pool.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Pool {
    /// Nonpaged pool.
    #[default]
    NonPaged,
    /// Paged pool.
    Paged,
}

impl Pool {
    /// Both pools.
    pub const ALL: [Self; 2] = [Self::NonPaged, Self::Paged];

    /// Name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NonPaged => "NonPaged",
            Self::Paged => "Paged",
        }
    }

    /// Name in sentences.
    #[must_use]
    pub const fn sentence_name(self) -> &'static str {
        match self {
            Self::NonPaged => "nonpaged pool",
            Self::Paged => "paged pool",
        }
    }

    /// Property of `Win32_PerfRawData_PerfOS_Memory` with the size of the pool.
    pub(crate) const fn size_property(self) -> &'static str {
        match self {
            Self::NonPaged => "PoolNonpagedBytes",
            Self::Paged => "PoolPagedBytes",
        }
    }
}
