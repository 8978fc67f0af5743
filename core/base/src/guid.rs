//! GUIDs as keys and as text. Names of providers are the business of the crates that read records.

use std::fmt;

/// A GUID in the byte order of the file: three little-endian integers and eight bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// Builds a GUID from the numbers of its usual notation `aaaaaaaa-bbbb-cccc-dddd-dddddddddddd`.
    #[must_use]
    pub const fn from_parts(a: u32, b: u16, c: u16, d: u64) -> Self {
        let (a, b, c, d) = (a.to_le_bytes(), b.to_le_bytes(), c.to_le_bytes(), d.to_be_bytes());
        Self([a[0], a[1], a[2], a[3], b[0], b[1], c[0], c[1], d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]])
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let b = &self.0;
        write!(
            f,
            "{:02x}{:02x}{:02x}{:02x}-{:02x}{:02x}-{:02x}{:02x}-",
            b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6]
        )?;
        write!(f, "{:02x}{:02x}-", b[8], b[9])?;
        b[10..].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_windows_does() {
        let pool = Guid::from_parts(0x0268_a8b6, 0x74fd, 0x4302, 0x9dd0_6e8f_1795_c0cf);
        assert_eq!(pool.to_string(), "0268a8b6-74fd-4302-9dd0-6e8f1795c0cf");
        assert_eq!(pool.0[0], 0xb6);
    }
}
