//! Handles into the tables of a [`Trace`](super::Trace): small, copyable, meaningless without their table. A handle
//! must never be made from a number in a file.

macro_rules! handle {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// No row.
            pub const NONE: Self = Self(u32::MAX);

            /// The row's position, for indexing.
            #[inline]
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }

            /// Whether this names a row at all.
            #[inline]
            #[must_use]
            pub const fn is_some(self) -> bool {
                self.0 != u32::MAX
            }
        }
    };
}

handle!(
    /// A row of the allocation table.
    AllocationId
);
handle!(
    /// A distinct combination of what an event says beside time, address and size.
    AttributesId
);
handle!(
    /// A node of the stack tree; [`StackId::EMPTY`] is the root, which stands for "no stack".
    StackId
);
handle!(
    /// A distinct (address, module) pair.
    FrameId
);
handle!(
    /// A distinct image file at a distinct base address.
    ModuleId
);
handle!(
    /// One life of a process.
    ProcessId
);

impl ProcessId {
    /// In place of the process that allocated a block whose allocation was not recorded.
    pub const UNKNOWN_ALLOCATOR: Self = Self(u32::MAX - 1);
}

impl StackId {
    /// The root of the stack tree: an allocation without a stack.
    pub const EMPTY: Self = Self(0);
}
