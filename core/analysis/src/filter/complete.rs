//! Completions at the cursor of a query: columns, keywords, values of the trace. The text may contain mistakes. An inserted value
//! is always read back as that value.

use super::parse::{OPERATORS, Operator};
use super::query::{Field, FieldKind, Pattern};
use crate::group::column_values::ColumnValues;
use crate::group::key::{Key, KeyOrigin};
use std::ops::Range;

/// Upper bound on the number of offered values.
pub const MAX_VALUES: usize = 20;
const JOINS: [&str; 2] = ["AND", "OR"];

/// The completions at a cursor.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Completions {
    /// The bytes of the query that an item replaces.
    pub replace: Range<usize>,
    /// The completions, best first.
    pub items: Vec<Completion>,
}

/// One completion.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Completion {
    /// The text to insert, in quotes if needed.
    pub insert: String,
    /// The text to display.
    pub show: String,
    /// A short explanation; may be empty.
    pub note: String,
}

/// The completions at a cursor, a byte offset that is limited to the end of the text.
///
/// The first call for a column computes its values, which takes up to seconds for drivers, functions and stacks of a large
/// trace. A caller that cannot wait calls [`column_at`] first and has [`ColumnValues::column`] computed elsewhere.
#[must_use]
pub fn complete(text: &str, cursor: usize, names: &ColumnValues) -> Completions {
    let cursor = boundary(text, cursor);
    match spot(text, cursor) {
        Spot::Name { replace, written, after_test } => Completions { items: columns(written, after_test), replace },
        Spot::Value { field, operator, replace, written } => {
            let present = text.get(replace.clone()).unwrap_or("");
            let mut items = values(field, operator, &written, names);
            items.retain(|item| item.insert != present);
            Completions { replace, items }
        }
        Spot::Nothing => Completions { replace: cursor..cursor, items: Vec::new() },
    }
}

/// The column whose values [`complete`] would read, so that they can be computed beforehand.
#[must_use]
pub fn column_at(text: &str, cursor: usize) -> Option<Key> {
    match spot(text, boundary(text, cursor)) {
        Spot::Value { field: Field::Key(key), operator, .. } if has_texts(key) && takes_values(operator) => Some(key),
        _ => None,
    }
}

fn boundary(text: &str, cursor: usize) -> usize {
    text.floor_char_boundary(cursor.min(text.len()))
}

/// The part of a query that the cursor is in.
enum Spot<'t> {
    /// The name of a column, or a position where one may begin.
    Name {
        replace: Range<usize>,
        written: &'t str,
        after_test: bool,
    },
    /// A value. Without an operator it follows a plain `:`.
    Value {
        field: Field,
        operator: Option<Operator>,
        replace: Range<usize>,
        written: String,
    },
    Nothing,
}

fn spot(text: &str, cursor: usize) -> Spot<'_> {
    let mut at = 0;
    let mut after_test = false;
    loop {
        let rest = &text[at..];
        let Some(c) = rest.chars().next().filter(|_| at < cursor) else {
            return Spot::Name { replace: cursor..cursor, written: "", after_test };
        };
        let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        if !is_name(c) {
            after_test = c == ')' || (after_test && c != '(');
            at += c.len_utf8();
            continue;
        }
        let name = &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())];
        let (colon, operator, width) = operator(&rest[name.len()..]);
        if cursor <= at + name.len() {
            let end = at + name.len() + usize::from(colon);
            return Spot::Name { replace: at..end, written: &text[at..cursor], after_test };
        }
        let value_at = at + name.len() + width;
        if width == 0 {
            // AND, OR and NOT, or a name whose operator is missing yet.
            let joins = ["AND", "OR", "NOT"].iter().any(|w| w.eq_ignore_ascii_case(name));
            after_test = !joins;
            at = value_at;
        } else if cursor < value_at {
            return Spot::Nothing;
        } else {
            let (end, is_closed) = value_end(text, value_at);
            let inside = if is_closed { cursor < end } else { cursor <= end };
            if inside {
                let Some(field) = Field::parse(name) else { return Spot::Nothing };
                let quoted = text[value_at..cursor].strip_prefix('"');
                // An unclosed quote would include all the text after the cursor.
                let end = if quoted.is_some() && !is_closed { cursor } else { end };
                let written = quoted.map_or_else(|| text[value_at..cursor].to_owned(), unescaped);
                return Spot::Value { field, operator, replace: value_at..end, written };
            }
            at = end;
            after_test = true;
        }
    }
}

