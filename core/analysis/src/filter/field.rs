//! What a query can ask about: every key column, and the size.

use crate::group::key::{Key, nearest};

/// A column of a query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Field {
    /// A key column.
    Key(Key),
    /// The size in bytes.
    Size,
}

/// What kind of value a column has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Text; a plain value has to match the whole of it.
    Text,
    /// Text of a place in code; a plain value has to occur in it.
    Place,
    /// Bytes.
    Bytes,
    /// A plain number, decimal or `0x…`.
    Number,
    /// Seconds from the trace's start, or a span of time.
    Time,
}

impl Field {
    /// The column of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        if name == "size" {
            return Some(Self::Size);
        }
        Key::ALL.iter().find(|k| k.name() == name).map(|k| Self::Key(*k))
    }

    /// The column with the nearest name.
    #[must_use]
    pub fn nearest(name: &str) -> Option<&'static str> {
        nearest(name, Key::ALL.iter().map(|k| k.name()).chain(["size"]))
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Key(key) => key.name(),
            Self::Size => "size",
        }
    }

    /// What kind of value it has.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Size => Kind::Bytes,
            Self::Key(key) => match key {
                Key::Driver | Key::Function | Key::Stack | Key::FreeStack | Key::TagDescription => Kind::Place,
                Key::Thread | Key::Cpu | Key::Session | Key::Address | Key::Generation => Kind::Number,
                Key::AllocTime | Key::FreeTime | Key::Lifetime => Kind::Time,
                _ => Kind::Text,
            },
        }
    }

    /// Whether upper and lower case differ: only tags are written in both.
    #[must_use]
    pub const fn is_case_sensitive(self) -> bool {
        matches!(self, Self::Key(Key::Tag))
    }
}
