//! Units that the user can choose for the figures of a column, and the figures in them. Rounded; files hold exact figures.

use poolscope_analysis::pivot::metric::Unit as FigureUnit;
use poolscope_analysis::pivot::{Metric, Value};
use serde::{Deserialize, Serialize};

use super::{PAGE_BYTES, bytes, bytes_parts, count, decimal, duration};

/// Unit of the figures of a column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnUnit {
    /// The unit that suits each figure.
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

impl ColumnUnit {
    /// Returns `true` if every figure has the unit that suits it.
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

    /// Bytes, or bytes per second, of one unit, and the symbol after figures.
    const fn scale(self) -> Option<(f64, &'static str)> {
        const MB: f64 = 1_048_576.0;
        match self {
            Self::Automatic => None,
            Self::Bytes => Some((1.0, "B")),
            Self::KB => Some((1024.0, "KB")),
            Self::MB => Some((MB, "MB")),
            Self::GB => Some((1024.0 * MB, "GB")),
            Self::Pages => Some((PAGE_BYTES as f64, "p")),
            Self::PerSecond => Some((MB, "MB/s")),
            Self::PerMinute => Some((MB / 60.0, "MB/min")),
            Self::PerHour => Some((MB / 3600.0, "MB/h")),
        }
    }
}

/// A figure as text, and its unit separately.
#[must_use]
pub fn number_text(value: Value, figure: Metric, unit: ColumnUnit) -> (String, &'static str) {
    let Some(number) = value.as_f64() else { return (String::new(), "") };
    if let Some((scale, name)) = unit.scale() {
        // All figures of a column have the same number of decimals: none in bytes.
        return (decimal(number / scale, if scale <= 1.0 { 0 } else { 2 }), name);
    }
    let sign = if number < 0.0 { "-" } else { "" };
    let magnitude = number.abs().round() as u64;
    match figure.unit() {
        FigureUnit::Count => (format!("{sign}{}", count(magnitude)), ""),
        FigureUnit::Bytes => {
            let (text, unit) = bytes_parts(magnitude);
            (format!("{sign}{text}"), unit)
        }
        FigureUnit::BytesPerSecond => (format!("{sign}{}/s", bytes(magnitude)), ""),
        FigureUnit::Seconds => (duration(number), ""),
        FigureUnit::Ratio => (format!("{number:.2}"), ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_unit_of_their_column() {
        let size = |bytes: i128, unit| number_text(Value::Int(bytes), Metric::Size, unit);
        assert_eq!(size(24_222_106, ColumnUnit::Automatic), ("23.1".to_owned(), "MB"));
        assert_eq!(size(24_222_106, ColumnUnit::Bytes), ("24,222,106".to_owned(), "B"));
        assert_eq!(size(24_222_106, ColumnUnit::KB), ("23,654.40".to_owned(), "KB"));
        assert_eq!(size(-4096 * 3, ColumnUnit::Pages), ("-3.00".to_owned(), "p"));
        assert_eq!(size(-1, ColumnUnit::GB), ("0.00".to_owned(), "GB"));
        let growth = number_text(Value::Float(1_048_576.0 / 30.0), Metric::Growth, ColumnUnit::PerMinute);
        assert_eq!(growth, ("2.00".to_owned(), "MB/min"));
        assert_eq!(number_text(Value::None, Metric::Average, ColumnUnit::MB), (String::new(), ""));
    }
}