/// The operator at the start of a text: true if it begins with a colon, the operator after it, and the number of bytes.
fn operator(text: &str) -> (bool, Option<Operator>, usize) {
    let after = text.strip_prefix(':');
    let rest = after.unwrap_or(text);
    let found = OPERATORS.iter().find(|o| rest.starts_with(o.0));
    (after.is_some(), found.map(|o| o.1), usize::from(after.is_some()) + found.map_or(0, |o| o.0.len()))
}

/// The end of the value that begins at `from`; true if it is a closing quote.
fn value_end(text: &str, from: usize) -> (usize, bool) {
    let value = &text[from..];
    let Some(quoted) = value.strip_prefix('"') else {
        let mut open = 0usize;
        let end = value.char_indices().find(|(_, c)| match c {
            '(' => {
                open += 1;
                false
            }
            ')' if open > 0 => {
                open -= 1;
                false
            }
            c => *c == ')' || c.is_whitespace(),
        });
        return (from + end.map_or(value.len(), |e| e.0), false);
    };
    let mut escaped = false;
    let close = quoted.char_indices().find(|(_, c)| {
        let closes = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        closes
    });
    close.map_or((text.len(), false), |(at, _)| (from + 1 + at + 1, true))
}

fn unescaped(text: &str) -> String {
    text.replace("\\\"", "\"").replace("\\\\", "\\")
}

fn columns(written: &str, after_test: bool) -> Vec<Completion> {
    let mut found = Found::new(written, usize::MAX);
    for field in Key::ALL.iter().map(|k| Field::Key(*k)).chain([Field::Size]) {
        let title = match field {
            Field::Key(key) => key.title(),
            Field::Size => "Size",
        };
        let name = format!("{}:", field.name());
        let item =
            || Completion { insert: name.clone(), show: name.clone(), note: format!("{title}: {}", hint(field)) };
        found.offer_as(&[field.name(), title], item);
    }
    let words = JOINS.iter().filter(|_| after_test).chain(["NOT"].iter());
    for word in words {
        let item = || Completion { insert: format!("{word} "), show: (*word).to_owned(), note: String::new() };
        found.offer_as(&[word], item);
    }
    found.items()
}

fn hint(field: Field) -> &'static str {
    match (field.kind(), field) {
        (FieldKind::Text, _) => "the whole text, * and ? stand for anything",
        (FieldKind::CodeText, _) => "any part of the text",
        (FieldKind::Bytes, _) => "bytes, such as >64KB or 1KB..4KB",
        (FieldKind::Number, _) => "a number, decimal or 0x",
        (FieldKind::Time, Field::Key(Key::Lifetime)) => "a span, such as <10ms or 1s..5s",
        (FieldKind::Time, _) => "seconds from the start, such as 2.5 or 10..20",
    }
}

/// Returns `true` if the values of a column are offered as texts. Those of a column with a value per row are too many, and generations are
/// offered by number.
fn has_texts(key: Key) -> bool {
    !matches!(key.origin(), KeyOrigin::Row | KeyOrigin::Generation)
}

fn takes_values(operator: Option<Operator>) -> bool {
    matches!(operator, None | Some(Operator::Equal | Operator::NotEqual))
}

