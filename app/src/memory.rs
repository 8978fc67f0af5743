//! Memory of this system, which loads keep within.

/// Answer to a question about addresses of a trace that was loaded without them.
pub const ADDRESSES_LEFT_OUT: &str =
    "The addresses of allocations were not loaded, to keep within the memory limit. Load with a higher --memory-limit.";

/// Bytes that programs can still use without swapping; `None` if the system does not tell.
#[cfg(target_os = "linux")]
#[must_use]
pub fn available_bytes() -> Option<u64> {
    available_in(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

/// Bytes that programs can still use without swapping; `None` if the system does not tell.
#[cfg(any(windows, target_os = "macos"))]
#[must_use]
pub fn available_bytes() -> Option<u64> {
    let mut system = sysinfo::System::new().ok()?;
    system.refresh_memory();
    Some(system.available_memory()).filter(|bytes| *bytes > 0)
}

/// Bytes that programs can still use without swapping: not known on this system.
#[cfg(not(any(target_os = "linux", windows, target_os = "macos")))]
#[must_use]
pub const fn available_bytes() -> Option<u64> {
    None
}

/// The available memory in the text of `/proc/meminfo`.
#[cfg(target_os = "linux")]
fn available_in(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_available_memory_is_read_in_kilobytes() {
        let text = "MemTotal:       24514964 kB\nMemFree:         9001234 kB\nMemAvailable:   22020096 kB\n";
        assert_eq!(available_in(text), Some(22_020_096 << 10));
        assert_eq!((available_in("MemTotal: 5 kB\n"), available_in("MemAvailable: many kB\n")), (None, None));
    }
}
