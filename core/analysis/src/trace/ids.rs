//! Handles: typed row numbers of the tables of a [`Trace`](super::Trace). A handle is valid only for the trace that it comes
//! from.

macro_rules! handle {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// Handle of no row.
            pub const NONE: Self = Self(u32::MAX);

            /// Position of the row, for indexing.
            #[inline]
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }

            /// Returns `true` if this is not [`Self::NONE`].
            #[inline]
            #[must_use]
            pub const fn is_some(self) -> bool {
                self.0 != u32::MAX
            }
        }
    };
}

handle!(
    /// Row of the allocation table.
    AllocationId
);
handle!(
    /// Distinct attributes of pool events.
    AttributesId
);
handle!(
    /// Node of the stack tree: a stack from the root to this node.
    StackId
);
handle!(
    /// Distinct pair of address and module.
    FrameId
);
handle!(
    /// Distinct image file at a base address.
    ModuleId
);
handle!(
    /// Process, from its start to its end.
    ProcessId
);

impl ProcessId {
    /// Process of an allocation that was not recorded.
    pub const UNKNOWN_ALLOCATOR: Self = Self(u32::MAX - 1);
}

impl StackId {
    /// Root of the stack tree: no stack.
    pub const EMPTY: Self = Self(0);
}