fn values(field: Field, operator: Option<Operator>, written: &str, names: &ColumnValues) -> Vec<Completion> {
    let mut found = Found::new(written, MAX_VALUES);
    let Field::Key(key) = field else {
        return Vec::new();
    };
    if !takes_values(operator) {
        return Vec::new();
    }
    let plain = |insert: &str, note: &str| {
        let insert = insert.to_owned();
        Completion { show: insert.clone(), insert, note: note.to_owned() }
    };
    let missing = match key {
        Key::AllocTime => Some(("none", "allocated before the trace")),
        Key::FreeTime => Some(("never", "not freed in the trace")),
        Key::Lifetime => Some(("none", "not freed, or allocated before the trace")),
        Key::Session => Some(("none", "not in a session pool")),
        _ => None,
    };
    if let Some((word, note)) = missing {
        found.offer_as(&[word], || plain(word, note));
    }
    if key == Key::Generation {
        let trace = names.trace();
        for (number, label) in names.generations().labels(trace.extent, &trace.clock).iter().enumerate() {
            let number = number.to_string();
            found.offer_as(&[&number, label], || plain(&number, label));
        }
    }
    if !has_texts(key) {
        return found.items();
    }
    let column = names.column(key);
    let item = |text: &str| {
        // Trailing spaces of a tag can be omitted.
        let value = if key == Key::Tag { text.trim_end_matches(' ') } else { text };
        let insert = Pattern { text: value.to_owned(), wildcards: false }.to_string();
        Completion { insert, show: text.to_owned(), note: String::new() }
    };
    if let Some(stacks) = column.stacks() {
        for text in stacks.texts() {
            found.offer_as(&[text], || item(text));
        }
        return found.items();
    }
    for id in 0..column.count() {
        let text = column.text(id);
        if !text.trim().is_empty() {
            found.offer_as(&[&text], || item(&text));
        } else if field.kind() == FieldKind::CodeText && operator.is_none() && written.is_empty() {
            let insert = "=\"\"".to_owned();
            found.offer_as(&[""], || Completion { insert, show: format!("[No {}]", key.title()), note: String::new() });
        }
        if found.is_full() {
            break;
        }
    }
    found.items()
}

/// Completions that begin with the written text, then those that contain it, without regard to case.
struct Found {
    written: String,
    limit: usize,
    begin: Vec<Completion>,
    contain: Vec<Completion>,
}

impl Found {
    fn new(written: &str, limit: usize) -> Self {
        // Of a pattern, the part before its first wildcard counts.
        let fixed = written.split(['*', '?']).next().unwrap_or("");
        Self { written: fixed.to_lowercase(), limit, begin: Vec::new(), contain: Vec::new() }
    }

    /// Adds an item if one of its names matches.
    fn offer_as(&mut self, names: &[&str], item: impl FnOnce() -> Completion) {
        let lower = names.iter().map(|n| n.to_lowercase());
        let place = lower.filter_map(|n| n.find(&self.written)).min();
        let list = match place {
            Some(0) => &mut self.begin,
            Some(_) => &mut self.contain,
            None => return,
        };
        if list.len() < self.limit {
            list.push(item());
        }
    }

    fn is_full(&self) -> bool {
        self.begin.len() >= self.limit
    }

    fn items(mut self) -> Vec<Completion> {
        self.begin.append(&mut self.contain);
        self.begin.truncate(self.limit);
        self.begin
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CompiledQuery, Query};
    use super::*;
    use crate::group::parallel::not_cancelled;
    use crate::group::test_util::{Block, block, names, random_blocks};

    /// The completions at the `|`.
    fn at(names: &ColumnValues, text: &str) -> (Completions, String) {
        let cursor = text.find('|').unwrap();
        let text = text.replace('|', "");
        (complete(&text, cursor, names), text)
    }

    fn inserts(names: &ColumnValues, text: &str) -> Vec<String> {
        at(names, text).0.items.into_iter().map(|i| i.insert).collect()
    }

    /// The query with the first completion applied.
    fn first(names: &ColumnValues, text: &str) -> String {
        let (found, mut text) = at(names, text);
        text.replace_range(found.replace, &found.items[0].insert);
        text
    }

