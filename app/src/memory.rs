//! Memory of this system, which loads keep within.

/// Bytes that programs can still use without swapping, from the Linux memory information; `None` on other systems.
#[must_use]
pub fn available_bytes() -> Option<u64> {
    available_in(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

/// The available memory in the text of `/proc/meminfo`.
fn available_in(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_available_memory_is_read_in_kilobytes() {
        let text = "MemTotal:       24514964 kB\nMemFree:         9001234 kB\nMemAvailable:   22020096 kB\n";
        assert_eq!(available_in(text), Some(22_020_096 << 10));
        assert_eq!((available_in("MemTotal: 5 kB\n"), available_in("MemAvailable: many kB\n")), (None, None));
    }
}
