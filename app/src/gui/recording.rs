//! The commands that record a trace this program can use, in one place for every page that shows them. Words only.

/// With the recorder that is part of Windows 10 and later.
pub const WPR: [&str; 2] = ["wpr -start Pool -filemode", "wpr -stop leak.etl"];

/// With xperf, for older systems; the stacks are what names the driver.
pub const XPERF: [&str; 2] = ["xperf -on PROC_THREAD+LOADER+POOL -stackwalk PoolAlloc+PoolFree", "xperf -d leak.etl"];

/// What puts the PDBs' identities into a trace: only the machine that recorded it can.
pub const MERGE: [&str; 2] = ["xperf -merge recorded.etl merged.etl", "wpr -stop merged.etl"];

/// The commands that record one tag with xperf: a tag filter makes traces of days possible. `tag` is as tables show it.
/// What a command line or xperf would take for something else stands as `?`, any one character.
#[must_use]
pub fn xperf_of_tag(tag: &str) -> [String; 2] {
    let [start, stop] = XPERF;
    [format!("{start} -PoolTag {}", tag_pattern(tag)), stop.to_owned()]
}

fn tag_pattern(tag: &str) -> String {
    let mut pattern = String::with_capacity(4);
    let mut rest = tag.chars();
    while let Some(letter) = rest.next() {
        if letter == '\\' && rest.as_str().starts_with('x') {
            // A byte that is no letter: `\xNN`.
            rest.by_ref().take(3).for_each(drop);
            pattern.push('?');
        } else {
            pattern.push(if letter.is_ascii_alphanumeric() || "_-.#".contains(letter) { letter } else { '?' });
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_becomes_a_pattern_that_no_shell_changes() {
        assert_eq!(tag_pattern("Leak"), "Leak");
        assert_eq!(tag_pattern("Fil "), "Fil?");
        assert_eq!(tag_pattern("a\\x00b%"), "a?b?");
        assert_eq!(tag_pattern("+;*\""), "????");
        let [start, stop] = xperf_of_tag("Leak");
        assert_eq!(start, "xperf -on PROC_THREAD+LOADER+POOL -stackwalk PoolAlloc+PoolFree -PoolTag Leak",);
        assert_eq!(stop, "xperf -d leak.etl");
    }
}
