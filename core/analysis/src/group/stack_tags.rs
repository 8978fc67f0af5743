//! Stack tags: names that users give to stacks by rules on their frames, in the XML of WPA's `.stacktags` files.
//!
//! The format is Microsoft's (<https://learn.microsoft.com/windows-hardware/test/wpt/stack-tags>): `Tag` elements with a `Name`
//! and a `Priority` (0 without one) contain `Entrypoint` elements with patterns for `Module` and `Method`, and further tags, whose
//! names are joined by `\`. Of all frames of a stack that an entry point matches, the one with the highest priority gives the tag;
//! of equal ones the innermost. A `HintTag` adds the frame next to the matched one: the one that it calls (`HintOperator="Callee"`)
//! or its caller, by module only unless `OnlyShowModule="false"`.

use super::frames::FrameNames;
use super::wrapper_rules::is_like;
use crate::trace::Trace;
use crate::trace::ids::{FrameId, StackId};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use rustc_hash::FxHashMap;

/// Tag of a stack that no rule matches, as in WPA.
pub const OTHER_STACKS: &str = "Other";
/// Upper bound on tags inside each other; WPA's own files use four levels.
const MAX_DEPTH: usize = 64;

/// The frame that a hint tag adds to the name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Hint {
    /// The frame that the matched one calls.
    Callee,
    /// The caller of the matched frame.
    Caller,
}

/// A tag.
#[derive(Clone, PartialEq, Eq, Debug)]
struct StackTag {
    /// Names from the outermost tag to this one, joined by `\`.
    name: String,
    priority: i64,
    hint: Option<Hint>,
    only_shows_module: bool,
}

/// A pattern of frames.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Entrypoint {
    /// File name of the module in lower case, with wildcards.
    module: String,
    /// Function in lower case, with wildcards; `*` also matches frames without a name.
    method: String,
    /// Position of its tag.
    tag: usize,
}

/// Error in a file of stack tags.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct StackTagsError {
    /// Line of the error, from 1.
    pub line: usize,
    /// The mistake.
    pub what: String,
}

/// The rules of one or more files.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StackTags {
    tags: Vec<StackTag>,
    entries: Vec<Entrypoint>,
}

impl StackTags {
    /// Reads a `.stacktags` file.
    ///
    /// # Errors
    /// The text is no XML, has no tag, or has a tag or an entry point without what it needs.
    pub fn parse(text: &str) -> Result<Self, StackTagsError> {
        let text = text.trim_start_matches('\u{feff}');
        let mut reader = Reader::from_str(text);
        let mut tags = Self::default();
        // Positions of the open tags; `None` for other elements.
        let mut open: Vec<Option<usize>> = Vec::new();
        loop {
            let event = reader.read_event();
            let at = reader.buffer_position();
            let fail = |what: String| StackTagsError { line: line_of(text, at), what };
            match event.map_err(|error| fail(format!("not valid XML: {error}")))? {
                Event::Start(element) => {
                    if open.len() >= MAX_DEPTH {
                        return Err(fail(format!("more than {MAX_DEPTH} elements inside each other")));
                    }
                    let tag = tags.element(&element, &open).map_err(fail)?;
                    open.push(tag);
                }
                Event::Empty(element) => drop(tags.element(&element, &open).map_err(fail)?),
                Event::End(_) => drop(open.pop()),
                Event::Eof if open.is_empty() => break,
                Event::Eof => return Err(fail("the file ends inside an element".to_owned())),
                _ => {}
            }
        }
        if tags.entries.is_empty() {
            let what = "there is no Tag with an Entrypoint in it: this is not a file of stack tags".to_owned();
            return Err(StackTagsError { line: 1, what });
        }
        Ok(tags)
    }

