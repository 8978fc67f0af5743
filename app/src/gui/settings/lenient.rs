//! Lenient reading of settings: a value that is not known is skipped, and the others are read.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Upper bound on the characters of a value in a message.
const SHOWN: usize = 40;

/// Reads a JSON value field by field, and lists the values that were left out, with their places. Fields that are missing must
/// have defaults.
pub fn read<T: DeserializeOwned + Default>(given: Value) -> (T, Vec<String>) {
    if let Ok(whole) = T::deserialize(&given) {
        return (whole, Vec::new());
    }
    let mut reader = Reader { fits: &|value| T::deserialize(value).is_ok(), left_out: Vec::new() };
    let kept = reader.value(&mut Vec::new(), given).unwrap_or(Value::Object(Map::new()));
    (serde_json::from_value(kept).unwrap_or_default(), reader.left_out)
}

struct Reader<'r> {
    fits: &'r dyn Fn(&Value) -> bool,
    left_out: Vec<String>,
}

impl Reader<'_> {
    /// As much of a value as fits in its place.
    fn value(&mut self, place: &mut Vec<String>, given: Value) -> Option<Value> {
        if (self.fits)(&at(place, given.clone())) {
            return Some(given);
        }
        let before = self.left_out.len();
        let shown = given.to_string();
        let kept = match given {
            Value::Object(fields) => Value::Object(self.fields(place, fields)),
            Value::Array(entries) => Value::Array(self.entries(place, entries)),
            _ => Value::Null,
        };
        if kept != Value::Null && (self.fits)(&at(place, kept.clone())) {
            return Some(kept);
        }
        // It is the whole that is not known, and not a part of it.
        self.left_out.truncate(before);
        self.leave_out(place, &shown);
        None
    }

    fn fields(&mut self, place: &mut Vec<String>, fields: Map<String, Value>) -> Map<String, Value> {
        let mut kept = Map::new();
        for (name, value) in fields {
            place.push(name);
            let value = self.value(place, value);
            let name = place.pop();
            kept.extend(name.zip(value));
        }
        kept
    }

    fn entries(&mut self, place: &[String], entries: Vec<Value>) -> Vec<Value> {
        let mut kept = Vec::with_capacity(entries.len());
        for entry in entries {
            if (self.fits)(&at(place, Value::Array(vec![entry.clone()]))) {
                kept.push(entry);
            } else {
                self.leave_out(place, &entry.to_string());
            }
        }
        kept
    }

    fn leave_out(&mut self, place: &[String], shown: &str) {
        let value = match shown.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}\u{2026}", &shown[..end]),
            None => shown.to_owned(),
        };
        self.left_out.push(format!("{}: {value}", place.join(".")));
    }
}

/// A value in its place, with nothing beside it.
fn at(place: &[String], value: Value) -> Value {
    place.iter().rev().fold(value, |inner, name| Value::Object(Map::from_iter([(name.clone(), inner)])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::settings::{Settings, Theme};
    use serde_json::json;

    #[test]
    fn a_value_that_is_not_known_costs_itself() {
        let given = json!({
            "theme": "sepia",
            "scale_percent": 125,
            "panels": { "summary": false, "summary_width": "wide" },
            "symbols": 7,
            "recent": [{ "path": "a.etl" }, { "bytes": 3 }, "b.etl", { "path": "c.etl", "bytes": 4 }],
            "commands": "none",
            "color": "green"
        });
        let (settings, left_out) = read::<Settings>(given);
        assert_eq!((settings.theme, settings.scale_percent), (Theme::System, 125));
        assert!(!settings.panels.summary && settings.panels.summary_width > 100.0 && settings.symbols.automatic);
        let paths: Vec<_> = settings.recent.iter().map(|recent| recent.path.display().to_string()).collect();
        assert_eq!(paths, ["a.etl", "c.etl"]);
        let wanted = [
            "theme: \"sepia\"",
            "panels.summary_width: \"wide\"",
            "symbols: 7",
            "recent: {\"bytes\":3}",
            "recent: \"b.etl\"",
            "commands: \"none\"",
        ];
        assert_eq!(left_out, wanted);
    }

    #[test]
    fn what_is_known_is_read_as_it_is() {
        assert_eq!(read::<Settings>(json!({})), (Settings::default(), vec![]));
        let (settings, left_out) = read::<Settings>(json!({ "theme": "dark", "of another version": { "theme": 7 } }));
        assert_eq!((settings.theme, left_out), (Theme::Dark, vec![]));
        let (settings, left_out) = read::<Settings>(json!({ "folder": "x".repeat(3), "version": "x".repeat(100) }));
        assert!(
            settings.folder.is_some() && left_out[0].ends_with('\u{2026}') && left_out[0].len() < 60,
            "{left_out:?}"
        );
    }
}
