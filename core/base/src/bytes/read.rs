//! Little-endian reads at an offset. All return `None` past the end of the slice and never panic.

macro_rules! reader {
    ($(#[$doc:meta])* $name:ident -> $type:ty, $len:literal) => {
        $(#[$doc])*
        #[inline(always)]
        #[must_use]
        pub fn $name(data: &[u8], offset: usize) -> Option<$type> {
            let bytes = data.get(offset..)?.first_chunk::<$len>()?;
            Some(<$type>::from_le_bytes(*bytes))
        }
    };
}

reader!(
    /// An unsigned 16-bit integer.
    u16_at -> u16, 2
);
reader!(
    /// An unsigned 32-bit integer.
    u32_at -> u32, 4
);
reader!(
    /// An unsigned 64-bit integer.
    u64_at -> u64, 8
);
reader!(
    /// A signed 64-bit integer.
    i64_at -> i64, 8
);

/// One byte.
#[inline(always)]
#[must_use]
pub fn u8_at(data: &[u8], offset: usize) -> Option<u8> {
    data.get(offset).copied()
}

/// A pointer or size of `pointer_size` (4 or 8) bytes, widened.
#[inline(always)]
#[must_use]
pub fn pointer_at(data: &[u8], offset: usize, pointer_size: u8) -> Option<u64> {
    if pointer_size == 8 { u64_at(data, offset) } else { u32_at(data, offset).map(u64::from) }
}

/// Sixteen bytes, for GUIDs.
#[inline(always)]
#[must_use]
pub fn bytes16_at(data: &[u8], offset: usize) -> Option<[u8; 16]> {
    data.get(offset..)?.first_chunk::<16>().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_stop_at_the_end_of_the_slice() {
        let data = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        assert_eq!(u16_at(&data, 7), Some(0x0908));
        assert_eq!(u16_at(&data, 8), None);
        assert_eq!(u64_at(&data, 1), Some(0x0908_0706_0504_0302));
        assert_eq!(u64_at(&data, usize::MAX), None);
        assert_eq!(pointer_at(&data, 4, 4), Some(0x0807_0605));
        assert_eq!(pointer_at(&data, 4, 8), None);
    }
}
