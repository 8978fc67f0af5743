//! The place of a node of the pivot tree as texts: the same place in another view, in another order, in a new pivot of
//! other columns, in a saved file. It must never hold a number that only one pivot or one trace knows.

use super::table::Pivot;
use super::tree::{NodeId, PivotTree, Step};
use crate::group::key::Key;
use serde::{Deserialize, Serialize};

/// One narrowing on the way to a place.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceStep {
    /// To one value of a column.
    Value {
        /// The column.
        #[serde(with = "key_name")]
        key: Key,
        /// The value as tables show it.
        text: String,
    },
    /// To the stacks that begin with these frames; if another step follows, to those that end with them too.
    Frames {
        /// The column.
        #[serde(with = "key_name")]
        key: Key,
        /// From the outermost inwards, without `[Root]`; none: all stacks, the empty one too.
        frames: Vec<String>,
    },
    /// To the rows without a stack.
    NoStack {
        /// The column.
        #[serde(with = "key_name")]
        key: Key,
    },
}

/// A place: all its steps hold. Without steps it is everything.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Place(pub Vec<PlaceStep>);

impl PlaceStep {
    /// The column that the step narrows.
    #[must_use]
    pub const fn key(&self) -> Key {
        match self {
            Self::Value { key, .. } | Self::Frames { key, .. } | Self::NoStack { key } => *key,
        }
    }

    /// What the step shows of itself; `None` for the step to all stacks, which narrows nothing.
    fn title(&self) -> Option<String> {
        match self {
            Self::Value { key, text } => Some(match (text.trim_end_matches(' '), key) {
                ("", _) => format!("[No {}]", key.title()),
                (text, Key::Generation) => match text.split_once(": ") {
                    Some((number, _)) => format!("{} {number}", key.title()),
                    None => text.to_owned(),
                },
                // Bare numbers and times do not say of what.
                (text, Key::Thread | Key::Cpu | Key::Session | Key::AllocTime | Key::FreeTime | Key::Lifetime) => {
                    format!("{} {text}", key.title())
                }
                (text, _) => text.to_owned(),
            }),
            Self::Frames { frames, .. } => frames.last().cloned(),
            Self::NoStack { .. } => Some("[No stack]".to_owned()),
        }
    }
}

impl Place {
    /// The place of a node.
    #[must_use]
    pub fn of(tree: &PivotTree, node: NodeId) -> Self {
        let mut way = Vec::with_capacity(tree.depth(node));
        let mut at = node;
        while at != PivotTree::ROOT {
            way.push(tree.step(at));
            at = tree.parent(at);
        }
        way.reverse();
        Self::of_steps(tree.pivot(), &way)
    }

    /// The place at the end of steps from the top of a tree over `pivot`.
    #[must_use]
    pub fn of_steps(pivot: &Pivot, steps: &[Step]) -> Self {
        let mut place = Vec::new();
        let key = |column: usize| pivot.keys().get(column).copied();
        for (at, step) in steps.iter().enumerate() {
            let next = match *step {
                Step::Total => None,
                Step::NoStack { column } => key(column).map(|key| PlaceStep::NoStack { key }),
                Step::Value { column, id } => key(column).map(|key| {
                    let text = pivot.columns().get(column).map_or_else(String::new, |c| c.text(id).into_owned());
                    PlaceStep::Value { key, text }
                }),
                Step::Frame { column, frame } => {
                    // Of the frames of one column the innermost says all.
                    let goes_on = matches!(steps.get(at + 1), Some(Step::Frame { column: c, .. }) if *c == column);
                    let stacks = pivot.columns().get(column).and_then(|c| c.stacks());
                    let frames = || stacks.map_or_else(Vec::new, |s| s.frames(frame));
                    let owned = || frames().into_iter().map(str::to_owned).collect();
                    let key = key(column).filter(|_| !goes_on);
                    key.map(|key| PlaceStep::Frames { key, frames: owned() })
                }
            };
            place.extend(next);
        }
        Self(place)
    }

    /// The shortest name that is clear beside a table: `AIFO / NonPaged / Leak`. A stack is named by its innermost frame.
    #[must_use]
    pub fn title(&self) -> String {
        let titles: Vec<String> = self.0.iter().filter_map(PlaceStep::title).collect();
        match (titles.is_empty(), self.0.is_empty()) {
            (true, true) => "Total".to_owned(),
            (true, false) => "[Root]".to_owned(),
            _ => titles.join(" / "),
        }
    }
}

/// Keys are kept by their names.
mod key_name {
    use crate::group::key::Key;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(key: &Key, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(key.name())
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Key, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(key: Key, text: &str) -> PlaceStep {
        PlaceStep::Value { key, text: text.to_owned() }
    }

    fn frames(frames: &[&str]) -> PlaceStep {
        PlaceStep::Frames { key: Key::Stack, frames: frames.iter().map(|f| (*f).to_owned()).collect() }
    }

    #[test]
    fn titles_are_short_and_clear() {
        let title = |steps: &[PlaceStep]| Place(steps.to_vec()).title();
        let leak = [value(Key::Type, "AIFO"), value(Key::Paged, "NonPaged"), value(Key::Tag, "Fil ")];
        assert_eq!(title(&leak), "AIFO / NonPaged / Fil");
        assert_eq!(title(&[value(Key::Tag, "Leak"), frames(&["nt+1", "my+2"])]), "Leak / my+2");
        assert_eq!(title(&[frames(&[]), value(Key::Driver, ""), value(Key::Cpu, "3")]), "[No Driver] / CPU 3");
        assert_eq!(title(&[value(Key::Generation, "2: 1.000 s to 3.000 s")]), "Generation 2");
        assert_eq!(title(&[value(Key::FreeTime, "not freed")]), "Free Time not freed");
        assert_eq!((title(&[]), title(&[frames(&[])])), ("Total".to_owned(), "[Root]".to_owned()));
        assert_eq!(title(&[frames(&[]), PlaceStep::NoStack { key: Key::Stack }]), "[No stack]");
    }

    #[test]
    fn a_place_is_kept_as_words() {
        let place = Place(vec![value(Key::SizeClass, "1KB..2KB"), frames(&["a", "b"])]);
        let json = serde_json::to_string(&place).unwrap();
        let words =
            r#"[{"value":{"key":"size_class","text":"1KB..2KB"}},{"frames":{"key":"stack","frames":["a","b"]}}]"#;
        assert_eq!(json, words);
        assert_eq!(serde_json::from_str::<Place>(&json).unwrap(), place);
        assert!(serde_json::from_str::<Place>(&json.replace("size_class", "sise")).is_err());
    }
}
