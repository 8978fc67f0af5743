//! Contents of a table column: keys and figures, the change across a bar, and the aggregations.

use std::borrow::Cow;

use poolscope_analysis::pivot::{Key, Metric, RowPathStep};
use poolscope_analysis::trace::time::LifetimeClass;

/// Role of a column: what its place between the bars makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColumnRole {
    /// Left of the gold bar: groups the rows.
    Key,
    /// Between the bars: a figure.
    Data,
    /// Right of the blue bar: a figure that the graph draws.
    Graph,
}

/// Content of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A key: the rows are grouped by it.
    Key(Key),
    /// A figure.
    Figure(Metric),
}

impl What {
    /// The name in the header.
    #[must_use]
    pub fn title(self) -> String {
        match self {
            Self::Key(key) => key.title().to_owned(),
            Self::Figure(metric) => metric.title(),
        }
    }

    /// Content of this column in another role.
    ///
    /// # Errors
    /// The reason, as a sentence.
    pub fn in_area(self, area: ColumnRole) -> Result<Self, String> {
        match (self, area) {
            (Self::Key(_), ColumnRole::Key) => Ok(self),
            (Self::Key(key), ColumnRole::Data) => Ok(Self::Figure(Metric::Unique(key))),
            (Self::Key(key), ColumnRole::Graph) => {
                Err(format!("{} is a key column and cannot be graphed.", key.title()))
            }
            (Self::Figure(metric), ColumnRole::Key) => match key_of(metric) {
                Some(key) => Ok(Self::Key(key)),
                None => Err(format!("{} is a data column and cannot group rows.", metric.title())),
            },
            (Self::Figure(_), ColumnRole::Data) => Ok(self),
            (Self::Figure(metric), ColumnRole::Graph) if graphed(metric).is_some() => Ok(self),
            (Self::Figure(metric), ColumnRole::Graph) => {
                Err(format!("{} cannot be graphed. Only Size, Count and the impacting columns can.", metric.title()))
            }
        }
    }
}

/// A value as people are shown it: nothing is not shown as nothing.
#[must_use]
pub fn shown(key: Key, text: &str) -> Cow<'_, str> {
    if text.trim_end_matches(' ').is_empty() { format!("[No {}]", key.title()).into() } else { text.into() }
}

/// Key that a figure becomes left of the gold bar.
fn key_of(metric: Metric) -> Option<Key> {
    match metric {
        Metric::Unique(key) => Some(key),
        Metric::Size | Metric::Average | Metric::Min | Metric::Max | Metric::PeakSize => Some(Key::SizeClass),
        Metric::ImpactingSize | Metric::ImpactingCount => Some(Key::ImpactingType),
        Metric::LifetimeAverage | Metric::LifetimeMax => Some(Key::Lifetime),
        _ => None,
    }
}

/// Curve of a figure: counts instead of bytes, AIFO rows only; `None` when it has no values over time.
#[must_use]
pub fn graphed(metric: Metric) -> Option<Graphed> {
    let graphed = |by_count, impacting| Some(Graphed { by_count, impacting });
    match metric {
        Metric::Size | Metric::PeakSize => graphed(false, false),
        Metric::Count | Metric::PeakCount => graphed(true, false),
        Metric::ImpactingSize => graphed(false, true),
        Metric::ImpactingCount => graphed(true, true),
        _ => None,
    }
}

/// Values that the graph draws for each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Graphed {
    /// Blocks instead of bytes.
    pub by_count: bool,
    /// Only rows that are AIFO in the view.
    pub impacting: bool,
}

/// The ways in which one thing can be added up, the plain one first.
#[must_use]
pub fn aggregations(metric: Metric) -> Vec<(&'static str, Metric)> {
    let families: [&[(&str, Metric)]; 4] = [
        &[
            ("Sum", Metric::Size),
            ("Average", Metric::Average),
            ("Minimum", Metric::Min),
            ("Maximum", Metric::Max),
            ("Peak", Metric::PeakSize),
        ],
        &[("Sum", Metric::Count), ("Peak", Metric::PeakCount)],
        &[("Sum of bytes", Metric::ImpactingSize), ("Count", Metric::ImpactingCount)],
        &[("Average", Metric::LifetimeAverage), ("Maximum", Metric::LifetimeMax)],
    ];
    families.iter().find(|f| f.iter().any(|(_, other)| *other == metric)).map_or_else(Vec::new, |f| f.to_vec())
}
/// Text of the column Paged.
#[must_use]
pub const fn paged_text(is_paged: bool) -> &'static str {
    if is_paged { "Paged" } else { "NonPaged" }
}

/// The place of all leak candidates, as a step of a way through the table.
#[must_use]
pub fn leak_candidates() -> RowPathStep {
    RowPathStep::Value { key: Key::Type, text: LifetimeClass::Aifo.name().to_owned() }
}

/// The place of a pool below another one.
#[must_use]
pub fn pool_step(is_paged: bool) -> RowPathStep {
    RowPathStep::Value { key: Key::Paged, text: paged_text(is_paged).to_owned() }
}
