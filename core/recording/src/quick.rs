//! The commands in their shortest form, for pages that only say how to get a trace at all.

use super::command::xperf_start;
use super::plan::{Plan, Scope};
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

/// The commands that record one tag with xperf: a tag filter makes traces of days possible. `tag` is as tables show it. What a command line
/// or xperf would take for something else stands as `?`, any one character; a tag without a single letter leaves all tags.
#[must_use]
pub fn xperf_of_tag(tag: &str) -> [String; 2] {
    let scope = TagPatterns::of_tags([tag]).map_or(Scope::All, Scope::Tags);
    [xperf_start(&Plan { scope, ..Plan::default() }), XPERF[1].to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tag_is_recorded_with_stacks() {
        let [start, stop] = xperf_of_tag("Leak");
        assert_eq!(start, format!("{} -PoolTag Leak", XPERF[0]));
        assert_eq!(stop, XPERF[1]);
        assert!(xperf_of_tag("Fil ")[0].ends_with(" -PoolTag Fil?"));
        assert!(xperf_of_tag("a\\x00b%")[0].ends_with(" -PoolTag a?b?"));
        assert_eq!(xperf_of_tag("+;*\""), [format!("{} -PoolTag ????", XPERF[0]), XPERF[1].to_owned()]);
        assert_eq!(xperf_of_tag("\\x01\\x02\\x03\\x04")[0], XPERF[0]);
    }
}
