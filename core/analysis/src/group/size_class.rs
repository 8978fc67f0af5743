//! Size classes: powers of two. Class 0 holds size 0, class `k` the sizes from 2^(k-1) up to, but not including, 2^k.

/// Number of classes.
pub const COUNT: u32 = 65;

/// The class of a size in bytes.
#[inline]
#[must_use]
pub const fn class_of(size_bytes: u64) -> u32 {
    u64::BITS - size_bytes.leading_zeros()
}

/// The class as text, `64B..128B`: the second bound is outside.
#[must_use]
pub fn label(class: u32) -> String {
    match class {
        0 => "0B".to_owned(),
        k => format!("{}..{}", power(k - 1), power(k)),
    }
}

fn power(exponent: u32) -> String {
    const UNITS: [&str; 7] = ["B", "KB", "MB", "GB", "TB", "PB", "EB"];
    let unit = UNITS.get(exponent as usize / 10).copied().unwrap_or("EB");
    format!("{}{unit}", 1u32 << (exponent % 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_belong_to_the_upper_class() {
        assert_eq!(label(class_of(0)), "0B");
        assert_eq!(label(class_of(1)), "1B..2B");
        assert_eq!(label(class_of(64)), "64B..128B");
        assert_eq!(label(class_of(127)), "64B..128B");
        assert_eq!(label(class_of(1023)), "512B..1KB");
        assert_eq!(label(class_of(1024)), "1KB..2KB");
        assert_eq!(label(class_of(u64::MAX)), "8EB..16EB");
    }
}
