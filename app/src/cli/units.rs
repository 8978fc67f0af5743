//! Sizes and times of option values. Units are those of the query language.

use poolscope_analysis::filter::literal::{self, Literal};
use poolscope_analysis::filter::query::FieldKind;

/// Parses bytes with an optional unit: B, KB, MB, GB, TB or KiB, MiB, GiB, TiB, all powers of 1024.
///
/// # Errors
/// A message with an example.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let bytes = match literal::parse(FieldKind::Bytes, text.trim()) {
        Ok(Literal::Number(bytes)) => u64::try_from(bytes).ok(),
        _ => None,
    };
    bytes.ok_or_else(|| format!("'{text}' is not a size such as 500MB or 64KiB"))
}

/// Parses a time span with an optional unit (s by default, min or m, h, d) to whole seconds, rounded up.
///
/// # Errors
/// A message with an example; also for zero.
pub fn parse_duration(text: &str) -> Result<u64, String> {
    let seconds = match literal::parse(FieldKind::Time, text.trim()) {
        Ok(Literal::Number(nanoseconds)) => u64::try_from((nanoseconds + 999_999_999).div_euclid(1_000_000_000)).ok(),
        _ => None,
    };
    let seconds = seconds.filter(|seconds| *seconds > 0);
    seconds.ok_or_else(|| format!("'{text}' is not a time such as 90s, 10min or 2h"))
}

/// Parses a time of the trace in seconds: a plain number or a number with a unit. `None` for an empty text.
///
/// # Errors
/// A message with an example.
pub fn parse_seconds(text: &str) -> Result<Option<f64>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if let Some(seconds) = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite()) {
        return Ok(Some(seconds));
    }
    match literal::parse(FieldKind::Time, text)? {
        Literal::Number(nanoseconds) => Ok(Some(nanoseconds as f64 / 1e9)),
        Literal::Missing => Err(format!("'{text}' is not a time such as 2.5, 10ms or 1m")),
    }
}

/// A range in seconds from time zero; a missing end is open.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SecondsRange {
    /// First moment.
    pub from: Option<f64>,
    /// Last moment.
    pub to: Option<f64>,
}

/// Parses `FROM..TO`; either side may be missing.
///
/// # Errors
/// A message with an example.
pub fn parse_range(text: &str) -> Result<SecondsRange, String> {
    let (from, to) = text.split_once("..").ok_or("a range is FROM..TO, such as 10..20.5 or 30..")?;
    let range = SecondsRange { from: parse_seconds(from)?, to: parse_seconds(to)? };
    match (range.from, range.to) {
        (Some(from), Some(to)) if from > to => Err(format!("the range ends at {to} s, before it starts at {from} s")),
        _ => Ok(range),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(["64KiB", "64 kb", "65536"].map(parse_bytes), [65_536, 65_536, 65_536].map(Ok));
        assert_eq!(parse_bytes("1.5gb"), Ok(3 << 29));
        assert!(["x", "5 parsecs", "-1", ""].map(parse_bytes).iter().all(Result::is_err));
    }

    #[test]
    fn time_spans_have_units() {
        assert_eq!(["90", "90s", "10 min", "1.5h", "2d"].map(parse_duration), [90, 90, 600, 5400, 172_800].map(Ok));
        assert_eq!(["0.5", "1500ms"].map(parse_duration), [1, 2].map(Ok));
        for wrong in ["", "0", "x", "5 parsecs", "-1", "1..2", "never"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ranges_have_open_ends_and_units() {
        let range = |from, to| Ok::<SecondsRange, String>(SecondsRange { from, to });
        assert_eq!(parse_range("1.5..20"), range(Some(1.5), Some(20.0)));
        assert_eq!(parse_range("..10ms"), range(None, Some(0.01)));
        assert_eq!(parse_range("-1.."), range(Some(-1.0), None));
        assert_eq!(parse_range(".."), range(None, None));
        assert!(parse_range("5").is_err() && parse_range("2..1").is_err() && parse_range("a..b").is_err());
        assert!(parse_range("nan..1").is_err());
    }
}
