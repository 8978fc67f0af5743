//! Merges the changes of one window into the settings file: another window may have written since this one read. Knows
//! JSON and which lists are about what; decides nothing about values.

use serde_json::{Map, Value};

use super::{COMMANDS, RECENT, TRACES};

/// A list whose entries are told apart.
struct List {
    /// The field that holds it.
    field: &'static str,
    /// The field of an entry that tells it from others; `None`: the entry itself.
    key: Option<&'static str>,
    /// Entries at most.
    most: usize,
    /// True if the newest entry comes first, else it comes last.
    newest_first: bool,
}

const LISTS: [List; 4] = [
    List { field: "recent", key: Some("path"), most: RECENT, newest_first: true },
    List { field: "commands", key: None, most: COMMANDS, newest_first: true },
    List { field: "traces", key: Some("path"), most: TRACES, newest_first: true },
    List { field: "presets", key: Some("name"), most: usize::MAX, newest_first: false },
];

/// `file` with what changed between `before` and `after`; all else stays, known or not.
#[must_use]
pub fn patched(file: Value, before: &Value, after: &Value) -> Value {
    match after {
        Value::Object(after) => Value::Object(object(file, before, after)),
        other => other.clone(),
    }
}

fn object(file: Value, before: &Value, after: &Map<String, Value>) -> Map<String, Value> {
    let mut file = match file {
        Value::Object(file) => file,
        _ => Map::new(),
    };
    for (name, after) in after {
        let before = before.get(name).unwrap_or(&Value::Null);
        if before == after && file.contains_key(name) {
            continue;
        }
        let old = file.get(name).cloned().unwrap_or(Value::Null);
        let list = LISTS.iter().find(|list| list.field == name);
        let new = match (list, after) {
            (Some(list), Value::Array(after)) => Value::Array(list.merged(entries(&old), entries(before), after)),
            (None, Value::Object(after)) => Value::Object(object(old, before, after)),
            (_, after) => after.clone(),
        };
        file.insert(name.clone(), new);
    }
    file
}

fn entries(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

impl List {
    fn key<'v>(&self, entry: &'v Value) -> Option<&'v Value> {
        match self.key {
            Some(key) => entry.get(key),
            None => Some(entry),
        }
    }

    fn has(&self, entries: &[Value], wanted: &Value) -> bool {
        entries.iter().any(|entry| self.key(entry).is_some() && self.key(entry) == self.key(wanted))
    }

    fn merged(&self, file: &[Value], before: &[Value], after: &[Value]) -> Vec<Value> {
        let is_gone = |entry: &Value| self.has(before, entry) && !self.has(after, entry);
        let stays = file.iter().filter(|entry| !is_gone(entry));
        let mut merged: Vec<Value> = if self.newest_first {
            let new = new_in_front(before, after);
            new.iter().chain(stays.filter(|entry| !self.has(new, entry))).cloned().collect()
        } else {
            let changed: Vec<&Value> = after.iter().filter(|entry| !before.contains(entry)).collect();
            let own = |entry: &Value| changed.iter().find(|new| self.key(new) == self.key(entry)).copied();
            let kept = stays.map(|entry| own(entry).unwrap_or(entry).clone());
            let added = changed.iter().filter(|new| !self.has(file, new)).map(|new| (*new).clone());
            kept.chain(added).collect()
        };
        merged.truncate(self.most);
        merged
    }
}

/// The entries that were put in front: what follows them stood there before, in this order.
fn new_in_front<'v>(before: &[Value], after: &'v [Value]) -> &'v [Value] {
    let mut old = before.iter().rev();
    let kept = after.iter().rev().take_while(|entry| old.any(|other| other == *entry)).count();
    after.get(..after.len() - kept).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_changed_is_carried_over() {
        let before = json!({ "theme": "light", "panels": { "summary": true, "width": 208.0 }, "rules": ["a"] });
        let after = json!({ "theme": "dark", "panels": { "summary": true, "width": 300.0 }, "rules": ["b", "c"] });
        let file =
            json!({ "theme": "light", "panels": { "summary": false, "width": 208.0, "new": 7 }, "color": "green" });
        let wanted = json!({
            "theme": "dark", "panels": { "summary": false, "width": 300.0, "new": 7 }, "color": "green", "rules": ["b", "c"]
        });
        assert_eq!(patched(file, &before, &after), wanted);
        assert_eq!(patched(Value::Null, &before, &after), after, "nothing was written yet");
        // A value that is not understood stays until the user sets another one.
        let unknown = json!({ "theme": "sepia" });
        assert_eq!(patched(unknown.clone(), &json!({ "theme": "system" }), &json!({ "theme": "system" })), unknown);
    }

    #[test]
    fn lists_of_two_windows_are_joined() {
        let recent = |paths: &[&str]| json!({ "recent": paths.iter().map(|path| json!({ "path": path, "bytes": 1 })).collect::<Vec<_>>() });
        let merged = |file: &[&str], before: &[&str], after: &[&str]| {
            let merged = patched(recent(file), &recent(before), &recent(after));
            let paths = merged["recent"].as_array().expect("a list").iter().map(|entry| entry["path"].to_string());
            paths.collect::<String>().replace('"', "")
        };
        assert_eq!(merged(&["d", "a", "b"], &["a", "b"], &["c", "a", "b"]), "cdab", "both opened one");
        assert_eq!(merged(&["d", "a", "b"], &["a", "b"], &["b"]), "db", "one was taken off the list");
        assert_eq!(merged(&["d", "a", "b"], &["a", "b"], &["b", "a"]), "bda", "one was opened again");
        assert_eq!(merged(&["a", "b"], &["a", "b"], &["a", "b"]), "ab");
        let many: Vec<String> = (0..RECENT).map(|n| format!("{n},")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let merged = merged(&many, &[], &["new,"]);
        assert!(merged.starts_with("new,0,1,") && merged.matches(',').count() == RECENT, "{merged}");
        let commands = |all: &[&str]| json!({ "commands": all });
        let ran = patched(commands(&["x", "a", "b"]), &commands(&["a", "b"]), &commands(&["b", "a"]));
        assert_eq!(ran, commands(&["b", "x", "a"]));
    }

    #[test]
    fn presets_keep_their_order_and_those_that_are_not_understood() {
        let presets = |all: &[(&str, u32)]| json!({ "presets": all.iter().map(|(name, n)| json!({ "name": name, "n": n })).collect::<Vec<_>>() });
        let file = presets(&[("other's", 1), ("a", 1), ("b", 1), ("strange", 9)]);
        let (before, after) = (presets(&[("a", 1), ("b", 1)]), presets(&[("a", 2), ("c", 3)]));
        let wanted = presets(&[("other's", 1), ("a", 2), ("strange", 9), ("c", 3)]);
        assert_eq!(patched(file, &before, &after), wanted);
    }
}
