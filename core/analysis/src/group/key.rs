//! Key columns: the list of their names, titles, sources and kinds of values.

use crate::filter::query::FieldKind;
use std::fmt;
use std::str::FromStr;

/// The part of an allocation that a key column takes its values from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyOrigin {
    /// The lifetime class, which depends on the visible range.
    LifetimeClass,
    /// Attributes of the allocation event, which many allocations share.
    Attributes,
    /// The allocation stack.
    AllocationStack,
    /// The free stack.
    FreeStack,
    /// The size, of which there are few classes.
    SizeClass,
    /// The allocation time, of which there are few intervals.
    Generation,
    /// The row itself: nearly every row has its own value.
    Row,
}

macro_rules! keys {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $title:literal, $origin:ident, $kind:ident;)*) => {
        /// A column that rows can be grouped by.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Key {
            $($(#[$doc])* $variant,)*
        }

        impl Key {
            /// All key columns, in the order of the column chooser.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in commands, queries and files.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The name in table headers.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// The part of an allocation that the values come from.
            #[must_use]
            pub const fn origin(self) -> KeyOrigin {
                match self { $(Self::$variant => KeyOrigin::$origin,)* }
            }

            /// The kind of the values in queries.
            #[must_use]
            pub const fn kind(self) -> FieldKind {
                match self { $(Self::$variant => FieldKind::$kind,)* }
            }
        }
    };
}

keys! {
    /// Lifetime class: AIFI, AIFO, AOFI or AOFO.
    Type = "type", "Type", LifetimeClass, Text;
    /// Impacting (AIFO) or Transient (the other lifetime classes).
    ImpactingType = "impacting_type", "Impacting Type", LifetimeClass, Text;
    /// Paged or NonPaged.
    Paged = "paged", "Paged", Attributes, Text;
    /// Windows name of the pool type.
    PoolType = "pool_type", "Pool Type", Attributes, Text;
    /// Pool tag.
    Tag = "tag", "Pool Tag", Attributes, Text;
    /// Description of the tag in the user's `pooltag.txt`.
    TagDescription = "tag_description", "Tag Description", Attributes, CodeText;
    /// Driver that the user's `pooltag.txt` names for the tag.
    PoolTagModule = "pool_tag_module", "Pool Tag Module", Attributes, CodeText;
    /// Module of the responsible frame.
    Driver = "driver", "Driver", AllocationStack, CodeText;
    /// Function of the responsible frame.
    Function = "function", "Function", AllocationStack, CodeText;
    /// Allocation stack, as a tree.
    Stack = "stack", "Stack", AllocationStack, CodeText;
    /// Free stack, as a tree.
    FreeStack = "free_stack", "Free Stack", FreeStack, CodeText;
    /// Name that the user's stack tags give to the allocation stack.
    StackTag = "stack_tag", "Stack Tag", AllocationStack, CodeText;
    /// Process of the allocation, `name (pid)`.
    Process = "process", "Process", Attributes, Text;
    /// Thread of the allocation.
    Thread = "thread", "Thread", Attributes, Number;
    /// Processor of the allocation.
    Cpu = "cpu", "CPU", Attributes, Number;
    /// Session of a session-pool allocation.
    Session = "session", "Session", Attributes, Number;
    /// Power-of-two class of the size.
    SizeClass = "size_class", "Size Class", SizeClass, Text;
    /// Address of the allocation.
    Address = "address", "Address", Row, Number;
    /// Time of the allocation.
    AllocTime = "alloc_time", "Alloc Time", Row, Time;
    /// Time of the free.
    FreeTime = "free_time", "Free Time", Row, Time;
    /// Time from allocation to free.
    Lifetime = "lifetime", "Lifetime", Row, Time;
    /// Interval between two markers on the time axis in which the allocation was made.
    Generation = "generation", "Generation", Generation, Number;
}

impl Key {
    /// The columns whose values come from the user's `pooltag.txt`.
    pub const FROM_POOL_TAGS: [Self; 2] = [Self::TagDescription, Self::PoolTagModule];

    /// Returns `true` for a column of whole stacks, which expands as a tree of frames.
    #[must_use]
    pub const fn is_stack(self) -> bool {
        matches!(self, Self::Stack | Self::FreeStack)
    }

    /// Returns `true` if the values come from stacks, so that a trace has to be loaded with them.
    #[must_use]
    pub const fn needs_stacks(self) -> bool {
        matches!(self.origin(), KeyOrigin::AllocationStack | KeyOrigin::FreeStack)
    }

    /// Returns `true` if nearly every row has its own value.
    #[must_use]
    pub const fn is_per_row(self) -> bool {
        matches!(self.origin(), KeyOrigin::Row)
    }

    /// Returns `true` if the values depend on the visible range.
    #[must_use]
    pub const fn depends_on_range(self) -> bool {
        matches!(self.origin(), KeyOrigin::LifetimeClass)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Error of a name that is not that of a key column.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is no column '{name}'{}", suggest(.suggestion.as_deref()))]
pub struct UnknownKey {
    /// The name as written.
    pub name: String,
    /// The most similar name, if one is similar.
    pub suggestion: Option<String>,
}

fn suggest(name: Option<&str>) -> String {
    name.map_or_else(String::new, |n| format!("; did you mean '{n}'?"))
}

impl FromStr for Key {
    type Err = UnknownKey;

    fn from_str(text: &str) -> Result<Self, UnknownKey> {
        let wanted = text.trim().to_ascii_lowercase().replace(['-', ' '], "_");
        let found = Self::ALL.iter().copied().find(|k| k.name() == wanted);
        found.ok_or_else(|| UnknownKey {
            name: text.trim().to_owned(),
            suggestion: nearest(&wanted, Self::ALL.iter().map(|k| k.name())).map(str::to_owned),
        })
    }
}

/// The name with the smallest edit distance from `wanted`, the first of equals; `None` if none is similar.
#[must_use]
pub fn nearest<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let wanted = wanted.to_ascii_lowercase();
    let best = names.map(|name| (edits(&wanted, &name.to_ascii_lowercase()), name)).min_by_key(|b| b.0)?;
    let limit = (wanted.chars().count().max(best.1.chars().count()) / 2).max(1);
    (best.0 <= limit).then_some(best.1)
}

/// Edit distance (insert, delete, replace, swap of neighbors).
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut next = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replace = row[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            next[j] = replace.min(row[j] + 1).min(next[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                next[j] = next[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

/// Parses a comma-separated list of key columns; repeated ones count once.
///
/// # Errors
/// The first name that is not that of a key column.
pub fn parse_keys(text: &str) -> Result<Vec<Key>, UnknownKey> {
    let mut keys: Vec<Key> = Vec::new();
    for part in text.split(',').filter(|p| !p.trim().is_empty()) {
        let key = part.parse()?;
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_and_misspellings_are_corrected() {
        for key in Key::ALL {
            assert_eq!(key.name().parse::<Key>().unwrap(), *key);
        }
        assert_eq!(parse_keys("type, Paged,pool-type,type").unwrap(), vec![Key::Type, Key::Paged, Key::PoolType]);
        let error = parse_keys("type,satck").unwrap_err();
        assert_eq!(error.to_string(), "there is no column 'satck'; did you mean 'stack'?");
        assert_eq!("zzzzzzzz".parse::<Key>().unwrap_err().suggestion, None);
    }
}
