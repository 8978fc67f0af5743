//! What a column of the table can show, what it becomes on the other side of a bar, and the ways in which it adds up.

use std::borrow::Cow;

use poolscope_analysis::pivot::{Metric, Key};

use crate::gui::widgets::pivot_table::Area;

/// What a column shows.
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
            Self::Figure(figure) => figure.title(),
        }
    }

    /// What this column would be on a side of the bars, or why it cannot stand there.
    ///
    /// # Errors
    /// The reason, as a sentence.
    pub fn in_area(self, area: Area) -> Result<Self, String> {
        match (self, area) {
            (Self::Key(_), Area::Key) => Ok(self),
            (Self::Key(key), Area::Data) => Ok(Self::Figure(Metric::Unique(key))),
            (Self::Key(key), Area::Graph) => {
                Err(format!("{} is no amount: it groups rows, and cannot be drawn over time.", key.title()))
            }
            (Self::Figure(figure), Area::Key) => match key_of(figure) {
                Some(key) => Ok(Self::Key(key)),
                None => Err(format!("{} follows from the rows of a group: it cannot group them.", figure.title())),
            },
            (Self::Figure(_), Area::Data) => Ok(self),
            (Self::Figure(figure), Area::Graph) if graphed(figure).is_some() => Ok(self),
            (Self::Figure(figure), Area::Graph) => {
                Err(format!("{} has no course over time. Size, Count and the impacting ones have.", figure.title()))
            }
        }
    }
}

/// A value as people are shown it: nothing is not shown as nothing.
#[must_use]
pub fn shown(key: Key, text: &str) -> Cow<'_, str> {
    if text.trim_end_matches(' ').is_empty() { format!("[No {}]", key.title()).into() } else { text.into() }
}

/// What a figure groups by when it becomes a key.
fn key_of(figure: Metric) -> Option<Key> {
    match figure {
        Metric::Unique(key) => Some(key),
        Metric::Size | Metric::Average | Metric::Min | Metric::Max | Metric::PeakSize => Some(Key::SizeClass),
        Metric::ImpactingSize | Metric::ImpactingCount => Some(Key::ImpactingType),
        Metric::LifetimeAverage | Metric::LifetimeMax => Some(Key::Lifetime),
        _ => None,
    }
}

/// What is drawn for a figure: by number of blocks instead of bytes, and of AIFO rows only; `None` when it has no course over time.
#[must_use]
pub fn graphed(figure: Metric) -> Option<Graphed> {
    let graphed = |by_count, impacting| Some(Graphed { by_count, impacting });
    match figure {
        Metric::Size | Metric::PeakSize => graphed(false, false),
        Metric::Count | Metric::PeakCount => graphed(true, false),
        Metric::ImpactingSize => graphed(false, true),
        Metric::ImpactingCount => graphed(true, true),
        _ => None,
    }
}

/// What the graph draws of each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Graphed {
    /// Blocks instead of bytes.
    pub by_count: bool,
    /// Only rows that are AIFO in the view.
    pub impacting: bool,
}

/// The ways in which one thing can be added up, the plain one first.
#[must_use]
pub fn aggregations(figure: Metric) -> Vec<(&'static str, Metric)> {
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
    families.iter().find(|f| f.iter().any(|(_, other)| *other == figure)).map_or_else(Vec::new, |f| f.to_vec())
}