    /// Takes in an element; returns its position if it is a tag.
    fn element(&mut self, element: &BytesStart<'_>, open: &[Option<usize>]) -> Result<Option<usize>, String> {
        let around = open.iter().rev().find_map(|tag| *tag);
        match element.local_name().as_ref() {
            name @ (b"Tag" | b"HintTag") => {
                let label = attribute(element, "Name")?.unwrap_or_default();
                let outer = around.and_then(|tag| self.tags.get(tag)).map_or("", |tag| tag.name.as_str());
                let name_parts: Vec<&str> =
                    [outer, label.as_str()].into_iter().filter(|part| !part.is_empty()).collect();
                let priority = match attribute(element, "Priority")? {
                    Some(text) => {
                        text.trim().parse().map_err(|_not_a_number| format!("the priority '{text}' is not a number"))?
                    }
                    None => 0,
                };
                let hint = if name == b"HintTag" { Some(hint_of(element)?) } else { None };
                let only_shows_module = attribute(element, "OnlyShowModule")?
                    .is_none_or(|text| !matches!(text.trim().to_ascii_lowercase().as_str(), "false" | "0"));
                self.tags.push(StackTag { name: name_parts.join("\\"), priority, hint, only_shows_module });
                Ok(Some(self.tags.len() - 1))
            }
            b"Entrypoint" => {
                let pattern = |name| attribute(element, name).map(|text| text.map(|text| text.to_ascii_lowercase()));
                let (module, method) = (pattern("Module")?, pattern("Method")?);
                let tag = around.ok_or("an Entrypoint is outside of all tags")?;
                if self.tags.get(tag).is_none_or(|tag| tag.name.is_empty()) {
                    return Err("an Entrypoint is in a tag without a name".to_owned());
                }
                let module = module.ok_or("an Entrypoint has no Module")?;
                let method = method.unwrap_or_else(|| "*".to_owned());
                self.entries.push(Entrypoint { module, method, tag });
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// The rules of this file followed by those of another.
    #[must_use]
    pub fn followed_by(mut self, other: Self) -> Self {
        let first = self.tags.len();
        self.tags.extend(other.tags);
        let entries = other.entries.into_iter().map(|entry| Entrypoint { tag: entry.tag + first, ..entry });
        self.entries.extend(entries);
        self
    }

    /// Number of entry points.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns `true` without any entry point.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The tags of all stacks: the texts, and for each stack the position of its text.
    #[must_use]
    pub fn of_stacks(&self, trace: &Trace, symbols: Option<&dyn FrameNames>) -> (Vec<String>, Vec<u32>) {
        let frames = self.of_frames(trace, symbols);
        let count = trace.stacks.node_count();
        let mut best: Vec<Option<Match>> = vec![None; count];
        let mut texts = vec![OTHER_STACKS.to_owned()];
        let mut known: FxHashMap<Match, u32> = FxHashMap::default();
        let mut of_stack = vec![0_u32; count];
        // Parents come before children, so the parent's match is known.
        for node in 1..count {
            let id = StackId(node as u32);
            let parent = trace.stacks.parent(id).unwrap_or(StackId::EMPTY);
            let own = trace.stacks.frame(id).unwrap_or(FrameId::NONE);
            let mut inherited = best.get(parent.index()).copied().flatten();
            if let Some(outer) = inherited.as_mut().filter(|outer| outer.awaits_callee) {
                (outer.neighbor, outer.awaits_callee) = (own, false);
            }
            let matched = frames.get(own.index()).copied().flatten();
            let is_taken = |tag: usize| inherited.is_none_or(|outer| self.priority(tag) >= self.priority(outer.tag));
            let chosen = match matched.filter(|tag| is_taken(*tag)) {
                Some(tag) => {
                    let hint = self.tags.get(tag).and_then(|tag| tag.hint);
                    let caller = trace.stacks.frame(parent).filter(|_| hint == Some(Hint::Caller));
                    let neighbor = caller.unwrap_or(FrameId::NONE);
                    Some(Match { tag, neighbor, awaits_callee: hint == Some(Hint::Callee) })
                }
                None => inherited,
            };
            if let Some(place) = best.get_mut(node) {
                *place = chosen;
            }
            let Some(chosen) = chosen else { continue };
            let text = *known.entry(Match { awaits_callee: false, ..chosen }).or_insert_with(|| {
                texts.push(self.text(chosen, trace, symbols));
                texts.len() as u32 - 1
            });
            if let Some(place) = of_stack.get_mut(node) {
                *place = text;
            }
        }
        (texts, of_stack)
    }

    /// The tag of each frame, if an entry point matches it: that of the highest priority, of equal ones the first in the file.
    fn of_frames(&self, trace: &Trace, symbols: Option<&dyn FrameNames>) -> Vec<Option<usize>> {
        let modules = trace.modules.modules().iter();
        let of_module = |name: &str| -> Vec<&Entrypoint> {
            let name = name.to_ascii_lowercase();
            self.entries.iter().filter(|entry| is_like(&entry.module, &name)).collect()
        };
        let modules: Vec<Vec<&Entrypoint>> = modules.map(|module| of_module(&module.name)).collect();
        let rows = trace.stacks.frame_rows().iter().enumerate();
        let tag_of = |(at, row): (usize, &crate::trace::stack::Frame)| {
            let entries = modules.get(row.module.index()).filter(|entries| !entries.is_empty())?;
            let answer = symbols.and_then(|symbols| symbols.answer(FrameId(at as u32)));
            let lower = |function: &str| function.to_ascii_lowercase();
            let inlined = answer.iter().flat_map(|answer| &answer.inlined).map(|inlined| lower(&inlined.function));
            let names: Vec<String> = answer.iter().map(|answer| lower(&answer.function)).chain(inlined).collect();
            let fits =
                |entry: &&&Entrypoint| entry.method == "*" || names.iter().any(|name| is_like(&entry.method, name));
            // `max_by_key` takes the last of equal ones.
            let best = entries.iter().filter(fits).rev().max_by_key(|entry| self.priority(entry.tag))?;
            Some(best.tag)
        };
        rows.map(tag_of).collect()
    }

    fn priority(&self, tag: usize) -> i64 {
        self.tags.get(tag).map_or(0, |tag| tag.priority)
    }

    fn text(&self, chosen: Match, trace: &Trace, symbols: Option<&dyn FrameNames>) -> String {
        let Some(tag) = self.tags.get(chosen.tag) else { return OTHER_STACKS.to_owned() };
        let Some(row) = trace.stacks.frame_rows().get(chosen.neighbor.index()).filter(|_| tag.hint.is_some()) else {
            return tag.name.clone();
        };
        let module = trace.modules.get(row.module).map_or_else(|| format!("{:#x}", row.address), |m| m.name.clone());
        let function = symbols.and_then(|symbols| symbols.answer(chosen.neighbor)).map(|answer| &*answer.function);
        match function.filter(|_| !tag.only_shows_module) {
            Some(function) => format!("{}\\{module}\\{function}", tag.name),
            None => format!("{}\\{module}", tag.name),
        }
    }
}

/// The matched tag of a stack.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Match {
    tag: usize,
    /// The frame that a hint adds; [`FrameId::NONE`] without one.
    neighbor: FrameId,
    /// True until the next frame inwards, which is the callee, is known.
    awaits_callee: bool,
}

fn hint_of(element: &BytesStart<'_>) -> Result<Hint, String> {
    let operator = attribute(element, "HintOperator")?.unwrap_or_default();
    match operator.trim().to_ascii_lowercase().as_str() {
        "callee" => Ok(Hint::Callee),
        "caller" => Ok(Hint::Caller),
        _ => Err(format!("the HintOperator '{operator}' is neither Caller nor Callee")),
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    let invalid = |error: &dyn std::fmt::Display| format!("not valid XML: {error}");
    let found = element.try_get_attribute(name).map_err(|error| invalid(&error))?;
    let value = found.map(|found| found.normalized_value(XmlVersion::Explicit1_0).map(std::borrow::Cow::into_owned));
    value.transpose().map_err(|error| invalid(&error))
}

/// The line of a byte.
fn line_of(text: &str, at: u64) -> usize {
    let before = text.as_bytes().get(..usize::try_from(at).unwrap_or(usize::MAX).min(text.len())).unwrap_or_default();
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::test_util::{FakeNames, block, trace};

    const FILE: &str = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Tag Name=\"\">\n  <!-- rules -->\n  <Tag Name=\"Faults\">\n    \
        <Tag Name=\"Grow &amp; leak\"><Entrypoint Module=\"MYFAULT.sys\" Method=\"Grow*\"/></Tag>\n    \
        <Entrypoint Module=\"other.sys\" Method=\"*\"/>\n  </Tag>\n  \
        <Tag Name=\"Guard\" Priority=\"1\"><Entrypoint Module=\"wdf*.sys\" Method=\"*\"/></Tag>\n  \
        <Tag Name=\"System\" Priority=\"-1\"><Entrypoint Module=\"nt*.exe\" Method=\"Nt*\"/></Tag>\n  \
        <HintTag Name=\"Call\" HintOperator=\"Callee\" Priority=\"-2\"><Entrypoint Module=\"app.exe\" Method=\"*\"/></HintTag>\n</Tag>";

    /// The tag of a stack by a file.
    fn tag(file: &str, stack: &'static [&'static str], functions: &[(&str, &str)]) -> String {
        let tags = StackTags::parse(file).expect("a file");
        let mut one = block(Some(1), None, 8);
        one.stack = stack;
        let trace = trace(&[one]);
        let symbols = FakeNames::new(&trace, functions);
        let (texts, of_stack) = tags.of_stacks(&trace, Some(&symbols));
        texts[of_stack[trace.allocations.alloc_stack[0].index()] as usize].clone()
    }

    #[test]
    fn the_highest_priority_and_then_the_innermost_frame_gives_the_tag() {
        let names = &[("my:30", "GrowPool"), ("my:31", "Idle"), ("nt:20", "NtClose")];
        assert_eq!(tag(FILE, &["nt:20", "my:30"], names), "Faults\\Grow & leak");
        assert_eq!(tag(FILE, &["my:30", "other:4"], names), "Faults", "the innermost of equal ones");
        assert_eq!(tag(FILE, &["other:4", "my:30", "nt:40"], names), "Faults\\Grow & leak");
        assert_eq!(tag(FILE, &["wdf:1", "my:30"], names), "Guard", "priority 1 precedes 0");
        assert_eq!(tag(FILE, &["my:30", "nt:20"], names), "Faults\\Grow & leak", "priority -1 comes last");
        assert_eq!(tag(FILE, &["nt:20", "my:31"], names), "System");
        assert_eq!(tag(FILE, &["my:31", "nt:40"], names), "Other");
        assert_eq!(tag(FILE, &[], names), "Other");
    }

    #[test]
    fn hints_add_the_frame_beside_the_matched_one() {
        let names = &[("app:10", "main"), ("my:31", "Idle")];
        assert_eq!(tag(FILE, &["app:10", "my:31"], names), "Call\\myfault.sys");
        assert_eq!(tag(FILE, &["my:31", "app:10"], names), "Call", "it calls nothing");
        let whole = FILE.replace("Callee\"", "Caller\" OnlyShowModule=\"false\"");
        assert_eq!(tag(&whole, &["my:31", "app:10", "nt:40"], names), "Call\\myfault.sys\\Idle");
        assert_eq!(tag(&whole, &["app:10", "nt:40"], names), "Call");
    }

    #[test]
    fn of_two_tags_for_one_frame_the_first_in_the_file_is_taken() {
        let file = "<Tag Name=\"a\"><Entrypoint Module=\"my*\" Method=\"*\"/></Tag>\
                    <Tag Name=\"b\"><Entrypoint Module=\"myfault.sys\" Method=\"*\"/></Tag>";
        assert_eq!(tag(file, &["my:31"], &[]), "a");
        let both = StackTags::parse(FILE).unwrap().followed_by(StackTags::parse(file).unwrap());
        assert_eq!(both.len(), 7);
        assert_eq!(both.tags[both.entries[6].tag].name, "b");
    }

    #[test]
    fn errors_name_their_line() {
        let error = |text: &str| StackTags::parse(text).expect_err("an error").to_string();
        assert!(
            error("<Tag Name=\"a\">\n<Entrypoint Method=\"x\"/>\n</Tag>")
                .starts_with("line 2: an Entrypoint has no Module")
        );
        assert!(error("<Tag Name=\"a\">\n\n<Entrypoint").contains("not valid XML"));
        assert!(error("<Tag Name=\"a\">").contains("ends inside an element"));
        assert!(error("<Tag Name=\"a\" Priority=\"high\"/>").contains("'high' is not a number"));
        assert!(error("<HintTag Name=\"a\" HintOperator=\"both\"/>").contains("neither Caller nor Callee"));
        assert!(error("<Tag Name=\"\"><Entrypoint Module=\"a\" Method=\"*\"/></Tag>").contains("without a name"));
        assert!(error("wrapper a!b").contains("not a file of stack tags"));
        let deep = "<a>".repeat(100);
        assert!(error(&deep).contains("more than 64 elements"));
    }
}
