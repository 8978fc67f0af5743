//! What is wrong with a query, where, and what was probably meant.

use std::ops::Range;

/// A mistake in a query.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("column {column}: {message}{}", .suggestion.as_ref().map_or_else(String::new, |s| format!("; did you mean '{s}'?")))]
pub struct QueryError {
    /// Where: characters from the start of the text, the first is 1.
    pub column: usize,
    /// The text at fault, in bytes from the start of the query; always within it and between characters. Empty where
    /// something is missing at the end.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What was probably meant, in place of the text at fault.
    pub suggestion: Option<String>,
}

impl QueryError {
    /// A mistake at character `at` (the first is 0).
    pub(super) fn at(at: usize, message: impl Into<String>) -> Self {
        Self { column: at + 1, span: at..at + 1, message: message.into(), suggestion: None }
    }

    /// The same with these characters at fault.
    pub(super) fn over(mut self, characters: Range<usize>) -> Self {
        self.span = characters;
        self
    }

    /// The same with a span in bytes of `text` instead of characters.
    pub(super) fn in_bytes(mut self, text: &str) -> Self {
        let byte = |character: usize| text.char_indices().nth(character).map_or(text.len(), |c| c.0);
        self.span = byte(self.span.start)..byte(self.span.end);
        self
    }

    pub(super) fn suggest(mut self, suggestion: Option<impl Into<String>>) -> Self {
        self.suggestion = suggestion.map(Into::into);
        self
    }
}