    #[test]
    fn the_first_offer_continues_what_is_written() {
        let names = names(&random_blocks(3, 200));
        for (before, after) in [
            ("ta|", "tag:"),
            ("tag:Leak AND si|", "tag:Leak AND size_class:"),
            ("(t|ag:Leak)", "(type:Leak)"),
            ("tag:Leak a|", "tag:Leak address:"),
            ("tag:Leak an|", "tag:Leak AND "),
            ("tag:Leak AND n|", "tag:Leak AND NOT "),
            ("tag:le|", "tag:Leak"),
            ("tag:|", "tag:Fil"),
            ("tag:n|tf OR size:>1", "tag:NtfA OR size:>1"),
            ("tag:\\x*|", "tag:Ntf\\x01"),
            ("type:aif|", "type:AIFI"),
            ("process:not|", "process:\"NotMyfault.exe (1234)\""),
            ("process:\"SVC|host\" tag:Leak", "process:\"svchost.exe (800)\" tag:Leak"),
            ("process!=\"svc|", "process!=\"svchost.exe (800)\""),
            ("process:\"svc| tag:Leak", "process:\"svchost.exe (800)\" tag:Leak"),
            ("NOT (paged:n|)", "NOT (paged:NonPaged)"),
            ("driver:=fault|", "driver:=myfault.sys"),
            ("driver:|", "driver:=\"\""),
            ("stack:MY|", "stack:myfault.sys+0x30"),
            ("size_class:4|", "size_class:4B..8B"),
            ("thread:|", "thread:0"),
            ("session:no|", "session:none"),
            ("free_time:|", "free_time:never"),
            ("generation:1|0", "generation:1"),
            ("generation:bef|", "generation:0"),
        ] {
            assert_eq!(first(&names, before), after);
        }
    }

    #[test]
    fn nothing_is_offered_where_nothing_can_be_known() {
        let names = names(&random_blocks(3, 200));
        for text in ["size:|", "size:>6|", "thread:>|", "tag:~\"Le|\"", "nothing:a|", "tag!|=Leak", "tag:Leak|"] {
            assert_eq!(inserts(&names, text), [""; 0], "{text}");
        }
        let all = inserts(&names, "|");
        assert_eq!(all.len(), Key::ALL.len() + 2);
        assert!(all.contains(&"NOT ".to_owned()) && !all.contains(&"AND ".to_owned()));
        assert_eq!(inserts(&names, "tag:Leak |").len(), all.len() + 2);
        assert_eq!(inserts(&names, "NOT |").len(), all.len());
        assert_eq!(complete("tag:µ", 99, &names).replace, 4..6);
        assert_eq!(complete("tag:µ", 5, &names).replace, 4..6);
    }

    #[test]
    fn values_that_begin_so_come_before_those_that_contain_it_and_are_not_too_many() {
        let blocks = (0..100).map(|n| Block { thread: 1000 - n, ..block(Some(1), None, 8) }).collect::<Vec<_>>();
        let names = names(&blocks);
        let found = inserts(&names, "thread:10|");
        assert_eq!(found, ["1000", "910"]);
        assert_eq!(inserts(&names, "thread:9|").len(), MAX_VALUES);
        assert_eq!(column_at("thread:1 driver:", 16), Some(Key::Driver));
        assert_eq!((column_at("address:", 8), column_at("tag:~a", 6), column_at("ta", 2)), (None, None, None));
    }

    #[test]
    fn every_offered_value_of_every_column_is_read_back_and_takes_rows() {
        let mut blocks = random_blocks(9, 400);
        blocks.push(Block { tag: b"*(?\"", ..block(Some(2000), None, 8) });
        blocks.push(Block { tag: b"=!~\\", ..block(Some(2000), None, 8) });
        let names = names(&blocks);
        let mut asked = 0;
        for key in Key::ALL {
            for separator in [":", "="] {
                let start = format!("{key}{separator}");
                let found = complete(&start, start.len(), &names);
                for item in found.items {
                    let text = format!("{start}{}", item.insert);
                    let query: Query = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
                    let printed = query.to_string();
                    assert_eq!(printed.parse::<Query>().as_ref(), Ok(&query), "{text} became {printed}");
                    let rows = CompiledQuery::new(&query, &names, names.trace().extent);
                    let rows = rows.rows(names.trace(), &not_cancelled).unwrap();
                    let outside_trace = matches!(key, Key::SizeClass | Key::Stack | Key::FreeStack | Key::Type);
                    assert!(rows.count() > 0 || outside_trace, "{text}");
                    asked += 1;
                }
            }
        }
        assert!(asked > 80, "{asked}");
    }
}
