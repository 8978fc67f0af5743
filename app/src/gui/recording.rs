//! The commands that record a trace this program can use, in one place for every page that shows them. Words only.

/// With the recorder that is part of Windows 10 and later.
pub const WPR: [&str; 2] = ["wpr -start Pool -filemode", "wpr -stop leak.etl"];

/// With xperf, for older systems; the stacks are what names the driver.
pub const XPERF: [&str; 2] = ["xperf -on PROC_THREAD+LOADER+POOL -stackwalk PoolAlloc+PoolFree", "xperf -d leak.etl"];

/// What puts the PDBs' identities into a trace: only the machine that recorded it can.
pub const MERGE: [&str; 2] = ["xperf -merge recorded.etl merged.etl", "wpr -stop merged.etl"];
