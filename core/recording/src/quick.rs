//! The commands in their shortest form, for pages that only say how to get a trace at all.

use super::command::xperf_start;
use super::plan::{RecordingPlan, TagScope};
use super::tag::TagPatterns;

/// With the recorder that is part of Windows 10 and later.
pub const WPR: [&str; 2] = ["wpr -start Pool -filemode", "wpr -stop leak.etl"];

/// With xperf, for older systems; the stacks are what names the driver.
pub const XPERF: [&str; 2] = [
    "xperf -on PROC_THREAD+LOADER+POOL -stackwalk PoolAlloc+PoolAllocSession+PoolFree+PoolFreeSession",
    "xperf -d leak.etl",
];

/// What puts the PDBs' identities into a trace: only the machine that recorded it can.
pub const MERGE: [&str; 2] = ["xperf -merge recorded.etl merged.etl", "wpr -stop merged.etl"];

