//! The query being written: its text, where it is wrong, and what could complete it.

use std::ops::Range;

use poolscope_analysis::filter::{Completions, Query};

/// The query box.
#[derive(Debug, Clone, Default)]
pub struct QueryField {
    /// Text of the field.
    pub text: String,
    /// Error in it: position in bytes and a sentence.
    pub error: Option<(Range<usize>, String)>,
    /// The step of the filter that it takes the place of.
    pub editing: Option<Query>,
    /// Completions at the cursor.
    pub completions: Option<Completions>,
    /// The completion that Enter or Tab would take.
    pub chosen: Option<usize>,
    /// The box shall take the keyboard.
    pub wants_focus: bool,
    /// The texts that complete queries were asked for.
    pub asked: bool,
    /// These texts are there.
    pub is_prepared: bool,
    /// They came after text was typed: it can be completed now.
    pub is_late: bool,
    /// Completions are to be offered once the texts are there.
    pub awaited: bool,
}

impl QueryField {
    /// The text as a query; `None` if it is empty or wrong (the error then has the position).
    pub fn parse(&mut self) -> Option<Query> {
        match self.text.parse::<Query>() {
            Ok(query) => {
                self.error = None;
                (!query.is_everything()).then_some(query)
            }
            Err(error) => {
                self.error = Some((error.span.clone(), error.to_string()));
                None
            }
        }
    }

    /// Puts a completion in its place; returns where the cursor belongs, in characters.
    pub fn complete(&mut self, at: usize) -> Option<usize> {
        let completions = self.completions.take()?;
        let item = completions.items.get(at)?;
        let range = completions.replace;
        if !self.text.is_char_boundary(range.start) || !self.text.is_char_boundary(range.end) {
            return None;
        }
        let end = range.start + item.insert.len();
        self.text.replace_range(range, &item.insert);
        self.chosen = None;
        Some(self.text.get(..end)?.chars().count())
    }
}
