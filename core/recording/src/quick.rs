//! Shortest commands that record a trace, for pages that only show how to get one.

/// wpr, which is part of Windows 10 and later: start and stop.
pub const WPR: [&str; 2] = ["wpr -start Pool -filemode", "wpr -stop leak.etl"];

/// xperf, for older systems: start and stop. Stacks are needed to name the driver.
pub const XPERF: [&str; 2] = [
    "xperf -on PROC_THREAD+LOADER+POOL -stackwalk PoolAlloc+PoolAllocSession+PoolFree+PoolFreeSession",
    "xperf -d leak.etl",
];

/// Commands that add the identities of PDBs to a trace, on the recorded machine.
pub const MERGE: [&str; 2] = ["xperf -merge recorded.etl merged.etl", "wpr -stop merged.etl"];
