//! The units that a column's figures can be written in, and the writing. Rounds for people; files hold exact figures.

use poolscope_analysis::pivot::metric::Unit as FigureUnit;
use poolscope_analysis::pivot::{Metric, Value};
use serde::{Deserialize, Serialize};

use crate::format;

/// Bytes of a page.
const PAGE: f64 = 4096.0;

/// What a column's figures are written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// As fits each figure.
    #[default]
    Automatic,
    /// Bytes.
    Bytes,
    /// 1024 bytes.
    KB,
    /// 1024 KB.
    MB,
    /// 1024 MB.
    GB,
    /// Pages of 4 KB.
    Pages,
    /// MB in a second.
    PerSecond,
    /// MB in a minute.
    PerMinute,
    /// MB in an hour.
    PerHour,
}

impl Unit {
    /// Whether it is the automatic one.
    #[must_use]
    pub fn is_automatic(&self) -> bool {
        *self == Self::Automatic
    }

    /// The name in menus.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Automatic => "Automatic",
            Self::Bytes => "Bytes",
            Self::KB => "KB",
            Self::MB => "MB",
            Self::GB => "GB",
            Self::Pages => "Pages of 4 KB",
            Self::PerSecond => "MB/s",
            Self::PerMinute => "MB/min",
            Self::PerHour => "MB/h",
        }
    }

    /// Bytes, or bytes per second, that make one; the sign behind figures.
    const fn scale(self) -> Option<(f64, &'static str)> {
        const MB: f64 = 1_048_576.0;
        match self {
            Self::Automatic => None,
            Self::Bytes => Some((1.0, "B")),
            Self::KB => Some((1024.0, "KB")),
            Self::MB => Some((MB, "MB")),
            Self::GB => Some((1024.0 * MB, "GB")),
            Self::Pages => Some((PAGE, "p")),
            Self::PerSecond => Some((MB, "MB/s")),
            Self::PerMinute => Some((MB / 60.0, "MB/min")),
            Self::PerHour => Some((MB / 3600.0, "MB/h")),
        }
    }
}

/// A figure as text, its unit apart.
#[must_use]
pub fn number_text(value: Value, figure: Metric, unit: Unit) -> (String, &'static str) {
    let number = value.as_f64().unwrap_or_default();
    let sign = if number < 0.0 { "-" } else { "" };
    if value == Value::None {
        return (String::new(), "");
    }
    if let Some((scale, name)) = unit.scale() {
        return (scaled(number, scale), name);
    }
    match figure.unit() {
        FigureUnit::Count => (format!("{sign}{}", format::count(number.abs() as u64)), ""),
        FigureUnit::Bytes => {
            let (text, unit) = format::bytes_parts(number.abs() as u64);
            (format!("{sign}{text}"), unit)
        }
        FigureUnit::BytesPerSecond => (format!("{sign}{}/s", format::bytes(number.abs() as u64)), ""),
        FigureUnit::Seconds => (format::duration(number), ""),
        FigureUnit::Ratio => (format!("{number:.2}"), ""),
    }
}

/// With as many decimals as make a difference for people: all figures of a column have the same number of them.
fn scaled(number: f64, scale: f64) -> String {
    let value = number / scale;
    let digits = if scale <= 1.0 { 0 } else { 2 };
    let text = format!("{:.digits$}", value.abs());
    let (whole, part) = text.split_once('.').map_or((text.as_str(), None), |(w, p)| (w, Some(p)));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), format::count);
    let sign = if value < 0.0 && text.bytes().any(|b| (b'1'..=b'9').contains(&b)) { "-" } else { "" };
    part.map_or_else(|| format!("{sign}{whole}"), |part| format!("{sign}{whole}.{part}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_in_the_unit_of_their_column() {
        let size = |bytes: i128, unit| number_text(Value::Int(bytes), Metric::Size, unit);
        assert_eq!(size(24_222_106, Unit::Automatic), ("23.1".to_owned(), "MB"));
        assert_eq!(size(24_222_106, Unit::Bytes), ("24,222,106".to_owned(), "B"));
        assert_eq!(size(24_222_106, Unit::KB), ("23,654.40".to_owned(), "KB"));
        assert_eq!(size(-4096 * 3, Unit::Pages), ("-3.00".to_owned(), "p"));
        assert_eq!(size(-1, Unit::GB), ("0.00".to_owned(), "GB"));
        let growth = number_text(Value::Float(1_048_576.0 / 30.0), Metric::Growth, Unit::PerMinute);
        assert_eq!(growth, ("2.00".to_owned(), "MB/min"));
        assert_eq!(number_text(Value::None, Metric::Average, Unit::MB), (String::new(), ""));
    }
}
