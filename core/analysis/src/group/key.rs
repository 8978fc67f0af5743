//! The key columns by name. This is the one list of them.

use std::fmt;
use std::str::FromStr;

macro_rules! keys {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $title:literal;)*) => {
        /// A column that rows can be grouped by.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Key {
            $($(#[$doc])* $variant,)*
        }

        impl Key {
            /// Every key column, in the order of the column chooser.
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
        }
    };
}

keys! {
    /// AIFI, AIFO, AOFI or AOFO, relative to the time range.
    Type = "type", "Type";
    /// Impacting (AIFO) or Transient, relative to the time range.
    ImpactingType = "impacting_type", "Impacting Type";
    /// Paged or NonPaged.
    Paged = "paged", "Paged";
    /// The pool's Windows name.
    PoolType = "pool_type", "Pool Type";
    /// Pool tag.
    Tag = "tag", "Pool Tag";
    /// Description of the tag in the user's `pooltag.txt`.
    TagDescription = "tag_description", "Tag Description";
    /// Module of the frame that is responsible for the allocation.
    Driver = "driver", "Driver";
    /// Function of that frame.
    Function = "function", "Function";
    /// Stack of the allocation, a tree.
    Stack = "stack", "Stack";
    /// Stack of the free, a tree.
    FreeStack = "free_stack", "Free Stack";
    /// Process of the allocation, `name (pid)`.
    Process = "process", "Process";
    /// Thread of the allocation.
    Thread = "thread", "Thread";
    /// Processor of the allocation.
    Cpu = "cpu", "CPU";
    /// Session of a session-pool allocation.
    Session = "session", "Session";
    /// Power-of-two class of the size.
    SizeClass = "size_class", "Size Class";
    /// Address of the allocation.
    Address = "address", "Address";
    /// Time of the allocation.
    AllocTime = "alloc_time", "Alloc Time";
    /// Time of the free.
    FreeTime = "free_time", "Free Time";
    /// Time from allocation to free.
    Lifetime = "lifetime", "Lifetime";
    /// The marks on the time axis between which the allocation was made.
    Generation = "generation", "Generation";
}

impl Key {
    /// True for a column that shows whole stacks and expands as a tree of frames.
    #[must_use]
    pub const fn is_stack(self) -> bool {
        matches!(self, Self::Stack | Self::FreeStack)
    }

    /// True for a column whose values come from stacks, so that a trace has to be loaded with them.
    #[must_use]
    pub const fn needs_stacks(self) -> bool {
        matches!(self, Self::Driver | Self::Function | Self::Stack | Self::FreeStack)
    }

    /// True for a column in which nearly every row has a value of its own, so that it is an id per row.
    #[must_use]
    pub const fn is_per_row(self) -> bool {
        matches!(self, Self::Address | Self::AllocTime | Self::FreeTime | Self::Lifetime)
    }

    /// True for a column whose values depend on the time range.
    #[must_use]
    pub const fn depends_on_view(self) -> bool {
        matches!(self, Self::Type | Self::ImpactingType)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no key column.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is no column '{name}'{}", suggest(.suggestion.as_deref()))]
pub struct UnknownKey {
    /// The name as written.
    pub name: String,
    /// The nearest name, if one is near.
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

/// The name with the fewest edits from `wanted`, the first of equals; `None` if even that one is not near.
#[must_use]
pub fn nearest<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let wanted = wanted.to_ascii_lowercase();
    let best = names.map(|name| (edits(&wanted, &name.to_ascii_lowercase()), name)).min_by_key(|b| b.0)?;
    let limit = (wanted.chars().count().max(best.1.chars().count()) / 2).max(1);
    (best.0 <= limit).then_some(best.1)
}

/// Edit distance (insert, delete, replace, swap of neighbours).
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

/// A comma-separated list of key columns.
///
/// # Errors
///
/// The first name that is no column.
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
