//! Bounds-checked reads from a byte slice: little-endian integers, pointers, zero-terminated strings. Numbers past the
//! end of the slice are `None`; nothing here panics or knows a file format.

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
    /// Reads an unsigned 16-bit integer.
    u16_at -> u16, 2
);
reader!(
    /// Reads an unsigned 32-bit integer.
    u32_at -> u32, 4
);
reader!(
    /// Reads an unsigned 64-bit integer.
    u64_at -> u64, 8
);
reader!(
    /// Reads a signed 64-bit integer.
    i64_at -> i64, 8
);

/// Reads one byte.
#[inline(always)]
#[must_use]
pub fn u8_at(data: &[u8], offset: usize) -> Option<u8> {
    data.get(offset).copied()
}

/// Reads a pointer or size of `pointer_size` (4 or 8) bytes, widened to 64 bits.
#[inline(always)]
#[must_use]
pub fn pointer_at(data: &[u8], offset: usize, pointer_size: u8) -> Option<u64> {
    if pointer_size == 8 { u64_at(data, offset) } else { u32_at(data, offset).map(u64::from) }
}

/// Three unsigned 64-bit integers in a row, whose bytes are known to be there.
#[inline(always)]
#[must_use]
pub fn u64_triple(bytes: &[u8; 24]) -> [u64; 3] {
    let word = |at: usize| bytes.as_chunks().0.get(at).map_or(0, |&word| u64::from_le_bytes(word));
    [word(0), word(1), word(2)]
}

/// Reads sixteen bytes, the size of a GUID.
#[inline(always)]
#[must_use]
pub fn bytes16_at(data: &[u8], offset: usize) -> Option<[u8; 16]> {
    data.get(offset..)?.first_chunk::<16>().copied()
}

/// Reads a zero-terminated UTF-16 string and returns it with the offset behind its terminator. Without a terminator the
/// string ends with the data; invalid code units become replacement characters.
#[must_use]
pub fn utf16z_at(data: &[u8], offset: usize) -> (String, usize) {
    let mut units = Vec::new();
    let mut at = offset;
    while let Some(unit) = u16_at(data, at) {
        at += 2;
        if unit == 0 {
            break;
        }
        units.push(unit);
    }
    (String::from_utf16_lossy(&units), at)
}

/// Reads a zero-terminated string of bytes (UTF-8 or ANSI) and returns it with the offset behind its terminator.
/// Without a terminator the string ends with the data; bytes that are no UTF-8 become replacement characters.
#[must_use]
pub fn bytez_at(data: &[u8], offset: usize) -> (String, usize) {
    let rest = data.get(offset..).unwrap_or_default();
    let len = rest.iter().position(|&b| b == 0).unwrap_or(rest.len());
    let text = rest.get(..len).unwrap_or_default();
    (String::from_utf8_lossy(text).into_owned(), offset.saturating_add(len + 1))
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
        let bytes: [u8; 24] = std::array::from_fn(|at| at as u8);
        assert_eq!(
            Some(u64_triple(&bytes)),
            u64_at(&bytes, 0).zip(u64_at(&bytes, 8)).zip(u64_at(&bytes, 16)).map(|((a, b), c)| [a, b, c])
        );
    }

    #[test]
    fn strings_end_at_zero_or_at_the_end() {
        assert_eq!(utf16z_at(b"a\0b\0\0\0c\0", 0), ("ab".to_owned(), 6));
        assert_eq!(utf16z_at(b"a\0b\0c", 0), ("ab".to_owned(), 4));
        assert_eq!(bytez_at(b"xy\0z", 0), ("xy".to_owned(), 3));
        assert_eq!(bytez_at(b"xy", 0), ("xy".to_owned(), 3));
        assert_eq!(bytez_at(b"xy", 9), (String::new(), 10));
    }
}
