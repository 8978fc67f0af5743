//! Literals of queries: `64KB`, `1.5MB`, `10ms`, `0xffff…`, `none`. They are exact where a whole number of units can be.

use super::query::FieldKind;

/// A number as written, in the unit of its column: bytes, a plain number, or nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Literal {
    /// A number.
    Number(i128),
    /// `none`, `unknown` or `never`: the value is missing.
    Missing,
}

/// Parses a literal of a column of numbers.
///
/// # Errors
/// The mistake, as a message.
pub fn parse(kind: FieldKind, text: &str) -> Result<Literal, String> {
    let lower = text.to_ascii_lowercase();
    if matches!(lower.as_str(), "none" | "unknown" | "never") && kind != FieldKind::Bytes {
        return Ok(Literal::Missing);
    }
    let number = match kind {
        FieldKind::Bytes => scaled(&lower, &BYTES, "a size such as 512, 64KB or 1.5MB"),
        FieldKind::Time => scaled(&lower, &TIMES, "a time such as 2.5s, 10ms or 1m"),
        _ => plain(&lower),
    };
    number.map(Literal::Number).map_err(|wanted| format!("'{text}' is not {wanted}"))
}

/// Units of sizes in bytes; binary, as in Windows.
const BYTES: [(&str, i128); 15] = [
    ("", 1),
    ("b", 1),
    ("kb", 1 << 10),
    ("mb", 1 << 20),
    ("gb", 1 << 30),
    ("tb", 1 << 40),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("k", 1 << 10),
    ("m", 1 << 20),
    ("g", 1 << 30),
    ("t", 1 << 40),
    ("bytes", 1),
];

/// Units of time in nanoseconds; without a unit, seconds.
const TIMES: [(&str, i128); 15] = [
    ("", 1_000_000_000),
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("min", 60_000_000_000),
    ("minute", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("hour", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("day", 86_400_000_000_000),
    ("sec", 1_000_000_000),
    ("second", 1_000_000_000),
];

/// Size of a unit, in lower case: bytes for [`FieldKind::Bytes`], nanoseconds for [`FieldKind::Time`]; `None` for any other kind and for an
/// unknown unit.
#[must_use]
pub fn unit_scale(kind: FieldKind, unit: &str) -> Option<i128> {
    let units: &[(&str, i128)] = match kind {
        FieldKind::Bytes => &BYTES,
        FieldKind::Time => &TIMES,
        _ => return None,
    };
    units.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale)
}

fn plain(text: &str) -> Result<i128, &'static str> {
    let wanted = "a number, decimal or 0x…";
    match text.strip_prefix("0x") {
        Some(hex) => {
            let hex = hex.replace('`', "");
            u64::from_str_radix(&hex, 16).map(i128::from).ok().ok_or(wanted)
        }
        None => text.parse::<u64>().map(i128::from).ok().ok_or(wanted),
    }
}

fn scaled(text: &str, units: &[(&str, i128)], wanted: &'static str) -> Result<i128, &'static str> {
    if text.starts_with("0x") {
        return plain(text).ok().ok_or(wanted);
    }
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-');
    let (digits, unit) = text.split_at(split.unwrap_or(text.len()));
    let unit = units.iter().find(|u| u.0 == unit.trim_start()).ok_or(wanted)?.1;
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, digits),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    let too_long = whole.len() > 18 || fraction.len() > 15;
    if digits.is_empty() || digits == "." || !is_digits(whole) || !is_digits(fraction) || too_long {
        return Err(wanted);
    }
    let value = |digits: &str| digits.parse::<i128>().unwrap_or(0);
    let denominator = 10i128.pow(fraction.len() as u32);
    // Halves are rounded up: a tenth of a KB is no whole number of bytes.
    let part = (value(fraction) * unit * 2 + denominator) / (denominator * 2);
    let sum = value(whole) * unit + part;
    Ok(if negative { -sum } else { sum })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_binary_and_exact() {
        let bytes = |t| parse(FieldKind::Bytes, t);
        assert_eq!(bytes("64KB"), Ok(Literal::Number(65_536)));
        assert_eq!(bytes("1.5mb"), Ok(Literal::Number(1_572_864)));
        assert_eq!(bytes("512"), Ok(Literal::Number(512)));
        assert_eq!(bytes("0.1KB"), Ok(Literal::Number(102)));
        assert_eq!((bytes("64KiB"), unit_scale(FieldKind::Bytes, "kib")), (Ok(Literal::Number(65_536)), Some(1024)));
        assert!(bytes("64XB").is_err() && bytes("1.2.3").is_err() && bytes("").is_err());
        let time = |t| parse(FieldKind::Time, t);
        assert_eq!(time("2.5"), Ok(Literal::Number(2_500_000_000)));
        assert_eq!(time("10us"), Ok(Literal::Number(10_000)));
        assert_eq!(
            (time("1h"), unit_scale(FieldKind::Time, "day")),
            (Ok(Literal::Number(3_600_000_000_000)), Some(86_400_000_000_000))
        );
        assert_eq!(time("-1ms"), Ok(Literal::Number(-1_000_000)));
        assert_eq!(time("never"), Ok(Literal::Missing));
        let number = |t| parse(FieldKind::Number, t);
        assert_eq!(number("0xFFFF`00000010"), Ok(Literal::Number(0xffff_0000_0010)));
        assert!(number("-4").is_err());
    }
}
