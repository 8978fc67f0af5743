//! Sizes and times on the command line, with their units.

/// Bytes with an optional unit: B, KB, MB, GB, TB or KiB, MiB, GiB, TiB, all powers of 1024, as every figure is shown and as
/// queries read them.
///
/// # Errors
/// What is wrong, and how to write it.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: f64 = number.parse().map_err(|error| format!("{text:?} is no size ({error}); write 500MB or 64KiB"))?;
    let factor: f64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" | "kib" => 1024.0,
        "m" | "mb" | "mib" => 1024.0 * 1024.0,
        "g" | "gb" | "gib" => 1024.0 * 1024.0 * 1024.0,
        "t" | "tb" | "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        other => return Err(format!("unknown unit {other:?}; write 500MB or 64KiB")),
    };
    Ok((number * factor) as u64)
}

/// A time with an optional unit: s (the default), min or m, h, d.
///
/// # Errors
/// What is wrong, and how to write it.
pub fn parse_duration(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: f64 =
        number.parse().map_err(|error| format!("{text:?} is no time ({error}); write 90s, 10min or 2h"))?;
    let factor: f64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "s" | "sec" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        other => return Err(format!("unknown unit {other:?}; write 90s, 10min or 2h")),
    };
    // A float that is too large becomes the largest number.
    let seconds = (number * factor).ceil() as u64;
    if seconds == 0 { Err(format!("{text:?} is no time at all; write 90s, 10min or 2h")) } else { Ok(seconds) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(["64KiB", "64 kb", "65536"].map(parse_bytes), [65_536, 65_536, 65_536].map(Ok));
        assert_eq!(parse_bytes("1.5gb"), Ok(3 << 29));
        assert!(parse_bytes("x").is_err() && parse_bytes("5 parsecs").is_err());
    }

    #[test]
    fn times_have_units() {
        assert_eq!(["90", "90s", "10 min", "1.5h", "2d"].map(parse_duration), [90, 90, 600, 5400, 172_800].map(Ok));
        for wrong in ["", "0", "x", "5 parsecs", "-1", "1..2"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }
}
