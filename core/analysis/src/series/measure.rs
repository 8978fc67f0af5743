//! What a curve shows.

use crate::group::key::nearest;
use std::str::FromStr;

/// How blocks become values.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// Blocks with allocation time <= t < free time.
    Outstanding,
    /// Blocks with allocation time <= t, freed or not.
    Cumulative,
    /// Blocks allocated since the point before, per second; 0 at the first point.
    Rate,
}

/// What a curve shows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Measure {
    /// How blocks become values.
    pub kind: Kind,
    /// Number of blocks instead of their bytes.
    pub by_count: bool,
}

const NAMES: [(&str, Measure); 6] = [
    ("outstanding", Measure { kind: Kind::Outstanding, by_count: false }),
    ("cumulative", Measure { kind: Kind::Cumulative, by_count: false }),
    ("rate", Measure { kind: Kind::Rate, by_count: false }),
    ("count", Measure { kind: Kind::Outstanding, by_count: true }),
    ("cumulative_count", Measure { kind: Kind::Cumulative, by_count: true }),
    ("rate_count", Measure { kind: Kind::Rate, by_count: true }),
];

impl Measure {
    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|n| n.1 == self).map_or("", |n| n.0)
    }
}

impl FromStr for Measure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = NAMES.iter().find(|n| n.0 == text).map(|n| n.1);
        found.ok_or_else(|| {
            let near = nearest(text, NAMES.iter().map(|n| n.0));
            let hint = near.map_or_else(String::new, |n| format!("; did you mean '{n}'?"));
            format!("there is no measure '{text}'{hint}")
        })
    }
}
